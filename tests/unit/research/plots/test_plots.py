"""Charts: well formed, inside their frame, and equal for equal input."""

import itertools
import math
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.research.plots import (
    Band,
    Bar,
    Histogram,
    Line,
    Marks,
    Step,
    TimeChart,
    bar_chart,
    histogram_chart,
    row_chart,
    time_chart,
    waterfall_chart,
)
from mmbot.research.plots.canvas import path_of
from mmbot.research.plots.numbers import axis_labels, compact, coordinate, signed
from mmbot.research.plots.scale import Scale, linear_ticks, span_of, time_label, time_ticks
from mmbot.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_SEC

numbers = st.floats(-1e9, 1e9, allow_nan=False)
maybe = st.one_of(numbers, st.just(math.nan), st.just(math.inf))


def elements(svg, tag):
    return ET.fromstring(svg).findall(f".//{tag}")


def texts(svg):
    return ["".join(node.itertext()) for node in elements(svg, "text")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (412.4, "412"),
        (38.04, "38.0"),
        (0.358, "0.36"),
        (-0.358, "-0.36"),
        (1500.0, "1,500"),
        (38_000.0, "38.0k"),
        (1_250_000.0, "1.25M"),
        (3.2e9, "3.20B"),
        (1.5e-5, "1.5e-05"),
        (math.nan, "n/a"),
    ],
)
def test_compact_numbers(value, text):
    assert compact(value) == text


def test_signed_numbers_and_coordinates():
    assert [signed(value) for value in (1.5, 0.0, -2.0)] == ["+1.50", "0", "-2.00"]
    assert [coordinate(v) for v in (1.0, 1.256, -0.001, 100.5)] == ["1", "1.26", "0", "100.5"]


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.0, 0.5, 1.0], ["0.0", "0.5", "1.0"]),
        ([61_612.0, 61_616.0], ["61,612", "61,616"]),
        ([0.0, 10e6, 20e6], ["0M", "10M", "20M"]),
        ([-0.02, 0.0, 0.02], ["-0.02", "0.00", "0.02"]),
    ],
)
def test_labels_of_an_axis_tell_its_ticks_apart(ticks, labels):
    assert axis_labels(ticks) == labels


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 10))
def test_ticks_are_round_inside_and_not_too_many(low, length, count):
    ticks = linear_ticks(low, low + length, count)
    assert len(ticks) <= count + 2
    assert all(low - 1e-6 * length <= tick <= low + length * (1 + 1e-6) for tick in ticks)
    assert len(set(axis_labels(ticks))) == len(ticks)


@given(st.integers(0, 10**18), st.integers(1, 10**16), st.integers(2, 12))
def test_time_ticks_are_inside_and_evenly_spaced(start, length, count):
    ticks = time_ticks(start, start + length, count)
    assert all(start <= tick <= start + length for tick in ticks)
    assert len({after - before for before, after in itertools.pairwise(ticks)}) <= 1


def test_time_labels_are_as_short_as_the_step_allows():
    at = NS_PER_DAY + 3 * NS_PER_HOUR + 4 * NS_PER_MIN + 5 * NS_PER_SEC
    steps = (NS_PER_DAY, NS_PER_MIN, NS_PER_SEC, 1_000_000)
    assert [time_label(at, step) for step in steps] == ["01-02", "03:04", "03:04:05", "05.000"]


@given(st.lists(maybe, max_size=20))
def test_a_span_holds_every_finite_value(values):
    low, high = span_of(values)
    assert low < high
    assert all(low <= value <= high for value in values if math.isfinite(value))


def test_a_scale_maps_its_ends():
    scale = Scale(low=1.0, high=3.0, start=100.0, end=0.0)
    assert [scale(value) for value in (1.0, 2.0, 3.0)] == [100.0, 50.0, 0.0]


def test_a_path_lifts_the_pen_at_a_hole():
    assert path_of([(0, 0), (1, 1), None, (2, 2)]) == "M0 0L1 1M2 2"


@given(st.lists(st.tuples(st.integers(0, 10**12), maybe), min_size=1, max_size=30))
def test_a_time_chart_stays_inside_its_frame(points):
    points.sort(key=lambda point: point[0])
    ts, values = [p[0] for p in points], [p[1] for p in points]
    line = Line(name="a<b", ts_ns=ts, values=values, klass="blue", fill=True, step=True)
    band = Band(name="band", ts_ns=ts, low=values, high=values, klass="violet")
    marks = Marks(name="m", ts_ns=ts, values=values, klass="buy", shape="up")
    chart = TimeChart(title='"t"', unit="USD", lines=[line], bands=[band], marks=[marks])
    svg = time_chart(chart)
    assert svg == time_chart(chart)
    assert svg.isascii()
    root = ET.fromstring(svg)
    width, height = (float(x) for x in root.attrib["viewBox"].split()[2:])
    drawn = [
        node.attrib["d"] for node in root.iter("path") if node.attrib["class"].startswith("line")
    ]
    places = [float(n) for d in drawn for n in re.findall(r"-?[\d.]+", d)]
    assert all(-1 <= x <= width + 1 for x in places[0::2])
    assert all(-1 <= y <= height + 1 for y in places[1::2])
    assert "nan" not in svg
    assert "inf" not in svg


def test_a_time_chart_of_nothing_says_so():
    assert texts(time_chart(TimeChart(title="t", unit="", lines=[]))) == ["no samples"]


def test_names_are_shown_when_there_are_several():
    line = Line(name="one", ts_ns=[0, 1], values=[1.0, 2.0], klass="blue")
    other = Line(name="two", ts_ns=[0, 1], values=[1.0, 2.0], klass="grey")
    alone = texts(time_chart(TimeChart(title="t", unit="", lines=[line])))
    both = texts(time_chart(TimeChart(title="t", unit="", lines=[line, other])))
    assert "one" not in alone
    assert {"one", "two"} <= set(both)


def test_a_waterfall_stands_on_the_part_before_and_ends_on_zero():
    steps = [
        Step(name="gross", value=3.0),
        Step(name="cost", value=-1.0),
        Step(name="net", value=2.0, total=True),
    ]
    svg = waterfall_chart(steps, title="t")
    gross, cost, net = (
        (float(bar.attrib["y"]), float(bar.attrib["y"]) + float(bar.attrib["height"]))
        for bar in elements(svg, "rect")
    )
    assert cost[0] == pytest.approx(gross[0], abs=0.02)
    assert net[0] == pytest.approx(cost[1], abs=0.02)
    assert net[1] == pytest.approx(gross[1], abs=0.02)
    classes = [bar.attrib["class"] for bar in elements(svg, "rect")]
    assert classes == ["bar gain", "bar loss", "bar sum"]


def test_columns_grow_from_zero_to_both_sides():
    svg = bar_chart(
        [Bar(name="a", value=2.0, klass="gain"), Bar(name="b", value=-2.0, klass="loss")], title="t"
    )
    up, down = elements(svg, "rect")
    assert float(up.attrib["y"]) + float(up.attrib["height"]) == pytest.approx(
        float(down.attrib["y"]), abs=0.02
    )
    assert {"+2.00", "-2.00"} <= set(texts(svg))


def test_rows_show_their_share():
    svg = row_chart(
        [Bar(name="a", value=3, klass="x"), Bar(name="b", value=1, klass="x")], title="t"
    )
    assert "3.00  75.0%" in texts(svg)
    assert texts(row_chart([], title="t")) == ["none"]


@given(st.lists(st.tuples(st.floats(0, 1e8), st.integers(1, 1000)), min_size=1, max_size=50))
def test_a_histogram_counts_every_value(rows):
    values, counts = [row[0] for row in rows], [row[1] for row in rows]
    histogram = Histogram(title="t", values_ms=values, counts=counts, marks={"p50": 5.0}, klass="b")
    svg = histogram_chart(histogram)
    notes = ["".join(node.itertext()) for node in elements(svg, "title")]
    counted = re.findall(r": ([\d,]+) ", "\n".join(notes))
    assert len(counted) == len(notes)
    assert sum(int(text.replace(",", "")) for text in counted) == sum(counts)


def test_a_histogram_without_a_value_says_so():
    histogram = Histogram(title="t", values_ms=[], counts=[], marks={}, klass="b")
    assert texts(histogram_chart(histogram)) == ["no fills"]
