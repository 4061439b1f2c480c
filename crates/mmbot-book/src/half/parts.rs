//! One side of a book as plain data: its levels, best first, and where its window stands.

use super::{HalfBook, NO_KEY};
use serde::{Deserialize, Serialize, Serializer};

/// See the module.
#[derive(Serialize, Deserialize)]
pub(crate) struct HalfParts {
    base: i64,
    /// Key, as what it lies below the one before it (the first: below 0), and size.
    levels: Vec<(i64, i64)>,
}

impl Serialize for HalfBook {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut before = 0i64;
        let levels = self.iter().map(|(key, size)| {
            let step = before.wrapping_sub(key);
            before = key;
            (step, size)
        });
        let parts = HalfParts {
            base: self.base,
            levels: levels.collect(),
        };
        parts.serialize(to)
    }
}

impl TryFrom<HalfParts> for HalfBook {
    type Error = &'static str;

    fn try_from(parts: HalfParts) -> Result<Self, Self::Error> {
        let mut half = HalfBook::new();
        half.base = parts.base;
        let mut key = 0i64;
        for (step, size) in parts.levels {
            key = key.wrapping_sub(step);
            let is_level = size > 0 && key != NO_KEY;
            if !is_level || (half.best != NO_KEY && step <= 0) {
                return Err("is no side of a book");
            }
            half.best = half.best.max(key);
            half.restore(key, size);
        }
        Ok(half)
    }
}
