"""The demo's page, opened from disk, draws itself without asking for anything."""

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import outside_requests
from tests.browser.lab import screenshot
from tools.page import page as standalone_page

pytestmark = pytest.mark.browser


def test_the_page_is_drawn_offline_without_a_complaint(
    browser: Browser, tmp_path: Path
) -> None:
    text = nbformat.v4.new_markdown_cell("# Loss\n\n$$-\\sum_i y_i \\log p_i$$")
    cell = nbformat.v4.new_code_cell("import numpy as np\nnp.exp(1)")
    cell.outputs = [
        nbformat.v4.new_output("display_data", {"text/html": "<b id=e>2.718</b>"})
    ]
    path = tmp_path / "page.html"
    book = nbformat.v4.new_notebook(cells=[text, cell])
    path.write_text(standalone_page(book, "Demo"), encoding="utf-8")
    with browser.new_context() as context:
        asked, complaints = outside_requests(context), []
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        expect(page.locator("b#e")).to_have_text("2.718")
        formula = page.locator("math[display=block]").bounding_box()
        screenshot(page, "standalone_page")
    assert formula and formula["height"] > 20
    assert (asked, complaints) == ([], [])
