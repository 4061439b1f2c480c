//! Scores of queue models as a dictionary (means, not sums).

use mmbot_sim::QueueModel;
use mmbot_sim::truth::{AGES_MS, AgeError, ModelScore, ProbabilityScore, QueueTruth};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

pub(crate) fn truth_dict<'py>(py: Python<'py>, truth: &QueueTruth) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("probes", truth.probes)?;
    out.set_item("filled", truth.filled)?;
    out.set_item("initial_lots_mean", truth.initial_lots_mean)?;
    let models = PyList::empty(py);
    for score in &truth.models {
        models.append(score_dict(py, score)?)?;
    }
    out.set_item("models", models)?;
    out.set_item("truth", score_dict(py, &truth.truth)?)?;
    Ok(out)
}

fn score_dict<'py>(py: Python<'py>, score: &ModelScore) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let (name, n) = match score.model {
        None => ("truth", None),
        Some(QueueModel::Conservative) => ("conservative", None),
        Some(QueueModel::Power { n }) => ("power", Some(n)),
        Some(QueueModel::Log) => ("log", None),
        Some(QueueModel::Calibrated { n }) => ("calibrated", Some(n)),
    };
    out.set_item("model", name)?;
    out.set_item("n", n)?;
    out.set_item("queue", age_dict(py, None, &score.overall())?)?;
    let ages = PyList::empty(py);
    for (age, ms) in score.ages.iter().zip(AGES_MS) {
        ages.append(age_dict(py, Some(ms), age)?)?;
    }
    out.set_item("queue_by_age", ages)?;
    let counts = PyDict::new(py);
    counts.set_item("both", score.confusion.both)?;
    counts.set_item("model_only", score.confusion.model_only)?;
    counts.set_item("truth_only", score.confusion.truth_only)?;
    counts.set_item("neither", score.confusion.neither)?;
    out.set_item("fills", counts)?;
    out.set_item("fill_delay_ms", score.fill_delay_ms)?;
    out.set_item("probability", probability_dict(py, &score.probability)?)?;
    Ok(out)
}

#[allow(clippy::cast_precision_loss)] // counts
fn age_dict<'py>(
    py: Python<'py>,
    age_ms: Option<i64>,
    age: &AgeError,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let n = age.count.max(1) as f64;
    if let Some(ms) = age_ms {
        out.set_item("age_ms", ms)?;
    }
    out.set_item("count", age.count)?;
    out.set_item("mae_lots", age.abs_lots / n)?;
    out.set_item("mae_ratio", age.abs_ratio / n)?;
    out.set_item("bias_ratio", age.bias_ratio / n)?;
    out.set_item("rmse_ratio", (age.square_ratio / n).sqrt())?;
    Ok(out)
}

fn probability_dict<'py>(
    py: Python<'py>,
    score: &ProbabilityScore,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("count", score.count)?;
    out.set_item("base_rate", score.base_rate)?;
    out.set_item("brier", score.brier)?;
    out.set_item("log_loss", score.log_loss)?;
    out.set_item("log_loss_base", score.log_loss_base)?;
    out.set_item("calibration_error", score.calibration_error)?;
    let bins = PyList::empty(py);
    for bin in &score.bins {
        let entry = PyDict::new(py);
        entry.set_item("count", bin.count)?;
        entry.set_item("predicted", bin.predicted)?;
        entry.set_item("observed", bin.observed)?;
        bins.append(entry)?;
    }
    out.set_item("bins", bins)?;
    Ok(out)
}
