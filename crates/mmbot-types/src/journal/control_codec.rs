//! Controls to bytes and back: a code, then what belongs to it. Codes from 64 up are other files'.

use super::codes::Coded;
use super::control::{CalibrationOf, Control};
use super::error::{Fault, JournalError};
use super::wire::{Cursor, put_bytes, put_f64, put_instrument, put_number, put_signed};
use crate::carried::{DayTotals, RingParts, SlippageOverride, SymbolCalibration, ThrottleSnapshot};
use crate::kill_cause::KillCause;
use crate::op::Op;
use std::collections::BTreeMap;

const STOP: u8 = 0;
const KEEP_ORDERS: u8 = 1;
const RESUME: u8 = 2;
/// By an operator, without a reason: all kills were that once.
const KILL: u8 = 3;
const GRADE: u8 = 4;
const GRADE_BY_RULE: u8 = 5;
const KILL_BECAUSE: u8 = 6;
const MANUAL_PAUSE: u8 = 7;
const GUARD_DRY_RUN: u8 = 8;
const LEADER: u8 = 9;
const AUTOPOLICY_LEVEL: u8 = 10;
const AUTOPOLICY_RESET: u8 = 11;
const AUTOPOLICY_ENABLED: u8 = 12;
const THROTTLE_LOAD: u8 = 13;
const THROTTLE_CLEAR: u8 = 14;
const THROTTLE_RESET: u8 = 15;
const BACKOFF_MAX_SEED: u8 = 16;
const HIGH_WATER_MARK: u8 = 17;
const COST_CALIBRATION: u8 = 18;
const DAY_TOTALS: u8 = 19;
const STORAGE_HOLD: u8 = 20;
const LIFT_KILL: u8 = 21;
const LIFT_STOP: u8 = 22;

/// An empty name, and three rings of a time, an index and a count.
const WINDOWS_BYTES_MIN: usize = 1 + Op::COUNT * 3;
/// Instrument, samples, six means, two marks.
const CALIBRATION_BYTES_MIN: usize = 2 + 6 * 8 + 2;
const NUMBER_BYTES: usize = 8;

pub(super) fn put_control(out: &mut Vec<u8>, control: &Control) {
    match control {
        Control::Stop => out.push(STOP),
        Control::KeepOrders => out.push(KEEP_ORDERS),
        Control::Resume => out.push(RESUME),
        Control::Kill { cause, reason } => put_kill(out, *cause, reason),
        Control::Grade(Some(grade)) => out.extend_from_slice(&[GRADE, grade.code()]),
        Control::Grade(None) => out.push(GRADE_BY_RULE),
        Control::ManualPause(on) => put_switch(out, MANUAL_PAUSE, *on),
        Control::GuardDryRun(on) => put_switch(out, GUARD_DRY_RUN, *on),
        Control::Leader(on) => put_switch(out, LEADER, *on),
        Control::AutopolicyLevel(level) => {
            out.push(AUTOPOLICY_LEVEL);
            put_number(out, u64::from(*level));
        }
        Control::AutopolicyReset => out.push(AUTOPOLICY_RESET),
        Control::AutopolicyEnabled(on) => put_switch(out, AUTOPOLICY_ENABLED, *on),
        Control::ThrottleLoad(snapshot) => {
            out.push(THROTTLE_LOAD);
            put_throttle(out, snapshot);
        }
        Control::ThrottleClear => out.push(THROTTLE_CLEAR),
        Control::ThrottleReset => out.push(THROTTLE_RESET),
        Control::BackoffMaxSeed(ms) => {
            out.push(BACKOFF_MAX_SEED);
            put_f64(out, *ms);
        }
        Control::HighWaterMark(usd) => {
            out.push(HIGH_WATER_MARK);
            put_f64(out, *usd);
        }
        Control::CostCalibration(symbols) => {
            out.push(COST_CALIBRATION);
            put_number(out, symbols.len() as u64);
            symbols.iter().for_each(|one| put_calibration(out, one));
        }
        Control::DayTotals(totals) => {
            out.push(DAY_TOTALS);
            put_day(out, totals);
        }
        Control::StorageHold(on) => put_switch(out, STORAGE_HOLD, *on),
        Control::LiftKill => out.push(LIFT_KILL),
        Control::LiftStop => out.push(LIFT_STOP),
    }
}

pub(super) fn read_control(cursor: &mut Cursor<'_>) -> Result<Control, JournalError> {
    let start = cursor.at();
    Ok(match cursor.byte()? {
        STOP => Control::Stop,
        KEEP_ORDERS => Control::KeepOrders,
        RESUME => Control::Resume,
        KILL => Control::operator_kill(),
        KILL_BECAUSE => read_kill(cursor)?,
        GRADE => Control::Grade(Some(cursor.coded()?)),
        GRADE_BY_RULE => Control::Grade(None),
        MANUAL_PAUSE => Control::ManualPause(read_switch(cursor)?),
        GUARD_DRY_RUN => Control::GuardDryRun(read_switch(cursor)?),
        LEADER => Control::Leader(read_switch(cursor)?),
        AUTOPOLICY_LEVEL => {
            let start = cursor.at();
            let level = u32::try_from(cursor.number()?);
            Control::AutopolicyLevel(level.map_err(|_| Fault::Number.at(start))?)
        }
        AUTOPOLICY_RESET => Control::AutopolicyReset,
        AUTOPOLICY_ENABLED => Control::AutopolicyEnabled(read_switch(cursor)?),
        THROTTLE_LOAD => Control::ThrottleLoad(Box::new(read_throttle(cursor)?)),
        THROTTLE_CLEAR => Control::ThrottleClear,
        THROTTLE_RESET => Control::ThrottleReset,
        BACKOFF_MAX_SEED => Control::BackoffMaxSeed(cursor.f64()?),
        HIGH_WATER_MARK => Control::HighWaterMark(cursor.f64()?),
        COST_CALIBRATION => {
            let count = cursor.count("symbols", CALIBRATION_BYTES_MIN)?;
            let symbols = (0..count).map(|_| read_calibration(cursor));
            Control::CostCalibration(symbols.collect::<Result<_, _>>()?)
        }
        DAY_TOTALS => Control::DayTotals(Box::new(read_day(cursor)?)),
        STORAGE_HOLD => Control::StorageHold(read_switch(cursor)?),
        LIFT_KILL => Control::LiftKill,
        LIFT_STOP => Control::LiftStop,
        code => {
            let field = "control";
            return Err(Fault::Code { field, code }.at(start));
        }
    })
}

fn put_switch(out: &mut Vec<u8>, code: u8, on: bool) {
    out.extend_from_slice(&[code, u8::from(on)]);
}

fn read_switch(cursor: &mut Cursor<'_>) -> Result<bool, JournalError> {
    let start = cursor.at();
    match cursor.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        code => {
            let field = "switch";
            Err(Fault::Code { field, code }.at(start))
        }
    }
}

fn put_kill(out: &mut Vec<u8>, cause: KillCause, reason: &str) {
    if cause == KillCause::Operator && reason.is_empty() {
        return out.push(KILL);
    }
    out.extend_from_slice(&[KILL_BECAUSE, cause.code()]);
    put_bytes(out, reason.as_bytes());
}

fn read_kill(cursor: &mut Cursor<'_>) -> Result<Control, JournalError> {
    let start = cursor.at();
    let (cause, reason) = (cursor.coded()?, cursor.text()?);
    if cause == KillCause::Operator && reason.is_empty() {
        // a record has one form, and that is the short one
        return Err(Fault::Form("kill").at(start));
    }
    Ok(Control::Kill { cause, reason })
}

fn put_throttle(out: &mut Vec<u8>, snapshot: &ThrottleSnapshot) {
    put_number(out, u64::from(snapshot.window_sec));
    put_number(out, snapshot.symbols.len() as u64);
    for (symbol, rings) in &snapshot.symbols {
        put_bytes(out, symbol.as_bytes());
        for parts in rings {
            put_signed(out, parts.base_ts);
            put_number(out, parts.idx as u64);
            put_number(out, parts.ring.len() as u64);
            let cells = parts.ring.iter();
            cells.for_each(|cell| put_number(out, u64::from(*cell)));
        }
    }
}

fn read_throttle(cursor: &mut Cursor<'_>) -> Result<ThrottleSnapshot, JournalError> {
    let window_sec = read_u32(cursor)?;
    let count = cursor.count("windows", WINDOWS_BYTES_MIN)?;
    let mut symbols = BTreeMap::new();
    for _ in 0..count {
        let start = cursor.at();
        let symbol = cursor.text()?;
        // sorted, each once: what a writer would have written
        if symbols
            .last_key_value()
            .is_some_and(|(last, _)| *last >= symbol)
        {
            return Err(Fault::Form("windows").at(start));
        }
        let mut rings: [RingParts; Op::COUNT] = Default::default();
        for parts in &mut rings {
            *parts = read_ring(cursor)?;
        }
        symbols.insert(symbol, rings);
    }
    Ok(ThrottleSnapshot {
        window_sec,
        symbols,
    })
}

fn read_ring(cursor: &mut Cursor<'_>) -> Result<RingParts, JournalError> {
    let base_ts = cursor.signed()?;
    let start = cursor.at();
    let idx = usize::try_from(cursor.number()?).map_err(|_| Fault::Number.at(start))?;
    let count = cursor.count("cells", 1)?;
    let ring = (0..count).map(|_| read_u32(cursor));
    Ok(RingParts {
        base_ts,
        idx,
        ring: ring.collect::<Result<_, _>>()?,
    })
}

fn read_u32(cursor: &mut Cursor<'_>) -> Result<u32, JournalError> {
    let start = cursor.at();
    u32::try_from(cursor.number()?).map_err(|_| Fault::Number.at(start))
}

fn put_calibration(out: &mut Vec<u8>, one: &CalibrationOf) {
    put_instrument(out, one.instrument);
    put_number(out, one.state.samples);
    for mean in [
        one.state.spread_bps,
        one.state.volume_usd,
        one.state.slip_bps,
        one.state.slip_sq,
        one.state.excess_bps,
        one.state.size_kusd,
    ] {
        put_f64(out, mean);
    }
    put_optional(out, one.set.k_eff);
    put_optional(out, one.set.cap_eff_bps);
}

fn read_calibration(cursor: &mut Cursor<'_>) -> Result<CalibrationOf, JournalError> {
    Ok(CalibrationOf {
        instrument: cursor.instrument()?,
        state: SymbolCalibration {
            samples: cursor.number()?,
            spread_bps: cursor.f64()?,
            volume_usd: cursor.f64()?,
            slip_bps: cursor.f64()?,
            slip_sq: cursor.f64()?,
            excess_bps: cursor.f64()?,
            size_kusd: cursor.f64()?,
        },
        set: SlippageOverride {
            k_eff: read_optional(cursor)?,
            cap_eff_bps: read_optional(cursor)?,
        },
    })
}

fn put_day(out: &mut Vec<u8>, totals: &DayTotals) {
    put_signed(out, totals.utc_day);
    put_f64(out, totals.pnl_usd);
    put_f64(out, totals.turnover_usd);
    put_number(out, totals.sum_sq_returns.len() as u64);
    let sums = totals.sum_sq_returns.iter();
    sums.for_each(|sum| put_f64(out, *sum));
    let latches = totals.latched_at.iter();
    latches.for_each(|limit| put_optional(out, *limit));
}

fn read_day(cursor: &mut Cursor<'_>) -> Result<DayTotals, JournalError> {
    let utc_day = cursor.signed()?;
    let (pnl_usd, turnover_usd) = (cursor.f64()?, cursor.f64()?);
    let count = cursor.count("returns", NUMBER_BYTES)?;
    let sums = (0..count).map(|_| cursor.f64());
    let sum_sq_returns = sums.collect::<Result<_, _>>()?;
    let mut latched_at = [None; 3];
    for limit in &mut latched_at {
        *limit = read_optional(cursor)?;
    }
    Ok(DayTotals {
        utc_day,
        pnl_usd,
        turnover_usd,
        sum_sq_returns,
        latched_at,
    })
}

fn put_optional(out: &mut Vec<u8>, value: Option<f64>) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put_f64(out, value);
    }
}

fn read_optional(cursor: &mut Cursor<'_>) -> Result<Option<f64>, JournalError> {
    Ok(match read_switch(cursor)? {
        true => Some(cursor.f64()?),
        false => None,
    })
}
