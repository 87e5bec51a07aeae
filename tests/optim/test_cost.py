"""What nodes cost, by hand, and which comparisons of costs hold."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from symnb.core.dims import evaluate, symbol
from symnb.core.node import make
from symnb.ops import elementwise as el
from symnb.ops.dot import BATCHED_DOT, dot
from symnb.ops.gemm import gemm
from symnb.ops.reduce import sum as total
from symnb.optim.cost import (
    Cost,
    amount,
    best,
    between,
    cost,
    describe,
    flops,
    less,
    never_more,
    samples,
    traffic,
)
from tests.optim.graphs import leaf

n, m, k = symbol("n"), symbol("m", lower=0), symbol("k", lower=0)


def test_flops_and_bytes_by_hand() -> None:
    a, b, c = leaf(3, 4, name="a"), leaf(4, 5, name="b"), leaf(3, 5, name="c")
    product = dot(a, b)
    assert flops(product) == 2 * 3 * 4 * 5
    assert traffic(product) == 8 * (12 + 20 + 15)
    one = leaf(name="one")
    assert flops(gemm(c, a, b, one, one)) == 120
    assert flops(gemm(c, leaf(4, 3), b, one, one, True)) == 120
    assert flops(dot(leaf(7), leaf(7))) == 14
    assert flops(make(BATCHED_DOT, (leaf(6, 3, 4), leaf(6, 4, 5)))) == 6 * 120
    assert flops(a + a) == 12
    assert traffic(a + a) == 8 * 24  # read once
    assert flops(total(a, 0)) == 12
    assert flops(a.T) == traffic(a.T) == flops(a) == 0
    assert flops(el.exp(a)) == 12 * el.exp.flops
    assert traffic(el.exp(leaf(10, dtype="float32"))) == 80
    assert cost([product, a + a]) == Cost(132, 8 * (47 + 24))


def test_costs_of_open_sizes_are_polynomials() -> None:
    x, y = leaf(n, m), leaf(m, k)
    assert flops(dot(x, y)) == 2 * n * m * k
    assert Cost(n, m) + Cost(m, m) == Cost(n + m, 2 * m)
    assert Cost(n * n, 8 * n).effort == n * n + 8 * n


def test_what_holds_for_all_sizes_is_proven() -> None:
    assert less(2 * n * n, n * n * n + n * n) == "proven"
    assert never_more(m, m * m) == "proven"  # sizes of 0 cost nothing either way
    assert less(m, m) == ""
    assert less(5, 6) == "proven"
    assert less(6, 6) == less(7, 6) == ""


def test_what_holds_at_usual_sizes_is_sampled() -> None:
    assert less(m * k + n * m, n * m * k + n * k) == "sampled"
    assert less(n * m * k, n * m * k + n - m) == ""  # m may be the larger one
    assert less(3 * n * n + 3 * n, 4 * n * n) == "sampled"


def test_a_saving_must_be_worth_it() -> None:
    assert less(95, 100) == "proven"
    assert less(95, 100, percent=10) == ""
    assert less(90 * n, 100 * n, percent=10) == "proven"


def test_open_sizes_are_varied_together_and_one_at_a_time() -> None:
    points = samples(n * m)
    assert len(points) == 3 + 2 * 2
    assert all(set(point.values()) <= {16, 128, 1024} for point in points)
    assert samples(3, 4) == [{}]
    many = [symbol(f"s{at}") for at in range(20)]
    assert len(samples(*many)) == 3


def test_samples_at_which_a_size_does_not_exist_are_left_out() -> None:
    assert {point[n.leaf] for point in samples(n - 100, n)} == {128, 1024}
    assert samples(n - 5000) == []
    assert never_more(n - 5000, m) == less(n - 5000, m) == ""
    assert best([n - 5000, n]) == 0
    assert len(samples(m // (n - 16))) < 7  # divides by zero at 16


def test_the_first_of_equals_is_best() -> None:
    assert best([7, 3, 3]) == 1
    assert best([n * m, n, m]) == 1


@given(st.lists(st.integers(-3, 3), min_size=6, max_size=6), st.integers(0, 2**32 - 1))
def test_proofs_hold(numbers: list[int], seed: int) -> None:
    a, b, c, d, e, f = numbers
    old = a * n * m + b * n + c * m * m + 20
    new = d * n * m + e * n + f * m * m
    if never_more(new, old) == "proven":
        rng = np.random.default_rng(seed)
        for _ in range(20):
            env = {x: int(rng.integers(1, 50)) for x in (n * m).atoms()}
            assert evaluate(new, env) <= evaluate(old, env)


def test_costs_as_one_reads_them() -> None:
    assert amount(1_002_000) == "1,002,000"
    assert amount(2 * n * n + 3 * n * m + 1) == "2 n^2 + 3 n m + 1"
    assert describe(2, 3, "flops", "proven") == "2 instead of 3 flops"
    assert "compared at sizes of 16 to 1024" in describe(n, m, "flops", "sampled")


def test_what_lies_between() -> None:
    x, y = leaf(3), leaf(3)
    inner = el.exp(x)
    root = (inner + y) * inner
    assert set(between(root, {inner})) == {root, root.inputs[0]}
    assert len(between(root, set())) == 3
