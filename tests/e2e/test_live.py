"""A live session on a served exchange: trades, stops, survives; every journal replays."""

import signal
import time

import pytest
from tests.e2e.live_world import SYMBOL, ended, interrupt, is_replay_ok, until, world
from tests.fault_rows import LEAVES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]

OVER_REST = ("bybit.trade_socket=false", "bybit.call_timeout_ms=1000")


def has_orders(one):
    return one.open_orders


def check_journals(one):
    lines = one.replays()
    assert lines
    assert all(is_replay_ok(line) for line in lines), lines


def test_it_trades_and_leaves_nothing_behind(tmp_path):
    with world(tmp_path) as one:
        done = one.run("--duration", "8s")
        assert done.returncode == 0, done.stderr
        assert "| recovery | OK | fills_added=0 canceled=0" in done.stderr
        assert one.open_orders() == []
        (journal,) = one.journals()
        intents = one.records(journal, "intent")
        assert any(record["action"] == "place" for record in intents)
        reports = {record["report"] for record in one.records(journal, "report")}
        assert {"accepted", "cancelled"} <= reports
        (state,) = one.states()
        assert (state["liveness"], state["exit_code"]) == ("ended", 0)
        assert state["symbols"][0]["position"] == pytest.approx(one.position())
        check_journals(one)


@pytest.mark.spec("02-1")
def test_without_a_word_it_does_not_trade_with_money(tmp_path):
    with world(tmp_path) as one:
        args = [word for word in one.args() if word != "--i-understand-live"]
        done = one.mmbot("run", *args, "--headless", "--duration", "2s")
        assert done.returncode == 1
        assert "E_OPS_LIVE_REFUSED:not_confirmed" in done.stderr
        assert one.journals() == []


@pytest.mark.spec("02-1", "09-1")
def test_a_stop_ends_with_an_empty_venue_and_prints_its_stages(tmp_path):
    with world(tmp_path) as one:
        session = one.start()
        until(has_orders(one))
        second = one.run("--duration", "2s")
        assert "E_OPS_LIVE_REFUSED:already_running" in second.stderr
        done = one.mmbot("stop")
        assert done.returncode == 0, done.stderr
        stages = [line.split("|")[2].strip() for line in done.stdout.splitlines()]
        assert stages[0] == "GATE_CLOSED"
        assert stages[-2:] == ["VERIFIED", "ENDED"]
        one.leaves(*LEAVES[18])
        assert ended(session)[0] == 0
        assert one.open_orders() == []
        assert one.mmbot("stop").returncode == 1
        check_journals(one)


def test_a_signal_that_arrives_twice_at_once_is_one_wish(tmp_path):
    """As of `timeout 60 make run`: both of them signal the session."""
    with world(tmp_path) as one:
        session = one.start()
        until(has_orders(one))
        session.send_signal(signal.SIGINT)
        code, _, err = interrupt(session)
        assert (code, "| stop | VERIFIED |" in err) == (0, True)
        assert one.open_orders() == []
        check_journals(one)


def test_kept_orders_are_taken_over_by_the_next_session(tmp_path):
    with world(tmp_path) as one:
        session = one.start()
        until(has_orders(one))
        done = one.mmbot("stop", "--keep-orders")
        assert done.returncode == 0, done.stderr
        assert ended(session)[0] == 0
        kept = one.open_orders()
        assert kept
        controls = [record["control"] for record in one.records(one.journals()[0], "control")]
        assert controls[-1] == "keep_orders"
        check_journals(one)
        done = one.run("--duration", "3s")
        assert done.returncode == 0, done.stderr
        # What filled meanwhile is not there to be taken over.
        assert 0 < one.recovery()["adopted"] <= len(kept)
        assert len(one.journals()) == 1
        assert one.open_orders() == []
        controls = [record["control"] for record in one.records(one.journals()[0], "control")]
        assert controls[-3:] == ["keep_orders", "lift_stop", "stop"]
        check_journals(one)
        assert one.mmbot("compare", str(one.journals()[0])).returncode == 0


def test_orders_of_others_are_left_alone(tmp_path):
    with world(tmp_path) as one:
        client = one.client()
        for link in ("web-1", ""):
            more = {"orderLinkId": link} if link else {}
            client.place_order(
                category="linear", symbol=SYMBOL, side="Buy", orderType="Limit", qty="0.01",
                price="45000", **more,
            )  # fmt: skip
        foreign = sorted(one.open_orders())
        done = one.run("--duration", "3s")
        assert done.returncode == 0, done.stderr
        assert sorted(one.open_orders()) == foreign


def test_a_wrong_key_ends_it_at_once(tmp_path):
    with world(tmp_path) as one:
        done = one.run("--duration", "20s", BYBIT_API_SECRET="wrong")
        assert done.returncode == 1
        assert "10004" in done.stderr
        assert one.open_orders() == []
        status = one.mmbot("status")
        assert "starts that failed: E_VENUE_CALL:10004 1" in status.stdout
        (line,) = (one.path / "artifacts" / "audit.jsonl").read_text("ascii").splitlines()
        assert '"detail":"E_VENUE_CALL:10004"' in line


def test_a_damaged_journal_stops_every_start_and_is_told(tmp_path):
    with world(tmp_path) as one:
        session = one.start()
        until(has_orders(one))
        session.kill()
        session.communicate()
        path = one.journals()[0] / "0.mmj"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
        for _ in range(2):
            done = one.run("--duration", "2s")
            assert done.returncode == 1
            assert "E_STORE_JOURNAL" in done.stderr
        assert "starts that failed: E_STORE_JOURNAL 2" in one.mmbot("status").stdout
        lines = (one.path / "artifacts" / "audit.jsonl").read_text("ascii").splitlines()
        assert sum('"detail":"E_STORE_JOURNAL"' in line for line in lines) == 2
        assert one.mmbot("audit", "verify").returncode == 0


@pytest.mark.spec("02-12/2")
def test_requests_that_time_out_are_resolved_and_never_repeated(tmp_path):
    faults = """
- {at_ms: 24000, kind: drop, stream: rest, topic: /v5/order/create, count: 2}
- {at_ms: 26000, kind: lose, stream: rest, topic: /v5/order/create, count: 2}
- {at_ms: 28000, kind: hold, stream: rest, topic: /v5/order/, delay_ms: 1500, count: 3}
- {at_ms: 30000, kind: drop, stream: rest, topic: /v5/order/cancel, count: 2}
"""
    with world(tmp_path, "--regime", "volatile", faults=faults, sets=OVER_REST) as one:
        done = one.run("--duration", "35s")
        assert done.returncode == 0, done.stderr
        assert one.open_orders() == []
        assert one.states()[0]["symbols"][0]["position"] == pytest.approx(one.position())
        places = [
            record["full_cid"]
            for record in one.records(one.journals()[0], "intent")
            if record["action"] == "place"
        ]
        assert len(places) == len(set(places))
        check_journals(one)


def test_streams_that_break_stop_quoting_until_they_are_back(tmp_path):
    faults = """
- {at_ms: 25000, kind: disconnect, stream: private}
- {at_ms: 29000, kind: disconnect, stream: public}
"""
    with world(tmp_path, faults=faults) as one:
        done = one.run("--duration", "35s")
        assert done.returncode == 0, done.stderr
        assert "| private | LOST |" in done.stderr
        assert "| private | OK | back and reconciled |" in done.stderr
        assert "| market | GAP | disconnected BTCUSDT |" in done.stderr
        (journal,) = one.journals()
        records = one.records(journal, "hold", "intent")
        held = [at for at, record in enumerate(records) if record["kind"] == "hold"]
        assert [records[at]["on"] for at in held[:2]] == [True, False]
        one.leaves(*LEAVES[1], *LEAVES[5])
        after = records[held[1] :]
        assert any(record.get("action") == "place" for record in after)
        assert one.states()[0]["symbols"][0]["position"] == pytest.approx(one.position())
        check_journals(one)


def test_a_new_tick_size_is_traded_by_a_new_session_unattended(tmp_path):
    faults = '- {at_ms: 25000, kind: relist, symbol: BTCUSDT, tick_size: "0.5", duration_ms: 2000}'
    with world(tmp_path, faults=faults) as one:
        session = one.start()
        until(lambda: len(one.journals()) == 2)
        until(lambda: one.records(one.journals()[1], "intent"))
        code, _, err = interrupt(session)
        assert code == 0, err
        assert "| listing | CHANGED | symbol=BTCUSDT tick=0.1->0.5" in err
        old, new = one.journals()
        assert one.records(new, "header")[0]["instruments"][0]["tick_size"] == "0.5"
        assert one.records(old, "session_end")[0]["reason"] == "relisted"
        one.leaves("session_ended.relisted", session=1)
        assert one.open_orders() == []
        check_journals(one)


def test_a_clock_that_is_off_stops_quoting_with_its_reason(tmp_path):
    faults = "- {at_ms: 0, kind: clock_skew, skew_ms: 5000}"
    with world(tmp_path, faults=faults) as one:
        done = one.run("--duration", "4s")
        assert "E_MD_CLOCK" in done.stderr
        placed = [
            record
            for record in one.records(one.journals()[0], "intent")
            if record["action"] == "place"
        ]
        assert placed == []


def test_too_little_room_stops_quoting_before_the_journal_fails(tmp_path):
    with world(tmp_path, sets=("storage.min_free_mb=1000000000",)) as one:
        done = one.run("--duration", "3s")
        assert done.returncode == 0, done.stderr
        assert "E_STORE_DISK: storage.min_free_mb" in done.stderr
        assert one.open_orders() == []
        one.leaves(*LEAVES[13])
        check_journals(one)


@pytest.mark.spec("02-14")
def test_shadow_quotes_on_the_venues_market_without_a_request(tmp_path):
    with world(tmp_path, "--regime", "volatile") as one:
        session = one.start_shadow()
        until(lambda: one.is_trading(session))
        until(lambda: one.states()[0]["symbols"][0]["open_orders"])
        assert one.open_orders() == []
        time.sleep(4)
        assert one.open_orders() == []
        code, out, err = interrupt(session)
        assert code == 0, err
        assert "| shadow | OK | orders=" in out
        (journal,) = one.journals()
        assert one.records(journal, "header")[0]["mode"] == "shadow"
        assert any(record["report"] == "accepted" for record in one.records(journal, "report"))
        assert one.client().get_order_history(category="linear")["result"]["list"] == []
        check_journals(one)


@pytest.mark.spec("02-13/6", "09-1")
def test_a_position_that_somebody_else_made_is_shown_explained_and_booked(tmp_path):
    with world(tmp_path) as one:
        place = ("--endpoint", one.venue.rest, "--symbol", SYMBOL)
        session = one.start()
        until(lambda: one.is_trading(session))
        until(lambda: one.mmbot("reconcile", *place).returncode == 0)
        one.client().place_order(
            category="linear", symbol=SYMBOL, side="Sell", orderType="Market", qty="0.050"
        )
        found = until(
            lambda: (done := one.mmbot("reconcile", "--explain", *place)).returncode == 2 and done
        )
        assert "position_mismatch symbol=BTCUSDT" in found.stdout
        assert "event=adjustment" in found.stdout
        done = one.mmbot("reconcile", "--apply", *place)
        assert done.returncode == 0, done.stderr
        until(lambda: one.mmbot("reconcile", *place).returncode == 0)
        code, _, err = interrupt(session)
        assert code == 0, err
        assert "| reconcile | BOOKED | symbol=BTCUSDT" in err
        assert one.states()[0]["symbols"][0]["position"] == pytest.approx(one.position())
        check_journals(one)
        gone = one.mmbot("reconcile", "--apply", *place)
        assert gone.returncode == 1
        assert "E_OPS_NO_SESSION" in gone.stderr


def test_maintenance_of_the_venue_is_waited_for_and_quoting_comes_back(tmp_path):
    faults = "- {at_ms: 25000, kind: maintenance, duration_ms: 4000}"
    with world(tmp_path, "--regime", "volatile", faults=faults) as one:
        session = one.start()
        until(lambda: one.is_trading(session))
        (journal,) = one.journals()
        until(
            lambda: [record["on"] for record in one.records(journal, "hold")][:2] == [True, False]
        )
        lifted = next(record["seq"] for record in one.records(journal, "hold") if not record["on"])
        until(
            lambda: [
                record
                for record in one.records(journal, "intent")
                if record["seq"] > lifted and record["action"] == "place"
            ]
        )
        code, _, err = interrupt(session)
        assert code == 0, err
        assert one.open_orders() == []
        assert one.states()[0]["symbols"][0]["position"] == pytest.approx(one.position())
        check_journals(one)


def test_a_kill_is_drilled_on_a_live_session(tmp_path):
    with world(tmp_path) as one:
        session = one.start()
        until(lambda: one.is_trading(session))
        until(has_orders(one))
        done = one.mmbot("risk", "drill", "kill")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "passed" in done.stdout
        until(has_orders(one))
        code, _, err = interrupt(session)
        assert code == 0, err
        check_journals(one)
