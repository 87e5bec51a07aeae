"""Theano's test values: an expression is tried on sample values while it is built.

    symnb.config.compute_test_value = "warn"
    x = T.matrix("x")
    x.tag.test_value = np.ones((2, 3))
    T.dot(x, x)        # fails here, on this line

Off by default. Every new node then costs one NumPy evaluation and a walk over the
graph below it. Random draws advance no state.
"""

from __future__ import annotations

import warnings

from symnb.core import walk
from symnb.core.dims import DimError
from symnb.core.evaluate import evaluate
from symnb.core.node import Node
from symnb.core.seams import slots
from symnb.errors import GraphError, MissingInputError, ShapeError, message
from symnb.options import config


def try_node(node: Node) -> None:
    """Give `node` its test value; what is missing is told as the option says.

    Raises ShapeError where the sample values do not fit the operation.
    """
    known = {x: x.tag.test_value for x in walk.order([node]) if _is_known(x)}
    try:
        node.tag.test_value = evaluate([node], known)[0]
    except MissingInputError as error:
        _tell(f"{error}\nFix: set its tag.test_value, or compute_test_value='ignore'.")
    except DimError:
        return  # its sizes are those of tensors it does not read
    except (ValueError, IndexError) as error:
        rows = [
            (str(x), str(x.type), f"shape {known[x].shape}" if x in known else "")
            for x in node.operands
        ]
        place = f"  ({node.site})" if node.site else ""
        what = f"{node.op.name} fails on the test values: {error}{place}"
        raise ShapeError(message(what, rows)) from None


def _is_known(node: Node) -> bool:
    """Operands have values of their own; leaves are there for their sizes."""
    return hasattr(getattr(node, "_tag", None), "test_value")


def _tell(text: str) -> None:
    if config.compute_test_value == "raise":
        raise GraphError(text)
    if config.compute_test_value == "warn":
        warnings.warn(text, UserWarning, stacklevel=6)


slots.fill(try_node=try_node)
