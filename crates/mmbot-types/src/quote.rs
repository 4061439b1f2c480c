//! What a strategy wants to have in the market.

use crate::side::Side;
use crate::units::{PriceTick, QtyLot};

/// A wanted order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// Side.
    pub side: Side,
    /// Limit price.
    pub px: PriceTick,
    /// Quantity.
    pub qty: QtyLot,
}
