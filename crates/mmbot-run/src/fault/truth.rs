//! What is true of the orders of one trader: what the exchange did with them, and what is still on
//! its way there. Kept from the messages themselves, without a look at the trader.

use mmbot_types::{Action, Cid, ExecReport, PriceTick, QtyLot, ReportKind, Side};
use std::collections::{BTreeMap, BTreeSet};

/// What an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not carried out; it may be, while its request is under way.
    OnWire,
    /// Rests.
    Resting,
    /// Over, by this report.
    Done(ReportKind),
}

/// An order.
#[derive(Debug, Clone)]
pub struct TrueOrder {
    /// Side.
    pub side: Side,
    /// Price in force, or asked for.
    pub px: PriceTick,
    /// Total quantity in force, or asked for.
    pub total: i64,
    /// Filled.
    pub cum: i64,
    /// What it is.
    pub phase: Phase,
    /// Local time of the last request that may make more of it, ns: cancels do not.
    pub asked_ns: i64,
    /// Everything that the exchange said about it.
    pub said: Vec<ExecReport>,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    orders: BTreeMap<Cid, TrueOrder>,
    /// Requests that may still be carried out.
    wire: Vec<Action>,
    /// Orders that may still trade, to look through few.
    alive: Vec<Cid>,
    position: i64,
}

impl Truth {
    /// A request leaves. False if it is a new order with an id that was used before.
    pub fn sent(&mut self, action: &Action, now_ns: i64) -> bool {
        self.wire.push(*action);
        match *action {
            Action::Place(order) => {
                let fresh = TrueOrder {
                    side: order.side,
                    px: order.px,
                    total: order.qty.get(),
                    cum: 0,
                    phase: Phase::OnWire,
                    asked_ns: now_ns,
                    said: Vec::with_capacity(4),
                };
                self.alive.push(order.cid);
                self.orders.insert(order.cid, fresh).is_none()
            }
            Action::Amend { cid, .. } => {
                if let Some(order) = self.orders.get_mut(&cid) {
                    order.asked_ns = now_ns;
                }
                true
            }
            Action::Cancel { .. } => true,
        }
    }

    /// A request is carried out, or will never be.
    pub fn off_wire(&mut self, action: &Action) {
        if let Some(at) = self.wire.iter().position(|sent| sent == action) {
            self.wire.remove(at);
        }
        self.bury(action.cid());
    }

    /// The exchange says something.
    pub fn said(&mut self, report: &ExecReport) {
        let Some(order) = self.orders.get_mut(&report.cid) else {
            return;
        };
        order.said.push(*report);
        match report.kind {
            ReportKind::Accepted => {
                order.phase = Phase::Resting;
                // its request has left the wire a moment ago
                if !self.alive.contains(&report.cid) {
                    self.alive.push(report.cid);
                }
            }
            ReportKind::Rejected(_) | ReportKind::Cancelled => {
                order.phase = Phase::Done(report.kind);
            }
            ReportKind::Amended { px, open_qty } => {
                (order.px, order.total) = (px, order.cum + open_qty.get());
            }
            ReportKind::Filled { qty, cum_qty, .. } => {
                order.cum = cum_qty.get();
                self.position += order.side.sign() * qty.get();
                if order.cum >= order.total {
                    order.phase = Phase::Done(report.kind);
                }
            }
            ReportKind::AmendRejected(_) | ReportKind::CancelRejected(_) => {}
        }
        self.bury(report.cid);
    }

    /// An order; `None` if it was never sent.
    #[must_use]
    pub fn order(&self, cid: Cid) -> Option<&TrueOrder> {
        self.orders.get(&cid)
    }

    /// Orders that may still trade.
    pub fn alive(&self) -> impl Iterator<Item = (Cid, &TrueOrder)> {
        self.alive
            .iter()
            .filter_map(|cid| Some((*cid, self.orders.get(cid)?)))
    }

    /// Position after all fills.
    #[must_use]
    pub const fn position(&self) -> QtyLot {
        QtyLot::new(self.position)
    }

    /// Largest quantity of an order that may still trade, whatever becomes of requests under way.
    #[must_use]
    pub fn worst_open(&self, cid: Cid, order: &TrueOrder) -> i64 {
        if matches!(order.phase, Phase::Done(_)) {
            return 0;
        }
        let mut open = match order.phase {
            Phase::Resting => order.total - order.cum,
            Phase::OnWire | Phase::Done(_) => 0,
        };
        for action in &self.wire {
            match *action {
                Action::Place(new) if new.cid == cid => open = open.max(new.qty.get()),
                Action::Amend {
                    cid: about,
                    total_qty,
                    ..
                } if about == cid => open = open.max(total_qty.get() - order.cum),
                Action::Place(_) | Action::Amend { .. } | Action::Cancel { .. } => {}
            }
        }
        open
    }

    /// Highest price that an order has or may get.
    #[must_use]
    pub fn dearest_px(&self, cid: Cid, order: &TrueOrder) -> PriceTick {
        let asked = self.wire.iter().filter_map(|action| match *action {
            Action::Amend { cid: about, px, .. } if about == cid => Some(px),
            _ => None,
        });
        asked.fold(order.px, PriceTick::max)
    }

    /// The last change asked of an order that is still under way: price and total.
    #[must_use]
    pub fn asked(&self, cid: Cid) -> Option<(PriceTick, i64)> {
        self.wire.iter().rev().find_map(|action| match *action {
            Action::Amend {
                cid: about,
                px,
                total_qty,
            } if about == cid => Some((px, total_qty.get())),
            _ => None,
        })
    }

    /// True if the end of an order is under way.
    #[must_use]
    pub fn is_leaving(&self, cid: Cid) -> bool {
        self.wire.contains(&Action::Cancel { cid })
    }

    /// True while a new order of that id may still be carried out.
    #[must_use]
    pub fn may_arrive(&self, cid: Cid) -> bool {
        let new = |action: &Action| matches!(action, Action::Place(order) if order.cid == cid);
        self.wire.iter().any(new)
    }

    /// True without anything under way.
    #[must_use]
    pub fn wire_is_empty(&self) -> bool {
        self.wire.is_empty()
    }

    /// Fills that are not among those `told`.
    pub fn untold<'a>(
        &'a self,
        told: &'a BTreeSet<(Cid, i64)>,
    ) -> impl Iterator<Item = ExecReport> + 'a {
        let said = self.orders.values().flat_map(|order| order.said.iter());
        said.copied().filter(|report| match report.kind {
            ReportKind::Filled { cum_qty, .. } => !told.contains(&(report.cid, cum_qty.get())),
            _ => false,
        })
    }

    /// Takes an order off the list of those that may still trade, if it cannot.
    fn bury(&mut self, cid: Cid) {
        let Some(order) = self.orders.get(&cid) else {
            return;
        };
        let alive = match order.phase {
            Phase::Resting => true,
            Phase::OnWire => self.may_arrive(cid),
            Phase::Done(_) => false,
        };
        if !alive {
            self.alive.retain(|other| *other != cid);
        }
    }
}
