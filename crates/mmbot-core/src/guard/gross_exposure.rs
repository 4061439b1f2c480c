//! Gross exposure limit: positions and open orders of all instruments. The session lends each
//! symbol its share of what is left.

use super::{CheckContext, Proposal};
use mmbot_types::BlockDetail;

pub(super) fn check(
    context: &CheckContext<'_>,
    proposal: &mut Proposal,
) -> Result<(), BlockDetail> {
    let limit_usd = context.permit.gross_cap_usd;
    if limit_usd.is_infinite() || context.is_reducing(proposal) {
        return Ok(());
    }
    let [bids, asks] = context.exposure.notional;
    let mut open = bids + asks;
    if let Some(replaced) = proposal.replaces {
        open -= replaced.notional;
    }
    let wanted_usd = context.instrument.notional_usd(proposal.px, proposal.qty);
    let replaced = proposal
        .replaces
        .map_or(0.0, |order| context.instrument.money_to_f64(order.notional));
    let gross_usd = context.position_usd().abs()
        + context.instrument.money_to_f64(open)
        + wanted_usd.max(replaced);
    if gross_usd > limit_usd {
        return Err(BlockDetail::LimitGrossExposure);
    }
    Ok(())
}
