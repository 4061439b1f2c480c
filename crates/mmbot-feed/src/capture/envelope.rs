//! Takes a line of a capture apart: who received what and when. Frames inside of JSON strings are
//! unescaped into a buffer of the caller; an offset in the frame maps back to the line.

use super::format::Envelope;
use crate::error::{FrameError, FrameErrorKind as Kind};
use crate::scan::Scan;
use crate::time::unix_time;
use memchr::{memchr, memmem};
use mmbot_types::TsNs;

/// One line, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// What the line records.
    pub kind: LineKind,
    /// Receive (or sending) time; `None` where the envelope has none.
    pub recv: Option<TsNs>,
    /// Name of the connection, where the envelope has one.
    pub conn: &'a [u8],
    /// Address of a connection or REST call.
    pub url: &'a [u8],
    /// Where the frame is.
    pub body: Body,
}

/// What a line records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// A received frame.
    Frame,
    /// An answer to a REST call.
    Rest,
    /// A connection was opened.
    Connect,
    /// Header, sent frame or the like: nothing to decode.
    Note,
}

/// Where the frame of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// In the line, from this offset to its end.
    Raw(usize),
    /// Unescaped in the buffer; its escaped text starts at this offset of the line.
    Unescaped(usize),
}

impl Body {
    /// The frame.
    #[must_use]
    pub fn frame<'a>(&self, line: &'a [u8], buffer: &'a [u8]) -> &'a [u8] {
        match self {
            Body::Raw(start) => line.get(*start..).unwrap_or_default(),
            Body::Unescaped(_) => buffer,
        }
    }

    /// An error of the frame as one of the line.
    #[must_use]
    pub fn locate(&self, line: &[u8], error: FrameError) -> FrameError {
        let offset = match self {
            Body::Raw(start) => start + error.offset,
            Body::Unescaped(start) => escaped_offset(line, *start, error.offset),
        };
        FrameError::new(offset, error.kind)
    }
}

/// Takes a line apart; `buffer` receives an unescaped frame.
///
/// # Errors
/// The offending byte of the line.
pub fn split<'a>(
    envelope: Envelope,
    line: &'a [u8],
    buffer: &mut Vec<u8>,
) -> Result<Line<'a>, FrameError> {
    match envelope {
        Envelope::Jsonl => split_jsonl(line, buffer),
        Envelope::Text => split_text(line),
        Envelope::Local => {
            let space = memchr(b' ', line).ok_or(FrameError::new(line.len(), Kind::Truncated))?;
            frame_at(line, &line[..space], space + 1)
        }
        Envelope::Bare => Ok(Line {
            kind: LineKind::Frame,
            recv: None,
            conn: b"",
            url: b"",
            body: Body::Raw(0),
        }),
    }
}

fn frame_at<'a>(line: &'a [u8], time: &[u8], start: usize) -> Result<Line<'a>, FrameError> {
    let recv = unix_time(time).ok_or(FrameError::new(0, Kind::Time))?;
    if start >= line.len() {
        return Err(FrameError::new(line.len(), Kind::Truncated));
    }
    Ok(Line {
        kind: LineKind::Frame,
        recv: Some(recv),
        conn: b"",
        url: b"",
        body: Body::Raw(start),
    })
}

fn split_text(line: &[u8]) -> Result<Line<'_>, FrameError> {
    if line.first().is_some_and(u8::is_ascii_digit) {
        let colon = memchr(b':', line).ok_or(FrameError::new(line.len(), Kind::Truncated))?;
        let blank = usize::from(line.get(colon + 1) == Some(&b' '));
        return frame_at(line, &line[..colon], colon + 1 + blank);
    }
    // `<url> <-> <time>` opens a connection, `<url> <- <time>: <frame>` is a frame that was sent
    let note = |kind, url| Line {
        kind,
        recv: None,
        conn: b"",
        url,
        body: Body::Raw(line.len()),
    };
    if let Some(at) = memmem::find(line, b" <-> ") {
        Ok(note(LineKind::Connect, &line[..at]))
    } else if memmem::find(line, b" <- ").is_some() || memmem::find(line, b" -> ").is_some() {
        Ok(note(LineKind::Note, b""))
    } else {
        Err(FrameError::new(0, Kind::Syntax))
    }
}

fn split_jsonl<'a>(line: &'a [u8], buffer: &mut Vec<u8>) -> Result<Line<'a>, FrameError> {
    let mut scan = Scan::new(line)?;
    let (mut first, mut kind, mut data) = (true, None, None);
    let mut out = Line {
        kind: LineKind::Note,
        recv: None,
        conn: b"",
        url: b"",
        body: Body::Raw(line.len()),
    };
    scan.expect(b'{')?;
    while let Some(key) = scan.next_key(&mut first)? {
        match key {
            b"t" => kind = Some(scan.text()?),
            b"conn" => out.conn = scan.text()?,
            b"ts" => {
                let start = scan.at;
                let time = unix_time(scan.number_text()?);
                out.recv = Some(time.ok_or(FrameError::new(start, Kind::Time))?);
            }
            b"url" | b"addr" => {
                let (start, end) = scan.raw_string()?;
                out.url = &line[start..end];
            }
            // REST answers and frames are strings; a decoder has no use for anything else
            b"data" if scan.peek_token() == Some(b'"') => data = Some(scan.raw_string()?),
            _ => scan.skip_value()?,
        }
    }
    scan.end()?;
    out.kind = match kind {
        Some(b"recv") => LineKind::Frame,
        Some(b"http") => LineKind::Rest,
        Some(b"connect") => LineKind::Connect,
        Some(_) => LineKind::Note,
        None => return scan.fail(Kind::MissingField),
    };
    if matches!(out.kind, LineKind::Frame | LineKind::Rest) {
        let Some((start, end)) = data else {
            return scan.fail(Kind::MissingField);
        };
        unescape(line, start, end, buffer)?;
        out.body = Body::Unescaped(start);
    }
    Ok(out)
}

/// Copies the JSON string text `line[start..end]` without its escapes.
fn unescape(line: &[u8], start: usize, end: usize, buffer: &mut Vec<u8>) -> Result<(), FrameError> {
    buffer.clear();
    let mut at = start;
    while at < end {
        let rest = &line[at..end];
        let Some(run) = memchr(b'\\', rest) else {
            buffer.extend_from_slice(rest);
            break;
        };
        buffer.extend_from_slice(&rest[..run]);
        at += run;
        at += push_escape(line, at, end, buffer)?;
    }
    Ok(())
}

/// Appends what the escape at `at` stands for and returns its length.
fn push_escape(
    line: &[u8],
    at: usize,
    end: usize,
    buffer: &mut Vec<u8>,
) -> Result<usize, FrameError> {
    let bad = FrameError::new(at, Kind::Escape);
    let plain = match line[..end].get(at + 1).ok_or(bad)? {
        escaped @ (b'"' | b'\\' | b'/') => *escaped,
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'u' => {
            let (character, length) = unicode_escape(line, at, end).ok_or(bad)?;
            buffer.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(length);
        }
        _ => return Err(bad),
    };
    buffer.push(plain);
    Ok(2)
}

/// `\uXXXX`, or a surrogate pair of two of them.
fn unicode_escape(line: &[u8], at: usize, end: usize) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let text = line[..end].get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
    };
    let units = [unit(at)?, unit(at + 6).unwrap_or(0)];
    let character = char::decode_utf16(units).next()?.ok()?;
    Some((character, if character.len_utf16() == 2 { 12 } else { 6 }))
}

/// Offset in the line of the byte that became byte `offset` of the unescaped frame.
fn escaped_offset(line: &[u8], start: usize, offset: usize) -> usize {
    let (mut at, mut produced, mut scratch) = (start, 0, Vec::new());
    while produced < offset && at < line.len() {
        if line[at] == b'\\' {
            scratch.clear();
            match push_escape(line, at, line.len(), &mut scratch) {
                Ok(length) => at += length,
                Err(_) => break,
            }
            produced += scratch.len();
        } else {
            at += 1;
            produced += 1;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_in_a_string_is_unescaped_and_its_offsets_map_back() {
        let line = br#"{"t":"recv","conn":"c.1","ts":1.5,"data":"{\"a\":\"\u00e9\ud83d\ude00\"}"}"#;
        let mut buffer = Vec::new();
        let got = split(Envelope::Jsonl, line, &mut buffer).unwrap();
        assert_eq!(buffer, "{\"a\":\"\u{e9}\u{1f600}\"}".as_bytes());
        assert_eq!((got.kind, got.conn), (LineKind::Frame, &b"c.1"[..]));
        assert_eq!(got.recv, Some(TsNs::new(1_500_000_000)));
        let located = got.body.locate(line, FrameError::new(1, Kind::Syntax));
        assert_eq!(&line[located.offset..located.offset + 2], b"\\\"");
        let located = got
            .body
            .locate(line, FrameError::new(buffer.len(), Kind::Truncated));
        assert_eq!(&line[located.offset..], b"\"}");
    }

    #[test]
    fn bad_escapes_and_lines_are_refused() {
        let mut buffer = Vec::new();
        for data in [r"\x", r"\u12", r"\ud83d", r"\ud83d\u0041"] {
            let line = format!(r#"{{"t":"recv","ts":1.5,"data":"{data}"}}"#);
            let got = split(Envelope::Jsonl, line.as_bytes(), &mut buffer).unwrap_err();
            assert_eq!((got.offset, got.kind), (29, Kind::Escape), "{data}");
        }
        for (envelope, line) in [
            (Envelope::Jsonl, r#"{"t":"recv","ts":1.5}"#),
            (Envelope::Jsonl, r#"{"ts":1.5}"#),
            (Envelope::Jsonl, r#"{"t":"recv","ts":"x""#),
            (Envelope::Text, "1.5"),
            (Envelope::Text, "garbage"),
            (Envelope::Text, "12a.5: {}"),
            (Envelope::Local, "123"),
            (Envelope::Local, "123 "),
            (Envelope::Local, "x {}"),
        ] {
            assert!(
                split(envelope, line.as_bytes(), &mut buffer).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn old_text_lines_are_told_apart() {
        let mut buffer = Vec::new();
        let mut kind =
            |line: &'static str| split(Envelope::Text, line.as_bytes(), &mut buffer).unwrap();
        let connect = kind("wss://stream.bybit.com/v5/public/linear <-> 1749833471.84");
        assert_eq!(connect.kind, LineKind::Connect);
        assert_eq!(connect.url, b"wss://stream.bybit.com/v5/public/linear");
        assert_eq!(kind("wss://x <- 17.5: {}").kind, LineKind::Note);
        assert_eq!(kind("1749833474.28: {}").body, Body::Raw(15));
    }
}
