//! Dictionaries as records, the inverse of `to_dict`. Market rows come as chunks instead, see
//! `JournalFramer.push_rows`.

use super::control_dict;
use crate::error::core_error;
use mmbot_types::journal::{
    Coded, Control, FORMAT_VERSION, Header, InstrumentFacts, Record, RecordKind,
};
use mmbot_types::{
    Action, Cid, ExecPrice, ExecReport, InstrumentIdx, Money, NewOrder, PriceTick, QtyLot, Quote,
    ReportKind, TsNs,
};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(super) fn record_of(record: &Bound<'_, PyDict>) -> PyResult<Record> {
    let fields = Fields(record);
    let kind: RecordKind = fields.coded("kind")?;
    Ok(match kind {
        RecordKind::Header => Record::Header(Box::new(header(&fields)?)),
        RecordKind::MarketRows => {
            return Err(refused("kind", "market rows are pushed as a chunk"));
        }
        RecordKind::Sync => Record::Sync { ts: fields.ts()? },
        RecordKind::SessionParams => Record::SessionParams {
            ts: fields.ts()?,
            config: fields.get("config")?,
        },
        RecordKind::Weights => Record::Weights {
            ts: fields.ts()?,
            weights: fields.get("weights")?,
            fee_tilt: fields.get("fee_tilt")?,
        },
        RecordKind::Control => Record::Control {
            ts: fields.ts()?,
            control: control_dict::control_of(&fields)?,
        },
        RecordKind::StateHash => Record::StateHash {
            ts: fields.ts()?,
            hash: fields.get("hash")?,
        },
        RecordKind::Note => Record::Note {
            ts: fields.ts()?,
            text: fields.get("text")?,
        },
        RecordKind::SessionEnd => Record::SessionEnd {
            ts: fields.ts()?,
            reason: fields.get("reason")?,
        },
        _ => return record_of_instrument(&fields, kind),
    })
}

fn record_of_instrument(fields: &Fields<'_, '_>, kind: RecordKind) -> PyResult<Record> {
    let instrument = InstrumentIdx(fields.get("instrument")?);
    let ts = fields.ts()?;
    Ok(match kind {
        RecordKind::Params => Record::Params {
            instrument,
            ts,
            config: fields.get("config")?,
        },
        RecordKind::Start => Record::Start { instrument, ts },
        RecordKind::Report => Record::Report {
            instrument,
            ts,
            report: report(fields)?,
        },
        RecordKind::Quotes => Record::Quotes {
            instrument,
            ts,
            quotes: quotes(fields)?,
        },
        RecordKind::CallResult => Record::CallResult {
            instrument,
            ts,
            outcome: fields.get("outcome")?,
        },
        RecordKind::Unanswered => Record::Unanswered {
            instrument,
            ts,
            cid: Cid::new(fields.get("cid")?),
        },
        RecordKind::Interrupted => Record::Interrupted {
            instrument,
            ts,
            cid: Cid::new(fields.get("cid")?),
        },
        RecordKind::Adopt => Record::Adopt {
            instrument,
            ts,
            position: QtyLot::new(fields.get("position")?),
            px: ExecPrice::new(fields.get("exec_px")?),
        },
        RecordKind::Hold => Record::Hold {
            instrument,
            ts,
            on: fields.get("on")?,
        },
        RecordKind::Intent => Record::Intent {
            instrument,
            ts,
            action: action(fields)?,
            cause: fields.coded("cause")?,
            full_cid: fields.get("full_cid")?,
        },
        _ => Record::Decide { instrument, ts },
    })
}

/// The header of a journal from its dictionary.
pub(crate) fn header_of(given: &Bound<'_, PyDict>) -> PyResult<Header> {
    header(&Fields(given))
}

/// What is done to a session, from its dictionary.
pub(crate) fn control_of(given: &Bound<'_, PyDict>) -> PyResult<Control> {
    control_dict::control_of(&Fields(given))
}

/// An execution report from its fields in a dictionary.
pub(crate) fn report_of(given: &Bound<'_, PyDict>) -> PyResult<ExecReport> {
    report(&Fields(given))
}

fn header(fields: &Fields<'_, '_>) -> PyResult<Header> {
    let given: Vec<Bound<'_, PyDict>> = fields.get("instruments")?;
    let facts = |dict: &Bound<'_, PyDict>| {
        let fields = Fields(dict);
        Ok(InstrumentFacts {
            symbol: fields.get("symbol")?,
            tick_size: fields.get("tick_size")?,
            lot_size: fields.get("lot_size")?,
            min_qty: fields.get("min_qty")?,
            min_notional_usd: fields.get("min_notional_usd")?,
            quote_usd: fields.get("quote_usd")?,
        })
    };
    Ok(Header {
        format: FORMAT_VERSION,
        session_id: fields.get("session_id")?,
        mode: fields.coded("mode")?,
        created: fields.ts()?,
        seed: fields.get("seed")?,
        cid_prefix: fields.get("cid_prefix")?,
        instruments: given.iter().map(facts).collect::<PyResult<_>>()?,
        config: fields.get("config")?,
    })
}

fn report(fields: &Fields<'_, '_>) -> PyResult<ExecReport> {
    let name: String = fields.get("report")?;
    let kind = match name.as_str() {
        "accepted" => ReportKind::Accepted,
        "rejected" => ReportKind::Rejected(fields.coded("reason")?),
        "amended" => ReportKind::Amended {
            px: PriceTick::new(fields.get("px")?),
            open_qty: QtyLot::new(fields.get("open_qty")?),
        },
        "amend_rejected" => ReportKind::AmendRejected(fields.coded("reason")?),
        "cancelled" => ReportKind::Cancelled,
        "cancel_rejected" => ReportKind::CancelRejected(fields.coded("reason")?),
        "filled" => ReportKind::Filled {
            px: ExecPrice::new(fields.get("exec_px")?),
            qty: QtyLot::new(fields.get("qty")?),
            cum_qty: QtyLot::new(fields.get("cum_qty")?),
            liquidity: fields.coded("liquidity")?,
            fee: Money::new(fields.get("fee")?),
        },
        other => return Err(refused("report", &format!("has no value {other:?}"))),
    };
    Ok(ExecReport {
        cid: Cid::new(fields.get("cid")?),
        ts_exch: TsNs::new(fields.get("ts_exch_ns")?),
        kind,
    })
}

fn quotes(fields: &Fields<'_, '_>) -> PyResult<Vec<Quote>> {
    let given: Vec<Bound<'_, PyDict>> = fields.get("quotes")?;
    let quote = |dict: &Bound<'_, PyDict>| {
        let fields = Fields(dict);
        Ok(Quote {
            side: fields.coded("side")?,
            px: PriceTick::new(fields.get("px")?),
            qty: QtyLot::new(fields.get("qty")?),
        })
    };
    given.iter().map(quote).collect()
}

fn action(fields: &Fields<'_, '_>) -> PyResult<Action> {
    let name: String = fields.get("action")?;
    let cid = Cid::new(fields.get("cid")?);
    Ok(match name.as_str() {
        "place" => Action::Place(NewOrder {
            cid,
            side: fields.coded("side")?,
            px: PriceTick::new(fields.get("px")?),
            qty: QtyLot::new(fields.get("qty")?),
            tif: fields.coded("tif")?,
        }),
        "amend" => Action::Amend {
            cid,
            px: PriceTick::new(fields.get("px")?),
            total_qty: QtyLot::new(fields.get("total_qty")?),
        },
        "cancel" => Action::Cancel { cid },
        other => return Err(refused("action", &format!("has no value {other:?}"))),
    })
}

/// Fields of a dictionary by name; an error names the field.
pub(super) struct Fields<'a, 'py>(pub(super) &'a Bound<'py, PyDict>);

impl<'py> Fields<'_, 'py> {
    pub(super) fn get<T: FromPyObjectOwned<'py>>(&self, name: &str) -> PyResult<T> {
        let Some(value) = self.0.get_item(name)? else {
            return Err(refused(name, "is missing"));
        };
        value
            .extract()
            .map_err(|_| refused(name, "has the wrong type or is out of range"))
    }

    /// As [`Self::get`]; `None` where there is no such field.
    pub(super) fn find<T: FromPyObjectOwned<'py>>(&self, name: &str) -> PyResult<Option<T>> {
        match self.0.contains(name)? {
            true => self.get(name).map(Some),
            false => Ok(None),
        }
    }

    fn ts(&self) -> PyResult<TsNs> {
        self.get("ts_ns").map(TsNs::new)
    }

    pub(super) fn coded<T: Coded>(&self, name: &str) -> PyResult<T> {
        let label: String = self.get(name)?;
        T::of_label(&label).ok_or_else(|| refused(name, &format!("has no value {label:?}")))
    }
}

pub(super) fn refused(field: &str, message: &str) -> PyErr {
    core_error("E_STORE_TYPE", field, message)
}
