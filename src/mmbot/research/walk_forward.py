"""Rolling windows: signals warm up (and parameters are chosen) on one part, the next is scored.

Window k covers rows ``[k*M, k*M+N+M)`` of a tick file: N to train, M to test; with a catalog the
same in days and hours. In the test run the engine sees the train part without quoting, so nothing
of it is counted; with a grid, the set with the best net result on the train part is used.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mmbot import core
from mmbot.config import AppConfig, cfg_hash, lane_params
from mmbot.config.session import session_params
from mmbot.errors import ConfigError
from mmbot.research.backtest import load_run_config, simulator_params
from mmbot.research.calibration import load_calibration
from mmbot.research.digest import RowDigest, params_digest
from mmbot.research.models import BacktestRequest
from mmbot.research.param_file import load_parameters, parse_parameters
from mmbot.research.report import HEADLINE, headline
from mmbot.research.windows import Window, WindowSource
from mmbot.store.canonical import canonical_json
from mmbot.store.runtime import git_sha, runtime_block
from mmbot.trading.engine import EngineSpec, build_engine
from mmbot.units import INT64_MAX, NS_PER_MIN

__all__ = ["WalkForward", "run_walk_forward"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """A walk-forward run; `points` are parameter sets to choose from, none keeps the request's."""

    request: BacktestRequest
    points: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What all windows share."""

    instrument: core.Instrument
    configs: Sequence[AppConfig]
    simulator: dict[str, Any]
    request: BacktestRequest


def run_walk_forward(
    plan: WalkForward,
    source: WindowSource,
    *,
    on_window: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """The content of ``BACKTEST_WF.json``.

    Raises:
        ConfigError: ``E_BT_WF_NO_WINDOWS`` when no window fits completely.
        MmbotError: as `mmbot.research.backtest.run_backtest`.
    """
    request = plan.request
    setting, digest = _prepare(plan, source)
    windows: list[dict[str, Any]] = []
    for window in source.windows():
        windows.append(_run_window(setting, plan.points, window))
        on_window(len(windows))
    if not windows:
        raise ConfigError("E_BT_WF_NO_WINDOWS", source.place, "is shorter than train and test")
    return {
        "windows": windows,
        "mean": _over(windows, lambda values: math.fsum(values) / len(values)),
        "median": _over(windows, statistics.median),
        "runtime": runtime_block(mode="backtest"),
        "metadata": {
            "git_sha": git_sha(),
            **digest,
            "seed": request.seed,
            "mode": request.mode,
            "queue_model": request.queue_model,
            "source": source.place,
        },
    }


def _prepare(plan: WalkForward, source: WindowSource) -> tuple[_Setting, dict[str, str]]:
    request, symbol = plan.request, source.symbol
    calibration = load_calibration(request.calibration)
    parameters = load_parameters(request.params)
    configs = []
    for point in plan.points or ({},):
        chosen = parse_parameters(point, "grid")
        sets = (*parameters.sets, *chosen.sets)
        loaded = load_run_config(request, replace(parameters, sets=sets), [symbol])
        configs.append(loaded.config)
    simulator = simulator_params(request, loaded, {**calibration, **parameters.simulator})
    base = load_run_config(request, parameters, [symbol])
    digest = {
        "cfg_hash": cfg_hash(base.config),
        "params_hash": params_digest(
            {str(number): lane_params(config, symbol) for number, config in enumerate(configs)}
        ),
    }
    setting = _Setting(
        instrument=source.instrument, configs=configs, simulator=simulator, request=request
    )
    return setting, digest


def _run_window(
    setting: _Setting, points: Sequence[Mapping[str, Any]], window: Window
) -> dict[str, Any]:
    """Choose on the train part, score on the test part."""
    best = _best_lane(setting, points, window) if len(setting.configs) > 1 else 0
    config = setting.configs[best]
    engine = _engine(setting, [config])
    engine.apply_session(0, _warming(setting, config, window.test_ns))
    digest = RowDigest(setting.instrument)
    warming = True
    for chunk in window.whole():
        digest.update(chunk)
        if not warming:
            engine.feed(chunk)
        elif not engine.advance(chunk, window.test_ns - 1):
            engine.apply_session(0, session_params(config, [setting.instrument.symbol]))
            warming = False
            engine.advance(None, INT64_MAX)
    engine.finish()
    return {
        "i": window.first_row,
        "train": window.train_span,
        "test": window.test_span,
        "params": dict(points[best]) if points else {},
        "data_hash": digest.hexdigest(),
        **headline(engine.result(0)),
    }


def _best_lane(setting: _Setting, points: Sequence[Mapping[str, Any]], window: Window) -> int:
    """All sets in one pass; equal results go to the smaller canonical parameters."""
    engine = _engine(setting, setting.configs)
    for chunk in window.train():
        engine.feed(chunk)
    engine.finish()
    net_bps = [float(headline(engine.result(lane))["net_bps"]) for lane in range(len(points))]
    return min(range(len(points)), key=lambda i: (-net_bps[i], canonical_json(points[i])))


def _warming(setting: _Setting, config: AppConfig, test_ns: int) -> dict[str, object]:
    """The session until the test part: closed, so that signals warm up without a fill.

    It opens without a stay in the closed state.
    """
    session = session_params(config, [setting.instrument.symbol], open_ns=[(test_ns, INT64_MAX)])
    return session | {"risk.grades.min_stay_sec": 0.0}


def _engine(setting: _Setting, configs: Sequence[AppConfig]) -> core.Backtest:
    return build_engine(
        EngineSpec(
            instruments=[setting.instrument],
            configs=configs,
            simulator=setting.simulator,
            seed=setting.request.seed,
            bar_ns=setting.request.bar_minutes * NS_PER_MIN,
        )
    )


def _over(
    windows: Sequence[Mapping[str, Any]], reduce: Callable[[list[float]], float]
) -> dict[str, float]:
    return {key: float(reduce([float(w[key]) for w in windows])) for key in HEADLINE}
