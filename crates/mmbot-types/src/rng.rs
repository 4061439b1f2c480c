//! Seeded randomness, the only kind there is.
//!
//! [`CounterRng`] gives a number per (seed, purpose, index), so that a draw does not depend on how
//! many draws other parameter sets made (common random numbers over lanes). [`StreamRng`] is a
//! sequence for the market generator. Transcendental functions come from `libm`, bit-stable over
//! platforms.

use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sha2::{Digest, Sha256};

/// First 8 bytes (big endian) of SHA-256 of `"<seed>:<purpose>:<i>:<j>"`.
#[must_use]
pub fn sub_seed(seed: u64, purpose: &str, i: u64, j: u64) -> u64 {
    let digest = Sha256::digest(format!("{seed}:{purpose}:{i}:{j}").as_bytes());
    let mut first = [0u8; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}

/// A random function: index in, number out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CounterRng {
    key: u64,
}

impl CounterRng {
    /// The function of (seed, purpose).
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self {
            key: sub_seed(seed, purpose, 0, 0),
        }
    }

    /// 64 bits of `index`: the finaliser of SplitMix64 (Steele, Lea, Flood 2014) over key and
    /// index.
    #[inline]
    #[must_use]
    pub const fn bits(self, index: u64) -> u64 {
        let mut z = self
            .key
            .wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    #[inline]
    #[must_use]
    pub fn uniform(self, index: u64) -> f64 {
        unit(self.bits(index))
    }

    /// Standard normal (Box and Muller 1958) of `index`; uses the draws 2 index and 2 index + 1.
    #[must_use]
    pub fn normal(self, index: u64) -> f64 {
        let (a, b) = (index.wrapping_mul(2), index.wrapping_mul(2).wrapping_add(1));
        box_muller(self.uniform(a), self.uniform(b))
    }
}

/// A seeded sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRng {
    inner: Xoshiro256PlusPlus,
}

impl StreamRng {
    /// The sequence of (seed, purpose).
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self {
            inner: Xoshiro256PlusPlus::seed_from_u64(sub_seed(seed, purpose, 0, 0)),
        }
    }

    /// Next 64 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.inner.next_u64()
    }

    /// Uniform in [0, 1).
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        unit(self.bits())
    }

    /// Uniform integer in [0, n), n > 0 (multiply-shift, bias below n / 2^64).
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Exponential with mean 1.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.uniform())
    }

    /// Standard normal.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        let (a, b) = (self.uniform(), self.uniform());
        box_muller(a, b)
    }
}

#[inline]
#[allow(clippy::cast_precision_loss)]
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

fn box_muller(a: f64, b: f64) -> f64 {
    libm::sqrt(-2.0 * libm::log(1.0 - a)) * libm::cos(std::f64::consts::TAU * b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_seed_is_the_documented_hash() {
        // SHA-256("42:tune:0:1"), first 8 bytes
        let digest = Sha256::digest(b"42:tune:0:1");
        assert_eq!(sub_seed(42, "tune", 0, 1).to_be_bytes(), digest[..8]);
    }

    #[test]
    fn draws_depend_on_seed_purpose_and_index_only() {
        let (a, b) = (CounterRng::new(1, "entry"), CounterRng::new(1, "cancel"));
        assert_eq!(a.bits(7), CounterRng::new(1, "entry").bits(7));
        assert_ne!(a.bits(7), b.bits(7));
        assert_ne!(a.bits(7), a.bits(8));
    }

    #[test]
    fn moments_are_those_of_the_distribution() {
        let (rng, n) = (CounterRng::new(3, "moments"), 40_000u64);
        let (mut sum, mut square, mut mean) = (0.0, 0.0, 0.0);
        for i in 0..n {
            let z = rng.normal(i);
            sum += z;
            square += z * z;
            mean += rng.uniform(i);
        }
        let n = n as f64;
        assert!((sum / n).abs() < 0.02 && (square / n - 1.0).abs() < 0.03);
        assert!((mean / n - 0.5).abs() < 0.01);
        let mut stream = StreamRng::new(3, "moments");
        let exp: f64 = (0..20_000).map(|_| stream.exponential()).sum::<f64>() / 20_000.0;
        assert!((exp - 1.0).abs() < 0.03);
        assert!((0..1000).all(|_| stream.below(7) < 7));
    }
}
