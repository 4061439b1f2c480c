//! Decimal numbers of a text: where one stands, what it is worth, and how it was written.

/// More digits do not fit into 63 bits; such a run of digits is text.
pub(super) const MAX_DIGITS: usize = 18;

/// A number as it stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    /// All digits as one integer.
    pub(super) digits: i64,
    /// Digits behind the point; `None` without a point.
    pub(super) decimals: Option<u8>,
    /// Zeros before the first digit that would have been written.
    pub(super) zeros: u8,
    /// Whether the last digit behind the point is a zero.
    pub(super) ends_in_zero: bool,
}

/// The next number at or behind `from`: where it begins, where it ends, and what it is.
#[inline]
pub(super) fn find(text: &[u8], from: usize) -> Option<(usize, usize, Number)> {
    let mut at = from;
    while at < text.len() {
        if !text[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let end = at + run(&text[at..]);
        let stands_alone = at == 0 || !is_word(text[at - 1]);
        if stands_alone && let Some((stop, number)) = read(text, at, end) {
            return Some((at, stop, number));
        }
        at = end;
    }
    None
}

/// The number whose whole part is `text[at..end]`, unless a letter or a second point follows.
#[inline]
fn read(text: &[u8], at: usize, end: usize) -> Option<(usize, Number)> {
    let whole = &text[at..end];
    let mut stop = end;
    let mut decimals = None;
    if text.get(end) == Some(&b'.') {
        let count = run(&text[end + 1..]);
        if count > 0 {
            decimals = Some(count);
            stop = end + 1 + count;
        }
    }
    if text.get(stop).is_some_and(|&byte| is_word(byte)) {
        return None;
    }
    let fraction = decimals.unwrap_or(0);
    if whole.len() + fraction > MAX_DIGITS {
        return None;
    }
    let zeros = whole
        .iter()
        .take_while(|&&byte| byte == b'0')
        .count()
        .min(whole.len() - 1);
    let digits = whole
        .iter()
        .chain(&text[stop - fraction..stop])
        .fold(0_i64, |sum, &byte| sum * 10 + i64::from(byte - b'0'));
    let number = Number {
        digits,
        decimals: decimals.map(|count| count as u8),
        zeros: zeros as u8,
        ends_in_zero: fraction > 0 && text[stop - 1] == b'0',
    };
    Some((stop, number))
}

#[inline]
fn run(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// What may not stand beside a number: a digit run in there is part of a word or of a version.
#[inline]
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_'
}

/// Writes `digits` with `decimals` digits behind the point (`None`: no point) behind `zeros` zeros.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, digits: i64, decimals: Option<u8>, zeros: u8) {
    out.resize(out.len() + usize::from(zeros), b'0');
    let fraction = usize::from(decimals.unwrap_or(0));
    let mut text = [b'0'; 20];
    let mut at = text.len();
    let mut rest = digits.unsigned_abs();
    while rest > 0 {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    // the whole part has a digit at least
    let begin = at.min(text.len() - 1 - fraction);
    let point = text.len() - fraction;
    out.extend_from_slice(&text[begin..point]);
    if decimals.is_some() {
        out.push(b'.');
        out.extend_from_slice(&text[point..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some((begin, end, number)) = find(text.as_bytes(), at) {
            let mut written = Vec::new();
            write(&mut written, number.digits, number.decimals, number.zeros);
            assert_eq!(written, text.as_bytes()[begin..end]);
            found.push(text[begin..end].to_owned());
            at = end;
        }
        found
    }

    #[test]
    fn numbers_stand_alone_and_are_written_back_as_they_were() {
        assert_eq!(
            all(r#"["0.10","007",1700000000000,-2.50,0,"0"]"#),
            ["0.10", "007", "1700000000000", "2.50", "0", "0"]
        );
        assert_eq!(all("00.00 000 0.000000000000000001"), ["00.00", "000"]);
        assert_eq!(
            all("BTC5USDT a1 1a v1.2.3 1e5 5. .5 12_3"),
            Vec::<String>::new()
        );
        assert_eq!(all("1234567890123456789"), Vec::<String>::new());
        assert_eq!(all("123456789012345678"), ["123456789012345678"]);
    }
}
