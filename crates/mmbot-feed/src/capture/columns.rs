//! Rows of the catalog's streams `book` and `trades` as columns, and lines that were refused.

use crate::error::FrameErrorKind;

/// `kind` of a snapshot row.
pub const KIND_SNAPSHOT: u8 = 0;
/// `kind` of a delta row.
pub const KIND_DELTA: u8 = 1;
/// `kind` of a gap mark.
pub const KIND_GAP: u8 = 3;

/// Columns of stream `book`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookColumns {
    /// Venue time, ns.
    pub ts_ns: Vec<i64>,
    /// Receive time, ns (the venue time where the file has none).
    pub recv_ns: Vec<i64>,
    /// Last update id of the frame, or its running number where the venue states none.
    pub update_id: Vec<i64>,
    /// Cross-stream sequence number, or the update id where the venue states none.
    pub seq: Vec<i64>,
    /// [`KIND_SNAPSHOT`], [`KIND_DELTA`] or [`KIND_GAP`].
    pub kind: Vec<u8>,
    /// 0 bid, 1 ask.
    pub side: Vec<u8>,
    /// Price, ticks.
    pub px: Vec<i64>,
    /// New size, lots; 0 deletes.
    pub qty: Vec<i64>,
}

/// What the rows of one frame share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowHead {
    pub ts_ns: i64,
    pub recv_ns: i64,
    pub update_id: i64,
    pub seq: i64,
    pub kind: u8,
}

impl BookColumns {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ts_ns.len()
    }

    /// True without rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ts_ns.is_empty()
    }

    pub(crate) fn push(&mut self, head: &RowHead, side: u8, px: i64, qty: i64) {
        self.ts_ns.push(head.ts_ns);
        self.recv_ns.push(head.recv_ns);
        self.update_id.push(head.update_id);
        self.seq.push(head.seq);
        self.kind.push(head.kind);
        self.side.push(side);
        self.px.push(px);
        self.qty.push(qty);
    }
}

/// Columns of stream `trades`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TradeColumns {
    /// Venue time, ns.
    pub ts_ns: Vec<i64>,
    /// Receive time, ns (the venue time where the file has none).
    pub recv_ns: Vec<i64>,
    /// Trade id of the venue.
    pub trade_id: Vec<String>,
    /// Aggressor: 0 buy, 1 sell.
    pub side: Vec<u8>,
    /// Price, ticks.
    pub px: Vec<i64>,
    /// Size, lots.
    pub qty: Vec<i64>,
}

impl TradeColumns {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ts_ns.len()
    }

    /// True without rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ts_ns.is_empty()
    }
}

/// A line that was refused, whole, for the side file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Line number in everything fed so far, from 1.
    pub line: u64,
    /// Offset of the offending byte in the line.
    pub offset: usize,
    /// What is wrong there.
    pub kind: FrameErrorKind,
    /// The line.
    pub raw: Vec<u8>,
}
