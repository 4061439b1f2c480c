//! Budget of the target: what is open and what is already held in the side's direction use it up,
//! so that a partial fill moves budget from "open" to "position" and never frees room.

use super::{CheckContext, Figure, OrderCheck, Proposal};
use mmbot_types::{BlockDetail, Instrument, PriceTick, QtyLot};

pub(super) const CHECK: OrderCheck = OrderCheck {
    name: "portfolio_budget",
    judge: check,
    figure,
};

fn check(context: &CheckContext<'_>, proposal: &mut Proposal) -> Result<(), BlockDetail> {
    let qty = within_budget(context, proposal);
    if !fits_venue(context.instrument, proposal.px, qty) {
        return Err(BlockDetail::PortfolioBudget);
    }
    proposal.qty = qty;
    Ok(())
}

/// The quantity wanted against the one that the budget leaves.
#[allow(clippy::cast_precision_loss)] // lots of an order are below 2^53
fn figure(context: &CheckContext<'_>, proposal: &Proposal) -> Figure {
    let unbounded = Proposal {
        qty: QtyLot::new(i64::MAX),
        ..*proposal
    };
    Figure {
        value: proposal.qty.get() as f64,
        limit: within_budget(context, &unbounded).get() as f64,
        unit: "lots",
    }
}

/// The quantity of `proposal` that the budget allows; zero or less if nothing.
#[must_use]
#[allow(clippy::cast_possible_truncation)] // a float cast saturates
pub fn within_budget(context: &CheckContext<'_>, proposal: &Proposal) -> QtyLot {
    let side = proposal.side;
    let mut staying = context.exposure.staying[side.index()];
    if let Some(replaced) = proposal.replaces {
        staying -= replaced.notional;
    }
    let held_usd = context.position_usd();
    let held_usd = if context.position.get().signum() == side.sign() {
        held_usd.abs()
    } else {
        0.0
    };
    let budget_usd = context.permit.side_usd(side);
    let remaining_usd = budget_usd - context.instrument.money_to_f64(staying) - held_usd;
    let lot_usd = context.instrument.notional_usd(proposal.px, QtyLot::new(1));
    let lots = (remaining_usd / lot_usd) as i64;
    proposal.qty.min(QtyLot::new(lots))
}

/// True if the venue takes an order of this size.
#[must_use]
pub fn fits_venue(instrument: &Instrument, px: PriceTick, qty: QtyLot) -> bool {
    qty >= instrument.min_qty() && instrument.notional_usd(px, qty) >= instrument.min_notional_usd()
}
