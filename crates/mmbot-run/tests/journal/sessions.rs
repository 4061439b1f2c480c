//! Sessions that are written down while they run, with every choice that they can have.

use crate::hand;
use crate::outside::{Outside, Shelf};
use mmbot_run::{Backtest, Checkpoint, JournalStart, LaneSpec, Sampling, SessionLane};
use mmbot_sim::market::{Market, MarketConfig, Regime};
use mmbot_sim::{ResponseLatency, SimConfig};
use mmbot_types::journal::{Control, FORMAT_VERSION, Header, InstrumentFacts, Mode};
use mmbot_types::{
    Cadence, EventColumns, Instrument, MuxBand, MuxStrategy, OpenWindow, Params, QuoterKind,
    ReplaceMode, SessionParams, TsNs,
};
use proptest::prelude::*;
use std::sync::Arc;

pub const NAMES: [&str; 3] = ["AUSDT", "BUSDT", "CUSDT"];
pub const MARKET_NS: i64 = 20_000_000_000;

/// What a session is made of and what is done to it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub symbols: usize,
    pub seed: u64,
    pub regime: Regime,
    pub kind: QuoterKind,
    pub mode: ReplaceMode,
    pub cadence: Cadence,
    /// Guards narrow enough to act.
    pub tight: bool,
    pub rejects: bool,
    pub chunk_rows: usize,
    /// Parameters change in the middle.
    pub reload: bool,
    /// Everything is cancelled before the data end.
    pub stop: bool,
    /// An operator sets a floor, kills, resumes, and asks for stale orders.
    pub hand: bool,
    /// What else he does, by the number of the step.
    pub controls: Vec<(i64, Control)>,
    pub record: bool,
    pub checkpoints: bool,
    /// Reports come by a way of their own, not with market data.
    pub apart: bool,
}

pub fn plan() -> impl Strategy<Value = Plan> {
    let regime = prop::sample::select(vec![
        Regime::Calm,
        Regime::Volatile,
        Regime::FlashCrash,
        Regime::LiquidityGap,
        Regime::Mixed,
    ]);
    let kind = prop::sample::select(vec![QuoterKind::BuiltIn, QuoterKind::External]);
    let mode = prop::sample::select(vec![
        ReplaceMode::Amend,
        ReplaceMode::CancelThenPlace,
        ReplaceMode::CancelAndPlace,
    ]);
    let cadence = prop::sample::select(vec![
        Cadence::OnBook { refresh_ms: 100 },
        Cadence::OnBook { refresh_ms: 40 },
        Cadence::FixedGrid { interval_ms: 250 },
    ]);
    let what = (1usize..=3, 0u64..1_000, regime, kind, mode, cadence);
    let how = (
        any::<bool>(),
        any::<bool>(),
        300usize..5_000,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let controls = prop_oneof![Just(Vec::new()), hand::controls()];
    (what, how, controls).prop_map(|(what, how, controls)| {
        let (symbols, seed, regime, kind, mode, cadence) = what;
        let (tight, rejects, chunk_rows, reload, stop, record, hand) = how;
        Plan {
            symbols,
            seed,
            regime,
            kind,
            mode,
            cadence,
            tight,
            rejects,
            chunk_rows,
            reload,
            stop,
            hand,
            controls,
            record,
            checkpoints: true,
            apart: false,
        }
    })
}

impl Plan {
    pub fn instruments(&self) -> Vec<Instrument> {
        let made = |name: &&str| Instrument::new(name, "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
        NAMES[..self.symbols].iter().map(made).collect()
    }

    pub fn params(&self) -> Params {
        let mut params = Params {
            seed: self.seed,
            ..Params::default()
        };
        params.quote.kind = self.kind;
        params.quote.cadence = self.cadence;
        params.quote.base_spread_bps = 0.6;
        params.replace.mode = self.mode;
        params.replace.min_time_in_book_ms = 100;
        params.replace.replace_threshold_bps = 0.2;
        params.tail.jitter_ms = 70;
        if self.tight {
            params.risk.max_position_usd = 3_000.0;
            params.risk.max_gross_exposure_usd = 20_000.0;
            params.risk.max_order_notional_usd = 1_500.0;
            params.replace.replace_rate_per_min = 100;
            params.anti_stale.order_ttl_ms = 900;
            params.anti_stale.price_drift_bps = 0.8;
        }
        params
    }

    pub fn session(&self) -> SessionParams {
        let mut session = SessionParams::default();
        session.rollout.traffic_split_pct = 40;
        session.rollout.cid_prefix = "mmabcd12345678-".to_owned();
        session.mux.enabled = true;
        session.mux.hysteresis_s = 1.0;
        session.mux.strategies = [("calm", 1.0, 1.0), ("wild", 1.6, 0.5)]
            .map(|(name, spread_mult, size_mult)| MuxStrategy {
                name: name.to_owned(),
                spread_mult,
                size_mult,
                weight_cap: None,
            })
            .to_vec();
        session.mux.bands = [("low", 0.0, 1.0, 0.9), ("high", 1.0, f64::MAX, 0.1)]
            .map(|(name, lower, upper, calm)| MuxBand {
                name: name.to_owned(),
                lower,
                upper,
                weights: vec![calm, 1.0 - calm],
            })
            .to_vec();
        if self.tight {
            session.throttle.window_sec = 1;
            session.throttle.max_creates_per_sec = 6.0;
            session.throttle.max_amends_per_sec = 5.0;
            session.throttle.max_cancels_per_sec = 8.0;
            session.circuit.min_samples = 5;
            session.circuit.err_rate_open = 0.05;
            session.circuit.open_duration_sec = 1.0;
            session.pos_skew.per_symbol_abs_limit_usd = 1_500.0;
            session.pos_skew.per_color_abs_limit_usd = 800.0;
            session.caps.daily_turnover_cap_usd = 150_000.0;
            session.risk.risk_pause_threshold = 0.000_5;
            session.risk.max_drawdown_pct = 0.002;
            session.risk.grades.min_stay_sec = 1.0;
            session.autopolicy.trigger_events_total = 2;
            session.autopolicy.cooldown_minutes = 0.02;
            session.runtime_guard.thresholds.order_reject_rate_max = 0.2;
            session.runtime_guard.recovery_minutes = 0.05;
            session.schedule.windows = Some(Arc::from([OpenWindow {
                from: TsNs::ZERO,
                to: TsNs::new(MARKET_NS - 1_500_000_000),
            }]));
        }
        session
    }

    fn sim(&self) -> SimConfig {
        SimConfig {
            latency_ms_mean: 4.0,
            latency_ms_std: 2.0,
            reject_prob: if self.rejects { 0.05 } else { 0.0 },
            max_requests_per_sec: if self.rejects { 40 } else { 0 },
            seed: self.seed,
            response: if self.apart {
                ResponseLatency::ConstantNs(1_234_567)
            } else {
                ResponseLatency::OfFeed
            },
            ..SimConfig::default()
        }
    }

    fn market(&self, symbol: usize) -> Vec<Arc<EventColumns>> {
        let config = MarketConfig::new(self.seed * 3 + symbol as u64, self.regime);
        let mut market = Market::new(&config).unwrap();
        let until = TsNs::new(MARKET_NS);
        let mut chunks = Vec::new();
        loop {
            let chunk = market.next_chunk(self.chunk_rows + 97 * symbol, Some(until));
            if chunk.is_empty() {
                return chunks;
            }
            chunks.push(Arc::new(chunk));
        }
    }

    pub fn journal(&self, book: &mut Shelf) -> JournalStart {
        let facts = |i: &Instrument| InstrumentFacts::of(i).unwrap();
        JournalStart {
            header: Header {
                format: FORMAT_VERSION,
                session_id: "a-session".to_owned(),
                mode: Mode::Paper,
                created: TsNs::ZERO,
                seed: self.seed,
                cid_prefix: "mmabcd12345678-".to_owned(),
                instruments: self.instruments().iter().map(facts).collect(),
                config: b"{}".to_vec(),
            },
            params: (0..self.symbols)
                .map(|_| book.keep(self.params()))
                .collect(),
            session: book.keep_session(self.session()),
            // between 0.4 and 2 s, at other moments in every session
            hash_every_ns: 400_000_000 + self.seed as i64 % 17 * 100_000_000,
            checkpoints: self.checkpoints,
        }
    }
}

/// A session that was written down.
pub struct Written {
    pub bytes: Vec<u8>,
    pub checkpoints: Vec<Checkpoint>,
    pub shelf: Shelf,
    /// Hashes of the traders at the end.
    pub hashes: Vec<u64>,
    /// Requests that were made.
    pub requests: u64,
}

/// Runs the session of `plan`; without `journal` nothing is written.
pub fn run(plan: &Plan, journal: bool) -> Written {
    let sampling = Sampling {
        bar_ns: 10_000_000_000,
        curve_ns: plan.record.then_some(1_000_000_000),
    };
    let lane = SessionLane {
        symbols: vec![
            LaneSpec {
                params: plan.params(),
                sim: plan.sim()
            };
            plan.symbols
        ],
        session: Some(plan.session()),
    };
    let mut shelf = Shelf::default();
    let mut outside = Outside::default();
    let mut backtest = Backtest::over(&plan.instruments(), &[lane], sampling, 1).unwrap();
    if journal {
        backtest.begin_journal(plan.journal(&mut shelf)).unwrap();
    }
    if plan.reload {
        reload(plan, &mut backtest, &mut shelf, 1.2);
    }
    let mut feeds: Vec<_> = (0..plan.symbols)
        .map(|symbol| plan.market(symbol).into_iter())
        .collect();
    let (mut bytes, mut checkpoints) = (Vec::new(), Vec::new());
    let mut until = 0;
    while until < MARKET_NS + 1_000_000_000 {
        until += hand::STEP_NS;
        while backtest.advance(until, &mut outside).unwrap() {
            let Some(symbol) = backtest.hungriest() else {
                break;
            };
            match feeds[symbol].next() {
                Some(chunk) => backtest.push(symbol, chunk).unwrap(),
                None => backtest.end(symbol),
            }
        }
        if plan.reload && (MARKET_NS / 2..MARKET_NS / 2 + 130_000_000).contains(&until) {
            reload(plan, &mut backtest, &mut shelf, 0.9);
        }
        hand::step(plan, &mut backtest, &mut outside, until);
        if plan.stop && (MARKET_NS - 500_000_000..MARKET_NS - 370_000_000).contains(&until) {
            let now = backtest.now_ns();
            backtest.stop(now);
        }
        if journal {
            take(&mut backtest, &mut bytes, &mut checkpoints);
        }
    }
    backtest.finish_because("done", &mut outside).unwrap();
    if journal {
        take(&mut backtest, &mut bytes, &mut checkpoints);
    }
    let traders = (0..plan.symbols).map(|symbol| backtest.lane(symbol, 0).unwrap().1.trader());
    let requests = |t: &mmbot_core::Telemetry| t.places + t.amends + t.cancels;
    Written {
        bytes,
        checkpoints,
        shelf,
        requests: traders.clone().map(|t| requests(t.telemetry())).sum(),
        hashes: traders.map(mmbot_core::Trader::state_hash).collect(),
    }
}

fn take(backtest: &mut Backtest, bytes: &mut Vec<u8>, checkpoints: &mut Vec<Checkpoint>) {
    let taken = backtest.take_journal(|taken| bytes.extend_from_slice(taken));
    taken.unwrap();
    checkpoints.extend(backtest.take_checkpoints().unwrap());
}

/// New parameters, before the first event as in the middle.
fn reload(plan: &Plan, backtest: &mut Backtest, shelf: &mut Shelf, base_spread_bps: f64) {
    let now = backtest.now_ns();
    let mut params = plan.params();
    params.quote.base_spread_bps = base_spread_bps;
    params.quote.cadence = Cadence::OnBook { refresh_ms: 60 };
    backtest.apply_params(0, 0, params, now).unwrap();
    backtest.write_params(0, shelf.keep(params), now);
    let mut session = plan.session();
    session.mux.enabled = base_spread_bps > 1.0;
    session.portfolio.budget_usd *= 0.7;
    backtest.apply_session(0, session.clone()).unwrap();
    backtest.write_session(shelf.keep_session(session), now);
}
