//! Page headers.

use crate::PageError;
use crate::thrift::{Reader, Wire};

/// Largest page that is taken: writers aim at a megabyte, some dictionaries are larger.
const PAGE_BYTES_MAX: i64 = 1 << 28;

/// What a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Entries that pages of the chunk refer to.
    Dictionary,
    /// Values; definition levels, if any, are compressed with them and state their length.
    DataV1,
    /// Values; levels stand before them, never compressed.
    DataV2,
}

/// How the values of a page are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One after the other, little endian.
    Plain,
    /// Entries of the chunk's dictionary.
    Dictionary,
    /// Packed differences.
    Delta,
}

/// What stands before each page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageHeader {
    /// What the page holds.
    pub kind: PageKind,
    /// Length of this header.
    pub header_bytes: usize,
    /// Length of the page in the file, levels included.
    pub stored_bytes: usize,
    /// Length of the page when it is decompressed, levels included.
    pub plain_bytes: usize,
    /// Length of the levels that are never compressed.
    pub levels_bytes: usize,
    /// Number of values, rows without one included.
    pub values: usize,
    /// How they are written.
    pub encoding: Encoding,
    /// False where the page is stored as it is although its column is compressed.
    pub is_compressed: bool,
}

/// Fields that a page header may or may not have.
#[derive(Default)]
struct Fields {
    kind: Option<i64>,
    plain_bytes: Option<i64>,
    stored_bytes: Option<i64>,
    values: Option<i64>,
    encoding: Option<i64>,
    levels_bytes: i64,
    stored_plain: bool,
}

impl PageHeader {
    /// Reads the header at the beginning of `bytes`.
    ///
    /// # Errors
    /// Bytes that end too early or are no header of a page of values.
    pub fn read(bytes: &[u8]) -> Result<Self, PageError> {
        let mut reader = Reader::new(bytes);
        let mut fields = Fields::default();
        let mut last = 0;
        while let Some((id, wire)) = reader.field(&mut last)? {
            match (id, wire) {
                (1, Wire::Int) => fields.kind = Some(reader.int()?),
                (2, Wire::Int) => fields.plain_bytes = Some(reader.int()?),
                (3, Wire::Int) => fields.stored_bytes = Some(reader.int()?),
                (5 | 7, Wire::Struct) => fields.read_inner(&mut reader, false)?,
                (8, Wire::Struct) => fields.read_inner(&mut reader, true)?,
                _ => reader.skip(wire)?,
            }
        }
        fields.header(reader.at())
    }
}

impl Fields {
    /// Headers of values and dictionaries begin alike; that of version 2 knows more.
    fn read_inner(&mut self, reader: &mut Reader<'_>, is_v2: bool) -> Result<(), PageError> {
        let mut last = 0;
        while let Some((id, wire)) = reader.field(&mut last)? {
            match (id, wire, is_v2) {
                (1, Wire::Int, _) => self.values = Some(reader.int()?),
                (2, Wire::Int, false) | (4, Wire::Int, true) => {
                    self.encoding = Some(reader.int()?);
                }
                (5 | 6, Wire::Int, true) => {
                    self.levels_bytes = self.levels_bytes.saturating_add(size(reader.int()?)?);
                }
                (7, Wire::False, true) => self.stored_plain = true,
                _ => reader.skip(wire)?,
            }
        }
        Ok(())
    }

    fn header(self, header_bytes: usize) -> Result<PageHeader, PageError> {
        let missing = || PageError::Header("a field is missing");
        let kind = match self.kind.ok_or_else(missing)? {
            0 => PageKind::DataV1,
            2 => PageKind::Dictionary,
            3 => PageKind::DataV2,
            other => return Err(PageError::Kind(other)),
        };
        let encoding = match (self.encoding.ok_or_else(missing)?, kind) {
            // a dictionary of old writers has the name of what refers to it
            (0, _) | (2, PageKind::Dictionary) => Encoding::Plain,
            (2 | 8, PageKind::DataV1 | PageKind::DataV2) => Encoding::Dictionary,
            (5, PageKind::DataV1 | PageKind::DataV2) => Encoding::Delta,
            (other, _) => return Err(PageError::Encoding(other)),
        };
        let field = |value: Option<i64>| -> Result<usize, PageError> {
            let value = size(value.ok_or_else(missing)?)?;
            usize::try_from(value).map_err(|_| PageError::Truncated)
        };
        let header = PageHeader {
            kind,
            header_bytes,
            stored_bytes: field(self.stored_bytes)?,
            plain_bytes: field(self.plain_bytes)?,
            levels_bytes: field(Some(self.levels_bytes))?,
            values: field(self.values)?,
            encoding,
            is_compressed: !self.stored_plain,
        };
        if header.levels_bytes > header.stored_bytes.min(header.plain_bytes) {
            return Err(PageError::Header("levels are longer than the page"));
        }
        Ok(header)
    }
}

fn size(value: i64) -> Result<i64, PageError> {
    if (0..=PAGE_BYTES_MAX).contains(&value) {
        Ok(value)
    } else {
        Err(PageError::Header("a size is out of range"))
    }
}
