//! What a trader notes of a decision while it is traced.

use super::{Fresh, Trader};
use crate::guard::refusal;
use crate::market::MarketView;
use crate::order::Order;
use crate::strategy::{SideTargets, Target};
use crate::trace::{Steps, Trace, Value, count, maybe, number};
use mmbot_types::{Action, BlockDetail, Cause, Color, PriceTick, QtyLot, Side, TsNs};

type Field = (&'static str, Value);

impl Trader {
    /// Notes the steps of decisions from now on, or no more.
    pub fn trace_decisions(&mut self, on: bool) {
        self.trace = on.then(Box::default);
    }

    /// Steps of the latest decision; `None` if it is not traced.
    #[must_use]
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_deref()
    }

    /// A decision begins: what it looks at.
    pub(super) fn trace_situation(&mut self, now: TsNs, view: &MarketView) {
        let mut trace = self.trace.take().unwrap_or_default();
        trace.begin(now);
        trace.note("market", (None, None), || market_fields(view));
        trace.note("position", (None, None), || {
            [
                ("position", Value::Qty(self.position)),
                ("position_usd", number(self.position_usd(view.mid))),
                ("equity_usd", number(self.equity_usd(view.mid))),
                (
                    "open_orders",
                    Value::Count(i64::from(self.orders.all_open().len())),
                ),
                ("stopped", Value::Flag(self.stopped)),
            ]
        });
        trace.note("permit", (None, None), || self.permit_fields());
        trace.note("policy", (None, None), || self.policy_fields());
        self.trace = Some(trace);
    }

    fn permit_fields(&self) -> [Field; 10] {
        let permit = &self.permit;
        let budget = permit.budget;
        let side = |side: Side| maybe(budget.map(|budget| budget.side_mult[side.index()]));
        [
            ("holds", Value::Names(permit.holds.names())),
            ("target_usd", maybe(budget.map(|budget| budget.target_usd))),
            ("bid_mult", side(Side::Buy)),
            ("ask_mult", side(Side::Sell)),
            (
                "levels_max",
                budget.map_or(Value::Absent, |budget| count(budget.levels_max)),
            ),
            ("size_mult", number(permit.size_mult)),
            ("spread_mult", number(permit.spread_mult)),
            ("slippage_bps", number(permit.slippage_bps)),
            ("gross_cap_usd", number(permit.gross_cap_usd)),
            ("circuit", Value::Name(permit.circuit.name())),
        ]
    }

    fn policy_fields(&self) -> [Field; 7] {
        let (lent, calmer) = (&self.permit.lent, self.permit.calmer);
        [
            ("creates_left", count(lent.creates)),
            ("amends_left", count(lent.amends)),
            ("cancels_left", count(lent.cancels)),
            ("is_calmed", Value::Flag(calmer.is_some())),
            (
                "min_time_in_book_ms",
                Value::Count(self.min_time_in_book_ms()),
            ),
            (
                "replace_threshold_bps",
                number(self.replace_threshold_bps()),
            ),
            (
                "calmed_levels_max",
                calmer.map_or(Value::Absent, |calmer| count(calmer.levels_max)),
            ),
        ]
    }

    pub(super) fn trace_adverse(&mut self, view: &MarketView, suppressed: [bool; 2]) {
        let quote = &self.params.quote;
        if !quote.enable_adverse_guard {
            return;
        }
        self.trace.note("adverse_guard", (None, None), || {
            [
                ("bid_share", number(view.bid_share())),
                ("imbalance_cutoff", number(quote.imbalance_cutoff)),
                (
                    "bids_suppressed",
                    Value::Flag(suppressed[Side::Buy.index()]),
                ),
                (
                    "asks_suppressed",
                    Value::Flag(suppressed[Side::Sell.index()]),
                ),
            ]
        });
    }

    /// Targets of a side before and after the bounds.
    pub(super) fn trace_bound(
        &mut self,
        side: Side,
        innermost: Option<PriceTick>,
        before: &SideTargets,
        after: &SideTargets,
    ) {
        self.trace.note("post_only_bound", (Some(side), None), || {
            [("innermost", innermost.map_or(Value::Absent, Value::Px))]
        });
        let is_whole = before.as_slice().len() == after.as_slice().len();
        for (at, target) in after.as_slice().iter().enumerate() {
            let from = before.as_slice().get(at).filter(|_| is_whole);
            self.trace.note("target", (Some(side), level_of(at)), || {
                [
                    (
                        "px_wanted",
                        from.map_or(Value::Absent, |from| Value::Px(from.px)),
                    ),
                    ("px", Value::Px(target.px)),
                    ("qty", Value::Qty(target.qty)),
                ]
            });
        }
    }

    pub(super) fn trace_cut(
        &mut self,
        side: Side,
        held: i64,
        detail: BlockDetail,
        (before, after): (&SideTargets, &SideTargets),
    ) {
        let sum = |targets: &SideTargets| {
            let lots = targets.as_slice().iter().map(|target| target.qty.get());
            Value::Qty(QtyLot::new(lots.sum()))
        };
        self.trace.note("reduce_only", (Some(side), None), || {
            [
                ("because", Value::Name(detail.name())),
                ("can_reduce", Value::Qty(QtyLot::new(held))),
                ("qty_wanted", sum(before)),
                ("qty", sum(after)),
            ]
        });
    }

    /// A live order and the target that it is paired with.
    #[allow(clippy::cast_precision_loss)] // an order's age
    pub(super) fn trace_pair(&mut self, now: TsNs, order: &Order, target: Option<Target>) {
        let min_age_ms = self.min_time_in_book_ms();
        let full = self.session_seq(order.cid);
        self.trace
            .note("pair", (Some(order.side), Some(order.level)), || {
                [
                    ("order", Value::Order(full)),
                    ("state", Value::Name(order.state.name())),
                    ("px", Value::Px(order.terms.px)),
                    ("qty", Value::Qty(order.open())),
                    ("age_ms", number(order.age_ns(now) as f64 / 1e6)),
                    ("min_time_in_book_ms", Value::Count(min_age_ms)),
                    (
                        "target_px",
                        target.map_or(Value::Absent, |target| Value::Px(target.px)),
                    ),
                    (
                        "target_qty",
                        target.map_or(Value::Absent, |target| Value::Qty(target.qty)),
                    ),
                ]
            });
    }

    pub(super) fn trace_replace(&mut self, order: &Order, target: Target, by_amend: bool) {
        let full = self.session_seq(order.cid);
        self.trace
            .note("replace", (Some(order.side), Some(order.level)), || {
                [
                    ("order", Value::Order(full)),
                    ("by", Value::Name(if by_amend { "amend" } else { "cancel" })),
                    ("px", Value::Px(target.px)),
                    ("qty", Value::Qty(target.qty)),
                ]
            });
    }

    pub(super) fn trace_place(&mut self, wanted: &Fresh, color: Color, target: Target) {
        let factor = self.permit.color_size(color, wanted.side);
        self.trace
            .note("place", (Some(wanted.side), Some(wanted.level)), || {
                [
                    ("px", Value::Px(target.px)),
                    ("qty_wanted", Value::Qty(wanted.target.qty)),
                    ("color", Value::Name(color.name())),
                    ("color_mult", number(factor)),
                    ("qty", Value::Qty(target.qty)),
                ]
            });
    }

    #[allow(clippy::cast_precision_loss)] // a few seconds
    pub(super) fn trace_throttle(&mut self, now: TsNs, judged: Result<(), BlockDetail>) {
        let last = self.throttle.last_sent();
        let sent = self.throttle.sent_last_minute(now);
        let (throttle, replace) = (&self.throttle, &self.params.replace);
        self.trace.note("replace_throttle", (None, None), || {
            [
                ("in_flight", count(throttle.in_flight())),
                ("max_concurrent", number(replace.max_concurrent)),
                (
                    "since_last_ms",
                    maybe(last.map(|last| now.since_ns(last) as f64 / 1e6)),
                ),
                ("min_interval_ms", Value::Count(replace.min_interval_ms)),
                (
                    "sent_last_minute",
                    Value::Count(i64::try_from(sent).unwrap_or(i64::MAX)),
                ),
                ("replace_rate_per_min", count(replace.replace_rate_per_min)),
                ("refused", refusal(judged)),
            ]
        });
    }

    pub(super) fn trace_requests(&mut self, requests: &[(Action, Cause)]) {
        let mut trace = self.trace.take().unwrap_or_default();
        for (action, cause) in requests {
            let full = self.session_seq(action.cid());
            let (name, px, qty) = match action {
                Action::Place(new) => ("place", Some(new.px), Some(new.qty)),
                Action::Amend { px, total_qty, .. } => ("amend", Some(*px), Some(*total_qty)),
                Action::Cancel { .. } => ("cancel", None, None),
            };
            trace.note("request", (self.side_of(action.cid()), None), || {
                [
                    ("action", Value::Name(name)),
                    ("order", Value::Order(full)),
                    ("px", px.map_or(Value::Absent, Value::Px)),
                    ("qty", qty.map_or(Value::Absent, Value::Qty)),
                    ("cause", Value::Name(cause.name())),
                ]
            });
        }
        self.trace = Some(trace);
    }
}

fn market_fields(view: &MarketView) -> [Field; 12] {
    let px = |px: PriceTick| {
        if view.synced {
            Value::Px(px)
        } else {
            Value::Absent
        }
    };
    let qty = |qty: QtyLot| {
        if view.synced {
            Value::Qty(qty)
        } else {
            Value::Absent
        }
    };
    let raw = |ticks: f64| {
        if view.synced {
            Value::RawPx(ticks)
        } else {
            Value::Absent
        }
    };
    let spread = view.synced.then(|| view.spread_bps());
    [
        ("synced", Value::Flag(view.synced)),
        ("bid", px(view.bid)),
        ("bid_qty", qty(view.bid_qty)),
        ("ask", px(view.ask)),
        ("ask_qty", qty(view.ask_qty)),
        ("mid", raw(view.mid.ticks_f64())),
        ("spread_bps", maybe(spread)),
        ("microprice", raw(view.microprice_ticks)),
        ("imbalance", number(view.imbalance)),
        ("trade_flow", number(view.flow)),
        ("vola_1m_bps", maybe(view.vola_1m_bps)),
        ("sigma", maybe(view.sigma_known)),
    ]
}

fn level_of(at: usize) -> Option<u8> {
    u8::try_from(at).ok()
}
