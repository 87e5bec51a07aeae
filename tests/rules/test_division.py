"""Divisions that become products, and those that must not."""

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.ops import elementwise as el

WHOLE = np.arange(5000.0)


@pytest.mark.parametrize("divisor", [3.0, 7.0, 49.0, 0.1])
def test_numbers_stay_divisors(divisor) -> None:
    x = T.dvector("x")
    f = symnb.function(
        [x], [T.floor(x / divisor), T.eq(x / divisor, 1)], mode="FAST_RUN"
    )
    parts, ones = f(WHOLE)
    np.testing.assert_array_equal(parts, np.floor(WHOLE / divisor))
    np.testing.assert_array_equal(ones, WHOLE / divisor == 1)


def test_an_array_of_numbers_stays_a_divisor() -> None:
    x, divisors = T.dmatrix("x"), np.array([3.0, 7.0, 49.0])
    f = symnb.function([x], x / divisors, mode="FAST_RUN")
    rows = WHOLE[:, None] + np.zeros(3)
    np.testing.assert_array_equal(f(rows), rows / divisors)


def test_powers_of_two_and_computed_rows_become_products() -> None:
    x = T.dmatrix("x")
    e = T.exp(x - x.max(1, keepdims=True))
    for divided in (x / 8, e / e.sum(1, keepdims=True)):
        f = symnb.function([x], divided, mode="FAST_RUN")
        ops = [node.op for node in f.optimised.order]
        assert el.true_div not in ops and el.mul in ops
