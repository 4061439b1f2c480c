//! The hot path whole: frames in, best bid and ask out, against a sorted-map book; and frames as
//! event rows of the engine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recordings;

use mmbot_feed::{
    BookState, Decoded, FrameBook, FrameErrorKind, Target, Verdict, append_events, bybit,
};
use mmbot_types::{EventColumns, RowKind, Side, TsNs};
use proptest::prelude::*;
use recordings::LadderBook;
use recordings::samples::{BYBIT_DELTA, BYBIT_SNAPSHOT, BYBIT_TRADES, grid};
use std::collections::BTreeMap;

fn book() -> FrameBook<LadderBook> {
    FrameBook::new("btcusdt", grid(), LadderBook::default())
}

fn frame(kind: &str, u: i64, levels: &[(bool, i64, i64)]) -> String {
    let side = |ask: bool| {
        let own = levels.iter().filter(|l| l.0 == ask);
        let row =
            |l: &(bool, i64, i64)| format!("[\"{}.{:02}\",\"{}\"]", l.1 / 100, l.1 % 100, l.2);
        own.map(row).collect::<Vec<_>>().join(",")
    };
    format!(
        "{{\"topic\":\"orderbook.50.BTCUSDT\",\"type\":\"{kind}\",\"ts\":1687940967466,\"data\":{{\
         \"s\":\"BTCUSDT\",\"b\":[{}],\"a\":[{}],\"u\":{u},\"seq\":{u}}}}}",
        side(false),
        side(true)
    )
}

#[test]
fn frames_give_the_touch() {
    let mut book = book();
    assert_eq!(book.apply(BYBIT_DELTA.as_bytes()), Ok(None));
    assert_eq!(book.state(), BookState::Empty);
    let top = book.apply(BYBIT_SNAPSHOT.as_bytes()).unwrap().unwrap();
    assert_eq!((top.bid.get(), top.bid_qty.get()), (3_024_720, 30_028));
    assert_eq!((top.ask.get(), top.ask_qty.get()), (3_024_870, 1));
    let top = book.apply(BYBIT_DELTA.as_bytes()).unwrap().unwrap();
    assert_eq!((top.ask.get(), top.ask_qty.get()), (3_024_930, 892));
    // the same again is a duplicate and leaves the touch as it is
    assert_eq!(book.apply(BYBIT_DELTA.as_bytes()), Ok(Some(top)));
    assert_eq!(book.apply(BYBIT_TRADES.as_bytes()), Ok(None));
    let counts = book.counts();
    assert_eq!(
        (counts.snapshots, counts.duplicates, counts.others),
        (1, 1, 1)
    );
    assert_eq!(book.state(), BookState::Synced);
}

/// spec: 01-8.1/5, 01-8.2
#[test]
fn a_refused_book_frame_desyncs_and_changes_no_level() {
    let mut book = book();
    book.apply(BYBIT_SNAPSHOT.as_bytes()).unwrap();
    let cut = &BYBIT_DELTA.as_bytes()[..BYBIT_DELTA.len() - 1];
    assert_eq!(book.apply(cut).unwrap_err().kind, FrameErrorKind::Truncated);
    assert_eq!(book.state(), BookState::Desynced);
    let untouched = book
        .book()
        .0
        .qty_at(Side::Sell, mmbot_types::PriceTick::new(3_024_870));
    assert_eq!(untouched.get(), 1);
    assert_eq!(book.apply(BYBIT_DELTA.as_bytes()), Ok(None));
    assert!(book.apply(BYBIT_SNAPSHOT.as_bytes()).unwrap().is_some());
    // bytes that are no frame of the stream do not
    assert!(book.apply(b"{\"op\":").is_err());
    assert!(book.apply(BYBIT_DELTA.as_bytes()).unwrap().is_some());
}

/// spec: 01-8.1/4, 01-8.1/5
#[test]
fn gaps_and_crossed_books_wait_for_a_snapshot() {
    let mut book = book();
    let start = frame("snapshot", 5, &[(false, 100, 1), (true, 110, 1)]);
    assert!(book.apply(start.as_bytes()).unwrap().is_some());
    assert_eq!(
        book.apply(frame("delta", 7, &[(false, 101, 1)]).as_bytes()),
        Ok(None)
    );
    assert_eq!(
        book.apply(frame("delta", 8, &[(false, 101, 1)]).as_bytes()),
        Ok(None)
    );
    assert!(book.apply(start.as_bytes()).unwrap().is_some());
    assert_eq!(
        book.apply(frame("delta", 6, &[(false, 110, 1)]).as_bytes()),
        Ok(None)
    );
    assert_eq!((book.counts().gaps, book.counts().crossed), (1, 1));
    assert_eq!(book.state(), BookState::Desynced);
}

/// spec: 01-8.1, 01-8.1/4
#[test]
fn a_gap_of_one_symbol_leaves_the_book_of_another_in_the_same_stream_alone() {
    let eth = |frame: String| frame.replace("BTCUSDT", "ETHUSDT");
    let touch = [(false, 100, 1), (true, 110, 1)];
    let stream = [
        frame("snapshot", 5, &touch),
        eth(frame("snapshot", 70, &touch)),
        frame("delta", 6, &[(false, 101, 1)]),
        eth(frame("delta", 72, &[(false, 101, 1)])),
        frame("delta", 7, &[(false, 102, 1)]),
        eth(frame("delta", 73, &[(false, 102, 1)])),
        frame("delta", 8, &[(false, 103, 1)]),
    ];
    let mut whole = book();
    let mut broken = FrameBook::new("ethusdt", grid(), LadderBook::default());
    for bytes in stream.iter().map(String::as_bytes) {
        whole.apply(bytes).unwrap();
        broken.apply(bytes).unwrap();
    }
    assert_eq!((whole.counts().gaps, whole.state()), (0, BookState::Synced));
    assert_eq!(
        (broken.counts().gaps, broken.state()),
        (1, BookState::Desynced)
    );
    let top = whole.apply(frame("delta", 9, &[]).as_bytes()).unwrap();
    assert_eq!(top.unwrap().bid.get(), 103);
}

#[test]
fn other_depths_and_symbols_are_passed_over() {
    let mut book = book();
    book.apply(BYBIT_SNAPSHOT.as_bytes()).unwrap();
    let other = BYBIT_SNAPSHOT.replace("orderbook.50.", "orderbook.1.");
    assert_eq!(book.apply(other.as_bytes()), Ok(None));
    let other = BYBIT_SNAPSHOT.replace("BTCUSDT", "ETHUSDT");
    assert_eq!(book.apply(other.as_bytes()), Ok(None));
    assert!(book.apply(BYBIT_DELTA.as_bytes()).unwrap().is_some());
}

#[test]
fn frames_become_event_rows() {
    let grid = grid();
    let target = Target {
        symbol: None,
        grid: &grid,
    };
    let (mut decoded, mut out) = (Decoded::default(), EventColumns::default());
    let mut append = |text: &str, verdict, ts: i64| {
        bybit::decode(text.as_bytes(), &target, &mut decoded).unwrap();
        append_events(
            &decoded,
            verdict,
            TsNs::new(ts),
            TsNs::new(ts + 5),
            &mut out,
        )
        .unwrap();
    };
    append(BYBIT_SNAPSHOT, Verdict::Reset, 10);
    append(BYBIT_DELTA, Verdict::Apply, 11);
    append(BYBIT_DELTA, Verdict::Duplicate, 12);
    append(BYBIT_DELTA, Verdict::Gap, 13);
    append(BYBIT_DELTA, Verdict::NeedSnapshot, 14);
    append(BYBIT_TRADES, Verdict::Apply, 1_672_531_200_000_000_000);
    let rows: Vec<_> = (0..out.len())
        .map(|i| (out.row(i).kind, out.row(i).last))
        .collect();
    let depth = |last| (RowKind::Depth, last);
    let expected = [
        (RowKind::Reset, false),
        depth(false),
        depth(false),
        depth(true),
        depth(false),
        depth(true),
        (RowKind::Gap, true),
        (RowKind::Trade, true),
        (RowKind::Trade, true),
    ];
    assert_eq!(rows, expected);
    assert_eq!(
        (out.row(3).px.get(), out.row(3).side),
        (3_024_870, Side::Sell)
    );
    // receive times of the test are made up; exchange times must be in order
    assert!(out.ts_exch.is_sorted());
}

/// The obviously right book: two sorted maps.
#[derive(Default)]
struct Naive([BTreeMap<i64, i64>; 2]);

impl Naive {
    fn apply(&mut self, levels: &[(bool, i64, i64)]) {
        for (ask, px, qty) in levels {
            let half = &mut self.0[usize::from(*ask)];
            if *qty == 0 {
                half.remove(px);
            } else {
                half.insert(*px, *qty);
            }
        }
    }

    fn top(&self) -> Option<[i64; 4]> {
        let (bid, ask) = (self.0[0].last_key_value()?, self.0[1].first_key_value()?);
        (bid.0 < ask.0).then_some([*bid.0, *bid.1, *ask.0, *ask.1])
    }
}

/// Bids below 10,050, asks above 10,040: sometimes crossed.
const fn price(ask: bool, distance: i64) -> i64 {
    if ask {
        10_040 + distance
    } else {
        10_050 - distance
    }
}

proptest! {
    /// spec: 01-8.1/1
    #[test]
    fn the_touch_is_that_of_a_sorted_map(
        frames in prop::collection::vec(
            prop::collection::vec((any::<bool>(), 0i64..60, 0i64..4), 0..12), 1..40),
    ) {
        let (mut book, mut naive, mut usable) = (book(), Naive::default(), false);
        for (i, raw) in frames.iter().enumerate() {
            let levels: Vec<_> =
                raw.iter().map(|(ask, d, q)| (*ask, price(*ask, *d), *q)).collect();
            let kind = if usable { "delta" } else { "snapshot" };
            if !usable {
                naive = Naive::default();
            }
            naive.apply(&levels);
            let u = i64::try_from(i).unwrap() + 2;
            let top = book.apply(frame(kind, u, &levels).as_bytes()).unwrap();
            let units = |q: mmbot_types::QtyLot| q.get() / 1000;
            let got = top.map(|t| [t.bid.get(), units(t.bid_qty), t.ask.get(), units(t.ask_qty)]);
            prop_assert_eq!(got, naive.top());
            usable = book.state() == BookState::Synced;
        }
    }
}
