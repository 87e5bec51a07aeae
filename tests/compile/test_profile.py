"""Bytes and operations of steps against hand counts."""

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.compile.limits import Limits
from symnb.compile.mode import get_default_mode

pytestmark = pytest.mark.cc


def _profiled(function, *arguments, calls=3):
    function.profiling = True
    for _ in range(calls):
        function(*arguments)
    return function.profile


def test_bytes_and_operations_of_a_sum_of_vectors() -> None:
    x, y = T.fvectors("x", "y")
    profile = _profiled(symnb.function([x, y], x + y), *np.ones((2, 1000), "float32"))
    [step] = profile.steps
    assert step.bytes == 3 * 4 * 1000  # two read, one written
    assert step.flops == 1000
    assert step.calls == 3
    assert step.gbs == pytest.approx(step.bytes * 3 / step.ns)
    assert step.gflops == pytest.approx(step.flops * 3 / step.ns)


def test_an_array_written_in_place_is_moved_in_and_out() -> None:
    x, y = T.fvectors("x", "y")
    f = symnb.function(
        [x, y], T.tanh(x) * T.exp(y), mode=get_default_mode().excluding("fuse")
    )
    profile = _profiled(f, *np.ones((2, 1000), "float32"))
    moved = {step.nodes[0].op.name: step.bytes for step in profile.steps}
    assert moved == {"tanh": 8000, "exp": 8000, "mul": 12000}


def test_operations_of_products_and_convolutions() -> None:
    a, b = T.dmatrices("a", "b")
    profile = _profiled(
        symnb.function([a, b], T.dot(a, b)), np.ones((30, 40)), np.ones((40, 50))
    )
    assert [step.flops for step in profile.steps] == [2 * 30 * 40 * 50]
    x, w = T.ftensor4("x"), T.ftensor4("w")
    f = symnb.function([x, w], T.nnet.conv2d(x, w, filter_flip=False))
    one = np.ones((2, 3, 8, 8), "float32")
    profile = _profiled(f, one, np.ones((4, 3, 3, 3), "float32"))
    assert [step.flops for step in profile.steps] == [2 * (2 * 4 * 6 * 6) * (3 * 3 * 3)]


def test_softmax_reads_and_writes_each_element_once() -> None:
    x = T.fmatrix("x")
    step = _profiled(symnb.function([x], T.nnet.softmax(x)), np.ones((100, 50), "f4"))
    [step] = step.steps
    assert step.bytes == 2 * 4 * 100 * 50
    each = 4 + T.exp(x).op.flops  # largest, minus, exp, sum, times; a reciprocal a row
    assert step.flops == 100 * 50 * each + 100


PARTS = {  # the bytes and operations of a part of a table of 1000 x 64 float32
    "picked rows": (lambda t, i: t[i] * 2, 10 * 8 + 2 * 10 * 64 * 4, 10 * 64),
    "first rows": (lambda t, i: t[:10] * 2, 2 * 10 * 64 * 4, 10 * 64),
    "columns": (lambda t, i: t[:, :4].sum(), 1000 * 4 * 4, 4000),
    "both whole": (lambda t, i: t[::-1] + t, 2 * 1000 * 64 * 4, 64000),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_an_array_counts_as_a_part(name) -> None:
    make, nbytes, flops = PARTS[name]
    t, i = T.fmatrix("t"), T.lvector("i")
    table, at = np.ones((1000, 64), "float32"), np.arange(10)
    f = symnb.function([t, i], make(t, i), on_unused_input="ignore")
    [step] = _profiled(f, table, at).steps
    assert nbytes <= step.bytes <= nbytes + 4  # the sum
    assert step.flops == flops


def test_a_scatter_adds_as_many_numbers_as_it_is_given() -> None:
    t, i = T.fmatrix("t"), T.lvector("i")
    f = symnb.function([t, i], T.inc_subtensor(t[i], t[i]))
    profile = _profiled(f, np.ones((1000, 64), "float32"), np.arange(10))
    assert sum(step.flops for step in profile.steps) == 10 * 64
    whole = 2 * 1000 * 64 * 4  # the table is copied
    moved = sum(step.bytes for step in profile.steps)
    assert whole <= moved <= whole + 4 * (10 * 64 * 4 + 80)


def test_sizes_are_those_of_the_last_call() -> None:
    x = T.dvector("x")
    f = symnb.function([x], x * 2)
    assert _profiled(f, np.ones(10)).steps[0].bytes == 160
    assert _profiled(f, np.ones(50)).steps[0].bytes == 800


def test_a_step_beside_the_limits() -> None:
    x = T.dvector("x")
    profile = _profiled(symnb.function([x], x * 2), np.ones(1000))
    machine = Limits(1, memory=16e9, float32=2e9, float64=1e9)
    [step] = profile.steps
    least = 1e-6  # 16 kB at 16 GB/s, 1,000 operations at 1 GFLOP/s
    assert step.of_limit(machine) == pytest.approx(least * 3e9 / step.ns)
    assert "memory 16 GB/s" in str(profile.against(machine))


def test_what_depends_on_data_is_left_open() -> None:
    x = T.dvector("x")
    f = symnb.function([x], T.exp(x[x > 0]))
    last = _profiled(f, np.linspace(-1, 1, 9)).steps[-1]
    assert last.bytes is None and last.gbs is None
    assert str(f.profile).count("\n") == len(f.profile.steps)


def test_the_difference_of_two_profiles_is_that_of_the_calls_between() -> None:
    x = T.dvector("x")
    f = symnb.function([x], T.exp(x) / T.exp(x).sum())
    before = _profiled(f, np.ones(100), calls=2)
    last = _profiled(f, np.ones(300), calls=3)
    between = last - before
    assert between.calls == 3
    assert between.total_ns == last.total_ns - before.total_ns
    spent = [a.ns - b.ns for a, b in zip(last.steps, before.steps, strict=True)]
    assert [step.ns for step in between.steps] == spent
    assert sum(step.share for step in between.steps) == pytest.approx(1)
    assert sum(node.ns for node in between.nodes) == pytest.approx(sum(spent))
    step = between.steps[0]
    assert step.gbs == pytest.approx(step.bytes * 3 / step.ns)


def test_the_difference_of_other_profiles_is_refused() -> None:
    x = T.dvector("x")
    f = symnb.function([x], x * 2, name="f")
    first, second = _profiled(f, np.ones(9)), _profiled(f, np.ones(9))
    other = _profiled(symnb.function([x], x * 2, name="g"), np.ones(9))
    for one, another in ((first, second), (second, other)):
        with pytest.raises(ValueError, match="no earlier profile"):
            one - another
