"""Online calibration of slippage from fills (03 section 5.3).

Observations are signed, so that noise around 0 stays 0; `k_eff` is a ratio of means, so that tiny
fills do not decide it. Priority per value: runtime override, then calibrated, then configuration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from mmbot.errors import InputError
from mmbot.portfolio.cost import CostParams, volume_factor

__all__ = ["CalibrationBook", "CalibrationError", "Override", "SymbolCalibration"]

_ALPHA: Final = 0.1
_K_MAX: Final = 1_000.0
_CAP_MAX_BPS: Final = 10_000.0
_DIGITS: Final = 6
_TINY: Final = 1e-9


class CalibrationError(InputError):
    """A refused override or snapshot; `reason` is the name that the admin API answers."""

    def __init__(self, reason: str, key: str) -> None:
        super().__init__("E_CFG_RANGE", key, f"is refused: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SymbolCalibration:
    """EWMA state of one symbol: bps, USD, kUSD."""

    samples: int = 0
    spread_bps: float = 0.0
    volume_usd: float = 0.0
    slip_bps: float = 0.0
    slip_sq: float = 0.0
    excess_bps: float = 0.0
    size_kusd: float = 0.0

    def after(
        self, *, spread_bps: float, volume_usd: float, slip_bps: float, kusd: float, floor: float
    ) -> SymbolCalibration:
        """With one more observation; `floor` is ``slippage_bps_base``."""
        seen = (
            spread_bps,
            volume_usd,
            slip_bps,
            slip_bps * slip_bps,
            slip_bps - max(floor, spread_bps / 2),
            kusd,
        )
        if self.samples == 0:
            return SymbolCalibration(1, *seen)
        old = (
            self.spread_bps,
            self.volume_usd,
            self.slip_bps,
            self.slip_sq,
            self.excess_bps,
            self.size_kusd,
        )
        mixed = [_ALPHA * x + (1.0 - _ALPHA) * y for x, y in zip(seen, old, strict=True)]
        return SymbolCalibration(self.samples + 1, *mixed)

    def k_eff(self) -> float:
        """Slippage beyond the half-spread, bps per kUSD."""
        return min(_K_MAX, max(0.0, self.excess_bps / max(_TINY, self.size_kusd)))

    def cap_eff_bps(self, max_cap_bps: float) -> float:
        """Mean plus two standard deviations, at least the half-spread."""
        deviation = math.sqrt(max(0.0, self.slip_sq - self.slip_bps * self.slip_bps))
        return min(max_cap_bps, max(0.0, self.spread_bps / 2, self.slip_bps + 2 * deviation))

    def slippage_ewma_bps(self) -> float:
        """Mean slippage as published and used."""
        return max(0.0, self.slip_bps)


@dataclass(frozen=True, slots=True)
class Override:
    """Values set at run time; `None` is not set."""

    k_eff: float | None = None
    cap_eff_bps: float | None = None


@dataclass(frozen=True, slots=True)
class CalibrationBook:
    """Calibration and overrides by symbol; `rejected` counts unusable observations."""

    states: Mapping[str, SymbolCalibration] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)
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
        sizes = (spread_bps, volume_usd, notional_usd)
        usable = all(math.isfinite(x) and x >= 0 for x in sizes) and notional_usd > 0
        if not usable or not math.isfinite(slippage_bps_observed):
            return replace(self, rejected=self.rejected + 1)
        new = self.states.get(symbol, SymbolCalibration()).after(
            spread_bps=spread_bps,
            volume_usd=volume_usd,
            slip_bps=slippage_bps_observed,
            kusd=volume_factor(params, volume_usd) * notional_usd / 1_000,
            floor=params.slippage_bps_base,
        )
        return replace(self, states={**self.states, symbol: new})

    def in_force(self, symbol: str, params: CostParams) -> Override:
        """`k_eff` and `cap_eff_bps` of a symbol; `None` where the configuration governs."""
        override = self.overrides.get(symbol, Override())
        state = self.states.get(symbol, SymbolCalibration())
        if state.samples < params.calib_min_samples:
            return override
        k, cap = override.k_eff, override.cap_eff_bps
        return Override(
            k_eff=state.k_eff() if k is None else k,
            cap_eff_bps=state.cap_eff_bps(params.max_slippage_bps_cap) if cap is None else cap,
        )

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
            rows["slippage_ewma_bps"][symbol] = round(state.slippage_ewma_bps(), _DIGITS)
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
        new = {s: replace(self.overrides.get(s, Override()), **v) for s, v in checked.items()}
        return replace(self, overrides={**self.overrides, **new})

    def snapshot(self) -> dict[str, object]:
        """Payload of kind ``cost_calib``: EWMA state and overrides."""
        names = sorted({*self.states, *self.overrides})
        return {
            "symbols": {
                name: {
                    "override": asdict(self.overrides.get(name, Override())),
                    "state": asdict(self.states.get(name, SymbolCalibration())),
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
            override = Override(**_values(name, row["override"]))
            if override != Override():
                overrides[name] = override
        return cls({s: v for s, v in states.items() if v.samples}, overrides)


def _values(symbol: str, row: object) -> dict[str, float | None]:
    if not isinstance(row, dict) or not set(row) <= {"k_eff", "cap_eff_bps"}:
        raise CalibrationError("invalid_symbols", symbol)
    ranges = {"k_eff": (_K_MAX, "k_eff"), "cap_eff_bps": (_CAP_MAX_BPS, "cap_eff")}
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
    names = list(SymbolCalibration.__dataclass_fields__)
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
