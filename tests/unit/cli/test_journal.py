"""`mmbot journal` as a user types it."""

import json

import pytest
from tests.unit.store.journal.made_records import RECORDS, frames

from mmbot import core
from mmbot.cli.app import run_cli
from mmbot.store.journal import JournalWriter, mark_shipped

SESSION = "20260101T000000Z-0123abcd"


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    """Runs a command line in an empty directory; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def cli(*args):
        code = run_cli(["journal", *(str(arg) for arg in args)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return cli


@pytest.fixture
def journal(tmp_path):
    """A session with every kind of record but market rows, in several segments."""
    framer = core.JournalFramer()
    with JournalWriter(tmp_path / "data" / "journal", SESSION, segment_bytes=400) as writer:
        for record in RECORDS:
            framer.push(record)
            writer.append(framer.take())
        return writer.path


def notes(directory, name, count):
    with JournalWriter(directory, name) as writer:
        writer.append(frames(0, count))
        return writer.path


def test_ls_tells_the_state_of_every_journal(cli, journal, tmp_path):
    directory = journal.parent
    notes(directory, "open", 3)
    torn = notes(directory, "torn", 3) / "0.mmj"
    torn.write_bytes(torn.read_bytes()[:-2])
    mark_shipped(notes(directory, "shipped", 3), next_seq=3)
    code, out, err = cli("ls", "--json")
    assert (code, err) == (0, "")
    listed = {each["session"]: each for each in json.loads(out)}
    assert {name: each["state"] for name, each in listed.items()} == {
        SESSION: "ended",
        "open": "open",
        "shipped": "shipped",
        "torn": "torn",
    }
    assert {name: each["records"] for name, each in listed.items()} == {
        SESSION: len(RECORDS),
        "open": 3,
        "shipped": 3,
        "torn": 2,
    }
    first = listed[SESSION]
    assert (first["mode"], first["created_utc"]) == ("paper", "2026-01-01T00:00:00Z")
    assert first["bytes"] == sum(path.stat().st_size for path in journal.glob("*.mmj"))
    code, table, _ = cli("ls", directory)
    assert code == 0
    assert all(state in table for state in ("ended", "open", "shipped", "torn"))


@pytest.mark.spec("08-5.4")
def test_ls_names_damage_and_exits_1(cli, journal):
    segment = journal / "1.mmj"
    data = bytearray(segment.read_bytes())
    data[30] ^= 1
    segment.write_bytes(data)
    for place in (journal.parent, journal):
        code, out, err = cli("ls", place)
        assert code == 1
        assert "damaged" in out
        assert err == f"E_STORE_JOURNAL: file={segment} offset=0 checksum differs\n"
    assert segment.read_bytes() == data


def test_ls_of_a_session_lists_its_segments(cli, journal):
    code, out, _ = cli("ls", SESSION, "--json")
    assert code == 0
    segments = json.loads(out)
    assert [each["file"] for each in segments] == [f"{n}.mmj" for n in range(len(segments))]
    assert len(segments) > 2
    assert sum(each["records"] for each in segments) == segments[-1]["next_seq"] == len(RECORDS)
    code, table, _ = cli("ls", journal)
    assert code == 0
    assert "last seq" in table
    assert "report 7" in table


def test_ls_of_nothing_is_an_empty_table(cli):
    assert cli("ls", "--json") == (0, "[]\n", "")


def test_dump_prints_a_line_for_each_record(cli, journal):
    code, out, err = cli("dump", SESSION)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == [str(n) for n in range(len(RECORDS))]
    assert lines[3] == (
        "3 2026-01-01T00:00:00.000000001Z report instrument=3 report=accepted cid=7 "
        "ts_exch_ns=1767225599999999995"
    )
    cancels = [line.split(" ", 1)[1] for line in lines if "action=cancel" in line]
    assert cancels == [
        (
            "2026-01-01T00:00:00.000000001Z intent instrument=3 action=cancel cid=7 cause=quote "
            "full_cid=99 order_id=mmab12cdef0123-2r"
        )
    ]
    notes = [line for line in lines if " note " in line]
    assert notes[0].endswith('note text="risk NORMAL -> WIDE: drawdown"')
    assert out.isascii()


def test_dump_as_json_loses_nothing(cli, journal):
    code, out, _ = cli("dump", journal, "--json")
    assert code == 0
    for seq, (line, record) in enumerate(zip(out.splitlines(), RECORDS, strict=True)):
        shown = json.loads(line)
        order_id = shown.pop("order_id", None)
        assert (order_id is not None) == (record["kind"] == "intent")
        expected = {**record, "seq": seq}
        if "config" in record:
            expected["config"] = json.loads(record["config"])
        assert shown == expected


def test_dump_shows_small_numbers_exactly(cli, tmp_path):
    framer = core.JournalFramer()
    weights = {"kind": "weights", "ts_ns": 1, "weights": [1e-9, 0.1 + 0.2], "fee_tilt": 1e300}
    framer.push(weights)
    framer.push({**weights, "weights": [float("nan")]})
    (tmp_path / "0.mmj").write_bytes(framer.take())
    code, out, _ = cli("dump", tmp_path / "0.mmj", "--json")
    assert code == 0
    first, second = (json.loads(line) for line in out.splitlines())
    assert (first["weights"], first["fee_tilt"]) == ([1e-9, 0.1 + 0.2], 1e300)
    assert second["weights"] == [None]


def test_dump_chooses_by_kind_number_and_count(cli, journal):
    kinds = [record["kind"] for record in RECORDS]
    code, out, _ = cli(
        "dump", SESSION, "--kind", "report", "--kind", "note", "--from-seq", 5, "--limit", 3
    )
    assert code == 0
    expected = [n for n, kind in enumerate(kinds) if kind in {"report", "note"} and n >= 5][:3]
    assert [int(line.split()[0]) for line in out.splitlines()] == expected


def test_dump_of_one_segment_knows_the_order_ids(cli, journal):
    segment = next(
        path
        for path in journal.glob("*.mmj")
        if core.journal_counts(path.read_bytes(), None).get("intent")
    )
    code, out, _ = cli("dump", segment, "--kind", "intent")
    assert code == 0
    assert "order_id=mmab12cdef0123-2r" in out


@pytest.mark.spec("08-5.4")
def test_dump_ends_at_damage_with_its_place(cli, tmp_path):
    path = notes(tmp_path, "s", 3) / "0.mmj"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    code, out, err = cli("dump", path.parent)
    assert code == 1
    assert len(out.splitlines()) == 2
    assert err == f"E_STORE_JOURNAL: file={path} offset={len(frames(0, 2))} checksum differs\n"


def test_dump_tells_a_torn_tail(cli, tmp_path):
    path = notes(tmp_path, "s", 3) / "0.mmj"
    path.write_bytes(path.read_bytes()[:-1])
    code, out, err = cli("dump", path.parent)
    assert (code, len(out.splitlines())) == (0, 2)
    assert err == f"torn tail: file={path} offset={len(frames(0, 2))}, an incomplete record\n"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("dump", "nothing"), "E_CFG_MISSING: nothing is neither a journal nor a session id"),
        (("ls", "no/such"), "E_CFG_MISSING: no/such is neither a journal nor a session id"),
        (("dump", ".", "--kind", "x"), "E_CFG_TYPE: --kind has no value 'x'"),
        (("dump", ".", "--limit", "0"), "E_CFG_TYPE: --limit "),
    ],
)
def test_what_cannot_be_shown_is_one_error(cli, args, error):
    code, out, err = cli(*args)
    assert (code, out) == (1, "")
    assert err.startswith(error)
    assert err.count("\n") == 1
