"""The tables: orders, fills and accounts for people and reports, fed from journals.

Times are nanoseconds UTC. A row of a session holds market times, as its journal does; the time of
the machine is only in `sessions.created_ns`. Fills and ledger entries are never changed: triggers
refuse it (`mmbot.store.sql.append_only`), corrections are entries of kind ``adjustment``.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from mmbot.store.sql.amounts import Amount

__all__ = [
    "APPEND_ONLY",
    "EVENT_KINDS",
    "LEDGER_KINDS",
    "METADATA",
    "config_versions",
    "equity_marks",
    "fill_markouts",
    "fills",
    "finops_runs",
    "journal_shipping",
    "ledger_entries",
    "order_events",
    "orders",
    "positions",
    "region_switches",
    "sessions",
    "tuning_history",
]

EVENT_KINDS: Final = (
    "intent_place",
    "intent_amend",
    "intent_cancel",
    "ack",
    "reject",
    "amended",
    "canceled",
    "fill",
    "expired",
    "unknown",
)
LEDGER_KINDS: Final = (
    "trade",
    "fee",
    "rebate",
    "funding",
    "transfer",
    "adjustment",
    "daily_close",
)
APPEND_ONLY: Final = ("fills", "ledger_entries")
"""Tables of which no row is changed or deleted."""

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _key(name: str, kind: Any) -> Column[Any]:  # noqa: ANN401 -- a type of SQLAlchemy
    # numbers of ours, never those of the database
    return Column(name, kind, primary_key=True, autoincrement=False)


def _need(name: str, kind: Any) -> Column[Any]:  # noqa: ANN401
    return Column(name, kind, nullable=False)


def _may(name: str, kind: Any) -> Column[Any]:  # noqa: ANN401
    return Column(name, kind, nullable=True)


def _session() -> Column[Any]:
    return Column("session_id", String(128), ForeignKey("sessions.session_id"), nullable=False)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


_VENUE: Final = String(160)
_ID: Final = String(128)
_NAME: Final = String(64)

sessions = Table(
    "sessions",
    METADATA,
    _key("session_id", _ID),
    _need("created_ns", BigInteger),
    _need("started_ns", BigInteger),
    _may("ended_ns", BigInteger),
    _may("exit_reason", Text),
    _need("venue", _VENUE),
    _need("mode", _NAME),
    _need("env", _NAME),
    _need("instance", _ID),
    _need("region", _NAME),
    _need("version", _NAME),
    _need("git_sha", _NAME),
    _need("cfg_hash", _NAME),
    _need("leader_epoch", BigInteger),
)

orders = Table(
    "orders",
    METADATA,
    _key("venue", _VENUE),
    _key("cid", _ID),
    _session(),
    _need("symbol", _NAME),
    _need("side", String(4)),
    _need("color", String(8)),
    _need("strategy", _NAME),
    _need("price", Amount()),
    _need("qty", Amount()),
    _need("post_only", Boolean(create_constraint=False)),
    _need("reduce_only", Boolean(create_constraint=False)),
    _may("venue_order_id", _ID),
    _need("state", String(24)),
    _need("filled_qty", Amount()),
    _may("avg_price", Amount()),
    _need("created_ns", BigInteger),
    _need("updated_ns", BigInteger),
    _may("done_ns", BigInteger),
    _may("done_reason", _NAME),
    _need("leader_epoch", BigInteger),
    Index(None, "session_id"),
)

order_events = Table(
    "order_events",
    METADATA,
    Column("session_id", _ID, ForeignKey("sessions.session_id"), primary_key=True),
    _key("seq", BigInteger),
    _need("venue", _VENUE),
    _need("cid", _ID),
    _need("kind", String(16)),
    _need("ts_ns", BigInteger),
    _may("price", Amount()),
    _may("qty", Amount()),
    _may("http_code", Integer),
    _may("ret_code", Integer),
    _need("cause", _NAME),
    _may("latency_ns", BigInteger),
    _one_of("kind", EVENT_KINDS),
    Index(None, "venue", "cid"),
    Index(None, "ts_ns"),
)

fills = Table(
    "fills",
    METADATA,
    _key("venue", _VENUE),
    _key("exec_id", _ID),
    _session(),
    _need("event_seq", BigInteger),
    _need("cid", _ID),
    _need("symbol", _NAME),
    _need("side", String(4)),
    _need("price", Amount()),
    _need("qty", Amount()),
    _need("fee", Amount()),
    _need("fee_asset", String(16)),
    _need("fee_bps", Amount()),
    _need("is_maker", Boolean(create_constraint=False)),
    _need("color", String(8)),
    _need("ts_ns", BigInteger),
    _may("mid_at_fill", Amount()),
    _need("usd_per_asset", Amount()),
    UniqueConstraint("session_id", "event_seq"),
    Index(None, "venue", "symbol", "ts_ns"),
    Index(None, "ts_ns"),
)

fill_markouts = Table(
    "fill_markouts",
    METADATA,
    _key("venue", _VENUE),
    _key("exec_id", _ID),
    _key("horizon_ms", Integer),
    _need("mid", Amount()),
    _need("markout_bps", Amount()),
)

ledger_entries = Table(
    "ledger_entries",
    METADATA,
    _key("entry_id", String(400)),
    _need("ts_ns", BigInteger),
    _need("venue", _VENUE),
    _may("symbol", _NAME),
    _need("kind", String(16)),
    _need("qty", Amount()),
    _need("amount", Amount()),
    _need("asset", String(16)),
    _need("ref", _ID),
    _session(),
    UniqueConstraint("venue", "kind", "ref"),
    _one_of("kind", LEDGER_KINDS),
    Index(None, "venue", "ts_ns"),
)

positions = Table(
    "positions",
    METADATA,
    _key("venue", _VENUE),
    _key("symbol", _NAME),
    _need("qty", Amount()),
    _need("avg_price", Amount()),
    _need("realized", Amount()),
    _need("updated_ns", BigInteger),
)

equity_marks = Table(
    "equity_marks",
    METADATA,
    _key("venue", _VENUE),
    _key("ts_ns", BigInteger),
    _need("session_id", _ID),
    _need("event_seq", BigInteger),
    _need("equity", Amount()),
    _need("realized", Amount()),
    _need("unrealized", Amount()),
    _need("cash", Amount()),
)

tuning_history = Table(
    "tuning_history",
    METADATA,
    _key("id", _ID),
    _need("ts_ns", BigInteger),
    _need("run_id", _ID),
    _need("iteration", Integer),
    _need("param", _ID),
    _may("old", Text),
    _may("new", Text),
    _need("source", _NAME),
    _need("reason", Text),
    _need("applied", Boolean(create_constraint=False)),
)

config_versions = Table(
    "config_versions",
    METADATA,
    _key("cfg_hash", _NAME),
    _need("first_seen_ns", BigInteger),
    _need("yaml_sanitized", Text),
    _need("source_layers", Text),
)

region_switches = Table(
    "region_switches",
    METADATA,
    _key("id", _ID),
    _need("ts_ns", BigInteger),
    _need("from_region", _NAME),
    _need("to_region", _NAME),
    _need("window", _NAME),
    _need("result", _NAME),
    _need("plan_json", Text),
)

finops_runs = Table(
    "finops_runs",
    METADATA,
    _key("utc_date", String(10)),
    _need("ts_ns", BigInteger),
    _need("status", String(16)),
    _need("report_json", Text),
)

journal_shipping = Table(
    "journal_shipping",
    METADATA,
    _key("session_id", _ID),
    _need("next_seq", BigInteger),
    _need("next_event_seq", BigInteger),
    _need("is_complete", Boolean(create_constraint=False)),
)
"""How far each journal is in the tables: written in the transaction that writes its rows."""
