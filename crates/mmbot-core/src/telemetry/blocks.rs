//! Block accounting: how often each check refused, and in how many decisions each reason occurred.

use mmbot_types::{BlockDetail, BlockReason};

/// Counters of refusals.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Blocks {
    details: [u64; BlockDetail::COUNT],
    blocked_by: [u64; 4],
    total_iterations: u64,
    /// Reasons of the decision that runs, one bit each.
    current: u8,
}

impl Blocks {
    /// A decision begins.
    #[inline]
    pub fn begin(&mut self) {
        self.total_iterations += 1;
        self.current = 0;
    }

    /// A check refused.
    #[inline]
    pub fn block(&mut self, detail: BlockDetail) {
        self.details[detail as usize] += 1;
        let reason = detail.reason() as usize;
        // the first refusal for this reason marks the decision as blocked by it
        if self.current & (1 << reason) == 0 {
            self.current |= 1 << reason;
            self.blocked_by[reason] += 1;
        }
    }

    /// Refusals of one check.
    #[must_use]
    pub const fn count(&self, detail: BlockDetail) -> u64 {
        self.details[detail as usize]
    }

    /// Refusals for one reason.
    #[must_use]
    pub fn count_of(&self, reason: BlockReason) -> u64 {
        let of_reason = |detail: &&BlockDetail| detail.reason() == reason;
        BlockDetail::ALL
            .iter()
            .filter(of_reason)
            .map(|detail| self.count(*detail))
            .sum()
    }

    /// Share of a reason in all refusals; 0 without any.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn ratio_of(&self, reason: BlockReason) -> f64 {
        match self.total() {
            0 => 0.0,
            total => self.count_of(reason) as f64 / total as f64,
        }
    }

    /// All refusals.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.details.iter().sum()
    }

    /// Decisions with at least one refusal for `reason`.
    #[must_use]
    pub const fn blocked_by(&self, reason: BlockReason) -> u64 {
        self.blocked_by[reason as usize]
    }

    /// Decisions.
    #[must_use]
    pub const fn total_iterations(&self) -> u64 {
        self.total_iterations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec: 02-6, 02-D18
    #[test]
    fn a_decision_counts_once_per_reason_however_often_it_is_refused() {
        let mut blocks = Blocks::default();
        blocks.begin();
        blocks.block(BlockDetail::Interval);
        blocks.block(BlockDetail::TimeInBook);
        blocks.block(BlockDetail::LimitPosition);
        blocks.begin();
        assert_eq!(blocks.count_of(BlockReason::MinInterval), 2);
        assert_eq!(blocks.blocked_by(BlockReason::MinInterval), 1);
        assert_eq!(blocks.blocked_by(BlockReason::Risk), 1);
        assert_eq!((blocks.total(), blocks.total_iterations()), (3, 2));
        assert!((blocks.ratio_of(BlockReason::MinInterval) - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!(blocks.ratio_of(BlockReason::Throttle), 0.0);
    }
}
