//! What a session knows of one of its symbols: read at a synchronisation, nothing is judged here.

use super::outcome::{CallOutcome, OutcomeCounts};
use super::permit::Permit;
use super::shadow_stats::ShadowSample;
use crate::market::Market;
use crate::telemetry::Telemetry;
use crate::trader::{EndNote, FillNote, Trader};
use mmbot_types::{BlockDetail, MidTick, QtyLot, TsNs};

/// Counters of the trader at the last synchronisation: what grew since is what happened.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct Seen {
    places: u64,
    amends: u64,
    cancels: u64,
    rejected: u64,
    refused: u64,
    guard_cancels: u64,
}

/// Requests since the last synchronisation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sent {
    /// New orders.
    pub creates: u32,
    /// Amends.
    pub amends: u32,
    /// Cancels.
    pub cancels: u32,
    /// New orders that the venue refused.
    pub rejects: u32,
    /// Requests that the windows refused.
    pub refused: u32,
    /// Cancels because the runtime guard pauses.
    pub guard_cancels: u32,
}

/// The market as the session sees it.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub struct SeatMarket {
    /// Last valid mid.
    pub mid: Option<MidTick>,
    /// USD of one base unit at the mid; 0 while unknown.
    pub mid_usd: f64,
    /// The book is usable.
    pub synced: bool,
    /// Spread at the last full second, bps; `None` without a usable book. So are those below.
    pub spread_bps: Option<f64>,
    /// Book imbalance.
    pub imbalance: f64,
    /// Microprice against the mid.
    pub micro_tilt: f64,
    /// Fast over slow volatility; `None` until known.
    pub sigma: Option<f64>,
    /// Volatility of one minute, fraction; `None` until known.
    pub vola: Option<f64>,
    /// Notional near the mid, USD; `None` without a usable book.
    pub depth_usd: Option<f64>,
    /// Traded notional of the last hour, USD.
    pub volume_usd: f64,
    /// Largest feed latency of the last second, ms; `None` in silence.
    pub ws_lag_ms: Option<f64>,
}

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Seat {
    /// What it may do until the next synchronisation.
    pub permit: Permit,
    /// Its market.
    pub market: SeatMarket,
    /// Signed position, USD.
    pub position_usd: f64,
    /// Signed position by colour, USD.
    pub color_usd: [f64; 2],
    /// Position and open orders, USD.
    pub gross_usd: f64,
    /// Net result since the start, USD.
    pub net_usd: f64,
    /// Notional of all fills since the start, USD.
    pub turnover_usd: f64,
    /// Gross exposure limit that the symbol's parameters name, USD; infinite without one.
    pub gross_limit_usd: f64,
    /// Open orders.
    pub open_orders: usize,
    /// A probe of the circuit breaker is on its way.
    pub probing: bool,
    /// Requests since the last synchronisation.
    pub sent: Sent,
    /// Results of requests since then, without the probe's.
    pub outcomes: OutcomeCounts,
    /// Result of the probe, if it came.
    pub probe: Option<CallOutcome>,
    /// Times from a cancel to its answer in the second before the last full one, ns; so are the
    /// lists below.
    pub cancel_latency_ns: Vec<i64>,
    /// Times that orders rested at one price, ns.
    pub ages_ns: Vec<i64>,
    /// New orders against the displayed best level; `None` where there was none.
    pub shadows: Vec<Option<ShadowSample>>,
    /// Orders that ended.
    pub ended: Vec<EndNote>,
    /// Fills.
    pub fills: Vec<FillNote>,
    /// `strategy.min_time_in_book_ms` and `strategy.replace_threshold_bps` as configured.
    pub min_time_in_book_ms: i64,
    /// See `min_time_in_book_ms`.
    pub replace_threshold_bps: f64,
    seen: Seen,
}

impl Default for Seat {
    fn default() -> Self {
        let mut permit = Permit::alone(0.0, f64::INFINITY, 0.0);
        permit.budget = None;
        Self {
            permit,
            market: SeatMarket::default(),
            position_usd: 0.0,
            color_usd: [0.0; 2],
            gross_usd: 0.0,
            net_usd: 0.0,
            turnover_usd: 0.0,
            gross_limit_usd: f64::INFINITY,
            open_orders: 0,
            probing: false,
            sent: Sent::default(),
            outcomes: OutcomeCounts::default(),
            probe: None,
            cancel_latency_ns: Vec::new(),
            ages_ns: Vec::new(),
            shadows: Vec::new(),
            ended: Vec::new(),
            fills: Vec::new(),
            min_time_in_book_ms: 0,
            replace_threshold_bps: 0.0,
            seen: Seen::default(),
        }
    }
}

impl Seat {
    /// True if nothing was sent or answered since the last synchronisation.
    #[inline]
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.sent == Sent::default() && self.outcomes.is_empty() && self.probe.is_none()
    }

    /// Reads where the symbol stands and what was sent and answered.
    pub fn read(&mut self, now: TsNs, trader: &mut Trader, market: &Market) {
        let mid = market.last_mid();
        self.market.mid = mid;
        self.market.mid_usd = mid.map_or(0.0, |mid| market.mid_usd(mid));
        self.market.synced = market.quotable(now).is_some();
        let at = mid.unwrap_or_default();
        self.position_usd = trader.position_usd(at);
        // most often all orders have one colour
        let marked = |position: QtyLot| match position.is_zero() {
            true => 0.0,
            false => trader.marked_usd(position, at),
        };
        self.color_usd = trader.position_by_color().map(marked);
        self.gross_usd = trader.gross_usd(mid);
        self.net_usd = trader.net_usd(at);
        self.turnover_usd = trader.turnover_usd();
        self.open_orders = trader.open_orders().count();
        self.probing = trader.is_probing();
        let params = trader.params();
        let limit = params.risk.max_gross_exposure_usd;
        self.gross_limit_usd = if limit > 0.0 { limit } else { f64::INFINITY };
        self.min_time_in_book_ms = params.replace.min_time_in_book_ms;
        self.replace_threshold_bps = params.replace.replace_threshold_bps;
        self.read_counters(trader.telemetry());
        (self.outcomes, self.probe) = trader.since_mut().take_results();
    }

    /// Reads what is judged once a second: the market's figures, which take a walk over the book,
    /// and what the trader noted since the last time. Apart, so that nine of ten synchronisations
    /// do not load its code.
    #[cold]
    pub fn read_second(&mut self, now: TsNs, trader: &mut Trader, market: &mut Market) {
        self.read_market(now, market);
        trader.follow_fills(market);
        let since = trader.since_mut();
        // the two sides trade their buffers, so that nothing is allocated
        std::mem::swap(&mut self.cancel_latency_ns, &mut since.cancel_latency_ns);
        std::mem::swap(&mut self.ages_ns, &mut since.ages_ns);
        std::mem::swap(&mut self.shadows, &mut since.shadows);
        std::mem::swap(&mut self.ended, &mut since.ended);
        std::mem::swap(&mut self.fills, &mut since.fills);
        since.clear_notes();
    }

    fn read_market(&mut self, now: TsNs, market: &mut Market) {
        let activity = market.activity(now);
        let view = market.view(now);
        let known = &mut self.market;
        known.sigma = activity.sigma;
        known.vola = activity.vola_1m_bps.map(|bps| bps / 1e4);
        known.spread_bps = activity.spread_bps;
        known.depth_usd = activity.liquidity_depth_usd;
        known.volume_usd = activity.volume_usd;
        known.ws_lag_ms = activity.ws_lag_ms;
        known.imbalance = view.imbalance;
        known.micro_tilt = view.micro_tilt;
    }

    #[allow(clippy::cast_possible_truncation)] // requests of a tenth of a second
    fn read_counters(&mut self, t: &Telemetry) {
        let before = self.seen;
        self.seen = Seen {
            places: t.places,
            amends: t.amends,
            cancels: t.cancels,
            rejected: t.rejected,
            refused: t.blocks.count(BlockDetail::ThrottleBlock),
            guard_cancels: t.guard_cancels,
        };
        let grew = |now: u64, before: u64| now.saturating_sub(before) as u32;
        self.sent = Sent {
            creates: grew(self.seen.places, before.places),
            amends: grew(self.seen.amends, before.amends),
            cancels: grew(self.seen.cancels, before.cancels),
            rejects: grew(self.seen.rejected, before.rejected),
            refused: grew(self.seen.refused, before.refused),
            guard_cancels: grew(self.seen.guard_cancels, before.guard_cancels),
        };
    }
}
