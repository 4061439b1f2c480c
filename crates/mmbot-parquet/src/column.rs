//! The values of one column chunk, taken in pieces of any length.

use crate::delta::Delta;
use crate::hybrid::Hybrid;
use crate::{Encoding, PageError, PageHeader, PageKind};
use std::collections::VecDeque;

/// A type that integer columns are read into.
pub trait Value: Copy + Default {
    /// Bytes of a value that stands as it is.
    const BYTES: usize;

    /// Appends the values that stand in `bytes`, [`Self::BYTES`] each.
    ///
    /// # Errors
    /// A value that the type cannot hold.
    fn extend_plain(out: &mut Vec<Self>, bytes: &[u8]) -> Result<(), PageError>;

    /// Appends decoded numbers.
    ///
    /// # Errors
    /// A value that the type cannot hold.
    fn extend(out: &mut Vec<Self>, numbers: &[i64]) -> Result<(), PageError>;
}

impl Value for i64 {
    const BYTES: usize = 8;

    fn extend_plain(out: &mut Vec<Self>, bytes: &[u8]) -> Result<(), PageError> {
        out.extend(bytes.chunks_exact(8).map(|stored| {
            let mut word = [0; 8];
            word.copy_from_slice(stored);
            i64::from_le_bytes(word)
        }));
        Ok(())
    }

    fn extend(out: &mut Vec<Self>, numbers: &[i64]) -> Result<(), PageError> {
        out.extend_from_slice(numbers);
        Ok(())
    }
}

/// Bytes are stored as 32-bit integers.
impl Value for u8 {
    const BYTES: usize = 4;

    fn extend_plain(out: &mut Vec<Self>, bytes: &[u8]) -> Result<(), PageError> {
        for stored in bytes.chunks_exact(4) {
            let mut word = [0; 4];
            word.copy_from_slice(stored);
            Self::extend(out, &[i64::from(i32::from_le_bytes(word))])?;
        }
        Ok(())
    }

    fn extend(out: &mut Vec<Self>, numbers: &[i64]) -> Result<(), PageError> {
        for number in numbers {
            out.push(u8::try_from(*number).map_err(|_| PageError::Range(*number))?);
        }
        Ok(())
    }
}

/// Where reading a page has come to.
#[derive(Debug)]
enum Cursor {
    Plain(usize),
    Dictionary(Hybrid),
    Delta(Delta),
}

#[derive(Debug)]
struct Page<B> {
    bytes: B,
    cursor: Cursor,
    left: usize,
}

/// Values of a column; `B` owns the bytes of a page.
#[derive(Debug)]
pub struct Column<T, B> {
    is_optional: bool,
    dictionary: Option<Vec<T>>,
    pages: VecDeque<Page<B>>,
    waiting: usize,
}

impl<T: Value, B: AsRef<[u8]>> Column<T, B> {
    /// A column without pages; `is_optional` where the file's schema allows rows without a value.
    #[must_use]
    pub fn new(is_optional: bool) -> Self {
        Self {
            is_optional,
            dictionary: None,
            pages: VecDeque::new(),
            waiting: 0,
        }
    }

    /// Values that are there to be taken.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Ends the chunk: the next one may have a dictionary of its own.
    ///
    /// # Errors
    /// Values that still wait.
    pub fn end_chunk(&mut self) -> Result<(), PageError> {
        if self.waiting > 0 {
            return Err(PageError::Short);
        }
        self.dictionary = None;
        Ok(())
    }

    /// Adds a page: `levels` are those that stand before it uncompressed, `bytes` the rest,
    /// decompressed.
    ///
    /// # Errors
    /// A page that cannot be read or has rows without a value.
    pub fn push(&mut self, header: &PageHeader, levels: &[u8], bytes: B) -> Result<(), PageError> {
        if bytes.as_ref().len() != header.plain_bytes - header.levels_bytes {
            return Err(PageError::Truncated);
        }
        let mut at = 0;
        match header.kind {
            PageKind::Dictionary => return self.push_dictionary(header, bytes.as_ref()),
            PageKind::DataV2 if self.is_optional => all_defined(levels, header.values)?,
            PageKind::DataV1 if self.is_optional => {
                let (len, rest) = bytes
                    .as_ref()
                    .split_first_chunk::<4>()
                    .ok_or(PageError::Truncated)?;
                let len = u32::from_le_bytes(*len) as usize;
                all_defined(rest.get(..len).ok_or(PageError::Truncated)?, header.values)?;
                at = 4 + len;
            }
            PageKind::DataV1 | PageKind::DataV2 => {}
        }
        let cursor = self.cursor(header, bytes.as_ref(), at)?;
        self.waiting += header.values;
        self.pages.push_back(Page {
            bytes,
            cursor,
            left: header.values,
        });
        Ok(())
    }

    fn push_dictionary(&mut self, header: &PageHeader, bytes: &[u8]) -> Result<(), PageError> {
        if self.dictionary.is_some() || self.waiting > 0 {
            return Err(PageError::Dictionary);
        }
        let stored = header.values.checked_mul(T::BYTES);
        let stored = stored.and_then(|len| bytes.get(..len));
        let mut entries = Vec::with_capacity(header.values);
        T::extend_plain(&mut entries, stored.ok_or(PageError::Truncated)?)?;
        self.dictionary = Some(entries);
        Ok(())
    }

    fn cursor(&self, header: &PageHeader, bytes: &[u8], at: usize) -> Result<Cursor, PageError> {
        Ok(match header.encoding {
            Encoding::Plain => {
                let len = header.values.checked_mul(T::BYTES);
                if len.is_none_or(|len| bytes.len() - at < len) {
                    return Err(PageError::Truncated);
                }
                Cursor::Plain(at)
            }
            Encoding::Dictionary => {
                let width = bytes.get(at).ok_or(PageError::Truncated)?;
                Cursor::Dictionary(Hybrid::new(at + 1, u32::from(*width))?)
            }
            Encoding::Delta => Cursor::Delta(Delta::new(bytes, at)?),
        })
    }

    /// Appends the next `n` values to `out`.
    ///
    /// # Errors
    /// Fewer values than that, or a damaged page; the column is of no use then.
    pub fn take(&mut self, n: usize, out: &mut Vec<T>) -> Result<(), PageError> {
        if n > self.waiting {
            return Err(PageError::Short);
        }
        out.reserve(n);
        let mut wanted = n;
        while wanted > 0 {
            let page = self.pages.front_mut().ok_or(PageError::Short)?;
            let taken = wanted.min(page.left);
            page.read(self.dictionary.as_deref(), taken, out)?;
            page.left -= taken;
            wanted -= taken;
            if page.left == 0 {
                self.pages.pop_front();
            }
        }
        self.waiting -= n;
        Ok(())
    }
}

impl<B: AsRef<[u8]>> Page<B> {
    fn read<T: Value>(
        &mut self,
        dictionary: Option<&[T]>,
        n: usize,
        out: &mut Vec<T>,
    ) -> Result<(), PageError> {
        let bytes = self.bytes.as_ref();
        match &mut self.cursor {
            Cursor::Plain(at) => {
                let end = *at + n * T::BYTES;
                T::extend_plain(out, bytes.get(*at..end).ok_or(PageError::Truncated)?)?;
                *at = end;
                Ok(())
            }
            Cursor::Dictionary(numbers) => {
                numbers.read(bytes, dictionary.ok_or(PageError::Dictionary)?, n, out)
            }
            Cursor::Delta(values) => values.read(bytes, n, |numbers| T::extend(out, numbers)),
        }
    }
}

/// Checks that every row of a page has a value: definition levels of one bit, all set.
fn all_defined(levels: &[u8], rows: usize) -> Result<(), PageError> {
    const STEP: usize = 4_096;
    let mut numbers = Hybrid::new(0, 1)?;
    let mut found = Vec::with_capacity(STEP);
    let mut left = rows;
    while left > 0 {
        let step = left.min(STEP);
        found.clear();
        numbers.read(levels, &[false, true], step, &mut found)?;
        if !found.iter().all(|is_defined| *is_defined) {
            return Err(PageError::Null);
        }
        left -= step;
    }
    Ok(())
}
