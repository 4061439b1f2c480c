//! Chunks of market data and the three places in them: the exchange reads rows in exchange order,
//! the engine in receive order, and a scout looks ahead in receive order for the next consistent
//! book.

use mmbot_types::EventColumns;
use mmbot_types::columns::LAST_BIT;
use std::collections::VecDeque;
use std::sync::Arc;

/// A place in the data: chunk (counted from the first still held) and row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Place {
    pub chunk: usize,
    pub row: usize,
}

/// The chunks still needed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chunks {
    held: VecDeque<Arc<EventColumns>>,
}

impl Chunks {
    pub(crate) fn push(&mut self, chunk: Arc<EventColumns>) {
        self.held.push_back(chunk);
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&EventColumns> {
        self.held.get(at).map(AsRef::as_ref)
    }

    /// Lets go of chunks that no place needs any more; places are counted anew.
    #[inline]
    pub(crate) fn release<const N: usize>(&mut self, places: [&mut Place; N]) {
        let first = self.get(0).map_or(0, EventColumns::len);
        let within_first = |place: &&mut Place| place.chunk == 0 && place.row < first;
        if !places.iter().any(within_first) {
            self.release_first(places);
        }
    }

    #[cold]
    fn release_first<const N: usize>(&mut self, places: [&mut Place; N]) {
        let mut places = places;
        for place in &mut places {
            while self
                .get(place.chunk)
                .is_some_and(|chunk| place.row >= chunk.len())
            {
                **place = Place {
                    chunk: place.chunk + 1,
                    row: 0,
                };
            }
        }
        let unneeded = places.iter().map(|place| place.chunk).min().unwrap_or(0);
        for _ in 0..unneeded.min(self.held.len()) {
            self.held.pop_front();
        }
        for place in places {
            place.chunk -= unneeded;
        }
    }

    /// Receive time of the first packet end at or after `from_ns`, searched from `scout` on, which
    /// is left on it; `i64::MAX` if the data held do not reach so far.
    #[inline]
    pub(crate) fn next_packet_end(&self, scout: &mut Place, from_ns: i64) -> i64 {
        while let Some(chunk) = self.get(scout.chunk) {
            scout.row = rows_before(chunk, scout.row, from_ns);
            while scout.row < chunk.len() {
                let row = local_row(chunk, scout.row);
                let at = chunk.ts_local[row];
                if at >= from_ns && chunk.flags[row] & LAST_BIT != 0 {
                    return at;
                }
                scout.row += 1;
            }
            *scout = Place {
                chunk: scout.chunk + 1,
                row: 0,
            };
        }
        i64::MAX
    }
}

/// A position from which on a row may have been received at `from_ns` or later, at or after `at`:
/// most rows lie before, and times of receipt never fall, so that eight are passed with one look.
#[inline]
fn rows_before(chunk: &EventColumns, mut at: usize, from_ns: i64) -> usize {
    const STRIDE: usize = 8;
    while at + STRIDE <= chunk.len() && chunk.ts_local[local_row(chunk, at + STRIDE - 1)] < from_ns
    {
        at += STRIDE;
    }
    at
}

/// Row at position `at` of the receive order.
#[inline(always)]
pub(crate) fn local_row(chunk: &EventColumns, at: usize) -> usize {
    match &chunk.local_order {
        None => at,
        Some(order) => order[at] as usize,
    }
}
