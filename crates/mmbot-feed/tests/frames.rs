//! Every sample frame whole, truncated at every byte, with garbage behind, with white space between
//! all tokens, with its fields in other orders; and what malformed frames are refused for.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recordings;

use mmbot_feed::capture::Venue;
use mmbot_feed::{FrameErrorKind as Kind, FrameKind, Quote, UpdateIds};
use mmbot_types::{PriceTick, QtyLot, Side};
use recordings::samples::*;
use serde_json::Value;

const MS: i64 = 1_000_000;

fn of(name: &str) -> Facts {
    let sample = SAMPLES.iter().find(|s| s.name == name).unwrap();
    facts(sample.venue, sample.symbol, sample.frame.as_bytes()).unwrap()
}

#[test]
fn bybit_book_frames_have_their_values() {
    let got = of("bybit snapshot");
    assert_eq!(
        (got.kind, got.stream, got.is_snapshot),
        (FrameKind::Book, 50, true)
    );
    assert_eq!(got.symbol, "BTCUSDT");
    assert_eq!(
        got.ts_ns,
        Some(1_687_940_967_464 * MS),
        "matching engine time, not sending time"
    );
    assert_eq!(
        (got.ids.last, got.ids.seq),
        (Some(177_400_507), Some(66_544_703_342))
    );
    let rows = [
        (Side::Buy, 3_024_710, 224),
        (Side::Buy, 3_024_720, 30_028),
        (Side::Sell, 3_024_870, 1),
    ];
    assert_eq!(got.levels, rows);
    let got = of("bybit delta");
    assert!(!got.is_snapshot);
    assert_eq!(
        got.levels,
        [(Side::Sell, 3_024_870, 0), (Side::Sell, 3_024_930, 892)]
    );
}

#[test]
fn bybit_trades_have_their_values() {
    let got = of("bybit trades");
    assert_eq!(got.kind, FrameKind::Trades);
    let (buy, sell) = (&got.trades[0], &got.trades[1]);
    let id = "20f43950-d8dd-5b31-9112-a178eb6023af".to_owned();
    assert_eq!(*buy, (1_672_304_486_865 * MS, Side::Buy, 1_657_850, 1, id));
    assert_eq!((sell.1, sell.2, sell.3), (Side::Sell, 1_657_840, 1500));
    assert_eq!(got.trades.len(), 2);
}

#[test]
fn binance_frames_have_their_values() {
    let got = of("binance diff");
    let ids = UpdateIds {
        first: Some(390_497_796),
        last: Some(390_497_878),
        prev: Some(390_497_794),
        seq: None,
    };
    assert_eq!((got.ids, got.ts_ns), (ids, Some(1_571_889_248_276 * MS)));
    let rows = [
        (Side::Buy, 740_390, 2),
        (Side::Sell, 740_596, 3340),
        (Side::Sell, 740_660, 0),
    ];
    assert_eq!(got.levels, rows);
    let got = of("binance spot diff");
    assert_eq!(
        (got.ids.first, got.ids.last, got.ids.prev),
        (Some(157), Some(160), None)
    );
    assert_eq!(got.ts_ns, Some(1_672_515_782_136 * MS));
    let got = of("binance rest");
    assert_eq!((got.is_snapshot, got.ids.last), (true, Some(1_027_024)));
    assert_eq!(
        got.levels,
        [(Side::Buy, 400, 431_000), (Side::Sell, 402, 12_000)]
    );
    let got = of("binance trade");
    let trade = (
        123_456_785 * MS,
        Side::Sell,
        6_180_030,
        6,
        "12345".to_owned(),
    );
    assert_eq!((got.stream, got.trades), (0, vec![trade]));
    let got = of("binance agg trade");
    let trade = (
        123_456_785 * MS,
        Side::Buy,
        1,
        100_000,
        "5933014".to_owned(),
    );
    assert_eq!((got.stream, got.trades), (1, vec![trade]));
    let got = of("binance quote");
    let quote = Quote {
        bid: PriceTick::new(2535),
        bid_qty: QtyLot::new(31_210),
        ask: PriceTick::new(2536),
        ask_qty: QtyLot::new(40_660),
    };
    assert_eq!((got.kind, got.quote), (FrameKind::Quote, Some(quote)));
}

#[test]
fn okx_frames_have_their_values() {
    let got = of("okx book");
    assert_eq!((got.ids.prev, got.ids.last), (Some(123_456), Some(123_457)));
    assert_eq!((got.checksum, got.stream), (Some(-855_196_043), 400));
    assert_eq!(got.ts_ns, Some(1_597_026_383_085 * MS));
    let rows = [
        (Side::Buy, 847_697, 256_000),
        (Side::Sell, 847_698, 415_000),
        (Side::Sell, 847_700, 7000),
    ];
    assert_eq!(got.levels, rows);
    let trade = (
        1_630_048_897_897 * MS,
        Side::Buy,
        4_221_990,
        120,
        "130639474".to_owned(),
    );
    assert_eq!(of("okx trades").trades, [trade]);
}

#[test]
fn a_frame_cut_at_any_byte_is_refused_within_its_bytes() {
    let mut cuts = 0;
    for sample in &SAMPLES {
        for length in 0..sample.frame.len() {
            let cut = &sample.frame.as_bytes()[..length];
            let error = facts(sample.venue, sample.symbol, cut).unwrap_err();
            assert!(
                error.offset <= length,
                "{} cut at {length}: {error}",
                sample.name
            );
            assert_eq!(
                error.kind,
                Kind::Truncated,
                "{} cut at {length}",
                sample.name
            );
            cuts += 1;
        }
    }
    assert!(cuts > 1500);
}

#[test]
fn bytes_behind_a_frame_are_refused_and_white_space_is_not() {
    for sample in &SAMPLES {
        for garbage in ["x", "{}", ",", "\0", "}"] {
            let frame = format!("{}{garbage}", sample.frame);
            let error = facts(sample.venue, sample.symbol, frame.as_bytes()).unwrap_err();
            assert_eq!(
                (error.offset, error.kind),
                (sample.frame.len(), Kind::Trailing)
            );
        }
        let frame = format!(" {}\r\n\t ", sample.frame);
        assert_eq!(
            facts(sample.venue, sample.symbol, frame.as_bytes()).unwrap(),
            of(sample.name)
        );
    }
}

fn spaced(frame: &str) -> String {
    let (mut out, mut in_string) = (String::new(), false);
    for c in frame.chars() {
        in_string ^= c == '"';
        let token = !in_string && "{}[],:".contains(c);
        out.push_str(if token { " \t" } else { "" });
        out.push(c);
        out.push_str(if token { "\r\n " } else { "" });
    }
    out
}

/// Writes a value with the keys of every object in reverse order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let write =
                |(k, v): (&String, &Value)| format!("{}:{}", Value::from(k.as_str()), reversed(v));
            let parts: Vec<String> = map.iter().rev().map(write).collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(reversed).collect();
            format!("[{}]", parts.join(","))
        }
        plain => plain.to_string(),
    }
}

#[test]
fn white_space_and_field_order_change_nothing() {
    for sample in &SAMPLES {
        let value: Value = serde_json::from_str(sample.frame).unwrap();
        let forms = [
            spaced(sample.frame),
            value.to_string(),
            reversed(&value),
            spaced(&reversed(&value)),
            serde_json::to_string_pretty(&value).unwrap(),
        ];
        for form in forms {
            let got = facts(sample.venue, sample.symbol, form.as_bytes());
            assert_eq!(got.unwrap(), of(sample.name), "{form}");
        }
    }
}

#[test]
fn frames_of_other_symbols_and_topics_are_told_apart() {
    for sample in &SAMPLES {
        let got = facts(sample.venue, "ETHUSDT", sample.frame.as_bytes()).unwrap();
        // a REST answer without a symbol belongs to whoever asked
        let expected = match sample.name {
            "binance rest" => FrameKind::Book,
            _ => FrameKind::Foreign,
        };
        assert_eq!(got.kind, expected, "{}", sample.name);
    }
    for (venue, frame) in [
        (
            Venue::Bybit,
            r#"{"success":true,"ret_msg":"","conn_id":"x","op":"subscribe"}"#,
        ),
        (
            Venue::Bybit,
            r#"{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT"}}"#,
        ),
        (
            Venue::Bybit,
            r#"{"topic":"orderbook.x.BTCUSDT","type":"delta"}"#,
        ),
        (Venue::Bybit, r#"{"topic":"orderbook.50","type":"delta"}"#),
        (Venue::Bybit, "{}"),
        (Venue::Binance, r#"{"result":null,"id":1}"#),
        (Venue::Binance, r#"{"e":"kline","s":"BTCUSDT","k":{"t":1}}"#),
        (
            Venue::Binance,
            r#"{"stream":"x@depth5","data":{"lastUpdateId":1,"bids":[],"asks":[]}}"#,
        ),
        (Venue::Binance, r#"{"stream":"!x","data":[1,2]}"#),
        (Venue::Okx, "pong"),
        (
            Venue::Okx,
            r#"{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}"#,
        ),
        (
            Venue::Okx,
            r#"{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{}]}"#,
        ),
    ] {
        let symbol = if venue == Venue::Okx {
            "BTC-USDT"
        } else {
            "BTCUSDT"
        };
        let got = facts(venue, symbol, frame.as_bytes()).unwrap();
        assert_eq!(got.kind, FrameKind::Other, "{frame}");
    }
}

#[test]
fn prints_outside_of_the_book_are_left_out() {
    let frame = BINANCE_TRADE
        .replace("MARKET", "INSURANCE_FUND")
        .replace("61800.30", "0");
    let got = facts(Venue::Binance, "BTCUSDT", frame.as_bytes()).unwrap();
    assert_eq!((got.kind, got.trades.len()), (FrameKind::Other, 0));
}

#[test]
fn dust_in_sizes_is_rounded_not_refused() {
    let frame = BYBIT_SNAPSHOT.replace("30.028", "30.0289");
    let got = facts(Venue::Bybit, "BTCUSDT", frame.as_bytes()).unwrap();
    assert!(got.levels.contains(&(Side::Buy, 3_024_720, 30_028)));
}
