"""The harness itself: what counts as a ratio, a regression, a failed case. Runs nothing slow."""

import json
import sys
from pathlib import Path

import pytest
from benches import baseline as baselines
from benches import cases, feed, measure, peers, ratios, run, table
from benches.measure import Case, Row


def rows_of(**changes: list[Row]) -> dict[str, list[Row]]:
    """A run in which the project is ten times faster than its peers, and did the same work."""
    counts: Row = {"cancels": 200, "fills": 30}
    theirs = counts | {"submits": 300}
    ours = counts | {"orders": 300, "state_hash": "aa", "lane_events_per_s": 10e6}
    touch: Row = {"best_reads": 8, "touch_sum_per_read": 40003.5}
    rows: dict[str, list[Row]] = {
        peers.HBT_ROI: [theirs | {"events_per_s": 10e6, "wall_s": 1.0}],
        peers.HBT_HASH: [theirs | {"events_per_s": 8e6}],
        peers.HBT_SWEEP: [{"events_per_s": 20e6, "fills": 30}],
        peers.NAUTILUS_V1: [theirs | {"events_per_s": 1e5}],
        peers.NAUTILUS_V2: [theirs | {"events_per_s": 2e5}],
        peers.MSGSPEC: [touch | {"us_per_frame": 5.0}],
        cases.ONE_LANE: [ours | {"events_per_s": 100e6, "wall_s": 0.1}],
        cases.LANES_64: [ours | {"wall_s": 0.5}],
        cases.SWEEP: [ours | {"lane_events_per_s": 200e6}],
        cases.SWEEP_64: [ours | {"lane_events_per_s": 400e6}],
        cases.GUARDED: [ours | {"events_per_s": 80e6}],
        cases.ONE_LANE_SMALL: [ours | {"events_per_s": 20e6}],
        cases.STREAM: [ours | {"peak_rss_mb": 102.0}] * 2,
        cases.STREAM_SMALL: [ours | {"peak_rss_mb": 100.0}],
        cases.READ: [{"wall_s": 0.075}],
        cases.FRAMES: [touch | {"us_per_frame": 0.5}],
    }
    return rows | changes


def test_ratios_hold_the_project_against_the_fastest_case_of_each_peer() -> None:
    assert ratios.ratios(rows_of()) == {
        "backtest_vs_hftbacktest": 10.0,
        "guarded_vs_hftbacktest": 8.0,
        "backtest_vs_nautilus": 100.0,
        "lanes64_cost": 5.0,
        "sweep_vs_hftbacktest": 20.0,
        "rss_growth_10x": 1.02,
        "read_vs_simulation": 0.75,
        "bybit_frame_vs_msgspec": 10.0,
    }


def test_every_ratio_has_a_goal_and_an_unmeasured_one_is_none() -> None:
    assert set(ratios.ratios({})) == set(ratios.GOALS)
    assert set(ratios.ratios({}).values()) == {None}
    assert set(ratios.medians({})) == {"bybit_frame_us", "events_per_s"}


def test_a_ratio_is_made_of_medians_of_the_runs_that_succeeded() -> None:
    runs = [{"events_per_s": speed} for speed in (1e6, 90e6, 50e6)] + [{"error": "killed"}]
    rows = rows_of(**{cases.ONE_LANE: runs})
    assert ratios.ratios(rows)["backtest_vs_hftbacktest"] == 5.0
    assert ratios.failed_cases(rows) == {cases.ONE_LANE: "killed"}


def test_equal_work_passes() -> None:
    found = ratios.checks(rows_of())
    assert len(found) >= 9
    assert [check.name for check in found if check.ok is False] == []


@pytest.mark.parametrize(
    ("case", "key", "value", "ok"),
    [
        (cases.ONE_LANE, "orders", 314, True),
        (cases.ONE_LANE, "orders", 316, False),
        (cases.ONE_LANE, "fills", 28, False),
        (cases.ONE_LANE, "fills", 0, False),
        (cases.STREAM, "state_hash", "bb", False),
        (cases.FRAMES, "touch_sum_per_read", 40003.6, False),
        (cases.FRAMES, "best_reads", 7, False),
    ],
)
def test_different_work_is_found(case: str, key: str, value: object, *, ok: bool) -> None:
    changed = [*rows_of()[case], rows_of()[case][0] | {key: value}][::-1]
    found = ratios.checks(rows_of(**{case: changed}))
    assert (False not in [check.ok for check in found]) is ok


def test_work_that_was_not_measured_is_neither_same_nor_different() -> None:
    assert {check.ok for check in ratios.checks({})} == {None}


@pytest.mark.parametrize(
    ("name", "then", "now", "regressed"),
    [
        ("backtest_vs_hftbacktest", 5.0, 4.0, False),
        ("backtest_vs_hftbacktest", 5.0, 3.99, True),
        ("backtest_vs_hftbacktest", 5.0, 50.0, False),
        ("lanes64_cost", 5.0, 6.0, False),
        ("lanes64_cost", 5.0, 6.01, True),
        ("lanes64_cost", 5.0, 1.0, False),
        ("rss_growth_10x", 1.0, 1.21, True),
        ("sweep_vs_hftbacktest", 20.0, None, False),
    ],
)
def test_a_regression_is_a_fifth_worse_in_the_ratios_own_direction(
    name: str, then: float, now: float | None, *, regressed: bool
) -> None:
    kept = baselines.Baseline(10_000_000, {name: then})
    assert bool(baselines.regressions(kept, {name: now})) is regressed


def test_baseline_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    assert baselines.load(path) is None
    kept = baselines.Baseline(1_000_000, {"lanes64_cost": 5.125})
    baselines.save(kept, path)
    assert baselines.load(path) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"events": 1}',
        '{"events": 1, "ratios": {"speed": 1}}',
        '{"events": 1, "ratios": {"lanes64_cost": null}}',
    ],
)
def test_a_baseline_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(baselines.BaselineError):
        baselines.load(path)


def test_the_committed_baseline_is_complete() -> None:
    kept = baselines.load()
    if kept is None:
        pytest.skip("no baseline is committed")
    assert set(kept.ratios) == set(ratios.GOALS)
    assert kept.events == run.EVENTS


def child(name: str, code: str, *, rounds_max: int | None = None) -> Case:
    return Case(name, (sys.executable, "-c", code), rounds_max=rounds_max)


def test_rounds_alternate_and_slow_cases_sit_out(capfd: pytest.CaptureFixture[str]) -> None:
    one = "print('noise\\n{\"wall_s\": 1}')"
    found = measure.run_rounds([child("a", one), child("b", one, rounds_max=1)], runs=2)
    assert [len(rows) for rows in found.values()] == [2, 1]
    assert found["a"][0]["wall_s"] == 1
    order = [line.split()[2] for line in capfd.readouterr().err.splitlines()]
    assert order == ["a:", "b:", "a:"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("raise ValueError('no such feed')", "ValueError: no such feed"),
        ("print('done')", "no result line"),
    ],
)
def test_a_case_that_fails_is_a_row(code: str, error: str) -> None:
    row = measure.run_case(child("a", code))
    assert row["error"] == error
    assert measure.good_rows([row]) == []


def test_the_plan_orders_every_case(tmp_path: Path) -> None:
    theirs = peers.cases(
        peers.Peers(tmp_path, tmp_path),
        main_feed=tmp_path,
        small_feed=tmp_path,
        frame_feed=tmp_path,
        slow_rounds=1,
    )
    ours = cases.cases(
        **dict.fromkeys(
            ("main_feed", "small_feed", "main_catalog", "small_catalog", "frames"), tmp_path
        )
    )
    assert sorted(run.ORDER) == sorted({**ours, **theirs})


def test_grids_are_as_large_as_they_say() -> None:
    assert len(set(cases.GRID_16)) == 16
    assert len(set(cases.GRID_64)) == 64


@pytest.mark.parametrize(
    ("events", "name"), [(200_000, "200k"), (10_000_000, "10m"), (123_450, "123450")]
)
def test_feeds_are_named_as_their_maker_names_them(events: int, name: str) -> None:
    assert feed.label(events) == name


def test_the_table_shows_every_ratio_and_marks_what_is_missing() -> None:
    rows = rows_of(**{peers.MSGSPEC: [{"error": "killed"}]})
    kept = baselines.Baseline(1, {"lanes64_cost": 4.5})
    text = table.render(rows, ratios.ratios(rows), ratios.checks(rows), kept)
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    assert set(ratios.GOALS) <= set(lines)
    assert "not measured" in lines["bybit_frame_vs_msgspec"]
    assert "4.5" in lines["lanes64_cost"]
    assert "1 FAILED" in lines[peers.MSGSPEC]
    assert text.isascii()


def test_bench_json_has_exactly_the_agreed_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    monkeypatch.setattr(run, "_plan", lambda _args: run.Plan((Case("x", ()),), ("a peer",)))
    monkeypatch.setattr(run, "run_rounds", lambda _planned, **_runs: rows_of())
    monkeypatch.setattr(baselines, "load", lambda: None)
    assert run.main(["--events", "1000000"]) == 0
    written = json.loads((tmp_path / "BENCH.json").read_text())
    assert set(written) == {"ratios", "medians", "detail"}
    assert set(written["ratios"]) == set(ratios.GOALS)
    assert written["medians"] == {"bybit_frame_us": 0.5, "events_per_s": 100e6}
    assert written["detail"]["skipped"] == ["a peer"]
    assert "lanes64_cost" in capsys.readouterr().out


@pytest.mark.parametrize("then", [5.0, 100.0])
def test_exit_status_follows_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: float
) -> None:
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    monkeypatch.setattr(run, "_plan", lambda _args: run.Plan((Case("x", ()),), ()))
    monkeypatch.setattr(run, "run_rounds", lambda _planned, **_runs: rows_of())
    kept = baselines.Baseline(run.EVENTS, {"backtest_vs_hftbacktest": then})
    monkeypatch.setattr(baselines, "load", lambda: kept)
    assert run.main([]) == (1 if then > 20 else 0)
