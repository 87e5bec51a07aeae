"""What a notebook shows, in one string and three tiers.

Tier 0 is the text/plain beside it. Tier 1 is HTML without script: a picture as an
`<img>`, a `<details>` for each changed pass and each kernel; it survives untrusted
notebooks, GitHub and mail. Tier 2 is one script that unpacks the inspector and puts
it in place of tier 1, inside a shadow root. Made once per shown function, 5 to 50 ms.
Invariants: nothing is fetched; user text is always escaped; same document, same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from symnb.viz.squeeze import squeeze_css, squeeze_js
from symnb.viz.svg import escape, kernels_svg, pass_svg

SCRIPTS = (
    "model.js", "draw.js", "code.js", "panes.js", "rules.js", "shell.js", "views.js",
    "app.js",
)  # fmt: skip
MOST_STATIC_NODES = 60
STATIC_BYTES = 36_000  # of pictures of passes in one output
GLYPHS = "+−~="
MARKS = {"ok": "✓", "bad": "<b>! FAILED</b>", "late": "~"}  # of rows of a check
PRE = "overflow:auto;font-size:11.5px;line-height:17px;margin:4px 0"
PACKED = Path(__file__).parent / "static" / "runtime.txt"
# Puts the inspector in the place of tier 1, in the output it was unpacked in.
START = """
const host = document.currentScript.closest(".symnb-output");
const json = host.querySelector("script[type='application/json']").textContent;
const place = document.createElement("div");
const scripts = [...host.querySelectorAll("script")].slice(0, 2)
  .map((e) => e.outerHTML).join("");
const page = () => "<!doctype html><meta charset=utf-8><body>"
  + '<div class="symnb-output">'
  + '<div class="symnb-static"></div>' + scripts + "</div></body>";
new App(place, JSON.parse(json), page);
host.querySelector(".symnb-static").replaceWith(place);
"""
# Unpacks it. Where a browser cannot, tier 1 stays.
LOADER = """
const me = document.currentScript;
const host = me && me.closest ? me.closest(".symnb-output") :
  document.querySelector(".symnb-output:not([data-symnb-up])");
if (host && !host.hasAttribute("data-symnb-up") && self.DecompressionStream) {
  host.setAttribute("data-symnb-up", "");
  const bytes = Uint8Array.from(atob("PACKED"), (c) => c.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(
    new DecompressionStream("deflate"));
  new Response(unpacked).text().then((text) => {
    const script = document.createElement("script");
    script.textContent = text;
    host.append(script);
    script.remove();
  });
}
"""

Json = dict[str, Any]


def html(document: Json) -> str:
    """The whole output of a cell: tiers 1 and 2."""
    data = embed(document)
    script = f"(() => {{{loader()}}})();"
    mark = hashlib.blake2b(data.encode(), digest_size=6).hexdigest()
    return (
        f'<div class="symnb-output" data-symnb-key="{mark}">'
        f'<div class="symnb-static">{static_html(document)}</div>'
        f'<script type="application/json">{data}</script>'
        f"<script>{script}</script></div>"
    )


def page(document: Json) -> str:
    """A self-contained page with the inspector."""
    title = escape(document["meta"]["name"])
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title>'
        "<style>body{margin:12px}@media(prefers-color-scheme:dark)"
        "{body{background:#111;color:#e3e3e3}}</style></head>"
        f"<body>{html(document)}</body></html>\n"
    )


def embed(document: Json) -> str:
    """The document as JSON that can stand inside a script element."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def loader() -> str:
    """The script that unpacks the inspector and starts it, 30 kB."""
    return squeeze_js(LOADER).replace("PACKED", PACKED.read_text("ascii"))


def program() -> str:
    """What is packed: the inspector and its start in one output."""
    return f"(() => {{\n{runtime()}{squeeze_js(START)}}})();"


@cache
def runtime() -> str:
    """The inspector's scripts and its style sheet as one script text."""
    folder = PACKED.parent
    style = squeeze_css((folder / "theme.css").read_text("utf-8"))
    parts = [f"const CSS = {json.dumps(style)};\n"]
    for name in SCRIPTS:
        parts.append(squeeze_js((folder / name).read_text("utf-8")))
    return "".join(parts)


def static_html(document: Json) -> str:
    """Tier 1: heading, picture, a fold for each changed pass and each kernel."""
    meta = document["meta"]
    results = ", ".join(name for name, kind in meta["sinks"] if kind == "output")
    name, inputs = escape(meta["name"]), escape(", ".join(meta["inputs"]))
    nodes = document["summary"].get("nodes", [0, 0])
    kernels = document.get("kernels", [])
    line = f"{nodes[0]} nodes → {nodes[1]} nodes, {len(kernels)} kernels"
    parts = [
        f"<p><b>{name}</b>({inputs}) → {escape(results)} &nbsp; {line}</p>",
        _check(document),
        _picture(document),
    ]
    room = STATIC_BYTES
    for index, step in enumerate(document["passes"]):
        if any(step["counts"]):
            drawn = _pass_picture(document, index)
            fits = len(drawn) <= room
            room -= len(drawn) if fits else 0
            parts.append(_pass(document, index, drawn if fits else ""))
    for kernel in kernels:
        parts.append(
            f"<details><summary>kernel {escape(kernel['name'])}</summary>"
            f'<pre style="{PRE}">{escape(kernel["text"])}</pre></details>'
        )
    return "".join(parts)


def image(svg_text: str, alt: str) -> str:
    """An SVG as an image that survives sanitisers."""
    data = base64.b64encode(svg_text.encode()).decode()
    return (
        f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}" '
        'style="max-width:100%">'
    )


def _picture(document: Json) -> str:
    """The kernels, else the last picture that is small enough."""
    name = document["meta"]["name"]
    if "compiled" in document["summary"]:
        alt = f"{name} compiled: " + ", ".join(k["name"] for k in document["kernels"])
        return image(kernels_svg(document, alt), alt)
    for index in range(len(document["passes"]) - 1, -1, -1):
        if _is_small(document["passes"][index]):
            alt = f"graph of {name}, {document['passes'][index]['nodes'][1]} nodes"
            return image(pass_svg(document, index, alt), alt)
    return ""


def _check(document: Json) -> str:
    """A table of what a check found; nothing where none was made."""
    check = document.get("check")
    if check is None:
        return ""
    rows = []
    for row in check["rows"]:
        if not (row["contract"] or row["name"] == "compiled" or not row["ok"]):
            continue
        note = "" if row["ok"] else row.get("worst", "")
        if "rule" in row:
            note += f"; firing {row['event']}, {row['rule']}: {row['jump']}"
        texts = [row["name"], row["contract"] or "C", row["before"], row["after"]]
        cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
        rows.append(
            f'<tr style="white-space:nowrap"><td>{MARKS[row["state"]]}</td>{cells}'
            f'<td style="white-space:normal">{escape(note)}</td></tr>'
        )
    kept = "every pass within its contract"
    said = f"✓ {kept}" if check["ok"] else "! FAILED: a pass broke its contract"
    return (
        f"<p><b>{said}</b> on {escape(check['sizes'])}</p><table><tr><th></th>"
        "<th>pass</th><th>contract</th><th>before</th><th>after</th><th></th>"
        f"</tr>{''.join(rows)}</table>"
    )


def _is_small(step: Json) -> bool:
    return "picture" in step and len(step["picture"]["nodes"]) <= 4 * MOST_STATIC_NODES


def _counts(step: Json) -> str:
    """ "+2 −3 ~1", without the zeros."""
    pairs = zip(GLYPHS, step["counts"], strict=True)
    return " ".join(f"{glyph}{n}" for glyph, n in pairs if n)


def _pass_picture(document: Json, index: int) -> str:
    """The image of a pass, nothing if it is too big."""
    step = document["passes"][index]
    if not _is_small(step):
        return ""
    alt = f"pass {step['name']}: {_counts(step)}"
    return image(pass_svg(document, index, alt), alt)


def _pass(document: Json, index: int, drawn: str) -> str:
    """One pass: counts, rules that fired, picture."""
    step = document["passes"][index]
    fired: dict[str, int] = {}
    events = document["events"]
    for number in range(*step["events"]):
        rule = events["rule"][number]
        name = document["rules"][rule]["name"] if rule >= 0 else events["kind"][number]
        fired[name] = fired.get(name, 0) + 1
    rules = ", ".join(f"{escape(name)} {n}×" for name, n in fired.items())
    return (
        f"<details><summary>pass {escape(step['name'])}: {_counts(step)}, "
        f"{step['nodes'][0]} → {step['nodes'][1]} nodes</summary>"
        f"<p>{rules}</p>{drawn}</details>"
    )
