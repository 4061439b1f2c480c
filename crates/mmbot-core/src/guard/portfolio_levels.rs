//! Levels of the target: open orders per side, fewer while autopolicy calms the quoting.

use super::{CheckContext, Figure, OrderCheck, Proposal};
use mmbot_types::BlockDetail;

pub(super) const CHECK: OrderCheck = OrderCheck {
    name: "portfolio_levels",
    judge: check,
    figure,
};

fn check(context: &CheckContext<'_>, proposal: &mut Proposal) -> Result<(), BlockDetail> {
    let active = context.exposure.active[proposal.side.index()];
    if proposal.replaces.is_none() && active >= levels_max(context) {
        return Err(BlockDetail::PortfolioLevels);
    }
    Ok(())
}

/// Orders of the side with this one.
fn figure(context: &CheckContext<'_>, proposal: &Proposal) -> Figure {
    let active = context.exposure.active[proposal.side.index()];
    let new = u32::from(proposal.replaces.is_none());
    Figure {
        value: f64::from(active + new),
        limit: limit_of(levels_max(context)),
        unit: "orders",
    }
}

/// Levels of the target, fewer while autopolicy calms.
fn levels_max(context: &CheckContext<'_>) -> u32 {
    let permit = context.permit;
    let of_target = permit.budget.map_or(0, |budget| budget.levels_max);
    let of_policy = permit.calmer.map_or(u32::MAX, |calmer| calmer.levels_max);
    of_target.min(of_policy)
}

fn limit_of(levels: u32) -> f64 {
    if levels == u32::MAX {
        f64::INFINITY
    } else {
        f64::from(levels)
    }
}
