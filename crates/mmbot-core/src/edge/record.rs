//! One fill with everything a report needs.

use mmbot_types::{Cid, ExecPrice, MidTick, Money, PriceTick, QtyLot, Side, TsNs};

/// See the module. `mid_before` and `mid_after` are filled in when they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillRecord {
    /// Venue time.
    pub ts_exch: TsNs,
    /// Time at which the report was read.
    pub ts_local: TsNs,
    /// The order.
    pub cid: Cid,
    /// Its side.
    pub side: Side,
    /// Execution price.
    pub px: ExecPrice,
    /// Quantity.
    pub qty: QtyLot,
    /// Fee paid; negative is a rebate.
    pub fee: Money,
    /// The order was resting.
    pub maker: bool,
    /// M: mid at the decision that set the order's price.
    pub decision_mid: MidTick,
    /// R: limit price of a maker, best opposite price at the decision of a taker.
    pub reference_px: PriceTick,
    /// m: mid immediately before the fill.
    pub mid_before: Option<MidTick>,
    /// m': mid one adverse horizon after the fill.
    pub mid_after: Option<MidTick>,
    /// Time in the queue at this price, ns.
    pub queue_wait_ns: i64,
    /// Time since acceptance or the last accepted amend, ns.
    pub order_age_ns: i64,
    /// Level from the touch at placement, 0 is the innermost.
    pub level: u8,
}
