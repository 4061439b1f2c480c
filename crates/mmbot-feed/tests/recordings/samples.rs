//! Frames of every kind, written for these tests in the shapes that the venues document.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test file uses a part")]

use mmbot_feed::capture::Venue;
use mmbot_feed::{Decoded, FrameError, FrameKind, Grid, Quote, Target, UpdateIds};
use mmbot_types::Side;

pub const BYBIT_SNAPSHOT: &str = concat!(
    r#"{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1687940967466,"#,
    r#""data":{"s":"BTCUSDT","b":[["30247.20","30.028"],["30247.10","0.224"]],"#,
    r#""a":[["30248.70","0.001"]],"#,
    r#""u":177400507,"seq":66544703342},"cts":1687940967464}"#
);
pub const BYBIT_DELTA: &str = concat!(
    r#"{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967566,"data":{"s":"BTCUSDT","#,
    r#""b":[],"a":[["30248.70","0"],["30249.30","0.892"]],"#,
    r#""u":177400508,"seq":66544703350},"cts":1687940967564}"#
);
pub const BYBIT_TRADES: &str = concat!(
    r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":["#,
    r#"{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","#,
    r#""i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false},"#,
    r#"{"T":1672304486866,"s":"BTCUSDT","S":"Sell","v":"1.5","p":"16578.4","L":"MinusTick","#,
    r#""i":"20f43950-d8dd-5b31-9112-a178eb6023b0","BT":false}]}"#
);
pub const BINANCE_DIFF: &str = concat!(
    r#"{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1571889248277,"#,
    r#""T":1571889248276,"s":"BTCUSDT","U":390497796,"u":390497878,"pu":390497794,"#,
    r#""b":[["7403.90","0.002"]],"#,
    r#""a":[["7405.96","3.340"],["7406.60","0.000"]]}}"#
);
pub const BINANCE_SPOT_DIFF: &str = concat!(
    r#"{"e":"depthUpdate","E":1672515782136,"s":"BTCUSDT","U":157,"u":160,"#,
    r#""b":[["0.02","10",[]]],"a":[["100.26","100"]]}"#
);
pub const BINANCE_REST: &str = concat!(
    r#"{"lastUpdateId":1027024,"E":1589436922972,"T":1589436922959,"#,
    r#""bids":[["4.00","431.000"]],"asks":[["4.02","12.000"]]}"#
);
pub const BINANCE_TRADE: &str = concat!(
    r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":123456782,"T":123456785,"s":"BTCUSDT","#,
    r#""t":12345,"p":"61800.30","q":"0.006","X":"MARKET","m":true}}"#
);
pub const BINANCE_AGG_TRADE: &str = concat!(
    r#"{"e":"aggTrade","E":123456789,"s":"BTCUSDT","a":5933014,"p":"0.01","q":"100","f":100,"#,
    r#""l":105,"T":123456785,"m":false}"#
);
pub const BINANCE_QUOTE: &str =
    r#"{"u":400900217,"s":"BTCUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}"#;
pub const OKX_BOOK: &str = concat!(
    r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"#,
    r#""asks":[["8476.98","415","0","13"],["8477","7","0","2"]],"#,
    r#""bids":[["8476.97","256","0","12"]],"ts":"1597026383085","checksum":-855196043,"#,
    r#""prevSeqId":123456,"seqId":123457}]}"#
);
pub const OKX_TRADES: &str = concat!(
    r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","#,
    r#""tradeId":"130639474","px":"42219.9","sz":"0.12","side":"buy","ts":"1630048897897"}]}"#
);

/// Everything that a frame says, free of places in the frame. Levels are sorted: the order of
/// fields does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub kind: FrameKind,
    pub symbol: String,
    pub stream: u16,
    pub ids: UpdateIds,
    pub is_snapshot: bool,
    pub ts_ns: Option<i64>,
    pub checksum: Option<i64>,
    pub levels: Vec<(Side, i64, i64)>,
    pub trades: Vec<(i64, Side, i64, i64, String)>,
    pub quote: Option<Quote>,
}

/// A sample, whose frame it is, and its symbol there.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub name: &'static str,
    pub venue: Venue,
    pub symbol: &'static str,
    pub frame: &'static str,
}

pub const fn sample(name: &'static str, venue: Venue, frame: &'static str) -> Sample {
    let symbol = match venue {
        Venue::Okx => "BTC-USDT",
        Venue::Bybit | Venue::Binance => "BTCUSDT",
    };
    Sample {
        name,
        venue,
        symbol,
        frame,
    }
}

pub const SAMPLES: [Sample; 11] = [
    sample("bybit snapshot", Venue::Bybit, BYBIT_SNAPSHOT),
    sample("bybit delta", Venue::Bybit, BYBIT_DELTA),
    sample("bybit trades", Venue::Bybit, BYBIT_TRADES),
    sample("binance diff", Venue::Binance, BINANCE_DIFF),
    sample("binance spot diff", Venue::Binance, BINANCE_SPOT_DIFF),
    sample("binance rest", Venue::Binance, BINANCE_REST),
    sample("binance trade", Venue::Binance, BINANCE_TRADE),
    sample("binance agg trade", Venue::Binance, BINANCE_AGG_TRADE),
    sample("binance quote", Venue::Binance, BINANCE_QUOTE),
    sample("okx book", Venue::Okx, OKX_BOOK),
    sample("okx trades", Venue::Okx, OKX_TRADES),
];

/// Ticks of 0.01, lots of 0.001: all samples are on it.
pub fn grid() -> Grid {
    Grid::parse("0.01", "0.001").unwrap()
}

pub fn facts(venue: Venue, symbol: &str, frame: &[u8]) -> Result<Facts, FrameError> {
    let grid = grid();
    let target = Target {
        symbol: Some(symbol),
        grid: &grid,
    };
    let mut out = Decoded::default();
    venue.decode(frame, &target, &mut out)?;
    let text = |span: mmbot_feed::Span| String::from_utf8_lossy(span.of(frame)).into_owned();
    let mut levels: Vec<_> = out
        .levels
        .iter()
        .map(|l| (l.side, l.px.get(), l.qty.get()))
        .collect();
    levels.sort_unstable();
    let trade =
        |t: &mmbot_feed::TradeRow| (t.ts_exch.get(), t.side, t.px.get(), t.qty.get(), text(t.id));
    Ok(Facts {
        kind: out.kind,
        symbol: text(out.symbol),
        stream: out.stream,
        ids: out.ids,
        is_snapshot: out.is_snapshot,
        ts_ns: out.ts_exch.map(|ts| ts.get()),
        checksum: out.checksum,
        levels,
        trades: out.trades.iter().map(trade).collect(),
        quote: out.quote,
    })
}
