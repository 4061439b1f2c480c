//! Probes: imaginary orders of zero size whose true queue place is known.
//!
//! A probe joins the back of a real queue and never changes the market, exactly like a simulated
//! order in a backtest. Because the book is order by order, the volume ahead of it is exact: it
//! falls when an order that came earlier trades or is cancelled, and by nothing else. It is filled
//! when a print takes from an order behind it at its price, when a print happens at a worse price
//! (through it), or when the opposite best price reaches it.

use super::config::MarketError;
use super::lob::{Lob, nearer};
use mmbot_types::{PriceTick, QtyLot, Side, StreamRng, TsNs};

/// Which probes to place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeConfig {
    /// Time between two probes, ms (at least 1).
    pub interval_ms: i64,
    /// How long a probe is followed, ms.
    pub horizon_ms: i64,
    /// Share of probes at the best price; the others join one of the next four levels.
    pub at_touch: f64,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self {
            interval_ms: 200,
            horizon_ms: 10_000,
            at_touch: 0.6,
        }
    }
}

/// Probes followed at the same time.
const ACTIVE_MAX: i64 = 4_096;

impl ProbeConfig {
    pub(super) fn check(&self) -> Result<(), MarketError> {
        let spaced = self.interval_ms >= 1 && self.horizon_ms >= 1;
        if !spaced || self.horizon_ms / self.interval_ms.max(1) >= ACTIVE_MAX {
            return Err(MarketError::Config {
                key: "probes",
                rule: "at least 1 ms apart and at most 4096 alive at once",
            });
        }
        if !(0.0..=1.0).contains(&self.at_touch) {
            return Err(MarketError::Config {
                key: "at_touch",
                rule: "between 0 and 1",
            });
        }
        Ok(())
    }
}

/// What happened to a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeChange {
    /// It joined a queue.
    Joined {
        /// Its side.
        side: Side,
        /// Its price.
        px: PriceTick,
        /// Volume ahead, which is the displayed size.
        ahead: QtyLot,
        /// Ticks behind the best price of its side.
        behind_ticks: i64,
    },
    /// The volume ahead became this.
    Ahead(QtyLot),
    /// It was filled.
    Filled,
    /// Its horizon ended without a fill.
    Expired,
}

/// An entry of the truth log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeEvent {
    /// Rows that the feed had published after the packet that made the change.
    pub row: u64,
    /// Venue time.
    pub ts: TsNs,
    /// Number of the probe, counted from 0.
    pub probe: u32,
    /// The change.
    pub change: ProbeChange,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    number: u32,
    side: Side,
    px: i32,
    /// Orders with a smaller number are ahead.
    seq: u64,
    ahead: i64,
    end_ns: i64,
}

/// Active probes and the log of the current packet.
#[derive(Debug, Clone)]
pub(super) struct Probes {
    config: ProbeConfig,
    rng: StreamRng,
    active: Vec<Probe>,
    /// Changes that wait for their packet's last row.
    changes: Vec<(u32, ProbeChange)>,
    log: Vec<ProbeEvent>,
    next_ns: i64,
    next_number: u32,
}

impl Probes {
    pub(super) fn new(config: ProbeConfig, seed: u64, start_ns: i64) -> Self {
        Self {
            config,
            rng: StreamRng::new(seed, "market.probe"),
            active: Vec::with_capacity(256),
            changes: Vec::with_capacity(256),
            log: Vec::new(),
            next_ns: start_ns.saturating_add(config.interval_ms.saturating_mul(1_000_000)),
            next_number: 0,
        }
    }

    pub(super) fn take_log(&mut self) -> Vec<ProbeEvent> {
        std::mem::take(&mut self.log)
    }

    /// Orders of the side at this price lost `qty`: the order `seq` was cancelled.
    pub(super) fn cancelled(&mut self, side: Side, px: i32, seq: u64, qty: i64) {
        for probe in &mut self.active {
            if probe.px == px && probe.side == side && seq < probe.seq {
                probe.ahead -= qty;
                let change = ProbeChange::Ahead(QtyLot::new(probe.ahead));
                self.changes.push((probe.number, change));
            }
        }
    }

    /// `qty` of the resting order `seq` of the side traded at this price.
    pub(super) fn traded(&mut self, side: Side, px: i32, seq: u64, qty: i64) {
        let changes = &mut self.changes;
        self.active.retain_mut(|probe| {
            if probe.side != side {
                return true;
            }
            let through = nearer(side, probe.px, px);
            let passed = probe.px == px && seq >= probe.seq;
            if through || passed {
                changes.push((probe.number, ProbeChange::Filled));
                return false;
            }
            if probe.px == px {
                probe.ahead -= qty;
                let change = ProbeChange::Ahead(QtyLot::new(probe.ahead));
                changes.push((probe.number, change));
            }
            true
        });
    }

    /// The best price of `side` came to `px`: opposite probes that it reaches are filled.
    pub(super) fn reached(&mut self, side: Side, px: i32) {
        let changes = &mut self.changes;
        self.active.retain(|probe| {
            let hit = probe.side != side && !nearer(side.opposite(), px, probe.px);
            if hit {
                changes.push((probe.number, ProbeChange::Filled));
            }
            !hit
        });
    }

    /// Stamps the changes of a packet that ends at row `row`.
    pub(super) fn stamp(&mut self, row: u64, ts: i64) {
        for (probe, change) in self.changes.drain(..) {
            self.log.push(ProbeEvent {
                row,
                ts: TsNs::new(ts),
                probe,
                change,
            });
        }
    }

    /// Ends and places probes that are due by `now`; the book is the one after row `row`.
    pub(super) fn tick(&mut self, lob: &Lob, row: u64, now: i64) {
        let event = |ts: i64, probe, change| ProbeEvent {
            row,
            ts: TsNs::new(ts),
            probe,
            change,
        };
        // probes end in the order in which they joined
        let log = &mut self.log;
        self.active.retain(|probe| {
            let expired = probe.end_ns <= now;
            if expired {
                log.push(event(probe.end_ns, probe.number, ProbeChange::Expired));
            }
            !expired
        });
        while self.next_ns <= now {
            let ts = self.next_ns;
            self.next_ns += self.config.interval_ms * 1_000_000;
            let (probe, behind_ticks) = self.join(lob, ts);
            let joined = ProbeChange::Joined {
                side: probe.side,
                px: PriceTick::new(i64::from(probe.px)),
                ahead: QtyLot::new(probe.ahead),
                behind_ticks,
            };
            self.log.push(event(ts, probe.number, joined));
            self.active.push(probe);
        }
    }

    fn join(&mut self, lob: &Lob, ts: i64) -> (Probe, i64) {
        let side = Side::from_bit((self.rng.bits() >> 63) as u8);
        let deeper = if self.rng.uniform() < self.config.at_touch {
            0
        } else {
            1 + self.rng.below(4)
        };
        let best = lob.best(side);
        let mut px = best;
        for _ in 0..deeper {
            px = lob.next_outward(side, px).unwrap_or(px);
        }
        let probe = Probe {
            number: self.next_number,
            side,
            px,
            seq: lob.next_seq(),
            ahead: lob.level(px).qty,
            end_ns: ts + self.config.horizon_ms * 1_000_000,
        };
        self.next_number += 1;
        (probe, i64::from(best.abs_diff(px)))
    }
}
