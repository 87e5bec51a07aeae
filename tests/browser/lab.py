"""What a person does in JupyterLab, as functions of a Playwright page.

Nothing here sleeps: each step waits for what a person would wait for.
Cells count from 0 and only code cells count.
"""

import re
from pathlib import Path
from urllib.parse import quote

import nbformat
from playwright.sync_api import Locator, Page, expect

SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens"
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"

# Null while cells wait or run; then "" or, if the run stopped at an error, its text.
# Run All marks every cell `[*]`; an error puts the cells after it back to `[ ]`.
RAN = """() => {
  const panel = document.querySelector(".jp-NotebookPanel:not(.lm-mod-hidden)");
  const cells = [...panel.querySelectorAll(".jp-CodeCell")].filter(
    cell => cell.querySelector(".cm-content").innerText.trim());
  const prompts = cells.map(c => c.querySelector(".jp-InputPrompt").innerText);
  if (!/\\d/.test(prompts[0]) || prompts.some(text => text.includes("*")))
    return null;
  const errors = [...panel.querySelectorAll('[data-mime-type$="jupyter.stderr"]')];
  const last = cells.at(-1).innerText.includes("Traceback (most recent call last)");
  if (prompts.every(text => /\\d/.test(text)) && !last) return {failure: ""};
  return {failure: errors.at(-1)?.innerText ?? "the run stopped"};
}"""

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def file_stem(text: str) -> str:
    """`text` as a file name that JupyterLab opens: letters, digits, underscores."""
    return re.sub(r"\W+", "_", text).strip("_")


def write_notebook(path: Path, *cells: str) -> Path:
    """`path`, a new notebook of code cells."""
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells]
    )
    book.metadata.kernelspec = KERNEL  # without it JupyterLab asks for one
    nbformat.write(book, path)
    return path


def copy_notebook(source: Path, path: Path) -> Path:
    """`path`, a copy of the notebook `source` that has not run yet."""
    book = nbformat.read(source, as_version=4)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(book, path)
    return path


def open_notebook(page: Page, path: Path) -> None:
    """Open `path`, a notebook in the server's folder, and wait for its kernel."""
    name = quote(path.name)
    page.goto(f"/lab/workspaces/{file_stem(path.stem)}/tree/{name}?reset")
    page.locator(f"{PANEL} .jp-Cell").first.wait_for()
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    page.wait_for_function(
        """async (name) => {
          const sessions = await (await fetch("/api/sessions")).json();
          return sessions.some(
            s => s.path === name && s.kernel.execution_state === "idle");
        }""",
        arg=path.name,
    )


def run_all(page: Page) -> None:
    """Run all cells and wait for the last; AssertionError if one fails."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    failure = page.wait_for_function(RAN).json_value()["failure"]
    assert not failure, f"a cell failed:\n{failure}"


def cell(page: Page, i: int) -> Locator:
    """The i-th code cell."""
    return page.locator(f"{PANEL} .jp-CodeCell").nth(i)


def cell_output(page: Page, i: int) -> Locator:
    """What the i-th code cell shows below its source."""
    return cell(page, i).locator(".jp-Cell-outputArea")


def save(page: Page) -> None:
    """Save the notebook, as Control+S does, and wait until it is on disk."""
    page.locator(f"{PANEL} .jp-Cell").first.click()
    with page.expect_response(lambda r: r.request.method == "PUT" and r.ok):
        page.keyboard.press("Control+s")


def choose_theme(page: Page, name: str) -> None:
    """Switch JupyterLab's theme, as Settings > Theme does."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    labels = page.locator(".lm-Menu-itemLabel")  # a submenu has no role
    labels.get_by_text("Theme", exact=True).hover()
    page.get_by_role("menuitemcheckbox", name=name).or_(
        labels.get_by_text(name, exact=True)
    ).first.click()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", name)


def screenshot(page: Page, name: str) -> Path:
    """Path of a picture of the page, build/screens/<name>.png."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    path = SCREENS / f"{file_stem(name)}.png"
    page.screenshot(path=path)
    return path
