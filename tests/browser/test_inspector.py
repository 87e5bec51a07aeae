"""The inspector inside JupyterLab: live, after saving and reopening, and untrusted."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import cell_output, open_notebook, run_all

pytestmark = [pytest.mark.browser, pytest.mark.cc]

CELL = """
import symnb
import symnb.tensor as T

x, y = T.dvector("x"), T.dvector("y")
p = T.exp(x) / T.exp(x).sum()
loss = -(T.log(p) * y).sum()
f = symnb.function([x, y], [loss, symnb.grad(loss, x)], name="f")
f
"""
INSPECTOR = "[data-symnb=inspector]"


@pytest.fixture
def shown(page: Page, notebook: Callable[..., Path]) -> Iterator[tuple[Page, Path]]:
    """A notebook whose one cell has run and shows a function."""
    path = notebook(CELL)
    open_notebook(page, path)
    run_all(page)
    expect(cell_output(page, 0).locator(INSPECTOR)).to_be_visible()
    yield page, path


def test_a_pass_and_a_node_answer_clicks_and_keys_stay_inside(
    shown: tuple[Page, Path],
) -> None:
    page, _ = shown
    page.locator("[data-symnb-view=passes]").click()
    page.locator("[data-symnb-pass=stabilise]").last.click()
    added = page.locator(".view [data-symnb-state=added]")
    expect(added.first).to_be_visible()
    page.keyboard.press("l")
    expect(page.locator("[data-symnb-match]").first).to_be_visible()
    added.first.click()
    expect(page.locator("[data-symnb-tab=node]")).to_have_attribute(
        "aria-selected", "true"
    )
    cells = page.locator(".jp-NotebookPanel .jp-Cell").count()
    for key in ("b", "d", "d", "a"):
        page.keyboard.press(key)
    assert page.locator(".jp-NotebookPanel .jp-Cell").count() == cells


def test_the_colours_follow_the_theme_of_the_notebook(
    shown: tuple[Page, Path],
) -> None:
    page, _ = shown
    root = page.locator(INSPECTOR)
    before = root.evaluate("e => getComputedStyle(e).backgroundColor")
    page.locator(".lm-MenuBar-itemLabel", has_text="Settings").click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Theme$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^JupyterLab Dark$")).click()
    expect(page.locator("body[data-jp-theme-light=false]")).to_have_count(1)
    page.wait_for_function(
        """([selector, old]) => {
          const place = document.querySelector("[data-symnb-up] > div");
          const root = place && place.shadowRoot.querySelector(selector);
          return root && getComputedStyle(root).backgroundColor !== old;
        }""",
        arg=[INSPECTOR, before],
    )


def test_a_saved_output_is_alive_without_its_kernel_and_still_when_untrusted(
    shown: tuple[Page, Path], notebook: Callable[..., Path]
) -> None:
    page, path = shown
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Control+s")
    saved = _wait_for_output(page, path)
    assert set(saved["data"]) == {"text/plain", "text/html"}
    copy = path.with_name(path.stem + "_copy.ipynb")
    book = nbformat.read(path, as_version=4)
    book.cells[0].outputs[0]["data"]["text/html"] += " "
    nbformat.write(book, copy)
    open_notebook(page, copy)
    output = cell_output(page, 0)
    expect(output.locator("img[alt]").first).to_be_visible()
    assert output.locator("img[alt]").first.evaluate("e => e.naturalWidth") > 0
    assert output.locator("details").count() >= 3
    assert output.locator(INSPECTOR).count() == 0


def _wait_for_output(page: Page, path: Path) -> dict:
    """The first output of the saved notebook."""
    for _ in range(100):
        text = path.read_text("utf-8")  # empty for a moment while it is written
        outputs = nbformat.reads(text, 4).cells[0].outputs if text else []
        if outputs:
            return outputs[0]
        page.wait_for_timeout(100)
    raise AssertionError("the notebook was not saved")
