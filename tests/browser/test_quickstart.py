"""The quickstart in JupyterLab: its inspector answers, is saved, and comes back.

The notebook runs once for the whole file. Every test starts from the closed inspector
of the cell that defines `step`; those of the saved file use a server of their own.
"""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import TIMEOUT, outside_requests
from tests.browser.lab import (
    PANEL,
    cell_output,
    choose_theme,
    copy_notebook,
    open_notebook,
    run_all,
    save,
    screenshot,
)
from tests.browser.server import Server, serve

pytestmark = pytest.mark.browser

QUICKSTART = Path(__file__).resolve().parents[2] / "notebooks" / "00_quickstart.ipynb"
STEP = 3  # the code cell that defines `step`
VIEWPORT = {"width": 1400, "height": 1000}
INSPECTOR = '[data-symnb="inspector"]'
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"

# Nodes of the picture in each state: {"added": ["12", ...], ...}; far copies of a
# node are not counted twice.
STATES = """root => {
  const found = {};
  for (const node of root.querySelectorAll(".view [data-symnb-node]"))
    (found[node.dataset.symnbState] ??= new Set()).add(node.dataset.symnbNode);
  return Object.fromEntries(Object.entries(found).map(([k, v]) => [k, [...v].sort()]));
}"""


@pytest.fixture(scope="module")
def lab(browser: Browser, server: Server) -> Iterator[Page]:
    """The quickstart, run and saved."""
    path = copy_notebook(QUICKSTART, server.folder / "quickstart.ipynb")
    with browser.new_context(base_url=server.url, viewport=VIEWPORT) as context:
        context.set_default_timeout(TIMEOUT)
        asked = outside_requests(context)
        page = context.new_page()
        page.goto(f"/api/status?token={server.token}")
        open_notebook(page, path)
        run_all(page)
        expect(page.locator(INSPECTOR)).to_have_count(2)
        save(page)
        yield page
    assert asked == [], f"requests outside this machine: {asked}"


@pytest.fixture
def inspector(lab: Page, request: pytest.FixtureRequest) -> Iterator[Locator]:
    """The inspector of `step`, closed; its end is pictured in build/screens."""
    root = cell_output(lab, STEP).locator(INSPECTOR)
    root.scroll_into_view_if_needed()
    yield root
    screenshot(lab, request.node.name)
    for _ in range(3):  # selection, firing, inspector
        if root.locator(".body").count():
            root.press("Escape")
    expect(root.locator(".body")).to_have_count(0)


def open_view(inspector: Locator, view: str) -> None:
    """Open one of the inspector's views by its button."""
    inspector.locator(f"[data-symnb-view={view}]").click()
    expect(inspector.locator(f".body.{view}")).to_be_visible()


def choose_pass(inspector: Locator, name: str) -> Locator:
    """The row of the last pass of this name, clicked."""
    row = inspector.locator(f'[data-symnb-pass="{name}"]').last
    row.click()
    expect(row).to_have_attribute("aria-selected", "true")
    expect(row).to_be_in_viewport()
    return row


def test_the_closed_inspector_shows_both_graphs(inspector: Locator) -> None:
    pictures = inspector.locator(".pics svg[role=img]")
    expect(pictures).to_have_count(2)
    expect(inspector).to_contain_text("step(X, y) → loss, acc")
    for label in ("X", "y", "W", "b", "dot", "gemm", "loss", "acc"):
        expect(pictures.nth(1).get_by_text(label, exact=True).first).to_be_visible()


def test_a_clicked_pass_draws_as_many_nodes_of_each_state_as_its_row_counts(
    inspector: Locator,
) -> None:
    open_view(inspector, "passes")
    rows = inspector.locator("[data-symnb-pass]").all()
    before, kinds = None, set()
    for row in rows:
        row.click()
        expect(row).to_have_attribute("aria-selected", "true")
        states = inspector.evaluate(STATES)
        for state in ("added", "removed", "rewired"):
            shown = row.locator(f".st-{state}")
            count = int(shown.inner_text()[1:]) if shown.count() else 0
            assert len(states.get(state, [])) == count, (row.inner_text(), state)
        changed = {state for state in states if state != "unchanged"}
        assert not changed or states != before, "the picture did not change"
        before, kinds = states, kinds | changed
    assert kinds == {"added", "removed", "rewired", "merged"}


def test_before_and_after_show_the_node_sets_of_the_diff(inspector: Locator) -> None:
    open_view(inspector, "passes")
    choose_pass(inspector, "stabilise")
    states = inspector.evaluate(STATES)
    drawn = {}
    for mode in ("before", "after"):
        inspector.locator(f"[data-symnb-mode={mode}]").click()
        sets = inspector.evaluate(STATES).values()
        drawn[mode] = {row for rows in sets for row in rows}
    inspector.locator("[data-symnb-mode=diff]").click()
    assert drawn["before"] - drawn["after"] == set(states["removed"])
    assert drawn["after"] - drawn["before"] == set(states["added"])


def test_a_clicked_node_tells_what_it_is_and_links_source_and_kernel_line(
    inspector: Locator,
) -> None:
    open_view(inspector, "passes")
    choose_pass(inspector, "fuse")
    nodes = inspector.locator(".view [data-symnb-node]")
    nodes.and_(inspector.locator('[aria-label*=" add, f64[n, 10]"]')).first.click()
    expect(inspector.locator("[data-symnb-tab=node]")).to_have_attribute(
        "aria-selected", "true"
    )
    expect(inspector.locator(".col:last-child h4")).to_have_text("add")
    expect(inspector.locator(".col:last-child .kv").first).to_contain_text("X @ W + b")
    linked = inspector.locator(".col:last-child .code .sp[data-symnb-linked]")
    expect(linked.first).to_be_visible()
    assert "".join(linked.all_inner_texts()).strip() == "+ b"  # the product is dot's
    inspector.locator("[data-symnb-tab=kernel]").click()
    line = inspector.locator(".col:last-child .code .ln[data-symnb-linked]")
    expect(line.first).to_be_visible()
    assert any("+" in text for text in line.all_inner_texts())
    inspector.locator("[data-symnb-tab=source]").click()


def test_the_kernels_view_shows_loops_in_c(inspector: Locator) -> None:
    open_view(inspector, "kernels")
    inspector.locator('[data-symnb-kernel="k1"]').click()
    code = inspector.locator(".col:last-child .code").first
    expect(code).to_contain_text("for (")
    expect(code).to_contain_text("static")


def test_keys_step_through_firings_and_do_not_reach_the_notebook(
    lab: Page, inspector: Locator
) -> None:
    cells = lab.locator(f"{PANEL} .jp-Cell")
    before = cells.count()
    inspector.press("Enter")
    choose_pass(inspector, "simplify")
    event = inspector.locator("[data-symnb-event]")
    for number in (1, 2, 3):
        inspector.press("l")
        expect(event).to_have_attribute("data-symnb-event", str(number))
        expect(inspector.locator("[data-symnb-match]").first).to_be_attached()
    expect(inspector.locator(".col:last-child h4").first).not_to_be_empty()
    expect(inspector.locator(".ruletext div")).not_to_have_count(0)
    for key in ("b", "d", "d", "x", "h"):
        inspector.press(key)
    expect(event).to_have_attribute("data-symnb-event", "2")
    assert cells.count() == before
    inspector.press("Escape")
    expect(event).to_have_attribute("data-symnb-event", "0")
    inspector.press("Escape")
    expect(inspector.locator(".body")).to_have_count(0)


def test_the_inspector_follows_the_theme(lab: Page, inspector: Locator) -> None:
    colours = """root => [root, root.querySelector(".head")].map(
        element => getComputedStyle(element).backgroundColor)"""
    choose_theme(lab, LIGHT)  # the server remembers what an earlier test chose
    expect(inspector).to_have_css("background-color", "rgb(255, 255, 255)")
    light = inspector.evaluate(colours)
    choose_theme(lab, DARK)
    try:
        inspector.scroll_into_view_if_needed()
        # The host's style sheet arrives when it arrives.
        expect(inspector).not_to_have_css("background-color", light[0])
        expect(inspector.locator(".head")).not_to_have_css("background-color", light[1])
        screenshot(lab, "quickstart_closed_dark")
        open_view(inspector, "passes")
        screenshot(lab, "quickstart_open_dark")
    finally:
        choose_theme(lab, LIGHT)
    expect(inspector.locator(".head")).to_have_css("background-color", light[1])


@pytest.fixture(scope="module")
def reopened(browser: Browser, server: Server, lab: Page) -> Iterator[Page]:
    """A page of a fresh server over the same files, which ran nothing yet."""
    with serve(server.home, server.folder) as fresh:
        with browser.new_context(base_url=fresh.url, viewport=VIEWPORT) as context:
            context.set_default_timeout(TIMEOUT)
            asked = outside_requests(context)
            page = context.new_page()
            page.goto(f"/api/status?token={fresh.token}")
            yield page
        assert asked == [], f"requests outside this machine: {asked}"


def test_the_saved_notebook_shows_the_inspector_before_anything_runs(
    reopened: Page,
) -> None:
    reopened.goto("/lab/workspaces/saved/tree/quickstart.ipynb?reset")
    expect(reopened.locator(INSPECTOR)).to_have_count(2)
    inspector = cell_output(reopened, STEP).locator(INSPECTOR)
    open_view(inspector, "passes")
    choose_pass(inspector, "stabilise")
    assert inspector.evaluate(STATES)["added"]
    expect(reopened.get_by_text("model not found")).to_have_count(0)
    screenshot(reopened, "quickstart_saved")


def test_an_untrusted_copy_shows_pictures_and_folds(
    reopened: Page, server: Server
) -> None:
    book = nbformat.read(server.folder / "quickstart.ipynb", as_version=4)
    cells = [cell for cell in book.cells if cell.source.startswith("%%symfunc")]
    outputs = [o for cell in cells for o in cell.outputs]
    shown = [o.data for o in outputs if "text/html" in o.get("data", {})]
    assert [sorted(data) for data in shown] == [["text/html", "text/plain"]] * 2
    for data in shown:
        data["text/html"] += "\n"  # not what this server signed
    nbformat.write(book, server.folder / "untrusted.ipynb")
    reopened.goto("/lab/workspaces/untrusted/tree/untrusted.ipynb?reset")
    output = cell_output(reopened, STEP)
    picture = output.locator("img[alt*=step]").first
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.naturalWidth") > 0
    expect(reopened.locator(INSPECTOR)).to_have_count(0)
    folds = output.locator("details")
    assert folds.count() >= 3
    kernel = folds.filter(has_text="kernel k1")
    kernel.locator("summary").click()
    expect(kernel.locator("pre")).to_contain_text("for (")
    screenshot(reopened, "quickstart_untrusted")
