"""`make demo`: runs a notebook, prints its results, writes it as a page in build/.

The results are the outputs of the cells tagged `result`. Usage:
python -m tools.demo [NOTEBOOK], by default notebooks/00_quickstart.ipynb.
"""

import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools.page import page

ROOT = Path(__file__).resolve().parent.parent
QUICKSTART = ROOT / "notebooks" / "00_quickstart.ipynb"
CELL_SECONDS = 600


def execute(book: nbformat.NotebookNode, folder: Path) -> str:
    """Run `book` in `folder`, filling in its outputs; the failing cell's traceback."""
    client = NotebookClient(
        book,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return str(error)
    return ""


def results(book: nbformat.NotebookNode) -> str:
    """What the cells tagged `result` printed or returned, as text."""
    texts = [
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for cell in book.cells
        if "result" in cell.metadata.get("tags", ())
        for output in cell.outputs
    ]
    return "\n".join(text.rstrip() for text in texts if text)


def main(arguments: list[str]) -> int:
    """Run the notebook and write its page; 0 if every cell ran."""
    source = Path(arguments[0]) if arguments else QUICKSTART
    if not source.exists():
        print(f"There is no notebook {source}.", file=sys.stderr)
        return 1
    title = re.sub(r"^\d+_", "", source.stem)
    target = ROOT / "build" / f"{title}.html"
    target.parent.mkdir(exist_ok=True)
    book = nbformat.read(source, as_version=4)

    print(f"Running {source.name} ...", flush=True)
    start = time.perf_counter()
    failure = execute(book, source.parent)
    print(f"Ran in {time.perf_counter() - start:.1f} s.")
    print(failure or results(book))
    target.write_text(page(book, title.capitalize()), encoding="utf-8")
    print(f"The page: {target} ({target.stat().st_size // 1000} kB)")
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
