"""Progress of long commands: on stderr, gone when they end, and none where nobody watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

__all__ = ["ByteBar", "byte_bar", "progress", "row_bar"]


class ByteBar:
    """Progress of one step after the other, by bytes or rows."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def begin(self, step: str, total: int) -> None:
        """Starts the bar of a step; a total of 0 means that it is not known."""
        if self._task is not None:
            self._bar.update(self._task, visible=False)
        self._task = self._bar.add_task(step, total=total or None)

    def advance(self, count: int) -> None:
        """Moves the bar."""
        if self._task is not None:
            self._bar.advance(self._task, count)


@contextmanager
def byte_bar(*, hidden: bool = False) -> Iterator[ByteBar]:
    """A bar of bytes; `hidden` where it would be mixed with what the command prints."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with progress(*columns, hidden=hidden) as bar:
        yield ByteBar(bar)


@contextmanager
def row_bar() -> Iterator[ByteBar]:
    """A bar of rows."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with progress(*columns) as bar:
        yield ByteBar(bar)


def progress(*columns: ProgressColumn, hidden: bool = False) -> Progress:
    """A bar on stderr that leaves nothing behind."""
    console = Console(stderr=True)
    is_off = hidden or not console.is_terminal
    return Progress(*columns, console=console, transient=True, disable=is_off)
