//! Queue models against the truth.
//!
//! A generated market knows the exact volume ahead of every probe; a queue model sees only the
//! published L2 rows and prints, and must guess it. Each model starts from the displayed size when
//! the probe joins, exactly as the simulated exchange does, and is then scored on
//! - the queue: error of the volume ahead, relative to the volume at the start, by age of the
//!   order;
//! - fills: what it says is filled by a horizon against what was (confusion counts, error of the
//!   time);
//! - probability: how well its estimate at a checkpoint predicts a fill soon after (a logistic
//!   model fitted on the first half of the probes, scored on the second: Brier score, logarithmic
//!   loss, reliability).
//!
//! The truth itself is scored the same way: what a perfect estimate would be worth, up to the noise
//! of the fit.

mod logistic;
mod score;
mod track;

pub use score::{Confusion, ModelScore, ProbabilityScore, QueueTruth, ReliabilityBin};
pub use track::{AGES_MS, AgeError, Checkpoint, ProbeRecord, Tracker};

use crate::market::{Market, MarketConfig, MarketError};
use crate::queue::QueueModel;

/// How to score.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthConfig {
    /// Simulated time, ms (at least 1).
    pub duration_ms: i64,
    /// Age at which a model's estimate is turned into a probability, ms.
    pub checkpoint_ms: i64,
    /// A fill counts within this time after joining (and, for the probability, after the
    /// checkpoint), ms.
    pub horizon_ms: i64,
    /// Models to score.
    pub models: Vec<QueueModel>,
}

/// Rows generated per step.
const CHUNK_ROWS: usize = 65_536;

/// Generates a market and scores the models on it. `market.probes` decides the probes (default:
/// every 200 ms); they are followed for at least the checkpoint plus the horizon.
///
/// # Errors
/// [`MarketError`] naming the field that is out of range.
pub fn score_queue_models(
    market: &MarketConfig,
    config: &TruthConfig,
) -> Result<QueueTruth, MarketError> {
    let positive = |key, value: i64| match value {
        1..=31_557_600_000 => Ok(()),
        _ => Err(MarketError::Config {
            key,
            rule: "at least 1 ms and at most a year",
        }),
    };
    positive("duration_ms", config.duration_ms)?;
    positive("checkpoint_ms", config.checkpoint_ms)?;
    positive("horizon_ms", config.horizon_ms)?;
    if config.models.is_empty() {
        return Err(MarketError::Config {
            key: "models",
            rule: "at least one model",
        });
    }
    let mut market = market.clone();
    let mut probes = market.probes.unwrap_or_default();
    probes.horizon_ms = probes
        .horizon_ms
        .max(config.checkpoint_ms + config.horizon_ms);
    market.probes = Some(probes);
    let until = market.start_ts.plus_ms(config.duration_ms);
    let mut source = Market::new(&market)?;
    let follow_ms = probes.horizon_ms;
    let mut tracker = Tracker::new(config.models.clone(), config.checkpoint_ms, follow_ms);
    loop {
        let chunk = source.next_chunk(CHUNK_ROWS, Some(until));
        if chunk.is_empty() {
            break;
        }
        tracker.push(&chunk, source.take_probe_log());
    }
    tracker.close();
    Ok(score::score(&tracker, config))
}
