//! What a session lends against what was left of it.

use super::{Findings, Invariant, Seat};
use mmbot_core::Session;
use mmbot_types::{Op, ThrottleParams, TsNs};

/// Limits of the session as of its last synchronisation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SessionLimits {
    pub throttle: Option<ThrottleParams>,
    pub quoted: u64,
}

impl SessionLimits {
    pub(super) fn of(session: &Session) -> Self {
        let quoted = session.seats().iter().filter(|seat| {
            let budget = seat.permit.budget;
            budget.is_some_and(|budget| budget.target_usd > 0.0)
        });
        Self {
            throttle: Some(session.params().throttle),
            quoted: quoted.count().max(1) as u64,
        }
    }

    /// Requests of an operation in a window of a symbol.
    pub(super) fn of_symbol(&self, op: Op) -> u64 {
        self.throttle
            .map_or(u64::MAX, |t| in_window(rate(&t, op), &t))
    }

    /// Requests of an operation in a window of the session.
    pub(super) fn of_session(&self, op: Op) -> u64 {
        self.throttle.map_or(u64::MAX, |t| {
            let bound = match op {
                Op::Create => t.session_creates_per_sec,
                Op::Amend => f64::INFINITY,
                Op::Cancel => t.session_cancels_per_sec,
            };
            in_window(rate(&t, op).min(bound), &t).saturating_mul(self.quoted)
        })
    }
}

fn rate(throttle: &ThrottleParams, op: Op) -> f64 {
    match op {
        Op::Create => throttle.max_creates_per_sec,
        Op::Amend => throttle.max_amends_per_sec,
        Op::Cancel => throttle.max_cancels_per_sec,
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a positive rate; saturates
fn in_window(rate_per_sec: f64, throttle: &ThrottleParams) -> u64 {
    (rate_per_sec * f64::from(throttle.window_sec)).floor() as u64
}

/// Judges the permits of a synchronisation.
pub(super) fn judge(findings: &mut Findings, seats: &mut [Seat], session: &Session, now: TsNs) {
    let limits = SessionLimits::of(session);
    let window_sec = session.params().throttle.window_sec;
    for seat in seats.iter_mut() {
        seat.windows.synchronise(window_sec, now);
    }
    for op in Op::ALL {
        let sent: u64 = seats.iter().map(|seat| seat.windows.count(op, now)).sum();
        let left = limits.of_session(op).saturating_sub(sent);
        let lent_of = |permit: &mmbot_core::Permit| match op {
            Op::Create => permit.lent.creates,
            Op::Amend => permit.lent.amends,
            Op::Cancel => permit.lent.cancels,
        };
        let lent: Vec<u64> = session
            .seats()
            .iter()
            .map(|seat| u64::from(lent_of(&seat.permit)))
            .collect();
        let unlimited = left >= u64::from(u32::MAX);
        let within = lent.iter().zip(seats.iter()).all(|(lent, seat)| {
            let own = limits
                .of_symbol(op)
                .saturating_sub(seat.windows.count(op, now));
            *lent <= own
        });
        let sum: u64 = lent.iter().sum();
        findings.judge(
            Invariant::LendingAddsUp,
            within && (unlimited || sum <= left),
            now,
            None,
            || format!("{op:?}: lent {lent:?}, left {left}"),
        );
    }
    judge_gross(findings, seats, session, now);
}

fn judge_gross(findings: &mut Findings, told: &[Seat], session: &Session, now: TsNs) {
    let seats = session.seats();
    let total_usd: f64 = seats.iter().map(|seat| seat.gross_usd).sum();
    let lent_usd: f64 = seats
        .iter()
        .map(|seat| seat.permit.gross_cap_usd - seat.gross_usd)
        .sum();
    let limits = told
        .iter()
        .map(|seat| seat.params.risk.max_gross_exposure_usd);
    let limits = limits.map(|usd| if usd > 0.0 { usd } else { f64::INFINITY });
    let limit_usd = limits.fold(0.0, f64::max);
    let left_usd = (limit_usd - total_usd).max(0.0);
    findings.judge(
        Invariant::LendingAddsUp,
        limit_usd.is_infinite() || lent_usd <= left_usd * (1.0 + 1e-9) + 1e-6,
        now,
        None,
        || format!("lent {lent_usd} of {left_usd} USD gross exposure"),
    );
}
