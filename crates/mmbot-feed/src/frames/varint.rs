//! Numbers of variable length, little end first, and what can be read back of them.

use super::unpack::UnpackError;

/// Appends `value` in 7-bit groups.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A signed difference as an unsigned number that is small when the difference is.
#[inline]
pub(super) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
pub(super) const fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

/// Reads a section of a block from its front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, UnpackError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(UnpackError::Truncated)?;
            self.0 = rest;
            let group = u64::from(byte & 0x7f);
            if shift == 63 && group > 1 {
                return Err(UnpackError::Number);
            }
            value |= group << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(UnpackError::Number)
    }

    pub(super) fn size(&mut self) -> Result<usize, UnpackError> {
        usize::try_from(self.number()?).map_err(|_| UnpackError::Number)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], UnpackError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(UnpackError::Truncated)?;
        self.0 = rest;
        Ok(head)
    }

    /// A section: its length, then its bytes.
    pub(super) fn section(&mut self) -> Result<Reader<'a>, UnpackError> {
        let len = self.size()?;
        self.take(len).map(Reader)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
