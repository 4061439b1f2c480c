//! Statistics of generated markets: directions that must hold whatever the calibration.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)] // helpers of tests

use mmbot_sim::market::{Market, MarketConfig, Regime, Tape, TapeReader};
use mmbot_types::TsNs;

const SECOND: i64 = 1_000_000_000;

fn tape(seed: u64, regime: Regime, seconds: i64) -> Tape {
    let mut market = Market::new(&MarketConfig::new(seed, regime)).unwrap();
    let mut reader = TapeReader::new(1_000, 100);
    loop {
        let chunk = market.next_chunk(50_000, Some(TsNs::new(seconds * SECOND)));
        if chunk.is_empty() {
            return reader.tape().clone();
        }
        reader.push(&chunk);
    }
}

fn mid_at(tape: &Tape, ts: i64) -> f64 {
    let at = tape.touch_ts.partition_point(|&t| t <= ts).max(1) - 1;
    0.5 * (tape.bid[at] + tape.ask[at]) as f64
}

/// Mid returns over `step` seconds, in ticks.
fn returns(tape: &Tape, step: i64) -> Vec<f64> {
    let end = *tape.touch_ts.last().unwrap() / SECOND;
    let mids: Vec<f64> = (0..end / step)
        .map(|k| mid_at(tape, k * step * SECOND))
        .collect();
    mids.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn std(x: &[f64]) -> f64 {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    (x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / x.len() as f64).sqrt()
}

fn autocorrelation(x: &[f64], lag: usize) -> f64 {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let variance: f64 = x.iter().map(|v| (v - mean) * (v - mean)).sum();
    let pairs = x.iter().zip(&x[lag..]);
    pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / variance
}

fn mean_spread(tape: &Tape) -> f64 {
    let ends = tape.touch_ts.windows(2).enumerate();
    let weighted: f64 = ends
        .map(|(i, pair)| (tape.ask[i] - tape.bid[i]) as f64 * (pair[1] - pair[0]) as f64)
        .sum();
    weighted / (tape.touch_ts.last().unwrap() - tape.touch_ts[0]) as f64
}

/// Average distance of the mid, `after_ns` after a print, beyond the print's price in the
/// aggressor's direction: what the passive side of the print has lost by then.
fn passive_loss(tape: &Tape, after_ns: i64) -> f64 {
    let last = *tape.touch_ts.last().unwrap();
    let mut sum = 0.0;
    let mut n = 0.0;
    for i in 0..tape.trade_ts.len() {
        let ts = tape.trade_ts[i];
        if ts + after_ns <= last {
            let mid = mid_at(tape, ts + after_ns);
            sum += tape.trade_sign[i] as f64 * (mid - tape.trade_px[i] as f64);
            n += 1.0;
        }
    }
    sum / n
}

#[test]
fn regimes_differ_in_the_right_direction() {
    // the mean absolute return of an hour: one large jump must not decide
    let vol = |regime| {
        let returns = returns(&tape(1, regime, 3_600), 10);
        returns.iter().map(|r| r.abs()).sum::<f64>() / returns.len() as f64
    };
    let calm = vol(Regime::Calm);
    let moves: Vec<f64> = [Regime::Volatile, Regime::Spike, Regime::FlashCrash]
        .map(|regime| vol(regime) / calm)
        .to_vec();
    assert!(moves.iter().all(|&ratio| ratio > 1.2), "{moves:?}");
    let (calm, gap) = (
        tape(2, Regime::Calm, 900),
        tape(2, Regime::LiquidityGap, 900),
    );
    assert!(mean_spread(&gap) > 1.3 * mean_spread(&calm));
    assert!((1.0..3.0).contains(&mean_spread(&calm)));
}

#[test]
fn a_flash_crash_falls_by_more_than_half_a_percent() {
    let tape = tape(1, Regime::FlashCrash, 1_200);
    let mids: Vec<f64> = (0..1_200).map(|s| mid_at(&tape, s * SECOND)).collect();
    let deepest = mids
        .windows(31)
        .map(|w| w[30] / w[0] - 1.0)
        .fold(0.0, f64::min);
    assert!((-0.05..-0.005).contains(&deepest), "{deepest}");
}

#[test]
fn trade_signs_persist_and_the_memory_fades() {
    let tape = tape(3, Regime::Calm, 1_800);
    // one sign per market order: prints of one packet share their time
    let mut signs = Vec::new();
    for i in 0..tape.trade_ts.len() {
        if i == 0 || tape.trade_ts[i] != tape.trade_ts[i - 1] {
            signs.push(tape.trade_sign[i] as f64);
        }
    }
    assert!(signs.len() > 5_000);
    let acf = [1, 10, 100].map(|lag| autocorrelation(&signs, lag));
    assert!(
        acf[0] > 0.2 && acf[1] > 0.05 && acf[0] > acf[1] && acf[1] > acf[2],
        "{acf:?}"
    );
}

#[test]
fn passive_orders_at_the_touch_are_picked_off() {
    for regime in [Regime::Calm, Regime::Volatile, Regime::Mixed] {
        let tape = tape(4, regime, 900);
        let loss = [10_000_000, 100_000_000, SECOND].map(|ns| passive_loss(&tape, ns));
        assert!(
            loss[0] > 0.0 && loss[1] > loss[0] && loss[2] > loss[1],
            "{regime} {loss:?}"
        );
    }
}

#[test]
fn volatility_clusters_and_returns_do_not_trend() {
    let returns = returns(&tape(6, Regime::Volatile, 3_600), 1);
    let sizes: Vec<f64> = returns.iter().map(|r| r.abs()).collect();
    let clustering = [1, 5].map(|lag| autocorrelation(&sizes, lag));
    assert!(clustering.iter().all(|&c| c > 0.05), "{clustering:?}");
    assert!(autocorrelation(&returns, 1).abs() < 0.25);
    let kurtosis = returns.iter().map(|r| r.powi(4)).sum::<f64>()
        / returns.len() as f64
        / std(&returns).powi(4);
    assert!(kurtosis > 5.0, "{kurtosis}");
}
