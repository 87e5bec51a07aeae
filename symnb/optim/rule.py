"""Rules as data: left side -> right side, both ordinary expressions with holes.

    x, y = holes("x y")
    rule(log(1 + x), log1p(x), STABLER, "log(1+x) keeps no digit of x below 1e-16")

A `Hole` is a leaf that matches any tensor, the same one wherever it is repeated. A
`Param` stands for a parameter of a structural op (axes, a shape): it matches any
value, the same one wherever it is repeated, and None in a pattern's parameters
matches any value without a name:

    axes, keep = params("axes keep")
    rule(sum(-x, axes, keepdims=keep), -sum(x, axes, keepdims=keep), ...)

Where the right side must be computed, `@rewrite(pattern, "text", ...)` decorates a
function whose arguments are named after holes and params (`node` is the matched
node, `uses` tells how many nodes read a node); it returns a node, or None to refuse.
Rules are made once, at import; nothing here runs while a graph is rewritten.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Literal

from symnb.core.node import Constant, Node
from symnb.core.op import HOLE, Op
from symnb.core.seams import slots
from symnb.core.types import ANY
from symnb.errors import OptimiserError
from symnb.ops.define import as_node
from symnb.optim.contract import BITWISE, CONTRACTS, Contract
from symnb.optim.guard import Condition, Guard

# ------------------------------------------------------------------- pattern leaves


class Hole(Node):
    """A leaf of a pattern: matches any tensor its guards accept."""

    __slots__ = ("guards",)

    def __init__(self, name: str, guards: tuple[Guard, ...] = ()) -> None:
        super().__init__(HOLE, (), (name,), ANY, name)
        self.guards = guards


def hole(name: str, *where: Guard) -> Hole:
    """A hole that matches what all of `where` accept."""
    return Hole(name, where)


def holes(names: str, *where: Guard) -> list[Hole]:
    """One hole per name: `x, y = holes("x y")`."""
    return [Hole(name, where) for name in names.split()]


class Param:
    """A parameter of a structural op: any value, the same one everywhere.

    samples  values it takes when the rule is checked
    """

    __slots__ = ("name", "samples")

    def __init__(self, name: str, samples: tuple[Any, ...]) -> None:
        self.name = name
        self.samples = samples

    def __repr__(self) -> str:
        return self.name


def param(name: str, *samples: Any) -> Param:
    """A parameter wildcard; `samples` are values for operands of shape (4, 4)."""
    return Param(name, samples)


def term(op: Op, *operands: Node, params: tuple[Any, ...] = ()) -> Node:
    """A pattern node written out, for ops whose function will not take a Param."""
    return Node(op, operands, params, ANY)


AXES = param("axes", (0,), (1,), (0, 1))
KEEP = param("keepdims", False, True)


# -------------------------------------------------------------------- text of a side

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "**": 4}
_TIGHT = 9


def text_of(root: Node) -> str:
    """An expression as one would type it; patterns have no shared nodes."""
    parts: dict[Node, tuple[str, int]] = {}
    stack = [root]
    while stack:
        node = stack[-1]
        missing = [x for x in node.inputs if x not in parts]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        parts[node] = _text(node, [parts[x] for x in node.inputs])
    return parts[root][0]


def _text(node: Node, args: list[tuple[str, int]]) -> tuple[str, int]:
    if isinstance(node, Hole):
        return node.params[0], _TIGHT
    if isinstance(node, Constant):
        value = node.value.item() if node.value.size == 1 else "constant"
        negative = str(value).startswith("-")
        return str(value), 3 if negative else _TIGHT
    if node.is_leaf:
        return node.name or node.op.name, _TIGHT
    infix = getattr(node.op, "infix", "")
    if infix and len(args) == 1:
        return f"{infix}{_inside(args[0], 3 + args[0][0].startswith('-'))}", 3
    if infix:
        level = _PRECEDENCE.get(infix, 0)
        left = _inside(args[0], level + (infix == "**"))
        signed = args[1][0].startswith("-")
        right = _inside(
            args[1], _TIGHT if signed else level + (infix not in ("+", "*", "**"))
        )
        return f"{left} {infix} {right}", level
    shown = [text for text, _ in args] + _shown_params(node)
    return f"{node.op.name}({', '.join(shown)})", _TIGHT


def _inside(part: tuple[str, int], level: int) -> str:
    return part[0] if part[1] >= level else f"({part[0]})"


def _shown_params(node: Node) -> list[str]:
    shown: list[str] = []
    for name, value in zip(node.op.params, node.params, strict=False):
        if isinstance(value, Param):
            shown.append(value.name if value.name == name else f"{name}={value.name}")
        elif value is not None and value is not False:
            shown.append(f"{name}={value}")
    return shown


# ---------------------------------------------------------------------------- rules

Examples = Callable[[], Iterable[Node]]


@dataclass(eq=False)
class Rule:
    """One rewrite.

    lhs        pattern; None: any node of the ops that `roots` accepts
    rhs        replacement; None: `build` computes it
    where      conditions on several bindings
    reason     why one wants it
    source     paper, book, or Theano/PyTensor rewrite it comes from
    answers    names of the Theano and PyTensor rewrites it answers to
    tags       words to include or exclude it by
    examples   concrete left sides on which it must fire, for checking it
    decreases  what a computed right side has less of: "nodes" | "weight" | "terms"
    roots      which ops it looks at, where there is no pattern
    operands   which ops of the operands it looks at
    counts     it asks how many nodes read a node
    """

    name: str
    lhs: Node | None
    rhs: Node | None
    build: Callable[..., Node | None] | None
    contract: Contract
    text: str
    reason: str = ""
    source: str = ""
    where: tuple[Condition, ...] = ()
    answers: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    examples: Examples | None = None
    decreases: str = ""
    roots: Callable[[Op], bool] | None = None
    operands: Callable[[Sequence[Op]], bool] | None = None
    file: str = ""
    line: int = 0
    holes: tuple[Hole, ...] = field(init=False)
    params: tuple[Param, ...] = field(init=False)
    counts: bool = field(init=False)

    def __post_init__(self) -> None:
        leaves = list(_leaves(self.lhs)) if self.lhs is not None else []
        self.holes = tuple({x.name: x for x in leaves if isinstance(x, Hole)}.values())
        named = [x for x in leaves if isinstance(x, Param)]
        self.params = tuple({x.name: x for x in named}.values())
        self.counts = self.build is not None and "uses" in arguments(self.build)
        if self.rhs is not None:
            known = {x.name for x in (*self.holes, *self.params)}
            lost = [x.name for x in _leaves(self.rhs) if x.name not in known]
            if lost:
                raise OptimiserError(
                    f"rule {self.name}: {', '.join(lost)} on the right side only "
                    f"({self.file}:{self.line})."
                )

    @property
    def lhs_text(self) -> str:
        """The left side as text."""
        return self.text.split(" -> ")[0]

    @property
    def rhs_text(self) -> str:
        """The right side as text."""
        return self.text.split(" -> ", 1)[-1]

    @property
    def where_text(self) -> str:
        """The conditions as text, joined by "and"."""
        shown = [g.text.format(x.name) for x in self.holes for g in x.guards]
        return " and ".join([*shown, *(c.text for c in self.where)])

    @property
    def words(self) -> frozenset[str]:
        """What it is included or excluded by: name, tags, Theano's names."""
        return self.tags | {self.name, *self.answers}

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of what a match binds, in its order: the holes, then the params."""
        return tuple(str(x.name) for x in (*self.holes, *self.params))

    @property
    def structural(self) -> bool:
        """Whether its pattern has more than elements one by one."""
        stack = [] if self.lhs is None else [self.lhs]
        while stack:
            node = stack.pop()
            if not node.is_leaf and node.op.kind != "elementwise":
                return True
            stack.extend(node.inputs)
        return bool(self.params)

    @property
    def drops(self) -> bool:
        """Whether a hole of the left side is missing on the right."""
        if self.rhs is None:
            return "drops" in self.tags
        kept = {x.name for x in _leaves(self.rhs)}
        constant = {x.name for x in self.holes if any(g.constant for g in x.guards)}
        return any(x.name not in kept | constant for x in self.holes)

    def __str__(self) -> str:
        where = f"  where {self.where_text}" if self.where_text else ""
        return f"{self.text}{where}  [{self.contract}]"

    def __repr__(self) -> str:
        return f"<Rule {self.name}: {self}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return slots["mimebundle"](self)


def _leaves(root: Node) -> Iterator[Any]:
    """Holes and params of a pattern, left to right, each time they occur."""
    stack: list[Any] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, Hole | Param):
            yield item
        elif isinstance(item, Node):
            named = [p for p in item.params if isinstance(p, Param)]
            stack.extend(reversed([*item.inputs, *named]))


def rule(
    lhs: Node,
    rhs: Any,
    contract: Contract | str,
    reason: str = "",
    source: str = "",
    *,
    name: str = "",
    where: Sequence[Condition] = (),
    answers: Sequence[str] = (),
    tags: str = "",
    examples: Examples | None = None,
) -> Rule:
    """The rule lhs -> rhs; a Python number on the right takes the left side's type.

    Raises OptimiserError when the right side has a hole that the left has not.
    """
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    right = as_node(rhs)
    left_text = text_of(lhs)
    return Rule(
        name or slug(left_text), lhs, right, None, _contract(contract),
        f"{left_text} -> {text_of(right)}", reason, source, tuple(where),
        tuple(answers), frozenset(tags.split()), examples,
        file=frame.f_code.co_filename, line=frame.f_lineno,
    )  # fmt: skip


def rewrite(
    pattern: Node | Callable[[Op], bool],
    text: str,
    contract: Contract | str,
    reason: str = "",
    source: str = "",
    *,
    decreases: str = "nodes",
    operands: Callable[[Sequence[Op]], bool] | None = None,
    where: Sequence[Condition] = (),
    answers: Sequence[str] = (),
    tags: str = "",
    examples: Examples | None = None,
) -> Callable[[Callable[..., Node | None]], Rule]:
    """Decorator: a rule whose right side the function computes.

    pattern  a left side, or a predicate of ops: any node of these
    text     the rule as read: "reshape(reshape(x)) -> reshape(x)"
    """

    def decorate(build: Callable[..., Node | None]) -> Rule:
        lhs = pattern if isinstance(pattern, Node) else None
        code = build.__code__
        return Rule(
            build.__name__.strip("_"), lhs, None, build, _contract(contract), text,
            reason, source, tuple(where), tuple(answers), frozenset(tags.split()),
            examples, decreases, None if isinstance(pattern, Node) else pattern,
            operands, code.co_filename, code.co_firstlineno,
        )  # fmt: skip

    return decorate


def arguments(build: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the bindings a computed right side asks for."""
    if isinstance(build, FunctionType) and not hasattr(build, "__wrapped__"):
        code = build.__code__  # ten times as fast as inspect
        if not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
            return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return tuple(inspect.signature(build).parameters)


_WORDS = {
    "**": "pow", "+": "plus", "-": "minus", "*": "times", "//": "floordiv",
    "/": "over",
}  # fmt: skip


def slug(text: str) -> str:
    """A name made of a text: "log(1 + x)" -> "log_1_plus_x"."""
    for sign, word in _WORDS.items():
        text = text.replace(sign, f" {word} ")
    return re.sub(r"\W+", "_", text).strip("_")


def _contract(contract: Contract | str) -> Contract:
    return CONTRACTS[contract] if isinstance(contract, str) else contract


# ------------------------------------------------------------------------- rule sets

Kind = Literal["terminating", "one_sweep"]


@dataclass(frozen=True, eq=False)
class Ruleset:
    """Rules tried in order.

    kind  terminating: what a rule made is matched again, until nothing fires;
          one_sweep: what a rule made is final
    """

    name: str
    rules: tuple[Rule, ...]
    kind: Kind = "terminating"

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise OptimiserError(
                f"rule set {self.name}: more than one rule named {', '.join(twice)}."
            )

    def __add__(self, other: Ruleset) -> Ruleset:
        if self.kind != other.kind:
            raise OptimiserError(
                f"{self.name} is {self.kind} and {other.name} {other.kind}: "
                "they run in passes of their own."
            )
        return Ruleset(
            f"{self.name} + {other.name}", self.rules + other.rules, self.kind
        )

    def filtered(self, keep: Callable[[Rule], bool]) -> Ruleset:
        """The rules that `keep` accepts; the set itself when that is all."""
        rules = tuple(rule for rule in self.rules if keep(rule))
        return self if len(rules) == len(self.rules) else Ruleset(
            self.name, rules, self.kind
        )  # fmt: skip

    @property
    def strict(self) -> Ruleset:
        """Only the rules that change no bit."""
        return self.filtered(lambda rule: rule.contract.strict)

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __str__(self) -> str:
        rows = [f"  {rule.name:<32} {rule}" for rule in self.rules]
        return "\n".join([f"{self.name} ({self.kind}, {len(self)} rules)", *rows])


def ruleset(name: str, rules: Iterable[Rule], kind: Kind = "terminating") -> Ruleset:
    """A named set of rules. Raises OptimiserError when two have one name."""
    return Ruleset(name, tuple(rules), kind)


__all__ = [
    "AXES",
    "BITWISE",
    "KEEP",
    "Hole",
    "Param",
    "Rule",
    "Ruleset",
    "hole",
    "holes",
    "param",
    "rewrite",
    "rule",
    "ruleset",
    "term",
    "text_of",
]
