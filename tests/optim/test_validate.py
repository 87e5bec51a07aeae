"""The validator finds what a broken pass leaves behind."""

import pytest

from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.core.types import TensorType
from symnb.errors import OptimiserError
from symnb.ops import elementwise as el
from symnb.optim.trace import PassRecord
from symnb.optim.validate import validate
from tests.optim.graphs import leaf

x, y = leaf(3, name="x"), leaf(3, name="y")
BEFORE = Graph([x], [el.exp(x)])


def record(*roots: Node) -> PassRecord:
    return PassRecord("broken", BEFORE, Graph([x], roots), [], 0.0)


def test_a_sound_pass_is_accepted() -> None:
    validate(record(el.sin(x)))


@pytest.mark.parametrize(
    ("roots", "what"),
    [
        ([el.exp(y)], "a leaf the graph did not have"),
        ([el.exp(x) > 0], "replaces a result of type f64"),
        ([Node(el.exp, (x,), (), TensorType("float64", (4,)))], "should have the type"),
        ([x, x], "1 roots became 2"),
    ],
)
def test_a_broken_pass_is_told(roots: list[Node], what: str) -> None:
    with pytest.raises(OptimiserError, match=what):
        validate(record(*roots))
