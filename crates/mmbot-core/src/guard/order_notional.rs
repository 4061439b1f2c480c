//! Limit on the notional of one order.

use super::{CheckContext, Figure, OrderCheck, Proposal};
use mmbot_types::BlockDetail;

pub(super) const CHECK: OrderCheck = OrderCheck {
    name: "order_notional",
    judge: check,
    figure,
};

fn check(context: &CheckContext<'_>, proposal: &mut Proposal) -> Result<(), BlockDetail> {
    let limit_usd = context.risk.max_order_notional_usd;
    let notional_usd = context.instrument.notional_usd(proposal.px, proposal.qty);
    if limit_usd > 0.0 && notional_usd > limit_usd {
        return Err(BlockDetail::LimitOrderNotional);
    }
    Ok(())
}

fn figure(context: &CheckContext<'_>, proposal: &Proposal) -> Figure {
    let limit_usd = context.risk.max_order_notional_usd;
    Figure {
        value: context.instrument.notional_usd(proposal.px, proposal.qty),
        limit: if limit_usd > 0.0 {
            limit_usd
        } else {
            f64::INFINITY
        },
        unit: "usd",
    }
}
