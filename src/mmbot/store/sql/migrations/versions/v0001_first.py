"""The first schema."""

import sqlalchemy as sa
from alembic import op

from mmbot.store.sql.append_only import guard_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# as `mmbot.store.sql.amounts.Amount`, which may not change what a migration has done
_AMOUNT = sa.Numeric(38, 18).with_variant(sa.String(40), "sqlite")


def upgrade() -> None:
    """From nothing to 0001."""
    _config_versions()
    _equity_marks()
    _fill_markouts()
    _finops_runs()
    _journal_shipping()
    _positions()
    _region_switches()
    _sessions()
    _tuning_history()
    _fills()
    _ledger_entries()
    _order_events()
    _orders()
    guard_tables(op.get_bind(), ("fills", "ledger_entries"))


def _config_versions() -> None:
    op.create_table(
        "config_versions",
        sa.Column("cfg_hash", sa.String(length=64), autoincrement=False, nullable=False),
        sa.Column("first_seen_ns", sa.BigInteger(), nullable=False),
        sa.Column("yaml_sanitized", sa.Text(), nullable=False),
        sa.Column("source_layers", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cfg_hash", name=op.f("pk_config_versions")),
    )


def _equity_marks() -> None:
    op.create_table(
        "equity_marks",
        sa.Column("venue", sa.String(length=160), autoincrement=False, nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("equity", _AMOUNT, nullable=False),
        sa.Column("realized", _AMOUNT, nullable=False),
        sa.Column("unrealized", _AMOUNT, nullable=False),
        sa.Column("cash", _AMOUNT, nullable=False),
        sa.PrimaryKeyConstraint("venue", "ts_ns", name=op.f("pk_equity_marks")),
    )


def _fill_markouts() -> None:
    op.create_table(
        "fill_markouts",
        sa.Column("venue", sa.String(length=160), autoincrement=False, nullable=False),
        sa.Column("exec_id", sa.String(length=128), autoincrement=False, nullable=False),
        sa.Column("horizon_ms", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mid", _AMOUNT, nullable=False),
        sa.Column("markout_bps", _AMOUNT, nullable=False),
        sa.PrimaryKeyConstraint("venue", "exec_id", "horizon_ms", name=op.f("pk_fill_markouts")),
    )


def _finops_runs() -> None:
    op.create_table(
        "finops_runs",
        sa.Column("utc_date", sa.String(length=10), autoincrement=False, nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("report_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("utc_date", name=op.f("pk_finops_runs")),
    )


def _journal_shipping() -> None:
    op.create_table(
        "journal_shipping",
        sa.Column("session_id", sa.String(length=128), autoincrement=False, nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.Column("next_event_seq", sa.BigInteger(), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_journal_shipping")),
    )


def _positions() -> None:
    op.create_table(
        "positions",
        sa.Column("venue", sa.String(length=160), autoincrement=False, nullable=False),
        sa.Column("symbol", sa.String(length=64), autoincrement=False, nullable=False),
        sa.Column("qty", _AMOUNT, nullable=False),
        sa.Column("avg_price", _AMOUNT, nullable=False),
        sa.Column("realized", _AMOUNT, nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("venue", "symbol", name=op.f("pk_positions")),
    )


def _region_switches() -> None:
    op.create_table(
        "region_switches",
        sa.Column("id", sa.String(length=128), autoincrement=False, nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.Column("from_region", sa.String(length=64), nullable=False),
        sa.Column("to_region", sa.String(length=64), nullable=False),
        sa.Column("window", sa.String(length=64), nullable=False),
        sa.Column("result", sa.String(length=64), nullable=False),
        sa.Column("plan_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_region_switches")),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.String(length=128), autoincrement=False, nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("started_ns", sa.BigInteger(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.Column("exit_reason", sa.Text(), nullable=True),
        sa.Column("venue", sa.String(length=160), nullable=False),
        sa.Column("mode", sa.String(length=64), nullable=False),
        sa.Column("env", sa.String(length=64), nullable=False),
        sa.Column("instance", sa.String(length=128), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("git_sha", sa.String(length=64), nullable=False),
        sa.Column("cfg_hash", sa.String(length=64), nullable=False),
        sa.Column("leader_epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_sessions")),
    )


def _tuning_history() -> None:
    op.create_table(
        "tuning_history",
        sa.Column("id", sa.String(length=128), autoincrement=False, nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.String(length=128), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("param", sa.String(length=128), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tuning_history")),
    )


def _fills() -> None:
    op.create_table(
        "fills",
        sa.Column("venue", sa.String(length=160), autoincrement=False, nullable=False),
        sa.Column("exec_id", sa.String(length=128), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("cid", sa.String(length=128), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        sa.Column("side", sa.String(length=4), nullable=False),
        sa.Column("price", _AMOUNT, nullable=False),
        sa.Column("qty", _AMOUNT, nullable=False),
        sa.Column("fee", _AMOUNT, nullable=False),
        sa.Column("fee_asset", sa.String(length=16), nullable=False),
        sa.Column("fee_bps", _AMOUNT, nullable=False),
        sa.Column("is_maker", sa.Boolean(), nullable=False),
        sa.Column("color", sa.String(length=8), nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.Column("mid_at_fill", _AMOUNT, nullable=True),
        sa.Column("usd_per_asset", _AMOUNT, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.session_id"], name=op.f("fk_fills_session_id")
        ),
        sa.PrimaryKeyConstraint("venue", "exec_id", name=op.f("pk_fills")),
        sa.UniqueConstraint("session_id", "event_seq", name=op.f("uq_fills_session_id_event_seq")),
    )
    op.create_index(op.f("ix_fills_ts_ns"), "fills", ["ts_ns"], unique=False)
    op.create_index(
        op.f("ix_fills_venue_symbol_ts_ns"), "fills", ["venue", "symbol", "ts_ns"], unique=False
    )


def _ledger_entries() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("entry_id", sa.String(length=400), autoincrement=False, nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.Column("venue", sa.String(length=160), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("qty", _AMOUNT, nullable=False),
        sa.Column("amount", _AMOUNT, nullable=False),
        sa.Column("asset", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.CheckConstraint(
            "kind IN ('trade', 'fee', 'rebate', 'funding', 'transfer', 'adjustment', "
            "'daily_close')",
            name=op.f("ck_ledger_entries_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.session_id"], name=op.f("fk_ledger_entries_session_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("venue", "kind", "ref", name=op.f("uq_ledger_entries_venue_kind_ref")),
    )
    op.create_index(
        op.f("ix_ledger_entries_venue_ts_ns"), "ledger_entries", ["venue", "ts_ns"], unique=False
    )


def _order_events() -> None:
    op.create_table(
        "order_events",
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("venue", sa.String(length=160), nullable=False),
        sa.Column("cid", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.Column("price", _AMOUNT, nullable=True),
        sa.Column("qty", _AMOUNT, nullable=True),
        sa.Column("http_code", sa.Integer(), nullable=True),
        sa.Column("ret_code", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("latency_ns", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('intent_place', 'intent_amend', 'intent_cancel', 'ack', 'reject', "
            "'amended', 'canceled', 'fill', 'expired', 'unknown')",
            name=op.f("ck_order_events_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.session_id"], name=op.f("fk_order_events_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", "seq", name=op.f("pk_order_events")),
    )
    op.create_index(op.f("ix_order_events_ts_ns"), "order_events", ["ts_ns"], unique=False)
    op.create_index(
        op.f("ix_order_events_venue_cid"), "order_events", ["venue", "cid"], unique=False
    )


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("venue", sa.String(length=160), autoincrement=False, nullable=False),
        sa.Column("cid", sa.String(length=128), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        sa.Column("side", sa.String(length=4), nullable=False),
        sa.Column("color", sa.String(length=8), nullable=False),
        sa.Column("strategy", sa.String(length=64), nullable=False),
        sa.Column("price", _AMOUNT, nullable=False),
        sa.Column("qty", _AMOUNT, nullable=False),
        sa.Column("post_only", sa.Boolean(), nullable=False),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("venue_order_id", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("filled_qty", _AMOUNT, nullable=False),
        sa.Column("avg_price", _AMOUNT, nullable=True),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("done_ns", sa.BigInteger(), nullable=True),
        sa.Column("done_reason", sa.String(length=64), nullable=True),
        sa.Column("leader_epoch", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.session_id"], name=op.f("fk_orders_session_id")
        ),
        sa.PrimaryKeyConstraint("venue", "cid", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_session_id"), "orders", ["session_id"], unique=False)
