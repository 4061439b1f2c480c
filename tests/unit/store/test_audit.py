"""The audit chain, and its writer beside the loop."""

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.store import audit_log
from mmbot.store.audit_chain import GENESIS, AuditRecord, chained, last_hash, verify
from mmbot.store.audit_log import AuditLog
from mmbot.units import NS_PER_SEC

DAY_NS = 86_400 * NS_PER_SEC


def record(number, day=0):
    ts_ns = 1_767_225_600 * NS_PER_SEC + day * DAY_NS + number * NS_PER_SEC
    return AuditRecord("REPLACE", "BTCUSDT", ts_ns, {"allowed": 1, "n": number})


def chain(count):
    lines, before = [], GENESIS
    for number in range(count):
        line, before = chained(record(number), before)
        lines.append(line)
    return lines


def written(path, records):
    said: list[str] = []
    with AuditLog(path, said.append) as log:
        for one in records:
            log.put(one)
    return said


@pytest.mark.spec("05-5")
def test_a_line_names_the_hash_of_the_one_before_it():
    one, two = (json.loads(line) for line in chain(2))
    assert one["prev_sha256"] == "GENESIS"
    assert two["prev_sha256"] == one["sha256"]
    assert sorted(one) == ["fields", "kind", "prev_sha256", "sha256", "symbol", "ts"]
    assert one["ts"] == "2026-01-01T00:00:00Z"


@pytest.mark.spec("05-5")
def test_values_have_one_form():
    fields = {"a": float("nan"), "b": 1 / 3, "c": "api_key=abc123\rx", "d": "\u00e9"}
    line, _ = chained(AuditRecord("GUARD", "-", 0, fields), GENESIS)
    found = json.loads(line)["fields"]
    assert (found["a"], found["b"]) == (0.0, 0.333333)
    assert "abc123" not in found["c"]
    assert "\r" not in found["c"]
    assert line.isascii()


@given(st.integers(1, 12), st.data())
def test_a_chain_is_whole_until_any_byte_of_it_changes(count, data):
    lines = chain(count)
    whole = verify(lines)
    assert (whole.checked, whole.broken, whole.first_broken_lineno) == (count, 0, None)
    at = data.draw(st.integers(0, count - 1))
    byte = data.draw(st.integers(0, len(lines[at]) - 2))
    changed = bytearray(lines[at])
    changed[byte] = (changed[byte] - 32 + data.draw(st.integers(1, 94))) % 95 + 32
    found = verify([*lines[:at], bytes(changed), *lines[at + 1 :]])
    assert found.broken >= 1
    assert found.first_broken_lineno is not None
    assert found.first_broken_lineno <= at + 2


def test_a_line_that_was_left_out_or_moved_is_found():
    lines = chain(5)
    assert verify(lines[:2] + lines[3:]).first_broken_lineno == 3
    assert verify([lines[0], lines[2], lines[1], *lines[3:]]).broken == 3
    assert verify(lines[1:]).first_broken_lineno == 1


@pytest.mark.spec("05-5")
def test_with_a_date_only_its_lines_count():
    before = GENESIS
    lines: list[bytes] = []
    for day in (0, 0, 1):
        line, before = chained(record(len(lines), day=day), before)
        lines.append(line)
    assert verify([*lines, b"not json\n"], utc_date="2026-01-01").checked == 2
    assert verify([*lines, b"not json\n"]).broken == 1


@pytest.mark.spec("05-5")
def test_sessions_one_after_the_other_make_one_chain(tmp_path):
    path = tmp_path / "deep" / "audit.jsonl"
    assert written(path, [record(n) for n in range(300)]) == []
    assert written(path, [record(n) for n in range(300, 305)]) == []
    lines = path.read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["fields"]["n"] for line in lines] == list(range(305))
    assert verify(lines).broken == 0


@pytest.mark.spec("05-5")
@pytest.mark.parametrize("torn", [b'{"fields":{"allo', b'{"fields":{"allo\n'])
def test_a_torn_last_line_is_set_aside_and_the_chain_goes_on(tmp_path, torn, monkeypatch):
    monkeypatch.setenv("MM_FREEZE_UTC", "1")
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"".join(chain(3)) + torn)
    written(path, [record(9)])
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    assert verify(lines).broken == 0
    aside = tmp_path / "audit.jsonl.corrupt.19700101T000000Z"
    assert aside.read_bytes() == torn


def test_two_sessions_at_once_make_one_chain(tmp_path):
    path = tmp_path / "audit.jsonl"

    def session(first):
        written(path, [record(n) for n in range(first, first + 400)])

    threads = [threading.Thread(target=session, args=(first,)) for first in (0, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 800
    assert verify(lines).broken == 0


@pytest.mark.spec("05-5")
def test_while_the_machine_refuses_records_wait_and_the_oldest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(audit_log, "QUEUE_MAX", 3)
    (tmp_path / "file").write_text("")
    said: list[str] = []
    log = AuditLog(tmp_path / "file" / "audit.jsonl", said.append)
    for number in range(5):
        log.put(record(number))
    assert log.dropped == 2
    with log:
        pass
    assert not log.is_writable
    assert len(said) == 2
    assert "audit waits" in said[0]
    assert "5 audit records were not written" in said[1]


def test_a_line_that_is_none_has_no_hash():
    assert last_hash(chain(1)[0]) == json.loads(chain(1)[0])["sha256"]
    for line in (b"", b"[]", b"{}", b"{"):
        assert last_hash(line) is None
