//! How many requests may be sent in the last `window_sec` seconds: one window per operation, for a
//! symbol or for a session. A request is allowed while the windows of its symbol and of its session
//! are both below their limits; only what was really sent counts.

use super::ring::{SecondRing, second_of};
use mmbot_types::{Op, ThrottleParams, TsNs};

/// Requests that a window may hold, per operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OpLimits([u64; Op::COUNT]);

impl OpLimits {
    /// Limits of a symbol: `floor(max_{op}s_per_sec * window_sec)`. A rate so low that the product
    /// is below one allows nothing; an infinite rate is no limit.
    #[must_use]
    pub fn of_symbol(params: &ThrottleParams) -> Self {
        Self(Op::ALL.map(|op| in_window(params, symbol_rate(params, op))))
    }

    /// Limits of a session: those of a symbol, bounded by `limits.max_create_per_sec` and
    /// `limits.max_cancel_per_sec`, times the number of quoted symbols (at least one), so that a
    /// wide session is not judged by a narrow one's number.
    #[must_use]
    pub fn of_session(params: &ThrottleParams, quoted_symbols: usize) -> Self {
        let symbols = quoted_symbols.max(1) as u64;
        Self(Op::ALL.map(|op| {
            let rate = symbol_rate(params, op).min(match op {
                Op::Create => params.session_creates_per_sec,
                Op::Amend => f64::INFINITY,
                Op::Cancel => params.session_cancels_per_sec,
            });
            in_window(params, rate).saturating_mul(symbols)
        }))
    }

    /// Requests of one operation that a window may hold.
    #[inline]
    #[must_use]
    pub const fn get(&self, op: Op) -> u64 {
        self.0[op.index()]
    }
}

/// Limits of a session and of a symbol.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct Limits {
    pub(super) session: OpLimits,
    pub(super) symbol: OpLimits,
}

/// They are worked out when the number of quoted symbols changes; with other parameters one begins
/// anew.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct LimitsInForce(Option<(usize, Limits)>);

impl LimitsInForce {
    /// Limits of the session with so many quoted symbols, and of each symbol.
    #[inline]
    pub(super) fn of(&mut self, params: &ThrottleParams, quoted_symbols: usize) -> &Limits {
        if self.0.is_none_or(|(quoted, _)| quoted != quoted_symbols) {
            self.0 = None;
        }
        let known = self.0.get_or_insert_with(|| {
            let limits = Limits {
                session: OpLimits::of_session(params, quoted_symbols),
                symbol: OpLimits::of_symbol(params),
            };
            (quoted_symbols, limits)
        });
        &known.1
    }
}

const fn symbol_rate(params: &ThrottleParams, op: Op) -> f64 {
    match op {
        Op::Create => params.max_creates_per_sec,
        Op::Amend => params.max_amends_per_sec,
        Op::Cancel => params.max_cancels_per_sec,
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rates are positive; saturates
fn in_window(params: &ThrottleParams, rate_per_sec: f64) -> u64 {
    (rate_per_sec * f64::from(params.window_sec)).floor() as u64
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OpWindows {
    rings: [SecondRing; Op::COUNT],
}

impl OpWindows {
    /// Empty windows of `window_sec` seconds.
    #[must_use]
    pub fn new(window_sec: u32) -> Self {
        Self {
            rings: Op::ALL.map(|_| SecondRing::new(window_sec)),
        }
    }

    /// Replaces the window of an operation.
    pub fn set_ring(&mut self, op: Op, ring: SecondRing) {
        self.rings[op.index()] = ring;
    }

    /// True while the window of `op` is below its limit.
    #[inline]
    pub fn allows(&mut self, op: Op, limits: &OpLimits, now: TsNs) -> bool {
        self.sent_in_window(op, now) < limits.get(op)
    }

    /// Requests of `op` that the window still takes.
    pub fn remaining(&mut self, op: Op, limits: &OpLimits, now: TsNs) -> u64 {
        let sent = self.sent_in_window(op, now);
        limits.get(op).saturating_sub(sent)
    }

    /// The same of every operation, in the order of [`Op::index`].
    #[inline(never)]
    pub fn remaining_of_all(&mut self, limits: &OpLimits, now: TsNs) -> [u64; Op::COUNT] {
        let second = second_of(now);
        let mut left = limits.0;
        for (left, ring) in left.iter_mut().zip(&mut self.rings) {
            *left = left.saturating_sub(ring.total(second));
        }
        left
    }

    /// `n` requests were sent.
    #[inline]
    pub fn sent(&mut self, op: Op, now: TsNs, n: u32) {
        self.rings[op.index()].add(second_of(now), n);
    }

    /// Requests of `op` in the window.
    #[inline]
    pub fn sent_in_window(&mut self, op: Op, now: TsNs) -> u64 {
        self.rings[op.index()].total(second_of(now))
    }

    /// Requests of all operations in the window.
    pub fn total(&mut self, now: TsNs) -> u64 {
        let second = second_of(now);
        self.rings.iter_mut().map(|ring| ring.total(second)).sum()
    }

    /// Makes the windows `window_sec` long; the newest seconds are kept.
    pub fn resize(&mut self, window_sec: u32) {
        for ring in &mut self.rings {
            ring.resize(window_sec);
        }
    }

    /// Forgets all requests.
    pub fn clear(&mut self) {
        for ring in &mut self.rings {
            ring.clear();
        }
    }

    /// The ring of an operation.
    #[must_use]
    pub const fn ring(&self, op: Op) -> &SecondRing {
        &self.rings[op.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn params(window_sec: u32, rates: [f64; 3]) -> ThrottleParams {
        ThrottleParams {
            window_sec,
            max_creates_per_sec: rates[0],
            max_amends_per_sec: rates[1],
            max_cancels_per_sec: rates[2],
            ..ThrottleParams::default()
        }
    }

    /// spec: 02-8.1
    #[test]
    fn a_limit_is_the_floor_of_rate_times_window() {
        let limits = OpLimits::of_symbol(&ThrottleParams::default());
        assert_eq!(Op::ALL.map(|op| limits.get(op)), [30, 60, 75]);
        let limits = OpLimits::of_symbol(&params(3, [0.3, 0.5, f64::INFINITY]));
        assert_eq!(Op::ALL.map(|op| limits.get(op)), [0, 1, u64::MAX]);
    }

    /// spec: 02-8.1
    #[test]
    fn the_limits_section_bounds_creates_and_cancels_of_the_session() {
        let mut params = params(2, [10.0, 20.0, 25.0]);
        (
            params.session_creates_per_sec,
            params.session_cancels_per_sec,
        ) = (4.0, 30.0);
        let limits = OpLimits::of_session(&params, 1);
        assert_eq!(Op::ALL.map(|op| limits.get(op)), [8, 40, 50]);
        let symbol = OpLimits::of_symbol(&params);
        assert_eq!(symbol.get(Op::Create), 20, "a symbol is not bounded by it");
    }

    /// spec: 02-8.1
    #[test]
    fn the_limits_of_a_session_grow_with_its_quoted_symbols() {
        for (quoted, creates) in [(0, 30), (1, 30), (7, 210)] {
            let limits = OpLimits::of_session(&ThrottleParams::default(), quoted);
            assert_eq!(limits.get(Op::Create), creates);
        }
        let limits = OpLimits::of_session(&params(3, [f64::INFINITY; 3]), 7);
        assert_eq!(limits.get(Op::Amend), u64::MAX);
    }

    /// spec: 02-8.1
    #[test]
    fn operations_have_windows_of_their_own() {
        let params = params(1, [1.0, 2.0, 3.0]);
        let (limits, now) = (OpLimits::of_symbol(&params), TsNs::new(5_000_000_000));
        let mut windows = OpWindows::new(params.window_sec);
        windows.sent(Op::Create, now, 1);
        assert_eq!(
            Op::ALL.map(|op| windows.allows(op, &limits, now)),
            [false, true, true]
        );
        assert_eq!(windows.remaining(Op::Amend, &limits, now), 2);
        windows.sent(Op::Cancel, now, 5);
        assert_eq!(windows.remaining(Op::Cancel, &limits, now), 0);
        assert_eq!(windows.total(now), 6);
        assert!(windows.allows(Op::Create, &limits, now.plus_ms(1000)));
        windows.clear();
        assert_eq!(windows.total(now), 0);
    }

    fn op() -> impl Strategy<Value = Op> {
        prop::sample::select(Op::ALL.to_vec())
    }

    proptest! {
        /// spec: 02-8.1
        #[test]
        fn what_is_allowed_is_what_a_list_of_times_allows(
            steps in prop::collection::vec((op(), -200i64..900, 1u32..3), 1..300),
            window_sec in 1u32..6,
            rates in prop::array::uniform3(0.1f64..4.0),
        ) {
            let params = params(window_sec, rates);
            let limits = OpLimits::of_symbol(&params);
            let mut windows = OpWindows::new(window_sec);
            let mut sent: Vec<(Op, i64)> = Vec::new();
            let (mut clock_ms, mut latest_sec) = (0i64, 0);
            for (op, step_ms, n) in steps {
                clock_ms = (clock_ms + step_ms).max(0);
                latest_sec = latest_sec.max(clock_ms / 1000);
                let oldest = latest_sec - i64::from(window_sec);
                let count = |op: Op| {
                    sent.iter().filter(|(o, at)| *o == op && *at > oldest).count() as u64
                };
                let now = TsNs::ZERO.plus_ms(clock_ms);
                let limit = (rates[op.index()] * f64::from(window_sec)).floor() as u64;
                // the rings of all operations have seen the latest time
                prop_assert_eq!(windows.total(now), Op::ALL.map(count).iter().sum::<u64>());
                let allowed = count(op) < limit;
                prop_assert_eq!(windows.allows(op, &limits, now), allowed);
                if allowed {
                    windows.sent(op, now, n);
                    sent.extend(std::iter::repeat_n((op, latest_sec), n as usize));
                }
            }
        }
    }
}
