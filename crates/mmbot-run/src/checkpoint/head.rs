//! What is said about a state, and its frame: u32 length of what follows the checksum, u32 CRC32C
//! of it, u16 layout, fields; numbers little-endian, fields as postcard writes them.

use mmbot_types::TsNs;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Changes whenever fields of [`Head`] do.
const LAYOUT: u16 = 1;
const PREFIX_BYTES: usize = 8;
/// More than any head has: fifty symbols with all their orders and a change of parameters each.
const HEAD_MAX: usize = 1 << 20;

/// Place of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// Its number.
    pub seq: u64,
    /// Where it begins, counted over all segments.
    pub offset: u64,
}

/// Place of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileRange {
    /// Which file.
    pub file: u32,
    /// Where in it.
    pub offset: u64,
    /// How long.
    pub bytes: u64,
}

/// Orders of one instrument, by their numbers among its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdersKnown {
    /// Number that the next order gets.
    pub next_seq: u64,
    /// Those that are not over.
    pub open: Vec<u64>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Checkpoints of the session before it.
    pub number: u64,
    /// Who wrote the state.
    pub build: u64,
    /// The record of its hash.
    pub at: At,
    /// Market time.
    pub ts: TsNs,
    /// Hash of the state.
    pub hash: u64,
    /// Records of parameters since the head before.
    pub params: Vec<At>,
    /// By instrument.
    pub orders: Vec<OrdersKnown>,
    /// Where the state is.
    pub state: FileRange,
    /// CRC32C of the state.
    pub state_crc: u32,
}

/// A head that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a head of more than {HEAD_MAX} bytes")]
pub struct HeadError;

impl Head {
    /// Its frame.
    ///
    /// # Errors
    /// [`HeadError`].
    pub fn framed(&self) -> Result<Vec<u8>, HeadError> {
        let mut out = vec![0; PREFIX_BYTES];
        out.extend_from_slice(&LAYOUT.to_le_bytes());
        let mut out = postcard::to_extend(self, out).map_err(|_| HeadError)?;
        let length = out.len() - PREFIX_BYTES;
        if length > HEAD_MAX {
            return Err(HeadError);
        }
        let crc = crc32c::crc32c(&out[PREFIX_BYTES..]);
        // below HEAD_MAX
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        out[..4].copy_from_slice(&length.to_le_bytes());
        out[4..PREFIX_BYTES].copy_from_slice(&crc.to_le_bytes());
        Ok(out)
    }

    /// The next head of `bytes`, which begin behind it afterwards; `None` at their end and from a
    /// damaged or cut frame on. Those of another layout are passed over.
    pub(super) fn next(bytes: &mut &[u8]) -> Option<Self> {
        loop {
            let (prefix, rest) = bytes.split_first_chunk::<PREFIX_BYTES>()?;
            let [a, b, c, d, crc @ ..] = *prefix;
            let length = u32::from_le_bytes([a, b, c, d]) as usize;
            let (body, rest) = rest.split_at_checked(length)?;
            if length > HEAD_MAX || crc32c::crc32c(body) != u32::from_le_bytes(crc) {
                return None;
            }
            *bytes = rest;
            let (layout, fields) = body.split_first_chunk::<2>()?;
            if u16::from_le_bytes(*layout) == LAYOUT {
                return postcard::from_bytes(fields).ok();
            }
        }
    }
}
