"""What the trading core takes of the configuration for a whole session: one flat mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mmbot.config.allocator_params import allocator_params
from mmbot.config.app import AppConfig
from mmbot.config.changes import key_values

__all__ = ["session_params"]

_SECTIONS: Final = ("throttle.", "circuit.", "autopolicy.", "runtime_guard.", "guards.", "shadow.")
_KEYS: Final = frozenset(
    {
        "allocator.smoothing.bias_cap_ratio",
        "limits.max_create_per_sec",
        "limits.max_cancel_per_sec",
        "mux.enabled",
        "mux.hysteresis_s",
        "risk.max_drawdown_pct",
        "risk.risk_pause_threshold",
        "risk.recovery_minutes",
        "risk.grades.wide_at_ratio",
        "risk.grades.reduce_only_at_ratio",
        "risk.grades.wide_spread_mult",
        "risk.grades.min_stay_sec",
        "rollout.traffic_split_pct",
        "rollout.active",
        "rollout.salt",
    }
)
_PNL_STOP: Final = "guards.intraday_caps.daily_pnl_stop"
_PER_SYMBOL: Final = "runtime_guard.per_symbol"


def session_params(
    config: AppConfig,
    symbols: Sequence[str],
    *,
    open_ns: Sequence[tuple[int, int]] | None = None,
    cid_prefix: str = "",
) -> dict[str, object]:
    """The parameters of a session that trades `symbols`, by dotted configuration key.

    Values are plain: numbers, texts, booleans, lists and dictionaries. Mappings by symbol hold the
    symbols of the session only, and only what is set for them. The mux is joined up:

    - ``mux.strategies``: in configuration order, each with ``name``, ``spread_mult``, ``size_mult``
      and ``weight_cap`` (None is uncapped);
    - ``mux.bands``: ascending, each with ``name``, ``lower``, ``upper`` and ``weights``, one for
      each strategy in their order.

    ``rollout.pinned_cids_green`` is sorted; the loss stop of the day is in USD.

    Args:
        config: the configuration in force.
        symbols: what the session trades.
        open_ns: trading windows as ascending, disjoint [from, to) in ns UTC; None is always open.
        cid_prefix: what client order ids of the session begin with.
    """
    values = key_values(config)
    params = {
        key: value for key, value in values.items() if key in _KEYS or key.startswith(_SECTIONS)
    }
    params[_PER_SYMBOL] = _of_symbols(values[_PER_SYMBOL], symbols)
    params.pop(_PNL_STOP)
    stop = config.guards.intraday_caps.daily_pnl_stop
    params[f"{_PNL_STOP}_usd"] = stop / config.trading.fx_usd_to_base
    params["rollout.pinned_cids_green"] = sorted(config.rollout.pinned_cids_green)
    params["rollout.cid_prefix"] = cid_prefix
    params["scheduler.open_ns"] = None if open_ns is None else list(open_ns)
    params["mux.strategies"] = _strategies(config)
    params["mux.bands"] = _bands(config)
    params |= allocator_params(config.portfolio, config.allocator.smoothing, config.signals)
    return params


def _of_symbols(value: object, symbols: Sequence[str]) -> dict[str, object]:
    assert isinstance(value, Mapping)
    return {
        symbol: _given(value[symbol]) if isinstance(value[symbol], Mapping) else value[symbol]
        for symbol in symbols
        if symbol in value
    }


def _given(value: Mapping[str, object]) -> dict[str, object]:
    return {name: item for name, item in value.items() if item is not None}


def _strategies(config: AppConfig) -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "spread_mult": strategy.spread_mult,
            "size_mult": strategy.size_mult,
            "weight_cap": config.mux.weight_caps.get(name),
        }
        for name, strategy in config.mux.strategies.items()
    ]


def _bands(config: AppConfig) -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "lower": lower,
            "upper": upper,
            "weights": [config.mux.profiles[name].get(item, 0.0) for item in config.mux.strategies],
        }
        for lower, upper, name in config.mux.bands
    ]
