"""Symbolic inputs: kinds, dtypes, names, sizes."""

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.errors import DTypeError, ShapeError

LETTERS = {"b": "int8", "w": "int16", "i": "int32", "l": "int64",
           "f": "float32", "d": "float64"}  # fmt: skip
RANKS = {"scalar": 0, "vector": 1, "matrix": 2, "row": 2, "col": 2} | {
    f"tensor{n}": n for n in range(3, 8)
}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("letter", LETTERS)
def test_letter_is_the_dtype_and_word_the_rank(letter: str, rank: str) -> None:
    x = getattr(T, letter + rank)("x")
    assert (x.dtype, x.ndim, x.name) == (LETTERS[letter], RANKS[rank], "x")
    assert x.owner is None


def test_row_and_col_are_broadcastable() -> None:
    assert T.row().broadcastable == (True, False)
    assert T.col().broadcastable == (False, True)
    assert T.matrix().broadcastable == (False, False)


def test_float_kinds_follow_the_configured_dtype() -> None:
    with symnb.config.change(floatX="float32"):
        assert T.matrix().dtype == "float32"
        assert T.dmatrix().dtype == "float64"
    assert T.matrix().dtype == "float64"
    assert T.matrix("x", dtype="int8").dtype == "int8"


def test_plural_forms() -> None:
    a, b = T.dmatrices("a", "b")
    assert (a.name, b.name, a.dtype) == ("a", "b", "float64")
    assert [x.name for x in T.vectors("u v w")] == ["u", "v", "w"]
    assert len(T.scalars(3)) == 3


def test_unknown_sizes_of_two_inputs_are_apart() -> None:
    x, y = T.vector("x"), T.vector("x")
    assert x.type.shape != y.type.shape


def test_tensor_with_sizes_by_number_and_name() -> None:
    x = T.tensor("float32", (None, 3, "n"), name="x")
    assert x.dtype == "float32"
    assert x.type.shape[1] == 3
    assert T.tensor("float64", (True, False)).broadcastable == (True, False)
    assert T.tensor("float64", (), "s").ndim == 0
    y = T.tensor(shape=(2,))
    assert y.type.shape == (2,)


def test_tensor_type_makes_inputs() -> None:
    kind = T.TensorType("float32", (False, True))
    x = kind("x")
    assert x.name == "x"
    assert x.broadcastable == (False, True)
    assert x.dtype == "float32"


def test_static_sizes_are_checked_while_building() -> None:
    x = T.tensor("float64", (2, 3))
    y = T.tensor("float64", (4, 3))
    with pytest.raises(ShapeError, match="2 and 4"):
        x + y


def test_constants_keep_value_and_dtype() -> None:
    c = T.constant(np.float32([1, 2]), name="c")
    assert (c.dtype, c.name) == ("float32", "c")
    np.testing.assert_array_equal(c.eval(), np.float32([1, 2]))
    assert T.as_tensor([[1, 2]]).type.shape == (1, 2)
    assert T.as_tensor(3.0, ndim=2).ndim == 2
    x = T.vector("x")
    assert T.as_tensor(x) is x
    assert T.as_tensor([x, x]).ndim == 2
    with pytest.raises(DTypeError):
        T.as_tensor("text")


def test_dtype_names_are_exported_for_annotations() -> None:
    for short, long in {"f64": "float64", "f32": "float32", "i8": "int8",
                        "u64": "uint64"}.items():  # fmt: skip
        assert getattr(T, short)["n", 3].dtype == long
        assert repr(getattr(T, short)) == short
