"""Sizes and indices against Python's own integers.

Expressions are trees that are folded twice: once over Dims, once over the plain
integers of an environment. Proofs are checked on all small environments.
"""

import copy
import ctypes
import gc
import itertools
import operator
import os
import pickle
import random
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from symnb.core.dims import (
    C_PRELUDE,
    Atom,
    Dim,
    DimError,
    DimLike,
    bound,
    ceil_div,
    dim_key,
    dim_max,
    dim_min,
    dim_text,
    dim_to_c,
    dims_in,
    div_mod,
    divides,
    evaluate,
    index,
    is_nonnegative,
    is_positive,
    map_dims,
    prove_equal,
    prove_le,
    prove_lt,
    substitute,
    symbol,
)

n, m, k = symbol("n"), symbol("m"), symbol("k")
b, c = symbol("b"), symbol("c")
z, t = symbol("z", lower=0), symbol("t", lower=-2)
i, j, u = index("i", n), index("j", m), index("u", 4)
w, x = index("w", z), index("x", n * m * k)
LEAVES = {str(d): d for d in (n, m, k, z, t, i, j, u, w, x)}

Tree = int | str | tuple[str, Any, Any]
Operations = dict[str, Callable[[Any, Any], Any]]
ON_DIMS: Operations = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "min": dim_min,
    "max": dim_max,
    "ceil": ceil_div,
}
ON_INTS: Operations = {
    **ON_DIMS,
    "min": min,
    "max": max,
    "ceil": lambda p, q: -(-p // q),
}


def trees(names: str) -> st.SearchStrategy[Tree]:
    """Random expressions over some of LEAVES and small integers."""
    leaves = st.one_of(st.integers(-6, 6), st.sampled_from(names.split()))
    ops = st.sampled_from(["+", "-", "*", "*", "+", "//", "%", "min", "max", "ceil"])
    return st.recursive(leaves, lambda sub: st.tuples(ops, sub, sub), max_leaves=7)


def fold(tree: Tree, values: dict[str, Any], operations: Operations) -> Any:
    """The tree computed over `values`."""
    if isinstance(tree, int):
        return tree
    if isinstance(tree, str):
        return values[tree]
    op, left, right = tree
    left, right = (fold(side, values, operations) for side in (left, right))
    return operations[op](left, right)


def as_dims(tree: Tree) -> DimLike:
    """The tree as a DimLike; trees that divide by the number 0 are rejected."""
    try:
        return fold(tree, LEAVES, ON_DIMS)
    except ZeroDivisionError:
        reject()
    except DimError as error:
        assume("divided by 0" not in str(error))
        raise


def names_in(*trees: Tree) -> set[str]:
    """The leaves of trees."""
    found: set[str] = set()
    stack: list[Any] = list(trees)
    while stack:
        tree = stack.pop()
        if isinstance(tree, tuple):
            stack += tree[1:]
        elif isinstance(tree, str):
            found.add(tree)
    return found


def as_env(values: dict[str, int]) -> dict[Atom, int]:
    """Values by name as values by atom."""
    return {atom_of(LEAVES[name]): value for name, value in values.items()}


def atom_of(d: DimLike) -> Atom:
    assert isinstance(d, Dim) and d.atom is not None
    return d.atom


@st.composite
def environments(draw: st.DrawFn) -> dict[str, int]:
    """Admissible values of all LEAVES; w only where z > 0."""
    v = {name: draw(st.integers(1, 9)) for name in "nmk"}
    v["z"], v["t"] = draw(st.integers(0, 9)), draw(st.integers(-2, 9))
    tops = {
        "i": v["n"],
        "j": v["m"],
        "u": 4,
        "w": v["z"],
        "x": v["n"] * v["m"] * v["k"],
    }
    for name, top in tops.items():
        if top:
            v[name] = draw(st.integers(0, top - 1))
    return v


def small_environments(names: set[str]) -> Iterator[dict[str, int]]:
    """All admissible values up to 3 of the leaves in `names`."""
    extents = {"i": "n", "j": "m", "w": "z", "x": "nmk"}
    needed = sorted(names | {e for name in names for e in extents.get(name, "")})
    sizes = [name for name in needed if name in "nmkzt"]
    ranges = [range({"z": 0, "t": -2}.get(name, 1), 4) for name in sizes]
    for values in itertools.product(*ranges):
        v = dict(zip(sizes, values, strict=True))
        tops = {"u": 4}
        for name, extent in extents.items():
            if name in names:
                tops[name] = int(np.prod([v[size] for size in extent]))
        indices = [name for name in ("i", "j", "u", "w", "x") if name in names]
        for points in itertools.product(*(range(tops[name]) for name in indices)):
            yield {**v, **dict(zip(indices, points, strict=True))}


DIVISORS: list[Tree] = ["n", ("*", "n", "m"), ("+", "m", 1), ("*", 4, "n"), 4, -3]
ALL = "n m k z t i j u w x"


@given(trees(ALL), environments())
def test_operations_agree_with_integers(tree: Tree, v: dict[str, int]) -> None:
    assume(names_in(tree) <= v.keys())
    d = as_dims(tree)
    try:
        expected = fold(tree, v, ON_INTS)
    except ZeroDivisionError:
        return
    assert evaluate(d, as_env(v)) == expected


@given(trees("n m z i j w u"), trees("n m z i j w u"))
def test_proofs_hold_in_every_small_environment(left: Tree, right: Tree) -> None:
    p, q = as_dims(left), as_dims(right)
    claims: list[tuple[bool, Callable[[int, int], bool]]] = [
        (prove_le(p, q), operator.le),
        (prove_lt(p, q), operator.lt),
        (prove_equal(p, q), operator.eq),
        (is_nonnegative(p), lambda p, _: p >= 0),
        (is_positive(p), lambda p, _: p > 0),
        (divides(p, q), lambda p, q: p == 0 or q % p == 0),
    ]
    names = names_in(left, right)
    made = [holds for claimed, holds in claims if claimed]
    for v in small_environments(names) if made and len(names) < 6 else ():
        try:
            values = fold(left, v, ON_INTS), fold(right, v, ON_INTS)
        except ZeroDivisionError:
            continue
        assert all(holds(*values) for holds in made)


@given(trees("n m k u"), trees("n m u"), trees("n k"), environments())
def test_substitution_is_simultaneous_and_commutes_with_values(
    tree: Tree, first: Tree, second: Tree, v: dict[str, int]
) -> None:
    # Images of n and m are >= 1, as the proofs about n and m assume.
    images = {"n": ("max", 1, first), "m": ("+", 1, ("*", second, second))}
    mapping = {atom_of(LEAVES[s]): as_dims(image) for s, image in images.items()}
    d = as_dims(tree)
    try:
        inner = {s: fold(image, v, ON_INTS) for s, image in images.items()}
        expected = fold(tree, {**v, **inner}, ON_INTS)
        changed = substitute(d, mapping)
    except (ZeroDivisionError, DimError):
        return
    assert evaluate(changed, as_env(v)) == expected


@given(trees(ALL), environments())
def test_text_reads_back_to_the_same_value(tree: Tree, v: dict[str, int]) -> None:
    assume(names_in(tree) <= v.keys())
    d = as_dims(tree)
    try:
        expected = fold(tree, v, ON_INTS)
        assert eval(dim_text(d), {"min": min, "max": max}, dict(v)) == expected
    except ZeroDivisionError:
        return


@given(trees("n m i j u"), st.sampled_from(DIVISORS), environments())
def test_division_agrees_with_divmod(a: Tree, by: Tree, v: dict[str, int]) -> None:
    q, r = div_mod(as_dims(a), as_dims(by))
    env = as_env(v)
    try:
        expected = divmod(fold(a, v, ON_INTS), fold(by, v, ON_INTS))
    except ZeroDivisionError:
        return
    assert (evaluate(q, env), evaluate(r, env)) == expected


@pytest.mark.cc
def test_c_text_computes_the_same_values(tmp_path: Path) -> None:
    rng = random.Random(20261120)
    env = {"n": 3, "m": 4, "k": 2, "z": 0, "t": -2, "i": 2, "j": 1, "u": 3, "x": 17}

    def grow(depth: int) -> Tree:
        if depth == 0 or rng.random() < 0.2:
            return rng.choice([*env, rng.randint(-6, 6)])
        op = rng.choice([*ON_DIMS])
        return op, grow(depth - 1), grow(depth - 1)

    texts, expected = [], []
    while len(texts) < 300:
        tree = grow(4)
        try:
            value, d = fold(tree, env, ON_INTS), fold(tree, LEAVES, ON_DIMS)
        except (ZeroDivisionError, DimError):
            continue
        texts.append(dim_to_c(d, lambda atom: f"v_{atom.name}"))
        expected.append(value)
    names = ", ".join(f"v_{name} = {value}" for name, value in env.items())
    rows = "\n".join(f"  r[{row}] = {text};" for row, text in enumerate(texts))
    source = tmp_path / "sizes.c"
    source.write_text(
        f"#include <stdint.h>\n{C_PRELUDE}\n"
        f"void sizes(int64_t *r) {{\n  volatile int64_t {names};\n{rows}\n}}\n"
    )
    library = tmp_path / "sizes.so"
    subprocess.run(
        ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True
    )
    results = (ctypes.c_int64 * len(texts))()
    ctypes.CDLL(str(library)).sizes(results)
    assert list(results) == expected


# Facts that the compiler relies on


def test_constant_results_are_integers() -> None:
    for value, d in ((0, n - n), (3, n + 3 - n), (0, 0 * n), (1, n // n), (0, n % n)):
        assert d == value and type(d) is int


def test_reshapes_are_undone() -> None:
    p, q = index("p", b), index("q", c)
    flat = (i * b + p) * c + q
    assert div_mod(flat, c) == (i * b + p, q)
    assert div_mod(flat, b * c) == (i, p * c + q)
    assert div_mod(i * m + j, m) == (i, j)
    row, column, plane = x // (m * k), x // k % m, x % k
    assert row * m * k + column * k + plane == x
    assert (row * m + column) * k + plane == x


@pytest.mark.parametrize(
    ("a", "divisor", "quotient", "remainder"),
    [
        (n * m, m, n, 0),
        (n * m - 1, m, n - 1, m - 1),
        (n * m + 2 * m + j, m, n + 2, j),
        (i * (n + 1) + i, n + 1, i, i),
        (4 * i + 3, 8, i // 2, 4 * (i % 2) + 3),
        (6 * n + 4, 4, n + n // 2 + 1, 2 * (n % 2)),
        (i * m + j, n * m, 0, i * m + j),
        (u, 4, 0, u),
        (z * n + w, z, n, w),
        (x % (m * k), k, x // k % m, x % k),
        (n // 2 + 1, 2, (n + 2) // 4, (n // 2 + 1) % 2),
        (-n, 4, -((n + 3) // 4), -n % 4),
        (n, -1, -n, 0),
    ],
)
def test_division_is_exact_where_it_can_be(
    a: DimLike, divisor: DimLike, quotient: DimLike, remainder: DimLike
) -> None:
    assert div_mod(a, divisor) == (quotient, remainder)


def test_a_size_that_may_be_zero_is_not_cancelled() -> None:
    assert str(n * z // z) == "(n*z)//z"
    assert n * z // z * 0 == 0
    with pytest.raises(DimError, match="by zero"):
        evaluate(n * z // z, {atom_of(n): 2, atom_of(z): 0})


PROVEN = [
    (i, n - 1),
    (i * m + j, n * m - 1),
    ((i * m + j) * 4 + u, 4 * n * m - 1),
    (x // (m * k), n - 1),
    (x // k % m, m - 1),
    (x % k, x),
    (0, x // k),
    (n + m - 1, n * m),
    (1, (n + 3) // 4),
    (4 * (n // 4), n),
    (n, 4 * ceil_div(n, 4)),
    (n, b * ceil_div(n, b)),
    (0, ceil_div(z, 4)),
    (dim_min(n, m), n),
    (n, dim_max(n, z)),
    (dim_max(z - 1, 0), z),
    (i * i, n * n - 1),
    (n - i, n),
    (1, z - w),
    (index("p", n // 4) * 4 + u, n - 1),
    (index("p", ceil_div(n, 4)) * 4, n - 1),
    (index("p", n - i) + i, n - 1),
]


@pytest.mark.parametrize(("least", "greatest"), PROVEN)
def test_index_bounds_are_proven(least: DimLike, greatest: DimLike) -> None:
    assert prove_le(least, greatest)
    assert not prove_lt(greatest, least)


def test_what_may_fail_is_not_proven() -> None:
    for p, q in ((n, m), (2, n), (1, z), (i, m), (n, i), (0, t), (n // 2, 0)):
        assert not prove_le(p, q)


def test_equal_sizes_written_differently_are_equal() -> None:
    assert ceil_div(n, 4) == -(-n // 4) == (n - 1) // 4 + 1
    assert (n - 3) // 2 + 1 == (n - 1) // 2
    assert ceil_div(n, b) == -(-n // b)
    assert dim_max(dim_max(z - 1, 0) - 1, 0) == dim_max(z - 2, 0)
    assert dim_min(n + 1, m + 1) == dim_min(m, n) + 1
    assert prove_equal(-n % 4, 4 * ((n + 3) // 4) - n)


def test_texts_are_short() -> None:
    texts = {
        "2*n + 1": 1 + 2 * n,
        "n*m": m * n,
        "(n + 1)//2": (n + 1) // 2,
        "n//2 + 1": n // 2 + 1,
        "n*(m//2)": n * (m // 2),
        "n - i - 1": n - 1 - i,
        "5 - i": 5 - i,
        "-(n//2)": -(n // 2),
        "max(z - 1, 0)": dim_max(z - 1, 0),
        "x//k%m": x // k % m,
    }
    for text, d in texts.items():
        assert str(d).replace("(x//k)%m", "x//k%m") == text


def test_c_text_factors_products_and_divides_natural_numbers() -> None:
    def name(atom: Atom) -> str:
        return atom.name

    p, q = index("p", b), index("q", c)
    assert dim_to_c((i * b + p) * c + q, name) == "(b*i + p)*c + q"
    assert dim_to_c((n + 3) // 4, name) == "(n + 3) / 4"
    assert dim_to_c((n - 2 * i) // 4, name) == "symnb_floordiv(n - 2*i, 4)"
    assert dim_to_c(n // z, name) == "symnb_floordiv(n, z)"
    assert dim_to_c(7, name) == "7"


# Identity


def test_equal_expressions_are_equal_and_hash_alike() -> None:
    assert (n + 1) * (m + 2) == 2 + m + n * m + 2 * n
    assert hash((n + 1) // 2 + i) == hash(i + (1 + n) // 2)
    assert n != symbol("n")
    assert n != 1 and n not in (1, 2)


def test_one_object_has_one_size() -> None:
    node, other = object(), object()
    assert bound(node, "count") == bound(node, "again")
    assert bound(node, "count") != bound(other, "count")
    assert atom_of(bound(node, "count")).node is node
    assert is_nonnegative(bound(node, "count")) and not is_positive(bound(node, "a"))


def test_atoms_look_inside_and_are_ordered_by_creation() -> None:
    d = dim_min((n + i) // 3, m % 5) * j
    assert sorted(d.atoms()) == [atom_of(a) for a in (n, m, i, j)]
    assert (n * 2).atom is None and n.atom is not None
    assert atom_of(i).extent == n


def test_order_does_not_depend_on_hashes() -> None:
    program = (
        "from symnb.core.dims import *\n"
        "s = [symbol(x) for x in 'abcdefgh']\n"
        "i = index('i', s[0])\n"
        "d = sum(p*q//(r + 2) for p, q, r in zip(s, s[1:], s[2:])) + i % s[3]\n"
        "print(d * d, dim_min(d, s[1]), [a.name for a in sorted(d.atoms())])\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(texts) == 1


def test_keys_depend_on_names_alone() -> None:
    p, q = symbol("p"), symbol("q")
    swapped = {"p": "q", "q": "p"}
    left = dim_key(dim_min(p, 2 * q) + p * 3, lambda a: a.name)
    right = dim_key(dim_min(q, 2 * p) + q * 3, lambda a: swapped[a.name])
    assert left == right != dim_key(dim_min(p, 2 * q) + q * 3, lambda a: a.name)


def test_a_pickle_keeps_which_symbols_are_equal() -> None:
    d = (n + m) // 3 * i + x % k
    dims = (d, n * m, m * n, i, x // k * k + x % k, x)
    back = pickle.loads(pickle.dumps(dims))
    assert [str(p) for p in back] == [str(p) for p in dims]
    assert back[1] == back[2] and back[4] == back[5]
    assert back[1] != n * m
    assert back[3].atom in back[0].atoms()
    ((first, second),) = [sorted(back[1].atoms())]
    env = {first: 5, second: 7}
    assert evaluate(back[1] // 2, env) == 17


def test_copies_are_the_size_itself() -> None:
    assert copy.deepcopy(n) is n and copy.copy(n + 1) == n + 1
    assert copy.deepcopy([n, (n, m)]) == [n, (n, m)]


def test_sizes_are_immutable_and_have_no_truth_value() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        n.terms = ()
    with pytest.raises(AttributeError, match="immutable"):
        atom_of(n).name = "m"
    with pytest.raises(DimError, match="is_positive"):
        bool(n)
    with pytest.raises(TypeError):
        n + 1.5  # type: ignore[operator]


def test_numpy_integers_count_as_integers() -> None:
    three: Any = np.int64(3)
    assert three * n == n * three == 3 * n
    assert three - n == 3 - n and n // three == n // 3 and three // n == 3 // n
    assert n * True == n


def test_dropped_sizes_are_freed_at_once() -> None:
    gc.disable()
    try:
        d = (symbol("p") + index("q", n)) // 3 % bound(object(), "r")
        atoms = [*d.atoms(), atom_of(d)]
        alive = [weakref.ref(atom) for atom in atoms]
        del d, atoms
        assert [ref() for ref in alive] == [None] * 4
    finally:
        gc.enable()


# Limits and errors


def test_a_missing_value_is_named() -> None:
    with pytest.raises(DimError, match=r"size m has no value; known sizes: n = 2"):
        evaluate(n * m, {atom_of(n): 2})


def test_division_by_the_number_zero_is_refused() -> None:
    with pytest.raises(DimError, match="n is divided by 0"):
        n // 0
    with pytest.raises(DimError, match="by zero"):
        substitute(n // z, {atom_of(z): 0})


def test_chains_of_divisions_do_not_nest() -> None:
    d: DimLike = z
    for _ in range(60):
        d = (d + 1) // 2
    assert str(d) == f"(z + {2**60 - 1})//{2**60}"
    assert dim_max(dim_max(z - 3, 0) - 2, 0) == dim_max(z - 5, 0)


def test_the_greatest_of_many_sizes_nests_little() -> None:
    sizes = [symbol(f"s{i}") for i in range(300)]
    d, low = sizes[0], sizes[0]
    for size in sizes[1:]:
        d, low = dim_max(d, size), dim_min(size, low)
    known = {atom_of(size): (7 * i) % 293 + 2 for i, size in enumerate(sizes)}
    assert evaluate(d, known) == 294
    assert evaluate(low, known) == 2
    one = {atom_of(size): n for size in sizes}
    assert substitute(d, one) == n == substitute(low, one)


def test_unbounded_nesting_is_an_error_not_a_crash() -> None:
    d: DimLike = n
    with pytest.raises(DimError, match="name of its own"):
        for _ in range(1000):
            d = (3 * d + m) // 2


def test_the_deepest_expression_still_has_text_value_and_pickle() -> None:
    d: DimLike = n
    depth, value = 0, 3
    with pytest.raises(DimError, match="nests 41 levels"):
        for depth in range(100):
            d = (2 * d + m) % (m + 5 + depth)
    for step in range(depth):
        value = (2 * value + 2) % (2 + 5 + step)
    assert eval(dim_text(d), {"n": 3, "m": 2}) == value
    assert substitute(d, {atom_of(n): 3, atom_of(m): 2}) == value
    assert str(pickle.loads(pickle.dumps(d))) == str(d)


def test_dims_inside_nested_tuples_are_mapped_and_listed() -> None:
    params = ("axis", 1, (n, (m + 1, None)), [n])
    assert list(dims_in(params)) == [n, m + 1]
    assert list(dims_in(n)) == [n] and list(dims_in(3)) == []
    assert map_dims(params, lambda d: d + 1)[:3] == ("axis", 1, (n + 1, (m + 2, None)))
    assert map_dims(params, lambda d: d) is params
    assert map_dims(params, str)[2] == ("n", ("m + 1", None))
