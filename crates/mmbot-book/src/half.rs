//! One side of a ladder, as a structure whose best key is its greatest: bids are keyed by price,
//! asks by minus price, so that one piece of code serves both without a branch on the side.
//!
//! Keys in the window `[base, base + WINDOW)` live in a ring of sizes addressed by the low bits of
//! the key, with one bit per key and one summary bit per 64 keys. Keys below the window live in an
//! ordered map. A key above the window moves the window, so nothing is ever above it.

mod parts;

use std::collections::BTreeMap;

/// Ticks covered by the dense window; 64 words of 64 bits, so that one summary word is enough.
const WINDOW: i64 = 4096;
const MASK: i64 = WINDOW - 1;
/// The best key sits this far up the window after a move: most levels lie behind the touch.
const BEST_OFFSET: i64 = WINDOW / 4 * 3;
/// Key of "no level at all".
pub(crate) const NO_KEY: i64 = i64::MIN;

#[derive(Debug, Clone, serde::Deserialize)]
#[serde(try_from = "parts::HalfParts")]
pub(crate) struct HalfBook {
    best: i64,
    base: i64,
    summary: u64,
    words: [u64; 64],
    sizes: Box<[i64; WINDOW as usize]>,
    far: BTreeMap<i64, i64>,
}

impl HalfBook {
    pub(crate) fn new() -> Self {
        Self {
            best: NO_KEY,
            base: 0,
            summary: 0,
            words: [0; 64],
            sizes: Box::new([0; WINDOW as usize]),
            far: BTreeMap::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        while self.summary != 0 {
            let word = self.summary.trailing_zeros() as usize;
            self.sizes[word * 64..word * 64 + 64].fill(0);
            self.words[word] = 0;
            self.summary &= self.summary - 1;
        }
        self.far.clear();
        self.best = NO_KEY;
    }

    /// Greatest key, or [`NO_KEY`].
    #[inline(always)]
    pub(crate) const fn best(&self) -> i64 {
        self.best
    }

    #[inline(always)]
    pub(crate) fn get(&self, key: i64) -> i64 {
        if self.in_window(key) {
            self.sizes[slot(key)]
        } else {
            self.far.get(&key).copied().unwrap_or(0)
        }
    }

    /// Sets the size at `key` (0 deletes) and returns the size before.
    #[inline(always)]
    pub(crate) fn set(&mut self, key: i64, size: i64) -> i64 {
        if !self.in_window(key) {
            return self.set_outside(key, size);
        }
        let at = slot(key);
        let before = std::mem::replace(&mut self.sizes[at], size);
        let (word, bit) = (at >> 6, at & 63);
        if size > 0 {
            self.words[word] |= 1 << bit;
            self.summary |= 1 << word;
            if key > self.best {
                self.best = key;
            }
        } else {
            let left = self.words[word] & !(1 << bit);
            self.words[word] = left;
            self.summary &= !(u64::from(left == 0) << word);
            if key == self.best {
                self.best = self.next_below(key);
            }
        }
        before
    }

    /// Greatest key below `key`, or [`NO_KEY`]. Looks in the window, then in the map.
    #[inline]
    pub(crate) fn next_below(&mut self, key: i64) -> i64 {
        match self.window_below(key) {
            Some(found) => found,
            None => self.far_best(key),
        }
    }

    /// Greatest key of the window below `key`, which must be in the window or just above it.
    #[inline]
    fn window_below(&self, key: i64) -> Option<i64> {
        if self.summary == 0 || key <= self.base {
            return None;
        }
        // bits at or above `key` in its own word are masked off; the ring is then walked downward
        let from = slot(key - 1);
        let (word, bit) = (from >> 6, from & 63);
        let here = self.words[word] & (u64::MAX >> (63 - bit));
        let at = if here != 0 {
            word * 64 + 63 - here.leading_zeros() as usize
        } else {
            // words below in ring order: rotate so that the word just below becomes bit 63
            let rotated = self.summary.rotate_right(word as u32);
            if rotated == 0 {
                return None;
            }
            let down = rotated.leading_zeros() as usize;
            let found = (word + 63 - down) & 63;
            let candidates = if found == word {
                // went all the way round to the upper part of the same word
                self.words[word] & !(u64::MAX >> (63 - bit))
            } else {
                self.words[found]
            };
            if candidates == 0 {
                return None;
            }
            found * 64 + 63 - candidates.leading_zeros() as usize
        };
        let down = (slot_key(from) - slot_key(at)) & MASK;
        let found = key - 1 - down;
        (found >= self.base).then_some(found)
    }

    #[cold]
    fn far_best(&mut self, below: i64) -> i64 {
        let best = self
            .far
            .range(..below)
            .next_back()
            .map_or(NO_KEY, |(key, _)| *key);
        if best != NO_KEY && self.summary == 0 {
            self.move_window(best);
        }
        best
    }

    #[cold]
    fn set_outside(&mut self, key: i64, size: i64) -> i64 {
        let above = key >= self.base + WINDOW;
        if size <= 0 {
            let before = self.far.remove(&key).unwrap_or(0);
            if key == self.best {
                self.best = self.far_best(key);
            }
            return before;
        }
        // an empty book, a better price than the window holds, or a touch that drifted to the
        // bottom
        if self.best == NO_KEY {
            self.move_window(key);
        } else if above {
            self.move_window(key.max(self.best));
        } else if self.best < self.base + WINDOW / 4 {
            self.move_window(self.best);
        }
        if self.in_window(key) {
            return self.set(key, size);
        }
        self.best = self.best.max(key);
        self.far.insert(key, size).unwrap_or(0)
    }

    /// Moves the window so that `best` sits at its place in it; levels change between ring and map.
    fn move_window(&mut self, best: i64) {
        let (old, new) = (self.base, best.saturating_sub(BEST_OFFSET));
        let mut kept = Vec::new();
        let mut left = self.summary;
        while left != 0 {
            let word = left.trailing_zeros() as usize;
            left &= left - 1;
            let mut bits = self.words[word];
            while bits != 0 {
                let at = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let key = old + ((slot_key(at) - old) & MASK);
                kept.push((key, self.sizes[at]));
                self.sizes[at] = 0;
            }
            self.words[word] = 0;
        }
        self.summary = 0;
        self.base = new;
        let inside = self.far.split_off(&new);
        for (key, size) in kept.into_iter().chain(inside) {
            self.restore(key, size);
        }
    }

    /// Puts a level where it belongs while the window stays.
    fn restore(&mut self, key: i64, size: i64) {
        if self.in_window(key) {
            let at = slot(key);
            self.sizes[at] = size;
            self.words[at >> 6] |= 1 << (at & 63);
            self.summary |= 1 << (at >> 6);
        } else {
            self.far.insert(key, size);
        }
    }

    /// Keys and sizes, greatest key first.
    pub(crate) fn iter(&self) -> HalfIter<'_> {
        HalfIter {
            half: self,
            next: self.best,
        }
    }

    /// Shows keys and sizes from the best down to `lowest`, a word of the bitmap at a time.
    pub(crate) fn each_down_to(&self, lowest: i64, mut visit: impl FnMut(i64, i64)) {
        let end = lowest.max(self.base);
        let mut from = self.best;
        while from >= end {
            let (at, bit) = (slot(from) & !63, slot(from) & 63);
            let first = from - slot_key(bit);
            let mut bits = self.words[at >> 6] & (u64::MAX >> (63 - bit));
            while bits != 0 {
                let bit = 63 - bits.leading_zeros() as usize;
                let key = first + slot_key(bit);
                if key < end {
                    break;
                }
                visit(key, self.sizes[at + bit]);
                bits &= !(1 << bit);
            }
            from = first - 1;
        }
        if lowest < self.base {
            let far = self.far.range(lowest..self.base);
            far.rev().for_each(|(key, size)| visit(*key, *size));
        }
    }

    fn peek_below(&self, key: i64) -> i64 {
        if key > self.base
            && let Some(found) = self.window_below(key)
        {
            return found;
        }
        self.far
            .range(..key)
            .next_back()
            .map_or(NO_KEY, |(key, _)| *key)
    }

    #[inline(always)]
    #[allow(clippy::cast_sign_loss)] // a negative offset becomes huge and fails the comparison
    const fn in_window(&self, key: i64) -> bool {
        (key.wrapping_sub(self.base) as u64) < WINDOW as u64
    }
}

#[inline(always)]
#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)] // masked to 12 bits
const fn slot(key: i64) -> usize {
    (key & MASK) as usize
}

#[inline(always)]
#[allow(clippy::cast_possible_wrap)] // below WINDOW
const fn slot_key(at: usize) -> i64 {
    at as i64
}

/// Levels of one half, best first.
pub(crate) struct HalfIter<'a> {
    half: &'a HalfBook,
    next: i64,
}

impl Iterator for HalfIter<'_> {
    type Item = (i64, i64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.next == NO_KEY {
            return None;
        }
        let key = self.next;
        self.next = self.half.peek_below(key);
        Some((key, self.half.get(key)))
    }
}
