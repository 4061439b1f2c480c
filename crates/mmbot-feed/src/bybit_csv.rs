//! Bybit's public trade dumps, one print a line, header first:
//!
//! ```text
//! timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,...
//! 1585180700.0647,BTCUSDT,Buy,0.042,6698.5,PlusTick,d8e3ad7e-4f3c-5b4a-b9a1-00000000,281337.0,...
//! ```
//! (`public.bybit.com/trading`, derivatives), and for spot (`public.bybit.com/spot`) without a
//! symbol column:
//!
//! ```text
//! id,timestamp,price,volume,side
//! 1,1669852800123,17163.5,0.002913,buy
//! ```

use crate::csv::{CsvLine, columns};
use crate::decoded::{Span, Target, TradeRow};
use crate::error::{FrameError, FrameErrorKind as Kind};
use mmbot_types::Side;

/// Where the columns of a dump are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BybitTradeColumns {
    timestamp: usize,
    side: usize,
    size: usize,
    price: usize,
    id: usize,
    symbol: Option<usize>,
}

impl BybitTradeColumns {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Kind::Column`] if a needed column is missing.
    pub fn of_header(header: &[u8]) -> Result<Self, FrameError> {
        let derivatives = ["timestamp", "side", "size", "price", "trdMatchID", "symbol"];
        if let Ok([timestamp, side, size, price, id, symbol]) = columns(header, &derivatives) {
            return Ok(Self {
                timestamp,
                side,
                size,
                price,
                id,
                symbol: Some(symbol),
            });
        }
        let spot = ["timestamp", "side", "volume", "price", "id"];
        let [timestamp, side, size, price, id] = columns(header, &spot)?;
        Ok(Self {
            timestamp,
            side,
            size,
            price,
            id,
            symbol: None,
        })
    }
}

/// Decodes one line; `None` for a line of another symbol. `rounded` counts sizes that were not
/// whole lots.
///
/// # Errors
/// The offending byte of the line.
pub fn decode_line(
    line: &[u8],
    at: &BybitTradeColumns,
    target: &Target<'_>,
    rounded: &mut u64,
) -> Result<Option<TradeRow>, FrameError> {
    let fields = CsvLine::split(line)?;
    if let Some(symbol) = at.symbol {
        if !target.wants(fields.text(symbol)?) {
            return Ok(None);
        }
    }
    let side = match fields.text(at.side)? {
        b"Buy" | b"buy" => Side::Buy,
        b"Sell" | b"sell" => Side::Sell,
        _ => return Err(FrameError::new(fields.start(at.side), Kind::Side)),
    };
    Ok(Some(TradeRow {
        ts_exch: fields.time(at.timestamp)?,
        side,
        px: fields.price(at.price, &target.grid.tick)?,
        qty: fields.traded(at.size, &target.grid.lot, rounded)?,
        id: Span::within(line, fields.text(at.id)?),
    }))
}

/// Symbol of a line, where the dump has the column.
#[must_use]
pub fn symbol_of<'a>(line: &'a [u8], at: &BybitTradeColumns) -> Option<&'a [u8]> {
    CsvLine::split(line).ok()?.text(at.symbol?).ok()
}
