//! From the order-by-order book to the L2 feed: the best N levels of each side.
//!
//! A row is published exactly when what the feed shows at a price changes: its level changed inside
//! the window, it entered the window because a nearer level went, or it fell out because a nearer
//! one came.

use super::lob::{Lob, nearer};
use mmbot_types::{EventColumns, RowKind, Side};

/// Published window of one book.
#[derive(Debug, Clone)]
pub(super) struct Publisher {
    levels: u32,
    count: [u32; 2],
    edge: [i32; 2],
    dirty: Vec<(Side, i32)>,
    prints: Vec<Print>,
}

/// One execution against one resting order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Print {
    pub aggressor: Side,
    pub px: i32,
    pub qty: i64,
}

impl Publisher {
    pub(super) fn new(levels: u32) -> Self {
        Self {
            levels,
            count: [0; 2],
            edge: [0; 2],
            dirty: Vec::with_capacity(256),
            prints: Vec::with_capacity(256),
        }
    }

    /// True if the feed has to say something.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        !self.dirty.is_empty() || !self.prints.is_empty()
    }

    /// True if the feed shows this price of the side.
    #[inline]
    pub(super) fn shows(&self, side: Side, px: i32) -> bool {
        let i = side.index();
        self.count[i] > 0 && !nearer(side, self.edge[i], px)
    }

    #[inline]
    pub(super) fn printed(&mut self, print: Print) {
        self.prints.push(print);
    }

    /// A level changed its size and still exists.
    #[inline]
    pub(super) fn changed(&mut self, side: Side, px: i32) {
        if self.shows(side, px) {
            self.dirty.push((side, px));
        }
    }

    /// A level appeared.
    #[inline]
    pub(super) fn opened(&mut self, lob: &Lob, side: Side, px: i32) {
        let i = side.index();
        if self.count[i] < self.levels {
            self.count[i] += 1;
            if self.count[i] == 1 || nearer(side, self.edge[i], px) {
                self.edge[i] = px;
            }
            self.dirty.push((side, px));
        } else if nearer(side, px, self.edge[i]) {
            self.dirty.push((side, px));
            self.dirty.push((side, self.edge[i]));
            self.edge[i] = lob.next_inward(side, self.edge[i]).unwrap_or(px);
        }
    }

    /// A level went.
    #[inline]
    pub(super) fn closed(&mut self, lob: &Lob, side: Side, px: i32) {
        if !self.shows(side, px) {
            return;
        }
        let i = side.index();
        self.dirty.push((side, px));
        if let Some(next) = lob.next_outward(side, self.edge[i]) {
            self.edge[i] = next;
            self.dirty.push((side, next));
            return;
        }
        self.count[i] -= 1;
        if px == self.edge[i] {
            self.edge[i] = lob.next_inward(side, px).unwrap_or_else(|| lob.best(side));
        }
    }

    /// Writes the packet's rows: prints first, then the depth changes that they and the orders
    /// made. A packet whose changes cancel out has no rows.
    pub(super) fn flush(&mut self, lob: &mut Lob, ts: Stamp, out: &mut EventColumns) {
        let before = out.len();
        for print in self.prints.drain(..) {
            let flags = EventColumns::flags_of(RowKind::Trade, print.aggressor, false);
            push(out, flags, print.px, print.qty, ts);
        }
        for at in 0..self.dirty.len() {
            let (side, px) = self.dirty[at];
            let level = lob.level(px);
            let (shown, shows) = (level.shown, self.shows(side, px));
            let now = if shows { level.qty } else { 0 };
            if now != shown {
                lob.set_shown(px, now);
                let flags = EventColumns::flags_of(RowKind::Depth, side, false);
                push(out, flags, px, now, ts);
            }
        }
        self.dirty.clear();
        if out.len() > before {
            mark_last(out);
        }
    }

    /// Writes the opening snapshot: a reset and all shown levels, bids first, from the touch
    /// outward.
    pub(super) fn snapshot(&mut self, lob: &mut Lob, ts: Stamp, out: &mut EventColumns) {
        self.dirty.clear();
        self.prints.clear();
        let reset = EventColumns::flags_of(RowKind::Reset, Side::Buy, false);
        push(out, reset, 0, 0, ts);
        for side in Side::BOTH {
            let flags = EventColumns::flags_of(RowKind::Depth, side, false);
            let mut at = (lob.count(side) > 0).then(|| lob.best(side));
            while let Some(px) = at.filter(|&px| self.shows(side, px)) {
                let qty = lob.level(px).qty;
                lob.set_shown(px, qty);
                push(out, flags, px, qty, ts);
                at = lob.next_outward(side, px);
            }
        }
        mark_last(out);
    }
}

/// Both times of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub exch: i64,
    pub local: i64,
}

#[inline]
fn push(out: &mut EventColumns, flags: u8, px: i32, qty: i64, ts: Stamp) {
    out.flags.push(flags);
    out.px.push(px);
    out.qty.push(qty);
    out.ts_exch.push(ts.exch);
    out.ts_local.push(ts.local);
}

#[inline]
fn mark_last(out: &mut EventColumns) {
    if let Some(flags) = out.flags.last_mut() {
        *flags |= mmbot_types::columns::LAST_BIT;
    }
}
