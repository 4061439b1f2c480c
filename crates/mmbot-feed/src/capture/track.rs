//! One book stream: sequence, book and rows. A frame is applied to the book first and written only
//! if the book is right after it.

use super::columns::{BookColumns, KIND_DELTA, KIND_GAP, KIND_SNAPSHOT, RowHead};
use super::pending::Pending;
use super::stats::Stats;
use crate::decoded::{Level, UpdateIds};
use crate::sequence::{BookState, Rule, Sequence, Verdict};
use crate::top::BookSink;

/// A book frame on its way into the columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct BookFrame<'a> {
    pub ids: UpdateIds,
    pub is_snapshot: bool,
    /// Venue time, where stated.
    pub ts_ns: Option<i64>,
    /// Receive time, where recorded.
    pub recv_ns: Option<i64>,
    pub levels: &'a [Level],
}

/// Sequence, book and clocks of one stream.
#[derive(Debug)]
pub(super) struct Track<B> {
    sequence: Sequence,
    book: B,
    pending: Pending,
    /// Running number of frames, the update id where the venue states none.
    number: i64,
    last_kind: u8,
    last_ts_ns: i64,
    last_recv_ns: i64,
    last_update_id: i64,
    last_seq: i64,
    /// Latest venue time of any frame, written or not.
    seen_ts_ns: Option<i64>,
}

impl<B: BookSink> Track<B> {
    pub fn new(rule: Rule, book: B) -> Self {
        Self {
            sequence: Sequence::new(rule),
            book,
            pending: Pending::default(),
            number: 0,
            last_kind: KIND_GAP,
            last_ts_ns: i64::MIN,
            last_recv_ns: i64::MIN,
            last_update_id: 0,
            last_seq: 0,
            seen_ts_ns: None,
        }
    }

    pub fn book(&self) -> &B {
        &self.book
    }

    pub fn state(&self) -> BookState {
        self.sequence.state()
    }

    /// True if a lost message shows in the numbers of the next one.
    pub fn is_numbered(&self) -> bool {
        matches!(self.sequence.rule(), Rule::Bybit | Rule::Binance)
    }

    pub fn on_frame(&mut self, frame: &BookFrame<'_>, out: &mut BookColumns, stats: &mut Stats) {
        stats.frames += 1;
        let joining = self.sequence.joining().is_some();
        match self.sequence.on(&frame.ids, frame.is_snapshot) {
            Verdict::Reset => {
                stats.snapshots += 1;
                let ts_ns = self.snapshot_time(frame);
                self.write(frame, ts_ns, KIND_SNAPSHOT, out, stats);
                self.join_pending(out, stats);
            }
            Verdict::Apply => {
                let ts_ns = frame.ts_ns.or(frame.recv_ns).unwrap_or(self.last_ts_ns);
                self.write(frame, ts_ns, KIND_DELTA, out, stats);
            }
            Verdict::Duplicate if joining => stats.before_snapshot += 1,
            Verdict::Duplicate => stats.duplicates += 1,
            Verdict::Gap => {
                stats.gaps += 1;
                self.mark_gap(frame.ts_ns, frame.recv_ns, out);
                self.hold(frame, stats);
            }
            Verdict::NeedSnapshot => self.hold(frame, stats),
        }
        self.seen_ts_ns = self.seen_ts_ns.max(frame.ts_ns);
    }

    /// The stream is known to be broken here (malformed frame, lost connection).
    pub fn on_break(&mut self, recv_ns: Option<i64>, out: &mut BookColumns) -> bool {
        let was_usable = self.sequence.desync();
        if was_usable {
            self.mark_gap(None, recv_ns, out);
        }
        was_usable
    }

    /// Frames still waiting for a snapshot are lost.
    pub fn finish(&mut self, stats: &mut Stats) {
        stats.ignored += self.pending.clear();
    }

    fn hold(&mut self, frame: &BookFrame<'_>, stats: &mut Stats) {
        if self.sequence.rule() != Rule::Binance || frame.is_snapshot {
            stats.ignored += 1;
            return;
        }
        let ts_ns = frame.ts_ns.unwrap_or(self.last_ts_ns);
        let recv_ns = frame.recv_ns.unwrap_or(ts_ns);
        stats.ignored += self.pending.hold(frame.ids, ts_ns, recv_ns, frame.levels);
    }

    /// REST answers of Binance spot state no time: the book stood so at the update of the same id.
    fn snapshot_time(&self, frame: &BookFrame<'_>) -> i64 {
        let of_id = || frame.ids.last.and_then(|id| self.pending.time_of(id));
        frame
            .ts_ns
            .or_else(of_id)
            .or(self.seen_ts_ns)
            .or(frame.recv_ns)
            .unwrap_or(0)
    }

    /// Replays the frames that waited for the snapshot just taken. They count as received with it:
    /// nobody could use them before.
    fn join_pending(&mut self, out: &mut BookColumns, stats: &mut Stats) {
        let pending = std::mem::take(&mut self.pending);
        for held in pending.frames() {
            let joining = self.sequence.joining().is_some();
            match self.sequence.on(&held.ids, false) {
                Verdict::Apply => {
                    let frame = BookFrame {
                        ids: held.ids,
                        is_snapshot: false,
                        ts_ns: Some(held.ts_ns),
                        recv_ns: Some(held.recv_ns.max(self.last_recv_ns)),
                        levels: pending.levels(held),
                    };
                    self.write(&frame, held.ts_ns, KIND_DELTA, out, stats);
                }
                Verdict::Duplicate if joining => stats.before_snapshot += 1,
                Verdict::Duplicate => stats.duplicates += 1,
                Verdict::Gap => {
                    stats.gaps += 1;
                    stats.ignored += 1;
                    self.mark_gap(Some(held.ts_ns), Some(held.recv_ns), out);
                }
                Verdict::NeedSnapshot | Verdict::Reset => stats.ignored += 1,
            }
        }
        // keeps the memory for the next gap
        self.pending = pending;
        self.pending.clear();
    }

    fn write(
        &mut self,
        frame: &BookFrame<'_>,
        ts_ns: i64,
        kind: u8,
        out: &mut BookColumns,
        stats: &mut Stats,
    ) {
        if kind == KIND_SNAPSHOT && !self.continues_snapshot(kind) {
            self.book.clear();
        }
        for level in frame.levels {
            self.book.set(level.side, level.px, level.qty);
        }
        let empty_snapshot = kind == KIND_SNAPSHOT && frame.levels.is_empty();
        if self.book.is_crossed() || empty_snapshot {
            stats.crossed += u64::from(!empty_snapshot);
            self.sequence.desync();
            self.mark_gap(Some(ts_ns), frame.recv_ns, out);
            return;
        }
        let head = self.head(frame, ts_ns, kind, stats);
        for level in frame.levels {
            out.push(&head, level.side as u8, level.px.get(), level.qty.get());
        }
        stats.rows += u64::try_from(frame.levels.len()).unwrap_or(u64::MAX);
    }

    /// Times never go back in the columns; that they did is counted.
    fn head(&mut self, frame: &BookFrame<'_>, ts_ns: i64, kind: u8, stats: &mut Stats) -> RowHead {
        let recv_ns = frame.recv_ns.unwrap_or(ts_ns);
        stats.out_of_order += u64::from(ts_ns < self.last_ts_ns);
        stats.recv_out_of_order += u64::from(recv_ns < self.last_recv_ns);
        self.last_ts_ns = self.last_ts_ns.max(ts_ns);
        self.last_recv_ns = self.last_recv_ns.max(recv_ns);
        stats.note_time(self.last_ts_ns);
        self.number += i64::from(!self.continues_snapshot(kind));
        self.last_kind = kind;
        self.last_update_id = frame.ids.last.unwrap_or(self.number);
        self.last_seq = frame.ids.seq.unwrap_or(self.last_update_id);
        self.last_head(kind)
    }

    /// Pieces of one unnumbered snapshot stay one packet: only a delta in between discards the
    /// book.
    fn continues_snapshot(&self, kind: u8) -> bool {
        self.sequence.rule() == Rule::Unnumbered
            && kind == KIND_SNAPSHOT
            && self.last_kind == KIND_SNAPSHOT
    }

    fn last_head(&self, kind: u8) -> RowHead {
        RowHead {
            ts_ns: self.last_ts_ns,
            recv_ns: self.last_recv_ns,
            update_id: self.last_update_id,
            seq: self.last_seq,
            kind,
        }
    }

    fn mark_gap(&mut self, ts_ns: Option<i64>, recv_ns: Option<i64>, out: &mut BookColumns) {
        if self.last_kind == KIND_GAP {
            // no row since the last mark (or at all) that this one could invalidate
            return;
        }
        self.last_ts_ns = self.last_ts_ns.max(ts_ns.unwrap_or(i64::MIN));
        self.last_recv_ns = self.last_recv_ns.max(recv_ns.or(ts_ns).unwrap_or(i64::MIN));
        self.last_kind = KIND_GAP;
        out.push(&self.last_head(KIND_GAP), 0, 0, 0);
    }
}
