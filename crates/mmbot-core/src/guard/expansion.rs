//! Guards that let only reducing orders pass: caps of the day, position skew, graded risk.

use super::{CheckContext, Proposal};
use mmbot_types::BlockDetail;

pub(super) fn check(
    context: &CheckContext<'_>,
    proposal: &mut Proposal,
) -> Result<(), BlockDetail> {
    match context.permit.holds.reduce_only() {
        Some(detail) if !context.is_reducing(proposal) => Err(detail),
        _ => Ok(()),
    }
}
