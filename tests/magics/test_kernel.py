"""The same in a real Jupyter kernel, where cells live in files that do not exist."""

import re

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = [
    "%load_ext symnb\nimport numpy as np, symnb\nsymnb.config.device = 'py'\nk = 2",
    "%%symfunc f(x: f64[n, 3], w: vector)\nnp.exp(x @ w) * k",
    "%%symfunc g(x: vector)\ny = np.exp(x)\ny + undefined_name",
    "f(np.ones(3), 1)",
    "str(f.graph.nodes[0].site)",
]


@pytest.mark.slow
def test_kernel_shows_results_and_the_lines_of_mistakes() -> None:
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in CELLS]
    )
    settings = {"allow_errors": True, "timeout": 60, "store_widget_state": False}
    NotebookClient(book, kernel_name="python3", **settings).execute()
    _, shown, unknown, rank, site = [cell.outputs for cell in book.cells]
    assert set(shown[0].data) == {"text/plain", "text/html"}
    assert "k = 2 (cell 1)" in shown[0].data["text/plain"]
    text = _plain(unknown[0])
    assert "----> 3 y + undefined_name" in text
    assert "symnb/" not in text
    assert "cell 2, line 1" in _plain(rank[0])
    assert "symnb/" not in _plain(rank[0])
    assert site[0].data["text/plain"] == "'cell 2, line 2'"


def _plain(output) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
