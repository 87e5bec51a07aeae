"""Compiled functions: values, state, sizes, variants, memory, caching, pickling."""

import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.errors import (
    ArgumentError,
    DTypeError,
    GraphError,
    MissingInputError,
    ShapeError,
    SizeError,
    UnusedInputError,
)

pytestmark = pytest.mark.cc
RNG = np.random.default_rng(3)


@pytest.fixture(params=["c", "py"], autouse=True)
def device(request):
    """Every test runs compiled and by the reference."""
    with symnb.config.change(device=request.param):
        yield request.param


def test_one_output_is_an_array_a_list_is_a_list_none_is_none():
    x = T.dscalar("x")
    one = symnb.function([x], x * 2)
    assert one(3.0).shape == ()
    assert one(3.0) == 6
    assert [float(v) for v in symnb.function([x], [x, x + 1])(3)] == [3, 4]
    assert symnb.function([x], {"a": x, "b": -x})(3) == {"a": 3, "b": -3}
    s = symnb.shared(1.0)
    assert symnb.function([x], updates=[(s, s + x)])(2) is None
    assert s.get_value() == 3


def test_updates_are_simultaneous_and_outputs_see_old_values():
    a, b = symnb.shared(1.0, name="a"), symnb.shared(2.0, name="b")
    swap = symnb.function([], [a, b], updates=[(a, b), (b, a)])
    assert [float(v) for v in swap()] == [1, 2]
    assert (a.get_value(), b.get_value()) == (2, 1)
    assert [float(v) for v in swap()] == [2, 1]


def test_results_never_alias_arguments_state_or_one_another():
    x, s = T.dvector("x"), symnb.shared(np.arange(3.0), name="s")
    f = symnb.function([x], [x, x, s, T.constant(np.ones(3)) + 0 * x])
    data = np.arange(3.0)
    results = f(data)
    for i, result in enumerate(results):
        result += 10 * (i + 1)
    np.testing.assert_array_equal(data, [0, 1, 2])
    np.testing.assert_array_equal(s.get_value(), [0, 1, 2])
    for again, want in zip(f(data), ([0, 1, 2],) * 3 + ([1, 1, 1],), strict=True):
        np.testing.assert_array_equal(again, want)


def test_a_failing_call_leaves_state_unharmed_and_the_next_call_works():
    i, s = T.lscalar("i"), symnb.shared(np.arange(4.0), name="s")
    x = T.lvector("x")
    f = symnb.function([x], s[x], updates=[(s, s + 1)])
    with pytest.raises(IndexError):
        f(np.array([0, 7]))
    np.testing.assert_array_equal(s.get_value(), np.arange(4.0))
    np.testing.assert_array_equal(f(np.array([0, -1])), [0, 3])
    assert i.dtype == "int64"


def test_givens_replace_leaves_and_inner_nodes():
    x, y = T.dscalar("x"), T.dscalar("y")
    inner = x * 2
    f = symnb.function([y], inner + 1, givens={x: y * 10})
    assert f(1) == 21
    g = symnb.function([y], T.exp(inner), givens={inner: y})
    assert g(0) == 1


def test_givens_with_another_size_move_every_size():
    x, data = T.dmatrix("x"), symnb.shared(np.ones((6, 2)), name="data")
    k = T.lscalar("k")
    f = symnb.function([k], x.mean(), givens={x: data[: k * 2]})
    assert f(2) == 1
    assert symnb.function([k], x.shape[0] * 1, givens={x: data[:k]})(4) == 4


def test_in_gives_names_defaults_and_updates():
    x, w = T.dscalar("x"), T.dscalar("w")
    f = symnb.function([x, symnb.In(w, value=2.0, name="weight")], x * w)
    assert f(3) == 6
    assert f(3, weight=4) == 12
    assert f(x=1, weight=5) == 5
    total = symnb.shared(0.0, name="total")
    add = symnb.function([x], total + x, updates=[(total, total + x)])
    assert [float(add(v)) for v in (1, 2, 3)] == [1, 3, 6]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda f: f(), ArgumentError, "needs argument 0"),
        (lambda f: f(np.ones(2), 1, 2), ArgumentError, "takes 2"),
        (lambda f: f(np.ones(2), z=1), ArgumentError, "no argument 'z'"),
        (lambda f: f(np.ones(2), 1.0, y=2), ArgumentError, "takes 2|twice"),
        (lambda f: f(np.ones((2, 2)), 1.0), ArgumentError, "1 axes; got 2|has 2 axes"),
        (lambda f: f("text", 1.0), ArgumentError, "numbers"),
        (lambda f: f(np.ones(2, complex), 1.0), ArgumentError, "numbers"),
        (lambda f: f(T.dvector(), 1.0), ArgumentError, "symbolic"),
    ],
)
def test_wrong_arguments_say_what_and_how_to_fix(call, error, text):
    x, y = T.dvector("x"), T.dscalar("y")
    f = symnb.function([x, y], x * y, name="scale")
    with pytest.raises(error, match=text) as caught:
        call(f)
    assert "scale" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 15
    np.testing.assert_array_equal(f(np.ones(2), 3.0), [3, 3])


def test_arguments_are_cast_where_it_is_safe():
    x = T.dvector("x")
    f = symnb.function([x], x * 2)
    np.testing.assert_array_equal(f([1, 2]), [2, 4])
    np.testing.assert_array_equal(f(np.array([1, 2], "int32")), [2, 4])
    narrow = T.fvector("n")
    g = symnb.function([narrow], narrow)
    with pytest.raises(ArgumentError, match="float32"):
        g(np.array([0.1, 0.2]))
    loose = symnb.function([narrow], narrow, allow_input_downcast=True)
    assert loose(np.array([0.1])).dtype == np.float32
    assert g([0.5]) == np.float32(0.5)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(10.0)[::2],
        np.arange(10.0)[::-1][:5],
        np.arange(5, dtype=">f8"),
        np.frombuffer(bytearray(41), np.uint8)[1:].view("f8"),
        np.ma.masked_array(np.arange(5.0)),
        np.zeros(0),
    ],
)
def test_any_layout_gives_the_right_answer(array):
    x = T.dvector("x")
    f = symnb.function([x], T.exp(x) + 1)
    np.testing.assert_allclose(f(array), np.exp(np.asarray(array, float)) + 1)


def test_a_size_that_turns_out_to_be_one_broadcasts():
    x, y = T.dmatrix("x"), T.dmatrix("y")
    f = symnb.function([x, y], [x + y, (x * y).sum(axis=0)])
    a, b = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    for p, q in ((a, b), (a[:1], b), (a, b[:, :1]), (a[:1], b[:, :1]), (a, b)):
        plus, total = f(p, q)
        np.testing.assert_allclose(plus, p + q)
        np.testing.assert_allclose(total, (p * q).sum(0))
    assert [d.kind for d in f.program.decisions].count("variant") == 3
    with pytest.raises(SizeError):
        f(a, RNG.normal(size=(2, 4)))


def test_values_made_before_and_after_a_broadcast_keep_their_own_sizes():
    x, y, z = T.dvector("x"), T.dvector("y"), T.dvector("z")
    total = T.mean(2 * x + y) + (x * z).sum() + T.mean(x)
    f = symnb.function([x, y, z], [total, T.grad(total, x), T.grad(total, y)])
    for sizes in np.ndindex(2, 2, 2):
        a, b, c = (RNG.normal(size=5 if k else 1) for k in sizes)
        got, dx, dy = f(a, b, c)
        want = (2 * a + b).mean() + (a * c).sum() + a.mean()
        np.testing.assert_allclose(got, want, rtol=1e-13)
        assert (dx.shape, dy.shape) == (a.shape, b.shape)
        np.testing.assert_allclose(dy.sum(), 1.0)
        slopes = 2.0 + c.sum() * (a.size == 1) + c.sum() * (a.size == c.size == 5) + 1
        if a.size == 1 or c.size == 5:
            np.testing.assert_allclose(dx.sum(), slopes, rtol=1e-12)
    with pytest.raises(SizeError, match="empty axis"):
        f(np.ones(1), np.ones(0), np.ones(1))


def test_the_gradient_sums_over_a_size_that_turns_out_to_be_one():
    x, b = T.dmatrix("x"), T.dvector("b")
    g = T.grad((x * b).sum(), b)
    f = symnb.function([x, b], g)
    data = RNG.normal(size=(3, 4))
    np.testing.assert_allclose(f(data, np.ones(4)), data.sum(0))
    np.testing.assert_allclose(f(data, np.ones(1)), [data.sum()])


def test_an_index_out_of_range_is_told_as_one():
    x = T.dvector("x")
    f = symnb.function([x], x[3] + 0)
    assert f(np.arange(5.0)) == 3
    for short in (np.zeros(2), np.zeros(1), np.zeros(0)):
        with pytest.raises((IndexError, ShapeError), match="index 3"):
            f(short)


def test_what_is_taken_for_granted_about_sizes_is_told():
    s, x, y = symnb.shared(np.ones((2, 3)), name="s"), T.dvector("x"), T.dvector("y")
    f = symnb.function([x, y], (x + y).sum() + s.sum())
    told = {str(d) for d in f.program.decisions if d.kind == "sizes"}
    assert any("s: fixed to 2 x 3" in text for text in told)
    assert any("assumed equal" in text for text in told)


def test_shared_sizes_may_change_after_the_compile():
    s, x = symnb.shared(np.ones((2, 3)), name="s"), T.dmatrix("x")
    f = symnb.function([x], (x @ s).sum(), updates=[(s, s * 2)])
    assert f(np.ones((4, 2))) == 24
    s.set_value(np.ones((5, 1)))
    assert f(np.ones((4, 5))) == 20
    np.testing.assert_array_equal(s.get_value(), np.full((5, 1), 2.0))
    with pytest.raises((SizeError, ValueError)):
        f(np.ones((4, 2)))


def test_sizes_named_alike_are_a_promise():
    @symnb.jit
    def f(x: "f64[n]", y: "f64[n]"):  # noqa: F821
        return x + y

    with pytest.raises(SizeError, match=r"n is 3 by 'x'|'y'"):
        f(np.ones(3), np.ones(1))


def test_sizes_that_cannot_fit_are_found_when_the_function_is_made():
    x, w = T.dmatrix("x"), symnb.shared(np.ones((4, 3)), name="w")
    other = symnb.shared(np.ones(5), name="other")
    with pytest.raises(ShapeError, match=r"3 and 5|5 and 3"):
        symnb.function([x], x @ w + other)


def test_sizes_from_data():
    k, x = T.lscalar("k"), T.dvector("x")
    f = symnb.function([k], T.zeros((k, 2)) + T.arange(2))
    np.testing.assert_array_equal(f(3), np.zeros((3, 2)) + np.arange(2))
    assert f(0).shape == (0, 2)
    with pytest.raises(ValueError, match="negative"):
        f(-1)
    g = symnb.function([x], [x[x > 0], (x[x > 0] * 2).sum()])
    kept, total = g(np.array([-1, 2.0, 3, -4]))
    np.testing.assert_array_equal(kept, [2, 3])
    assert total == 10


def test_inputs_are_checked_when_the_function_is_made():
    x, y = T.dvector("x"), T.dvector("y")
    with pytest.raises(MissingInputError, match="y"):
        symnb.function([x], x + y)
    with pytest.raises(UnusedInputError, match="y"):
        symnb.function([x, y], x)
    with pytest.warns(UserWarning, match="y"):
        symnb.function([x, y], x, on_unused_input="warn")
    symnb.function([x, y], x, on_unused_input="ignore")
    with pytest.raises(ArgumentError, match="twice"):
        symnb.function([x, x], x)
    with pytest.raises(ArgumentError, match="shared"):
        symnb.function([symnb.shared(1.0)], x)
    s = symnb.shared(np.ones(2, "float32"))
    with pytest.raises(DTypeError, match="float32"):
        symnb.function([x], updates=[(s, x)])
    with pytest.raises(GraphError, match="updated twice"):
        symnb.function([x], updates=[(s, s), (s, s + 1)])


def test_the_inside_can_be_read(device):
    x = T.dmatrix("x")
    f = symnb.function([x], T.log(T.exp(x)).sum(), name="identity")
    names = [record.name for record in f.trace]
    assert names[0] == "merge"
    assert all(record.seconds >= 0 for record in f.trace)
    assert f.optimised.ops() == ["sum"]
    assert "identity" in repr(f)
    assert f.check([RNG.normal(size=(3, 3))]).ok
    if device == "c":
        assert "symnb_run" in f.source("c")
        [kernel] = f.program.kernels
        assert kernel.name in kernel.source
        assert [n.op.name for n in kernel.nodes] == ["sum"]
        assert "sum" in f.dprint()


def test_profiles_count_calls_and_share_time(device):
    x = T.dvector("x")
    f = symnb.function([x], T.exp(x).sum())
    f(np.ones(1000))
    f.profiling = True
    for _ in range(3):
        f(np.ones(1000))
    if device == "c":
        profile = f.profile
        assert profile.calls == 3
        assert sum(step.share for step in profile.steps) == pytest.approx(1)
        assert {node.node.op.name for node in profile.nodes} >= {"exp", "sum"}
        assert "3 calls" in str(profile)


def test_a_pickled_function_shares_its_state():
    s, x = symnb.shared(1.0, name="s"), T.dscalar("x")
    f = symnb.function([x], s * x, updates=[(s, s + 1)], name="f")
    s2, f2 = pickle.loads(pickle.dumps((s, f)))
    assert f2(10) == 10
    assert s2.get_value() == 2
    assert s.get_value() == 1


def test_many_threads_call_one_function():
    x = T.dvector("x")
    f = symnb.function([x], (T.exp(x) * 2).sum() + x)
    wrong = []

    def work(k):
        data = np.full(1000, float(k % 5))
        want = (np.exp(data) * 2).sum() + data
        for _ in range(20):
            if not np.allclose(f(data), want):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(16)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong


def test_eval_compiles_once_and_takes_names():
    x, y = T.dscalar("x"), T.dscalar("y")
    z = x + y
    assert z.eval({x: 1, y: 2}) == 3
    assert z.eval({"x": 5, "y": 2}) == 7
    with pytest.raises(MissingInputError, match="y"):
        z.eval({x: 1})
    with pytest.raises(GraphError, match="no input 'w'"):
        z.eval({"w": 1})


SCRIPT = """
import sys, pickle, shutil
import numpy as np
from pathlib import Path
f, data = pickle.loads(Path(sys.argv[1]).read_bytes())
print(float(f(data)))
assert f.variant.from_cache if hasattr(f, "variant") else True
print(shutil.which("gcc"), shutil.which("cc"))
"""


def test_a_pickled_function_runs_in_a_process_without_compiler(tmp_path, device):
    if device != "c":
        pytest.skip("needs compiled code")
    x = T.dvector("x")
    w = symnb.shared(np.arange(3.0), name="w")
    f = symnb.function([x], (T.tanh(x) * w).sum())
    data = np.array([1.0, 2, 3])
    path = tmp_path / "f.pickle"
    path.write_bytes(pickle.dumps((f, data)))
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(path)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]
    value, compilers = done.stdout.splitlines()
    assert float(value) == float(f(data))
    assert compilers == "None None"


def test_a_value_read_also_through_a_view_is_not_overwritten():
    a = T.dmatrix("a")
    product = T.dot(a, a)
    flat = product.reshape((-1,))
    turned = flat[::-1].reshape(product.shape)
    f = symnb.function([a], T.dot(product * T.dot(flat, flat) + turned, a))
    g = symnb.function([a], product * T.dot(flat, flat) + turned)
    data = np.arange(9.0).reshape(3, 3)
    p = data @ data
    want = p * (p * p).sum() + p.ravel()[::-1].reshape(3, 3)
    np.testing.assert_array_equal(g(data), want)
    np.testing.assert_array_equal(f(data), want @ data)
