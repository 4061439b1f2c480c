"""The configuration as text: one line per leaf, a hash, a difference, an explanation, a lint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from mmbot.config.app import AppConfig
from mmbot.config.loader import LoadedConfig
from mmbot.config.schema import KeyInfo, all_keys, key_info, split_key
from mmbot.config.tree import Assignment, Path, dotted, leaves, to_tree
from mmbot.errors import ConfigError
from mmbot.store.canonical import canonical_json

__all__ = [
    "Explanation",
    "cfg_hash",
    "describe",
    "describe_values",
    "difference",
    "explain",
    "format_value",
    "sanitized_yaml",
    "unit_findings",
]

_SECRET_PARTS: Final = ("api_key", "api_secret", "password", "token", "secret")
# Wider than any key's meaningful digits, so that two configurations that differ hash differently.
_HASH_DECIMALS: Final = 10

_UNIT_SUFFIXES: Final = (
    *("_bps", "_usd", "_eur", "_base", "_base_units", "_ratio", "_pct"),
    *("_ms", "_sec", "_s", "_minutes", "_days", "_per_sec", "_per_min", "_per_kusd", "_mb"),
)
# Numeric keys that need no unit: the last component says what it counts or weighs.
_UNITLESS: Final = frozenset(
    {
        # coefficients and weights
        *("k_vola_spread", "skew_coeff", "slippage_penalty_coef", "level_spacing_coeff"),
        *("imbalance_cutoff", "ema_alpha", "pnl_sensitivity", "cost_sensitivity"),
        *("fill_rate_sensitivity", "liquidity_sensitivity", "turnover_sensitivity"),
        *("fill_rate_floor", "liquidity_min_floor", "turnover_floor", "min_weight", "max_weight"),
        *("imbalance", "micro_tilt", "sigma_regime", "fraction", "wide_spread_mult"),
        *("queue_power_n", "burn_alert_threshold"),
        *("drawdown_soft_cap", "risk_pause_threshold", "fx_usd_to_base"),
        # counts
        *("levels_per_side", "imbalance_levels", "max_active_per_side", "max_concurrent"),
        *("max_batch", "half_open_probes", "min_samples", "level_max", "trigger_events_total"),
        *("hysteresis_bad_required", "hysteresis_good_required", "min_levels_cap", "min_fills"),
        *("levels_per_side_min", "levels_per_side_max", "calib_min_samples", "vola_min_samples"),
        *("adverse_window_fills", "top_k", "min_sample", "min_count", "min_sample_fills"),
        *("stable_steps_required", "batch_size", "max_lag_records", "min_fills_per_iteration"),
        *("warmup_iterations", "rampdown_iterations", "queue_max", "keep_last", "level"),
        *("metrics_port", "health_port"),
        # rates and shares of requests, fractions by their documentation
        *("error_rate_trigger", "err_rate_open", "http_5xx_rate_open", "http_429_rate_open"),
        *("rest_error_rate_max", "order_reject_rate_max", "max_reject_delta"),
        # the unit stands inside the name, or in the documentation of the key
        *("cancel_rate_pct_of_limit_max", "max_position_pct_budget", "cancel_latency_p95_ms_max"),
        *("ws_lag_ms_max", "per_symbol_abs_limit", "per_color_abs_limit", "daily_pnl_stop"),
        *("daily_turnover_cap", "daily_vol_cap", "slippage_bps_base", "fee_bps_default"),
        *("max_slippage_bps_cap", "liquidity_depth_usd_target", "distance_usd_threshold"),
        *("bins_max_bps", "retention_days_order_events", "base_spread_bps_delta"),
    }
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about one key: its meaning, its value, and every layer that spoke of it."""

    key: str
    value: str
    origin: str
    info: KeyInfo
    history: tuple[Assignment, ...]


def describe(config: AppConfig) -> str:
    """One ``section.key=value`` line per leaf, sorted by byte order, ASCII; secrets left out."""
    return "".join(f"{key}={value}\n" for key, value in describe_values(config).items())


def describe_values(config: AppConfig) -> dict[str, str]:
    """The lines of `describe` as a mapping."""
    pairs = [(dotted(path), format_value(value)) for path, value in _shown_leaves(config)]
    return dict(sorted(pairs, key=lambda pair: pair[0].encode()))


def cfg_hash(config: AppConfig) -> str:
    """SHA-256, hex, of the configuration without secrets as compact sorted JSON."""
    plain = {dotted(path): value for path, value in _shown_leaves(config)}
    text = canonical_json(plain, dp=_HASH_DECIMALS).rstrip(b"\n")
    return hashlib.sha256(text).hexdigest()


def sanitized_yaml(config: AppConfig) -> str:
    """The configuration as YAML, keys sorted; secrets left out. ASCII."""

    def shown(value: Any, path: Path) -> Any:  # noqa: ANN401 -- any node of the tree
        if not isinstance(value, dict):
            return value
        inner = {name: (*path, str(name)) for name in value}
        return {name: shown(value[name], at) for name, at in inner.items() if not _is_hidden(at)}

    text: str = yaml.safe_dump(shown(to_tree(config), ()), sort_keys=True, allow_unicode=False)
    return text


def difference(left: AppConfig, right: AppConfig) -> list[tuple[str, str, str]]:
    """Keys with different values as (key, left, right); a missing side is ``-``."""
    a, b = describe_values(left), describe_values(right)
    keys = sorted(a.keys() | b.keys())
    return [(k, a.get(k, "-"), b.get(k, "-")) for k in keys if a.get(k) != b.get(k)]


def explain(loaded: LoadedConfig, key: str) -> Explanation:
    """Explain one key of the configuration in force.

    Raises:
        ConfigError: ``E_CFG_UNKNOWN_KEY``.
    """
    path = split_key(key)
    info = key_info(path)
    assert info is not None
    values = dict(leaves(to_tree(loaded.config)))
    if path in values:
        shown = format_value(values[path])
    elif info.free and any(leaf[: len(path)] == path for leaf in values):
        shown = " ".join(
            f"{dotted(leaf[len(path) :])}={format_value(value)}"
            for leaf, value in values.items()
            if leaf[: len(path)] == path
        )
    else:
        raise ConfigError("E_CFG_UNKNOWN_KEY", key, "has no value")
    return Explanation(key, shown, loaded.origin(path), info, loaded.history.get(path, ()))


def format_value(value: object) -> str:
    """A leaf as text: floats with six decimals, lists joined by commas, ASCII."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, list | tuple):
        return ",".join(format_value(item) for item in value)
    if isinstance(value, Mapping):
        return ";".join(f"{name}:{format_value(item)}" for name, item in value.items())
    return "".join(c if " " <= c <= "~" else f"\\u{ord(c):04x}" for c in str(value))


def unit_findings() -> list[ConfigError]:
    """Numeric keys without a unit suffix that are not in the list of exceptions."""
    return [
        ConfigError("E_CFG_UNIT", key, "has no unit suffix")
        for key, info in all_keys().items()
        if _is_numeric(info) and not _has_unit(key)
    ]


def _is_numeric(info: KeyInfo) -> bool:
    return info.type.startswith(("a number", "an integer"))


def _has_unit(key: str) -> bool:
    name = key.rsplit(".", 1)[-1]
    return name.endswith(_UNIT_SUFFIXES) or name in _UNITLESS


def _shown_leaves(config: AppConfig) -> Iterator[tuple[Path, object]]:
    for path, value in _flat(to_tree(config), ()):
        if not _is_hidden(path):
            yield path, value


def _is_hidden(path: Path) -> bool:
    return any(part in dotted(path).lower() for part in _SECRET_PARTS)


def _flat(tree: Mapping[str, object], prefix: Path) -> Iterator[tuple[Path, object]]:
    """Leaves; lists of mappings (tiers, windows) by index, empty mappings not at all."""
    for path, value in leaves(tree, prefix):
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for index, item in enumerate(value):
                yield from _flat(item, (*path, str(index)))
        elif value != {}:
            yield path, value
