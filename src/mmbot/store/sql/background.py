"""Ships the journal of a running session from a thread of its own.

Trading never waits for it: it reads the journal's files, as any other process could. When the
database refuses, it tries again with growing pauses and nothing is lost. While it works it rests as
long as it worked, so that it takes at most half a processor from a session at full speed. What
sessions left that died is shipped when there is nothing else to do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Engine

from mmbot import clock
from mmbot.errors import StoreError
from mmbot.store.journal.metrics import MsHistogram
from mmbot.store.journal.retention import is_shipped, prune_journals
from mmbot.store.journal.segments import list_sessions, session_lock
from mmbot.store.sql.event_retention import prune_order_events
from mmbot.store.sql.shipper import SessionShipper, Shipped
from mmbot.telemetry.logs import get_logger
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["BackgroundShipper", "ShipperPlan", "StoreMetrics"]

_PAUSE_MAX_NS: Final = 5 * NS_PER_SEC


@dataclass(slots=True)
class StoreMetrics:
    """What an exporter reads; `lag_records` is asked for (`BackgroundShipper.lag_records`)."""

    flush_ms: MsHistogram = field(default_factory=MsHistogram)
    write_fail_total: int = 0
    """Batches that the database refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipperPlan:
    """How to ship, and how long to keep.

    Attributes:
        session: the directory of the running session's journal, beside which the others lie.
        batch_size: ``storage.batch_size``.
        flush_ms: ``storage.flush_ms``.
        keep_days: ``storage.journal_keep_days``.
        events_dir: where order events go that are too old for the store.
        events_keep_days: ``storage.retention_days_order_events``.
    """

    session: Path
    batch_size: int
    flush_ms: int
    keep_days: int
    events_dir: Path
    events_keep_days: int


class BackgroundShipper:
    """See the module. Enter it around the journal, so that this is closed when it leaves.

    Args:
        engine: of the store, at the code's schema; disposed of at the end.
        plan: how.
        journal_next_seq: records that the journal has.
    """

    def __init__(
        self, engine: Engine, plan: ShipperPlan, journal_next_seq: Callable[[], int]
    ) -> None:
        self.metrics = StoreMetrics()
        self._engine = engine
        self._plan = plan
        self._journal_next_seq = journal_next_seq
        self._own = SessionShipper(engine, plan.session, batch_size=plan.batch_size)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-shipper", daemon=True)
        self._drain_until_ns: int | None = None
        self._error: StoreError | None = None
        self._pause_ns = 0

    @property
    def shipped(self) -> Shipped:
        """What was written of the running session."""
        return self._own.shipped

    @property
    def error(self) -> StoreError | None:
        """Why the last batch was refused; None if it was not."""
        return self._error

    def lag_records(self) -> int:
        """Records of the session that the tables do not have yet."""
        return max(self._journal_next_seq() - self._own.next_seq, 0)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self, *, drain_ns: int = 10 * NS_PER_SEC) -> int:
        """Ship what is left, for so long at most; records that are left then.

        The session's journal must be closed, so that it can be marked as shipped.
        """
        self._drain_until_ns = clock.monotonic_ns() + drain_ns
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(drain_ns / NS_PER_SEC + 1.0)
        if not self._thread.is_alive():
            self._own.close()
            self._engine.dispose()
        return self.lag_records()

    def _run(self) -> None:
        others = self._others()
        while not self._stop.is_set():
            begun_ns = clock.monotonic_ns()
            has_more = self._try(self._own.step)
            if not has_more and self._error is None:
                has_more = self._try(lambda: next(others, False))
            worked_ns = clock.monotonic_ns() - begun_ns
            rest_ns = worked_ns if has_more else self._plan.flush_ms * NS_PER_MS
            self._stop.wait(max(rest_ns, self._pause_ns) / NS_PER_SEC)
        self._drain()

    def _drain(self) -> None:
        until_ns = self._drain_until_ns or 0
        while clock.monotonic_ns() < until_ns:
            if not self._try(self._own.step):
                break
        if self._error is None and self.lag_records() == 0:
            self._try(self._own.finish)
        self._prune()

    def _try(self, work: Callable[[], bool]) -> bool:
        """Do a piece of work; False if there was none, or if it was refused."""
        begun_ns = clock.monotonic_ns()
        try:
            done = work()
        except StoreError as exc:
            self.metrics.write_fail_total += exc.code == "E_STORE_SQL"
            if self._error is None or self._error.code != exc.code:
                get_logger("store").error("shipping_failed", error=str(exc))
            self._error = exc
            twice_ns = max(2 * self._pause_ns, self._plan.flush_ms * NS_PER_MS)
            self._pause_ns = min(twice_ns, _PAUSE_MAX_NS)
            return False
        self._error, self._pause_ns = None, 0
        if done:
            self.metrics.flush_ms.observe((clock.monotonic_ns() - begun_ns) / NS_PER_MS)
        return done

    def _others(self) -> Iterator[bool]:
        """Ships journals that other sessions left, a batch at a time."""
        for session in list_sessions(self._plan.session.parent):
            if session == self._plan.session or is_shipped(session):
                continue
            try:
                with session_lock(session) as is_dead:
                    pass  # a session that runs ships its journal itself
                if not is_dead:
                    continue
                batch_size = self._plan.batch_size
                with SessionShipper(self._engine, session, batch_size=batch_size) as shipper:
                    while shipper.step():
                        yield True
                    shipper.finish()
            except StoreError as exc:
                get_logger("store").warning("journal_left", session=session.name, error=str(exc))
            yield True
        self._prune()

    def _prune(self) -> None:
        plan, now_ns = self._plan, clock.wall_ns()
        try:
            prune_journals(plan.session.parent, keep_days=plan.keep_days, now_ns=now_ns)
            keep_days = plan.events_keep_days
            prune_order_events(self._engine, plan.events_dir, keep_days=keep_days, now_ns=now_ns)
        except StoreError as exc:
            get_logger("store").warning("not_pruned", error=str(exc))
