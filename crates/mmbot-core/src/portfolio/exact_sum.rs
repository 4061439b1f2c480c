//! Sums that are rounded once: neither the order of the terms nor the processor matters.
//!
//! Shewchuk, "Adaptive precision floating-point arithmetic and fast robust geometric predicates"
//! (1997): partial sums that do not overlap, grown term by term, then added from the largest down.

/// Adds finite numbers exactly; keeps its buffer.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct ExactSum {
    partials: Vec<f64>,
}

impl ExactSum {
    /// The sum of `terms`, rounded to the nearest float.
    pub(crate) fn of(&mut self, terms: &[f64]) -> f64 {
        self.partials.clear();
        for &term in terms {
            self.add(term);
        }
        self.rounded()
    }

    fn add(&mut self, term: f64) {
        let (mut x, mut kept) = (term, 0);
        for at in 0..self.partials.len() {
            let mut y = self.partials[at];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                self.partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        self.partials.truncate(kept);
        self.partials.push(x);
    }

    /// From the largest partial down to the first that changes nothing; a tie is broken by the sign
    /// of what follows.
    fn rounded(&self) -> f64 {
        let mut rest = self.partials.iter().rev().copied();
        let Some(mut high) = rest.next() else {
            return 0.0;
        };
        let mut low = 0.0;
        for y in rest.by_ref() {
            let x = high;
            high = x + y;
            low = y - (high - x);
            if low != 0.0 {
                break;
            }
        }
        if let Some(next) = rest.next()
            && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
        {
            let twice = low * 2.0;
            let x = high + twice;
            if twice == x - high {
                high = x;
            }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_keeps_what_a_plain_sum_loses() {
        let mut sum = ExactSum::default();
        assert_eq!(sum.of(&[]), 0.0);
        assert_eq!(sum.of(&[1e16, 1.0, -1e16]), 1.0);
        assert_eq!(sum.of(&[0.1; 10]), 1.0);
        // half of a last digit, and the sign of the rest decides
        assert_eq!(
            sum.of(&[1.0, 2f64.powi(-53), 2f64.powi(-80)]),
            1.0 + f64::EPSILON
        );
        assert_eq!(sum.of(&[1.0, 2f64.powi(-53), -2f64.powi(-80)]), 1.0);
    }

    proptest! {
        /// Multiples of a power of two add like integers.
        #[test]
        fn the_order_of_the_terms_does_not_matter(
            micros in prop::collection::vec(-1i64 << 40..1i64 << 40, 0..40),
        ) {
            #[allow(clippy::cast_precision_loss)] // below 2^53
            let terms: Vec<f64> = micros.iter().map(|m| *m as f64 / 1024.0).collect();
            #[allow(clippy::cast_precision_loss)]
            let exact = micros.iter().sum::<i64>() as f64 / 1024.0;
            let back: Vec<f64> = terms.iter().rev().copied().collect();
            let mut sum = ExactSum::default();
            prop_assert_eq!(sum.of(&terms), exact);
            prop_assert_eq!(sum.of(&back), exact);
        }
    }
}
