//! What can be wrong with journal bytes.

use thiserror::Error;

/// Journal bytes that are not what a writer wrote, with the byte at which that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("offset={offset} {what}")]
pub struct JournalError {
    /// Offset of the offending byte (of its frame, for what concerns the whole frame) in the input.
    pub offset: u64,
    /// What is wrong.
    pub what: Fault,
}

/// What is wrong. Frames are checked before records, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// The length of a frame is out of range, or contradicts what follows it.
    #[error("frame length {0} is damaged")]
    Length(u32),
    /// The checksum of a frame differs.
    #[error("checksum differs")]
    Checksum,
    /// A frame is not the next one.
    #[error("sequence number is {found}, expected {expected}")]
    Sequence {
        /// The number that should follow.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// A record kind that this version does not know.
    #[error("record kind {0} is unknown")]
    Kind(u8),
    /// A journal format that this version does not read.
    #[error("journal format {0} is not supported")]
    Version(u16),
    /// A record ends inside of a field.
    #[error("record ends early")]
    Short,
    /// Bytes follow the last field of a record.
    #[error("bytes follow the record")]
    Trailing,
    /// A number that no writer writes this way.
    #[error("number is not in its shortest form")]
    Number,
    /// A code that stands for nothing.
    #[error("{field} has unknown code {code}")]
    Code {
        /// Name of the field.
        field: &'static str,
        /// The code found.
        code: u8,
    },
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    Text,
    /// A field that a writer writes shorter or in another order.
    #[error("{0} is not in the form in which it is written")]
    Form(&'static str),
    /// More elements than a record may have, or than its bytes can hold.
    #[error("count of {0} is out of range")]
    Count(&'static str),
    /// A record that does not fit into a frame.
    #[error("record of {0} bytes is too long for a frame")]
    TooLong(usize),
}

impl Fault {
    pub(super) const fn at(self, offset: usize) -> JournalError {
        JournalError {
            offset: offset as u64,
            what: self,
        }
    }
}
