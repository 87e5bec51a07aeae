"""Nodes, constants, shared variables: identity, protocols, names, sites."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import symnb.ops
from symnb.core import operators
from symnb.core.intern import Interner
from symnb.core.node import Constant, Input, Shape, as_dim, size
from symnb.core.seams import slots
from symnb.core.shared import shared
from symnb.core.types import TensorType
from symnb.errors import ArgumentError, DTypeError, ShapeError, SymbolicError
from symnb.ops.elementwise import add, exp
from symnb.tensor.constructors import KINDS

dvector, dmatrix = KINDS["dvector"], KINDS["dmatrix"]


def test_equal_expressions_are_two_nodes_until_they_are_merged():
    x = dvector("x")
    a, b = x + 1, x + 1
    assert a is not b
    table = Interner()
    one, two = (table.adopt(Constant(v)) for v in (1.0, 1.0))
    assert one is two


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, 1.0), (1, True), (0.0, -0.0), (np.float32(1), np.float64(1)), ([1], [[1]])],
)
def test_constants_are_compared_by_bytes_not_by_python(left, right):
    table = Interner()
    assert table.adopt(Constant(left)) is not table.adopt(Constant(right))


def test_nan_constants_are_one():
    table = Interner()
    assert table.adopt(Constant(np.nan)) is table.adopt(Constant(np.nan))


def test_large_constants_are_compared_by_digest_and_frozen():
    data = np.arange(10_000.0)
    node = Constant(data)
    data[0] = 7
    assert node.value[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        node.value[0] = 1
    assert Interner().adopt(node).params[0] == Constant(np.arange(10_000.0)).params[0]


def test_equality_is_identity_and_numbers_are_refused():
    x, y = dvector("x"), dvector("y")
    assert (x == x) is True
    assert (x == y) is False
    assert x != y
    assert x in [y, x]
    assert (x == "text") is False
    for other in (1, 2.5, np.zeros(3), np.float64(1)):
        with pytest.raises(SymbolicError, match=r"T\.eq"):
            x == other  # noqa: B015


@pytest.mark.parametrize("ask", [bool, float, int, np.asarray, complex])
def test_python_cannot_ask_a_symbol_for_its_value(ask):
    with pytest.raises(SymbolicError, match="Fix:"):
        ask(dvector("x"))


def test_a_symbol_is_no_index():
    with pytest.raises(SymbolicError):
        [1, 2][KINDS["lscalar"]("k")]


def test_len_and_iteration_need_a_static_size():
    with pytest.raises(SymbolicError, match=r"x\.shape\[0\]"):
        len(dvector("x"))
    fixed = Input(TensorType("float64", (3,)), "y")
    assert len(fixed) == 3
    assert len(list(fixed)) == 3


def test_owner_inputs_and_op_as_in_theano():
    x = dvector("x")
    y = exp(x)
    assert x.owner is None
    assert y.owner.op is exp
    assert y.owner.inputs[0] is x
    assert y.owner.outputs == [y]


def test_sizes_stay_sizes_through_integer_arithmetic():
    x = dmatrix("x")
    n, m = x.shape
    assert isinstance(x.shape, Shape)
    assert str(as_dim(n * 2 + m - 1)) == "2*x0 + x1 - 1"
    assert as_dim(size(3)) == 3


def test_a_scalar_that_is_no_size_binds_a_size_to_itself():
    k = KINDS["lscalar"]("k")
    atom = as_dim(k).atom
    assert atom.kind == "bound"
    assert atom.node is k
    with pytest.raises(TypeError, match="size"):
        as_dim(KINDS["dscalar"]("x"))


def test_the_site_is_the_users_line():
    x = dvector("x")
    y = x * 3
    assert y.site.source.label == "test_node.py"
    assert y.site.text == "x * 3"


def test_an_error_shows_the_operands_and_where_they_come_from():
    x = Input(TensorType("float64", (3,)), "x")
    with pytest.raises(ShapeError) as caught:
        add(x, np.zeros(4))
    text = str(caught.value)
    assert "3 and 4" in text
    assert "f64[3]" in text
    assert "test_node.py" in text
    assert len(text.splitlines()) <= 15


def test_names_and_tags_are_labels_only():
    x = dvector("x")
    x.name = "renamed"
    x.tag.test_value = np.ones(2)
    assert x.tag.test_value.sum() == 2


def test_copies_are_the_node_itself():
    x = dvector("x")
    assert copy.copy(x) is x
    assert copy.deepcopy([x])[0] is x


def test_pickled_leaves_keep_their_identity():
    x = dvector("x")
    y = exp(x) + x
    x2, y2 = pickle.loads(pickle.dumps((x, y)))
    assert y2.inputs[1] is x2
    assert y2.inputs[0].op is exp


def test_shared_values_are_copies_unless_borrowed():
    data = np.arange(3.0)
    s = shared(data, name="s")
    data[0] = 9
    assert s.get_value()[0] == 0
    s.get_value()[0] = 5
    assert s.get_value()[0] == 0
    lent = shared(data, borrow=True)
    assert lent.get_value(borrow=True) is data


def test_shared_values_change_size_but_not_dtype_or_rank():
    s = shared(np.zeros((2, 3)), name="s")
    s.set_value(np.ones((4, 3)))
    assert s.get_value().shape == (4, 3)
    with pytest.raises(DTypeError, match="float64"):
        s.set_value(np.ones((4, 3), "float32"))
    with pytest.raises(ArgumentError, match="axes"):
        s.set_value(np.ones(4))
    fixed = shared(np.zeros((2, 3)), shape=(None, 3))
    with pytest.raises(ArgumentError, match="axis 1"):
        fixed.set_value(np.ones((2, 4)))


def test_shared_python_numbers_have_numpys_dtypes():
    assert shared(1).dtype == "int64"
    assert shared(1.5).dtype == "float64"
    assert shared(True).dtype == "bool"
    with pytest.raises(DTypeError):
        shared("text")


def test_byte_swapped_values_become_native():
    s = shared(np.arange(3, dtype=">f8"))
    assert s.get_value().dtype == np.dtype("float64")
    assert Constant(np.arange(3, dtype=">i4")).value.dtype.isnative


def test_importing_ops_fills_every_operator_slot():
    assert symnb.ops is not None
    text = Path(operators.__file__).read_text()
    wanted = {part.split('"')[0] for part in text.split('slots["')[1:]}
    above = {"evaluate", "ufunc", "array_function", "mimebundle", "dprint"}
    missing = [name for name in sorted(wanted - above) if name not in slots]
    assert not missing
