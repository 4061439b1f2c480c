//! The order state machine: one exhaustive match over (state, event).
//!
//! An event that a state does not allow changes nothing here; the caller counts it and holds the order
//! for `Unknown`, because what we believed about it was wrong. Events that merely come late, twice or in
//! another order than they happened are allowed and leave the state that their proper order would have
//! led to. Quantities are not judged here: a fill is booked by its cumulative quantity before its event
//! comes.

use super::state::{DoneReason, OrderState, Terms};
use DoneReason::{Cancelled, Filled, Rejected};
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

/// Moves `state` by `event`, in place: most events change the tag and leave the payload alone, and this
/// runs for every report.
///
/// # Errors
/// [`IllegalTransition`] if the state does not allow the event; it is left as it is.
#[inline]
pub fn advance(state: &mut OrderState, event: OrderEvent) -> Result<(), IllegalTransition> {
    use OrderEvent as E;
    use OrderState as S;
    match (&*state, event) {
        // a fill proves that the order rests, even if its acknowledgement is late
        (S::PendingNew, E::Accepted | E::PartFilled) => *state = S::Live,
        (S::PendingNew, E::Rejected) => *state = S::Done(Rejected),
        (S::PendingNew, E::Cancelled) => *state = S::Done(Cancelled),
        (S::PendingNew, E::TimedOut) => *state = S::Unknown { amend: None },

        (S::Live, E::Accepted | E::Amended | E::PartFilled) => *state = S::Live,
        (S::Live, E::AmendRejected | E::CancelRejected) => *state = S::Live,
        (S::Live, E::AmendGone | E::CancelGone) => *state = S::Unknown { amend: None },
        (S::Live, E::AmendSent(to)) => *state = S::PendingAmend { to },
        (S::Live, E::CancelSent) => *state = S::PendingCancel { amend: None },

        (S::PendingAmend { .. }, E::Amended | E::AmendRejected) => *state = S::Live,
        (S::PendingAmend { .. }, E::AmendGone | E::TimedOut) => {
            *state = S::Unknown { amend: state.asked() };
        }
        (S::PendingAmend { .. }, E::CancelSent) => {
            *state = S::PendingCancel { amend: state.asked() };
        }
        (
            S::PendingAmend { .. },
            E::Accepted | E::PartFilled | E::CancelRejected | E::CancelGone,
        ) => {}

        (S::PendingCancel { amend: None }, E::CancelRejected) => *state = S::Live,
        (S::PendingCancel { amend: Some(to) }, E::CancelRejected) => {
            *state = S::PendingAmend { to: *to };
        }
        (S::PendingCancel { .. }, E::CancelGone | E::TimedOut) => {
            *state = S::Unknown { amend: state.asked() };
        }
        (S::PendingCancel { .. }, E::Amended | E::AmendRejected | E::AmendGone) => {
            *state = S::PendingCancel { amend: None };
        }
        (S::PendingCancel { .. }, E::Accepted | E::PartFilled) => {}
        // the create of an order that timed out is refused after all
        (S::PendingCancel { .. } | S::Unknown { .. }, E::Rejected) => *state = S::Done(Rejected),

        (S::Unknown { .. }, E::Accepted | E::Amended) => *state = S::Live,
        (S::Unknown { .. }, E::AmendRejected | E::CancelRejected) => *state = S::Live,
        (S::Unknown { .. }, E::AmendGone | E::CancelGone | E::PartFilled) => {}
        (S::Unknown { .. }, E::CancelSent) => {
            *state = S::PendingCancel { amend: state.asked() };
        }

        (
            S::PendingAmend { .. } | S::PendingCancel { .. } | S::Unknown { .. } | S::Live,
            E::Cancelled,
        ) => *state = S::Done(Cancelled),
        (
            S::PendingNew
            | S::Live
            | S::PendingAmend { .. }
            | S::PendingCancel { .. }
            | S::Unknown { .. }
            // a fill that was made before the cancel and reported after it
            | S::Done(Filled | Cancelled),
            E::Completed,
        ) => *state = S::Done(Filled),

        // answers to requests that were on their way when it ended, and repetitions
        (
            S::Done(Filled | Cancelled),
            E::Accepted
            | E::Amended
            | E::AmendRejected
            | E::AmendGone
            | E::Cancelled
            | E::CancelRejected
            | E::CancelGone
            | E::PartFilled,
        ) => {}
        (
            S::Done(Rejected),
            E::Rejected | E::Cancelled | E::AmendGone | E::CancelRejected | E::CancelGone,
        ) => {}

        (
            S::PendingNew,
            E::Amended
            | E::AmendRejected
            | E::AmendGone
            | E::CancelRejected
            | E::CancelGone
            | E::AmendSent(_)
            | E::CancelSent,
        )
        | (S::Live, E::Rejected | E::TimedOut)
        | (S::PendingAmend { .. }, E::Rejected | E::AmendSent(_))
        | (S::PendingCancel { .. }, E::AmendSent(_) | E::CancelSent)
        | (S::Unknown { .. }, E::AmendSent(_) | E::TimedOut)
        | (
            S::Done(Filled | Cancelled),
            E::Rejected | E::AmendSent(_) | E::CancelSent | E::TimedOut,
        )
        | (
            S::Done(Rejected),
            E::Accepted
            | E::Amended
            | E::AmendRejected
            | E::PartFilled
            | E::Completed
            | E::AmendSent(_)
            | E::CancelSent
            | E::TimedOut,
        ) => {
            return Err(IllegalTransition {
                state: state.name(),
                event: event.name(),
            });
        }
    }
    Ok(())
}
