//! OKX v5 public frames:
//!
//! ```text
//! {"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{
//!  "asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],
//!  "ts":"1597026383085","checksum":-855196043,"prevSeqId":123456,"seqId":123457}]}
//! {"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{
//!  "instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12","side":"buy",
//!  "ts":"1630048897897"}]}
//! ```
//! <https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel>. The
//! checksum is CRC-32 over the best 25 levels as `bid:size:ask:size:...`, as a signed 32-bit
//! number.

use crate::decoded::{Decoded, FrameKind, Span, Target, TradeRow};
use crate::error::{FrameError, FrameErrorKind as Kind};
use crate::fields::Fields;
use crate::levels::read_levels;
use crate::scan::Scan;
use mmbot_types::{PriceTick, QtyLot, Side};

const ROOT: &[&[u8]; 3] = &[b"arg", b"action", b"data"];
const ARG: &[&[u8]; 2] = &[b"channel", b"instId"];
const BOOK: &[&[u8]; 6] = &[b"asks", b"bids", b"ts", b"checksum", b"prevSeqId", b"seqId"];
const TRADE: &[&[u8]; 6] = &[b"instId", b"tradeId", b"px", b"sz", b"side", b"ts"];

/// Decodes one frame.
///
/// # Errors
/// The offending byte.
pub fn decode(frame: &[u8], target: &Target<'_>, out: &mut Decoded) -> Result<(), FrameError> {
    out.clear();
    if frame == b"pong" {
        return Ok(());
    }
    let mut scan = Scan::new(frame)?;
    let root = Fields::read(&mut scan, ROOT)?;
    scan.end()?;
    let (Some(mut arg), Some(mut data)) = (root.at(b"arg"), root.at(b"data")) else {
        return Ok(());
    };
    let arg = Fields::read(&mut arg, ARG)?;
    let Some((kind, stream)) = channel(arg.must(b"channel")?.text()?) else {
        return Ok(());
    };
    let symbol = arg.must(b"instId")?.text()?;
    out.symbol = Span::within(frame, symbol);
    out.stream = stream;
    if !target.wants(symbol) {
        out.kind = FrameKind::Foreign;
        return Ok(());
    }
    out.kind = kind;
    if kind == FrameKind::Book {
        // channels of a few levels push the whole book each time and name no action
        out.is_snapshot = match root.at(b"action") {
            None => true,
            Some(mut action) => read_action(&mut action)?,
        };
        return read_book(&mut data, target, out);
    }
    data.expect(b'[')?;
    let mut first = true;
    while data.next_item(&mut first)? {
        let trade = read_trade(frame, &mut data, symbol, target, out)?;
        out.trades.push(trade);
    }
    Ok(())
}

fn channel(name: &[u8]) -> Option<(FrameKind, u16)> {
    match name {
        b"books" | b"books-l2-tbt" => Some((FrameKind::Book, 400)),
        b"books50-l2-tbt" => Some((FrameKind::Book, 50)),
        b"books5" => Some((FrameKind::Book, 5)),
        b"bbo-tbt" => Some((FrameKind::Book, 1)),
        b"trades" => Some((FrameKind::Trades, 0)),
        b"trades-all" => Some((FrameKind::Trades, 1)),
        _ => None,
    }
}

fn read_action(scan: &mut Scan<'_>) -> Result<bool, FrameError> {
    let start = scan.at;
    match scan.text()? {
        b"snapshot" => Ok(true),
        b"update" => Ok(false),
        _ => Err(FrameError::new(start, Kind::Word)),
    }
}

fn read_book(
    data: &mut Scan<'_>,
    target: &Target<'_>,
    out: &mut Decoded,
) -> Result<(), FrameError> {
    data.expect(b'[')?;
    let book = Fields::read(data, BOOK)?;
    data.expect(b']')?;
    out.ts_exch = Some(book.must(b"ts")?.time_ms()?);
    out.checksum = book.int(b"checksum")?;
    out.ids.last = book.int(b"seqId")?;
    // a snapshot names -1 as its predecessor
    out.ids.prev = book.int(b"prevSeqId")?.filter(|id| *id >= 0);
    read_levels::<true>(&mut book.must(b"bids")?, Side::Buy, target.grid, out)?;
    read_levels::<true>(&mut book.must(b"asks")?, Side::Sell, target.grid, out)
}

fn read_trade(
    frame: &[u8],
    scan: &mut Scan<'_>,
    symbol: &[u8],
    target: &Target<'_>,
    out: &mut Decoded,
) -> Result<TradeRow, FrameError> {
    let trade = Fields::read(scan, TRADE)?;
    let mut named = trade.must(b"instId")?;
    let named_at = named.at;
    if named.text()? != symbol {
        return Err(FrameError::new(named_at, Kind::Symbol));
    }
    let mut side = trade.must(b"side")?;
    let side_at = side.at;
    let side = match side.text()? {
        b"buy" => Side::Buy,
        b"sell" => Side::Sell,
        _ => return Err(FrameError::new(side_at, Kind::Side)),
    };
    let qty = trade
        .must(b"sz")?
        .traded(&target.grid.lot, &mut out.rounded)?;
    Ok(TradeRow {
        ts_exch: trade.must(b"ts")?.time_ms()?,
        side,
        px: PriceTick::new(trade.must(b"px")?.price(&target.grid.tick)?),
        qty: QtyLot::new(qty),
        id: Span::within(frame, trade.must(b"tradeId")?.text()?),
    })
}
