//! Market data as columns: what the hot loops read.
//!
//! A chunk holds rows of one instrument in exchange order. `local_order`, when present, lists the
//! same rows in the order in which they were received; when absent both orders are the same. Chunks
//! are cut so that no row of a later chunk comes before a row of an earlier one in either order.

use crate::side::Side;
use crate::units::{PriceTick, QtyLot, TsNs};
use thiserror::Error;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RowKind {
    /// New size of a price level (0 deletes it).
    Depth = 0,
    /// A print; the side is the aggressor's.
    Trade = 1,
    /// A snapshot begins: the book is emptied, depth rows refill it.
    Reset = 2,
    /// Data are missing from here on: the book is unusable until the next reset.
    Gap = 3,
}

impl RowKind {
    /// Name in journals and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RowKind::Depth => "depth",
            RowKind::Trade => "trade",
            RowKind::Reset => "reset",
            RowKind::Gap => "gap",
        }
    }

    /// Kind of the low two bits of a flag byte.
    #[inline]
    #[must_use]
    pub const fn from_flags(flags: u8) -> Self {
        match flags & 3 {
            0 => RowKind::Depth,
            1 => RowKind::Trade,
            2 => RowKind::Reset,
            _ => RowKind::Gap,
        }
    }
}

/// One market row, assembled (cold paths, tests, decoders).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRow {
    /// What it is.
    pub kind: RowKind,
    /// Level side, or aggressor side of a trade.
    pub side: Side,
    /// Last row of its packet: after it the book is consistent and may be acted on.
    pub last: bool,
    /// Price (0 for reset and gap).
    pub px: PriceTick,
    /// New level size, or traded size.
    pub qty: QtyLot,
    /// Venue time.
    pub ts_exch: TsNs,
    /// Receive time, at or after every earlier receive time of its stream.
    pub ts_local: TsNs,
}

/// Why columns were refused; names the first bad row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ChunkError {
    /// Columns of different lengths.
    #[error("columns have different lengths")]
    Length,
    /// A price does not fit the column (or is negative).
    #[error("row {row}: price out of range")]
    Price {
        /// Row in the chunk.
        row: usize,
    },
    /// A quantity is negative, or a trade of zero.
    #[error("row {row}: bad quantity")]
    Quantity {
        /// Row in the chunk.
        row: usize,
    },
    /// Exchange time goes back.
    #[error("row {row}: exchange time goes back")]
    ExchangeTime {
        /// Row in the chunk.
        row: usize,
    },
    /// Local order is not a sorted permutation of the rows.
    #[error("row {row}: local time goes back in local order")]
    LocalTime {
        /// Position in local order.
        row: usize,
    },
}

impl ChunkError {
    /// The same error where the first row is number `rows` of something longer.
    #[must_use]
    pub fn moved(mut self, rows: usize) -> Self {
        match &mut self {
            ChunkError::Length => {}
            ChunkError::Price { row }
            | ChunkError::Quantity { row }
            | ChunkError::ExchangeTime { row }
            | ChunkError::LocalTime { row } => *row += rows,
        }
        self
    }
}

/// Rows of one instrument as columns (22 bytes a row touched by a book pass, 29 in all).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventColumns {
    /// Kind (bits 0-1), side (bit 2: 0 bid or buy, 1 ask or sell), packet end (bit 3).
    pub flags: Vec<u8>,
    /// Price in ticks.
    pub px: Vec<i32>,
    /// Quantity in lots.
    pub qty: Vec<i64>,
    /// Venue time, ns.
    pub ts_exch: Vec<i64>,
    /// Receive time, ns.
    pub ts_local: Vec<i64>,
    /// Rows in receive order; `None` when that is row order.
    pub local_order: Option<Vec<u32>>,
}

/// Bit of [`EventColumns::flags`] that holds the side.
pub const SIDE_BIT: u8 = 1 << 2;
/// Bit of [`EventColumns::flags`] that marks the end of a packet.
pub const LAST_BIT: u8 = 1 << 3;

/// True if no time is before the one in front of it: [`slice::is_sorted`], but without a branch per
/// row where all times are after 1970.
#[must_use]
pub fn never_goes_back(times: &[i64]) -> bool {
    let steps = times.iter().zip(times.iter().skip(1));
    // neither sign nor overflow: the difference of two times that are not negative fits
    let signs = steps.fold(0, |signs, (before, after)| {
        signs | before | after | after.wrapping_sub(*before)
    });
    signs >= 0 || times.is_sorted()
}

impl EventColumns {
    /// Flag byte of a row.
    #[inline]
    #[must_use]
    pub const fn flags_of(kind: RowKind, side: Side, last: bool) -> u8 {
        kind as u8 | (side as u8) << 2 | (last as u8) << 3
    }

    /// Number of rows.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.flags.len()
    }

    /// True without rows.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
    }

    /// Appends a row; prices beyond the column's range are refused.
    ///
    /// # Errors
    /// [`ChunkError::Price`].
    pub fn push(&mut self, row: EventRow) -> Result<(), ChunkError> {
        let px = i32::try_from(row.px.get()).map_err(|_| ChunkError::Price {
            row: self.flags.len(),
        })?;
        self.flags
            .push(Self::flags_of(row.kind, row.side, row.last));
        self.px.push(px);
        self.qty.push(row.qty.get());
        self.ts_exch.push(row.ts_exch.get());
        self.ts_local.push(row.ts_local.get());
        Ok(())
    }

    /// Appends prices and quantities that were checked to fit; of a price that does not, the low
    /// half is taken.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // a branch per row would cost more than the rest
    pub fn extend_checked(&mut self, px: &[i64], qty: &[i64]) {
        self.px.extend(px.iter().map(|px| *px as i32));
        self.qty.extend_from_slice(qty);
    }

    /// The row at `i`.
    ///
    /// # Panics
    /// If `i` is not below [`Self::len`] (as any index would).
    #[inline]
    #[must_use]
    pub fn row(&self, i: usize) -> EventRow {
        let flags = self.flags[i];
        EventRow {
            kind: RowKind::from_flags(flags),
            side: Side::from_bit(flags & SIDE_BIT),
            last: flags & LAST_BIT != 0,
            px: PriceTick::new(i64::from(self.px[i])),
            qty: QtyLot::new(self.qty[i]),
            ts_exch: TsNs::new(self.ts_exch[i]),
            ts_local: TsNs::new(self.ts_local[i]),
        }
    }

    /// Checks lengths, ranges and both orders.
    ///
    /// # Errors
    /// The first violated rule with its row.
    pub fn validate(&self) -> Result<(), ChunkError> {
        let n = self.len();
        let same = self.px.len() == n
            && self.qty.len() == n
            && self.ts_exch.len() == n
            && self.ts_local.len() == n
            && self
                .local_order
                .as_ref()
                .is_none_or(|order| order.len() == n);
        if !same {
            return Err(ChunkError::Length);
        }
        for row in 0..n {
            if self.px[row] < 0 {
                return Err(ChunkError::Price { row });
            }
            let trade = RowKind::from_flags(self.flags[row]) == RowKind::Trade;
            if self.qty[row] < i64::from(trade) {
                return Err(ChunkError::Quantity { row });
            }
            if row > 0 && self.ts_exch[row] < self.ts_exch[row - 1] {
                return Err(ChunkError::ExchangeTime { row });
            }
        }
        self.validate_local_order(n)
    }

    fn validate_local_order(&self, n: usize) -> Result<(), ChunkError> {
        let Some(order) = &self.local_order else {
            return match (1..n).find(|&i| self.ts_local[i] < self.ts_local[i - 1]) {
                Some(row) => Err(ChunkError::LocalTime { row }),
                None => Ok(()),
            };
        };
        let mut seen = vec![false; n];
        let mut previous = i64::MIN;
        for (row, &at) in order.iter().enumerate() {
            let at = at as usize;
            if at >= n || seen[at] || self.ts_local[at] < previous {
                return Err(ChunkError::LocalTime { row });
            }
            seen[at] = true;
            previous = self.ts_local[at];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(kind: RowKind, px: i64, qty: i64, te: i64, tl: i64) -> EventRow {
        EventRow {
            kind,
            side: Side::Sell,
            last: true,
            px: PriceTick::new(px),
            qty: QtyLot::new(qty),
            ts_exch: TsNs::new(te),
            ts_local: TsNs::new(tl),
        }
    }

    proptest! {
        #[test]
        fn times_go_back_where_they_are_not_sorted(
            mut times in prop::collection::vec(prop_oneof![-2i64..9, any::<i64>()], 0..9),
            sorted: bool,
        ) {
            if sorted {
                times.sort_unstable();
            }
            prop_assert_eq!(never_goes_back(&times), times.is_sorted());
        }
    }

    #[test]
    fn rows_round_trip_through_columns() {
        let mut chunk = EventColumns::default();
        let rows = [
            row(RowKind::Depth, 5, 0, 1, 2),
            row(RowKind::Trade, 6, 1, 1, 3),
        ];
        for r in rows {
            chunk.push(r).unwrap();
        }
        assert_eq!([chunk.row(0), chunk.row(1)], rows);
        assert_eq!(chunk.validate(), Ok(()));
    }

    #[test]
    fn each_rule_names_its_row() {
        let base = || {
            let mut c = EventColumns::default();
            for i in 0..3 {
                c.push(row(RowKind::Depth, 5, 1, i, i)).unwrap();
            }
            c
        };
        let mut c = base();
        c.ts_exch[2] = 0;
        assert_eq!(c.validate(), Err(ChunkError::ExchangeTime { row: 2 }));
        let moved = ChunkError::ExchangeTime { row: 2 }.moved(40);
        assert_eq!(moved, ChunkError::ExchangeTime { row: 42 });
        assert_eq!(ChunkError::Length.moved(40), ChunkError::Length);
        let mut c = base();
        c.ts_local[1] = 9;
        assert_eq!(c.validate(), Err(ChunkError::LocalTime { row: 2 }));
        c.local_order = Some(vec![0, 2, 1]);
        assert_eq!(c.validate(), Ok(()));
        c.local_order = Some(vec![0, 2, 2]);
        assert_eq!(c.validate(), Err(ChunkError::LocalTime { row: 2 }));
        let mut c = base();
        c.qty[1] = -1;
        assert_eq!(c.validate(), Err(ChunkError::Quantity { row: 1 }));
        let mut c = base();
        c.px.pop();
        assert_eq!(c.validate(), Err(ChunkError::Length));
        let too_high = row(RowKind::Depth, i64::from(i32::MAX) + 1, 1, 9, 9);
        assert_eq!(base().push(too_high), Err(ChunkError::Price { row: 3 }));
    }
}
