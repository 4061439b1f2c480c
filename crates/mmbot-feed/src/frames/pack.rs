//! Frames -> columns.

use super::number::{self, MAX_DIGITS, Number};
use super::pieces::Pieces;
use super::state::{Column, Recent, Style, power};
use super::varint::{put, zigzag};
use thiserror::Error;

/// Why frames cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PackError {
    /// Lengths, times and tags are not as many, or lengths do not add up to the bytes.
    #[error("lengths, times and tags must fit the bytes")]
    Shape,
}

/// Packs frames; the layout is that of [`super::unpack`].
///
/// # Errors
/// [`PackError::Shape`].
pub fn pack(bytes: &[u8], lens: &[u32], times: &[i64], tags: &[u32]) -> Result<Vec<u8>, PackError> {
    let total = lens.iter().map(|&len| len as usize).sum::<usize>();
    if total != bytes.len() || times.len() != lens.len() || tags.len() != lens.len() {
        return Err(PackError::Shape);
    }
    let mut packer = Packer::new();
    let mut rest = bytes;
    for &len in lens {
        let (frame, behind) = rest.split_at(len as usize);
        rest = behind;
        packer.frame(frame);
    }
    Ok(packer.finish(times, tags))
}

/// How a piece is told: as guessed, anew without a number of its own, or by number from 2.
pub(super) const AS_GUESSED: u64 = 0;
pub(super) const UNNUMBERED: u64 = 1;
pub(super) const FIRST_NUMBER: u64 = 2;

struct Packer {
    pieces: Pieces,
    columns: Vec<Column>,
    follows: Follows,
    ids: Vec<u8>,
    texts: Vec<u8>,
    styles: Vec<u8>,
    values: Vec<Vec<u8>>,
    since_style: u64,
}

impl Packer {
    fn new() -> Self {
        Self {
            pieces: Pieces::new(),
            // column 0 is that of pieces without a number
            columns: vec![Column::default()],
            follows: Follows::new(),
            ids: Vec::new(),
            texts: Vec::new(),
            styles: Vec::new(),
            values: vec![Vec::new()],
            since_style: 0,
        }
    }

    fn frame(&mut self, frame: &[u8]) {
        let mut recent = Recent::default();
        let mut at = 0;
        while let Some((begin, end, number)) = number::find(frame, at) {
            let column = self.piece(&frame[at..begin], false);
            self.number(column, number, &mut recent);
            at = end;
        }
        self.piece(&frame[at..], true);
    }

    /// Tells a piece; returns its column.
    #[inline]
    fn piece(&mut self, text: &[u8], is_last: bool) -> usize {
        let guess = self.follows.guess();
        if guess > 0 && self.pieces.is(guess - 1, text, is_last) {
            put(&mut self.ids, AS_GUESSED);
            self.follows.came(guess);
            return guess;
        }
        let column = match self.pieces.number(text, is_last) {
            Some((number, is_new)) => {
                put(&mut self.ids, FIRST_NUMBER + number as u64);
                if is_new {
                    self.tell(text, is_last);
                    self.columns.push(Column::default());
                    self.values.push(Vec::new());
                }
                number + 1
            }
            None => {
                put(&mut self.ids, UNNUMBERED);
                self.tell(text, is_last);
                0
            }
        };
        self.follows.came(column);
        column
    }

    fn tell(&mut self, text: &[u8], is_last: bool) {
        put(
            &mut self.texts,
            (text.len() as u64) << 1 | u64::from(is_last),
        );
        self.texts.extend_from_slice(text);
    }

    #[inline]
    fn number(&mut self, at: usize, number: Number, recent: &mut Recent) {
        let column = &mut self.columns[at];
        let value = expected(column.style, &number).unwrap_or_else(|| {
            put(&mut self.styles, self.since_style);
            self.since_style = 0;
            restyle(column, &number, &mut self.styles)
        });
        self.since_style += 1;
        let miss = value.wrapping_sub(column.guess(*recent));
        put(&mut self.values[at], zigzag(miss));
        column.learn(value, *recent);
        recent.push(value);
    }

    fn finish(self, times: &[i64], tags: &[u32]) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, times.len() as u64);
        let mut column = Vec::new();
        let mut last = 0_i64;
        for &time in times {
            put(&mut column, zigzag(time.wrapping_sub(last)));
            last = time;
        }
        section(&mut out, &column);
        column.clear();
        for &tag in tags {
            put(&mut column, u64::from(tag));
        }
        section(&mut out, &column);
        for part in [&self.ids, &self.texts, &self.styles] {
            section(&mut out, part);
        }
        // the ends of all columns first, so that numbers stand beside numbers
        put(&mut out, self.values.len() as u64);
        for values in &self.values {
            put(&mut out, values.len() as u64);
        }
        for values in &self.values {
            out.extend_from_slice(values);
        }
        out
    }
}

fn section(out: &mut Vec<u8>, part: &[u8]) {
    put(out, part.len() as u64);
    out.extend_from_slice(part);
}

/// The number in the scale of a column, if it is written as the column's numbers are.
#[inline]
fn expected(style: Style, number: &Number) -> Option<i64> {
    if number.zeros > 0 {
        return None;
    }
    match style {
        Style::Fixed(decimals) => (decimals == number.decimals).then_some(number.digits),
        Style::Trimmed(scale) => {
            let decimals = number.decimals.unwrap_or(0);
            (decimals <= scale && !number.ends_in_zero)
                .then(|| scaled(number.digits, scale - decimals))
                .flatten()
        }
    }
}

/// `digits` with so many zeros behind, if that is no more than a number may have.
fn scaled(digits: i64, zeros: u8) -> Option<i64> {
    let limit = power(MAX_DIGITS as u8);
    digits
        .checked_mul(power(zeros))
        .filter(|&value| value < limit)
}

/// Tells how a number is written that is not written as its column's numbers are.
///
/// Layout: leading zeros * 2 + whether the column stays as it is; then decimals + 1 (0: no point)
/// * 2 + whether the column is trimmed from here on.
fn restyle(column: &mut Column, number: &Number, styles: &mut Vec<u8>) -> i64 {
    let once = number.zeros > 0;
    put(styles, u64::from(number.zeros) << 1 | u64::from(once));
    let told = number.decimals.map_or(0, |count| u64::from(count) + 1) << 1;
    if once {
        put(styles, told);
        return number.digits;
    }
    let decimals = number.decimals.unwrap_or(0);
    let scale = decimals.max(column.style.scale());
    // a column whose numbers have come with different ends leaves out zeros
    let value = (!number.ends_in_zero)
        .then(|| scaled(number.digits, scale - decimals))
        .flatten();
    match value {
        Some(value) if column.style != Style::Fixed(None) || number.decimals.is_none() => {
            put(styles, told | 1);
            column.restyle(Style::Trimmed(scale));
            value
        }
        _ => {
            put(styles, told);
            column.restyle(Style::Fixed(number.decimals));
            number.digits
        }
    }
}

/// Which piece came after which, last time: the likeliest one to come next.
#[derive(Debug)]
pub(super) struct Follows {
    next: Vec<Option<(usize, bool)>>,
    last: usize,
}

impl Follows {
    pub(super) fn new() -> Self {
        Self {
            next: vec![None],
            last: 0,
        }
    }

    /// The column that is guessed to come, 0: none.
    #[inline]
    pub(super) fn guess(&self) -> usize {
        self.next[self.last].map_or(0, |(column, _)| column)
    }

    /// Learns the column that came. What followed twice survives one exception.
    #[inline]
    pub(super) fn came(&mut self, column: usize) {
        if column >= self.next.len() {
            self.next.resize(column + 1, None);
        }
        let slot = &mut self.next[self.last];
        *slot = match *slot {
            Some((held, _)) if held == column => Some((held, true)),
            Some((held, true)) => Some((held, false)),
            _ => Some((column, false)),
        };
        self.last = column;
    }
}
