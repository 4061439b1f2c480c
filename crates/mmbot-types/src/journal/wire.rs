//! Fields on the wire: little-endian integers, base-128 numbers, counted bytes. Every value has one
//! form; a reader refuses any other.

use super::codes::Coded;
use super::error::{Fault, JournalError};
use crate::instrument::InstrumentIdx;
use crate::units::TsNs;

pub(super) fn put_number(out: &mut Vec<u8>, value: u64) {
    put_wide(out, u128::from(value));
}

/// Base 128, the low digits first, the high bit set on all bytes but the last.
pub(super) fn put_wide(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Small magnitudes of either sign become small numbers.
pub(super) const fn zigzag(value: i64) -> u64 {
    (value.wrapping_shl(1) ^ (value >> 63)) as u64
}

pub(super) const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_number(out, zigzag(value));
}

pub(super) fn put_wide_signed(out: &mut Vec<u8>, value: i128) {
    put_wide(out, (value.wrapping_shl(1) ^ (value >> 127)) as u128);
}

pub(super) fn put_ts(out: &mut Vec<u8>, ts: TsNs) {
    out.extend_from_slice(&ts.get().to_le_bytes());
}

pub(super) fn put_f64(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn put_instrument(out: &mut Vec<u8>, instrument: InstrumentIdx) {
    put_number(out, u64::from(instrument.0));
}

/// Reads fields one after the other.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) const fn fault(&self, what: Fault) -> JournalError {
        what.at(self.at)
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// All bytes must have been read.
    pub(super) fn finish(&self) -> Result<(), JournalError> {
        if self.remaining() == 0 {
            Ok(())
        } else {
            Err(self.fault(Fault::Trailing))
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], JournalError> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.fault(Fault::Short)),
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, JournalError> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, JournalError> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, JournalError> {
        self.take().map(u64::from_le_bytes)
    }

    pub(super) fn f64(&mut self) -> Result<f64, JournalError> {
        self.u64().map(f64::from_bits)
    }

    pub(super) fn ts(&mut self) -> Result<TsNs, JournalError> {
        self.take()
            .map(|bytes| TsNs::new(i64::from_le_bytes(bytes)))
    }

    pub(super) fn number(&mut self) -> Result<u64, JournalError> {
        let start = self.at;
        let wide = self.wide()?;
        u64::try_from(wide).map_err(|_| Fault::Number.at(start))
    }

    pub(super) fn wide(&mut self) -> Result<u128, JournalError> {
        let start = self.at;
        let mut value = 0u128;
        let mut shift = 0u32;
        loop {
            let byte = self.byte()?;
            let digit = u128::from(byte & 0x7f);
            // 18 bytes hold 126 bits, the 19th the last two
            if shift > 126 || (shift == 126 && digit > 3) {
                return Err(Fault::Number.at(start));
            }
            value |= digit << shift;
            if byte & 0x80 == 0 {
                // a last digit of zero could be left out
                return if digit == 0 && shift > 0 {
                    Err(Fault::Number.at(start))
                } else {
                    Ok(value)
                };
            }
            shift += 7;
        }
    }

    pub(super) fn signed(&mut self) -> Result<i64, JournalError> {
        self.number().map(unzigzag)
    }

    pub(super) fn wide_signed(&mut self) -> Result<i128, JournalError> {
        self.wide()
            .map(|value| (value >> 1) as i128 ^ -((value & 1) as i128))
    }

    pub(super) fn instrument(&mut self) -> Result<InstrumentIdx, JournalError> {
        let start = self.at;
        let index = self.number()?;
        u16::try_from(index)
            .map(InstrumentIdx)
            .map_err(|_| Fault::Count("instruments").at(start))
    }

    /// A count of elements of at least `size_min` bytes each: memory is reserved for no more than
    /// the bytes that are there.
    pub(super) fn count(
        &mut self,
        field: &'static str,
        size_min: usize,
    ) -> Result<usize, JournalError> {
        let start = self.at;
        let count = self.number()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() / size_min => Ok(count),
            _ => Err(Fault::Count(field).at(start)),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], JournalError> {
        let length = self.count("bytes", 1)?;
        let taken = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(taken)
    }

    pub(super) fn text(&mut self) -> Result<String, JournalError> {
        let start = self.at;
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| Fault::Text.at(start))
    }

    pub(super) fn coded<T: Coded>(&mut self) -> Result<T, JournalError> {
        let start = self.at;
        let code = self.byte()?;
        T::of_code(code).ok_or(
            Fault::Code {
                field: T::FIELD,
                code,
            }
            .at(start),
        )
    }
}
