"""The output of a cell: complete without script, escaped, and asking for nothing."""

import base64
import json
import re
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symnb.viz.document import document
from symnb.viz.html import (
    PACKED,
    embed,
    html,
    loader,
    page,
    program,
    runtime,
    static_html,
)
from symnb.viz.svg import escape, pass_svg
from tests.viz.sample import story

GOLDEN = Path(__file__).parent.parent / "golden" / "viz"
NASTY = ["<script>alert(1)</script>", "</script><b>", "\"'&<>", "a\x00b\ud800", "]]>"]


class Tags(HTMLParser):
    """Names of the elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag == "img":
            self.images.append(dict(attrs))


def tags(text: str) -> Tags:
    parser = Tags()
    parser.feed(text)
    return parser


def named(name: str) -> dict:
    told = story(reproducible=True)
    for record in told.passes:
        for graph in (record.before, record.after):
            for member in graph.order:
                if member.op.name == "input":
                    member.name = name
    sinks = tuple((name, kind) for _, kind in told.sinks)
    return document(replace(told, name=name, inputs=(name, name), sinks=sinks))


def test_tier_one_has_no_script_and_no_inline_svg() -> None:
    found = tags(static_html(document(story())))
    assert not {"script", "svg", "style", "iframe", "link"} & set(found.tags)
    assert found.tags.count("details") >= 3 + 4  # changed passes, kernels
    assert found.handlers == []


def test_every_picture_of_tier_one_is_well_formed_and_described() -> None:
    images = tags(static_html(document(story()))).images
    assert len(images) >= 2
    for image in images:
        head, data = image["src"].split(",", 1)
        assert head == "data:image/svg+xml;base64"
        root = ElementTree.fromstring(base64.b64decode(data))
        assert root.tag.endswith("svg") and int(root.get("width")) > 0
        assert image["alt"]


def test_the_whole_output_has_exactly_two_scripts() -> None:
    found = tags(html(document(story())))
    assert found.tags.count("script") == 2


@pytest.mark.parametrize("name", NASTY)
def test_names_cannot_become_markup(name: str) -> None:
    text = html(named(name))
    found = tags(text)
    assert found.tags.count("script") == 2
    plain = tags(static_html(named("plain"))).tags
    assert tags(static_html(named(name))).tags == plain
    assert "alert(1)</script>" not in text
    data = re.search(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    told = json.loads(data.group(1))
    assert told["meta"]["name"] == name


@given(st.text(max_size=30))
def test_a_picture_is_xml_whatever_the_names(name: str) -> None:
    told = document(story(reproducible=True))
    told["str"] = [name] * len(told["str"])
    ElementTree.fromstring(pass_svg(told, 1, name).encode())


@given(st.text())
def test_escaped_text_reads_back(text: str) -> None:
    element = ElementTree.fromstring(f"<a>{escape(text)}</a>".encode())
    allowed = [
        c
        for c in text
        if (c in "\t\n" or ord(c) >= 32)
        and ord(c) not in (0xFFFE, 0xFFFF)
        and not 0xD800 <= ord(c) <= 0xDFFF
    ]
    assert (element.text or "") == "".join(allowed)


def test_embedded_json_cannot_close_the_script() -> None:
    text = embed({"a": "</script><!--", "b": "\u2028"})
    assert "<" not in text and "\u2028" not in text
    assert json.loads(text) == {"a": "</script><!--", "b": "\u2028"}


def test_nothing_is_fetched_and_nothing_is_evaluated() -> None:
    text = page(document(story()))
    links = set(re.findall(r"https?://[^\s\"'`<>)]*", text + program()))
    assert links == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(eval|Function|fetch|import)\s*\(", runtime())
    assert "innerHTML" not in runtime()


def test_the_same_document_gives_the_same_bytes() -> None:
    first = html(document(story(reproducible=True)))
    assert first == html(document(story(reproducible=True)))
    assert not re.search(r"0x[0-9a-f]{6,}", static_html(document(story())))


@pytest.mark.parametrize("index", [1, 3, 5])
def test_pictures_are_the_golden_ones(index: int) -> None:
    told = document(story(reproducible=True))
    name = told["passes"][index]["name"]
    golden = GOLDEN / f"{name}.svg"
    assert pass_svg(told, index, name) == golden.read_text("utf-8")


def test_the_output_is_small() -> None:
    told = document(story())
    assert len(embed(told)) < 24_000
    assert len(loader()) < 36_000
    assert len(html(told)) < 120_000


def test_what_is_packed_is_the_scripts_as_they_are() -> None:
    unpacked = zlib.decompress(base64.b64decode(PACKED.read_text("ascii"))).decode()
    assert unpacked == program(), "scripts changed: run python -m tools.runtime"
