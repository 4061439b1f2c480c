//! Bytes to records. Strict: what a writer would not have written is refused, so that a record has
//! exactly one form.

use super::codes::Coded;
use super::control_codec::read_control;
use super::encode::{
    ACCEPTED, AMEND, AMEND_REJECTED, AMENDED, CANCEL, CANCEL_REJECTED, CANCELLED, FILLED, PLACE,
    REJECTED,
};
use super::error::{Fault, JournalError};
use super::facts::InstrumentFacts;
use super::record::{FORMAT_VERSION, Header, Record, RecordKind};
use super::rows::read_rows;
use super::wire::Cursor;
use crate::action::{Action, NewOrder};
use crate::instrument::InstrumentIdx;
use crate::money::Money;
use crate::quote::Quote;
use crate::report::{ExecReport, ReportKind};
use crate::units::{Cid, ExecPrice, PriceTick, QtyLot, TsNs};

/// Four texts of at least their count, two numbers.
const INSTRUMENT_BYTES_MIN: usize = 4 + 2 * 8;
const WEIGHT_BYTES: usize = 8;
const QUOTE_BYTES_MIN: usize = 3;

/// The record of bytes that [`super::encode`] wrote.
///
/// # Errors
/// [`JournalError`] with the offset in `bytes`; nothing else comes out of bad input.
pub fn decode(bytes: &[u8]) -> Result<Record, JournalError> {
    let mut cursor = Cursor::new(bytes);
    let code = cursor.byte()?;
    let kind = RecordKind::of_code(code).ok_or(Fault::Kind(code).at(0))?;
    let record = read(&mut cursor, kind)?;
    cursor.finish()?;
    Ok(record)
}

fn read(cursor: &mut Cursor<'_>, kind: RecordKind) -> Result<Record, JournalError> {
    match kind {
        RecordKind::Header => Ok(Record::Header(Box::new(read_header(cursor)?))),
        RecordKind::MarketRows => Ok(Record::MarketRows {
            instrument: cursor.instrument()?,
            rows: read_rows(cursor)?,
        }),
        RecordKind::Params
        | RecordKind::Start
        | RecordKind::Report
        | RecordKind::Decide
        | RecordKind::Quotes
        | RecordKind::CallResult
        | RecordKind::Unanswered
        | RecordKind::Interrupted
        | RecordKind::Adopt
        | RecordKind::Hold
        | RecordKind::Intent => {
            let instrument = cursor.instrument()?;
            let ts = cursor.ts()?;
            read_of_instrument(cursor, kind, instrument, ts)
        }
        _ => {
            let ts = cursor.ts()?;
            read_of_session(cursor, kind, ts)
        }
    }
}

fn read_of_instrument(
    cursor: &mut Cursor<'_>,
    kind: RecordKind,
    instrument: InstrumentIdx,
    ts: TsNs,
) -> Result<Record, JournalError> {
    Ok(match kind {
        RecordKind::Params => Record::Params {
            instrument,
            ts,
            config: cursor.bytes()?.to_vec(),
        },
        RecordKind::Start => Record::Start { instrument, ts },
        RecordKind::Report => Record::Report {
            instrument,
            ts,
            report: read_report(cursor, ts)?,
        },
        RecordKind::Quotes => Record::Quotes {
            instrument,
            ts,
            quotes: read_quotes(cursor)?,
        },
        RecordKind::CallResult => Record::CallResult {
            instrument,
            ts,
            outcome: cursor.byte()?,
        },
        RecordKind::Unanswered => Record::Unanswered {
            instrument,
            ts,
            cid: Cid::new(cursor.number()?),
        },
        RecordKind::Interrupted => Record::Interrupted {
            instrument,
            ts,
            cid: Cid::new(cursor.number()?),
        },
        RecordKind::Adopt => Record::Adopt {
            instrument,
            ts,
            position: QtyLot::new(cursor.signed()?),
            px: ExecPrice::new(cursor.signed()?),
        },
        RecordKind::Hold => Record::Hold {
            instrument,
            ts,
            on: read_flag(cursor)?,
        },
        RecordKind::Intent => Record::Intent {
            instrument,
            ts,
            action: read_action(cursor)?,
            cause: cursor.coded()?,
            full_cid: cursor.number()?,
        },
        _ => Record::Decide { instrument, ts },
    })
}

fn read_flag(cursor: &mut Cursor<'_>) -> Result<bool, JournalError> {
    let start = cursor.at();
    match cursor.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        code => Err(unknown("flag", code).at(start)),
    }
}

fn read_of_session(
    cursor: &mut Cursor<'_>,
    kind: RecordKind,
    ts: TsNs,
) -> Result<Record, JournalError> {
    Ok(match kind {
        RecordKind::SessionParams => Record::SessionParams {
            ts,
            config: cursor.bytes()?.to_vec(),
        },
        RecordKind::Weights => {
            let count = cursor.count("weights", WEIGHT_BYTES)?;
            Record::Weights {
                ts,
                weights: (0..count).map(|_| cursor.f64()).collect::<Result<_, _>>()?,
                fee_tilt: cursor.f64()?,
            }
        }
        RecordKind::Control => Record::Control {
            ts,
            control: read_control(cursor)?,
        },
        RecordKind::StateHash => Record::StateHash {
            ts,
            hash: cursor.u64()?,
        },
        RecordKind::Note => Record::Note {
            ts,
            text: cursor.text()?,
        },
        RecordKind::SessionEnd => Record::SessionEnd {
            ts,
            reason: cursor.text()?,
        },
        _ => Record::Sync { ts },
    })
}

fn read_header(cursor: &mut Cursor<'_>) -> Result<Header, JournalError> {
    let start = cursor.at();
    let format = cursor.u16()?;
    if format != FORMAT_VERSION {
        return Err(Fault::Version(format).at(start));
    }
    let session_id = cursor.text()?;
    let mode = cursor.coded()?;
    let created = cursor.ts()?;
    let seed = cursor.u64()?;
    let cid_prefix = cursor.text()?;
    let count = cursor.count("instruments", INSTRUMENT_BYTES_MIN)?;
    let instruments = (0..count).map(|_| read_instrument_facts(cursor));
    Ok(Header {
        format,
        session_id,
        mode,
        created,
        seed,
        cid_prefix,
        instruments: instruments.collect::<Result<_, _>>()?,
        config: cursor.bytes()?.to_vec(),
    })
}

fn read_instrument_facts(cursor: &mut Cursor<'_>) -> Result<InstrumentFacts, JournalError> {
    Ok(InstrumentFacts {
        symbol: cursor.text()?,
        tick_size: cursor.text()?,
        lot_size: cursor.text()?,
        min_qty: cursor.text()?,
        min_notional_usd: cursor.f64()?,
        quote_usd: cursor.f64()?,
    })
}

fn read_report(cursor: &mut Cursor<'_>, ts: TsNs) -> Result<ExecReport, JournalError> {
    let cid = Cid::new(cursor.number()?);
    let ts_exch = TsNs::new(ts.get().wrapping_sub(cursor.signed()?));
    let start = cursor.at();
    let kind = match cursor.byte()? {
        ACCEPTED => ReportKind::Accepted,
        REJECTED => ReportKind::Rejected(cursor.coded()?),
        AMENDED => ReportKind::Amended {
            px: PriceTick::new(cursor.signed()?),
            open_qty: QtyLot::new(cursor.signed()?),
        },
        AMEND_REJECTED => ReportKind::AmendRejected(cursor.coded()?),
        CANCELLED => ReportKind::Cancelled,
        CANCEL_REJECTED => ReportKind::CancelRejected(cursor.coded()?),
        FILLED => ReportKind::Filled {
            px: ExecPrice::new(cursor.signed()?),
            qty: QtyLot::new(cursor.signed()?),
            cum_qty: QtyLot::new(cursor.signed()?),
            liquidity: cursor.coded()?,
            fee: Money::new(cursor.wide_signed()?),
        },
        code => return Err(unknown("report", code).at(start)),
    };
    Ok(ExecReport { cid, ts_exch, kind })
}

fn read_quotes(cursor: &mut Cursor<'_>) -> Result<Vec<Quote>, JournalError> {
    let count = cursor.count("quotes", QUOTE_BYTES_MIN)?;
    let quotes = (0..count).map(|_| {
        Ok(Quote {
            side: cursor.coded()?,
            px: PriceTick::new(cursor.signed()?),
            qty: QtyLot::new(cursor.signed()?),
        })
    });
    quotes.collect()
}

fn read_action(cursor: &mut Cursor<'_>) -> Result<Action, JournalError> {
    let start = cursor.at();
    Ok(match cursor.byte()? {
        PLACE => Action::Place(NewOrder {
            cid: Cid::new(cursor.number()?),
            side: cursor.coded()?,
            px: PriceTick::new(cursor.signed()?),
            qty: QtyLot::new(cursor.signed()?),
            tif: cursor.coded()?,
        }),
        AMEND => Action::Amend {
            cid: Cid::new(cursor.number()?),
            px: PriceTick::new(cursor.signed()?),
            total_qty: QtyLot::new(cursor.signed()?),
        },
        CANCEL => Action::Cancel {
            cid: Cid::new(cursor.number()?),
        },
        code => return Err(unknown("action", code).at(start)),
    })
}

const fn unknown(field: &'static str, code: u8) -> Fault {
    Fault::Code { field, code }
}
