"""Blanks go, meaning stays."""

import shutil
import subprocess

import pytest

from symnb.viz.html import runtime
from symnb.viz.squeeze import squeeze_css, squeeze_js


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("const a = 1; // one\nlet b", "const a=1;let b\n"),
        ('f("a  //  b")', 'f("a  //  b")\n'),
        ("x = `a  ${ b + `c  ` }  d`", "x=`a  ${ b + `c  ` }  d`\n"),
        ("a + +b - -c", "a+ +b- -c\n"),
        ("s.match(/a  b/g)", "s.match(/a  b/g)\n"),
        ("a / b / c", "a/b/c\n"),
        ("return x\n/* y */\nlet z", "return x\nlet z\n"),
        ("class A {\n  b() { c; }\n  d() {}\n}", "class A{b(){c;}\nd(){}}\n"),
    ],
)
def test_scripts(before: str, after: str) -> None:
    assert squeeze_js(before) == after


def test_style_sheets() -> None:
    assert squeeze_css("/* x */\na {\n  b: c;\n}\n") == "a {b: c;}"


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to parse scripts")
def test_the_runtime_parses() -> None:
    found = subprocess.run(
        ["node", "--check", "-"], input=runtime(), text=True, capture_output=True
    )
    assert found.returncode == 0, found.stderr
