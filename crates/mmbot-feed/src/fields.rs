//! Places of the known fields of a flat JSON object, for venues whose field names are overloaded: a
//! first pass keeps where each value starts, a second reads those that the frame's kind needs.

use crate::error::{FrameError, FrameErrorKind as Kind};
use crate::scan::Scan;

/// Starts of the values of `N` known keys.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a, const N: usize> {
    scan: Scan<'a>,
    keys: &'static [&'static [u8]; N],
    starts: [Option<usize>; N],
}

impl<'a, const N: usize> Fields<'a, N> {
    /// Walks the object at `scan` to its end.
    pub fn read(
        scan: &mut Scan<'a>,
        keys: &'static [&'static [u8]; N],
    ) -> Result<Self, FrameError> {
        let mut starts = [None; N];
        let mut first = true;
        scan.expect(b'{')?;
        while let Some(key) = scan.next_key(&mut first)? {
            if let Some(i) = keys.iter().position(|known| *known == key) {
                if starts[i].is_some() {
                    return scan.fail(Kind::DuplicateField);
                }
                let _ = scan.peek_token();
                starts[i] = Some(scan.at);
            }
            scan.skip_value()?;
        }
        Ok(Self {
            scan: scan.clone(),
            keys,
            starts,
        })
    }

    /// True if the object has the field.
    pub fn has(&self, key: &[u8]) -> bool {
        self.start(key).is_some()
    }

    /// Cursor at the value of a field.
    pub fn at(&self, key: &[u8]) -> Option<Scan<'a>> {
        self.start(key).map(|start| self.scan.from(start))
    }

    /// Cursor at the value of a field that must be there.
    pub fn must(&self, key: &[u8]) -> Result<Scan<'a>, FrameError> {
        match self.at(key) {
            Some(scan) => Ok(scan),
            None => self.scan.fail(Kind::MissingField),
        }
    }

    /// Whole number of a field, if it is there.
    pub fn int(&self, key: &[u8]) -> Result<Option<i64>, FrameError> {
        self.at(key).map(|mut scan| scan.int()).transpose()
    }

    fn start(&self, key: &[u8]) -> Option<usize> {
        let i = self.keys.iter().position(|known| *known == key)?;
        self.starts[i]
    }
}
