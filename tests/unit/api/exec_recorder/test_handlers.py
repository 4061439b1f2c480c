from typing import Any

import pytest

from mmbot.api import AdminError
from mmbot.api.exec_recorder.handlers import get_status, post_replay, post_rotate
from mmbot.market.exec_recorder import ExecEvent, ExecLog, ExecRecorder

NOON_NS = 1_723_204_800_000_000_000


def event(kind: Any, number: int, **changes) -> ExecEvent:
    options: dict[str, Any] = {
        "cid": f"c{number}",
        "color": "blue",
        "kind": kind,
        "price": 100.0,
        "qty": 1.0,
        "side": "Buy",
        "symbol": "BTCUSDT",
        "ts_ms": NOON_NS // 10**6 + number,
    }
    return ExecEvent(**(options | changes))


class Session:
    def __init__(self, directory=None, mode="paper") -> None:
        self.recorder = ExecRecorder(directory, now_ns=lambda: NOON_NS)
        self.in_mode = mode
        self.counted: list[ExecEvent] = []
        self.alerts: list[tuple[str, Any]] = []

    def exec_recorder(self):
        return self.recorder

    def mode(self):
        return self.in_mode

    def count_replayed(self, event):
        self.counted.append(event)

    def replay_alert(self, kind, payload):
        self.alerts.append((kind, payload))


@pytest.fixture
def file(tmp_path):
    log = ExecLog(tmp_path)
    log.append([event("order", 0), event("fill", 1), event("reject", 2, symbol="ETHUSDT")])
    assert log.path is not None
    return log.path


@pytest.mark.spec("01-9.2")
def test_status_and_rotation_of_a_recorder_that_is_on(tmp_path):
    session = Session(tmp_path)
    assert get_status(session).model_dump() == {"enabled": True, "file": "", "last_write_ts": 0.0}
    session.recorder.record(event("fill", 1))
    rotated = post_rotate(session).model_dump()
    assert rotated == {"file": str(tmp_path / "exe_20240809_120000.jsonl"), "ok": True}
    assert get_status(session).last_write_ts == NOON_NS / 1e9
    session.recorder.close()


@pytest.mark.spec("01-9.2")
def test_a_recorder_that_is_off_does_not_rotate():
    session = Session()
    assert get_status(session).enabled is False
    with pytest.raises(AdminError) as caught:
        post_rotate(session)
    assert (caught.value.status, caught.value.body()) == (409, {"error": "recorder_disabled"})


@pytest.mark.spec("01-9.2")
def test_a_replay_counts_and_alerts(file, tmp_path):
    session = Session()
    body = {"path": str(file), "speed": "max"}
    answer = post_replay(session, body, roots=(tmp_path.resolve(),)).model_dump()
    assert answer == {
        "by_symbol": {
            "BTCUSDT": {"fills": 1, "rejects": 0},
            "ETHUSDT": {"fills": 0, "rejects": 1},
        },
        "events_total": 3,
        "fills": 1,
        "rejects": 1,
    }
    assert [e.kind for e in session.counted] == ["fill", "reject"]
    assert session.alerts == [
        ("replay_started", {"path": str(file.resolve()), "speed": "max"}),
        ("replay_finished", answer),
    ]


def test_a_paced_replay_waits_between_events(file, tmp_path):
    waits: list[int] = []
    body = {"path": str(file), "speed": "10x"}
    post_replay(Session(), body, roots=(tmp_path.resolve(),), sleep=waits.append)
    assert waits == [100_000, 100_000]


@pytest.mark.spec("01-9.2")
@pytest.mark.parametrize(
    ("body", "mode", "refusal"),
    [
        ([], "paper", (400, {"error": "invalid_payload"})),
        ({}, "paper", (400, {"error": "invalid_path"})),
        ({"path": "a.csv"}, "paper", (400, {"error": "invalid_path"})),
        ({"path": "GOOD", "speed": "2x"}, "live", (400, {"error": "invalid_speed"})),
        ({"path": "GOOD"}, "live", (409, {"error": "not_allowed_in_live"})),
        ({"path": "/etc/x.jsonl"}, "live", (409, {"error": "not_allowed_in_live"})),
        ({"path": "/etc/x.jsonl"}, "paper", (400, {"error": "path_not_allowed"})),
        ({"path": "NONE"}, "paper", (400, {"error": "file_not_found"})),
        ({"path": "JSON"}, "paper", (400, {"error": "invalid_jsonl", "detail": 2})),
        ({"path": "EVENT"}, "paper", (400, {"error": "invalid_event", "detail": 1})),
        ({"path": "ASCII"}, "paper", (400, {"error": "non_ascii"})),
    ],
)
def test_refusals_in_their_order(body, mode, refusal, file, tmp_path):
    lines = file.read_bytes()
    contents = {
        "JSON": lines.splitlines(keepends=True)[0] + b"{\n",
        "EVENT": b"{}\n",
        "ASCII": b"\xff\n",
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.jsonl").write_bytes(content)
    if isinstance(body, dict) and body.get("path") in {"GOOD", "NONE", *contents}:
        name = body["path"]
        body = body | {"path": str(file if name == "GOOD" else tmp_path / f"{name}.jsonl")}
    session = Session(mode=mode)
    with pytest.raises(AdminError) as caught:
        post_replay(session, body, roots=(tmp_path.resolve(),))
    assert (caught.value.status, caught.value.body()) == refusal
    assert session.counted == []
    assert session.alerts == []
