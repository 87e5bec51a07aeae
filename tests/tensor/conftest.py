"""Every program runs on the reference and on compiled C."""

from collections.abc import Iterator

import pytest

import symnb


@pytest.fixture(params=["py", pytest.param("c", marks=pytest.mark.cc)])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    with symnb.config.change(device=request.param):
        yield request.param
