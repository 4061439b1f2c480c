//! What malformed frames are refused for, and at which byte.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recordings;

use mmbot_feed::FrameErrorKind as Kind;
use recordings::samples::{SAMPLES, facts};

/// (sample, what is replaced, by what, where the error is: start of this text, kind)
type Broken = (&'static str, &'static str, &'static str, &'static str, Kind);

const BROKEN: [Broken; 24] = [
    (
        "bybit snapshot",
        "30247.20",
        "30247.205",
        "30247.205",
        Kind::OffGrid,
    ),
    (
        "bybit snapshot",
        "30247.20",
        "-30247.20",
        "-30247",
        Kind::Negative,
    ),
    (
        "bybit snapshot",
        "30.028",
        "-30.028",
        "-30.0",
        Kind::Negative,
    ),
    ("bybit snapshot", "30247.20", "0.00", "\"0.00\"", Kind::Zero),
    ("bybit snapshot", "30247.20", "NaN", "NaN", Kind::Number),
    ("bybit snapshot", "30247.20", "", "\",\"30.0", Kind::Number),
    (
        "bybit snapshot",
        "30247.20",
        "30247.20x",
        "x\",\"30",
        Kind::Syntax,
    ),
    (
        "bybit snapshot",
        "30247.20",
        "99999999999999999999",
        "9999999",
        Kind::Overflow,
    ),
    (
        "bybit snapshot",
        "\"snapshot\"",
        "\"partial\"",
        "\"partial\"",
        Kind::Word,
    ),
    (
        "bybit snapshot",
        "\"s\":\"BTCUSDT\"",
        "\"s\":\"ETHUSDT\"",
        "\"ETHUSDT\"",
        Kind::Symbol,
    ),
    (
        "bybit snapshot",
        "\"u\":177400507",
        "\"x\":177400507",
        ",\"cts\"",
        Kind::MissingField,
    ),
    (
        "bybit snapshot",
        "\"a\":[[",
        "\"b\":[[",
        "[[\"30248",
        Kind::DuplicateField,
    ),
    (
        "bybit snapshot",
        "\"u\":177400507",
        "\"u\":1774.5",
        ".5,\"seq",
        Kind::Number,
    ),
    ("bybit snapshot", "],[", "][", "[\"30247.10", Kind::Syntax),
    (
        "bybit snapshot",
        "\"0.224\"]",
        "\"0.224\",\"1\"]",
        ",\"1\"",
        Kind::Syntax,
    ),
    (
        "bybit snapshot",
        "\"ts\":1687940967466",
        "\"ts\":-1",
        "-1",
        Kind::Time,
    ),
    ("bybit trades", "\"Buy\"", "\"buy\"", "\"buy\"", Kind::Side),
    ("bybit trades", "\"1.5\"", "\"0\"", "\"0\"", Kind::Zero),
    (
        "binance diff",
        "7403.90",
        "7403.901",
        "7403.901",
        Kind::OffGrid,
    ),
    (
        "binance diff",
        "\"U\":390497796,",
        "",
        "}",
        Kind::MissingField,
    ),
    ("binance trade", "\"m\":true", "\"m\":1", "1}}", Kind::Word),
    ("binance trade", "0.006", "0", "\"0\"", Kind::Zero),
    (
        "okx book",
        "\"action\":\"update\"",
        "\"action\":\"x\"",
        "\"x\"",
        Kind::Word,
    ),
    (
        "okx trades",
        "\"instId\":\"BTC-USDT\",\"tr",
        "\"instId\":\"X\",\"tr",
        "\"X\"",
        Kind::Symbol,
    ),
];

/// spec: 01-8.2
#[test]
fn malformed_frames_are_refused_at_the_offending_byte() {
    for (name, from, to, at, kind) in BROKEN {
        let sample = SAMPLES.iter().find(|s| s.name == name).unwrap();
        assert!(sample.frame.contains(from), "{name}: {from}");
        let frame = sample.frame.replacen(from, to, 1);
        let error = facts(sample.venue, sample.symbol, frame.as_bytes()).unwrap_err();
        assert_eq!(error.kind, kind, "{frame}");
        let rest = &frame[error.offset..];
        assert!(rest.starts_with(at), "{name} {kind:?}: stopped at {rest}");
    }
}
