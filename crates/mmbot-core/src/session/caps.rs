//! Caps of the UTC day: loss, turnover, realised volatility. A breach blocks everything that is not
//! reducing, on all symbols, and is latched: the day's end or a higher limit lifts it, a recovered
//! result does not.

use super::calendar::{utc_day, utc_minute};
pub use mmbot_types::DayTotals;
use mmbot_types::Intent;
use mmbot_types::{IntradayCapsParams, TsNs};

/// Part of an amount that rounding may hide.
const MARGIN: f64 = 1e-9;

/// A cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Cap {
    /// `daily_pnl_stop`.
    Pnl = 0,
    /// `daily_turnover_cap`.
    Turnover = 1,
    /// `daily_vol_cap`.
    Vol = 2,
}

impl Cap {
    /// All caps in the order in which they are judged.
    pub const ALL: [Cap; 3] = [Cap::Pnl, Cap::Turnover, Cap::Vol];

    /// Name of the limit in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Cap::Pnl => "daily_pnl_stop",
            Cap::Turnover => "daily_turnover_cap",
            Cap::Vol => "daily_vol_cap",
        }
    }

    /// Its limit; `None` is off.
    fn limit(self, params: &IntradayCapsParams) -> Option<f64> {
        let limit = match self {
            Cap::Pnl => params.daily_pnl_stop_usd,
            Cap::Turnover => params.daily_turnover_cap_usd,
            Cap::Vol => params.daily_vol_cap_pct,
        };
        (limit > 0.0).then_some(limit)
    }
}

/// A change, as the audit wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapsEvent {
    /// Blocked from now on, because of the first cap that is breached.
    Block(Cap),
    /// Free again.
    Resume,
}

impl CapsEvent {
    /// `event` of the audit record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CapsEvent::Block(_) => "block",
            CapsEvent::Resume => "resume",
        }
    }
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CapsGauges {
    /// Net result of the day, USD.
    pub pnl_usd: f64,
    /// Turnover of the day, USD.
    pub turnover_usd: f64,
    /// Realised volatility of the day, percent, largest over the symbols.
    pub vol_pct: f64,
    /// Blocked now.
    pub breached: bool,
    /// Times it began to block.
    pub breach_total: u64,
    /// Limits at which caps are latched, in the order of [`Cap::ALL`].
    pub latched_at: [Option<f64>; 3],
}

/// Realised variance of one symbol over the day.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct DayVariance {
    last_mid: Option<f64>,
    sum_sq: f64,
}

/// A counter of the session, seen as that of the day.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct DayCounter {
    at_day_start: f64,
    latest: f64,
}

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct IntradayCaps {
    day: Option<i64>,
    /// The day began after the last update: its counters start with the next.
    begun: bool,
    minute: Option<i64>,
    now: TsNs,
    pnl: DayCounter,
    turnover: DayCounter,
    variances: Box<[DayVariance]>,
    /// Realised volatility of the day, percent, largest over the symbols.
    vol_pct: f64,
    latched_at: [Option<f64>; 3],
    breached: bool,
    breach_total: u64,
}

impl IntradayCaps {
    /// Caps of a session with `symbols` instruments whose counters stand at zero.
    #[must_use]
    pub fn new(symbols: usize) -> Self {
        Self {
            day: None,
            begun: false,
            minute: None,
            now: TsNs::ZERO,
            pnl: DayCounter::default(),
            turnover: DayCounter::default(),
            variances: vec![DayVariance::default(); symbols].into_boxed_slice(),
            vol_pct: 0.0,
            latched_at: [None; 3],
            breached: false,
            breach_total: 0,
        }
    }

    /// Takes over what the day brought before the session began; to be called before the first
    /// update. Numbers that are not finite count as 0, those of another day as none.
    pub fn restore(&mut self, totals: &DayTotals) {
        let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
        self.day = Some(totals.utc_day);
        self.pnl.at_day_start = self.pnl.latest - finite(totals.pnl_usd);
        self.turnover.at_day_start = self.turnover.latest - finite(totals.turnover_usd);
        for (variance, sum_sq) in self.variances.iter_mut().zip(&totals.sum_sq_returns) {
            variance.sum_sq = finite(*sum_sq).max(0.0);
        }
        self.refresh_vol();
        self.latched_at = totals.latched_at;
        self.breached = self.latched_at.iter().any(Option::is_some);
    }

    /// Mids by instrument index at a minute's boundary; a symbol without a usable book has none.
    /// Only the first call of a minute counts, so that it may be called more often. A return over
    /// missing minutes is one return; the first mid of a day is where its returns start from.
    pub fn on_minute(&mut self, mids: &[Option<f64>], now: TsNs) {
        self.begin(now);
        let minute = utc_minute(self.now);
        if self.minute.is_some_and(|seen| seen >= minute) {
            return;
        }
        self.minute = Some(minute);
        for (variance, mid) in self.variances.iter_mut().zip(mids) {
            variance.see(*mid);
        }
        self.refresh_vol();
    }

    /// Judges the session's counters: net result (realised and unrealised, after fees) and turnover
    /// since the session began, USD.
    pub fn update(
        &mut self,
        params: &IntradayCapsParams,
        net_usd: f64,
        turnover_usd: f64,
        now: TsNs,
    ) -> Option<CapsEvent> {
        self.pnl.see(net_usd);
        self.turnover.see(turnover_usd);
        self.begin(now);
        if std::mem::take(&mut self.begun) {
            self.pnl.at_day_start = self.pnl.latest;
            self.turnover.at_day_start = self.turnover.latest;
        }
        if !self.breached && Cap::ALL.iter().all(|cap| self.within(*cap, params)) {
            return None;
        }
        self.judge_latches(params)
    }

    /// Judges each cap and what holds of it.
    #[cold]
    fn judge_latches(&mut self, params: &IntradayCapsParams) -> Option<CapsEvent> {
        for cap in Cap::ALL {
            let limit = cap.limit(params);
            // a raised limit (or none) lifts the latch, and the cap is judged anew
            let latched = self.latched_at[cap as usize];
            let held = latched.filter(|at| limit.is_some_and(|limit| limit <= *at));
            let over = limit.filter(|limit| self.reached(cap, *limit));
            self.latched_at[cap as usize] = held.or(over);
        }
        let first = Cap::ALL
            .into_iter()
            .find(|cap| self.latched_at[*cap as usize].is_some());
        if self.breached == first.is_some() {
            return None;
        }
        self.breached = first.is_some();
        self.breach_total += u64::from(self.breached);
        Some(first.map_or(CapsEvent::Resume, CapsEvent::Block))
    }

    /// True while a cap is breached.
    #[must_use]
    pub const fn is_breached(&self) -> bool {
        self.breached
    }

    /// Whether an order may be sent.
    #[must_use]
    pub fn allows(&self, intent: Intent) -> bool {
        !self.breached || intent != Intent::Expand
    }

    /// A net result above the first and a turnover below the second change nothing until a minute
    /// or the day ends; `None` while a cap holds.
    pub(super) fn calm_bounds(&self, params: &IntradayCapsParams) -> Option<(f64, f64)> {
        if self.breached || self.begun || self.latched_at.iter().any(Option::is_some) {
            return None;
        }
        let pnl = Cap::Pnl.limit(params).map_or(f64::NEG_INFINITY, |limit| {
            let at = self.pnl.at_day_start - limit;
            at + MARGIN * (self.pnl.at_day_start.abs() + limit)
        });
        let turnover = Cap::Turnover.limit(params).map_or(f64::INFINITY, |limit| {
            (self.turnover.at_day_start + limit) * (1.0 - MARGIN)
        });
        Some((pnl, turnover))
    }

    /// What is exported, and what [`DayTotals`] needs at the next start.
    #[must_use]
    pub fn gauges(&self) -> CapsGauges {
        CapsGauges {
            pnl_usd: self.pnl.of_day(),
            turnover_usd: self.turnover.of_day(),
            vol_pct: self.vol_pct,
            breached: self.breached,
            breach_total: self.breach_total,
            latched_at: self.latched_at,
        }
    }

    /// Sums of squared 1-minute log returns of the day, by instrument index.
    pub fn sum_sq_returns(&self) -> impl Iterator<Item = f64> + '_ {
        self.variances.iter().map(|variance| variance.sum_sq)
    }

    /// Moves time on, and with it perhaps the day.
    fn begin(&mut self, now: TsNs) {
        self.now = self.now.max(now);
        let day = utc_day(self.now);
        let another = self.day.is_some_and(|seen| seen != day);
        self.day = Some(day);
        if another {
            self.begun = true;
            self.variances.fill(DayVariance::default());
            self.refresh_vol();
            self.latched_at = [None; 3];
        }
    }

    /// Largest figure of the day over its limit; 0 without limits.
    #[must_use]
    pub fn largest_ratio(&self, params: &IntradayCapsParams) -> f64 {
        let ratio = |cap: Cap| {
            let figure = match cap {
                Cap::Pnl => -self.pnl.of_day(),
                Cap::Turnover => self.turnover.of_day(),
                Cap::Vol => self.vol_pct,
            };
            cap.limit(params).map_or(0.0, |limit| figure / limit)
        };
        Cap::ALL.into_iter().map(ratio).fold(0.0, f64::max)
    }

    fn within(&self, cap: Cap, params: &IntradayCapsParams) -> bool {
        cap.limit(params)
            .is_none_or(|limit| !self.reached(cap, limit))
    }

    fn reached(&self, cap: Cap, limit: f64) -> bool {
        match cap {
            Cap::Pnl => self.pnl.of_day() <= -limit,
            Cap::Turnover => self.turnover.of_day() >= limit,
            Cap::Vol => self.vol_pct >= limit,
        }
    }

    /// To be called when a variance has changed.
    fn refresh_vol(&mut self) {
        let largest = self.sum_sq_returns().fold(0.0, f64::max);
        self.vol_pct = 100.0 * libm::sqrt(largest);
    }
}

impl DayVariance {
    fn see(&mut self, mid: Option<f64>) {
        let Some(mid) = mid.filter(|mid| mid.is_finite() && *mid > 0.0) else {
            return;
        };
        if let Some(before) = self.last_mid.replace(mid) {
            let log_return = libm::log(mid / before);
            self.sum_sq += log_return * log_return;
        }
    }
}

impl DayCounter {
    fn see(&mut self, latest: f64) {
        if latest.is_finite() {
            self.latest = latest;
        }
    }

    fn of_day(&self) -> f64 {
        self.latest - self.at_day_start
    }
}
