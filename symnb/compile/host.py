"""The host function: C text that runs a program's steps, and its sizes.

`symnb_run` unpacks pointers and sizes, places the arena, and runs the steps in order;
`symnb_plan` computes the sizes of results and of the arena from the size slots, so
that the caller can allocate. Both are straight-line code; a step that fails returns
its number plus one, with the reason in `ws->message`. What follows every step stands in
one function, and long programs are compiled with fewer passes: the host of a training
step of 18 steps took 75 of 213 ms of its unit, now 40 (gcc 12, EPYC, 2026-11).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from symnb.compile.extents import MOST, extent
from symnb.compile.extern.contract import Products
from symnb.compile.extern.lapack import emit_lapack
from symnb.compile.extern.steps import emit_extern
from symnb.compile.failures import Failure
from symnb.compile.opaque import unread_sizes
from symnb.compile.plan import ALIGNMENT, ITEMSIZE, Plan, nbytes
from symnb.compile.program import Buffer, Program, Step
from symnb.compile.render.polling import POINTS
from symnb.compile.specialise import Check
from symnb.core.dims import Atom, Dim, DimLike, dim_of, dim_to_c, dims_in
from symnb.core.node import Node

CTYPE = {
    "bool": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t",
    "int64": "int64_t", "uint8": "uint8_t", "uint16": "uint16_t",
    "uint32": "uint32_t", "uint64": "uint64_t", "float32": "float",
    "float64": "double",
}  # fmt: skip
# For a call whose sizes this variant was not compiled for: the fallback's to judge.
NOT_OURS = "return -1;"


@dataclass
class Host:
    """The text of the host functions and what they refer to.

    externs  names of library functions, in the order of ws->externs
    opaque   numbers of the steps that run in Python
    failures what the numbers it reports stand for
    """

    text: str
    externs: list[str]
    opaque: list[int]
    failures: list[Failure]


@dataclass
class _Writer:
    program: Program
    plan: Plan
    checks: tuple[Check, ...]
    names: dict[Atom, str] = field(default_factory=dict[Atom, str])
    products: Products = field(default_factory=Products)
    opaque: list[int] = field(default_factory=list[int])
    failures: list[Failure] = field(default_factory=list[Failure])
    lines: list[str] = field(default_factory=list[str])

    def size(self, d: DimLike) -> str:
        """C text of a size."""
        return str(d) if isinstance(d, int) else dim_to_c(d, self.name)

    def name(self, atom: Atom) -> str:
        """C text of one size; one bound to a scalar reads that scalar's buffer."""
        if atom.kind == "bound":
            return f"((int64_t)*{self.program.buffers[atom.node].name})"
        return self.names[atom]

    def put(self, *lines: str) -> None:
        """Append indented lines."""
        self.lines += [f"  {line}" if line else "" for line in lines]

    def fail(self, failure: Failure, a: str = "0", b: str = "0") -> str:
        """C text that reports a failure and two values."""
        self.failures.append(failure)
        return f"host_fail(ws, {len(self.failures) - 1}, {a}, {b})"


SAY = """static void host_say(symnb_ws *ws, const char *text)
{
  int64_t i = 0;
  for (; text[i] && i + 1 < ws->message_size; i++) ws->message[i] = text[i];
  if (ws->message_size) ws->message[i] = 0;
}

"""
FAIL = """static void host_fail(symnb_ws *ws, int64_t which, int64_t a, int64_t b)
{
  const int64_t numbers[] = {which, a, b};
  char digits[24], *to = ws->message, *const end = to + ws->message_size - 24;
  for (const char *s = "failure"; *s && to < end; s++) *to++ = *s;
  for (int k = 0; k < 3 && to < end; k++) {
    uint64_t rest = numbers[k] < 0 ? -(uint64_t)numbers[k] : (uint64_t)numbers[k];
    int count = 0;
    *to++ = ' ';
    if (numbers[k] < 0) *to++ = '-';
    do digits[count++] = '0' + rest % 10; while (rest /= 10);
    while (count) *to++ = digits[--count];
  }
  *to = 0;
}

"""


AFTER = """static %s int host_after(symnb_ws *ws, int64_t *clock, int64_t step,
                      int64_t work)
{
  if (ws->step_ns) {
    const int64_t now = ws->now();
    ws->step_ns[step] += now - *clock;
    *clock = now;
  }
  return work > %d && ws->stop(ws);
}

"""
FEW = 3  # steps; after more of them `host_after` is called, not copied
LEAN = '__attribute__((optimize("O1")))'  # of straight-line code


def render_host(program: Program, plan: Plan, checks: tuple[Check, ...] = ()) -> Host:
    """The C text of `symnb_run` and `symnb_plan`."""
    w = _Writer(program, plan, checks)
    w.products.library = "library" not in program.target.off
    w.lines.append(
        "int symnb_run(void *const *data, const int64_t *const *shape,\n"
        "              const int64_t *const *stride, symnb_ws *ws)\n{"
    )
    _sizes(w)
    _first_checks(w)
    _pointers(w)
    _argument_checks(w)
    w.put("int status = 0;", "int64_t clock = ws->step_ns ? ws->now() : 0;")
    w.put("(void)stride; (void)status; (void)clock;")
    for number, step in enumerate(program.steps):
        _step(w, number, step)
    w.put("return 0;")
    w.lines.append("}")
    run = "\n".join(w.lines)
    is_long = len(program.steps) > FEW
    if is_long and not re.search(r"\b(for|while|do)\b", run):
        run = f"{LEAN}\n{run}"
    run = AFTER % ("__attribute__((noinline))" if is_long else "inline", POINTS) + run
    run = (SAY if "host_say(" in run else "") + (FAIL if w.failures else "") + run
    parts = [w.products.text(), run, _plan_text(w)]
    return Host("\n\n".join(parts), w.products.externs, w.opaque, w.failures)


def _sizes(w: _Writer) -> None:
    for number, (atom, (leaf, axis)) in enumerate(w.program.slots.items()):
        w.names[atom] = f"n{number}"
        w.put(f"const int64_t n{number} = shape[{leaf}][{axis}];")
    if w.program.slots:
        first = len(w.program.steps)
        kept = [
            f"ws->step_ns[{first + k}] = n{k};" for k in range(len(w.program.slots))
        ]
        w.put("if (ws->step_ns) {", *(f"  {line}" for line in kept), "}")
    for number, leaf in enumerate(w.program.leaves):
        for axis, size in enumerate(leaf.type.shape):
            compound = isinstance(size, Dim) and size.leaf is None
            if compound and leaf.place in ("argument", "shared"):
                w.put(f"if (shape[{number}][{axis}] != {w.size(size)}) {NOT_OURS}")


def _pointers(w: _Writer) -> None:
    base = len(w.program.leaves)
    for buffer in w.program.leaves:
        t = CTYPE[buffer.type.dtype]
        w.put(f"{t} *const {buffer.name} = data[{buffer.index}];")
    place = 0
    for ends in (w.program.results, w.program.updates):
        for number, end in enumerate(ends):
            root = end.root
            if not end.is_dynamic and root.place not in ("argument", "shared"):
                _pointer(w, root, f"data[{base + place + number}]")
        place += len(ends)
    _arena(w)
    _aliases(w)


def _pointer(w: _Writer, buffer: Buffer, text: str) -> None:
    w.put(f"{CTYPE[buffer.type.dtype]} *const {buffer.name} = (void *)({text});")


def _arena(w: _Writer) -> None:
    if not w.plan.slots:
        return
    if any(step.kind == "opaque" for step in w.program.steps):
        # Of no bytes there is no arena; to Python NULL means a size not known yet.
        w.put("static char nothing[1];")
        w.put("char *const arena = ws->arena ? ws->arena : nothing;")
    else:
        w.put("char *const arena = ws->arena;")
    for index, slot in enumerate(w.plan.slots):
        if index:
            before = w.plan.slots[index - 1]
            w.put(
                f"const int64_t o{index} = o{index - 1} + {_rounded(w, before.size)};"
            )
        else:
            w.put("const int64_t o0 = 0;")
        for buffer in slot.buffers:
            _pointer(w, buffer, f"arena + o{index}")


def _rounded(w: _Writer, size: DimLike) -> str:
    if isinstance(size, int):
        return str(-(-size // ALIGNMENT) * ALIGNMENT)
    return f"(({w.size(size)} + {ALIGNMENT - 1}) & ~(int64_t){ALIGNMENT - 1})"


def _aliases(w: _Writer) -> None:
    """Views whose root has its pointer already; the others follow their root."""
    for buffer in w.program.buffers.values():
        if buffer.alias is not None and not _is_late(buffer.root):
            _pointer(w, buffer, buffer.root.name)


def _is_late(root: Buffer) -> bool:
    return root.place == "run" or (
        root.place in ("result", "update") and root.is_dynamic
    )


def _step(w: _Writer, number: int, step: Step) -> None:
    nodes = set(step.nodes)
    for check in w.checks:
        if check.node in nodes and _is_data(check):
            left, right = w.size(check.left), w.size(check.right)
            fail = w.fail(Failure("unequal", check.node), left, right)
            w.put(f"if ({left} != {right}) return {fail}, {number + 1};")
    for buffer in step.writes:
        if buffer.is_dynamic:
            _refuse_negative(w, buffer, number)
            _allocate(w, buffer, number)
    w.put(f"/* step {number}: {step} */", "{")
    for line in _action(w, number, step):
        w.put(f"  {line}")
    work = _work(w, step) if number + 1 < len(w.program.steps) else "0"
    after = f"host_after(ws, &clock, {number}, {work})"
    w.put(f"  if (status || {after}) return {number + 1};", "}")


def _is_data(check: Check) -> bool:
    """Whether its sizes are known only once steps have run."""
    sizes = (check.left, check.right)
    return any(a.kind == "bound" for d in dims_in(sizes) for a in d.atoms())


def _first_checks(w: _Writer) -> None:
    """Sizes that do not fit are the fallback's to judge: they may broadcast."""
    seen: set[tuple[DimLike, DimLike]] = set()
    for check in w.checks:
        sizes = (check.left, check.right)
        atoms = {atom for d in dims_in(sizes) for atom in d.atoms()}
        if sizes in seen or not atoms <= w.names.keys():
            continue
        seen.add(sizes)
        w.put(f"if ({w.size(check.left)} != {w.size(check.right)}) {NOT_OURS}")


def _argument_checks(w: _Writer) -> None:
    """Sizes given as arguments that no step checks, because a rule made do without
    the op that assumed them; 1 may still broadcast."""
    tested = {node for step in w.program.steps for node in step.nodes}
    for check in w.checks:
        sizes = (check.left, check.right)
        atoms = {atom for d in dims_in(sizes) for atom in d.atoms()}
        given = {a for a in atoms if a.kind == "bound" and _is_argument(w, a.node)}
        if check.node in tested or not given or not atoms <= w.names.keys() | given:
            continue
        left, right = map(w.size, sizes)
        test = f"{left} != {right} && {left} != 1 && {right} != 1"
        fail = w.fail(Failure("unequal", check.node), left, right)
        w.put(f"if ({test}) return {fail}, 1;")


def _is_argument(w: _Writer, node: Node) -> bool:
    buffer = w.program.buffers.get(node)
    return buffer is not None and buffer.place in ("argument", "shared")


def _work(w: _Writer, step: Step) -> str:
    """How many elements a step reads and writes; "0" where they are known to be few."""
    sizes = {b.type.size for b in (*step.reads, *step.writes)}
    known = max((s for s in sizes if isinstance(s, int)), default=0)
    terms = [w.size(s) for s in sizes if isinstance(s, Dim) and _is_readable(w, s)]
    if not terms and known <= POINTS:
        return "0"
    return " + ".join([str(known), *sorted(terms)])


def _is_readable(w: _Writer, size: Dim) -> bool:
    return all(a in w.names for a in size.atoms())


def _refuse_negative(w: _Writer, buffer: Buffer, number: int) -> None:
    """A size that comes from data may be negative or wrap; nothing else checks it."""
    for size in buffer.type.shape:
        if isinstance(size, Dim) and any(a.kind == "bound" for a in size.atoms()):
            if size.leaf is None:
                _refuse_large(w, size, buffer, number)
            fail = w.fail(Failure("negative", buffer.node), w.size(size))
            w.put(f"if ({w.size(size)} < 0) return {fail}, {number + 1};")


def _refuse_large(w: _Writer, size: DimLike, buffer: Buffer, number: int) -> None:
    fail = w.fail(Failure("memory", buffer.node), "-1")
    w.put(f"if ({extent(size, w.name)} > {MOST}) return {fail}, {number + 1};")


def _allocate(w: _Writer, buffer: Buffer, number: int) -> None:
    root = buffer.root
    _refuse_large(w, nbytes(root), root, number)
    shape = ", ".join(w.size(size) for size in root.type.shape) or "0"
    if root.place == "run":
        _pointer(w, root, f"ws->alloc(ws, {w.size(nbytes(root))})")
    else:
        first = 0 if root.place == "result" else len(w.program.results)
        index = first + root.index
        w.put(f"const int64_t shape_{root.name}[] = {{{shape}}};")
        _pointer(w, root, f"ws->output(ws, {index}, shape_{root.name})")
    size = w.size(root.type.size)  # an empty temporary has no address, a result has
    empty = f" && {size}" if root.place == "run" else ""
    fail = w.fail(Failure("memory", root.node), size)
    w.put(f"if (!{root.name}{empty}) return {fail}, {number + 1};")
    for other in w.program.buffers.values():
        if other.alias is not None and other.root is root:
            _pointer(w, other, root.name)


def _action(w: _Writer, number: int, step: Step) -> list[str]:
    match step.kind:
        case "launch":
            return [_launch(w, step)]
        case "copy":
            source, target = step.reads[0], step.writes[0]
            size = w.size(nbytes(source))
            return [f"__builtin_memcpy({target.name}, {source.name}, {size});"]
        case "extern":
            return emit_extern(step, w.size, w.products)
        case "opaque":
            w.opaque.append(number)
            python = _opaque(w, number, step)
            return emit_lapack(step, w.size, w.products, python)


def _launch(w: _Writer, step: Step) -> str:
    kernel = step.kernel
    assert kernel is not None
    by_node = {b.node: b for b in (*step.reads, *step.writes)}
    parts = [by_node[buffer.node].name for buffer in kernel.buffers]
    parts += [w.size(dim_of(atom)) for atom in kernel.sizes]
    return f"status = {step.name}({', '.join([*parts, 'ws'])});"


def _opaque(w: _Writer, number: int, step: Step) -> list[str]:
    buffers = [*step.reads, *step.writes]
    lines: list[str] = []
    for at, buffer in enumerate(buffers):
        sizes = ", ".join(w.size(size) for size in buffer.type.shape) or "0"
        lines.append(f"const int64_t s{at}[] = {{{sizes}}};")
    names = [f"(void *){b.name}" for b in buffers]
    shapes = [f"s{at}" for at in range(len(buffers))]
    unread = unread_sizes(step.nodes[0])
    if unread:
        sizes = ", ".join(w.size(dim_of(atom)) for atom in unread)
        lines.append(f"const int64_t sizes[] = {{{sizes}}}, count = {len(unread)};")
        names.insert(len(step.reads), "(void *)sizes")
        shapes.insert(len(step.reads), "&count")
    data, shapes = ", ".join(names), ", ".join(shapes)
    lines.append(f"void *const d[] = {{{data}}};")
    lines.append(f"const int64_t *const s[] = {{{shapes}}};")
    lines.append(f"status = ws->python(ws, {number}, d, s);")
    return lines


def _plan_text(w: _Writer) -> str:
    lines = [
        "void symnb_plan(const int64_t *slot, int64_t *out_sizes,",
        "                int64_t *arena_bytes)",
        "{",
    ]
    for number in range(len(w.program.slots)):
        lines.append(f"  const int64_t n{number} = slot[{number}]; (void)n{number};")
    place = 0
    for end in (*w.program.results, *w.program.updates):
        for size in end.type.shape:
            text = "-1" if end.is_dynamic else w.size(size)
            lines.append(f"  out_sizes[{place}] = {text};")
            place += 1
    total = " + ".join(_rounded(w, slot.size) for slot in w.plan.slots) or "0"
    lines.append(f"  *arena_bytes = {total};")
    sizes = [slot.size for slot in w.plan.slots if not isinstance(slot.size, int)]
    sizes += [
        nbytes(end)
        for end in (*w.program.results, *w.program.updates)
        if _may_wrap(end)
    ]
    if sizes:
        test = " + ".join(extent(size, w.name) for size in sizes)
        lines.append(f"  if ({test} > {MOST}) *arena_bytes = -1;")
    return "\n".join([*lines, "}"])


def _may_wrap(end: Buffer) -> bool:
    """Whether a size of a result is computed; others are tested where it is made."""
    shape = end.type.shape
    return not end.is_dynamic and any(
        isinstance(size, Dim) and size.leaf is None for size in shape
    )


__all__ = ["CTYPE", "ITEMSIZE", "Host", "render_host"]
