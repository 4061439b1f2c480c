//! Several instruments in one session: coupled at synchronisations and nowhere else, however the
//! data are cut and in which order they are fed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mmbot_core::Trader;
use mmbot_run::{Backtest, LaneSpec, NoStrategy, Sampling, SessionLane};
use mmbot_sim::SimConfig;
use mmbot_sim::market::{Market, MarketConfig, Regime};
use mmbot_types::{EventColumns, Instrument, Params, PriceTick, QtyLot, SessionParams, TsNs};
use std::sync::Arc;

const SAMPLING: Sampling = Sampling {
    bar_ns: 10_000_000_000,
    curve_ns: None,
};
const NAMES: [&str; 3] = ["AUSDT", "BUSDT", "CUSDT"];

fn instruments() -> Vec<Instrument> {
    NAMES
        .iter()
        .map(|name| Instrument::new(name, "0.1", "0.001", "0.001", 0.0, 1.0).unwrap())
        .collect()
}

fn market(seed: u64, chunk_rows: usize) -> Vec<Arc<EventColumns>> {
    let mut market = Market::new(&MarketConfig::new(seed, Regime::Mixed)).unwrap();
    let until = TsNs::new(60_000_000_000);
    let mut chunks = Vec::new();
    loop {
        let chunk = market.next_chunk(chunk_rows, Some(until));
        if chunk.is_empty() {
            return chunks;
        }
        chunks.push(Arc::new(chunk));
    }
}

fn lane(gross_usd: f64) -> SessionLane {
    let mut params = Params::default();
    params.quote.base_spread_bps = 0.5;
    params.risk.max_gross_exposure_usd = gross_usd;
    let sim = SimConfig {
        latency_ms_mean: 3.0,
        latency_ms_std: 1.0,
        ..SimConfig::default()
    };
    SessionLane {
        symbols: vec![LaneSpec { params, sim }; NAMES.len()],
        session: Some(SessionParams::default()),
    }
}

fn hashes(backtest: &Backtest, lanes: usize) -> Vec<u64> {
    let mut hashes = Vec::new();
    for lane in 0..lanes {
        for symbol in 0..NAMES.len() {
            let (_, lane) = backtest.lane(symbol, lane).unwrap();
            assert!(lane.trader().telemetry().places > 0, "it traded");
            hashes.push(lane.trader().state_hash());
        }
    }
    hashes
}

/// Feeds whichever instrument is behind.
fn run(rows: [usize; 3], lanes: &[SessionLane], threads: usize) -> Vec<u64> {
    let mut feeds: Vec<_> = rows
        .iter()
        .zip(0u64..)
        .map(|(rows, seed)| market(40 + seed, *rows).into_iter())
        .collect();
    let mut backtest = Backtest::over(&instruments(), lanes, SAMPLING, threads).unwrap();
    while let Some(symbol) = backtest.hungriest() {
        match feeds[symbol].next() {
            Some(chunk) => backtest.feed(symbol, chunk).unwrap(),
            None => backtest.end(symbol),
        }
    }
    backtest.finish(&mut NoStrategy).unwrap();
    hashes(&backtest, lanes.len())
}

#[test]
fn neither_cuts_of_the_data_nor_threads_nor_other_lanes_change_a_session() {
    let lanes = [lane(0.0), lane(20_000.0)];
    let whole = run([100_000, 100_000, 100_000], &lanes, 1);
    assert_eq!(run([700, 2_000, 50_000], &lanes, 1), whole);
    assert_eq!(run([5_000, 300, 900], &lanes, 2), whole);
    assert_eq!(run([4_000, 4_000, 4_000], &lanes[1..], 1), whole[3..]);
    assert_ne!(whole[..3], whole[3..], "the limit matters");
}

#[test]
fn all_data_first_gives_the_same_as_feeding_in_turn() {
    let lanes = [lane(25_000.0)];
    let mut backtest = Backtest::over(&instruments(), &lanes, SAMPLING, 1).unwrap();
    for (symbol, seed) in (0..3).zip(40u64..) {
        for chunk in market(seed, 3_000) {
            backtest.feed(symbol, chunk).unwrap();
        }
    }
    backtest.finish(&mut NoStrategy).unwrap();
    assert_eq!(hashes(&backtest, 1), run([3_000; 3], &lanes, 1));
}

/// Position and open orders at the orders' prices, without those that can only reduce it.
fn expanding_usd(trader: &Trader) -> f64 {
    let position = trader.position().get();
    let mut open = [0i64; 2];
    let mut px = PriceTick::ZERO;
    for order in trader.open_orders() {
        open[order.side.index()] += order.open_qty.get();
        px = px.max(order.px);
    }
    let lots = match position {
        held if held >= 0 => held + open[0] + (open[1] - held).max(0),
        held => -held + open[1] + (open[0] + held).max(0),
    };
    instruments()[0].notional_usd(px, QtyLot::new(lots))
}

/// spec: 02-11.1
#[test]
fn gross_exposure_of_all_symbols_never_exceeds_its_limit_by_orders() {
    let limit_usd = 12_000.0;
    let mut feeds: Vec<_> = (40..43u64)
        .map(|seed| market(seed, 500).into_iter())
        .collect();
    let mut backtest = Backtest::over(&instruments(), &[lane(limit_usd)], SAMPLING, 1).unwrap();
    let (mut largest, mut looks) = (0.0f64, 0);
    while let Some(symbol) = backtest.hungriest() {
        match feeds[symbol].next() {
            Some(chunk) => backtest.feed(symbol, chunk).unwrap(),
            None => backtest.end(symbol),
        }
        let mut gross_usd = 0.0;
        for symbol in 0..NAMES.len() {
            let (_, lane) = backtest.lane(symbol, 0).unwrap();
            gross_usd += expanding_usd(lane.trader());
        }
        largest = largest.max(gross_usd);
        looks += 1;
    }
    assert!(
        looks > 100 && largest > 0.5 * limit_usd,
        "{looks} {largest}"
    );
    // a position is worth more after the market moved; a minute moves it by far less than 1%
    assert!(largest <= 1.01 * limit_usd, "{largest}");
}

/// Advances in steps of `step_ns` until all recordings have ended; they end at different times.
fn played_in_steps(step_ns: i64) -> Vec<u64> {
    let mut feeds: Vec<_> = [8usize, 20, 14]
        .iter()
        .zip(40u64..)
        .map(|(chunks, seed)| market(seed, 400).into_iter().take(*chunks))
        .collect();
    let mut backtest = Backtest::over(&instruments(), &[lane(25_000.0)], SAMPLING, 1).unwrap();
    let mut until = 0;
    while backtest.hungriest().is_some() {
        until += step_ns;
        while backtest.advance(until, &mut NoStrategy).unwrap() {
            let Some(symbol) = backtest.hungriest() else {
                break;
            };
            match feeds[symbol].next() {
                Some(chunk) => backtest.push(symbol, chunk).unwrap(),
                None => backtest.end(symbol),
            }
        }
    }
    let now = backtest.now_ns();
    backtest.stop(now);
    backtest.finish(&mut NoStrategy).unwrap();
    hashes(&backtest, 1)
}

#[test]
fn how_far_a_step_leads_beyond_the_end_of_all_recordings_changes_nothing() {
    let fine = played_in_steps(10_000_000);
    assert_eq!(played_in_steps(250_000_000), fine);
    assert_eq!(played_in_steps(7_000_000_000), fine);
    assert_eq!(played_in_steps(3_600_000_000_000), fine);
}
