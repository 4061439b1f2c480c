//! Why a page was refused: what is said of the file that has it.

use thiserror::Error;

/// What is wrong with the bytes of a column chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PageError {
    /// The bytes end inside a page.
    #[error("has a page that is cut short")]
    Truncated,
    /// A page header that is no header.
    #[error("has a page header that is not valid: {0}")]
    Header(&'static str),
    /// A page of a kind that holds no values, such as an index.
    #[error("has a page of unknown kind {0}")]
    Kind(i64),
    /// An encoding that integers are not written in.
    #[error("has a page in encoding {0}, which is not read")]
    Encoding(i64),
    /// A page refers to an entry that the dictionary does not have.
    #[error("has a page that refers to entry {0} of a dictionary of {1}")]
    Entry(u64, usize),
    /// A second dictionary, one after values, or none for a page that refers to it.
    #[error("has a dictionary where none is expected, or none where one is")]
    Dictionary,
    /// Rows without a value.
    #[error("has rows without a value")]
    Null,
    /// Packed numbers of an impossible width or block.
    #[error("has packed numbers of an impossible {0}")]
    Packing(&'static str),
    /// A value that the column's type cannot hold.
    #[error("has value {0}, which does not fit the column")]
    Range(i64),
    /// Other numbers of values than were stated.
    #[error("has more or fewer values than it states")]
    Short,
}
