//! Exact decimal numbers of the venue's edge: tick sizes, lot sizes, prices and sizes in frames.

use std::fmt;
use thiserror::Error;

/// `mantissa * 10^-scale`, exact, normalised (no trailing zero in the mantissa unless scale is 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decimal {
    mantissa: i64,
    scale: u8,
}

/// Why a decimal text or ratio was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// Not a plain decimal number (digits with at most one dot and a leading sign).
    #[error("not a decimal number")]
    Malformed,
    /// More digits than the type holds.
    #[error("too many digits")]
    Overflow,
    /// The value is not a whole multiple of the step.
    #[error("not a multiple of the step")]
    OffGrid,
}

const MAX_SCALE: u8 = 18;

impl Decimal {
    /// Parses `12.50`, `-3`, `0.0001`, `1e-8`; refuses anything that is not finite decimal text.
    ///
    /// # Errors
    /// [`DecimalError::Malformed`] or [`DecimalError::Overflow`].
    pub fn parse(text: &[u8]) -> Result<Self, DecimalError> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            all => (false, all),
        };
        let mut mantissa: i64 = 0;
        let mut scale: i32 = 0;
        let (mut seen_digit, mut seen_dot) = (false, false);
        let mut at = 0;
        while let Some(&byte) = digits.get(at) {
            match byte {
                b'0'..=b'9' => {
                    seen_digit = true;
                    // trailing zeros of a long fraction carry no information
                    if seen_dot && byte == b'0' && digits[at..].iter().all(|b| *b == b'0') {
                        break;
                    }
                    mantissa = mantissa
                        .checked_mul(10)
                        .and_then(|m| m.checked_add(i64::from(byte - b'0')))
                        .ok_or(DecimalError::Overflow)?;
                    scale += i32::from(seen_dot);
                }
                b'.' if !seen_dot => seen_dot = true,
                b'e' | b'E' if seen_digit => {
                    scale -= parse_exponent(&digits[at + 1..])?;
                    break;
                }
                _ => return Err(DecimalError::Malformed),
            }
            at += 1;
        }
        if !seen_digit {
            return Err(DecimalError::Malformed);
        }
        Self::normalised(if negative { -mantissa } else { mantissa }, scale)
    }

    fn normalised(mut mantissa: i64, mut scale: i32) -> Result<Self, DecimalError> {
        if mantissa == 0 {
            return Ok(Self {
                mantissa: 0,
                scale: 0,
            });
        }
        while scale < 0 {
            mantissa = mantissa.checked_mul(10).ok_or(DecimalError::Overflow)?;
            scale += 1;
        }
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        match u8::try_from(scale) {
            Ok(scale) if scale <= MAX_SCALE => Ok(Self { mantissa, scale }),
            _ => Err(DecimalError::Overflow),
        }
    }

    /// The nearest f64.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn to_f64(self) -> f64 {
        // both operands are exact up to 2^53 and 10^18, so that the quotient is correctly rounded
        self.mantissa as f64 / POW10[usize::from(self.scale)] as f64
    }

    /// True for a value above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.mantissa > 0
    }

    /// How many whole `step`s this value is.
    ///
    /// # Errors
    /// [`DecimalError::OffGrid`] if it is not a whole number of steps (or the step is not
    /// positive), [`DecimalError::Overflow`] if the count does not fit.
    pub fn steps_of(self, step: Decimal) -> Result<i64, DecimalError> {
        if step.mantissa <= 0 {
            return Err(DecimalError::OffGrid);
        }
        let scale = self.scale.max(step.scale);
        let widen =
            |d: Decimal| i128::from(d.mantissa) * i128::from(POW10[usize::from(scale - d.scale)]);
        let (value, step) = (widen(self), widen(step));
        if value % step != 0 {
            return Err(DecimalError::OffGrid);
        }
        i64::try_from(value / step).map_err(|_| DecimalError::Overflow)
    }

    /// `count` times this value.
    ///
    /// # Errors
    /// [`DecimalError::Overflow`].
    pub fn times(self, count: i64) -> Result<Self, DecimalError> {
        let product = self.mantissa.checked_mul(count);
        let mut product = Self {
            mantissa: product.ok_or(DecimalError::Overflow)?,
            ..self
        };
        while product.scale > 0 && product.mantissa % 10 == 0 {
            product.mantissa /= 10;
            product.scale -= 1;
        }
        Ok(product)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

const POW10: [i64; 19] = {
    let mut table = [1i64; 19];
    let mut i = 1;
    while i < 19 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

fn parse_exponent(text: &[u8]) -> Result<i32, DecimalError> {
    let text = std::str::from_utf8(text).map_err(|_| DecimalError::Malformed)?;
    let exponent: i32 = text.parse().map_err(|_| DecimalError::Malformed)?;
    if exponent.abs() > 36 {
        Err(DecimalError::Overflow)
    } else {
        Ok(exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn texts_round_trip_without_trailing_zeros() {
        for (text, shown) in [
            ("0.10", "0.1"),
            ("-12.5", "-12.5"),
            ("100", "100"),
            ("0.00000001", "0.00000001"),
            ("1e-8", "0.00000001"),
            ("2E3", "2000"),
            ("0.0", "0"),
            ("+7", "7"),
        ] {
            assert_eq!(dec(text).to_string(), shown);
        }
    }

    #[test]
    fn bad_texts_are_refused() {
        for text in [
            "", "-", ".", "1.2.3", "NaN", "inf", "1e", "0x10", "1 ", "1e99",
        ] {
            assert!(Decimal::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(
            Decimal::parse(b"99999999999999999999"),
            Err(DecimalError::Overflow)
        );
    }

    #[test]
    fn a_multiple_is_exact_and_normalised() {
        assert_eq!(dec("0.005").times(200), Ok(dec("1")));
        assert_eq!(dec("0.001").times(250), Ok(dec("0.25")));
        assert_eq!(dec("0.001").times(0), Ok(dec("0")));
        assert_eq!(dec("20").times(-3), Ok(dec("-60")));
        assert_eq!(dec("2").times(i64::MAX), Err(DecimalError::Overflow));
    }

    #[test]
    fn steps_are_exact() {
        assert_eq!(dec("61659.70").steps_of(dec("0.1")), Ok(616_597));
        assert_eq!(dec("0.15").steps_of(dec("0.1")), Err(DecimalError::OffGrid));
        assert_eq!(dec("3").steps_of(dec("0.001")), Ok(3000));
        assert_eq!(dec("1").steps_of(dec("0")), Err(DecimalError::OffGrid));
    }
}
