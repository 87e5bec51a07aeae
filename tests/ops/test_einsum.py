"""Einstein sums against NumPy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symnb.core import walk
from symnb.errors import RankError, ShapeError
from symnb.ops import einsum
from tests.ops.structure import agrees, check_derivatives, tensor, tensors, value

SIZE = dict(zip("abcdij", (2, 3, 4, 2, 3, 1), strict=True))


def operand(labels, seed=0):
    shape = [SIZE[k] for k in labels]
    return np.random.default_rng(seed).integers(-4, 5, shape)


TEXTS = [
    "ab->ba", "ab->a", "ab->", "ab", "ba", "aa", "aa->a", "aab->b", "abab->ba",
    "ab,bc->ac", "ab,bc", "ab,bc->ca", "ab,cb->ac", "a,a", "a,b->ab", "a,a->a",
    "ab,ab->ab", "ab,ab->a", "dab,dbc->dac", "dab,dcb->dac", "abc,ab->c", "a,ab,b",
    "ab,bc,cd->ad", "ab,bc,ca", "ab,a,b->", "abc,cb,d->ad", "aab,bc->ac", "ab,c->ab",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text) -> None:
    parts = text.split("->")[0].split(",")
    given = [operand(labels, i) for i, labels in enumerate(parts)]
    agrees(lambda *x: einsum.einsum(text, *x), lambda *x: np.einsum(text, *x), *given)


@given(st.data())
def test_random_texts(data) -> None:
    label = st.sampled_from("abcdij")
    parts = data.draw(st.lists(st.text(label, max_size=3), min_size=1, max_size=3))
    seen = sorted(set("".join(parts)))
    output = data.draw(st.permutations(seen))[: data.draw(st.integers(0, len(seen)))]
    text = ",".join(parts) + "->" + "".join(output)
    given = [operand(labels, i) for i, labels in enumerate(parts)]
    inputs = tensors(given, static=True)
    found = value(einsum.einsum(text, *inputs), inputs, given)
    np.testing.assert_array_equal(found, np.einsum(text, *given), strict=True)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("...ab,...bc->...ac", [(5, 2, 3), (5, 3, 4)]),
        ("...ab,bc->...ac", [(5, 2, 3), (3, 4)]),
        ("...a->...", [(2, 3, 4)]),
        ("...,...", [(2, 3), (2, 3)]),
        ("a...->...a", [(2, 3, 4)]),
    ],
)
def test_ellipsis(text, shapes) -> None:
    given = [np.arange(int(np.prod(s))).reshape(s) for s in shapes]
    agrees(lambda *x: einsum.einsum(text, *x), lambda *x: np.einsum(text, *x), *given)


def test_axes_of_size_one_broadcast() -> None:
    given = [np.arange(3).reshape(3, 1), np.arange(8).reshape(2, 4)]
    for text in ("ab,cb->ac", "ab,cb->abc", "a...,c...->...ac"):
        inputs = tensors(given, static=True)
        found = value(einsum.einsum(text, *inputs), inputs, given)
        np.testing.assert_array_equal(found, np.einsum(text, *given), strict=True)


def test_what_needs_no_matrix_product_has_none() -> None:
    given = tensors([np.zeros((2, 3))] * 2)
    for text in ("ab,ab->ab", "ab,ab->a"):
        names = [n.op.name for n in walk.order([einsum.einsum(text, *given)])]
        assert "dot" not in names and "batched_dot" not in names


def test_texts_that_make_no_sense_are_errors() -> None:
    a = tensor(np.zeros((2, 3)), "a", static=True)
    with pytest.raises(ShapeError, match="2 operands; got 1"):
        einsum.einsum("ab,bc", a)
    with pytest.raises(RankError, match="names 3 axes of an operand with 2"):
        einsum.einsum("abc", a)
    with pytest.raises(ShapeError, match="sizes 3 and 2"):
        einsum.einsum("ab,bc", a, a)
    with pytest.raises(ShapeError, match="the result names"):
        einsum.einsum("ab->ac", a)


def test_derivatives() -> None:
    draw = np.random.default_rng(0).standard_normal
    check_derivatives(
        lambda *x: einsum.einsum("ab,bc,c->ba", *x), draw((2, 3)), draw((3, 2)), draw(2)
    )
    check_derivatives(lambda x: einsum.einsum("aab->b", x), draw((2, 2, 3)))


def products(node) -> list[int]:
    """Elements of the results of the matrix products."""
    return [n.type.size for n in walk.order([node]) if n.op.name == "dot"]


def test_the_cheapest_pair_comes_first() -> None:
    args = tensors([np.ones(s) for s in ((9, 8), (8, 7), (7,))], static=True)
    assert products(einsum.einsum("ij,jk,k->i", *args)) == [8, 9]
    plain = einsum.einsum("ij,jk,k->i", *args, optimize=False)
    assert products(plain) == [63, 9]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=4, max_size=6), st.randoms())
def test_chains_in_any_order_have_numpys_values(sizes, random) -> None:
    names = "abcdefg"
    pairs = [(names[i : i + 2], sizes[i : i + 2]) for i in range(len(sizes) - 1)]
    random.shuffle(pairs)
    text = ",".join(t for t, _ in pairs) + f"->{names[0]}{names[len(sizes) - 1]}"
    data = [np.random.default_rng(0).integers(-2, 3, s).astype(float) for _, s in pairs]
    leaves = tensors(data, static=True)
    made = einsum.einsum(text, *leaves)
    got = value(made, leaves, data)
    np.testing.assert_array_equal(got, np.einsum(text, *data))
