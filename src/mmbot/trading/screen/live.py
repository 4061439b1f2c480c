"""The live display: a slot for the newest readout, drawn by rich's own thread.

The engine's thread only puts a readout into the slot; drawing happens beside it, so that a slow
terminal never holds trading up.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from mmbot.trading.readout import Readout
from mmbot.trading.screen.labels import Labels
from mmbot.trading.screen.layout import Frame
from mmbot.trading.screen.style import ASCII, UNICODE

__all__ = ["LiveDisplay"]

_FRAMES_PER_SEC: Final = 8


class LiveDisplay:
    """Shows the newest readout on the terminal's second screen while the block runs."""

    def __init__(self, console: Console, labels: Labels) -> None:
        self._console = console
        self._labels = labels
        self._glyphs = UNICODE if console.encoding.lower().startswith("utf") else ASCII
        self._latest: Readout | None = None
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=_FRAMES_PER_SEC,
            screen=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, readout: Readout) -> None:
        """Take the newest readout; it is drawn with the next frame."""
        self._latest = readout

    def give_back(self) -> None:
        """Leave the second screen at once, for an immediate exit."""
        self._console.set_alt_screen(enable=False)
        self._console.show_cursor()

    def _draw(self) -> RenderableType:
        if self._latest is None:
            return Text(" starting ...")
        return Frame(self._latest, self._labels, self._glyphs)
