//! What survives a restart, as plain dicts; what is loaded is checked as a whole before anything
//! changes. Errors are `CoreError` with code `E_STORE_TYPE:invalid_payload`.

pub(crate) mod day_totals;

use super::dict;
use crate::error::core_error;
use mmbot_core::Session;
use mmbot_core::portfolio::{SlippageOverride, SymbolCalibration, calibration};
use mmbot_core::session::{RingParts, ThrottleSnapshot};
use mmbot_types::journal::CalibrationOf;
use mmbot_types::{InstrumentIdx, Op};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};
use std::collections::BTreeMap;

pub(super) use day_totals::{day_dict, day_of};

const THROTTLE_VERSION: u32 = 2;
const CALIBRATION_VERSION: u32 = 1;

/// A refused payload.
pub(crate) fn invalid(key: &str, message: &str) -> PyErr {
    core_error("E_STORE_TYPE:invalid_payload", key, message)
}

/// An item of a dict, as what it must be.
pub(crate) fn item<'py, T>(dict: &Bound<'py, PyDict>, key: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    let missing = || invalid(key, "is missing");
    let value = dict.get_item(key)?.ok_or_else(missing)?;
    if value.is_instance_of::<PyBool>() {
        return Err(invalid(key, "has the wrong type"));
    }
    value
        .extract()
        .map_err(|_| invalid(key, "has the wrong type"))
}

pub(crate) fn dict_of<'py>(value: &Bound<'py, PyAny>, key: &str) -> PyResult<Bound<'py, PyDict>> {
    let dict = value.cast::<PyDict>();
    Ok(dict.map_err(|_| invalid(key, "must be a dict"))?.clone())
}

pub(crate) fn throttle_dict<'py>(
    py: Python<'py>,
    snapshot: &ThrottleSnapshot,
) -> PyResult<Bound<'py, PyDict>> {
    let symbols = PyDict::new(py);
    for (symbol, rings) in &snapshot.symbols {
        let ops = PyDict::new(py);
        for op in Op::ALL {
            let parts = &rings[op.index()];
            let ring = dict!(py, {
                "base_ts": parts.base_ts,
                "idx": parts.idx,
                "ring": &parts.ring,
            });
            ops.set_item(op.name(), ring)?;
        }
        symbols.set_item(symbol, ops)?;
    }
    Ok(dict!(py, {
        "symbols": symbols,
        "version": THROTTLE_VERSION,
        "window_sec": snapshot.window_sec,
    }))
}

pub(crate) fn throttle_of(payload: &Bound<'_, PyAny>) -> PyResult<ThrottleSnapshot> {
    let payload = dict_of(payload, "throttle")?;
    if payload.len() != 3 || item::<u32>(&payload, "version")? != THROTTLE_VERSION {
        return Err(invalid("version", "must be 2, with symbols and window_sec"));
    }
    let mut symbols = BTreeMap::new();
    let given: Bound<'_, PyDict> = item(&payload, "symbols")?;
    for (symbol, rings) in &given {
        let symbol: String = symbol
            .extract()
            .map_err(|_| invalid("symbols", "must have texts as keys"))?;
        let rings = dict_of(&rings, &symbol)?;
        let mut parts: [RingParts; Op::COUNT] = Default::default();
        for op in Op::ALL {
            let ring: Bound<'_, PyDict> = item(&rings, op.name())?;
            parts[op.index()] = RingParts {
                base_ts: item(&ring, "base_ts")?,
                idx: item(&ring, "idx")?,
                ring: item(&ring, "ring")?,
            };
        }
        symbols.insert(symbol, parts);
    }
    Ok(ThrottleSnapshot {
        window_sec: item(&payload, "window_sec")?,
        symbols,
    })
}

pub(super) fn calibration_dict<'py>(
    py: Python<'py>,
    session: &Session,
) -> PyResult<Bound<'py, PyDict>> {
    let (out, allocator) = (PyDict::new(py), session.capital().allocator());
    for (at, symbol) in (0u16..).zip(session.symbols()) {
        let (state, set) = (
            allocator.calibration(InstrumentIdx(at)),
            allocator.slippage_set(InstrumentIdx(at)),
        );
        out.set_item(symbol, calibration_entry(py, &state, &set)?)?;
    }
    Ok(dict!(py, { "symbols": out, "version": CALIBRATION_VERSION }))
}

/// Calibration of those symbols of a payload that are traded.
pub(super) fn calibration_of(
    traded: &[String],
    payload: &Bound<'_, PyAny>,
) -> PyResult<Vec<CalibrationOf>> {
    let payload = dict_of(payload, "cost_calib")?;
    if payload.len() != 2 || item::<u32>(&payload, "version")? != CALIBRATION_VERSION {
        return Err(invalid("version", "must be 1, with symbols"));
    }
    let symbols: Bound<'_, PyDict> = item(&payload, "symbols")?;
    let mut found = Vec::new();
    for (name, entry) in &symbols {
        let name: String = name
            .extract()
            .map_err(|_| invalid("symbols", "must have texts as keys"))?;
        let entry = dict_of(&entry, &name)?;
        let (state, set) = (state_of(&entry)?, override_of(&entry)?);
        let at = traded.iter().position(|symbol| *symbol == name);
        if let Some(at) = at.and_then(|at| u16::try_from(at).ok()) {
            found.push(CalibrationOf {
                instrument: InstrumentIdx(at),
                state,
                set,
            });
        }
    }
    Ok(found)
}

/// Means and overrides of one symbol.
pub(crate) fn calibration_entry<'py>(
    py: Python<'py>,
    state: &SymbolCalibration,
    set: &SlippageOverride,
) -> PyResult<Bound<'py, PyDict>> {
    let state = dict!(py, {
        "samples": state.samples,
        "spread_bps": state.spread_bps,
        "volume_usd": state.volume_usd,
        "slip_bps": state.slip_bps,
        "slip_sq": state.slip_sq,
        "excess_bps": state.excess_bps,
        "size_kusd": state.size_kusd,
    });
    let set = dict!(py, { "cap_eff_bps": set.cap_eff_bps, "k_eff": set.k_eff });
    Ok(dict!(py, { "override": set, "state": state }))
}

pub(crate) fn state_of(entry: &Bound<'_, PyDict>) -> PyResult<SymbolCalibration> {
    let state: Bound<'_, PyDict> = item(entry, "state")?;
    let number = |key: &str, least: f64| {
        let value: f64 = item(&state, key)?;
        if value.is_finite() && value >= least {
            Ok(value)
        } else {
            Err(invalid(key, "is out of range"))
        }
    };
    Ok(SymbolCalibration {
        samples: item(&state, "samples")?,
        spread_bps: number("spread_bps", 0.0)?,
        volume_usd: number("volume_usd", 0.0)?,
        slip_bps: number("slip_bps", f64::MIN)?,
        slip_sq: number("slip_sq", 0.0)?,
        excess_bps: number("excess_bps", f64::MIN)?,
        size_kusd: number("size_kusd", 0.0)?,
    })
}

pub(crate) fn override_of(entry: &Bound<'_, PyDict>) -> PyResult<SlippageOverride> {
    let set: Bound<'_, PyDict> = item(entry, "override")?;
    let value = |key: &str, most: f64| {
        let value: Option<f64> = item(&set, key)?;
        match value {
            Some(value) if !(0.0..=most).contains(&value) => Err(invalid(key, "is out of range")),
            fits => Ok(fits),
        }
    };
    Ok(SlippageOverride {
        k_eff: value("k_eff", calibration::K_MAX)?,
        cap_eff_bps: value("cap_eff_bps", calibration::CAP_MAX_BPS)?,
    })
}
