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
    assert "memory 16 GB/s" in profile.against(machine)


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
