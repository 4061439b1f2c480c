//! Gross exposure limit: positions and open orders of all instruments.

use super::{CheckContext, Proposal};
use mmbot_types::BlockDetail;

pub(super) fn check(
    context: &CheckContext<'_>,
    proposal: &mut Proposal,
) -> Result<(), BlockDetail> {
    let limit_usd = context.risk.max_gross_exposure_usd;
    if limit_usd <= 0.0 || context.is_reducing(proposal) {
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
    let gross_usd = context.elsewhere_usd
        + context.position_usd().abs()
        + context.instrument.money_to_f64(open)
        + wanted_usd.max(replaced);
    if gross_usd > limit_usd {
        return Err(BlockDetail::LimitGrossExposure);
    }
    Ok(())
}
