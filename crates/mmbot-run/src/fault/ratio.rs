//! Probabilities as ratios: exact, and the same in a scenario file, a repro line and a draw.

use mmbot_types::CounterRng;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// `num` of `den`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// How many.
    pub num: u32,
    /// Of how many, at least 1.
    pub den: u32,
}

/// A text that is no ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a ratio n/m with n <= m and m > 0, or 0")]
pub struct RatioError;

impl Ratio {
    /// Never.
    pub const NEVER: Ratio = Ratio { num: 0, den: 1 };

    /// True if it happens in `index`-th draw of `rng`.
    #[must_use]
    pub fn happens(self, rng: CounterRng, index: u64) -> bool {
        if self.num == 0 {
            return false;
        }
        let scaled = u128::from(rng.bits(index)) * u128::from(self.den);
        (scaled >> 64) < u128::from(self.num)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.num {
            0 => out.write_str("0"),
            num => write!(out, "{num}/{}", self.den),
        }
    }
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, RatioError> {
        let (num, den) = match text.trim().split_once('/') {
            Some((num, den)) => (num.trim().parse(), den.trim().parse()),
            None => (text.trim().parse(), Ok(1)),
        };
        match (num, den) {
            (Ok(num), Ok(den)) if den > 0 && num <= den => Ok(Self { num, den }),
            _ => Err(RatioError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        for (text, ratio) in [("1/40", (1, 40)), (" 3 / 4 ", (3, 4)), ("0", (0, 1))] {
            let (num, den) = ratio;
            assert_eq!(text.parse(), Ok(Ratio { num, den }));
        }
        assert_eq!(Ratio { num: 1, den: 40 }.to_string(), "1/40");
        assert_eq!(Ratio::NEVER.to_string(), "0");
        for bad in ["", "1/0", "2/1", "-1/4", "0.5", "1/2/3"] {
            assert_eq!(bad.parse::<Ratio>(), Err(RatioError), "{bad}");
        }
    }

    #[test]
    fn it_happens_as_often_as_it_says() {
        let rng = CounterRng::new(7, "ratio");
        let count = |ratio: Ratio| (0..10_000).filter(|at| ratio.happens(rng, *at)).count();
        assert_eq!(count(Ratio::NEVER), 0);
        assert_eq!(count(Ratio { num: 1, den: 1 }), 10_000);
        assert!((1_100..1_400).contains(&count(Ratio { num: 1, den: 8 })));
    }
}
