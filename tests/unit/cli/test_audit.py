"""`mmbot audit`: a chain that was touched is told, a day of it is copied byte for byte."""

import json

import pytest
from typer.testing import CliRunner

from mmbot.cli.audit import app
from mmbot.errors import ConfigError, StoreError
from mmbot.store.audit_chain import GENESIS, AuditRecord, chained
from mmbot.units import NS_PER_HOUR, parse_utc_ns

START_NS = parse_utc_ns("2026-01-01T22:00Z")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    monkeypatch.setenv("MM_FREEZE_UTC_ISO", "2026-01-03T00:00:00Z")
    return tmp_path


def lines_of(count=6):
    """A record an hour, over midnight: two of the first day, four of the second."""
    lines, before = [], GENESIS
    for at in range(count):
        record = AuditRecord("REPLACE", "BTCUSDT", START_NS + at * NS_PER_HOUR, {"allowed": 1})
        line, before = chained(record, before)
        lines.append(line)
    return lines


def run(*args):
    return CliRunner().invoke(app, args)


def verdict(place):
    text = (place / "AUDIT_CHAIN_VERIFY.md").read_text(encoding="ascii")
    document = json.loads((place / "AUDIT_CHAIN_VERIFY.json").read_bytes())
    return document, text


@pytest.mark.spec("05-5")
def test_a_whole_chain_is_ok_in_both_forms(place):
    (place / "audit.jsonl").write_bytes(b"".join(lines_of()))
    done = run("verify")
    assert (done.exit_code, done.stdout) == (0, "AUDIT_VERIFY=OK\n")
    document, text = verdict(place)
    assert document.pop("runtime")["utc"] == "2026-01-03T00:00:00Z"
    assert document == {"broken": 0, "checked": 6, "first_broken_lineno": None}
    assert text == (
        "AUDIT CHAIN VERIFY\n\nResult: OK  Scope: all\n\n"
        "checked: 6\nbroken: 0\nfirst_broken_lineno: null\n"
    )


@pytest.mark.spec("05-5")
@pytest.mark.parametrize("is_there", [False, True])
def test_nothing_is_wrong_with_a_file_that_is_missing_or_empty(place, is_there):
    if is_there:
        (place / "audit.jsonl").touch()
    assert run("verify").stdout == "AUDIT_VERIFY=OK\n"
    assert verdict(place)[0]["checked"] == 0


def changed(lines):
    lines[3] = lines[3].replace(b'"allowed":1', b'"allowed":0')
    return lines


def left_out(lines):
    del lines[3]
    return lines


def put_in(lines):
    lines.insert(3, lines[2])
    return lines


def torn(lines):
    lines[3] = lines[3][:40] + b"\n"
    return lines


@pytest.mark.spec("05-5")
@pytest.mark.parametrize(("touch", "broken"), [(changed, 1), (left_out, 1), (put_in, 1), (torn, 2)])
def test_a_chain_that_was_touched_is_broken_from_there(place, touch, broken):
    lines = touch(lines_of())
    (place / "audit.jsonl").write_bytes(b"".join(lines))
    done = run("verify")
    assert (done.exit_code, done.stdout) == (1, "AUDIT_VERIFY=BROKEN\n")
    document, text = verdict(place)
    assert document["checked"] == len(lines)
    assert document["broken"] == broken
    assert document["first_broken_lineno"] == 4
    assert "Result: BROKEN  Scope: all\n" in text
    assert (place / "audit.jsonl").read_bytes() == b"".join(lines)


@pytest.mark.spec("05-5")
def test_of_a_day_only_its_lines_count(place):
    (place / "audit.jsonl").write_bytes(b"".join(changed(lines_of())))
    first = run("verify", "--utc-date", "2026-01-01")
    assert (first.exit_code, verdict(place)[0]["checked"]) == (0, 2)
    second = run("verify", "--utc-date", "2026-01-02")
    assert second.exit_code == 1
    document, text = verdict(place)
    assert (document["checked"], document["first_broken_lineno"]) == (4, 4)
    assert "Scope: 2026-01-02\n" in text
    (place / "audit.jsonl").write_bytes(b"".join([*lines_of(), b"{torn"]))
    assert run("verify", "--utc-date", "2026-01-02").exit_code == 0
    assert run("verify").exit_code == 1


@pytest.mark.spec("05-5")
def test_a_day_is_copied_byte_for_byte(place):
    lines = lines_of()
    (place / "chain.jsonl").write_bytes(b"".join(lines) + b"{torn")
    args = ("dump", "--audit", str(place / "chain.jsonl"), "--utc-date")
    assert run(*args, "2026-01-02").stdout == "AUDIT_DUMP 2026-01-02 4\n"
    assert (place / "AUDIT_DUMP.jsonl").read_bytes() == b"".join(lines[2:])
    other = place / "other.jsonl"
    assert run(*args, "2026-01-05", "--out", str(other)).stdout == "AUDIT_DUMP 2026-01-05 0\n"
    assert other.read_bytes() == b""


@pytest.mark.parametrize("day", ["2026-1-1", "2026-02-30", "today", "2026-01-01T00:00Z"])
def test_a_day_that_is_none_is_refused(place, day):
    for command in ("verify", "dump"):
        error = run(command, "--utc-date", day).exception
        assert isinstance(error, ConfigError)
        assert error.code == "E_CFG_TYPE"


def test_the_chain_is_never_written_over(place):
    chain = place / "audit.jsonl"
    chain.write_bytes(b"".join(lines_of()))
    error = run("dump", "--utc-date", "2026-01-01", "--out", str(chain)).exception
    assert isinstance(error, ConfigError)
    assert error.code == "E_CFG_CONFLICT"
    assert chain.read_bytes() == b"".join(lines_of())


def test_a_chain_that_cannot_be_read_is_told(place):
    (place / "audit.jsonl").mkdir()
    error = run("verify").exception
    assert isinstance(error, StoreError)
    assert error.code == "E_STORE_DISK"
