"""`%%symfunc`: a cell becomes a compiled function, shown with its passes.

    %%symfunc loss(x: f64[n, 64], w: vector) --wrt w
    z = np.exp(x @ w)
    np.log(1 + z).sum()

or, without a signature, ordinary annotated `def`s in the cell. The text given to
Python keeps the cell's lines, so tracebacks and nodes point at them.
"""

from __future__ import annotations

import ast
import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symnb.compile.function import Function
from symnb.core.site import Source, sources
from symnb.errors import CellError
from symnb.magics.arguments import LineParser, names_of, read_line, split_signature
from symnb.optim.mode import MODES
from symnb.options import config
from symnb.tensor.jit import compile_traced
from symnb.tensor.python import Traced, trace_function

MAGIC = "%%symfunc"


def make_parser() -> LineParser:
    """The options of `%%symfunc`."""
    parser = LineParser(prog=MAGIC, add_help=False)
    parser.add_argument(
        "--wrt", nargs="+", default=[], metavar="NAME",
        help="return the value and its gradients with respect to these",
    )  # fmt: skip
    parser.add_argument("--mode", help=", ".join(MODES))
    parser.add_argument(
        "--device", choices=("c", "py"), help="compiled C or the NumPy reference"
    )
    parser.add_argument("--name", help="name of the function")
    parser.add_argument(
        "--profile", action="store_true", help="time every step of every call"
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="show nothing after the run"
    )
    return parser


@dataclass
class Cell:
    """A cell as compiled: its text with the magic line as a comment, and its name."""

    text: str
    filename: str
    label: str

    @property
    def source(self) -> Source:
        """For sites."""
        return Source(self.filename, self.label, self.text)


def make_functions(
    line: str, body: str, cell: Cell, namespace: Mapping[str, Any],
    vocabulary: Mapping[str, Any],
) -> tuple[list[Function], Any]:  # fmt: skip
    """The functions a cell defines, compiled, and the options of its line.

    Raises CellError, SyntaxError (with the cell's line) and what the body raises.
    """
    name, signature, rest = split_signature(line)
    options = read_line(make_parser(), rest)
    sources.register(cell.source)
    if name or signature:
        definitions = [_whole_cell(name, signature, body, cell)]
    else:
        definitions = _own_definitions(cell)
    if options.name and len(definitions) == 1:
        definitions[0].name = options.name
    wrt = names_of(options.wrt)
    made: list[Function] = []
    scope = dict(namespace)
    for definition in definitions:
        traced = trace_function(
            definition, cell.filename, scope, _defaults(definition, scope), wrt,
            vocabulary, is_cell=bool(signature or name),
        )  # fmt: skip
        made.append(_compile(traced, options))
        scope[definition.name] = traced.body  # later ones in the cell may call it
    return made, options


def _compile(traced: Traced, options: Any) -> Function:
    with config.change(device=options.device or config.device):
        made = compile_traced(
            traced, mode=options.mode, profile=options.profile or None
        )
    made.captured = traced.captured
    made.captured_in = {}
    return made


def captured_text(function: Function) -> str:
    """The notebook values that became constants, with the cells they come from."""
    parts: list[str] = []
    for name, value in function.captured.items():
        array = np.asarray(value)
        shown = str(value) if array.ndim == 0 else f"{array.dtype}{list(array.shape)}"
        cell = function.captured_in.get(name)
        parts.append(f"{name} = {shown}" + (f" (cell {cell})" if cell else ""))
    return f"constants from the notebook: {', '.join(parts)}" if parts else ""


def bundle(function: Function) -> dict[str, str]:
    """What a cell shows of a function it defined."""
    shown = dict(function._repr_mimebundle_())
    captured = captured_text(function)
    if captured:
        shown["text/plain"] += f"\n\n{captured}"
        if "text/html" in shown:
            shown["text/html"] += f"<p>{html.escape(captured)}</p>"
    return shown


def _whole_cell(name: str, signature: str, body: str, cell: Cell) -> ast.FunctionDef:
    """The cell's body as the body of a function with the line's signature."""
    if not name.isidentifier():
        raise CellError(
            f"{name!r} is no name for a function.\nFix: {MAGIC} f(x: f64[n])"
        )
    module = ast.parse(cell.text, cell.filename)
    if not module.body:
        raise CellError(
            f"the cell of {name} is empty.\nFix: write NumPy code whose last line is "
            "the result."
        )
    last = module.body[-1]
    if isinstance(last, ast.Expr):
        module.body[-1] = ast.copy_location(ast.Return(last.value), last)
    head = _signature(name, signature, cell)
    head.body = module.body
    return head


def _signature(name: str, signature: str, cell: Cell) -> ast.FunctionDef:
    try:
        module = ast.parse(f"def {name}({signature}): pass")
    except SyntaxError as error:
        raise CellError(
            f"cannot read the signature {name}({signature}): {error.msg}.\n"
            f"Fix: {MAGIC} f(x: f64[n, 64], w: vector)"
        ) from None
    definition = module.body[0]
    assert isinstance(definition, ast.FunctionDef)
    after = len(f"# {MAGIC}")
    start = cell.text.find(name, after) - len("def ")  # columns of the magic's line
    for node in ast.walk(definition):
        if isinstance(node, ast.expr | ast.arg | ast.stmt):
            node.col_offset += start
            node.end_col_offset = (node.end_col_offset or 0) + start
    return definition


def _own_definitions(cell: Cell) -> list[ast.FunctionDef]:
    module = ast.parse(cell.text, cell.filename)
    found = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    others = [node for node in module.body if not isinstance(node, ast.FunctionDef)]
    if not found or others:
        raise CellError(
            f"{MAGIC} without a signature takes a cell of annotated functions only.\n"
            f"Fix: {MAGIC} f(x: f64[n]) with the body below, or put other code in "
            "another cell."
        )
    return found


def _defaults(
    definition: ast.FunctionDef, namespace: Mapping[str, Any]
) -> dict[str, Any]:
    """Values of default arguments: literals, or names of the notebook."""
    arguments, values = definition.args.args, definition.args.defaults
    found: dict[str, Any] = {}
    for argument, tree in zip(
        arguments[len(arguments) - len(values) :], values, strict=True
    ):
        try:
            found[argument.arg] = ast.literal_eval(tree)
        except ValueError:
            if not isinstance(tree, ast.Name) or tree.id not in namespace:
                raise CellError(
                    f"the default of {argument.arg!r} must be a number or a name of "
                    f"the notebook, not {ast.unparse(tree)!r}."
                ) from None
            found[argument.arg] = namespace[tree.id]
    return found
