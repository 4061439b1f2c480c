//! Guards that let only reducing orders pass: caps of the day, position skew, graded risk.

use super::{CheckContext, Figure, OrderCheck, Proposal};
use mmbot_types::BlockDetail;

pub(super) const CHECK: OrderCheck = OrderCheck {
    name: "reduce_only",
    judge: check,
    figure,
};

fn check(context: &CheckContext<'_>, proposal: &mut Proposal) -> Result<(), BlockDetail> {
    match context.permit.holds.reduce_only() {
        Some(detail) if !context.is_reducing(proposal) => Err(detail),
        _ => Ok(()),
    }
}

/// 1 for an order that may expand the position, against 0 while only reducing ones pass.
fn figure(context: &CheckContext<'_>, proposal: &Proposal) -> Figure {
    let is_held = context.permit.holds.reduce_only().is_some();
    Figure {
        value: f64::from(u8::from(!context.is_reducing(proposal))),
        limit: if is_held { 0.0 } else { f64::INFINITY },
        unit: "expanding",
    }
}
