"""Scripted runs in a directory: started, killed at a stage, resumed, compared byte by byte."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmbot.soak.launch import Launched, LaunchOptions, SourceRequest, launch
from mmbot.soak.mock import MockSource
from mmbot.soak.paths import SoakPaths
from mmbot.soak.source import IterationSource
from mmbot.soak.stages import Stage

FROZEN = {"MM_FREEZE_UTC_ISO": "2026-03-01T00:00:00Z"}


class Killed(BaseException):
    """Ends a run where it stands; nothing catches it."""


class Lines:
    """A view that keeps what it is shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.outcomes: list[Mapping[str, Any]] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def finished(self, outcome: Mapping[str, Any]) -> None:
        self.outcomes.append(outcome)


def options(root: Path, **more: Any) -> LaunchOptions:
    settings: dict[str, Any] = {
        "mock": True,
        "iterations": 6,
        "window_sec": 0.0,
        "auto_tune": True,
        **more,
    }
    return LaunchOptions(
        paths=SoakPaths(root, root / "soak" / "latest"), env=dict(FROZEN), **settings
    )


def mock_source(request: SourceRequest) -> IterationSource:
    return MockSource(seed=request.options.seed, start_ns=request.start_ns, say=request.say)


def run(
    root: Path,
    *,
    view: Lines | None = None,
    reached: Callable[[Stage, int], None] = lambda _stage, _iteration: None,
    make_source: Callable[[SourceRequest], IterationSource] = mock_source,
    stop: Callable[[], bool] = lambda: False,
    **more: Any,
) -> Launched:
    return launch(options(root, **more), make_source, view or Lines(), reached=reached, stop=stop)


def killer(stage: Stage, iteration: int) -> Callable[[Stage, int], None]:
    def reached(at: Stage, number: int) -> None:
        if (at, number) == (stage, iteration):
            raise Killed

    return reached


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a directory, by its relative name."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
