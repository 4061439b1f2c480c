//! A histogram as plain data, all values counted: most of its buckets are empty, so only the others
//! are listed.

use super::{BUCKETS, Histogram};
use serde::{Deserialize, Serialize, Serializer};

/// Buckets that are looked at together.
const BLOCK: usize = 64;

/// See the module.
#[derive(Serialize, Deserialize)]
pub(super) struct HistogramParts {
    last: u64,
    /// Empty buckets before it, and count.
    counts: Vec<(u32, u32)>,
    n: u64,
    min: u64,
    max: u64,
    sum: u64,
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let all = self.settled();
        let (mut counts, mut empty) = (Vec::new(), 0);
        for block in all.counts.chunks(BLOCK) {
            // one look at a block without values, instead of one at each of its buckets
            if block.iter().fold(0, |any, count| any | count) == 0 {
                empty += BLOCK as u32;
                continue;
            }
            for count in block {
                if *count == 0 {
                    empty += 1;
                } else {
                    counts.push((empty, *count));
                    empty = 0;
                }
            }
        }
        let parts = HistogramParts {
            last: all.last,
            counts,
            n: all.n,
            min: all.min,
            max: all.max,
            sum: all.sum,
        };
        parts.serialize(to)
    }
}

impl TryFrom<HistogramParts> for Histogram {
    type Error = &'static str;

    fn try_from(parts: HistogramParts) -> Result<Self, Self::Error> {
        let mut counts = vec![0; BUCKETS];
        let mut free = counts.iter_mut();
        for (empty, count) in parts.counts {
            *free.nth(empty as usize).ok_or("has too many buckets")? = count;
        }
        Ok(Self {
            last: parts.last,
            run: 0,
            runs: Vec::new(),
            counts,
            n: parts.n,
            min: parts.min,
            max: parts.max,
            sum: parts.sum,
        })
    }
}
