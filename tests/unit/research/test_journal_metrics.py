"""``metrics.json`` of a journal is that of the session that wrote it."""

import json
from typing import Any

import numpy as np
import pytest
from tests.unit.trading import written_sessions
from tests.unit.trading.live.live_sessions import START_NS as LIVE_NS
from tests.unit.trading.live.live_sessions import Clock, Trading, opened
from tests.unit.trading.live.made_orders import SYMBOL
from tests.unit.trading.written_sessions import SYMBOLS, load, write_session
from typer.testing import CliRunner

from mmbot.cli.ops import app
from mmbot.errors import StoreError
from mmbot.research.journal_metrics import journal_metrics
from mmbot.units import NS_PER_DAY, NS_PER_SEC


class Told:
    """What the engine of a session says about it."""

    def __init__(self, tmp_path, **options):
        self.fills: dict[str, list[Any]] = {symbol: [] for symbol in SYMBOLS}
        self.engine: Any = None
        self.path = write_session(tmp_path, on_second=self.on_second, **options)
        self.take()

    def on_second(self, engine, _second):
        self.engine = engine
        self.take()

    def take(self):
        for at, symbol in enumerate(SYMBOLS):
            self.fills[symbol].append(self.engine.take_fills(0, at))

    def turnover(self, symbol, since_ns=0):
        sums = [
            np.sum((one["px"] * one["qty"])[one["ts_local_ns"] >= since_ns])
            for one in self.fills[symbol]
        ]
        return float(sum(sums))


@pytest.mark.spec("08-1.4")
def test_its_figures_are_those_of_the_engine(tmp_path):
    told = Told(tmp_path)
    document = journal_metrics(told.path, load().config)
    assert document["runtime"]["mode"] == "paper"
    for at, symbol in enumerate(SYMBOLS):
        result = told.engine.result(0, at)
        assert document["pnl"]["usd"][symbol] == pytest.approx(result["net_pnl_usd"])
        assert document["turnover"]["usd"][symbol] == pytest.approx(told.turnover(symbol))
        edge = {name: usd / told.turnover(symbol) * 1e4 for name, usd in result["edge"].items()}
        for name in ("gross", "fees", "slippage", "adverse", "inventory", "net"):
            found = document["edge"][f"{name}_bps"][symbol]
            assert found == pytest.approx(edge[f"{name}_usd"], abs=1e-9), name
        age = document["latency"]["p95_ms"][symbol]
        assert age == pytest.approx(result["order_age_ms"]["p95"], rel=0.05)


@pytest.mark.spec("08-1.4")
def test_a_day_begins_at_midnight(tmp_path, monkeypatch):
    midnight_ns = written_sessions.START_NS + NS_PER_DAY
    monkeypatch.setattr(written_sessions, "START_NS", midnight_ns - 12 * NS_PER_SEC)
    told = Told(tmp_path, seconds=25)
    document = journal_metrics(told.path, load().config)
    for symbol in SYMBOLS:
        late, whole = told.turnover(symbol, midnight_ns), told.turnover(symbol)
        assert 0 < late < whole
        assert document["turnover"]["usd"][symbol] == pytest.approx(late)
    total = document["edge"]["total"]
    parts = sum(total[f"{name}_bps"] for name in ("fees", "adverse", "slippage", "inventory"))
    assert total["net_bps"] == pytest.approx(total["gross_bps"] - parts)


@pytest.mark.spec("08-1.4")
def test_what_a_live_session_took_over_is_no_turnover_and_earns(tmp_path):
    trading = Trading(opened(tmp_path), Clock())
    trading.step()
    trading.desk.adopt(SYMBOL, trading.desk.core.position_lots(SYMBOL) + 200, None)
    for _ in range(20):
        trading.step()
    core = trading.desk.core
    core.end(trading.clock.now_ns, "duration")
    trading.desk.write()
    trading.one.checkpoints.close()
    trading.one.writer.close()
    core.finish()
    document = journal_metrics(tmp_path / "s-1", load((SYMBOL,)).config)
    result = core.result(SYMBOL)
    assert document["turnover"]["usd"][SYMBOL] == pytest.approx(result["turnover_usd"])
    assert document["pnl"]["usd"][SYMBOL] == pytest.approx(result["net_pnl_usd"])
    assert trading.clock.now_ns // NS_PER_DAY == LIVE_NS // NS_PER_DAY


def test_a_damaged_journal_is_told(tmp_path):
    path = write_session(tmp_path, seconds=5)
    segment = path / "0.mmj"
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(bytes(data))
    with pytest.raises(StoreError, match="E_STORE_JOURNAL"):
        journal_metrics(path, load().config)


@pytest.mark.spec("08-1.4")
def test_the_command_writes_the_document(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path / "artifacts"))
    path = write_session(tmp_path / "journals", seconds=5)
    done = CliRunner().invoke(app, ["export-metrics", "--from", str(path)])
    assert done.exit_code == 0, done.output
    target = tmp_path / "artifacts" / "metrics.json"
    assert f"wrote {target}" in done.stdout
    assert set(json.loads(target.read_bytes())["turnover"]["usd"]) == set(SYMBOLS)
    other = tmp_path / "other.json"
    again = CliRunner().invoke(app, ["export-metrics", "--from", str(path), "--out", str(other)])
    assert again.exit_code == 0
    assert json.loads(other.read_bytes())["pnl"] == json.loads(target.read_bytes())["pnl"]
