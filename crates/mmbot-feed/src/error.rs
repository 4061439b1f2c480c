//! Why a frame was refused, and at which byte.

use std::fmt;
use thiserror::Error;

/// What is wrong at the offending byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum FrameErrorKind {
    /// The bytes end inside a value.
    #[error("frame ends early")]
    Truncated,
    /// A byte that the grammar does not allow here.
    #[error("unexpected byte")]
    Syntax,
    /// Bytes other than white space after the frame.
    #[error("bytes after the end of the frame")]
    Trailing,
    /// Nested deeper than any frame of a venue.
    #[error("nested too deep")]
    TooDeep,
    /// Longer than the bound on a frame or line.
    #[error("frame too long")]
    TooLong,
    /// A field that must be there is not.
    #[error("field missing")]
    MissingField,
    /// The same field twice.
    #[error("field given twice")]
    DuplicateField,
    /// Not a number, or one that no field of a frame may hold.
    #[error("not a number")]
    Number,
    /// More digits than the type holds.
    #[error("number out of range")]
    Overflow,
    /// Price or size is not a whole number of steps of the instrument's grid.
    #[error("not a multiple of the step")]
    OffGrid,
    /// A price or size below zero.
    #[error("negative price or size")]
    Negative,
    /// A price of zero, or a trade of size zero.
    #[error("price or traded size is zero")]
    Zero,
    /// Neither of the two words for the sides.
    #[error("unknown side")]
    Side,
    /// A row of another symbol than its frame says.
    #[error("symbol differs from the topic")]
    Symbol,
    /// A word outside the closed list of the field.
    #[error("unknown word")]
    Word,
    /// Too few columns, or a header without the needed columns.
    #[error("column missing")]
    Column,
    /// A string escape that is not JSON.
    #[error("bad string escape")]
    Escape,
    /// Not a time in s, ms, us or ns since the epoch.
    #[error("not a time")]
    Time,
}

/// A refused frame: which byte and why. The session goes on with the next frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameError {
    /// Offset of the offending byte from the start of the frame (its length if bytes are missing).
    pub offset: usize,
    /// What is wrong there.
    pub kind: FrameErrorKind,
}

impl FrameError {
    /// Code of the error registry.
    pub const CODE: &'static str = "E_MD_FRAME";

    /// An error at `offset`.
    #[must_use]
    pub const fn new(offset: usize, kind: FrameErrorKind) -> Self {
        Self { offset, kind }
    }

    /// The one-line form: `E_MD_FRAME: stream={stream} offset={n} {reason}`.
    #[must_use]
    pub fn line(&self, stream: &str) -> String {
        format!("{}: stream={stream} {self}", Self::CODE)
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset={} {}", self.offset, self.kind)
    }
}

impl std::error::Error for FrameError {}
