"""The browser tests' own footing: JupyterLab runs cells, widgets and errors here."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import outside_requests
from tests.browser.lab import cell_output, open_notebook, run_all

pytestmark = pytest.mark.browser

COUNTER = '''
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    _esm = """
    export default { render({ model, el }) {
      const button = document.createElement("button");
      const show = () => { button.textContent = "count " + model.get("count"); };
      button.onclick = () => {
        model.set("count", model.get("count") + 1);
        model.save_changes();
      };
      model.on("change:count", show);
      show();
      el.append(button);
    } };
    """
    count = traitlets.Int(40).tag(sync=True)

    @traitlets.observe("count")
    def _even(self, change):
        if self.count % 2:
            self.count += 1

Counter()
'''


def test_cells_run_and_show_their_results(
    page: Page, notebook: Callable[..., Path]
) -> None:
    path = notebook(
        "import numpy as np\nx = np.arange(5.0)",
        "print(x @ x)",
        "from IPython.display import HTML\nHTML('<b id=bold>sum %g</b>' % x.sum())",
    )
    open_notebook(page, path)
    run_all(page)
    expect(cell_output(page, 0)).to_be_empty()
    expect(cell_output(page, 1)).to_have_text("30.0\n")
    expect(cell_output(page, 2).locator("b#bold")).to_have_text("sum 10")


def test_a_widget_answers_a_click_through_the_kernel(
    page: Page, notebook: Callable[..., Path]
) -> None:
    open_notebook(page, notebook(COUNTER))
    run_all(page)
    button = cell_output(page, 0).get_by_role("button", name="count")
    expect(button).to_have_text("count 40")
    button.click()
    expect(button).to_have_text("count 42")


@pytest.mark.parametrize("cells", [["1 / 0", "print('never')"], ["2", "1 / 0"]])
def test_a_failing_cell_is_reported_with_its_traceback(
    page: Page, notebook: Callable[..., Path], cells: list[str]
) -> None:
    open_notebook(page, notebook(*cells))
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_all(page)


def test_a_request_outside_this_machine_is_seen(browser: Browser) -> None:
    with browser.new_context() as context:
        asked = outside_requests(context)
        page = context.new_page()
        page.set_content("<img src='https://cdn.example/a.png'>")
        page.wait_for_load_state()
    assert asked == ["https://cdn.example/a.png"]
