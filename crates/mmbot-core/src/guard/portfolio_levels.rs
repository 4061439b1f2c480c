//! Levels of the target: open orders per side, fewer while autopolicy calms the quoting.

use super::{CheckContext, Proposal};
use mmbot_types::BlockDetail;

pub(super) fn check(
    context: &CheckContext<'_>,
    proposal: &mut Proposal,
) -> Result<(), BlockDetail> {
    let permit = context.permit;
    let of_target = permit.budget.map_or(0, |budget| budget.levels_max);
    let of_policy = permit.calmer.map_or(u32::MAX, |calmer| calmer.levels_max);
    let active = context.exposure.active[proposal.side.index()];
    if proposal.replaces.is_none() && active >= of_target.min(of_policy) {
        return Err(BlockDetail::PortfolioLevels);
    }
    Ok(())
}
