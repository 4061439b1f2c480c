//! Binance frames, spot, USD-M and COIN-M, bare or in the combined-stream wrapper, and REST depth:
//!
//! ```text
//! {"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":123,"T":122,"s":"BTCUSDT","U":157,
//!  "u":160,"pu":149,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}}
//! {"e":"trade","E":123,"T":122,"s":"BTCUSDT","t":12345,"p":"0.001","q":"100",
//!  "X":"MARKET","m":true}
//! {"u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}
//! {"lastUpdateId":1027024,"E":1589436922972,"T":1589436922959,
//!  "bids":[["4.0","431"]],"asks":[["4.2","12"]]}
//! ```
//! <https://developers.binance.com/docs/derivatives/usds-margined-futures>, market streams.
//! Field names are overloaded between events (`a` is an ask side, an ask price or an aggregate id),
//! so that places are collected first and values read when the event is known.

use crate::decoded::{Decoded, FrameKind, Quote, Span, Target, TradeRow};
use crate::error::FrameError;
use crate::fields::Fields;
use crate::levels::read_levels;
use crate::scan::Scan;
use mmbot_types::{PriceTick, QtyLot, Side};

const KEYS: &[&[u8]; 22] = &[
    b"e",
    b"E",
    b"T",
    b"s",
    b"U",
    b"u",
    b"pu",
    b"b",
    b"a",
    b"B",
    b"A",
    b"p",
    b"q",
    b"t",
    b"m",
    b"X",
    b"lastUpdateId",
    b"bids",
    b"asks",
    b"symbol",
    b"stream",
    b"data",
];

/// [`Decoded::stream`] of `trade` (single prints) frames.
pub const STREAM_TRADE: u16 = 0;
/// [`Decoded::stream`] of `aggTrade` frames.
pub const STREAM_AGG_TRADE: u16 = 1;

/// Decodes one frame or REST depth answer. A REST answer that names no symbol is taken as the
/// wanted one's: the caller knows what it asked for.
///
/// # Errors
/// The offending byte.
pub fn decode(frame: &[u8], target: &Target<'_>, out: &mut Decoded) -> Result<(), FrameError> {
    out.clear();
    let mut scan = Scan::new(frame)?;
    let root = Fields::read(&mut scan, KEYS)?;
    scan.end()?;
    if root.has(b"lastUpdateId") {
        return read_snapshot(frame, &root, target, out);
    }
    let event = match root.at(b"data") {
        Some(mut data) => {
            if data.peek_token() != Some(b'{') {
                return Ok(());
            }
            Fields::read(&mut data, KEYS)?
        }
        None => root,
    };
    let name = match event.at(b"e") {
        Some(mut scan) => scan.text()?,
        // spot quotes carry no event name
        None if [b"u", b"b", b"B", b"a", b"A"]
            .iter()
            .all(|key| event.has(*key)) =>
        {
            b"bookTicker"
        }
        None => return Ok(()),
    };
    let kind = match name {
        b"depthUpdate" => FrameKind::Book,
        b"trade" | b"aggTrade" => FrameKind::Trades,
        b"bookTicker" => FrameKind::Quote,
        _ => return Ok(()),
    };
    let symbol = event.must(b"s")?.text()?;
    out.symbol = Span::within(frame, symbol);
    if !target.wants(symbol) {
        out.kind = FrameKind::Foreign;
        return Ok(());
    }
    out.kind = kind;
    match kind {
        FrameKind::Book => read_depth(&event, target, out),
        FrameKind::Trades => read_trade(frame, &event, name == b"aggTrade", target, out),
        _ => read_quote(&event, target, out),
    }
}

type Event<'a> = Fields<'a, 22>;

fn read_depth(event: &Event<'_>, target: &Target<'_>, out: &mut Decoded) -> Result<(), FrameError> {
    out.ids.first = Some(event.must(b"U")?.int()?);
    out.ids.last = Some(event.must(b"u")?.int()?);
    out.ids.prev = event.int(b"pu")?;
    let time = if event.has(b"T") { b"T" } else { b"E" };
    out.ts_exch = Some(event.must(time)?.time_ms()?);
    read_levels::<true>(&mut event.must(b"b")?, Side::Buy, target.grid, out)?;
    read_levels::<true>(&mut event.must(b"a")?, Side::Sell, target.grid, out)
}

fn read_snapshot(
    frame: &[u8],
    root: &Event<'_>,
    target: &Target<'_>,
    out: &mut Decoded,
) -> Result<(), FrameError> {
    if let Some(mut scan) = root.at(b"symbol") {
        let symbol = scan.text()?;
        out.symbol = Span::within(frame, symbol);
        if !target.wants(symbol) {
            out.kind = FrameKind::Foreign;
            return Ok(());
        }
    }
    out.kind = FrameKind::Book;
    out.is_snapshot = true;
    out.ids.last = Some(root.must(b"lastUpdateId")?.int()?);
    out.ts_exch = match root.at(b"T") {
        Some(mut scan) => Some(scan.time_ms()?),
        None => None,
    };
    read_levels::<true>(&mut root.must(b"bids")?, Side::Buy, target.grid, out)?;
    read_levels::<true>(&mut root.must(b"asks")?, Side::Sell, target.grid, out)
}

fn read_trade(
    frame: &[u8],
    event: &Event<'_>,
    aggregated: bool,
    target: &Target<'_>,
    out: &mut Decoded,
) -> Result<(), FrameError> {
    // insurance fund and ADL prints on futures did not come through the book (and may have price 0)
    if let Some(mut scan) = event.at(b"X") {
        if scan.text()? != b"MARKET" {
            out.kind = FrameKind::Other;
            return Ok(());
        }
    }
    out.stream = if aggregated {
        STREAM_AGG_TRADE
    } else {
        STREAM_TRADE
    };
    let mut id = event.must(if aggregated { b"a" } else { b"t" })?;
    let qty = event
        .must(b"q")?
        .traded(&target.grid.lot, &mut out.rounded)?;
    out.trades.push(TradeRow {
        ts_exch: event.must(b"T")?.time_ms()?,
        // the buyer was the maker: the seller came to the market
        side: if event.must(b"m")?.boolean()? {
            Side::Sell
        } else {
            Side::Buy
        },
        px: PriceTick::new(event.must(b"p")?.price(&target.grid.tick)?),
        qty: QtyLot::new(qty),
        id: Span::within(frame, id.number_text()?),
    });
    Ok(())
}

fn read_quote(event: &Event<'_>, target: &Target<'_>, out: &mut Decoded) -> Result<(), FrameError> {
    out.ids.last = Some(event.must(b"u")?.int()?);
    out.ts_exch = match event.at(b"T") {
        Some(mut scan) => Some(scan.time_ms()?),
        None => None,
    };
    let price = |key: &[u8]| Ok(PriceTick::new(event.must(key)?.price(&target.grid.tick)?));
    let mut rounded = 0;
    let mut size = |key: &[u8]| {
        let lots = event.must(key)?.size(&target.grid.lot, &mut rounded)?;
        Ok(QtyLot::new(lots))
    };
    out.quote = Some(Quote {
        bid: price(b"b")?,
        bid_qty: size(b"B")?,
        ask: price(b"a")?,
        ask_qty: size(b"A")?,
    });
    Ok(())
}

/// Symbol that a REST depth request named, if its URL does.
#[must_use]
pub fn symbol_of_url(url: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(url, b"symbol=")?;
    let rest = &url[at + b"symbol=".len()..];
    let end = rest.iter().position(|b| *b == b'&').unwrap_or(rest.len());
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_symbol_of_a_url_ends_at_the_next_parameter() {
        let url = b"https://fapi.binance.com/fapi/v1/depth?symbol=SUSHIUSDT&limit=1000";
        assert_eq!(symbol_of_url(url), Some(&b"SUSHIUSDT"[..]));
        assert_eq!(symbol_of_url(b"https://x/exchangeInfo"), None);
    }
}
