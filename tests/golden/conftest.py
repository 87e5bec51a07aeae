"""`--update-golden` writes the golden files anew; the difference is for `git diff`.

python -m pytest tests/golden --update-golden
"""

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write golden files anew"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """golden(path, text): `text` equals the file tests/golden/`path`."""
    update = request.config.getoption("--update-golden", default=False)

    def check(path: str, text: str) -> None:
        file = Path(__file__).parent / path
        if update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            return
        want = file.read_text() if file.exists() else ""
        difference = difflib.unified_diff(
            want.splitlines(), text.splitlines(), "golden", "now", lineterm=""
        )
        assert text == want, "\n".join(difference)

    return check
