"""The commands of `mmbot data` as a user types them."""

import json

import pytest
from tests.unit.market.importers.captures import T0_MS, bybit_frame, bybit_lines, write_lines

from mmbot.cli.app import run_cli


@pytest.fixture
def cli(capsys):
    """Runs a command line; returns exit code, standard output and standard error."""

    def cli(*args):
        code = run_cli([str(arg) for arg in args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return cli


@pytest.fixture
def catalog(cli, tmp_path):
    path = write_lines(tmp_path / "dump.data", bybit_lines(50))
    code, _, _ = cli("data", "import", path, "--out", tmp_path / "cat", "--venue", "bybit-linear")
    assert code == 0
    return tmp_path / "cat"


def test_import_reports_what_it_did(cli, tmp_path):
    lines = bybit_lines(10)
    lines[4] = lines[4].replace('"0.9"', '"x"')
    path = write_lines(tmp_path / "dump.data", lines)
    code, out, err = cli("data", "import", path, "--out", tmp_path / "cat", "--json")
    assert code == 0
    report = json.loads(out)
    assert report["totals"]["rows"] == 3 + 3 * 3 + 1
    assert report["totals"]["quarantined"] == 1
    assert report["totals"]["bytes_in"] == path.stat().st_size
    (series,) = report["series"]
    assert series["first_utc"] == "2024-08-09T00:00:00.000000000Z"
    assert {"gaps", "crossed", "duplicates", "out_of_order", "clock_offset_ms"} <= set(series)
    assert f"E_REC_IMPORT: file={path} line=5 offset=" in err
    assert (tmp_path / "cat" / "quarantine" / "dump.data.jsonl").exists()


def test_import_shows_a_table(cli, tmp_path):
    path = write_lines(tmp_path / "dump.data", bybit_lines(10))
    code, out, _ = cli("data", "import", path, "--out", tmp_path / "cat")
    assert code == 0
    assert "bybit/ABCUSDT" in out
    assert "tick 0.1, lot 1, inferred from the data" in out
    code, out, _ = cli("data", "import", path, "--out", tmp_path / "cat")
    assert code == 0
    assert "imported before" in out


def test_import_of_a_bad_file_is_one_error_line(cli, tmp_path):
    path = tmp_path / "nothing.gz"
    path.write_bytes(b"")
    code, out, err = cli("data", "import", path, "--out", tmp_path / "cat")
    assert (code, out) == (1, "")
    assert err.strip() == f"E_REC_IMPORT: file={path} line=0 is empty"


def test_ls_lists_and_an_empty_catalog_says_what_to_do(cli, catalog, tmp_path):
    code, out, _ = cli("data", "ls", catalog)
    assert code == 0
    assert "bybit-linear/ABCUSDT" in out
    code, out, _ = cli("data", "ls", "--data", catalog, "--json")
    (entry,) = json.loads(out)
    assert (entry["symbol"], entry["rows"], entry["streams"]["book"]["parts"]) == (
        "ABCUSDT",
        150,
        1,
    )
    code, out, _ = cli("data", "ls", tmp_path / "empty")
    assert code == 0
    assert "mmbot data import" in out


def test_info_describes_a_symbol(cli, catalog):
    code, out, _ = cli("data", "info", "abcusdt", "--data", catalog)
    assert code == 0
    for word in ("tick size, lot size", "feed latency", "ts_ns int64"):
        assert word in out
    code, out, _ = cli("data", "info", "ABCUSDT", "--data", catalog, "--json")
    stats = json.loads(out)
    assert (stats["packets"], stats["snapshots"], stats["gaps"]) == (50, 1, 0)
    assert stats["spread_ticks"]["p50"] == 2.0
    code, _, err = cli("data", "info", "XYZ", "--data", catalog)
    assert code == 1
    assert err.startswith("E_BT_NO_DATA: symbol=XYZ")


def test_verify_says_sound_or_names_the_damage(cli, catalog):
    code, out, err = cli("data", "verify", "--data", catalog)
    assert (code, err) == (0, "")
    assert out.startswith("sound: 1 files, 150 rows")
    (part,) = catalog.rglob("*.parquet")
    part.write_bytes(part.read_bytes()[:300])
    code, _, err = cli("data", "verify", "ABCUSDT", "--data", catalog)
    assert code == 1
    assert err.startswith(f"E_MD_FRAME: file={part} row=0 is not a complete Parquet file")
    code, out, _ = cli("data", "verify", "--data", catalog, "--json")
    assert (code, json.loads(out)["ok"]) == (1, False)


def test_generate_then_export(cli, tmp_path):
    out_dir = tmp_path / "sim"
    args = ("--duration", "20s", "--seed", "3", "--out", out_dir, "--json")
    code, out, _ = cli("data", "generate", *args)
    assert code == 0
    entry = json.loads(out)
    assert (entry["synthetic"], entry["symbol"]) == (True, "SIMUSDT")
    ticks = tmp_path / "ticks.jsonl"
    export = ("data", "export-ticks", "--symbol", "SIMUSDT", "--data", out_dir, "--out", ticks)
    code, out, _ = cli(*export, "--from", "2024-01-01T00:00:05Z", "--to", "2024-01-01T00:00:10Z")
    assert code == 0
    lines = [json.loads(line) for line in ticks.read_bytes().splitlines()]
    assert out.startswith(f"{len(lines)} lines")
    assert set(lines[0]) == {"ts_ms", "bid", "ask", "bid_qty", "ask_qty", "trades", "symbol"}
    code, _, err = cli(*export, "--from", "2024-01-02", "--to", "2024-01-01")
    assert (code, err.split(":")[0]) == (1, "E_BT_BAD_RANGE")


@pytest.mark.parametrize("args", [("--duration", "0s"), ("--regime", "boring"), ("--seed", "-1")])
def test_generate_refuses_bad_options(cli, tmp_path, args):
    code, _, err = cli("data", "generate", *args, "--out", tmp_path / "sim")
    assert code == 1
    assert err.startswith("E_CFG_")
    assert not (tmp_path / "sim").exists()


@pytest.mark.parametrize("command", ["import", "ls", "info", "verify", "generate", "export-ticks"])
def test_every_command_has_an_example(cli, command):
    code, out, _ = cli("data", command, "--help")
    assert code == 0
    assert f"mmbot data {command}" in out
    assert "Example" in out


def test_a_damaged_frame_in_the_middle_is_survived(cli, tmp_path):
    lines = bybit_lines(20)
    lines[7] = lines[7][:40]
    lines.append(bybit_frame("snapshot", 99, [("1.0", 1)], [("1.1", 1)], ts_ms=T0_MS + 5_000))
    path = write_lines(tmp_path / "dump.data", lines)
    assert cli("data", "import", path, "--out", tmp_path / "cat")[0] == 0
    code, out, _ = cli("data", "verify", "--data", tmp_path / "cat")
    assert code == 0
    assert "2 snapshots, 1 marked gaps" in out
