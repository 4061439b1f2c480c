//! Orders of one trader.

use mmbot_types::{Cid, PriceTick, QtyLot, Side, TsNs};

/// State of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderState {
    /// Placeholder.
    PendingNew,
}

/// An order for the live view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOrder {
    /// Client order id.
    pub cid: Cid,
    /// Side.
    pub side: Side,
    /// Price in force.
    pub px: PriceTick,
    /// Open quantity.
    pub open_qty: QtyLot,
    /// Filled so far.
    pub filled_qty: QtyLot,
    /// Name of the state.
    pub state: &'static str,
    /// Local time of the last place or accepted amend.
    pub since: TsNs,
}
