"""The course of a session stays in bounded memory."""

import numpy as np

from mmbot.trading import readout
from mmbot.trading.readout import Course


def part(first, count):
    ts = np.arange(first, first + count)
    return {"ts_ns": ts, "mid": ts.astype(float)}


def test_the_tail_crosses_parts_and_skips_what_is_not_finite():
    course = Course()
    assert course.columns() == {}
    assert course.tail("mid", 3) == ()
    for first in (0, 2, 4):
        course.add(part(first, 2))
    course.parts[-1]["mid"][0] = np.nan
    assert course.tail("mid", 3) == (2.0, 3.0, 5.0)
    assert course.tail("mid", 99) == (0.0, 1.0, 2.0, 3.0, 5.0)
    assert course.columns()["ts_ns"].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_long_course_is_thinned(monkeypatch):
    monkeypatch.setattr(readout, "_POINTS_MAX", 100)
    course = Course()
    for first in range(0, 1000, 7):
        course.add(part(first, 7))
        assert course.points <= 107
    ts = course.columns()["ts_ns"]
    assert course.points == len(ts)
    assert ts[0] == 0
    assert (np.diff(ts) > 0).all()


def test_many_small_parts_are_few_arrays_with_all_their_samples():
    course = Course()
    for at in range(2_000):
        course.add({"ts_ns": np.array([at]), "mid": np.array([float(at)])}, thin=False)
        assert len(course.parts) <= 256 + 1
    assert course.columns()["ts_ns"].tolist() == list(range(2_000))
    assert course.tail("mid", 3) == (1_997.0, 1_998.0, 1_999.0)
