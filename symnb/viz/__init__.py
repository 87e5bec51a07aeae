"""What a notebook and a terminal show of graphs and functions.

    dprint, tree_text   the text tree            latex_text LaTeX with named parts
    pp                  one-line infix           rule_latex LaTeX of a rule
    dot_text            Graphviz source          gallery    pictures in a row
    trace_document      the trace as plain data  show_html  the three-tier output
    save                a file: html, svg, dot, txt, json

Importing this package fills the slots `mimebundle` and `dprint`.
"""

from symnb.core.seams import slots
from symnb.viz.dot import dot_text, render
from symnb.viz.formula import rule_latex
from symnb.viz.frames import gallery
from symnb.viz.infix import pp
from symnb.viz.latex import latex_text
from symnb.viz.show import mimebundle, save, show_html, trace_document
from symnb.viz.text import dprint, pass_table, profile_table, tree_text

__all__ = [
    "dot_text",
    "dprint",
    "gallery",
    "latex_text",
    "mimebundle",
    "pass_table",
    "pp",
    "profile_table",
    "render",
    "rule_latex",
    "save",
    "show_html",
    "trace_document",
    "tree_text",
]

slots.fill(mimebundle=mimebundle, dprint=tree_text)
