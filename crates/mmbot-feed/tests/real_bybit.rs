//! Recorded Bybit data against the counts that their README states.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recordings;

use mmbot_feed::capture::{Format, KIND_SNAPSHOT, scan_symbols};
use mmbot_feed::{BookSink, Grid};
use mmbot_types::Side;
use recordings::{Imported, import, real_file};

const CAPTURE: &str = "bybit/bybit_v5_20260809_linear-BTCUSDT-SOLUSDT_spot-BTCUSDT.jsonl.zst";

fn levels(got: &Imported, side: Side) -> usize {
    got.decoder.book().0.levels(side).count()
}

#[test]
fn the_v5_capture_has_the_stated_frames_levels_and_trades() {
    let Some(data) = real_file(CAPTURE) else {
        return;
    };
    let symbols = scan_symbols(Format::of_name("bybit-jsonl").unwrap(), &data);
    for (symbol, market, frames, changes, trade_frames, trades) in [
        ("BTCUSDT", "linear", 414, 7180, 16, 56),
        ("SOLUSDT", "linear", 383, 3142, 57, 165),
        ("BTCUSDT", "spot", 300, 1747, 11, 11),
    ] {
        let info = symbols
            .iter()
            .find(|s| s.symbol == symbol && s.market == market)
            .unwrap();
        assert!(info.stated);
        let grid = Grid::parse(
            info.tick_size.as_deref().unwrap(),
            info.lot_size.as_deref().unwrap(),
        );
        let got = import(
            "bybit-jsonl",
            symbol,
            Some(market),
            grid.unwrap(),
            &[&data],
            65_536,
        );
        let stats = got.stats;
        assert_eq!((stats.frames, stats.snapshots, stats.gaps), (frames, 1, 0));
        assert_eq!(stats.rows, changes);
        assert_eq!((stats.trade_frames, stats.trades), (trade_frames, trades));
        assert_eq!((stats.duplicates, stats.crossed, got.rejects), (0, 0, 0));
        assert_eq!((stats.out_of_order, stats.ignored), (0, 0));
        assert_eq!(
            (levels(&got, Side::Buy), levels(&got, Side::Sell)),
            (200, 200)
        );
        assert!(got.decoder.book().top().is_some());
    }
}

#[test]
fn the_daily_book_dump_has_the_stated_lines() {
    let Some(data) = real_file("bybit/2024-12-01_XRPUSDT_ob500_first50.data.zip") else {
        return;
    };
    assert_eq!(Format::detect(&data[..4096]).unwrap().name(), "bybit-bare");
    let grid = Grid::parse("0.0001", "1").unwrap();
    let got = import("bybit-bare", "XRPUSDT", None, grid, &[&data], 1000);
    let stats = got.stats;
    assert_eq!((stats.lines, stats.frames, stats.snapshots), (50, 50, 1));
    assert_eq!(
        (stats.gaps, stats.duplicates, stats.crossed, got.rejects),
        (0, 0, 0, 0)
    );
    let snapshot_rows = got
        .book
        .kind
        .iter()
        .filter(|k| **k == KIND_SNAPSHOT)
        .count();
    assert_eq!(snapshot_rows, 1000);
    assert_eq!(
        (levels(&got, Side::Buy), levels(&got, Side::Sell)),
        (500, 500)
    );
}

#[test]
fn the_old_text_capture_has_the_stated_frames() {
    let Some(data) = real_file("bybit/bybit_v5_20250613_linear_orderbook1.txt.zst") else {
        return;
    };
    let format = Format::detect(&data[..4096]).unwrap();
    assert_eq!(format.name(), "bybit-text");
    let (mut frames, mut snapshots) = (0, 0);
    for info in scan_symbols(format, &data) {
        let grid = Grid::parse(
            info.tick_size.as_deref().unwrap(),
            info.lot_size.as_deref().unwrap(),
        );
        let got = import(
            "bybit-text",
            &info.symbol,
            None,
            grid.unwrap(),
            &[&data],
            777,
        );
        assert_eq!((got.stats.gaps, got.stats.crossed, got.rejects), (0, 0, 0));
        assert_eq!(got.stats.frames, info.book_frames);
        frames += got.stats.frames;
        snapshots += got.stats.snapshots;
    }
    assert_eq!(frames, 198);
    assert!(snapshots > 0);
}
