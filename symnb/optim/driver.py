"""The driver: brings every node of a graph to a form in which no rule fires.

A node is matched once its operands are in that form; what a rule made is brought to
it first, then the node again. So one visit per node and firing suffices, 1 to 3 us
each, however deep the graph: the stack is a list, and the form of each node is
remembered for the whole compile, so that a later run of the same rules visits only
nodes it has not seen. Only nodes above a change are made again.

The driver, not the rule, restores the type of what was replaced (`conform`), interns
what was made, and hands down name and site. Fuel bounds the firings; a rule set that
loops is an error that names the rules, never silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from symnb.core.node import Node
from symnb.core.op import CONSTANT
from symnb.core.site import Site, united
from symnb.core.types import TensorType
from symnb.errors import FuelError, message
from symnb.ops.cast import cast
from symnb.ops.view import broadcast_to
from symnb.optim.match import Index
from symnb.optim.rule import Rule
from symnb.optim.table import Table, over
from symnb.optim.trace import Event, Origin

NODE_FUEL = 50  # firings at one node, what it became included
GRAPH_FUEL = 20  # firings per node of the graph
LEAST_FUEL = 1000  # firings a graph of any size may have
MOST_INNER = 64  # nodes looked at to tell what a rule without a pattern matched
LAST = 5  # rules an error names

Forms = dict[Node, Node]
# What has fired and waits for the form of its replacement: the node, and what it was
# over the forms of its operands -> (the latter, the replacement).
Waiting = dict[Node, tuple[Node, Node]]


def conform(node: Node, type: TensorType) -> Node | None:
    """`node` cast and broadcast to `type`; None when it does not fit."""
    own: Any = node.type
    if own == type:
        return node
    if own.dtype != type.dtype:
        node = cast(node, type.dtype)
    if own.shape == type.shape:
        return node
    extra = len(type.shape) - len(own.shape)
    if extra < 0:
        return None
    for one, whole in zip(own.shape, type.shape[extra:], strict=True):
        if one != 1 and one != whole:
            return None
    return broadcast_to(node, type.shape)


class Uses:
    """How many nodes of the graph read a node; rebuilt nodes inherit the count."""

    def __init__(self, roots: Iterable[Node], order: Iterable[Node]) -> None:
        self.count: dict[Node, int] = {}
        for root in roots:
            self.count[root] = self.count.get(root, 0) + 1
        for node in order:
            for source in node.inputs:
                self.count[source] = self.count.get(source, 0) + 1

    def __call__(self, node: Node) -> int:
        """Number of readers; 1 for a node made by this sweep."""
        return self.count.get(node, 1)

    def inherit(self, new: Node, old: Node) -> None:
        """`new` takes the place of `old`."""
        if new is not old:
            self.count[new] = self.count.get(new, 0) + self.count.get(old, 1)


class Sweep:
    """One run of one rule set over a graph.

    index   finds the matchers to try
    table   in which nodes are made
    forms   node -> what it became, shared by all runs of the rule set
    events  firings, appended; None: not recorded
    origin  rebuilt node -> the nodes it was, filled
    limit   firings allowed before the rest of the graph stays as it is
    """

    def __init__(
        self,
        index: Index,
        table: Table,
        forms: Forms,
        events: list[Event] | None = None,
        origin: Origin | None = None,
        *,
        uses: Uses | None = None,
        final: bool = False,
        limit: int | None = None,
    ) -> None:
        self.index = index
        self.table = table
        self.forms = forms
        self.events = events
        self.origin: Origin = {} if origin is None else origin
        self.uses = uses
        self.final = final
        self.limit = limit
        self.fired = 0
        self.last: list[Rule] = []
        self.firings: dict[Node, int] = {}
        self.fresh: list[Node] = []  # what the last firing made,
        self.met: list[Node] = []  # and what it found made already

    def run(self, roots: Sequence[Node], size: int) -> list[Node]:
        """The roots with every node below in its form. Raises FuelError.

        size  number of nodes of the graph, for the fuel
        """
        self.fuel = max(GRAPH_FUEL * size, LEAST_FUEL)
        for root in roots:
            if root not in self.forms:
                self._settle(root)
        forms = self.forms
        return [forms[root] for root in roots]

    def _settle(self, root: Node) -> None:
        """Give `root` and all below it a form.

        Where no rule fires a node costs one look-up per operand and one store: each
        misses the cache in a large graph.
        """
        forms = self.forms
        find = forms.get
        waiting: Waiting = {}
        stack = [root]
        while stack:
            node = stack[-1]
            if node in forms:
                stack.pop()
                continue
            if waiting and node in waiting:
                self._resume(node, waiting)
                continue
            missing: list[Node] = []
            moved = False
            for source in node.inputs:
                form = find(source)
                if form is None:
                    missing.append(source)
                elif form is not source:
                    moved = True
            if missing:
                stack += missing[::-1]
                continue
            current = self._rebuilt(node) if moved else node
            form = find(current) if moved else None
            if form is None:
                form = self._step(node, current, waiting)
                if form is None:
                    stack.append(waiting[node][1])
                    continue
            forms[node] = forms[current] = form

    def _step(self, node: Node, current: Node, waiting: Waiting) -> Node | None:
        """The form of `current`, which stands for `node`; None: it has to wait.

        The operands of `current` have theirs.
        """
        made = self.fire(current)
        if made is None:
            return current
        if self.final:
            self._finished(made)
        if made in self.forms:
            return self.forms[made]
        if made in waiting:
            raise self._looping(node)
        waiting[current] = waiting[node] = (current, made)
        return None

    def _resume(self, node: Node, waiting: Waiting) -> None:
        """What `node` became has a form now, so `node` has one."""
        current, made = waiting.pop(node)
        waiting.pop(current, None)
        form = self.forms.get(made)
        if form is None:
            raise self._looping(node)
        self.forms[node] = self.forms[current] = form

    def _finished(self, made: Node) -> None:
        """What a one-sweep rule made is final, and so is everything new below it."""
        stack = [made]
        while stack:
            node = stack.pop()
            if node not in self.forms:
                self.forms[node] = node
                stack.extend(node.inputs)

    def _rebuilt(self, node: Node) -> Node:
        """`node` over the forms of its operands, at least one of which is another."""
        forms = self.forms
        made = over(node, tuple([forms[x] for x in node.inputs]))
        new = self.table.adopt(made)
        if self.events is not None:
            if new is not made:
                self.table.meet(new, self.table.site_of(node))
            elif node in self.table.places:
                new.site = self.table.places[node]
        self.origin[new] = (*self.origin.get(new, ()), node)
        if self.uses is not None:
            self.uses.inherit(new, node)
        return new

    def fire(self, node: Node) -> Node | None:
        """What the first rule that fires makes of `node`, interned and conformed."""
        for matcher in self.index.candidates(node):
            bindings = matcher.match(node)
            if bindings is None:
                continue
            if self.limit is not None and self.fired >= self.limit:
                return None
            made = matcher.build(node, bindings, self.uses)
            if made is None or made is node:
                continue
            made = self.accept(node, made)
            if made is None or made is node:
                continue
            record = matcher.inner if self.events is not None else None
            inner = record(node) if record is not None else ()
            self._note(matcher.rule, matcher.names, bindings, node, made, inner)
            return made
        return None

    def _note(
        self, rule: Rule, names: Sequence[str], bindings: Any, node: Node, made: Node,
        inner: Sequence[Node] = (),
    ) -> None:  # fmt: skip
        """Take a firing into fuel, uses and events.

        inner  the nodes matched, as far as a pattern says which
        """
        self._count(rule, node, made)
        if self.uses is not None:
            self.uses.inherit(made, node)
        if self.events is not None:
            bound = {
                name: value
                for name, value in zip(names, bindings, strict=True)
                if isinstance(value, Node)
            }
            kind = "fold" if "fold" in rule.tags else "rule"
            site = self._label(inner or between(node, self.fresh))
            self.events.append(Event(rule, node, made, bound, kind, site))

    def _label(self, inner: Sequence[Node]) -> Site | None:
        """The places of all nodes matched; what the firing made comes from there."""
        site = united([self.table.site_of(node) for node in inner])
        for node in self.fresh:
            node.site = site
        for node in self.met:
            self.table.meet(node, site)
        return site

    def accept(self, node: Node, made: Node) -> Node | None:
        """A replacement in the type of `node` and in the table; None: does not fit."""
        type: Any = node.type
        if made.type is not type and made.type != type:
            fitting = conform(made, type)
            if fitting is None:
                return None
            made = fitting
        return self._intern(made, node)

    def _intern(self, made: Node, node: Node) -> Node:
        """Every new node below `made` put into the table, with the site of `node`."""
        forms = self.forms
        fresh: list[Node] = []
        met: list[Node] = []
        self.fresh, self.met = fresh, met
        if made in forms:
            return made
        image: Forms = {}
        stack = [made]
        while stack:
            new = stack[-1]
            if new in image or new in forms:
                stack.pop()
                continue
            missing = [x for x in new.inputs if x not in image and x not in forms]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            inputs = tuple([image.get(x, x) for x in new.inputs])
            if any(a is not b for a, b in zip(inputs, new.inputs, strict=True)):
                new_node = over(new, inputs)
            else:
                new_node = new
            kept = self.table.adopt(new_node)
            if kept is not new_node:
                met += () if kept.is_leaf else (kept,)
            elif not kept.is_leaf or kept.op is CONSTANT:
                kept.site = node.site
                fresh.append(kept)
                if new is made and kept.name is None and not kept.is_leaf:
                    kept.name = node.name
            image[new] = kept
        return image[made]

    def _count(self, rule: Rule, node: Node, made: Node) -> None:
        self.fired += 1
        self.last = [*self.last[1 - LAST :], rule]
        chain = self.firings.get(node, 0) + 1
        if made not in self.forms:
            self.firings[made] = max(chain, self.firings.get(made, 0))
        if chain > NODE_FUEL or self.fired > self.fuel:
            raise self._looping(node)

    def _looping(self, node: Node) -> FuelError:
        rows = [
            (rule.name, f"{rule.file}:{rule.line}", rule.text) for rule in self.last
        ]
        place = f" ({node.site})" if node.site else ""
        return FuelError(
            message(
                f"rewriting {node}{place} does not end: {self.fired} firings.",
                rows,
                f"one of these rules undoes another; leave it out with "
                f"mode.excluding({self.last[-1].name!r}).",
            )
        )


def between(root: Node, fresh: Sequence[Node]) -> list[Node]:
    """`root` and the nodes on the ways down to what `fresh` is made of.

    What a rule without a pattern matched, as its result tells: the nodes it took
    apart. At most `MOST_INNER` are looked at.
    """
    made = set(fresh)
    holes = {x for node in fresh for x in node.inputs if x not in made}
    above: dict[Node, Node | None] = {root: None}
    found: dict[Node, None] = {root: None}
    open_ = len(holes)
    queue = [root]
    for node in queue:
        for x in node.inputs:
            if x in holes:
                open_ -= x not in above
                above.setdefault(x, node)
                way: Node | None = node
                while way is not None and way not in found:
                    found[way] = None
                    way = above[way]
            elif x not in above:
                above[x] = node
                queue.append(x)
        if not open_ or len(queue) > MOST_INNER:
            break
    return list(found)


class Replay(Sweep):
    """A sweep that repeats recorded firings instead of matching rules."""

    def __init__(self, events: Sequence[Event], table: Table, final: bool) -> None:
        super().__init__(Index(()), table, {}, final=final)
        self.pairs: Mapping[Node, Node] = {e.before: e.after for e in events}

    def fire(self, node: Node) -> Node | None:
        """What `node` became in the recording."""
        return self.pairs.get(node)
