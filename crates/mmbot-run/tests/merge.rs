//! The stream merger against the naive merge: everything at once, sorted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mmbot_run::{BookBatch, StreamMerger, TradeBatch, Wants};
use mmbot_types::{EventColumns, EventRow, RowKind};
use proptest::prelude::*;

/// Packets of one stream: time steps and rows in the packet.
#[derive(Debug, Clone)]
struct Streams {
    /// (exchange step, receive lag, rows, snapshot)
    packets: Vec<(i64, i64, usize, bool)>,
    /// (exchange step, receive lag)
    trades: Vec<(i64, i64)>,
    batch: usize,
}

fn streams() -> impl Strategy<Value = Streams> {
    let packet = (0i64..3, 0i64..40, 1usize..4, prop::bool::weighted(0.1));
    (
        prop::collection::vec(packet, 0..80),
        prop::collection::vec((0i64..4, 0i64..40), 0..40),
        1usize..60,
    )
        .prop_map(|(packets, trades, batch)| Streams {
            packets,
            trades,
            batch,
        })
}

#[derive(Debug, Default, Clone)]
struct Book {
    ts: Vec<i64>,
    recv: Vec<i64>,
    id: Vec<i64>,
    kind: Vec<u8>,
}

fn book_rows(streams: &Streams) -> Book {
    let (mut book, mut now, mut received) = (Book::default(), 0, 0);
    for (at, (step, lag, rows, snapshot)) in streams.packets.iter().enumerate() {
        now += step;
        received = received.max(now + lag);
        for _ in 0..*rows {
            book.ts.push(now);
            book.recv.push(received);
            book.id.push(i64::try_from(at).unwrap());
            book.kind.push(u8::from(!snapshot));
        }
    }
    book
}

fn trade_rows(streams: &Streams) -> (Vec<i64>, Vec<i64>) {
    let (mut ts, mut recv, mut now, mut received) = (Vec::new(), Vec::new(), 0, 0);
    for (step, lag) in &streams.trades {
        now += step;
        received = received.max(now + lag);
        ts.push(now);
        recv.push(received);
    }
    (ts, recv)
}

/// Feeds the merger batch by batch as it asks, collecting chunks as they come.
fn merged(streams: &Streams) -> Vec<EventColumns> {
    let (book, (ts, recv)) = (book_rows(streams), trade_rows(streams));
    let (mut merger, mut chunks) = (StreamMerger::new(), Vec::new());
    let (mut b, mut t) = (0, 0);
    let (zeros, qty) = ([0u8; 300], [1i64; 300]);
    // the price tells which row of its stream it is
    let px: Vec<i64> = (0..300).collect();
    loop {
        match merger.wants() {
            Wants::Book if b == book.ts.len() => merger.end_book(),
            Wants::Book => {
                let to = (b + streams.batch).min(book.ts.len());
                let n = to - b;
                let batch = BookBatch {
                    ts_ns: &book.ts[b..to],
                    recv_ns: &book.recv[b..to],
                    update_id: &book.id[b..to],
                    kind: &book.kind[b..to],
                    side: &zeros[..n],
                    px: &px[b..to],
                    qty: &qty[..n],
                };
                merger.push_book(batch).unwrap();
                b = to;
            }
            Wants::Trades if t == ts.len() => merger.end_trades(),
            Wants::Trades => {
                let to = (t + streams.batch).min(ts.len());
                let n = to - t;
                let batch = TradeBatch {
                    ts_ns: &ts[t..to],
                    recv_ns: &recv[t..to],
                    side: &zeros[..n],
                    px: &px[t..to],
                    qty: &qty[..n],
                };
                merger.push_trades(batch).unwrap();
                t = to;
            }
            Wants::Nothing => {}
        }
        chunks.extend(merger.take());
        if merger.wants() == Wants::Nothing {
            chunks.extend(std::iter::from_fn(|| merger.take()));
            return chunks;
        }
    }
}

fn rows_of(chunks: &[EventColumns]) -> Vec<EventRow> {
    chunks
        .iter()
        .flat_map(|chunk| (0..chunk.len()).map(|at| chunk.row(at)))
        .collect()
}

/// (exchange time, is a book row, receive time, price) of every row, sorted as the contract says.
fn expected(streams: &Streams) -> Vec<(i64, bool, i64, i64)> {
    let (book, (ts, recv)) = (book_rows(streams), trade_rows(streams));
    let mut all: Vec<(i64, bool, i64, i64)> = (0i64..)
        .zip(ts.iter().zip(&recv))
        .map(|(px, (ts, recv))| (*ts, false, *recv, px))
        .collect();
    let mut last = None;
    for at in 0..book.ts.len() {
        if last != Some(book.id[at]) && book.kind[at] == 0 {
            all.push((book.ts[at], true, book.recv[at], 0));
        }
        last = Some(book.id[at]);
        let px = i64::try_from(at).unwrap();
        all.push((book.ts[at], true, book.recv[at], px));
    }
    all.sort_by_key(|row| (row.0, row.1));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn chunks_together_are_the_naive_merge(streams in streams()) {
        let chunks = merged(&streams);
        let rows = rows_of(&chunks);
        let fields = |r: &EventRow| {
            (r.ts_exch.get(), r.kind != RowKind::Trade, r.ts_local.get(), r.px.get())
        };
        let got: Vec<_> = rows.iter().map(fields).collect();
        prop_assert_eq!(got, expected(&streams));
        let packet_ends = rows.iter().filter(|row| row.last).count();
        prop_assert_eq!(packet_ends, streams.packets.len());
    }

    #[test]
    fn a_used_chunk_gives_its_memory_and_nothing_else(streams in streams()) {
        let mut merger = StreamMerger::new();
        let mut chunk = merged(&streams).pop().unwrap_or_default();
        chunk.local_order = Some(vec![3]);
        prop_assert!(!merger.take_into(&mut chunk));
        prop_assert_eq!(&chunk, &EventColumns::default());
        let mut fed = |times: &[i64]| {
            let (zeros, ones) = (vec![0; times.len()], vec![1; times.len()]);
            let (side, px) = (&zeros, &ones);
            let batch = TradeBatch { ts_ns: times, recv_ns: times, side, px, qty: &ones };
            merger.push_trades(batch).unwrap();
            merger.end_book();
            merger.clone()
        };
        let expected = fed(&[3, 4, 4]).take();
        chunk.flags.push(7);
        let mut again = fed(&[]);
        prop_assert!(again.take_into(&mut chunk));
        prop_assert_eq!(Some(chunk), expected);
    }

    #[test]
    fn chunks_are_valid_and_cut_where_both_orders_allow(streams in streams()) {
        let chunks = merged(&streams);
        let (mut seen_exch, mut seen_local) = (i64::MIN, i64::MIN);
        for chunk in &chunks {
            prop_assert_eq!(chunk.validate(), Ok(()));
            prop_assert!(chunk.ts_exch[0] >= seen_exch);
            prop_assert!(*chunk.ts_local.iter().min().unwrap() >= seen_local);
            seen_exch = *chunk.ts_exch.last().unwrap();
            seen_local = *chunk.ts_local.iter().max().unwrap();
        }
    }
}

#[test]
fn bad_rows_are_named() {
    let mut merger = StreamMerger::new();
    let batch = TradeBatch {
        ts_ns: &[5, 4],
        recv_ns: &[6, 7],
        side: &[0, 0],
        px: &[1, 1],
        qty: &[1, 1],
    };
    let error = merger.push_trades(batch).unwrap_err();
    assert_eq!(error.to_string(), "row 1: exchange time goes back");
    let batch = TradeBatch {
        ts_ns: &[9],
        recv_ns: &[9],
        side: &[0],
        px: &[1],
        qty: &[0],
    };
    assert_eq!(
        merger.push_trades(batch).unwrap_err().to_string(),
        "row 0: bad quantity"
    );
    let batch = TradeBatch {
        ts_ns: &[9],
        recv_ns: &[9],
        side: &[0],
        px: &[-1],
        qty: &[1],
    };
    assert_eq!(
        merger.push_trades(batch).unwrap_err().to_string(),
        "row 0: price out of range"
    );
    for (px, qty, error) in [
        (i64::from(i32::MAX) + 1, 1, "row 1: price out of range"),
        (i64::MIN, 1, "row 1: price out of range"),
        (i64::MAX, 1, "row 1: price out of range"),
        (1, 0, "row 1: bad quantity"),
        (1, i64::MIN, "row 1: bad quantity"),
    ] {
        let batch = TradeBatch {
            ts_ns: &[9, 9],
            recv_ns: &[9, 9],
            side: &[0, 0],
            px: &[i64::from(i32::MAX), px],
            qty: &[i64::MAX, qty],
        };
        let refused = merger.push_trades(batch).unwrap_err();
        assert_eq!(refused.to_string(), error, "{px} {qty}");
    }
}
