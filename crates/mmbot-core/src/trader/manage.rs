//! From targets to requests: live orders and targets of a side are paired from the touch outward;
//! what has no partner is cancelled or placed, what differs too much is replaced, if the checks
//! allow.

use super::{Fresh, Move, Pair, Trader};
use crate::guard::{CheckContext, Exposure, Proposal, Replaced, fits_venue, within_budget};
use crate::market::MarketView;
use crate::order::{Order, OrderState, SLOTS, Terms};
use crate::strategy::{Target, Targets};
use crate::trace::{Steps, Value, number};
use mmbot_types::{BlockDetail, Cause, MidTick, PriceTick, QtyLot, ReplaceMode, Side, TsNs};

impl Trader {
    pub(super) fn manage(
        &mut self,
        now: TsNs,
        view: &MarketView,
        targets: &Targets,
        suppressed: [bool; 2],
    ) {
        let mut exposure = self.exposure();
        for side in Side::BOTH {
            self.pair_side(side, targets, suppressed[side.index()]);
        }
        self.judge_pairs(now, view, &exposure);
        let mut moves = std::mem::take(&mut self.scratch.moves);
        // the throttle lets few through: the order that is farthest off its target goes first
        moves.sort_by(|a, b| b.off_bps.total_cmp(&a.off_bps));
        for wanted in moves.drain(..) {
            self.replace(now, view, &wanted, &mut exposure);
        }
        self.scratch.moves = moves;
        let mut fresh = std::mem::take(&mut self.scratch.fresh);
        for wanted in fresh.drain(..) {
            self.place_checked(now, view, &wanted, &mut exposure);
        }
        self.scratch.fresh = fresh;
        self.keep_up(now, view, &mut exposure);
        self.scratch.pairs.clear();
    }

    /// Sends a change of `slot` to `target`, or what stands for it: a cancel, and a new order once
    /// (or while) the old one leaves. Checks have passed.
    pub(super) fn send_replace(
        &mut self,
        now: TsNs,
        view: &MarketView,
        slot: usize,
        target: Target,
        cause: Cause,
        exposure: &mut Exposure,
    ) {
        let before = *self.orders.get(slot);
        exposure.remove(&before);
        if self.params.replace.mode == ReplaceMode::Amend && !before.not_amendable {
            let to = Terms {
                px: target.px,
                total: before.filled + target.qty,
                decision_mid: view.mid,
                opposite: view.best(before.side.opposite()),
            };
            self.amend(now, slot, to, cause);
        } else {
            self.cancel_to_replace(now, slot, cause);
        }
        let leaving = self.is_leaving(self.orders.get(slot));
        exposure.add(self.orders.get(slot), leaving);
    }

    /// The checks of one order at this decision.
    pub(super) fn context<'a>(&'a self, mid: MidTick, exposure: &'a Exposure) -> CheckContext<'a> {
        CheckContext {
            instrument: &self.instrument,
            risk: &self.params.risk,
            exposure,
            position: self.position,
            mid,
            permit: &self.permit,
        }
    }

    /// Runs the checks of an order.
    pub(super) fn checked(
        &mut self,
        mid: MidTick,
        exposure: &Exposure,
        proposal: Proposal,
    ) -> Result<Proposal, BlockDetail> {
        if self.trace.is_none() {
            return self.context(mid, exposure).check(proposal);
        }
        let mut trace = self.trace.take().unwrap_or_default();
        let judged = self
            .context(mid, exposure)
            .check_traced(proposal, &mut trace);
        self.trace = Some(trace);
        judged
    }

    pub(super) fn exposure(&self) -> Exposure {
        let mut exposure = Exposure::default();
        for slot in self.orders.all_open() {
            let order = self.orders.get(slot);
            exposure.add(order, self.is_leaving(order));
        }
        exposure
    }

    /// On its way out with its successor already allowed beside it.
    fn is_leaving(&self, order: &Order) -> bool {
        self.params.replace.mode == ReplaceMode::CancelAndPlace
            && matches!(order.state, OrderState::PendingCancel { .. })
    }

    fn pair_side(&mut self, side: Side, targets: &Targets, suppressed: bool) {
        let mut slots = [0usize; SLOTS];
        let mut len = 0;
        for slot in self.orders.open(side) {
            let order = self.orders.get(slot);
            if self.is_leaving(order) {
                continue;
            }
            // insertion sort from the touch outward, older first at one price
            let before = |other: &Order| {
                let (px, other_px) = (order.working_px(), other.working_px());
                side.better(px, other_px) || (px == other_px && order.cid < other.cid)
            };
            let mut at = len;
            while at > 0 && before(self.orders.get(slots[at - 1])) {
                slots[at] = slots[at - 1];
                at -= 1;
            }
            slots[at] = slot;
            len += 1;
        }
        let wanted = targets.of(side).as_slice();
        if suppressed && !wanted.is_empty() {
            self.block(BlockDetail::Adverse);
        }
        let wanted = if suppressed { &[] } else { wanted };
        for (at, slot) in slots[..len].iter().enumerate() {
            self.scratch.pairs.push(Pair {
                slot: *slot,
                target: wanted.get(at).copied(),
                suppressed,
            });
        }
        for (level, target) in (0u8..).zip(wanted).skip(len) {
            self.scratch.fresh.push(Fresh {
                side,
                level,
                target: *target,
            });
        }
    }

    fn judge_pairs(&mut self, now: TsNs, view: &MarketView, exposure: &Exposure) {
        let min_age_ns = self.min_time_in_book_ms().saturating_mul(1_000_000);
        for at in 0..self.scratch.pairs.len() {
            let pair = self.scratch.pairs[at];
            let order = *self.orders.get(pair.slot);
            if self.trace.is_some() {
                self.trace_pair(now, &order, pair.target);
            }
            if order.state != OrderState::Live {
                continue;
            }
            let old_enough = order.age_ns(now) >= min_age_ns;
            match pair.target {
                None if pair.suppressed => self.cancel_near_touch(now, view, pair.slot),
                None if old_enough => self.cancel_quote(now, pair.slot, Cause::NoTarget),
                None => {}
                Some(target) => {
                    let target = self.colored(target, order.color, order.side);
                    let off = self.off_target(view.mid, &order, target, exposure);
                    let Some(off_bps) = off else {
                        continue;
                    };
                    if old_enough {
                        self.scratch.moves.push(Move {
                            slot: pair.slot,
                            target,
                            off_bps,
                        });
                    } else {
                        self.deny_replace(BlockDetail::TimeInBook);
                    }
                }
            }
        }
    }

    /// An order of a suppressed side goes if it stands where it would be run over.
    fn cancel_near_touch(&mut self, now: TsNs, view: &MarketView, slot: usize) {
        let order = self.orders.get(slot);
        let off_bps = distance_bps(order.terms.px, view.best(order.side));
        let threshold_bps = self.replace_threshold_bps();
        self.trace.note("near_touch", (Some(order.side), None), || {
            [
                ("off_touch_bps", number(off_bps)),
                ("threshold_bps", number(threshold_bps)),
            ]
        });
        if off_bps <= threshold_bps {
            self.cancel(now, slot, Cause::Adverse);
        }
    }

    /// How far an order is off its target, if far enough to be replaced, bps. A size that the
    /// budget does not allow is not missed.
    #[allow(clippy::cast_precision_loss)] // lots of an order are below 2^53
    fn off_target(
        &mut self,
        mid: MidTick,
        order: &Order,
        target: Target,
        exposure: &Exposure,
    ) -> Option<f64> {
        let ratio = self.params.replace.amend_size_threshold_ratio;
        let off_bps = distance_bps(target.px, order.terms.px);
        let threshold_bps = self.replace_threshold_bps();
        let is_off = target.px != order.terms.px && off_bps >= threshold_bps;
        self.trace.note("distance", (Some(order.side), None), || {
            [
                ("px_off_bps", number(off_bps)),
                ("threshold_bps", number(threshold_bps)),
                ("too_far", Value::Flag(is_off)),
            ]
        });
        if is_off {
            return Some(off_bps);
        }
        let allowed = within_budget(&self.context(mid, exposure), &proposal(order, target));
        let open = order.open().get() as f64;
        let change = (allowed.get() as f64 - open).abs();
        let resize = fits_venue(&self.instrument, target.px, allowed) && change > open * ratio;
        self.trace.note("size", (Some(order.side), None), || {
            [
                ("qty_open", Value::Qty(order.open())),
                ("qty_allowed", Value::Qty(allowed)),
                ("size_threshold_ratio", number(ratio)),
                ("too_different", Value::Flag(resize)),
            ]
        });
        resize.then_some(off_bps)
    }

    fn replace(&mut self, now: TsNs, view: &MarketView, wanted: &Move, exposure: &mut Exposure) {
        let order = *self.orders.get(wanted.slot);
        let by_amend = self.params.replace.mode == ReplaceMode::Amend && !order.not_amendable;
        let mut target = wanted.target;
        self.trace_replace(&order, target, by_amend);
        if by_amend {
            // an order that is cancelled first is checked when its successor is placed
            match self.checked(view.mid, exposure, proposal(&order, target)) {
                Ok(allowed) => target.qty = allowed.qty,
                Err(detail) => return self.deny_replace(detail),
            }
        }
        if let Err(detail) = self.may_replace(now, by_amend) {
            return self.deny_replace(detail);
        }
        self.send_replace(now, view, wanted.slot, target, Cause::Replace, exposure);
        if self.params.replace.mode == ReplaceMode::CancelAndPlace {
            let fresh = Fresh {
                side: order.side,
                level: order.level,
                target: wanted.target,
            };
            self.place_checked(now, view, &fresh, exposure);
        }
    }

    fn place_checked(
        &mut self,
        now: TsNs,
        view: &MarketView,
        wanted: &Fresh,
        exposure: &mut Exposure,
    ) {
        let color = self.next_color();
        let target = self.colored(wanted.target, color, wanted.side);
        self.trace_place(wanted, color, target);
        let proposal = Proposal {
            side: wanted.side,
            px: target.px,
            qty: target.qty,
            replaces: None,
        };
        let allowed = match self.checked(view.mid, exposure, proposal) {
            Ok(allowed) => allowed,
            Err(detail) => return self.block(detail),
        };
        if let Err(detail) = self.may_create(now) {
            return self.block(detail);
        }
        let terms = Terms {
            px: allowed.px,
            total: allowed.qty,
            decision_mid: view.mid,
            opposite: view.best(wanted.side.opposite()),
        };
        match self.place(now, wanted.side, wanted.level, terms) {
            Some(slot) => {
                self.note_shadow(view, wanted.side, &terms);
                exposure.add(self.orders.get(slot), false);
                self.scratch.places.push((slot, Cause::Quote));
            }
            None => self.block(BlockDetail::LimitActiveOrders),
        }
    }
}

/// The change of a live order as the checks see it.
pub(super) fn proposal(order: &Order, target: Target) -> Proposal {
    Proposal {
        side: order.side,
        px: target.px,
        qty: QtyLot::new(target.qty.get()),
        replaces: Some(Replaced::from(order)),
    }
}

/// Distance of two prices relative to the second, bps.
#[allow(clippy::cast_precision_loss)] // prices are below 2^53 ticks
fn distance_bps(a: PriceTick, b: PriceTick) -> f64 {
    1e4 * a.ticks_from(b).abs() as f64 / b.get() as f64
}
