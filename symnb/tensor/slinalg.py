"""Theano's `tensor.slinalg`: names only; defined in `symnb.ops.linalg` and beside.

Theano's op classes are here functions that return the function: `Cholesky()(x)`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from symnb.core.node import Node
from symnb.ops.dot import kron as kron
from symnb.ops.factor import eigvalsh as eigvalsh
from symnb.ops.linalg import expm as expm
from symnb.ops.linalg import solve as solve
from symnb.ops.triangular import cho_solve as cho_solve
from symnb.ops.triangular import cholesky as cholesky
from symnb.ops.triangular import solve_lower_triangular as solve_lower_triangular
from symnb.ops.triangular import solve_triangular as solve_triangular
from symnb.ops.triangular import solve_upper_triangular as solve_upper_triangular

solve_symmetric = partial(solve, assume_a="sym")


def Cholesky(lower: bool = True, on_error: str = "raise") -> Callable[[Any], Node]:
    """Theano's class of `cholesky`."""
    return partial(cholesky, lower=lower, on_error=on_error)


def Solve(
    A_structure: str = "general", lower: bool = False
) -> Callable[[Any, Any], Node]:
    """Theano's class of `solve`."""
    return partial(solve, lower=lower, assume_a=A_structure)


def Expm() -> Callable[[Any], Node]:
    """Theano's class of `expm`."""
    return expm
