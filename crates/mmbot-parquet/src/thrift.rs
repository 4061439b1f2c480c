//! The part of Thrift's compact protocol that page headers are written in.

use crate::PageError;

/// Structures nest in a page header three deep; more is not a header.
const DEPTH_MAX: u32 = 8;

/// A field's type on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    True,
    False,
    Int,
    Struct,
    Other(u8),
}

/// A cursor over compact Thrift.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Result<u8, PageError> {
        let byte = self.bytes.get(self.at).ok_or(PageError::Truncated)?;
        self.at += 1;
        Ok(*byte)
    }

    pub(crate) fn int(&mut self) -> Result<i64, PageError> {
        let (value, len) = varint(&self.bytes[self.at..])?;
        self.at += len;
        Ok(zigzag(value))
    }

    /// The next field of a structure whose last field was `last`; `None` at its end.
    pub(crate) fn field(&mut self, last: &mut i64) -> Result<Option<(i64, Wire)>, PageError> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let delta = i64::from(head >> 4);
        *last = if delta == 0 {
            self.int()?
        } else {
            last.saturating_add(delta)
        };
        let wire = match head & 0x0f {
            1 => Wire::True,
            2 => Wire::False,
            4..=6 => Wire::Int,
            12 => Wire::Struct,
            other => Wire::Other(other),
        };
        Ok(Some((*last, wire)))
    }

    /// Passes over a value that nobody needs.
    pub(crate) fn skip(&mut self, wire: Wire) -> Result<(), PageError> {
        self.skip_nested(wire, DEPTH_MAX)
    }

    fn skip_nested(&mut self, wire: Wire, depth: u32) -> Result<(), PageError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(PageError::Header("too deep"));
        };
        match wire {
            Wire::True | Wire::False => Ok(()),
            Wire::Int => self.int().map(drop),
            Wire::Struct => {
                let mut last = 0;
                while let Some((_, inner)) = self.field(&mut last)? {
                    self.skip_nested(inner, depth)?;
                }
                Ok(())
            }
            // a byte, a double, bytes; no page header has a list, set or map
            Wire::Other(3) => self.pass(1),
            Wire::Other(7) => self.pass(8),
            Wire::Other(8) => {
                let (len, used) = varint(&self.bytes[self.at..])?;
                self.at += used;
                self.pass(usize::try_from(len).map_err(|_| PageError::Truncated)?)
            }
            Wire::Other(_) => Err(PageError::Header("unexpected type")),
        }
    }

    fn pass(&mut self, len: usize) -> Result<(), PageError> {
        if len > self.bytes.len() - self.at {
            return Err(PageError::Truncated);
        }
        self.at += len;
        Ok(())
    }
}

/// A number of 7 bits a byte, low bits first, and how many bytes it took.
pub(crate) fn varint(bytes: &[u8]) -> Result<(u64, usize), PageError> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((value, at + 1));
        }
    }
    Err(if bytes.len() < 10 {
        PageError::Truncated
    } else {
        PageError::Header("a number without an end")
    })
}

/// A signed number, stored with its sign in the lowest bit.
pub(crate) fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
