//! Feed latency: a lognormal body of a few milliseconds with rare spikes, in-order delivery.

use super::draws::NormalTable;
use mmbot_types::StreamRng;

/// Network and venue floor.
const FLOOR_NS: f64 = 800_000.0;
/// Median above the floor.
const BODY_NS: f64 = 1_700_000.0;
const BODY_SIGMA: f64 = 0.55;
/// One packet in 4096 waits for something (garbage collection, a retransmit): exponential, 25 ms.
const SPIKE_SHARE: u64 = 4096;
const SPIKE_NS: f64 = 25_000_000.0;

/// Receive times of packets.
#[derive(Debug, Clone)]
pub(super) struct FeedLatency {
    rng: StreamRng,
    last_local: i64,
}

impl FeedLatency {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: StreamRng::new(seed, "market.latency"),
            last_local: i64::MIN,
        }
    }

    /// When a packet of venue time `ts_exch` arrives; never before an earlier packet.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // bounded by the table and by 40 means of the spike
    pub(super) fn arrival(&mut self, table: &NormalTable, ts_exch: i64) -> i64 {
        let mut delay = FLOOR_NS + table.lognormal(&mut self.rng, BODY_NS, BODY_SIGMA);
        if self.rng.below(SPIKE_SHARE) == 0 {
            delay += SPIKE_NS * self.rng.exponential();
        }
        self.last_local = self.last_local.max(ts_exch.saturating_add(delay as i64));
        self.last_local
    }
}
