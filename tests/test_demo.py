"""`make demo`: the page it writes stands alone, and its results are the notebook's."""

import nbformat
import pytest

from tools.demo import execute, results
from tools.page import page, remote_addresses, with_mathml


def notebook(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook of the given cells."""
    return nbformat.v4.new_notebook(cells=list(cells))


def code(source: str, *tags: str) -> nbformat.NotebookNode:
    """A code cell."""
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})


def shown(**bundle: str) -> nbformat.NotebookNode:
    """A code cell that has displayed `bundle` (text_html for text/html)."""
    cell = code("show")
    data = {name.replace("_", "/", 1): text for name, text in bundle.items()}
    cell.outputs = [nbformat.v4.new_output("display_data", data)]
    return cell


def test_the_page_loads_nothing_and_keeps_links() -> None:
    text = nbformat.v4.new_markdown_cell("See [the paper](https://example.org/p).")
    html = page(notebook(text, shown(text_html="<b>bold</b>")), "Demo")
    assert list(remote_addresses(html)) == []
    assert 'href="https://example.org/p"' in html
    assert "<b>bold</b>" in html
    assert "<title>Demo</title>" in html


LOADS = [
    "<script src='https://a.example/x.js'></script>",
    "<link rel=stylesheet href='//a.example/x.css'>",
    "<img src='http://a.example/x.png'>",
    "<p style=\"background: url('https://a.example/x.png')\">",
    "<style>@import 'https://a.example/x.css';</style>",
    "<script>import('https://a.example/x.js')</script>",
]


@pytest.mark.parametrize("html", LOADS)
def test_a_page_that_would_load_something_is_refused(html: str) -> None:
    with pytest.raises(ValueError, match=r"a\.example"):
        page(notebook(shown(text_html=html)), "Demo")


def test_formulas_are_mathml_and_code_is_left_alone() -> None:
    text = with_mathml("loss $-\\log p$, price `$x$`\n\n$$\\frac{a}{b}$$")
    assert "<mi>log</mi>" in text.replace("&#x02061;", "")
    assert "`$x$`" in text
    assert "<mfrac>" in text and 'display="block"' in text


def test_a_formula_that_is_not_understood_is_shown_as_written() -> None:
    assert with_mathml("$x_a_b$") == "<code>x_a_b</code>"


def test_latex_output_is_drawn_unless_it_has_html() -> None:
    html = page(notebook(shown(text_latex="$\\displaystyle \\sqrt{x}$")), "Demo")
    assert "<msqrt>" in html
    html = page(notebook(shown(text_latex="$x$", text_html="<i>x</i>")), "Demo")
    assert "<math" not in html


def test_results_are_those_of_the_tagged_cells(tmp_path) -> None:
    book = notebook(
        code("x = 6\nprint('no')"), code("print('six', x)\nx * 7", "result")
    )
    assert execute(book, tmp_path) == ""
    assert results(book) == "six 6\n42"


def test_a_failing_cell_is_told_with_its_error(tmp_path) -> None:
    book = notebook(code("1 / 0"), code("print('never')", "result"))
    assert "ZeroDivisionError" in execute(book, tmp_path)
    assert results(book) == ""
