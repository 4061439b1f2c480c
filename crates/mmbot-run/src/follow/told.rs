//! What following a journal tells, in whole numbers: prices in ticks or 1/10,000 tick, quantities
//! in lots, money in quanta.

use mmbot_core::order::{DoneReason, Order};
use mmbot_types::{Color, ExecPrice, InstrumentIdx, Money, PriceTick, QtyLot, Side, TsNs};

/// One thing told. `seq` is always the record of the journal from which it follows.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Something happened to an order.
    Order(Box<OrderTold>),
    /// The mid at a horizon after a fill is known.
    Markout(MarkoutTold),
    /// The accounts are to be marked: `mids` has one entry per instrument.
    Mark {
        /// Record.
        seq: u64,
        /// Local time.
        ts: TsNs,
        /// Last mid of each instrument, if there was one.
        mids: Vec<Option<ExecPrice>>,
    },
}

/// An event of an order, and what the order is after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderTold {
    /// Record.
    pub seq: u64,
    /// Local time.
    pub ts: TsNs,
    /// Instrument.
    pub instrument: InstrumentIdx,
    /// Number of the order in its session.
    pub number: u64,
    /// Name of the event, as `mmbot_core::OrderEventKind` has it, or `fill`.
    pub kind: &'static str,
    /// Price of the event.
    pub px: Option<PriceTick>,
    /// Quantity of the event.
    pub qty: Option<QtyLot>,
    /// Cause of a request, reason of a refusal, else empty.
    pub cause: &'static str,
    /// From the request to this answer.
    pub latency_ns: Option<i64>,
    /// The order after it; `None` if it is not known.
    pub order: Option<OrderNow>,
    /// What was filled.
    pub fill: Option<FillTold>,
}

/// An order as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderNow {
    /// Side.
    pub side: Side,
    /// Colour.
    pub color: Color,
    /// Price in force.
    pub px: PriceTick,
    /// Total quantity in force, the filled part included.
    pub total: QtyLot,
    /// It rests or it is refused.
    pub post_only: bool,
    /// Name of its state.
    pub state: &'static str,
    /// Filled quantity.
    pub filled: QtyLot,
    /// Sum of price times quantity of its fills.
    pub notional: Money,
    /// When it was sent.
    pub created: TsNs,
    /// When it was over, and why: `filled`, the cause of our cancel or `venue`, the reason of the
    /// refusal.
    pub done: Option<(TsNs, &'static str)>,
}

/// A fill that was booked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FillTold {
    /// Execution price.
    pub px: ExecPrice,
    /// Quantity.
    pub qty: QtyLot,
    /// Filled so far: with the order's number the fill's id.
    pub cum_qty: QtyLot,
    /// Our order was resting.
    pub maker: bool,
    /// Fee paid; negative is a rebate.
    pub fee: Money,
    /// Venue time.
    pub ts_exch: TsNs,
    /// Last mid before the fill that had been received with its report.
    pub mid: Option<ExecPrice>,
}

/// Where the mid went after a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkoutTold {
    /// Record at which it became known.
    pub seq: u64,
    /// Instrument.
    pub instrument: InstrumentIdx,
    /// Number of the order in its session.
    pub number: u64,
    /// Which fill of the order.
    pub cum_qty: QtyLot,
    /// Horizon.
    pub horizon_ms: i64,
    /// Mid then.
    pub mid: ExecPrice,
    /// 1e-4 bps of the execution price, positive if it went our way.
    pub bps_e4: i64,
}

/// What of an order its state does not hold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts {
    pub created: TsNs,
    pub post_only: bool,
    pub notional: Money,
    pub asked_to_end: &'static str,
    pub refused: &'static str,
    pub done: Option<TsNs>,
}

impl Facts {
    pub(super) fn now(&self, order: &Order) -> OrderNow {
        OrderNow {
            side: order.side,
            color: order.color,
            px: order.terms.px,
            total: order.terms.total,
            post_only: self.post_only,
            state: order.state.name(),
            filled: order.filled,
            notional: self.notional,
            created: self.created,
            done: self.done.map(|ts| (ts, self.reason(order))),
        }
    }

    const fn reason(&self, order: &Order) -> &'static str {
        use mmbot_core::OrderState::Done;
        match order.state {
            Done(DoneReason::Filled) => "filled",
            Done(DoneReason::Rejected) => self.refused,
            _ if self.asked_to_end.is_empty() => "venue",
            _ => self.asked_to_end,
        }
    }
}
