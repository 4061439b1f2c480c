//! Position limit: what the position can become if everything open on the side fills.

use super::{CheckContext, Figure, OrderCheck, Proposal};
use mmbot_types::{BlockDetail, QtyLot};

pub(super) const CHECK: OrderCheck = OrderCheck {
    name: "position",
    judge: check,
    figure,
};

fn check(context: &CheckContext<'_>, proposal: &mut Proposal) -> Result<(), BlockDetail> {
    let limit_usd = context.risk.max_position_usd;
    if limit_usd.is_infinite() || context.is_reducing(proposal) {
        return Ok(());
    }
    if reached_usd(context, proposal) > limit_usd {
        return Err(BlockDetail::LimitPosition);
    }
    Ok(())
}

/// The position with everything that is open on the side filled.
fn figure(context: &CheckContext<'_>, proposal: &Proposal) -> Figure {
    Figure {
        value: reached_usd(context, proposal),
        limit: context.risk.max_position_usd,
        unit: "usd",
    }
}

fn reached_usd(context: &CheckContext<'_>, proposal: &Proposal) -> f64 {
    let open = context.open_beside(proposal) + CheckContext::worst_open(proposal);
    let reached = context.position.get() + proposal.side.sign() * open;
    let reached = QtyLot::new(reached.abs());
    context.instrument.notional_usd(proposal.px, reached)
}
