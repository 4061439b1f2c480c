//! What the fuzz targets share. A target fails on a panic and on an offset outside of the input.

mod live;

pub use live::live_session;

use mmbot_feed::capture::{CaptureDecoder, Format, Venue, scan_symbols};
use mmbot_feed::frames::{pack, unpack};
use mmbot_feed::{BookSink, Decoded, Grid, Target};
use mmbot_parquet::{Column, Encoding, PageHeader, PageKind};
use mmbot_types::journal::{self, Reader, Tail, Writer};
use mmbot_types::{PriceTick, QtyLot, Side};

/// A ladder as the sink of decoded levels.
#[derive(Debug, Default)]
pub struct Book(mmbot_book::Ladder);

impl BookSink for Book {
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

/// Grid of all targets.
///
/// # Panics
/// Never: the steps are decimal numbers.
#[must_use]
pub fn grid() -> Grid {
    Grid::parse("0.05", "0.001").expect("decimal numbers")
}

/// Decodes `data` as one frame of `venue`.
///
/// # Panics
/// If an error names an offset outside of the frame.
pub fn frame(venue: Venue, data: &[u8]) {
    let grid = grid();
    let target = Target {
        symbol: None,
        grid: &grid,
    };
    let mut decoded = Decoded::default();
    if let Err(error) = venue.decode(data, &target, &mut decoded) {
        assert!(error.offset <= data.len());
    }
}

/// Decodes `data` as a file of `format`, in blocks.
///
/// # Panics
/// If times go back in the rows, or a reject names an offset outside of its line.
pub fn capture(format: Format, data: &[u8]) {
    let mut decoder = CaptureDecoder::new(format, "BTCUSDT", None, grid(), Book::default());
    for block in data.chunks(37) {
        decoder.feed(block);
    }
    decoder.finish();
    let book = decoder.take_book();
    assert!(book.ts_ns.is_sorted());
    assert!(book.recv_ns.is_sorted());
    for reject in decoder.take_rejects() {
        assert!(reject.offset <= reject.raw.len());
    }
    let _ = scan_symbols(format, data);
}

/// Reads `data` as one record and as a journal file.
///
/// # Panics
/// If an offset is outside of the input, or a record is accepted in a form that no writer gives it.
pub fn journal(data: &[u8]) {
    match journal::decode(data) {
        Err(error) => assert!(error.offset <= data.len() as u64),
        Ok(record) => {
            let mut again = Vec::new();
            journal::encode(&record, &mut again);
            assert_eq!(again, data);
            let mut writer = Writer::new(7);
            if writer.append(&record).is_ok() {
                assert_eq!(Reader::new(writer.pending()).count(), 1);
            }
        }
    }
    let mut reader = Reader::new(data);
    let end = loop {
        match reader.next_entry() {
            Ok(Some(_)) => {}
            Ok(None) => break reader.tail(),
            Err(error) => break Err(error),
        }
    };
    match end {
        Ok(Tail::Clean) => assert_eq!(reader.offset(), data.len() as u64),
        Ok(Tail::Torn { at }) => assert_eq!(reader.offset(), at),
        Err(error) => assert!((reader.offset()..=data.len() as u64).contains(&error.offset)),
    }
}

/// Reads `data` as a block of stored frames.
///
/// # Panics
/// If more bytes come out than were allowed, or frames that do not come back.
pub fn stored_frames(data: &[u8]) {
    const BYTES_MAX: usize = 1 << 16;
    let Ok(found) = unpack(data, BYTES_MAX) else {
        return;
    };
    assert!(found.bytes.len() <= BYTES_MAX);
    if let Ok(block) = pack(&found.bytes, &found.lens, &found.times, &found.tags) {
        assert_eq!(unpack(&block, BYTES_MAX).as_ref(), Ok(&found));
    }
}

/// Reads `data` as the header of a page, and as pages of a column in every encoding; its first byte
/// chooses.
///
/// # Panics
/// If other than the promised number of values comes out.
pub fn parquet_page(data: &[u8]) {
    let _ = PageHeader::read(data);
    let [choice, values, bytes @ ..] = data else {
        return;
    };
    let encodings = [Encoding::Plain, Encoding::Dictionary, Encoding::Delta];
    let kinds = [PageKind::DataV1, PageKind::DataV2];
    let header = |kind, bytes: &[u8], values, encoding| PageHeader {
        kind,
        header_bytes: 0,
        stored_bytes: bytes.len(),
        plain_bytes: bytes.len(),
        levels_bytes: 0,
        values,
        encoding,
        is_compressed: false,
    };
    let mut column = Column::<i64, Vec<u8>>::new(choice & 8 != 0);
    let dictionary: Vec<u8> = bytes.iter().take(64).copied().collect();
    let entries = header(
        PageKind::Dictionary,
        &dictionary,
        dictionary.len() / 8,
        Encoding::Plain,
    );
    let _ = column.push(&entries, &[], dictionary);
    let page = header(
        kinds[usize::from(choice >> 2 & 1)],
        bytes,
        usize::from(*values),
        encodings[usize::from(choice & 3) % 3],
    );
    if column.push(&page, bytes, bytes.to_vec()).is_ok() {
        let mut out = Vec::new();
        if column.take(column.waiting(), &mut out).is_ok() {
            assert_eq!(out.len(), usize::from(*values));
        }
    }
}
