//! Old and left-behind orders: time to live, price drift, and the tail batch. Runs after the
//! targets were dealt with, on orders that still rest as they were.

use super::Trader;
use super::manage::proposal;
use crate::guard::Exposure;
use crate::market::MarketView;
use crate::order::{Order, OrderState};
use crate::strategy::Target;
use crate::trace::{Steps, Value, number};
use mmbot_types::{Cause, Cid, ReplaceMode, TsNs};

/// What the anti-stale guard did about one order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StaleNote {
    /// The order.
    pub cid: Cid,
    /// How far the mid moved since it was placed or amended, bps.
    pub drift_bps: f64,
    /// Too old; else the mid moved away.
    pub by_age: bool,
    /// A request was sent; else a limit of requests stood against it.
    pub sent: bool,
}

impl Trader {
    /// Notes what the anti-stale guard does from now on, until it is taken.
    pub fn watch_stale(&mut self) {
        self.stale_notes = Some(Vec::new());
    }

    /// What it did since; notes no more.
    pub fn take_stale(&mut self) -> Vec<StaleNote> {
        self.stale_notes.take().unwrap_or_default()
    }

    fn note_stale(&mut self, before: &Order, drift_bps: f64, by_age: bool, slot: usize) {
        let after = self.orders.get(slot);
        let sent = after.state != OrderState::Live;
        // a drift that begins anew asks for nothing
        let stands = !sent && after.drift_mid != before.drift_mid;
        if let Some(notes) = self.stale_notes.as_mut().filter(|_| !stands) {
            notes.push(StaleNote {
                cid: before.cid,
                drift_bps,
                by_age,
                sent,
            });
        }
    }

    pub(super) fn keep_up(&mut self, now: TsNs, view: &MarketView, exposure: &mut Exposure) {
        if self.params.anti_stale.enabled {
            for at in 0..self.scratch.pairs.len() {
                let pair = self.scratch.pairs[at];
                if self.orders.get(pair.slot).state == OrderState::Live {
                    self.check_stale(now, view, pair.slot, pair.target, exposure);
                }
            }
        }
        self.cancel_tail(now);
    }

    #[allow(clippy::cast_precision_loss)] // an order's age
    fn check_stale(
        &mut self,
        now: TsNs,
        view: &MarketView,
        slot: usize,
        target: Option<Target>,
        exposure: &mut Exposure,
    ) {
        let params = self.params.anti_stale;
        let order = *self.orders.get(slot);
        let drift_bps = drift_bps(&order, view);
        self.trace.note("stale", (Some(order.side), None), || {
            [
                ("age_ms", number(order.age_ns(now) as f64 / 1e6)),
                ("order_ttl_ms", Value::Count(params.order_ttl_ms)),
                ("drift_bps", number(drift_bps)),
                ("price_drift_bps", number(params.price_drift_bps)),
            ]
        });
        if order.age_ns(now) > params.order_ttl_ms.saturating_mul(1_000_000) {
            self.telemetry.found_stale(order.age_ns(now));
            self.telemetry.ttl_cancels += 1;
            self.cancel(now, slot, Cause::TtlExpired);
            self.note_stale(&order, drift_bps, true, slot);
        } else if drift_bps > params.price_drift_bps {
            self.refresh(now, view, slot, target, exposure);
            self.note_stale(&order, drift_bps, false, slot);
        }
    }

    /// Moves an order whose market moved to its target; without one, or if it may not go there, it
    /// is cancelled.
    fn refresh(
        &mut self,
        now: TsNs,
        view: &MarketView,
        slot: usize,
        target: Option<Target>,
        exposure: &mut Exposure,
    ) {
        let order = *self.orders.get(slot);
        let Some(mut target) = target else {
            return self.cancel_drifted(now, slot);
        };
        if target.px == order.terms.px {
            // the strategy wants it where it is: the drift starts anew
            self.orders.get_mut(slot).drift_mid = view.mid;
            return;
        }
        match self.checked(view.mid, exposure, proposal(&order, target)) {
            Ok(allowed) => target.qty = allowed.qty,
            Err(detail) => {
                self.deny_replace(detail);
                return self.cancel_drifted(now, slot);
            }
        }
        let by_amend = self.params.replace.mode == ReplaceMode::Amend && !order.not_amendable;
        if let Err(detail) = self.may_replace(now, by_amend) {
            return self.deny_replace(detail);
        }
        self.telemetry.found_stale(order.age_ns(now));
        self.telemetry.drift_refreshes += 1;
        self.send_replace(now, view, slot, target, Cause::PriceDrift, exposure);
        self.orders.get_mut(slot).refreshing = self.params.replace.mode == ReplaceMode::Amend;
    }

    fn cancel_drifted(&mut self, now: TsNs, slot: usize) {
        let age_ns = self.orders.get(slot).age_ns(now);
        self.telemetry.found_stale(age_ns);
        self.telemetry.drift_cancels += 1;
        self.cancel(now, slot, Cause::PriceDrift);
    }

    /// Cancels the oldest orders that are off their target, up to a batch.
    #[allow(clippy::cast_precision_loss)] // an order's age
    fn cancel_tail(&mut self, now: TsNs) {
        let tail = self.params.tail;
        let mut aged = std::mem::take(&mut self.scratch.aged);
        for pair in &self.scratch.pairs {
            let order = self.orders.get(pair.slot);
            let on_target = pair
                .target
                .is_some_and(|target| target.px == order.terms.px);
            if order.state == OrderState::Live && !on_target {
                let age_ns = order.age_ns(now);
                let limit_ns = tail.tail_age_ms.saturating_mul(1_000_000);
                if age_ns >= limit_ns.saturating_add(self.jitter_ns(order)) {
                    self.trace.note("tail", (Some(order.side), None), || {
                        [
                            ("age_ms", number(age_ns as f64 / 1e6)),
                            ("tail_age_ms", Value::Count(tail.tail_age_ms)),
                        ]
                    });
                    aged.push((order.since, pair.slot));
                }
            }
        }
        if !aged.is_empty() {
            aged.sort_by_key(|(since, slot)| (*since, self.orders.get(*slot).cid));
            self.telemetry.batch_cancels += 1;
            for (_, slot) in aged.drain(..).take(tail.max_batch as usize) {
                self.telemetry.tail_cancels += 1;
                self.cancel_quote(now, slot, Cause::TailAge);
            }
        }
        self.scratch.aged = aged;
    }

    /// The order's own addition to the tail age, ns: one draw per order.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // a few seconds
    fn jitter_ns(&self, order: &Order) -> i64 {
        match self.params.tail.jitter_ms {
            0 => 0,
            ms => (self.jitter.uniform(order.cid.get()) * (ms as f64 * 1e6)) as i64,
        }
    }
}

/// How far the mid moved since the order was last placed or amended, bps.
#[allow(clippy::cast_precision_loss)] // prices are below 2^53 ticks
fn drift_bps(order: &Order, view: &MarketView) -> f64 {
    let reference = order.drift_mid.get() as f64;
    1e4 * ((view.mid.get() - order.drift_mid.get()).abs() as f64 / reference)
}
