//! Numbers of a few bits each, packed without gaps, low bits first.
//!
//! Eight numbers of any width begin and end with a byte. A loop over such groups is compiled for
//! each width that occurs in practice, so that places and shifts are constants.

use crate::PageError;

/// Numbers that begin and end with a byte whatever their width.
pub(crate) const GROUP: usize = 8;
/// A group of the widest numbers, and what a read of the last one looks at beyond.
const WINDOW: usize = 64 + 16;

/// Hands `groups` groups of numbers of `width` bits at the beginning of `bytes` to `sink`.
///
/// # Errors
/// Fewer bytes than that, a width above 64, and what `sink` returns.
#[inline(always)]
pub(crate) fn unpack(
    width: u32,
    bytes: &[u8],
    groups: usize,
    mut sink: impl FnMut([u64; GROUP]) -> Result<(), PageError>,
) -> Result<(), PageError> {
    let taken = groups.checked_mul(width as usize);
    let bytes = taken
        .and_then(|taken| bytes.get(..taken.saturating_add(WINDOW).min(bytes.len())))
        .filter(|bytes| taken.is_some_and(|taken| taken <= bytes.len()))
        .ok_or(PageError::Truncated)?;
    macro_rules! dispatch {
        ($($compiled:literal)*) => {
            match width {
                $($compiled => each::<$compiled>(bytes, groups, &mut sink),)*
                0 => (0..groups).try_for_each(|_| sink([0; GROUP])),
                33..=64 => wide(width as usize, bytes, groups, &mut sink),
                _ => Err(PageError::Packing("width")),
            }
        };
    }
    dispatch!(
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
        17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
    )
}

#[inline(always)]
fn each<const WIDTH: usize>(
    bytes: &[u8],
    groups: usize,
    sink: &mut impl FnMut([u64; GROUP]) -> Result<(), PageError>,
) -> Result<(), PageError> {
    for group in 0..groups {
        let at = &bytes[group * WIDTH..];
        let numbers = match at.first_chunk::<WINDOW>() {
            Some(window) => narrow_group::<WIDTH>(window),
            None => narrow_group::<WIDTH>(&padded(at)),
        };
        sink(numbers)?;
    }
    Ok(())
}

/// The group of numbers of at most 56 bits that `window` begins with.
#[inline(always)]
fn narrow_group<const WIDTH: usize>(window: &[u8; WINDOW]) -> [u64; GROUP] {
    let mut numbers = [0; GROUP];
    for (i, number) in numbers.iter_mut().enumerate() {
        let (at, shift) = (i * WIDTH / 8, i * WIDTH % 8);
        let mut word = [0; 8];
        word.copy_from_slice(&window[at..at + 8]);
        *number = u64::from_le_bytes(word) >> shift & ((1 << WIDTH) - 1);
    }
    numbers
}

/// Widths that only large differences have.
fn wide(
    width: usize,
    bytes: &[u8],
    groups: usize,
    sink: &mut impl FnMut([u64; GROUP]) -> Result<(), PageError>,
) -> Result<(), PageError> {
    let mask = u64::MAX >> (64 - width);
    for group in 0..groups {
        let window = padded(&bytes[group * width..]);
        let mut numbers = [0; GROUP];
        for (i, number) in numbers.iter_mut().enumerate() {
            let (at, shift) = (i * width / 8, i * width % 8);
            let mut word = [0; 16];
            word.copy_from_slice(&window[at..at + 16]);
            let bits = u128::from_le_bytes(word) >> shift;
            *number = u64::try_from(bits & u128::from(mask)).unwrap_or(mask);
        }
        sink(numbers)?;
    }
    Ok(())
}

/// The beginning of `bytes`, with zeros where they end.
#[inline]
fn padded(bytes: &[u8]) -> [u8; WINDOW] {
    let mut window = [0; WINDOW];
    let len = bytes.len().min(WINDOW);
    window[..len].copy_from_slice(&bytes[..len]);
    window
}
