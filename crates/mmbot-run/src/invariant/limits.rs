//! Requests against limits: the worst that can come of all that is open and under way.

use super::{Findings, Invariant};
use crate::fault::Truth;
use crate::world::Batch;
use mmbot_core::Permit;
use mmbot_types::{Action, Cid, Money, Params, PriceTick, QtyLot, ReplaceMode, Side};

/// Sums of products of doubles differ in the last bits.
const ROUNDING: f64 = 1.0 + 1e-9;

/// What a side may come to after a batch.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    orders: u32,
    lots: i64,
    notional: Money,
    /// Notional of what will be open if all goes as asked, without orders on their way out beside
    /// their successor.
    staying: Money,
    /// Lowest price among orders just asked for, and how many of them are new.
    asked_px: Option<PriceTick>,
    placed: u32,
}

/// What requests are judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub truth: &'a Truth,
    /// Position, without fills of which the trader could not know.
    pub position: i64,
    pub permit: &'a Permit,
    /// Parameters that were given to the trader, whatever it made of them.
    pub params: &'a Params,
    pub batch: &'a Batch<'a>,
}

impl Case<'_> {
    /// Judges the requests of a trader, all of them sent.
    pub(super) fn judge(&self, findings: &mut Findings) {
        let sides = self.sides();
        self.judge_guards(findings, &sides);
        self.judge_orders(findings);
        for side in Side::BOTH {
            if let Some(px) = sides[side.index()].asked_px {
                self.judge_side(findings, side, &sides[side.index()], px);
                self.judge_budget(findings, side, &sides[side.index()]);
            }
        }
        self.judge_gross(findings, &sides);
    }

    fn sides(&self) -> [Open; 2] {
        let mut sides = [Open::default(); 2];
        for (cid, order) in self.truth.alive() {
            let open = &mut sides[order.side.index()];
            let lots = self.truth.worst_open(cid, order);
            let px = self.truth.dearest_px(cid, order);
            open.orders += 1;
            open.lots += lots;
            open.notional += Money::notional(px.to_exec(), QtyLot::new(lots));
            if !self.is_leaving(cid) {
                let asked = self.truth.asked(cid);
                let (px, total) = asked.unwrap_or((order.px, order.total));
                let left = QtyLot::new((total - order.cum).max(0));
                open.staying += Money::notional(px.to_exec(), left);
            }
        }
        for (action, _) in self.batch.actions {
            let (side, px, placed) = match *action {
                Action::Place(order) => (order.side, order.px, 1),
                Action::Amend { cid, px, .. } => match self.truth.order(cid) {
                    Some(order) => (order.side, px, 0),
                    None => continue,
                },
                Action::Cancel { .. } => continue,
            };
            let open = &mut sides[side.index()];
            open.asked_px = Some(open.asked_px.map_or(px, |lowest| lowest.min(px)));
            open.placed += placed;
        }
        sides
    }

    /// On its way out beside its successor, as far as the trader knows.
    fn is_leaving(&self, cid: Cid) -> bool {
        let trader = self.batch.trader;
        self.params.replace.mode == ReplaceMode::CancelAndPlace
            && trader
                .open_orders()
                .any(|order| order.cid == cid && order.state == "PendingCancel")
    }

    /// Lots held against `side`: what it may reduce.
    fn held_against(&self, side: Side) -> i64 {
        (-side.sign() * self.position).max(0)
    }

    fn verdict(
        &self,
        findings: &mut Findings,
        rule: Invariant,
        holds: bool,
        detail: impl FnOnce() -> String,
    ) {
        let symbol = Some(self.batch.spot.symbol);
        findings.judge(rule, holds, self.batch.now, symbol, detail);
    }

    fn judge_guards(&self, findings: &mut Findings, sides: &[Open; 2]) {
        if sides.iter().any(|open| open.asked_px.is_some()) {
            let hold = self.permit.holds.stop();
            self.verdict(findings, Invariant::HeldSymbol, hold.is_none(), || {
                format!("sent while {hold:?} holds")
            });
        }
        let Some(guard) = self.permit.holds.reduce_only() else {
            return;
        };
        for side in Side::BOTH {
            let (open, held) = (&sides[side.index()], self.held_against(side));
            if open.asked_px.is_some() {
                self.verdict(findings, Invariant::ReduceOnly, open.lots <= held, || {
                    format!("{guard:?}: {} lots open against {held} held", open.lots)
                });
            }
        }
    }

    fn judge_orders(&self, findings: &mut Findings) {
        let limit_usd = self.params.risk.max_order_notional_usd;
        if limit_usd <= 0.0 {
            return;
        }
        for (action, _) in self.batch.actions {
            let (px, qty) = match *action {
                Action::Place(order) => (order.px, order.qty),
                Action::Amend { cid, px, total_qty } => {
                    let filled = self.truth.order(cid).map_or(0, |order| order.cum);
                    (px, QtyLot::new((total_qty.get() - filled).max(0)))
                }
                Action::Cancel { .. } => continue,
            };
            let usd = self.batch.market.instrument().notional_usd(px, qty);
            let holds = usd <= limit_usd * ROUNDING;
            self.verdict(findings, Invariant::OrderNotional, holds, || {
                format!("an order of {usd} USD, limit {limit_usd}")
            });
        }
    }

    fn judge_side(&self, findings: &mut Findings, side: Side, open: &Open, px: PriceTick) {
        let risk = &self.params.risk;
        let reached = self.position + side.sign() * open.lots;
        let instrument = self.batch.market.instrument();
        let reached_usd = instrument.notional_usd(px, QtyLot::new(reached.abs()));
        let reducing = open.lots <= self.held_against(side);
        let holds = reducing || reached_usd <= risk.max_position_usd * ROUNDING;
        self.verdict(findings, Invariant::PositionLimit, holds, || {
            let name = side.name();
            format!("{name} could reach {reached} lots, {reached_usd} USD")
        });
        if open.placed == 0 {
            return;
        }
        let holds = open.orders <= risk.max_active_per_side;
        self.verdict(findings, Invariant::ActiveOrders, holds, || {
            format!("{} {} orders", open.orders, side.name())
        });
        let permit = self.permit;
        let of_target = permit.budget.map_or(0, |budget| budget.levels_max);
        let of_policy = permit.calmer.map_or(u32::MAX, |calmer| calmer.levels_max);
        let holds = open.orders <= of_target.min(of_policy);
        self.verdict(findings, Invariant::PortfolioLevels, holds, || {
            let orders = open.orders;
            format!("{orders} orders, target {of_target}, policy {of_policy}")
        });
    }

    #[allow(clippy::cast_precision_loss)] // a sign
    fn judge_budget(&self, findings: &mut Findings, side: Side, open: &Open) {
        let mid = self.batch.market.last_mid().unwrap_or_default();
        let position_usd = self.batch.trader.position_usd(mid);
        let held_usd = (side.sign() as f64 * position_usd).max(0.0);
        let open_usd = self.batch.market.instrument().money_to_f64(open.staying);
        let (used_usd, budget_usd) = (open_usd + held_usd, self.permit.side_usd(side));
        let holds = used_usd <= budget_usd * ROUNDING + 1e-6;
        self.verdict(findings, Invariant::PortfolioBudget, holds, || {
            let name = side.name();
            format!("{name}: {open_usd} open and {held_usd} held, of {budget_usd} USD")
        });
    }

    /// Reducing sides are free of the gross limit.
    fn judge_gross(&self, findings: &mut Findings, sides: &[Open; 2]) {
        let expands = |side: Side| {
            let open = &sides[side.index()];
            open.asked_px.is_some() && open.lots > self.held_against(side)
        };
        if !Side::BOTH.into_iter().any(expands) {
            return;
        }
        let instrument = self.batch.market.instrument();
        let mid = self.batch.market.last_mid().unwrap_or_default();
        let mut gross_usd = self.batch.trader.position_usd(mid).abs();
        for side in Side::BOTH {
            let open = &sides[side.index()];
            if open.asked_px.is_none() || expands(side) {
                gross_usd += instrument.money_to_f64(open.notional);
            }
        }
        let cap_usd = self.permit.gross_cap_usd;
        let holds = gross_usd <= cap_usd * ROUNDING;
        self.verdict(findings, Invariant::GrossShare, holds, || {
            format!("{gross_usd} USD of {cap_usd}")
        });
    }
}
