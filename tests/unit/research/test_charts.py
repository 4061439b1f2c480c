import sys
from xml.etree import ElementTree as ET

import pytest

from mmbot.errors import ConfigError
from mmbot.research.charts import Figure, Panel, Series, check_suffix, write_figure

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
    with pytest.raises(ConfigError, match=r"E_CFG_RANGE.*must end in"):
        check_suffix(tmp_path / "a.gif")


def test_a_png_without_matplotlib_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"E_CFG_MISSING.*mmbot\[plots\]"):
        write_figure(tmp_path / "a.png", FIGURE)
    assert not (tmp_path / "a.png").exists()


def test_matplotlib_draws_the_same_picture_twice(tmp_path):
    pytest.importorskip("matplotlib", reason="the extra mmbot[plots] is not installed")
    for name in ("a.png", "b.png"):
        write_figure(tmp_path / name, FIGURE)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
