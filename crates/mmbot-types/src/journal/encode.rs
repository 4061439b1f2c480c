//! Records to bytes: a kind byte, then the fields in the order of their declaration.

use super::codes::Coded;
use super::control_codec::put_control;
use super::facts::InstrumentFacts;
use super::record::{Header, Record, RecordKind};
use super::rows::put_rows;
use super::wire::{
    put_bytes, put_f64, put_instrument, put_number, put_signed, put_ts, put_wide_signed,
};
use crate::action::Action;
use crate::columns::EventRow;
use crate::instrument::InstrumentIdx;
use crate::quote::Quote;
use crate::report::{ExecReport, ReportKind};
use crate::units::TsNs;

pub(super) const PLACE: u8 = 0;
pub(super) const AMEND: u8 = 1;
pub(super) const CANCEL: u8 = 2;

pub(super) const ACCEPTED: u8 = 0;
pub(super) const REJECTED: u8 = 1;
pub(super) const AMENDED: u8 = 2;
pub(super) const AMEND_REJECTED: u8 = 3;
pub(super) const CANCELLED: u8 = 4;
pub(super) const CANCEL_REJECTED: u8 = 5;
pub(super) const FILLED: u8 = 6;

/// Appends the bytes of `record`: its kind and its fields, unframed.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    if let Record::MarketRows { instrument, rows } = record {
        return encode_rows(*instrument, rows, out);
    }
    out.push(record.kind().code());
    if let Some(instrument) = record.instrument() {
        put_instrument(out, instrument);
    }
    match record {
        Record::Header(header) => put_header(out, header),
        other => {
            put_ts(out, other.ts().unwrap_or_default());
            put_fields(out, other);
        }
    }
}

/// As [`encode`], for market rows that stand elsewhere. Their time is in the rows.
pub(super) fn encode_rows(instrument: InstrumentIdx, rows: &[EventRow], out: &mut Vec<u8>) {
    out.push(RecordKind::MarketRows.code());
    put_instrument(out, instrument);
    put_rows(out, rows);
}

/// What follows instrument and time.
fn put_fields(out: &mut Vec<u8>, record: &Record) {
    match record {
        Record::Params { config, .. } | Record::SessionParams { config, .. } => {
            put_bytes(out, config);
        }
        Record::Report { ts, report, .. } => put_report(out, *ts, report),
        Record::Weights {
            weights, fee_tilt, ..
        } => {
            put_number(out, weights.len() as u64);
            weights.iter().for_each(|weight| put_f64(out, *weight));
            put_f64(out, *fee_tilt);
        }
        Record::Quotes { quotes, .. } => {
            put_number(out, quotes.len() as u64);
            quotes.iter().for_each(|quote| put_quote(out, quote));
        }
        Record::CallResult { outcome, .. } => out.push(*outcome),
        Record::Unanswered { cid, .. } | Record::Interrupted { cid, .. } => {
            put_number(out, cid.get());
        }
        Record::Adopt { position, px, .. } => {
            put_signed(out, position.get());
            put_signed(out, px.get());
        }
        Record::Hold { on, .. } => out.push(u8::from(*on)),
        Record::Control { control, .. } => put_control(out, control),
        Record::Intent {
            action,
            cause,
            full_cid,
            ..
        } => {
            put_action(out, action);
            out.push(cause.code());
            put_number(out, *full_cid);
        }
        Record::StateHash { hash, .. } => out.extend_from_slice(&hash.to_le_bytes()),
        Record::Note { text, .. } => put_bytes(out, text.as_bytes()),
        Record::SessionEnd { reason, .. } => put_bytes(out, reason.as_bytes()),
        Record::Header(_)
        | Record::MarketRows { .. }
        | Record::Start { .. }
        | Record::Decide { .. }
        | Record::Sync { .. } => {}
    }
}

fn put_header(out: &mut Vec<u8>, header: &Header) {
    out.extend_from_slice(&header.format.to_le_bytes());
    put_bytes(out, header.session_id.as_bytes());
    out.push(header.mode.code());
    put_ts(out, header.created);
    out.extend_from_slice(&header.seed.to_le_bytes());
    put_bytes(out, header.cid_prefix.as_bytes());
    put_number(out, header.instruments.len() as u64);
    for instrument in &header.instruments {
        put_instrument_facts(out, instrument);
    }
    put_bytes(out, &header.config);
}

fn put_instrument_facts(out: &mut Vec<u8>, facts: &InstrumentFacts) {
    for text in [
        &facts.symbol,
        &facts.tick_size,
        &facts.lot_size,
        &facts.min_qty,
    ] {
        put_bytes(out, text.as_bytes());
    }
    put_f64(out, facts.min_notional_usd);
    put_f64(out, facts.quote_usd);
}

fn put_report(out: &mut Vec<u8>, ts: TsNs, report: &ExecReport) {
    put_number(out, report.cid.get());
    put_signed(out, ts.get().wrapping_sub(report.ts_exch.get()));
    match report.kind {
        ReportKind::Accepted => out.push(ACCEPTED),
        ReportKind::Rejected(reason) => out.extend_from_slice(&[REJECTED, reason.code()]),
        ReportKind::Amended { px, open_qty } => {
            out.push(AMENDED);
            put_signed(out, px.get());
            put_signed(out, open_qty.get());
        }
        ReportKind::AmendRejected(reason) => {
            out.extend_from_slice(&[AMEND_REJECTED, reason.code()]);
        }
        ReportKind::Cancelled => out.push(CANCELLED),
        ReportKind::CancelRejected(reason) => {
            out.extend_from_slice(&[CANCEL_REJECTED, reason.code()]);
        }
        ReportKind::Filled {
            px,
            qty,
            cum_qty,
            liquidity,
            fee,
        } => {
            out.push(FILLED);
            put_signed(out, px.get());
            put_signed(out, qty.get());
            put_signed(out, cum_qty.get());
            out.push(liquidity.code());
            put_wide_signed(out, fee.get());
        }
    }
}

fn put_quote(out: &mut Vec<u8>, quote: &Quote) {
    out.push(quote.side.code());
    put_signed(out, quote.px.get());
    put_signed(out, quote.qty.get());
}

fn put_action(out: &mut Vec<u8>, action: &Action) {
    match action {
        Action::Place(order) => {
            out.push(PLACE);
            put_number(out, order.cid.get());
            out.push(order.side.code());
            put_signed(out, order.px.get());
            put_signed(out, order.qty.get());
            out.push(order.tif.code());
        }
        Action::Amend { cid, px, total_qty } => {
            out.push(AMEND);
            put_number(out, cid.get());
            put_signed(out, px.get());
            put_signed(out, total_qty.get());
        }
        Action::Cancel { cid } => {
            out.push(CANCEL);
            put_number(out, cid.get());
        }
    }
}
