"""Versions of the store, on both backends: made, checked, refused."""

import pytest
from sqlalchemy import text
from tests.unit.store.sql.stores import opened

from mmbot.errors import StoreError
from mmbot.store.sql.engine import open_engine
from mmbot.store.sql.schema import (
    EMPTY,
    SCHEMA_VERSION,
    differences,
    prepare_schema,
    require_schema,
    schema_version,
    upgrade_schema,
)
from mmbot.store.sql.tables import METADATA


@pytest.mark.spec("08-5.3", "08-5.5")
def test_an_empty_store_gets_the_tables_of_the_code_once(store_url):
    engine = open_engine(store_url)
    assert schema_version(engine) == EMPTY
    assert upgrade_schema(engine) == (EMPTY, SCHEMA_VERSION)
    assert upgrade_schema(engine) == (SCHEMA_VERSION, SCHEMA_VERSION)
    assert differences(engine) == []
    require_schema(engine)
    engine.dispose()


@pytest.mark.spec("08-5.3")
def test_the_tables_are_those_of_the_specification():
    columns = {name: {c.name for c in table.columns} for name, table in METADATA.tables.items()}
    keys = {name: [c.name for c in t.primary_key.columns] for name, t in METADATA.tables.items()}
    assert keys["orders"] == ["venue", "cid"]
    assert keys["order_events"] == ["session_id", "seq"]
    assert keys["fills"] == ["venue", "exec_id"]
    assert keys["fill_markouts"] == ["venue", "exec_id", "horizon_ms"]
    assert keys["positions"] == ["venue", "symbol"]
    assert keys["equity_marks"] == ["venue", "ts_ns"]
    for name, wanted in {
        "sessions": "started_ns ended_ns exit_reason mode env instance region version git_sha "
        "cfg_hash leader_epoch",
        "orders": "session_id symbol side color strategy price qty post_only reduce_only "
        "venue_order_id state filled_qty avg_price created_ns updated_ns done_ns done_reason "
        "leader_epoch",
        "order_events": "venue cid kind ts_ns price qty http_code ret_code cause latency_ns",
        "fills": "session_id cid symbol side price qty fee fee_asset fee_bps is_maker color ts_ns "
        "mid_at_fill",
        "fill_markouts": "mid markout_bps",
        "ledger_entries": "entry_id ts_ns venue symbol kind qty amount asset ref session_id",
        "positions": "qty avg_price realized updated_ns",
        "equity_marks": "equity realized unrealized cash",
        "tuning_history": "id ts_ns run_id iteration param old new source reason applied",
        "config_versions": "cfg_hash first_seen_ns yaml_sanitized source_layers",
        "region_switches": "id ts_ns from_region to_region window result plan_json",
        "finops_runs": "utc_date ts_ns status report_json",
    }.items():
        assert set(wanted.split()) <= columns[name], name


@pytest.mark.spec("08-5.5")
@pytest.mark.parametrize(("version", "hint"), [("0000", "upgrade"), ("9999", "update mmbot")])
def test_a_store_of_another_version_is_refused_with_both_versions(store_url, version, hint):
    with opened(store_url) as engine:
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
        with pytest.raises(StoreError, match=hint) as refused:
            require_schema(engine)
        assert str(refused.value).startswith(f"E_STORE_SCHEMA:{version}:{SCHEMA_VERSION}: ")


def test_a_newer_store_is_not_upgraded(store_url):
    with opened(store_url) as engine:
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        for change in (upgrade_schema, lambda one: prepare_schema(one, mm_env="dev")):
            with pytest.raises(StoreError, match="E_STORE_SCHEMA:9999"):
                change(engine)


@pytest.mark.spec("08-5.5")
def test_prod_never_migrates_by_itself_all_others_do(store_url):
    engine = open_engine(store_url)
    with pytest.raises(StoreError, match=f"E_STORE_SCHEMA:{EMPTY}:{SCHEMA_VERSION}"):
        prepare_schema(engine, mm_env="prod")
    assert schema_version(engine) == EMPTY
    prepare_schema(engine, mm_env="stage")
    prepare_schema(engine, mm_env="prod")
    engine.dispose()


@pytest.mark.spec("08-5.5")
def test_a_check_finds_a_missing_column_table_and_trigger(store_url):
    with opened(store_url) as engine:
        on = " ON fills" if engine.dialect.name == "postgresql" else ""
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE finops_runs"))
            connection.execute(text("ALTER TABLE orders DROP COLUMN done_reason"))
            connection.execute(text(f"DROP TRIGGER fills_no_update{on}"))
        found = "\n".join(differences(engine))
        assert "add_table finops_runs" in found
        assert "add_column" in found
        assert "done_reason" in found
        assert "trigger fills_no_update is missing" in found
