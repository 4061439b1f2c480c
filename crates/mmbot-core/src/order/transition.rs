//! The order state machine: one exhaustive match over (state, event), a function per state.
//!
//! An event that a state does not allow changes nothing here; the caller counts it and holds the
//! order for `Unknown`, because what we believed about it was wrong. Events that merely come late,
//! twice or in another order than they happened are allowed and leave the state that their proper
//! order would have led to. Quantities are not judged here: a fill is booked by its cumulative
//! quantity before its event comes.

use super::state::{DoneReason, OrderState, Terms};
use DoneReason::{Cancelled, Filled, Rejected};
use OrderEvent as E;
use OrderState as S;
use thiserror::Error;

/// What can happen to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEvent {
    /// The venue accepted it.
    Accepted,
    /// The venue refused it as new.
    Rejected,
    /// A change took effect.
    Amended,
    /// A change was refused, the order rests as before.
    AmendRejected,
    /// A change was refused because the venue does not know the order (any more).
    AmendGone,
    /// It is out.
    Cancelled,
    /// A cancel was refused, the order rests as before.
    CancelRejected,
    /// A cancel was refused because the venue does not know the order (any more).
    CancelGone,
    /// It traded and something is left.
    PartFilled,
    /// It traded and nothing is left.
    Completed,
    /// We ask for a change.
    AmendSent(Terms),
    /// We ask for its end.
    CancelSent,
    /// A request had no answer for three seconds.
    TimedOut,
}

impl OrderEvent {
    /// Name in reports and in the documentation.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            OrderEvent::Accepted => "Accepted",
            OrderEvent::Rejected => "Rejected",
            OrderEvent::Amended => "Amended",
            OrderEvent::AmendRejected => "AmendRejected",
            OrderEvent::AmendGone => "AmendGone",
            OrderEvent::Cancelled => "Cancelled",
            OrderEvent::CancelRejected => "CancelRejected",
            OrderEvent::CancelGone => "CancelGone",
            OrderEvent::PartFilled => "PartFilled",
            OrderEvent::Completed => "Completed",
            OrderEvent::AmendSent(_) => "AmendSent",
            OrderEvent::CancelSent => "CancelSent",
            OrderEvent::TimedOut => "TimedOut",
        }
    }
}

/// An event that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{event} is not possible in {state}")]
pub struct IllegalTransition {
    /// Name of the state.
    pub state: &'static str,
    /// Name of the event.
    pub event: &'static str,
}

/// The state after `event` in `state`.
///
/// # Errors
/// [`IllegalTransition`] if the state does not allow the event.
pub fn transition(
    mut state: OrderState,
    event: OrderEvent,
) -> Result<OrderState, IllegalTransition> {
    advance(&mut state, event).map(|()| state)
}

/// Moves `state` by `event`, in place: most events change the tag and leave the payload alone, and
/// this runs for every report. Rows of the table are the functions below.
///
/// # Errors
/// [`IllegalTransition`] if the state does not allow the event; it is left as it is.
#[inline(always)]
pub fn advance(state: &mut OrderState, event: OrderEvent) -> Result<(), IllegalTransition> {
    let next = match *state {
        OrderState::PendingNew => new(event),
        OrderState::Live => live(event),
        OrderState::PendingAmend { to } => amending(event, to),
        OrderState::PendingCancel { amend } => cancelling(event, amend),
        OrderState::Unknown { amend } => unknown(event, amend),
        OrderState::Done(Filled) => ended(event, Filled),
        OrderState::Done(Cancelled) => ended(event, Cancelled),
        OrderState::Done(Rejected) => refused(event),
    };
    match next {
        Next::Same => {}
        Next::To(next) => *state = next,
        Next::Illegal => {
            return Err(IllegalTransition {
                state: state.name(),
                event: event.name(),
            });
        }
    }
    Ok(())
}

/// What an event does to a state.
enum Next {
    Same,
    To(OrderState),
    Illegal,
}
use Next::{Illegal, Same, To};

#[inline(always)]
const fn new(event: E) -> Next {
    match event {
        // a fill proves that the order rests, even if its acknowledgement is late
        E::Accepted | E::PartFilled => To(S::Live),
        E::Rejected => To(S::Done(Rejected)),
        E::Cancelled => To(S::Done(Cancelled)),
        E::Completed => To(S::Done(Filled)),
        E::TimedOut => To(S::Unknown { amend: None }),
        E::Amended | E::AmendRejected | E::AmendGone | E::AmendSent(_) => Illegal,
        E::CancelRejected | E::CancelGone | E::CancelSent => Illegal,
    }
}

#[inline(always)]
const fn live(event: E) -> Next {
    match event {
        E::Accepted | E::Amended | E::PartFilled => Same,
        E::AmendRejected | E::CancelRejected => Same,
        E::AmendGone | E::CancelGone => To(S::Unknown { amend: None }),
        E::Cancelled => To(S::Done(Cancelled)),
        E::Completed => To(S::Done(Filled)),
        E::AmendSent(to) => To(S::PendingAmend { to }),
        E::CancelSent => To(S::PendingCancel { amend: None }),
        E::Rejected | E::TimedOut => Illegal,
    }
}

#[inline(always)]
const fn amending(event: E, to: Terms) -> Next {
    let amend = Some(to);
    match event {
        E::Amended | E::AmendRejected => To(S::Live),
        E::AmendGone | E::TimedOut => To(S::Unknown { amend }),
        E::CancelSent => To(S::PendingCancel { amend }),
        E::Cancelled => To(S::Done(Cancelled)),
        E::Completed => To(S::Done(Filled)),
        E::Accepted | E::PartFilled | E::CancelRejected | E::CancelGone => Same,
        E::Rejected | E::AmendSent(_) => Illegal,
    }
}

#[inline(always)]
const fn cancelling(event: E, amend: Option<Terms>) -> Next {
    match event {
        E::CancelRejected => match amend {
            Some(to) => To(S::PendingAmend { to }),
            None => To(S::Live),
        },
        E::CancelGone | E::TimedOut => To(S::Unknown { amend }),
        E::Amended | E::AmendRejected | E::AmendGone => To(S::PendingCancel { amend: None }),
        E::Accepted | E::PartFilled => Same,
        // the create of an order that timed out is refused after all
        E::Rejected => To(S::Done(Rejected)),
        E::Cancelled => To(S::Done(Cancelled)),
        E::Completed => To(S::Done(Filled)),
        E::AmendSent(_) | E::CancelSent => Illegal,
    }
}

#[inline(always)]
const fn unknown(event: E, amend: Option<Terms>) -> Next {
    match event {
        // that it rests says nothing about a change that may still take effect: it stays exposure
        E::Accepted | E::CancelRejected if amend.is_some() => Same,
        E::Accepted | E::Amended | E::AmendRejected | E::CancelRejected => To(S::Live),
        E::AmendGone | E::CancelGone | E::PartFilled => Same,
        E::CancelSent => To(S::PendingCancel { amend }),
        E::Rejected => To(S::Done(Rejected)),
        E::Cancelled => To(S::Done(Cancelled)),
        E::Completed => To(S::Done(Filled)),
        E::AmendSent(_) | E::TimedOut => Illegal,
    }
}

/// Filled or cancelled. Answers to requests that were on their way when it ended, and repetitions,
/// do nothing; a fill that was made before the cancel may complete it after.
#[inline(always)]
const fn ended(event: E, reason: DoneReason) -> Next {
    match (event, reason) {
        (E::Completed, Cancelled) => To(S::Done(Filled)),
        (E::Completed | E::PartFilled | E::Accepted | E::Cancelled, _) => Same,
        (E::Amended | E::AmendRejected | E::AmendGone, _) => Same,
        (E::CancelRejected | E::CancelGone, _) => Same,
        (E::Rejected | E::AmendSent(_) | E::CancelSent | E::TimedOut, _) => Illegal,
    }
}

#[inline(always)]
const fn refused(event: E) -> Next {
    match event {
        E::Rejected | E::Cancelled | E::AmendGone | E::CancelRejected | E::CancelGone => Same,
        E::Accepted | E::PartFilled | E::Completed => Illegal,
        E::Amended | E::AmendRejected => Illegal,
        E::AmendSent(_) | E::CancelSent | E::TimedOut => Illegal,
    }
}
