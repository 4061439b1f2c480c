//! Which symbols a capture holds, with their grids: as the venue's instrument list in the capture
//! states them, else the greatest usual step (1, 2, 2.5 or 5 times a power of ten) that all prices
//! (sizes) seen are multiples of. A stated tick that some price seen is off is not used either:
//! after a venue widens a tick, old orders rest between the new ones. Sizes off the stated lot are
//! dust, which the decoders round.

use super::envelope::{self, LineKind};
use super::format::{Envelope, Format, Venue};
use super::route::{Route, market_of_url};
use crate::binance;
use crate::bybit_csv::{self, BybitTradeColumns};
use crate::decoded::{Decoded, FrameKind, Target};
use crate::grid::Grid;
use crate::tardis::{self, TardisColumns};
use mmbot_types::Decimal;
use std::collections::BTreeMap;

mod instruments;

/// Decimals that prices and sizes are read with before the grid is known.
const PROBE_TICK: &str = "0.0000000001";
const PROBE_LOT: &str = "0.00000001";

/// One symbol of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolInfo {
    /// Symbol as the venue spells it.
    pub symbol: String,
    /// Market (`linear`, `spot`, `usdm`, ...); empty if the capture does not tell.
    pub market: String,
    /// Tick size as a decimal text, if known or inferred.
    pub tick_size: Option<String>,
    /// Lot size as a decimal text, if known or inferred.
    pub lot_size: Option<String>,
    /// True if the grid is the venue's own statement, false if it was inferred from the rows.
    pub stated: bool,
    /// Book frames (rows of a CSV book file).
    pub book_frames: u64,
    /// Trades.
    pub trades: u64,
}

/// Lists the symbols that have book rows or trades in `data` (whole lines of a decompressed file;
/// lines that cannot be read are passed over, the decoder reports them). Sorted by symbol and
/// market.
#[must_use]
pub fn scan_symbols(format: Format, data: &[u8]) -> Vec<SymbolInfo> {
    let Ok(grid) = Grid::parse(PROBE_TICK, PROBE_LOT) else {
        return Vec::new();
    };
    let mut found = Found::default();
    let lines = data
        .split(|b| *b == b'\n')
        .map(|l| l.strip_suffix(b"\r").unwrap_or(l));
    let mut lines = lines.filter(|line| !line.is_empty());
    let target = Target {
        symbol: None,
        grid: &grid,
    };
    match format {
        Format::Frames { venue, envelope } => found.frames(venue, envelope, lines, &target),
        Format::BybitTrades => {
            if let Some(Ok(at)) = lines.next().map(BybitTradeColumns::of_header) {
                found.bybit_trades(lines, &at, &target);
            }
        }
        Format::TardisBook => {
            if let Some(Ok(at)) = lines.next().map(TardisColumns::of_book_header) {
                found.tardis_book(lines, &at, &target);
            }
        }
        Format::TardisTrades => {
            if let Some(Ok(at)) = lines.next().map(TardisColumns::of_trades_header) {
                found.tardis_trades(lines, &at, &target);
            }
        }
    }
    found.finish()
}

#[derive(Debug, Default)]
struct Found {
    symbols: BTreeMap<(Vec<u8>, String), Seen>,
    instruments: instruments::Instruments,
}

#[derive(Debug, Default)]
struct Seen {
    book_frames: u64,
    trades: u64,
    /// Greatest common divisors of what was seen, in probe steps; 0 before the first.
    tick: u64,
    lot: u64,
}

impl Seen {
    fn price(&mut self, px: i64) {
        self.tick = gcd(self.tick, px.unsigned_abs());
    }

    fn size(&mut self, qty: i64) {
        self.lot = gcd(self.lot, qty.unsigned_abs());
    }
}

impl Found {
    fn seen(&mut self, symbol: &[u8], market: &str) -> &mut Seen {
        self.symbols
            .entry((symbol.to_ascii_uppercase(), market.to_owned()))
            .or_default()
    }

    fn frames<'a>(
        &mut self,
        venue: Venue,
        envelope: Envelope,
        lines: impl Iterator<Item = &'a [u8]>,
        target: &Target<'_>,
    ) {
        let (mut route, mut buffer, mut decoded) =
            (Route::default(), Vec::new(), Decoded::default());
        for line in lines {
            let Ok(parts) = envelope::split(envelope, line, &mut buffer) else {
                continue;
            };
            let frame = parts.body.frame(line, &buffer);
            match parts.kind {
                LineKind::Note => {}
                LineKind::Connect => {
                    route.on_connect(parts.conn, venue, parts.url);
                }
                LineKind::Rest => self.answer(venue, parts.url, frame, target, &mut decoded),
                LineKind::Frame => {
                    if venue.decode(frame, target, &mut decoded).is_ok() {
                        self.frame(frame, &decoded, route.market_of(parts.conn));
                    }
                }
            }
        }
    }

    fn frame(&mut self, frame: &[u8], decoded: &Decoded, market: &str) {
        if !matches!(decoded.kind, FrameKind::Book | FrameKind::Trades) {
            return;
        }
        let symbol = decoded.symbol.of(frame);
        if symbol.is_empty() {
            // a REST answer that names no symbol
            return;
        }
        self.rows(symbol, market, decoded);
        let seen = self.seen(symbol, market);
        seen.book_frames += u64::from(decoded.kind == FrameKind::Book);
        seen.trades += u64::try_from(decoded.trades.len()).unwrap_or(u64::MAX);
    }

    /// An instrument list, or the depth of a symbol that the URL names.
    fn answer(
        &mut self,
        venue: Venue,
        url: &[u8],
        answer: &[u8],
        target: &Target<'_>,
        decoded: &mut Decoded,
    ) {
        match binance::symbol_of_url(url) {
            Some(symbol) if venue == Venue::Binance => {
                let is_depth = binance::decode(answer, target, decoded).is_ok();
                if is_depth && decoded.kind == FrameKind::Book {
                    let market = market_of_url(venue, url).unwrap_or_default();
                    self.rows(symbol, market, decoded);
                }
            }
            _ => self.instruments.read(venue, url, answer),
        }
    }

    fn rows(&mut self, symbol: &[u8], market: &str, decoded: &Decoded) {
        let seen = self.seen(symbol, market);
        for level in &decoded.levels {
            seen.price(level.px.get());
            seen.size(level.qty.get());
        }
        for trade in &decoded.trades {
            seen.price(trade.px.get());
            seen.size(trade.qty.get());
        }
    }

    fn bybit_trades<'a>(
        &mut self,
        lines: impl Iterator<Item = &'a [u8]>,
        at: &BybitTradeColumns,
        target: &Target<'_>,
    ) {
        for line in lines {
            if let Ok(Some(trade)) = bybit_csv::decode_line(line, at, target, &mut 0) {
                let symbol = bybit_csv::symbol_of(line, at).unwrap_or_default();
                let seen = self.seen(symbol, "");
                seen.trades += 1;
                seen.price(trade.px.get());
                seen.size(trade.qty.get());
            }
        }
    }

    fn tardis_book<'a>(
        &mut self,
        lines: impl Iterator<Item = &'a [u8]>,
        at: &TardisColumns,
        target: &Target<'_>,
    ) {
        for line in lines {
            let (Ok(Some(row)), Some(symbol)) = (
                tardis::decode_book_line(line, at, target, &mut 0),
                tardis::symbol_of(line, at),
            ) else {
                continue;
            };
            let seen = self.seen(symbol, "");
            seen.book_frames += 1;
            seen.price(row.level.px.get());
            seen.size(row.level.qty.get());
        }
    }

    fn tardis_trades<'a>(
        &mut self,
        lines: impl Iterator<Item = &'a [u8]>,
        at: &TardisColumns,
        target: &Target<'_>,
    ) {
        for line in lines {
            let (Ok(Some(row)), Some(symbol)) = (
                tardis::decode_trade_line(line, at, target, &mut 0),
                tardis::symbol_of(line, at),
            ) else {
                continue;
            };
            let seen = self.seen(symbol, "");
            seen.trades += 1;
            seen.price(row.trade.px.get());
            seen.size(row.trade.qty.get());
        }
    }

    fn finish(self) -> Vec<SymbolInfo> {
        let instruments = self.instruments;
        let with_rows = |seen: &Seen| seen.book_frames + seen.trades > 0;
        let info = |((symbol, market), seen): ((Vec<u8>, String), Seen)| {
            let symbol = String::from_utf8_lossy(&symbol).into_owned();
            let stated = instruments
                .grid_of(&symbol, &market)
                .filter(|(tick, _)| is_multiple(seen.tick, tick));
            let (tick_size, lot_size) = match stated {
                Some((tick, lot)) => (Some(tick.to_owned()), Some(lot.to_owned())),
                None => (
                    step_text(usual_step(seen.tick), PROBE_TICK),
                    step_text(usual_step(seen.lot), PROBE_LOT),
                ),
            };
            SymbolInfo {
                symbol,
                market,
                tick_size,
                lot_size,
                stated: stated.is_some(),
                book_frames: seen.book_frames,
                trades: seen.trades,
            }
        };
        let found = self.symbols.into_iter();
        found
            .filter(|(_, seen)| with_rows(seen))
            .map(info)
            .collect()
    }
}

/// True if `steps` probe steps are a whole number of ticks.
fn is_multiple(steps: u64, tick: &str) -> bool {
    let Ok(grid) = Grid::parse(tick, tick) else {
        return false;
    };
    step_text(steps, PROBE_TICK).is_none_or(|text| grid.tick.read(text.as_bytes(), 0).is_ok())
}

/// `steps` probe steps as a decimal text; `None` before anything was seen.
fn step_text(steps: u64, probe: &str) -> Option<String> {
    if steps == 0 {
        return None;
    }
    let decimals = probe.len() - "0.".len();
    let digits = format!("{steps:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    Decimal::parse(format!("{whole}.{fraction}").as_bytes())
        .ok()
        .map(|d| d.to_string())
}

/// The greatest usual step that divides `steps`: few rows may have more in common than their grid.
fn usual_step(steps: u64) -> u64 {
    let mut power = 10_000_000_000_000_000u64;
    while power > 0 && steps > 0 {
        for quarters in [20, 10, 8, 4] {
            let step = power * quarters / 4;
            if steps % step == 0 {
                return step;
            }
        }
        power /= 10;
    }
    steps
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    if a != 0 && b % a == 0 {
        return a;
    }
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_written_as_decimals() {
        assert_eq!(step_text(1_000_000_000, PROBE_TICK).as_deref(), Some("0.1"));
        assert_eq!(
            step_text(25_000_000_000, PROBE_TICK).as_deref(),
            Some("2.5")
        );
        assert_eq!(step_text(1, PROBE_LOT).as_deref(), Some("0.00000001"));
        assert_eq!(step_text(0, PROBE_LOT), None);
        assert_eq!(
            [11, 250, 3, 40, 75, 0].map(usual_step),
            [1, 250, 1, 20, 25, 0]
        );
        assert_eq!((gcd(0, 6), gcd(6, 0), gcd(6, 4), gcd(2, 8)), (6, 6, 2, 2));
    }
}
