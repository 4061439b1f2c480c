import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mmbot.errors import StoreError
from mmbot.market.exec_recorder import ExecEvent, ExecLog, ExecRecorder, ExecRequestError
from mmbot.market.exec_replay import (
    ReplayRequest,
    load_exec_events,
    parse_replay_request,
    replay,
)

EVENT = ExecEvent(
    cid="c1",
    color="blue",
    kind="order",
    price=100.5,
    qty=0.001,
    side="Buy",
    symbol="BTCUSDT",
    ts_ms=1_723_200_000_000,
)
DAY_MS = 86_400_000
LINE = (
    b'{"cid":"c1","color":"blue","kind":"order","price":100.5,"qty":0.001,'
    b'"side":"Buy","symbol":"BTCUSDT","ts":1723200000000}\n'
)


@pytest.mark.spec("01-9.2")
def test_line_and_name(tmp_path):
    recorder = ExecRecorder(tmp_path, now_ns=lambda: 5_000_000_000)
    assert recorder.status().last_write_ts == 0.0
    assert recorder.record(EVENT)
    recorder.close()
    assert (tmp_path / "exe_20240809.jsonl").read_bytes() == LINE
    status = recorder.status()
    assert (status.enabled, status.last_write_ts) == (True, 5.0)
    assert status.file == str(tmp_path / "exe_20240809.jsonl")
    assert not recorder.record(EVENT)


@pytest.mark.spec("01-9.2")
def test_a_new_day_of_the_events_opens_a_new_file(tmp_path):
    log = ExecLog(tmp_path)
    log.append([EVENT, replace(EVENT, ts_ms=EVENT.ts_ms + DAY_MS), EVENT])
    sizes = {p.name: len(p.read_bytes().splitlines()) for p in tmp_path.iterdir()}
    assert sizes == {"exe_20240809.jsonl": 2, "exe_20240810.jsonl": 1}


@pytest.mark.spec("01-9.2")
def test_rotation_writes_what_is_queued_first_and_never_reuses_a_name(tmp_path):
    recorder = ExecRecorder(tmp_path, now_ns=lambda: EVENT.ts_ms * 1_000_000)
    recorder.record(EVENT)
    first = recorder.rotate()
    recorder.record(replace(EVENT, cid="c2"))
    second = recorder.rotate()
    recorder.close()
    assert (tmp_path / "exe_20240809.jsonl").read_bytes() == LINE
    assert Path(first.file).name == "exe_20240809_104000.jsonl"
    assert Path(second.file).name == "exe_20240809_104001.jsonl"
    assert [e.cid for e in load_exec_events(Path(first.file))] == ["c2"]


def test_off():
    recorder = ExecRecorder(None)
    assert not recorder.record(EVENT)
    assert recorder.status().enabled is False
    with pytest.raises(ExecRequestError) as caught:
        recorder.rotate()
    assert (caught.value.http_status, caught.value.as_json()) == (
        409,
        {"error": "recorder_disabled"},
    )
    recorder.close()


def test_values_that_are_not_finite_are_not_taken(tmp_path):
    recorder = ExecRecorder(tmp_path)
    assert not recorder.record(replace(EVENT, price=float("nan")))
    recorder.close()
    assert recorder.dropped == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.spec("01-9.2")
def test_failed_batch_stays_queued_and_is_written_once(tmp_path, monkeypatch):
    recorder = ExecRecorder(tmp_path)
    real = os.fsync

    def full(_fd):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    recorder.record(EVENT)
    with pytest.raises(StoreError, match="E_REC_WRITE"):
        recorder.flush()
    assert recorder.errors >= 1
    assert recorder.status().last_write_ts == 0.0
    assert (tmp_path / "exe_20240809.jsonl").read_bytes() == b""
    monkeypatch.setattr(os, "fsync", real)
    recorder.close()
    assert (tmp_path / "exe_20240809.jsonl").read_bytes() == LINE


def test_torn_last_line_of_a_killed_process_is_cut(tmp_path):
    path = tmp_path / "exe_20240809.jsonl"
    path.write_bytes(LINE + LINE[:20])
    ExecLog(tmp_path).append([EVENT])
    assert path.read_bytes() == LINE + LINE


# --- replay ------------------------------------------------------------


def recorded(tmp_path, *events):
    ExecLog(tmp_path).append(events)
    return tmp_path / "exe_20240809.jsonl"


@pytest.mark.spec("01-9.2", "01-D17")
def test_counts_by_symbol(tmp_path):
    events = [
        EVENT,
        replace(EVENT, kind="fill"),
        replace(EVENT, kind="fill", symbol="ETHUSDT"),
        replace(EVENT, kind="reject", color="green"),
        replace(EVENT, kind="exec", symbol="XRPUSDT"),
    ]
    seen: list[ExecEvent] = []
    request = ReplayRequest(recorded(tmp_path, *events), "max")
    result = replay(request, mode="paper", on_event=seen.append)
    assert result.as_json() == {
        "by_symbol": {
            "BTCUSDT": {"fills": 1, "rejects": 1},
            "ETHUSDT": {"fills": 1, "rejects": 0},
            "XRPUSDT": {"fills": 0, "rejects": 0},
        },
        "events_total": 5,
        "fills": 2,
        "rejects": 1,
    }
    assert seen == events[1:4]


@pytest.mark.spec("01-9.2")
@pytest.mark.parametrize(
    ("speed", "slept"), [("1x", [10**9, 3 * 10**9]), ("10x", [10**8, 3 * 10**8]), ("max", [])]
)
def test_speed(tmp_path, speed, slept):
    events = [replace(EVENT, ts_ms=EVENT.ts_ms + gap) for gap in (0, 1000, 500, 3500)]
    pauses: list[int] = []
    request = ReplayRequest(recorded(tmp_path, *events), speed)
    replay(request, mode="sim", on_event=lambda _: None, sleep=pauses.append)
    assert pauses == slept


@pytest.mark.spec("01-9.2")
@pytest.mark.parametrize(
    ("speed", "span_ms", "too_long"),
    [
        ("1x", 300_000, False),
        ("1x", 300_001, True),
        ("10x", 3_000_000, False),
        ("10x", 3_000_001, True),
        ("max", 9_000_000, False),
    ],
)
def test_too_long(tmp_path, speed, span_ms, too_long):
    events = [replace(EVENT, kind="fill"), replace(EVENT, ts_ms=EVENT.ts_ms + span_ms)]
    seen: list[ExecEvent] = []
    request = ReplayRequest(recorded(tmp_path, *events), speed)
    if too_long:
        with pytest.raises(ExecRequestError, match="replay_too_long"):
            replay(request, mode="sim", on_event=seen.append, sleep=lambda _: None)
        assert seen == []
    else:
        replay(request, mode="sim", on_event=seen.append, sleep=lambda _: None)
        assert len(seen) == 1


@pytest.mark.spec("01-9.2", "01-D17")
def test_not_in_live(tmp_path):
    with pytest.raises(ExecRequestError) as caught:
        replay(ReplayRequest(tmp_path / "x.jsonl", "max"), mode="live", on_event=lambda _: None)
    assert (caught.value.reason, caught.value.http_status) == ("not_allowed_in_live", 409)


def changed(**fields):
    return json.dumps({**json.loads(LINE), **fields}).encode()


@pytest.mark.spec("01-9.2")
@pytest.mark.parametrize(
    ("data", "reason", "line"),
    [
        (b"x" * (1 << 20) + b"x", "file_too_large", None),
        (LINE + b"\xc3\xa9\n", "non_ascii", None),
        (LINE + b"{\n", "invalid_jsonl", 2),
        (LINE + b"\n" + LINE, "invalid_jsonl", 2),
        (LINE + b"[]\n", "invalid_event", 2),
        (b"{}\n", "invalid_event", 1),
        (changed(color="red"), "invalid_event", 1),
        (changed(kind="cancel"), "invalid_event", 1),
        (changed(side="buy"), "invalid_event", 1),
        (changed(price="1"), "invalid_event", 1),
        (changed(price=float("nan")), "invalid_event", 1),
        (changed(qty=0), "invalid_event", 1),
        (changed(ts=1.5), "invalid_event", 1),
        (changed(ts=True), "invalid_event", 1),
        (changed(more=1), "invalid_event", 1),
    ],
)
def test_bad_file_counts_nothing(tmp_path, data, reason, line):
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    seen: list[ExecEvent] = []
    with pytest.raises(ExecRequestError) as caught:
        replay(ReplayRequest(path, "max"), mode="sim", on_event=seen.append)
    assert (caught.value.reason, caught.value.line, seen) == (reason, line, [])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "invalid_path"),
        ({"path": 1, "speed": "1x"}, "invalid_path"),
        ({"path": "a.json", "speed": "1x"}, "invalid_path"),
        ({"path": "a.jsonl", "speed": "2x"}, "invalid_speed"),
        ({"path": "a.jsonl", "speed": []}, "invalid_speed"),
    ],
)
def test_bad_request(body, reason):
    with pytest.raises(ExecRequestError) as caught:
        parse_replay_request(body)
    assert caught.value.as_json() == {"error": reason}


def test_missing_file(tmp_path):
    with pytest.raises(ExecRequestError, match="file_not_found"):
        load_exec_events(tmp_path / "no.jsonl")
