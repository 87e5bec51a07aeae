"""`%symsource [NAME] [-k KERNEL]`: the generated C.

Python twins: `f.source("c")`, `f.program.kernels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from IPython.display import Code

from symnb.compile.function import Function
from symnb.errors import CellError
from symnb.magics.arguments import LineParser, function_parser, read_line
from symnb.magics.shown import Shown
from symnb.magics.subject import find_function

MAGIC = "%symsource"


def make_parser() -> LineParser:
    """The options of `%symsource`."""
    parser = function_parser(MAGIC)
    parser.add_argument("-k", "--kernel", help="only this kernel (name or number)")
    return parser


def run(line: str, names: Mapping[str, Any]) -> Shown:
    """What the magic shows; its `value` is the text."""
    options = read_line(make_parser(), line)
    function = find_function(options.function, names)
    text = function.source("c")
    if not text:
        raise CellError(
            f"{function.name} runs by the NumPy reference, so it has no C.\n"
            "Fix: compile it with symnb.config.device = 'c' and a C compiler."
        )
    if options.kernel is not None:
        text = kernel_text(function, options.kernel)
    return Shown(text, text, Code(text, language="c")._repr_html_())


def kernel_text(function: Function, wanted: str) -> str:
    """The source of one kernel. Raises CellError."""
    kernels = function.program.kernels
    for at, kernel in enumerate(kernels):
        if wanted in (kernel.name, str(at)):
            return kernel.source
    raise CellError(
        f"{function.name} has no kernel {wanted!r}.\n"
        f"Fix: its kernels are {', '.join(k.name for k in kernels) or 'none'}."
    )
