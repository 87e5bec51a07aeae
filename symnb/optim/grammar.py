"""Rules as text: `log(1 + exp(x)) -> softplus(x) where x: float`, read into patterns.

Both sides are Python expressions of numbers, names and calls. A name that is called
is a function of the vocabulary; every other name is a hole, which matches any tensor.
`sum(x)`, `max(x)`, ... match over whatever axes, the same on both sides; with an axis,
over that one. `a @ b` and `a.T` are of matrices, and so is every name of such a rule
that is not said to be a scalar. Tensors of one sum or product must have one shape: a
rule is checked on such. A function of numbers, log(2), is a number. Conditions stand
behind `where`, separated by commas or `and`:

    c: constant          x is float          c: positive constant
    x: nonnegative       k is integer        x >= 0   c > 0   c < 0   c != 0

Read once, when a rule is written; every mistake is told with its column.
"""

from __future__ import annotations

import ast
import inspect
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

import numpy as np

from symnb.core import walk
from symnb.core.node import Node
from symnb.core.types import ANY
from symnb.errors import GraphError, OptimiserError, message
from symnb.ops import reduce
from symnb.ops.define import Elementwise
from symnb.ops.dot import DOT, dot
from symnb.ops.view import TRANSPOSE
from symnb.optim import guard
from symnb.optim.guard import Condition, Guard
from symnb.optim.rule import AXES, KEEP, Hole, hole, term

ARROW, WHERE = "->", "where"
GUARDS: dict[str, Guard] = {
    "float": guard.is_float, "integer": guard.is_integer, "bool": guard.is_bool,
    "exact": guard.is_exact, "signed": guard.is_signed, "constant": guard.constant,
    "positive": guard.positive, "negative": guard.negative, "nonzero": guard.nonzero,
    "nonnegative": guard.nonnegative, "scalar": guard.scalar,
}  # fmt: skip
COMPARED = {
    ">= 0": guard.nonnegative, "> 0": guard.positive, "< 0": guard.negative,
    "!= 0": guard.nonzero,
}  # fmt: skip
REDUCING = (reduce.sum, reduce.prod, reduce.max, reduce.min, reduce.all, reduce.any)

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: lambda a, b: a / b, ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: operator.mod, ast.Pow: lambda a, b: a**b, ast.MatMult: dot,
}  # fmt: skip
_UNARY: dict[type, Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type, str] = {
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater",
    ast.GtE: "greater_equal", ast.Eq: "equal", ast.NotEq: "not_equal",
}  # fmt: skip
_CONDITION = re.compile(r"(\w+)\s*(?::|\bis\b)\s*([\w\s]+)$")
_COMPARISON = re.compile(r"(\w+)\s*(>=|>|<|!=)\s*0(?:\.0*)?$")


@dataclass(frozen=True)
class Sides:
    """A rule as read: two patterns over the same holes.

    conditions  what the pattern itself asks for, beside the user's
    """

    left: Node
    right: Any
    conditions: tuple[Condition, ...] = ()


def split(text: str) -> tuple[str, str, str]:
    """(left, right, conditions) of `left -> right where conditions`, "" if none."""
    left, arrow, rest = text.partition(ARROW)
    if not arrow or ARROW in rest or not left.strip() or not rest.strip():
        raise OptimiserError(
            f"{text.strip()!r} is no rule.\n"
            "Fix: write LEFT -> RIGHT, e.g. log(1 + exp(x)) -> softplus(x)"
        )
    right, *conditions = re.split(rf"\b{WHERE}\b(?!\s*\()", rest, maxsplit=1)
    return left.strip(), right.strip(), " ".join(conditions).strip()


def read_sides(
    left: str, right: str, where: str, vocabulary: Mapping[str, Any]
) -> Sides:
    """The patterns of both sides. Raises OptimiserError with what is wrong, where."""
    guards = read_guards(where)
    reader = _Reader(vocabulary, guards)
    lhs = reader.side(left, "left")
    if not isinstance(lhs, Node) or lhs.is_leaf:
        raise OptimiserError(
            f"the left side {left!r} would match "
            f"{'everything' if isinstance(lhs, Hole) else 'nothing but numbers'}.\n"
            "Fix: name an operation on the left, e.g. exp(x)."
        )
    known = list(reader.holes)
    for name in guards:
        if name not in known:
            raise OptimiserError(
                f"the condition on {name!r} is about no name of the left side.\n"
                f"Fix: the names are {', '.join(known)}."
            )
    rhs = reader.side(right, "right")
    lost = [name for name in reader.holes if name not in known]
    if lost:
        raise OptimiserError(
            f"{', '.join(lost)} stands on the right side only, so nothing says what "
            f"it is.\nFix: use the names of the left side: {', '.join(known)}."
        )
    if _any_axes(rhs) and not _any_axes(lhs):
        raise OptimiserError(
            "the right side reduces over any axes, the left side over none.\n"
            "Fix: give the reductions on the right an axis, as in sum(x, 0)."
        )
    return Sides(lhs, rhs, shapes(lhs))


def _any_axes(side: Any) -> bool:
    """Whether a reduction of a side is over whatever axes."""
    order = walk.order([side]) if isinstance(side, Node) else []
    return any(AXES in node.params for node in order if not node.is_leaf)


# ------------------------------------------------------------------------ conditions


def read_guards(where: str) -> dict[str, tuple[Guard, ...]]:
    """Hole -> its guards, of conditions separated by commas or `and`."""
    found: dict[str, tuple[Guard, ...]] = {}
    for item in re.split(r",|;|\band\b", where):
        if item.strip():
            name, guards = _condition(item.strip())
            found[name] = _sharpest((*found.get(name, ()), *guards))
    return found


def _condition(item: str) -> tuple[str, tuple[Guard, ...]]:
    compared = _COMPARISON.match(item)
    if compared:
        return compared[1], (COMPARED[f"{compared[2]} 0"],)
    stated = _CONDITION.match(item)
    if not stated:
        raise OptimiserError(
            f"cannot read the condition {item!r}.\n"
            f"Fix: write x: WORD, of {', '.join(GUARDS)}; or x >= 0, c > 0."
        )
    words = stated[2].split()
    for word in words:
        if word not in GUARDS:
            close = get_close_matches(word, GUARDS, 1)
            cure = f"did you mean {close[0]}?" if close else ", ".join(GUARDS)
            raise OptimiserError(f"no condition {word!r} in {item!r}.\nFix: {cure}")
    return stated[1], tuple(GUARDS[word] for word in words)


def _sharpest(guards: Sequence[Guard]) -> tuple[Guard, ...]:
    """The guards without `constant` where another one says more of the constant."""
    kept = dict.fromkeys(guards)
    if sum(g.constant for g in kept) > 1:
        kept.pop(guard.constant, None)
    return tuple(kept)


# ---------------------------------------------------------------------------- sides


def _is_pattern(made: Node) -> bool:
    """Whether all of it can be checked: elements one by one, reductions, products."""
    inner = [n for n in walk.order([made]) if not n.is_leaf]
    return bool(inner) and all(
        n.type is ANY and (n.op.kind == "elementwise" or _joins(n)) for n in inner
    )


def _joins(node: Node) -> bool:
    """Whether elements of an operand meet one another, or change places."""
    return node.op.kind == "reduction" or node.op is DOT or node.op is TRANSPOSE


def shapes(pattern: Node) -> tuple[Condition, ...]:
    """One shape for the tensors of each operand that is summed or multiplied.

    Element by element a rule holds however its tensors broadcast; a sum counts the
    elements of each, so there it holds as checked, for equal shapes.
    """
    found: dict[tuple[str, ...], Condition] = {}
    for node in walk.order([pattern]):
        for operand in node.inputs if not node.is_leaf and _joins(node) else ():
            leaves = [x for x in walk.order([operand]) if isinstance(x, Hole)]
            names = tuple(
                str(x.name) for x in leaves
                if not any(g.scalar for g in x.guards)
            )  # fmt: skip
            if len(names) > 1 and operand.op.kind == "elementwise":
                found[names] = _alike(names)
    return tuple(found.values())


def _alike(names: tuple[str, ...]) -> Condition:
    def alike(*bound: Node) -> bool:
        shape = guard.tensor_type(bound[0]).shape
        return all(guard.fills(x, shape) for x in bound[1:])

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    asked = [inspect.Parameter(name, kind) for name in names]
    setattr(alike, "__signature__", inspect.Signature(asked))  # noqa: B010
    return Condition(f"{', '.join(names)} have one shape", alike)


_ALLOWED = (
    "only functions of single elements, sum, prod, max, min, all, any, @ and .T can; "
    "write others by these"
)


def _of_matrices(tree: ast.AST) -> bool:
    match tree:
        case ast.BinOp(op=ast.MatMult()) | ast.Attribute(attr="T"):
            return True
        case ast.Call(func=ast.Name(id="dot" | "matmul" | "transpose")):
            return True
        case _:
            return False


class _Reader:
    """Builds the nodes of both sides, with one hole per name."""

    def __init__(
        self, vocabulary: Mapping[str, Any], guards: Mapping[str, tuple[Guard, ...]]
    ) -> None:
        self.vocabulary = vocabulary
        self.guards = guards
        self.holes: dict[str, Hole] = {}
        self.matrices = False
        self.text = self.which = ""

    def side(self, text: str, which: str) -> Any:
        """The pattern of one side, or a number."""
        self.text, self.which = text, which
        try:
            tree = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            self._refuse(f"cannot read it: {error.msg}", (error.offset or 1) - 1)
        self.matrices = self.matrices or any(map(_of_matrices, ast.walk(tree)))
        return self._build(tree)

    def _build(self, tree: ast.expr) -> Any:
        match tree:
            case ast.Constant(value=bool() | int() | float()):
                return tree.value
            case ast.Name():
                return self._hole(tree.id)
            case ast.UnaryOp() if type(tree.op) in _UNARY:
                return _UNARY[type(tree.op)](self._build(tree.operand))
            case ast.BinOp() if type(tree.op) in _BINARY:
                build = _BINARY[type(tree.op)]
                return build(self._build(tree.left), self._build(tree.right))
            case ast.Compare(ops=[op], comparators=[right]) if type(op) in _COMPARE:
                build = self.vocabulary[_COMPARE[type(op)]]
                return build(self._build(tree.left), self._build(right))
            case ast.Call(func=ast.Name()):
                return self._call(tree)
            case ast.Attribute(attr="T"):
                return term(TRANSPOSE, self._build(tree.value), params=((1, 0),))
            case ast.Subscript():
                self._refuse("elements cannot be selected in a rule as text; "
                             "`@symnb.optim.rule.rewrite` makes rules of any form",
                             tree.col_offset)  # fmt: skip
            case _:
                self._refuse("only numbers, names, functions, @ and .T can stand in a "
                             "rule", tree.col_offset)  # fmt: skip

    def _hole(self, name: str) -> Hole:
        found = self.holes.get(name)
        if found is None:
            guards = self.guards.get(name, ())
            if self.matrices and not any(g.scalar for g in guards):
                guards = (*guards, guard.matrix)
            found = self.holes[name] = hole(name, *guards)
        return found

    def _call(self, tree: ast.Call) -> Any:
        assert isinstance(tree.func, ast.Name)
        name = tree.func.id
        function = self.vocabulary.get(name)
        if not callable(function):
            close = get_close_matches(name, self.vocabulary, 3)
            cure = f"; did you mean {' or '.join(close)}?" if close else ""
            self._refuse(f"there is no function {name!r}{cure}", tree.col_offset)
        if function in REDUCING:
            return self._reduction(function, name, tree)
        if tree.keywords:
            self._refuse(f"{name} takes no options in a rule", tree.col_offset)
        operands = [self._build(x) for x in tree.args]
        if operands and not any(isinstance(x, Node) for x in operands):
            return self._number(function, name, operands, tree.col_offset)
        made = self._called(function, name, operands, tree.col_offset)
        if not isinstance(made, Node) or not _is_pattern(made):
            self._refuse(f"{name} cannot stand in a rule: {_ALLOWED}", tree.col_offset)
        return made

    def _reduction(self, function: Any, name: str, tree: ast.Call) -> Node:
        """`sum(x)` over any axes, `sum(x, 0)`, `sum(x, axis=0, keepdims=True)`."""
        given = dict(zip(("x", "axis", "keepdims"), tree.args, strict=False))
        given |= {word.arg or "": word.value for word in tree.keywords}
        if "x" not in given or len(given) > 3 or set(given) - {"x", "axis", "keepdims"}:
            self._refuse(f"{name} takes a tensor, an axis, keepdims", tree.col_offset)
        made = function(self._build(given["x"]), AXES, keepdims=KEEP)
        if "axis" not in given:
            return made
        axis, keep = (
            ast.literal_eval(x) if isinstance(x, ast.Constant) else None
            for x in (given["axis"], given.get("keepdims", ast.Constant(False)))
        )
        if type(axis) is not int or axis < 0 or type(keep) is not bool:
            self._refuse(f"the axis of {name} is a number from 0 on, keepdims is True "
                         "or False", tree.col_offset)  # fmt: skip
        return term(made.op, *made.inputs, params=((axis,), keep))

    def _number(self, function: Any, name: str, values: Any, column: int) -> Any:
        """The value of a function of numbers."""
        if not isinstance(function, Elementwise):
            self._refuse(f"{name} of numbers is no number", column)
        with np.errstate(all="ignore"):
            value = function.numpy(*map(np.asarray, values))
        return np.asarray(value).item()

    def _called(self, function: Any, name: str, operands: Any, column: int) -> Any:
        try:
            return function(*operands)
        except (GraphError, TypeError, ValueError, AttributeError, LookupError) as e:
            said = str(e) if isinstance(function, Elementwise) else _ALLOWED
            self._refuse(f"{name} cannot stand in a rule like this: {said}", column)

    def _refuse(self, what: str, column: int) -> NoReturn:
        raise OptimiserError(
            message(
                f"the {self.which} side of the rule: {what}.",
                [(self.text,), (" " * column + "^",)],
                "e.g. log(1 + exp(x)) -> softplus(x)",
            )
        )
