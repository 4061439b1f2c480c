//! Normal and lognormal draws from a table of quantiles: one random word each, bounded tails, the
//! same bits on every platform.

use mmbot_types::StreamRng;

const BITS: u32 = 12;

/// Standard normal quantiles at the middles of 4096 equal probabilities (largest 3.67).
#[derive(Debug, Clone)]
pub(super) struct NormalTable {
    quantiles: Vec<f64>,
}

impl NormalTable {
    pub(super) fn new() -> Self {
        let n = 1u32 << BITS;
        let quantile = |i: u32| inverse_normal((f64::from(i) + 0.5) / f64::from(n));
        Self {
            quantiles: (0..n).map(quantile).collect(),
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // 12 bits
    pub(super) fn normal(&self, rng: &mut StreamRng) -> f64 {
        self.quantiles[(rng.bits() >> (64 - BITS)) as usize]
    }

    #[inline]
    pub(super) fn lognormal(&self, rng: &mut StreamRng, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * self.normal(rng))
    }
}

/// Bisection on the normal distribution function, run once per table entry.
fn inverse_normal(p: f64) -> f64 {
    let (mut lo, mut hi) = (-8.0, 8.0);
    for _ in 0..60 {
        let mid = 0.5 * (lo + hi);
        if 0.5 * libm::erfc(-mid / std::f64::consts::SQRT_2) < p {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    0.5 * (lo + hi)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_moments_of_the_normal() {
        let table = NormalTable::new();
        let n = table.quantiles.len() as f64;
        let mean: f64 = table.quantiles.iter().sum::<f64>() / n;
        let var: f64 = table.quantiles.iter().map(|z| z * z).sum::<f64>() / n;
        assert!(mean.abs() < 1e-9 && (var - 1.0).abs() < 2e-3);
    }
}
