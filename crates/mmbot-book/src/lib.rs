//! L2 order book. [`Ladder`] is the fast one, [`NaiveBook`] its obviously right twin; both answer
//! the same questions ([`BookRead`]) and must agree after any sequence of updates.

mod half;
pub mod ladder;
pub mod naive;

pub use ladder::{Ladder, Touch};
pub use naive::NaiveBook;

use mmbot_types::{PriceTick, QtyLot, Side};

/// What any book answers.
pub trait BookRead {
    /// Best price of a side.
    fn best_of(&self, side: Side) -> Option<PriceTick>;
    /// Size at a price, zero where there is no level.
    fn size_at(&self, side: Side, px: PriceTick) -> QtyLot;
    /// All levels of a side from the touch outward.
    fn all_levels(&self, side: Side) -> Vec<(PriceTick, QtyLot)>;
}

/// One hash of the whole book (FNV-1a over sides and levels from the touch outward): equal books,
/// equal hashes, whatever structure holds them.
#[must_use]
pub fn state_hash(book: &impl BookRead) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut feed = |word: i64| {
        for byte in word.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for side in Side::BOTH {
        feed(side.sign());
        for (px, qty) in book.all_levels(side) {
            feed(px.get());
            feed(qty.get());
        }
    }
    hash
}
