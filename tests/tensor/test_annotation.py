"""Annotations are read as source: kinds, dtypes, sizes by number, name, expression."""

import ast
from typing import Any

import pytest

import symnb
import symnb.tensor as T
from symnb.core.types import TensorType
from symnb.errors import CellError
from symnb.tensor.annotation import read_annotation


def read(text: str, **known: Any) -> TensorType:
    return read_annotation(ast.parse(text, mode="eval").body, "x", {}, known)


@pytest.mark.parametrize(
    ("text", "dtype", "ndim"),
    [
        ("vector", "float64", 1),
        ("dmatrix", "float64", 2),
        ("T.fvector", "float32", 1),
        ("symnb.tensor.iscalar", "int32", 0),
        ("f32", "float32", 0),
        ("float64", "float64", 0),
        ("f32[n]", "float32", 1),
        ("f64[n, 64]", "float64", 2),
        ("i8[_, _, 3]", "int8", 3),
        ("u16[None]", "uint16", 1),
        ("bool[n]", "bool", 1),
        ("int", "int64", 0),
        ("float", "float64", 0),
        ("bool", "bool", 0),
        ("'f64[n, m]'", "float64", 2),
        ("f64['n', 2*n + 1]", "float64", 2),
    ],
)
def test_text_becomes_a_type(text: str, dtype: str, ndim: int) -> None:
    type = read(text)
    assert (type.dtype, len(type.shape)) == (dtype, ndim)


def test_float_follows_the_configured_dtype() -> None:
    with symnb.config.change(floatX="float32"):
        assert read("float").dtype == "float32"
        assert read("matrix").dtype == "float32"


def test_numbers_are_static_and_known_integers_too() -> None:
    assert read("f64[3, size]", size=5).shape == (3, 5)
    assert read("f64[2*size - 1]", size=5).shape == (9,)


def test_equal_names_are_one_size() -> None:
    first, second = read("f64[n, n]").shape
    assert first == second
    names: dict[str, Any] = {}
    a = read_annotation(ast.parse("f64[n]", mode="eval").body, "a", names, {})
    b = read_annotation(ast.parse("f32[2*n]", mode="eval").body, "b", names, {})
    assert b.shape[0] == 2 * a.shape[0]
    one, other = read("f64[_, _]").shape
    assert one != other


def test_types_of_the_namespace_are_looked_up() -> None:
    assert read("Image", Image=T.TensorType("uint8", (None, None, 3))).shape[2] == 3
    assert read("Row", Row=T.row).broadcastable == (True, False)


@pytest.mark.parametrize(
    "text", ["vectr", "f65[n]", "f64[1.5]", "f64[f(n)]", "3", "f64(n)", "'f64['",
             "vector[n]", "f64[True]", "list[int]"],
)  # fmt: skip
def test_unreadable_type_names_the_argument_and_a_cure(text: str) -> None:
    with pytest.raises(CellError, match="'x'") as caught:
        read(text)
    assert "Fix:" in str(caught.value)


def test_unknown_capital_size_is_probably_a_mistake() -> None:
    with pytest.raises(CellError, match="the size N of 'x' is not defined"):
        read("f64[N]")


def test_missing_type_is_told() -> None:
    with pytest.raises(CellError, match="'x' has no type"):
        read_annotation(None, "x", {}, {})
