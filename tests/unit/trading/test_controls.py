"""What is done to a session by hand is in its journal, and a replay does it again."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.trading.written_sessions import SYMBOLS, write_session

from mmbot import core
from mmbot.store.journal import JournalReader, JournalWriter
from mmbot.trading.replaying import replay_journal


def throttle(count: int) -> dict[str, Any]:
    ring = {"base_ts": 1, "idx": 0, "ring": [count] * 3}
    ops = {"amend": ring, "cancel": ring, "create": ring}
    return {"symbols": {"*": ops, SYMBOLS[0]: ops}, "version": 2, "window_sec": 3}


def calibration(slip_bps: float) -> dict[str, Any]:
    state = {"samples": 99, "spread_bps": 1.0, "volume_usd": 1e6, "slip_bps": slip_bps}
    state |= {"slip_sq": slip_bps**2 + 1, "excess_bps": slip_bps, "size_kusd": 2.0}
    entry = {"override": {"cap_eff_bps": None, "k_eff": 3.0}, "state": state}
    return {"symbols": {SYMBOLS[1]: entry}, "version": 1}


def day(turnover_usd: float) -> dict[str, Any]:
    latched = {"daily_pnl_stop": None, "daily_turnover_cap": 1e5, "daily_vol_cap": None}
    sums = dict.fromkeys(SYMBOLS, 1e-6)
    return {
        "utc_day": 20_454,
        "pnl_usd": -4.0,
        "turnover_usd": turnover_usd,
        "sum_sq_returns": sums,
        "latched_at": latched,
    }


#: Everything that a session can be told, and what its journal says of it.
CONTROLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("kill", ("venue",), {"control": "kill", "cause": "venue", "reason": ""}),
    ("lift_kill", (), {"control": "lift_kill"}),
    ("resume", (), {"control": "resume"}),
    ("set_risk_floor", ("WIDE",), {"control": "grade", "grade": "WIDE"}),
    ("set_risk_floor", (None,), {"control": "grade", "grade": None}),
    ("set_storage_hold", (True,), {"control": "storage_hold", "on": True}),
    ("set_storage_hold", (False,), {"control": "storage_hold", "on": False}),
    ("set_manual_pause", (True,), {"control": "manual_pause", "on": True}),
    ("set_manual_pause", (False,), {"control": "manual_pause", "on": False}),
    ("set_guard_dry_run", (True,), {"control": "guard_dry_run", "on": True}),
    ("set_leader", (False,), {"control": "leader", "on": False}),
    ("set_leader", (True,), {"control": "leader", "on": True}),
    ("set_autopolicy_level", (2,), {"control": "autopolicy_level", "level": 2}),
    ("reset_autopolicy", (), {"control": "autopolicy_reset"}),
    ("set_autopolicy_enabled", (True,), {"control": "autopolicy_enabled", "on": True}),
    ("load_throttle", (throttle(2),), {"control": "throttle_load", "throttle": throttle(2)}),
    ("clear_throttle", (), {"control": "throttle_clear"}),
    ("reset_throttle", (), {"control": "throttle_reset"}),
    ("seed_backoff_max_ms", (9.5,), {"control": "backoff_max_seed", "backoff_ms": 9.5}),
    ("load_allocator", (1e5,), {"control": "high_water_mark", "hwm_equity_usd": 1e5}),
    (
        "load_cost_calibration",
        (calibration(2.0),),
        {
            "control": "cost_calibration",
            "symbols": [{"instrument": 1, **calibration(2.0)["symbols"][SYMBOLS[1]]}],
        },
    ),
    (
        "restore_day",
        (day(9e3),),
        {"control": "day_totals", "day": {**day(9e3), "sum_sq_returns": [1e-6, 1e-6]}},
    ),
]


def written(directory, done, *, seconds=8, session="s-1"):
    """A session to which `done` (second, place in `CONTROLS`) is done; its journal."""

    def on_second(engine: core.Backtest, second: int) -> None:
        control = engine.session()
        for _, at in sorted(one for one in done if one[0] == second):
            name, args, _ = CONTROLS[at]
            getattr(control, name)(*args)

    return write_session(directory, seconds=seconds, session=session, on_second=on_second)


def controls_of(path):
    return [
        {k: v for k, v in record.items() if k not in ("seq", "ts_ns", "kind")}
        for record in JournalReader(path).records(kinds=["control"])
    ]


@pytest.mark.spec("08-5.4", "09-1")
def test_everything_that_is_done_to_a_session_is_in_its_journal(tmp_path):
    path = written(tmp_path, [(1, at) for at in range(len(CONTROLS))])
    assert controls_of(path) == [*(expected for _, _, expected in CONTROLS), {"control": "stop"}]
    assert replay_journal(path).diff_seq is None


@pytest.mark.spec("09-1")
def test_the_words_of_whoever_kills_are_in_the_journal(tmp_path):
    path = write_session(
        tmp_path,
        seconds=4,
        on_second=lambda engine, second: (
            engine.session().kill(reason="spread of BTCUSDT is wrong") if second == 2 else None
        ),
    )
    kill = {"control": "kill", "cause": "operator", "reason": "spread of BTCUSDT is wrong"}
    assert controls_of(path)[0] == kill


@pytest.mark.spec("08-5.4", "00-4")
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    done=st.lists(
        st.tuples(st.integers(1, 7), st.integers(0, len(CONTROLS) - 1)), min_size=1, max_size=12
    )
)
def test_any_controls_at_any_moment_replay_to_the_same_requests(tmp_path_factory, done):
    path = written(tmp_path_factory.mktemp("journal"), done)
    found = replay_journal(path)
    assert found.diff_seq is None, found.marker


def test_records_of_controls_are_read_as_they_were_written(tmp_path):
    framer = core.JournalFramer()
    given_records = [expected for _, _, expected in CONTROLS]
    with JournalWriter(tmp_path, "s", fsync_ms=0) as writer:
        for record in [*given_records, {"control": "kill"}]:
            framer.push({"kind": "control", "ts_ns": 5, **record})
        writer.append(framer.take())
    short = {"control": "kill", "cause": "operator", "reason": ""}
    assert controls_of(writer.path) == [*given_records, short]


@pytest.mark.spec("08-5.4")
def test_what_a_journal_says_can_be_done_to_another_session(tmp_path):
    path = written(tmp_path / "one", [(2, at) for at in range(len(CONTROLS))])
    records = [r for r in JournalReader(path).records(kinds=["control"]) if r["control"] != "stop"]
    assert len(records) == len(CONTROLS)

    def again(engine: core.Backtest, second: int) -> None:
        if second == 2:
            for record in records:
                engine.session().apply(record)

    other = write_session(tmp_path / "two", seconds=8, on_second=again)
    assert controls_of(other) == controls_of(path)
    with pytest.raises(core.CoreError, match="E_STORE_TYPE"):
        core.JournalFramer().push({"kind": "control", "ts_ns": 1, "control": "dance"})


def test_after_a_stop_no_session_is_resumed(tmp_path):
    engines = []
    write_session(tmp_path, seconds=3, on_second=lambda engine, _: engines.append(engine))
    with pytest.raises(core.CoreError, match="E_BT_ARGS: resume"):
        engines[-1].session().resume()
