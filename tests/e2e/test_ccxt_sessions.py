"""Sessions through ccxt on a served exchange: live, shadow, paper."""

import pytest
from tests.e2e.live_world import SYMBOL, ended, is_replay_ok, until, world
from tests.e2e.processes import run, start

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]

CCXT = ("--venue", "ccxt:bybit")


def words(one, mode):
    """Arguments of a live session, on ccxt's connector and in another mode."""
    given = one.args()
    given[given.index("--venue") + 1] = CCXT[1]
    given[given.index("live")] = mode
    return given if mode == "live" else [word for word in given if word != "--i-understand-live"]


def test_a_live_session_trades_stops_and_leaves_nothing_behind(tmp_path):
    with world(tmp_path) as one:
        session = start(tmp_path, *words(one, "live"), **one.env)
        one.started.append(session)
        until(lambda: one.is_trading(session))
        until(one.open_orders)
        done = one.mmbot("stop")
        assert done.returncode == 0, done.stderr
        code, _, err = ended(session)
        assert code == 0, err
        assert one.open_orders() == []
        (state,) = one.states()
        assert (state["venue"], state["endpoint"]) == ("bybit", one.venue.rest)
        assert state["symbols"][0]["position"] == pytest.approx(one.position())
        (journal,) = one.journals()
        reports = {record["report"] for record in one.records(journal, "report")}
        assert {"accepted", "cancelled"} <= reports
        assert is_replay_ok(one.replays()[0])


def test_a_killed_live_session_goes_on_where_the_venue_is(tmp_path):
    with world(tmp_path) as one:
        for is_last in (False, True):
            session = start(tmp_path, *words(one, "live"), **one.env)
            one.started.append(session)
            until(lambda session=session: one.is_trading(session))
            until(one.open_orders)
            if not is_last:
                session.kill()
                session.communicate()
        done = one.mmbot("stop")
        assert done.returncode == 0, done.stderr
        assert ended(session)[0] == 0
        assert one.open_orders() == []
        assert len(one.journals()) == 1
        assert one.states()[0]["symbols"][0]["position"] == pytest.approx(one.position())
        assert is_replay_ok(one.replays()[0])


def test_shadow_and_paper_need_no_key_and_ask_for_nothing(tmp_path):
    with world(tmp_path, "--regime", "volatile") as one:
        done = run(tmp_path, *words(one, "shadow"), "--duration", "8s")
        assert done.returncode == 0, done.stderr
        assert "| shadow | OK | orders=" in done.stdout
        place = (*CCXT, "--endpoint", one.venue.rest, "--symbol", SYMBOL)
        done = run(tmp_path, *place, "--duration", "8s")
        assert done.returncode == 0, done.stderr
        assert "because its duration was over" in done.stdout
        assert one.client().get_order_history(category="linear")["result"]["list"] == []
        assert all(is_replay_ok(line) for line in one.replays())


def test_a_wrong_key_ends_it_at_once(tmp_path):
    with world(tmp_path) as one:
        env = one.env | {"BYBIT_API_SECRET": "wrong"}
        done = run(tmp_path, *words(one, "live"), "--duration", "20s", **env)
        assert done.returncode == 1
        assert "AuthenticationError" in done.stderr
        assert one.open_orders() == []
