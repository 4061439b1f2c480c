//! Limit on the number of orders of a side.

use super::{CheckContext, Proposal};
use mmbot_types::BlockDetail;

pub(super) fn check(
    context: &CheckContext<'_>,
    proposal: &mut Proposal,
) -> Result<(), BlockDetail> {
    let active = context.exposure.active[proposal.side.index()];
    if proposal.replaces.is_none() && active >= context.risk.max_active_per_side {
        return Err(BlockDetail::LimitActiveOrders);
    }
    Ok(())
}
