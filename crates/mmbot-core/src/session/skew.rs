//! Position skew guard: a symbol whose position is too large is frozen (nothing that enlarges it),
//! and orders of a colour whose positions lean too far are made smaller on the side that enlarges
//! the lean, larger on the other. Positions are signed USD; a value that is not finite is not
//! taken, the last one stays.

use super::latency_window::rank_p95;
use mmbot_types::Intent;
use mmbot_types::{Color, InstrumentIdx, PosSkewParams, Side, TsNs};

/// Bias as soon as a colour is over its limit.
const BIAS_MIN: f64 = 0.05;
/// What a sum of twice the limit or more adds to it.
const BIAS_RANGE: f64 = 0.05;

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkewScope {
    /// The position of a symbol.
    Symbol(InstrumentIdx),
    /// The sum of the positions that fills of a colour opened.
    Color(Color),
}

/// Which way a condition changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkewChange {
    /// The limit is exceeded from now on.
    Breach,
    /// It holds again.
    Recover,
}

impl SkewChange {
    /// `event` of the audit record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SkewChange::Breach => "breach",
            SkewChange::Recover => "recover",
        }
    }
}

/// One change of one condition, as the audit wants it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SkewEvent {
    /// When.
    pub ts: TsNs,
    /// What changed.
    pub scope: SkewScope,
    /// Which way.
    pub change: SkewChange,
    /// Largest |position| / limit over all symbols and colours with a limit.
    pub value: f64,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SkewGauges {
    /// Starts of a breach, of symbols and colours.
    pub breach_total: u64,
    /// Symbols over their limit now.
    pub symbol_breach_count: u32,
    /// A colour is over its limit now.
    pub color_breach: bool,
    /// Latest change; `None` if there was none.
    pub last_change: Option<TsNs>,
    /// 95th percentile (nearest rank) over the symbols of |position| / limit; 0 without a limit.
    pub abs_p95: f64,
}

#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct Watched {
    usd: f64,
    breached: bool,
}

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct PosSkew {
    symbols: Box<[Watched]>,
    colors: [Watched; 2],
    bias: [f64; 2],
    now: TsNs,
    breach_total: u64,
    last_change: Option<TsNs>,
    /// Room to sort in.
    ratios: Vec<f64>,
}

impl PosSkew {
    /// A guard of a session with `symbols` instruments.
    #[must_use]
    pub fn new(symbols: usize) -> Self {
        Self {
            symbols: vec![Watched::default(); symbols].into_boxed_slice(),
            colors: [Watched::default(); 2],
            bias: [0.0; 2],
            now: TsNs::ZERO,
            breach_total: 0,
            last_change: None,
            ratios: Vec::with_capacity(symbols),
        }
    }

    /// Judges the positions, signed USD by instrument index and by [`Color::index`], and hands
    /// every change to `on_change`. A symbol without a value keeps its last one.
    pub fn update(
        &mut self,
        params: &PosSkewParams,
        symbols_usd: &[f64],
        colors_usd: [f64; 2],
        now: TsNs,
        on_change: impl FnMut(SkewEvent),
    ) {
        self.now = self.now.max(now);
        let known = self.symbols.iter_mut().zip(symbols_usd);
        known.for_each(|(watched, usd)| watched.see(*usd));
        let known = self.colors.iter_mut().zip(&colors_usd);
        known.for_each(|(watched, usd)| watched.see(*usd));

        if self.would_change(params) {
            self.tell_changes(params, on_change);
        }
        self.bias = self.colors.map(|color| color.bias(params));
    }

    /// True if a condition changes with the positions seen.
    fn would_change(&self, params: &PosSkewParams) -> bool {
        let symbol = params.per_symbol_abs_limit_usd;
        let color = params.per_color_abs_limit_usd;
        self.symbols
            .iter()
            .any(|watched| watched.exceeds(symbol) != watched.breached)
            || self
                .colors
                .iter()
                .any(|watched| watched.exceeds(color) != watched.breached)
    }

    #[cold]
    fn tell_changes(&mut self, params: &PosSkewParams, mut on_change: impl FnMut(SkewEvent)) {
        let value = self.largest_ratio(params);
        let (mut changes, mut starts) = (0u64, 0u64);
        let mut tell = |scope, breached: bool| {
            let change = match breached {
                true => SkewChange::Breach,
                false => SkewChange::Recover,
            };
            changes += 1;
            starts += u64::from(breached);
            let ts = self.now;
            on_change(SkewEvent {
                ts,
                scope,
                change,
                value,
            });
        };
        for (index, watched) in (0u16..).zip(self.symbols.iter_mut()) {
            if watched.judge(params.per_symbol_abs_limit_usd) {
                tell(SkewScope::Symbol(InstrumentIdx(index)), watched.breached);
            }
        }
        for (color, watched) in Color::BOTH.into_iter().zip(&mut self.colors) {
            if watched.judge(params.per_color_abs_limit_usd) {
                tell(SkewScope::Color(color), watched.breached);
            }
        }
        self.breach_total += starts;
        if changes > 0 {
            self.last_change = Some(self.now);
        }
    }

    /// True while the symbol is frozen: live orders that enlarge its position are to be cancelled.
    #[must_use]
    pub fn is_frozen(&self, symbol: InstrumentIdx) -> bool {
        let found = self.symbols.get(usize::from(symbol.0));
        found.is_some_and(|watched| watched.breached)
    }

    /// Whether an order on the symbol may be sent.
    #[must_use]
    pub fn allows(&self, symbol: InstrumentIdx, intent: Intent) -> bool {
        intent != Intent::Expand || !self.is_frozen(symbol)
    }

    /// Multiplier of a side's target (`bid_mult`, `ask_mult`): 0 on the side that enlarges the
    /// position of a frozen symbol, else 1.
    #[must_use]
    pub fn side_mult(&self, symbol: InstrumentIdx, side: Side) -> f64 {
        let found = self.symbols.get(usize::from(symbol.0));
        let closed = found.is_some_and(|watched| watched.breached && watched.grows_by(side));
        if closed { 0.0 } else { 1.0 }
    }

    /// Size bias of a colour; 0 within its limit.
    #[must_use]
    pub const fn bias(&self, color: Color) -> f64 {
        self.bias[color.index()]
    }

    /// True while no colour has a bias: all factors of quantities are 1.
    #[inline]
    #[must_use]
    pub fn is_unbiased(&self) -> bool {
        self.bias == [0.0; 2]
    }

    /// Factor of an order's quantity: 1 - bias on the side that enlarges the colour's lean, 1 +
    /// bias on the other.
    #[must_use]
    #[inline]
    pub fn qty_mult(&self, color: Color, side: Side) -> f64 {
        let bias = self.bias(color);
        if self.colors[color.index()].grows_by(side) {
            1.0 - bias
        } else {
            1.0 + bias
        }
    }

    /// True while the symbol, or the colour of any order, is over its limit (allocator back-off).
    #[must_use]
    pub fn is_breached(&self, symbol: InstrumentIdx) -> bool {
        self.is_frozen(symbol) || self.colors.iter().any(|color| color.breached)
    }

    /// Largest position of a symbol and of a colour either way with which an update would change
    /// nothing, USD; `None` while a limit is passed.
    pub(super) fn calm_limits(&self, params: &PosSkewParams) -> Option<(f64, f64)> {
        let breached = |watched: &Watched| watched.breached;
        if self.symbols.iter().chain(&self.colors).any(breached) {
            return None;
        }
        let limit = |usd: f64| if usd > 0.0 { usd } else { f64::INFINITY };
        Some((
            limit(params.per_symbol_abs_limit_usd),
            limit(params.per_color_abs_limit_usd),
        ))
    }

    /// What is exported; sorts, so not for the path of an order.
    pub fn gauges(&mut self, params: &PosSkewParams) -> SkewGauges {
        let frozen = self.symbols.iter().filter(|watched| watched.breached);
        SkewGauges {
            breach_total: self.breach_total,
            symbol_breach_count: u32::try_from(frozen.count()).unwrap_or(u32::MAX),
            color_breach: self.colors.iter().any(|color| color.breached),
            last_change: self.last_change,
            abs_p95: self.abs_p95(params.per_symbol_abs_limit_usd),
        }
    }

    fn abs_p95(&mut self, limit_usd: f64) -> f64 {
        if limit_usd <= 0.0 || self.symbols.is_empty() {
            return 0.0;
        }
        self.ratios.clear();
        let ratios = self.symbols.iter().map(|symbol| symbol.ratio(limit_usd));
        self.ratios.extend(ratios);
        let rank = rank_p95(self.ratios.len());
        let (_, at_rank, _) = self.ratios.select_nth_unstable_by(rank - 1, f64::total_cmp);
        *at_rank
    }

    fn largest_ratio(&self, params: &PosSkewParams) -> f64 {
        let (symbol, color) = (
            params.per_symbol_abs_limit_usd,
            params.per_color_abs_limit_usd,
        );
        let symbols = self.symbols.iter().map(|watched| watched.ratio(symbol));
        let colors = self.colors.iter().map(|watched| watched.ratio(color));
        symbols.chain(colors).fold(0.0, f64::max)
    }
}

impl Watched {
    fn see(&mut self, usd: f64) {
        if usd.is_finite() {
            self.usd = usd;
        }
    }

    /// |position| / limit; 0 without a limit.
    fn ratio(&self, limit_usd: f64) -> f64 {
        if limit_usd > 0.0 {
            self.usd.abs() / limit_usd
        } else {
            0.0
        }
    }

    fn exceeds(&self, limit_usd: f64) -> bool {
        limit_usd > 0.0 && self.usd.abs() > limit_usd
    }

    /// True if the condition changed.
    fn judge(&mut self, limit_usd: f64) -> bool {
        let breached = self.exceeds(limit_usd);
        std::mem::replace(&mut self.breached, breached) != breached
    }

    fn grows_by(&self, side: Side) -> bool {
        match side {
            Side::Buy => self.usd > 0.0,
            Side::Sell => self.usd < 0.0,
        }
    }

    fn bias(&self, params: &PosSkewParams) -> f64 {
        let limit = params.per_color_abs_limit_usd;
        if !self.breached {
            return 0.0;
        }
        let excess = ((self.usd.abs() - limit) / limit).min(1.0);
        params.bias_cap_ratio.min(BIAS_MIN + BIAS_RANGE * excess)
    }
}
