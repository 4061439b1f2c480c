"""`mmbot run` with several symbols: one session, one result, whatever the process."""

import json
import re
import sys

import pytest
from tests.e2e.processes import ROOT, mmbot, run

from mmbot.units import NS_PER_SEC, parse_duration_ns

THREE = ("--symbol", "BTCUSDT", "--symbol", "ETHUSDT", "--symbol", "SOLUSDT")
LINE = re.compile(
    r"\S+Z symbols=3 gross_usd=\d+\.\d\d pnl_usd=[+-]\S+ fills=\d+ orders=\d+ "
    r"target_usd=\d+\.\d\d risk=\w+"
)
ROW = re.compile(r"\|\s*(\w+USDT)\s*\|\s*([\d,]+)\s*\|.*\|\s*([0-9a-f]{16})\s*\|")

pytestmark = pytest.mark.xdist_group("run")


def rows(output):
    """(fills, state hash) by symbol, from the table at the end."""
    found = {m[1]: (int(m[2].replace(",", "")), m[3]) for m in ROW.finditer(output)}
    assert len(found) > 1
    return found


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    """A place with the shipped configuration, and what a session of three symbols left there."""
    place = tmp_path_factory.mktemp("three")
    (place / "config").mkdir()
    (place / "config" / "app.yaml").write_bytes((ROOT / "config" / "app.yaml").read_bytes())
    done = run(place, *THREE, "--duration", "60s", "--speed", "max", "--out", "first")
    assert done.returncode == 0, done.stderr
    return place, done


def test_a_session_of_three_symbols_trades_and_reports_each(configured):
    place, done = configured
    assert LINE.fullmatch(done.stdout.splitlines()[0])
    assert done.stdout.isascii()
    by_symbol = rows(done.stdout)
    assert list(by_symbol) == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    report = json.loads((place / "first" / "EDGE_REPORT.json").read_bytes())
    assert sorted(report["symbols"]) == sorted(by_symbol)
    fills = {symbol: entry["fills"] for symbol, entry in report["symbols"].items()}
    assert fills == {symbol: count for symbol, (count, _) in by_symbol.items()}
    assert all(fills.values())
    assert report["totals"]["fills"] == sum(fills.values())
    page = (place / "first" / "RUN_REPORT.html").read_text("ascii")
    assert all(symbol in page for symbol in by_symbol)


def test_the_same_session_in_another_process_and_at_another_speed_is_the_same(configured):
    place, first = configured
    report = (place / "first" / "EDGE_REPORT.json").read_bytes()
    for name, speed in (("again", "max"), ("slower", "10x")):
        done = run(place, *THREE, "--duration", "60s", "--speed", speed, "--out", name)
        assert done.returncode == 0, done.stderr
        assert rows(done.stdout) == rows(first.stdout)
        assert (place / name / "EDGE_REPORT.json").read_bytes() == report
    other = run(place, *THREE, "--duration", "60s", "--speed", "max", "--seed", "7")
    assert rows(other.stdout) != rows(first.stdout)


def test_several_recordings_end_when_the_last_of_them_ends(tmp_path):
    for symbol, duration in (("BTCUSDT", "20s"), ("ETHUSDT", "40s")):
        made = mmbot(
            tmp_path,
            *("data", "generate", "--out", "catalog", "--symbol", symbol, "--duration", duration),
        )
        assert made.returncode == 0, made.stderr
    args = ("--data", "catalog", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT", "--speed", "max")
    first, second = run(tmp_path, *args), run(tmp_path, *args)
    assert first.returncode == 0, first.stderr
    assert "because the data ended" in first.stdout
    assert list(rows(first.stdout)) == ["BTCUSDT", "ETHUSDT"]
    assert rows(first.stdout) == rows(second.stdout)
    market_time = re.search(r"market time (\S+),", first.stdout)
    assert market_time is not None
    assert 35 * NS_PER_SEC < parse_duration_ns(market_time[1]) < 40 * NS_PER_SEC


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals")
def test_a_python_strategy_is_asked_for_every_symbol(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import mmbot\n\n"
        "class Mine(mmbot.Strategy):\n"
        "    seen = set()\n"
        "    def on_tick(self, view):\n"
        "        if view.symbol not in self.seen:\n"
        "            self.seen.add(view.symbol)\n"
        "            open('seen.txt', 'a').write(view.symbol + '\\n')\n"
        "        return mmbot.Quotes()\n"
    )
    done = run(tmp_path, *THREE, "--duration", "5s", "--strategy", "mine.py:Mine")
    assert done.returncode == 0, done.stderr
    seen = (tmp_path / "seen.txt").read_text().split()
    assert sorted(seen) == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
