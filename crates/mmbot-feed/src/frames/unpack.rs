//! Columns -> frames.
//!
//! ```text
//! frames | times | tags | pieces | texts | styles | columns | length of each column | columns
//! ```
//!
//! All numbers are varints; times, tags, pieces, texts and styles are sections: a length, then so
//! many bytes. `pieces` tells which piece of text comes ([`super::pack::AS_GUESSED`] and others),
//! `texts` new pieces, `styles` numbers that are written in another way than their column's, each
//! with how many numbers were not since the one before.

use super::Frames;
use super::number::{self, MAX_DIGITS};
use super::pack::{AS_GUESSED, FIRST_NUMBER, Follows, UNNUMBERED};
use super::pieces::MAX_PIECES;
use super::state::{Column, Recent, Style, power};
use super::varint::{Reader, unzigzag};
use thiserror::Error;

/// What is wrong with a packed block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnpackError {
    /// A section ends inside a value.
    #[error("packed frames end early")]
    Truncated,
    /// A number that no packer writes.
    #[error("a number of packed frames is out of range")]
    Number,
    /// More bytes than the block says it has.
    #[error("packed frames have more bytes than stated")]
    TooLong,
    /// Bytes that belong to nothing.
    #[error("bytes behind packed frames")]
    Trailing,
}

/// Gives back what [`super::pack`] was given; no more than `bytes_max` bytes of frames.
///
/// # Errors
/// [`UnpackError`] for a block that no packer writes.
pub fn unpack(packed: &[u8], bytes_max: usize) -> Result<Frames, UnpackError> {
    let mut head = Reader(packed);
    let count = head.size()?;
    // a frame takes a byte of times at least
    if count > packed.len() {
        return Err(UnpackError::Truncated);
    }
    let mut times = head.section()?;
    let mut tags = head.section()?;
    let mut unpacker = Unpacker::new(&mut head, bytes_max)?;
    let mut found = Frames::default();
    let mut last = 0_i64;
    for _ in 0..count {
        last = last.wrapping_add(unzigzag(times.number()?));
        found.times.push(last);
        let tag = u32::try_from(tags.number()?).map_err(|_| UnpackError::Number)?;
        found.tags.push(tag);
        let begin = unpacker.out.len();
        unpacker.frame()?;
        let len = u32::try_from(unpacker.out.len() - begin).map_err(|_| UnpackError::TooLong)?;
        found.lens.push(len);
    }
    if !(times.is_empty() && tags.is_empty() && unpacker.is_empty()) {
        return Err(UnpackError::Trailing);
    }
    found.bytes = unpacker.out;
    Ok(found)
}

struct Unpacker<'a> {
    ids: Reader<'a>,
    texts: Reader<'a>,
    styles: Reader<'a>,
    values: Vec<Reader<'a>>,
    known: Vec<(&'a [u8], bool)>,
    columns: Vec<Column>,
    follows: Follows,
    until_style: Option<u64>,
    bytes_max: usize,
    out: Vec<u8>,
}

impl<'a> Unpacker<'a> {
    fn new(head: &mut Reader<'a>, bytes_max: usize) -> Result<Self, UnpackError> {
        let (ids, texts, mut styles) = (head.section()?, head.section()?, head.section()?);
        let count = head.size()?;
        if count == 0 || count > MAX_PIECES + 1 {
            return Err(UnpackError::Number);
        }
        let lens = (0..count)
            .map(|_| head.size())
            .collect::<Result<Vec<_>, _>>()?;
        let values = lens
            .into_iter()
            .map(|len| head.take(len).map(Reader))
            .collect::<Result<Vec<_>, _>>()?;
        if !head.is_empty() {
            return Err(UnpackError::Trailing);
        }
        Ok(Self {
            until_style: until_next(&mut styles)?,
            ids,
            texts,
            styles,
            values,
            known: Vec::new(),
            columns: vec![Column::default(); count],
            follows: Follows::new(),
            bytes_max,
            out: Vec::new(),
        })
    }

    fn is_empty(&self) -> bool {
        let sections = [&self.ids, &self.texts, &self.styles];
        sections
            .into_iter()
            .chain(&self.values)
            .all(Reader::is_empty)
            && self.until_style.is_none()
    }

    fn frame(&mut self) -> Result<(), UnpackError> {
        let mut recent = Recent::default();
        loop {
            let (column, is_last) = self.piece()?;
            if is_last {
                return Ok(());
            }
            self.number(column, &mut recent)?;
        }
    }

    /// Writes a piece; its column, and whether the frame ends with it.
    fn piece(&mut self) -> Result<(usize, bool), UnpackError> {
        let column = match self.ids.number()? {
            AS_GUESSED => match self.follows.guess() {
                0 => return Err(UnpackError::Number),
                column => column,
            },
            UNNUMBERED => 0,
            id => usize::try_from(id - FIRST_NUMBER).map_err(|_| UnpackError::Number)? + 1,
        };
        let (text, is_last) = if column == 0 || column == self.known.len() + 1 {
            let told = self.texts.number()?;
            let len = usize::try_from(told >> 1).map_err(|_| UnpackError::Number)?;
            let piece = (self.texts.take(len)?, told & 1 == 1);
            if column > 0 {
                self.known.push(piece);
            }
            piece
        } else {
            *self.known.get(column - 1).ok_or(UnpackError::Number)?
        };
        if column >= self.columns.len() {
            return Err(UnpackError::Number);
        }
        self.follows.came(column);
        if self.out.len() + text.len() > self.bytes_max {
            return Err(UnpackError::TooLong);
        }
        self.out.extend_from_slice(text);
        Ok((column, is_last))
    }

    fn number(&mut self, at: usize, recent: &mut Recent) -> Result<(), UnpackError> {
        let mut once = None;
        if self.until_style == Some(0) {
            once = restyle(&mut self.columns[at], &mut self.styles)?;
            self.until_style = until_next(&mut self.styles)?;
        }
        if let Some(left) = &mut self.until_style {
            // the number that was just restyled counts for the distance to the next one
            *left = left.checked_sub(1).ok_or(UnpackError::Number)?;
        }
        let column = &mut self.columns[at];
        let miss = unzigzag(self.values[at].number()?);
        let value = column.guess(*recent).wrapping_add(miss);
        if !(0..power(MAX_DIGITS as u8)).contains(&value) {
            return Err(UnpackError::Number);
        }
        column.learn(value, *recent);
        recent.push(value);
        let (digits, decimals, zeros) = match (once, column.style) {
            (Some((decimals, zeros)), _) => (value, decimals, zeros),
            (None, Style::Fixed(decimals)) => (value, decimals, 0),
            (None, Style::Trimmed(scale)) => {
                let (digits, decimals) = trimmed(value, scale);
                (digits, decimals, 0)
            }
        };
        if self.out.len() + MAX_DIGITS + 2 + usize::from(zeros) > self.bytes_max + MAX_DIGITS + 2 {
            return Err(UnpackError::TooLong);
        }
        number::write(&mut self.out, digits, decimals, zeros);
        if self.out.len() > self.bytes_max {
            return Err(UnpackError::TooLong);
        }
        Ok(())
    }
}

/// How many numbers come before the next one that is written in another way.
fn until_next(styles: &mut Reader<'_>) -> Result<Option<u64>, UnpackError> {
    if styles.is_empty() {
        return Ok(None);
    }
    styles.number().map(Some)
}

/// Reads how a number is written; decimals and zeros if only this one is.
fn restyle(
    column: &mut Column,
    styles: &mut Reader<'_>,
) -> Result<Option<(Option<u8>, u8)>, UnpackError> {
    let (head, told) = (styles.number()?, styles.number()?);
    let zeros = u8::try_from(head >> 1).map_err(|_| UnpackError::Number)?;
    let decimals = match told >> 1 {
        0 => None,
        count => Some(u8::try_from(count - 1).map_err(|_| UnpackError::Number)?),
    };
    let scale = decimals.unwrap_or(0);
    if usize::from(scale) >= MAX_DIGITS || usize::from(zeros) > MAX_DIGITS {
        return Err(UnpackError::Number);
    }
    if head & 1 == 1 {
        return Ok(Some((decimals, zeros)));
    }
    column.restyle(if told & 1 == 1 {
        Style::Trimmed(scale.max(column.style.scale()))
    } else {
        Style::Fixed(decimals)
    });
    Ok(None)
}

/// A number without the zeros at its end.
fn trimmed(mut digits: i64, mut scale: u8) -> (i64, Option<u8>) {
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    (digits, (scale > 0).then_some(scale))
}
