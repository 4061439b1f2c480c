//! Markouts: where the mid went after our fills, at fixed horizons. Sums are integers, so that
//! repeated runs agree to the last bit.

use crate::market::Market;
use mmbot_types::{ExecPrice, Side, TsNs};
use std::collections::VecDeque;

/// Horizons, ms.
pub const MARKOUT_MS: [i64; 7] = [200, 500, 1_000, 5_000, 10_000, 30_000, 60_000];

/// Sum over the fills of one horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Markout {
    /// Fills with a mid at the horizon.
    pub count: u64,
    /// Those without one (book unusable or silent).
    pub skipped: u64,
    /// Fills after which the mid went our way, and those after which it went against us.
    pub up: u64,
    /// See `up`.
    pub down: u64,
    /// Sum of the markouts, 1e-4 bps, each truncated toward zero.
    pub sum_bps_e4: i64,
}

impl Markout {
    /// Mean in bps; 0 without samples.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn avg_bps(&self) -> f64 {
        match self.count {
            0 => 0.0,
            n => self.sum_bps_e4 as f64 / (n as f64 * 1e4),
        }
    }

    pub(super) fn add(&mut self, side: Side, px: ExecPrice, mid: Option<ExecPrice>) {
        let Some(mid) = mid.filter(|_| px.get() > 0) else {
            self.skipped += 1;
            return;
        };
        let moved = i128::from(side.sign()) * i128::from(mid.get() - px.get());
        let bps_e4 = moved * 100_000_000 / i128::from(px.get());
        self.count += 1;
        self.up += u64::from(bps_e4 > 0);
        self.down += u64::from(bps_e4 < 0);
        let bps_e4 = i64::try_from(bps_e4).unwrap_or(0);
        self.sum_bps_e4 = self.sum_bps_e4.saturating_add(bps_e4);
    }
}

/// Markouts of one trader at all horizons.
#[derive(Debug, Clone, Default)]
pub struct Markouts {
    fills: VecDeque<(TsNs, Side, ExecPrice)>,
    /// Per horizon: fills at the front of the queue that are done.
    done: [usize; MARKOUT_MS.len()],
    sums: [Markout; MARKOUT_MS.len()],
}

impl Markouts {
    /// Sums in the order of [`MARKOUT_MS`].
    #[must_use]
    pub const fn sums(&self) -> &[Markout; MARKOUT_MS.len()] {
        &self.sums
    }

    /// A fill to follow.
    pub fn on_fill(&mut self, ts: TsNs, side: Side, px: ExecPrice) {
        self.fills.push_back((ts, side, px));
    }

    /// Takes the mids of all horizons that the venue's clock has passed. A horizon beyond the end
    /// of the data is skipped.
    pub fn resolve(&mut self, clock: TsNs, market: &Market) {
        let known_until = market.last_ts_exch();
        for (at, horizon_ms) in MARKOUT_MS.iter().enumerate() {
            while let Some((ts, side, px)) = self.fills.get(self.done[at]) {
                let horizon = ts.plus_ms(*horizon_ms);
                if clock <= horizon {
                    break;
                }
                let mid = (horizon <= known_until).then(|| market.fresh_mid_at(horizon));
                let mid = mid.flatten().map(|mid| mid.to_exec());
                self.sums[at].add(*side, *px, mid);
                self.done[at] += 1;
            }
        }
        let over = self.done[MARKOUT_MS.len() - 1];
        if over > 0 {
            self.fills.drain(..over);
            for done in &mut self.done {
                *done = done.saturating_sub(over);
            }
        }
    }
}
