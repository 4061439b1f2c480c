//! Bytes in, best bid and ask out: decoder, sequence and book of one Bybit v5 order book stream.

use crate::bybit;
use crate::decoded::{Decoded, FrameKind, Target};
use crate::error::FrameError;
use crate::grid::Grid;
use crate::sequence::{BookState, Rule, Sequence, Verdict};
use crate::top::{BookSink, Top};

/// What happened to the frames so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameCounts {
    /// Snapshots taken.
    pub snapshots: u64,
    /// Gaps met.
    pub gaps: u64,
    /// Duplicates dropped.
    pub duplicates: u64,
    /// Updates that left the book crossed or locked.
    pub crossed: u64,
    /// Frames refused as malformed.
    pub rejected: u64,
    /// Frames of another symbol, depth or topic.
    pub others: u64,
}

/// A book fed by raw frames of one symbol and one depth (the first depth seen stays).
#[derive(Debug)]
pub struct FrameBook<B> {
    symbol: String,
    grid: Grid,
    stream: Option<u16>,
    sequence: Sequence,
    book: B,
    decoded: Decoded,
    counts: FrameCounts,
}

impl<B: BookSink> FrameBook<B> {
    /// An empty book of `symbol`.
    pub fn new(symbol: &str, grid: Grid, book: B) -> Self {
        Self {
            symbol: symbol.to_ascii_uppercase(),
            grid,
            stream: None,
            sequence: Sequence::new(Rule::Bybit),
            book,
            decoded: Decoded::default(),
            counts: FrameCounts::default(),
        }
    }

    /// Applies one frame. `None` if it is not a book frame of the symbol, the book is not synced,
    /// or one side is empty. A refused frame changes no level; if it was a book frame of this
    /// stream the book is desynced.
    ///
    /// # Errors
    /// The offending byte.
    #[inline]
    pub fn apply(&mut self, frame: &[u8]) -> Result<Option<Top>, FrameError> {
        let target = Target {
            symbol: Some(&self.symbol),
            grid: &self.grid,
        };
        if let Err(error) = bybit::decode(frame, &target, &mut self.decoded) {
            self.counts.rejected += 1;
            if self.decoded.kind == FrameKind::Book && self.is_own_stream() {
                self.sequence.desync();
            }
            return Err(error);
        }
        if self.decoded.kind != FrameKind::Book || !self.is_own_stream() {
            self.counts.others += 1;
            return Ok(None);
        }
        self.stream = Some(self.decoded.stream);
        Ok(self.apply_decoded())
    }

    #[inline]
    fn is_own_stream(&self) -> bool {
        self.stream.is_none_or(|own| own == self.decoded.stream)
    }

    #[inline]
    fn apply_decoded(&mut self) -> Option<Top> {
        match self
            .sequence
            .on(&self.decoded.ids, self.decoded.is_snapshot)
        {
            Verdict::Reset => {
                self.counts.snapshots += 1;
                self.book.clear();
            }
            Verdict::Apply => {}
            Verdict::Duplicate => {
                self.counts.duplicates += 1;
                return self.book.top();
            }
            Verdict::Gap => {
                self.counts.gaps += 1;
                return None;
            }
            Verdict::NeedSnapshot => return None,
        }
        for level in &self.decoded.levels {
            self.book.set(level.side, level.px, level.qty);
        }
        let top = self.book.top()?;
        if top.bid >= top.ask {
            self.counts.crossed += 1;
            self.sequence.desync();
            return None;
        }
        Some(top)
    }

    /// State of the book.
    #[must_use]
    pub const fn state(&self) -> BookState {
        self.sequence.state()
    }

    /// Counters.
    #[must_use]
    pub const fn counts(&self) -> FrameCounts {
        self.counts
    }

    /// Grid of the symbol.
    #[must_use]
    pub const fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The book.
    #[must_use]
    pub const fn book(&self) -> &B {
        &self.book
    }
}
