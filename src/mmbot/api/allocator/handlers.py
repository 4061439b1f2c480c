"""``/admin/allocator/{snapshot,load,snapshot_status}`` and ``../cost_calibration/..``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mmbot.api.allocator.models import (
    AllocatorLoaded,
    CalibrationApplied,
    CalibrationReport,
    HighWaterMark,
)
from mmbot.api.errors import AdminError
from mmbot.api.snapshots import SnapshotStatus, payload_of
from mmbot.core import CostParams
from mmbot.portfolio.calibration import CalibrationBook, CalibrationError
from mmbot.portfolio.snapshots import hwm_from_payload
from mmbot.store.snapshots import SnapshotError

__all__ = [
    "AllocatorSession",
    "get_calibration",
    "get_calibration_snapshot",
    "get_snapshot",
    "get_snapshot_status",
    "post_apply_calibration",
    "post_load",
    "post_load_calibration",
]


class AllocatorSession(Protocol):
    """What the session offers."""

    def hwm_equity_usd(self) -> float:
        """The high-water mark, USD."""
        ...

    def load_hwm(self, hwm_equity_usd: float) -> None:
        """Replace it."""
        ...

    def allocator_status(self) -> SnapshotStatus:
        """The snapshot's file, and when it was last written and loaded."""
        ...

    def calibration(self) -> CalibrationBook:
        """Means and overrides of the traded symbols."""
        ...

    def load_calibration(self, book: CalibrationBook) -> None:
        """Replace those of the symbols that `book` has and the session trades."""
        ...

    def cost_params(self) -> Mapping[str, CostParams]:
        """Costs in force by traded symbol."""
        ...


def get_snapshot(session: AllocatorSession) -> HighWaterMark:
    """``GET snapshot``."""
    return HighWaterMark(hwm_equity_usd=session.hwm_equity_usd())


def post_load(session: AllocatorSession, body: object, *, roots: Sequence[Path]) -> AllocatorLoaded:
    """``POST load``: a payload, its envelope, or ``{"path":..}`` of a file with the envelope.

    Raises:
        AdminError: as `mmbot.api.snapshots.payload_of` and
        `mmbot.portfolio.snapshots.hwm_from_payload`.
    """
    try:
        hwm_usd = hwm_from_payload(dict(payload_of(body, roots)))
    except SnapshotError as exc:
        raise AdminError(exc.reason) from exc
    session.load_hwm(hwm_usd)
    return AllocatorLoaded(snapshot=HighWaterMark(hwm_equity_usd=hwm_usd))


def get_snapshot_status(session: AllocatorSession) -> SnapshotStatus:
    """``GET snapshot_status``."""
    return session.allocator_status()


def get_calibration(session: AllocatorSession) -> CalibrationReport:
    """``GET cost_calibration``: all traded symbols."""
    return CalibrationReport.model_validate(session.calibration().report(session.cost_params()))


def get_calibration_snapshot(session: AllocatorSession) -> dict[str, Any]:
    """``GET cost_calibration/snapshot``: also what is written to the file."""
    return session.calibration().snapshot()


def post_apply_calibration(session: AllocatorSession, body: object) -> CalibrationApplied:
    """``POST cost_calibration/apply``: all of the body, or nothing.

    Raises:
        AdminError: as `CalibrationBook.apply`; ``invalid_symbols`` also for one that is not traded.
    """
    try:
        book = session.calibration().apply(body)
    except CalibrationError as exc:
        raise AdminError(exc.reason) from exc
    assert isinstance(body, Mapping)
    named = sorted(body["symbols"])
    if not set(named) <= set(session.cost_params()):
        raise AdminError("invalid_symbols")
    session.load_calibration(book)
    return _applied(book, named)


def post_load_calibration(
    session: AllocatorSession, body: object, *, roots: Sequence[Path]
) -> CalibrationApplied:
    """``POST cost_calibration/load``: ``{"path":..}`` of a file with the envelope.

    Symbols of the file that are not traded are left out.

    Raises:
        AdminError: ``invalid_path`` without a path; as `mmbot.api.snapshots.payload_of` and
        `CalibrationBook.from_snapshot`.
    """
    if not isinstance(body, Mapping):
        raise AdminError("invalid_payload")
    if set(body) != {"path"}:
        raise AdminError("invalid_path")
    try:
        book = CalibrationBook.from_snapshot(dict(payload_of(body, roots)))
    except CalibrationError as exc:
        raise AdminError(exc.reason) from exc
    session.load_calibration(book)
    traded = session.cost_params()
    return _applied(book, sorted(set(traded) & {*book.states, *book.overrides}))


def _applied(book: CalibrationBook, symbols: Sequence[str]) -> CalibrationApplied:
    entries: dict[str, Any] = book.snapshot()["symbols"]  # type: ignore[assignment]
    empty: dict[str, float | None] = {"cap_eff_bps": None, "k_eff": None}
    return CalibrationApplied(
        applied={s: entries[s]["override"] if s in entries else empty for s in symbols}
    )
