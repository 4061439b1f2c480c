//! DELTA_BINARY_PACKED: differences of neighbours, less the smallest of their block, packed.
//!
//! ```text
//! page    values a block, miniblocks a block, number of values, first value, blocks
//! block   smallest difference, a width per miniblock, miniblocks
//! ```

use crate::PageError;
use crate::bits::{GROUP, unpack};
use crate::thrift::{varint, zigzag};

/// Values a block at most: writers put 128 there.
const BLOCK_MAX: u64 = 1 << 16;

/// A cursor over such values; the bytes are handed to each call.
#[derive(Debug, Clone)]
pub(crate) struct Delta {
    at: usize,
    /// Values a miniblock and miniblocks a block.
    mini_values: usize,
    minis: usize,
    /// Values of the page that are not handed out yet.
    left: usize,
    value: i64,
    is_first: bool,
    smallest: i64,
    /// Where the widths of the block stand, and which miniblock comes next.
    widths_at: usize,
    mini: usize,
    width: u32,
    /// Differences of the miniblock that are not unpacked yet.
    mini_left: usize,
    /// Values of a group that was begun; the first `held` places are taken.
    group: [i64; GROUP],
    held: usize,
}

impl Delta {
    /// Values from `at` on.
    pub(crate) fn new(bytes: &[u8], at: usize) -> Result<Self, PageError> {
        let mut at = at;
        let mut next = || -> Result<u64, PageError> {
            let (value, used) = varint(bytes.get(at..).unwrap_or(&[]))?;
            at += used;
            Ok(value)
        };
        let (block, minis, count) = (next()?, next()?, next()?);
        let first = zigzag(next()?);
        let whole = |value: u64| usize::try_from(value).map_err(|_| PageError::Packing("count"));
        if block == 0 || block > BLOCK_MAX || minis == 0 || block % minis != 0 {
            return Err(PageError::Packing("block"));
        }
        let mini_values = whole(block / minis)?;
        if mini_values % 32 != 0 {
            return Err(PageError::Packing("block"));
        }
        let minis = whole(minis)?;
        Ok(Self {
            at,
            mini_values,
            minis,
            left: whole(count)?,
            value: first,
            is_first: true,
            smallest: 0,
            widths_at: 0,
            mini: minis,
            width: 0,
            mini_left: 0,
            group: [0; GROUP],
            held: GROUP,
        })
    }

    /// Hands the next `n` values to `sink`, some at a time.
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        mut n: usize,
        mut sink: impl FnMut(&[i64]) -> Result<(), PageError>,
    ) -> Result<(), PageError> {
        self.left = self.left.checked_sub(n).ok_or(PageError::Short)?;
        if self.is_first && n > 0 {
            self.is_first = false;
            sink(&[self.value])?;
            n -= 1;
        }
        while n > 0 {
            if self.held < GROUP {
                let taken = n.min(GROUP - self.held);
                sink(&self.group[self.held..self.held + taken])?;
                self.held += taken;
                n -= taken;
                continue;
            }
            if self.mini_left == 0 {
                self.begin_mini(bytes)?;
            }
            let groups = n.min(self.mini_left) / GROUP;
            self.unpacked(bytes, groups, &mut sink)?;
            n -= groups * GROUP;
            if n > 0 && self.mini_left > 0 {
                let mut group = [0; GROUP];
                self.unpacked(bytes, 1, |values| {
                    group.copy_from_slice(values);
                    Ok(())
                })?;
                (self.group, self.held) = (group, 0);
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn unpacked(
        &mut self,
        bytes: &[u8],
        groups: usize,
        mut sink: impl FnMut(&[i64]) -> Result<(), PageError>,
    ) -> Result<(), PageError> {
        let (mut value, smallest) = (self.value, self.smallest);
        let packed = bytes.get(self.at..).unwrap_or(&[]);
        unpack(self.width, packed, groups, |numbers| {
            let mut values = [0; GROUP];
            for (to, number) in values.iter_mut().zip(numbers) {
                // wrapping: a writer's differences overflow, and so does their sum, back again
                value = value.wrapping_add(smallest).wrapping_add(number as i64);
                *to = value;
            }
            sink(&values)
        })?;
        self.value = value;
        self.at += groups * self.width as usize;
        self.mini_left -= groups * GROUP;
        Ok(())
    }

    fn begin_mini(&mut self, bytes: &[u8]) -> Result<(), PageError> {
        if self.mini == self.minis {
            let (smallest, used) = varint(bytes.get(self.at..).unwrap_or(&[]))?;
            self.smallest = zigzag(smallest);
            self.widths_at = self.at + used;
            self.at = self.widths_at + self.minis;
            self.mini = 0;
        }
        let width = bytes.get(self.widths_at + self.mini);
        self.width = u32::from(*width.ok_or(PageError::Truncated)?);
        self.mini += 1;
        self.mini_left = self.mini_values;
        Ok(())
    }
}
