"""Processors and compilers other than the best: older ones, and one without libmvec."""

import platform
import shutil
import subprocess

import numpy as np
import pytest

import symnb
import symnb.compile.build as builder
import symnb.tensor as T
from symnb.errors import BuildError
from symnb.options import config

pytestmark = pytest.mark.cc
RNG = np.random.default_rng(20261121)
ODD = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-42, -3e-45, 88.8, -104.0, 1e38])
ROWS = np.concatenate([RNG.normal(size=80) * 9, ODD]).astype("float32").reshape(5, 18)
GOOD = np.nan_to_num(ROWS, nan=1, posinf=2, neginf=-2).clip(-80, 80)

# Result, the same by NumPy in float64, ulp (of the largest where sums cancel).
PROGRAM = {
    "exp": (lambda x, g: T.exp(x), lambda x, g: np.exp(x), 4),
    "tanh": (lambda x, g: T.tanh(x), lambda x, g: np.tanh(x), 4),
    "log": (lambda x, g: T.log1p(abs(x)), lambda x, g: np.log1p(abs(x)), 4),
    "whole": (lambda x, g: T.floor(x), lambda x, g: np.floor(x), 0),
    "product": (lambda x, g: T.dot(g, g.T), lambda x, g: g @ g.T, 18),
    "sums": (lambda x, g: g.sum(0), lambda x, g: g.sum(0), 5),
    "rows": (
        lambda x, g: T.nnet.softmax(g),
        lambda x, g: (
            np.exp(g - g.max(1)[:, None])
            / np.exp(g - g.max(1)[:, None]).sum(1)[:, None]
        ),
        24,
    ),
    "order": (lambda x, g: T.sort(x, 1), lambda x, g: np.sort(x, 1), 0),
    "taken": (lambda x, g: g[::-1][:, T.arange(4)], lambda x, g: g[::-1][:, :4], 0),
}


def check_program():
    """Compiles the program, compares all of it with NumPy; the function."""
    x, g = T.fmatrix("x"), T.fmatrix("g")
    f = symnb.function([x, g], [made(x, g) for made, _, _ in PROGRAM.values()])
    found = f(ROWS, GOOD)
    given = ROWS.astype("float64"), GOOD.astype("float64")
    for (name, (_, numpy, ulp)), got in zip(PROGRAM.items(), found, strict=True):
        with np.errstate(all="ignore"):
            exact = numpy(*given)
            want = exact.astype("float32")
            size = np.abs(want) if ulp <= 4 else np.max(np.abs(want))
            error = np.abs(got - exact) / np.spacing(np.float32(size))
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        assert np.all(same | (error <= ulp + 0.5)), name
        zero = (want == 0) & (name != "order")  # either of 0 and -0 may come first
        assert np.array_equal(np.signbit(got)[zero], np.signbit(want)[zero]), name
    return f


X86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="names of x86-64")


@X86
@pytest.mark.parametrize(
    ("target", "registers"), [("x86-64", "xmm"), ("x86-64-v3", "ymm")]
)
def test_older_processors_get_code_they_can_run(target, registers):
    with config.change(target=target):
        f = check_program()
        command = f.variant.library.entry.meta["command"]
    assert f"-march={target}" in command
    reader = shutil.which("objdump")
    if reader is not None:
        library = str(f.variant.library.entry.library)
        text = subprocess.run([reader, "-d", library], capture_output=True).stdout
        found = {name for name in ("xmm", "ymm", "zmm") if name.encode() in text}
        assert max(found) == registers  # x, y, z: the widest


@X86
def test_an_unknown_processor_is_named():
    x = T.dvector("x")
    with config.change(target="x86-65"), pytest.raises(BuildError) as caught:
        symnb.function([x], x * 17)
    assert "x86-65" in str(caught.value) and "Fix:" in str(caught.value)


def test_a_compiler_without_libmvec(tmp_path):
    """As with musl: the vector library cannot be linked."""
    real = builder.find_compiler().command[0]
    wrapper = tmp_path / "cc"
    wrapper.write_text(
        '#!/bin/sh\nfor a in "$@"; do\n'
        '  [ "$a" = -lmvec ] && echo "ld: error: no libmvec" >&2 && exit 1\ndone\n'
        f'exec {real} "$@"\n'
    )
    wrapper.chmod(0o755)
    with config.change(cc=str(wrapper)):
        assert not builder.find_compiler().links_mvec
        assert not builder.vector_functions()
        f = check_program()
        assert "-lmvec" not in f.variant.library.entry.meta["command"]
    assert "_ZGV" not in f.source()
