"""A notebook as one self-contained HTML page that asks for nothing from outside.

nbconvert's own page loads RequireJS, MathJax and Mermaid from the network. Ours
(tools/templates/standalone) drops them, writes formulas as MathML, which browsers
draw themselves, and shows a widget's static picture instead of the widget.
"""

import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from latex2mathml import exceptions
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from traitlets.config import Config

TEMPLATES = Path(__file__).resolve().parent / "templates"

# What of an output is shown: the first of these that it has.
SHOWN = ["text/html", "image/svg+xml", "image/png", "text/markdown", "text/plain"]

# Code, which is left alone | $$display$$ | $inline$.
MATH = re.compile(
    r"(```[\s\S]*?```|`[^`\n]*`)|\$\$([\s\S]+?)\$\$|\$([^\s$](?:[^$\n]*[^\s$])?)\$"
)
REMOTE = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
CSS_URL = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""")
SCRIPT_URL = re.compile(r"""["'`](https?://(?!www\.w3\.org/)[^"'`]*)""")


# latex2mathml's errors have no common base.
NOT_UNDERSTOOD = tuple(
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, Exception)
)


def mathml(latex: str, display: str) -> str:
    """The formula as MathML, or as its source where it is not understood."""
    try:
        return convert(latex.strip(), display=display)
    except NOT_UNDERSTOOD:
        return f"<code>{escape(latex)}</code>"


def with_mathml(markdown: str) -> str:
    """`markdown` with its formulas as MathML."""

    def replace(match: re.Match[str]) -> str:
        code, block, inline = match.groups()
        if code:
            return code
        return mathml(block, "block") if block else mathml(inline, "inline")

    return MATH.sub(replace, markdown)


def prepare(book: nbformat.NotebookNode) -> None:
    """Replace the formulas of `book`, in its text and its outputs, by MathML."""
    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = with_mathml(cell.source)
        for output in cell.get("outputs", ()):
            bundle = output.get("data", {})
            if "text/latex" in bundle and "text/html" not in bundle:
                latex = bundle["text/latex"].strip().strip("$").strip()
                latex = re.sub(r"^\\displaystyle\s*", "", latex)
                bundle["text/html"] = mathml(latex, "block")


def page(book: nbformat.NotebookNode, title: str) -> str:
    """The HTML of `book`; ValueError if it would ask for something from outside."""
    prepare(book)
    book.metadata.title = title
    config = Config({"NbConvertBase": {"display_data_priority": SHOWN}})
    exporter = HTMLExporter(
        config=config,
        template_name="standalone",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
    )
    html, _ = exporter.from_notebook_node(book)
    if asked := list(remote_addresses(html)):
        raise ValueError(f"the page would ask for {', '.join(asked)}")
    return html


def remote_addresses(html: str) -> Iterator[str]:
    """Addresses outside the page that a browser showing `html` would load."""
    reader = _Reader()
    reader.feed(html)
    yield from (address for address in reader.loads if REMOTE.match(address))


class _Reader(HTMLParser):
    """Collects what scripts, styles and elements of a page load; links are not."""

    LOADING = frozenset({"src", "srcset", "data", "poster", "background"})

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        for name, value in attrs:
            if name in self.LOADING or (name == "href" and tag == "link"):
                self.loads.append(value or "")
            elif name == "style":
                self.loads += CSS_URL.findall(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "style":
            self.loads += CSS_URL.findall(data)
        elif self.inside == "script":
            self.loads += SCRIPT_URL.findall(data)
