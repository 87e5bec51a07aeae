"""Annotations as source: `x: f64[n, 64]`, `w: vector`, `k: int`, `"f32[n]"`.

Read from the syntax tree, never evaluated as Python, so that a size may be a name
nobody defined: an unknown lower-case name is a size, equal names are one size, a
known integer is a static size. `_` is a size of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from symnb.core.dims import Dim, DimLike, symbol
from symnb.core.dtypes import LONG
from symnb.core.types import TensorType
from symnb.errors import CellError
from symnb.options import config
from symnb.tensor.constructors import KINDS, DType, Names, TensorKind, fresh_shape

PYTHON = {"float": None, "int": "int64", "bool": "bool"}
CURE = (
    "write e.g. x: f64[n, 64], w: vector, k: int; the kinds are "
    "scalar, vector, matrix, row, col, tensor3.. and f32, f64, i32, ..."
)


def read_annotation(
    tree: ast.expr | None, argument: str, names: Names, known: Mapping[str, Any]
) -> TensorType:
    """The type an annotation stands for.

    names  sizes named so far in this signature; new ones are added
    known  the namespace in which kinds, types and integers are looked up

    Raises CellError naming the argument.
    """
    if tree is None:
        raise CellError(f"the argument {argument!r} has no type.\nFix: {CURE}.")
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        try:
            tree = ast.parse(tree.value.strip(), mode="eval").body
        except SyntaxError:
            raise _unreadable(argument, tree) from None
    if isinstance(tree, ast.Subscript):
        return _subscript(tree, argument, names, known)
    kind = _kind(tree, known)
    if isinstance(kind, TensorKind):
        return kind.type(argument)
    if isinstance(kind, TensorType):
        return kind
    if isinstance(kind, DType):
        return TensorType(kind.dtype, ())
    raise _unreadable(argument, tree)


def _kind(tree: ast.expr, known: Mapping[str, Any]) -> Any:
    """What a name like `vector`, `T.dmatrix` or `f64` stands for."""
    if isinstance(tree, ast.Attribute):
        name = tree.attr
    elif isinstance(tree, ast.Name):
        name = tree.id
        found = known.get(name)
        if isinstance(found, TensorKind | TensorType | DType):
            return found
    else:
        return None
    if name in KINDS and isinstance(KINDS[name], TensorKind):
        return KINDS[name]
    if name in PYTHON:
        return DType(PYTHON[name] or config.floatX)
    if name in LONG or name in LONG.values():
        return DType(LONG.get(name, name))
    return None


def _subscript(
    tree: ast.Subscript, argument: str, names: Names, known: Mapping[str, Any]
) -> TensorType:
    kind = _kind(tree.value, known)
    if not isinstance(kind, DType):
        raise _unreadable(argument, tree)
    inner = tree.slice
    axes = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    sizes = [
        _size(axis, number, argument, names, known) for number, axis in enumerate(axes)
    ]
    return TensorType(kind.dtype, tuple(sizes))


def _size(
    tree: ast.expr, number: int, argument: str, names: Names, known: Mapping[str, Any]
) -> DimLike:
    match tree:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.Constant(value=None) | ast.Name(id="_"):
            return fresh_shape((None,) * (number + 1), argument)[number]
        case ast.Constant(value=str(text)):
            return names.setdefault(text, symbol(text, lower=0))
        case ast.Name(id=name):
            return _named(name, argument, names, known)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            a = _size(left, number, argument, names, known)
            b = _size(right, number, argument, names, known)
            return ARITHMETIC[type(op)](a, b)
    raise _unreadable(argument, tree)


def _named(name: str, argument: str, names: Names, known: Mapping[str, Any]) -> DimLike:
    if name in names:
        return names[name]
    value = known.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Dim):
        return value
    if name != name.lower():
        raise CellError(
            f"the size {name} of {argument!r} is not defined.\n"
            "Fix: define it as an integer, or use a lower-case name for an open size."
        )
    return names.setdefault(name, symbol(name, lower=0))


ARITHMETIC: dict[type[ast.operator], Any] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
}


def _unreadable(argument: str, tree: ast.expr) -> CellError:
    return CellError(
        f"the type {ast.unparse(tree)!r} of {argument!r} is not one symnb knows.\n"
        f"Fix: {CURE}."
    )
