"""A picture as PNG, drawn from its SVG with the font that comes with the program.

Fonts of the machine are left out: the same numbers give the same pixels, and a slim container
without fonts has its labels too.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

import resvg_py

__all__ = ["png_of"]

_FONT: Final = "DejaVuSans-ascii.ttf"
_FAMILY: Final = "DejaVu Sans"
# Two pixels for each of the picture's own: sharp on today's screens.
_ZOOM: Final = 2


def png_of(svg: str) -> bytes:
    """The PNG of an SVG text whose labels are ASCII."""
    font = resources.files("mmbot.research") / "assets" / _FONT
    with resources.as_file(font) as path:
        drawn = resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=_ZOOM,
            skip_system_fonts=True,
            font_files=[str(path)],
            font_family=_FAMILY,
            sans_serif_family=_FAMILY,
        )
    return bytes(drawn)
