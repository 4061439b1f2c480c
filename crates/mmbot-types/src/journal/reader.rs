//! Framed bytes to records.
//!
//! A crash leaves the beginning of a frame at the end of a file: a torn tail, which is cut.
//! Anything else that is wrong is damage, which is reported and never repaired. The difference
//! matters where the length of a frame is damaged, because the frame then also seems to end behind
//! the file; [`Reader::tail`] therefore looks for whole frames in what seems torn.

use super::decode::decode;
use super::error::{Fault, JournalError};
use super::frame::{
    FRAME_MAX, Frame, PREFIX_BYTES, SEALED_MIN, first_frame, stated_length, u32_at, u64_at,
};
use super::record::Record;

/// A record with its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number in the session.
    pub seq: u64,
    /// What it says.
    pub record: Record,
}

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// With a whole frame, or it is empty.
    Clean,
    /// Inside of a frame that was not written to its end: cut the file at this offset.
    Torn {
        /// Where the incomplete frame begins.
        at: u64,
    },
}

/// Reads frames one after the other. Never panics; an error stays where it is.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    base: u64,
    next_seq: Option<u64>,
}

impl<'a> Reader<'a> {
    /// A reader of a whole file, which may begin with any number.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self::resume(bytes, 0, None)
    }

    /// A reader of bytes that begin at offset `base` of a file with the frame `next_seq`; `None`
    /// accepts any first number.
    #[must_use]
    pub const fn resume(bytes: &'a [u8], base: u64, next_seq: Option<u64>) -> Self {
        Self {
            bytes,
            at: 0,
            base,
            next_seq,
        }
    }

    /// The next whole frame; `None` if there is none (then ask [`Self::tail`], or come back with
    /// more bytes from [`Self::offset`] on).
    ///
    /// # Errors
    /// Damage, with the offset of its frame; asked again, the same.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'a>>, JournalError> {
        let rest = self.rest();
        if is_unwritten(rest) {
            return Ok(None);
        }
        let offset = self.offset();
        let at = |what| JournalError { offset, what };
        let Some(frame) = first_frame(rest, offset).map_err(at)? else {
            return Ok(None);
        };
        if let Some(expected) = self.next_seq
            && frame.seq != expected
        {
            let found = frame.seq;
            return Err(at(Fault::Sequence { expected, found }));
        }
        self.at += frame.len();
        self.next_seq = Some(frame.seq.wrapping_add(1));
        Ok(Some(frame))
    }

    /// The next record; `None` as [`Self::next_frame`].
    ///
    /// # Errors
    /// Damage, or a record that this version does not read, with the offset of the offending byte.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, JournalError> {
        let before = self.clone();
        let Some(frame) = self.next_frame()? else {
            return Ok(None);
        };
        match decode(frame.body) {
            Ok(record) => Ok(Some(Entry {
                seq: frame.seq,
                record,
            })),
            Err(error) => {
                *self = before;
                Err(JournalError {
                    offset: frame.body_offset() + error.offset,
                    what: error.what,
                })
            }
        }
    }

    /// Offset of the next frame in the file.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The number that the next frame must have; `None` before the first frame of a reader that
    /// accepts any.
    #[must_use]
    pub const fn next_seq(&self) -> Option<u64> {
        self.next_seq
    }

    /// How the file ends, if `bytes` go to its end and [`Self::next_frame`] has returned `None`.
    ///
    /// # Errors
    /// [`Fault::Length`] if the incomplete frame is a whole one whose length is damaged.
    pub fn tail(&self) -> Result<Tail, JournalError> {
        let rest = self.rest();
        if rest.is_empty() {
            return Ok(Tail::Clean);
        }
        let at = self.offset();
        let hides = self.is_whole_with_other_length(rest) || self.has_later_frame(rest);
        if hides && !is_unwritten(rest) {
            let stated = u32_at(rest, 0).unwrap_or_default();
            return Err(JournalError {
                offset: at,
                what: Fault::Length(stated),
            });
        }
        Ok(Tail::Torn { at })
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// True if some shorter length makes `rest` begin with the frame that should come.
    fn is_whole_with_other_length(&self, rest: &[u8]) -> bool {
        let (Some(checksum), Some(seq)) = (u32_at(rest, 4), u64_at(rest, PREFIX_BYTES)) else {
            return false;
        };
        let sealed = &rest[PREFIX_BYTES..];
        if sealed.len() < SEALED_MIN || self.next_seq.is_some_and(|next| next != seq) {
            return false;
        }
        let mut crc = crc32c::crc32c(&sealed[..SEALED_MIN]);
        let mut end = SEALED_MIN;
        loop {
            if crc == checksum && may_begin_frame(&sealed[end..], seq.wrapping_add(1)) {
                return true;
            }
            let Some(byte) = sealed.get(end..=end) else {
                return false;
            };
            crc = crc32c::crc32c_append(crc, byte);
            end += 1;
        }
    }

    /// True if a whole frame with a later number stands behind the beginning of `rest`.
    fn has_later_frame(&self, rest: &[u8]) -> bool {
        let shortest = PREFIX_BYTES + SEALED_MIN;
        let expected = self.next_seq.unwrap_or(0);
        (1..rest.len().saturating_sub(shortest - 1)).any(|at| {
            let candidate = &rest[at..];
            let later = self.next_seq.is_none()
                || u64_at(candidate, PREFIX_BYTES)
                    .and_then(|seq| seq.checked_sub(expected))
                    .is_some_and(|ahead| ahead > 0 && ahead <= (rest.len() / shortest) as u64);
            later && matches!(first_frame(candidate, 0), Ok(Some(_)))
        })
    }
}

/// Entries until the end, torn or not, or until the first error.
impl Iterator for Reader<'_> {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.next_entry().transpose();
        if matches!(entry, Some(Err(_))) {
            self.bytes = &self.bytes[..self.at];
        }
        entry
    }
}

/// What some file systems leave after a power failure: zeros where data should have come.
fn is_unwritten(rest: &[u8]) -> bool {
    !rest.is_empty() && rest.len() <= PREFIX_BYTES + FRAME_MAX && rest.iter().all(|byte| *byte == 0)
}

/// True if `bytes` are the beginning of the frame `seq`, as far as they go.
fn may_begin_frame(bytes: &[u8], seq: u64) -> bool {
    u32_at(bytes, 0).is_none_or(|length| stated_length(length).is_some())
        && u64_at(bytes, PREFIX_BYTES).is_none_or(|found| found == seq)
}
