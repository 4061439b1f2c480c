"""The last frame of a session's screen as a picture."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Final

from rich.console import Console

from mmbot.store.artifacts import write_text
from mmbot.trading.readout import Readout
from mmbot.trading.screen.layout import Frame, Labels
from mmbot.trading.screen.style import UNICODE

__all__ = ["PICTURE_SIZE", "draw_picture"]

PICTURE_SIZE: Final = (100, 30)
_FONT_FACE: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def draw_picture(path: Path, readout: Readout, labels: Labels) -> None:
    """The last frame as SVG; characters beyond ASCII become entities."""
    width, height = PICTURE_SIZE
    console = Console(
        width=width, height=height, record=True, force_terminal=True, file=io.StringIO()
    )
    console.print(Frame(readout, labels, UNICODE), height=height)
    svg = console.export_svg(title="mmbot run", unique_id="mmbot-run")
    # A picture fetches nothing: the reader's own monospace font does.
    svg = _FONT_FACE.sub("", svg)
    write_text(path, svg.encode("ascii", "xmlcharrefreplace").decode("ascii"))
