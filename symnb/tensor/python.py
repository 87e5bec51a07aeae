"""Python functions as graphs: `@jit` in a module, the body of a `%%symfunc` cell.

The body is ordinary NumPy code, run once on symbolic inputs. Two things are rewritten
in its syntax tree first, because Python gives no other way: `a == b` compares
elements, and `x[i] = v` becomes a new tensor bound to `x`. Lines and columns stay
those of the user's text, so nodes and errors point there.
"""

from __future__ import annotations

import ast
import builtins
import contextvars
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from symnb.compile.arguments import In
from symnb.core.node import Input, Node
from symnb.core.shared import Shared
from symnb.core.site import capture
from symnb.errors import CellError
from symnb.gradient import grad
from symnb.ops.cast import cast
from symnb.ops.define import as_node
from symnb.ops.getitem import getitem
from symnb.ops.logic import equal, not_equal
from symnb.ops.subtensor import inc_subtensor, set_subtensor
from symnb.tensor.annotation import read_annotation

T = TypeVar("T")


@dataclass
class Traced:
    """A body that was run on symbols.

    outputs   nodes, in order; `labels` are their names in the text, where they have one
    returns   one | list | dict
    updates   (shared, new value) pairs given by `update(...)` in the body
    captured  names of the notebook whose values became constants
    body      the rewritten function: it takes and returns tensors
    """

    name: str
    inputs: list[In]
    outputs: list[Node]
    labels: list[str | None]
    returns: str
    updates: list[tuple[Shared, Node]] = field(default_factory=list)
    captured: dict[str, Any] = field(default_factory=dict)
    body: Callable[..., Any] | None = None


_updates: contextvars.ContextVar[list[tuple[Shared, Node]] | None] = (
    contextvars.ContextVar("updates", default=None)
)


def update(target: Any, value: Any) -> None:
    """Inside a body: after each call, the shared variable `target` holds `value`.

    Raises CellError outside a body or when target is no shared variable.
    """
    pairs = _updates.get()
    if pairs is None:
        raise CellError(
            "update(...) works inside a %%symfunc cell or an @jit function.\n"
            "Fix: elsewhere pass updates=[(shared, value)] to symnb.function."
        )
    if not isinstance(target, Shared):
        raise CellError(
            f"update changes a shared variable; {target!r} is none.\n"
            "Fix: make it with symnb.shared(value, name='W')."
        )
    node = as_node(value)
    pairs.append((target, cast(node, target.dtype)))


# ------------------------------------------------------------------------ rewriting


def _equal(a: Any, b: Any) -> Any:
    return equal(a, b) if isinstance(a, Node) or isinstance(b, Node) else a == b


def _not_equal(a: Any, b: Any) -> Any:
    return not_equal(a, b) if isinstance(a, Node) or isinstance(b, Node) else a != b


def _set(x: Any, index: Any, value: Any) -> Any:
    if not _is_symbolic(x, index, value):
        x[index] = value
        return x
    return set_subtensor(getitem(_assignable(x, "set"), index), value)


def _inc(x: Any, index: Any, value: Any) -> Any:
    if not _is_symbolic(x, index, value):
        x[index] += value
        return x
    return inc_subtensor(getitem(_assignable(x, "inc"), index), value)


def _is_symbolic(x: Any, index: Any, value: Any) -> bool:
    """Whether x[index] = value is a tensor; lists and dicts are Python's own."""
    if isinstance(x, Node) or not isinstance(x, np.ndarray) or x.dtype == object:
        return isinstance(x, Node)
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, Node) for part in (*parts, value))


def _own(x: Any) -> Any:
    """A copy of an array: the notebook's stays as it is."""
    return x.copy() if isinstance(x, np.ndarray) else x


def _assignable(x: Any, kind: str) -> Node:
    """The tensor that item assignment starts from."""
    if isinstance(x, Shared):
        name = x.name or "x"
        raise CellError(
            f"{name}[...] = value makes a new tensor; {name} is a shared variable, "
            f"which only update changes.\n"
            f"Fix: update({name}, {kind}_subtensor({name}[...], value))."
        )
    return as_node(x)


def _named(name: str, value: Any) -> Any:
    if isinstance(value, Node) and value.name is None and not value.is_leaf:
        value.name = name
    return value


HOOKS = {
    "_symnb_named": _named,
    "_symnb_equal": _equal,
    "_symnb_not_equal": _not_equal,
    "_symnb_set": _set,
    "_symnb_inc": _inc,
    "_symnb_own": _own,
}
_COMPARISONS = {ast.Eq: "_symnb_equal", ast.NotEq: "_symnb_not_equal"}


class _Rewrite(ast.NodeTransformer):
    """`==`, `!=`, `x[i] = v`, `x[i] += v` as calls; `z = ...` names the tensor z."""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        hook = _COMPARISONS.get(type(node.ops[0]))
        if len(node.ops) != 1 or hook is None:
            return node
        return self._call(hook, [node.left, node.comparators[0]], node)

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        self.generic_visit(node)
        target = node.targets[0]
        if len(node.targets) == 1 and isinstance(target, ast.Name):
            label = ast.copy_location(ast.Constant(target.id), node.value)
            node.value = self._call("_symnb_named", [label, node.value], node.value)
            return node
        if len(node.targets) != 1 or not _is_item(target):
            return node
        return self._store("_symnb_set", target, node.value, node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        if not _is_item(node.target) or not isinstance(node.op, ast.Add | ast.Sub):
            return node
        value = node.value
        if isinstance(node.op, ast.Sub):
            value = ast.copy_location(ast.UnaryOp(ast.USub(), value), value)
        return self._store("_symnb_inc", node.target, value, node)

    def _store(
        self, hook: str, target: Any, value: ast.expr, place: ast.stmt
    ) -> ast.stmt:
        name = target.value.id
        read = ast.copy_location(ast.Name(name, ast.Load()), target.value)
        call = self._call(hook, [read, _index(target.slice), value], place)
        write = ast.copy_location(ast.Name(name, ast.Store()), target.value)
        return ast.copy_location(ast.Assign([write], call), place)

    def _call(self, hook: str, args: list[ast.expr], place: ast.AST) -> ast.Call:
        name = ast.copy_location(ast.Name(hook, ast.Load()), place)
        return ast.copy_location(ast.Call(name, args, []), place)


def _is_item(target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)


def _index(tree: ast.expr) -> ast.expr:
    """An index as an expression: slices become calls of `slice`."""
    if isinstance(tree, ast.Tuple):
        parts = [_index(part) for part in tree.elts]
        return ast.copy_location(ast.Tuple(parts, ast.Load()), tree)
    if not isinstance(tree, ast.Slice):
        return tree
    none = ast.Constant(None)
    bounds = [tree.lower or none, tree.upper or none, tree.step or none]
    call = ast.Call(ast.Name("slice", ast.Load()), bounds, [])
    return ast.fix_missing_locations(ast.copy_location(call, tree))


# -------------------------------------------------------------------------- tracing


def trace_function(
    definition: ast.FunctionDef,
    filename: str,
    namespace: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    wrt: Sequence[str] = (),
    vocabulary: Mapping[str, Any] | None = None,
    is_cell: bool = False,
) -> Traced:
    """Run a function's body on symbolic inputs made from its annotations.

    filename    name its code is compiled under (sites resolve through it)
    namespace   the user's names; `vocabulary` is searched after them and before
                Python's builtins
    defaults    values of arguments that may be left out
    wrt         arguments (or shared variables) whose gradients are returned as well
    is_cell     the body is the text of a whole cell, without a `def` line

    Raises CellError for signatures and results symnb cannot use; errors of the body
    itself pass through.
    """
    specs = _inputs(definition.args, filename, namespace, defaults or {})
    words = dict(vocabulary or {}) | {"grad": grad, "update": update} | HOOKS
    scope = {"__builtins__": builtins, **words, **namespace, **HOOKS}
    if not callable(namespace.get("grad")):
        scope["grad"] = grad
    body = _compiled_body(definition, filename, scope, is_cell)
    result, pairs = _recorded(body, [spec.variable for spec in specs])
    made = _results(definition.name, result, _labels(definition))
    if not made[0] and not pairs:
        raise CellError(
            f"{definition.name} returns nothing and updates nothing.\n"
            "Fix: end the body with the tensor (or a tuple of tensors) to return."
        )
    traced = Traced(definition.name, specs, *made, pairs, body=body)
    traced.captured = _captured(definition, namespace)
    if wrt:
        _at(definition, filename, lambda: _add_gradients(traced, wrt, scope))
    return traced


def _compiled_body(
    definition: ast.FunctionDef, filename: str, scope: dict[str, Any], is_cell: bool
) -> Callable[..., Any]:
    """The rewritten definition as a Python function of tensors."""
    outer = sorted(_item_names(definition) - _own_names(definition))
    rewritten = _Rewrite().visit(_bare(definition))
    if outer:  # bound in `scope`, which is ours: the notebook does not change
        text = "; ".join(f"{name} = _symnb_own({name})" for name in outer)
        first = ast.parse(f"global {', '.join(outer)}; {text}").body
        rewritten.body = first + rewritten.body
    module = ast.Module([rewritten], [])
    exec(compile(ast.fix_missing_locations(module), filename, "exec"), scope)
    function = scope[definition.name]
    if is_cell:  # Note [Frames of cells]
        function.__code__ = function.__code__.replace(co_name="<module>")
    return function


def _item_names(definition: ast.FunctionDef) -> set[str]:
    """Names x of which the body assigns items, x[i] = v."""
    stored = (n for n in ast.walk(definition) if isinstance(n, ast.Subscript))
    return {
        n.value.id
        for n in stored
        if isinstance(n.ctx, ast.Store) and isinstance(n.value, ast.Name)
    }


def _own_names(definition: ast.FunctionDef) -> set[str]:
    """Names the body binds itself, and its arguments."""
    nodes = list(ast.walk(definition))
    bound = {
        n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return bound | {n.arg for n in nodes if isinstance(n, ast.arg)}


def _recorded(
    body: Callable[..., Any], inputs: Sequence[Node]
) -> tuple[Any, list[tuple[Shared, Node]]]:
    """What a body returns, and the updates it asked for."""
    pairs: list[tuple[Shared, Node]] = []
    token = _updates.set(pairs)
    try:
        return body(*inputs), pairs
    finally:
        _updates.reset(token)


def _at(tree: ast.AST, filename: str, call: Callable[[], T]) -> T:
    """What `call` returns; nodes it makes have the place of `tree` as their site."""
    name = ast.copy_location(ast.Name("call", ast.Load()), tree)
    body = ast.Expression(ast.copy_location(ast.Call(name, [], []), tree))
    return eval(compile(body, filename, "eval"), {"call": call})


def _bare(definition: ast.FunctionDef) -> ast.FunctionDef:
    """The definition without decorators, annotations and defaults."""
    arguments = definition.args
    plain = [
        ast.arg(a.arg, lineno=a.lineno, col_offset=a.col_offset) for a in arguments.args
    ]
    bare = ast.FunctionDef(
        definition.name,
        ast.arguments([], plain, None, [], [], None, []),
        definition.body,
        [],
        lineno=definition.lineno,
        col_offset=definition.col_offset,
    )
    return ast.copy_location(bare, definition)


def _inputs(
    arguments: ast.arguments,
    filename: str,
    namespace: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> list[In]:
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
        raise CellError(
            "a symbolic function takes named arguments only.\n"
            "Fix: leave out *args, **kwargs and keyword-only arguments."
        )
    names: dict[str, Any] = {}
    specs: list[In] = []
    for argument in arguments.args:
        type = read_annotation(argument.annotation, argument.arg, names, namespace)
        site = _at(argument, filename, capture)
        variable = Input(type, argument.arg, site)
        if argument.arg in defaults:
            specs.append(In(variable, value=defaults[argument.arg]))
        else:
            specs.append(In(variable))
    return specs


def _labels(definition: ast.FunctionDef) -> list[str | None]:
    """Names of the results as the return statement spells them."""
    last = definition.body[-1]
    value = last.value if isinstance(last, ast.Return) else None
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    return [part.id if isinstance(part, ast.Name) else None for part in parts]


def _results(
    name: str, result: Any, labels: list[str | None]
) -> tuple[list[Node], list[str | None], str]:
    if result is None:
        return [], [], "none"
    if isinstance(result, Mapping):
        nodes = [_result(name, value) for value in result.values()]
        return nodes, [str(key) for key in result], "dict"
    if isinstance(result, list | tuple):
        nodes = [_result(name, value) for value in result]
        unknown: list[str | None] = [None] * len(nodes)
        known = labels if len(labels) == len(nodes) else unknown
        return nodes, known, "list"
    return [_result(name, result)], labels[:1] or [None], "one"


def _result(name: str, value: Any) -> Node:
    try:
        return as_node(value)
    except TypeError:
        raise CellError(
            f"{name} ends with {type(value).__name__}, which is no tensor.\n"
            "Fix: end the body with the tensor (or a tuple of tensors) to return."
        ) from None


def _captured(
    definition: ast.FunctionDef, namespace: Mapping[str, Any]
) -> dict[str, Any]:
    """Names the body reads from the notebook whose values are numbers or arrays."""
    own = {argument.arg for argument in definition.args.args}
    found: dict[str, Any] = {}
    for part in definition.body:
        for node in ast.walk(part):
            if not isinstance(node, ast.Name):
                continue
            if isinstance(node.ctx, ast.Store):
                own.add(node.id)
            elif node.id in namespace and node.id not in own:
                value = namespace[node.id]
                if isinstance(value, bool | int | float | np.ndarray | np.generic):
                    found[node.id] = value
    return found


def _add_gradients(
    traced: Traced, wrt: Sequence[str], scope: Mapping[str, Any]
) -> None:
    """Append d output / d name for each name; the result becomes a list."""
    if traced.returns != "one":
        raise CellError(
            f"{traced.name}: --wrt needs a body that ends with one scalar.\n"
            "Fix: return the cost alone, or call grad(cost, [...]) in the body."
        )
    known = {spec.name: spec.variable for spec in traced.inputs}
    targets: list[Node] = []
    for name in wrt:
        target = known.get(name, scope.get(name))
        if not isinstance(target, Node):
            raise CellError(
                f"{traced.name}: --wrt {name} is neither an argument nor a shared "
                f"variable.\nFix: use one of {', '.join(map(str, known))}."
            )
        targets.append(target)
    cost = traced.outputs[0]
    traced.outputs += grad(cost, targets)
    label = traced.labels[0] or "value"
    traced.labels = [label, *(f"d{label}/d{name}" for name in wrt)]
    traced.returns = "list"


# Note [Frames of cells]
# A kernel's traceback reads a frame's lines with `inspect`, which looks for the block
# that begins with the function's `def`. A cell's body has none, so one line would be
# shown; of a frame called "<module>" the whole text is.
