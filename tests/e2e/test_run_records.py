"""What `mmbot run` and `mmbot record` leave for research, and that it is the same market."""

import json
import math
import re
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.e2e.processes import ROOT, mmbot, run

TWO = ("--symbol", "BTCUSDT", "--symbol", "ETHUSDT")
TICKS = {"BTCUSDT": 0.1, "ETHUSDT": 0.01}
HASH = re.compile(r"\|\s*([0-9a-f]{16})\s*\|")
CID = re.compile(r"mm[0-9a-z]{12}-[0-9a-z]+")

pytestmark = pytest.mark.xdist_group("run")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A place with the shipped configuration, and what a session of two symbols left there."""
    place = tmp_path_factory.mktemp("records")
    (place / "config").mkdir()
    (place / "config" / "app.yaml").write_bytes((ROOT / "config" / "app.yaml").read_bytes())
    args = (*TWO, "--duration", "3m", "--speed", "max", "--out", "first")
    done = run(place, *args, EXEC_RECORDER_ENABLED="1")
    assert done.returncode == 0, done.stderr
    return place, done


def rows_of(place, stream, symbol):
    paths = sorted((place / "data" / "research" / stream).rglob("*.parquet"))
    tables = [pq.read_table(path) for path in paths if f"symbol={symbol}" in path.parts]
    return pa.concat_tables(tables).to_pylist()


def test_the_catalog_is_sound_and_its_market_is_the_one_that_was_traded(recorded):
    place, first = recorded
    checked = mmbot(place, "data", "verify", "--data", "data/research")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "sound" in checked.stdout
    listed = mmbot(place, "data", "ls", "data/research")
    assert "BTCUSDT" in listed.stdout
    # Trading on what was recorded is the same session again, to the last bit.
    again = run(
        place,
        *("--data", "data/research", "--duration", "2m", "--speed", "max", "--no-record"),
        *("--symbol", "BTCUSDT"),
    )
    same = run(place, "--duration", "2m", "--speed", "max", "--symbol", "BTCUSDT", "--no-record")
    assert again.returncode == same.returncode == 0, again.stderr + same.stderr
    assert HASH.findall(again.stdout) == HASH.findall(same.stdout) != []
    tested = mmbot(
        place,
        "backtest",
        "run",
        "--data",
        "data/research",
        "--symbol",
        "BTCUSDT",
        "--out",
        "bt.json",
    )
    rows = sum(len(rows_of(place, stream, "BTCUSDT")) for stream in ("book", "trades"))
    # Every recorded row, and the reset before the one snapshot.
    assert f"BTCUSDT: {rows + 1:,} rows of catalog:synthetic-mixed-42" in tested.stdout
    assert "| recorder | CLOSED | book=" in first.stderr


@pytest.mark.spec("01-9.1")
def test_orders_and_fills_of_each_symbol_are_rows(recorded):
    place, _ = recorded
    report = json.loads((place / "first" / "EDGE_REPORT.json").read_bytes())
    cids: Counter[str] = Counter()
    for symbol, tick in TICKS.items():
        orders, fills = (rows_of(place, stream, symbol) for stream in ("orders", "fills"))
        assert len(fills) == report["symbols"][symbol]["fills"] > 0
        known = {row["cid"]: row["color"] for row in orders if row["event"] == "intent_place"}
        assert all(CID.fullmatch(cid) for cid in known)
        cids.update(known.keys())
        for row in fills:
            assert known[row["cid"]] == row["color"]
            assert row["exec_id"].startswith(row["cid"])
            distance = abs(row["px"] * tick - row["mid_t0"]) / row["mid_t0"] * 1e4
            assert row["price_bin_bps"] == math.floor(round(distance, 9))
        assert len({row["exec_id"] for row in fills}) == len(fills)
        for rows in (orders, fills):
            assert [row["ts_ns"] for row in rows] == sorted(row["ts_ns"] for row in rows)
    # No two symbols of a session share a client order id.
    assert set(cids.values()) == {1}


@pytest.mark.spec("01-10.1")
def test_the_summary_is_a_count_of_the_rows(recorded):
    place, _ = recorded
    for symbol, tick in TICKS.items():
        (path,) = (place / "data" / "research" / "summaries" / symbol).glob("*.json")
        body = json.loads(path.read_text("ascii"))
        assert path.name == f"{symbol}_2026-01-01_00.json"
        orders, fills = (rows_of(place, stream, symbol) for stream in ("orders", "fills"))
        quotes = [row for row in orders if row["event"] in {"ack", "amended"}]
        counts: Counter[int] = Counter()
        hits: Counter[int | None] = Counter()
        place_of: dict[str, int] = {}
        happened = [(row["ts_ns"], 0, row) for row in quotes]
        happened += [(row["ts_ns"], 1, row) for row in fills]
        for _, kind, row in sorted(happened, key=lambda item: item[:2]):
            if kind == 1:
                number = place_of.pop(row["cid"], None)
                hits[number] += number is not None
                continue
            distance = abs(row["px"] * tick - row["mid"]) / row["mid"] * 1e4
            place_of[row["cid"]] = number = min(50, math.floor(round(distance, 9)))
            counts[number] += 1
        assert body["hit_rate_by_bin"] == {
            str(k): {"count": count, "fills": hits[k]} for k, count in sorted(counts.items())
        }
        assert body["counts"] == {
            "orders": sum(row["event"] == "ack" for row in orders),
            "quotes": len(quotes),
            "fills": len(fills),
            "maker_fills": sum(row["maker"] for row in fills),
        }
        checked = mmbot(place, "data", "summaries", "validate", str(path))
        assert checked.returncode == 0
        assert checked.stdout.startswith("OK ")


@pytest.mark.spec("01-9.2")
def test_the_execution_recorder_has_a_line_for_every_order_and_execution(recorded):
    place, _ = recorded
    lines = (place / "artifacts" / "exe_20260101.jsonl").read_text("ascii").splitlines()
    kinds: Counter[tuple[str, str]] = Counter()
    for line in lines:
        event = json.loads(line)
        assert list(event) == sorted(event)
        kinds[event["symbol"], event["kind"]] += 1
    for symbol in TICKS:
        orders, fills = (rows_of(place, stream, symbol) for stream in ("orders", "fills"))
        assert kinds[symbol, "order"] == sum(row["event"] == "intent_place" for row in orders)
        assert kinds[symbol, "fill"] == sum(row["event"] == "ack" for row in orders)
        assert kinds[symbol, "exec"] == len(fills)


@pytest.mark.spec("01-9.1")
@pytest.mark.parametrize(
    ("args", "records"),
    [
        (("--no-record",), False),
        (("--set", "recorder.enabled=false"), False),
        (("--mode", "sim"), False),
        (("--mode", "sim", "--set", "recorder.enabled=true"), True),
    ],
)
def test_a_session_records_unless_it_is_told_not_to_or_only_simulates(tmp_path, args, records):
    done = run(tmp_path, "--duration", "5s", "--speed", "max", *args)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "research").exists() == records
    assert ("| recorder | CLOSED |" in done.stderr) == records
    assert not list(tmp_path.rglob("exe_*.jsonl"))


def test_a_session_on_recorded_data_records_its_own_rows_only(tmp_path):
    into = ("--set", "recorder.data_dir=market")
    made = mmbot(tmp_path, "record", "--duration-sec", "30", "--speed", "max", *into)
    assert made.returncode == 0, made.stderr
    done = run(tmp_path, "--data", "market", "--speed", "max")
    assert done.returncode == 0, done.stderr
    streams = sorted(path.name for path in (tmp_path / "data" / "research").iterdir())
    assert "orders" in streams
    assert not {"book", "trades"} & set(streams)


def test_recording_goes_on_where_it_ended_and_copies_but_never_twice(tmp_path):
    one, whole, copy = (("--set", f"recorder.data_dir={name}") for name in ("one", "whole", "copy"))
    for seconds, into in (("20", one), ("60", one), ("60", whole)):
        done = mmbot(tmp_path, "record", "--duration-sec", seconds, "--speed", "max", *into)
        assert done.returncode == 0, done.stderr
        assert "time is over" in done.stdout
    copied = mmbot(tmp_path, "record", "--data", "one", "--speed", "max", *copy)
    assert copied.returncode == 0, copied.stderr
    assert "data ended" in copied.stdout
    hashes = []
    for name in ("one", "whole", "copy"):
        done = run(tmp_path, "--data", name, "--duration", "50s", "--speed", "max", "--no-record")
        hashes += HASH.findall(done.stdout)
    assert len(hashes) == 3
    assert len(set(hashes)) == 1
    twice = mmbot(tmp_path, "record", "--data", "one", "--speed", "max", *copy)
    assert twice.returncode == 1
    assert twice.stderr.splitlines()[-1].startswith("E_REC_IMPORT: symbol=BTCUSDT")


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("--mode", "live"), "E_CFG_RANGE: --mode live needs a venue"),
        (("--mode", "shadow"), "E_CFG_RANGE: --mode shadow needs a venue"),
        (("--mode", "dream"), "E_CFG_RANGE: --mode must be one of"),
        (("--data", "nowhere"), "E_BT_NO_DATA: "),
        (("--data", "data/research"), "E_CFG_CONFLICT: --data is recorder.data_dir itself"),
        (("--speed", "2x"), "E_CFG_RANGE: --speed"),
    ],
)
def test_recording_that_cannot_be_is_one_line_and_leaves_nothing(tmp_path, args, line):
    done = mmbot(tmp_path, "record", "--duration-sec", "1", *args)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(line)
    assert not list(tmp_path.iterdir())


def test_a_session_that_fails_keeps_what_it_had_recorded(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import mmbot\n\nclass Mine(mmbot.Strategy):\n"
        "    def on_tick(self, view):\n"
        "        if view.ts_ns > 1767225620 * 10**9:\n"
        "            raise ValueError('no idea')\n"
        "        return mmbot.Quotes(bids=(mmbot.Level(view.best_bid * 0.999, 0.01),))\n"
    )
    done = run(tmp_path, "--speed", "max", "--strategy", "mine.py:Mine")
    assert done.returncode == 1
    assert "no idea" in done.stderr.splitlines()[-1]
    assert [row["event"] for row in rows_of(tmp_path, "orders", "BTCUSDT")][:2] == [
        "intent_place",
        "ack",
    ]
    checked = mmbot(tmp_path, "data", "verify", "--data", "data/research")
    assert checked.returncode == 0, checked.stdout
