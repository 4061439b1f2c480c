"""Journals in the tables: what arrives, and what a second time changes."""

import json
from collections import Counter
from decimal import Decimal

import pytest
from sqlalchemy import delete, select
from tests.unit.store.sql.stores import BATCH, busy_session, contents, opened, relived, shipped

from mmbot.errors import StoreError
from mmbot.ids import cid_prefix
from mmbot.store.accounts import Account
from mmbot.store.journal import JournalReader, JournalWriter
from mmbot.store.journal.retention import is_shipped
from mmbot.store.sql import tables as t
from mmbot.store.sql.opening import rebuild_positions
from mmbot.store.sql.shipper import SessionShipper, ship_session, ship_sessions
from mmbot.store.sql.verify import verify_store
from mmbot.units import NS_PER_SEC

T0_NS = 1_767_225_600 * NS_PER_SEC


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return busy_session(tmp_path_factory.mktemp("journal"), seconds=30)


def records_of(journal, *kinds):
    return list(JournalReader(journal).records(kinds=kinds))


def rows_of(engine, table):
    with engine.connect() as connection:
        return connection.execute(select(table)).all()


@pytest.mark.spec("08-5.1", "08-5.3")
def test_every_request_answer_and_fill_of_a_journal_is_there(store_url, journal):
    intents = records_of(journal, "intent")
    reports = records_of(journal, "report")
    executed = [one for one in reports if one["report"] == "filled"]
    with shipped(store_url, journal) as engine:
        events = rows_of(engine, t.order_events)
        kinds: Counter[str] = Counter()
        for event in events:
            kinds[event.kind] += 1
        for action in ("place", "amend", "cancel"):
            wanted = [one for one in intents if one["action"] == action]
            assert kinds[f"intent_{action}"] == len(wanted) > 0
        assert kinds["fill"] == len(executed) == len(rows_of(engine, t.fills)) > 10
        placed = {one["full_cid"] for one in intents if one["action"] == "place"}
        orders = rows_of(engine, t.orders)
        assert len(orders) == len(placed)
        assert sorted(event.seq for event in events) == list(range(len(events)))
        assert all(order.state.startswith("Done") for order in orders), "they were cancelled"
        assert all(order.done_ns >= order.created_ns for order in orders)
        assert list(verify_store(engine)) == []


@pytest.mark.spec("08-5.3")
def test_a_fill_has_exact_amounts_its_mid_and_an_entry_of_the_ledger(store_url, journal):
    with shipped(store_url, journal) as engine:
        first = next(r for r in records_of(journal, "report") if r["report"] == "filled")
        facts = JournalReader(journal).header()["instruments"][first["instrument"]]
        tick, lot = Decimal(facts["tick_size"]), Decimal(facts["lot_size"])
        fills = rows_of(engine, t.fills)
        fill = min((f for f in fills if f.symbol == facts["symbol"]), key=lambda f: f.event_seq)
        assert fill.price == tick * first["exec_px"] / 10_000
        assert fill.qty == lot * first["qty"]
        assert fill.fee == tick * lot * first["fee"] / 10_000
        assert fill.ts_ns == first["ts_exch_ns"]
        assert (fill.fee_asset, fill.is_maker) == ("USDT", first["liquidity"] == "maker")
        assert abs(fill.fee / (fill.price * fill.qty) * 10_000 - fill.fee_bps) < Decimal("1e-9")
        assert abs(fill.mid_at_fill / fill.price - 1) < Decimal("0.01")
        assert fill.exec_id == f"{fill.cid}-{first['cum_qty']}"
        entries = [e for e in rows_of(engine, t.ledger_entries) if e.ref == fill.exec_id]
        flows = {entry.kind: entry.amount for entry in entries}
        signed = fill.qty if fill.side == "buy" else -fill.qty
        kind = "fee" if fill.fee > 0 else "rebate"
        assert flows == {"trade": -signed * fill.price, kind: -fill.fee}


@pytest.mark.spec("08-5.3", "08-4.4")
def test_positions_and_marks_are_those_of_the_fills(store_url, journal):
    with shipped(store_url, journal) as engine:
        account = Account()
        for fill in sorted(rows_of(engine, t.fills), key=lambda f: f.event_seq):
            holding = account.holding(fill.symbol, Decimal(1))
            side = {"buys": fill.side == "buy"}
            holding.book(**side, price=fill.price, qty=fill.qty, fee=fill.fee)
        for row in rows_of(engine, t.positions):
            held = account.holdings[row.symbol]
            assert (row.qty, row.avg_price, row.realized) == (
                held.qty,
                held.avg_price,
                held.realized,
            )
        last = max(rows_of(engine, t.equity_marks), key=lambda mark: mark.ts_ns)
        assert last.cash == account.mark({}).cash
        assert last.realized == account.mark({}).realized
        fees = sum(holding.fees for holding in account.holdings.values())
        assert last.equity == last.realized + last.unrealized - fees


def test_a_session_says_who_it_was_and_with_which_configuration(store_url, journal):
    header = JournalReader(journal).header()
    about = json.loads(header["config"])
    (end,) = records_of(journal, "session_end")
    with shipped(store_url, journal) as engine:
        (session,) = rows_of(engine, t.sessions)
        assert session.mode == "paper"
        assert session.venue == "paper:s-1", "an account of its own"
        assert (session.created_ns, session.cfg_hash) == (header["ts_ns"], about["cfg_hash"])
        assert (session.ended_ns, session.exit_reason) == (end["ts_ns"], "duration")
        assert (session.env, session.region) == ("dev", "local")
        (version,) = rows_of(engine, t.config_versions)
        assert version.yaml_sanitized == about["yaml"]
        assert "storage:" in version.yaml_sanitized
        assert "api_key" not in version.yaml_sanitized


@pytest.mark.spec("08-5.3")
def test_shipping_a_journal_again_changes_nothing_even_from_the_start(store_url, journal):
    with shipped(store_url, journal) as engine:
        before = contents(engine)
        ship_session(engine, journal, batch_size=BATCH)
        assert contents(engine) == before
        with engine.begin() as connection:
            connection.execute(delete(t.journal_shipping))
        ship_session(engine, journal, batch_size=10 * BATCH)
        assert contents(engine) == before


def test_two_shippers_of_one_journal_do_not_get_into_each_others_way(store_url, journal, tmp_path):
    with shipped(f"sqlite:///{tmp_path}/alone.db", journal) as alone:
        wanted = contents(alone)
    with (
        opened(store_url) as engine,
        SessionShipper(engine, journal, batch_size=BATCH) as one,
        SessionShipper(engine, journal, batch_size=BATCH) as other,
    ):
        for _ in range(1_000):
            if not (one.step() | other.step()):
                break
        one.finish()
        assert contents(engine) == wanted


def test_a_session_that_runs_is_shipped_as_far_as_it_is_written(store_url, journal, tmp_path):
    data = (journal / "0.mmj").read_bytes()
    with (
        opened(store_url) as engine,
        JournalWriter(tmp_path, "s-1", fsync_ms=0) as writer,
        SessionShipper(engine, writer.path, batch_size=BATCH) as shipper,
    ):
        assert not shipper.step(), "nothing is written yet"
        cut = len(data) // 2
        _append(writer.path, data[:cut])
        while shipper.step():
            pass
        half = shipper.next_seq
        assert half > 100
        assert not shipper.finish(), "somebody writes it"
        assert not is_shipped(writer.path)
        _append(writer.path, data[cut:])
        while shipper.step():
            pass
        assert shipper.next_seq > half
        (place,) = rows_of(engine, t.journal_shipping)
        assert (place.next_seq, place.is_complete) == (shipper.next_seq, False)
    with shipped(f"sqlite:///{tmp_path}/alone.db", journal) as alone, opened(store_url) as engine:
        assert ship_session(engine, writer.path, batch_size=BATCH).events == 0
        assert is_shipped(writer.path)
        assert contents(engine) == contents(alone)


def _append(session, data):
    # below the writer, which would check that every record is whole
    with (session / "0.mmj").open("ab") as file:
        file.write(data)


def test_records_before_a_damage_arrive_and_the_error_names_file_and_offset(
    store_url, journal, tmp_path
):
    broken = tmp_path / "j" / "s-1"
    broken.mkdir(parents=True)
    data = bytearray((journal / "0.mmj").read_bytes())
    at = len(data) * 3 // 4
    data[at] ^= 0xFF
    (broken / "0.mmj").write_bytes(data)
    whole = tmp_path / "j" / "s-2"
    busy_session(tmp_path / "j", session="s-2", seconds=5)
    with opened(store_url) as engine:
        done, errors = ship_sessions(engine, tmp_path / "j", batch_size=BATCH)
        (error,) = errors
        assert error.code == "E_STORE_JOURNAL"
        assert "file=" in error.key
        assert "0.mmj offset=" in error.key
        assert done.sessions == 1
        assert is_shipped(whole)
        assert not is_shipped(broken)
        places = {row.session_id: row.next_seq for row in rows_of(engine, t.journal_shipping)}
        until_damage = [record["seq"] for record in _readable(broken)]
        assert places["s-1"] == until_damage[-1] + 1


def _readable(journal):
    records = JournalReader(journal).records()
    while True:
        try:
            yield next(records)
        except (StoreError, StopIteration):
            return


def test_what_is_no_journal_of_a_session_is_refused(store_url, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "0.mmj").write_bytes(b"")
    with opened(store_url) as engine:
        assert ship_session(engine, empty, batch_size=BATCH).records == 0
        assert not is_shipped(empty), "a session may begin there"
        assert contents(engine)["sessions"] == []


@pytest.mark.spec("08-5.4")
def test_a_live_account_goes_on_from_session_to_session_in_whatever_order_they_arrive(
    store_url, journal, tmp_path
):
    lives = [
        relived(
            journal,
            tmp_path,
            session=f"live-{at}",
            created_ns=T0_NS + at,
            prefix=cid_prefix(env="dev", lock_key="k", session=f"live-{at}"),
        )
        for at in range(3)
    ]
    with shipped(f"sqlite:///{tmp_path}/ordered.db", *lives) as ordered:
        wanted = contents(ordered)
        assert list(verify_store(ordered)) == []
        fills = [one for one in rows_of(ordered, t.fills) if one.symbol == "BTCUSDT"]
        signed = [one.qty if one.side == "buy" else -one.qty for one in fills]
        positions = {row.symbol: row for row in rows_of(ordered, t.positions)}
        assert positions["BTCUSDT"].venue == "bybit-linear"
        assert positions["BTCUSDT"].qty == sum(signed)
        assert {one.session_id for one in fills} == {"live-0", "live-1", "live-2"}
    with shipped(store_url, lives[2], lives[0], lives[1]) as engine:
        found = contents(engine)
        assert found["positions"] == wanted["positions"]
        assert found["fills"] == wanted["fills"]
        with engine.begin() as connection:
            assert rebuild_positions(connection, "bybit-linear") == 2
        assert contents(engine)["positions"] == wanted["positions"]
