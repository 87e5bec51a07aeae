"""Tables: rows of cells as aligned text and as HTML without script.

For the reports of checks, rules and ablation. User text is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence

from symnb.compile.ablation import Ablation
from symnb.viz.svg import escape

Cells = Sequence[str]
RIGHT = "text-align:right;padding:1px 8px"
LEFT = "text-align:left;padding:1px 8px"


def table_text(rows: Sequence[Cells], numbers: Sequence[int] = ()) -> str:
    """Rows with aligned columns; columns in `numbers` to the right."""
    width = max((len(row) for row in rows), default=0)
    padded = [[*row, *[""] * (width - len(row))] for row in rows]
    sizes = [max(len(row[i]) for row in padded) for i in range(width)]

    def cell(text: str, at: int) -> str:
        return text.rjust(sizes[at]) if at in numbers else text.ljust(sizes[at])

    return "\n".join(
        "  ".join(cell(text, at) for at, text in enumerate(row)).rstrip()
        for row in padded
    )


def table_html(
    rows: Sequence[Cells], head: Cells = (), numbers: Sequence[int] = ()
) -> str:
    """The rows as an HTML table."""

    def line(cells: Cells, tag: str) -> str:
        parts = [
            f'<{tag} style="{RIGHT if at in numbers else LEFT}">{escape(text)}</{tag}>'
            for at, text in enumerate(cells)
        ]
        return f"<tr>{''.join(parts)}</tr>"

    top = [line(head, "th")] if head else []
    return f"<table>{''.join([*top, *(line(row, 'td') for row in rows)])}</table>"


def ablation_text(table: Ablation) -> str:
    """What each pass and stage is worth, as aligned text."""
    rows = [table.head, *table.cells]
    text = f"{table.name}\n{table_text(rows, table.numbers)}"
    return f"{text}\n{_idle(table)}" if table.idle else text


def ablation_html(table: Ablation) -> str:
    """What each pass and stage is worth, as HTML."""
    told = f"<p>{escape(_idle(table))}</p>" if table.idle else ""
    drawn = table_html(table.cells, table.head, table.numbers)
    return f"<p><b>{escape(table.name)}</b></p>{drawn}{told}"


def _idle(table: Ablation) -> str:
    return f"the same program without {', '.join(table.idle)}"
