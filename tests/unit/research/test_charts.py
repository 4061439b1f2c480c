import struct
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from mmbot.errors import ConfigError
from mmbot.research.charts import (
    Columns,
    Figure,
    Panel,
    Rows,
    Series,
    check_suffix,
    write_figure,
)

SVG = "{http://www.w3.org/2000/svg}"
FIGURE = Figure(
    title="a < b & c",
    panels=(
        Panel("first", "x", (Series("one", (0.0, 1.0, 10.0), (0.5, 0.25, -1.0)),), log_x=True),
        Panel("second", "x", (Series("dots", (1.0, 2.0), (3.0, 3.0), marks_only=True),)),
        Panel("empty", "x", ()),
    ),
)


def test_an_svg_is_well_formed_and_says_the_same_every_time(tmp_path):
    write_figure(tmp_path / "a.svg", FIGURE)
    write_figure(tmp_path / "b.svg", FIGURE)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    root = ET.parse(tmp_path / "a.svg").getroot()
    texts = {element.text for element in root.iter(f"{SVG}text")}
    assert {"a < b & c", "first", "second", "one", "dots"} <= texts


def test_a_point_without_logarithm_is_left_out_and_dots_are_not_joined(tmp_path):
    write_figure(tmp_path / "a.svg", FIGURE)
    root = ET.parse(tmp_path / "a.svg").getroot()
    lines = list(root.iter(f"{SVG}polyline"))
    assert len(lines) == 1
    assert len((lines[0].get("points") or "").split()) == 2
    assert len(list(root.iter(f"{SVG}circle"))) == 4


def test_every_point_lies_inside_the_picture(tmp_path):
    write_figure(tmp_path / "a.svg", FIGURE)
    root = ET.parse(tmp_path / "a.svg").getroot()
    circles = [
        (float(c.get("cx") or -1), float(c.get("cy") or -1)) for c in root.iter(f"{SVG}circle")
    ]
    assert circles
    assert all(60 <= x <= 430 and 30 <= y <= 300 for x, y in circles)


def test_an_unknown_format_is_refused_before_the_work(tmp_path):
    for name in ("a.gif", "a.pdf", "a"):
        with pytest.raises(ConfigError, match=r"E_CFG_RANGE.*must end in"):
            check_suffix(tmp_path / name)


def test_a_png_has_the_size_of_the_picture_twice_and_labels_without_fonts_of_the_machine(
    tmp_path, monkeypatch
):
    write_figure(tmp_path / "a.png", FIGURE)
    monkeypatch.setenv("FONTCONFIG_PATH", str(tmp_path))
    write_figure(tmp_path / "b.png", FIGURE)
    picture = (tmp_path / "a.png").read_bytes()
    assert picture == (tmp_path / "b.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", picture[16:24])
    assert (width, height) == (2 * 1120, 2 * 720)
    write_figure(tmp_path / "bare.png", replace(FIGURE, title=""))
    assert (tmp_path / "bare.png").read_bytes() != picture


BARS = Figure(
    title="bars",
    panels=(
        Rows("share", [("one", 0.5), ("two", 0.25), ("others (3)", 9.0)], "{:.0%}".format),
        Columns("cut", ["a", "b"], [("one", [3.0, 0.0]), ("two", [-1.0, 0.2])]),
        Columns(
            "left", ["a", "b"], [("one", [2.0, 1.0]), ("others (3)", [4.0, 3.0])], stacked=True
        ),
    ),
)


def bars(tmp_path, panel):
    """Height or length of each bar of a panel, by colour."""
    write_figure(tmp_path / "a.svg", BARS)
    group = list(ET.parse(tmp_path / "a.svg").getroot().iter(f"{SVG}g"))[panel]
    rects = [
        (r.get("fill"), float(r.get("width") or 0), float(r.get("height") or 0))
        for r in group.iter(f"{SVG}rect")
    ]
    texts = [text.text for text in group.iter(f"{SVG}text")]
    return rects, texts


def test_rows_are_as_long_as_their_values_and_others_have_only_a_label(tmp_path):
    rects, texts = bars(tmp_path, 0)
    lengths = [width for _, width, _ in rects]
    assert lengths[0] == pytest.approx(2 * lengths[1])
    assert lengths[2] == 0
    assert {"50%", "25%", "900%", "others (3)"} <= set(texts)


def test_columns_are_as_high_as_their_values_with_the_sum_below(tmp_path):
    rects, texts = bars(tmp_path, 1)
    drawn = [(colour, height) for colour, _, height in rects if height != 11]
    assert len(drawn) == 3
    assert drawn[0][1] == pytest.approx(3 * drawn[1][1], rel=1e-2)
    assert drawn[0][0] != drawn[1][0]
    assert texts.count("2") >= 1
    assert texts.count("0") >= 1


def test_stacked_columns_stand_on_each_other(tmp_path):
    rects, texts = bars(tmp_path, 2)
    heights = [height for _, _, height in rects if height != 11]
    assert heights[1] == pytest.approx(2 * heights[0], rel=1e-2)
    assert {"6", "4", "others (3)"} <= set(texts)
