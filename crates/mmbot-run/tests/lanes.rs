//! A lane gives the same bits alone, beside others, on one thread or several, however the data are
//! cut.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mmbot_run::{Backtest, LaneSpec, NoStrategy, Sampling};
use mmbot_sim::market::{Market, MarketConfig, Regime};
use mmbot_sim::{FillMode, QueueModel, ResponseLatency, SimConfig};
use mmbot_types::{EventColumns, Instrument, Params, ReplaceMode, TsNs};
use std::sync::Arc;

const SAMPLING: Sampling = Sampling {
    bar_ns: 10_000_000_000,
    curve_ns: None,
};

fn instrument() -> Instrument {
    Instrument::new("SYNTHUSDT", "0.1", "0.001", "0.001", 0.0, 1.0).unwrap()
}

fn market(chunk_rows: usize, minutes: i64) -> Vec<Arc<EventColumns>> {
    let mut market = Market::new(&MarketConfig::new(11, Regime::Mixed)).unwrap();
    let until = TsNs::new(minutes * 60_000_000_000);
    let mut chunks = Vec::new();
    loop {
        let chunk = market.next_chunk(chunk_rows, Some(until));
        if chunk.is_empty() {
            return chunks;
        }
        chunks.push(Arc::new(chunk));
    }
}

/// Lanes that differ in strategy, throttles, latency and fill rules.
fn specs() -> Vec<LaneSpec> {
    let mut lanes = Vec::new();
    for at in 0..6u32 {
        let mut params = Params::default();
        params.quote.base_spread_bps = 0.2 + 0.3 * f64::from(at);
        params.quote.levels_per_side = 1 + at % 3;
        params.replace.min_interval_ms = 20 * i64::from(at);
        params.replace.replace_threshold_bps = 0.2 * f64::from(at);
        params.replace.min_time_in_book_ms = 100 * i64::from(at);
        if at % 2 == 1 {
            params.replace.mode = ReplaceMode::CancelThenPlace;
            params.signals.vola_half_life_sec = 30.0;
        }
        let sim = SimConfig {
            latency_ms_mean: 3.0 * f64::from(at),
            latency_ms_std: f64::from(at),
            cancel_latency_ms: 2.0,
            amend_latency_ms: 1.0,
            mode: if at == 4 {
                FillMode::Conservative
            } else {
                FillMode::QueueAware
            },
            queue: if at == 3 {
                QueueModel::Log
            } else {
                QueueModel::Power { n: 2.0 }
            },
            toxic_sweep_prob: if at == 2 { 0.2 } else { 0.0 },
            reject_prob: if at == 5 { 0.1 } else { 0.0 },
            ..SimConfig::default()
        };
        lanes.push(LaneSpec { params, sim });
    }
    for half in [1.0, 3.0] {
        let params = Params::reference(100, half, 0.5, 10, 200);
        let sim = SimConfig {
            latency_ms_mean: 5.0,
            cancel_latency_ms: 5.0,
            response: ResponseLatency::ConstantNs(5_000_000),
            ..SimConfig::default()
        };
        lanes.push(LaneSpec { params, sim });
    }
    lanes
}

/// Everything of a lane that can be seen, as text.
fn run(chunks: &[Arc<EventColumns>], specs: &[LaneSpec], threads: usize) -> Vec<String> {
    let mut backtest = Backtest::new(&instrument(), specs, SAMPLING, threads).unwrap();
    for chunk in chunks {
        backtest.feed(0, Arc::clone(chunk)).unwrap();
    }
    backtest.finish(&mut NoStrategy).unwrap();
    (0..specs.len())
        .map(|at| {
            let (_, lane) = backtest.lane(0, at).unwrap();
            let trader = lane.trader();
            format!(
                "{:x} {:?} {:?} {:?} {:?} {:?} {:?}",
                trader.state_hash(),
                trader.position(),
                trader.cash(),
                trader.fees(),
                lane.edge(),
                lane.bars(),
                trader.telemetry(),
            )
        })
        .collect()
}

#[test]
fn lanes_equal_single_runs_bit_for_bit() {
    let (chunks, specs) = (market(5_000, 3), specs());
    let together = run(&chunks, &specs, 1);
    let mut traded = 0;
    for (at, spec) in specs.iter().enumerate() {
        let alone = run(&chunks, std::slice::from_ref(spec), 1);
        assert_eq!(alone[0], together[at], "lane {at}");
        traded += usize::from(!alone[0].contains(" QtyLot(0) Money(0) Money(0) "));
    }
    assert!(
        traded >= 5,
        "only {traded} lanes traded: the test sees nothing"
    );
}

#[test]
fn threads_do_not_change_a_bit() {
    let (chunks, specs) = (market(5_000, 2), specs());
    let one = run(&chunks, &specs, 1);
    for threads in [2, 3, 8] {
        assert_eq!(run(&chunks, &specs, threads), one, "{threads} threads");
    }
}

#[test]
fn cuts_do_not_change_a_bit() {
    let specs = specs();
    let whole = run(&market(usize::MAX, 2), &specs, 1);
    for rows in [700, 20_000] {
        assert_eq!(
            run(&market(rows, 2), &specs, 1),
            whole,
            "{rows} rows a chunk"
        );
    }
}

#[test]
fn paced_driving_gives_the_same_as_feeding() {
    let (chunks, specs) = (market(5_000, 1), specs());
    let fed = run(&chunks, &specs, 1);
    let mut paced = Backtest::new(&instrument(), &specs, SAMPLING, 1).unwrap();
    let mut waiting = chunks.iter();
    let mut until = 0;
    loop {
        until += 7_000_000;
        while paced.advance(until, &mut NoStrategy).unwrap() {
            let Some(chunk) = waiting.next() else { break };
            paced.push(0, Arc::clone(chunk)).unwrap();
        }
        if until > paced.span(0).unwrap().last_local_ns {
            break;
        }
    }
    paced.finish(&mut NoStrategy).unwrap();
    for (at, expected) in fed.iter().enumerate() {
        let hash = paced.lane(0, at).unwrap().1.trader().state_hash();
        assert!(expected.starts_with(&format!("{hash:x} ")), "lane {at}");
    }
}

#[test]
fn a_chunk_out_of_order_is_refused() {
    let chunks = market(5_000, 1);
    let mut backtest = Backtest::new(&instrument(), &specs(), SAMPLING, 1).unwrap();
    backtest.feed(0, Arc::clone(&chunks[1])).unwrap();
    let error = backtest.feed(0, Arc::clone(&chunks[0])).unwrap_err();
    assert_eq!(error.code(), "E_MD_FRAME");
    backtest.finish(&mut NoStrategy).unwrap();
    assert_eq!(
        backtest.feed(0, Arc::clone(&chunks[2])).unwrap_err().code(),
        "E_BT_ARGS"
    );
}
