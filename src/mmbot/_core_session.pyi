"""Part of the stub of `mmbot._core`: the running session of a lane."""

from collections.abc import Mapping
from typing import Any, final

@final
class SessionControl:
    """The session of one lane (`Backtest.session`), to be looked at and to be steered.

    Looking changes nothing. What is set is written into the session's journal, and acts at its next
    synchronisation, at most a tenth of a second of market time later. Refused payloads
    are `CoreError` with code ``E_STORE_TYPE:invalid_payload``; then nothing has changed.
    """

    def state(self) -> dict[str, Any]:
        """Everything that metrics are made of.

        Units are in the names (`_ns` since 1970, `_ms`, `_usd`, `_bps`; shares are fractions); what
        is not known or never happened is None. Keys: ``ts_ns``, ``symbols``, ``leader``, ``risk``,
        ``guard``, ``pos_skew``, ``intraday_caps``, ``scheduler_open``, ``throttle``, ``circuit``,
        ``autopolicy``, ``allocation``, ``mux``, ``account``, ``idempotency_hits``,
        ``requests_total``, ``order_hit_rate``, ``shadow_stats`` and ``by_symbol`` (``market``,
        ``throttle``, ``mux``, ``allocation``, ``calibration``, ``shadow``, ``orders`` per symbol).
        """
    def take_events(self) -> list[dict[str, Any]]:
        """What happened since this object's last call, oldest first.

        Each has ``ts_ns``, ``symbol`` (None: the session), ``name`` (``risk``, ``pos_skew``,
        ``intraday_caps``, ``runtime_guard``, ``mux``, ``alloc``, ``autopolicy``, ``circuit``,
        ``shadow``), ``event``, ``value`` and ``cause``; ``alloc`` and ``mux`` carry their figures
        besides. The newest 4096 are kept.
        """
    @property
    def state_hash(self) -> str:
        """Hash of everything that the session knows and has in force."""
    def begin_at(self, ts_ns: int) -> None:
        """When the first data come: what is set before them is set then."""
    def apply(self, record: Mapping[str, Any]) -> bool:
        """Does what a journal's record of a control says; True if it changed autopolicy's level."""
    def kill(self, cause: str = "operator", *, reason: str = "") -> None:
        """Halts until `resume`; `cause` is ``operator``, ``invariant`` or ``venue``.

        `reason` is for the journal.
        """
    def resume(self) -> None:
        """Lifts manual pause, guard pause, drawdown pause, floor and kill."""
    def lift_kill(self) -> None:
        """Lifts a kill and nothing else: pauses, floor and the high water of the day stay."""
    def set_risk_floor(self, grade: str | None) -> None:
        """The mildest grade that is allowed (``NORMAL`` .. ``HALTED``); None lifts that."""
    def set_storage_hold(self, held: bool) -> None:
        """Holds the session flat while what happens to it cannot be written down; no resume lifts
        it.
        """
    def set_manual_pause(self, paused: bool) -> None:
        """Pauses by hand; stays over reloads until its key in the configuration changes."""
    def set_guard_dry_run(self, on: bool) -> None:
        """Whether a pause of the runtime guard only counts; stays like a manual pause."""
    def set_leader(self, leads: bool) -> None:
        """Whether this instance leads; one that does not sends nothing but cancels."""
    def set_autopolicy_level(self, level: int) -> bool:
        """Level by hand, clamped to ``level_max``, for the cooldown; True if it changed."""
    def reset_autopolicy(self) -> bool:
        """Level and streaks to 0; True if the level changed."""
    def set_autopolicy_enabled(self, on: bool) -> None:
        """Switches autopolicy on or off; stays like a manual pause."""
    def throttle_snapshot(self) -> dict[str, Any]:
        """Request windows, payload version 2 (``symbols``, ``version``, ``window_sec``)."""
    def load_throttle(self, payload: dict[str, Any]) -> None:
        """Replaces the windows; rings are advanced to now and fitted to the window in force."""
    def clear_throttle(self) -> None:
        """Empties the windows."""
    def reset_throttle(self) -> None:
        """Empties the windows, ends back-offs, forgets the largest one."""
    def seed_backoff_max_ms(self, backoff_ms: float) -> None:
        """Raises the largest back-off of the run to that of an earlier run."""
    def allocator_snapshot(self) -> dict[str, Any]:
        """Payload of kind ``allocator``: ``hwm_equity_usd``, ``version``."""
    def load_allocator(self, hwm_equity_usd: float) -> None:
        """Takes a high-water mark, USD."""
    def cost_calibration(self) -> dict[str, Any]:
        """Payload of kind ``cost_calib``: means and overrides of every symbol."""
    def load_cost_calibration(self, payload: dict[str, Any]) -> None:
        """Takes means and overrides; symbols that are not traded are left out."""
    def day_totals(self) -> dict[str, Any]:
        """What the caps of the day know: ``utc_day`` (days since 1970), ``pnl_usd``,
        ``turnover_usd``, ``sum_sq_returns`` by symbol, ``latched_at`` by cap.
        """
    def restore_day(self, totals: dict[str, Any]) -> None:
        """Takes over such totals; the totals of another day count for nothing."""
