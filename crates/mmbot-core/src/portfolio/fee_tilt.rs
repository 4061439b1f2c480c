//! The tilt of all targets towards the next fee tier.

/// Tilt per bps of improvement.
const TILT_PER_BPS: f64 = 0.02;

/// What the account's fee tier says, once per rebalance: the next tier is near enough and saves
/// `improvement_bps`, or is not worth a tilt.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub enum FeeTilt {
    /// No next tier, too far, or too little better.
    #[default]
    Off,
    /// The next tier saves so much, bps.
    Worth(f64),
}

impl FeeTilt {
    /// What the next tier saves if it is worth a tilt, bps; else 0, which tilts nothing.
    #[must_use]
    pub const fn improvement_bps(self) -> f64 {
        match self {
            FeeTilt::Off => 0.0,
            FeeTilt::Worth(improvement_bps) => improvement_bps,
        }
    }
}

/// Relative raise of targets that sum to `total_usd`, never above the room that the limit leaves.
#[must_use]
pub fn tilt_of(tilt: FeeTilt, total_usd: f64, limit_usd: f64, cap_ratio: f64) -> f64 {
    let FeeTilt::Worth(improvement_bps) = tilt else {
        return 0.0;
    };
    if total_usd <= 0.0 {
        return 0.0;
    }
    let headroom = (limit_usd / total_usd - 1.0).max(0.0);
    let wanted = TILT_PER_BPS * improvement_bps;
    cap_ratio.min(wanted).min(headroom).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec: 03-7, 03-D16
    #[test]
    fn the_tilt_is_bounded_by_cap_and_headroom() {
        let tilt = |improvement, total| tilt_of(FeeTilt::Worth(improvement), total, 100.0, 0.05);
        assert_eq!(tilt(1.0, 50.0), 0.02);
        assert_eq!(tilt(10.0, 50.0), 0.05);
        assert!((tilt(10.0, 99.0) - 0.010_101).abs() < 1e-6);
        assert_eq!(tilt(10.0, 100.0), 0.0);
        assert_eq!(tilt(10.0, 200.0), 0.0);
        assert_eq!(tilt(-1.0, 50.0), 0.0);
        assert_eq!(tilt(1.0, 0.0), 0.0);
        assert_eq!(tilt_of(FeeTilt::Off, 50.0, 100.0, 0.05), 0.0);
    }
}
