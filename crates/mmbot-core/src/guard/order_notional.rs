//! Limit on the notional of one order.

use super::{CheckContext, Proposal};
use mmbot_types::BlockDetail;

pub(super) fn check(
    context: &CheckContext<'_>,
    proposal: &mut Proposal,
) -> Result<(), BlockDetail> {
    let limit_usd = context.risk.max_order_notional_usd;
    let notional_usd = context.instrument.notional_usd(proposal.px, proposal.qty);
    if limit_usd > 0.0 && notional_usd > limit_usd {
        return Err(BlockDetail::LimitOrderNotional);
    }
    Ok(())
}
