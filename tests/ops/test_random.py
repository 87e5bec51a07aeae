"""Philox against its published answers; draws against their distributions.

Every draw is made with a fixed seed, so a test of fit at level 1e-3 either holds
always or never.
"""

import math

import numpy as np
import pytest
from scipy import stats

from symnb.compile.function import function
from symnb.core.dims import symbol
from symnb.core.evaluate import evaluate
from symnb.core.node import Input, as_dim
from symnb.core.types import TensorType
from symnb.errors import RankError, ShapeError, SymnbError
from symnb.ops import distributions, philox
from symnb.ops.random import MRG_RandomStreams, RandomStreams, key
from tests.ops.structure import pullback, tensor, value

LEVEL = 1e-3


def drawn(node, given=None):
    return evaluate([node], given or {})[0]


# ------------------------------------------------------------------------- Philox

# Random123 1.14, kat_vectors, philox4x32 10: counter, key, answer.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip


def wide(low: int, high: int) -> np.ndarray:
    return np.array(high << 32 | low, "uint64")


@pytest.mark.parametrize(("counter", "seed", "answer"), KNOWN)
def test_philox_gives_the_published_answers(counter, seed, answer) -> None:
    a, b, c, d = (int(word, 16) for word in counter.split())
    k, m = (int(word, 16) for word in seed.split())
    operands = wide(k, m), wide(c, d), wide(a, b)
    words = [int(word, 16) for word in answer.split()]
    assert [int(word) for word in philox.philox(*operands)] == words
    low = drawn(philox.PHILOX_LOW(*operands))
    high = drawn(philox.PHILOX_HIGH(*operands))
    assert int(low) == words[1] << 32 | words[0]
    assert int(high) == words[3] << 32 | words[2]


def test_elements_are_numbered_in_c_order() -> None:
    for shape in ((), (5,), (1, 1), (2, 3), (3, 1, 2), (0, 4)):
        expected = np.arange(math.prod(shape), dtype="uint64").reshape(shape)
        np.testing.assert_array_equal(
            drawn(philox.positions(shape)), expected, strict=True
        )
    n = symbol("n", 0)
    x = Input(TensorType("bool", (n, symbol("m", 0))), "x")
    node = philox.positions(x.type.shape)
    found = evaluate([node], {x: np.zeros((3, 4), bool)})[0]
    np.testing.assert_array_equal(found, np.arange(12).reshape(3, 4))


# ------------------------------------------------------------------------ streams


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second, other = (RandomStreams(s).normal((4,)) for s in (7, 7, 8))
    np.testing.assert_array_equal(drawn(first), drawn(second))
    assert (drawn(first) != drawn(other)).all()


def test_two_variables_and_two_states_differ() -> None:
    srng = RandomStreams(7)
    a, b = srng.uniform((100,)), srng.uniform((100,))
    before = drawn(a)
    assert not np.intersect1d(before, drawn(b)).size
    rng, after = a.update
    assert rng is a.rng and a.rng.default_update is after
    np.testing.assert_array_equal(drawn(after), [7, 0, 1])
    a.rng.set_value(drawn(after))
    assert not np.intersect1d(before, drawn(a)).size


def test_states_are_saved_restored_and_seeded() -> None:
    srng = RandomStreams(5)
    a = srng.uniform((3,))
    state, first = a.rng.get_value(), drawn(a)
    a.rng.set_value(state + np.array([0, 0, 9], "uint64"))
    assert (drawn(a) != first).all()
    a.rng.set_value(state)
    np.testing.assert_array_equal(drawn(a), first)
    srng.seed(6)
    np.testing.assert_array_equal(drawn(a), drawn(RandomStreams(6).uniform((3,))))
    srng.seed()
    np.testing.assert_array_equal(drawn(a), first)
    assert srng.updates() == [a.update]


def test_unseeded_streams_differ() -> None:
    a, b = RandomStreams().uniform((4,)), RandomStreams().uniform((4,))
    assert (drawn(a) != drawn(b)).all()


def test_seeds_of_any_size_are_taken() -> None:
    for seed in (0, -1, 2**64 - 1, 2**70 + 3):
        assert key(seed, 0).get_value()[0] == seed % 2**64


# -------------------------------------------------------------------------- sizes


def test_sizes_are_numbers_sizes_vectors_or_known_while_running() -> None:
    srng = RandomStreams(1)
    x, k = tensor(np.zeros((2, 3))), Input(TensorType("int64", ()), "k")
    line = Input(TensorType("int64", (symbol("d", 0),)), "line")
    assert drawn(srng.uniform(4)).shape == (4,)
    assert drawn(srng.uniform(())).shape == ()
    assert drawn(srng.uniform()).shape == ()
    assert drawn(srng.normal((0, 2))).shape == (0, 2)
    assert drawn(srng.uniform(x.shape), {x: np.zeros((2, 3))}).shape == (2, 3)
    assert drawn(srng.uniform((k, 2)), {k: np.int64(5)}).shape == (5, 2)
    by_vector = srng.uniform(line, ndim=2)
    assert drawn(by_vector, {line: np.array([2, 6])}).shape == (2, 6)
    positive = srng.uniform((as_dim((x > 0).sum()),))
    assert drawn(positive, {x: np.array([[1.0, -1, 2], [0, 0, 3]])}).shape == (3,)


def test_a_missing_size_is_that_of_the_parameters() -> None:
    srng = RandomStreams(1)
    mean = np.array([[0.0], [100.0]])
    found = drawn(srng.normal(avg=mean, std=[1.0, 1.0, 1.0]))
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found, np.broadcast_to(mean, (2, 3)), atol=6)
    assert drawn(srng.uniform(low=[0.0], ndim=3)).shape == (1, 1, 1)
    with pytest.raises(RankError):
        srng.uniform(low=mean, ndim=1)
    with pytest.raises(ShapeError):
        srng.normal((4,), avg=[1.0, 2.0])


def test_a_draw_is_a_prefix_of_a_longer_one() -> None:
    short, long = RandomStreams(2).normal((5,)), RandomStreams(2).normal((50,))
    np.testing.assert_array_equal(drawn(short), drawn(long)[:5])


def test_dtypes() -> None:
    srng = RandomStreams(1)
    assert srng.uniform().dtype == "float64"
    assert srng.uniform(dtype="float32").dtype == "float32"
    assert srng.normal(avg=np.zeros(1, "float32")).dtype == "float64"
    assert srng.binomial().dtype == "int64"
    assert srng.binomial(dtype="float32").dtype == "float32"
    assert srng.permutation(n=3, dtype="int32").dtype == "int32"
    with pytest.raises(TypeError, match="floats"):
        srng.uniform(dtype="int64")


# ------------------------------------------------------------------ distributions

COUNT = 20_000


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform(dtype) -> None:
    unit = drawn(RandomStreams(3).uniform((COUNT,), dtype=dtype))
    assert unit.dtype == dtype and unit.min() >= 0 and unit.max() < 1
    assert stats.kstest(unit, "uniform").pvalue > LEVEL
    step = 2.0**-24 if dtype == "float32" else 2.0**-53
    assert (unit / step == np.floor(unit / step)).all()
    other = drawn(RandomStreams(3).uniform((COUNT,), -2.0, 3.0, dtype=dtype))
    np.testing.assert_allclose(other, unit * 5 - 2, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal(dtype) -> None:
    standard = drawn(RandomStreams(4).normal((COUNT,), dtype=dtype))
    assert standard.dtype == dtype and np.isfinite(standard).all()
    assert stats.kstest(standard, "norm").pvalue > LEVEL
    tails = np.abs(standard) > 3
    expected = COUNT * 2 * stats.norm.sf(3)
    assert stats.poisson.interval(1 - LEVEL, expected)[0] <= tails.sum()
    assert tails.sum() <= stats.poisson.interval(1 - LEVEL, expected)[1]
    scaled = drawn(RandomStreams(4).normal((COUNT,), 3.0, 0.5, dtype=dtype))
    np.testing.assert_allclose(scaled, standard * 0.5 + 3, rtol=1e-6, atol=1e-6)
    assert abs(stats.pearsonr(standard[1:], standard[:-1]).statistic) < 0.03


def test_the_logarithm_of_an_open_unit_is_finite() -> None:
    # The least bits give the longest tail: sqrt(-2 log u).
    for dtype, least in (("float64", 2.0**-53), ("float32", 2.0**-32)):
        unit = drawn(distributions.open_unit_interval(key(1, 0), (COUNT,), dtype))
        assert unit.min() >= least and unit.max() <= 1


def test_exponential() -> None:
    waits = drawn(RandomStreams(5).exponential((COUNT,), 2.0))
    assert stats.kstest(waits, "expon", args=(0, 2)).pvalue > LEVEL


def test_integers_are_equally_likely() -> None:
    srng = RandomStreams(6)
    for node, low, high in (
        (srng.integers(-3, 4, (COUNT,)), -3, 4),
        (srng.random_integers((COUNT,), 1, 6), 1, 7),
        (srng.choice((COUNT,), 5), 0, 5),
    ):
        found = drawn(node)
        assert found.min() == low and found.max() == high - 1
        assert stats.chisquare(np.bincount(found - low)).pvalue > LEVEL
    with pytest.raises(ValueError, match="no integer"):
        srng.integers(3, 3)


CHANCES = [(1, 0.5), (1, 0.03), (10, 0.3), (3, 0.99), (1000, 0.001), (100_000, 0.7)]


@pytest.mark.parametrize(("n", "p"), CHANCES)
def test_binomial(n, p) -> None:
    found = drawn(RandomStreams(7).binomial((COUNT,), n, p))
    assert found.dtype == "int64" and found.min() >= 0 and found.max() <= n
    mean, spread = n * p, math.sqrt(n * p * (1 - p))
    assert abs(found.mean() - mean) < 4 * spread / math.sqrt(COUNT)
    values, counts = np.unique(found, return_counts=True)
    expected = COUNT * stats.binom.pmf(values, n, p)
    common = expected > 20
    parts = np.append(counts[common], COUNT - counts[common].sum())
    rates = np.append(expected[common], COUNT - expected[common].sum())
    keep = rates > 5
    rates = rates[keep] * parts[keep].sum() / rates[keep].sum()
    assert stats.chisquare(parts[keep], rates).pvalue > LEVEL


def test_the_binomial_inverse_is_that_of_scipy() -> None:
    u, n, p = np.meshgrid(
        np.linspace(1e-9, 1 - 1e-9, 31), [1, 2, 17, 4000], [1e-6, 0.2, 0.5, 0.999]
    )
    found = distributions._binomial_inverse(u, n.astype(float), p)
    np.testing.assert_array_equal(found, stats.binom.ppf(u, n, p))
    for trials, chance in ((1, 0.3), (17, 0.5), (4000, 0.2)):
        level = u[0, :, 0]
        by_table = distributions._binomial_inverse(level, np.array(trials), chance)
        np.testing.assert_array_equal(by_table, stats.binom.ppf(level, trials, chance))


def test_binomial_at_its_ends() -> None:
    srng = RandomStreams(8)
    p = np.array([0.0, 1.0])
    np.testing.assert_array_equal(drawn(srng.binomial((3, 2), 9, p)), [[0, 9]] * 3)
    np.testing.assert_array_equal(drawn(srng.binomial((3, 2), 1, p)), [[0, 1]] * 3)
    assert (drawn(srng.binomial((3,), 0, 0.5)) == 0).all()
    n = np.array([0, 5, 50])
    assert (drawn(srng.binomial(n=n, p=1.0)) == n).all()
    with pytest.raises(ValueError, match="between 0 and 1"):
        srng.binomial(p=1.5)


def test_multinomial_of_one_draw_picks_categories() -> None:
    p = np.array([0.1, 0.0, 0.6, 0.3])
    hits = drawn(RandomStreams(9).multinomial((COUNT,), pvals=p))
    assert hits.shape == (COUNT, 4) and (hits.sum(1) == 1).all()
    totals = hits.sum(0)
    assert totals[1] == 0
    assert stats.chisquare(totals[p > 0], COUNT * p[p > 0]).pvalue > LEVEL
    rows = drawn(RandomStreams(9).multinomial(pvals=np.eye(3)[[2, 0]]))
    np.testing.assert_array_equal(rows, np.eye(3)[[2, 0]])
    same = drawn(RandomStreams(9).categorical(np.eye(3)[[2, 0]]))
    np.testing.assert_array_equal(same, [2, 0])


def test_multinomial_of_many_draws() -> None:
    p = np.array([0.2, 0.5, 0.3])
    counts = drawn(RandomStreams(10).multinomial((4000,), 30, p))
    assert (counts.sum(1) == 30).all() and counts.min() >= 0
    spread = np.sqrt(30 * p * (1 - p) / 4000)
    assert (np.abs(counts.mean(0) - 30 * p) < 4 * spread).all()
    covariance = np.cov(counts.T)
    np.testing.assert_allclose(covariance, 30 * (np.diag(p) - np.outer(p, p)), atol=0.5)


# --------------------------------------------------------- permutations and choice


def test_permutations_are_equally_likely() -> None:
    rows = drawn(RandomStreams(11).permutation((6000,), n=3))
    assert (np.sort(rows, 1) == [0, 1, 2]).all()
    numbers = rows @ [9, 3, 1]
    assert stats.chisquare(np.unique(numbers, return_counts=True)[1]).pvalue > LEVEL
    assert drawn(RandomStreams(11).permutation(n=0)).shape == (0,)


def test_choice_without_replacement() -> None:
    srng = RandomStreams(12)
    found = drawn(srng.choice((5,), 5, replace=False))
    assert sorted(found) == list(range(5))
    assert len(set(drawn(srng.choice((2, 3), 100, replace=False)).ravel())) == 6
    things = np.array([2.5, -1.0, 7.0])
    assert sorted(drawn(srng.choice((3,), things, replace=False))) == sorted(things)
    with pytest.raises(ShapeError, match="6 draws"):
        srng.choice((6,), 5, replace=False)


def test_choice_with_chances() -> None:
    p = np.array([0.5, 0.0, 0.2, 0.3])
    found = drawn(RandomStreams(13).choice((COUNT,), 4, p=p))
    totals = np.bincount(found, minlength=4)
    assert totals[1] == 0
    assert stats.chisquare(totals[p > 0], COUNT * p[p > 0]).pvalue > LEVEL
    scaled = drawn(RandomStreams(13).choice((COUNT,), 4, p=p * 3))
    np.testing.assert_array_equal(scaled, found)


def test_weighted_choice_without_replacement_follows_successive_draws() -> None:
    # P(first = i) = p[i]; P(second = j | first = i) = p[j] / (1 - p[i]).
    p = np.array([0.6, 0.3, 0.1])
    node = RandomStreams(14).choice((2,), 3, replace=False, p=p)
    state, counts = node.rng.get_value(), np.zeros((3, 3))
    for number in range(1000):
        node.rng.set_value(state + np.array([0, 0, number], "uint64"))
        counts[tuple(drawn(node))] += 1
    expected = p[:, None] * p / (1 - p[:, None])
    off = ~np.eye(3, dtype=bool)
    assert not counts[~off].any()
    assert stats.chisquare(counts[off], 1000 * expected[off]).pvalue > LEVEL


def test_shuffle_row_elements() -> None:
    rows = np.arange(12.0).reshape(3, 4)
    found = drawn(RandomStreams(15).shuffle_row_elements(rows))
    assert (np.sort(found, 1) == rows).all() and (found != rows).any()
    orders = found - rows[:, :1]
    assert len({tuple(order) for order in orders}) > 1


# ------------------------------------------------------------------------ compiled


@pytest.mark.cc
def test_a_compiled_draw_is_that_of_the_reference_and_moves_on() -> None:
    srng = RandomStreams(18)
    draws = [
        srng.uniform((3, 4)), srng.uniform((5,), dtype="float32"),
        srng.integers(-5, 50, (7,)), srng.binomial((6,), 20, 0.4),
        srng.permutation((2,), 5), srng.choice((4,), 9, replace=False),
        srng.multinomial((3,), 6, [0.2, 0.3, 0.5]), srng.normal((8,)),
    ]  # fmt: skip
    expected = evaluate(draws, {})
    f = function([], draws)
    first, second = f(), f()
    for want, got, again in zip(expected[:-1], first, second, strict=False):
        np.testing.assert_array_equal(got, want, strict=True)
        assert (again != got).any()
    np.testing.assert_allclose(first[-1], expected[-1], rtol=1e-13)
    assert [v.rng.get_value()[2] for v in draws] == [2] * len(draws)


@pytest.mark.cc
def test_a_function_without_default_updates_repeats_its_draw() -> None:
    draw = RandomStreams(19).uniform((3,))
    f = function([], draw, no_default_updates=True)
    np.testing.assert_array_equal(f(), f())


@pytest.mark.cc
def test_more_draws_than_things_are_refused_while_running() -> None:
    k = Input(TensorType("int64", ()), "k")
    f = function([k], RandomStreams(21).choice((k,), 10, replace=False))
    assert len(set(f(10))) == 10
    for count in (11, 1000, -1):
        with pytest.raises(SymnbError):
            f(count)
    assert len(set(f(4))) == 4


@pytest.mark.cc
def test_a_compiled_draw_takes_its_size_from_an_argument() -> None:
    x = tensor(np.zeros((2, 3)))
    noise = RandomStreams(20).normal(x.shape)
    f = function([x], x + noise)
    assert f(np.zeros((2, 3))).shape == (2, 3)
    assert f(np.zeros((0, 5))).shape == (0, 5)


# ---------------------------------------------------------------------- gradients


def test_gradients_reach_the_parameters() -> None:
    mean, spread = tensor(np.zeros(3), "m"), tensor(np.zeros(3), "s")
    draw = RandomStreams(16).normal(avg=mean, std=spread)
    g = tensor(np.zeros(3), "g")
    gm, gs = pullback(draw, g, [mean, spread])
    given = [np.zeros(3), np.ones(3), np.array([1.0, 2.0, 4.0])]
    leaves = [mean, spread, g]
    np.testing.assert_array_equal(value(gm, leaves, given), given[2])
    standard = value(draw, leaves, given)
    np.testing.assert_allclose(value(gs, leaves, given), given[2] * standard)


def test_no_gradient_reaches_the_state() -> None:
    draw = RandomStreams(17).normal((3,))
    assert pullback(draw, tensor(np.zeros(3), "g"), [draw.rng]) == [None]


def test_theano_s_other_streams_are_the_same_generator() -> None:
    srng = MRG_RandomStreams(seed=3)
    a = srng.uniform(size=(2, 2), nstreams=14, dtype="float32")
    np.testing.assert_array_equal(
        drawn(a), drawn(RandomStreams(3).uniform((2, 2), dtype="float32"))
    )
    assert drawn(MRG_RandomStreams().normal((1,))) == drawn(
        RandomStreams(12345).normal((1,))
    )
