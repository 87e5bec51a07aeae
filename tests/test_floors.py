"""The package is a house: imports go to a lower floor only (docs: architecture).

Read from the source by `ast`, so that imports inside functions and under
TYPE_CHECKING count too. Third-party packages are imported only where listed.
"""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS = {
    "errors": 0,
    "options": 0,
    "core": 1,
    "ops": 2,
    "optim": 3,
    "gradient": 4,
    "compile": 5,
    "tensor": 6,
    "viz": 7,
    "magics": 8,
}
ROOF = 9  # symnb/__init__.py, __main__.py, cuda.py, names-only modules

# Third-party packages beyond NumPy and cffi, and the files that may import them.
GUESTS = {
    "scipy": ("ops/*", "compile/*"),
    "mpmath": ("optim/exact.py",),
    "platformdirs": ("compile/*",),
    "pycuda": ("compile/*",),
    "graphviz": ("viz/*",),
    "pygments": ("viz/*",),
    "anywidget": ("viz/*",),
    "ipywidgets": ("viz/*",),
    "traitlets": ("viz/*", "magics/*"),
    "matplotlib": ("viz/*",),
    "IPython": ("core/site.py", "viz/*", "magics/*", "__init__.py"),
}
RESIDENTS = {"numpy", "cffi", *sys.stdlib_module_names}


def floor_of(parts: tuple[str, ...]) -> int:
    """The floor of the module or package whose dotted name below symnb is `parts`."""
    return FLOORS.get(parts[0], ROOF) if parts else ROOF


def imports(tree: ast.Module, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of every import; `package` resolves dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = [*base, *(node.module or "").split(".")]
            for alias in node.names:
                yield node.lineno, ".".join(filter(None, [*stem, alias.name]))


def fault(source: str, parts: tuple[str, ...], target: str) -> str:
    """Why the file `source`, a module `parts` below symnb, may not import `target`."""
    top, *below = target.split(".")
    floor = floor_of(parts)
    if top != "symnb":
        welcome = top in RESIDENTS or any(
            fnmatch(source, p) for p in GUESTS.get(top, ())
        )
        return "" if welcome else f"imports {top}, which is not listed for it"
    if floor == ROOF:
        return ""
    name = below[0] if below else ""
    if name not in FLOORS:
        return "imports the roof; write `from symnb.<floor> import ...`"
    if FLOORS[name] < floor or name == parts[0]:
        return ""
    return f"floor {floor} imports {name} on floor {FLOORS[name]}"


def faults(root: Path) -> list[str]:
    """All violations in the package `root`/symnb, as 'file:line: reason'."""
    found = []
    base = root / "symnb"
    for path in sorted(base.rglob("*.py")):
        source = path.relative_to(base).as_posix()
        parts = path.relative_to(base).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        parts = parts[:-1] if is_package else parts
        package = ("symnb", *parts) if is_package else ("symnb", *parts[:-1])
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for line, target in imports(tree, package):
            if reason := fault(source, parts, target):
                found.append(f"symnb/{source}:{line}: {reason}")
    return found


def test_imports_go_to_lower_floors_only() -> None:
    assert faults(ROOT) == []


PLANTED = [
    ("core/node.py", "from symnb.ops.add import add", "floor 1 imports ops"),
    ("core/node.py", "from symnb import ops", "floor 1 imports ops"),
    ("core/node.py", "def f():\n    import symnb.viz.text", "floor 1 imports viz"),
    ("core/node.py", "import symnb", "imports the roof"),
    ("core/node.py", "from symnb import grad", "imports the roof"),
    ("core/node.py", "import scipy.special", "imports scipy"),
    ("core/node.py", "import torch", "imports torch"),
    ("core/node.py", "from ..ops import add", "floor 1 imports ops"),
    ("core/__init__.py", "from ..ops import add", "floor 1 imports ops"),
    ("core/deep/node.py", "from ...optim.rule import Rule", "floor 1 imports optim"),
    ("errors.py", "from symnb.options import config", "floor 0 imports options"),
    ("optim/a.py", "if TYPE_CHECKING:\n    from symnb.gradient import grad", "floor 3"),
    ("viz/text.py", "from symnb.magics.func import func", "floor 7 imports magics"),
]


@pytest.mark.parametrize(("file", "text", "reason"), PLANTED)
def test_a_planted_violation_is_found(
    file: str, text: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "symnb" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    [found] = faults(tmp_path)
    assert found.startswith(f"symnb/{file}:")
    assert reason in found


LAWFUL = [
    ("core/node.py", "from symnb.core.types import TensorType"),
    ("core/node.py", "from .types import TensorType"),
    ("core/node.py", "from . import types"),
    ("core/node.py", "import numpy as np, ast, cffi"),
    ("core/node.py", "from symnb.errors import ShapeError"),
    ("ops/special.py", "def f():\n    import scipy.special"),
    ("magics/func.py", "import symnb.viz.text\nfrom symnb.core.node import Node"),
    ("__init__.py", "from symnb.magics import load"),
    ("cuda.py", "import symnb"),
]


@pytest.mark.parametrize(("file", "text"), LAWFUL)
def test_a_lawful_import_is_let_through(file: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "symnb" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert faults(tmp_path) == []
