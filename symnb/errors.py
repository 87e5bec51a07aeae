"""The exception tree and the one way a message is laid out.

Every error a user can meet is a `SymnbError` and also the built-in exception that
a NumPy or Theano user would catch. A message says what is wrong, lists the
subjects (name, place, type) one a row, and ends with how to fix it; at most 15
lines.

    SymnbError
      GraphError                  while building a graph
        ShapeError (ValueError)         sizes do not fit
        RankError  (ValueError)         wrong number of axes
        AxisError  (ValueError, IndexError)
        DTypeError (TypeError)          operation undefined for a dtype
        SymbolicError (TypeError)       Python asked a symbol for its value
        MissingInputError (ValueError)  a leaf without a value
        UnusedInputError  (ValueError)
        TextError (ValueError)          unreadable graph text
      GradientError
        DisconnectedInputError (ValueError)
        NoGradientError (TypeError)
      ArgumentError (TypeError)   a call with the wrong arguments
      SizeError (ValueError)      a call with sizes that do not fit
      BoundsError (IndexError)    a call with an index outside its array
      MatrixError (LinAlgError)   a call with a singular or indefinite matrix
      OptimiserError
        FuelError (RuntimeError)
        ContractError
      BuildError (RuntimeError)   the C compiler failed
        NoCompilerError
      CellError (ValueError)      a cell or annotation that cannot be read
      AssertionFailed (AssertionError)  an Assert inside a running graph
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class SymnbError(Exception):
    """Root of every error symnb raises on purpose."""


class GraphError(SymnbError):
    """An expression that cannot be built."""


class ShapeError(GraphError, ValueError):
    """Sizes that do not fit each other."""


class RankError(GraphError, ValueError):
    """A tensor with the wrong number of axes."""


class AxisError(GraphError, ValueError, IndexError):
    """An axis outside [-ndim, ndim)."""


class DTypeError(GraphError, TypeError):
    """A dtype for which the operation is not defined."""


class SymbolicError(GraphError, TypeError):
    """Python asked a symbolic tensor for a value it does not have yet."""


class MissingInputError(GraphError, ValueError):
    """A leaf of the graph is neither an input nor given."""


class UnusedInputError(GraphError, ValueError):
    """An input on which no output depends."""


class TextError(GraphError, ValueError):
    """Graph text that cannot be read back."""


class GradientError(SymnbError):
    """A derivative that cannot be taken."""


class DisconnectedInputError(GradientError, ValueError):
    """The cost does not depend on the variable."""


class NoGradientError(GradientError, TypeError):
    """The op or the dtype has no derivative."""


class ArgumentError(SymnbError, TypeError):
    """A call with a wrong, missing or extra argument."""


class SizeError(SymnbError, ValueError):
    """A call whose array sizes do not fit."""


class BoundsError(SymnbError, IndexError):
    """A call with an index outside its array."""


class MatrixError(SymnbError, np.linalg.LinAlgError):
    """A call with a matrix that is singular, or not positive definite."""


class OptimiserError(SymnbError):
    """A rule or pass that broke its promise."""


class FuelError(OptimiserError, RuntimeError):
    """A rule set fired more often than its bound."""


class ContractError(OptimiserError):
    """A rule, pass or result that is less accurate than it declares."""


class RuleWarning(RuntimeWarning):
    """A rule of a user's own pipeline that breaks its promise."""


class BuildError(SymnbError, RuntimeError):
    """The C compiler refused the generated source."""


class NoCompilerError(BuildError):
    """No C compiler was found."""


class CellError(SymnbError, ValueError):
    """A `%%symfunc` cell, signature or annotation that cannot be read."""


class AssertionFailed(SymnbError, AssertionError):
    """A condition asserted inside the graph was false."""


def message(
    what: str, rows: Iterable[tuple[str, ...]] = (), fix: str = "", limit: int = 12
) -> str:
    """The text of an error: `what`, aligned `rows`, and `Fix: ...`.

    rows   each a tuple of cells, the first one usually a name; columns are padded
    limit  rows beyond this number are counted, not shown
    """
    rows = list(rows)
    shown = rows[:limit]
    width = max((len(row) for row in shown), default=0)
    padded = [tuple(row) + ("",) * (width - len(row)) for row in shown]
    sizes = [max(len(row[i]) for row in padded) for i in range(width)]
    lines = [what]
    for row in padded:
        cells = [cell.ljust(size) for cell, size in zip(row, sizes, strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    if len(rows) > limit:
        lines.append(f"  ... and {len(rows) - limit} more")
    if fix:
        lines.append(f"Fix: {fix}")
    return "\n".join(lines)
