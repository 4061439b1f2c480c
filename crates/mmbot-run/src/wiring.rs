//! The wires between lanes and the exchange: how long messages take. Apart from the lanes, and what
//! lanes have in common apart from what changes, so that messages on their way touch little memory.

use mmbot_sim::{RequestLatency, ResponseLatency, SimConfig};
use mmbot_types::{Action, TsNs};

/// The wires of all lanes.
#[derive(Debug, Clone)]
pub(crate) struct Wiring {
    /// Each once, however many lanes have it.
    kinds: Vec<(SimConfig, Latencies)>,
    lanes: Vec<Wire>,
}

#[derive(Debug, Clone)]
struct Latencies {
    request: RequestLatency,
    response: ResponseLatency,
}

/// What changes with the messages of a lane.
#[derive(Debug, Clone)]
struct Wire {
    /// New orders sent so far: numbers the latency draws.
    sent_orders: u64,
    /// Reports reach the engine in the order in which they were made.
    last_delivery_ns: i64,
    kind: usize,
}

impl Wiring {
    /// Wires of lanes with these exchanges.
    pub(crate) fn new(sims: &[SimConfig]) -> Self {
        let mut kinds: Vec<(SimConfig, Latencies)> = Vec::new();
        let mut lanes = Vec::with_capacity(sims.len());
        for sim in sims {
            let known = kinds.iter().position(|(of, _)| of == sim);
            let kind = known.unwrap_or_else(|| {
                kinds.push((*sim, Latencies::of(sim)));
                kinds.len() - 1
            });
            lanes.push(Wire {
                sent_orders: 0,
                last_delivery_ns: i64::MIN,
                kind,
            });
        }
        Self { kinds, lanes }
    }

    /// Time at which an action that a lane sends at `now` takes effect at the exchange.
    #[inline]
    pub(crate) fn arrival(&mut self, lane: usize, action: &Action, now: TsNs) -> i64 {
        let wire = &mut self.lanes[lane];
        if matches!(action, Action::Place(_)) {
            wire.sent_orders += 1;
        }
        let latency = &self.kinds[wire.kind].1.request;
        now.plus_ns(latency.of(action, wire.sent_orders)).get()
    }

    /// Time at which a report made for a lane at `at_ns` reaches the engine, while market data take
    /// `feed_latency_ns`.
    #[inline]
    pub(crate) fn delivery(&mut self, lane: usize, at_ns: i64, feed_latency_ns: i64) -> i64 {
        let wire = &mut self.lanes[lane];
        let latency_ns = match self.kinds[wire.kind].1.response {
            ResponseLatency::OfFeed => feed_latency_ns.max(0),
            ResponseLatency::ConstantNs(ns) => ns,
        };
        wire.last_delivery_ns = wire.last_delivery_ns.max(at_ns.saturating_add(latency_ns));
        wire.last_delivery_ns
    }
}

impl Latencies {
    fn of(sim: &SimConfig) -> Self {
        Self {
            request: RequestLatency::new(sim),
            response: sim.response,
        }
    }
}
