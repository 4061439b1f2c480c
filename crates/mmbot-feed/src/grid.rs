//! Prices and sizes as whole steps of an instrument's grid, straight from their digits.
//!
//! The hot path reads digits into an integer scaled by the decimals of the step; a step that is not
//! a power of ten adds one division with a remainder check. Anything unusual (exponents, 18 digits
//! and more) takes the exact general path through [`Decimal`].

use crate::error::{FrameError, FrameErrorKind as Kind};
use mmbot_types::{Decimal, DecimalError};

/// Tick and lot of one instrument, prepared for decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Price step.
    pub tick: Step,
    /// Size step.
    pub lot: Step,
}

/// One grid step: `units * 10^-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    decimal: Decimal,
    units: u64,
    scale: u8,
}

/// Digits that a `u64` holds for certain.
const MAX_DIGITS: usize = 18;

const POW10: [u64; MAX_DIGITS + 1] = {
    let mut table = [1u64; MAX_DIGITS + 1];
    let mut i = 1;
    while i <= MAX_DIGITS {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

impl Grid {
    /// A grid of exact steps.
    ///
    /// # Errors
    /// [`DecimalError::OffGrid`] if a step is not positive.
    pub fn new(tick: Decimal, lot: Decimal) -> Result<Self, DecimalError> {
        Ok(Self {
            tick: Step::new(tick)?,
            lot: Step::new(lot)?,
        })
    }

    /// A grid of decimal texts such as `0.10` and `0.001`.
    ///
    /// # Errors
    /// [`DecimalError`] if a text is not a positive decimal number.
    pub fn parse(tick: &str, lot: &str) -> Result<Self, DecimalError> {
        Self::new(
            Decimal::parse(tick.as_bytes())?,
            Decimal::parse(lot.as_bytes())?,
        )
    }
}

impl Step {
    /// Prepares a step.
    ///
    /// # Errors
    /// [`DecimalError::OffGrid`] if it is not positive.
    pub fn new(decimal: Decimal) -> Result<Self, DecimalError> {
        if !decimal.is_positive() {
            return Err(DecimalError::OffGrid);
        }
        let text = decimal.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = format!("{whole}{fraction}");
        Ok(Self {
            decimal,
            units: digits.parse().map_err(|_| DecimalError::Overflow)?,
            scale: u8::try_from(fraction.len()).map_err(|_| DecimalError::Overflow)?,
        })
    }

    /// The exact step.
    #[must_use]
    pub const fn decimal(&self) -> Decimal {
        self.decimal
    }

    /// The f64 nearest to `steps` whole steps (the one that parsing the decimal text would give).
    #[inline]
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn to_f64(&self, steps: i64) -> f64 {
        // `units` and the power fit 2^53 for every real grid, so that the quotient is correctly
        // rounded
        (steps as f64) * (self.units as f64) / POW10[usize::from(self.scale)] as f64
    }

    /// Reads a decimal number that starts at `start`: whole steps, and the offset of the byte that
    /// ends it. That byte is the caller's to check.
    ///
    /// # Errors
    /// The offset of the first byte that is wrong: off the grid, negative, out of range, no number.
    #[inline(always)]
    pub fn read(&self, bytes: &[u8], start: usize) -> Result<(i64, usize), FrameError> {
        let scale = usize::from(self.scale);
        let (mut value, mut at) = (0u64, start);
        while let Some(digit) = digit_at(bytes, at) {
            value = value.wrapping_mul(10).wrapping_add(digit);
            at += 1;
        }
        let whole = at - start;
        let mut missing = scale;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            let fraction = at;
            while missing > 0 {
                let Some(digit) = digit_at(bytes, at) else {
                    break;
                };
                value = value.wrapping_mul(10).wrapping_add(digit);
                missing -= 1;
                at += 1;
            }
            if missing == 0 {
                at = skip_zeros(bytes, at);
            }
            if at == fraction {
                return self.read_general(bytes, start);
            }
        }
        // what ends a number of a frame: a quote, comma, bracket, newline or blank; all below '0'
        // or above '9', and none a letter, sign or digit
        let plain = whole > 0 && whole + scale <= MAX_DIGITS && !continues(bytes, at);
        if !plain {
            return self.read_general(bytes, start);
        }
        let scaled = value * POW10[missing];
        if self.units == 1 {
            return Ok((scaled as i64, at));
        }
        if scaled % self.units != 0 {
            return Err(FrameError::new(start, Kind::OffGrid));
        }
        Ok(((scaled / self.units) as i64, at))
    }

    /// As [`Self::read`] for a size: venues publish dust below their own lot size, which is rounded
    /// down, to one lot at least, so that the level stays. The flag tells that it was.
    ///
    /// # Errors
    /// As [`Self::read`], except for sizes off the grid.
    #[inline(always)]
    pub fn read_size(&self, bytes: &[u8], start: usize) -> Result<(i64, usize, bool), FrameError> {
        match self.read(bytes, start) {
            Ok((lots, end)) => Ok((lots, end, false)),
            Err(error) if error.kind == Kind::OffGrid => self.read_down(bytes, start),
            Err(error) => Err(error),
        }
    }

    #[cold]
    #[inline(never)]
    fn read_down(&self, bytes: &[u8], start: usize) -> Result<(i64, usize, bool), FrameError> {
        let refused = |kind| Err(FrameError::new(start, kind));
        let text = number_at(bytes, start);
        let (mut value, mut missing, mut fraction) = (0u64, usize::from(self.scale), false);
        for byte in text {
            match byte {
                b'.' => fraction = true,
                b'0'..=b'9' if fraction && missing == 0 => {}
                b'0'..=b'9' => {
                    let Some(next) = push_digit(value, *byte) else {
                        return refused(Kind::Overflow);
                    };
                    value = next;
                    missing -= usize::from(fraction);
                }
                // only recorders write exponents, and theirs are floats: no dust to forgive
                _ => return refused(Kind::OffGrid),
            }
        }
        let lots = value.checked_mul(POW10[missing]).map(|v| v / self.units);
        match lots.map(i64::try_from) {
            Some(Ok(lots)) => Ok((lots.max(1), start + text.len(), true)),
            _ => refused(Kind::Overflow),
        }
    }

    /// The exact path for every spelling of a number.
    #[cold]
    #[inline(never)]
    fn read_general(&self, bytes: &[u8], start: usize) -> Result<(i64, usize), FrameError> {
        let text = number_at(bytes, start);
        if start >= bytes.len() {
            return Err(FrameError::new(start, Kind::Truncated));
        }
        if text.first() == Some(&b'-') {
            return Err(FrameError::new(start, Kind::Negative));
        }
        let steps = Decimal::parse(text).and_then(|value| value.steps_of(self.decimal));
        match steps {
            Ok(steps) => Ok((steps, start + text.len())),
            Err(DecimalError::Malformed) => Err(FrameError::new(start, Kind::Number)),
            Err(DecimalError::Overflow) => Err(FrameError::new(start, Kind::Overflow)),
            Err(DecimalError::OffGrid) => Err(FrameError::new(start, Kind::OffGrid)),
        }
    }
}

/// All bytes from `start` that a spelling of a number may have.
fn number_at(bytes: &[u8], start: usize) -> &[u8] {
    let rest = bytes.get(start..).unwrap_or_default();
    let is_part = |b: &u8| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    let length = rest.iter().position(|b| !is_part(b));
    &rest[..length.unwrap_or(rest.len())]
}

fn push_digit(value: u64, digit: u8) -> Option<u64> {
    value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
}

/// Value of the digit at `at`.
#[inline(always)]
pub(crate) fn digit_at(bytes: &[u8], at: usize) -> Option<u64> {
    match bytes.get(at) {
        Some(byte) if byte.is_ascii_digit() => Some(u64::from(byte - b'0')),
        _ => None,
    }
}

#[inline(always)]
fn skip_zeros(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at) == Some(&b'0') {
        at += 1;
    }
    at
}

/// True if the byte at `at` would still belong to a number.
#[inline(always)]
fn continues(bytes: &[u8], at: usize) -> bool {
    matches!(
        bytes.get(at),
        Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+')
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn step(text: &str) -> Step {
        Step::new(Decimal::parse(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn digits_become_steps() {
        for (grid, text, steps) in [
            ("0.10", "65114.20", 651_142),
            ("0.1", "65114", 651_140),
            ("0.1", "65114.2000", 651_142),
            ("0.001", "0", 0),
            ("0.25", "2.75", 11),
            ("5", "65", 13),
            ("100", "300.0", 3),
            ("0.00000001", "1e-8", 1),
            ("0.00000001", "92233720368.54775807", i64::MAX),
            ("1", "000000000000000000000007", 7),
        ] {
            assert_eq!(
                step(grid).read(text.as_bytes(), 0),
                Ok((steps, text.len())),
                "{grid} {text}"
            );
        }
    }

    #[test]
    fn refusals_name_the_byte() {
        for (grid, text, offset, kind) in [
            ("0.1", "x65114.25", 1, Kind::OffGrid),
            ("0.25", "x2.70", 1, Kind::OffGrid),
            ("0.1", "x-1", 1, Kind::Negative),
            ("0.1", "x", 1, Kind::Truncated),
            ("0.1", "x\"", 1, Kind::Number),
            ("0.1", "x.", 1, Kind::Number),
            ("0.1", "x1.2.3", 1, Kind::Number),
            ("0.1", "xNaN", 1, Kind::Number),
            ("0.1", "x99999999999999999999", 1, Kind::Overflow),
        ] {
            let got = step(grid).read(text.as_bytes(), 1);
            assert_eq!(got, Err(FrameError::new(offset, kind)), "{grid} {text}");
        }
    }

    #[test]
    fn dust_in_sizes_is_rounded_down_to_one_lot_at_least() {
        for (grid, text, lots, rounded) in [
            ("0.00001", "25.42618900", 2_542_618, true),
            ("0.00001", "25.42618000", 2_542_618, false),
            ("0.001", "0.0004", 1, true),
            ("0.001", "0.0000", 0, false),
            ("5", "13", 2, true),
            ("0.25", "1.60", 6, true),
        ] {
            let got = step(grid).read_size(text.as_bytes(), 0);
            assert_eq!(got, Ok((lots, text.len(), rounded)), "{grid} {text}");
        }
        let refused = |text: &str| step("1").read_size(text.as_bytes(), 0).unwrap_err().kind;
        assert_eq!(refused("-0.5"), Kind::Negative);
        assert_eq!(refused("5e-1"), Kind::OffGrid);
        assert_eq!(refused("99999999999999999999.5"), Kind::Overflow);
    }

    #[test]
    fn floats_are_those_of_the_text() {
        assert!((step("0.1").to_f64(651_142) - 65114.2).abs() == 0.0);
        assert!((step("0.00001").to_f64(167_177) - 1.67177).abs() == 0.0);
        assert!((step("0.25").to_f64(11) - 2.75).abs() == 0.0);
    }

    proptest! {
        #[test]
        fn the_fast_path_is_the_exact_path(
            text in "[0-9]{1,12}(\\.[0-9]{1,9})?",
            grid in prop::sample::select(vec!["0.1", "0.001", "0.25", "5", "1", "0.00000001"]),
        ) {
            let grid = step(grid);
            let exact = grid.read_general(text.as_bytes(), 0);
            prop_assert_eq!(grid.read(text.as_bytes(), 0), exact);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let got = step("0.05").read(&bytes, 0);
            prop_assert!(got.is_err() || got.unwrap().1 <= bytes.len());
        }
    }
}
