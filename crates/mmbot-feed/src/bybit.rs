//! Bybit v5 public frames, on the wire and in the daily book dumps (one frame a line):
//!
//! ```text
//! {"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":{"s":"BTCUSDT",
//!  "b":[["30247.20","30.028"]],"a":[["30248.70","0"]],"u":177400507,
//!  "seq":66544703342},"cts":1687940967464}
//! {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,
//!  "s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50",
//!  "i":"20f43950-d8dd-5b31-9112-a178eb6023af"}]}
//! ```
//! <https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook>, `.../public/trade`.
//!
//! One pass over the bytes; fields may come in any order. `data` is read at once when the topic is
//! known (the venue's own order), else its place is kept and it is read at the end.

use crate::decoded::{Decoded, FrameKind, Span, Target, TradeRow};
use crate::error::{FrameError, FrameErrorKind as Kind};
use crate::levels::read_levels;
use crate::scan::Scan;
use mmbot_types::{PriceTick, QtyLot, Side, TsNs};

const TOPIC: u8 = 1;
const TYPE: u8 = 1 << 1;
const TS: u8 = 1 << 2;
const CTS: u8 = 1 << 3;
const DATA: u8 = 1 << 4;

/// Decodes one frame. Frames of other topics come out as [`FrameKind::Other`], of other symbols as
/// [`FrameKind::Foreign`].
///
/// # Errors
/// The offending byte. `out.kind` then tells what the frame was, as far as it was read; its rows
/// are not to be used.
pub fn decode(frame: &[u8], target: &Target<'_>, out: &mut Decoded) -> Result<(), FrameError> {
    out.clear();
    let mut scan = Scan::new(frame)?;
    let (mut first, mut seen) = (true, Seen(0));
    let (mut sent, mut matched, mut data_at) = (None, None, None);
    scan.expect(b'{')?;
    while let Some(key) = scan.next_key(&mut first)? {
        match key {
            b"topic" => {
                seen.once(TOPIC, &scan)?;
                let topic = scan.text()?;
                if !classify(frame, topic, target, out) {
                    return Ok(());
                }
            }
            b"type" => {
                seen.once(TYPE, &scan)?;
                out.is_snapshot = read_type(&mut scan)?;
            }
            b"ts" => {
                seen.once(TS, &scan)?;
                sent = Some(scan.time_ms()?);
            }
            b"cts" => {
                seen.once(CTS, &scan)?;
                matched = Some(scan.time_ms()?);
            }
            b"data" => {
                seen.once(DATA, &scan)?;
                if seen.has(TOPIC) {
                    read_data(frame, &mut scan, target, out)?;
                } else {
                    data_at = Some(scan.at);
                    scan.skip_value()?;
                }
            }
            _ => scan.skip_value()?,
        }
    }
    scan.end()?;
    if !seen.has(TOPIC) {
        return Ok(());
    }
    if let Some(at) = data_at {
        read_data(frame, &mut scan.from(at), target, out)?;
    }
    out.ts_exch = matched.or(sent);
    let complete =
        seen.has(TYPE | DATA) && (out.kind == FrameKind::Trades || out.ts_exch.is_some());
    if complete {
        Ok(())
    } else {
        scan.fail(Kind::MissingField)
    }
}

/// The symbol of a book or trade frame, from its topic; `None` for any other frame. Nothing else of
/// the frame is looked at where the topic comes first, as the venue writes it.
///
/// # Errors
/// The offending byte of a frame that ends or breaks before its topic.
#[inline]
pub fn symbol_of(frame: &[u8]) -> Result<Option<&[u8]>, FrameError> {
    let mut scan = Scan::new(frame)?;
    let mut first = true;
    scan.expect(b'{')?;
    while let Some(key) = scan.next_key(&mut first)? {
        if key == b"topic" {
            return Ok(symbol_of_topic(scan.text()?));
        }
        scan.skip_value()?;
    }
    Ok(None)
}

#[inline]
fn symbol_of_topic(topic: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = topic.strip_prefix(b"orderbook.") {
        let dot = rest.iter().position(|b| *b == b'.')?;
        return rest.get(dot + 1..);
    }
    topic.strip_prefix(b"publicTrade.")
}

/// Fields met so far, a bit each.
struct Seen(u8);

impl Seen {
    #[inline(always)]
    fn once(&mut self, bit: u8, scan: &Scan<'_>) -> Result<(), FrameError> {
        if self.0 & bit != 0 {
            return scan.fail(Kind::DuplicateField);
        }
        self.0 |= bit;
        Ok(())
    }

    #[inline(always)]
    fn has(&self, bits: u8) -> bool {
        self.0 & bits == bits
    }
}

/// Sets kind, stream and symbol; false if the frame's rows are not wanted.
#[inline(always)]
fn classify(frame: &[u8], topic: &[u8], target: &Target<'_>, out: &mut Decoded) -> bool {
    let (kind, symbol) = if let Some(rest) = topic.strip_prefix(b"orderbook.") {
        let Some(dot) = rest.iter().position(|b| *b == b'.') else {
            return false;
        };
        let Some(depth) = small_number(&rest[..dot]) else {
            return false;
        };
        out.stream = depth;
        (FrameKind::Book, &rest[dot + 1..])
    } else if let Some(symbol) = topic.strip_prefix(b"publicTrade.") {
        (FrameKind::Trades, symbol)
    } else {
        return false;
    };
    out.symbol = Span::within(frame, symbol);
    let wanted = target.wants(symbol);
    out.kind = if wanted { kind } else { FrameKind::Foreign };
    wanted
}

fn small_number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[inline(always)]
fn read_type(scan: &mut Scan<'_>) -> Result<bool, FrameError> {
    let start = scan.at;
    match scan.text()? {
        b"delta" => Ok(false),
        b"snapshot" => Ok(true),
        _ => Err(FrameError::new(start, Kind::Word)),
    }
}

#[inline(always)]
fn read_data(
    frame: &[u8],
    scan: &mut Scan<'_>,
    target: &Target<'_>,
    out: &mut Decoded,
) -> Result<(), FrameError> {
    if out.kind == FrameKind::Book {
        read_book(frame, scan, target, out)
    } else {
        read_trades(frame, scan, target, out)
    }
}

const SYMBOL: u8 = 1;
const BIDS: u8 = 1 << 1;
const ASKS: u8 = 1 << 2;
const UPDATE: u8 = 1 << 3;

#[inline(always)]
fn read_book(
    frame: &[u8],
    scan: &mut Scan<'_>,
    target: &Target<'_>,
    out: &mut Decoded,
) -> Result<(), FrameError> {
    let (mut first, mut seen) = (true, Seen(0));
    scan.expect(b'{')?;
    while let Some(key) = scan.next_key(&mut first)? {
        match key {
            b"s" => {
                seen.once(SYMBOL, scan)?;
                read_symbol(frame, scan, out.symbol)?;
            }
            b"b" => {
                seen.once(BIDS, scan)?;
                read_levels::<false>(scan, Side::Buy, target.grid, out)?;
            }
            b"a" => {
                seen.once(ASKS, scan)?;
                read_levels::<false>(scan, Side::Sell, target.grid, out)?;
            }
            b"u" => {
                seen.once(UPDATE, scan)?;
                out.ids.last = Some(scan.int()?);
            }
            b"seq" => out.ids.seq = Some(scan.int()?),
            _ => scan.skip_value()?,
        }
    }
    if seen.has(SYMBOL | BIDS | ASKS | UPDATE) {
        Ok(())
    } else {
        scan.fail(Kind::MissingField)
    }
}

/// The symbol inside `data` must be the topic's.
#[inline(always)]
fn read_symbol(frame: &[u8], scan: &mut Scan<'_>, topic: Span) -> Result<(), FrameError> {
    let start = scan.at;
    if scan.text()? == topic.of(frame) {
        Ok(())
    } else {
        Err(FrameError::new(start, Kind::Symbol))
    }
}

fn read_trades(
    frame: &[u8],
    scan: &mut Scan<'_>,
    target: &Target<'_>,
    out: &mut Decoded,
) -> Result<(), FrameError> {
    scan.expect(b'[')?;
    let mut first = true;
    while scan.next_item(&mut first)? {
        let trade = read_trade(frame, scan, target, out)?;
        out.trades.push(trade);
    }
    Ok(())
}

fn read_trade(
    frame: &[u8],
    scan: &mut Scan<'_>,
    target: &Target<'_>,
    out: &mut Decoded,
) -> Result<TradeRow, FrameError> {
    let (mut first, mut symbol) = (true, false);
    let (mut ts, mut side, mut px, mut qty, mut id) = (None, None, None, None, None);
    scan.expect(b'{')?;
    while let Some(key) = scan.next_key(&mut first)? {
        match key {
            b"T" => ts = Some(scan.time_ms()?),
            b"s" => {
                read_symbol(frame, scan, out.symbol)?;
                symbol = true;
            }
            b"S" => side = Some(read_side(scan)?),
            b"v" => {
                let lots = scan.traded(&target.grid.lot, &mut out.rounded)?;
                qty = Some(QtyLot::new(lots));
            }
            b"p" => px = Some(PriceTick::new(scan.price(&target.grid.tick)?)),
            b"i" => id = Some(Span::within(frame, scan.text()?)),
            _ => scan.skip_value()?,
        }
    }
    let fields: (Option<TsNs>, Option<Side>, _, _, _) = (ts, side, px, qty, id);
    match fields {
        (Some(ts_exch), Some(side), Some(px), Some(qty), Some(id)) if symbol => Ok(TradeRow {
            ts_exch,
            side,
            px,
            qty,
            id,
        }),
        _ => scan.fail(Kind::MissingField),
    }
}

fn read_side(scan: &mut Scan<'_>) -> Result<Side, FrameError> {
    let start = scan.at;
    match scan.text()? {
        b"Buy" => Ok(Side::Buy),
        b"Sell" => Ok(Side::Sell),
        _ => Err(FrameError::new(start, Kind::Side)),
    }
}
