//! One allocator tick: twelve stages in order, a function of parameters, weights, state and inputs.
//!
//! The parent decides the order; each stage is a leaf in its own file. Targets are worked on in
//! lexicographic order of the symbols, so that equal input gives equal bits however a configuration
//! lists them.

use super::budget::{self, Clamp, Softening, round6};
use super::cost::{Observation, cost_of};
use super::fee_tilt::{FeeTilt, tilt_of};
use super::flow;
use super::models::{
    AccountInputs, AllocatorState, PortfolioTarget, Stage, StageSink, SymbolFigures, SymbolInputs,
    SymbolState,
};
use super::smoothing::{MoveRules, smooth};
use mmbot_types::{CostParams, InstrumentIdx, PortfolioParams};

/// The result of a tick, and buffers kept for their memory.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Allocation {
    /// By instrument; empty after a breach of the caps of the day: no targets at all.
    pub targets: Vec<PortfolioTarget>,
    /// By instrument; those of the latest tick with targets.
    pub figures: Vec<SymbolFigures>,
    /// Budget that equity can pay for, USD.
    pub budget_available_usd: f64,
    /// Limit of the sum of all targets, USD.
    pub limit_usd: f64,
    /// From the high-water mark, 0..1.
    pub drawdown: f64,
    /// Drawdown softening, 0..=1000.
    pub soft_permille: u32,
    /// Relative raise of all targets towards the next fee tier.
    pub tilt: f64,
    work: Work,
}

/// Targets in lexicographic order of the symbols.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
struct Work {
    targets: Vec<f64>,
    /// After stage 4.
    softened: Vec<f64>,
    /// After stage 10.
    smoothed: Vec<f64>,
    clamp: Clamp,
}

/// What is given from outside once per rebalance.
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a> {
    /// By instrument, sum 1.
    pub weights: &'a [f64],
    /// Instruments in lexicographic order of their symbols.
    pub order: &'a [InstrumentIdx],
    /// Fee tier.
    pub fee_tilt: FeeTilt,
}

/// Runs all stages once. All slices have one entry per instrument; `state.symbols` grows to that.
pub fn tick(
    params: &PortfolioParams,
    weights: Weights<'_>,
    state: &mut AllocatorState,
    account: &AccountInputs,
    symbols: &[SymbolInputs],
    out: &mut Allocation,
    sink: &mut impl StageSink,
) {
    state.symbols.resize(symbols.len(), SymbolState::default());
    let hwm_usd = budget::next_hwm_usd(state.hwm_equity_usd, account.equity_usd, account.flow_usd);
    state.hwm_equity_usd = hwm_usd;
    let foreign_usd = account.foreign_margin_usd;
    let available_usd = budget::available_usd(params.budget_usd, account.equity_usd, foreign_usd);
    let soft = budget::soften(&params.budget, hwm_usd, account.equity_usd);
    out.budget_available_usd = available_usd;
    out.limit_usd = budget::limit_usd(available_usd, soft.permille);
    out.drawdown = soft.drawdown;
    out.soft_permille = soft.permille;
    out.tilt = 0.0;
    out.targets.clear();
    let mut run = Run {
        params,
        weights,
        account,
        symbols,
        soft,
        out,
    };
    if account.intraday_breached || symbols.is_empty() {
        run.back_off(state);
        for symbol in &mut state.symbols {
            symbol.current_usd = 0.0;
        }
    } else {
        run.stages(state, sink);
    }
}

/// The working parts of one tick.
struct Run<'a> {
    params: &'a PortfolioParams,
    weights: Weights<'a>,
    account: &'a AccountInputs,
    symbols: &'a [SymbolInputs],
    soft: Softening,
    out: &'a mut Allocation,
}

impl Run<'_> {
    fn stages(&mut self, state: &mut AllocatorState, sink: &mut impl StageSink) {
        self.out
            .figures
            .resize(self.symbols.len(), SymbolFigures::default());
        self.base(sink);
        self.attenuate(sink);
        sink.stage(Stage::Skew, &self.out.work.targets);
        self.smooth(state);
        sink.stage(Stage::Smoothing, &self.out.work.targets);
        self.keep_without_tilt(state);
        self.tilt();
        sink.stage(Stage::FeeTilt, &self.out.work.targets);
        self.round_and_fit();
        sink.stage(Stage::Final, &self.out.work.targets);
        self.publish();
    }

    fn seen(&self, instrument: InstrumentIdx) -> &SymbolInputs {
        &self.symbols[usize::from(instrument.0)]
    }

    fn own_usd(&self, instrument: InstrumentIdx) -> f64 {
        self.out.budget_available_usd * self.weights.weights[usize::from(instrument.0)]
    }

    /// Changes the target of each symbol by `change`.
    fn each(
        &mut self,
        change: impl Fn(&Self, InstrumentIdx, &CostParams, f64) -> (f64, SymbolFigures),
    ) {
        for (rank, &instrument) in self.weights.order.iter().enumerate() {
            let params = self.params.cost_of(instrument);
            let (target, figures) = change(self, instrument, params, self.out.work.targets[rank]);
            self.out.work.targets[rank] = target;
            self.out.figures[usize::from(instrument.0)] = figures;
        }
    }

    /// Stages 1 to 4.
    fn base(&mut self, sink: &mut impl StageSink) {
        let (budget_usd, all) = (self.params.budget_usd, self.weights);
        let base = |at: &InstrumentIdx| (budget_usd * all.weights[usize::from(at.0)]).max(0.0);
        self.out.work.targets.clear();
        self.out.work.targets.extend(all.order.iter().map(base));
        sink.stage(Stage::IntradayCaps, &self.out.work.targets);
        sink.stage(Stage::Base, &self.out.work.targets);
        for (rank, &instrument) in all.order.iter().enumerate() {
            let own_usd = self.own_usd(instrument);
            let target = &mut self.out.work.targets[rank];
            *target = target.min(own_usd);
        }
        sink.stage(Stage::Availability, &self.out.work.targets);
        for target in &mut self.out.work.targets {
            *target = *target * f64::from(self.soft.permille) / 1_000.0;
        }
        self.fit();
        self.out.work.softened.clone_from(&self.out.work.targets);
        sink.stage(Stage::SoftFactor, &self.out.work.targets);
    }

    /// Stages 5 to 8.
    fn attenuate(&mut self, sink: &mut impl StageSink) {
        let now = self.account.now;
        self.each(|run, at, params, target| {
            let seen = run.seen(at);
            let spread_bps = Observation::known(seen.spread_bps, now);
            let volume_usd = Observation::known(seen.volume_usd, now);
            let cost = cost_of(target, params, spread_bps, volume_usd, seen.slippage);
            let figures = run.out.figures[usize::from(at.0)];
            (target * cost.attenuation, SymbolFigures { cost, ..figures })
        });
        sink.stage(Stage::Cost, &self.out.work.targets);
        self.each(|run, at, params, target| {
            let mut figures = run.out.figures[usize::from(at.0)];
            figures.fill_attenuation = flow::fill_attenuation(run.seen(at).fill_rate, params);
            (target * figures.fill_attenuation, figures)
        });
        sink.stage(Stage::FillRate, &self.out.work.targets);
        self.each(|run, at, params, target| {
            let depth_usd = Observation::known(run.seen(at).depth_usd, now).unwrap_or(0.0);
            let mut figures = run.out.figures[usize::from(at.0)];
            figures.liquidity_factor = flow::liquidity_factor(depth_usd, params);
            (
                target * flow::liquidity_attenuation(depth_usd, params),
                figures,
            )
        });
        sink.stage(Stage::Liquidity, &self.out.work.targets);
        self.each(|run, at, params, target| {
            let (usd, own_usd) = (run.seen(at).turnover_usd, run.own_usd(at));
            let mut figures = run.out.figures[usize::from(at.0)];
            figures.turnover_factor = flow::turnover_factor(usd, own_usd, params);
            (target * figures.turnover_factor, figures)
        });
        sink.stage(Stage::Turnover, &self.out.work.targets);
    }

    /// Stage 10. A target that stage 4 set to 0 is 0 at once: a reduction of risk is never delayed.
    fn smooth(&mut self, state: &mut AllocatorState) {
        let rules = MoveRules {
            smoothing: &self.params.smoothing,
            bias: &self.params.bias,
        };
        for (rank, &instrument) in self.weights.order.iter().enumerate() {
            let at = usize::from(instrument.0);
            let (seen, old) = (&self.symbols[at], &mut state.symbols[at]);
            let level_before = old.backoff.level;
            let breached = seen.skew_frozen || seen.color_breach;
            old.backoff = old.backoff.after(breached, rules.smoothing);
            let work = &mut self.out.work;
            let stopped = work.softened[rank] == 0.0;
            let current_usd = if stopped { 0.0 } else { old.current_usd };
            let levels = (old.backoff, level_before);
            let step = smooth(work.targets[rank], current_usd, seen, levels, rules);
            work.targets[rank] = step.next_usd;
            self.out.figures[at].step = step;
        }
    }

    fn back_off(&self, state: &mut AllocatorState) {
        for (seen, old) in self.symbols.iter().zip(&mut state.symbols) {
            let breached = seen.skew_frozen || seen.color_breach;
            old.backoff = old.backoff.after(breached, &self.params.smoothing);
        }
    }

    /// What the next tick moves from: this tick's result as it were without a tilt.
    fn keep_without_tilt(&mut self, state: &mut AllocatorState) {
        self.out.work.smoothed.clone_from(&self.out.work.targets);
        self.round_and_fit();
        for (rank, instrument) in self.weights.order.iter().enumerate() {
            let current = &mut state.symbols[usize::from(instrument.0)].current_usd;
            *current = self.out.work.targets[rank];
        }
        let work = &mut self.out.work;
        work.targets.clone_from(&work.smoothed);
    }

    /// Stage 11.
    fn tilt(&mut self) {
        let breached = |seen: &SymbolInputs| seen.skew_frozen || seen.color_breach;
        if !self.account.tilt_blocked && !self.symbols.iter().any(breached) {
            let total_usd = self.out.work.clamp.sum(&self.out.work.targets);
            let cap_ratio = self.params.smoothing.fee_bias_cap_ratio;
            let limit_usd = self.out.limit_usd;
            self.out.tilt = tilt_of(self.weights.fee_tilt, total_usd, limit_usd, cap_ratio);
        }
        for target in &mut self.out.work.targets {
            *target *= 1.0 + self.out.tilt;
        }
    }

    /// Stage 12. Rounded before the clamp: rounding up must not lift the sum over the limit.
    fn round_and_fit(&mut self) {
        for target in &mut self.out.work.targets {
            *target = round6(*target);
        }
        self.fit();
    }

    fn fit(&mut self) {
        let (limit_usd, least_usd) = (self.out.limit_usd, self.params.budget.budget_min_usd);
        let work = &mut self.out.work;
        work.clamp.fit(&mut work.targets, limit_usd, least_usd);
    }

    /// Stage 9 acts here: a frozen symbol has factor 0 on the side that expands it.
    fn publish(&mut self) {
        let none = PortfolioTarget {
            target_usd: 0.0,
            max_levels: self.params.levels_per_side_min,
            bid_mult: 1.0,
            ask_mult: 1.0,
        };
        self.out.targets.resize(self.symbols.len(), none);
        for (rank, &instrument) in self.weights.order.iter().enumerate() {
            let at = usize::from(instrument.0);
            let (seen, weight) = (&self.symbols[at], self.weights.weights[at]);
            let factor = |expands: bool| {
                if seen.skew_frozen && expands {
                    0.0
                } else {
                    1.0
                }
            };
            self.out.targets[at] = PortfolioTarget {
                target_usd: self.out.work.targets[rank],
                max_levels: max_levels(self.params, weight, self.symbols.len()),
                bid_mult: factor(seen.position_usd > 0.0),
                ask_mult: factor(seen.position_usd < 0.0),
            };
        }
    }
}

/// Open orders per side that a weight allows among `count` symbols; halves round up.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
pub fn max_levels(params: &PortfolioParams, weight: f64, count: usize) -> u32 {
    let hi = params.max_weight.max(1.0 / count.max(1) as f64);
    let most = params.levels_per_side_max;
    let level = (f64::from(most) * weight / hi + 0.5).floor() as u32;
    level.min(most).max(params.levels_per_side_min)
}
