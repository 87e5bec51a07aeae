"""What a rule written by a user must pass: form, values, end.

Each check raises with what was found, where the rule stands, and how to mend it.
About 0.1 s a rule: both sides are run on samples by `verify`, the rule is run with
those of symnb until nothing fires.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symnb.core import walk
from symnb.core.graph import Graph
from symnb.core.node import Input, Node
from symnb.errors import ContractError, FuelError, GraphError, message
from symnb.ops.dot import DOT
from symnb.optim.contract import CONTRACTS, Contract
from symnb.optim.driver import conform
from symnb.optim.exact import exact, supported
from symnb.optim.match import instantiating
from symnb.optim.passes import MERGE, Compile, sweep
from symnb.optim.pipeline import PIPELINE, TIDY, run_passes
from symnb.optim.rule import Rule, Ruleset
from symnb.optim.samples import sample
from symnb.optim.terminate import occurrences, reason_it_may_loop
from symnb.optim.verify import (
    DTYPES,
    Evidence,
    Instance,
    evidence_of,
    instances,
    instantiate,
    leaf_for,
    measure,
    run_both,
)

PLACES = 6  # left sides on which the rule is run with those of symnb
SHOWN = 3  # counterexamples of an error
BETTER = 2.0  # so many times smaller errors make a rule `stabler`
LOOSER = (64.0, 1024.0)  # ulp an error proposes to declare
LENIENT = ("finite_only", "domain")  # contracts that may turn NaN into a number
_STORY = re.compile(r"(\w+): (.*): left (.*), right (.*)$", re.DOTALL)
_SCALAR = re.compile(r"np\.\w+\(([^()]*)\)|np\.(True|False)_")


def place_of(rule: Rule) -> str:
    """ " (cell 3, line 1)" or "" where nobody said."""
    return f" ({rule.file}, line {rule.line})" if rule.file else ""


def told(rule: Rule) -> str:
    """Name, place and text of a rule, as errors begin."""
    return f"rule {rule.name}{place_of(rule)}: {rule.text}"


# ------------------------------------------------------------------------------- form


def check_form(rule: Rule) -> None:
    """Raise ContractError where the right side has another dtype or shape."""
    fitted = False
    for left, right in pairs(rule):
        have, want = left.type, right.type
        fits = conform(right, have)  # pyright: ignore
        if fits is None:
            raise ContractError(
                f"{told(rule)}\nchanges the shape: the left side is {have}, the right "
                f"side {want}.\nFix: both sides need the same axes."
            )
        if not np.can_cast(right.dtype, left.dtype, "same_kind"):
            raise ContractError(
                f"{told(rule)}\nchanges the dtype: the left side is {left.dtype}, the "
                f"right side {right.dtype}.\nFix: compute a {left.dtype} on the right."
            )
        if _are_one(left, fits):
            raise ContractError(
                f"{told(rule)}\nsays nothing: both sides are the same to symnb, which "
                "knows which operands may change places.\nFix: leave it out."
            )
        fitted = True
    if not fitted:
        raise ContractError(
            f"{told(rule)}\nfits no tensor: under its conditions the left side is "
            "defined for no dtype.\nFix: look at the conditions."
        )


def _are_one(left: Node, right: Node) -> bool:
    a, b = run_passes(Graph((), [left, right]), (MERGE,), Compile(record=False))[
        0
    ].roots
    return a is b


def pairs(rule: Rule) -> Iterator[tuple[Node, Node]]:
    """Left and right side for each dtype the left side is defined for."""
    assert rule.lhs is not None and rule.rhs is not None
    rng = np.random.default_rng(0)
    build = instantiating(rule.rhs, rule.slots)
    shape = (4, 4) if rule.structural else (4,)
    chosen = [p.samples[0] for p in rule.params]
    for dtype in DTYPES:
        try:
            bound = [*(leaf_for(h, dtype, shape, rng) for h in rule.holes), *chosen]
            left = instantiate(rule, bound)
            right = build(left, tuple(bound), None)
        except (GraphError, TypeError):
            continue
        if right is not None:
            yield left, right


# ----------------------------------------------------------------------------- values


def check_values(rule: Rule, declared: Contract | None) -> tuple[Contract, Evidence]:
    """The contract declared, or the one of those kept that fits best; the evidence.

    Raises ContractError with counterexamples.
    """
    if declared is None:
        found = _strongest(rule)
    else:
        found = measure(replace(rule, contract=declared))
    contract = declared or CONTRACTS[found.contract]
    lost = [] if contract.name in LENIENT else lost_nans(rule)
    if found.holds and not lost:
        return contract, found
    broken = [*dict.fromkeys([*found.broken, *lost])]
    rows = [(_plain(text),) for text in sorted(broken, key=_strangeness)[:SHOWN]]
    word = f"does not keep its contract {declared}" if declared else "is wrong"
    if found.left[1] or found.right[1]:
        rows.append((f"error, median and 99%: left {_ulps(found.left)}, right "
                     f"{_ulps(found.right)}",))  # fmt: skip
    raise ContractError(
        message(f"{told(rule)}\n{word}:", rows, _cure(rule, found, broken))
    )


def broken_promise(rule: Rule) -> str:
    """A counterexample to the contract of a rule in somebody's own pipeline, or ""."""
    if rule.lhs is None and rule.examples is None:
        return ""  # nothing says where it fires
    try:
        found = evidence_of(rule)
    except Exception:  # it fails when it fires, which is told where it does
        return ""
    broken = sorted(found.broken, key=_strangeness) if found.fired else []
    return _plain(broken[0]) if broken else ""


def _strongest(rule: Rule) -> Evidence:
    """The evidence for bitwise, else for what fits of stabler and rounding.

    Products of matrices are summed as BLAS likes, so their bits prove nothing.
    """
    first = measure(rule)
    if first.holds and not _multiplies(rule):
        return first
    stabler, rounding = (
        measure(replace(rule, contract=CONTRACTS[name]))
        for name in ("stabler", "rounding")
    )
    gains = stabler.left[1] > BETTER * stabler.right[1]
    return stabler if stabler.holds and (gains or not rounding.holds) else rounding


def _multiplies(rule: Rule) -> bool:
    sides = [side for side in (rule.lhs, rule.rhs) if side is not None]
    return any(node.op is DOT for node in walk.order(sides))


def _ulps(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.2g} / {pair[1]:.2g} ulp"


def lost_nans(rule: Rule) -> list[str]:
    """Where a NaN of the left side is a number on the right, and no limit excuses it.

    It must stay where an operand is NaN, and where the operands are finite and the
    left side has no value over the reals.
    """
    rng = np.random.default_rng(1)
    found: list[str] = []
    for instance in instances(rule, rng):
        if instance.left.dtype.startswith("float"):
            with np.errstate(all="ignore"):
                found += _lost(instance, rng)
    return found


def _lost(instance: Instance, rng: np.random.Generator) -> list[str]:
    sides = [instance.left, instance.right]
    leaves = [n for n in walk.order(sides) if isinstance(n, Input)]
    flat = all(n.op.kind == "elementwise" or n.is_leaf for n in walk.order(sides[:1]))
    values = sample(leaves, rng, True, flat)
    known = run_both(instance, values)
    a, b = (known[side] for side in sides)
    where = np.isnan(a) & ~np.isnan(b)
    if not where.any():
        return []
    nan = _somewhere(values, np.isnan, a.shape)
    finite = ~_somewhere(values, _is_infinite, a.shape)
    wrong = where & nan
    if (where & finite).any() and all(supported(n) for n in walk.order(sides[:1])):
        truth, _ = exact(instance.left, {x: _tame(v) for x, v in values.items()}, flat)
        wrong |= where & finite & np.asarray(truth != truth, bool)
    if not wrong.any():
        return []
    place = tuple(np.argwhere(wrong)[0])
    given = ", ".join(
        f"{leaf.name} = {value[place] if value.shape == a.shape else value}"
        for leaf, value in values.items()
    )
    return [f"{instance.dtype}: {given}: left {a[place]}, right {b[place]}"]


def _tame(value: Any) -> Any:
    return np.where(np.isfinite(value), value, 1) if value.dtype.kind == "f" else value


def _is_infinite(value: Any) -> Any:
    return ~np.isfinite(value)


def _somewhere(values: Mapping[Node, Any], test: Any, shape: tuple[int, ...]) -> Any:
    """Per element of the result whether `test` holds for an operand it comes from."""
    found = np.zeros(shape, bool)
    for value in values.values():
        if value.dtype.kind == "f":
            told = test(value)
            found |= told if told.shape in (shape, ()) else told.any()
    return found


def _plain(text: str) -> str:
    """A counterexample as a sentence, with numbers as one types them."""
    text = _SCALAR.sub(lambda m: m[1] or m[2], text)
    parts = _STORY.match(text)
    if parts is None:
        return text
    dtype, given, left, right = parts.groups()
    return f"{given} gives {left} on the left, {right} on the right ({dtype})"


def _strangeness(text: str) -> tuple[int, bool, int]:
    """Ordinary numbers first, then NaN and infinities; float64, then short ones."""
    given = text.split(": left")[0]
    odd = len(re.findall(r"nan|inf", given))
    return odd, not given.startswith("float64"), len(text)


def _cure(rule: Rule, found: Evidence, broken: Sequence[str]) -> str:
    integers = [text for text in broken if not text.startswith("float")]
    if len(integers) == len(broken) and any(d[0] == "f" for d in found.fired):
        names = ", ".join(f"{hole.name}: float" for hole in rule.holes)
        return f"it holds for floats; say so with `where {names}`."
    weaker = measure(replace(rule, contract=CONTRACTS["finite_only"]))
    if weaker.holds and found.contract not in LENIENT:
        return (
            "it holds for finite numbers only; if that will do, declare the contract "
            "finite_only."
        )
    for bound in LOOSER:
        if measure(replace(rule, contract=CONTRACTS["rounding"].within(bound))).holds:
            return f"if an error of {bound:g} ulp will do, declare rounding:{bound:g}."
    return "mend a side, or say with `where` when they are equal."


# -------------------------------------------------------------------------------- end


def check_end(rule: Rule, once: bool, others: Sequence[Rule] = ()) -> None:
    """Raise FuelError where the rule may fire for ever, alone or beside others."""
    reason = "" if once else reason_it_may_loop(rule)
    if reason and not _is_even(rule):
        raise FuelError(
            f"{told(rule)}\nmay fire for ever: {reason}.\n"
            "Fix: turn it round, or let it fire once at a place (once=True, --once)."
        )
    mine = [r for r in others if r.name != rule.name]
    if not once:
        rules = Ruleset("user and default", (rule, *mine, *TIDY.rules))
        for left in _places(rule):
            _run_to_the_end(rule, left, rules)


def _is_even(rule: Rule) -> bool:
    """Whether both sides weigh the same and repeat nothing: trying it tells."""
    assert rule.lhs is not None and rule.rhs is not None
    (left, weight), (right, other) = occurrences(rule.lhs), occurrences(rule.rhs)
    return weight == other and all(right[name] <= left[name] for name in right)


def _places(rule: Rule) -> list[Node]:
    rng = np.random.default_rng(0)
    found = [instance.left for instance in instances(rule, rng)]
    return found[:: max(1, len(found) // PLACES)]


def _run_to_the_end(rule: Rule, left: Node, rules: Ruleset) -> None:
    try:
        sweep(Graph((), [left]), Compile(record=False), rules)
    except FuelError as error:
        raise FuelError(
            f"{told(rule)}\nloops with the rules of symnb: {error}"
        ) from None


def is_known(rule: Rule) -> bool:
    """Whether symnb's own rules make the same of both sides."""
    for left, right in pairs(rule):
        if left.dtype.startswith("float"):
            fitting = conform(right, left.type)  # pyright: ignore
            assert fitting is not None
            graph = Graph((), [left, fitting])
            after, _ = run_passes(graph, PIPELINE, Compile(record=False))
            return after.outputs[0] is after.outputs[1]
    return False
