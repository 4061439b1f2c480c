//! The generated market against its own truth: what the feed says is what the book is.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

use mmbot_book::{BookRead, NaiveBook};
use mmbot_sim::market::{Market, MarketConfig, ProbeChange, ProbeConfig, Regime, State};
use mmbot_types::{EventColumns, RowKind, Side, TsNs};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;

fn market(seed: u64, regime: Regime) -> Market {
    Market::new(&MarketConfig::new(seed, regime)).unwrap()
}

/// All rows of the first `seconds`, cut into chunks of at most `max_rows`.
fn rows(market: &mut Market, max_rows: usize, seconds: i64) -> EventColumns {
    let mut all = EventColumns::default();
    loop {
        let chunk = market.next_chunk(max_rows, Some(TsNs::new(seconds * SECOND)));
        if chunk.is_empty() {
            return all;
        }
        chunk.validate().unwrap();
        assert!(
            chunk.row(chunk.len() - 1).last,
            "a chunk ends with a packet"
        );
        for i in 0..chunk.len() {
            all.push(chunk.row(i)).unwrap();
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_however_chunks_are_cut() {
    for regime in Regime::ALL {
        let whole = rows(&mut market(7, regime), usize::MAX, 20);
        assert!(whole.len() > 2_000);
        for max_rows in [1, 7, 1_000] {
            assert_eq!(rows(&mut market(7, regime), max_rows, 20), whole);
        }
        assert_ne!(rows(&mut market(8, regime), 1_000, 20), whole);
    }
}

#[test]
fn stopping_at_any_time_changes_nothing() {
    let mut market_a = market(3, Regime::Mixed);
    let mut pieces = EventColumns::default();
    for tenth in 1..=100i64 {
        let until = TsNs::new(tenth * SECOND / 10);
        let chunk = market_a.next_chunk(usize::MAX, Some(until));
        assert!(chunk.ts_exch.iter().all(|&ts| ts < until.get()));
        for i in 0..chunk.len() {
            pieces.push(chunk.row(i)).unwrap();
        }
    }
    assert_eq!(pieces, rows(&mut market(3, Regime::Mixed), usize::MAX, 10));
}

#[test]
fn probes_do_not_change_the_market() {
    let mut config = MarketConfig::new(5, Regime::Mixed);
    let plain = rows(&mut Market::new(&config).unwrap(), usize::MAX, 30);
    config.probes = Some(ProbeConfig::default());
    let mut probed = Market::new(&config).unwrap();
    assert_eq!(rows(&mut probed, usize::MAX, 30), plain);
    assert!(probed.take_probe_log().len() > 100);
}

/// Applies packets; each print must be at a displayed price and within the displayed size.
fn replay(packets: &EventColumns, book: &mut NaiveBook) -> u64 {
    let (mut prints, mut seen_depth) = (0, false);
    let mut open = book.clone();
    for i in 0..packets.len() {
        let row = packets.row(i);
        match row.kind {
            RowKind::Reset => assert_eq!((i, row.ts_exch.get()), (0, 0)),
            RowKind::Depth => {
                assert_ne!(
                    book.set(row.side, row.px, row.qty),
                    row.qty,
                    "a row is a change"
                );
                seen_depth = true;
            }
            RowKind::Trade => {
                assert!(!seen_depth, "prints come before the depth they cause");
                prints += 1;
                let passive = row.side.opposite();
                assert_eq!(
                    open.best_of(passive),
                    Some(row.px),
                    "prints are at the best price"
                );
                let left = open.size_at(passive, row.px) - row.qty;
                assert!(left.get() >= 0, "never more than was displayed");
                open.set(passive, row.px, left);
            }
            RowKind::Gap => panic!("the generator has no gaps"),
        }
        if row.last {
            seen_depth = false;
            open = book.clone();
        }
    }
    prints
}

/// Replays the feed packet by packet next to the true book; checks each print against the book that
/// it hits.
fn replay_against_truth(seed: u64, regime: Regime, levels: usize, seconds: i64) -> u64 {
    let mut config = MarketConfig::new(seed, regime);
    config.levels = levels;
    let mut market = Market::new(&config).unwrap();
    let mut book = NaiveBook::new();
    let mut prints = 0;
    loop {
        let packet = market.next_chunk(1, Some(TsNs::new(seconds * SECOND)));
        if packet.is_empty() {
            return prints;
        }
        prints += replay(&packet, &mut book);
        for side in Side::BOTH {
            let truth = market.true_levels(side, levels);
            assert_eq!(book.all_levels(side), truth);
            assert!(truth.len() >= 3.min(levels), "no side is ever empty");
        }
        let (bid, ask) = (book.best_of(Side::Buy), book.best_of(Side::Sell));
        assert!(bid < ask, "never crossed");
    }
}

#[test]
fn the_feed_is_the_true_book_after_every_packet() {
    for regime in Regime::ALL {
        assert!(replay_against_truth(11, regime, 50, 20) > 100);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_feed_is_the_true_book_for_any_window(
        seed in any::<u64>(),
        levels in 1usize..80,
        which in 0usize..6,
    ) {
        replay_against_truth(seed, Regime::ALL[which], levels, 3);
    }
}

/// A sweep prints in price-time order at the best prices, and every lot that trades leaves the
/// depth: the printed volume of a packet equals the volume that the hit side lost.
#[test]
fn printed_volume_is_the_volume_that_leaves_the_book() {
    let mut config = MarketConfig::new(2, Regime::Volatile);
    // wide enough that nothing enters the window from outside
    config.levels = 1_000;
    let mut market = Market::new(&config).unwrap();
    let total = |market: &Market| -> [i64; 2] {
        Side::BOTH.map(|side| {
            let levels = market.true_levels(side, usize::MAX);
            levels.iter().map(|level| level.1.get()).sum()
        })
    };
    let mut before = total(&market);
    let mut checked = 0;
    while checked < 500 {
        let packet = market.next_chunk(1, None);
        let after = total(&market);
        let prints: Vec<_> = (0..packet.len())
            .map(|i| packet.row(i))
            .filter(|row| row.kind == RowKind::Trade)
            .collect();
        if let Some(first) = prints.first() {
            let printed: i64 = prints.iter().map(|row| row.qty.get()).sum();
            let passive = first.side.opposite();
            assert_eq!(before[passive.index()] - after[passive.index()], printed);
            let best_first = prints
                .windows(2)
                .all(|pair| pair[0].px == pair[1].px || passive.better(pair[0].px, pair[1].px));
            assert!(best_first);
            checked += 1;
        }
        before = after;
    }
}

#[test]
fn truth_of_probes_is_consistent_with_prints() {
    let mut config = MarketConfig::new(9, Regime::Mixed);
    config.probes = Some(ProbeConfig {
        interval_ms: 50,
        horizon_ms: 5_000,
        at_touch: 0.6,
    });
    let mut market = Market::new(&config).unwrap();
    let all = rows(&mut market, 10_000, 120);
    let log = market.take_probe_log();
    let mut joined = Vec::new();
    let mut last_ahead = Vec::new();
    let (mut filled, mut expired) = (0, 0);
    for event in &log {
        let at = event.probe as usize;
        match event.change {
            ProbeChange::Joined {
                px, side, ahead, ..
            } => {
                assert_eq!(at, joined.len());
                joined.push((side, px));
                last_ahead.push(ahead);
            }
            ProbeChange::Ahead(ahead) => {
                assert!(ahead < last_ahead[at] && ahead.get() >= 0);
                last_ahead[at] = ahead;
            }
            ProbeChange::Filled => {
                let (side, px) = joined[at];
                let row = all.row(usize::try_from(event.row).unwrap() - 1);
                assert_eq!(row.ts_exch, event.ts);
                // the packet holds a print at our price or worse, or the opposite best came to us
                let packet: Vec<_> = (0..usize::try_from(event.row).unwrap())
                    .rev()
                    .map(|i| all.row(i))
                    .take_while(|r| r.ts_exch == event.ts)
                    .collect();
                let hit = packet.iter().any(|r| match r.kind {
                    RowKind::Trade => r.side != side && !side.better(r.px, px),
                    RowKind::Depth => r.side != side && side.crosses(px, r.px),
                    _ => false,
                });
                assert!(hit, "probe {at} filled without a print");
                filled += 1;
            }
            ProbeChange::Expired => expired += 1,
        }
    }
    assert!(
        filled > 100 && expired > 100,
        "{filled} filled, {expired} expired"
    );
}

#[test]
fn every_configuration_outside_its_range_is_refused_by_name() {
    let base = || MarketConfig::new(1, Regime::Calm);
    let name = |config: &MarketConfig| Market::new(config).map(|_| ()).unwrap_err().to_string();
    let mut config = base();
    config.levels = 0;
    assert!(name(&config).starts_with("levels"));
    let mut config = base();
    config.instrument.tick_size = f64::NAN;
    assert!(name(&config).starts_with("tick_size"));
    let mut config = base();
    config.instrument.start_price = 1.0;
    assert!(name(&config).starts_with("start_price"));
    let mut config = base();
    config.start_ts = TsNs::new(-1);
    assert!(name(&config).starts_with("start_ts"));
    let mut config = base();
    config.probes = Some(ProbeConfig {
        interval_ms: 0,
        ..ProbeConfig::default()
    });
    assert!(name(&config).starts_with("probes"));
}

#[test]
fn a_regime_starts_where_it_should() {
    assert_eq!(market(1, Regime::Volatile).state(), State::Volatile);
    assert_eq!(market(1, Regime::Mixed).state(), State::Calm);
}
