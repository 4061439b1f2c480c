//! Frames of a venue as columns and back, byte for byte.
//!
//! Consecutive frames of a venue are one text with other numbers in it. A block of frames is split
//! into what stays (the pieces of text between numbers, told once each) and what changes (a column
//! of numbers for each piece that stands before one, as differences from the best of three
//! guesses). A general compressor then finds in the columns what it cannot find in the text.
//!
//! - [`pack`]: frames in, columns out; any bytes are frames;
//! - [`unpack`]: columns in, the same frames out; damaged columns are an error value.
//!
//! Both sides keep one state ([`state`]) that only what was coded already changes. A block knows
//! nothing of other blocks.

mod number;
mod pack;
mod pieces;
mod state;
mod unpack;
mod varint;

pub use pack::{PackError, pack};
pub use unpack::{UnpackError, unpack};

/// Frames of one block: their bytes one after the other, and for each its length, its receive time
/// in nanoseconds, and a tag that the caller gives a meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frames {
    /// The bytes of all frames.
    pub bytes: Vec<u8>,
    /// Length of each.
    pub lens: Vec<u32>,
    /// Receive time of each, ns.
    pub times: Vec<i64>,
    /// Tag of each.
    pub tags: Vec<u32>,
}
