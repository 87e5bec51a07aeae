"""Theano's `tensor.nlinalg`: names only; defined in `symnb.ops.linalg` and beside.

Theano's op classes are here functions that return the function: `MatrixInverse()(x)`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from symnb.core.node import Node
from symnb.ops.diagonal import diag as diag
from symnb.ops.diagonal import diagonal as diagonal
from symnb.ops.diagonal import trace as trace
from symnb.ops.dot import kron as kron
from symnb.ops.factor import eigh as eigh
from symnb.ops.factor import qr as qr
from symnb.ops.factor import svd as svd
from symnb.ops.linalg import det as det
from symnb.ops.linalg import inv as inv
from symnb.ops.linalg import matrix_inverse as matrix_inverse
from symnb.ops.linalg import pinv as pinv
from symnb.ops.linalg import slogdet as slogdet
from symnb.ops.matrices import matrix_dot as matrix_dot
from symnb.ops.matrices import matrix_power as matrix_power
from symnb.ops.matrices import norm as norm
from symnb.ops.matrices import tensorinv as tensorinv
from symnb.ops.matrices import tensorsolve as tensorsolve

alloc_diag = extract_diag = diag


def MatrixInverse() -> Callable[[Any], Node]:
    """Theano's class of `matrix_inverse`."""
    return matrix_inverse


def MatrixPinv() -> Callable[[Any], Node]:
    """Theano's class of `pinv`."""
    return pinv


def Det() -> Callable[[Any], Node]:
    """Theano's class of `det`."""
    return det


def Eigh(UPLO: str = "L") -> Callable[[Any], tuple[Node, Node]]:
    """Theano's class of `eigh`."""
    return partial(eigh, UPLO=UPLO)


def SVD(full_matrices: bool = True, compute_uv: bool = True) -> Callable[[Any], Any]:
    """Theano's class of `svd`."""
    return partial(svd, full_matrices=full_matrices, compute_uv=compute_uv)
