"""Whole runs: determinism, warm-up, crashes, missing reports, guards, verdicts."""

import json
import os
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from tests.integration.soak.runs import FROZEN, Lines, mock_source, run, tree

from mmbot.soak.day_stop import RunDayGuard
from mmbot.soak.launch import launch
from mmbot.soak.mock import MockSource
from mmbot.soak.source import EngineCrashError
from mmbot.soak.verify import verify_deltas

LONG = 30


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    for name, value in FROZEN.items():
        monkeypatch.setenv(name, value)


def scenario(*totals):
    def make(request: Any) -> Any:
        return MockSource(seed=1, start_ns=request.start_ns, scenario=list(totals))

    return make


class Faulty(MockSource):
    """Crashes, forgets reports or acknowledgements where it is told to."""

    def __init__(self, request, *, crashes=(), silent=(), deaf=()):
        super().__init__(seed=42, start_ns=request.start_ns)
        self.crashes = list(crashes)
        self.silent = silent
        self.deaf = deaf
        self.applied = 0
        self.restarts = 0
        self.halted = 0

    def apply(self, parameters):
        self.applied += 1
        return None if self.applied in self.deaf else super().apply(parameters)

    def trade(self, request):
        if request.iteration in self.crashes:
            self.crashes.remove(request.iteration)
            raise EngineCrashError("died")
        window = super().trade(request)
        return replace(window, report=None) if request.iteration in self.silent else window

    def restart(self):
        self.restarts += 1

    def halt(self):
        self.halted += 1


def faulty(**faults):
    made: list[Faulty] = []

    def make(request: Any) -> Any:
        made.append(Faulty(request, **faults))
        return made[-1]

    return make, made


@pytest.mark.spec("07-13", "07-11")
def test_equal_runs_write_equal_bytes(tmp_path):
    run(tmp_path / "a", iterations=LONG, warmup=True)
    run(tmp_path / "b", iterations=LONG, warmup=True)
    first, second = tree(tmp_path / "a"), tree(tmp_path / "b")
    assert len(first) > LONG
    assert first == second


@pytest.mark.spec("07-12", "07-7")
def test_a_long_run_with_warm_up_verifies_completely(tmp_path):
    done = run(tmp_path, iterations=LONG, warmup=True)
    found = verify_deltas(done.summaries)
    assert len(found.pairs) > 10
    assert found.ratio == 1.0
    phases = [s["phase"] for s in done.summaries[:7]]
    assert phases == ["WARMUP"] * 4 + ["RAMPDOWN"] * 2 + ["STEADY"]
    overrides = json.loads((tmp_path / "soak" / "runtime_overrides.json").read_bytes())
    assert done.summaries[0]["overrides"]["tail_age_ms"] == 750
    assert overrides["tail_age_ms"] < 1000


@pytest.mark.spec("07-7")
def test_no_warm_up_iteration_changes_more_than_two_fields(tmp_path):
    done = run(tmp_path, iterations=6, warmup=True)
    changed = [set(s["tuning"]["applied_deltas"]) for s in done.summaries]
    modes = [s["tuning"]["mode"] for s in done.summaries]
    regular = [c for c, mode in zip(changed[:4], modes, strict=False) if mode == "regular"]
    assert regular
    assert max(len(c) for c in regular) <= 2


@pytest.mark.spec("07-9.3")
def test_a_calm_market_freezes_two_parameters_for_four_iterations(tmp_path):
    calm = {"net_bps": 3.2, "risk_ratio": 0.2, "order_age_p95_ms": 300.0, "adverse_bps_p95": 3.6}
    done = run(tmp_path, iterations=9, make_source=scenario(calm))
    tunings = [s["tuning"] for s in done.summaries]
    assert [t["guards"]["frozen_until_iter"] for t in tunings] == [None, *[6] * 5, *[11] * 3]
    # Iterations 2 and 3 are in the cooldown of the first change.
    assert tunings[3]["removed"]["freeze"] == ["impact_cap_ratio", "max_delta_ratio"]
    assert tunings[3]["applied_deltas"] == {"min_interval_ms": -3, "replace_rate_per_min": 5}
    for tuning in tunings[2:6]:
        assert not {"impact_cap_ratio", "max_delta_ratio"} & set(tuning["applied_deltas"])


@pytest.mark.spec("07-9.6", "07-9.1/2")
def test_a_panic_reverts_even_on_the_last_iteration(tmp_path):
    bad = {"net_bps": 1.0, "risk_ratio": 0.3}
    done = run(tmp_path, iterations=3, make_source=scenario(bad))
    tuning = done.summaries[-1]["tuning"]
    assert (tuning["mode"], tuning["applied"]) == ("panic", True)
    assert done.end.document["tuning"]["panics"] == 1


@pytest.mark.spec("07-5")
def test_a_missing_report_is_unknown_and_not_tuned(tmp_path):
    make, _ = faulty(silent=(2,))
    view = Lines()
    done = run(tmp_path, make_source=make, view=view)
    summary = done.summaries[1]
    assert summary["summary"]["kpi_verdict"] == "UNKNOWN"
    assert summary["tuning"]["skipped_reason"] == "no_report"
    assert summary["tuning"]["guards"]["neg_streak"] == 1
    assert "| iter_watch | WARN | edge report missing |" in view.lines


@pytest.mark.spec("07-5")
def test_one_crash_is_survived_and_its_iteration_not_tuned(tmp_path):
    make, made = faulty(crashes=[2])
    done = run(tmp_path, make_source=make)
    assert made[0].restarts == 1
    assert done.summaries[1]["restarted"] is True
    assert done.summaries[1]["tuning"]["skipped_reason"] == "incomplete"
    assert done.end.document["iterations_completed"] == 6


@pytest.mark.spec("07-5")
def test_two_crashes_in_a_row_end_the_run_and_cancel_the_orders(tmp_path):
    make, made = faulty(crashes=[2, 2])
    with pytest.raises(EngineCrashError) as caught:
        run(tmp_path, make_source=make)
    assert caught.value.code == "E_SOAK_ENGINE"
    assert made[0].halted == 1
    done = run(tmp_path, resume=True)
    assert done.end.document["iterations_completed"] == 6


@pytest.mark.spec("07-11")
def test_a_change_that_is_not_acknowledged_is_taken_back(tmp_path):
    # The first acknowledgement starts the window, the second is that of the change.
    make, _ = faulty(deaf=(2,))
    view = Lines()
    done = run(tmp_path, make_source=make, view=view)
    tuning = done.summaries[0]["tuning"]
    assert (tuning["applied"], tuning["skipped_reason"]) == (False, "apply_failed")
    assert tuning["state_hash"] == tuning["state_hash_before"]
    assert done.summaries[1]["base"] == done.summaries[0]["base"]
    assert "| iter_watch | APPLY | ERROR | engine did not acknowledge |" in view.lines
    assert verify_deltas(done.summaries).ratio == 1.0


@pytest.mark.spec("07-5")
def test_a_stop_ends_the_run_as_aborted(tmp_path):
    view = Lines()
    done = run(tmp_path, view=view, stop=lambda: len(view.outcomes) >= 2)
    assert (done.end.verdict, done.end.exit_code) == ("ABORTED", 1)
    assert len(done.summaries) == 2
    again = run(tmp_path, resume=True)
    assert (again.end.exit_code, len(again.summaries)) == (0, 6)


@pytest.mark.spec("07-5")
def test_a_window_that_was_cut_short_is_not_tuned_and_not_in_gates(tmp_path):
    class Cut(MockSource):
        def trade(self, request):
            window = super().trade(request)
            return replace(window, partial=request.iteration == 3)

    def make(request: Any) -> Any:
        return Cut(seed=42, start_ns=request.start_ns)

    done = run(tmp_path, make_source=make)
    assert done.end.verdict == "ABORTED"
    last = done.summaries[-1]
    assert (last["iteration"], last["partial"]) == (3, True)
    assert last["tuning"]["skipped_reason"] == "incomplete"
    assert done.end.document["iterations_completed"] == 2


@pytest.mark.spec("07-5", "07-6", "07-D22")
def test_exit_codes_of_real_and_scripted_runs(tmp_path):
    bad = {"net_bps": 1.0}
    scripted = run(tmp_path / "mock", iterations=2, make_source=scenario(bad))
    assert (scripted.end.verdict, scripted.end.exit_code) == ("FAIL", 0)
    real = run(tmp_path / "sim", iterations=2, make_source=scenario(bad), mock=False)
    assert (real.end.verdict, real.end.exit_code) == ("FAIL", 2)
    good = run(tmp_path / "good", iterations=2, make_source=scenario({}), mock=False)
    assert (good.end.verdict, good.end.exit_code) == ("PASS", 0)


@pytest.mark.spec("07-6/2", "07-6/4")
def test_hard_mode_and_strict_last_eight_decide_the_run(tmp_path):
    once = [{}, {"risk_ratio": 0.9}, {}]
    hard = run(
        tmp_path / "a", iterations=3, make_source=scenario(*once), mock=False, kpi_mode="hard"
    )
    assert hard.end.exit_code == 2
    assert hard.end.document["gates"]["hard_mode"]["passed"] is False
    soft = run(tmp_path / "b", iterations=3, make_source=scenario(*once), mock=False)
    assert soft.end.exit_code == 0
    short = run(
        tmp_path / "c", iterations=7, make_source=scenario({}), mock=False, strict_last8=True
    )
    assert (short.end.exit_code, short.end.document["gates"]["last8"]["readiness"]) == (2, "HOLD")
    enough = run(
        tmp_path / "d", iterations=8, make_source=scenario({}), mock=False, strict_last8=True
    )
    assert enough.end.exit_code == 0


@pytest.mark.spec("07-5.1")
def test_a_report_that_contradicts_its_block_counts_is_told(tmp_path):
    blocks = {name: {"count": 1, "ratio": 0.25} for name in ("min_interval", "risk")}
    view = Lines()
    totals = {"block_reasons": blocks, "risk_ratio": 0.31}
    run(tmp_path, iterations=1, make_source=scenario(totals), view=view)
    assert "| iter_watch | WARN | risk_mismatch summary=0.250 edge=0.310 |" in view.lines


@pytest.mark.spec("07-5.1")
def test_a_low_sample_is_not_tuned(tmp_path):
    done = run(tmp_path, iterations=2, make_source=scenario({"fills": 19, "net_bps": -5.0}))
    summary = done.summaries[0]
    assert summary["summary"]["sample"] == "low"
    assert summary["summary"]["kpi_verdict"] == "WARN"
    assert summary["tuning"]["skipped_reason"] == "low_sample"
    assert done.end.document["kpi"]["low_sample"] == 2


@pytest.mark.spec("07-4/5", "01-4.6")
@pytest.mark.parametrize(("auto_tune", "intervals"), [(False, [70, 80, 90]), (True, [70, 70, 70])])
def test_the_block_rate_raises_the_interval_without_auto_tuning_only(
    tmp_path, auto_tune, intervals
):
    blocks = {
        name: {"count": count, "ratio": count / 100}
        for name, count in {
            "min_interval": 30,
            "concurrency": 30,
            "risk": 37,
            "throttle": 3,
        }.items()
    }

    class Ticking(MockSource):
        def trade(self, request):
            return replace(super().trade(request), ticks=100)

    def make(request: Any) -> Any:
        totals = {"block_reasons": blocks, "order_age_p95_ms": 300.0, "cancel_ratio": 0.2}
        return Ticking(seed=1, start_ns=request.start_ns, scenario=[totals])

    view = Lines()
    done = run(tmp_path, iterations=3, make_source=make, auto_tune=auto_tune, view=view)
    assert [s["overrides"]["min_interval_ms"] for s in done.summaries] == intervals
    line = "| min_interval_adjust | block_rate=30.00% | 70ms -> 80ms |"
    assert (line in view.lines) is not auto_tune
    assert verify_deltas(done.summaries).ratio == 1.0


@pytest.mark.spec("07-17.2")
def test_a_drifting_day_stops_the_run_and_the_next_ones_of_that_day(tmp_path, monkeypatch):
    from tests.integration.soak.runs import options  # noqa: PLC0415

    bad = [{}, {"net_bps": 0.5}]
    done = launch(
        options(tmp_path, iterations=6, mock=False),
        scenario(*bad),
        Lines(),
        make_guard=lambda paths: RunDayGuard(paths, 0.0),
    )
    assert (done.end.exit_code, done.end.document["stop_reason"]) == (2, "DRIFT_EDGE")
    assert len(done.summaries) == 2
    stop = json.loads((tmp_path / "DRIFT_STOP.json").read_bytes())
    assert stop["snapshot"] == {
        "fills": 2000,
        "net_bps": 1.75,
        "order_age_p95_ms": 350.0,
        "taker_share_pct": 9.75,
    }
    (alert,) = (tmp_path / "alerts.log").read_text().splitlines()
    assert json.loads(alert)["payload"] == {"reason": "DRIFT_EDGE"}
    view = Lines()
    again = launch(
        options(tmp_path, iterations=6, mock=False),
        scenario({}),
        view,
        make_guard=lambda paths: RunDayGuard(paths, 0.0),
    )
    assert (again.end.exit_code, len(again.summaries)) == (2, 0)
    assert view.lines[-1] == "SOAK_STOP reason=DRIFT_EDGE"
    monkeypatch.setenv("MM_FREEZE_UTC_ISO", "2026-03-02T00:00:00Z")
    next_day = launch(
        options(tmp_path, iterations=2, mock=False),
        scenario({}),
        Lines(),
        make_guard=lambda paths: RunDayGuard(paths, 0.0),
    )
    assert len(next_day.summaries) == 2


@pytest.mark.spec("07-2")
def test_a_new_run_keeps_the_last_one_as_a_snapshot(tmp_path):
    first = run(tmp_path, iterations=2)
    second = run(tmp_path, iterations=3, seed=7)
    kept = tmp_path / "soak" / "snapshots" / first.run["run_id"]
    assert sorted(p.name for p in kept.glob("ITER*")) == [
        "ITER_SUMMARY_1.json",
        "ITER_SUMMARY_2.json",
    ]
    assert len(second.summaries) == 3
    # The next run starts from what the one before left in the overrides file.
    assert set(second.run["sources"].values()) == {"file"}


@pytest.mark.spec("07-5")
def test_profiles_of_iterations_are_readable(tmp_path):
    import pstats  # noqa: PLC0415

    run(tmp_path, iterations=1, profile_iterations=True)
    stats = pstats.Stats(str(tmp_path / "soak" / "profile_iter_1.prof"))
    assert len(stats.get_stats_profile().func_profiles) > 20


@pytest.mark.spec("07-5")
def test_a_heartbeat_names_iteration_and_phase(tmp_path, monkeypatch):
    from mmbot.soak import lock  # noqa: PLC0415

    monkeypatch.setattr(lock, "HEARTBEAT_SEC", 0.01)
    view = Lines()

    def waits(stage, iteration):
        beats = [line for line in view.lines if "HEARTBEAT" in line]
        while iteration == 2 and not beats:
            time.sleep(0.01)
            beats = [line for line in view.lines if "HEARTBEAT" in line]

    run(tmp_path, iterations=2, warmup=True, heartbeat_sec=0.0, view=view, reached=waits)
    beats = [line for line in view.lines if "HEARTBEAT" in line]
    assert re.fullmatch(
        r"\| soak \| HEARTBEAT \| iter=\d of=2 phase=(WARMUP|STEADY) elapsed=\d+ \|", beats[-1]
    )


def test_a_late_window_counts_as_a_crash(tmp_path, monkeypatch):
    from mmbot import clock  # noqa: PLC0415

    now = 0

    def ticking():
        nonlocal now
        now += 10**12
        return now

    monkeypatch.setattr(clock, "monotonic_ns", ticking)
    with pytest.raises(EngineCrashError) as caught:
        run(tmp_path, iterations=1, timeout_sec=1.0, make_source=mock_source)
    assert "iteration timeout" in str(caught.value)
    assert os.environ["MM_FREEZE_UTC_ISO"]
