//! Frames: what tells a record from damage.
//!
//! ```text
//! u32 length of what follows the checksum | u32 CRC32C of it | u64 seq | u8 kind | fields
//! ```
//!
//! All numbers are little-endian. `seq` counts the records of a session from 0 without a gap.

use super::error::Fault;
use super::record::ROWS_MAX;

/// Length and checksum.
pub(super) const PREFIX_BYTES: usize = 8;
/// Sequence number and kind.
pub(super) const SEALED_MIN: usize = 9;
/// Longest content of a frame (sequence number, kind, fields). Readers hold one frame at most.
pub const FRAME_MAX: usize = 4 << 20;

/// Flag byte, two times, price and quantity in their longest form.
const ROW_BYTES_MAX: usize = 1 + 4 * 10;
const _: () = assert!(SEALED_MIN + 32 + ROWS_MAX * ROW_BYTES_MAX <= FRAME_MAX);

/// A frame whose checksum holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Offset of the frame in the input.
    pub offset: u64,
    /// Its number in the session.
    pub seq: u64,
    /// Kind and fields, what [`super::decode`] takes.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// Offset of the body in the input.
    #[must_use]
    pub const fn body_offset(&self) -> u64 {
        self.offset + (PREFIX_BYTES + SEALED_MIN - 1) as u64
    }

    /// Bytes of the whole frame.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // never empty
    pub const fn len(&self) -> usize {
        PREFIX_BYTES + SEALED_MIN - 1 + self.body.len()
    }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The length that a frame states, if it can be one.
pub(super) fn stated_length(length: u32) -> Option<usize> {
    let length = length as usize;
    (SEALED_MIN..=FRAME_MAX).contains(&length).then_some(length)
}

/// The frame at the beginning of `bytes`; `None` if it is not all there.
pub(super) fn first_frame(bytes: &[u8], offset: u64) -> Result<Option<Frame<'_>>, Fault> {
    let Some(stated) = u32_at(bytes, 0) else {
        return Ok(None);
    };
    let length = stated_length(stated).ok_or(Fault::Length(stated))?;
    let (Some(checksum), Some(sealed)) = (
        u32_at(bytes, 4),
        bytes.get(PREFIX_BYTES..PREFIX_BYTES + length),
    ) else {
        return Ok(None);
    };
    if crc32c::crc32c(sealed) != checksum {
        return Err(Fault::Checksum);
    }
    let seq = u64_at(sealed, 0).unwrap_or_default();
    Ok(Some(Frame {
        offset,
        seq,
        body: &sealed[SEALED_MIN - 1..],
    }))
}

#[cfg(test)]
mod tests {
    /// Vectors of RFC 3720, appendix B.4.
    #[test]
    fn the_checksum_is_crc32c() {
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        for (bytes, crc) in [
            (&b"123456789"[..], 0xe306_9283),
            (&[0; 32][..], 0x8a91_36aa),
            (&[0xff; 32][..], 0x62a8_ab43),
            (&ascending[..], 0x46dd_794e),
            (&descending[..], 0x113f_db5c),
        ] {
            assert_eq!(crc32c::crc32c(bytes), crc);
        }
    }
}
