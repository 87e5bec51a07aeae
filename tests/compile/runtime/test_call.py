"""Calls of hand-written kernels: results, refusals, storage, memory, references."""

import ctypes
import dataclasses
import gc
import itertools
import math
import re
import sys
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.compile.runtime import dispatch, foreign
from symnb.errors import ArgumentError, SizeError, SymnbError
from tests.compile.runtime import programs as p

pytestmark = pytest.mark.cc

INTEGERS = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
DTYPES = ["bool", *INTEGERS, "float32", "float64"]
LARGE = 400_000  # float64 elements: above the size from which the pool serves


# ---- results ----------------------------------------------------------------


def test_sum_of_two_vectors(Call: Any) -> None:
    a, b = np.linspace(0, 1, 8), np.linspace(5, -5, 8)
    result = Call(p.add())(a, b)
    assert type(result) is np.ndarray and result.flags.owndata
    np.testing.assert_array_equal(result, a + b)


def test_zero_d_result_is_a_zero_d_array(Call: Any) -> None:
    result = Call(p.scalar_add())(np.array(1.5), np.array(2.0))
    assert type(result) is np.ndarray and result.shape == () and result == 3.5


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_rank_arrives_with_its_sizes(Call: Any, dtype: str) -> None:
    for dims in [(), (0,), (3,), (p.N,), (p.N, p.N), (2, p.N, 1, p.M), (p.M, p.N, 0)]:
        shape = tuple((4, 5)[d[1]] if isinstance(d, tuple) else d for d in dims)
        if p.M in dims and p.N not in dims:
            continue
        x = np.arange(math.prod(shape)).astype(dtype).reshape(shape)
        result = Call(p.copy(dtype, dims))(x)
        assert result.dtype == dtype and result.shape == shape
        np.testing.assert_array_equal(result, x)


@pytest.mark.parametrize("n", [0, 1, 1000, LARGE])
def test_vectors_of_every_size(Call: Any, n: int) -> None:
    a = np.arange(n) / 3
    np.testing.assert_array_equal(Call(p.add())(a, a), a + a)


def test_results_are_distinct_arrays(Call: Any) -> None:
    f, a = Call(p.add()), np.ones(LARGE)
    first, second = f(a, a), f(a, a)
    first[:] = 7
    assert (second == 2).all() and (a == 1).all()


def test_constants_and_a_list_of_results(Call: Any) -> None:
    value = np.arange(12.0)[::-3]
    y, n = Call(p.with_constant(value))()
    np.testing.assert_array_equal(y, value)
    assert n == 4 and n.dtype == "int64"


def test_size_known_while_running(Call: Any) -> None:
    x = np.array([-1.0, 2.0, np.nan, 3.0])
    f = Call(p.positive())
    np.testing.assert_array_equal(f(x), [2.0, 3.0])
    assert f(-x[:1] * 0).shape == (0,)
    np.testing.assert_array_equal(f(np.arange(float(LARGE))), np.arange(1.0, LARGE))


def test_missing_result_is_an_error(Call: Any) -> None:
    with pytest.raises(RuntimeError, match="result 0 was not produced"):
        Call(p.never_produced())(np.ones(2))


def test_extern_function_is_called(Call: Any) -> None:
    cos = ctypes.cast(ctypes.CDLL("libm.so.6").cos, ctypes.c_void_p).value
    assert Call(p.extern(cos or 0))(1.0) == math.cos(1.0)


@pytest.mark.parametrize("n", [0, 8, 1000, LARGE])
def test_arena_is_aligned_and_large_enough(Call: Any, n: int) -> None:
    f, x = Call(p.arena()), np.arange(float(n))
    for _ in range(3):
        np.testing.assert_array_equal(f(x), x + x)


def test_no_result_is_none(Call: Any) -> None:
    assert Call(p.timed())() is None


# ---- scalars ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        *itertools.product(["float64", "float32"], [2.5, 2, True, -0.0, math.inf]),
        *itertools.product(["int8"], [3, -128, False, np.int8(5)]),
        ("float64", np.float64(1.25)),
        ("float32", np.float32(1.25)),
        ("float64", 2**70),
    ],
)
def test_python_and_numpy_scalars(Call: Any, dtype: str, value: Any) -> None:
    zero = np.zeros((), dtype)
    result = Call(p.scalar_add(dtype))(value, zero)
    assert result.dtype == dtype and result == np.array(value, dtype) + zero


def test_nan_scalar(Call: Any) -> None:
    assert np.isnan(Call(p.scalar_add())(math.nan, 1.0))


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("int8", 128),
        ("int8", -129),
        ("int8", 1.0),
        ("int8", 2**80),
        ("int8", np.int16(1)),
        ("float32", 1e300),
        ("float32", np.float64(1.0)),
        ("float64", 2**2000),
        ("float64", 1j),
        ("float64", "1"),
        ("float64", None),
        ("float64", [1.0]),
    ],
)
def test_scalars_that_do_not_fit_are_refused(Call: Any, dtype: str, value: Any) -> None:
    f = Call(p.scalar_add(dtype))
    with pytest.raises(ArgumentError, match="'b'"):
        f(np.zeros((), dtype), value)
    assert f(1, 2) == 3


def test_signed_zero_scalar_keeps_its_sign(Call: Any) -> None:
    assert math.copysign(1, Call(p.scalar_add())(-0.0, -0.0)) == -1


# ---- refusals ---------------------------------------------------------------

A = np.ones(4)
MISALIGNED = np.zeros(33, np.uint8)[1:].view("f8")


class Subclass(np.ndarray):
    """A user's own array class."""


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (np.ones(3), SizeError, ["size 3 on axis 0", "of 'a' has 4", "got f64[3]"]),
        (np.ones((2, 2)), ArgumentError, ["'b'", "2 axes", "needs 1"]),
        (np.array(1.0), ArgumentError, ["'b'", "0 axes", "x[None]"]),
        (np.ones(4, "f4"), ArgumentError, ["'b'", "float32", "astype('float64')"]),
        (np.ones(4, ">f8"), ArgumentError, ["'b'", "swapped bytes"]),
        (np.ones(8)[::2], ArgumentError, ["'b'", "contiguous"]),
        (np.ones(4)[::-1], ArgumentError, ["'b'", "contiguous"]),
        (MISALIGNED, ArgumentError, ["'b'", "aligned"]),
        (A.view(Subclass), ArgumentError, ["'b'", "Subclass"]),
        (np.ma.masked_array(A, A > 3), ArgumentError, ["'b'", "MaskedArray"]),
        (A.astype(object), ArgumentError, ["'b'", "object"]),
        (A.astype("M8[s]"), ArgumentError, ["'b'", "datetime64"]),
        (np.zeros(4, [("u", "f8")]), ArgumentError, ["'b'"]),
        ([1.0] * 4, ArgumentError, ["'b'", "not a NumPy array", "list"]),
        (None, ArgumentError, ["'b'", "NoneType"]),
        (3.0, ArgumentError, ["'b'", "float 3.0"]),
    ],
)
def test_argument_that_does_not_fit(
    Call: Any, value: Any, kind: type[Exception], words: list[str]
) -> None:
    f = Call(p.add())
    with pytest.raises(kind) as caught:
        f(A, value)
    text = str(caught.value)
    assert all(word in text for word in [*words, "add", "cell 3, line 1", "Fix:"])
    assert len(text.splitlines()) <= 15
    np.testing.assert_array_equal(f(A, A), A + A)


@pytest.mark.parametrize("count", [0, 1, 3, 60])
def test_wrong_number_of_arguments(Call: Any, count: int) -> None:
    with pytest.raises(ArgumentError, match=f"add takes 2 arguments; got {count}"):
        Call(p.add())(*[A] * count)


def test_static_size_is_checked(Call: Any) -> None:
    f = Call(p.copy("float64", (3, p.N)))
    with pytest.raises(SizeError, match="size 4 on axis 0; it needs 3"):
        f(np.ones((4, 2)))


def test_sizes_of_one_array_that_should_be_equal(Call: Any) -> None:
    f = Call(p.copy("float64", (p.N, p.N)))
    with pytest.raises(SizeError, match=r"size 2 on axis 0, but axis 1 of 'x' has 3"):
        f(np.ones((2, 3)))


def test_shared_size_that_disagrees_with_an_argument(Call: Any) -> None:
    lib = p.library("", "out[0] = slot[0];")
    vector = p.array("w", "float64", p.N)
    shared = ((p.Storage(np.zeros(3)), vector),)
    f = Call(p.spec(lib, (p.array("x", "float64", p.N),), (vector,), shared=shared))
    with pytest.raises(
        SizeError, match="shared variable 'w' has size 3 on axis 0, but"
    ):
        f(np.zeros(2))


def test_keywords_are_the_fallbacks(Call: Any) -> None:
    with pytest.raises(TypeError, match="keyword"):
        Call(p.add())(A, b=A)


def test_read_only_arguments_are_welcome(Call: Any) -> None:
    a = np.ones(3)
    a.flags.writeable = False
    np.testing.assert_array_equal(Call(p.add())(a, a), a + a)


def test_equivalent_integer_type_is_the_same_dtype(Call: Any) -> None:
    f = Call(p.copy("int64", (p.N,)))
    np.testing.assert_array_equal(f(np.arange(3, dtype=np.longlong)), [0, 1, 2])


def test_fallback_normalises_and_calls_back(Call: Any) -> None:
    seen: list[Any] = []

    def fallback(*args: Any, **names: Any) -> Any:
        seen.append((args, names))
        arrays = [np.ascontiguousarray(v, "f8") for v in (*args, *names.values())]
        return f.checked(tuple(arrays))

    f = Call(p.add(), fallback)
    result = f([1, 2], b=np.array([1, 1], "i1"))
    np.testing.assert_array_equal(result, [2.0, 3.0])
    assert seen == [(([1, 2],), {"b": seen[0][1]["b"]})]
    with pytest.raises(SizeError):
        f([1, 2], [1, 2, 3])


def test_subclass_overrides_fallback(Call: Any) -> None:
    class Function(Call):  # type: ignore[misc]
        def fallback(self, *args: Any) -> Any:
            return self.checked(tuple(np.array(a, "f8") for a in args))

    f = Function(p.add())
    f.note = "attributes are allowed"
    np.testing.assert_array_equal(f([1], [2]), [3.0])
    np.testing.assert_array_equal(f(A, A), A + A)


def test_fallback_of_a_mixed_in_class_is_found(Call: Any) -> None:
    class Normalising:
        def fallback(self, *args: Any) -> Any:
            return self.checked(tuple(np.array(a, "f8") for a in args))  # type: ignore

    class Function(Call, Normalising):  # type: ignore[misc]
        def __call__(self, *args: Any) -> Any:
            return {"y": super().__call__(*args)}

    np.testing.assert_array_equal(Function(p.add())([1], [2])["y"], [3.0])


def test_checked_raises_instead_of_looping(Call: Any) -> None:
    f = Call(p.add(), lambda *args: f.checked(args))
    with pytest.raises(ArgumentError):
        f(A, None)
    for values in ((A,), (A, A, A), ()):
        with pytest.raises(ArgumentError, match="takes 2"):
            f.checked(values)
    with pytest.raises(TypeError, match="tuple"):
        f.checked([A, A])


# ---- failures ---------------------------------------------------------------


def test_failing_step_raises_its_text(Call: Any) -> None:
    f = Call(p.failing())
    with pytest.raises(SymnbError, match="root: step 4 failed: x is negative"):
        f(-1.0)
    assert f(4.0) == 2.0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", SymnbError),
        ("no memory for a temporary array", MemoryError),
        ("index 4 is out of bounds for axis 0 with size 3", IndexError),
        ("zero-size array to reduction operation max", ValueError),
        ("axis 0 of x should be 2*n", SizeError),
    ],
)
def test_failing_step_raises_what_numpy_would(
    Call: Any, text: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=f"step 4 failed: {re.escape(text)}"):
        Call(p.failing(text))(-1.0)


@pytest.mark.parametrize("extent", ["-2 * slot[0]", "((int64_t)1 << 62) * slot[0]"])
def test_impossible_result_size(Call: Any, extent: str) -> None:
    with pytest.raises((SizeError, MemoryError), match="'y'"):
        Call(p.sized(extent))(np.ones(3))


def test_result_larger_than_the_memory(Call: Any) -> None:
    f = Call(p.sized("slot[0] << 45"))
    with pytest.raises(MemoryError, match="'y'"):
        f(np.ones(3))
    assert f(np.ones(0)).shape == (0,)


def test_arena_larger_than_the_memory(Call: Any) -> None:
    f = Call(p.arena_of("slot[0] << 45"))
    with pytest.raises(MemoryError, match="hungry"):
        f(np.ones(3))
    assert f(np.ones(0)) is None


# ---- shared variables -------------------------------------------------------


@pytest.fixture(params=[p.Storage, p.SlottedStorage])
def storage(request: pytest.FixtureRequest) -> Any:
    """A shared vector of three zeros, with and without __slots__."""
    return request.param(np.zeros(3))


def test_update_changes_the_shared_value(Call: Any, storage: Any) -> None:
    f = Call(p.step(storage))
    assert [float(f(1.0)) for _ in range(4)] == [0.0, 3.0, 6.0, 9.0]
    np.testing.assert_array_equal(storage.array, [4.0] * 3)


def test_two_buffers_alternate(Call: Any, storage: Any) -> None:
    f = Call(p.step(storage))
    f(1.0), f(1.0)
    addresses = set()
    for _ in range(6):
        f(1.0)
        addresses.add(storage.array.ctypes.data)
    assert len(addresses) == 2


@pytest.mark.parametrize("n", [3, LARGE])
def test_borrowed_value_is_never_overwritten(Call: Any, storage: Any, n: int) -> None:
    storage.array = np.zeros(n)
    f = Call(p.step(storage))
    f(1.0)
    held = [storage.array]
    views = [storage.array[1:]]
    for _ in range(4):
        f(1.0)
        held.append(storage.array)
        views.append(storage.array[1:])
    del held[1:3]
    f(1.0), f(1.0)
    assert [float(v[0]) for v in views] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert [float(v[0]) for v in held] == [1.0, 4.0, 5.0]


def test_spare_that_is_a_view_of_user_memory_is_not_written(
    Call: Any, storage: Any
) -> None:
    base = np.zeros(5)
    storage.array = base[1:4]
    f = Call(p.step(storage))
    f(1.0), f(1.0), f(1.0)
    np.testing.assert_array_equal(base, np.zeros(5))
    np.testing.assert_array_equal(storage.array, [3.0] * 3)


def test_new_shape_of_a_shared_value(Call: Any, storage: Any) -> None:
    f = Call(p.step(storage))
    f(1.0)
    storage.array = np.zeros(5)
    f(1.0)
    np.testing.assert_array_equal(storage.array, np.ones(5))


def test_large_update_comes_from_the_pool_and_back(Call: Any, storage: Any) -> None:
    storage.array = np.zeros(LARGE)
    f = Call(p.step(storage))
    for _ in range(5):
        f(1.0)
    assert (storage.array == 5.0).all()


def test_failure_leaves_shared_values_alone(Call: Any, storage: Any) -> None:
    storage.array = before = np.array([-1.7e308, -1.0, 2.0])
    f = Call(p.step(storage))
    with pytest.raises(SymnbError, match="train: step 2"):
        f(1.0)
    assert storage.array is before and storage.lock.acquire(blocking=False)
    storage.lock.release()
    storage.array = np.zeros(3)
    assert f(1.0) == 0.0


@pytest.mark.parametrize(
    "value", [np.zeros((3, 1)), np.zeros(3, "f4"), np.zeros(6)[::2], None, 3.0]
)
def test_shared_value_that_does_not_fit(Call: Any, storage: Any, value: Any) -> None:
    storage.array = value
    f = Call(p.step(storage))
    with pytest.raises(ArgumentError, match="shared variable 'w'"):
        f(1.0)
    assert storage.lock.acquire(blocking=False)
    storage.lock.release()


def test_storage_without_an_array(Call: Any, storage: Any) -> None:
    f = Call(p.step(storage))
    del storage.array
    with pytest.raises(AttributeError, match="array"):
        f(1.0)


# ---- steps in Python --------------------------------------------------------


def sort(_step: int, arrays: Any) -> None:
    """A step whose C form does not exist."""
    x, y = arrays
    assert not x.flags.writeable
    y[:] = np.sort(x)


def test_step_in_python(Call: Any) -> None:
    x = np.array([3.0, 1.0, 2.0])
    np.testing.assert_array_equal(Call(p.through_python(sort))(x), [1.0, 2.0, 3.0])


def test_step_in_python_raises(Call: Any) -> None:
    def fail(_step: int, _arrays: Any) -> None:
        raise np.linalg.LinAlgError("singular")

    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        Call(p.through_python(fail))(np.ones(3))


def test_failure_of_a_python_step_is_never_lost(Call: Any) -> None:
    seen: list[int] = []

    def fail(step: int, _arrays: Any) -> None:
        seen.append(step)
        raise ArithmeticError("first")

    with pytest.raises(ArithmeticError, match="first"):
        Call(p.careless(fail))(np.ones(3))
    assert seen == [0]


@pytest.mark.parametrize("n", [5, LARGE])
def test_arrays_a_python_step_keeps_stay_valid(Call: Any, n: int) -> None:
    kept: list[Any] = []

    def keep(_step: int, arrays: Any) -> None:
        arrays[1][:] = arrays[0] * 2
        kept.extend(arrays)

    f = Call(p.through_python(keep))
    for i in range(6):
        f(np.full(n, float(i)))
    del f
    gc.collect()
    for i in range(6):
        assert (kept[2 * i] == i).all() and (kept[2 * i + 1] == 2 * i).all()


def test_python_step_of_unknown_size(Call: Any) -> None:
    f = Call(p.python_sized(lambda _step, arrays: [np.unique(arrays[0])]))
    np.testing.assert_array_equal(f(np.array([2.0, 1.0, 2.0])), [1.0, 2.0])
    assert f(np.ones(0)).shape == (0,)


@pytest.mark.parametrize("wrong", [None, [], [np.ones((2, 2))], ["text"], 5])
def test_python_step_that_returns_nonsense(Call: Any, wrong: Any) -> None:
    f = Call(p.python_sized(lambda _step, _arrays: wrong))
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        f(np.ones(3))


def test_function_called_inside_its_own_step(Call: Any) -> None:
    def inner(_step: int, arrays: Any) -> None:
        x, y = arrays
        y[:] = x if len(x) == 1 else f(x[1:].copy()).sum()

    f = Call(p.through_python(inner))
    np.testing.assert_array_equal(f(np.ones(4)), [6.0] * 4)


# ---- profile, references, life ----------------------------------------------


def test_profile_counts_only_when_on(Call: Any) -> None:
    f = Call(p.timed())
    f()
    assert f.calls == 1 and f.step_ns[:2].tolist() == [0, 0] and f.total_ns == 0
    f.profiling = True
    f(), f()
    assert f.step_ns[:2].tolist() == [10, 14] and f.calls == 3 and f.total_ns > 0
    assert f.step_ns.dtype == "int64"


def test_calls_leave_no_references_behind(Call: Any) -> None:
    storage, a = p.Storage(np.zeros(3)), np.ones(3)
    f, train = Call(p.add()), Call(p.step(storage))
    opaque = Call(p.through_python(sort))
    bad = a.astype("f4")

    def all_kinds() -> None:
        f(a, a)
        train(1.0)
        opaque(a)
        with pytest.raises(ArgumentError):
            f(a, bad)

    all_kinds()
    objects = [a, bad, a.dtype, storage, f, sort]  # the dtype is everybody's
    gc.collect()
    before = [sys.getrefcount(o) for o in objects]
    for _ in range(200):
        all_kinds()
    grown = [sys.getrefcount(o) - n for o, n in zip(objects, before, strict=True)]
    assert max(grown) < 100


def test_ten_thousand_calls_hold_no_memory(Call: Any) -> None:
    storage, a = p.Storage(np.zeros(3)), np.ones(3)
    f, train = Call(p.add()), Call(p.step(storage))
    opaque = Call(p.through_python(sort))
    for _ in range(10):
        f(a, a), train(1.0), opaque(a)
    tracemalloc.start()
    try:
        first = tracemalloc.get_traced_memory()[0]
        for _ in range(10_000 if Call is not foreign.Call else 500):
            f(a, a), train(1.0), opaque(a)
        gc.collect()  # what an earlier test left may be found late
        grown = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    assert grown < 20_000


def test_dropped_call_dies_at_once(Call: Any) -> None:
    class Function(Call):  # type: ignore[misc]
        pass

    for kind in (Call, Function):
        f = kind(p.add())
        f(A, A)
        alive = weakref.ref(f)
        gc.disable()
        try:
            del f
            assert alive() is None
        finally:
            gc.enable()


def test_cycle_through_the_fallback_is_collected(Call: Any) -> None:
    class Function(Call):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(p.through_python(self.own), self.own)

        def own(self, *_args: Any) -> None:
            return None

    f = Function()
    alive = weakref.ref(f)
    del f
    gc.collect()
    assert alive() is None


def test_unbound_call_raises() -> None:
    Call: Any = dispatch.load().Call  # type: ignore[union-attr]

    class Forgetful(Call):  # type: ignore[misc]
        def __init__(self) -> None:
            pass

    for f in (Forgetful(), Call.__new__(Call)):
        with pytest.raises(RuntimeError, match="bound to no compiled function"):
            f(1)
        with pytest.raises(RuntimeError, match="bound to no compiled function"):
            f.checked((1,))
        with pytest.raises(RuntimeError, match="bound to no compiled function"):
            _ = f.spec


def test_binding_again_replaces_the_function(Call: Any) -> None:
    f = Call(p.add())
    f.__init__(p.scalar_add())
    assert f(1.0, 2.0) == 3.0


@pytest.mark.parametrize(
    "change",
    [
        {"slots": 2},
        {"slots": 0},
        {"run": 0},
        {"returns": "two"},
        {"updates": ((0, p.array("w", "float64")),)},
        {"outputs": ()},
    ],
)
def test_contradictory_spec_is_refused(Call: Any, change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError)):
        Call(dataclasses.replace(p.add(), **change))


# ---- anything at all --------------------------------------------------------

ANYTHING = st.one_of(
    hnp.arrays(
        hnp.scalar_dtypes() | st.sampled_from(["f8", "f8", ">f8", "O"]).map(np.dtype),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        elements=None,
    ),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    st.lists(st.floats(), max_size=3),
    st.sampled_from([np.float32(1), np.int64(3), np.float16(1), object(), int, A]),
)


@st.composite
def views(draw: st.DrawFn) -> Any:
    """Anything, and for arrays a view of it with odd strides, class or flags."""
    value = draw(ANYTHING)
    if not isinstance(value, np.ndarray):
        return value
    match draw(st.integers(0, 6)):
        case 1:
            return value.T
        case 2:
            return value[..., ::-1] if value.ndim else value
        case 3:
            return np.ma.masked_array(value)
        case 4:
            return value.view(Subclass)
        case 5:
            value.flags.writeable = False
        case 6:
            return np.broadcast_to(value, (2, *value.shape))
    return value


@pytest.fixture(scope="module")
def fuzzed() -> list[tuple[Any, Any]]:
    """(call, NumPy function) pairs on both call paths."""
    module: Any = dispatch.load()
    specs = [
        (p.add(), np.add),
        (p.scalar_add(), np.add),
        (p.copy("float64", (p.N, p.N, 2)), np.copy),
    ]
    calls = (module.Call, foreign.Call)
    return [(Call(spec), numpy) for spec, numpy in specs for Call in calls]


@settings(max_examples=300)
@given(args=st.lists(views(), max_size=3))
def test_any_arguments_give_the_result_or_an_error(
    fuzzed: list[tuple[Any, Any]], args: list[Any]
) -> None:
    for call, numpy in fuzzed:
        try:
            result = call(*args)
        except (ArgumentError, SizeError) as error:
            assert len(str(error).splitlines()) <= 15
        else:
            arrays = [np.asarray(a, "float64") for a in args]
            np.testing.assert_array_equal(result, numpy(*arrays))


@settings(max_examples=200)
@given(
    x=hnp.arrays("f8", hnp.array_shapes(min_dims=1, max_dims=1, min_side=0)),
    y=hnp.arrays("f8", hnp.array_shapes(min_dims=1, max_dims=1, min_side=0)),
)
def test_fitting_arguments_always_give_numpys_result(
    fuzzed: list[tuple[Any, Any]], x: np.ndarray, y: np.ndarray
) -> None:
    n = min(len(x), len(y))
    for call, numpy in fuzzed[:2]:
        np.testing.assert_array_equal(call(x[:n], y[:n]), numpy(x[:n], y[:n]))
