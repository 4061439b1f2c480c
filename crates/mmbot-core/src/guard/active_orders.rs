//! Limit on the number of orders of a side.

use super::{CheckContext, Figure, OrderCheck, Proposal};
use mmbot_types::BlockDetail;

pub(super) const CHECK: OrderCheck = OrderCheck {
    name: "active_orders",
    judge: check,
    figure,
};

fn check(context: &CheckContext<'_>, proposal: &mut Proposal) -> Result<(), BlockDetail> {
    let active = context.exposure.active[proposal.side.index()];
    if proposal.replaces.is_none() && active >= context.risk.max_active_per_side {
        return Err(BlockDetail::LimitActiveOrders);
    }
    Ok(())
}

/// Orders of the side with this one.
fn figure(context: &CheckContext<'_>, proposal: &Proposal) -> Figure {
    let active = context.exposure.active[proposal.side.index()];
    let new = u32::from(proposal.replaces.is_none());
    Figure {
        value: f64::from(active + new),
        limit: f64::from(context.risk.max_active_per_side),
        unit: "orders",
    }
}
