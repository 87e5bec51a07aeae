"""A CallSpec as the flat tuples the call paths read; both use the same.

Made once per binding (about 30 us). Sizes become rules per axis, in the order in which
a call meets them: arguments, then shared; inside one array the last axis first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from symnb.compile.runtime.spec import ArraySpec, CallSpec

__all__ = ["MATCH", "READ", "STATIC", "Layout", "prepare"]

STATIC, READ, MATCH = 0, 1, 2
RETURNS = {"none": 0, "one": 1, "list": 2}
RELEASE_NS = 1000.0  # estimated work from which releasing the GIL (30 ns) pays
TYPICAL_SIZE = 1000  # the size at which CallSpec.work is estimated
NEVER = 2**62

Rule = tuple[int, int]


class Port(NamedTuple):
    """One array of the call: its dtype and one rule per axis."""

    descr: np.dtype[Any]
    rules: tuple[Rule, ...]


class Layout(NamedTuple):
    """The parts in the order `binding_new` (dispatch.c) unpacks them."""

    ports: tuple[Port, ...]
    storages: tuple[Any, ...]
    constants: tuple[np.ndarray, ...]
    update_of: tuple[int, ...]
    locks: tuple[Any, ...]
    externs: tuple[int, ...]
    opaque: dict[int, tuple[int, tuple[tuple[np.dtype[Any], int], ...]]]
    python: Any
    steps: np.ndarray
    counts: tuple[int, int, int, int]
    run: int
    plan: int
    release_from: int
    control: tuple[int, int, int]


@dataclass
class _Sizes:
    """Which slots an earlier axis has set."""

    slots: int
    known: set[int]

    def rule(self, dim: Any) -> Rule:
        """(action, value) of the axis the call meets next."""
        if not isinstance(dim, tuple):
            return STATIC, int(dim)
        slot = int(dim[1])
        if not 0 <= slot < self.slots:
            raise ValueError(f"slot {slot} is outside [0, {self.slots})")
        if slot in self.known:
            return MATCH, slot
        self.known.add(slot)
        return READ, slot

    def port(self, array: ArraySpec) -> Port:
        """The port of an argument or shared variable."""
        rules = [self.rule(dim) for dim in reversed(array.dims)]
        return Port(np.dtype(array.dtype), tuple(reversed(rules)))


def prepare(spec: CallSpec) -> Layout:
    """The Layout of `spec`. Raises ValueError when the spec contradicts itself."""
    sizes = _Sizes(spec.slots, set())
    read = [sizes.port(array) for array in spec.arguments]
    read += [sizes.port(array) for _, array in spec.shared]
    if len(sizes.known) != spec.slots:
        missing = sorted(set(range(spec.slots)) - sizes.known)
        raise ValueError(f"no argument or shared variable has slots {missing}")
    constants = tuple(_constant(value) for value in spec.constants)
    fixed = [Port(c.dtype, tuple((STATIC, n) for n in c.shape)) for c in constants]
    made = [*spec.outputs, *(array for _, array in spec.updates)]
    ports = (*read, *fixed, *(_result(array) for array in made))
    update_of = tuple(int(index) for index, _ in spec.updates)
    _check(spec, update_of)
    storages = tuple(storage for storage, _ in spec.shared)
    return Layout(
        ports,
        storages,
        constants,
        update_of,
        _locks(storages[index] for index in update_of),
        tuple(spec.externs),
        {step: _operands(o.inputs, o.outputs) for step, o in spec.opaque.items()},
        spec.python,
        np.zeros(spec.steps + spec.slots + 1, np.int64)[: spec.steps + spec.slots],
        (len(spec.arguments), len(spec.outputs), spec.slots, RETURNS[spec.returns]),
        spec.run,
        spec.plan,
        _release_from(spec, ports),
        spec.control if all(spec.control[:2]) else (0, 0, 0),
    )


def _check(spec: CallSpec, update_of: tuple[int, ...]) -> None:
    if len(set(update_of)) != len(update_of) or not all(
        0 <= index < len(spec.shared) for index in update_of
    ):
        raise ValueError(f"updates name shared variables {update_of}")
    if spec.returns == "one" and len(spec.outputs) != 1:
        raise ValueError(f"returns 'one' with {len(spec.outputs)} outputs")
    if not spec.run or not spec.plan:
        raise ValueError("a CallSpec needs the addresses of run and plan")


def _constant(value: np.ndarray) -> np.ndarray:
    array = np.asarray(value)
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])


def _result(array: ArraySpec) -> Port:
    return Port(np.dtype(array.dtype), ((STATIC, 0),) * len(array.dims))


def _operands(
    inputs: tuple[ArraySpec, ...], outputs: tuple[ArraySpec, ...]
) -> tuple[int, tuple[tuple[np.dtype[Any], int], ...]]:
    both = (*inputs, *outputs)
    return len(inputs), tuple((np.dtype(a.dtype), len(a.dims)) for a in both)


def _locks(updated: Iterable[Any]) -> tuple[Any, ...]:
    """The locks of all updated storages, each once, in the one global order."""
    locks = {id(s.lock): s.lock for s in updated if s.lock is not None}
    return tuple(locks[key] for key in sorted(locks))


def _release_from(spec: CallSpec, ports: tuple[Port, ...]) -> int:
    """Elements in and out from which a call is worth releasing the GIL for.

    The work is taken to grow with the elements; where it grows faster (products), the
    GIL is released a little too early, which costs 30 ns.
    """
    if spec.opaque:
        return 0
    if spec.work <= 0:
        return NEVER
    arrays = (*spec.arguments, *(array for _, array in spec.shared))
    arrays += (*spec.outputs, *(array for _, array in spec.updates))
    typical = sum(
        prod(TYPICAL_SIZE if isinstance(dim, tuple) else dim for dim in array.dims)
        for array in arrays
    )
    return min(NEVER, int(max(typical, 1) * RELEASE_NS / spec.work))
