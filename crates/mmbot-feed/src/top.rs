//! The book as a decoder sees it: this crate decodes and checks, the book itself lives elsewhere.

use mmbot_types::{PriceTick, QtyLot, Side};

/// An L2 book that frames are applied to.
pub trait BookSink {
    /// Empties the book.
    fn clear(&mut self);
    /// Sets the size of a level, 0 deletes it.
    fn set(&mut self, side: Side, px: PriceTick, qty: QtyLot);
    /// Best price of a side.
    fn best(&self, side: Side) -> Option<PriceTick>;
    /// Size at a price, 0 where there is none.
    fn qty_at(&self, side: Side, px: PriceTick) -> QtyLot;

    /// True if the best bid is at or above the best ask.
    fn is_crossed(&self) -> bool {
        match (self.best(Side::Buy), self.best(Side::Sell)) {
            (Some(bid), Some(ask)) => bid >= ask,
            _ => false,
        }
    }

    /// Best prices and sizes of a two-sided book.
    fn top(&self) -> Option<Top> {
        let (bid, ask) = (self.best(Side::Buy)?, self.best(Side::Sell)?);
        Some(Top {
            bid,
            bid_qty: self.qty_at(Side::Buy, bid),
            ask,
            ask_qty: self.qty_at(Side::Sell, ask),
        })
    }
}

/// Best prices and sizes.
pub type Top = crate::decoded::Quote;
