"""A session with known truth: each difference shows in its own part, and the parts add up."""

import pytest
from tests.unit.research.comparison.made_sessions import (
    SIM,
    config,
    market,
    rewritten,
    write_session,
)
from tests.unit.trading.live.live_sessions import Clock, Trading, opened
from tests.unit.trading.live.made_orders import SYMBOL

from mmbot import core
from mmbot.config import lane_params
from mmbot.research.comparison.compare import compare_session
from mmbot.research.comparison.rerun import Rerun, Simulation, read_session
from mmbot.research.comparison.split import PARTS
from mmbot.store.journal import JournalReader

LATENCY = {"latency_ms_mean": 40.0, "amend_latency_ms": 40.0, "cancel_latency_ms": 40.0}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return touching(tmp_path_factory.mktemp("session"))


def touching(directory, *, seconds=120, **options):
    """A session that quotes at the touch, where orders wait in queues."""
    calm = [market("BTCUSDT", seconds + 5, regime="calm")]
    return write_session(
        directory, seconds=seconds, markets=calm, base_spread_bps=0.0, k_vola_spread=0.0, **options
    )


def parts_of(found):
    return {name: float(found.total.parts[name]) for name in PARTS}


def net_at(found, marks):
    """What the session made by its account, with the position at other mids."""
    account = found.inputs.account
    return sum(float(account.net(at, mark) * account.unit_usd(at)) for at, mark in enumerate(marks))


def assert_adds_up(found):
    total = found.total
    assert sum(total.parts.values()) == total.gap == total.session - total.simulated
    document = found.document()
    assert sum(document["parts_usd"].values()) == pytest.approx(document["gap_usd"], abs=1e-9)
    assert document["gap_usd"] == pytest.approx(
        document["session_usd"] - document["simulated_usd"], abs=1e-9
    )
    bps = sum(document["parts_bps"].values())
    assert bps == pytest.approx(document["gap_bps"], abs=1e-9)
    counts = document["counts"]
    orders = found.inputs.account.orders
    assert counts["pairs"] + counts["session_only"] == len(orders) > 0


@pytest.mark.spec("09-3")
def test_a_session_against_itself_has_no_gap_and_all_orders_are_paired(session):
    path, net, marks = session
    found = compare_session(path, Simulation(simulator=SIM))
    assert_adds_up(found)
    assert set(parts_of(found).values()) == {0.0}
    assert found.gap_bps == 0.0
    counts = found.document()["counts"]
    assert (counts["session_only"], counts["simulated_only"]) == (0, 0)
    assert counts["pairs_with_equal_fills"] == counts["pairs"]
    assert counts["session_fills"] > 5
    assert net_at(found, marks) == pytest.approx(net, abs=1e-9)


def test_the_account_of_a_run_is_that_of_the_engine(session):
    path, net, _ = session
    inputs = read_session(path, {})
    run = Rerun(path, inputs, Simulation(simulator={**SIM, **LATENCY})).run()
    mine = float(run.account.net(0, run.marks[0]) * run.account.unit_usd(0))
    assert mine == pytest.approx(run.net_usd, abs=1e-9)
    assert run.net_usd != pytest.approx(net, abs=1e-6)


@pytest.mark.spec("09-3")
def test_another_latency_shows_in_the_latency_alone(session):
    path, *_ = session
    found = compare_session(path, Simulation(simulator={**SIM, **LATENCY}))
    assert_adds_up(found)
    parts = parts_of(found)
    assert parts.pop("latency") == pytest.approx(float(found.total.gap), abs=1e-12) != 0.0
    assert set(parts.values()) == {0.0}
    latency = found.document()["latency_ms"]
    assert latency["session"]["place"]["mean"] == 0.0
    assert latency["simulated"]["place"]["mean"] == pytest.approx(40.0)


@pytest.mark.spec("09-3")
def test_a_session_with_the_same_latency_has_no_gap(tmp_path):
    sim = {**SIM, "latency_ms_mean": 20.0, "latency_ms_std": 5.0, "cancel_latency_ms": 10.0}
    path, *_ = write_session(tmp_path, seconds=120, sim=sim)
    found = compare_session(path, Simulation(simulator=sim))
    assert_adds_up(found)
    assert (found.has_other_latency, set(parts_of(found).values())) == (False, {0.0})
    other = compare_session(path, Simulation(simulator=SIM))
    assert_adds_up(other)
    assert other.has_other_latency


@pytest.mark.spec("09-3")
def test_fees_that_the_venue_charged_otherwise_show_in_the_fees_alone(session, tmp_path):
    path, *_ = session
    charged = 0

    def dearer(record):
        nonlocal charged
        if record.get("report") == "filled":
            charged += 1_000
            record["fee"] += 1_000
        return record

    changed = rewritten(path, tmp_path, dearer)
    found = compare_session(changed, Simulation(simulator=SIM))
    assert_adds_up(found)
    parts = parts_of(found)
    unit = found.inputs.account.unit_usd(0)
    assert found.total.parts["fees"] == -charged * unit == found.total.gap != 0
    del parts["fees"]
    assert set(parts.values()) == {0.0}


@pytest.mark.spec("09-3")
@pytest.mark.parametrize("other", [{"mode": "conservative"}, {"queue_model": "conservative"}])
def test_another_queue_model_shows_in_the_queue_and_not_in_latency_fees_or_data(session, other):
    path, *_ = session
    found = compare_session(path, Simulation(simulator={**SIM, **other}))
    assert_adds_up(found)
    parts = parts_of(found)
    assert parts["queue"] != 0.0
    assert (parts["latency"], parts["fees"], parts["market_data"]) == (0.0, 0.0, 0.0)
    counts = found.document()["counts"]
    assert counts["pairs_filled_more"] + counts["pairs_filled_less"] > 0


@pytest.mark.spec("09-3")
def test_orders_that_only_the_session_placed_show_in_the_decisions(session, tmp_path):
    path, *_ = session
    filled = next(
        cid for cid, order in read_session(path, {}).account.orders.items() if order.fills
    )
    other = compare_session(path, Simulation(simulator=SIM))
    order = other.inputs.account.orders[filled]

    def without(record):
        return None if record.get("cid") == filled[1] else record

    found = compare_session(rewritten(path, tmp_path, without), Simulation(simulator=SIM))
    assert_adds_up(found)
    counts = found.document()["counts"]
    assert (counts["session_only"], counts["simulated_only"]) == (0, 1)
    gain = order.gain(other.session.marks[0]) * other.inputs.account.unit_usd(0)
    assert found.total.parts["decisions"] == -gain == found.total.gap


@pytest.mark.spec("09-3")
def test_changes_at_run_time_happen_in_the_simulation_too(tmp_path):
    fewer = lane_params(config(levels_per_side=1), "BTCUSDT")
    events = [
        (30, lambda engine: engine.apply_params(0, fewer)),
        (60, lambda engine: engine.session(0).kill()),
        (75, lambda engine: engine.session(0).resume()),
    ]
    path, *_ = write_session(tmp_path, seconds=120, events=events)
    found = compare_session(path, Simulation(simulator=SIM))
    assert_adds_up(found)
    assert set(parts_of(found).values()) == {0.0}
    counts = found.document()["counts"]
    assert (counts["session_only"], counts["simulated_only"]) == (0, 0)


@pytest.mark.spec("09-3")
def test_several_symbols_add_up_one_by_one(tmp_path):
    path, net, marks = write_session(tmp_path, seconds=120, symbols=("BTCUSDT", "ETHUSDTX"))
    found = compare_session(path, Simulation(simulator=SIM))
    assert_adds_up(found)
    assert set(parts_of(found).values()) == {0.0}
    assert net_at(found, marks) == pytest.approx(net, abs=1e-9)
    other = compare_session(path, Simulation(simulator={**SIM, **LATENCY}))
    assert_adds_up(other)
    by_symbol = other.document()["by_symbol"]
    assert sum(one["gap_usd"] for one in by_symbol.values()) == pytest.approx(
        float(other.total.gap), abs=1e-9
    )


@pytest.mark.spec("09-3")
def test_a_catalog_with_other_data_shows_in_the_market_data_alone(session, tmp_path, monkeypatch):
    path, *_ = session
    seeds = {"same": 1, "other": 2}

    def catalog(data, *, symbol, start_ns, end_ns, **_):
        rows = market(symbol, 125, regime="calm", seed=seeds[data])
        chunks = (chunk.to_arrays() for chunk in rows)
        for chunk in chunks:
            kept = (chunk["ts_exch"] >= start_ns) & (chunk["ts_exch"] < end_ns)
            yield core.EventChunk.from_arrays(**{name: chunk[name][kept] for name in chunk})

    monkeypatch.setattr("mmbot.research.comparison.rerun.read_events", catalog)
    same = compare_session(path, Simulation(simulator=SIM, data="same"))
    assert_adds_up(same)
    assert set(parts_of(same).values()) == {0.0}
    other = compare_session(path, Simulation(simulator=SIM, data="other"))
    assert_adds_up(other)
    parts = parts_of(other)
    assert parts.pop("market_data") == pytest.approx(float(other.total.gap), abs=1e-12) != 0.0
    assert set(parts.values()) == {0.0}


@pytest.mark.spec("09-3")
def test_where_a_live_session_was_held_or_left_its_orders_the_simulation_quotes_nothing(tmp_path):
    trading = Trading(opened(tmp_path), Clock())
    spans = []

    def play(steps=12):
        begun_ns = trading.clock.now_ns
        for _ in range(steps):
            trading.step()
        return begun_ns, trading.clock.now_ns

    play()
    trading.desk.hold(SYMBOL, on=True)
    spans.append(play())
    trading.desk.hold(SYMBOL, on=False)
    play()
    trading.desk.core.control(trading.clock.now_ns, "keep_orders")
    spans.append(play())
    trading.desk.write()
    trading.one.writer.close()
    again = opened(tmp_path, "s-2", trading.clock.now_ns)
    assert again.is_resumed
    resting = trading.venue.resting
    trading = Trading(again, trading.clock)
    trading.venue.resting = resting
    late_ns, _ = play(30)
    again.core.end(trading.clock.now_ns, "duration")
    trading.desk.write()
    again.writer.close()
    path = str(tmp_path / "s-1")
    found = compare_session(path, Simulation(simulator=SIM))
    for run in (found.session, found.simulated):
        placed = [order.ts_ns for order in run.account.orders.values()]
        # a pause acts at the next synchronisation
        inside = [
            ts_ns for ts_ns in placed for begin, end in spans if begin + 200_000_000 < ts_ns <= end
        ]
        assert inside == []
        assert any(ts_ns > late_ns for ts_ns in placed), "it quotes again"
    assert_adds_up(found)
    assert found.document()["counts"]["pairs"] > 0


def adopting(lots, px=None):
    def act(engine):
        at = round(20 * engine.snapshot(0, 0)["mid"]) * 5_000 if px is None else px
        engine.adopt_position(0, lots, at)

    return act


def test_positions_that_were_taken_over_are_taken_over_in_the_simulation_too(tmp_path):
    """At the beginning, and more and less later; at the mid and at a price."""
    events = [(1, adopting(40)), (90, adopting(25, 4_990_000_000)), (150, adopting(-30))]
    path, net_usd, _ = write_session(tmp_path, events=events)
    adopted = list(JournalReader(path).records(kinds=("adopt",)))
    assert len(adopted) == 3
    assert adopted[0]["position"] >= 40
    found = compare_session(str(path), Simulation(simulator=SIM))
    total, pairing = found.total, found.pairings[0]
    assert total.gap == 0
    assert len(pairing.session_only) == len(pairing.simulated_only) == 0
    assert_adds_up(found)
    assert found.session.account.adopted == found.simulated.account.adopted
    assert [lots for lots, _ in found.session.account.adopted[0]] == [40, 25, -30]
    assert float(total.session) == pytest.approx(net_usd, abs=1e-6)
    # without it the inventory, and with it the quotes, would be others
    bare = rewritten(path, tmp_path / "bare", lambda one: None if one["kind"] == "adopt" else one)
    other = compare_session(str(bare), Simulation(simulator=SIM))
    assert other.pairings[0].session_only or other.total.gap


def test_with_another_exchange_the_parts_add_up_with_positions_taken_over(tmp_path):
    events = [(1, adopting(40)), (100, adopting(-15))]
    path, _, _ = write_session(tmp_path, events=events)
    simulator = {**SIM, "latency_ms_mean": 80.0, "latency_ms_std": 0.0}
    found = compare_session(str(path), Simulation(simulator=simulator))
    assert_adds_up(found)
    assert found.session.account.adopted == found.simulated.account.adopted
