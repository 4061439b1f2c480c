//! [`CaptureDecoder`]: feed blocks of a decompressed file, take columns.

use super::columns::{BookColumns, Reject, TradeColumns};
use super::envelope::{self, Line, LineKind};
use super::format::{Envelope, Format, Venue};
use super::route::Route;
use super::stats::Stats;
use super::track::{BookFrame, Track};
use crate::binance;
use crate::bybit_csv::BybitTradeColumns;
use crate::decoded::{Decoded, FrameKind, Level, Target, TradeRow};
use crate::error::{FrameError, FrameErrorKind as Kind};
use crate::grid::Grid;
use crate::scan::MAX_FRAME_BYTES;
use crate::sequence::BookState;
use crate::tardis::TardisColumns;
use crate::top::BookSink;
use csv_lines::Message;

mod csv_lines;

/// Decodes the files of one symbol. Files that continue each other are fed one after the other;
/// each begins with [`CaptureDecoder::begin_file`].
#[derive(Debug)]
pub struct CaptureDecoder<B> {
    format: Format,
    symbol: String,
    grid: Grid,
    track: Track<B>,
    route: Route,
    header: Header,
    /// Rows of the CSV message that may go on in the next line.
    message: Option<Message>,
    levels: Vec<Level>,
    decoded: Decoded,
    frame: Vec<u8>,
    /// Start of a line that the last block broke off.
    partial: Vec<u8>,
    skipping: bool,
    last_trade_ns: (i64, i64),
    last_trade_id: Option<u64>,
    book: BookColumns,
    trades: TradeColumns,
    rejects: Vec<Reject>,
    stats: Stats,
}

/// Column places of a CSV file, once its header was read.
#[derive(Debug, Clone, Copy)]
enum Header {
    Missing,
    NotNeeded,
    Bybit(BybitTradeColumns),
    Tardis(TardisColumns),
}

impl<B: BookSink> CaptureDecoder<B> {
    /// A decoder of `symbol` (case ignored). `market` picks one of several markets of a capture
    /// (`linear`, `spot`, `usdm`, ...); `None` takes the first that carries the symbol.
    pub fn new(format: Format, symbol: &str, market: Option<&str>, grid: Grid, book: B) -> Self {
        Self {
            format,
            symbol: symbol.to_ascii_uppercase(),
            grid,
            track: Track::new(format.rule(), book),
            route: Route::new(market),
            header: header_of(format),
            message: None,
            levels: Vec::new(),
            decoded: Decoded::default(),
            frame: Vec::new(),
            partial: Vec::new(),
            skipping: false,
            last_trade_ns: (i64::MIN, i64::MIN),
            last_trade_id: None,
            book: BookColumns::default(),
            trades: TradeColumns::default(),
            rejects: Vec::new(),
            stats: Stats::default(),
        }
    }

    /// Another file follows that continues the last one: its header is read again, the book stands.
    pub fn begin_file(&mut self) {
        self.finish_line();
        self.header = header_of(self.format);
    }

    /// Decodes a block of any size; a line that it breaks off is kept for the next one.
    pub fn feed(&mut self, block: &[u8]) {
        self.stats.bytes += count(block.len());
        let mut rest = block;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, next) = (&rest[..end], &rest[end + 1..]);
            if self.partial.is_empty() && !self.skipping {
                self.on_line(line);
            } else {
                self.keep(line);
                self.finish_line();
            }
            rest = next;
        }
        self.keep(rest);
    }

    /// End of the input: the last line counts without its newline, updates that still wait for a
    /// snapshot are given up.
    pub fn finish(&mut self) {
        self.finish_line();
        self.flush_message();
        self.track.finish(&mut self.stats);
    }

    /// Takes the book rows so far.
    pub fn take_book(&mut self) -> BookColumns {
        std::mem::take(&mut self.book)
    }

    /// Takes the trades so far.
    pub fn take_trades(&mut self) -> TradeColumns {
        std::mem::take(&mut self.trades)
    }

    /// Takes the refused lines so far.
    pub fn take_rejects(&mut self) -> Vec<Reject> {
        std::mem::take(&mut self.rejects)
    }

    /// Counts so far.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The book as it stands.
    #[must_use]
    pub fn book(&self) -> &B {
        self.track.book()
    }

    /// State of the book.
    #[must_use]
    pub fn state(&self) -> BookState {
        self.track.state()
    }

    /// Keeps a piece of a line, bounded: of a longer one only the start is kept, for the reject.
    fn keep(&mut self, piece: &[u8]) {
        let room = MAX_FRAME_BYTES.saturating_sub(self.partial.len());
        self.skipping |= piece.len() > room;
        self.partial
            .extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn finish_line(&mut self) {
        if self.partial.is_empty() {
            return;
        }
        let mut line = std::mem::take(&mut self.partial);
        if std::mem::take(&mut self.skipping) {
            self.stats.lines += 1;
            self.reject(&line, FrameError::new(line.len(), Kind::TooLong));
        } else {
            self.on_line(&line);
        }
        line.clear();
        self.partial = line;
    }

    fn on_line(&mut self, line: &[u8]) {
        self.stats.lines += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return;
        }
        let done = match (self.format, self.header) {
            (Format::Frames { venue, envelope }, _) => self.on_frame_line(venue, envelope, line),
            (_, Header::Missing) => self.on_header(line),
            (_, Header::Bybit(at)) => self.on_bybit_trade(line, &at),
            (Format::TardisBook, Header::Tardis(at)) => self.on_tardis_level(line, &at),
            (_, Header::Tardis(at)) => self.on_tardis_trade(line, &at),
            (_, Header::NotNeeded) => Ok(()),
        };
        if let Err(error) = done {
            self.reject(line, error);
        }
    }

    fn reject(&mut self, line: &[u8], error: FrameError) {
        self.stats.rejected += 1;
        self.rejects.push(Reject {
            line: self.stats.lines,
            offset: error.offset,
            kind: error.kind,
            raw: line.to_vec(),
        });
    }

    fn on_frame_line(
        &mut self,
        venue: Venue,
        envelope: Envelope,
        line: &[u8],
    ) -> Result<(), FrameError> {
        // taken out for the call, so that the frame in it can be read while the rest changes
        let mut buffer = std::mem::take(&mut self.frame);
        let done = envelope::split(envelope, line, &mut buffer).and_then(|parts| {
            let frame = parts.body.frame(line, &buffer);
            self.on_parts(venue, &parts, frame)
                .map_err(|error| parts.body.locate(line, error))
        });
        self.frame = buffer;
        done
    }

    fn on_parts(&mut self, venue: Venue, parts: &Line<'_>, frame: &[u8]) -> Result<(), FrameError> {
        match parts.kind {
            LineKind::Note => self.stats.others += 1,
            LineKind::Connect => {
                self.stats.others += 1;
                let recv_ns = parts.recv.map(|ts| ts.get());
                if self.route.on_connect(parts.conn, venue, parts.url)
                    && self.track.on_break(recv_ns, &mut self.book)
                {
                    self.stats.reconnects += 1;
                }
            }
            LineKind::Rest => {
                let own = binance::symbol_of_url(parts.url)
                    .is_some_and(|s| s.eq_ignore_ascii_case(self.symbol.as_bytes()));
                if venue == Venue::Binance && own && self.route.accepts_url(venue, parts.url) {
                    return self.on_frame(venue, parts, frame);
                }
                self.stats.others += 1;
            }
            LineKind::Frame => return self.on_frame(venue, parts, frame),
        }
        Ok(())
    }

    fn on_frame(&mut self, venue: Venue, parts: &Line<'_>, frame: &[u8]) -> Result<(), FrameError> {
        if parts.kind == LineKind::Frame && self.route.is_elsewhere(parts.conn) {
            // the same symbol on another market has another grid: not even to be decoded
            self.stats.other_stream += 1;
            return Ok(());
        }
        let target = Target {
            symbol: Some(&self.symbol),
            grid: &self.grid,
        };
        let result = venue.decode(frame, &target, &mut self.decoded);
        let recv_ns = parts.recv.map(|ts| ts.get());
        let kind = self.decoded.kind;
        match kind {
            FrameKind::Other | FrameKind::Quote => self.stats.others += u64::from(result.is_ok()),
            FrameKind::Foreign => self.stats.foreign += 1,
            FrameKind::Book | FrameKind::Trades => {
                if !self.is_own_stream(parts) {
                    self.stats.other_stream += u64::from(result.is_ok());
                    return result;
                }
            }
        }
        if result.is_err() {
            // where messages are not numbered, only this tells that one is missing
            if kind == FrameKind::Book || !self.track.is_numbered() {
                self.track.on_break(recv_ns, &mut self.book);
            }
            return result;
        }
        self.stats.rounded += u64::from(self.decoded.rounded);
        match kind {
            FrameKind::Book => self.on_book(recv_ns),
            FrameKind::Trades => self.on_trades(venue, recv_ns, frame),
            FrameKind::Other | FrameKind::Foreign | FrameKind::Quote => {}
        }
        Ok(())
    }

    /// Market, depth and trade stream are those locked on.
    fn is_own_stream(&mut self, parts: &Line<'_>) -> bool {
        if parts.kind == LineKind::Rest {
            return true;
        }
        if !self.route.accepts_conn(parts.conn) {
            return false;
        }
        let stream = self.decoded.stream;
        if self.decoded.kind == FrameKind::Trades {
            self.route.accepts_trades(stream)
        } else {
            self.route.accepts_depth(stream, parts.conn)
        }
    }

    fn on_book(&mut self, recv_ns: Option<i64>) {
        let frame = BookFrame {
            ids: self.decoded.ids,
            is_snapshot: self.decoded.is_snapshot,
            ts_ns: self.decoded.ts_exch.map(|ts| ts.get()),
            recv_ns,
            levels: &self.decoded.levels,
        };
        self.track.on_frame(&frame, &mut self.book, &mut self.stats);
    }

    fn on_trades(&mut self, venue: Venue, recv_ns: Option<i64>, frame: &[u8]) {
        self.stats.trade_frames += 1;
        for i in 0..self.decoded.trades.len() {
            let Some(trade) = self.decoded.trades.get(i).copied() else {
                return;
            };
            let id = trade.id.of(frame);
            // Binance counts its trades: one that was seen comes again after a reconnect
            if venue == Venue::Binance && !self.is_new_trade(id) {
                self.stats.duplicates += 1;
                continue;
            }
            self.push_trade(&trade, recv_ns, id);
        }
    }

    fn is_new_trade(&mut self, id: &[u8]) -> bool {
        let number = std::str::from_utf8(id)
            .ok()
            .and_then(|t| t.parse::<u64>().ok());
        let is_new = number.is_none() || number > self.last_trade_id;
        self.last_trade_id = self.last_trade_id.max(number);
        is_new
    }

    fn push_trade(&mut self, trade: &TradeRow, recv_ns: Option<i64>, id: &[u8]) {
        let ts_ns = trade.ts_exch.get();
        let recv_ns = recv_ns.unwrap_or(ts_ns);
        let (last_ts, last_recv) = self.last_trade_ns;
        self.stats.out_of_order += u64::from(ts_ns < last_ts);
        self.stats.recv_out_of_order += u64::from(recv_ns < last_recv);
        self.last_trade_ns = (last_ts.max(ts_ns), last_recv.max(recv_ns));
        // a dump without receive times need not be in order of arrival: it is sorted, not corrected
        let (ts_ns, recv_ns) = match self.format {
            Format::BybitTrades => (ts_ns, recv_ns),
            _ => self.last_trade_ns,
        };
        self.stats.note_time(ts_ns);
        self.stats.trades += 1;
        self.trades.ts_ns.push(ts_ns);
        self.trades.recv_ns.push(recv_ns);
        self.trades
            .trade_id
            .push(String::from_utf8_lossy(id).into_owned());
        self.trades.side.push(trade.side as u8);
        self.trades.px.push(trade.px.get());
        self.trades.qty.push(trade.qty.get());
    }
}

const fn header_of(format: Format) -> Header {
    if format.has_header() {
        Header::Missing
    } else {
        Header::NotNeeded
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
