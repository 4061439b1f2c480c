//! Imbalance of the displayed sizes and tilt of the size-weighted mid.

use mmbot_book::{Ladder, Touch};
use mmbot_types::Side;

/// Signals of one state of the book; positive means upward pressure.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Micro {
    /// (bid size - ask size) / (bid size + ask size) over some levels, in [-1, 1].
    pub imbalance: f64,
    /// Size-weighted mid, ticks.
    pub microprice_ticks: f64,
    /// (microprice - mid) / half spread, in [-1, 1].
    pub micro_tilt: f64,
}

impl Micro {
    /// Signals of `book` with `touch` at its top.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // sizes and prices are below 2^53
    pub fn of(book: &Ladder, touch: &Touch, levels: usize) -> Self {
        let size = |side| book.depth(side, levels).get() as f64;
        let (bids, asks) = (size(Side::Buy), size(Side::Sell));
        let (bid, ask) = (touch.bid.get() as f64, touch.ask.get() as f64);
        let (bid_qty, ask_qty) = (touch.bid_qty.get() as f64, touch.ask_qty.get() as f64);
        let mid = touch.mid().ticks_f64();
        let microprice_ticks = if bid_qty + ask_qty > 0.0 {
            (ask * bid_qty + bid * ask_qty) / (bid_qty + ask_qty)
        } else {
            mid
        };
        let tilt = (microprice_ticks - mid) / ((ask - bid) * 0.5);
        Self {
            imbalance: finite((bids - asks) / (bids + asks)),
            microprice_ticks,
            micro_tilt: finite(tilt).clamp(-1.0, 1.0),
        }
    }
}

fn finite(x: f64) -> f64 {
    if x.is_finite() { x } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::{PriceTick, QtyLot};

    fn book(rows: &[(Side, i64, i64)]) -> Ladder {
        let mut book = Ladder::new();
        for &(side, px, qty) in rows {
            book.set(side, PriceTick::new(px), QtyLot::new(qty));
        }
        book
    }

    /// spec: 01-8.4, 01-D12
    #[test]
    fn more_bids_lean_upwards() {
        let book = book(&[
            (Side::Buy, 100, 3),
            (Side::Buy, 99, 3),
            (Side::Buy, 98, 100),
            (Side::Sell, 102, 1),
            (Side::Sell, 103, 1),
        ]);
        let micro = Micro::of(&book, &book.touch().unwrap(), 2);
        assert_eq!(micro.imbalance, 0.5);
        assert_eq!(micro.microprice_ticks, 101.5);
        assert_eq!(micro.micro_tilt, 0.5);
    }

    /// spec: 01-8.4
    #[test]
    fn no_levels_asked_for_is_no_imbalance() {
        let book = book(&[(Side::Buy, 100, 1), (Side::Sell, 101, 1)]);
        let micro = Micro::of(&book, &book.touch().unwrap(), 0);
        assert_eq!(micro.imbalance, 0.0);
        assert_eq!(micro.micro_tilt, 0.0);
    }
}
