//! Market rows as differences: most rows of a packet need a flag byte, a price step and a size.
//!
//! A batch is a count, the receive time of its first row (8 bytes), then the rows. A row is a flag
//! byte, the differences of both times unless both are those of the row before, the difference of
//! the price to the last price on the same side of the book, and the quantity. Venue times are
//! mostly whole milliseconds and receive times of many recorders whole microseconds; flag bits say
//! so, and the difference is then stored in that unit. Every value comes back bit for bit.

use super::codes::Coded;
use super::error::{Fault, JournalError};
use super::record::ROWS_MAX;
use super::wire::{Cursor, put_number, put_signed, put_ts};
use crate::columns::{EventRow, RowKind};
use crate::side::Side;
use crate::units::{PriceTick, QtyLot, TsNs};

// bits 0-1 kind, 2 side, 3 last row of a packet (as in `EventColumns`), then:
const SAME_TIMES: u8 = 1 << 4;
const EXCH_MS: u8 = 1 << 5;
const LOCAL_US: u8 = 1 << 6;
const SIDE_SHIFT: u8 = 2;
const LAST_SHIFT: u8 = 3;

const NS_PER_MS: i64 = 1_000_000;
const NS_PER_US: i64 = 1_000;
/// Flag byte, price and quantity.
const ROW_BYTES_MIN: usize = 3;

pub(super) fn put_rows(out: &mut Vec<u8>, rows: &[EventRow]) {
    put_number(out, rows.len() as u64);
    let first = rows.first().map(|row| row.ts_local).unwrap_or_default();
    put_ts(out, first);
    let mut before = Before::new(first);
    for row in rows {
        let steps = before.steps(row);
        out.push(steps.flags(row));
        if !steps.same_times() {
            put_signed(out, steps.local_ns / steps.local_unit());
            put_signed(out, steps.exch_ns / steps.exch_unit());
        }
        put_signed(out, row.px.get().wrapping_sub(before.price(row)));
        put_number(out, row.qty.get() as u64);
        before.pass(row);
    }
}

pub(super) fn read_rows(cursor: &mut Cursor<'_>) -> Result<Vec<EventRow>, JournalError> {
    let count = cursor.count("rows", ROW_BYTES_MIN)?;
    if count > ROWS_MAX {
        return Err(cursor.fault(Fault::Count("rows")));
    }
    let first = cursor.ts()?;
    let mut before = Before::new(first);
    let mut rows = Vec::with_capacity(count);
    for _ in 0..count {
        let row = read_row(cursor, &before)?;
        before.pass(&row);
        rows.push(row);
    }
    let stands = rows.first().map(|row: &EventRow| row.ts_local);
    if stands.unwrap_or_default() == first {
        Ok(rows)
    } else {
        Err(cursor.fault(Fault::Number))
    }
}

fn read_row(cursor: &mut Cursor<'_>, before: &Before) -> Result<EventRow, JournalError> {
    let flags = cursor.byte()?;
    let number = cursor.fault(Fault::Number);
    let unit = |bit: u8, unit: i64| if flags & bit == 0 { 1 } else { unit };
    let (local_ns, exch_ns) = if flags & SAME_TIMES == 0 {
        let local = cursor.signed()?.checked_mul(unit(LOCAL_US, NS_PER_US));
        let exch = cursor.signed()?.checked_mul(unit(EXCH_MS, NS_PER_MS));
        (local.ok_or(number)?, exch.ok_or(number)?)
    } else {
        (0, 0)
    };
    let mut row = EventRow {
        kind: RowKind::from_flags(flags),
        side: Side::from_bit(flags & 1 << SIDE_SHIFT),
        last: flags & 1 << LAST_SHIFT != 0,
        px: PriceTick::new(0),
        qty: QtyLot::ZERO,
        ts_exch: TsNs::new(before.exch.wrapping_add(exch_ns)),
        ts_local: TsNs::new(before.local.wrapping_add(local_ns)),
    };
    row.px = PriceTick::new(before.price(&row).wrapping_add(cursor.signed()?));
    row.qty = QtyLot::new(cursor.number()? as i64);
    // one row, one form: what a writer would have written
    if before.steps(&row).flags(&row) == flags {
        Ok(row)
    } else {
        Err(number)
    }
}

/// What rows are told relative to.
struct Before {
    local: i64,
    exch: i64,
    /// Last price on the bid and on the ask side of the book.
    px: [Option<i64>; 2],
}

impl Before {
    const fn new(first: TsNs) -> Self {
        Self {
            local: first.get(),
            exch: first.get(),
            px: [None; 2],
        }
    }

    /// The side of the book that a row is about; a buyer takes asks. `None`: no price.
    const fn book_side(row: &EventRow) -> Option<Side> {
        match row.kind {
            RowKind::Depth => Some(row.side),
            RowKind::Trade => Some(row.side.opposite()),
            RowKind::Reset | RowKind::Gap => None,
        }
    }

    fn price(&self, row: &EventRow) -> i64 {
        let Some(side) = Self::book_side(row) else {
            return 0;
        };
        let (own, other) = (self.px[side.index()], self.px[side.opposite().index()]);
        own.or(other).unwrap_or(0)
    }

    const fn steps(&self, row: &EventRow) -> Steps {
        Steps {
            local_ns: row.ts_local.get().wrapping_sub(self.local),
            exch_ns: row.ts_exch.get().wrapping_sub(self.exch),
        }
    }

    fn pass(&mut self, row: &EventRow) {
        self.local = row.ts_local.get();
        self.exch = row.ts_exch.get();
        if let Some(side) = Self::book_side(row) {
            self.px[side.index()] = Some(row.px.get());
        }
    }
}

/// How far both times have moved.
struct Steps {
    local_ns: i64,
    exch_ns: i64,
}

impl Steps {
    const fn same_times(&self) -> bool {
        self.local_ns == 0 && self.exch_ns == 0
    }

    const fn local_unit(&self) -> i64 {
        if self.local_ns % NS_PER_US == 0 {
            NS_PER_US
        } else {
            1
        }
    }

    const fn exch_unit(&self) -> i64 {
        if self.exch_ns % NS_PER_MS == 0 {
            NS_PER_MS
        } else {
            1
        }
    }

    fn flags(&self, row: &EventRow) -> u8 {
        let what =
            row.kind.code() | row.side.code() << SIDE_SHIFT | u8::from(row.last) << LAST_SHIFT;
        if self.same_times() {
            return what | SAME_TIMES;
        }
        let exch = if self.exch_unit() > 1 { EXCH_MS } else { 0 };
        let local = if self.local_unit() > 1 { LOCAL_US } else { 0 };
        what | exch | local
    }
}
