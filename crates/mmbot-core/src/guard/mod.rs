//! What may refuse an order. One file per guard; the checks that every new or replacing order
//! passes stand in [`ORDER_CHECKS`] in their order, the first that refuses is counted.
//! [`AdverseGuard`] keeps its own state and is asked once per decision, before any order is thought
//! of; guards of the whole session are in [`crate::session`].

mod active_orders;
mod adverse;
mod budget;
mod expansion;
mod gross_exposure;
mod order_notional;
mod portfolio_levels;
mod position;

pub use adverse::AdverseGuard;
pub use budget::{fits_venue, within_budget};

use crate::order::Order;
use crate::session::Permit;
use crate::trace::{Steps, Trace, Value, number};
use mmbot_types::{BlockDetail, Instrument, MidTick, Money, PriceTick, QtyLot, RiskParams, Side};

/// A check of one order.
#[derive(Debug, Clone, Copy)]
pub struct OrderCheck {
    /// What is checked.
    pub name: &'static str,
    /// Lets it pass, smaller if need be, or refuses.
    pub judge: fn(&CheckContext<'_>, &mut Proposal) -> Result<(), BlockDetail>,
    /// The numbers that it compares.
    pub figure: fn(&CheckContext<'_>, &Proposal) -> Figure,
}

/// A value against its limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// What an order would lead to.
    pub value: f64,
    /// What is allowed; infinite without a limit.
    pub limit: f64,
    /// Unit of both.
    pub unit: &'static str,
}

/// The checks in the order in which they run.
pub const ORDER_CHECKS: [OrderCheck; 7] = [
    expansion::CHECK,
    position::CHECK,
    gross_exposure::CHECK,
    order_notional::CHECK,
    active_orders::CHECK,
    portfolio_levels::CHECK,
    budget::CHECK,
];

/// An order as wanted; a check may make it smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// Side.
    pub side: Side,
    /// Limit price.
    pub px: PriceTick,
    /// Open quantity that it is to have.
    pub qty: QtyLot,
    /// The order whose place it takes by amend; `None` for a new one.
    pub replaces: Option<Replaced>,
}

/// Exposure of an order that is to be amended: it goes when the new one comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// Quantity that may still fill.
    pub open: QtyLot,
    /// Its notional.
    pub notional: Money,
}

impl From<&Order> for Replaced {
    fn from(order: &Order) -> Self {
        Self {
            open: order.open_at_most(),
            notional: Exposure::notional_of(order),
        }
    }
}

/// What is open, per side: every order that is not over, unknown ones included, at the largest size
/// that it may still have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exposure {
    /// Open quantity.
    pub open: [QtyLot; 2],
    /// Notional of it.
    pub notional: [Money; 2],
    /// Notional without orders whose cancel is on its way as part of a replace.
    pub staying: [Money; 2],
    /// Number of orders.
    pub active: [u32; 2],
}

impl Exposure {
    /// Adds an order.
    pub fn add(&mut self, order: &Order, leaving: bool) {
        let side = order.side.index();
        let notional = Self::notional_of(order);
        self.open[side] += order.open_at_most();
        self.notional[side] += notional;
        self.active[side] += 1;
        if !leaving {
            self.staying[side] += notional;
        }
    }

    /// Takes out an order that was added as not leaving.
    pub fn remove(&mut self, order: &Order) {
        let side = order.side.index();
        let notional = Self::notional_of(order);
        self.open[side] -= order.open_at_most();
        self.notional[side] -= notional;
        self.staying[side] -= notional;
        self.active[side] -= 1;
    }

    /// The most that an order may cost.
    #[inline]
    pub fn notional_of(order: &Order) -> Money {
        Money::notional(order.dearest_px().to_exec(), order.open_at_most())
    }
}

/// What the checks look at.
#[derive(Debug, Clone, Copy)]
pub struct CheckContext<'a> {
    /// The instrument.
    pub instrument: &'a Instrument,
    /// Limits.
    pub risk: &'a RiskParams,
    /// What is open.
    pub exposure: &'a Exposure,
    /// Position.
    pub position: QtyLot,
    /// Mid.
    pub mid: MidTick,
    /// What the session allows.
    pub permit: &'a Permit,
}

impl CheckContext<'_> {
    /// Runs all checks; `Ok` holds the order as it may be sent.
    ///
    /// # Errors
    /// The first check that refuses.
    pub fn check(&self, mut proposal: Proposal) -> Result<Proposal, BlockDetail> {
        for check in ORDER_CHECKS {
            (check.judge)(self, &mut proposal)?;
        }
        Ok(proposal)
    }

    /// As [`Self::check`], and notes every check with its numbers.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_traced(
        &self,
        mut proposal: Proposal,
        trace: &mut Trace,
    ) -> Result<Proposal, BlockDetail> {
        for check in ORDER_CHECKS {
            let figure = (check.figure)(self, &proposal);
            let before = proposal;
            let judged = (check.judge)(self, &mut proposal);
            trace.note("check", (Some(before.side), None), || {
                [
                    ("check", Value::Name(check.name)),
                    ("px", Value::Px(before.px)),
                    ("qty", Value::Qty(before.qty)),
                    ("value", number(figure.value)),
                    ("limit", number(figure.limit)),
                    ("unit", Value::Name(figure.unit)),
                    ("qty_allowed", Value::Qty(proposal.qty)),
                    ("refused", refusal(judged)),
                ]
            });
            judged?;
        }
        Ok(proposal)
    }

    /// Open quantity on the side of `proposal` without the order that it replaces.
    fn open_beside(&self, proposal: &Proposal) -> i64 {
        let replaced = proposal.replaces.map_or(0, |order| order.open.get());
        self.exposure.open[proposal.side.index()].get() - replaced
    }

    /// Largest open quantity that the order can have: that of the order it replaces until the
    /// change is confirmed, its own then.
    fn worst_open(proposal: &Proposal) -> i64 {
        let replaced = proposal.replaces.map_or(0, |order| order.open.get());
        proposal.qty.get().max(replaced)
    }

    /// Opposite to the position and, with all that is open beside it, not larger than the position.
    fn is_reducing(&self, proposal: &Proposal) -> bool {
        let against = -proposal.side.sign() * self.position.get();
        against > 0 && self.open_beside(proposal) + Self::worst_open(proposal) <= against
    }

    /// Signed position marked at the mid, USD.
    fn position_usd(&self) -> f64 {
        let marked = Money::notional(self.mid.to_exec(), self.position);
        self.instrument.money_to_f64(marked)
    }
}

/// The refusing check, or nothing.
pub(crate) fn refusal(judged: Result<(), BlockDetail>) -> Value {
    judged
        .err()
        .map_or(Value::Absent, |detail| Value::Name(detail.name()))
}

#[cfg(test)]
mod figure_tests;
#[cfg(test)]
mod tests;
