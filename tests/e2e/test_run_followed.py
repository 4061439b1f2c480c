"""`mmbot run --mode paper` on the market of a served exchange while it happens."""

import json

import pytest
from tests.e2e.live_world import SYMBOL, interrupt, is_replay_ok, until, world
from tests.e2e.processes import mmbot, run, start

from mmbot.market.catalog import read_events

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]


CUTS_MS = (10_000, 14_000, 18_000)


def place(one):
    return ("--venue", "bybit", "--endpoint", one.venue.rest, "--symbol", SYMBOL)


def report(path):
    return json.loads((path / "artifacts" / "EDGE_REPORT.json").read_bytes())


def test_it_trades_on_the_venues_market_without_a_key_and_without_a_request(tmp_path):
    with world(tmp_path, "--regime", "volatile") as one:
        done = run(tmp_path, *place(one), "--duration", "20s")
        assert done.returncode == 0, done.stderr
        assert "because its duration was over" in done.stdout
        assert report(tmp_path)["totals"]["fills"] > 0
        assert report(tmp_path)["runtime"]["mode"] == "paper"
        assert one.client().get_order_history(category="linear")["result"]["list"] == []
        (journal,) = one.journals()
        header = one.records(journal, "header")[0]
        assert header["mode"] == "paper"
        assert is_replay_ok(one.replays()[0])
        (state,) = one.states()
        assert (state["liveness"], state["exit_code"], state["mode"]) == ("ended", 0, "paper")
        rows = sum(
            len(chunk) for chunk in read_events(str(tmp_path / "data/research"), symbol=SYMBOL)
        )
        assert rows > 1_000, "the market was recorded"


def test_ctrl_c_cancels_and_leaves_the_report(tmp_path):
    with world(tmp_path) as one:
        session = start(tmp_path, *place(one))
        one.started.append(session)
        until(lambda: one.states() and one.states()[0]["symbols"])
        until(lambda: one.states()[0]["symbols"][0]["open_orders"])
        code, out, err = interrupt(session)
        assert code == 0, err
        assert "because it was interrupted" in out
        assert report(tmp_path)["runtime"]["mode"] == "paper"
        assert is_replay_ok(one.replays()[0])


def test_a_lost_stream_pulls_the_quotes_and_the_session_goes_on(tmp_path):
    # nobody knows what rests at one moment: in a calm market there is something at one of them
    cuts = (f"- {{at_ms: {at}, kind: disconnect, stream: public}}\n" for at in CUTS_MS)
    with world(tmp_path, faults="".join(cuts)) as one:
        done = run(tmp_path, *place(one), "--duration", "25s")
        assert done.returncode == 0, done.stderr
        assert "| market | GAP | disconnected BTCUSDT |" in done.stderr
        (journal,) = one.journals()
        causes = [record["cause"] for record in one.records(journal, "intent")]
        assert "stale_book" in causes
        after = causes[len(causes) - causes[::-1].index("stale_book") :]
        assert after, "it quotes again"
        assert is_replay_ok(one.replays()[0])


def test_a_market_of_now_has_one_speed(tmp_path):
    with world(tmp_path) as one:
        done = run(tmp_path, *place(one), "--speed", "10x", "--duration", "1s")
        assert done.returncode == 1
        assert "E_CFG_CONFLICT: --speed" in done.stderr


def test_a_venue_that_is_not_there_is_said_at_once(tmp_path):
    with world(tmp_path) as one:
        rest = one.venue.rest
    done = mmbot(tmp_path, "run", "--headless", "--venue", "bybit", "--endpoint", rest)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("E_VENUE_CALL:")
