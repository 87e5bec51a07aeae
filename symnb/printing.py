"""Theano's `printing`: names only; what is shown is made in `symnb.viz`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symnb.ops.control import Print as Print
from symnb.viz import dprint, pp, render

pprint = pp


def debugprint(
    obj: Any, depth: int = -1, print_type: bool = True, file: Any = None, **layout: Any
) -> str | None:
    """Print the text tree of a function, tensor or list of tensors.

    depth   the most lines, -1 for all
    file    a stream, None for standard output, "str" to get the text instead

    Types are always printed; Theano's other layout options change nothing.
    """
    return dprint(obj, file, lines=None if depth < 0 else depth)


def pydotprint(
    fct: Any,
    outfile: str | Path | None = None,
    format: str | None = None,
    return_image: bool = False,
    **layout: Any,
) -> Any:
    """Write Graphviz's picture of a function or tensor to `outfile`.

    format        png, svg, pdf, ...; default the file's ending, else svg
    return_image  give the picture (SVG text or bytes) instead of writing it
    layout        Theano's further options; they change nothing

    Returns the path written. Raises SymnbError where Graphviz is missing.
    """
    path = Path(outfile or f"symnb.pydotprint.{format or 'svg'}")
    kind = format or path.suffix.lstrip(".") or "svg"
    picture = render(fct, kind)
    if return_image:
        return picture.decode() if kind == "svg" else picture
    path.write_bytes(picture)
    return path
