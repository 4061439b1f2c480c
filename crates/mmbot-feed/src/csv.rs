//! Comma separated dumps: the header names the columns, fields are unquoted.

use crate::error::{FrameError, FrameErrorKind as Kind};
use crate::grid::Step;
use crate::time::unix_time;
use mmbot_types::{PriceTick, QtyLot, TsNs};

/// Most columns of a line; published dumps have up to 12.
const MAX_FIELDS: usize = 24;

/// Starts of the fields of one line.
#[derive(Debug)]
pub(crate) struct CsvLine<'a> {
    line: &'a [u8],
    starts: [usize; MAX_FIELDS],
    count: usize,
}

impl<'a> CsvLine<'a> {
    pub fn split(line: &'a [u8]) -> Result<Self, FrameError> {
        let mut starts = [0; MAX_FIELDS];
        let mut count = 1;
        for comma in memchr::memchr_iter(b',', line) {
            if count == MAX_FIELDS {
                return Err(FrameError::new(comma, Kind::Column));
            }
            starts[count] = comma + 1;
            count += 1;
        }
        Ok(Self {
            line,
            starts,
            count,
        })
    }

    /// Offset of field `i` (of the end of the line if there is no such field).
    pub fn start(&self, i: usize) -> usize {
        if i < self.count {
            self.starts[i]
        } else {
            self.line.len()
        }
    }

    /// Text of field `i`.
    pub fn text(&self, i: usize) -> Result<&'a [u8], FrameError> {
        if i >= self.count {
            return Err(FrameError::new(self.line.len(), Kind::Column));
        }
        let end = if i + 1 < self.count {
            self.starts[i + 1] - 1
        } else {
            self.line.len()
        };
        Ok(&self.line[self.starts[i]..end])
    }

    /// A time in any unit.
    pub fn time(&self, i: usize) -> Result<TsNs, FrameError> {
        unix_time(self.text(i)?).ok_or(FrameError::new(self.start(i), Kind::Time))
    }

    /// A size in lots, zero allowed; dust is rounded and counted.
    pub fn size(&self, i: usize, lot: &Step, rounded: &mut u64) -> Result<QtyLot, FrameError> {
        let (text, start) = (self.text(i)?, self.start(i));
        let (lots, end, dust) = lot.read_size(text, 0).map_err(|e| later(e, start))?;
        self.ends(text, start, end)?;
        *rounded += u64::from(dust);
        Ok(QtyLot::new(lots))
    }

    /// A traded size in lots, above zero.
    pub fn traded(&self, i: usize, lot: &Step, rounded: &mut u64) -> Result<QtyLot, FrameError> {
        let lots = self.size(i, lot, rounded)?;
        if lots.is_zero() {
            return Err(FrameError::new(self.start(i), Kind::Zero));
        }
        Ok(lots)
    }

    /// A price in ticks, above zero.
    pub fn price(&self, i: usize, tick: &Step) -> Result<PriceTick, FrameError> {
        let (text, start) = (self.text(i)?, self.start(i));
        let (ticks, end) = tick.read(text, 0).map_err(|e| later(e, start))?;
        self.ends(text, start, end)?;
        if ticks == 0 {
            return Err(FrameError::new(start, Kind::Zero));
        }
        Ok(PriceTick::new(ticks))
    }

    fn ends(&self, text: &[u8], start: usize, end: usize) -> Result<(), FrameError> {
        if end == text.len() {
            Ok(())
        } else {
            Err(FrameError::new(start + end, Kind::Number))
        }
    }
}

fn later(error: FrameError, start: usize) -> FrameError {
    FrameError::new(start + error.offset, error.kind)
}

/// Positions of `names` in a header line.
///
/// # Errors
/// [`Kind::Column`] if one is missing.
pub(crate) fn columns<const N: usize>(
    header: &[u8],
    names: &[&str; N],
) -> Result<[usize; N], FrameError> {
    let line = CsvLine::split(header)?;
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        let found = (0..line.count).find(|i| line.text(*i).is_ok_and(|t| t == name.as_bytes()));
        *place = found.ok_or(FrameError::new(header.len(), Kind::Column))?;
    }
    Ok(places)
}
