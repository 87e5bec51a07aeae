"""The order of a chain of products, against every order there is."""

import time
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symnb.optim.order import EXACT, best_order, multiplications, near_best

CHIN = 1.155  # Hu & Shing 1981: at most 15.47 % above the best


def least(sizes: Sequence[int]) -> int:
    """Fewest multiplications over all parenthesisations, by trying every one."""

    @lru_cache(None)
    def of(i: int, j: int) -> int:
        if j == i + 1:
            return 0
        return min(
            of(i, k) + of(k, j) + sizes[i] * sizes[k] * sizes[j]
            for k in range(i + 1, j)
        )

    return of(0, len(sizes) - 1)


def total(sizes: Sequence[int], order: Sequence[tuple[int, int, int]]) -> int:
    """Multiplications of an order, which must be one: each part used once."""
    whole = {(i, i + 1) for i in range(len(sizes) - 1)}
    work = 0
    for i, k, j in order:
        whole -= {(i, k), (k, j)}
        whole.add((i, j))
        work += sizes[i] * sizes[k] * sizes[j]
    assert whole == {(0, len(sizes) - 1)}
    return work


CHAINS = st.lists(
    st.integers(1, 60) | st.sampled_from((1, 500)), min_size=3, max_size=11
)


@given(CHAINS)
def test_no_order_takes_fewer_multiplications(sizes: list[int]) -> None:
    assert total(sizes, best_order(sizes)) == least(sizes)


@given(CHAINS)
def test_the_fast_order_takes_little_more(sizes: list[int]) -> None:
    assert total(sizes, near_best(sizes)) <= CHIN * least(sizes)


def test_the_textbook_chain() -> None:
    # Cormen et al., Introduction to Algorithms, 15.2: ((A1 (A2 A3)) ((A4 A5) A6))
    sizes = [30, 35, 15, 5, 10, 20, 25]
    order = best_order(sizes)
    assert total(sizes, order) == 15_125
    assert order == ((1, 2, 3), (3, 4, 5), (0, 1, 3), (3, 5, 6), (0, 3, 6))


def test_empty_matrices_have_an_order() -> None:
    assert total([0, 3, 0, 2], best_order([0, 3, 0, 2])) == 0
    assert total([0, 3, 0, 2], near_best([0, 3, 0, 2])) == 0


def test_a_product_that_exists_is_not_made_again() -> None:
    sizes = [1, 9, 9, 1]
    assert best_order(sizes, free={(1, 3)}) == ((0, 1, 3),)
    assert best_order(sizes, free={(0, 2)}) == ((0, 2, 3),)


def test_a_diagonal_matrix_multiplies_once_an_element() -> None:
    # D (50) @ A (50 x 40) @ B (40 x 6): scale 50 x 6 numbers, not 50 x 40
    assert best_order([50, 50, 40, 6], "d..")[0] == (1, 2, 3)
    # B wide: scaling A is cheaper
    assert best_order([50, 50, 40, 60], "d..")[0] == (0, 1, 2)
    assert multiplications([5, 5, 5, 5], "dd.", (0, 1, 2)) == 25
    assert multiplications([5, 5, 5, 7], "dd.", (0, 2, 3)) == 35


def test_an_inverse_is_applied_to_something() -> None:
    # inv(A) inv(B) x: never inv(A) inv(B), though it were as cheap
    assert best_order([4, 4, 4, 9], "ii.") == ((1, 2, 3), (0, 1, 3))
    assert best_order([9, 4, 4, 4], ".ii") == ((0, 1, 2), (0, 2, 3))
    assert best_order([4, 4, 4, 4], "id.")[0] == (1, 2, 3)
    # inv(A) (B x), not (inv(A) B) x
    assert best_order([4, 4, 4, 1], "i..")[0] == (1, 2, 3)


@pytest.mark.parametrize("count", [EXACT + 1, 200, 2000])
def test_long_chains_are_ordered_in_linear_time(count: int) -> None:
    sizes = [1 + 37 * at % 101 for at in range(count)] + [1]
    started = time.process_time()
    order = best_order(sizes)
    assert time.process_time() - started < 0.5  # 2 ms for 2,000; cubic time: minutes
    assert len(order) == count - 1
    if count <= 200:
        assert total(sizes, order) <= CHIN * least(sizes)
    # a vector at the end: every product is one of a matrix and a vector
    assert total(sizes, order) <= 2 * sum(a * b for a, b in pairwise(sizes))
