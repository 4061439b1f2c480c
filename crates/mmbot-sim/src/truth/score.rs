//! Scores from the records of a [`Tracker`].

use super::TruthConfig;
use super::logistic::{FEATURES, Logistic, Row};
use super::track::{AGES_MS, AgeError, ProbeRecord, Tracker};
use crate::queue::QueueModel;

const NS_PER_MS: i64 = 1_000_000;
const BINS: usize = 10;
/// Queues enter the logarithm in units of this part of the mean queue, so that a lot more or less
/// hardly counts.
const QUEUE_UNITS: f64 = 10.0;

/// Predicted against true fills by the horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Confusion {
    /// Both say filled.
    pub both: u64,
    /// Only the model says filled.
    pub model_only: u64,
    /// Only the truth is filled.
    pub truth_only: u64,
    /// Neither.
    pub neither: u64,
}

/// A tenth of the probability range.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ReliabilityBin {
    /// Probes.
    pub count: u64,
    /// Mean predicted probability.
    pub predicted: f64,
    /// Share that was filled.
    pub observed: f64,
}

/// Quality of the fill probability made from the estimate at the checkpoint.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProbabilityScore {
    /// Probes of the second half that were still waiting at the checkpoint.
    pub count: u64,
    /// Share of them that was filled within the horizon.
    pub base_rate: f64,
    /// Mean squared error of the probability.
    pub brier: f64,
    /// Mean logarithmic loss, nats.
    pub log_loss: f64,
    /// Logarithmic loss of the first half's base rate.
    pub log_loss_base: f64,
    /// Mean |predicted - observed| over bins, weighted by count.
    pub calibration_error: f64,
    /// Ten bins of equal width.
    pub bins: Vec<ReliabilityBin>,
}

/// Scores of one model, or of the truth itself (`model` none: no queue error, no wrong fills).
#[derive(Debug, Clone, PartialEq)]
pub struct ModelScore {
    /// The model.
    pub model: Option<QueueModel>,
    /// Queue error by age, sums.
    pub ages: Vec<AgeError>,
    /// Fills by the horizon.
    pub confusion: Confusion,
    /// Mean of (model - truth) time to fill over probes filled in both by the horizon, ms.
    pub fill_delay_ms: f64,
    /// Fill probability.
    pub probability: ProbabilityScore,
}

impl ModelScore {
    /// Sums over all ages.
    #[must_use]
    pub fn overall(&self) -> AgeError {
        self.ages
            .iter()
            .fold(AgeError::default(), |sum, age| AgeError {
                count: sum.count + age.count,
                abs_lots: sum.abs_lots + age.abs_lots,
                abs_ratio: sum.abs_ratio + age.abs_ratio,
                bias_ratio: sum.bias_ratio + age.bias_ratio,
                square_ratio: sum.square_ratio + age.square_ratio,
            })
    }
}

/// Scores of all models on one market.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueTruth {
    /// Finished probes.
    pub probes: u64,
    /// Probes that were filled in truth by the horizon.
    pub filled: u64,
    /// Mean volume ahead at the start, lots.
    pub initial_lots_mean: f64,
    /// One score a model, in the order of the configuration.
    pub models: Vec<ModelScore>,
    /// The truth scored as if it were a model.
    pub truth: ModelScore,
}

#[allow(clippy::cast_precision_loss)] // counts
pub(super) fn score(tracker: &Tracker, config: &TruthConfig) -> QueueTruth {
    // in order of joining, so that the first half is the earlier one
    let mut records: Vec<&ProbeRecord> = tracker.records().iter().collect();
    records.sort_by_key(|record| record.joined_ns);
    let horizon_ns = config.horizon_ms * NS_PER_MS;
    let by = |fill: Option<i64>| fill.is_some_and(|ns| ns <= horizon_ns);
    let of_model = |at: usize| ModelScore {
        model: Some(config.models[at]),
        ages: tracker.errors(at).to_vec(),
        confusion: confusion(
            &records,
            |r| by(r.model_fill_ns[at]),
            |r| by(r.truth_fill_ns),
        ),
        fill_delay_ms: fill_delay_ms(&records, at, horizon_ns),
        probability: probability(&records, config, |c| c.model_ahead[at]),
    };
    let truth = ModelScore {
        model: None,
        ages: vec![AgeError::default(); AGES_MS.len()],
        confusion: confusion(&records, |r| by(r.truth_fill_ns), |r| by(r.truth_fill_ns)),
        fill_delay_ms: 0.0,
        probability: probability(&records, config, |c| c.truth_ahead),
    };
    let initial: i64 = records.iter().map(|record| record.initial).sum();
    QueueTruth {
        probes: records.len() as u64,
        filled: truth.confusion.both,
        initial_lots_mean: initial as f64 / (records.len().max(1) as f64),
        models: (0..config.models.len()).map(of_model).collect(),
        truth,
    }
}

fn confusion(
    records: &[&ProbeRecord],
    model: impl Fn(&ProbeRecord) -> bool,
    truth: impl Fn(&ProbeRecord) -> bool,
) -> Confusion {
    let mut counts = Confusion::default();
    for record in records {
        let cell = match (model(record), truth(record)) {
            (true, true) => &mut counts.both,
            (true, false) => &mut counts.model_only,
            (false, true) => &mut counts.truth_only,
            (false, false) => &mut counts.neither,
        };
        *cell += 1;
    }
    counts
}

#[allow(clippy::cast_precision_loss)] // durations of seconds
fn fill_delay_ms(records: &[&ProbeRecord], at: usize, horizon_ns: i64) -> f64 {
    let delays: Vec<f64> = records
        .iter()
        .filter_map(|record| {
            let (model, truth) = (record.model_fill_ns[at]?, record.truth_fill_ns?);
            let counts = model <= horizon_ns && truth <= horizon_ns;
            counts.then(|| (model - truth) as f64 / NS_PER_MS as f64)
        })
        .collect();
    delays.iter().sum::<f64>() / delays.len().max(1) as f64
}

/// Probes that were waiting at the checkpoint, as features and outcome.
fn samples(
    records: &[&ProbeRecord],
    config: &TruthConfig,
    ahead: impl Fn(&super::Checkpoint) -> f64,
) -> (Vec<Row>, Vec<bool>) {
    #[allow(clippy::cast_precision_loss)] // sizes and counts
    let unit = records
        .iter()
        .map(|record| record.initial as f64)
        .sum::<f64>()
        .max(1.0)
        / (QUEUE_UNITS * records.len().max(1) as f64);
    let end_ns = (config.checkpoint_ms + config.horizon_ms) * NS_PER_MS;
    let mut rows: Vec<Row> = Vec::new();
    let mut outcomes = Vec::new();
    for record in records {
        let Some(checkpoint) = &record.checkpoint else {
            continue;
        };
        #[allow(clippy::cast_precision_loss)] // ticks
        let behind = checkpoint.behind_ticks.clamp(-50, 50) as f64 / 10.0;
        let row: [f64; FEATURES] = [
            1.0,
            libm::log1p(ahead(checkpoint) / unit),
            libm::log1p(checkpoint.displayed / unit),
            libm::log1p(checkpoint.opposite / unit),
            behind,
        ];
        rows.push(row);
        outcomes.push(record.truth_fill_ns.is_some_and(|ns| ns <= end_ns));
    }
    (rows, outcomes)
}

#[allow(clippy::cast_precision_loss)] // counts
fn probability(
    records: &[&ProbeRecord],
    config: &TruthConfig,
    ahead: impl Fn(&super::Checkpoint) -> f64,
) -> ProbabilityScore {
    let (rows, outcomes) = samples(records, config, ahead);
    let half = rows.len() / 2;
    let share = |of: &[bool]| {
        let filled = of.iter().filter(|&&outcome| outcome).count();
        (filled as f64 + 0.5) / (of.len() as f64 + 1.0)
    };
    let (trained, tested) = (&outcomes[..half], &outcomes[half..]);
    if trained.is_empty() || tested.is_empty() {
        return ProbabilityScore::default();
    }
    let model = Logistic::fit(&rows[..half], trained);
    let base = share(trained);
    let mut bins = vec![ReliabilityBin::default(); BINS];
    let (mut brier, mut loss, mut loss_base) = (0.0, 0.0, 0.0);
    for (row, &outcome) in rows[half..].iter().zip(tested) {
        let p = model.probability(row);
        let y = f64::from(u8::from(outcome));
        brier += (p - y) * (p - y);
        loss -= libm::log(if outcome { p } else { 1.0 - p });
        loss_base -= libm::log(if outcome { base } else { 1.0 - base });
        let bin = &mut bins[bin_of(p)];
        bin.count += 1;
        bin.predicted += p;
        bin.observed += y;
    }
    let n = tested.len() as f64;
    let calibration = bins
        .iter()
        .map(|bin| (bin.predicted - bin.observed).abs())
        .sum::<f64>()
        / n;
    for bin in &mut bins {
        let count = bin.count.max(1) as f64;
        bin.predicted /= count;
        bin.observed /= count;
    }
    ProbabilityScore {
        count: tested.len() as u64,
        base_rate: tested.iter().filter(|&&outcome| outcome).count() as f64 / n,
        brier: brier / n,
        log_loss: loss / n,
        log_loss_base: loss_base / n,
        calibration_error: calibration,
        bins,
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a probability
fn bin_of(p: f64) -> usize {
    ((p * BINS as f64) as usize).min(BINS - 1)
}
