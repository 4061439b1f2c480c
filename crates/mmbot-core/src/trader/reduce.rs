//! While only reducing orders are allowed: what would expand the position goes, and targets shrink
//! to what is left of it.

use super::Trader;
use crate::order::{OrderState, SLOTS};
use crate::strategy::{SideTargets, Targets};
use mmbot_types::{BlockDetail, Cause, QtyLot, Side, TsNs};

impl Trader {
    /// Cancels live orders beyond the position, from the outermost, and cuts `targets` likewise; a
    /// cut is counted once per side under `detail`.
    pub(super) fn only_reduce(&mut self, now: TsNs, targets: &mut Targets, detail: BlockDetail) {
        for side in Side::BOTH {
            let held = (-side.sign() * self.position.get()).max(0);
            let before = *targets.of(side);
            self.cancel_expanding(now, side, held);
            let is_cut = self.cut(targets.of_mut(side), held);
            if self.trace.is_some() {
                self.trace_cut(side, held, detail, (&before, targets.of(side)));
            }
            if is_cut {
                self.block(detail);
            }
        }
    }

    fn cancel_expanding(&mut self, now: TsNs, side: Side, held: i64) {
        let mut slots = [0usize; SLOTS];
        let mut len = 0;
        for slot in self.orders.open(side) {
            slots[len] = slot;
            len += 1;
        }
        slots[..len].sort_unstable_by(|a, b| {
            let (a, b) = (self.orders.get(*a), self.orders.get(*b));
            let outward = side.sign() * b.working_px().ticks_from(a.working_px());
            outward.cmp(&0).then(a.cid.cmp(&b.cid))
        });
        let mut open = 0;
        for slot in &slots[..len] {
            let order = self.orders.get(*slot);
            open += order.open_at_most().get();
            let may = matches!(
                order.state,
                OrderState::Live | OrderState::PendingAmend { .. }
            );
            if open > held && may {
                self.cancel(now, *slot, Cause::ReduceOnly);
            }
        }
    }

    /// Shrinks targets to `held` lots in all, innermost first; true if anything was cut.
    fn cut(&self, targets: &mut SideTargets, held: i64) -> bool {
        let mut left = held;
        targets.shrink(|target| {
            let qty = QtyLot::new(target.qty.get().min(left));
            if !crate::guard::fits_venue(&self.instrument, target.px, qty) {
                return None;
            }
            left -= qty.get();
            Some(qty)
        })
    }
}
