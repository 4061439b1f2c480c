//! Columns against the naive twin, and against bytes that nobody wrote.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod writer;

use mmbot_parquet::{Column, Encoding, PageError, PageHeader, PageKind, Value};
use proptest::prelude::*;
use writer::{delta, header, hybrid};

const V1: (i64, u8) = (0, 5);
const DICTIONARY: (i64, u8) = (2, 7);
const V2: (i64, u8) = (3, 8);

/// Header of a page whose bytes are stored as they are, read back.
fn page(bytes: &[u8], (kind, inner): (i64, u8), values: usize, encoding: i64) -> PageHeader {
    let at = if kind == V2.0 { 4 } else { 2 };
    let fields = [(1, values as i64), (at, encoding)];
    let written = header(kind, bytes.len(), bytes.len(), inner, &fields);
    let read = PageHeader::read(&[written.as_slice(), bytes].concat()).unwrap();
    assert_eq!(read.header_bytes, written.len());
    assert_eq!((read.values, read.plain_bytes), (values, bytes.len()));
    read
}

/// Takes everything in pieces whose lengths `pieces` gives in turn.
fn taken<T: Value>(column: &mut Column<T, Vec<u8>>, pieces: &[usize]) -> Result<Vec<T>, PageError> {
    let mut out = Vec::new();
    for piece in pieces.iter().cycle() {
        let n = (*piece).min(column.waiting());
        column.take(n, &mut out)?;
        if column.waiting() == 0 {
            break;
        }
    }
    column.end_chunk()?;
    Ok(out)
}

fn bytes_of(values: &[i64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..70, 1..6)
}

fn numbers() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        -3i64..3,
        1_750_000_000_000_000_000..1_750_000_001_000_000_000i64
    ]
}

proptest! {
    #[test]
    fn plain_values_come_back(
        values in prop::collection::vec(numbers(), 1..200),
        cut in 0usize..200,
        pieces in pieces(),
    ) {
        let mut column = Column::<i64, Vec<u8>>::new(false);
        let (before, after) = values.split_at(cut.min(values.len()));
        for (values, kind) in [(before, V1), (after, V2)] {
            let bytes = bytes_of(values);
            column.push(&page(&bytes, kind, values.len(), 0), &[], bytes).unwrap();
        }
        prop_assert_eq!(taken(&mut column, &pieces).unwrap(), values);
    }

    #[test]
    fn entries_of_a_dictionary_come_back_at_every_width(
        width in 0u32..=32,
        seeds in prop::collection::vec((any::<u64>(), 1usize..30), 1..20),
        cuts in prop::collection::vec(0usize..40, 1..5),
        pieces in pieces(),
        encoding in prop_oneof![Just(2), Just(8)],
    ) {
        let entries: Vec<i64> = (0..1i64 << width.min(12)).map(|i| i * 7 - 5).collect();
        let wanted: Vec<u64> = seeds
            .iter()
            .flat_map(|(seed, count)| vec![seed % entries.len() as u64; *count])
            .collect();
        let mut column = Column::<i64, Vec<u8>>::new(false);
        let dictionary = bytes_of(&entries);
        let header = page(&dictionary, DICTIONARY, entries.len(), 0);
        column.push(&header, &[], dictionary).unwrap();
        let mut bytes = vec![width as u8];
        bytes.extend(hybrid(&wanted, width, &cuts));
        column.push(&page(&bytes, V2, wanted.len(), encoding), &[], bytes).unwrap();
        let expected: Vec<i64> = wanted.iter().map(|at| entries[*at as usize]).collect();
        prop_assert_eq!(taken(&mut column, &pieces).unwrap(), expected);
    }

    #[test]
    fn differences_come_back(
        values in prop::collection::vec(numbers(), 1..400),
        minis in 1usize..5,
        mini_values in prop_oneof![Just(32usize), Just(64)],
        pieces in pieces(),
    ) {
        let mut column = Column::<i64, Vec<u8>>::new(false);
        let bytes = delta(&values, minis, mini_values);
        column.push(&page(&bytes, V1, values.len(), 5), &[], bytes).unwrap();
        prop_assert_eq!(taken(&mut column, &pieces).unwrap(), values);
    }

    #[test]
    fn small_steps_come_back_at_every_width(bits in 0u32..=63, count in 1usize..300) {
        let mask = ((1u64 << bits) - 1) as i64;
        let step = |i: usize| (i as i64).wrapping_mul(0x1234_5678_9abc_def1) & mask;
        let mut values = vec![5i64];
        for i in 0..count {
            values.push(values[i].wrapping_add(step(i)));
        }
        let mut column = Column::<i64, Vec<u8>>::new(false);
        let bytes = delta(&values, 4, 32);
        column.push(&page(&bytes, V2, values.len(), 5), &[], bytes).unwrap();
        prop_assert_eq!(taken(&mut column, &[17]).unwrap(), values);
    }

    #[test]
    fn a_page_cut_anywhere_is_refused(
        values in prop::collection::vec(numbers(), 2..100),
        keep in 0usize..1_000,
        encoding in prop_oneof![Just(0i64), Just(5)],
    ) {
        let whole = if encoding == 0 { bytes_of(&values) } else { delta(&values, 1, 32) };
        let bytes = whole[..keep % whole.len()].to_vec();
        let mut column = Column::<i64, Vec<u8>>::new(false);
        let read = column
            .push(&page(&bytes, V1, values.len(), encoding), &[], bytes)
            .and_then(|()| taken(&mut column, &[7]));
        // what is cut off may be nothing but zeros behind the last value
        prop_assert!(read.is_err() || (encoding == 5 && read == Ok(values)));
    }

    #[test]
    fn garbage_is_an_error_or_values_but_never_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        dictionary in prop::collection::vec(any::<u8>(), 0..100),
        values in 0usize..500,
        is_optional: bool,
        kind in prop_oneof![Just(PageKind::DataV1), Just(PageKind::DataV2)],
        encoding in prop::sample::select(vec![
            Encoding::Plain,
            Encoding::Dictionary,
            Encoding::Delta,
        ]),
    ) {
        let _ = PageHeader::read(&bytes);
        let at = |kind, len, values, encoding| PageHeader {
            kind,
            header_bytes: 0,
            stored_bytes: len,
            plain_bytes: len,
            levels_bytes: 0,
            values,
            encoding,
            is_compressed: false,
        };
        let mut column = Column::<u8, Vec<u8>>::new(is_optional);
        let (len, count) = (dictionary.len(), dictionary.len() / 4);
        let entries = at(PageKind::Dictionary, len, count, Encoding::Plain);
        let _ = column.push(&entries, &[], dictionary);
        let levels = bytes.clone();
        if column.push(&at(kind, bytes.len(), values, encoding), &levels, bytes).is_ok() {
            if let Ok(read) = taken(&mut column, &[13]) {
                prop_assert_eq!(read.len(), values);
            }
        }
    }

    #[test]
    fn every_byte_of_a_header_counts(cut in 0usize..20) {
        let written = header(0, 80, 80, 5, &[(1, 10), (2, 0), (3, 3), (4, 3)]);
        let cut = cut % written.len();
        prop_assert_eq!(PageHeader::read(&written[..cut]), Err(PageError::Truncated));
    }
}

#[test]
fn a_row_without_a_value_is_refused() {
    let values = bytes_of(&[1; 15]);
    for (present, refused) in [
        (vec![1; 15], false),
        (vec![1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], true),
    ] {
        let levels = hybrid(&present, 1, &[3]);
        let mut bytes = (levels.len() as u32).to_le_bytes().to_vec();
        bytes.extend(&levels);
        bytes.extend(&values);
        let mut column = Column::<i64, Vec<u8>>::new(true);
        let pushed = column.push(&page(&bytes, V1, 15, 0), &[], bytes);
        assert_eq!(
            pushed,
            if refused {
                Err(PageError::Null)
            } else {
                Ok(())
            }
        );
        let mut column = Column::<i64, Vec<u8>>::new(true);
        let pushed = column.push(&page(&values, V2, 15, 0), &levels, values.clone());
        assert_eq!(
            pushed,
            if refused {
                Err(PageError::Null)
            } else {
                Ok(())
            }
        );
    }
}

#[test]
fn an_entry_beyond_the_dictionary_is_refused() {
    let mut column = Column::<i64, Vec<u8>>::new(false);
    let entries = bytes_of(&[4, 5, 6]);
    column
        .push(&page(&entries, DICTIONARY, 3, 0), &[], entries)
        .unwrap();
    let bytes = [vec![2], hybrid(&[0, 1, 2, 3], 2, &[1])].concat();
    column.push(&page(&bytes, V2, 4, 8), &[], bytes).unwrap();
    let refused = column.take(4, &mut Vec::new());
    assert_eq!(refused, Err(PageError::Entry(3, 3)));
}

#[test]
fn a_value_that_is_no_byte_is_refused() {
    for (value, refused) in [(255i32, false), (256, true), (-1, true)] {
        let mut column = Column::<u8, Vec<u8>>::new(false);
        let bytes = value.to_le_bytes().to_vec();
        column.push(&page(&bytes, V2, 1, 0), &[], bytes).unwrap();
        assert_eq!(column.take(1, &mut Vec::new()).is_err(), refused);
    }
}

#[test]
fn values_and_dictionaries_come_in_order() {
    let mut column = Column::<i64, Vec<u8>>::new(false);
    assert_eq!(column.take(1, &mut Vec::new()), Err(PageError::Short));
    let entries = bytes_of(&[4]);
    let dictionary = page(&entries, DICTIONARY, 1, 2);
    column.push(&dictionary, &[], entries.clone()).unwrap();
    assert_eq!(
        column.push(&dictionary, &[], entries),
        Err(PageError::Dictionary)
    );
    let bytes = vec![0, 2 << 1];
    column
        .push(&page(&bytes, V1, 2, 2), &[], bytes.clone())
        .unwrap();
    assert_eq!(column.end_chunk(), Err(PageError::Short));
    assert_eq!(taken(&mut column, &[1]), Ok(vec![4, 4]));
    column.push(&page(&bytes, V1, 2, 2), &[], bytes).unwrap();
    // the dictionary was that of the chunk before
    assert_eq!(column.take(2, &mut Vec::new()), Err(PageError::Dictionary));
}

#[test]
fn encodings_of_other_types_and_pages_without_values_are_refused() {
    let read = |kind, encoding| PageHeader::read(&header(kind, 8, 8, 5, &[(1, 1), (2, encoding)]));
    assert_eq!(read(0, 6), Err(PageError::Encoding(6)));
    assert_eq!(read(0, 9), Err(PageError::Encoding(9)));
    assert_eq!(read(1, 0), Err(PageError::Kind(1)));
    assert_eq!(read(0, 0).unwrap().encoding, Encoding::Plain);
    let longer = header(3, 8, 8, 8, &[(1, 1), (4, 0), (5, 9)]);
    assert!(matches!(
        PageHeader::read(&longer),
        Err(PageError::Header(_))
    ));
    assert!(matches!(
        PageHeader::read(&header(0, 1 << 40, 8, 5, &[])),
        Err(PageError::Header(_))
    ));
}
