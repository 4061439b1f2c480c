"""What the configuration's companion hands to the engine, and when."""

from types import SimpleNamespace
from typing import Any

import pytest

from mmbot.config import AppConfig, ConfigRequest
from mmbot.config.block_adjustment import WINDOW_NS
from mmbot.config.runtime import POLL_NS, RuntimeConfig
from mmbot.config.scheduling import TradingWindow
from mmbot.trading.reloading import ConfigCompanion

SYMBOLS = ("BTCUSDT", "ETHUSDT")
START = 1_000
INTERVAL = "latency_boost.replace.min_interval_ms"
FILE = "trading:\n  symbols: [BTCUSDT, ETHUSDT]\n  base_spread_bps: {spread}\n"


class Engine:
    """Decides ten times a look; half of that is blocked by the interval."""

    def __init__(self):
        self.params = []
        self.sessions = []
        self.counts = {"total_iterations": 0, "blocked_by": {}}

    def snapshot(self, _lane, _symbol):
        return self.counts

    def apply_params(self, lane, params, symbol):
        assert lane == 0
        self.params.append((symbol, params))

    def apply_session(self, lane, session):
        assert lane == 0
        self.sessions.append(session)


@pytest.fixture
def setting(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "app.yaml"
    path.write_text(FILE.format(spread=1.0))
    lines: list[str] = []
    env = {"ARTIFACTS_DIR": str(tmp_path / "artifacts")}
    runtime = RuntimeConfig.start(ConfigRequest(path=path, env=env), lines.append)
    rebalancer: Any = SimpleNamespace(settings=None)
    companion = ConfigCompanion(
        runtime,
        SYMBOLS,
        overrides={"strategy.kind": "external"},
        cid_prefix="mm",
        rebalancer=rebalancer,
    )
    engine: Any = Engine()
    companion.begin(engine, START)
    return SimpleNamespace(
        path=path, runtime=runtime, lines=lines, companion=companion, engine=engine
    )


def test_nothing_changed_means_nothing_applied(setting):
    for at in range(5):
        setting.companion.step(setting.engine, START + at, ())
    assert setting.engine.params == setting.engine.sessions == []


@pytest.mark.spec("01-5")
def test_a_change_reaches_every_symbol_and_the_session_in_one_step(setting):
    setting.path.write_text(FILE.format(spread=2.0))
    setting.runtime.ask_reload("sighup")
    setting.companion.step(setting.engine, START, ())
    assert [symbol for symbol, _ in setting.engine.params] == [0, 1]
    for _, params in setting.engine.params:
        assert params["trading.base_spread_bps"] == 2.0
        # What the command line has fixed stays.
        assert params["strategy.kind"] == "external"
    assert [session["rollout.cid_prefix"] for session in setting.engine.sessions] == ["mm"]
    # Once, not at every step from here on.
    setting.companion.step(setting.engine, START + POLL_NS, ())
    assert len(setting.engine.sessions) == 1


def test_a_bad_file_changes_nothing_and_says_so(setting):
    setting.path.write_text(FILE.format(spread=-2.0))
    setting.runtime.ask_reload("sighup")
    setting.companion.step(setting.engine, START, ())
    assert setting.engine.params == []
    assert setting.lines[-1].startswith("| config | ERROR | E_CFG_RANGE")


@pytest.mark.spec("01-4.6")
@pytest.mark.parametrize(("blocked", "raised"), [(25, False), (26, True)])
def test_a_window_blocked_by_the_interval_raises_it_for_all_symbols(setting, blocked, raised):
    before = setting.runtime.config.latency_boost.replace.min_interval_ms
    setting.engine.counts = {"total_iterations": 100, "blocked_by": {"min_interval": blocked}}
    setting.companion.step(setting.engine, START + WINDOW_NS - 1, ())
    assert setting.engine.params == []
    setting.companion.step(setting.engine, START + WINDOW_NS, ())
    after = setting.runtime.config.latency_boost.replace.min_interval_ms
    assert after == before + (10 if raised else 0)
    assert [params[INTERVAL] for _, params in setting.engine.params] == [after] * 2 * raised
    # The next window starts from the counts of this one.
    setting.companion.step(setting.engine, START + 2 * WINDOW_NS, ())
    assert setting.runtime.config.latency_boost.replace.min_interval_ms == after


def test_the_end_reports_the_blocks_of_all_symbols(setting, tmp_path):
    setting.engine.counts = {"total_iterations": 9, "blocked_by": {"risk": 3}}
    setting.companion.close(setting.engine, START, ())
    text = (tmp_path / "artifacts" / "soak" / "applied_profile.json").read_text()
    assert '"risk":6' in text.replace(" ", "")


def test_the_configuration_of_the_fixture_is_a_whole_one(setting):
    assert isinstance(setting.runtime.config, AppConfig)
    assert setting.runtime.config.trading.symbols == SYMBOLS


@pytest.mark.spec("02-4")
def test_suggested_windows_take_the_place_of_those_in_force(setting, monkeypatch):
    found = (TradingWindow(name="win0", start="08:00", end="10:00"),)
    answers = iter([None, found, None])
    windows: Any = SimpleNamespace(poll=lambda _config, _now_ns: next(answers))
    companion = ConfigCompanion(setting.runtime, SYMBOLS, overrides={}, windows=windows)
    engine: Any = Engine()
    companion.begin(engine, START)
    sessions = len(engine.sessions)
    for market_ns in (START, START + 1, START + 2):
        companion.step(engine, market_ns, ())
    assert setting.runtime.config.scheduler.windows == found
    assert setting.runtime.config.scheduler.tz == "UTC"
    assert len(engine.sessions) == sessions + 1, "put in force once"
