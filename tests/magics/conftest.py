"""A fresh IPython shell with the extension loaded, and a way to run cells in it."""

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import symnb


class Notebook:
    """Cells run one after the other, as in a notebook."""

    def __init__(self, shell: InteractiveShell, capsys: Any) -> None:
        self.shell = shell
        self._capsys = capsys

    @property
    def names(self) -> dict[str, Any]:
        return self.shell.user_ns

    def __call__(self, cell: str) -> str:
        """What a cell prints and shows. Fails the test if the cell fails."""
        result = self.shell.run_cell(cell, store_history=True)
        result.raise_error()
        return self._capsys.readouterr().out

    def value(self, cell: str) -> Any:
        """The result of a cell."""
        result = self.shell.run_cell(cell, store_history=True)
        result.raise_error()
        self._capsys.readouterr()
        return result.result

    def fails(self, cell: str) -> tuple[BaseException, str]:
        """The exception of a cell, and the traceback it prints."""
        result = self.shell.run_cell(cell, store_history=True)
        error = result.error_in_exec or result.error_before_exec
        assert error is not None, "the cell did not fail"
        assert type(error).__name__ != "UsageError"
        return error, self._capsys.readouterr().out


@pytest.fixture
def notebook(capsys: Any) -> Iterator[Notebook]:
    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell.instance(config=config)
    with symnb.config.change(device="py"):
        run = Notebook(shell, capsys)
        run("%load_ext symnb\nimport numpy as np, symnb")  # cell 1
        yield run
        run("%unload_ext symnb")
    InteractiveShell.clear_instance()
