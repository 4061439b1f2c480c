//! Signed trade flow: bought minus sold over all volume, exponentially weighted.

use super::decay::kept;
use mmbot_types::{QtyLot, Side, TsNs};

/// Running weighted volumes; both decay with one half-life.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct TradeFlow {
    half_lives_per_ns: f64,
    signed: f64,
    total: f64,
    ts: TsNs,
}

impl TradeFlow {
    /// A flow with the given half-life, seconds.
    #[must_use]
    pub fn new(half_life_sec: f64) -> Self {
        Self {
            half_lives_per_ns: 1e-9 / half_life_sec,
            signed: 0.0,
            total: 0.0,
            ts: TsNs::ZERO,
        }
    }

    /// A print; `side` is the aggressor's. Time that goes back counts as no time passed.
    #[inline]
    #[allow(clippy::cast_precision_loss)] // lots of one print are below 2^53
    pub fn trade(&mut self, side: Side, qty: QtyLot, ts: TsNs) {
        let dt = ts.since_ns(self.ts).max(0);
        let kept = kept(dt as f64 * self.half_lives_per_ns);
        let qty = qty.get() as f64;
        self.signed = self.signed * kept + qty * side.sign() as f64;
        self.total = self.total * kept + qty;
        self.ts = if ts > self.ts { ts } else { self.ts };
    }

    /// Net share of buying in [-1, 1]; 0 without trades. Both sums decay alike, so that the share
    /// needs no time.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.total > f64::MIN_POSITIVE {
            self.signed / self.total
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_flow_counts_half_after_a_half_life() {
        let mut flow = TradeFlow::new(10.0);
        assert_eq!(flow.share(), 0.0);
        flow.trade(Side::Buy, QtyLot::new(4), TsNs::new(1_000_000_000));
        assert_eq!(flow.share(), 1.0);
        flow.trade(Side::Sell, QtyLot::new(2), TsNs::new(11_000_000_000));
        assert!(flow.share().abs() < 1e-12, "{}", flow.share());
        flow.trade(Side::Sell, QtyLot::new(4), TsNs::new(11_000_000_000));
        assert!((flow.share() + 0.5).abs() < 1e-12);
    }
}
