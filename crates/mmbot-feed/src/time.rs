//! Times that recorders and dumps write: seconds with a fraction, or whole ms, us or ns since the
//! epoch.

use mmbot_types::TsNs;

/// Reads a time; the count of whole digits tells the unit (10 or 11 s, 13 ms, 16 us, 19 ns:
/// unambiguous for the years 1970 to 5138). Digits below a nanosecond are dropped.
#[must_use]
pub fn unix_time(text: &[u8]) -> Option<TsNs> {
    let (whole, fraction) = match memchr::memchr(b'.', text) {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &text[..0]),
    };
    let mut below = match whole.len() {
        1..=11 => 9usize,
        12..=14 => 6,
        15..=17 => 3,
        18..=19 => 0,
        _ => return None,
    };
    let mut ns = 0i64;
    for byte in whole {
        ns = push_digit(ns, *byte)?;
    }
    for byte in fraction {
        if !byte.is_ascii_digit() {
            return None;
        }
        if below > 0 {
            ns = push_digit(ns, *byte)?;
            below -= 1;
        }
    }
    for _ in 0..below {
        ns = ns.checked_mul(10)?;
    }
    Some(TsNs::new(ns))
}

fn push_digit(value: i64, byte: u8) -> Option<i64> {
    if !byte.is_ascii_digit() {
        return None;
    }
    value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_follows_from_the_digits() {
        for (text, ns) in [
            ("1786310817.601629", 1_786_310_817_601_629_000),
            ("1585180700.0647", 1_585_180_700_064_700_000),
            ("1786310817", 1_786_310_817_000_000_000),
            ("1786310817601", 1_786_310_817_601_000_000),
            ("1786310817601629", 1_786_310_817_601_629_000),
            ("1786310817601629123", 1_786_310_817_601_629_123),
            ("1786310817.60162912399", 1_786_310_817_601_629_123),
        ] {
            assert_eq!(unix_time(text.as_bytes()), Some(TsNs::new(ns)), "{text}");
        }
        for text in [
            "",
            ".5",
            "-1",
            "1e9",
            "12345678901234567890",
            "1.x",
            "99999999999.0",
        ] {
            assert_eq!(unix_time(text.as_bytes()), None, "{text}");
        }
    }
}
