//! A cursor over one JSON frame: single pass, no allocation, any field order, white space anywhere.
//!
//! It checks what it reads. Values that a decoder skips are checked for balanced brackets and
//! closed strings only.

use crate::error::{FrameError, FrameErrorKind as Kind};
use crate::grid::{Step, digit_at};
use mmbot_types::TsNs;

mod skip;

/// Longest frame; the longest real ones are instrument lists of about 1.5 MB.
pub const MAX_FRAME_BYTES: usize = 64 << 20;

#[derive(Debug, Clone)]
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    /// Offset of the next byte.
    pub at: usize,
}

impl<'a> Scan<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, FrameError> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(FrameError::new(MAX_FRAME_BYTES, Kind::TooLong));
        }
        Ok(Self { bytes, at: 0 })
    }

    /// The same bytes from another offset.
    pub fn from(&self, at: usize) -> Self {
        Self {
            bytes: self.bytes,
            at,
        }
    }

    #[cold]
    #[inline(never)]
    pub fn fail<T>(&self, kind: Kind) -> Result<T, FrameError> {
        let kind = if self.at >= self.bytes.len() && kind == Kind::Syntax {
            Kind::Truncated
        } else {
            kind
        };
        Err(FrameError::new(self.at, kind))
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Next byte after white space.
    #[inline(always)]
    pub fn peek_token(&mut self) -> Option<u8> {
        match self.peek() {
            Some(byte) if byte > b' ' => Some(byte),
            _ => {
                self.skip_space();
                self.peek()
            }
        }
    }

    #[cold]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes `want`, white space before it allowed.
    #[inline(always)]
    pub fn expect(&mut self, want: u8) -> Result<(), FrameError> {
        if self.try_take(want) {
            return Ok(());
        }
        self.fail(Kind::Syntax)
    }

    /// Takes `want` if it comes next.
    #[inline(always)]
    pub fn try_take(&mut self, want: u8) -> bool {
        if self.peek_token() == Some(want) {
            self.at += 1;
            return true;
        }
        false
    }

    /// Takes the quote that ends a string: no white space before it.
    #[inline(always)]
    pub fn quote(&mut self) -> Result<(), FrameError> {
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(());
        }
        self.fail(Kind::Syntax)
    }

    /// Only white space may follow.
    pub fn end(&mut self) -> Result<(), FrameError> {
        match self.peek_token() {
            None => Ok(()),
            Some(_) => self.fail(Kind::Trailing),
        }
    }

    /// Next key of an object whose `{` is taken; `None` when the object ends.
    #[inline(always)]
    pub fn next_key(&mut self, first: &mut bool) -> Result<Option<&'a [u8]>, FrameError> {
        if !self.next_element(first, b'}')? {
            return Ok(None);
        }
        let key = self.text()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// True if an array whose `[` is taken has another item, with the comma before it taken.
    #[inline(always)]
    pub fn next_item(&mut self, first: &mut bool) -> Result<bool, FrameError> {
        self.next_element(first, b']')
    }

    #[inline(always)]
    fn next_element(&mut self, first: &mut bool, close: u8) -> Result<bool, FrameError> {
        let token = self.peek_token();
        if token == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        if *first {
            *first = false;
        } else if token == Some(b',') {
            self.at += 1;
        } else {
            return self.fail(Kind::Syntax);
        }
        Ok(true)
    }

    /// A string without escapes, as the bytes between its quotes. No field of interest has escapes.
    #[inline(always)]
    pub fn text(&mut self) -> Result<&'a [u8], FrameError> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => return self.fail(Kind::Escape),
                Some(byte) if byte >= b' ' => self.at += 1,
                _ => return self.fail(Kind::Syntax),
            }
        }
        let text = &self.bytes[start..self.at];
        self.at += 1;
        Ok(text)
    }

    /// A whole number, bare or as a string.
    #[inline(always)]
    pub fn int(&mut self) -> Result<i64, FrameError> {
        let quoted = self.try_take(b'"');
        let _ = self.peek_token();
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let (digits, mut value) = (self.at, 0u64);
        while let Some(digit) = digit_at(self.bytes, self.at) {
            value = value.wrapping_mul(10).wrapping_add(digit);
            self.at += 1;
        }
        let count = self.at - digits;
        if count == 0 {
            return self.fail(if self.peek().is_none() {
                Kind::Truncated
            } else {
                Kind::Number
            });
        }
        if count > 18 {
            return Err(FrameError::new(start, Kind::Overflow));
        }
        if let Some(b'.' | b'e' | b'E') = self.peek() {
            return self.fail(Kind::Number);
        }
        if quoted {
            self.quote()?;
        }
        let value = value as i64;
        Ok(if negative { -value } else { value })
    }

    /// A time in whole milliseconds since the epoch.
    #[inline(always)]
    pub fn time_ms(&mut self) -> Result<TsNs, FrameError> {
        let _ = self.peek_token();
        let start = self.at;
        let ms = self.int()?;
        match ms.checked_mul(1_000_000) {
            Some(ns) if ms >= 0 => Ok(TsNs::new(ns)),
            _ => Err(FrameError::new(start, Kind::Time)),
        }
    }

    /// A decimal number in steps, bare or as a string.
    #[inline(always)]
    pub fn steps(&mut self, step: &Step) -> Result<i64, FrameError> {
        let quoted = self.try_take(b'"');
        let (steps, end) = step.read(self.bytes, self.at)?;
        self.at = end;
        if quoted {
            self.quote()?;
        }
        Ok(steps)
    }

    /// A size in lots; dust is rounded and counted.
    #[inline(always)]
    pub fn size(&mut self, lot: &Step, rounded: &mut u32) -> Result<i64, FrameError> {
        let quoted = self.try_take(b'"');
        let (lots, end, dust) = lot.read_size(self.bytes, self.at)?;
        self.at = end;
        *rounded += u32::from(dust);
        if quoted {
            self.quote()?;
        }
        Ok(lots)
    }

    /// A traded size: above zero.
    #[inline(always)]
    pub fn traded(&mut self, lot: &Step, rounded: &mut u32) -> Result<i64, FrameError> {
        let start = self.at;
        match self.size(lot, rounded)? {
            0 => Err(FrameError::new(start, Kind::Zero)),
            lots => Ok(lots),
        }
    }

    /// A price: steps above zero.
    #[inline(always)]
    pub fn price(&mut self, tick: &Step) -> Result<i64, FrameError> {
        let start = self.at;
        match self.steps(tick)? {
            0 => Err(FrameError::new(start, Kind::Zero)),
            steps => Ok(steps),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, FrameError> {
        let _ = self.peek_token();
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        for (word, value) in [(&b"true"[..], true), (&b"false"[..], false)] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
            if word.starts_with(rest) {
                self.at = self.bytes.len();
                return self.fail(Kind::Truncated);
            }
        }
        self.fail(Kind::Word)
    }

    /// Bytes of a bare number.
    pub fn number_text(&mut self) -> Result<&'a [u8], FrameError> {
        let _ = self.peek_token();
        let start = self.at;
        while let Some(b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return self.fail(Kind::Syntax);
        }
        Ok(&self.bytes[start..self.at])
    }

    /// Start and end of the raw text of a string, quotes excluded, escapes as they stand.
    pub fn raw_string(&mut self) -> Result<(usize, usize), FrameError> {
        if self.peek_token() != Some(b'"') {
            return self.fail(Kind::Syntax);
        }
        let start = self.at + 1;
        self.skip_string()?;
        Ok((start, self.at - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_may_be_quoted() {
        let int = |text: &str| Scan::new(text.as_bytes()).unwrap().int();
        assert_eq!(int(" 12"), Ok(12));
        assert_eq!(int("\"-7\""), Ok(-7));
        assert_eq!(int("-"), Err(FrameError::new(1, Kind::Truncated)));
        assert_eq!(int("1.5"), Err(FrameError::new(1, Kind::Number)));
        assert_eq!(
            int("1234567890123456789"),
            Err(FrameError::new(0, Kind::Overflow))
        );
    }
}
