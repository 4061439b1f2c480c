//! Integer columns of Parquet files, page by page: bytes to values.
//!
//! Whoever reads the file hands over the bytes of a column chunk and decompresses its pages; this
//! crate reads page headers ([`PageHeader`]) and decodes the values of columns without nesting
//! ([`Column`]), in every encoding that integers are written in: plain, by dictionary, and
//! DELTA_BINARY_PACKED. Damaged bytes are errors, never panics.
//!
//! The format: Apache Parquet, `parquet.thrift` and `Encodings.md` of version 2.11.

mod bits;
mod column;
mod delta;
mod error;
mod header;
mod hybrid;
mod thrift;

pub use column::{Column, Value};
pub use error::PageError;
pub use header::{Encoding, PageHeader, PageKind};
