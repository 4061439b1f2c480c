//! What an import reports.

/// Counts of one capture. Every line and every frame ends up in exactly one of its kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Bytes read.
    pub bytes: u64,
    /// Lines read, empty ones included.
    pub lines: u64,
    /// Book frames of the wanted stream (messages of a CSV book file).
    pub frames: u64,
    /// Frames with trades (lines of a CSV trade file).
    pub trade_frames: u64,
    /// Snapshots taken, REST ones included.
    pub snapshots: u64,
    /// Book rows written, gap marks not counted.
    pub rows: u64,
    /// Trades written.
    pub trades: u64,
    /// Gaps met in the numbering of a usable book.
    pub gaps: u64,
    /// Book frames and trades dropped because their ids were seen before.
    pub duplicates: u64,
    /// Updates older than the REST snapshot they were joined to.
    pub before_snapshot: u64,
    /// Book frames that came while the book was unusable and were not recovered by a later
    /// snapshot.
    pub ignored: u64,
    /// Book frames and trades whose venue time is before that of their predecessor.
    pub out_of_order: u64,
    /// Book frames and trades received before their predecessor by the recorder's clock.
    pub recv_out_of_order: u64,
    /// Frames that left the book crossed or locked.
    pub crossed: u64,
    /// Sizes that were not whole lots and were rounded down (to one lot at least).
    pub rounded: u64,
    /// Lines refused.
    pub rejected: u64,
    /// Frames of other topics, acknowledgements, notes of the recorder.
    pub others: u64,
    /// Frames and rows of other symbols.
    pub foreign: u64,
    /// Frames of the symbol on another market, depth or trade stream than the first seen.
    pub other_stream: u64,
    /// Connections lost and opened again while the book was usable.
    pub reconnects: u64,
    /// First venue time written, ns.
    pub first_ts_ns: Option<i64>,
    /// Last venue time written, ns.
    pub last_ts_ns: Option<i64>,
}

impl Stats {
    pub(crate) fn note_time(&mut self, ts_ns: i64) {
        self.first_ts_ns = Some(self.first_ts_ns.map_or(ts_ns, |first| first.min(ts_ns)));
        self.last_ts_ns = Some(self.last_ts_ns.map_or(ts_ns, |last| last.max(ts_ns)));
    }
}
