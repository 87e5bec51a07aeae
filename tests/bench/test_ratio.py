"""The arithmetic of the tables, on turns written by hand."""

import math

import pytest

from bench.cells import Row, row_of
from bench.limits import Limits
from bench.musts import MUSTS
from bench.optimiser import cost
from bench.ratio import best, geometric_mean, middle, ratio
from bench.report import duration, means, missed, ratio_of_seconds, ratios
from bench.turns import Entry, Samples
from bench.workload import Workload


def samples(*wall: float, taken: tuple[int, ...] | None = None) -> Samples:
    return Samples(list(wall), list(wall), list(taken or [0] * len(wall)))


def test_a_ratio_is_the_median_of_ratios_within_rounds() -> None:
    ours, theirs = samples(1, 20, 3, 40, 5), samples(2, 10, 6, 10, 10)
    assert ratio(ours, theirs) == 0.5  # of 0.5, 2, 0.5, 4, 0.5
    assert middle(ours) / middle(theirs) == 0.5


def test_disturbed_turns_are_left_out_where_enough_others_are() -> None:
    calm = samples(1, 2, 3, 4, 5, 900, 900, 900, taken=(0, 0, 0, 0, 0, 1, 2, 3))
    assert middle(calm) == 3 and calm.calm == [0, 1, 2, 3, 4] and calm.is_calm


def test_where_all_turns_are_disturbed_the_fastest_count() -> None:
    busy = samples(900, 1, 900, 2, 3, 900, 4, 5, taken=(1,) * 8)
    assert busy.calm == [1, 3, 4, 6, 7] and middle(busy) == 3 and not busy.is_calm


def test_with_few_common_rounds_medians_are_compared() -> None:
    ours = samples(2, 2, 2, 2, 2, 9, 9, 9, 9, 9, taken=(0,) * 5 + (1,) * 5)
    theirs = samples(9, 9, 9, 9, 9, 4, 4, 4, 4, 4, taken=(1,) * 5 + (0,) * 5)
    assert ratio(ours, theirs) == 0.5


def test_a_geometric_mean_of_ratios() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1)
    assert geometric_mean([0.25]) == pytest.approx(0.25)
    assert math.isnan(geometric_mean([]))


def test_the_best_peer_is_the_fastest_measured() -> None:
    assert best({"jax": 3.0, "numba": 2.0}, ["jax", "numba", "torch"]) == "numba"
    assert best({}, ["jax"]) is None


def row(**ns: float) -> Row:
    made = {system: {"loops": 1, "form": "", "error": 0.0, "first_s": 0.0}
            for system in ns}  # fmt: skip
    turns: dict[Entry, Samples] = {
        (system, "softmax"): samples(time) for system, time in ns.items()
    }
    return row_of(turns, made)


def test_a_row_knows_its_best_peer_and_ratios() -> None:
    found = row(symnb=80, torch=100, jax=400)
    assert found.best == "torch"
    assert found.ratios == {"torch": 0.8, "jax": 0.2}
    assert found.ratio_to("jax", "numpy") == 0.2 and found.ratio_to("numpy") is None


def test_a_system_that_is_wrong_has_a_reason_and_no_time() -> None:
    made = {"jax": {"wrong": "error 1 of the largest magnitude"},
            "torch": {"failed": "ValueError: x"}, "numexpr": {"skip": ""}}  # fmt: skip
    found = row_of({}, made)
    assert found.ns == {} and found.best is None
    assert found.why["jax"].startswith("wrong: error 1")
    assert found.why["torch"] == "failed: ValueError: x"


def test_missed_musts_are_found_and_marked() -> None:
    kept, late = row(symnb=80, torch=100), row(symnb=95, torch=100)
    cells = {1: {"softmax": kept}, 2: {"softmax": late}}
    assert MUSTS["softmax"].of(1) == MUSTS["softmax"].of(2) == 0.9
    assert missed(cells) == [("softmax", 2, 0.95, 0.9)]
    assert "| 0.80 | 0.9 | torch | **0.95** missed | 0.9 | torch |" in ratios(cells)


def test_what_was_disturbed_is_marked() -> None:
    found = row(symnb=80, torch=100)
    assert found.is_calm("symnb", "torch") and "~" not in ratios(
        {1: {"softmax": found}}
    )
    found.turns["torch"] = (15, 1)
    assert found.is_calm("symnb") and not found.is_calm("symnb", "torch")
    assert "| 0.80 ~ | 0.9 | torch |" in ratios({1: {"softmax": found}})


def test_musts_may_differ_with_threads() -> None:
    assert MUSTS["sum_ax0"].of(1) == 0.8 and MUSTS["sum_ax0"].of(2) == 0.5


def test_means_are_over_rows_with_a_must_and_threads() -> None:
    half = row(symnb=50, torch=100, jax=200)
    cells = {
        1: {"softmax": half, "cheap_1e3": row(symnb=1, jax=9)},
        2: {"softmax": row(symnb=200, torch=100, jax=200)},
    }  # fmt: skip
    found = means(cells)
    assert found["best peer"] == pytest.approx(1)  # 0.5 and 2
    assert found["jax"] == pytest.approx(0.5)  # 0.25 and 1
    assert "pytensor" not in found


def test_first_results_are_compared_with_the_named_peer() -> None:
    assert ratio_of_seconds("first_mlp_step_cold", {"symnb": 1, "jax": 4}) == 0.25
    assert ratio_of_seconds("import", {"symnb": 1, "jax": 4}) is None


@pytest.mark.parametrize(("ns", "text"), [
    (12.34, "12.3 ns"), (999.9, "1 us"), (1500, "1.5 us"), (2.5e6, "2.5 ms"),
    (3e9, "3 s"),
])  # fmt: skip
def test_durations_have_three_digits(ns: float, text: str) -> None:
    assert duration(ns) == text


def test_the_roof_is_the_slower_of_memory_and_arithmetic() -> None:
    limits = Limits({1000: 10e9, 10_000: 5e9}, 1e9, 100e9)

    def work(**more: float) -> Workload:
        return Workload("w", "g", dict, lambda data: [], **more)  # pyright: ignore

    assert limits.roof(work(traffic=1500)) == pytest.approx(150)  # ns at 10 GB/s
    assert limits.roof(work(traffic=1500, touched=15_000)) == pytest.approx(300)
    assert limits.roof(work(traffic=1e6)) == pytest.approx(1e6)
    assert limits.roof(work(traffic=1500, flops=1e5)) == pytest.approx(1000)
    assert limits.roof(work()) is None


def test_the_optimisers_cost_is_per_node() -> None:
    turns: dict[Entry, Samples] = {}
    nodes: dict[Entry, float] = {}
    for size, us in ((1_000, 10.0), (10_000, 11.0), (50_000, 12.5)):
        for end, slower in (("", 1.1), ("_silent", 1.0)):
            entry = ("symnb-optimiser", f"optimise_chain_{size}{end}")
            turns[entry] = samples(*[us * size * 1e3 * slower] * 5)
            nodes[entry] = size
    peer = ("pytensor-optimiser", "optimise_chain_1000")
    turns[peer], nodes[peer] = samples(1000 * 110e3), 1000
    found = cost("chain", turns, nodes)
    assert found.us[1_000] == pytest.approx(11)
    assert found.growth == pytest.approx(1.25)
    assert found.recording[50_000] == pytest.approx(1.1)
    assert found.advantage == {1_000: pytest.approx(10)}
    assert found.missed == ["10.0 times at 1000"]
