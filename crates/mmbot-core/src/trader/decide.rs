//! One decision, from the situation to the requests.

use super::Trader;
use crate::market::{Market, MarketView};
use crate::strategy::built_in::{self, QuoterInput};
use crate::strategy::{Quote, StrategyView, Target, Targets};
use crate::trace::{Steps, Value};
use mmbot_types::{ActionBuf, BlockDetail, Cause, MidTick, Money, QuoterKind, Side, TsNs};

impl Trader {
    /// Decides at `now`; requests are appended to `out`. A trader whose strategy is outside has no
    /// targets here: everything is cancelled.
    #[inline]
    pub fn decide(&mut self, now: TsNs, market: &mut Market, out: &mut ActionBuf) {
        match self.params.quote.kind {
            QuoterKind::Reference => self.decide_reference(now, market, out),
            QuoterKind::BuiltIn => self.decide_managed(now, market, None, out),
            QuoterKind::External => self.decide_managed(now, market, Some(&[]), out),
        }
    }

    /// Decides at `now` with targets from outside; guards and order management are those of every
    /// other strategy.
    pub fn decide_with(
        &mut self,
        now: TsNs,
        market: &mut Market,
        quotes: &[Quote],
        out: &mut ActionBuf,
    ) {
        self.decide_managed(now, market, Some(quotes), out);
    }

    /// What a strategy outside the core sees at `now`.
    #[must_use]
    pub fn external_view(&self, now: TsNs, market: &mut Market) -> StrategyView {
        let view = market.view(now);
        let mid = market.last_mid().unwrap_or_default();
        StrategyView {
            now,
            market: view,
            position: self.position,
            position_usd: self.position_usd(mid),
            equity_usd: self.equity_usd(mid),
            target_usd: self.target_usd(),
            side_usd: self.side_usd(),
            spread_mult: self.permit.spread_mult,
            levels_max: self.levels_max(),
            slippage_ewma_bps: self.permit.slippage_bps,
            max_position_usd: self.params.risk.max_position_usd,
            quote: self.params.quote,
        }
    }

    /// Equity of the session at its last synchronisation, with what this symbol made since; marked
    /// at `mid`, after fees, USD.
    #[must_use]
    pub fn equity_usd(&self, mid: MidTick) -> f64 {
        let own_usd = self.instrument.money_to_f64(self.net(mid));
        self.permit.equity_usd + own_usd - self.permit.own_net_usd
    }

    /// Position marked at `mid`, USD.
    #[must_use]
    pub fn position_usd(&self, mid: MidTick) -> f64 {
        let marked = Money::notional(mid.to_exec(), self.position);
        self.instrument.money_to_f64(marked)
    }

    fn decide_managed(
        &mut self,
        now: TsNs,
        market: &mut Market,
        external: Option<&[Quote]>,
        out: &mut ActionBuf,
    ) {
        self.begin(now, market);
        let view = market.view(now);
        if self.trace.is_some() {
            self.trace_situation(now, &view);
        }
        if let Some((detail, cause)) = self.halted(view.synced) {
            self.trace.note("halted", (None, None), || {
                [
                    ("by", Value::Name(detail.name())),
                    ("cancels_because", Value::Name(cause.name())),
                ]
            });
            self.block(detail);
            self.cancel_all(now, cause);
        } else {
            let suppressed = self.adverse.update(&self.params.quote, &view, now);
            self.trace_adverse(&view, suppressed);
            let mut targets = match external {
                Some(quotes) => self.external_targets(quotes, &view),
                None => self.built_in_targets(&view),
            };
            if let Some(detail) = self.permit.holds.reduce_only() {
                self.only_reduce(now, &mut targets, detail);
            }
            self.manage(now, &view, &targets, suppressed);
        }
        self.flush(out);
        self.schedule(now);
    }

    /// What every decision begins with.
    #[inline]
    pub(super) fn begin(&mut self, now: TsNs, market: &Market) {
        self.telemetry.blocks.begin();
        self.edge.resolve(market, &mut self.telemetry);
        if now >= self.timeout_at {
            self.time_out(now);
        }
    }

    /// What the strategies' short path asks at every decision; to be called when the permit changes
    /// or the trader is stopped or resumed.
    pub(super) fn refresh_holds(&mut self) {
        self.unheld = self.halted(true).is_none();
    }

    /// Why nothing may be quoted, if so, and what it means for live orders.
    #[inline]
    pub(super) fn halted(&self, synced: bool) -> Option<(BlockDetail, Cause)> {
        if !synced {
            Some((BlockDetail::StaleBook, Cause::StaleBook))
        } else if self.stopped {
            Some((BlockDetail::Kill, Cause::Kill))
        } else if self.held {
            Some((BlockDetail::RiskPaused, Cause::RiskPause))
        } else if let Some(held) = self.permit.holds.stop() {
            Some(held)
        } else if self.target_usd() <= 0.0 {
            Some((BlockDetail::PortfolioBudget, Cause::NoTarget))
        } else {
            None
        }
    }

    fn built_in_targets(&mut self, view: &MarketView) -> Targets {
        let input = QuoterInput {
            position_usd: self.position_usd(view.mid),
            side_usd: self.side_usd(),
            slippage_ewma_bps: self.permit.slippage_bps,
            spread_mult: self.permit.spread_mult,
            levels_max: self.levels_max(),
        };
        let (params, instrument) = (&self.params, &self.instrument);
        let mut targets = match &mut self.trace {
            None => built_in::targets(params, view, instrument, &input, &mut ()),
            Some(trace) => built_in::targets(params, view, instrument, &input, &mut **trace),
        };
        self.bound(&mut targets, view);
        targets
    }

    fn external_targets(&mut self, quotes: &[Quote], view: &MarketView) -> Targets {
        let mut targets = Targets::default();
        for quote in quotes {
            let (px, qty) = (quote.px, quote.qty);
            let fits = crate::guard::fits_venue(&self.instrument, px, qty);
            self.trace
                .note("strategy_quote", (Some(quote.side), None), || {
                    [
                        ("px", Value::Px(px)),
                        ("qty", Value::Qty(qty)),
                        ("fits_venue", Value::Flag(fits)),
                    ]
                });
            if fits {
                targets
                    .of_mut(quote.side)
                    .insert(quote.side, Target { px, qty });
            }
        }
        self.bound(&mut targets, view);
        targets
    }

    /// A post-only quote stays a tick away from the other side; no two quotes of a side share a
    /// price.
    fn bound(&mut self, targets: &mut Targets, view: &MarketView) {
        for side in Side::BOTH {
            let innermost = self
                .params
                .quote
                .post_only
                .then(|| side.outward(view.best(side.opposite()), 1));
            let before = self.trace.is_some().then(|| *targets.of(side));
            targets.of_mut(side).bound(side, innermost);
            if let Some(before) = &before {
                self.trace_bound(side, innermost, before, targets.of(side));
            }
        }
    }

    /// Notional of bids and of asks, USD.
    fn side_usd(&self) -> [f64; 2] {
        Side::BOTH.map(|side| self.permit.side_usd(side) * self.permit.size_mult)
    }

    /// Levels that a side may have: of the target, and fewer while autopolicy calms.
    fn levels_max(&self) -> u32 {
        let of_target = self.permit.budget.map_or(0, |budget| budget.levels_max);
        let of_policy = self
            .permit
            .calmer
            .map_or(u32::MAX, |calmer| calmer.levels_max);
        of_target.min(of_policy)
    }
}
