//! Runs of equal numbers and packed numbers, mixed: entries of a dictionary, definition levels.

use crate::PageError;
use crate::bits::{GROUP, unpack};
use crate::thrift::varint;

#[derive(Debug, Clone, Copy)]
enum Run {
    Repeated(u64),
    Packed,
}

/// A cursor over such numbers; the bytes are handed to each call.
#[derive(Debug, Clone)]
pub(crate) struct Hybrid {
    at: usize,
    width: u32,
    run: Run,
    /// Numbers of the run that are not read yet, without those held.
    left: usize,
    /// Numbers of a group that was begun; the first `held` places are taken.
    group: [u64; GROUP],
    held: usize,
}

impl Hybrid {
    /// Numbers of `width` bits from `at` on.
    pub(crate) fn new(at: usize, width: u32) -> Result<Self, PageError> {
        if width > 32 {
            return Err(PageError::Packing("width"));
        }
        Ok(Self {
            at,
            width,
            run: Run::Packed,
            left: 0,
            group: [0; GROUP],
            held: GROUP,
        })
    }

    /// Appends the entries of the next `n` numbers.
    pub(crate) fn read<T: Copy + Default>(
        &mut self,
        bytes: &[u8],
        entries: &[T],
        mut n: usize,
        out: &mut Vec<T>,
    ) -> Result<(), PageError> {
        let entry = |number: u64| {
            let at = usize::try_from(number).unwrap_or(usize::MAX);
            let found = entries.get(at).copied();
            found.ok_or(PageError::Entry(number, entries.len()))
        };
        while n > 0 {
            while self.held < GROUP && n > 0 {
                out.push(entry(self.group[self.held])?);
                self.held += 1;
                n -= 1;
            }
            if n == 0 {
                break;
            }
            if self.left == 0 {
                self.begin_run(bytes)?;
            }
            match self.run {
                Run::Repeated(number) => {
                    let taken = n.min(self.left);
                    out.resize(out.len() + taken, entry(number)?);
                    self.left -= taken;
                    n -= taken;
                }
                Run::Packed => {
                    let groups = n.min(self.left) / GROUP;
                    self.packed(bytes, groups, |numbers| {
                        let mut values = [T::default(); GROUP];
                        for (value, number) in values.iter_mut().zip(numbers) {
                            *value = entry(number)?;
                        }
                        out.extend_from_slice(&values);
                        Ok(())
                    })?;
                    n -= groups * GROUP;
                    if n > 0 && self.left > 0 {
                        let mut group = [0; GROUP];
                        self.packed(bytes, 1, |numbers| {
                            group = numbers;
                            Ok(())
                        })?;
                        (self.group, self.held) = (group, 0);
                    }
                }
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn packed(
        &mut self,
        bytes: &[u8],
        groups: usize,
        sink: impl FnMut([u64; GROUP]) -> Result<(), PageError>,
    ) -> Result<(), PageError> {
        unpack(
            self.width,
            bytes.get(self.at..).unwrap_or(&[]),
            groups,
            sink,
        )?;
        self.at += groups * self.width as usize;
        self.left -= groups * GROUP;
        Ok(())
    }

    fn begin_run(&mut self, bytes: &[u8]) -> Result<(), PageError> {
        let rest = bytes.get(self.at..).unwrap_or(&[]);
        let (head, used) = varint(rest)?;
        self.at += used;
        let count = usize::try_from(head >> 1).map_err(|_| PageError::Packing("run"))?;
        if count == 0 {
            return Err(PageError::Packing("run"));
        }
        if head & 1 == 1 {
            self.run = Run::Packed;
            self.left = count.checked_mul(GROUP).ok_or(PageError::Packing("run"))?;
            return Ok(());
        }
        let len = self.width.div_ceil(8) as usize;
        let stored = rest.get(used..used + len).ok_or(PageError::Truncated)?;
        let mut word = [0; 8];
        word[..len].copy_from_slice(stored);
        self.at += len;
        self.run = Run::Repeated(u64::from_le_bytes(word));
        self.left = count;
        Ok(())
    }
}
