//! A run that follows a market while it happens: frames to chunks, and chunks into a backtest.

use crate::venue::{NAMES, at, book, delta, snapshot};
use mmbot_run::{Backtest, FrameChunks, LaneSpec, NoStrategy, RunError, Sampling, SessionLane};
use mmbot_sim::SimConfig;
use mmbot_types::{EventColumns, Instrument, InstrumentIdx, Params, RowKind, SessionParams};
use proptest::prelude::*;
use std::sync::Arc;

fn instruments() -> Vec<Instrument> {
    let made = |name: &&str| Instrument::new(name, "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
    NAMES.iter().map(made).collect()
}

fn chunks() -> FrameChunks {
    FrameChunks::new(instruments().iter()).unwrap()
}

fn backtest(watches: bool) -> Backtest {
    let mut params = Params::default();
    params.signals.stale_after_ms = 240;
    params.anti_stale.order_ttl_ms = 60_000;
    let sim = SimConfig {
        latency_ms_mean: 3.0,
        ..SimConfig::default()
    };
    let lane = SessionLane {
        symbols: vec![LaneSpec { params, sim }; NAMES.len()],
        session: Some(SessionParams::default()),
    };
    let sampling = Sampling {
        bar_ns: 60_000_000_000,
        curve_ns: None,
    };
    let mut made = Backtest::over(&instruments(), &[lane], sampling, 1).unwrap();
    if watches {
        made.watch_books();
    }
    made
}

/// Both symbols move on to what is known up to `ms`.
fn follow(run: &mut Backtest, frames: &mut FrameChunks, ms: i64) {
    for symbol in 0..NAMES.len() {
        run.push(symbol, Arc::new(frames.take(symbol, at(ms))))
            .unwrap();
        run.know(symbol, at(ms).get());
    }
    assert!(!run.advance(at(ms).get() - 1, &mut NoStrategy).unwrap());
}

fn open(run: &Backtest, symbol: usize) -> usize {
    run.lane(symbol, 0)
        .unwrap()
        .1
        .trader()
        .open_orders()
        .count()
}

/// Both symbols quote, the newest packet of each came at 500.
fn quoting(watches: bool) -> (Backtest, FrameChunks) {
    let (mut run, mut frames) = (backtest(watches), chunks());
    for ms in (0..=500).step_by(20) {
        for name in NAMES {
            let frame = if ms == 0 {
                snapshot(name, 10, ms)
            } else {
                delta(name, 10 + ms / 20, ms)
            };
            frames.on_frame(&frame, at(ms));
        }
        follow(&mut run, &mut frames, ms + 1);
    }
    assert!(open(&run, 0) >= 2 && open(&run, 1) >= 2);
    (run, frames)
}

fn kinds(rows: &EventColumns) -> Vec<RowKind> {
    let kind = |flags: &u8| RowKind::from_flags(*flags);
    rows.flags.iter().map(kind).collect()
}

#[test]
fn quotes_of_a_silent_market_are_pulled_as_soon_as_its_book_is_stale() {
    for (watches, left) in [(true, false), (false, true)] {
        let (mut run, mut frames) = quoting(watches);
        follow(&mut run, &mut frames, 740);
        assert!(open(&run, 0) >= 2, "until then they stand");
        follow(&mut run, &mut frames, 760);
        assert_eq!(open(&run, 0) > 0, left, "watches: {watches}");
    }
}

#[test]
fn quotes_are_pulled_when_the_stream_is_lost_and_come_back_with_a_snapshot() {
    let (mut run, mut frames) = quoting(true);
    frames.on_gap(0, at(505)).unwrap();
    frames.on_frame(&delta("ETHUSDT", 36, 505), at(505));
    assert_eq!(frames.take_resubscribes(), [InstrumentIdx(0)]);
    // the cancels that are decided at 505 have reached the exchange and are answered
    follow(&mut run, &mut frames, 512);
    assert_eq!(open(&run, 0), 0);
    assert!(open(&run, 1) >= 2);
    frames.on_frame(&snapshot("BTCUSDT", 90, 600), at(600));
    frames.on_frame(&delta("BTCUSDT", 91, 750), at(750));
    follow(&mut run, &mut frames, 760);
    assert!(open(&run, 0) >= 2);
}

#[test]
fn a_crossed_book_becomes_a_gap_and_its_rows_never_come() {
    let mut frames = chunks();
    frames.on_frame(&snapshot("BTCUSDT", 10, 0), at(0));
    frames.take(0, at(1));
    frames.on_frame(
        &book("BTCUSDT", "delta", 11, &[("30000.5", "1")], &[], 5),
        at(5),
    );
    assert_eq!(kinds(&frames.take(0, at(6))), [RowKind::Gap]);
    assert_eq!(frames.take_resubscribes(), [InstrumentIdx(0)]);
    assert_eq!(frames.feed_counts(0).unwrap().lost, 1);
    frames.on_frame(&delta("BTCUSDT", 12, 7), at(7));
    assert!(frames.take(0, at(8)).is_empty());
}

#[test]
fn a_torn_frame_is_kept_and_breaks_its_book_alone() {
    let mut frames = chunks();
    for name in NAMES {
        frames.on_frame(&snapshot(name, 10, 0), at(0));
    }
    let (_, _) = (frames.take(0, at(1)), frames.take(1, at(1)));
    let whole = delta("BTCUSDT", 11, 5);
    frames.on_frame(&whole[..whole.len() - 9], at(5));
    assert_eq!(frames.take_rejects().len(), 1);
    assert_eq!(kinds(&frames.take(0, at(6))), [RowKind::Gap]);
    assert!(frames.take(1, at(6)).is_empty());
}

#[test]
fn what_comes_late_counts_as_of_the_time_that_was_known() {
    let mut frames = chunks();
    frames.on_frame(&snapshot("BTCUSDT", 10, 0), at(0));
    frames.take(0, at(100));
    frames.on_frame(&delta("BTCUSDT", 11, 90), at(95));
    let rows = frames.take(0, at(101));
    assert_eq!(rows.ts_exch, [at(100).get()]);
    assert_eq!(rows.ts_local, [at(100).get()]);
}

#[test]
fn rows_from_before_what_was_known_are_refused() {
    let mut run = backtest(true);
    run.know(0, at(100).get());
    let mut frames = chunks();
    frames.on_frame(&snapshot("BTCUSDT", 10, 99), at(99));
    let early = run.push(0, Arc::new(frames.take(0, at(99))));
    assert!(matches!(early, Err(RunError::ChunkOrder { .. })));
}

#[test]
fn symbols_that_are_not_followed_are_refused_or_left_alone() {
    let mut frames = chunks();
    assert!(matches!(frames.on_gap(2, at(0)), Err(RunError::Lanes)));
    frames.on_frame(&snapshot("XRPUSDT", 1, 0), at(0));
    assert!(frames.take(0, at(1)).is_empty());
    assert!(frames.take(7, at(1)).is_empty());
    assert_eq!(frames.feed_counts(7), None);
}

proptest! {
    /// Frames of two symbols, lost streams and silences; however often somebody looks.
    #[test]
    fn the_run_does_not_depend_on_when_rows_are_taken(
        steps in prop::collection::vec((0usize..2, 1i64..150, 0u8..12), 1..120),
        looks in prop::collection::vec(any::<bool>(), 120),
    ) {
        let ends: Vec<u64> = [&looks, &vec![false; 120], &vec![true; 120]].map(|looks| {
            let (mut run, mut frames) = (backtest(true), chunks());
            let (mut ms, mut numbers) = (1, [10, 10]);
            for name in NAMES {
                frames.on_frame(&snapshot(name, 10, 0), at(0));
            }
            for ((symbol, pause, what), looks) in steps.iter().zip(looks) {
                ms += pause;
                numbers[*symbol] += 1;
                let (name, number) = (NAMES[*symbol], numbers[*symbol]);
                match what {
                    0 => frames.on_gap(*symbol, at(ms)).unwrap(),
                    1 | 2 => frames.on_frame(&snapshot(name, number, ms), at(ms)),
                    _ => frames.on_frame(&delta(name, number, ms), at(ms)),
                }
                if *looks {
                    follow(&mut run, &mut frames, ms + 1);
                }
            }
            follow(&mut run, &mut frames, ms + 1_000);
            let hash = |symbol| run.lane(symbol, 0).unwrap().1.trader().state_hash();
            hash(0) ^ hash(1).rotate_left(1)
        }).to_vec();
        prop_assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}");
    }
}
