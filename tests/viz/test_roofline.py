"""The picture of a profile below the roof of a machine."""

import re
import xml.etree.ElementTree as xml

import numpy as np
import pytest

import symnb
import symnb.tensor as T
from symnb.compile.limits import Limits
from symnb.compile.profile import Profile, Roofline, StepTime
from symnb.viz.roofline import points, profile_html, roofline_html, roofline_svg

MACHINE = Limits(1, memory=10e9, float32=100e9, float64=50e9)
NODE = T.fvector() + 1
WIDE = T.dvector() + 1


def profile(*steps, nodes=(NODE,)):
    """A profile of one call; each step is (ns, bytes, operations)."""
    total = sum(ns for ns, *_ in steps) or 1
    made = [
        StepTime(i, "k<1>", "launch", ns, ns / total, nodes, 1, nbytes, flops)
        for i, (ns, nbytes, flops) in enumerate(steps)
    ]
    return Profile("f", 1, total, tuple(made), ())


def drawn(*steps, nodes=(NODE,)):
    return xml.fromstring(roofline_svg(Roofline(profile(*steps, nodes=nodes), MACHINE)))


def test_points_are_where_the_hand_puts_them():
    # 1000 bytes and 500 operations in 1 us: 0.5 GFLOP/s of 5 that memory allows
    [point] = points(Roofline(profile((1000.0, 1000, 500)), MACHINE))
    assert (point.across, point.gflops, point.roof) == (0.5, 0.5, 5.0)
    [point] = points(Roofline(profile((1000.0, 10, 1000), nodes=(WIDE,)), MACHINE))
    assert (point.across, point.gflops, point.roof) == (100, 1, 50)  # float64's peak


def test_a_decade_is_as_long_everywhere_and_disks_grow_with_time():
    steps = (1000.0, 1000, 100), (1000.0, 1000, 1000), (9000.0, 1000, 10000)
    circles = drawn(*steps).findall("{*}circle")
    places = sorted(float(c.get("cx")) for c in circles)
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=0.2)
    largest = max(circles, key=lambda c: float(c.get("r")))
    assert float(largest.get("cx")) == places[2]
    assert "k<1> 3: add" in largest.find("{*}title").text
    assert "10 operations per byte" in largest.find("{*}title").text


def test_everything_stays_inside_the_picture():
    rng = np.random.default_rng(0)
    steps = [
        (1e3 * 10**a, int(10**b), int(10**c)) for a, b, c in rng.uniform(0, 6, (40, 3))
    ]
    root = drawn(*steps)
    wide, high = float(root.get("width")), float(root.get("height"))
    assert len(root.findall("{*}circle")) == 40
    for path in root.findall("{*}path"):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d"))]
        assert all(0 <= x <= wide for x in numbers[::2])
        assert all(0 <= y <= high for y in numbers[1::2])
    for text in root.findall("{*}text"):
        assert 0 <= float(text.get("x", 0)) <= wide


def test_steps_without_a_place_are_in_the_table_only():
    steps = (10.0, 100, 0), (10.0, None, None), (0.0, 100, 100)
    assert roofline_svg(Roofline(profile(*steps), MACHINE)) == ""
    told = roofline_html(Roofline(profile(*steps), MACHINE))
    assert told.count("<tr>") == 4 and "<svg" not in told and "k&lt;1&gt;" in told


@pytest.mark.cc
def test_a_notebook_shows_table_and_picture():
    x = T.fmatrix("x")
    f = symnb.function([x], T.dot(T.exp(x), x.T), name="f")
    shown = f.profile._repr_mimebundle_()
    assert "no profiled call yet" in shown["text/html"]
    f.profiling = True
    f(np.ones((20, 30), "float32"))
    shown = f.profile.against(MACHINE)._repr_mimebundle_()
    assert shown["text/plain"].startswith("1 thread: memory 10 GB/s")
    assert shown["text/html"].count("<circle") == len(f.profile.steps)
    assert len(shown["text/html"]) < 10_000
    assert "<svg" not in profile_html(f.profile, None)
    with symnb.config.change(reproducible=True):  # whose limits are fixed
        assert "<svg" in f.profile._repr_mimebundle_()["text/html"]
