"""A nest is validated before anything trusts it."""

import pytest

from symnb.compile.kernels import NestError
from symnb.compile.kernels.nest import (
    Buffer,
    Let,
    Nest,
    Reduce,
    Stage,
    Store,
    axis,
    load,
    read,
    validate,
)
from symnb.core.dims import symbol
from symnb.core.node import Input
from symnb.core.types import TensorType

n, m = symbol("n"), symbol("m")
X = Buffer("p0", Input(TensorType("float32", (n, m))), "in")
ROW = Buffer("q0", Input(TensorType("float32", (n,))), "out")
I, J = axis("i", n), axis("j", m, "reduce")  # noqa: E741
ELEMENT = load(X, (I.at, J.at))


def row_sums(*stages: Stage) -> Nest:
    return Nest((X, ROW), (I,), stages)


SUM = Stage((J,), reductions=(Reduce("r0", "add", ELEMENT),))
STORE = Stage((), stores=(Store(ROW, (I.at,), read("r0", "float32")),))


def test_a_sum_of_rows_is_valid_and_prints_its_loops() -> None:
    nest = row_sums(SUM, STORE)
    validate(nest)
    assert str(nest) == (
        "nest (p0: f32[n, m], q0: f32[n])\n"
        "for i < n:\n"
        "  stage over j < m (reduce):\n"
        "    r0 = add p0[i, j]\n"
        "  stage:\n"
        "    q0[i] = r0"
    )


FAULTS = [
    ((STORE, SUM), "r0 is read before it is complete"),
    ((SUM,), "outputs q0 are never stored"),
    ((SUM, SUM, STORE), "r0 is defined twice"),
    (
        (SUM, Stage((), stores=(Store(ROW, (J.at,), read("r0", "float32")),))),
        "the index j is used outside its loop",
    ),
    (
        (Stage((), stores=(Store(ROW, (I.at,), ELEMENT),)),),
        "the index j is used outside its loop",
    ),
    (
        (Stage((J,), lets=(Let("c0", ELEMENT),)),
         Stage((), stores=(Store(ROW, (I.at,), read("c0", "float32")),))),
        "the row c0 is read over other axes",
    ),
    (
        (Stage((J,), reductions=SUM.reductions, stores=STORE.stores),),
        "r0 is read before it is complete",
    ),
    (
        (Stage((), stores=(Store(ROW, (I.at,), X.node),)),),
        "is no leaf of a nest",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("stages", "fault"), FAULTS)
def test_a_broken_nest_is_refused(stages: tuple[Stage, ...], fault: str) -> None:
    with pytest.raises(NestError, match=fault):
        validate(row_sums(*stages))
