//! Gross exposure limit: positions and open orders of all instruments. The session lends each
//! symbol its share of what is left.

use super::{CheckContext, Figure, OrderCheck, Proposal};
use mmbot_types::BlockDetail;

pub(super) const CHECK: OrderCheck = OrderCheck {
    name: "gross_exposure",
    judge: check,
    figure,
};

fn check(context: &CheckContext<'_>, proposal: &mut Proposal) -> Result<(), BlockDetail> {
    let limit_usd = context.permit.gross_cap_usd;
    if limit_usd.is_infinite() || context.is_reducing(proposal) {
        return Ok(());
    }
    if gross_usd(context, proposal) > limit_usd {
        return Err(BlockDetail::LimitGrossExposure);
    }
    Ok(())
}

/// Position and everything open, the order included.
fn figure(context: &CheckContext<'_>, proposal: &Proposal) -> Figure {
    Figure {
        value: gross_usd(context, proposal),
        limit: context.permit.gross_cap_usd,
        unit: "usd",
    }
}

fn gross_usd(context: &CheckContext<'_>, proposal: &Proposal) -> f64 {
    let [bids, asks] = context.exposure.notional;
    let mut open = bids + asks;
    if let Some(replaced) = proposal.replaces {
        open -= replaced.notional;
    }
    let wanted_usd = context.instrument.notional_usd(proposal.px, proposal.qty);
    let replaced = proposal
        .replaces
        .map_or(0.0, |order| context.instrument.money_to_f64(order.notional));
    context.position_usd().abs() + context.instrument.money_to_f64(open) + wanted_usd.max(replaced)
}
