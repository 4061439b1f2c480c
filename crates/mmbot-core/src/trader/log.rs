//! What happened to our orders, as rows for recorders: requests with their causes, answers, ends.
//! Fills are not here, they have records of their own ([`crate::FillRecord`]).

use super::Trader;
use mmbot_types::{Cause, Cid, Color, MidTick, PriceTick, QtyLot, RejectReason, Side, TsNs};

/// Kinds of order events, as they are named in records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEventKind {
    /// A new order is sent.
    IntentPlace,
    /// A change is sent.
    IntentAmend,
    /// A cancel is sent.
    IntentCancel,
    /// The venue accepted the order.
    Ack,
    /// The venue refused a request.
    Reject,
    /// A change took effect.
    Amended,
    /// The order is out.
    Canceled,
    /// What became of the last request is not known.
    Unknown,
}

impl OrderEventKind {
    /// Name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            OrderEventKind::IntentPlace => "intent_place",
            OrderEventKind::IntentAmend => "intent_amend",
            OrderEventKind::IntentCancel => "intent_cancel",
            OrderEventKind::Ack => "ack",
            OrderEventKind::Reject => "reject",
            OrderEventKind::Amended => "amended",
            OrderEventKind::Canceled => "canceled",
            OrderEventKind::Unknown => "unknown",
        }
    }
}

/// One order event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderEventRow {
    /// Local time.
    pub ts: TsNs,
    /// The order.
    pub cid: Cid,
    /// What happened.
    pub kind: OrderEventKind,
    /// Side.
    pub side: Side,
    /// Price in force, or asked for.
    pub px: PriceTick,
    /// Open quantity in force, or asked for.
    pub qty: QtyLot,
    /// Level at placement.
    pub level: u8,
    /// Colour.
    pub color: Color,
    /// Cause of a request, reason of a refusal, else empty.
    pub reason: &'static str,
    /// Mid at the decision that asked for the price.
    pub mid: MidTick,
    /// Estimated quantity ahead in the queue, lots; negative where it is not known.
    pub queue_ahead: f64,
}

impl Trader {
    /// Order events since the last call, oldest first; empty unless records are kept.
    pub fn take_order_events(&mut self) -> Vec<OrderEventRow> {
        self.log.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The newest order event, for what only the venue's side knows.
    pub fn last_order_event_mut(&mut self) -> Option<&mut OrderEventRow> {
        self.log.as_mut()?.last_mut()
    }

    pub(super) fn log_intent(
        &mut self,
        now: TsNs,
        slot: usize,
        kind: OrderEventKind,
        cause: Cause,
    ) {
        self.log_event(now, slot, kind, cause.name());
    }

    pub(super) fn log_refusal(&mut self, now: TsNs, slot: usize, reason: RejectReason) {
        self.log_event(now, slot, OrderEventKind::Reject, reason.name());
    }

    pub(super) fn log_event(
        &mut self,
        now: TsNs,
        slot: usize,
        kind: OrderEventKind,
        reason: &'static str,
    ) {
        let Some(log) = &mut self.log else {
            return;
        };
        let order = self.orders.get(slot);
        let asked = match kind {
            OrderEventKind::IntentAmend => order.state.asked().unwrap_or(order.terms),
            _ => order.terms,
        };
        log.push(OrderEventRow {
            ts: now,
            cid: order.cid,
            kind,
            side: order.side,
            px: asked.px,
            qty: QtyLot::new((asked.total.get() - order.filled.get()).max(0)),
            level: order.level,
            color: order.color,
            reason,
            mid: asked.decision_mid,
            queue_ahead: -1.0,
        });
    }
}
