"""Loading, unloading, help and completion."""

from IPython.core.completer import provisionalcompleter

import symnb
from symnb.errors import SymnbError

LINES = (
    "symgraph",
    "sympasses",
    "symexplain",
    "symsource",
    "symprofile",
    "symmemory",
    "symcheck",
    "symrules",
    "symnb",
)


def _magics(shell) -> tuple[set[str], set[str]]:
    known = shell.magics_manager.magics
    return set(known["line"]), set(known["cell"])


def test_loading_twice_is_loading_once(notebook) -> None:
    before = _magics(notebook.shell)
    symnb.load_ipython_extension(notebook.shell)
    notebook("%reload_ext symnb")
    assert _magics(notebook.shell) == before
    hooks = notebook.shell.strdispatchers["complete_command"].strs["%%symfunc"]
    assert len(list(hooks)) == 1


def test_unloading_takes_everything_away(notebook) -> None:
    line, cell = _magics(notebook.shell)
    assert set(LINES) <= line and "symfunc" in cell
    notebook("%unload_ext symnb")
    line, cell = _magics(notebook.shell)
    assert not set(LINES) & line and "symfunc" not in cell
    assert not hasattr(SymnbError, "_render_traceback_")
    notebook("%load_ext symnb")


def test_help_is_written_for_every_magic(notebook) -> None:
    assert "--wrt NAME" in notebook("%%symfunc?")
    for name in LINES:
        shown = notebook(f"%{name}?")
        assert f"%{name}" in shown
        assert "usage:" in shown


def _completed(shell, line: str) -> set[str]:
    with provisionalcompleter():
        return {found.text for found in shell.Completer.completions(line, len(line))}


def test_options_and_functions_are_completed(notebook) -> None:
    assert "--device" in _completed(notebook.shell, "%%symfunc f(x) --d")
    notebook("%%symfunc lossy(x: vector)\nx")
    assert "lossy" in _completed(notebook.shell, "%symgraph los")
    assert "--text" in _completed(notebook.shell, "%symgraph --t")


def test_vocabulary_leaves_builtins_alone(notebook) -> None:
    from symnb.magics.extension import vocabulary

    words = vocabulary()
    assert {"softmax", "vector", "f64", "logsumexp", "switch"} <= set(words)
    assert not {"sum", "max", "abs", "round"} & set(words)
    notebook("%%symfunc f(x: vector)\nk = sum([1, 2])\nsoftplus(x) + k")
