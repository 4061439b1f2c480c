//! Whole captures, small and hand-written: gaps, restarts, reconnects, markets, joins, rejects.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recordings;

use mmbot_feed::capture::{Format, KIND_DELTA, KIND_GAP, KIND_SNAPSHOT, scan_symbols};
use mmbot_feed::{BookState, Grid};
use recordings::samples::grid;
use recordings::{Imported, import};

const S: u8 = KIND_SNAPSHOT;
const D: u8 = KIND_DELTA;
const G: u8 = KIND_GAP;

/// A Bybit book frame of BTCUSDT; `ms` counts from the year 2023.
fn book(kind: &str, u: i64, ms: i64, bids: &str, asks: &str) -> String {
    let ms = 1_672_531_200_000 + ms;
    format!(
        "{{\"topic\":\"orderbook.50.BTCUSDT\",\"type\":\"{kind}\",\"ts\":{ms},\
         \"data\":{{\"s\":\"BTCUSDT\",\"b\":{bids},\"a\":{asks},\"u\":{u},\
         \"seq\":{u}}},\"cts\":{ms}}}"
    )
}

fn snapshot(u: i64, ms: i64) -> String {
    book(
        "snapshot",
        u,
        ms,
        r#"[["100.00","1"]]"#,
        r#"[["100.10","2"]]"#,
    )
}

fn delta(u: i64, ms: i64) -> String {
    book("delta", u, ms, r#"[["99.90","3"]]"#, "[]")
}

fn bare(lines: &[String]) -> Imported {
    let data = lines.join("\n");
    import(
        "bybit-bare",
        "btcusdt",
        None,
        grid(),
        &[data.as_bytes()],
        37,
    )
}

/// spec: 01-8.1/4
#[test]
fn a_gap_is_marked_and_nothing_is_applied_until_the_next_snapshot() {
    let got = bare(&[
        delta(4, 0),
        snapshot(5, 1),
        delta(6, 2),
        delta(8, 3),
        delta(9, 4),
        snapshot(20, 5),
        delta(21, 6),
        delta(21, 7),
    ]);
    assert_eq!(got.book.kind, [S, S, D, G, S, S, D]);
    assert_eq!(got.book.update_id, [5, 5, 6, 6, 20, 20, 21]);
    assert_eq!((got.book.px[3], got.book.qty[3]), (0, 0));
    let stats = got.stats;
    assert_eq!((stats.frames, stats.snapshots, stats.gaps), (8, 2, 1));
    assert_eq!((stats.ignored, stats.duplicates, stats.rows), (3, 1, 6));
    assert_eq!(got.decoder.state(), BookState::Synced);
}

/// spec: 01-8.1/3
#[test]
fn a_service_restart_replaces_the_book() {
    let restart = book("delta", 1, 3, r#"[["50.00","1"]]"#, r#"[["50.10","2"]]"#);
    let next = book("delta", 2, 4, r#"[["49.90","3"]]"#, "[]");
    let got = bare(&[snapshot(5, 1), restart, next]);
    assert_eq!(got.book.kind, [S, S, S, S, D]);
    assert_eq!(
        (got.stats.snapshots, got.stats.gaps, got.stats.crossed),
        (2, 0, 0)
    );
}

/// spec: 01-8.1/5
#[test]
fn a_crossed_or_locked_book_is_a_gap_without_rows() {
    for price in ["100.10", "100.20"] {
        let crossing = book("delta", 6, 2, &format!("[[\"{price}\",\"1\"]]"), "[]");
        let got = bare(&[snapshot(5, 1), crossing, delta(7, 3)]);
        assert_eq!(got.book.kind, [S, S, G]);
        assert_eq!(
            (got.stats.crossed, got.stats.gaps, got.stats.ignored),
            (1, 0, 1)
        );
        assert_eq!(got.decoder.state(), BookState::Desynced);
    }
}

/// spec: 01-8.1/5
#[test]
fn a_book_frame_off_the_grid_breaks_the_book_and_is_kept_as_a_reject() {
    let off = book("delta", 6, 2, r#"[["99.905","1"]]"#, "[]");
    let data = [snapshot(5, 1), off.clone(), delta(7, 3)].join("\n");
    let got = import(
        "bybit-bare",
        "BTCUSDT",
        None,
        grid(),
        &[data.as_bytes()],
        64,
    );
    assert_eq!(got.book.kind, [S, S, G]);
    assert_eq!((got.stats.rejected, got.stats.ignored), (1, 1));
    let format = Format::of_name("bybit-bare").unwrap();
    let mut decoder = mmbot_feed::capture::CaptureDecoder::new(
        format,
        "BTCUSDT",
        None,
        grid(),
        recordings::LadderBook::default(),
    );
    decoder.feed(data.as_bytes());
    let rejects = decoder.take_rejects();
    assert_eq!(
        (rejects[0].line, rejects[0].raw.as_slice()),
        (2, off.as_bytes())
    );
    assert!(off[rejects[0].offset..].starts_with("99.905"));
}

#[test]
fn garbage_between_frames_harms_nothing() {
    let lines = [
        snapshot(5, 1),
        "{\"topic\":".to_owned(),
        "\u{7f}\u{0}".to_owned(),
        delta(6, 3),
    ];
    let got = bare(&lines);
    assert_eq!(got.book.kind, [S, S, D]);
    assert_eq!((got.rejects, got.stats.gaps), (2, 0));
}

#[test]
fn times_that_go_back_are_counted_and_held() {
    let got = bare(&[snapshot(5, 9), delta(6, 4), delta(7, 10)]);
    assert_eq!(got.stats.out_of_order, 1);
    assert!(got.book.ts_ns.is_sorted());
    assert_eq!(got.book.ts_ns[1], got.book.ts_ns[2]);
    assert_eq!(
        got.book.recv_ns, got.book.ts_ns,
        "no receive time: the venue's"
    );
}

#[test]
fn an_empty_or_one_sided_snapshot_is_no_crossed_book() {
    let empty = book("snapshot", 6, 2, "[]", "[]");
    let got = bare(&[snapshot(5, 1), empty, delta(7, 3)]);
    assert_eq!(got.book.kind, [S, S, G]);
    assert_eq!(got.stats.crossed, 0);
    let one_sided = book("snapshot", 6, 2, r#"[["1.00","1"]]"#, "[]");
    let got = bare(&[one_sided, delta(7, 3)]);
    assert_eq!(got.book.kind, [S, D]);
}

fn jsonl(conn: &str, ts: f64, frame: &str) -> String {
    let data = serde_json::Value::from(frame);
    format!("{{\"t\":\"recv\",\"conn\":\"{conn}\",\"ts\":{ts:.3},\"data\":{data}}}")
}

fn connect(conn: &str, ts: f64, market: &str) -> String {
    let addr = format!("wss://stream.bybit.com/v5/public/{market}");
    format!("{{\"t\":\"connect\",\"conn\":\"{conn}\",\"ts\":{ts:.3},\"addr\":\"{addr}\"}}")
}

#[test]
fn two_markets_of_one_symbol_are_kept_apart() {
    let spot = snapshot(70, 2).replace("100.00", "100.001");
    let lines = [
        connect("a", 1672531200.0, "linear"),
        connect("b", 1672531200.1, "spot"),
        jsonl("a", 1672531200.5, &snapshot(5, 1)),
        jsonl("b", 1672531200.6, &spot),
        jsonl("a", 1672531200.7, &delta(6, 3)),
    ];
    let data = lines.join("\n");
    let infos = scan_symbols(Format::of_name("bybit-jsonl").unwrap(), data.as_bytes());
    let markets: Vec<&str> = infos.iter().map(|i| i.market.as_str()).collect();
    assert_eq!(markets, ["linear", "spot"]);
    assert_eq!(infos[1].tick_size.as_deref(), Some("0.001"));
    for market in [None, Some("linear")] {
        let got = import(
            "bybit-jsonl",
            "BTCUSDT",
            market,
            grid(),
            &[data.as_bytes()],
            50,
        );
        assert_eq!(got.book.kind, [S, S, D]);
        assert_eq!((got.rejects, got.stats.other_stream), (0, 1));
        assert_eq!(got.book.recv_ns[0], 1_672_531_200_500_000_000);
    }
    let fine = Grid::parse("0.001", "0.001").unwrap();
    let got = import(
        "bybit-jsonl",
        "BTCUSDT",
        Some("spot"),
        fine,
        &[data.as_bytes()],
        50,
    );
    assert_eq!(got.book.kind, [S, S]);
}

#[test]
fn a_reconnect_is_a_gap_until_its_snapshot() {
    let lines = [
        connect("a", 1672531200.0, "linear"),
        jsonl("a", 1672531200.5, &snapshot(5, 1)),
        connect("a", 1672531201.0, "linear"),
        jsonl("a", 1672531201.5, &delta(6, 3)),
        jsonl("a", 1672531202.0, &snapshot(90, 5)),
    ];
    let data = lines.join("\n");
    let got = import(
        "bybit-jsonl",
        "BTCUSDT",
        None,
        grid(),
        &[data.as_bytes()],
        4096,
    );
    assert_eq!(got.book.kind, [S, S, G, S, S]);
    assert_eq!((got.stats.reconnects, got.stats.ignored), (1, 1));
}

#[test]
fn only_the_first_depth_of_a_symbol_is_taken() {
    let other = snapshot(900, 2).replace("orderbook.50.", "orderbook.1.");
    let got = bare(&[snapshot(5, 1), other, delta(6, 3)]);
    assert_eq!(got.book.kind, [S, S, D]);
    assert_eq!(got.stats.other_stream, 1);
}

fn diff(first: i64, last: i64, prev: i64, ms: i64, bid: &str) -> String {
    let ts = 1_672_531_200_000 + ms;
    format!(
        "{ts}000000 {{\"stream\":\"btcusdt@depth\",\"data\":{{\"e\":\"depthUpdate\",\
         \"E\":{ts},\"T\":{ts},\"s\":\"BTCUSDT\",\
         \"U\":{first},\"u\":{last},\"pu\":{prev},\"b\":[[\"{bid}\",\"1\"]],\"a\":[]}}}}"
    )
}

fn rest(id: i64, ms: i64) -> String {
    let ts = 1_672_531_200_000 + ms;
    format!(
        "{ts}000000 {{\"lastUpdateId\":{id},\
         \"bids\":[[\"100.00\",\"5\"]],\"asks\":[[\"101.00\",\"5\"]]}}"
    )
}

/// spec: 01-8.1/4
#[test]
fn updates_wait_for_their_rest_snapshot() {
    let lines = [
        diff(1, 10, 0, 1, "99.00"),
        diff(15, 20, 10, 2, "99.10"),
        diff(25, 30, 20, 3, "99.20"),
        rest(18, 9),
        diff(35, 40, 30, 10, "99.30"),
    ];
    let data = lines.join("\n");
    let got = import(
        "binance-local",
        "BTCUSDT",
        None,
        grid(),
        &[data.as_bytes()],
        9,
    );
    assert_eq!(got.book.kind, [S, S, D, D, D]);
    assert_eq!(got.book.update_id, [18, 18, 20, 30, 40]);
    let ms = |i: usize| {
        (
            got.book.ts_ns[i] / 1_000_000 - 1_672_531_200_000,
            got.book.recv_ns[i] / 1_000_000 - 1_672_531_200_000,
        )
    };
    // the answer states no time: it stood so at update 10; what waited counts as received with it
    assert_eq!(
        [ms(0), ms(2), ms(3), ms(4)],
        [(1, 9), (2, 9), (3, 9), (10, 10)]
    );
    let stats = got.stats;
    assert_eq!(
        (stats.before_snapshot, stats.ignored, stats.gaps),
        (1, 0, 0)
    );
}

/// spec: 01-8.1/4
#[test]
fn a_gap_is_healed_by_the_next_rest_snapshot() {
    let lines = [
        rest(10, 0),
        diff(9, 12, 8, 1, "99.00"),
        diff(20, 22, 18, 2, "99.10"),
        diff(23, 25, 22, 3, "99.20"),
        rest(24, 4),
        diff(26, 28, 25, 5, "99.30"),
    ];
    let data = lines.join("\n");
    let got = import(
        "binance-local",
        "BTCUSDT",
        None,
        grid(),
        &[data.as_bytes()],
        1000,
    );
    assert_eq!(got.book.kind, [S, S, D, G, S, S, D, D]);
    assert_eq!(
        (got.stats.gaps, got.stats.before_snapshot, got.stats.ignored),
        (1, 1, 0)
    );
}

#[test]
fn without_a_snapshot_everything_is_ignored_and_counted() {
    let lines = [diff(1, 10, 0, 1, "99.00"), diff(15, 20, 10, 2, "99.10")];
    let data = lines.join("\n");
    let got = import(
        "binance-local",
        "BTCUSDT",
        None,
        grid(),
        &[data.as_bytes()],
        1000,
    );
    assert!(got.book.is_empty());
    assert_eq!((got.stats.frames, got.stats.ignored), (2, 2));
    assert_eq!(got.decoder.state(), BookState::Empty);
}

#[test]
fn a_trade_seen_before_is_dropped() {
    let trade = |id: i64| {
        format!(
            "1672531200000000000 {{\"e\":\"trade\",\"E\":1672531200001,\
             \"T\":1672531200000,\"s\":\"BTCUSDT\",\"t\":{id},\"p\":\"1.00\",\
             \"q\":\"2\",\"m\":false}}"
        )
    };
    let data = [trade(7), trade(8), trade(7), trade(9)].join("\n");
    let got = import(
        "binance-local",
        "BTCUSDT",
        None,
        grid(),
        &[data.as_bytes()],
        1000,
    );
    assert_eq!(got.trades.trade_id, ["7", "8", "9"]);
    assert_eq!((got.stats.duplicates, got.stats.trades), (1, 3));
    assert_eq!(
        (got.trades.side[0], got.trades.px[0], got.trades.qty[0]),
        (0, 100, 2000)
    );
}

#[test]
fn files_that_continue_each_other_are_one_stream() {
    let (first, second) = (snapshot(5, 1), delta(6, 2));
    let files = [first.as_bytes(), second.as_bytes()];
    let got = import("bybit-bare", "BTCUSDT", None, grid(), &files, 1000);
    assert_eq!(got.book.kind, [S, S, D]);
    let header = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n";
    let row = "x,BTCUSDT,1672531200000000,1672531200001000,a-1,sell,100.1,0.5";
    let file = format!("{header}{row}");
    let files = [file.as_bytes(), file.as_bytes()];
    let got = import("tardis-trades-csv", "BTCUSDT", None, grid(), &files, 1000);
    assert_eq!((got.stats.trades, got.rejects), (2, 0));
}
