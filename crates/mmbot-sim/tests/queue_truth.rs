//! Scoring of queue models: exact on a hand-made world, sensible on a generated one.
#![allow(clippy::unwrap_used)] // helpers of tests

use mmbot_sim::QueueModel;
use mmbot_sim::market::{MarketConfig, ProbeChange, ProbeConfig, ProbeEvent, Regime};
use mmbot_sim::truth::{AGES_MS, Tracker, TruthConfig, score_queue_models};
use mmbot_types::{EventColumns, EventRow, PriceTick, QtyLot, RowKind, Side, TsNs};

const MS: i64 = 1_000_000;

/// A probe joins 10 lots at 99. 5 more join behind, 4 are cancelled of which 3 stood ahead, 7
/// trade: true places 10, 10, 7, 0. A seller of 1 more fills it.
#[derive(Default)]
struct World {
    rows: EventColumns,
    log: Vec<ProbeEvent>,
}

impl World {
    fn row(&mut self, kind: RowKind, side: Side, px: i64, qty: i64, ms: i64, last: bool) {
        let row = EventRow {
            kind,
            side,
            last,
            px: PriceTick::new(px),
            qty: QtyLot::new(qty),
            ts_exch: TsNs::new(ms * MS),
            ts_local: TsNs::new(ms * MS),
        };
        self.rows.push(row).unwrap();
    }

    fn log(&mut self, ms: i64, change: ProbeChange) {
        self.log.push(ProbeEvent {
            row: self.rows.len() as u64,
            ts: TsNs::new(ms * MS),
            probe: 0,
            change,
        });
    }

    fn build() -> Self {
        use RowKind::{Depth, Reset, Trade};
        let mut w = Self::default();
        w.row(Reset, Side::Buy, 0, 0, 0, false);
        w.row(Depth, Side::Buy, 99, 10, 0, false);
        w.row(Depth, Side::Buy, 98, 50, 0, false);
        w.row(Depth, Side::Sell, 101, 9, 0, true);
        let (side, px) = (Side::Buy, PriceTick::new(99));
        let ahead = QtyLot::new(10);
        w.log(
            10,
            ProbeChange::Joined {
                side,
                px,
                ahead,
                behind_ticks: 0,
            },
        );
        w.row(Depth, Side::Buy, 99, 15, 30, true);
        w.row(Depth, Side::Buy, 99, 11, 40, true);
        w.log(40, ProbeChange::Ahead(QtyLot::new(7)));
        w.row(Depth, Side::Sell, 101, 8, 100, true);
        w.row(Trade, Side::Sell, 99, 7, 150, false);
        w.row(Depth, Side::Buy, 99, 4, 150, true);
        w.log(150, ProbeChange::Ahead(QtyLot::new(0)));
        w.row(Trade, Side::Sell, 99, 1, 250, false);
        w.row(Depth, Side::Buy, 99, 3, 250, true);
        w.log(250, ProbeChange::Filled);
        w.row(Trade, Side::Sell, 99, 3, 300, false);
        w.row(Depth, Side::Buy, 99, 0, 300, true);
        w
    }
}

#[test]
fn a_hand_made_queue_is_scored_to_the_lot() {
    let world = World::build();
    let models = vec![QueueModel::Conservative, QueueModel::Power { n: 1.0 }];
    let mut tracker = Tracker::new(models, 120, 1_000);
    tracker.push(&world.rows, world.log);
    tracker.close();
    // conservative: the 4 cancelled lots came from the 5 behind, so 10 ahead instead of 7
    let at_50ms = tracker.errors(0)[0];
    assert_eq!((at_50ms.count, at_50ms.abs_lots), (1, 3.0));
    assert!((at_50ms.bias_ratio - 0.3).abs() < 1e-12);
    // power 1: 4 * 10/15 from ahead
    let expected = 10.0 - 4.0 * 10.0 / 15.0 - 7.0;
    assert!((tracker.errors(1)[0].abs_lots - expected).abs() < 1e-12);
    // after the trade: truth 0, conservative 3, power 1/3
    assert_eq!(AGES_MS[2], 200);
    assert_eq!(tracker.errors(0)[2].abs_lots, 3.0);
    let record = &tracker.records()[0];
    assert_eq!(record.truth_fill_ns, Some(240 * MS));
    // the last trade of 3 goes past the 2 lots (or less) that the models still see ahead
    assert_eq!(record.model_fill_ns, vec![Some(290 * MS), Some(290 * MS)]);
    let checkpoint = record.checkpoint.as_ref().unwrap();
    assert_eq!((checkpoint.truth_ahead, checkpoint.displayed), (7.0, 11.0));
    assert_eq!(checkpoint.model_ahead[0], 10.0);
}

#[test]
fn rows_and_log_may_come_in_any_pieces() {
    let world = World::build();
    let mut pieces = Tracker::new(vec![QueueModel::Log], 120, 1_000);
    let mut whole = pieces.clone();
    whole.push(&world.rows, world.log.clone());
    let mut log = world.log.into_iter();
    let mut chunk = EventColumns::default();
    for i in 0..world.rows.len() {
        chunk.push(world.rows.row(i)).unwrap();
        if world.rows.row(i).last {
            pieces.push(&chunk, log.next().into_iter().collect());
            chunk = EventColumns::default();
        }
    }
    pieces.close();
    whole.close();
    assert_eq!(pieces.records().len(), 1);
    assert_eq!(pieces.errors(0), whole.errors(0));
    assert_eq!(pieces.records(), whole.records());
}

fn config(models: Vec<QueueModel>) -> TruthConfig {
    TruthConfig {
        duration_ms: 600_000,
        checkpoint_ms: 500,
        horizon_ms: 5_000,
        models,
    }
}

fn all_models() -> Vec<QueueModel> {
    vec![
        QueueModel::Conservative,
        QueueModel::Power { n: 2.0 },
        QueueModel::Log,
        QueueModel::Calibrated { n: 1.0 },
    ]
}

#[test]
fn models_are_ranked_on_a_generated_market() {
    let market = MarketConfig::new(1, Regime::Calm);
    let truth = score_queue_models(&market, &config(all_models())).unwrap();
    assert!(
        truth.probes > 2_500 && truth.filled > 500,
        "{} {}",
        truth.probes,
        truth.filled
    );
    let ratio = |at: usize| {
        let sums = truth.models[at].overall();
        sums.abs_ratio / sums.count as f64
    };
    // only trades advance a conservative order: it must be the most pessimistic, and biased back
    assert!((1..4).all(|at| ratio(at) < ratio(0)));
    assert!(truth.models[0].overall().bias_ratio > 0.0);
    for score in &truth.models {
        let c = score.confusion;
        assert_eq!(
            c.both + c.model_only + c.truth_only + c.neither,
            truth.probes
        );
        assert_eq!(c.both + c.truth_only, truth.filled);
        let p = &score.probability;
        assert!(p.count > 500 && p.log_loss < p.log_loss_base);
        assert!(p.calibration_error < 0.15);
        // no estimate knows more than the truth; equality is possible within the noise of the fit
        assert!(p.log_loss > truth.truth.probability.log_loss - 0.01);
    }
}

#[test]
fn scores_are_deterministic_and_every_probe_starts_from_the_displayed_size() {
    let mut market = MarketConfig::new(4, Regime::Mixed);
    market.probes = Some(ProbeConfig {
        interval_ms: 100,
        ..ProbeConfig::default()
    });
    let once = || score_queue_models(&market, &config(all_models())).unwrap();
    let (a, b) = (once(), once());
    assert_eq!(a, b);
    assert!(a.initial_lots_mean > 0.0);
}

#[test]
fn nonsense_is_refused_by_name() {
    let market = MarketConfig::new(1, Regime::Calm);
    let name = |config: &TruthConfig| {
        score_queue_models(&market, config)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert!(name(&config(vec![])).starts_with("models"));
    let base = config(all_models());
    assert!(
        name(&TruthConfig {
            duration_ms: 0,
            ..base.clone()
        })
        .starts_with("duration_ms")
    );
    assert!(
        name(&TruthConfig {
            horizon_ms: -1,
            ..base
        })
        .starts_with("horizon_ms")
    );
}
