"""House style that a machine can check: names, sizes, where imports stand.

Each check is a function of a source tree, shown to find a planted violation.
"""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from statistics import quantiles
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 600  # lines of a file
LONG_FILES: dict[str, str] = {}  # file: why it may be longer

# Slow or optional packages, imported inside the function that needs them.
LAZY = ("scipy", "pycuda", "graphviz", "anywidget", "ipywidgets", "matplotlib")
LAZY += ("IPython", "pygments", "traitlets", "mpmath")
# Late imports of symnb's own parts: (file, what), and why.
LATE = {
    ("__init__.py", "symnb.*"): "public names are resolved at first use",
    ("__main__.py", "symnb.*"): "each command imports what it runs",
    ("compile/function.py", "symnb.compile.native"): "it builds the dispatcher",
    ("compile/function.py", "symnb.compile.reference"): "it brings the optimiser along",
    ("compile/variant.py", "symnb.compile.story"): "not needed for cached programs",
}


def sources(root: Path) -> Iterator[tuple[str, ast.Module, str]]:
    """(path below symnb, syntax tree, text) of every file of the package."""
    for path in sorted((root / "symnb").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(root / "symnb").as_posix()
        yield name, ast.parse(text, str(path)), text


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def may_be_late(name: str, target: str) -> bool:
    """Whether the file `name` may import `target` inside a function."""
    listed = (fnmatch(target, what) for file, what in LATE if file == name)
    return target.split(".")[0] in LAZY or any(listed)


def late_imports(root: Path) -> list[str]:
    """Imports inside functions, other than of the lazy packages."""
    found = []
    for name, tree, _ in sources(root):
        inner = (node for f in functions(tree) for node in ast.walk(f))
        for node in inner:
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                targets = [f"{'.' * node.level}{node.module or ''}"]
            else:
                continue
            wrong = [target for target in targets if not may_be_late(name, target)]
            found += [f"symnb/{name}:{node.lineno}: late import of {t}" for t in wrong]
    return sorted(set(found))


def long_files(root: Path) -> list[str]:
    """Files beyond the limit without a written reason."""
    sizes = {name: text.count("\n") for name, _, text in sources(root)}
    return [
        f"symnb/{name}: {lines} lines, at most {LIMIT}"
        for name, lines in sizes.items()
        if lines > LIMIT and name not in LONG_FILES
    ]


def headless_files(root: Path) -> list[str]:
    """Files that do not begin by saying what they are."""
    return [
        f"symnb/{name}: no header docstring"
        for name, tree, text in sources(root)
        if text.strip() and not ast.get_docstring(tree)
    ]


BANNED = ("util*", "helper*", "misc*", "manager*", "common*", "data", "info")


def vague_names(root: Path) -> list[str]:
    """Files and packages whose name says nothing."""
    return [
        f"symnb/{name}: name the concept instead"
        for name, _, _ in sources(root)
        for part in Path(name).with_suffix("").parts
        if any(fnmatch(part.strip("_"), pattern) for pattern in BANNED)
    ]


CHECKS = [late_imports, long_files, headless_files, vague_names]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_house_has_no(check) -> None:
    assert check(ROOT) == []


PLANTED = [
    (late_imports, "core/a.py", '"""A."""\ndef f():\n    import json', "json"),
    (late_imports, "core/a.py", "def f():\n    from symnb.ops import b", "symnb.ops"),
    (late_imports, "core/a.py", "def f():\n    from . import b", "late import of ."),
    (long_files, "core/a.py", '"""A."""\n' + "x = 1\n" * 600, "601 lines"),
    (headless_files, "core/a.py", "x = 1\n", "no header"),
    (vague_names, "core/graph_a.py", '"""A."""', ""),
    (vague_names, "core/utils.py", '"""A."""', "core/utils.py"),
    (vague_names, "_helpers/a.py", '"""A."""', "_helpers/a.py"),
]


@pytest.mark.parametrize(("check", "file", "text", "reason"), PLANTED)
def test_a_planted_fault_is_found(
    check, file: str, text: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "symnb" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = check(tmp_path)
    assert [reason in line for line in found] == [True] * bool(reason)


def test_functions_fit_a_screen() -> None:
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for _, tree, _ in sources(ROOT)
        for node in functions(tree)
    ]
    if len(lengths) >= 20:
        assert quantiles(lengths, n=20)[-1] <= 40


def modules() -> Iterator[str]:
    """Dotted names of all modules of the package but the command line."""
    for name, _, _ in sources(ROOT):
        parts = ["symnb", *Path(name).with_suffix("").parts]
        if parts[-1] != "__main__":
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_module_has_the_name_of_a_public_object() -> None:
    # `from .dot import dot` in a package hides its module `dot`, or the module
    # hides the function, depending on what was imported first.
    clashes = []
    for name in modules():
        importlib.import_module(name)
    for name in modules():
        package, _, last = name.rpartition(".")
        if not package:
            continue
        value = getattr(sys.modules[package], last, None)
        if not isinstance(value, ModuleType) or value is not sys.modules[name]:
            clashes.append(f"{package}.{last} is {value!r}, not the module {name}")
    assert clashes == []


def test_importing_symnb_loads_nothing_slow() -> None:
    program = "import sys, symnb; print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {"symnb", "numpy"} & set(done.stdout.split())
    assert set(LAZY) & set(done.stdout.split()) == set()
