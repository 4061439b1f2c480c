//! Statistics of virtual orders: how far their prices and sizes are from the displayed best level.
//! Sums are integers and means floor divisions, so that repeated runs agree to the last bit and the
//! order of samples does not matter.

use mmbot_types::{InstrumentIdx, PriceTick, QtyLot, ShadowParams, TsNs};
use std::fmt;

/// A virtual order against the displayed best level of its side.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ShadowSample {
    /// `1e4 * (price - best) / best`.
    pub price_diff_bps: f64,
    /// `100 * (qty - best_qty) / best_qty`.
    pub size_diff_pct: f64,
}

impl ShadowSample {
    /// The sample of an order at `px` for `qty`; `None` without a displayed level.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // prices and quantities are below 2^53
    pub fn of(
        (px, qty): (PriceTick, QtyLot),
        (best, best_qty): (PriceTick, QtyLot),
    ) -> Option<Self> {
        let displayed = best.get() > 0 && best_qty.get() > 0;
        let share = |value: i64, of: i64| (value - of) as f64 / of as f64;
        displayed.then(|| Self {
            price_diff_bps: 1e4 * share(px.get(), best.get()),
            size_diff_pct: 100.0 * share(qty.get(), best_qty.get()),
        })
    }
}

/// Means over samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShadowSummary {
    /// Samples.
    pub count: u64,
    /// Mean, floored to whole basis points.
    pub avg_price_diff_bps: i64,
    /// Mean, floored to a tenth of a percent.
    pub avg_size_diff_pct: f64,
}

/// A mean went beyond its limit: told once until it comes back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShadowWarning {
    /// Which symbol.
    pub symbol: InstrumentIdx,
    /// Its means.
    pub summary: ShadowSummary,
}

/// What is exported of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ShadowGauges {
    /// Virtual orders, those without a sample included.
    pub orders_total: u64,
    /// Latest sample.
    pub last: Option<ShadowSample>,
    /// Means; `None` without samples.
    pub summary: Option<ShadowSummary>,
}

#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct Sums {
    count: u64,
    bps: i64,
    permille: i64,
}

#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct SymbolStats {
    orders_total: u64,
    sums: Sums,
    last: Option<ShadowSample>,
    beyond: bool,
}

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct ShadowStats {
    symbols: Box<[SymbolStats]>,
    all: Sums,
}

impl ShadowStats {
    /// Statistics of a session with `symbols` instruments.
    #[must_use]
    pub fn new(symbols: usize) -> Self {
        Self {
            symbols: vec![SymbolStats::default(); symbols].into_boxed_slice(),
            all: Sums::default(),
        }
    }

    /// A virtual order was placed. A sample that is not finite counts as none.
    pub fn record_shadow_sample(
        &mut self,
        params: &ShadowParams,
        symbol: InstrumentIdx,
        sample: Option<ShadowSample>,
    ) -> Option<ShadowWarning> {
        let stats = self.symbols.get_mut(usize::from(symbol.0))?;
        stats.orders_total += 1;
        let sample = sample.filter(ShadowSample::is_finite)?;
        stats.last = Some(sample);
        stats.sums.add(&sample);
        self.all.add(&sample);
        let summary = stats.sums.summary()?;
        let beyond = summary.is_beyond(params);
        let crossed = beyond && !stats.beyond;
        stats.beyond = beyond;
        crossed.then_some(ShadowWarning { symbol, summary })
    }

    /// `shadow_stats` over all symbols; `None` below `shadow.min_count` samples.
    #[must_use]
    pub fn summary(&self, params: &ShadowParams) -> Option<ShadowSummary> {
        let enough = |summary: &ShadowSummary| summary.count >= u64::from(params.min_count);
        self.all.summary().filter(enough)
    }

    /// What is exported of `symbol`.
    #[must_use]
    pub fn gauges(&self, symbol: InstrumentIdx) -> ShadowGauges {
        let stats = self.symbols.get(usize::from(symbol.0));
        stats.map_or_else(ShadowGauges::default, |stats| ShadowGauges {
            orders_total: stats.orders_total,
            last: stats.last,
            summary: stats.sums.summary(),
        })
    }
}

impl ShadowSample {
    fn is_finite(&self) -> bool {
        self.price_diff_bps.is_finite() && self.size_diff_pct.is_finite()
    }
}

impl ShadowSummary {
    #[allow(clippy::cast_precision_loss)] // basis points of a mean
    fn is_beyond(&self, params: &ShadowParams) -> bool {
        self.count >= u64::from(params.min_count)
            && ((self.avg_price_diff_bps as f64).abs() > params.max_price_diff_bps
                || self.avg_size_diff_pct.abs() > params.max_size_diff_pct)
    }
}

impl Sums {
    /// Both truncate toward zero; a float cast saturates.
    #[allow(clippy::cast_possible_truncation)]
    fn add(&mut self, sample: &ShadowSample) {
        self.count += 1;
        self.bps = self.bps.saturating_add(sample.price_diff_bps as i64);
        let permille = (sample.size_diff_pct * 10.0) as i64;
        self.permille = self.permille.saturating_add(permille);
    }

    #[allow(clippy::cast_precision_loss)] // a mean of permille
    fn summary(&self) -> Option<ShadowSummary> {
        let count = i64::try_from(self.count).ok().filter(|count| *count > 0)?;
        Some(ShadowSummary {
            count: self.count,
            avg_price_diff_bps: self.bps.div_euclid(count),
            avg_size_diff_pct: self.permille.div_euclid(count) as f64 / 10.0,
        })
    }
}

/// Client order ids of the virtual orders of one symbol: `shadow:{symbol}:{ts_ms}`, further ones of
/// the same millisecond with `:{n}` from 1 on. Time that goes back stands still, so that none comes
/// twice.
#[derive(Debug, Clone, Copy, Default)]
pub struct VirtualCids {
    ts_ms: Option<i64>,
    n: u32,
}

/// Text of one such id; colours are computed from the id without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VirtualCid<'a> {
    symbol: &'a str,
    ts_ms: i64,
    n: u32,
}

impl VirtualCids {
    /// The id of the next virtual order.
    pub fn next<'a>(&mut self, symbol: &'a str, now: TsNs) -> VirtualCid<'a> {
        let ts_ms = now.get().div_euclid(1_000_000);
        if self.ts_ms.is_some_and(|last| ts_ms <= last) {
            self.n += 1;
        } else {
            (self.ts_ms, self.n) = (Some(ts_ms), 0);
        }
        VirtualCid {
            symbol,
            ts_ms: self.ts_ms.unwrap_or(ts_ms),
            n: self.n,
        }
    }
}

impl fmt::Display for VirtualCid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shadow:{}:{}", self.symbol, self.ts_ms)?;
        match self.n {
            0 => Ok(()),
            n => write!(f, ":{n}"),
        }
    }
}
