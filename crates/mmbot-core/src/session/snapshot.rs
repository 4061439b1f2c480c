//! The windows of a session as plain data: payload version 2 of a throttle snapshot. Its JSON form
//! (with `"version": 2`) and its envelope are made and checked where files are written.
//!
//! Version 1 carried no rings: one of those starts with empty windows and gives its
//! `backoff_ms_max` to [`Backoff::seed_max_observed`](super::Backoff::seed_max_observed).

use super::ring::{RingError, RingParts, SecondRing, WINDOW_SEC_MAX, second_of};
use super::windows::OpWindows;
pub use mmbot_types::ThrottleSnapshot;
use mmbot_types::{Op, TsNs};
use std::collections::BTreeMap;
use thiserror::Error;

/// The symbol under which the windows of the session are kept.
pub const SESSION_SYMBOL: &str = "*";

/// Why a snapshot is not loaded (`invalid_payload`).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// Not a window.
    #[error("window_sec: not in [1,{WINDOW_SEC_MAX}]")]
    WindowSec,
    /// A symbol without a name.
    #[error("symbols: empty name")]
    Symbol,
    /// A ring that is none.
    #[error("symbols.{symbol}.{op}.{error}", op = op.name())]
    Ring {
        /// Whose.
        symbol: String,
        /// Which of its rings.
        op: Op,
        /// What is wrong with it.
        error: RingError,
    },
}

/// The snapshot of these windows, which all are `window_sec` long.
#[must_use]
pub fn snapshot_of<'a>(
    window_sec: u32,
    windows: impl IntoIterator<Item = (&'a str, &'a OpWindows)>,
) -> ThrottleSnapshot {
    let parts = |windows: &OpWindows| Op::ALL.map(|op| windows.ring(op).parts());
    let symbols = windows.into_iter();
    ThrottleSnapshot {
        window_sec,
        symbols: symbols
            .map(|(symbol, windows)| (symbol.to_owned(), parts(windows)))
            .collect(),
    }
}

/// The windows at `now`, `window_sec` seconds long: the newest seconds that fit are kept. A
/// ring that stands later than `now` was written by another clock and is taken as of now.
///
/// # Errors
/// The first rule that the snapshot breaks; then nothing is loaded.
pub fn load_windows(
    snapshot: &ThrottleSnapshot,
    window_sec: u32,
    now: TsNs,
) -> Result<BTreeMap<String, OpWindows>, SnapshotError> {
    if !(1..=WINDOW_SEC_MAX).contains(&snapshot.window_sec) {
        return Err(SnapshotError::WindowSec);
    }
    let mut loaded = BTreeMap::new();
    for (symbol, parts) in &snapshot.symbols {
        if symbol.is_empty() {
            return Err(SnapshotError::Symbol);
        }
        let mut windows = OpWindows::new(window_sec);
        for op in Op::ALL {
            let ring = ring_of(snapshot, &parts[op.index()]);
            let mut ring = ring.map_err(|error| SnapshotError::Ring {
                symbol: symbol.clone(),
                op,
                error,
            })?;
            ring.rebase(second_of(now));
            ring.resize(window_sec);
            windows.set_ring(op, ring);
        }
        loaded.insert(symbol.clone(), windows);
    }
    Ok(loaded)
}

fn ring_of(snapshot: &ThrottleSnapshot, parts: &RingParts) -> Result<SecondRing, RingError> {
    if parts.ring.len() != snapshot.window_sec as usize {
        return Err(RingError::Size);
    }
    SecondRing::from_parts(parts)
}
#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> TsNs {
        TsNs::ZERO.plus_ms(second * 1000)
    }

    fn windows(size: u32, sent: &[(Op, i64, u32)]) -> OpWindows {
        let mut windows = OpWindows::new(size);
        for (op, second, n) in sent {
            windows.sent(*op, at(*second), *n);
        }
        windows
    }

    fn sample() -> ThrottleSnapshot {
        let btc = windows(3, &[(Op::Create, 100, 2), (Op::Create, 101, 3)]);
        let all = windows(3, &[(Op::Create, 101, 5), (Op::Cancel, 99, 4)]);
        snapshot_of(3, [("BTCUSDT", &btc), (SESSION_SYMBOL, &all)])
    }

    /// spec: 02-8.4
    #[test]
    fn a_snapshot_holds_symbols_operations_and_the_session_as_a_star() {
        let snapshot = sample();
        let names: Vec<_> = snapshot.symbols.keys().cloned().collect();
        assert_eq!(names, ["*", "BTCUSDT"]);
        let creates = &snapshot.symbols["BTCUSDT"][Op::Create.index()];
        assert_eq!((creates.base_ts, creates.idx), (100, 1));
        assert_eq!(creates.ring, [2, 3, 0]);
    }

    /// spec: 02-8.4
    #[test]
    fn loaded_rings_are_advanced_to_now() {
        let rows = [(101, 5), (102, 5), (103, 3), (104, 0), (100_000, 0)];
        for (second, creates) in rows {
            let mut loaded = load_windows(&sample(), 3, at(second)).unwrap();
            let btc = loaded.get_mut("BTCUSDT").unwrap();
            let ring = btc.ring(Op::Create);
            assert_eq!(ring.current_sec(), second);
            assert_eq!(btc.total(at(second)), creates, "{second}");
        }
    }

    /// spec: 02-8.4
    #[test]
    fn another_window_keeps_the_newest_seconds_that_fit() {
        for (window_sec, creates) in [(1, 3), (2, 5), (3, 5), (9, 5)] {
            let mut loaded = load_windows(&sample(), window_sec, at(101)).unwrap();
            let btc = loaded.get_mut("BTCUSDT").unwrap();
            assert_eq!(btc.ring(Op::Create).size(), window_sec as usize);
            assert_eq!(btc.total(at(101)), creates, "{window_sec}");
        }
    }

    /// spec: 02-8.4
    #[test]
    fn a_snapshot_of_a_clock_ahead_of_ours_does_not_block_until_then() {
        let mut loaded = load_windows(&sample(), 3, at(10)).unwrap();
        let btc = loaded.get_mut("BTCUSDT").unwrap();
        assert_eq!(btc.total(at(10)), 5);
        assert_eq!(btc.total(at(13)), 0);
    }

    /// spec: 02-8.4
    #[test]
    fn any_other_shape_is_refused_as_a_whole() {
        let edited = |edit: fn(&mut ThrottleSnapshot)| {
            let mut snapshot = sample();
            edit(&mut snapshot);
            load_windows(&snapshot, 3, at(101)).unwrap_err().to_string()
        };
        let (window, size) = (
            "window_sec: not in [1,3600]",
            "number of cells not in [1,3600]",
        );
        assert_eq!(edited(|s| s.window_sec = 0), window);
        assert_eq!(edited(|s| s.window_sec = 3601), window);
        let ring = format!("symbols.*.create.ring: {size}");
        assert_eq!(edited(|s| s.window_sec = 4), ring);
        assert_eq!(
            edited(|s| s.symbols.get_mut("BTCUSDT").unwrap()[2].idx = 3),
            "symbols.BTCUSDT.cancel.idx: not a cell of the ring"
        );
        assert_eq!(
            edited(|s| s.symbols.get_mut("*").unwrap()[1].base_ts = -9),
            "symbols.*.amend.base_ts: not a time"
        );
        assert_eq!(
            edited(|s| {
                s.symbols.insert(String::new(), Default::default());
            }),
            "symbols: empty name"
        );
    }

    proptest! {
        /// spec: 02-8.4
        #[test]
        fn a_snapshot_loads_to_the_windows_it_was_taken_of(
            size in 1u32..8,
            sent in prop::collection::vec((0usize..3, 0i64..4, 0u32..9), 0..40),
        ) {
            let mut original = OpWindows::new(size);
            let mut second = 1_700_000_000;
            for (op, gap, n) in sent {
                second += gap;
                original.sent(Op::ALL[op], at(second), n);
            }
            original.total(at(second));
            let snapshot = snapshot_of(size, [("ETHUSDT", &original)]);
            let loaded = load_windows(&snapshot, size, at(second)).unwrap();
            prop_assert_eq!(&loaded["ETHUSDT"], &original);
        }
    }
}
