//! Random input never panics; what was encoded decodes to itself; block sizes change nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recordings;

use mmbot_feed::capture::{CaptureDecoder, Format, Venue, scan_symbols};
use mmbot_feed::{FrameBook, FrameKind, UpdateIds};
use mmbot_types::Side;
use proptest::prelude::*;
use recordings::samples::{Facts, SAMPLES, facts, grid};
use recordings::{LadderBook, import};

fn price(ticks: i64) -> String {
    format!("{}.{:02}", ticks / 100, ticks % 100)
}

fn size(lots: i64) -> String {
    format!("{}.{:03}", lots / 1000, lots % 1000)
}

/// Levels of a side as the venues write them; `tail` follows price and size.
fn side_text(levels: &[(Side, i64, i64)], side: Side, tail: &str) -> String {
    let own = levels.iter().filter(|l| l.0 == side);
    let parts: Vec<String> = own
        .map(|l| format!("[\"{}\",\"{}\"{tail}]", price(l.1), size(l.2)))
        .collect();
    format!("[{}]", parts.join(","))
}

fn encode_book(venue: Venue, facts: &Facts, ms: i64) -> String {
    let tail = if venue == Venue::Okx {
        ",\"0\",\"3\""
    } else {
        ""
    };
    let bids = side_text(&facts.levels, Side::Buy, tail);
    let asks = side_text(&facts.levels, Side::Sell, tail);
    let symbol = &facts.symbol;
    let last = facts.ids.last.unwrap();
    match venue {
        Venue::Bybit => {
            let kind = if facts.is_snapshot {
                "snapshot"
            } else {
                "delta"
            };
            let seq = facts.ids.seq.unwrap();
            format!(
                "{{\"topic\":\"orderbook.{}.{symbol}\",\"type\":\"{kind}\",\"ts\":{},\
                 \"data\":{{\"s\":\"{symbol}\",\"b\":{bids},\"a\":{asks},\"u\":{last},\
                 \"seq\":{seq}}},\"cts\":{ms}}}",
                facts.stream,
                ms + 2
            )
        }
        Venue::Binance => {
            let (first, prev) = (facts.ids.first.unwrap(), facts.ids.prev.unwrap());
            format!(
                "{{\"e\":\"depthUpdate\",\"E\":{},\"T\":{ms},\"s\":\"{symbol}\",\"U\":{first},\
                 \"u\":{last},\"pu\":{prev},\"b\":{bids},\"a\":{asks}}}",
                ms + 1
            )
        }
        Venue::Okx => {
            let action = if facts.is_snapshot {
                "snapshot"
            } else {
                "update"
            };
            let (prev, checksum) = (facts.ids.prev.unwrap(), facts.checksum.unwrap());
            format!(
                "{{\"arg\":{{\"channel\":\"books\",\"instId\":\"{symbol}\"}},\
                 \"action\":\"{action}\",\"data\":[{{\"asks\":{asks},\"bids\":{bids},\
                 \"ts\":\"{ms}\",\"checksum\":{checksum},\"prevSeqId\":{prev},\"seqId\":{last}}}]}}"
            )
        }
    }
}

prop_compose! {
    fn book_facts()(
        levels in prop::collection::vec(
            (any::<bool>(), 1i64..100_000_000, 0i64..10_000_000_000), 0..40),
        last in 2i64..1_000_000_000_000_000,
        is_snapshot in any::<bool>(),
        ms in 1_000_000_000_000i64..2_000_000_000_000,
        checksum in any::<i32>(),
        depth in prop::sample::select(vec![1u16, 50, 200, 500]),
    ) -> (Facts, i64) {
        let side = |ask| if ask { Side::Sell } else { Side::Buy };
        let mut levels: Vec<_> = levels.into_iter().map(|(a, p, q)| (side(a), p, q)).collect();
        levels.sort_unstable();
        let facts = Facts {
            kind: FrameKind::Book,
            symbol: "BTCUSDT".to_owned(),
            stream: depth,
            ids: UpdateIds {
                first: Some(last - 1),
                last: Some(last),
                prev: Some(last - 2),
                seq: Some(last * 7),
            },
            is_snapshot,
            ts_ns: Some(ms * 1_000_000),
            checksum: Some(i64::from(checksum)),
            levels,
            trades: Vec::new(),
            quote: None,
        };
        (facts, ms)
    }
}

/// What of `facts` a venue's frame can say.
fn stated(venue: Venue, facts: &Facts) -> Facts {
    let mut facts = facts.clone();
    match venue {
        Venue::Bybit => {
            (facts.ids.first, facts.ids.prev, facts.checksum) = (None, None, None);
        }
        Venue::Binance => {
            (facts.ids.seq, facts.checksum, facts.stream) = (None, None, 0);
            facts.is_snapshot = false;
        }
        Venue::Okx => {
            (facts.ids.first, facts.ids.seq, facts.stream) = (None, None, 400);
        }
    }
    facts
}

fn feed_everything(data: &[u8]) {
    for format in Format::all() {
        let mut decoder =
            CaptureDecoder::new(format, "BTCUSDT", None, grid(), LadderBook::default());
        let header: &[u8] = match format {
            Format::BybitTrades => b"timestamp,symbol,side,size,price,trdMatchID\n",
            Format::TardisBook => {
                b"exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
            }
            Format::TardisTrades => {
                b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
            }
            Format::Frames { .. } => b"",
        };
        decoder.feed(header);
        decoder.feed(data);
        decoder.finish();
        let stats = *decoder.stats();
        let book = decoder.take_book();
        assert!(book.ts_ns.is_sorted() && book.recv_ns.is_sorted());
        let rejects = decoder.take_rejects();
        assert_eq!(rejects.len() as u64, stats.rejected);
        assert!(rejects.iter().all(|r| r.offset <= r.raw.len()));
        let _ = scan_symbols(format, data);
    }
}

proptest! {
    #[test]
    fn what_was_encoded_decodes_to_itself((facts_in, ms) in book_facts()) {
        for venue in Venue::ALL {
            let frame = encode_book(venue, &facts_in, ms);
            let got = facts(venue, "BTCUSDT", frame.as_bytes());
            prop_assert_eq!(got, Ok(stated(venue, &facts_in)));
        }
    }

    #[test]
    fn random_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..300)) {
        for venue in Venue::ALL {
            if let Err(error) = facts(venue, "BTCUSDT", &data) {
                prop_assert!(error.offset <= data.len());
            }
        }
        feed_everything(&data);
        let mut book = FrameBook::new("BTCUSDT", grid(), LadderBook::default());
        let _ = book.apply(&data);
        let _ = Format::detect(&data);
    }

    #[test]
    fn random_json_like_text_never_panics(data in "[\\[\\]{}\":,.0-9a-z\\\\ \n-]{0,200}") {
        for venue in Venue::ALL {
            if let Err(error) = facts(venue, "BTCUSDT", data.as_bytes()) {
                prop_assert!(error.offset <= data.len());
            }
        }
        feed_everything(data.as_bytes());
    }

    #[test]
    fn damaged_samples_never_panic(
        which in 0..SAMPLES.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let sample = &SAMPLES[which];
        let mut frame = sample.frame.as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        if let Err(error) = facts(sample.venue, sample.symbol, &frame) {
            prop_assert!(error.offset <= frame.len());
        }
        let mut line = b"1723161255030314667 ".to_vec();
        line.extend_from_slice(&frame);
        feed_everything(&line);
    }

    #[test]
    fn block_sizes_change_nothing(cuts in prop::collection::vec(1usize..400, 1..20)) {
        let mut data = String::new();
        for sample in SAMPLES.iter().filter(|s| s.venue == Venue::Bybit) {
            data += &format!("1687940967.5 {}\r\n\n1687940968 garbage\n", sample.frame);
        }
        let whole = import("bybit-local", "BTCUSDT", None, grid(), &[data.as_bytes()], data.len());
        prop_assert_eq!((whole.rejects, whole.stats.lines, whole.trades.len()), (3, 9, 2));
        let format = Format::of_name("bybit-local").unwrap();
        let book = LadderBook::default();
        let mut decoder = CaptureDecoder::new(format, "BTCUSDT", None, grid(), book);
        let (mut rest, mut cut) = (data.as_bytes(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (block, next) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
            decoder.feed(block);
            rest = next;
        }
        decoder.finish();
        prop_assert_eq!(decoder.take_book(), whole.book);
        prop_assert_eq!(decoder.take_trades(), whole.trades);
        prop_assert_eq!(*decoder.stats(), whole.stats);
    }
}
