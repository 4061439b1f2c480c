//! What the test files share: the fast book as a sink, and the recorded data, where present.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a skip must be seen")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read recorded files; the crate does not"
)]

pub mod samples;

use mmbot_book::Ladder;
use mmbot_feed::capture::{BookColumns, CaptureDecoder, Format, Stats, TradeColumns};
use mmbot_feed::{BookSink, Grid};
use mmbot_types::{PriceTick, QtyLot, Side};
use std::io::Read;
use std::path::PathBuf;

#[derive(Debug, Default)]
pub struct LadderBook(pub Ladder);

impl BookSink for LadderBook {
    fn clear(&mut self) {
        self.0.clear();
    }
    fn set(&mut self, side: Side, px: PriceTick, qty: QtyLot) {
        self.0.set(side, px, qty);
    }
    fn best(&self, side: Side) -> Option<PriceTick> {
        self.0.best(side)
    }
    fn qty_at(&self, side: Side, px: PriceTick) -> QtyLot {
        self.0.qty_at(side, px)
    }
}

/// Everything that a capture gave.
#[derive(Debug)]
pub struct Imported {
    pub book: BookColumns,
    pub trades: TradeColumns,
    pub rejects: usize,
    pub stats: Stats,
    pub decoder: CaptureDecoder<LadderBook>,
}

/// Feeds `files` that continue each other in blocks of `block` bytes.
pub fn import(
    format: &str,
    symbol: &str,
    market: Option<&str>,
    grid: Grid,
    files: &[&[u8]],
    block: usize,
) -> Imported {
    let format = Format::of_name(format).unwrap();
    let mut decoder = CaptureDecoder::new(format, symbol, market, grid, LadderBook::default());
    for file in files {
        decoder.begin_file();
        for piece in file.chunks(block) {
            decoder.feed(piece);
        }
    }
    decoder.finish();
    Imported {
        book: decoder.take_book(),
        trades: decoder.take_trades(),
        rejects: decoder.take_rejects().len(),
        stats: *decoder.stats(),
        decoder,
    }
}

/// A recorded file, decompressed; `None` with a loud note where there are no recorded data.
pub fn real_file(path: &str) -> Option<Vec<u8>> {
    let Some(root) = std::env::var_os("MMBOT_REAL_DATA") else {
        println!("SKIPPED: MMBOT_REAL_DATA is not set, {path} was not checked");
        return None;
    };
    let path = PathBuf::from(root).join(path);
    let raw = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut out = Vec::new();
    match path.extension().and_then(|e| e.to_str()) {
        Some("zst") => out = zstd::decode_all(&raw[..]).unwrap(),
        Some("gz") => {
            flate2::read::GzDecoder::new(&raw[..])
                .read_to_end(&mut out)
                .unwrap();
        }
        Some("zip") => {
            // one stored member: its data follow the local header, name and extra field
            let short = |at: usize| usize::from(u16::from_le_bytes([raw[at], raw[at + 1]]));
            let long = |at: usize| short(at) + (short(at + 2) << 16);
            assert_eq!(short(8), 0, "stored, not compressed");
            let start = 30 + short(26) + short(28);
            out = raw[start..start + long(18)].to_vec();
        }
        _ => out = raw,
    }
    assert!(!out.is_empty());
    Some(out)
}
