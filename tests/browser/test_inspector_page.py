"""The interactive inspector in a real browser, from a file, with the network cut."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import symnb
import symnb.tensor as T
from symnb.optim.passes import apply
from symnb.optim.pipeline import PIPELINE
from symnb.optim.rule import holes, rule, ruleset
from symnb.viz.document import document
from symnb.viz.html import html, page
from symnb.viz.show import check_document
from tests.viz.sample import story

pytestmark = pytest.mark.browser
# A drawing gets its size in the frame after it is made: places are those after it.
PLACES = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame().then(frame);
  const root = document.querySelector('[data-symnb-up] div').shadowRoot;
  const zero = root.querySelector('.view svg').getBoundingClientRect();
  const place = (node) => {
    const box = node.querySelector('.o').getBoundingClientRect();
    return [node.dataset.symnbNode, [box.x - zero.x, box.y - zero.y]];
  };
  const nodes = root.querySelector('.view').querySelectorAll('.n[data-symnb-node]');
  return Object.fromEntries([...nodes].map(place));
}"""
NODE = "[data-symnb-node='{}']"


@pytest.fixture(scope="module")
def told() -> dict:
    return document(story())


@pytest.fixture
def opened(browser: Browser, told: dict, tmp_path: Path) -> Iterator[Page]:
    """The page of the sample; fails on any request or complaint."""
    path = tmp_path / "page.html"
    path.write_text(page(told), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    asked: list[str] = []
    complaints: list[str] = []
    view = context.new_page()
    view.on("request", lambda request: asked.append(request.url))
    view.on("console", lambda message: complaints.append(message.text))
    view.on("pageerror", lambda error: complaints.append(str(error)))
    view.goto(path.as_uri())
    yield view
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert complaints == []


def row(told: dict, label: str) -> int:
    return [told["str"][i] for i in told["nodes"]["label"]].index(label)


def open_pass(view: Page, name: str) -> None:
    view.locator("[data-symnb-view=passes]").click()
    view.locator(f"[data-symnb-pass='{name}']").click()


def test_the_collapsed_state_shows_kernels_and_opens_with_enter(opened: Page) -> None:
    inspector = opened.locator("[data-symnb=inspector]")
    expect(inspector).to_contain_text("4 kernels")
    expect(inspector).to_contain_text("log(exp(x) / sum(exp(x)))")
    assert opened.locator(".symnb-static").count() == 0
    inspector.focus()
    opened.keyboard.press("Enter")
    expect(opened.locator("[data-symnb-pass]")).to_have_count(5)


def test_states_of_the_nodes_are_the_counts_of_the_pass(
    opened: Page, told: dict
) -> None:
    open_pass(opened, "stabilise")
    step = next(p for p in told["passes"] if p["name"] == "stabilise")
    found = [
        opened.locator(f".view [data-symnb-state={state}]").count()
        for state in ("added", "removed", "rewired", "merged")
    ]
    added, removed, rewired, merged = step["counts"]
    assert found == [added, removed, rewired, 2 * merged]
    text = opened.locator("[data-symnb-pass=stabilise]").inner_text()
    assert f"+{added}" in text and f"−{removed}" in text


def test_nodes_keep_their_place_in_diff_before_and_after(opened: Page) -> None:
    open_pass(opened, "stabilise")

    def places() -> dict[str, tuple[float, float]]:
        return opened.evaluate(PLACES)

    both = places()
    for key, least in (("2", 20), ("3", 20)):
        opened.keyboard.press(key)
        shown = places()
        assert least < len(shown) < len(both)
        assert all(both[name] == at for name, at in shown.items())
    opened.keyboard.press("4")
    expect(opened.locator(".view")).to_have_count(2)


def test_firings_are_stepped_with_keys_and_show_their_rule(opened: Page) -> None:
    open_pass(opened, "stabilise")
    opened.keyboard.press("l")
    expect(opened.locator("[data-symnb-event]")).to_have_text("1/3")
    right = opened.locator(".body > .col").last
    expect(right).to_contain_text("log_softmax")
    expect(right).to_contain_text("x - logsumexp(x)")
    expect(right).to_contain_text("optim/rules/stability.py:31")
    expect(opened.locator("[data-symnb-match]")).to_have_count(4)
    opened.keyboard.press("h")
    expect(opened.locator("[data-symnb-match]")).to_have_count(0)


def test_a_node_a_span_and_a_line_are_linked_both_ways(
    opened: Page, told: dict
) -> None:
    opened.locator("[data-symnb-view=kernels]").click()
    opened.locator("[data-symnb-kernel='k2 softmax_row']").click()
    node = opened.locator(NODE.format(row(told, "softmax"))).first
    node.hover()
    linked = opened.locator("[data-symnb-linked]")
    expect(opened.locator(".ln[data-symnb-linked]").first).to_be_visible()
    expect(opened.locator(".sp[data-symnb-linked]").first).to_be_visible()
    line = opened.locator(".ln[data-line='21']").first
    line.hover()
    assert node.get_attribute("data-symnb-linked") == ""
    line.focus()
    opened.keyboard.press("Enter")
    opened.mouse.move(1, 1)
    assert linked.count() >= 2


def test_find_outlines_the_nodes_of_that_name(opened: Page, told: dict) -> None:
    open_pass(opened, "stabilise")
    opened.keyboard.press("/")
    opened.keyboard.type("sub")
    step = next(p for p in told["passes"] if p["name"] == "stabilise")
    rows = step["picture"]["nodes"][::4]
    labels = [told["str"][told["nodes"]["label"][r]] for r in rows if r >= 0]
    expect(opened.locator(".hit")).to_have_count(labels.count("sub"))


def test_keys_stay_inside_and_escape_leaves_step_by_step(opened: Page) -> None:
    opened.evaluate(
        "() => { window.heard = []; document.addEventListener('keydown',"
        " e => window.heard.push(e.key)); }"
    )
    open_pass(opened, "stabilise")
    for key in ("b", "d", "d", "l", "Escape", "Escape"):
        opened.keyboard.press(key)
    assert opened.evaluate("() => window.heard") == []
    expect(opened.locator("[data-symnb-pass]")).to_have_count(0)
    root = opened.locator("[data-symnb=inspector]")
    assert root.get_attribute("data-lm-suppress-shortcuts") == "true"
    assert root.get_attribute("tabindex") == "0"


def test_the_theme_follows_the_host_without_a_new_run(opened: Page) -> None:
    root = opened.locator("[data-symnb=inspector]")
    colour = "e => getComputedStyle(e).backgroundColor"
    light = root.evaluate(colour)
    opened.emulate_media(color_scheme="dark")
    expect(root).to_have_class("root shut dark")
    dark = root.evaluate(colour)
    assert light == "rgb(255, 255, 255)" and dark == "rgb(17, 17, 17)"
    opened.evaluate("() => { document.body.dataset.jpThemeLight = 'true'; }")
    expect(root).not_to_have_class("root shut dark")


def test_no_view_scrolls_sideways_and_narrow_ones_have_tabs(opened: Page) -> None:
    for width in (1400, 900, 760, 400):
        opened.set_viewport_size({"width": width, "height": 900})
        for view in ("passes", "kernels", "profile", "memory"):
            opened.locator(f"[data-symnb-view={view}]").first.click()
            wide = opened.evaluate("() => document.documentElement.scrollWidth")
            assert wide <= width, (view, width, wide)
    expect(opened.locator(".narrow")).to_be_visible()


def test_two_copies_on_a_page_work_apart(browser: Browser, told: dict) -> None:
    context = browser.new_context()
    view = context.new_page()
    view.set_content(html(told) + html(told))
    roots = view.locator("[data-symnb=inspector]")
    expect(roots).to_have_count(2)
    view.locator("[data-symnb-view=memory]").first.click()
    expect(view.locator(".body.memory")).to_have_count(1)
    context.close()


def test_every_part_can_be_missing(browser: Browser, told: dict) -> None:
    bare = {
        key: value
        for key, value in told.items()
        if key not in ("kernels", "memory", "profile")
    }
    bare["summary"] = {"facts": [], "highlights": []}
    complaints: list[str] = []
    context = browser.new_context()
    view = context.new_page()
    view.on("pageerror", lambda error: complaints.append(str(error)))
    view.set_content(html(bare))
    view.locator("[data-symnb-view]").click()
    for key in "jjjjlllhkkk1234f/":
        view.keyboard.press(key)
    assert complaints == []
    expect(view.locator("[data-symnb-view]")).to_have_count(1)
    context.close()


@pytest.fixture(scope="module")
def checked() -> dict:
    """The document of a check that finds a planted wrong rule."""
    [x] = holes("x")
    wrong = ruleset("planted", [rule(T.sin(x), x, "rounding", name="sin_is_x")])
    a = T.dvector("a")
    mode = PIPELINE.after("simplify", apply(wrong, "planted"))
    wave = symnb.function([a], T.sin(a * 1.0) + T.exp(a), mode=mode, name="wave")
    return check_document(wave.check([np.linspace(-1, 1, 9)]))


def test_a_failed_check_opens_at_the_rule_that_broke_it(
    browser: Browser, checked: dict
) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    view = context.new_page()
    view.set_content(page(checked))
    broken = view.locator(".pass.broke")
    expect(broken).to_have_count(1)
    expect(broken).to_contain_text("planted")
    right = view.locator(".body > .col").last
    expect(right.get_by_role("alert")).to_contain_text("This firing broke the check")
    expect(right).to_contain_text("sin_is_x")
    view.locator("[data-symnb-tab=check]").click()
    expect(right.locator("tr.broke").first).to_contain_text("planted")
    expect(right).to_contain_text("out[0] is -0.6321206, should be -0.4735915")
    view.locator("[data-symnb-tab=text]").click()
    expect(view.locator("[data-symnb-diff='-']").first).to_contain_text("sin(a)")
    expect(view.locator("[data-symnb-diff='+']").first).to_contain_text("add(a, ")
    context.close()
