//! Numbers and frames records.

use super::encode::{encode, encode_rows};
use super::error::{Fault, JournalError};
use super::frame::{FRAME_MAX, PREFIX_BYTES};
use super::record::{ROWS_MAX, Record};
use crate::columns::EventRow;
use crate::instrument::InstrumentIdx;

/// Records to framed bytes. Somebody else puts them on a disk: the writer keeps them until
/// [`Self::take`] or [`Self::clear`], and allocates nothing once its buffer has grown.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    next_seq: u64,
}

impl Writer {
    /// A writer whose first record gets the number `next_seq`: 0 in a new session.
    #[must_use]
    pub const fn new(next_seq: u64) -> Self {
        Self {
            bytes: Vec::new(),
            next_seq,
        }
    }

    /// The number that the next record gets.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Appends a record and returns its number.
    ///
    /// # Errors
    /// [`Fault::TooLong`] and [`Fault::Count`] (more than [`ROWS_MAX`] market rows) at offset 0;
    /// nothing was appended.
    pub fn append(&mut self, record: &Record) -> Result<u64, JournalError> {
        if let Record::MarketRows { rows, .. } = record
            && rows.len() > ROWS_MAX
        {
            return Err(Fault::Count("rows").at(0));
        }
        self.seal(|out| encode(record, out))
    }

    /// Appends market rows as received, in as many records as they need; none for no rows.
    ///
    /// # Errors
    /// As [`Self::append`]; batches of this size always fit.
    pub fn append_rows(
        &mut self,
        instrument: InstrumentIdx,
        rows: &[EventRow],
    ) -> Result<(), JournalError> {
        for batch in rows.chunks(ROWS_MAX) {
            self.seal(|out| encode_rows(instrument, batch, out))?;
        }
        Ok(())
    }

    /// Puts what `put` appends into a frame.
    fn seal(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> Result<u64, JournalError> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; PREFIX_BYTES]);
        self.bytes.extend_from_slice(&self.next_seq.to_le_bytes());
        put(&mut self.bytes);
        let sealed = &self.bytes[start + PREFIX_BYTES..];
        let length = sealed.len();
        if length > FRAME_MAX {
            self.bytes.truncate(start);
            return Err(Fault::TooLong(length).at(0));
        }
        let checksum = crc32c::crc32c(sealed).to_le_bytes();
        let length = (length as u32).to_le_bytes();
        self.bytes[start..start + 4].copy_from_slice(&length);
        self.bytes[start + 4..start + PREFIX_BYTES].copy_from_slice(&checksum);
        let seq = self.next_seq;
        self.next_seq += 1;
        Ok(seq)
    }

    /// Framed bytes that nobody has taken yet.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.bytes
    }

    /// Hands the framed bytes over.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Forgets the framed bytes, because [`Self::pending`] was written; keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }
}
