//! One run of a plan: a phase with faults in which nothing bad may happen, then a phase without in
//! which something good must, then a stop after which nothing may be left.

use super::crash::Crashes;
use super::feed::Feed;
use super::kind::Fault;
use super::operator::{Hand, Operator};
use super::outcome::Outcome;
use super::plan::{Canary, FaultPlan};
use super::reconcile::Reconciliation;
use super::rim::Rim;
use super::setup::Setup;
use crate::error::RunError;
use crate::fleet::{Fleet, SessionLane};
use crate::invariant::Invariant;
use crate::world::Sampling;
use mmbot_core::session::Circuit;
use mmbot_core::{Permit, Trader};
use mmbot_sim::market::{Market, MarketConfig, Regime};
use mmbot_types::{Action, BlockDetail, CounterRng, Instrument, TsNs};

/// Step of venue time after which operator and reconciliation have their turn, ns.
const STEP_NS: i64 = 100_000_000;
/// A symbol that nothing holds quotes within so long, ns.
pub(super) const QUOTES_WITHIN_NS: i64 = 5_000_000_000;
/// A thin touch, so that orders of a few hundred USD get their turn in the queue.
const TOUCH_USD: f64 = 4_000.0;
/// After the last stop: an unknown order, its cancel, two looks of a reconciliation.
const FINAL_MS: i64 = 12_000;
/// Time between two full looks of the reconciliation, as in a live session; less where a run ends
/// before.
const RECONCILE_MS: i64 = 25_000;

/// How long a symbol was free to quote, and when it last did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quoting {
    pub free_since: Option<i64>,
    pub quoted_at: Option<i64>,
    /// Refusals so far by the adverse guard and for want of budget.
    refused: [u64; 2],
}

impl Quoting {
    /// True if since the last call one side was refused by the adverse guard and the other for want
    /// of budget: a position that fills its side while the market leans the other way.
    fn both_sides_refused(&mut self, trader: &Trader) -> bool {
        let blocks = &trader.telemetry().blocks;
        let now = [BlockDetail::Adverse, BlockDetail::PortfolioBudget].map(|d| blocks.count(d));
        let before = std::mem::replace(&mut self.refused, now);
        now.iter().zip(before).all(|(now, before)| *now > before)
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct FaultRun {
    pub plan: FaultPlan,
    pub fleet: Fleet,
    pub rim: Rim,
    markets: Vec<Market>,
    feeds: Vec<Feed>,
    pub setup: Setup,
    pub operator: Operator,
    crashes: Crashes,
    reconciliation: Reconciliation,
    pub quoting: Vec<Quoting>,
    rows: u64,
    pub venue_ns: i64,
}

/// Runs a plan.
///
/// # Errors
/// [`RunError`]: a plan that cannot be run; what a run finds is in its outcome.
pub fn run(plan: &FaultPlan) -> Result<Outcome, RunError> {
    let mut run = FaultRun::new(plan)?;
    run.live_through()?;
    run.end()
}

impl FaultRun {
    pub(super) fn new(plan: &FaultPlan) -> Result<Self, RunError> {
        let mut setup = Setup::new(plan.seed, plan.steady);
        setup.tight |= plan.canary == Some(Canary::LooseLimits);
        let mut instruments = Vec::new();
        let mut markets = Vec::new();
        for at in 0..plan.symbols {
            let name = ["AUSDT", "BUSDT", "CUSDT", "DUSDT"][at % 4];
            let instrument = Instrument::new(name, "0.1", "0.001", "0.001", 5.0, 1.0);
            instruments.push(instrument.map_err(|error| RunError::Strategy(error.to_string()))?);
            let seed = mmbot_types::sub_seed(plan.seed, "fault_market", at as u64, 0);
            let mut config = MarketConfig::new(seed, Regime::Mixed);
            config.levels = 10;
            config.instrument.touch_usd = TOUCH_USD;
            let market = Market::new(&config);
            markets.push(market.map_err(|error| RunError::Strategy(error.to_string()))?);
        }
        let mut symbols: Vec<_> = instruments.iter().map(|_| setup.lane()).collect();
        let told: Vec<_> = symbols.iter().map(|lane| lane.params).collect();
        let mut rim = Rim::new(plan, &told);
        for (symbol, lane) in symbols.iter_mut().enumerate() {
            lane.params = rim.give_params(symbol, lane.params);
        }
        let given: Vec<_> = symbols.iter().map(|lane| lane.params).collect();
        let session = setup.session();
        let mut crashes = Crashes::new(plan);
        let lane = SessionLane {
            symbols,
            session: Some(session.clone()),
        };
        let sampling = Sampling {
            bar_ns: 10_000_000_000,
            curve_ns: None,
        };
        let mut fleet = Fleet::new(&instruments, &[lane], sampling)?;
        crashes.begin(&mut fleet, &instruments, &given, &session)?;
        Ok(Self {
            fleet,
            rim,
            feeds: markets.iter().map(|_| Feed::new(plan)).collect(),
            quoting: vec![Quoting::default(); markets.len()],
            markets,
            setup,
            operator: Operator::new(plan),
            crashes,
            reconciliation: Reconciliation::new(RECONCILE_MS.min(plan.safety_ms / 3)),
            rows: 0,
            venue_ns: 0,
            plan: plan.clone(),
        })
    }

    /// Both phases and the stop, from wherever the run is in the first.
    pub(super) fn live_through(&mut self) -> Result<(), RunError> {
        let healed_ms = self.plan.safety_ms;
        self.advance(healed_ms)?;
        self.heal();
        self.advance(healed_ms + self.plan.liveness_ms)?;
        self.judge_liveness();
        self.stop();
        self.advance(healed_ms + self.plan.liveness_ms + FINAL_MS)
    }

    /// Requests sent so far.
    pub(super) fn requests(&self) -> u64 {
        let sent = |trader: &Trader| {
            let t = trader.telemetry();
            t.places + t.amends + t.cancels
        };
        self.traders().map(sent).sum()
    }

    /// Our orders at the exchange.
    pub(super) fn resting(&self) -> usize {
        let worlds = (0..self.plan.symbols).filter_map(|symbol| self.fleet.world(symbol));
        worlds.map(|world| world.exchange().open_orders(0)).sum()
    }

    fn traders(&self) -> impl Iterator<Item = &Trader> {
        (0..self.plan.symbols)
            .filter_map(|symbol| Some(self.fleet.world(symbol)?.lane(0)?.trader()))
    }

    /// Runs on to a venue time.
    pub(super) fn advance(&mut self, until_ms: i64) -> Result<(), RunError> {
        while self.venue_ns < until_ms * 1_000_000 {
            self.venue_ns += STEP_NS;
            let local_ns = self.rim.clock.local(self.venue_ns);
            for (symbol, market) in self.markets.iter_mut().enumerate() {
                let chunk = market.next_chunk(usize::MAX, Some(TsNs::new(self.venue_ns)));
                self.rows += chunk.len() as u64;
                let healed = self.rim.healed;
                let both = self.feeds[symbol].pass(&chunk, &self.rim.clock, healed);
                if let Some(world) = self.fleet.world_mut(symbol) {
                    world.push_apart(both.happened, both.received);
                }
                self.fleet.know(symbol, local_ns);
            }
            self.crash_before(self.venue_ns)?;
            self.fleet.run_before(local_ns, &mut self.rim)?;
            self.crashes.collect(&mut self.fleet);
            self.turn(local_ns)?;
        }
        Ok(())
    }

    /// Crashes that come before a venue time, at whatever event that may be.
    fn crash_before(&mut self, venue_ns: i64) -> Result<(), RunError> {
        while let Some(at) = self.crashes.next_before(venue_ns) {
            let now_ns = self.rim.clock.local(at);
            self.fleet.run_before(now_ns, &mut self.rim)?;
            self.crashes.crash(&mut self.fleet, &mut self.rim, now_ns)?;
            self.feeds.iter_mut().for_each(Feed::reconnect);
            self.reconciliation.at_once();
        }
        Ok(())
    }

    fn turn(&mut self, now_ns: i64) -> Result<(), RunError> {
        let hand = Hand {
            fleet: &mut self.fleet,
            rim: &mut self.rim,
            setup: &mut self.setup,
            crashes: &mut self.crashes,
        };
        self.operator.turn(hand, self.venue_ns, now_ns)?;
        let (fleet, rim) = (&mut self.fleet, &mut self.rim);
        if self.venue_ns % 1_000_000_000 == 0 && !rim.healed {
            cancel_some(&self.plan, fleet, rim, self.venue_ns, now_ns);
        }
        self.reconciliation.turn(fleet, rim, now_ns);
        self.watch_quoting(now_ns);
        Ok(())
    }

    fn heal(&mut self) {
        self.rim.healed = true;
        self.reconciliation.at_once();
        if self.operator.dead_since.is_none() {
            let now_ns = self.rim.clock.local(self.venue_ns);
            self.operator.resume(&mut self.fleet, &mut self.rim, now_ns);
        }
    }

    fn watch_quoting(&mut self, now_ns: i64) {
        for (symbol, quoting) in self.quoting.iter_mut().enumerate() {
            let (Some(world), Some(session)) = (self.fleet.world(symbol), self.fleet.session(0))
            else {
                continue;
            };
            let stopped = self.operator.dead_since.is_some();
            let refused = world
                .lane(0)
                .is_some_and(|lane| quoting.both_sides_refused(lane.trader()));
            let held = !session.permit(symbol).is_some_and(|p| is_free(p, now_ns));
            if stopped || held || refused {
                quoting.free_since = None;
            } else {
                quoting.free_since.get_or_insert(now_ns);
            }
            if world.exchange().open_orders(0) > 0 {
                quoting.quoted_at = Some(now_ns);
            }
        }
    }

    fn stop(&mut self) {
        let now_ns = self.rim.clock.local(self.venue_ns);
        self.rim.audit.set_stopped(Some(now_ns));
        self.fleet.stop(now_ns, &mut self.rim);
    }

    pub(super) fn end(mut self) -> Result<Outcome, RunError> {
        let now_ns = self.rim.clock.local(self.venue_ns);
        self.judge_rest(now_ns);
        self.judge_unknown(now_ns);
        let adds_up = match self.fleet.finish(now_ns, &mut self.rim) {
            Ok(()) => self.positions_agree(),
            Err(error @ (RunError::Identity { .. } | RunError::Conservation { .. })) => {
                Err(error.to_string())
            }
            Err(error) => return Err(error),
        };
        self.rim.audit.findings.judge(
            Invariant::Conservation,
            adds_up.is_ok(),
            TsNs::new(now_ns),
            None,
            || adds_up.err().unwrap_or_default(),
        );
        Ok(self.outcome(now_ns))
    }

    fn outcome(&self, now_ns: i64) -> Outcome {
        let (mut fills, mut orphans) = (0, 0);
        let mut hash = self.rim.messages;
        for trader in self.traders() {
            let t = trader.telemetry();
            fills += t.fills();
            orphans += t.orphan_reports;
            hash = (hash ^ trader.state_hash()).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let findings = &self.rim.audit.findings;
        let mut happened = self.rim.happened;
        for feed in &self.feeds {
            for (sum, count) in happened.iter_mut().zip(feed.happened) {
                *sum += count;
            }
        }
        for (fault, jumps) in self.rim.clock.jumps() {
            happened[fault.index()] += jumps;
        }
        for count in happened.iter().chain(&findings.judged) {
            hash = (hash ^ count).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let since = |at: Option<i64>| {
            at.is_some_and(|at| at + FINAL_MS * 1_000_000 + QUOTES_WITHIN_NS >= now_ns)
        };
        Outcome {
            seed: self.plan.seed,
            symbols: self.plan.symbols,
            violations: findings.violations.clone(),
            broken: findings.broken,
            judged: findings.judged,
            happened,
            venue_ns: self.venue_ns,
            events: self.rows + self.rim.messages,
            requests: self.requests(),
            fills,
            resumed: self.quoting.iter().filter(|q| since(q.quoted_at)).count(),
            held: self
                .quoting
                .iter()
                .filter(|q| q.free_since.is_none())
                .count(),
            dead: self.operator.dead_since.is_some(),
            orphans,
            state_hash: hash,
        }
    }
}

/// Nothing keeps a symbol from quoting.
fn is_free(permit: &Permit, now_ns: i64) -> bool {
    let held = permit.holds.stop().is_some() || permit.holds.reduce_only().is_some();
    let wanted = permit.budget.is_some_and(|budget| budget.target_usd > 0.0);
    let waits = now_ns < permit.backoff_until.get();
    !held && wanted && !waits && permit.circuit == Circuit::Closed
}

/// The venue cancels some of our resting orders by itself.
fn cancel_some(plan: &FaultPlan, fleet: &mut Fleet, rim: &mut Rim, venue_ns: i64, now_ns: i64) {
    let ratio = plan.option(Fault::SpontaneousCancel).ratio;
    let rng = CounterRng::new(plan.seed, Fault::SpontaneousCancel.name());
    for symbol in 0..plan.symbols {
        let Some(world) = fleet.world_mut(symbol) else {
            continue;
        };
        let orders: Vec<_> = world.exchange().resting(0).map(|order| order.cid).collect();
        for cid in orders {
            let index = (venue_ns.unsigned_abs() ^ cid.get()).wrapping_add(symbol as u64);
            if ratio.happens(rng, index) {
                rim.note(Fault::SpontaneousCancel);
                world.at_venue(0, &Action::Cancel { cid }, now_ns, rim);
            }
        }
    }
}
