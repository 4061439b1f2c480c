//! Recorded Binance data against the counts that their README states, and the rebuilt book against
//! the venue's own best-quote stream.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recordings;

use mmbot_feed::capture::{Format, KIND_SNAPSHOT, scan_symbols};
use mmbot_feed::{
    BookSink, Decoded, FrameKind, Grid, Quote, Rule, Sequence, Target, Verdict, binance,
};
use recordings::{LadderBook, import, real_file};
use std::collections::BTreeMap;

struct Case {
    files: &'static [&'static str],
    symbol: &'static str,
    grid: [&'static str; 2],
    depth: u64,
    quotes: usize,
    trades: u64,
    changes: usize,
    common: usize,
    last: [f64; 4],
    inferred_lot: &'static str,
    rounded: u64,
}

const CASES: [Case; 4] = [
    Case {
        files: &["binance/usdm_btcusdt_20240808.gz"],
        symbol: "BTCUSDT",
        grid: ["0.1", "0.001"],
        depth: 6551,
        quotes: 66_089,
        trades: 21_313,
        changes: 443_521,
        common: 629,
        last: [61659.70, 1.486, 61659.80, 0.981],
        inferred_lot: "0.001",
        rounded: 0,
    },
    Case {
        files: &["binance/usdm_ethusdt_20240808.gz"],
        symbol: "ETHUSDT",
        grid: ["0.01", "0.001"],
        depth: 6586,
        quotes: 53_992,
        trades: 14_076,
        changes: 428_662,
        common: 551,
        last: [2681.38, 8.486, 2681.39, 22.624],
        inferred_lot: "0.001",
        rounded: 0,
    },
    Case {
        files: &[
            "binance/spot_btcusdt_20240808.gz",
            "binance/spot_btcusdt_20240809.gz",
        ],
        symbol: "BTCUSDT",
        grid: ["0.01", "0.00001"],
        depth: 6495,
        quotes: 73_174,
        trades: 19_904,
        changes: 298_111,
        common: 1072,
        last: [61602.01, 1.67177, 61602.02, 2.66795],
        inferred_lot: "0.000001",
        rounded: 7,
    },
    Case {
        files: &[
            "binance/coinm_btcusd_perp_20240808.gz",
            "binance/coinm_btcusd_perp_20240809.gz",
        ],
        symbol: "BTCUSD_PERP",
        grid: ["0.1", "1"],
        depth: 44_795,
        quotes: 48_355,
        trades: 5235,
        changes: 659_671,
        common: 1885,
        last: [61600.0, 27.0, 61600.1, 1647.0],
        inferred_lot: "1",
        rounded: 0,
    },
];

impl Case {
    fn files(&self) -> Option<Vec<Vec<u8>>> {
        self.files.iter().map(|file| real_file(file)).collect()
    }

    fn grid(&self) -> Grid {
        Grid::parse(self.grid[0], self.grid[1]).unwrap()
    }
}

/// What the raw frames of a recording say, collected without the capture decoder.
#[derive(Default)]
struct Raw {
    changes: usize,
    depth: u64,
    quotes: BTreeMap<i64, Vec<Quote>>,
    tops: BTreeMap<i64, Quote>,
    gaps: usize,
}

/// Rebuilds the book: diffs are kept until the REST snapshot is there, then joined.
fn rebuild(case: &Case, files: &[Vec<u8>]) -> Raw {
    let grid = case.grid();
    let target = Target {
        symbol: Some(case.symbol),
        grid: &grid,
    };
    let (mut raw, mut decoded) = (Raw::default(), Decoded::default());
    let (mut book, mut sequence) = (LadderBook::default(), Sequence::new(Rule::Binance));
    let mut early: Vec<Decoded> = Vec::new();
    for line in files.iter().flat_map(|f| f.split(|b| *b == b'\n')) {
        let Some(space) = line.iter().position(|b| *b == b' ') else {
            continue;
        };
        binance::decode(&line[space + 1..], &target, &mut decoded).unwrap();
        match decoded.kind {
            FrameKind::Quote => {
                let id = decoded.ids.last.unwrap();
                raw.quotes.entry(id).or_default().extend(decoded.quote);
            }
            FrameKind::Book => {
                raw.depth += u64::from(!decoded.is_snapshot);
                raw.changes += if decoded.is_snapshot {
                    0
                } else {
                    decoded.levels.len()
                };
                let verdict = sequence.on(&decoded.ids, decoded.is_snapshot);
                if verdict == Verdict::NeedSnapshot {
                    early.push(decoded.clone());
                    continue;
                }
                apply(verdict, &decoded, &mut book, &mut raw);
                for frame in early.drain(..) {
                    let verdict = sequence.on(&frame.ids, false);
                    apply(verdict, &frame, &mut book, &mut raw);
                }
            }
            _ => {}
        }
    }
    assert!(early.is_empty());
    raw
}

fn apply(verdict: Verdict, frame: &Decoded, book: &mut LadderBook, raw: &mut Raw) {
    match verdict {
        Verdict::Reset => book.clear(),
        Verdict::Apply => {}
        Verdict::Duplicate => return,
        Verdict::Gap | Verdict::NeedSnapshot => {
            raw.gaps += 1;
            return;
        }
    }
    for level in &frame.levels {
        book.set(level.side, level.px, level.qty);
    }
    assert!(!book.is_crossed());
    if verdict == Verdict::Apply {
        raw.tops
            .insert(frame.ids.last.unwrap(), book.top().unwrap());
    }
}

#[test]
fn the_rebuilt_top_is_the_venues_own_best_quote() {
    for case in &CASES {
        let Some(files) = case.files() else {
            return;
        };
        let raw = rebuild(case, &files);
        assert_eq!(raw.gaps, 0);
        assert_eq!((raw.depth, raw.changes), (case.depth, case.changes));
        assert_eq!(
            raw.quotes.values().map(Vec::len).sum::<usize>(),
            case.quotes
        );
        let mut common = 0;
        for (id, top) in &raw.tops {
            if let Some(quotes) = raw.quotes.get(id) {
                common += 1;
                assert_eq!(quotes.last(), Some(top), "{:?} update {id}", case.files);
            }
        }
        assert_eq!(common, case.common, "{:?}", case.files);
        let (grid, top) = (case.grid(), raw.tops.last_key_value().unwrap().1);
        let got = [
            grid.tick.to_f64(top.bid.get()),
            grid.lot.to_f64(top.bid_qty.get()),
            grid.tick.to_f64(top.ask.get()),
            grid.lot.to_f64(top.ask_qty.get()),
        ];
        assert_eq!(got, case.last);
    }
}

#[test]
fn importing_gives_the_stated_counts_and_the_same_last_top() {
    for case in &CASES {
        let Some(files) = case.files() else {
            return;
        };
        assert_eq!(
            Format::detect(&files[0][..8192]).unwrap().name(),
            "binance-local"
        );
        let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let got = import(
            "binance-local",
            case.symbol,
            None,
            case.grid(),
            &files,
            1 << 16,
        );
        let stats = got.stats;
        assert_eq!(stats.frames, case.depth + 1);
        assert_eq!((stats.snapshots, stats.gaps, stats.crossed), (1, 0, 0));
        assert_eq!(
            (stats.trades, stats.duplicates, stats.ignored),
            (case.trades, 0, 0)
        );
        assert_eq!((got.rejects, stats.recv_out_of_order), (0, 0));
        assert_eq!(stats.rounded, case.rounded);
        let snapshot = got
            .book
            .kind
            .iter()
            .filter(|k| **k == KIND_SNAPSHOT)
            .count();
        assert_eq!(snapshot, 2000);
        assert!(got.book.ts_ns.is_sorted() && got.book.recv_ns.is_sorted());
        assert!(got.trades.recv_ns.is_sorted());
        let (grid, top) = (case.grid(), got.decoder.book().top().unwrap());
        assert_eq!(grid.tick.to_f64(top.bid.get()), case.last[0]);
        assert_eq!(grid.lot.to_f64(top.ask_qty.get()), case.last[3]);
        let infos = scan_symbols(Format::of_name("binance-local").unwrap(), files[0]);
        assert_eq!(infos.len(), 1);
        assert_eq!(infos[0].tick_size.as_deref(), Some(case.grid[0]));
        assert_eq!(infos[0].lot_size.as_deref(), Some(case.inferred_lot));
    }
}

#[test]
fn diffs_before_their_rest_snapshots_are_joined_without_gaps() {
    let Some(data) = real_file("binance/binance_futures_20210722_bootstrap.jsonl.zst") else {
        return;
    };
    let format = Format::detect(&data[..4096]).unwrap();
    assert_eq!(format.name(), "binance-jsonl");
    let infos = scan_symbols(format, &data);
    assert_eq!(infos.len(), 4);
    let (mut frames, mut trades) = (0, 0);
    for info in &infos {
        // the tick of CTKUSDT had been widened: orders of before rest between the new ticks
        assert_eq!(info.stated, info.symbol != "CTKUSDT");
        assert_eq!(info.market, "usdm");
        let grid = Grid::parse(
            info.tick_size.as_deref().unwrap(),
            info.lot_size.as_deref().unwrap(),
        );
        let got = import(
            "binance-jsonl",
            &info.symbol,
            None,
            grid.unwrap(),
            &[&data],
            4096,
        );
        let stats = got.stats;
        assert_eq!(
            (stats.snapshots, stats.gaps, stats.crossed, got.rejects),
            (1, 0, 0, 0)
        );
        assert_eq!((stats.duplicates, stats.ignored), (0, 0));
        assert!(stats.rows > 1000);
        frames += stats.frames - stats.snapshots;
        trades += stats.trades;
    }
    assert_eq!((frames, trades), (764, 91));
}
