"""`make store`: run every notebook and keep its outputs, which tests then assert.

Reproducible mode and one thread, as the test runs them. Usage:
python -m tools.store [NOTEBOOK ...], by default all of notebooks/.
"""

import os
import sys
from pathlib import Path

os.environ |= {"SYMNB_REPRODUCIBLE": "1", "SYMNB_THREADS": "1"}

import nbformat

from tools.demo import ROOT, execute


def main(arguments: list[str]) -> int:
    """Store each notebook's outputs; the number of notebooks that failed."""
    paths = [Path(a) for a in arguments] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    failed = 0
    for path in paths:
        book = nbformat.read(path, as_version=4)
        trouble = execute(book, path.parent)
        failed += bool(trouble)
        print(f"{path.name}: {'failed' if trouble else 'stored'}\n{trouble}".rstrip())
        for cell in book.cells:  # when a cell ran says nothing about the notebook
            cell.metadata.pop("execution", None)
        if not trouble:
            nbformat.write(book, path)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
