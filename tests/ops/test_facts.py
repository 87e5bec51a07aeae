"""Structural ops keep their meaning when symbolic sizes become numbers, and as text."""

import numpy as np
import pytest

from symnb.core import text, walk
from symnb.core.evaluate import evaluate
from symnb.core.graph import Graph
from tests.ops import cases_structural
from tests.ops.cases import CASES
from tests.ops.structure import check_views, tensor, tensors

assert cases_structural.x.shape == (2, 3, 4)  # imported for the cases it registers

CASED = [
    pytest.param(case, id=f"{name}-{i}")
    for name, cases in CASES.items()
    for i, case in enumerate(cases)
    if case.reference is not None
]


def expected(case):
    with np.errstate(all="ignore"):
        return np.asarray(case.reference(*case.arrays))


def _is_data(size) -> bool:
    """Whether a size comes from data and so stays open."""
    return all(atom.kind == "bound" for atom in size.atoms())


@pytest.mark.parametrize("case", CASED)
def test_a_graph_rebuilt_under_facts_is_static_and_equal(case) -> None:
    inputs = tensors(case.arrays)
    root = case.build(*inputs)
    twins = [
        tensor(array, x.name, static=True)
        for array, x in zip(case.arrays, inputs, strict=True)
    ]
    facts = {}
    for x, twin in zip(inputs, twins, strict=True):
        facts |= walk.leaf_facts(x, twin)
    new = walk.rebuild([root], dict(zip(inputs, twins, strict=True)), facts)[root]
    assert all(isinstance(size, int) or _is_data(size) for size in new.type.shape)
    (found,) = evaluate([new], dict(zip(twins, case.arrays, strict=True)))
    np.testing.assert_array_equal(found, expected(case))
    check_views(new, twins, case.arrays)


@pytest.mark.parametrize("case", CASED)
def test_a_graph_read_back_from_its_text_is_equal(case) -> None:
    inputs = tensors(case.arrays)
    graph = Graph(inputs, [case.build(*inputs)])
    again = text.parse(*text.render_with_arrays(graph))
    assert again.ops() == graph.ops()
    given = dict(zip(again.inputs, case.arrays, strict=True))
    (found,) = evaluate(again.outputs, given)
    np.testing.assert_array_equal(found, expected(case))
