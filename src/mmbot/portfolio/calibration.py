"""Online calibration of slippage from fills (03 section 5.3).

Observations are signed, so that noise around 0 stays 0; `k_eff` is a ratio of means, so that tiny
fills do not decide it. Priority per value: runtime override, then calibrated, then configuration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mmbot.core import (
    CALIBRATION_CAP_MAX_BPS,
    CALIBRATION_K_MAX,
    CostParams,
    SlippageOverride,
    SymbolCalibration,
)
from mmbot.errors import InputError

__all__ = ["CalibrationBook", "CalibrationError", "SlippageOverride", "SymbolCalibration"]

_DIGITS: Final = 6


class CalibrationError(InputError):
    """A refused override or snapshot; `reason` is the name that the admin API answers."""

    def __init__(self, reason: str, key: str) -> None:
        super().__init__("E_CFG_RANGE", key, f"is refused: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CalibrationBook:
    """Calibration and overrides by symbol; `rejected` counts unusable observations."""

    states: Mapping[str, SymbolCalibration] = field(default_factory=dict)
    overrides: Mapping[str, SlippageOverride] = field(default_factory=dict)
    rejected: int = 0

    def record_cost_observation(
        self,
        symbol: str,
        *,
        spread_bps: float,
        volume_usd: float,
        slippage_bps_observed: float,
        notional_usd: float,
        params: CostParams,
    ) -> CalibrationBook:
        """With one fill; negative or non-finite input is counted and changes nothing else."""
        new = self.states.get(symbol, SymbolCalibration()).after(
            spread_bps=spread_bps,
            volume_usd=volume_usd,
            slippage_bps=slippage_bps_observed,
            notional_usd=notional_usd,
            params=params,
        )
        if new is None:
            return replace(self, rejected=self.rejected + 1)
        return replace(self, states={**self.states, symbol: new})

    def in_force(self, symbol: str, params: CostParams) -> SlippageOverride:
        """`k_eff` and `cap_eff_bps` of a symbol; `None` where the configuration governs."""
        given = self.overrides.get(symbol, SlippageOverride())
        return self.states.get(symbol, SymbolCalibration()).in_force(given, params)

    def report(self, params: Mapping[str, CostParams]) -> dict[str, dict[str, float]]:
        """The admin view: every symbol of `params`, 6 decimals."""
        rows: dict[str, dict[str, float]] = {
            name: {}
            for name in (
                "cap_eff_bps",
                "k_eff",
                "samples",
                "slippage_ewma_bps",
                "spread_ewma_bps",
                "volume_ewma_usd",
            )
        }
        for symbol in sorted(params):
            state = self.states.get(symbol, SymbolCalibration())
            force = self.in_force(symbol, params[symbol])
            if force.k_eff is not None:
                rows["k_eff"][symbol] = round(force.k_eff, _DIGITS)
            if force.cap_eff_bps is not None:
                rows["cap_eff_bps"][symbol] = round(force.cap_eff_bps, _DIGITS)
            rows["samples"][symbol] = state.samples
            rows["slippage_ewma_bps"][symbol] = round(
                state.slippage_ewma_bps(params[symbol]), _DIGITS
            )
            rows["spread_ewma_bps"][symbol] = round(state.spread_bps, _DIGITS)
            rows["volume_ewma_usd"][symbol] = round(state.volume_usd, _DIGITS)
        return rows

    def apply(self, body: object) -> CalibrationBook:
        """Set or clear (`null`) overrides; all of `body` is checked before anything changes.

        Raises:
            CalibrationError: with the reason the admin API answers.
        """
        if not isinstance(body, dict) or set(body) != {"symbols"}:
            raise CalibrationError("invalid_payload", "cost calibration")
        symbols = body["symbols"]
        if not isinstance(symbols, dict) or not all(isinstance(s, str) and s for s in symbols):
            raise CalibrationError("invalid_symbols", "cost calibration")
        checked = {symbol: _values(symbol, symbols[symbol]) for symbol in sorted(symbols)}
        new = {s: _changed(self.overrides.get(s), values) for s, values in checked.items()}
        return replace(self, overrides={**self.overrides, **new})

    def snapshot(self) -> dict[str, object]:
        """Payload of kind ``cost_calib``: EWMA state and overrides."""
        names = sorted({*self.states, *self.overrides})
        return {
            "symbols": {
                name: {
                    "override": _as_dict(self.overrides.get(name, SlippageOverride())),
                    "state": self.states.get(name, SymbolCalibration()).values(),
                }
                for name in names
            },
            "version": 1,
        }

    @classmethod
    def from_snapshot(cls, payload: object) -> CalibrationBook:
        """The book of a snapshot.

        Raises:
            CalibrationError: ``invalid_payload``, ``invalid_symbols`` or a refused override.
        """
        if not isinstance(payload, dict) or payload.get("version") != 1:
            raise CalibrationError("invalid_payload", "cost calibration snapshot")
        symbols = payload.get("symbols")
        if not isinstance(symbols, dict):
            raise CalibrationError("invalid_symbols", "cost calibration snapshot")
        states, overrides = {}, {}
        for name in sorted(symbols):
            row = symbols[name]
            if not isinstance(row, dict) or set(row) != {"override", "state"}:
                raise CalibrationError("invalid_symbols", str(name))
            states[name] = _state(name, row["state"])
            override = _changed(None, _values(name, row["override"]))
            if override != SlippageOverride():
                overrides[name] = override
        return cls({s: v for s, v in states.items() if v.samples}, overrides)


def _as_dict(override: SlippageOverride) -> dict[str, float | None]:
    return {"cap_eff_bps": override.cap_eff_bps, "k_eff": override.k_eff}


def _changed(old: SlippageOverride | None, values: Mapping[str, float | None]) -> SlippageOverride:
    return SlippageOverride(**{**_as_dict(old or SlippageOverride()), **values})


def _values(symbol: str, row: object) -> dict[str, float | None]:
    if not isinstance(row, dict) or not set(row) <= {"k_eff", "cap_eff_bps"}:
        raise CalibrationError("invalid_symbols", symbol)
    ranges = {
        "k_eff": (CALIBRATION_K_MAX, "k_eff"),
        "cap_eff_bps": (CALIBRATION_CAP_MAX_BPS, "cap_eff"),
    }
    checked: dict[str, float | None] = {}
    for name, value in row.items():
        most, short = ranges[name]
        if value is None:
            checked[name] = None
            continue
        if not _is_number(value):
            raise CalibrationError(f"invalid_{name}", symbol)
        if not 0 <= value <= most:
            raise CalibrationError(f"{short}_out_of_range", symbol)
        checked[name] = float(value)
    return checked


def _state(symbol: str, row: Any) -> SymbolCalibration:  # noqa: ANN401 -- untrusted JSON
    names = list(SymbolCalibration().values())
    if not isinstance(row, dict) or set(row) != set(names):
        raise CalibrationError("invalid_symbols", symbol)
    signed = {"slip_bps", "excess_bps"}
    for name in names:
        if not _is_number(row[name]) or (name not in signed and row[name] < 0):
            raise CalibrationError("invalid_payload", symbol)
    if not isinstance(row["samples"], int):
        raise CalibrationError("invalid_payload", symbol)
    return SymbolCalibration(**row)


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]
