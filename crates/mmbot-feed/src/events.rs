//! Decoded frames as event rows of the engine: reset before a snapshot, a gap mark where data are
//! missing.

use crate::decoded::{Decoded, FrameKind};
use crate::sequence::Verdict;
use mmbot_types::{ChunkError, EventColumns, EventRow, PriceTick, QtyLot, RowKind, Side, TsNs};

/// Takes rows one by one.
pub trait RowSink {
    /// Appends a row.
    ///
    /// # Errors
    /// [`ChunkError::Price`] if a price does not fit.
    fn push_row(&mut self, row: EventRow) -> Result<(), ChunkError>;
}

impl RowSink for EventColumns {
    #[inline]
    fn push_row(&mut self, row: EventRow) -> Result<(), ChunkError> {
        self.push(row)
    }
}

impl RowSink for Vec<EventRow> {
    /// As for columns: what is traded on is what could be recorded.
    #[inline]
    fn push_row(&mut self, row: EventRow) -> Result<(), ChunkError> {
        if i32::try_from(row.px.get()).is_err() {
            return Err(ChunkError::Price { row: self.len() });
        }
        self.push(row);
        Ok(())
    }
}

/// Appends the rows of a book frame after its sequence verdict, or of a trade frame (`verdict` is
/// not used there). A duplicate and a frame without a snapshot append nothing. `ts_exch` is the
/// venue time made non-decreasing by the caller, `ts_local` the receive time.
///
/// # Errors
/// [`ChunkError::Price`] if a price does not fit the column; rows of the frame before it stay.
pub fn append_events(
    frame: &Decoded,
    verdict: Verdict,
    ts_exch: TsNs,
    ts_local: TsNs,
    out: &mut impl RowSink,
) -> Result<(), ChunkError> {
    let mark = |kind: RowKind, last: bool| EventRow {
        kind,
        side: Side::Buy,
        last,
        px: PriceTick::ZERO,
        qty: QtyLot::ZERO,
        ts_exch,
        ts_local,
    };
    match (frame.kind, verdict) {
        (FrameKind::Trades, _) => return append_trades(frame, ts_exch, ts_local, out),
        (FrameKind::Book, Verdict::Reset) => {
            out.push_row(mark(RowKind::Reset, frame.levels.is_empty()))?;
        }
        (FrameKind::Book, Verdict::Apply) => {}
        (FrameKind::Book, Verdict::Gap) => return out.push_row(mark(RowKind::Gap, true)),
        _ => return Ok(()),
    }
    let count = frame.levels.len();
    for (i, level) in frame.levels.iter().enumerate() {
        out.push_row(EventRow {
            kind: RowKind::Depth,
            side: level.side,
            last: i + 1 == count,
            px: level.px,
            qty: level.qty,
            ts_exch,
            ts_local,
        })?;
    }
    Ok(())
}

fn append_trades(
    frame: &Decoded,
    floor: TsNs,
    ts_local: TsNs,
    out: &mut impl RowSink,
) -> Result<(), ChunkError> {
    let mut ts_exch = floor;
    for trade in &frame.trades {
        ts_exch = ts_exch.max(trade.ts_exch);
        out.push_row(EventRow {
            kind: RowKind::Trade,
            side: trade.side,
            last: true,
            px: trade.px,
            qty: trade.qty,
            ts_exch,
            ts_local,
        })?;
    }
    Ok(())
}
