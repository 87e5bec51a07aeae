"""The harness at work: checks, turns, and the peer every environment has."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from bench.graphs import KINDS, SIZES, System, steps_for
from bench.peers import environment
from bench.piece import NotYet, Piece, Rows
from bench.turns import Turns
from bench.worker import Worker
from bench.workload import Workload, WrongResult, check
from bench.workloads import TIMED, WORKLOADS
from bench.workloads.train import RATE, logreg_data, moved
from symnb.core.graph import Graph

SUM = Workload("w", "g", dict, lambda data: [], tolerance=1e-6)


def test_a_result_within_the_tolerance_passes() -> None:
    right = np.array([1.0, -1000.0])
    assert check(SUM, {}, [right + 5e-4], [right]) == pytest.approx(5e-7)


@pytest.mark.parametrize("wrong", [
    np.array([1.0, -1000.1]), np.array([np.nan, -1000.0]), np.array([1.0]),
])  # fmt: skip
def test_a_wrong_result_is_caught(wrong: np.ndarray) -> None:
    with pytest.raises(WrongResult):
        check(SUM, {}, [wrong], [np.array([1.0, -1000.0])])


def test_a_missing_result_is_caught() -> None:
    with pytest.raises(WrongResult, match="0 values, not 1"):
        check(SUM, {}, [], [np.array(1.0)])


def test_a_step_that_does_not_move_its_parameters_is_wrong() -> None:
    data = logreg_data()
    work = WORKLOADS["logreg_step"]
    loss, moved_W, moved_b = work.exact(data)
    after = [data["W"] + moved_W, data["b"] + moved_b]
    assert check(work, data, [loss, *after], work.exact(data)) < 1e-6
    with pytest.raises(WrongResult):
        check(work, data, [loss, data["W"], data["b"]], work.exact(data))
    assert moved(("W", "b"))(data, [loss, *after])[1] == pytest.approx(moved_W)


@pytest.mark.parametrize("name", ["logreg_step", "mlp_step", "lenet_step"])
def test_exact_steps_descend_along_finite_differences(name: str) -> None:
    work = WORKLOADS[name]
    data = {k: v.astype("float64") if v.dtype.kind == "f" else v
            for k, v in work.data().items()}  # fmt: skip
    names = [k for k in data if k not in "xy"]
    _, *moves = work.exact(data)
    rng = np.random.default_rng(1)
    ways = {k: rng.standard_normal(data[k].shape) * data[k].size ** -0.5 for k in names}
    step = 1e-7  # small: few of the kinks of relu are crossed
    ends: list[float] = []
    for sign in (1, -1):
        there = {k: v + sign * step * ways[k] for k, v in data.items() if k in ways}
        ends.append(float(work.exact({**data, **there})[0]))
    slope = (ends[0] - ends[1]) / (2 * step)
    down = sum(float((m * ways[k]).sum()) for k, m in zip(names, moves, strict=True))
    assert slope == pytest.approx(-down / RATE, rel=1e-3, abs=1e-6)


class Fake:
    """A module of rows that are right, wrong, late, or broken."""

    @staticmethod
    def rows_of(system: str) -> Rows:
        rows = Rows()

        def later(data: Any) -> Piece:
            raise NotYet("not yet: no convolution")

        rows["call_vec8"] = lambda d: Piece(lambda: d["a"] + d["b"])
        rows["call_scalar"] = lambda d: Piece(lambda: d["a"])
        rows["softmax"] = later
        rows["nll"] = lambda d: 1 / 0
        return rows


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr("importlib.import_module", lambda name: Fake)
    return Worker("numpy")


def exact(tmp_path: Path, row: str) -> str:
    work = WORKLOADS[row]
    np.savez(tmp_path / "exact.npz", *work.exact(work.data()))
    return str(tmp_path / "exact.npz")


def test_a_right_row_is_timed(worker: Worker, tmp_path: Path) -> None:
    row = "call_vec8"
    made = worker.answer({"do": "make", "row": row, "exact": exact(tmp_path, row)})
    assert made["error"] == 0 and made["loops"] > 10
    turn = worker.answer({"do": "time", "row": row, "loops": 10})
    assert 0 < turn["wall"] < 1e7 and turn["cpu"] >= 0


def test_a_wrong_row_is_told_and_not_timed(worker: Worker, tmp_path: Path) -> None:
    row = "call_scalar"
    made = worker.answer({"do": "make", "row": row, "exact": exact(tmp_path, row)})
    assert "largest magnitude" in made["wrong"] and "loops" not in made


def test_what_cannot_be_done_is_told(worker: Worker) -> None:
    ask = {"do": "make", "exact": ""}
    assert worker.answer({**ask, "row": "softmax"}) == {
        "skip": "not yet: no convolution"
    }
    assert worker.answer({**ask, "row": "nll"})["failed"].startswith("ZeroDivision")
    assert worker.answer({**ask, "row": "layernorm"}) == {"skip": ""}


def test_arguments_are_made_anew_outside_the_measured_time() -> None:
    seen: list[int] = []
    piece = Piece(seen.append, before=lambda: len(seen))
    piece.run()
    assert seen == [0]
    assert Piece(lambda a, b: a - b, arguments=(5, 3)).run() == 2


def test_processes_take_turns(tmp_path: Path) -> None:
    row = "call_vec8"
    with Turns({"numpy": environment("numpy", 1)}) as turns:
        made = turns.ask("numpy", do="make", row=row, exact=exact(tmp_path, row))
        assert made["error"] == 0
        entry = ("numpy", row)
        samples = turns.play({entry: 10}, rounds=4, seconds=30, steady=True)
        assert len(samples[entry].wall) == 4
        assert turns.ask("numpy", do="make", row="lenet_step", exact="") == {"skip": ""}


def test_threads_are_told_to_every_pool() -> None:
    told = environment("symnb", 2, "/folder")
    assert told["SYMNB_THREADS"] == told["OMP_NUM_THREADS"] == "2"
    assert told["SYMNB_CACHE_DIR"] == "/folder/symnb"
    assert "multi_thread_eigen=false" in environment("jax", 1)["XLA_FLAGS"]


def test_graphs_have_the_sizes_they_are_named_by() -> None:
    system = System(T, lambda value, name: symnb.shared(value, name=name), symnb.grad)
    for kind, write in KINDS.items():
        written = write(system, steps_for(kind, SIZES[0]))
        nodes = len(Graph(written.inputs, written.outputs, written.updates))
        assert abs(nodes - SIZES[0]) <= 0.03 * SIZES[0]


def test_every_timed_row_has_data_and_a_name_of_its_own() -> None:
    assert len({work.name for work in TIMED}) == len(TIMED)
    for work in TIMED:
        if not work.name.endswith("1e7") and work.group in ("call", "chain"):
            assert all(np.isfinite(value).all() for value in work.exact(work.data()))
