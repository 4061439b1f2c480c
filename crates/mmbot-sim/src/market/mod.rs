//! Synthetic market: a seeded order-by-order exchange that publishes only L2 and trades.
//!
//! Every order has an identity, a size and a true place in a FIFO queue. Limit orders,
//! cancellations and market orders arrive with intensities that react to the queues
//! ([`intensity`]), market orders excite themselves and come in persistent directions ([`takers`]),
//! the efficient price jumps and some takers know it before the makers do ([`fair`]), so passive
//! fills are adversely selected. The feed is made of packets: prints first, then the depth changes
//! they cause; its last row is flagged. Queue places of [`probe`]s are logged as ground truth for
//! queue models.
//!
//! Same configuration, same bytes, however the chunks are cut. Memory does not grow with time.

mod config;
mod draws;
mod events;
mod fair;
mod intensity;
mod latency;
mod lob;
mod probe;
mod publish;
mod regime;
mod takers;
mod tape;
mod world;

pub use config::{InstrumentPreset, MarketConfig, MarketError};
pub use probe::{ProbeChange, ProbeConfig, ProbeEvent};
pub use regime::{Regime, State, UnknownRegime};
pub use tape::{DEPTH_BPS, Tape, TapeCounts, TapeReader};

use draws::NormalTable;
use fair::Fair;
use intensity::{Intensity, STEP_MAX_S};
use latency::FeedLatency;
use lob::Lob;
use mmbot_types::{EventColumns, PriceTick, QtyLot, Side, StreamRng, TsNs};
use probe::Probes;
use publish::{Publisher, Stamp};
use regime::RegimeChain;
use takers::Takers;
use world::World;

/// Price span of the book's ring as a share of the start price, and its bounds in ticks.
const RING_SHARE: f64 = 0.10;
const RING_MIN: usize = 1 << 13;
const RING_MAX: usize = 1 << 20;

/// A market that runs forever.
#[derive(Debug, Clone)]
pub struct Market {
    world: World,
    fair: Fair,
    takers: Takers,
    chain: RegimeChain,
    latency: FeedLatency,
    table: NormalTable,
    rng: StreamRng,
    touch_lots: f64,
    now_ns: i64,
    rows: u64,
    /// A packet that did not fit the last chunk.
    held: EventColumns,
}

impl Market {
    /// A market whose first packet is a snapshot.
    ///
    /// # Errors
    /// [`MarketError`] naming the field that is out of range.
    pub fn new(config: &MarketConfig) -> Result<Self, MarketError> {
        config.check()?;
        let table = NormalTable::new();
        let mut rng = StreamRng::new(config.seed, "market.flow");
        let start = config.instrument.start_ticks();
        let touch_lots = config.instrument.touch_lots();
        let start_ns = config.start_ts.get();
        let levels = u32::try_from(config.levels).unwrap_or(u32::MAX);
        let probes = config
            .probes
            .map(|probes| Probes::new(probes, config.seed, start_ns));
        let mut market = Self {
            world: World {
                lob: Lob::new(ring_ticks(start)),
                feed: Publisher::new(levels),
                probes,
            },
            fair: Fair::new(start),
            takers: Takers::new(touch_lots, &table, &mut rng),
            chain: RegimeChain::new(config.regime, &mut rng),
            latency: FeedLatency::new(config.seed),
            table,
            rng,
            touch_lots,
            now_ns: start_ns,
            rows: 0,
            held: EventColumns::default(),
        };
        market.open();
        Ok(market)
    }

    /// The next packets: at most `max_rows` rows (but at least one packet), all before `until` if
    /// given. The packets of one sweep are never parted; an empty answer means that nothing happens
    /// before `until`.
    pub fn next_chunk(&mut self, max_rows: usize, until: Option<TsNs>) -> EventColumns {
        let until = until.map_or(i64::MAX, TsNs::get);
        let mut chunk = EventColumns::default();
        loop {
            if self.held.is_empty() {
                self.step(until);
            }
            let due = self.held.ts_exch.last().is_some_and(|&ts| ts < until);
            let fits = chunk.is_empty() || chunk.len() + self.held.len() <= max_rows;
            if !due || !fits {
                return chunk;
            }
            append(&mut chunk, &mut self.held);
            // a full chunk is returned before the market moves on: truth is asked right after it
            if chunk.len() >= max_rows {
                return chunk;
            }
        }
    }

    /// What happened to the probes up to the newest generated packet, in order; each entry is given
    /// once.
    pub fn take_probe_log(&mut self) -> Vec<ProbeEvent> {
        self.world
            .probes
            .as_mut()
            .map_or_else(Vec::new, Probes::take_log)
    }

    /// State of the regime chain now.
    #[must_use]
    pub const fn state(&self) -> State {
        self.chain.state()
    }

    /// True levels of a side from the touch outward, at most `max`, after the newest generated
    /// packet.
    #[must_use]
    pub fn true_levels(&self, side: Side, max: usize) -> Vec<(PriceTick, QtyLot)> {
        let lob = &self.world.lob;
        let mut levels = Vec::new();
        let mut at = (lob.count(side) > 0).then(|| lob.best(side));
        while let Some(px) = at.filter(|_| levels.len() < max) {
            let qty = QtyLot::new(lob.level(px).qty);
            levels.push((PriceTick::new(i64::from(px)), qty));
            at = lob.next_outward(side, px);
        }
        levels
    }

    /// Generates until a packet is held, or time passes `until`.
    fn step(&mut self, until: i64) {
        while self.held.is_empty() && self.now_ns < until {
            let scales = *self.chain.scales();
            let intensity = Intensity::of(
                &self.world.lob,
                &self.fair,
                &self.takers,
                &scales,
                self.touch_lots,
            );
            let wait_s = self.rng.exponential() / intensity.total();
            self.pass(wait_s.min(STEP_MAX_S));
            if wait_s > STEP_MAX_S {
                continue;
            }
            let kind = intensity.draw(&mut self.rng);
            self.happen(kind);
            self.publish();
        }
    }

    /// Lets time pass: everything decays, probes that are due join and end.
    #[allow(clippy::cast_possible_truncation)] // at most 5 ms
    fn pass(&mut self, dt_s: f64) {
        self.chain.advance(dt_s, &mut self.rng);
        let scales = *self.chain.scales();
        self.fair.advance(dt_s, &scales, &self.table, &mut self.rng);
        self.takers.advance(dt_s);
        self.now_ns = self.now_ns.saturating_add((dt_s * 1e9) as i64 + 1);
        if let Some(probes) = &mut self.world.probes {
            probes.tick(&self.world.lob, self.rows, self.now_ns);
        }
    }

    fn publish(&mut self) {
        if !self.world.feed.has_news() {
            // nothing that the feed shows, but perhaps something that a probe felt
            self.stamp_probes();
            return;
        }
        let stamp = Stamp {
            exch: self.now_ns,
            local: 0,
        };
        let World { lob, feed, .. } = &mut self.world;
        feed.flush(lob, stamp, &mut self.held);
        self.deliver();
        self.stamp_probes();
    }

    /// Draws the receive time of the held packet; packets without rows draw nothing.
    fn deliver(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let local = self.latency.arrival(&self.table, self.now_ns);
        self.held.ts_local.fill(local);
        self.rows += self.held.len() as u64;
    }

    fn stamp_probes(&mut self) {
        if let Some(probes) = &mut self.world.probes {
            probes.stamp(self.rows, self.now_ns);
        }
    }

    fn open(&mut self) {
        self.fill_opening_book();
        let stamp = Stamp {
            exch: self.now_ns,
            local: 0,
        };
        let World { lob, feed, .. } = &mut self.world;
        feed.snapshot(lob, stamp, &mut self.held);
        self.deliver();
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
fn ring_ticks(start: f64) -> usize {
    ((start * RING_SHARE) as usize).clamp(RING_MIN, RING_MAX)
}

/// Moves the rows of `packet` to the end of `chunk`.
fn append(chunk: &mut EventColumns, packet: &mut EventColumns) {
    chunk.flags.append(&mut packet.flags);
    chunk.px.append(&mut packet.px);
    chunk.qty.append(&mut packet.qty);
    chunk.ts_exch.append(&mut packet.ts_exch);
    chunk.ts_local.append(&mut packet.ts_local);
}
