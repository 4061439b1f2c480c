//! The pieces of text of a block: each is told once and has a number from then on.

/// More pieces than that are told anew each time they come: words that never come again, such as
/// identifiers, must not make the table grow without end.
pub(super) const MAX_PIECES: usize = 4096;
const SLOTS: usize = 4 * MAX_PIECES;
const EMPTY: u16 = u16::MAX;

/// A piece and whether a frame ends with it.
#[derive(Debug, Clone, Copy)]
struct Piece {
    begin: u32,
    end: u32,
    is_last: bool,
}

/// Pieces by number and numbers by piece.
#[derive(Debug)]
pub(super) struct Pieces {
    text: Vec<u8>,
    pieces: Vec<Piece>,
    slots: Vec<u16>,
}

impl Pieces {
    pub(super) fn new() -> Self {
        Self {
            text: Vec::new(),
            pieces: Vec::new(),
            slots: vec![EMPTY; SLOTS],
        }
    }

    /// Whether piece `number` is `text`.
    #[inline]
    pub(super) fn is(&self, number: usize, text: &[u8], is_last: bool) -> bool {
        self.pieces.get(number).is_some_and(|piece| {
            piece.is_last == is_last && self.text[piece.begin as usize..piece.end as usize] == *text
        })
    }

    /// The number of a piece; the second value says that it is new. `None` when it is new and
    /// there is no room.
    pub(super) fn number(&mut self, text: &[u8], is_last: bool) -> Option<(usize, bool)> {
        let mut slot = hash(text, is_last) % SLOTS;
        while self.slots[slot] != EMPTY {
            let number = usize::from(self.slots[slot]);
            if self.is(number, text, is_last) {
                return Some((number, false));
            }
            slot = (slot + 1) % SLOTS;
        }
        let number = self.pieces.len();
        if number >= MAX_PIECES {
            return None;
        }
        self.slots[slot] = number as u16;
        let begin = self.text.len() as u32;
        self.text.extend_from_slice(text);
        self.pieces.push(Piece {
            begin,
            end: self.text.len() as u32,
            is_last,
        });
        Some((number, true))
    }
}

#[inline]
fn hash(text: &[u8], is_last: bool) -> usize {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = u64::from(is_last) ^ text.len() as u64;
    let mut words = text.chunks_exact(8);
    for word in &mut words {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        sum = (sum.rotate_left(5) ^ u64::from_le_bytes(bytes)).wrapping_mul(MIX);
    }
    for &byte in words.remainder() {
        sum = (sum.rotate_left(5) ^ u64::from(byte)).wrapping_mul(MIX);
    }
    (sum >> 32) as usize
}
