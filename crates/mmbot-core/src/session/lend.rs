//! What is left in a session's window, divided over its symbols. Symbols run independently between
//! two synchronisations, so that none can look at the session's window; each gets its share in
//! advance and the session counts at the next synchronisation what was really sent.

/// Divides `remaining` requests over symbols, deterministically and completely.
///
/// `wants[i]` is what symbol `i` could use until the next synchronisation (what it used of its last
/// share plus what was refused it). In this order:
/// 1. equal shares, of which a symbol takes no more than it wants; a symbol that wants nothing is
///    lent one, so that it can begin;
/// 2. what the modest leave goes in equal shares to those who want more, until all have what they
///    want or nothing is left;
/// 3. what nobody wants is divided equally over all: a symbol may turn lively at any time;
/// 4. what cannot be divided goes one each, in index order.
///
/// The shares sum to `remaining` (nothing is lent without symbols). `out` is as long as `wants`;
/// what is longer gets nothing. Cost: at most one pass over the symbols per distinct want.
pub fn lend(remaining: u64, wants: &[u64], out: &mut [u64]) {
    if let ([_], [alone]) = (wants, &mut *out) {
        *alone = remaining;
        return;
    }
    out.fill(0);
    let symbols = wants.len().min(out.len());
    let (wants, out) = (&wants[..symbols], &mut out[..symbols]);
    let mut left = remaining;
    loop {
        let open = wants
            .iter()
            .zip(&*out)
            .filter(|(w, o)| missing(**w, **o) > 0);
        let open = open.count() as u64;
        if open == 0 {
            break;
        }
        let share = left / open;
        if share == 0 {
            spread(&mut left, out, |at, lent| missing(wants[at], lent).min(1));
            return;
        }
        spread(&mut left, out, |at, lent| {
            missing(wants[at], lent).min(share)
        });
    }
    if symbols > 0 {
        let share = left / symbols as u64;
        spread(&mut left, out, |_, _| share);
        spread(&mut left, out, |_, _| 1);
    }
}

/// What a symbol would still take.
const fn missing(want: u64, lent: u64) -> u64 {
    let want = if want == 0 { 1 } else { want };
    want.saturating_sub(lent)
}

/// Lends each symbol what `more` says (index, already lent), in index order, while something is
/// left.
fn spread(left: &mut u64, out: &mut [u64], more: impl Fn(usize, u64) -> u64) {
    for (at, lent) in out.iter_mut().enumerate() {
        let given = more(at, *lent).min(*left);
        *lent += given;
        *left -= given;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{OpLimits, OpWindows};
    use mmbot_types::{Op, ThrottleParams, TsNs};
    use proptest::prelude::*;

    fn lent(remaining: u64, wants: &[u64]) -> Vec<u64> {
        let mut out = vec![9; wants.len()];
        lend(remaining, wants, &mut out);
        out
    }

    /// spec: 02-8.1
    #[test]
    fn shares_follow_the_rules_in_their_order() {
        let rows: [(&str, u64, &[u64], &[u64]); 10] = [
            ("no symbols", 5, &[], &[]),
            ("nothing left", 0, &[3, 3], &[0, 0]),
            ("equal shares", 9, &[9, 9, 9], &[3, 3, 3]),
            (
                "the remainder goes in index order",
                11,
                &[9, 9, 9],
                &[4, 4, 3],
            ),
            (
                "the modest leave theirs to others",
                12,
                &[1, 20, 20],
                &[1, 6, 5],
            ),
            ("twice", 20, &[1, 5, 20], &[1, 5, 14]),
            ("who wanted nothing can begin", 9, &[0, 9, 9], &[1, 4, 4]),
            ("what nobody wants is spread", 10, &[1, 2, 0], &[3, 4, 3]),
            ("and its remainder too", 11, &[1, 1, 1], &[4, 4, 3]),
            ("fewer than symbols", 2, &[5, 0, 5], &[1, 1, 0]),
        ];
        for (name, remaining, wants, shares) in rows {
            assert_eq!(lent(remaining, wants), shares, "{name}");
        }
    }

    #[test]
    fn slices_of_other_lengths_lend_over_the_shorter() {
        let mut out = [7; 4];
        lend(6, &[9, 9], &mut out);
        assert_eq!(out, [3, 3, 0, 0]);
        let mut out = [7; 1];
        lend(6, &[9, 9], &mut out);
        assert_eq!(out, [6]);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        assert_eq!(lent(u64::MAX, &[u64::MAX, 1]), [u64::MAX - 1, 1]);
        let spread = lent(u64::MAX, &[1, 1, 1]);
        assert_eq!(spread.iter().sum::<u64>(), u64::MAX);
    }

    /// The obvious division: one request at a time to whoever has least of those who want more,
    /// then to whoever has been given least of what nobody wants.
    fn one_by_one(remaining: u64, wants: &[u64]) -> Vec<u64> {
        let wants: Vec<u64> = wants.iter().map(|want| (*want).max(1)).collect();
        let (mut out, mut extra) = (vec![0; wants.len()], vec![0; wants.len()]);
        for _ in 0..remaining {
            let open = (0..wants.len()).filter(|at| out[*at] < wants[*at]);
            match open.min_by_key(|at| out[*at]) {
                Some(at) => out[at] += 1,
                None => {
                    let least = (0..wants.len()).min_by_key(|at| extra[*at]);
                    if let Some(at) = least {
                        extra[at] += 1;
                    }
                }
            }
        }
        out.iter().zip(extra).map(|(a, b)| a + b).collect()
    }

    proptest! {
        /// spec: 02-8.1
        #[test]
        fn lending_equals_dealing_out_one_by_one(
            remaining in 0u64..200,
            wants in prop::collection::vec(prop_oneof![0u64..4, 0u64..60], 0..12),
        ) {
            let out = lent(remaining, &wants);
            let sum: u64 = out.iter().sum();
            prop_assert_eq!(sum, if wants.is_empty() { 0 } else { remaining });
            prop_assert_eq!(out, one_by_one(remaining, &wants));
        }

        /// Symbols that see only their share never take the session beyond its limit.
        /// spec: 02-8.1
        #[test]
        fn no_window_of_the_session_exceeds_its_limit(
            tries in prop::collection::vec(prop::collection::vec(0u64..9, 4), 1..80),
            window_sec in 1u32..4,
        ) {
            let params = ThrottleParams { window_sec, ..ThrottleParams::default() };
            let limits = OpLimits::of_session(&params, 1);
            let mut session = OpWindows::new(window_sec);
            let (mut wants, mut shares) = (vec![0; 4], vec![0; 4]);
            let mut list: Vec<(i64, u64)> = Vec::new();
            for (sync, tries) in tries.iter().enumerate() {
                let now = TsNs::ZERO.plus_ms(100 * sync as i64);
                let remaining = session.remaining(Op::Create, &limits, now);
                lend(remaining, &wants, &mut shares);
                prop_assert!(shares.iter().sum::<u64>() <= remaining);
                let sent: u64 = tries.iter().zip(&shares).map(|(n, share)| n.min(share)).sum();
                wants.clone_from(tries);
                session.sent(Op::Create, now, sent as u32);
                list.push((sync as i64 / 10, sent));
                let oldest = sync as i64 / 10 - i64::from(window_sec);
                let total: u64 = list.iter().filter(|(at, _)| *at > oldest).map(|(_, n)| n).sum();
                prop_assert!(total <= limits.get(Op::Create));
            }
        }
    }
}
