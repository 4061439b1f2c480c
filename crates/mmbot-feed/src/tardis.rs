//! tardis.dev CSV: `incremental_book_L2` and `trades`, times in microseconds, header first:
//!
//! ```text
//! exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount
//! deribit,BTC-PERPETUAL,1585699209920000,1585699209934372,true,ask,6435.5,5040
//! exchange,symbol,timestamp,local_timestamp,id,side,price,amount
//! bitmex,XBTUSD,1585699200122000,1585699200208195,1a1e,sell,6427.5,24
//! ```
//! <https://docs.tardis.dev/downloadable-csv-files>. Amounts are absolute, 0 deletes; a snapshot
//! row after an incremental one discards the book. Rows of one message share both times.

use crate::csv::{CsvLine, columns};
use crate::decoded::{Level, Span, Target, TradeRow};
use crate::error::{FrameError, FrameErrorKind as Kind};
use mmbot_types::{Side, TsNs};

/// Where the columns of a tardis file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TardisColumns {
    symbol: usize,
    timestamp: usize,
    local: usize,
    /// `is_snapshot` of a book file, `id` of a trade file.
    special: usize,
    side: usize,
    price: usize,
    amount: usize,
}

/// One book row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TardisLevel {
    /// Venue time.
    pub ts_exch: TsNs,
    /// Receive time.
    pub ts_local: TsNs,
    /// Part of a snapshot.
    pub is_snapshot: bool,
    /// The level.
    pub level: Level,
}

/// One print with its receive time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TardisTrade {
    /// Receive time.
    pub ts_local: TsNs,
    /// The print.
    pub trade: TradeRow,
}

impl TardisColumns {
    /// Reads the header of an `incremental_book_L2` file.
    ///
    /// # Errors
    /// [`Kind::Column`] if a column is missing.
    pub fn of_book_header(header: &[u8]) -> Result<Self, FrameError> {
        Self::of(header, "is_snapshot")
    }

    /// Reads the header of a `trades` file.
    ///
    /// # Errors
    /// [`Kind::Column`] if a column is missing.
    pub fn of_trades_header(header: &[u8]) -> Result<Self, FrameError> {
        Self::of(header, "id")
    }

    fn of(header: &[u8], special: &'static str) -> Result<Self, FrameError> {
        let names = [
            "symbol",
            "timestamp",
            "local_timestamp",
            special,
            "side",
            "price",
            "amount",
        ];
        let [symbol, timestamp, local, special, side, price, amount] = columns(header, &names)?;
        Ok(Self {
            symbol,
            timestamp,
            local,
            special,
            side,
            price,
            amount,
        })
    }
}

/// Decodes a line of a book file; `None` for another symbol. `rounded` counts sizes that were not
/// whole lots.
///
/// # Errors
/// The offending byte of the line.
pub fn decode_book_line(
    line: &[u8],
    at: &TardisColumns,
    target: &Target<'_>,
    rounded: &mut u64,
) -> Result<Option<TardisLevel>, FrameError> {
    let fields = CsvLine::split(line)?;
    if !target.wants(fields.text(at.symbol)?) {
        return Ok(None);
    }
    let is_snapshot = match fields.text(at.special)? {
        b"true" => true,
        b"false" => false,
        _ => return Err(FrameError::new(fields.start(at.special), Kind::Word)),
    };
    let side = match fields.text(at.side)? {
        b"bid" => Side::Buy,
        b"ask" => Side::Sell,
        _ => return Err(FrameError::new(fields.start(at.side), Kind::Side)),
    };
    Ok(Some(TardisLevel {
        ts_exch: fields.time(at.timestamp)?,
        ts_local: fields.time(at.local)?,
        is_snapshot,
        level: Level {
            side,
            px: fields.price(at.price, &target.grid.tick)?,
            qty: fields.size(at.amount, &target.grid.lot, rounded)?,
        },
    }))
}

/// Decodes a line of a trade file; `None` for another symbol. `rounded` counts sizes that were not
/// whole lots. A print whose aggressor is `unknown` is
/// refused: no side may be made up.
///
/// # Errors
/// The offending byte of the line.
pub fn decode_trade_line(
    line: &[u8],
    at: &TardisColumns,
    target: &Target<'_>,
    rounded: &mut u64,
) -> Result<Option<TardisTrade>, FrameError> {
    let fields = CsvLine::split(line)?;
    if !target.wants(fields.text(at.symbol)?) {
        return Ok(None);
    }
    let side = match fields.text(at.side)? {
        b"buy" => Side::Buy,
        b"sell" => Side::Sell,
        _ => return Err(FrameError::new(fields.start(at.side), Kind::Side)),
    };
    Ok(Some(TardisTrade {
        ts_local: fields.time(at.local)?,
        trade: TradeRow {
            ts_exch: fields.time(at.timestamp)?,
            side,
            px: fields.price(at.price, &target.grid.tick)?,
            qty: fields.traded(at.amount, &target.grid.lot, rounded)?,
            id: Span::within(line, fields.text(at.special)?),
        },
    }))
}

/// Symbol of a line.
#[must_use]
pub fn symbol_of<'a>(line: &'a [u8], at: &TardisColumns) -> Option<&'a [u8]> {
    CsvLine::split(line).ok()?.text(at.symbol).ok()
}
