//! Requests in windows, counted from a list of their times; and what was lent.

use super::permits::SessionLimits;
use super::{Findings, Invariant, Seat};
use crate::world::Batch;
use mmbot_core::session::Circuit;
use mmbot_types::{Action, Cause, Op, TsNs};

const SECOND_NS: i64 = 1_000_000_000;

/// Requests of one symbol.
#[derive(Debug, Clone, Default)]
pub(super) struct Windows {
    /// Operation and second.
    sent: Vec<(Op, i64)>,
    window_sec: i64,
    /// Requests of the quoting kind since the last synchronisation, by operation.
    since: [u64; Op::COUNT],
    /// All requests before it, in the window.
    before: [u64; Op::COUNT],
}

impl Windows {
    /// Windows are those of `window_sec` from now on; a longer one does not bring back what the
    /// shorter one forgot.
    pub(super) fn resize(&mut self, window_sec: u32, now: TsNs) {
        self.forget(now);
        self.window_sec = i64::from(window_sec);
        self.forget(now);
    }

    /// Permits follow: counting begins anew.
    pub(super) fn synchronise(&mut self, window_sec: u32, now: TsNs) {
        self.resize(window_sec, now);
        for op in Op::ALL {
            self.before[op.index()] = self.count(op, now);
        }
        self.since = [0; Op::COUNT];
    }

    /// Requests of an operation in the window that ends now.
    pub(super) fn count(&self, op: Op, now: TsNs) -> u64 {
        let oldest = second(now) - self.window_sec;
        let counts = |sent: &&(Op, i64)| sent.0 == op && sent.1 > oldest;
        self.sent.iter().filter(counts).count() as u64
    }

    fn forget(&mut self, now: TsNs) {
        let oldest = second(now) - self.window_sec.max(1);
        self.sent.retain(|sent| sent.1 > oldest);
    }
}

const fn second(now: TsNs) -> i64 {
    now.get().div_euclid(SECOND_NS)
}

/// Operation of a request; `None` for cancels of guards, stop and kill, which no window holds back.
const fn held_back(action: &Action, cause: Cause) -> Option<Op> {
    match action {
        Action::Place(_) => Some(Op::Create),
        Action::Amend { .. } => Some(Op::Amend),
        Action::Cancel { .. } => match cause {
            Cause::NoTarget | Cause::TailAge | Cause::Replace => Some(Op::Cancel),
            _ => None,
        },
    }
}

const fn op_of(action: &Action) -> Op {
    match action {
        Action::Place(_) => Op::Create,
        Action::Amend { .. } => Op::Amend,
        Action::Cancel { .. } => Op::Cancel,
    }
}

/// Judges the requests of a trader in their order, and counts them.
pub(super) fn judge(
    findings: &mut Findings,
    seats: &mut [Seat],
    limits: &SessionLimits,
    batch: &Batch<'_>,
) {
    let (at, now) = (batch.spot.symbol, batch.now);
    // a trader without targets cancels as a guard does
    let unwanted = |permit: &mmbot_core::Permit| permit.budget.is_none_or(|b| b.target_usd <= 0.0);
    for (action, cause) in batch.actions {
        let permit = seats[at].permit;
        let free = *cause == Cause::NoTarget && permit.as_ref().is_none_or(unwanted);
        if let Some(op) = held_back(action, *cause).filter(|_| !free) {
            let windows = &seats[at].windows;
            let own = windows.before[op.index()] + windows.since[op.index()];
            let all: u64 = seats
                .iter()
                .map(|seat| seat.windows.before[op.index()] + seat.windows.since[op.index()])
                .sum();
            let (own_max, all_max) = (limits.of_symbol(op), limits.of_session(op));
            findings.judge(
                Invariant::RequestWindows,
                own < own_max && all < all_max,
                now,
                Some(at),
                || format!("{op:?}: {own} of {own_max}, session {all} of {all_max}"),
            );
            judge_permit(findings, &seats[at], batch, op);
            seats[at].windows.since[op.index()] += 1;
        }
        seats[at].windows.sent.push((op_of(action), second(now)));
    }
}

fn judge_permit(findings: &mut Findings, seat: &Seat, batch: &Batch<'_>, op: Op) {
    let (Some(permit), symbol) = (&seat.permit, Some(batch.spot.symbol)) else {
        return;
    };
    let lent = match op {
        Op::Create => permit.lent.creates,
        Op::Amend => permit.lent.amends,
        Op::Cancel => permit.lent.cancels,
    };
    let used = seat.windows.since[op.index()];
    findings.judge(
        Invariant::LentRequests,
        used < u64::from(lent) || lent == u32::MAX,
        batch.now,
        symbol,
        || format!("{op:?}: {used} used of {lent}"),
    );
    if op == Op::Cancel {
        return;
    }
    let sent = seat.windows.since[Op::Create.index()] + seat.windows.since[Op::Amend.index()];
    let closed = match permit.circuit {
        Circuit::Closed => true,
        Circuit::Probe => sent == 0,
        Circuit::Open => false,
    };
    let waits = batch.now < permit.backoff_until;
    findings.judge(
        Invariant::CircuitAndBackoff,
        closed && !waits,
        batch.now,
        symbol,
        || format!("{op:?}: circuit {:?}, backing off {waits}", permit.circuit),
    );
}
