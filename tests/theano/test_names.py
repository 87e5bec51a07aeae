"""Every name of names.txt resolves; a name marked as waiting does not, yet."""

from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symnb
import symnb.tensor as T

LINES = [
    line.strip()
    for line in Path(__file__).with_name("names.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]
WAITING = [line.removeprefix("-").strip() for line in LINES if line.startswith("-")]
PRESENT = [line for line in LINES if not line.startswith("-")]


def _subject(name: str) -> Any:
    x = T.matrix("x")
    if name == "f":
        with symnb.config.change(device="py"):
            return symnb.function([x], x * 2)
    if name == "W":
        return symnb.shared(np.zeros(2), "W")
    if name == "srng":
        return resolve("tensor.shared_randomstreams.RandomStreams")(seed=1)
    return x if name == "x" else None


def _step(value: Any, name: str) -> Any:
    """An attribute, or a module that has to be imported, as Python itself would."""
    try:
        return getattr(value, name)
    except AttributeError:
        package = getattr(value, "__name__", "")
        if not package.startswith("symnb"):
            raise
        return import_module(f"{package}.{name}")


def resolve(path: str) -> Any:
    """The thing a dotted path stands for."""
    first, *rest = path.split(".")
    subject = _subject(first)
    parts = rest if subject is not None else [first, *rest]
    return reduce(_step, parts, symnb if subject is None else subject)


@pytest.mark.parametrize("path", PRESENT)
def test_name_resolves(path: str) -> None:
    resolve(path)


@pytest.mark.parametrize("path", WAITING)
def test_name_still_waits_for_its_op(path: str) -> None:
    # It is there: take its mark out of names.txt.
    with pytest.raises((AttributeError, ImportError)):
        resolve(path)


def test_nearly_all_names_are_there() -> None:
    assert len(LINES) > 300
    assert len(PRESENT) >= 0.8 * len(LINES)
