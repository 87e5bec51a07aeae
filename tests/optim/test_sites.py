"""Where a node comes from: the places of everything it was made of."""

from symnb.core.graph import Graph
from symnb.core.node import Node
from symnb.core.site import Sites, united
from symnb.gradient import grad
from symnb.ops import elementwise as el
from symnb.ops.dot import dot
from symnb.ops.reduce import sum as total
from symnb.optim.contract import BITWISE
from symnb.optim.optimiser import optimise
from symnb.optim.passes import MERGE, Compile, apply
from symnb.optim.rule import Hole, rewrite, rule, ruleset
from symnb.optim.trace import PassRecord
from symnb.viz.changes import Rows, change
from symnb.viz.sources import SourceTable
from tests.optim.graphs import leaf

a, b = Hole("a"), Hole("b")
x, y = leaf(3), leaf(3)
LOG1P = rule(el.log(1 + a), el.log1p(a), "stabler")
DOUBLE = rule(a + a, 2 * a, BITWISE)


def texts(sites: object) -> set[str]:
    return {site.text for site in sites}  # pyright: ignore


def run(compile: Compile, *roots: Node, rules: tuple = ()) -> list[PassRecord]:
    graph = Graph((), roots)
    records = [MERGE(graph, compile)]
    for one in rules:
        records.append(apply(ruleset("t", [one]))(records[-1].after, compile))
    return records


def test_a_made_node_has_the_places_of_all_nodes_matched() -> None:
    inside = 1 + x
    outside = el.log(inside)
    *_, record = run(Compile(), outside, rules=(LOG1P,))
    (made,) = record.after.outputs
    assert made.op is el.log1p
    assert texts(made.sites) == {"1 + x", "el.log(inside)"}
    assert str(made.site) == str(outside.site)
    assert texts(record.events[0].sites) == texts(made.sites)


def test_a_rule_without_a_pattern_tells_what_it_took_apart() -> None:
    @rewrite(lambda op: op is el.exp, "exp(log(x)) -> x", BITWISE)
    def undo(node: Node) -> Node | None:
        below = node.inputs[0]
        return el.abs(below.inputs[0]) if below.op is el.log else None

    inside = el.log(el.sqrt(x))
    root = el.exp(inside)
    *_, record = run(Compile(), root, rules=(undo,))
    assert texts(record.after.outputs[0].sites) == {
        "el.log(el.sqrt(x))", "el.exp(inside)",
    }  # fmt: skip


def test_a_merged_node_keeps_every_place_where_it_was_typed() -> None:
    one = el.exp(x)
    two = el.exp(  x)  # fmt: skip
    (record,) = run(Compile(), one, two)
    assert record.after.outputs == (one, one)
    assert texts(record.sites(one)) == {"el.exp(x)", "el.exp(  x)"}
    assert texts(record.events[0].sites) == {"el.exp(x)", "el.exp(  x)"}
    assert texts(one.sites) == {"el.exp(x)"}  # a compile changes no node of the user's


def test_what_is_made_of_a_merged_node_comes_from_all_its_places() -> None:
    one, two = 1 + x, 1 +  x  # fmt: skip
    total = el.log(one) + el.tanh(two)
    *_, record = run(Compile(), total, rules=(LOG1P,))
    made = record.after.outputs[0].inputs[0]
    assert made.op is el.log1p
    assert texts(made.sites) == {"1 + x", "1 +  x", "el.log(one)"}


def test_nodes_that_become_equal_are_one_node_of_both_places() -> None:
    one, two = el.exp(x * 1), el.exp(x + 0)
    rules = ruleset("t", [rule(a * 1, a, BITWISE), rule(a + 0, a, BITWISE)])
    compile = Compile()
    before = MERGE(Graph((), (one - two,)), compile).after
    record = apply(rules)(before, compile)
    left, right = record.after.outputs[0].inputs
    assert left is right
    assert texts(record.sites(left)) == {"el.exp(x * 1)", "el.exp(x + 0)"}


def test_firings_that_make_the_same_node_give_it_all_their_places() -> None:
    one = el.log(1 + x)
    two = el.log(x + 1)
    *_, record = run(Compile(), one - two, rules=(LOG1P,))
    left, right = record.after.outputs[0].inputs
    assert left is right and left.op is el.log1p
    assert texts(record.sites(left)) == {
        "el.log(1 + x)", "1 + x", "el.log(x + 1)", "x + 1",
    }  # fmt: skip


def test_chains_of_firings_keep_every_place_once() -> None:
    y1 = x + x
    y2 = el.log(1 + y1)
    *_, record = run(Compile(), y2, rules=(LOG1P, DOUBLE))
    made = record.after.outputs[0]
    assert texts(made.sites) == {"el.log(1 + y1)", "1 + y1"}
    assert texts(made.inputs[0].sites) == {"x + x"}
    assert len(made.sites) == 2


def test_without_recording_a_made_node_has_the_place_of_what_it_replaces() -> None:
    inside = 1 + x
    outside = el.log(inside)
    *_, record = run(Compile(record=False), outside, rules=(LOG1P,))
    assert texts(record.after.outputs[0].sites) == {"el.log(inside)"}


def test_deeply_united_sites_are_taken_apart_in_linear_time() -> None:
    places = [el.exp(x).site, el.log(x).site]
    site = united(places)
    for _ in range(2000):  # 2**2000 ways down, 2000 sites
        site = Sites((site, site))  # pyright: ignore
    assert list(site.places) == places  # pyright: ignore


def test_the_source_shows_every_place_of_a_node() -> None:
    inside = 1 + x
    again = 1 +  x  # fmt: skip
    total = el.log(inside) * el.exp(again)
    records = run(Compile(), total, rules=(LOG1P,))
    sources = SourceTable()
    rows, present = Rows(sources), {}
    told = [change(rows, record, present) for record in records]
    lines = {span[1] for span in sources.tables()[1]}
    made = records[-1].after.outputs[0].inputs[0]
    _, spans = sources.tables()
    lit = {spans[at][1] for at in rows.spans[rows.row[made]]}
    assert lit == {site.line for site in made.sites} and len(lit) == 3 <= len(lines)
    sum_ = records[0].after.outputs[0].inputs[0].inputs[0]
    assert len(rows.spans[rows.row[sum_]]) == 2
    assert told[0].counts == (0, 0, 0, 2)  # the sum, and its constant
    # log(1 + x) became log1p; the product above reads it, exp is untouched
    assert told[1].counts == (1, 1, 1, 0)


def test_nodes_that_fall_together_in_a_sweep_are_told_as_merged() -> None:
    one, two = el.exp(x * 1), el.exp(x + 0)
    rules = ruleset("t", [rule(a * 1, a, BITWISE), rule(a + 0, a, BITWISE)])
    compile = Compile()
    first = MERGE(Graph((), (one - two,)), compile)
    record = apply(rules)(first.after, compile)
    rows, present = Rows(SourceTable()), {}
    change(rows, first, present)
    told = change(rows, record, present)
    assert len(told.merged) == 1  # exp(x + 0) into exp(x * 1), now both exp(x)
    assert set(told.removed).isdisjoint(told.merged)
    assert {rows.nodes[row].op.name for row in told.removed} == {
        "mul",
        "add",
        "constant",
    }
    assert {rows.nodes[row].op.name for row in told.rewired} == {"exp"}


def test_a_rebuild_is_no_change() -> None:
    root = el.tanh(el.sin(el.exp(x + x)))
    *_, record = run(Compile(), root, rules=(DOUBLE,))
    rows = Rows(SourceTable())
    told = change(rows, record, {})
    ops = lambda numbers: sorted(rows.nodes[n].op.name for n in numbers)  # noqa: E731
    assert ops(told.added) == ["constant", "mul"]
    assert ops(told.removed) == ["add"]
    assert ops(told.rewired) == ["exp"]  # sin and tanh are as they were


def test_no_computed_node_of_a_training_step_is_without_a_place() -> None:
    x, w = leaf(5, 3), leaf(3, 2)
    z = dot(x, w)
    e = el.exp(z)
    p = e / total(e, axis=1, keepdims=True)
    loss = total(el.log(p))
    (g,) = grad(loss, [w])
    after, trace = optimise(Graph([x, w], [loss, w - 0.1 * g]))
    assert any(record.events for record in trace)
    for record in trace:
        lost = [n for n in record.after.nodes if not record.sites(n)]
        assert not lost, (record.name, lost)
    assert {site.source.label for n in after.nodes for site in n.sites} == {
        "test_sites.py"
    }
