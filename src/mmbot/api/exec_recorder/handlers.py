"""``/admin/execution/recorder/{status,rotate}`` and ``/admin/execution/replay``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol

from mmbot.api.errors import AdminError
from mmbot.api.exec_recorder.models import (
    RecorderStatusAnswer,
    ReplayAnswer,
    RotateAnswer,
)
from mmbot.api.files import allowed_path
from mmbot.clock import sleep_ns
from mmbot.market.exec_recorder import ExecEvent, ExecRecorder, ExecRequestError
from mmbot.market.exec_replay import parse_replay_request, replay

__all__ = ["ExecutionSession", "get_status", "post_replay", "post_rotate"]

ReplayAlert = Literal["replay_started", "replay_finished"]


class ExecutionSession(Protocol):
    """What the session offers."""

    def exec_recorder(self) -> ExecRecorder:
        """The recorder, on or off."""
        ...

    def mode(self) -> str:
        """Mode of the session: paper, shadow, live or sim."""
        ...

    def count_replayed(self, event: ExecEvent) -> None:
        """Count a fill with latency 0, or a reject, for the event's colour."""
        ...

    def replay_alert(self, kind: ReplayAlert, payload: Mapping[str, Any]) -> None:
        """Write an alert line."""
        ...


def get_status(session: ExecutionSession) -> RecorderStatusAnswer:
    """``GET recorder/status``."""
    status = session.exec_recorder().status()
    return RecorderStatusAnswer(
        enabled=status.enabled, file=status.file, last_write_ts=status.last_write_ts
    )


def post_rotate(session: ExecutionSession) -> RotateAnswer:
    """``POST recorder/rotate``.

    Raises:
        AdminError: 409 ``recorder_disabled``.
        StoreError: ``E_REC_WRITE``.
    """
    with _refusals():
        return RotateAnswer(file=session.exec_recorder().rotate().file)


def post_replay(
    session: ExecutionSession,
    body: object,
    *,
    roots: Sequence[Path],
    sleep: Callable[[int], None] = sleep_ns,
) -> ReplayAnswer:
    """``POST replay``: blocks for the length of a paced replay, up to 300 s.

    Raises:
        AdminError: ``invalid_path``, ``invalid_speed``; 409 ``not_allowed_in_live``;
        ``path_not_allowed``, ``file_not_found``, ``file_too_large``, ``non_ascii``,
        ``invalid_jsonl`` and ``invalid_event`` with their line, ``replay_too_long``.
    """
    if not isinstance(body, Mapping):
        raise AdminError("invalid_payload")
    with _refusals():
        request = parse_replay_request(body)
        if session.mode() == "live":
            raise AdminError("not_allowed_in_live", 409)
        request = replace(request, path=allowed_path(str(request.path), roots))
        started = {"path": str(request.path), "speed": request.speed}
        result = replay(
            request,
            mode=session.mode(),
            on_event=session.count_replayed,
            on_start=lambda: session.replay_alert("replay_started", started),
            sleep=sleep,
        ).as_json()
        session.replay_alert("replay_finished", result)
        return ReplayAnswer.model_validate(result)


@contextmanager
def _refusals() -> Iterator[None]:
    """Refusals of the recorder as refusals of the API."""
    try:
        yield
    except ExecRequestError as exc:
        raise AdminError(exc.reason, exc.http_status, detail=exc.line) from exc
