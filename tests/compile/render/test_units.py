"""Programs of many kernels in several units: every kernel once, the same results."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symnb
import symnb.tensor as T
from symnb.compile.render.units import unit_count, unit_texts


def test_a_unit_for_each_core_and_three_kernels_two_at_least() -> None:
    assert [unit_count(n, 2) for n in (0, 1, 5, 6, 400)] == [1, 2, 2, 2, 2]
    assert [unit_count(n, 8) for n in (1, 8, 9)] == [2, 2, 3]
    assert unit_count(100, 64) == 33
    assert unit_count(400, 1) == 1


@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=30),
    count=st.integers(1, 4),
)
def test_every_kernel_is_defined_once_and_declared_where_it_is_called(
    sizes: list[int], count: int
) -> None:
    kernels = [
        (f"k{at}", f"/* {'x' * size} */\nstatic int k{at}(int a,\n    int b)\n{{\n}}\n")
        for at, size in enumerate(sizes)
    ]
    made = unit_texts("int head;", kernels, "int host(void) { return 0; }", count)
    assert 1 <= len(made) <= count
    assert len(made) == count or len(kernels) < 6
    assert all(text.startswith("int head;") for text in made)
    assert "int host(void)" in made[-1]
    for name, _ in kernels:
        defined = sum(text.count(f"int {name}(int a,\n    int b)\n{{") for text in made)
        assert defined == 1
        assert count == 1 or f"int {name}(int a,\n    int b);" in made[-1]
    if len(made) > 1:
        assert "static int k" not in "".join(made)


def test_the_loop_of_a_kernel_and_what_starts_it_are_in_two_units() -> None:
    head = "/* k1_1: a chunk */\nstatic SYMNB_PART int k1_1(int a,\n    int b)\n"
    loop = f"{head}{{ loop }} /* {'x' * 200} */\n"
    text = f"{loop}\n/* k1: one pass */\nstatic int k1(int a)\n{{ k1_1(a, a); }}\n"
    first, last = unit_texts("int head;", [("k1", text)], "host k1(0)", 2)
    assert "{ loop }" in first and "{ loop }" not in last
    assert "int k1_1(int a,\n    int b);" in last and "static" not in first + last
    assert last.index("int k1_1(") < last.index("{ k1_1(a, a); }")
    own = text.replace("/* k1_1", "static int table;\n/* k1_1")
    [alone] = unit_texts("int head;", [("k1", own)], "host k1(0)", 2)
    assert "{ loop }" in alone and "{ k1_1(a, a); }" in alone


@pytest.mark.cc
def test_a_program_of_many_kernels_is_compiled_in_two_units(tmp_path: Path) -> None:
    xs = [T.fvector(f"x{i}") for i in range(42)]
    with symnb.config.change(threads=2, cache_dir=str(tmp_path)):
        f = symnb.function(xs, [x * (i + 2) for i, x in enumerate(xs)])
    assert len(f.variant.story.kernels) == 42
    assert len(f.variant.library.entry.sources) == 2
    assert f.source().count("/* step 0:") == 1
    values = [np.full(i, 2, "float32") for i in range(42)]
    for i, got in enumerate(f(*values)):
        np.testing.assert_array_equal(got, np.full(i, 2 * (i + 2)))
    shown = subprocess.run(
        ["nm", "-D", "--defined-only", f.variant.library.entry.library],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {line.split()[-1] for line in shown.stdout.splitlines()} == {
        "symnb_run", "symnb_plan",
    }  # fmt: skip
