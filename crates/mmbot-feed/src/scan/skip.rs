//! Values that nobody reads: passed over with brackets and strings checked.

use super::Scan;
use crate::error::{FrameError, FrameErrorKind as Kind};
use memchr::memchr2;

/// Deepest nesting; a bit per level is kept to match brackets.
const MAX_DEPTH: u32 = 64;

impl Scan<'_> {
    /// Skips a string, escapes allowed.
    #[inline]
    pub(super) fn skip_string(&mut self) -> Result<(), FrameError> {
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            match memchr2(b'"', b'\\', rest) {
                Some(i) if rest[i] == b'"' => {
                    self.at += i + 1;
                    return Ok(());
                }
                Some(i) => self.at += i + 2,
                None => {
                    self.at = self.bytes.len();
                    return self.fail(Kind::Truncated);
                }
            }
        }
    }

    /// Skips one value of any kind.
    pub fn skip_value(&mut self) -> Result<(), FrameError> {
        match self.peek_token() {
            Some(b'"') => self.skip_string(),
            Some(b'{' | b'[') => self.skip_nested(),
            Some(b'0'..=b'9' | b'-' | b't' | b'f' | b'n') => {
                while let Some(b'0'..=b'9' | b'a'..=b'z' | b'E' | b'.' | b'-' | b'+') = self.peek()
                {
                    self.at += 1;
                }
                Ok(())
            }
            _ => self.fail(Kind::Syntax),
        }
    }

    fn skip_nested(&mut self) -> Result<(), FrameError> {
        let (mut depth, mut braces) = (0u32, 0u64);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.skip_short_string()?;
                    continue;
                }
                Some(open @ (b'{' | b'[')) => {
                    if depth == MAX_DEPTH {
                        return self.fail(Kind::TooDeep);
                    }
                    depth += 1;
                    braces = (braces << 1) | u64::from(open == b'{');
                }
                Some(close @ (b'}' | b']')) => {
                    if (braces & 1 == 1) != (close == b'}') {
                        return self.fail(Kind::Syntax);
                    }
                    depth -= 1;
                    braces >>= 1;
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                Some(byte) if byte >= b' ' || byte.is_ascii_whitespace() => {}
                _ => return self.fail(Kind::Syntax),
            }
            self.at += 1;
        }
    }

    /// Strings inside of arrays are short numbers: a byte loop beats a vector search.
    #[inline(always)]
    fn skip_short_string(&mut self) -> Result<(), FrameError> {
        let mut at = self.at + 1;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(());
                }
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
                None => {
                    self.at = self.bytes.len();
                    return self.fail(Kind::Truncated);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(text: &str) -> Result<usize, FrameError> {
        let mut scan = Scan::new(text.as_bytes()).unwrap();
        scan.skip_value().map(|()| scan.at)
    }

    #[test]
    fn values_are_skipped_whole() {
        for text in [
            r#""a\"b""#,
            r#"{"a":[1,{"b":"]}"}],"c":null}"#,
            " -1.5e3",
            "[]",
        ] {
            assert_eq!(skipped(text), Ok(text.len()), "{text}");
        }
    }

    #[test]
    fn broken_values_are_refused_where_they_break() {
        let kind = |text: &str| skipped(text).unwrap_err();
        assert_eq!(kind("[1}"), FrameError::new(2, Kind::Syntax));
        assert_eq!(kind(r#"{"a"#), FrameError::new(3, Kind::Truncated));
        assert_eq!(kind(r#""ab\"#), FrameError::new(4, Kind::Truncated));
        assert_eq!(kind(&"[".repeat(65)), FrameError::new(64, Kind::TooDeep));
        assert_eq!(kind("}"), FrameError::new(0, Kind::Syntax));
    }
}
