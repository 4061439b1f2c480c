//! Position limit: what the position can become if everything open on the side fills.

use super::{CheckContext, Proposal};
use mmbot_types::{BlockDetail, QtyLot};

pub(super) fn check(
    context: &CheckContext<'_>,
    proposal: &mut Proposal,
) -> Result<(), BlockDetail> {
    let limit_usd = context.risk.max_position_usd;
    if limit_usd.is_infinite() || context.is_reducing(proposal) {
        return Ok(());
    }
    let open = context.open_beside(proposal) + CheckContext::worst_open(proposal);
    let reached = context.position.get() + proposal.side.sign() * open;
    let reached_usd = context
        .instrument
        .notional_usd(proposal.px, QtyLot::new(reached.abs()));
    if reached_usd > limit_usd {
        return Err(BlockDetail::LimitPosition);
    }
    Ok(())
}
