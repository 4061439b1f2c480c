"""`metrics.json`: the schema, the day, what happens when it cannot be written."""

import json
from typing import Any

import numpy as np
import pytest
from tests.unit.trading.written_sessions import START_NS, SYMBOLS, load, write_session

from mmbot import clock
from mmbot.research import session_metrics
from mmbot.research.session_metrics import MetricsFile
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_DAY, NS_PER_SEC

SECTIONS = {
    "fees": {
        "tier_level",
        "maker_bps",
        "distance_usd",
        "effective_fee_bps_now",
        "effective_bps",
        "per_symbol_bps",
    },
    "intraday_caps": {"pnl", "turnover", "vol", "breached", "drawdown_proxy_pct"},
    "position_skew": {"positions", "symbol_breach", "color_breach"},
    "runtime": {"utc", "version", "git_sha", "mode", "env"},
    "pnl": {
        "usd",
        "realized_usd",
        "net_bps",
        "taker_share_pct",
        "order_age_p95_ms",
        "total_usd",
        "total_net_bps",
        "total_taker_share_pct",
        "total_order_age_p95_ms",
    },
    "turnover": {"usd", "total_usd"},
    "latency": {"p95_ms", "p95_ms_total", "replace_rate_per_min", "cancel_batch_events_total"},
    "edge": {
        "gross_bps",
        "fees_bps",
        "adverse_bps",
        "slippage_bps",
        "inventory_bps",
        "net_bps",
        "total",
    },
}


class Desk:
    """A session with its file, from its first second to its last."""

    def __init__(self, tmp_path, *, seconds=25, new_day_at=None, fail=None):
        self.path = tmp_path / "metrics.json"
        self.said: list[str] = []
        config = load().config
        self.file = MetricsFile(
            SYMBOLS,
            lambda: config,
            mode="paper",
            env="test",
            say=self.said.append,
            path=self.path if fail is None else fail,
        )
        self.seconds, self.new_day_at = seconds, new_day_at
        self.fills: dict[str, list[Any]] = {symbol: [] for symbol in SYMBOLS}
        self.result: dict[str, Any] = {}
        write_session(tmp_path, seconds=seconds, on_second=self.on_second)

    def on_second(self, engine, second):
        day = self.new_day_at is not None and second >= self.new_day_at
        market_ns = START_NS + second * NS_PER_SEC + day * NS_PER_DAY
        taken = []
        for at, symbol in enumerate(SYMBOLS):
            fills = engine.take_fills(0, at)
            events = engine.take_order_events(0, at)
            taken.append(Taken(symbol=symbol, fills=fills, curve={}, order_events=events))
            if self.new_day_at is None or second > self.new_day_at:
                self.fills[symbol].append(fills)
        if second == 1:
            self.file.begin(engine, market_ns)
        if second < self.seconds:
            self.file.step(engine, market_ns, taken)
        else:
            self.file.close(engine, market_ns, taken)
            self.state = engine.session().state()

    @property
    def document(self):
        return json.loads(self.path.read_bytes())

    def turnover(self, symbol):
        sums = [np.sum(one["px"] * one["qty"]) for one in self.fills[symbol]]
        return float(sum(sums))


@pytest.mark.spec("08-1.4", "05-13")
def test_the_document_has_every_section_and_key(tmp_path):
    desk = Desk(tmp_path)
    document = desk.document
    assert {name: set(section) for name, section in document.items()} == SECTIONS
    six = SECTIONS["edge"] - {"total"}
    assert set(document["edge"]["total"]) == six
    for name in six:
        assert set(document["edge"][name]) == set(SYMBOLS)
    assert document["runtime"]["env"] == "test"
    assert document["runtime"]["mode"] == "paper"
    assert desk.said == []


@pytest.mark.spec("08-1.4")
def test_figures_are_those_of_the_fills_and_the_account(tmp_path):
    desk = Desk(tmp_path)
    document = desk.document
    for symbol in SYMBOLS:
        assert document["turnover"]["usd"][symbol] == pytest.approx(desk.turnover(symbol), abs=1e-5)
    account = desk.state["account"]
    # fills that wait for their mid after the horizon are not in yet
    assert document["turnover"]["total_usd"] <= account["turnover_usd"] + 1e-6
    assert document["turnover"]["total_usd"] > 0.5 * account["turnover_usd"]
    total = document["edge"]["total"]
    parts = sum(total[f"{name}_bps"] for name in ("fees", "adverse", "slippage", "inventory"))
    assert total["net_bps"] == pytest.approx(total["gross_bps"] - parts, abs=1e-5)
    pnl = document["pnl"]
    assert pnl["total_usd"] == pytest.approx(sum(pnl["usd"].values()), abs=1e-5)
    usd = total["net_bps"] * document["turnover"]["total_usd"] / 1e4
    assert pnl["total_usd"] == pytest.approx(usd, abs=1e-3)
    assert document["latency"]["p95_ms"] == pnl["order_age_p95_ms"]
    assert all(age > 0 for age in document["latency"]["p95_ms"].values())


@pytest.mark.spec("08-1.4")
def test_a_new_day_begins_with_nothing_but_what_is_held(tmp_path):
    desk = Desk(tmp_path, new_day_at=12)
    whole = Desk(tmp_path / "whole")
    document, of_two = desk.document, whole.document
    for symbol in SYMBOLS:
        assert document["turnover"]["usd"][symbol] == pytest.approx(desk.turnover(symbol), abs=1e-5)
        assert document["turnover"]["usd"][symbol] < of_two["turnover"]["usd"][symbol]


def test_a_file_that_cannot_be_written_is_a_line(tmp_path):
    (tmp_path / "file").write_text("")
    desk = Desk(tmp_path, seconds=3, fail=tmp_path / "file" / "metrics.json")
    assert len(desk.said) == 1
    assert desk.said[0].startswith("E_STORE_DISK")


@pytest.mark.spec("05-13")
def test_values_that_are_no_numbers_are_zero_with_a_warning():
    said: list[str] = []
    found = session_metrics._with_zeros({"a": {"b": float("inf")}, "c": 1.5}, said.append)
    assert found == {"a": {"b": 0.0}, "c": 1.5}
    assert said == ["WARN artifacts: metrics.a.b is not finite, writing 0.0"]


@pytest.mark.spec("05-13")
def test_it_is_written_once_a_minute(tmp_path, monkeypatch):
    ticks = iter(range(0, 10**15, 25 * NS_PER_SEC))
    monkeypatch.setattr(clock, "monotonic_ns", lambda: next(ticks))
    written = []
    monkeypatch.setattr(session_metrics, "write_json", lambda path, _: written.append(path))
    Desk(tmp_path, seconds=7)
    assert len(written) > 1
