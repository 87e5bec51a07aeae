"""The roofline of a profile: its steps below the roof of the machine, as an SVG.

Across: operations per byte; up: the rate reached; both logarithmic. Left of a ridge the
roof is the bandwidth, right of it the peak. A step is a disk, its area the share of the
time. Stands in an HTML output: text and lines have the colour of the host's text, on
either theme. Made once per shown profile, under 1 ms. Units: pixels, GFLOP/s.
Source: Williams, Waterman & Patterson 2009, CACM 52(4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10, sqrt

from symnb.compile.limits import Limits
from symnb.compile.profile import Profile, Roofline, StepTime
from symnb.viz.story import step_names
from symnb.viz.svg import escape
from symnb.viz.table import table_html

WIDTH, HEIGHT = 620, 330
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 14, 40
GLYPH = 6.1  # width of a letter of a label
NAMED = 12  # steps with a name in the picture; the others tell it when pointed at
LEAST, MOST = 3.0, 13.0  # radius of a step of no time, of one of all the time
STYLE = (
    ".rl{font:11px var(--jp-ui-font-family,system-ui,sans-serif);color:"
    "var(--jp-ui-font-color1,var(--vscode-editor-foreground,inherit));max-width:100%}"
    ".rl text{fill:currentColor}.rl .m{opacity:.65}"
    ".rl .g{stroke:currentColor;opacity:.13}.rl .x{stroke:currentColor;opacity:.5}"
    ".rl .r{stroke:currentColor;stroke-width:1.8;fill:none;opacity:.75}"
    ".rl .v{stroke:#1f83c9;stroke-dasharray:2 3}"
    ".rl circle{fill:#1f83c9;fill-opacity:.72;stroke:#1f83c9}"
)
HEAD = ("step", "", "share", "us a call", "GB/s", "GFLOP/s", "limit", "ops")
NUMBERS = (2, 3, 4, 5, 6)

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Scale:
    """Both axes: exponents of ten (first, last) across and up."""

    across: tuple[float, float]
    up: tuple[float, float]

    def x(self, value: float) -> float:
        """Where so many operations per byte are."""
        first, last = self.across
        part = (log10(value) - first) / (last - first)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Where so many GFLOP/s are."""
        first, last = self.up
        part = (log10(value) - first) / (last - first)
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)


@dataclass(frozen=True)
class Point:
    """A step in the picture; the second of a name is `dot 2`."""

    step: StepTime
    name: str
    across: float
    gflops: float
    roof: float


def points(line: Roofline) -> list[Point]:
    """The steps that have a place, the longest first."""
    found: list[Point] = []
    names = step_names(line.profile.steps)
    for step in sorted(line.profile.steps, key=lambda step: -step.ns):
        if step.bytes and step.flops and step.gflops:
            across = step.flops / step.bytes
            roof = _roof(line.limits, across, step.dtype)
            name = names[step.number]
            found.append(Point(step, name, across, step.gflops, roof))
    return found


def _peak(machine: Limits, dtype: str) -> float:
    return (machine.float64 if dtype == "float64" else machine.float32) / 1e9


def _roof(machine: Limits, across: float, dtype: str) -> float:
    return min(across * machine.memory / 1e9, _peak(machine, dtype))


def roofline_svg(line: Roofline) -> str:
    """The picture; "" where no step has a place in it."""
    shown = points(line)
    if not shown:
        return ""
    dtypes = sorted({point.step.dtype for point in shown})
    scale = _scale(line.limits, shown, dtypes)
    roof = _make_roof(line.limits, scale, dtypes)
    body = [*_axes(scale), *roof.drawn()]
    body += _drops(scale, shown)
    body += [_disk(scale, point, line) for point in shown]
    body += _names(scale, shown, line, roof)
    told = escape(f"{line.profile.name}: {line.limits}")
    return (
        f'<svg class="rl" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} '
        f'{HEIGHT}" role="img" aria-label="{told}"><style>{STYLE}</style>'
        + "".join(body)
        + "</svg>"
    )


def _scale(machine: Limits, shown: Sequence[Point], dtypes: Sequence[str]) -> Scale:
    """Room round the points and the ridge."""
    peak = max(_peak(machine, dtype) for dtype in dtypes)
    ridge = peak * 1e9 / machine.memory
    across = [point.across for point in shown] + [ridge]
    up = [point.gflops for point in shown] + [peak]
    left, low = floor(log10(min(across)) - 0.1), log10(min(up)) - 0.35
    right, high = log10(max(across)) + 0.6, log10(max(up)) + 0.25
    return Scale((left, max(left + 2, right)), (low, max(low + 2, high)))


def _power(exponent: int) -> str:
    return f"{10.0**exponent:g}" if -4 < exponent < 5 else f"1e{exponent}"


def _whole(ends: tuple[float, float]) -> range:
    return range(ceil(ends[0]), floor(ends[1]) + 1)


def _axes(scale: Scale) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for exponent in _whole(scale.across):
        x = scale.x(10.0**exponent)
        yield _line("g", x, TOP, x, bottom)
        yield _text(x, bottom + 15, _power(exponent), "middle", "m")
    for exponent in _whole(scale.up):
        y = scale.y(10.0**exponent)
        yield _line("g", LEFT, y, right, y)
        yield _text(LEFT - 6, y + 4, _power(exponent), "end", "m")
    yield _line("x", LEFT, bottom, right, bottom)
    yield _line("x", LEFT, TOP, LEFT, bottom)
    yield _text((LEFT + right) / 2, HEIGHT - 7, "operations per byte", "middle", "")
    middle = (TOP + bottom) / 2
    yield (
        f'<text transform="translate(13 {middle:.0f}) rotate(-90)" '
        'text-anchor="middle">GFLOP/s</text>'
    )


@dataclass(frozen=True)
class Roof:
    """The bandwidth up to the highest ridge, and a peak for each dtype: ends of lines,
    and (x, y, text), all in pixels."""

    lines: tuple[Box, ...]
    texts: tuple[tuple[float, float, str], ...]

    def drawn(self) -> Iterator[str]:
        """Its lines and texts."""
        yield from (_line("r", *ends) for ends in self.lines)
        yield from (_text(x, y, text, "end", "m") for x, y, text in self.texts)

    def boxes(self) -> Iterator[Box]:
        """What a name should not meet."""
        for x0, y0, x1, y1 in self.lines:
            count = max(1, int(abs(y1 - y0) / 4))
            for k in range(count):
                a, b = k / count, (k + 1) / count
                left, right = x0 + a * (x1 - x0), x0 + b * (x1 - x0)
                top, bottom = y0 + b * (y1 - y0), y0 + a * (y1 - y0)
                yield left, top - 1, right, bottom + 1
        for x, y, text in self.texts:
            yield x - GLYPH * len(text), y - 10, x, y + 3


def _make_roof(machine: Limits, scale: Scale, dtypes: Sequence[str]) -> Roof:
    slope, right = machine.memory / 1e9, WIDTH - RIGHT
    top = max(_peak(machine, dtype) for dtype in dtypes)
    first = max(10.0 ** scale.across[0], 10.0 ** scale.up[0] / slope)
    start = scale.x(first), scale.y(first * slope)
    ridge = scale.x(top / slope), scale.y(top)
    lines: list[Box] = [(*start, *ridge)]
    x, y = (
        start[0] + 0.7 * (ridge[0] - start[0]),
        start[1] + 0.7 * (ridge[1] - start[1]),
    )
    texts = [(x - 8, y - 4, f"memory {slope:.0f} GB/s")]
    for dtype in dtypes:
        peak = _peak(machine, dtype)
        y = scale.y(peak)
        lines.append((scale.x(peak / slope), y, right, y))
        texts.append((right - 2, y - 5, f"{dtype} {peak:.0f} GFLOP/s"))
    return Roof(tuple(lines), tuple(texts))


def _radius(point: Point) -> float:
    return LEAST + (MOST - LEAST) * sqrt(max(0.0, min(1.0, point.step.share)))


def _drops(scale: Scale, shown: Sequence[Point]) -> Iterator[str]:
    """What is left to gain."""
    for point in shown:
        x = scale.x(point.across)
        yield _line("v", x, scale.y(point.gflops), x, scale.y(point.roof))


def _disk(scale: Scale, point: Point, line: Roofline) -> str:
    x, y = scale.x(point.across), scale.y(point.gflops)
    told = escape(_told(point, line))
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_radius(point):.1f}">'
        f"<title>{told}</title></circle>"
    )


def _told(point: Point, line: Roofline) -> str:
    """What pointing at a step tells."""
    step = point.step
    each = step.ns / 1e3 / max(1, step.calls)
    part = step.of_limit(line.limits) or 0.0
    ops = " ".join(dict.fromkeys(node.op.name for node in step.nodes))
    return (
        f"{point.name}: {ops[:60]}\n"
        f"{each:.2f} us a call, {step.share:.1%} of the time\n"
        f"{step.gflops:.3g} GFLOP/s, {step.gbs:.3g} GB/s, "
        f"{point.across:.3g} operations per byte\n{part:.0%} of the limit"
    )


def _names(
    scale: Scale, shown: Sequence[Point], line: Roofline, roof: Roof
) -> Iterator[str]:
    """Names beside the disks, where they meet nothing that is there."""
    taken: list[Box] = [*roof.boxes()]
    for point in shown:
        x, y, r = scale.x(point.across), scale.y(point.gflops), _radius(point)
        taken.append((x - r, y - r, x + r, y + r))
        ends = sorted((y, scale.y(point.roof)))
        taken.append((x - 1, ends[0], x + 1, ends[1]))
    for point in shown[:NAMED]:
        part = point.step.of_limit(line.limits) or 0.0
        text = f"{point.name} {part:.0%}"
        x, y, r = scale.x(point.across), scale.y(point.gflops), _radius(point) + 4
        wide = GLYPH * len(text)
        for anchor, left, base in (
            ("start", x + r, y + 4),
            ("end", x - r - wide, y + 4),
            ("middle", x - wide / 2, y + r + 9),
            ("middle", x - wide / 2, y - r - 2),
        ):
            box = (left, base - 10, left + wide, base + 3)
            if _inside(box) and not any(_meet(box, other) for other in taken):
                taken.append(box)
                at = {"start": left, "end": left + wide}.get(anchor, x)
                yield _text(at, base, text, anchor, "")
                break


def _inside(box: Box) -> bool:
    left, top, right, bottom = box
    return left > LEFT and top > TOP and right < WIDTH and bottom < HEIGHT - BOTTOM


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _line(name: str, x0: float, y0: float, x1: float, y1: float) -> str:
    return f'<path class="{name}" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, name: str) -> str:
    kind = f' class="{name}"' if name else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>'
        f"{escape(text)}</text>"
    )


# ------------------------------------------------------------------------- tables


def roofline_html(line: Roofline) -> str:
    """Table and picture."""
    if not line.profile.calls:
        return f"<p>{escape(str(line.profile))}</p>"
    told = f"<p>{escape(_heading(line.profile))}; {escape(str(line.limits))}</p>"
    return told + roofline_svg(line) + _table(line.profile, line.limits)


def profile_html(profile: Profile, machine: Limits | None) -> str:
    """The table; with the picture where the limits of the machine are known."""
    if machine is not None or not profile.calls:
        return roofline_html(Roofline(profile, machine or Limits(1, 1, 1, 1)))
    return f"<p>{escape(_heading(profile))}</p>{_table(profile, None)}"


def _heading(profile: Profile) -> str:
    return f"{profile.name}: {profile.calls} calls, {profile.call_us:.2f} us each"


def _table(profile: Profile, machine: Limits | None) -> str:
    rows: list[list[str]] = []
    for name, step in zip(step_names(profile.steps), profile.steps, strict=True):
        part = None if machine is None else step.of_limit(machine)
        ops = " ".join(dict.fromkeys(node.op.name for node in step.nodes))
        rows.append(
            [
                name,
                step.kind,
                f"{step.share:.1%}",
                f"{step.ns / 1e3 / max(1, step.calls):.2f}",
                "" if step.gbs is None else f"{step.gbs:.1f}",
                "" if step.gflops is None else f"{step.gflops:.1f}",
                "" if part is None else f"{part:.0%}",
                ops[:60],
            ]
        )
    return table_html(rows, HEAD, NUMBERS)


__all__ = ["points", "profile_html", "roofline_html", "roofline_svg"]
