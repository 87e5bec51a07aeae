"""Every test of the call path runs on the C dispatcher and on its cffi twin."""

from typing import Any

import pytest

from symnb.compile.runtime import dispatch, foreign


@pytest.fixture(params=["dispatch", "foreign"])
def Call(request: pytest.FixtureRequest) -> Any:
    """The class `Call` of one of the two call paths."""
    if request.param == "foreign":
        return foreign.Call
    module = dispatch.load()
    assert module is not None
    return module.Call
