//! What a public frame of Bybit says about time, without decoding it:
//!
//! ```text
//! {"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1700000000123,
//!  "data":{...,"u":18521288,"seq":7961638724},"cts":1700000000119}
//! {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1700000000123,"data":[{"T":...}]}
//! ```
//!
//! Whoever judges whether data are fresh has to know this of every frame before anybody decodes it.
//! Looked for are the keys where the venue writes them; a frame in another form says nothing here.

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SightKind {
    /// A change of a book.
    Book,
    /// A book that begins anew.
    Snapshot,
    /// Trades.
    Trades,
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight<'a> {
    /// What the frame is about.
    pub kind: SightKind,
    /// Whose it is.
    pub symbol: &'a str,
    /// When the venue made it, ms: a book when its matching engine did.
    pub made_ms: i64,
}

const TOPIC: &[u8] = b"{\"topic\":\"";
/// Longer topics and longer ways to a key are not the venue's.
const NEAR: usize = 64;
/// Digits of a time in ms; more are none.
const DIGITS: usize = 15;

/// What a frame says about time; `None` for one that is no data of a book or of trades.
#[must_use]
pub fn sight(frame: &[u8]) -> Option<Sight<'_>> {
    let rest = frame.strip_prefix(TOPIC)?;
    let end = rest.iter().take(NEAR).position(|byte| *byte == b'"')?;
    let topic = std::str::from_utf8(&rest[..end])
        .ok()
        .filter(|topic| topic.is_ascii())?;
    let after = &rest[end..];
    if let Some(symbol) = topic.strip_prefix("publicTrade.") {
        let made_ms = number_after(after, b"\"ts\":")?;
        let kind = SightKind::Trades;
        return Some(Sight {
            kind,
            symbol,
            made_ms,
        });
    }
    let (_, symbol) = topic.strip_prefix("orderbook.")?.split_once('.')?;
    let near = &after[..after.len().min(NEAR)];
    let begins = find(near, b"\"type\":\"snapshot\"").is_some();
    // it stands at the end, behind all levels
    let tail = &after[after.len().saturating_sub(NEAR)..];
    Some(Sight {
        kind: if begins {
            SightKind::Snapshot
        } else {
            SightKind::Book
        },
        symbol,
        made_ms: number_after(tail, b"\"cts\":")?,
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn number_after(bytes: &[u8], key: &[u8]) -> Option<i64> {
    let at = find(bytes, key)? + key.len();
    let text = bytes[at..].trim_ascii_start();
    let count = text
        .iter()
        .take(DIGITS)
        .take_while(|byte| byte.is_ascii_digit());
    let digits = &text[..count.count()];
    let add = |sum: i64, digit: &u8| sum * 10 + i64::from(digit - b'0');
    (!digits.is_empty()).then(|| digits.iter().fold(0, add))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOOK: &str = "{\"topic\":\"orderbook.50.BTCUSDT\",\"type\":\"delta\",\
        \"ts\":1700000000123,\
        \"data\":{\"s\":\"BTCUSDT\",\"b\":[[\"30247.20\",\"30.028\"]],\"a\":[],\"u\":177400507,\
        \"seq\":66544703342},\"cts\":1700000000119}";
    const TRADES: &str = "{\"topic\":\"publicTrade.SOLUSDT\",\"type\":\"snapshot\",\
        \"ts\":1700000000223,\"data\":[{\"T\":1700000000220,\"s\":\"SOLUSDT\"}]}";

    #[test]
    fn books_tell_the_time_of_matching_and_trades_that_of_their_frame() {
        let of = |kind, symbol, made_ms| {
            Some(Sight {
                kind,
                symbol,
                made_ms,
            })
        };
        let first = BOOK.replace("delta", "snapshot");
        let made = of(SightKind::Book, "BTCUSDT", 1_700_000_000_119);
        assert_eq!(sight(BOOK.as_bytes()), made);
        let made = of(SightKind::Snapshot, "BTCUSDT", 1_700_000_000_119);
        assert_eq!(sight(first.as_bytes()), made);
        let made = of(SightKind::Trades, "SOLUSDT", 1_700_000_000_223);
        assert_eq!(sight(TRADES.as_bytes()), made);
    }

    #[test]
    fn what_is_no_data_or_tells_no_time_says_nothing() {
        for frame in [
            "",
            "{\"success\":true,\"op\":\"subscribe\"}",
            "{\"topic\":\"tickers.BTCUSDT\",\"ts\":1}",
            "{\"topic\":\"orderbook.50\",\"cts\":1}",
            "{\"topic\":\"publicTrade.BTCUSDT\"}",
            "{\"topic\":\"publicTrade.BTCUSDT\",\"ts\":x}",
        ] {
            assert_eq!(sight(frame.as_bytes()), None, "{frame}");
        }
    }

    proptest! {
        #[test]
        fn whatever_bytes_come_there_is_an_answer(
            cut in 0usize..300,
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let whole = BOOK.as_bytes();
            let mut frame = whole[..cut.min(whole.len())].to_vec();
            frame.extend(bytes);
            if let Some(found) = sight(&frame) {
                prop_assert!(found.made_ms >= 0 && found.made_ms < 1_000_000_000_000_000);
            }
        }
    }
}
