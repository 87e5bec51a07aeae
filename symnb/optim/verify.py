"""Rules checked by machine: what a rule keeps is measured, then compared to its word.

A rule is instantiated with every dtype it accepts, both sides are run on samples
(specials, magnitudes of all sizes, near-cancellation) and compared bit by bit; where
they differ, both are compared with their exact value. `measure` reports the errors of
both sides in units in the last place and every broken promise. Seeds are fixed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from symnb.core import walk
from symnb.core.evaluate import apply as apply_node
from symnb.core.node import Constant, Input, Node
from symnb.core.types import TensorType
from symnb.errors import GraphError
from symnb.ops import elementwise as el
from symnb.ops.cast import cast
from symnb.ops.dot import BATCHED_DOT, DOT
from symnb.ops.gemm import GEMM
from symnb.ops.reduce import SUM, SUM_TO_SHAPE
from symnb.optim.condition import CONDITIONED, magnified
from symnb.optim.contract import Contract
from symnb.optim.driver import Sweep, Uses
from symnb.optim.exact import exact, supported
from symnb.optim.guard import literal
from symnb.optim.match import Index, instantiating
from symnb.optim.rule import Hole, Rule
from symnb.optim.samples import constant_values, sample
from symnb.optim.table import Table

DTYPES = ("float64", "float32", "int64", "int8", "uint8", "bool")
ADDITIVE = frozenset({el.add, el.sub, SUM, SUM_TO_SHAPE, DOT, BATCHED_DOT, GEMM})
SPREAD = 16.0  # ulp that one sample in ten may err by
COMPARED = 24  # differing samples looked at exactly, per instance
Array = Any
Values = dict[Node, Array]


@dataclass(frozen=True)
class Instance:
    """One concrete left side and what the rule makes of it."""

    left: Node
    right: Node
    dtype: str


@dataclass
class Evidence:
    """What was measured of one rule.

    fired     instances on which it fired, by dtype
    samples   values compared
    same      of these, equal bit for bit
    left      (median, 99th percentile) error in ulp where the sides differ
    broken    promises that were not kept, as text
    """

    rule: str
    contract: str
    fired: dict[str, int] = field(default_factory=dict[str, int])
    samples: int = 0
    same: int = 0
    left: tuple[float, float] = (0.0, 0.0)
    right: tuple[float, float] = (0.0, 0.0)
    broken: list[str] = field(default_factory=list[str])

    @property
    def holds(self) -> bool:
        """Whether the rule fired and kept its word."""
        return bool(self.fired) and not self.broken

    def __str__(self) -> str:
        if self.same == self.samples:
            return f"{self.contract}: {self.samples} samples, all bits equal"
        sides = f"left {self.left[0]:.2g}/{self.left[1]:.2g}"
        return (
            f"{self.contract}: {self.samples} samples, {self.same} equal; ulp "
            f"median/99%: {sides}, right {self.right[0]:.2g}/{self.right[1]:.2g}"
        )


# ------------------------------------------------------------------------- instances


def fire_once(rule: Rule, left: Node) -> Node | None:
    """What one firing of `rule` at `left` gives, or None."""
    table = Table()
    image: dict[Node, Node] = {}
    for node in walk.order([left]):
        inputs = tuple(image[x] for x in node.inputs)
        same = inputs == node.inputs
        image[node] = table.adopt(node if same else walk.with_inputs(node, inputs))
    root = image[left]
    order = walk.order([root])
    sweep = Sweep(
        Index((rule,)), table, {x: x for x in order}, uses=Uses([root], order)
    )
    sweep.fuel = 100
    return sweep.fire(root)


def instances(rule: Rule, rng: np.random.Generator) -> Iterator[Instance]:
    """Concrete left sides on which the rule fires, with their right sides."""
    if rule.examples is not None:
        lefts: Iterator[tuple[str, Node]] = ((x.dtype, x) for x in rule.examples())
    else:
        lefts = _from_pattern(rule, rng)
    for dtype, left in lefts:
        right = fire_once(rule, left)
        if right is not None:
            yield Instance(left, right, dtype)


def _from_pattern(rule: Rule, rng: np.random.Generator) -> Iterator[tuple[str, Node]]:
    shape = (4, 4) if rule.structural else (64,)
    counts = max([len(p.samples) for p in rule.params] or [1])
    draws = 3 if any(g.constant for h in rule.holes for g in h.guards) else 1
    for dtype in DTYPES:
        for at in range(counts * draws):
            chosen = [p.samples[at % len(p.samples)] for p in rule.params]
            try:
                bound = [leaf_for(h, dtype, shape, rng) for h in rule.holes]
                yield dtype, instantiate(rule, [*bound, *chosen])
            except (GraphError, TypeError):
                break  # the left side is not defined for this dtype


def instantiate(rule: Rule, bindings: Sequence[Any]) -> Node:
    """The left side of a rule with its holes, then its params, filled."""
    assert rule.lhs is not None
    made = instantiating(rule.lhs, rule.slots)(rule.lhs, tuple(bindings), None)
    assert made is not None
    return made


def leaf_for(
    hole: Hole, dtype: str, shape: tuple[int, ...], rng: np.random.Generator
) -> Node:
    """A node the guards of a hole accept."""
    for guard in hole.guards:
        if guard.constant:
            return Constant(constant_values(guard, dtype, rng))
    scalar = any(guard.scalar for guard in hole.guards)
    leaf: Node = Input(TensorType(dtype, () if scalar else shape), hole.name)
    for guard in hole.guards:
        if guard.instance is not None:
            leaf = guard.instance(leaf)
    return leaf


# ------------------------------------------------------------------------ measurement


def measure(rule: Rule, rounds: int = 2, seed: int | None = None) -> Evidence:
    """The evidence for a rule; more rounds draw more samples."""
    rng = np.random.default_rng(
        zlib.crc32(rule.name.encode()) if seed is None else seed
    )
    evidence = Evidence(rule.name, rule.contract.name)
    errors: list[tuple[float, float]] = []
    for instance in instances(rule, rng):
        fired = evidence.fired
        fired[instance.dtype] = fired.get(instance.dtype, 0) + 1
        if instance.left.type != instance.right.type:
            evidence.broken.append(
                f"type {instance.left.type} -> {instance.right.type}"
            )
            continue
        with np.errstate(all="ignore"):
            for at in range(rounds):
                _compare(rule.contract, instance, rng, at, evidence, errors)
    if not evidence.fired:
        evidence.broken.append("it never fired on its own left side")
    if errors:
        left, right = np.array(errors).T
        evidence.left = tuple(np.percentile(left, [50, 99]).tolist())  # pyright: ignore
        evidence.right = tuple(np.percentile(right, [50, 99]).tolist())  # pyright: ignore
        if rule.contract.name == "stabler":
            _check_spread(evidence, left, right)
    return evidence


def _check_spread(evidence: Evidence, left: Array, right: Array) -> None:
    """The right side must not be worse in nine cases of ten."""
    usual, other = np.percentile(left, 90), np.percentile(right, 90)
    if other > max(2 * usual, SPREAD):
        evidence.broken.append(
            f"in a tenth of the samples the right side errs by {other:.3g} ulp, "
            f"the left by {usual:.3g}"
        )


@lru_cache(maxsize=512)
def evidence_of(rule: Rule) -> Evidence:
    """The evidence the inspector shows; measured once."""
    return measure(rule)


def run_both(instance: Instance, values: Values) -> dict[Node, Array]:
    """The value of every node of both sides by the NumPy reference."""
    known: dict[Node, Array] = dict(values)
    for node in walk.order([instance.left, instance.right]):
        if node not in known:
            if isinstance(node, Constant):
                known[node] = node.value
            else:
                known[node] = apply_node(node, [known[x] for x in node.inputs], {})
    return known


def same_bits(a: Array, b: Array) -> Array:
    """Where two arrays agree bit for bit; all NaN are one."""
    if a.dtype.kind != "f":
        return np.asarray(a == b)
    return np.asarray(
        ((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))
    )


def _compare(
    contract: Contract,
    instance: Instance,
    rng: np.random.Generator,
    at: int,
    evidence: Evidence,
    errors: list[tuple[float, float]],
) -> None:
    order = walk.order([instance.left, instance.right])
    leaves = [n for n in order if isinstance(n, Input)]
    flat = _is_flat(instance)
    # Of inf and NaN LAPACK promises nothing, not even to return.
    lapack = any(node.op in CONDITIONED for node in order)
    special = (flat or at % 2 == 1) and not lapack
    values = sample(leaves, rng, special, flat)
    known = run_both(instance, values)
    a, b = known[instance.left], known[instance.right]
    same = same_bits(a, b)
    evidence.samples += same.size
    evidence.same += int(same.sum())
    if same.all():
        return
    if contract.strict or a.dtype.kind != "f":
        evidence.broken.append(_story(instance, values, ~same, a, b))
        return
    if flat:
        chosen = rng.permutation(np.flatnonzero(~same))[:COMPARED]
        values = {x: _part(v, chosen, same.shape) for x, v in values.items()}
        known = {x: _part(v, chosen, same.shape) for x, v in known.items()}
    _judge(contract, instance, values, known, evidence, errors)


def _part(value: Array, chosen: Array, shape: tuple[int, ...]) -> Array:
    return value[chosen] if value.shape == shape else value


def _is_flat(instance: Instance) -> bool:
    """Whether both sides compute element by element, all leaves of one shape."""
    order = walk.order([instance.left, instance.right])
    shape = instance.left.tensor_type.shape
    return len(shape) == 1 and all(
        n.op.kind == "elementwise" or (n.is_leaf and n.tensor_type.shape in (shape, ()))
        for n in order
    )


def _story(instance: Instance, values: Values, where: Array, a: Array, b: Array) -> str:
    place = tuple(np.argwhere(where)[0])
    given = ", ".join(
        f"{leaf.name} = {value[place] if value.shape == where.shape else value!r}"
        for leaf, value in values.items()
    )
    return f"{instance.dtype}: {given[:300]}: left {a[place]!r}, right {b[place]!r}"


# ---------------------------------------------------------------------------- judgement


@dataclass(frozen=True)
class Point:
    """One compared element: both sides, the exact value, what surrounds it."""

    a: float
    b: float
    error_a: float
    error_b: float
    bound: float
    defined: bool
    in_range: bool
    finite_inputs: bool
    nan_input: bool
    coupled: bool


def _judge(
    contract: Contract,
    instance: Instance,
    values: Values,
    known: Mapping[Node, Array],
    evidence: Evidence,
    errors: list[tuple[float, float]],
) -> None:
    keeps = KEEPS[contract.name]
    broken = np.zeros(known[instance.left].shape, bool)
    points = list(_points(instance, values, known, contract))
    if not _is_flat(instance):  # elements share their rounding, so also their luck
        worst = max((p.error_a for _, p in points if np.isfinite(p.a)), default=0.0)
        points = [
            (place, replace(p, error_a=worst)) if np.isfinite(p.a) else (place, p)
            for place, p in points
        ]
    for place, point in points:
        if not keeps(point):
            broken[place] = True
        told = point.in_range or contract.name == "stabler"
        both = point.error_a, point.error_b
        if point.defined and told and np.isfinite(both).all():
            errors.append(both)
    if broken.any():
        a, b = known[instance.left], known[instance.right]
        evidence.broken.append(_story(instance, values, broken, a, b))


def _points(
    instance: Instance,
    values: Values,
    known: Mapping[Node, Array],
    contract: Contract,
) -> Iterator[tuple[tuple[int, ...], Point]]:
    a, b = known[instance.left], known[instance.right]
    shape = a.shape
    flat = _is_flat(instance)
    finite = _everywhere(values, np.isfinite, shape, flat, np.logical_and)
    nan = _everywhere(values, np.isnan, shape, flat, np.logical_or)
    tame = {leaf: _tamed(value) for leaf, value in values.items()}
    order = walk.order([instance.left, instance.right])
    can = all(supported(node) for node in order)
    right = [n for n in walk.order([instance.right]) if not n.is_leaf]
    own = contract.bound
    if contract.name == "stabler":
        own = max(own, sum(getattr(n.op, "ulp", 0.5) for n in right))
    value: Any = a
    scale: Any = a
    in_range: Any = a
    if can:
        value, below = exact(instance.left, tame, flat)
        _, right_below = exact(instance.right, tame, flat)
        below = {**right_below, **below}
        scale, in_range = _surroundings(instance, known, below, shape, flat)
    for place in np.ndindex(shape):
        defined = can and bool(finite[place]) and value[place] == value[place]
        sides = float(a[place]), float(b[place])
        if not defined:
            yield place, Point(
                *sides, 0.0, 0.0, 0.0, False, True, bool(finite[place]),
                bool(nan[place]), not flat,
            )  # fmt: skip
            continue
        unit = _unit(value[place], a.dtype)
        yield place, Point(
            *sides, _ulps(sides[0], value[place], unit),
            _ulps(sides[1], value[place], unit),
            own * max(1.0, float(min(scale[place] / unit, 1e300))),
            True, bool(in_range[place]), True, False, not flat,
        )  # fmt: skip


def _tamed(value: Array) -> Array:
    return np.where(np.isfinite(value), value, 1) if value.dtype.kind == "f" else value


def _everywhere(
    values: Values, test: Any, shape: tuple[int, ...], flat: bool, combine: Any
) -> Array:
    """Per element of the result, what `test` says of the inputs it comes from."""
    found: Any = combine.identity
    for value in values.values():
        if value.dtype.kind == "f":
            told = test(value)
            found = combine(found, told if flat else combine.reduce(told, axis=None))
    return np.broadcast_to(np.asarray(found, bool), shape)


def _unit(value: Any, dtype: Any) -> float:
    """The distance between floats at an exact value."""
    largest = float(np.finfo(dtype).max) / 2  # spacing of the last one overflows
    size = float(abs(value)) if abs(value) < largest else largest
    return float(np.spacing(np.asarray(size, dtype)))


def _ulps(got: float, value: Any, unit: float) -> float:
    return min(float(abs(value - got) / unit), 1e300) if np.isfinite(got) else np.inf


def _surroundings(
    instance: Instance,
    known: Mapping[Node, Array],
    below: Mapping[Node, Array],
    shape: tuple[int, ...],
    flat: bool,
) -> tuple[Array, Array]:
    """The unit of the largest value summed, and whether all values are in range."""
    dtype = known[instance.left].dtype
    limits = np.finfo(dtype)
    largest: Array = np.zeros(shape)
    in_range: Array = np.ones(shape, bool)
    for node in walk.order([instance.left, instance.right]):
        truth = below.get(node)
        if truth is None or node.is_leaf:
            continue
        if node.op in CONDITIONED:
            top = min(magnified(node, below), float(limits.max) / 2)
            largest = np.maximum(largest, top)
        if isinstance(truth, tuple) or truth.dtype != object:
            continue
        if literal(node) is not None:
            continue
        size = (
            np.abs(np.asarray(truth, object)).astype(float)
            if truth.ndim
            else np.asarray(abs(float(truth.item())))
        )
        outside = (size > limits.max) | ((size < limits.tiny) & (truth != 0))
        outside = outside | ~np.isfinite(known[node])
        in_range = in_range & ~(outside if flat else outside.any())
        if node.op in ADDITIVE:
            for source in node.inputs:
                part = np.abs(np.asarray(below[source], dtype=float))
                top = part if flat else part.sum()
                largest = np.maximum(largest, np.minimum(top, float(limits.max) / 2))
    unit = np.spacing(largest.astype(dtype)).astype(float)
    return np.broadcast_to(unit, shape), np.broadcast_to(in_range, shape)


def _alike(p: Point) -> bool:
    """The same special value, or both zero; roughly so beside others' inf or NaN."""
    if p.a == p.b or (p.a != p.a and p.b != p.b):
        return True
    return p.coupled and not p.defined and bool(np.isclose(p.a, p.b, rtol=1e-5))


def _close(p: Point) -> bool:
    return _alike(p) or p.error_b <= p.error_a + p.bound


def _rounding(p: Point) -> bool:
    if p.defined:
        return not p.in_range or _close(p)
    return _alike(p) or (p.finite_inputs and abs(p.a) == abs(p.b))


def _finite_only(p: Point) -> bool:
    if not p.finite_inputs or not np.isfinite(p.a):
        return True
    return not p.in_range or not p.defined or _close(p)


def _stabler(p: Point) -> bool:
    if not p.defined:
        return _stabler_beyond(p)
    if np.isfinite(p.a) and not np.isfinite(p.b):
        return False
    return _alike(p) or p.error_b <= max(p.error_a, p.bound)


def _stabler_beyond(p: Point) -> bool:
    """Where the reals have no value: NaN stays, what is a number stays one."""
    if p.finite_inputs:
        return True
    if p.a != p.a:
        return p.b != p.b or not p.nan_input or p.coupled
    if not np.isfinite(p.a):
        return p.b == p.b
    return _alike(p) or bool(np.isclose(p.a, p.b, rtol=1e-2))


def _domain(p: Point) -> bool:
    return not p.defined or not p.in_range or _close(p)


KEEPS: dict[str, Callable[[Point], bool]] = {
    "bitwise": lambda p: False,
    "rounding": _rounding,
    "finite_only": _finite_only,
    "stabler": _stabler,
    "domain": _domain,
}

# -------------------------------------------------------------------- random disguises


def disguised(rule: Rule, rng: np.random.Generator) -> Iterator[Node]:
    """Left sides whose holes hold casts and broadcasts: the rule must fire on each."""
    if rule.lhs is None or rule.structural or rule.examples is not None:
        return
    for dtype in ("float32", "float64", "int64", "bool"):
        if not _fires_plainly(rule, dtype, rng):
            continue
        for shapes in ((3, 4), (4,), ()), ((), (3, 1), (4,)), ((1, 4), (3, 4), (1,)):
            try:
                bound = [
                    _disguise(hole, dtype, shapes[at % 3], rng)
                    for at, hole in enumerate(rule.holes)
                ]
                yield instantiate(rule, bound)
            except (GraphError, TypeError):
                break


def _fires_plainly(rule: Rule, dtype: str, rng: np.random.Generator) -> bool:
    try:
        bound = [leaf_for(hole, dtype, (3,), rng) for hole in rule.holes]
        return fire_once(rule, instantiate(rule, bound)) is not None
    except (GraphError, TypeError):
        return False


def _disguise(
    hole: Hole, dtype: str, shape: tuple[int, ...], rng: np.random.Generator
) -> Node:
    leaf = leaf_for(hole, dtype, shape, rng)
    if isinstance(leaf, Constant) or any(g.instance for g in hole.guards):
        return leaf
    choice = rng.integers(3)
    if choice == 0:
        other = {"float32": "float64", "float64": "float32"}.get(dtype, "int8")
        return cast(Input(TensorType(other, shape), hole.name), dtype)
    if choice == 1 and shape:
        return el.where(Input(TensorType("bool", shape), "c"), leaf, leaf)
    return leaf
