"""What the stored notebooks must be, beyond what nbval compares.

nbval sees a changed output; it does not see a magic that never ran, a cell that
compares nothing, or an output that only this machine can give.
"""

import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
IGNORED = 2  # cells a notebook may have whose output is not compared
KILOBYTES = 1000  # size of a notebook, pictures included

# What gives an output away as this machine's own, or the run as incomplete.
SUSPECT = {
    "a magic that did not run": re.compile(r"UsageError"),
    "a path of one machine": re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users)/"),
    "an address": re.compile(r"\bat 0x[0-9a-f]{6,}"),
    "a warning": re.compile(r"\w+Warning:"),
}


def code_cells(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The code cells that have a source."""
    return [c for c in book.cells if c.cell_type == "code" and c.source.strip()]


def text_of(output: nbformat.NotebookNode) -> str:
    """The compared text of an output: what was printed, or its plain form."""
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def faults(book: nbformat.NotebookNode) -> list[str]:
    """Everything wrong with a notebook, as 'cell n: what'."""
    found = ["widget state is stored"] if "widgets" in book.metadata else []
    cells = code_cells(book)
    for n, cell in enumerate(cells, 1):
        if cell.execution_count != n:
            found.append(f"cell {n}: ran as number {cell.execution_count}, not {n}")
        if cell.source.rstrip().endswith(";"):
            found.append(f"cell {n}: ends in ';'; write `_ = ...`")
        text = "\n".join(map(text_of, cell.outputs))
        found += [f"cell {n}: {w}" for w, sign in SUSPECT.items() if sign.search(text)]
    ignored = [c for c in cells if is_ignored(c)]
    if len(ignored) > IGNORED:
        found.append(f"{len(ignored)} cells compare nothing, at most {IGNORED}")
    return found


def is_ignored(cell: nbformat.NotebookNode) -> bool:
    """Whether nbval compares nothing of the cell."""
    tags = {"nbval-ignore-output", "nbval-skip"} & set(cell.metadata.get("tags", ()))
    return bool(tags) or "NBVAL_IGNORE_OUTPUT" in cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_notebook_is_complete_and_of_no_machine(path: Path) -> None:
    assert faults(nbformat.read(path, as_version=4)) == []
    assert path.stat().st_size <= KILOBYTES * 1000


def ran(*pairs: tuple[str, str]) -> nbformat.NotebookNode:
    """A notebook whose cells, (source, printed text), ran in order."""
    book = nbformat.v4.new_notebook()
    for n, (source, text) in enumerate(pairs, 1):
        outputs = [nbformat.v4.new_output("stream", text=text)] if text else []
        book.cells.append(
            nbformat.v4.new_code_cell(source, outputs=outputs, execution_count=n)
        )
    return book


PLANTED = [
    (("%%symfunk", "UsageError: no such magic"), "cell 1: a magic"),
    (("f", "/home/ada/.cache/symnb/k.c"), "cell 1: a path"),
    (("f", "<object at 0x7f00aa11>"), "cell 1: an address"),
    (("f", "RuntimeWarning: overflow"), "cell 1: a warning"),
    (("plt.plot(x);", ""), "cell 1: ends in ';'"),
]


@pytest.mark.parametrize(("pair", "fault"), PLANTED)
def test_a_planted_fault_is_found(pair: tuple[str, str], fault: str) -> None:
    [found] = faults(ran(pair))
    assert found.startswith(fault)


def test_cells_that_did_not_run_in_order_are_found() -> None:
    book = ran(("1", ""), ("2", ""))
    book.cells[1].execution_count = None
    assert faults(book) == ["cell 2: ran as number None, not 2"]


def test_too_many_ignored_cells_are_found() -> None:
    book = ran(*[(f"{n}  # NBVAL_IGNORE_OUTPUT", "") for n in range(3)])
    assert faults(book) == ["3 cells compare nothing, at most 2"]


def test_a_clean_notebook_has_no_fault() -> None:
    assert faults(ran(("x = 1", ""), ("print(x / 2)", "0.5\n"))) == []
