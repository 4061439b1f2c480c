//! What the data of one instrument were.

use crate::cursor::local_row;
use crate::error::RunError;
use mmbot_types::{EventColumns, EventRow, RowKind};

/// What the data were, as far as they have been seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// Rows.
    pub rows: u64,
    /// First exchange time, ns.
    pub first_exch_ns: Option<i64>,
    /// Last exchange time, ns.
    pub last_exch_ns: i64,
    /// First receive time, ns.
    pub first_local_ns: Option<i64>,
    /// Last receive time, ns.
    pub last_local_ns: i64,
    /// Stretches without usable data, exchange time, ns.
    pub gaps: Vec<(i64, i64)>,
    open_gap: Option<i64>,
    /// No row from before this time will come.
    promised_ns: Option<i64>,
}

impl Span {
    pub(crate) fn check(&self, chunk: &EventColumns) -> Result<(), RunError> {
        let early = |at_ns, seen_ns| Err(RunError::ChunkOrder { at_ns, seen_ns });
        let first = chunk.ts_exch.first().copied().unwrap_or(i64::MAX);
        let received = received_at(chunk, 0).unwrap_or(i64::MAX);
        if self.rows > 0 && first < self.last_exch_ns {
            return early(first, self.last_exch_ns);
        }
        if self.rows > 0 && received < self.last_local_ns {
            return early(received, self.last_local_ns);
        }
        match self.promised_ns {
            Some(promised) if first.min(received) < promised => {
                early(first.min(received), promised)
            }
            _ => Ok(()),
        }
    }

    /// No row from before `until_ns` will come.
    pub(crate) fn promise(&mut self, until_ns: i64) {
        self.promised_ns = self.promised_ns.max(Some(until_ns));
    }

    pub(crate) fn add(&mut self, chunk: &EventColumns) {
        self.first_exch_ns = self
            .first_exch_ns
            .or_else(|| chunk.ts_exch.first().copied());
        self.first_local_ns = self.first_local_ns.or_else(|| received_at(chunk, 0));
        self.last_exch_ns = chunk.ts_exch.last().copied().unwrap_or(self.last_exch_ns);
        let received = received_at(chunk, chunk.len().saturating_sub(1));
        self.last_local_ns = received.unwrap_or(self.last_local_ns);
        self.rows += chunk.len() as u64;
        // resets and gaps share bit 1 of the flags: most chunks have neither
        if !chunk.flags.iter().any(|flags| flags & 2 != 0) {
            return;
        }
        for (row, flags) in chunk.flags.iter().enumerate() {
            match RowKind::from_flags(*flags) {
                RowKind::Gap => {
                    self.open_gap.get_or_insert(chunk.ts_exch[row]);
                }
                RowKind::Reset => {
                    if let Some(from) = self.open_gap.take() {
                        self.gaps.push((from, chunk.ts_exch[row]));
                    }
                }
                RowKind::Depth | RowKind::Trade => {}
            }
        }
    }

    /// Rows in the order of their reception; books and trades may come by different ways.
    pub(crate) fn add_rows(&mut self, rows: &[EventRow]) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return;
        };
        self.rows += rows.len() as u64;
        self.first_exch_ns.get_or_insert(first.ts_exch.get());
        self.first_local_ns.get_or_insert(first.ts_local.get());
        self.last_exch_ns = self.last_exch_ns.max(last.ts_exch.get());
        self.last_local_ns = last.ts_local.get();
        for row in rows {
            match row.kind {
                RowKind::Gap => {
                    self.open_gap.get_or_insert(row.ts_exch.get());
                }
                RowKind::Reset => {
                    if let Some(from) = self.open_gap.take() {
                        self.gaps.push((from, row.ts_exch.get()));
                    }
                }
                RowKind::Depth | RowKind::Trade => {}
            }
        }
    }

    /// Closes a stretch without usable data that lasts to the end.
    pub(crate) fn end(&mut self) {
        if let Some(from) = self.open_gap.take() {
            self.gaps.push((from, self.last_exch_ns));
        }
    }
}

/// Receive time at position `at` of the receive order.
fn received_at(chunk: &EventColumns, at: usize) -> Option<i64> {
    (at < chunk.len()).then(|| chunk.ts_local[local_row(chunk, at)])
}
