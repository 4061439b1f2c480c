//! What a decoder makes of one frame: reused buffers, no allocation per frame after warm-up.

use crate::grid::Grid;
use mmbot_types::{PriceTick, QtyLot, Side, TsNs};

/// Which rows a caller wants: those of one symbol, in steps of its grid.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Symbol in the venue's spelling (case ignored); `None` takes every symbol.
    pub symbol: Option<&'a str>,
    /// Grid of the symbol.
    pub grid: &'a Grid,
}

impl Target<'_> {
    /// True if rows of `symbol` are wanted.
    #[inline]
    #[must_use]
    pub fn wants(&self, symbol: &[u8]) -> bool {
        self.symbol
            .is_none_or(|want| want.as_bytes().eq_ignore_ascii_case(symbol))
    }
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FrameKind {
    /// Acknowledgement, ticker, candle: nothing that is kept.
    #[default]
    Other,
    /// A book or trade frame of another symbol than the wanted one; not decoded further.
    Foreign,
    /// Book levels.
    Book,
    /// Trades.
    Trades,
    /// Best bid and ask as a stream of its own (Binance `bookTicker`).
    Quote,
}

/// A range of bytes of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    start: usize,
    end: usize,
}

impl Span {
    /// Bytes `start..end` of a frame.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The bytes in the frame that was decoded (empty in a shorter one).
    #[inline]
    #[must_use]
    pub fn of<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        frame.get(self.start..self.end).unwrap_or_default()
    }

    /// The range of `part`, which must be a sub-slice of `frame`.
    #[inline]
    pub(crate) fn within(frame: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(frame.as_ptr() as usize);
        Self {
            start,
            end: start.wrapping_add(part.len()),
        }
    }
}

/// New size of one price level (0 deletes it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Bid or ask.
    pub side: Side,
    /// Price, above zero.
    pub px: PriceTick,
    /// New size, not negative.
    pub qty: QtyLot,
}

/// One print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TradeRow {
    /// Venue time.
    pub ts_exch: TsNs,
    /// Side of the aggressor.
    pub side: Side,
    /// Price, above zero.
    pub px: PriceTick,
    /// Traded size, above zero.
    pub qty: QtyLot,
    /// Trade id in the frame.
    pub id: Span,
}

/// Best bid and ask of a quote stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// Best bid.
    pub bid: PriceTick,
    /// Size at the best bid.
    pub bid_qty: QtyLot,
    /// Best ask.
    pub ask: PriceTick,
    /// Size at the best ask.
    pub ask_qty: QtyLot,
}

/// Update ids of a book frame, as far as the venue states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpdateIds {
    /// First update that the frame contains (Binance `U`).
    pub first: Option<i64>,
    /// Last update that it contains (Bybit `u`, Binance `u` or `lastUpdateId`, OKX `seqId`).
    pub last: Option<i64>,
    /// Last update of the frame before (Binance futures `pu`, OKX `prevSeqId`).
    pub prev: Option<i64>,
    /// Cross-stream sequence number (Bybit `seq`).
    pub seq: Option<i64>,
}

/// One decoded frame. Ranges point into the frame that was decoded.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// What the frame is. Set before its rows are read, so that a refused frame shows what it was.
    pub kind: FrameKind,
    /// Symbol as the frame spells it.
    pub symbol: Span,
    /// Distinguishes streams of one symbol that must not be mixed: book depth (1, 50, 200, 500) or,
    /// for trades, 0 single prints and 1 aggregated ones.
    pub stream: u16,
    /// Ids of a book frame or quote.
    pub ids: UpdateIds,
    /// True if the levels replace the book.
    pub is_snapshot: bool,
    /// Venue time of the book frame: matching engine time where stated, else the sending time;
    /// `None` where the venue states none (Binance spot REST depth).
    pub ts_exch: Option<TsNs>,
    /// Checksum that the venue states for the book after the frame (OKX, CRC-32 as signed).
    pub checksum: Option<i64>,
    /// Sizes that were not whole lots and were rounded down (to one lot at least).
    pub rounded: u32,
    /// Levels of a book frame, in frame order.
    pub levels: Vec<Level>,
    /// Trades, in frame order.
    pub trades: Vec<TradeRow>,
    /// Best bid and ask of a quote frame.
    pub quote: Option<Quote>,
}

impl Decoded {
    /// Forgets the frame, keeps the memory.
    pub fn clear(&mut self) {
        self.levels.clear();
        self.trades.clear();
        self.kind = FrameKind::Other;
        self.symbol = Span::default();
        self.stream = 0;
        self.ids = UpdateIds::default();
        self.is_snapshot = false;
        self.ts_exch = None;
        self.checksum = None;
        self.rounded = 0;
        self.quote = None;
    }
}
