"""Patterns compiled to Python functions, and the index that finds the ones to try.

A rule's left side becomes one function per order of commutative operands, written as
source text and compiled at first use; it returns the bindings or None. The index
keeps, for each (op, ops of the operands) that occurs, the matchers that can fit, so
300 rules cost a node one dictionary lookup (0.2 us) unless one of them may fire.

Constants in a pattern match by value and sign, seen through casts and broadcasts;
a repeated hole must bind one and the same (interned) node.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

import numpy as np

from symnb.core.node import Constant, Node, make
from symnb.core.op import CONSTANT, Op
from symnb.ops.cast import CAST, cast
from symnb.ops.define import Elementwise
from symnb.ops.view import BROADCAST_TO
from symnb.optim.guard import literal, same_number
from symnb.optim.rule import Hole, Param, Rule, arguments

Bindings = tuple[Any, ...]
KEYED = 3  # operands whose ops are part of the index key
CONSTANT_OPS = frozenset((CONSTANT, CAST, BROADCAST_TO))


@dataclass(slots=True)
class Matcher:
    """One order of a rule's pattern.

    match  node -> bindings (holes, then params) or None; compiled by its first call,
           since of 700 matchers a graph tries a few dozen (0.15 ms each)
    build  (node, bindings, uses) -> replacement or None
    inner  root -> the nodes the pattern matched, holes and constants left out;
           None: no pattern says which
    """

    rule: Rule
    names: tuple[str, ...]
    match: Callable[[Node], Bindings | None]
    build: Callable[[Node, Bindings, Any], Node | None]
    pattern: Node | None
    inner: Callable[[Node], tuple[Node, ...]] | None = None


# ------------------------------------------------------------------- writing matchers


class _Writer:
    """Collects the source of one matcher and the values it refers to."""

    def __init__(self, names: Sequence[str]) -> None:
        self.lines: list[str] = []
        self.values: dict[str, Any] = {"literal": literal, "same": same_number}
        self.bound: dict[str, str] = {}
        self.names = tuple(names)

    def value(self, thing: Any) -> str:
        """A variable of the generated code that holds `thing`."""
        name = f"k{len(self.values)}"
        self.values[name] = thing
        return name

    def refuse(self, condition: str) -> None:
        """A line that gives up when `condition` holds."""
        self.lines.append(f"if {condition}: return None")

    def compiled(self, name: str) -> Callable[[Node], Bindings | None]:
        """The function whose body was written."""
        self.lines.append(
            f"return ({''.join(self.bound[n] + ', ' for n in self.names)})"
        )
        body = "\n  ".join(self.lines)
        exec(_code(f"def match(n):\n  {body}", "exec"), self.values)
        found = self.values["match"]
        found.__name__ = name
        return found


@functools.cache
def _code(text: str, kind: str) -> CodeType:
    """The compiled text: of 117 matchers of a training step 25 differ in theirs."""
    return compile(text, "<pattern>", kind)


def _write(pattern: Node, writer: _Writer) -> None:
    """The tests for `pattern` at the variable n: ops, params, holes, guards.

    Ops come first, breadth first, then constants, then guards, cheapest first.
    """
    late: list[tuple[Node, str]] = []
    queue: list[tuple[Node, str]] = [(pattern, "n")]
    count = itertools.count()
    while queue:
        node, name = queue.pop(0)
        if node.is_leaf:
            late.append((node, name))
            continue
        if node is not pattern:
            writer.refuse(f"{name}.op is not {writer.value(node.op)}")
        inputs = [f"i{next(count)}" for _ in node.inputs]
        if node.op.arity is None:
            writer.refuse(f"len({name}.inputs) != {len(inputs)}")
        for at, child in enumerate(inputs):
            writer.lines.append(f"{child} = {name}.inputs[{at}]")
        _write_params(node, name, writer)
        queue += zip(node.inputs, inputs, strict=True)
    for node, name in late:
        _write_leaf(node, name, writer)


def _write_params(node: Node, name: str, writer: _Writer) -> None:
    for at, want in enumerate(node.params):
        got = f"{name}.params[{at}]"
        if isinstance(want, Param):
            if want.name in writer.bound:
                writer.refuse(f"{got} != {writer.bound[want.name]}")
            else:
                writer.bound[want.name] = got
        elif want is not None:
            writer.refuse(f"{got} != {writer.value(want)}")


def _write_leaf(leaf: Node, name: str, writer: _Writer) -> None:
    if isinstance(leaf, Constant):
        want = leaf.value.item()
        got = writer.value(None)
        writer.lines.append(f"{got} = literal({name})")
        number = writer.value(want)
        test = f"{got} != {number}"
        if want == 0:
            test += f" or not same({got}, {number})"
        writer.refuse(f"{got} is None or {test}")
    elif isinstance(leaf, Hole):
        known = writer.bound.get(leaf.params[0])
        if known is not None:
            writer.refuse(f"{name} is not {known}")
            return
        writer.bound[leaf.params[0]] = name
        for guard in leaf.guards:
            writer.refuse(f"not {writer.value(guard.test)}({name})")


def _write_conditions(rule: Rule, writer: _Writer) -> None:
    for condition in rule.where:
        args = ", ".join(
            "n" if name == "node" else writer.bound[name]
            for name in arguments(condition.test)
        )
        writer.refuse(f"not {writer.value(condition.test)}({args})")


def matchers(rule: Rule) -> list[Matcher]:
    """One matcher per distinguishable order of the pattern's commutative operands."""
    if rule.lhs is None:
        return [_rooted(rule)]
    names = rule.slots
    build = builder(rule, names)
    result: list[Matcher] = []
    named = rule.rhs is None or bool(rule.where)
    for pattern in orders(rule.lhs, named):
        made = Matcher(rule, names, _unwritten, build, pattern, _unread)
        made.match, made.inner = _first_match(made), _first_inner(made)
        result.append(made)
    return result


def _unwritten(node: Node) -> Bindings | None:
    raise AssertionError("a matcher is written before it is tried")


def _unread(node: Node) -> tuple[Node, ...]:
    raise AssertionError("a pattern is read before it is asked")


def _first_match(matcher: Matcher) -> Callable[[Node], Bindings | None]:
    """The match that writes itself when it is called first."""

    def match(node: Node) -> Bindings | None:
        writer = _Writer(matcher.names)
        _write(matcher.pattern, writer)  # pyright: ignore[reportArgumentType]
        _write_conditions(matcher.rule, writer)
        matcher.match = writer.compiled(f"match_{matcher.rule.name}")
        return matcher.match(node)

    return match


def _first_inner(matcher: Matcher) -> Callable[[Node], tuple[Node, ...]]:
    """As `_first_match`, for the nodes inside the pattern."""

    def inner(node: Node) -> tuple[Node, ...]:
        matcher.inner = _inside(matcher.pattern)  # pyright: ignore[reportArgumentType]
        return matcher.inner(node)

    return inner


def _inside(pattern: Node) -> Callable[[Node], tuple[Node, ...]]:
    """A function from the root of a match to the nodes inside the pattern."""
    found: list[str] = []
    queue = [(pattern, "n")]
    for node, path in queue:
        found.append(path)
        queue += [
            (child, f"{path}.inputs[{at}]")
            for at, child in enumerate(node.inputs)
            if not child.is_leaf
        ]
    return eval(_code(f"lambda n: ({', '.join(found)},)", "eval"))


def _rooted(rule: Rule) -> Matcher:
    """A matcher for a rule given by the ops at its root."""
    wanted = arguments(rule.build)  # pyright: ignore[reportArgumentType]
    make_from: Any = rule.build
    both = "uses" in wanted

    def build(node: Node, bindings: Bindings, uses: Any) -> Node | None:
        return make_from(node, uses) if both else make_from(node)

    return Matcher(rule, (), lambda node: (), build, None)


# ------------------------------------------------------------------ operand orders


def orders(pattern: Node, named: bool = False) -> Iterator[Node]:
    """The pattern with operands of commutative ops exchanged, each form once.

    named  forms that differ in the names of holes are different
    """
    swaps = [node for node in _inner(pattern) if node.op.commutative]
    if not swaps:
        yield pattern
        return
    seen: set[str] = set()
    for choice in itertools.product((False, True), repeat=len(swaps)):
        swapped = {n for n, flip in zip(swaps, choice, strict=True) if flip}
        candidate = _exchanged(pattern, swapped) if swapped else pattern
        form = _form(candidate, named)
        if form not in seen:
            seen.add(form)
            yield candidate


def _inner(pattern: Node) -> list[Node]:
    """Non-leaf nodes of a pattern, operands first, repeats kept once."""
    result: dict[Node, None] = {}
    stack = [pattern]
    while stack:
        node = stack[-1]
        missing = [x for x in node.inputs if not x.is_leaf and x not in result]
        if missing:
            stack.extend(missing)
        else:
            stack.pop()
            if not node.is_leaf:
                result[node] = None
    return list(result)


def _exchanged(pattern: Node, swapped: set[Node]) -> Node:
    image: dict[Node, Node] = {}
    for node in _inner(pattern):
        inputs = tuple(image.get(x, x) for x in node.inputs)
        if node in swapped:
            inputs = inputs[::-1]
        image[node] = Node(node.op, inputs, node.params, node.type)
    return image.get(pattern, pattern)


def _form(pattern: Node, named: bool) -> str:
    """Text of a pattern with unguarded holes numbered by first occurrence."""
    numbers: dict[str, str] = {}
    stack: list[Node] = [pattern]
    sequence: list[str] = []
    while stack:
        node = stack.pop()
        if isinstance(node, Hole):
            label = node.params[0] if node.guards or named else ""
            number = numbers.setdefault(node.params[0], f"${len(numbers)}{label}")
            sequence.append(number)
        elif isinstance(node, Constant):
            sequence.append(repr(node.value.item()))
        else:
            sequence.append(f"{node.op.name}/{len(node.inputs)}{node.params}")
            stack.extend(reversed(node.inputs))
    return " ".join(sequence)


# ------------------------------------------------------------------------- builders


def builder(
    rule: Rule, names: Sequence[str]
) -> Callable[[Node, Bindings, Any], Node | None]:
    """What makes the replacement from the bindings."""
    if rule.build is not None:
        return _calling(rule, names)
    assert rule.rhs is not None
    return instantiating(rule.rhs, names)


def _calling(
    rule: Rule, names: Sequence[str]
) -> Callable[[Node, Bindings, Any], Node | None]:
    function: Any = rule.build
    places: list[int] = []
    for name in arguments(function):
        places.append({"node": -1, "uses": -2}.get(name, -3))
        if places[-1] == -3:
            places[-1] = list(names).index(name)

    def build(node: Node, bindings: Bindings, uses: Any) -> Node | None:
        every = (*bindings, uses, node)
        return function(*[every[at] for at in places])

    return build


def instantiating(
    rhs: Node, names: Sequence[str]
) -> Callable[[Node, Bindings, Any], Node | None]:
    """A function that builds `rhs`: operands of elementwise ops promote as typed."""
    place = {name: at for at, name in enumerate(names)}
    if isinstance(rhs, Constant):
        number = rhs.value.item()
        return lambda node, bindings, uses: Constant(np.asarray(number, node.dtype))
    if isinstance(rhs, Hole):
        at = place[rhs.params[0]]
        return lambda node, bindings, uses: bindings[at]
    steps = [_step(node, place) for node in _inner(rhs)]

    def build(node: Node, bindings: Bindings, uses: Any) -> Node | None:
        values: dict[Node, Node] = {}
        for step in steps:
            step(bindings, values)
        return values[rhs]

    return build


def _step(
    node: Node, place: dict[str, int]
) -> Callable[[Bindings, dict[Node, Node]], None]:
    """What makes one node of a right side, its operands being made."""
    fetch = [_operand(x, place) for x in node.inputs]
    params = [
        (place[p.name], None) if isinstance(p, Param) else (-1, p) for p in node.params
    ]
    construct = _constructor(node.op)

    def step(bindings: Bindings, values: dict[Node, Node]) -> None:
        given = tuple([p if at < 0 else bindings[at] for at, p in params])
        values[node] = construct([f(bindings, values) for f in fetch], given)

    return step


def _constructor(op: Op) -> Callable[[list[Node], tuple[Any, ...]], Node]:
    if isinstance(op, Elementwise):
        return lambda inputs, given: op(*inputs)
    if op is CAST:
        return lambda inputs, given: cast(inputs[0], given[0])
    return lambda inputs, given: make(op, tuple(inputs), given)


def _operand(
    x: Node, place: dict[str, int]
) -> Callable[[Bindings, dict[Node, Node]], Any]:
    if isinstance(x, Hole):
        at = place[x.params[0]]
        return lambda bindings, values: bindings[at]
    if isinstance(x, Constant):
        number = x.value.item()
        return lambda bindings, values: number
    return lambda bindings, values: values[x]


# ---------------------------------------------------------------------------- index


def key_of(node: Node) -> Any:
    """The op of a node and those of its operands, of the first few only."""
    inputs = node.inputs
    count = len(inputs)
    if count == 1:
        return node.op, inputs[0].op
    if count == 2:
        return node.op, inputs[0].op, inputs[1].op
    if count == 3:
        return node.op, inputs[0].op, inputs[1].op, inputs[2].op
    return node.op


class Index:
    """The matchers of a rule set, found by the ops of a node and of its operands."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._found: dict[Any, tuple[Matcher, ...]] = {}
        self._by_op: dict[Op, list[Matcher]] = {}
        self._compiled: dict[Rule, list[Matcher]] = {}

    def candidates(self, node: Node, key: Any = None) -> tuple[Matcher, ...]:
        """The matchers whose root and operands can fit, in order of the rules.

        key  of the node, if it is known
        """
        if key is None:
            key = key_of(node)
        found = self._found.get(key)
        if found is None:
            keyed = len(node.inputs) <= KEYED
            found = self._found[key] = tuple(self._select(node, keyed))
        return found

    def _select(self, node: Node, keyed: bool) -> Iterator[Matcher]:
        for matcher in self._rooted(node.op):
            pattern = matcher.pattern
            accepts = matcher.rule.operands
            if not keyed:
                yield matcher
            elif pattern is not None:
                if _may_fit(pattern, node):
                    yield matcher
            elif accepts is None or accepts([x.op for x in node.inputs]):
                yield matcher

    def _rooted(self, op: Op) -> list[Matcher]:
        """All matchers for nodes of `op`; their rules are compiled now."""
        found = self._by_op.get(op)
        if found is None:
            found = self._by_op[op] = []
            for rule in self.rules:
                if rule.lhs.op is op if rule.lhs is not None else rule.roots(op):  # pyright: ignore
                    compiled = self._compiled.get(rule)
                    if compiled is None:
                        compiled = self._compiled[rule] = matchers(rule)
                    found += compiled
        return found


def _may_fit(pattern: Node, node: Node) -> bool:
    if len(node.inputs) < len(pattern.inputs):
        return False
    for want, got in zip(pattern.inputs, node.inputs, strict=False):
        if isinstance(want, Hole):
            if got.op not in CONSTANT_OPS and any(g.constant for g in want.guards):
                return False
        elif isinstance(want, Constant):
            if got.op not in CONSTANT_OPS:
                return False
        elif want.op is not got.op:
            return False
    return True
