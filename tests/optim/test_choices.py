"""Algebra chosen by cost: before -> after by hand, sizes deciding, decisions told."""

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symnb
from symnb.core.dims import symbol
from symnb.core.evaluate import evaluate
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.core.walk import order
from symnb.gradient import grad
from symnb.ops import elementwise as el
from symnb.ops.diagonal import diagonal, trace
from symnb.ops.dot import DOT, outer
from symnb.ops.linalg import inv, solve
from symnb.ops.reduce import sum as total
from symnb.ops.view import broadcast_to, expand_dims, transpose
from symnb.optim.mode import get_mode
from symnb.optim.optimiser import optimise
from symnb.optim.passes import MERGE, Compile
from symnb.optim.pipeline import PIPELINE, Pipeline, run_passes
from symnb.optim.trace import Decision
from symnb.viz.document import document
from symnb.viz.narrative import tell
from symnb.viz.story import story_of
from symnb.viz.text import tree_text
from tests.optim.graphs import leaf
from tests.optim.test_order import least

PASSES = PIPELINE.without("blas")  # which turns products into calls with options


def together(before: Any, after: Any) -> tuple[Graph, Graph, list[Decision]]:
    """The optimised first graph and the merged second one, in one table."""
    compile = Compile()
    done, _ = run_passes(Graph((), _roots(before)), PASSES, compile)
    wanted, _ = run_passes(Graph((), _roots(after)), Pipeline((MERGE,)), compile)
    return done, wanted, compile.decisions


def _roots(result: Any) -> tuple[Node, ...]:
    return tuple(result) if isinstance(result, tuple) else (result,)


def values_of(roots: Sequence[Node]) -> list[Any]:
    """Results on normal inputs, each drawn by its name; open sizes are 3, 4, ..."""
    sizes: dict[Any, int] = {}
    values: dict[Node, Any] = {}
    for node in sorted(
        (x for x in order(roots) if isinstance(x, Input)), key=lambda x: x.name
    ):
        shape = [
            d if isinstance(d, int) else sizes.setdefault(d, 3 + len(sizes))
            for d in node.type.shape
        ]
        rng = np.random.default_rng(list(node.name.encode()))
        values[node] = rng.normal(size=shape)
    return evaluate(list(roots), values)


def check(before: Any, after: Any) -> list[Decision]:
    """`before` becomes `after`, and the values stay."""
    done, wanted, decisions = together(before, after)
    for got, want in zip(done.roots, wanted.roots, strict=True):
        assert got is want, f"\n{tree_text(got)}\nis not\n{tree_text(want)}"
    for got, want in zip(values_of(done.roots), values_of(_roots(before)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    return decisions


n, m, k = symbol("n"), symbol("m"), symbol("k")
M, N, P = (leaf(n, n, name=name) for name in "MNP")
p, q, r = (leaf(n, name=name) for name in "pqr")
s = leaf(name="s")
tall, wide = leaf(n, 2, name="tall"), leaf(2, n, name="wide")
a, b, c, d = (leaf(n, m, name=name) for name in "abcd")
column, row = leaf(n, 1, name="column"), leaf(1, n, name="row")
A, B = leaf(10, 1000, name="A"), leaf(1000, 10, name="B")
C = leaf(10, 1000, name="C")
D, ten = leaf(1000, 7, name="D"), leaf(10, name="ten")

BECOMES = {
    # chains
    "(M N) q": (lambda: (M @ N) @ q, lambda: M @ (N @ q)),
    "q (M N)": (lambda: q @ (M @ N), lambda: (q @ M) @ N),
    "M N P q": (lambda: M @ N @ P @ q, lambda: M @ (N @ (P @ q))),
    "p M N q": (lambda: p @ (M @ N) @ q, lambda: p @ (M @ (N @ q))),
    "(M N).T q": (lambda: transpose(M @ N) @ q,
                  lambda: transpose(N) @ (transpose(M) @ q)),
    "M N column": (lambda: M @ N @ column, lambda: M @ (N @ column)),
    "row M N": (lambda: row @ (M @ N), lambda: (row @ M) @ N),
    "tall wide tall": (lambda: (tall @ wide) @ tall, lambda: tall @ (wide @ tall)),
    "A B C": (lambda: A @ (B @ C), lambda: (A @ B) @ C),
    "B C B": (lambda: (B @ C) @ B, lambda: B @ (C @ B)),
    "outer M": (lambda: outer(p, q) @ M,
                lambda: expand_dims(p, 1) * expand_dims(q @ M, 0)),
    "outer r": (lambda: outer(p, q) @ r, lambda: p * (q @ r)),
    # systems
    "inv(M) N q": (lambda: inv(M) @ N @ q, lambda: solve(M, N @ q)),
    "N inv(M) q": (lambda: N @ inv(M) @ q, lambda: N @ solve(M, q)),
    "q inv(M) N": (lambda: q @ (inv(M) @ N),
                   lambda: solve(transpose(M), q) @ N),
    "inv(M) tall wide": (lambda: solve(M, tall @ wide),
                         lambda: solve(M, tall) @ wide),
    "inv(M) inv(N) q": (lambda: inv(M) @ (inv(N) @ q),
                        lambda: solve(M, solve(N, q))),
    # scalings
    "(s A) B": (lambda: (s * A) @ B, lambda: s * (A @ B)),
    "A (B / s)": (lambda: A @ (B / s), lambda: (A @ B) / s),
    "(s M) N q": (lambda: (s * M) @ N @ q, lambda: s * (M @ (N @ q))),
    "-M N": (lambda: (-M) @ N, lambda: -(M @ N)),
    "rows of A": (lambda: (expand_dims(ten, 1) * A) @ B,
                  lambda: expand_dims(ten, 1) * (A @ B)),
    "columns of M": (lambda: (M * p) @ q, lambda: M @ (p * q)),
    "columns of C, divided": (lambda: A @ (B / ten), lambda: (A @ B) / ten),
    # common factors
    "ab + ac": (lambda: a * b + a * c, lambda: a * (b + c)),
    "ab - ca": (lambda: a * b - c * a, lambda: a * (b - c)),
    "ab + ac + ad": (lambda: a * b + a * c + a * d, lambda: a * (b + c + d)),
    "a/d + b/d": (lambda: a / d + b / d, lambda: (a + b) / d),
    "aa + ab": (lambda: a * a + a * b, lambda: a * (a + b)),
    "2a + 2b": (lambda: 2 * a + 2 * b, lambda: 2 * (a + b)),
    "AC - CA": (lambda: A * C - C * A, lambda: broadcast_to(0.0, (10, 1000))),
    "ab - ba + c": (lambda: a * b - b * a + c, lambda: c),
    "M N + M P": (lambda: M @ N + M @ P, lambda: M @ (N + P)),
    "N M - P M": (lambda: N @ M - P @ M, lambda: (N - P) @ M),
    "M q + M p": (lambda: M @ q + M @ p, lambda: M @ (q + p)),
    # polynomials and identities
    "(a + b)^2 - (a^2 + 2ab + b^2)": (
        lambda: (A + C) ** 2 - (A**2 + 2 * A * C + C**2),
        lambda: broadcast_to(0.0, (10, 1000))),
    "(a + b)^2 - a^2 - 2ab": (
        lambda: (a + b) ** 2 - a**2 - 2 * a * b, lambda: el.square(b)),
    "a (1 + b) - a": (lambda: a * (1 + b) - a, lambda: a * b),
    "(a + b) (a - b) + b^2": (lambda: (a + b) * (a - b) + b**2, lambda: el.square(a)),
    "sin^2 + cos^2": (lambda: el.sin(A) ** 2 + el.cos(A) ** 2,
                      lambda: broadcast_to(1.0, (10, 1000))),
    "b + sin^2 + cos^2": (lambda: b + el.sin(a) ** 2 + el.cos(a) ** 2, lambda: b + 1),
    "(b sin)^2 + (b cos)^2": (
        lambda: (b * el.sin(a)) ** 2 + (b * el.cos(a)) ** 2, lambda: el.square(b)),
    "1 - sin^2": (lambda: 1 - el.sin(a) ** 2, lambda: el.square(el.cos(a))),
    "cosh^2 - sinh^2": (lambda: el.cosh(A) ** 2 - el.sinh(A) ** 2,
                        lambda: broadcast_to(1.0, (10, 1000))),
    # sums of products
    "sum outer": (lambda: total(outer(p, q)), lambda: total(p) * total(q)),
    "sum outer, axis 1": (lambda: total(outer(p, q), 1),
                          lambda: p * total(expand_dims(q, 0), 1)),
    "sum M N": (lambda: total(M @ N), lambda: total(M, 0) @ total(N, 1)),
    "sum M N, axis 0": (lambda: total(M @ N, 0), lambda: total(M, 0) @ N),
    "sum M N P, axis 1": (lambda: total(M @ N @ P, 1),
                          lambda: M @ (N @ total(P, 1))),
    "trace M N": (lambda: trace(M @ N), lambda: total(M * transpose(N))),
    "diagonal M N": (lambda: diagonal(M @ N), lambda: total(M * transpose(N), 1)),
    "diagonal, not square": (
        lambda: diagonal(A @ D),
        lambda: total(A[:7] * transpose(D), 1)),
    "M ones": (lambda: M @ broadcast_to(s, (n, 6)),
               lambda: broadcast_to(total(M, 1, keepdims=True) * s, (n, 6))),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), BECOMES.values(), ids=BECOMES)
def test_before_becomes_after(before: Any, after: Any) -> None:
    decisions = check(before(), after())
    for decision in decisions:
        assert " instead of " in decision.reason


x32 = leaf(32, 784, name="x")
KEPT = {
    "as good as it is": lambda: M @ (N @ q),
    "no order is better": lambda: M @ N @ P,
    "the product is read elsewhere": lambda: (M @ N, (M @ N) @ q),
    "the order depends on the sizes": lambda: (
        leaf(n, m, name="X") @ leaf(m, k, name="Y") @ leaf(k, symbol("l"), name="Z")
    ),
    "scaling joins the kernel of tanh": lambda: (s * el.tanh(A)) @ B,
    "the scaled product is larger": lambda: leaf(9, 2) @ (s * leaf(2, 9)),
    "two vectors by two matrices": lambda: q @ M + q @ N,
    "exp is all the work": lambda: el.exp(a) * b + el.exp(a) * c,
    "one flop in twenty": lambda: a * el.sin(b) + a * el.sin(c),
    "nothing in common": lambda: a * b + c * d,
    "as many multiplications": lambda: a + a * b,
    "a square of a sum": lambda: (a + b) ** 2 + c,
    "a square of a long sum": lambda: (a + b + c + d + 1) ** 2 - a,
    "powers of read sums": lambda: ((a + b) ** 2 - a**2, (a + b) ** 2),
    "BLAS scales and adds": lambda: s * (M @ N) + s * P,
    "factors are read elsewhere": lambda: (a * b + a * c, a * b, a * c),
    "integers": lambda: _matrix("int64") @ _matrix("int64") @ leaf(4, dtype="int64"),
    "sizes that seldom exist": lambda: (
        leaf(n - 5000, n, name="X")
        @ leaf(n, n - 5000, name="Y")
        @ leaf(n - 5000, m, name="Z")
    ),
    "outer product is the result": lambda: outer(p, q),
}


def _matrix(dtype: str) -> Node:
    return leaf(4, 4, dtype=dtype)


@pytest.mark.parametrize("make", KEPT.values(), ids=KEPT)
def test_what_would_not_be_cheaper_stays(make: Any) -> None:
    compile = Compile()
    _, records = run_passes(Graph((), _roots(make())), PASSES, compile)
    [record] = [one for one in records if one.name == "products"]
    assert record.events == []


def test_what_depends_on_sizes_is_told() -> None:
    chain = leaf(n, m, name="X") @ leaf(m, k, name="Y") @ leaf(k, n, name="Z")
    _, trace_ = optimise(Graph((), (chain,)))
    [decision] = trace_.decisions
    assert str(decision) == (
        "order: X @ Y @ Z: as written (no order is best for all sizes; "
        "sizes given as numbers decide)"
    )


# -------------------------------------------------------------------------- random sums

LETTERS = {name: leaf(3, 5, name=name) for name in "abcd"}
_TERM = st.tuples(
    st.sampled_from((1, -1)), st.text("abcd", min_size=1, max_size=3),
    st.sampled_from(("", "a", "d")),
)  # fmt: skip
_SUM = st.lists(_TERM, min_size=1, max_size=5)


def _sum(terms: Any, letters: Any) -> tuple[Any, Any]:
    """The sum, and the sum of the magnitudes of its terms."""
    total_: Any = None
    size: Any = 0.0
    for sign, above, below in terms:
        term = letters[above[0]]
        for letter in above[1:]:
            term = term * letters[letter]
        term = term / letters[below] if below else term
        size = size + abs(term)
        signed = term if sign > 0 else -term
        total_ = signed if total_ is None else total_ + signed
    return total_, size


@given(_SUM, _SUM, st.booleans())
@settings(max_examples=80)
def test_random_sums_of_products_keep_their_value(
    first: Any, second: Any, squared: bool
) -> None:
    sums = [_sum(terms, LETTERS)[0] for terms in (first, second)]
    root = el.square(sums[0]) - sums[1] if squared else sums[0] * sums[1] - sums[0]
    done, _ = run_passes(Graph((), (root,)), PASSES, Compile())
    rng = np.random.default_rng(1)
    values = {x: rng.uniform(0.5, 2, (3, 5)) for x in LETTERS.values()}
    got, want = (evaluate(graph, values)[0] for graph in (done.outputs, [root]))
    arrays = {name: values[x] for name, x in LETTERS.items()}
    (_, one), (_, two) = (_sum(terms, arrays) for terms in (first, second))
    scale = (one + two + 1) ** 2  # the largest values added on the way
    assert np.all(np.abs(got - want) <= 1e-13 * scale)


# --------------------------------------------------------------------- products shared


def _count(*roots: Node) -> int:
    done, _ = run_passes(Graph((), roots), PASSES, Compile())
    for got, want in zip(values_of(done.roots), values_of(roots), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    return sum(node.op is DOT for node in done.nodes)


def test_products_that_are_needed_anyway_are_used() -> None:
    x, y = column, transpose(column)
    assert _count(y @ M @ x, M @ x, transpose(M) @ x) == 3
    assert _count(y @ M @ x, transpose(M) @ x) == 2
    assert _count(q @ M @ q, M @ q, q @ M) == 3
    assert _count(q @ (M @ p), q @ M) == 2
    assert _count(N @ M @ N @ q, N @ q) == 3


def test_an_inner_product_of_a_shared_chain_is_used() -> None:
    assert _count(P @ M @ N, transpose(M @ N)) == 2


# ------------------------------------------------------------------------ random chains


@st.composite
def chains(draw: Any) -> tuple[list[int], list[Node], Node]:
    """Sizes, factors (some are transposes), their product in a random order."""
    count = draw(st.integers(2, 7))
    sizes = draw(st.lists(st.integers(1, 9), min_size=count + 1, max_size=count + 1))
    factors: list[Node] = []
    for at, shape in enumerate(pairwise(sizes)):
        turned = draw(st.booleans())
        x = leaf(*(shape[::-1] if turned else shape), name=f"m{at}")
        factors.append(transpose(x) if turned else x)
    terms = list(factors)
    while len(terms) > 1:
        at = draw(st.integers(0, len(terms) - 2))
        left, right = terms[at : at + 2]
        made = left @ right
        if draw(st.booleans()):
            made = transpose(transpose(right) @ transpose(left))
        terms[at : at + 2] = [made]
    return sizes, factors, terms[0]


@given(chains(), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_random_chains_take_the_fewest_multiplications(
    case: tuple[list[int], list[Node], Node], seed: int
) -> None:
    sizes, factors, product = case
    done, _ = run_passes(Graph((), (product,)), PASSES, Compile())
    rng = np.random.default_rng(seed)
    values = {
        x: rng.normal(size=x.type.shape)
        for x in order([product]) if isinstance(x, Input)
    }  # fmt: skip
    arrays = evaluate([*done.outputs, *factors], values)
    want = np.linalg.multi_dot(arrays[1:])
    np.testing.assert_allclose(arrays[0], want, rtol=1e-9, atol=1e-9)
    assert sum(map(multiplications, done.nodes)) == least(sizes)


def multiplications(node: Node) -> int:
    """Of a product; of a column and a row it may be written as elementwise."""
    if node.op is DOT:
        return int(node.type.size) * int(node.inputs[0].type.shape[-1])
    return int(node.type.size) if node.op is el.mul else 0


@given(st.lists(st.sampled_from("MNPTpqsi"), min_size=2, max_size=6), st.data())
@settings(max_examples=60)
def test_random_chains_of_vectors_and_scalings_keep_their_value(
    letters: list[str], data: Any
) -> None:
    terms: list[Node] = []
    for letter in letters:
        x = {"M": M, "N": N, "P": P, "T": transpose(M), "p": outer(p, q),
             "q": M * q, "s": s * N, "i": inv(N)}[letter]  # fmt: skip
        terms.append(x)
    if data.draw(st.booleans()):
        terms.append(data.draw(st.sampled_from((q, column, tall))))
    if data.draw(st.booleans()):
        terms.insert(0, data.draw(st.sampled_from((p, row, wide))))
    while len(terms) > 1:
        at = data.draw(st.integers(0, len(terms) - 2))
        terms[at : at + 2] = [terms[at] @ terms[at + 1]]
    root = total(terms[0]) if data.draw(st.booleans()) else terms[0]
    done, _ = run_passes(Graph((), (root,)), PIPELINE, Compile())
    got, want = values_of(done.outputs)[0], values_of([root])[0]
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * np.abs(want).max())


# ------------------------------------------------------------------------- large graphs


def _events(root: Node) -> tuple[int, float]:
    """Firings of the pass, and the CPU seconds it took."""
    compile = Compile()
    started = time.process_time()
    _, records = run_passes(Graph((), (root,)), PASSES, compile)
    spent = time.process_time() - started
    return len(next(x for x in records if x.name == "products").events), spent


def test_a_chain_of_two_hundred_matrices_is_ordered_at_once() -> None:
    factors = [leaf(5 + 7 * at % 31, 5 + 7 * (at + 1) % 31) for at in range(200)]
    product = factors[0]
    for x in factors[1:]:
        product = product @ x
    count, seconds = _events(product @ leaf(int(product.type.shape[1])))
    assert count == 1
    assert seconds < 1.0  # 20 ms on an idle core


def test_a_sum_of_two_thousand_products_is_factored_at_once() -> None:
    root = a * leaf(n, m, name="t")
    for at in range(2000):
        root = root + a * leaf(n, m, name=f"t{at}")
    count, seconds = _events(root)
    assert count == 1
    assert seconds < 3.0  # 0.15 s on an idle core


def test_many_different_factors_do_not_explode() -> None:
    xs = [leaf(n, m, name=f"x{at}") for at in range(40)]
    root = xs[0] * xs[1]
    for at in range(2000):
        root = root + xs[at % 40] * xs[(7 * at + at // 40 + 1) % 40]
    _, seconds = _events(root)
    assert seconds < 3.0


# ----------------------------------------------------------------------- how it is told


def _function() -> Any:
    f_m, f_n = leaf(9, 9, name="M"), leaf(9, 9, name="N")
    f_q, f_b = leaf(9, name="q"), leaf(9, name="b")
    return symnb.function([f_m, f_n, f_q, f_b], (f_m @ f_n) @ f_q + f_b)


def test_the_choice_is_told_everywhere() -> None:
    f = _function()
    said = "M @ (N @ q) (162 instead of 810 multiplications)"
    assert any(said in str(decision) for decision in f.trace.decisions)
    assert said in " ".join(tell(f).split())
    told = [d for d in document(story_of(f))["decisions"] if d["kind"] == "order"]
    assert [d["chosen"] for d in told] == ["M @ (N @ q)"]
    assert told[0]["nodes"]
    [event] = f.trace["products"].events
    assert event.rule.name == "product_order"


def test_the_choice_is_right_in_compiled_code() -> None:
    f = _function()
    rng = np.random.default_rng(3)
    values = [rng.normal(size=shape) for shape in ((9, 9), (9, 9), 9, 9)]
    want = np.linalg.multi_dot(values[:3]) + values[3]
    np.testing.assert_allclose(f(*values), want, rtol=1e-12)
    [row] = [one for one in f.check(values).rows if "products" in str(one)]
    assert row.ok


def _ops(root: Node) -> list[str]:
    return sorted(optimise(Graph((), (root,)))[0].ops())


def test_a_scalar_factor_is_blas_alpha() -> None:
    for root in (s * (A @ B), (A @ B) / s, -(A @ B), (s * A) @ B, 0.5 * (A @ C.T)):
        assert "gemm" in _ops(root)
        assert not {"dot", "transpose"} & set(_ops(root))
    assert _ops(C - s * (A @ B @ C)).count("gemm") == 1


def test_a_scaled_product_is_right_in_compiled_code() -> None:
    x, y, z = leaf(6, 4, name="x"), leaf(4, 5, name="y"), leaf(5, 4, name="z")
    f = symnb.function([s, x, y, z], [s * (x @ y), (x @ transpose(z)) / s, -(y @ z)])
    rng = np.random.default_rng(5)
    values = [rng.normal(size=v.type.shape) for v in (s, x, y, z)]
    one, two, three = f(*values)
    np.testing.assert_allclose(one, values[0] * (values[1] @ values[2]), rtol=1e-13)
    np.testing.assert_allclose(two, values[1] @ values[3].T / values[0], rtol=1e-13)
    np.testing.assert_allclose(three, -(values[2] @ values[3]), rtol=1e-13)
    assert {step.kind for step in f.program.steps if step.nodes[0].ndim == 2} == {
        "extern"
    }


def test_modes_have_it_or_not() -> None:
    product = (M @ N) @ q

    def fired(mode: Any) -> bool:
        _, told = optimise(Graph((), (product,)), mode)
        return any(e.rule is not None and e.rule.name == "product_order"
                   for e in told.events)  # fmt: skip

    assert fired("FAST_RUN")
    assert not fired("strict")
    assert not fired("FAST_COMPILE")
    assert not fired(get_mode("FAST_RUN").excluding("products"))
    assert not fired(get_mode("FAST_RUN").excluding("product_order"))


def test_each_rule_can_be_left_out() -> None:
    mode = get_mode("FAST_RUN").excluding("common_factor")
    done, told = optimise(Graph((), (a * b + a * c, (M @ N) @ q)), mode)
    assert [d.kind for d in told.decisions] == ["order"]
    assert "add" in [done.outputs[0].op.name]


def test_events_can_be_replayed() -> None:
    roots = ((M @ N) @ q, a * b + a * c, total(outer(p, q)))
    _, told = optimise(Graph((), roots))
    record = told["products"]
    assert len(record.events) == 3
    for at in range(4):
        got = values_of(record.at(at).roots)
        for x, y in zip(got, values_of(roots), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-10)


def test_gradients_are_not_made_of_reordered_products() -> None:
    loss = total(el.square((M @ N) @ q))
    slope = grad(loss, M)
    done, _ = run_passes(Graph((), (slope,)), PASSES, Compile())
    got, want = values_of(done.outputs)[0], values_of([slope])[0]
    np.testing.assert_allclose(got, want, rtol=1e-9)
    counts = [x.type.ndim for x in done.nodes if x.op is DOT]
    assert counts.count(2) <= 1  # outer(g, N q) needs none
