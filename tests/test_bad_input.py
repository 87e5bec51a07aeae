"""Bad input: a right answer, or a short error, and the next call works.

Every error names the argument (or tensor), says what was found and how to fix it, in
at most 15 lines. Runs on the reference and on compiled C.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.errors import (
    ArgumentError,
    DisconnectedInputError,
    DTypeError,
    GradientError,
    GraphError,
    MissingInputError,
    ShapeError,
    SizeError,
    SymnbError,
    UnusedInputError,
)

GOOD = np.arange(6.0).reshape(2, 3), np.array([1.0, -1.0, 0.5])


@pytest.fixture(params=["py", pytest.param("c", marks=pytest.mark.cc)])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    with symnb.config.change(device=request.param):
        yield request.param


def short(error: BaseException, *words: str) -> None:
    """The error is short and says all of `words`."""
    text = str(error)
    assert len(text.splitlines()) <= 15, text
    for word in words:
        assert word in text, f"{word!r} is not said in:\n{text}"


def product() -> Any:
    """x @ w for a matrix x and a vector w; x has three columns."""
    x = T.tensor("float64", ("n", 3), name="x")
    w = T.dvector("w")
    return symnb.function([x, w], T.dot(x, w), name="product")


def call_fails(
    f: Any, kind: type[BaseException], *args: Any, **kw: Any
) -> BaseException:
    """The error of a wrong call; a right call works before and after it."""
    want = GOOD[0] @ GOOD[1]
    np.testing.assert_allclose(f(*GOOD), want)
    with pytest.raises(kind) as caught:
        f(*args, **kw)
    assert isinstance(caught.value, SymnbError)
    np.testing.assert_allclose(f(*GOOD), want)
    return caught.value


X, W = GOOD
WRONG_CALLS: dict[str, tuple[type[BaseException], tuple[Any, ...], tuple[str, ...]]] = {
    "missing": (ArgumentError, (X,), ("needs", "w")),
    "none given": (ArgumentError, (), ("x",)),
    "extra": (ArgumentError, (X, W, W), ("takes 2", "got 3")),
    "rank": (ArgumentError, (W, W), ("'x'", "2 axes", "got 1")),
    "rank of second": (ArgumentError, (X, X), ("'w'", "1 axes", "got 2")),
    "scalar": (ArgumentError, (X, 3.0), ("'w'", "got 0")),
    "size": (SizeError, (X, np.ones(4)), ("w", "4", "3")),
    "fixed size": (SizeError, (np.ones((2, 5)), W), ("'x'", "5", "3")),
    "complex": (ArgumentError, (X, W + 0j), ("'w'", "complex128", "float64")),
    "longdouble": (ArgumentError, (X, W.astype("g")), ("'w'", "float64")),
    "text": (ArgumentError, (X, "abc"), ("'w'", "str", "float64")),
    "objects": (ArgumentError, (X, np.array([None] * 3)), ("'w'", "object")),
    "dates": (ArgumentError, (X, np.array(["2020"] * 3, "M8[D]")), ("'w'", "datetime")),
    "ragged": (ArgumentError, (X, [1.0, [2.0]]), ("'w'",)),
    "none": (ArgumentError, (X, None), ("'w'",)),
    "symbolic": (ArgumentError, (X, T.dvector()), ("'w'", "symbolic")),
    "records": (ArgumentError, (X, np.zeros(3, "f8,f8")), ("'w'",)),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_a_wrong_call_is_a_short_error_and_the_next_one_works(device, name) -> None:
    kind, args, words = WRONG_CALLS[name]
    short(call_fails(product(), kind, *args), *words, "Fix:")


@pytest.mark.parametrize(
    ("args", "kw", "words"),
    [
        ((X, W), {"w": W}, ("'w' twice",)),
        ((X,), {"v": W}, ("no argument 'v'",)),
        ((), {"w": W}, ("x",)),
    ],
)
def test_wrong_keywords(device, args, kw, words) -> None:
    error = call_fails(product(), ArgumentError, *args, **kw)
    short(error, *words, "product", "f64[n, 3]")


def test_the_message_names_the_line_where_the_argument_was_made(device) -> None:
    for args in ((X, X), (X, np.ones(4)), (X, W.astype("g"))):
        error = call_fails(product(), SymnbError, *args)
        assert re.search(r"test_bad_input\.py, line \d+", str(error)), str(error)


def test_narrower_dtypes_need_leave_to_lose_digits(device) -> None:
    x = T.fvector("x")
    f = symnb.function([x], x + 1, name="f")
    with pytest.raises(ArgumentError) as caught:
        f(np.array([0.1]))
    short(caught.value, "'x'", "float64", "float32", "allow_input_downcast")
    loose = symnb.function([x], x + 1, allow_input_downcast=True)
    assert loose(np.array([0.1])).dtype == np.float32
    assert f([0.1]).dtype == np.float32  # Python numbers are weak
    strict = symnb.function([symnb.In(x, strict=True)], x)
    with pytest.raises(ArgumentError):
        strict(np.array([1], "int8"))
    i = T.bvector("i")
    g = symnb.function([i], i)
    for value in ([300], np.array([1], "int64"), [0.5], np.array([0.5])):
        with pytest.raises(ArgumentError) as caught:
            g(value)
        short(caught.value, "'i'", "int8")
    np.testing.assert_array_equal(g([-128, 127]), [-128, 127])


CANNOT = "cannot hold"
VALUES: dict[str, tuple[str, Any, Any]] = {  # dtype, value, what is expected of it
    "2**63 beside 1": ("uint64", [2**63, 1], [2**63, 1]),
    "2**63 beside -1": ("uint64", [2**63, -1], CANNOT),
    "2**63": ("int64", [2**63], CANNOT),
    "-2**63": ("int64", [-(2**63)], [-(2**63)]),
    "2**70": ("int64", [2**70], CANNOT),
    "2**70 as float": ("float64", [2**70, 1.5], [2.0**70, 1.5]),
    "10**400": ("float64", [10**400], CANNOT),
    "1e300": ("float32", [1e300], CANNOT),
    "2**200": ("float32", [2**200], CANNOT),
    "inf": ("float32", [float("inf"), float("nan")], [np.inf, np.nan]),
    "nan": ("int64", [float("nan")], "lose digits"),
    "None": ("float64", [None, 1.0], "numbers of dtype float64"),
    "empty": ("int8", [], []),
    "booleans": ("float64", [True, False], [1, 0]),
    "range": ("float32", range(3), [0, 1, 2]),
    "matrix": ("float64", np.ones((1, 3)).view(np.matrix), "1 axes; got 2"),
    "mask": ("float64", np.ma.array([1.0, 2], mask=[0, 1]), "masked elements"),
    "no mask": ("float64", np.ma.array([1.0, 2]), [1, 2]),
    "record array": ("float64", np.rec.array([(2.5,)], [("a", "f8")]).a, [2.5]),
    "field": ("float64", np.ones(2, [("a", "i1"), ("b", "f8")])["b"], [1, 1]),
    "fields": ("float64", np.zeros(3, [("a", "f8")]), "x['a']"),
    "numbers as objects": ("float64", np.array([1.0, 2], "O"), "dtype object"),
    "durations": ("int64", np.array([3], "m8[s]"), "timedelta64"),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_are_kept_or_refused(device, name) -> None:
    dtype, value, want = VALUES[name]
    x = T.tensor(dtype, (None,), name="x")
    f = symnb.function([x], T.as_tensor_variable(x)[::-1], name="f")
    if isinstance(want, str):
        with pytest.raises(ArgumentError) as caught:
            f(value)
        short(caught.value, "f: argument 'x'", want, "Fix:", "test_bad_input.py, line")
    else:
        np.testing.assert_array_equal(f(value), np.array(want, dtype)[::-1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30, 300.0, -129.0])
def test_leave_to_lose_digits_is_no_leave_to_lose_values(device, bad) -> None:
    x = T.bvector("x")
    f = symnb.function([x], x, allow_input_downcast=True)
    np.testing.assert_array_equal(f([-128.5, 127.9]), [-128, 127])
    with pytest.raises(ArgumentError, match=CANNOT):
        f(np.array([1.0, bad]))


def test_masked_arrays_are_no_values_of_shared_variables_and_constants() -> None:
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    s = symnb.shared(np.zeros(2))
    for use in (symnb.shared, T.constant, s.set_value, lambda a: T.dvector() + a):
        with pytest.raises(DTypeError, match=r"masked[\s\S]*Fix:"):
            use(masked)
        use(masked[:1])
        use(masked.filled(0.0))


class Hostile(np.ndarray):
    """An array that forbids all that NumPy would ask of it."""

    def __array_finalize__(self, other: Any) -> None:
        pass

    def __array_ufunc__(self, *args: Any, **kw: Any) -> Any:
        raise RuntimeError("no ufunc")

    def __array_wrap__(self, *args: Any, **kw: Any) -> Any:
        raise RuntimeError("no wrap")


class Explosive:
    """An argument whose conversion fails, or calls the function it is given to."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action = action

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.action()


def test_arguments_with_conversions_of_their_own(device, tmp_path) -> None:
    x = T.dvector("x")
    f = symnb.function([x], x * 2)
    result = f(np.arange(3.0).view(Hostile))
    assert type(result) is np.ndarray and result.tolist() == [0, 2, 4]
    mapped = np.memmap(tmp_path / "x", "f8", "w+", shape=(3,))
    mapped[:] = [1, 2, 3]
    assert type(f(mapped)) is np.ndarray and f(mapped).tolist() == [2, 4, 6]

    def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        f(Explosive(fail))
    assert f(Explosive(lambda: f([1.0, 2.0]))).tolist() == [4, 8]


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda a: a,
    "negative strides": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "columns first": np.asfortranarray,
    "every second": lambda a: np.repeat(np.repeat(a, 2, 0), 2, 1)[::2, ::2],
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "misaligned": lambda a: _misaligned(a),
    "read-only": lambda a: _frozen(a),
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "float32": lambda a: a.astype("float32"),
    "int64": lambda a: a.astype("int64"),
    "bool": lambda a: a.astype("bool"),
    "float16": lambda a: a.astype("float16"),
    "list": lambda a: a.tolist(),
    "memoryview": lambda a: memoryview(a),
    "empty": lambda a: a[:0],
}


def _misaligned(a: np.ndarray) -> np.ndarray:
    raw = np.zeros(a.nbytes + 1, "u1")
    raw[1:] = np.frombuffer(a.tobytes(), "u1")
    return np.ndarray(a.shape, a.dtype, raw.data, 1)


def _frozen(a: np.ndarray) -> np.ndarray:
    a = a.copy()
    a.flags.writeable = False
    return a


@pytest.mark.parametrize("name", LAYOUTS)
def test_any_layout_is_read_right_and_left_alone(device, name) -> None:
    x = T.dmatrix("x")
    f = symnb.function([x], [x * 2 - 1, x.sum(axis=0), x.T])
    array = LAYOUTS[name](np.array([[1.0, -2.0, 3.0], [4.5, 5.0, -6.25]]))
    plain = np.array(array, "float64")
    for got, want in zip(f(array), [plain * 2 - 1, plain.sum(0), plain.T], strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-15)
        assert not np.shares_memory(got, np.asarray(array))
    np.testing.assert_array_equal(np.array(array, "float64"), plain)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0)])
def test_arrays_without_elements(device, shape) -> None:
    x = T.dmatrix("x")
    f = symnb.function(
        [x], [T.exp(x), x.sum(), x.sum(axis=0), x.prod(axis=1), T.dot(x.T, x)]
    )
    a = np.ones(shape)
    for got, want in zip(
        f(a), [np.exp(a), a.sum(), a.sum(0), a.prod(1), a.T @ a], strict=True
    ):
        assert got.shape == want.shape
        np.testing.assert_array_equal(got, want)


def test_maximum_of_nothing_is_an_error_and_the_next_call_works(device) -> None:
    x = T.dvector("x")
    f = symnb.function([x], x.max())
    for _ in range(2):
        with pytest.raises(ValueError) as caught:
            f(np.ones(0))
        assert len(str(caught.value).splitlines()) <= 15
        assert f([1.0, 3.0]) == 3.0


def test_nan_and_infinities_pass_through(device) -> None:
    x = T.dvector("x")
    c = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    f = symnb.function([x], [x + c, x * c, T.maximum(x, c), T.switch(x > 0, c, x)])
    values = np.array([0.0, 1.0, -1.0, -0.0, np.nan])
    with np.errstate(all="ignore"):
        chosen = np.where(values > 0, c, values)
        wanted = [values + c, values * c, np.maximum(values, c), chosen]
    for got, want in zip(f(values), wanted, strict=True):
        np.testing.assert_array_equal(got, want)
        finite = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(got)[finite], np.signbit(want)[finite])


def test_nan_and_signed_zero_constants_keep_their_bits(device) -> None:
    x = T.dvector("x")
    f = symnb.function(
        [x], [x * np.nan, x + np.nan - np.nan, T.copysign(x, 0.0), T.copysign(x, -0.0)]
    )
    nan, also, plus, minus = f([2.0])
    assert np.isnan(nan) and np.isnan(also)
    assert (plus, minus) == (2.0, -2.0)


# ------------------------------------------------------------------- while building


def test_shapes_that_do_not_fit_name_both_operands_and_the_line() -> None:
    a = T.tensor("float64", (2, 3), name="a")
    b = T.tensor("float64", (2, 4), name="b")
    for build in (
        lambda: a + b,
        lambda: T.dot(a, b),
        lambda: T.concatenate([a, b], axis=0),
    ):
        with pytest.raises(ShapeError) as caught:
            build()
        short(
            caught.value, "a", "b", "f64[2, 3]", "f64[2, 4]", "test_bad_input.py, line"
        )
    with pytest.raises(ShapeError) as caught:
        a.reshape((4, 2))
    short(caught.value, "f64[2, 3]", "test_bad_input.py, line")


def test_wrong_axes_and_dtypes_while_building() -> None:
    a = T.tensor("float64", (2, 3), name="a")
    with pytest.raises(IndexError) as caught:
        a.sum(axis=2)
    short(caught.value, "2")
    with pytest.raises(DTypeError) as caught:
        T.exp(a) & 3
    short(caught.value, "float64", "Fix:")
    with pytest.raises(DTypeError) as caught:
        T.neg(a > 0)
    short(caught.value, "bool", "Fix:")
    with pytest.raises(GraphError) as caught:
        a + "text"
    short(caught.value, "text")


def test_function_tells_what_is_missing_unused_or_no_input() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    with pytest.raises(MissingInputError) as caught:
        symnb.function([x], x * y)
    short(caught.value, "y", "test_bad_input.py, line", "used at", "givens")
    with pytest.raises(UnusedInputError) as caught:
        symnb.function([x, y], x)
    short(caught.value, "y", "f64", "on_unused_input")
    with pytest.warns(UserWarning, match="no output needs"):
        symnb.function([x, y], x, on_unused_input="warn")
    for wrong, words in [
        ([x, x], ("x", "twice")),
        ([x * 2], ("givens",)),
        ([symnb.shared(1.0, "s")], ("s", "shared")),
        ([3], ("int",)),
    ]:
        with pytest.raises(ArgumentError) as caught:
            symnb.function(wrong, x)
        short(caught.value, *words)


def test_a_size_without_its_tensor_is_missing(device) -> None:
    x, z = T.dvector("x"), T.tensor("float64", ("n",), name="z")
    twice = T.tensor("float64", (2 * z.type.shape[0],), name="twice")
    wrong = [([], T.zeros((x.shape[0],)), "x0"), ([], x.shape[0] * 2, "x0")]
    for inputs, output, size in [*wrong, ([twice], twice + 1, "n")]:
        with pytest.raises(MissingInputError) as caught:
            symnb.function(inputs, output, name="f")
        short(caught.value, f"f needs the size {size}", "test_bad_input.py, line")
    f = symnb.function([x], T.zeros((x.shape[0],)))
    np.testing.assert_array_equal(f([1.0, 2.0]), [0, 0])


def test_updates_and_givens_of_the_wrong_type() -> None:
    x = T.dvector("x")
    s = symnb.shared(np.float32([1, 2]), "s")
    for updates, kind, words in [
        ([(s, s + x)], DTypeError, ("s", "float32", "float64", "astype")),
        ([(s, s.sum())], GraphError, ("s", "0 axes", "1")),
        ([(x, x)], GraphError, ("shared", "x")),
        ([(s, s), (s, s)], GraphError, ("s", "twice")),
        ([s], GraphError, ("pairs",)),
    ]:
        with pytest.raises(kind) as caught:
            symnb.function([x], x, updates=updates)
        short(caught.value, *words)
    with pytest.raises(DTypeError) as caught:
        symnb.function([], x, givens={x: s})
    short(caught.value, "x", "f64", "f32", "astype")
    np.testing.assert_array_equal(s.get_value(), [1, 2])


def test_gradients_that_do_not_exist() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    with pytest.raises(DisconnectedInputError) as caught:
        T.grad(x.sum(), y)
    short(caught.value, "y")
    with pytest.raises(GradientError) as caught:
        T.grad(x * 2, x)
    short(caught.value, "scalar", "test_bad_input.py, line", "Fix:")
    with pytest.raises(GradientError):
        T.grad((x > 0).sum(), x)
    assert T.grad(x.sum(), y, disconnected_inputs="ignore").ndim == 1


def test_sizes_that_differ_at_call_time_name_the_operation(device) -> None:
    x, y = T.dvector("x"), T.dvector("y")
    f = symnb.function([x, y], x + y, name="f")
    np.testing.assert_array_equal(f([1, 2], [3, 4]), [4, 6])
    np.testing.assert_array_equal(f([1, 2], [3]), [4, 5])
    with pytest.raises(ValueError) as caught:
        f([1, 2], [3, 4, 5])
    short(caught.value, "2", "3")
    np.testing.assert_array_equal(f([1], [3, 4]), [4, 5])
    np.testing.assert_array_equal(f([1, 2], [3, 4]), [4, 6])


def test_sizes_named_alike_are_a_promise(device) -> None:
    x = T.tensor("float64", ("n",), "x")
    y = T.tensor("float64", x.type.shape, "y")
    f = symnb.function([x, y], x + y, name="f")
    np.testing.assert_array_equal(f([1, 2], [3, 4]), [4, 6])
    for value in ([3.0], [1.0, 2.0, 3.0]):
        with pytest.raises(SizeError) as caught:
            f([1, 2], value)
        short(caught.value, "'y'", "Fix:")
    np.testing.assert_array_equal(f([1, 2], [3, 4]), [4, 6])


def test_indices_out_of_range_fail_while_running(device) -> None:
    x, i = T.dvector("x"), T.lvector("i")
    f = symnb.function([x, i], x[i], name="f")
    np.testing.assert_array_equal(f([1.0, 2.0], [-1, 0]), [2.0, 1.0])
    for wrong in ([2], [-3]):
        with pytest.raises(IndexError) as caught:
            f([1.0, 2.0], wrong)
        short(caught.value)
    np.testing.assert_array_equal(f([1.0, 2.0], [1]), [2.0])


def test_labels_out_of_range_are_no_rows_of_zeros(device) -> None:
    y = T.lvector("y")
    f = symnb.function([y], T.extra_ops.to_one_hot(y, 3), name="f")
    np.testing.assert_array_equal(f([2, 0, -1]), np.eye(3)[[2, 0, -1]])
    for wrong in ([3], [0, -4], [2**62]):
        with pytest.raises(IndexError, match="out of bounds") as caught:
            f(wrong)
        short(caught.value)
    fixed = T.extra_ops.to_one_hot(T.constant(np.array([0, 5])), 3)
    with pytest.raises(IndexError, match="5 is out of bounds"):
        symnb.function([], fixed)()


def test_counts_of_repeat_are_one_for_each_element(device) -> None:
    x, n = T.dmatrix("x"), T.lvector("n")
    f = symnb.function([x, n], [T.repeat(x, n), T.repeat(x, n[:2], axis=0)], name="f")
    a, counts = np.arange(6.0).reshape(2, 3), np.array([1, 0, 2, 3, 0, 1])
    flat, rows = f(a, counts)
    np.testing.assert_array_equal(flat, a.repeat(counts))
    np.testing.assert_array_equal(rows, a.repeat(counts[:2], 0))
    for wrong in ([1, 2], [1] * 7, [2, 1, 1, 1, 1, -1]):
        with pytest.raises(ValueError) as caught:
            f(a, wrong)
        short(caught.value)
    flat, rows = f(a[:0], [])
    assert flat.shape == (0,) and rows.shape == (0, 3)


def test_class_indices_are_one_for_each_line(device) -> None:
    p, y = T.dmatrix("p"), T.lvector("y")
    f = symnb.function([p, y], T.nnet.categorical_crossentropy(p, y).sum(), name="f")
    chances = np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]])
    np.testing.assert_allclose(f(chances, [1, 0, 0]), -np.log([0.75, 0.5, 1.0]).sum())
    for wrong in ([1, 0], [1, 0, 0, 0]):
        with pytest.raises(ValueError) as caught:
            f(chances, wrong)
        short(caught.value, "3", str(len(wrong)))


def test_threads_are_a_number(device) -> None:
    x = T.dvector("x")
    for wrong in (True, False, 0, -1, 2.0, "2"):
        with pytest.raises(ValueError, match="threads is an int of at least 1"):
            symnb.config.threads = wrong
        if device == "c":
            with pytest.raises(ValueError, match="threads is an int of at least 1"):
                symnb.function([x], x + 1, threads=wrong)


def test_state_is_kept_when_a_call_fails(device) -> None:
    s = symnb.shared(np.zeros(2), "s")
    x, i = T.dvector("x"), T.lvector("i")
    f = symnb.function([x, i], x[i], updates=[(s, s + x)])
    f([1.0, 2.0], [0])
    with pytest.raises(IndexError):
        f([1.0, 2.0], [5])
    with pytest.raises(ValueError):
        f([1.0, 2.0, 3.0], [0])
    np.testing.assert_array_equal(s.get_value(), [1.0, 2.0])
    f([1.0, 2.0], [0])
    np.testing.assert_array_equal(s.get_value(), [2.0, 4.0])


def test_shared_values_of_the_wrong_type() -> None:
    s = symnb.shared(np.zeros((2, 2)), "s")
    for value, words in [
        (np.zeros(2), ("s", "2 axes", "1")),
        (np.zeros((2, 2), "float32"), ("s", "float64", "float32")),
    ]:
        with pytest.raises(SymnbError) as caught:
            s.set_value(value)
        short(caught.value, *words, "Fix:")
    for value in ("text", None, object()):
        with pytest.raises(SymnbError) as caught:
            symnb.shared(value)
        short(caught.value)


def test_eval_says_what_is_missing() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    with pytest.raises(MissingInputError) as caught:
        (x + y).eval({x: [1.0]})
    short(caught.value, "y", "eval")
    with pytest.raises(GraphError) as caught:
        (x + y).eval({"z": [1.0]})
    short(caught.value, "z", "x, y")


def test_unknown_modes_and_options() -> None:
    x = T.dvector("x")
    with pytest.raises(SymnbError) as caught:
        symnb.function([x], x, mode="FASTER")
    short(caught.value, "FASTER", "FAST_RUN")
    with pytest.raises(AttributeError, match="floatX"):
        symnb.config.floatx = "float32"
    with pytest.raises(ValueError, match="float32"):
        symnb.config.floatX = "float16"
