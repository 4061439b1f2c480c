//! Logistic regression with a handful of features, by Newton's method with a small ridge.
//! Deterministic.

/// Number of features, the constant included.
pub(super) const FEATURES: usize = 5;

const STEPS: usize = 25;
const RIDGE: f64 = 1e-3;
/// Probabilities stay this far from 0 and 1, so that the logarithmic loss is finite.
const PROBABILITY_MIN: f64 = 1e-6;

pub(super) type Row = [f64; FEATURES];

/// Fitted coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Logistic {
    beta: Row,
}

impl Logistic {
    /// Fits `y` (1 or 0) on rows of features.
    pub(super) fn fit(rows: &[Row], outcomes: &[bool]) -> Self {
        let mut model = Self {
            beta: [0.0; FEATURES],
        };
        for _ in 0..STEPS {
            let (gradient, hessian) = model.derivatives(rows, outcomes);
            let step = solve(hessian, gradient);
            for (beta, delta) in model.beta.iter_mut().zip(step) {
                // a bounded step keeps separable data from running away
                *beta += delta.clamp(-5.0, 5.0);
            }
        }
        model
    }

    /// Probability of the outcome.
    pub(super) fn probability(&self, row: &Row) -> f64 {
        let score: f64 = self.beta.iter().zip(row).map(|(b, x)| b * x).sum();
        let p = 1.0 / (1.0 + libm::exp(-score.clamp(-40.0, 40.0)));
        p.clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN)
    }

    fn derivatives(&self, rows: &[Row], outcomes: &[bool]) -> (Row, [Row; FEATURES]) {
        let mut gradient = [0.0; FEATURES];
        let mut hessian = [[0.0; FEATURES]; FEATURES];
        for i in 0..FEATURES {
            gradient[i] = -RIDGE * self.beta[i];
            hessian[i][i] = RIDGE;
        }
        for (row, &outcome) in rows.iter().zip(outcomes) {
            let p = self.probability(row);
            let residual = f64::from(u8::from(outcome)) - p;
            let weight = p * (1.0 - p);
            for i in 0..FEATURES {
                gradient[i] += residual * row[i];
                for j in 0..FEATURES {
                    hessian[i][j] += weight * row[i] * row[j];
                }
            }
        }
        (gradient, hessian)
    }
}

/// Solves `a x = b` for a positive definite matrix by elimination.
fn solve(mut a: [Row; FEATURES], mut b: Row) -> Row {
    for i in 0..FEATURES {
        let pivot = a[i][i].max(1e-12);
        for j in i + 1..FEATURES {
            let factor = a[j][i] / pivot;
            let upper = a[i];
            for (entry, above) in a[j].iter_mut().zip(upper).skip(i) {
                *entry -= factor * above;
            }
            b[j] -= factor * b[i];
        }
    }
    let mut x = [0.0; FEATURES];
    for i in (0..FEATURES).rev() {
        let known: f64 = (i + 1..FEATURES).map(|j| a[i][j] * x[j]).sum();
        x[i] = (b[i] - known) / a[i][i].max(1e-12);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::CounterRng;

    #[test]
    fn known_coefficients_are_found_again() {
        let rng = CounterRng::new(1, "logistic");
        let truth = Logistic {
            beta: [-0.5, 1.0, -2.0, 0.3, 0.0],
        };
        let rows: Vec<Row> = (0..20_000u64)
            .map(|i| {
                std::array::from_fn(|k| {
                    if k == 0 {
                        1.0
                    } else {
                        rng.normal(5 * i + k as u64)
                    }
                })
            })
            .collect();
        let draw = CounterRng::new(1, "outcome");
        let outcomes: Vec<bool> = (0u64..)
            .zip(&rows)
            .map(|(i, row)| draw.uniform(i) < truth.probability(row))
            .collect();
        let fitted = Logistic::fit(&rows, &outcomes);
        for (found, expected) in fitted.beta.iter().zip(truth.beta) {
            assert!((found - expected).abs() < 0.1, "{fitted:?}");
        }
    }

    #[test]
    fn separable_and_constant_data_stay_finite() {
        let rows = [[1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 5.0, 0.0, 0.0, 0.0]];
        let fitted = Logistic::fit(&rows, &[false, true]);
        assert!(fitted.beta.iter().all(|b| b.is_finite()));
        assert!(fitted.probability(&rows[1]) > fitted.probability(&rows[0]));
        let constant = Logistic::fit(&[[1.0, 2.0, 0.0, 0.0, 0.0]; 5], &[true; 5]);
        assert!(constant.probability(&[1.0, 2.0, 0.0, 0.0, 0.0]) > 0.9);
    }
}
