//! The recorded OKX stream against its stated counts and the venue's own checksums.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recordings;

use mmbot_feed::capture::{Format, scan_symbols};
use mmbot_feed::{Decoded, FrameKind, Grid, Target, okx};
use mmbot_types::Side;
use recordings::{import, real_file};
use std::collections::BTreeMap;

/// CRC-32 (IEEE 802.3, reflected), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & 0u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

/// Levels by price in ticks, sizes in lots.
type HalfBook = BTreeMap<i64, i64>;

/// The venue's rule: best 25 levels of both sides in turn, `price:size` joined by colons, in the
/// venue's own spelling, which is that of the exact decimal without trailing zeros.
fn checksum(bids: &HalfBook, asks: &HalfBook, grid: &Grid) -> i64 {
    let mut parts = Vec::new();
    let mut push = |level: Option<(&i64, &i64)>| {
        if let Some((px, qty)) = level {
            parts.push(format!(
                "{}:{}",
                grid.tick.to_f64(*px),
                grid.lot.to_f64(*qty)
            ));
        }
    };
    for i in 0..25 {
        push(bids.iter().rev().nth(i));
        push(asks.iter().nth(i));
    }
    i64::from(i32::from_ne_bytes(
        crc32(parts.join(":").as_bytes()).to_ne_bytes(),
    ))
}

#[test]
fn the_crc_is_the_standard_one() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}

#[test]
fn the_book_after_every_frame_has_the_stated_checksum() {
    let Some(data) = real_file("other_venues/okx_20220513.jsonl.zst") else {
        return;
    };
    let format = Format::detect(&data[..4096]).unwrap();
    assert_eq!(format.name(), "okx-jsonl");
    let infos = scan_symbols(format, &data);
    assert_eq!(infos.len(), 3);
    let (mut snapshots, mut updates, mut trades) = (0, 0, 0);
    for info in &infos {
        let grid = Grid::parse(
            info.tick_size.as_deref().unwrap(),
            info.lot_size.as_deref().unwrap(),
        )
        .unwrap();
        let got = import("okx-jsonl", &info.symbol, None, grid, &[&data], 10_000);
        assert_eq!((got.stats.gaps, got.stats.crossed, got.rejects), (0, 0, 0));
        assert_eq!(got.stats.snapshots, 1);
        trades += got.stats.trades;
        let (s, u) = check_stream(&info.symbol, &grid, &data);
        assert_eq!((s + u) as u64, got.stats.frames);
        snapshots += s;
        updates += u;
    }
    assert_eq!((snapshots, updates, trades), (3, 287, 74));
}

fn check_stream(symbol: &str, grid: &Grid, data: &[u8]) -> (usize, usize) {
    let target = Target {
        symbol: Some(symbol),
        grid,
    };
    let (mut decoded, mut snapshots, mut updates) = (Decoded::default(), 0, 0);
    let (mut bids, mut asks) = (HalfBook::new(), HalfBook::new());
    for line in data
        .split(|b| *b == b'\n')
        .filter(|l| l.starts_with(b"{\"t\":\"recv\""))
    {
        let envelope: serde_json::Value = serde_json::from_slice(line).unwrap();
        let frame = envelope["data"].as_str().unwrap();
        okx::decode(frame.as_bytes(), &target, &mut decoded).unwrap();
        if decoded.kind != FrameKind::Book {
            continue;
        }
        if decoded.is_snapshot {
            snapshots += 1;
            bids.clear();
            asks.clear();
        } else {
            updates += 1;
        }
        for level in &decoded.levels {
            let half = if level.side == Side::Buy {
                &mut bids
            } else {
                &mut asks
            };
            if level.qty.is_zero() {
                half.remove(&level.px.get());
            } else {
                half.insert(level.px.get(), level.qty.get());
            }
        }
        assert_eq!(
            Some(checksum(&bids, &asks, grid)),
            decoded.checksum,
            "{symbol}"
        );
    }
    (snapshots, updates)
}
