"""Statistics against NumPy, within the error bounds of their sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symnb.core.dtypes import DTYPES
from symnb.errors import DTypeError
from symnb.ops import statistics
from tests.ops.structure import check_derivatives, tensors, value

shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)
floats = hnp.arrays("float64", shapes, elements=st.floats(-8, 8, width=16))
EPS = np.finfo("float64").eps


def close(build, reference, *arrays, ulp=16, scale=64.0) -> None:
    """Equal up to `ulp` roundings of numbers as large as `scale`."""
    with np.errstate(all="ignore"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *args, **kw: None)
        expected = np.asarray(reference(*arrays))
    for static in (True, False):
        inputs = tensors(arrays, static)
        found = value(build(*inputs), inputs, arrays)
        assert found.dtype == expected.dtype
        eps = float(np.finfo(found.dtype).eps) if found.dtype.kind == "f" else 0
        np.testing.assert_allclose(found, expected, ulp * eps, ulp * eps * scale,
                                   strict=True)  # fmt: skip


@given(floats, st.data(), st.booleans())
def test_mean_var_std(x, data, keepdims) -> None:
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    close(lambda a: a.mean(axis, keepdims=keepdims),
          lambda a: a.mean(axis, keepdims=keepdims), x)  # fmt: skip
    for ddof in (0, 1):
        close(lambda a, d=ddof: a.var(axis, d, keepdims),
              lambda a, d=ddof: a.var(axis, ddof=d, keepdims=keepdims), x)  # fmt: skip
    close(lambda a: a.std(axis), lambda a: a.std(axis), x, scale=1 / EPS**0.5)
    close(lambda a: a.ptp(axis), lambda a: np.ptp(a, axis), x, ulp=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_of_means(dtype) -> None:
    x = np.array([[1, 0, 1], [1, 1, 1]]).astype(dtype)
    close(statistics.mean, np.mean, x)
    close(statistics.var, np.var, x)
    close(lambda a: a.mean(0, dtype="float32"), lambda a: a.mean(0, dtype="float32"), x)


def test_the_mean_of_nothing_is_nan() -> None:
    x = np.zeros((0, 3))
    close(lambda a: a.mean(0), lambda a: np.full(3, np.nan), x)
    close(lambda a: a.var(), lambda a: np.float64(np.nan), x)
    close(lambda a: a.mean(1), lambda a: np.zeros(0), x)


def test_the_variance_of_large_numbers_does_not_cancel() -> None:
    x = 1e9 + np.array([4.0, 7.0, 13.0, 16.0])
    close(lambda a: a.var(ddof=1), lambda a: np.float64(30.0), x, ulp=0)


@given(floats, st.sampled_from([None, 0, 1, 2, 3, 0.5, np.inf, -np.inf]), st.data())
def test_vector_norms(x, order, data) -> None:
    axis = data.draw(st.integers(0, x.ndim - 1))
    close(lambda a: statistics.norm(a, order, axis),
          lambda a: np.linalg.norm(a, order, axis), x, scale=4096)  # fmt: skip
    flat = x.ravel()
    close(lambda a: statistics.norm(a, order),
          lambda a: np.linalg.norm(flat, order), x, scale=4096)  # fmt: skip


def test_an_unknown_norm_is_an_error() -> None:
    with pytest.raises(DTypeError, match="no vector norm 'nuc'"):
        statistics.norm(tensors([np.zeros(2)])[0], "nuc")


@given(hnp.arrays("float64", shapes, elements=st.sampled_from([np.nan, 1, -2.5, 4])))
@pytest.mark.parametrize("name", ["nansum", "nanprod", "nanmean", "nanmax", "nanmin"])
def test_statistics_without_nan(name, x) -> None:
    for axis in (None, 0):
        close(lambda a, i=axis: getattr(statistics, name)(a, i),
              lambda a, i=axis: getattr(np, name)(a, axis=i), x)  # fmt: skip


def test_average_and_count_nonzero() -> None:
    x, w = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 4.0])
    close(lambda a, b: statistics.average(a, 1, b),
          lambda a, b: np.average(a, 1, b), x, w)  # fmt: skip
    close(statistics.average, np.average, x)
    close(lambda a: statistics.count_nonzero(a, 0),
          lambda a: np.count_nonzero(a, axis=0), x)  # fmt: skip


def test_derivatives() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))
    for build in (
        statistics.mean,
        lambda a: a.var(0),
        lambda a: a.std(1, ddof=1),
        lambda a: a.ptp(0),
        lambda a: a.norm(2, 0),
        lambda a: a.norm(3),
    ):
        check_derivatives(build, x)
