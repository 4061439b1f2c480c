"""What the trading core takes of the configuration for a whole session: one flat mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mmbot.config.app import AppConfig
from mmbot.config.changes import key_values

__all__ = ["session_params"]

_SECTIONS: Final = (
    "throttle.",
    "circuit.",
    "autopolicy.",
    "runtime_guard.",
    "guards.",
    "shadow.",
    "portfolio.",
    "allocator.smoothing.",
    "risk.",
)
_KEYS: Final = frozenset(
    {
        "limits.max_create_per_sec",
        "limits.max_cancel_per_sec",
        "mux.enabled",
        "mux.hysteresis_s",
        "rollout.traffic_split_pct",
        "rollout.active",
        "rollout.salt",
        "rollout.pinned_cids_green",
        "signals.sigma_bands",
        "trading.fx_usd_to_base",
    }
)
_BY_SYMBOL: Final = (
    "runtime_guard.per_symbol",
    "portfolio.manual_weights",
    "portfolio.cost.per_symbol",
)


def session_params(config: AppConfig, symbols: Sequence[str]) -> dict[str, object]:
    """The parameters of a session that trades `symbols`, by dotted configuration key.

    Values are plain: numbers, texts, booleans, lists and dictionaries. Mappings by symbol hold the
    symbols of the session only, and only what is set for them. The mux is joined up:

    - ``mux.strategies``: in configuration order, each with ``name``, ``spread_mult``, ``size_mult``
      and ``weight_cap`` (None is uncapped);
    - ``mux.bands``: ascending, each with ``name``, ``lower``, ``upper`` and ``weights``, one for
      each strategy in their order.

    ``rollout.pinned_cids_green`` is sorted. Units are those of the keys: ``daily_pnl_stop`` is in
    ``trading.base_ccy``, of which ``trading.fx_usd_to_base`` units are one USD.
    """
    values = key_values(config)
    params = {
        key: value for key, value in values.items() if key in _KEYS or key.startswith(_SECTIONS)
    }
    for key in _BY_SYMBOL:
        params[key] = _of_symbols(values[key], symbols)
    params["rollout.pinned_cids_green"] = sorted(config.rollout.pinned_cids_green)
    params["mux.strategies"] = _strategies(config)
    params["mux.bands"] = _bands(config)
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
