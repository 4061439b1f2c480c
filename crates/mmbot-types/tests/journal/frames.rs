//! Many frames: every place to cut, every byte to damage.

use crate::arbitrary::{framed, record};
use mmbot_types::TsNs;
use mmbot_types::journal::{Entry, Fault, JournalError, Reader, Record, Tail, Writer};
use proptest::prelude::*;

/// What a file gives: its entries, and how it ends.
fn read(bytes: &[u8]) -> (Vec<Entry>, Result<Tail, JournalError>) {
    let mut reader = Reader::new(bytes);
    let mut entries = Vec::new();
    loop {
        match reader.next_entry() {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => return (entries, reader.tail()),
            Err(error) => return (entries, Err(error)),
        }
    }
}

fn notes(count: usize) -> Vec<Record> {
    let text = |i: usize| "note ".repeat(i % 7);
    (0..count)
        .map(|i| Record::Note {
            ts: TsNs::new(i as i64),
            text: text(i),
        })
        .collect()
}

/// The entries of `records`, as debug text: NaN is not equal to itself.
fn expected(records: &[Record], first_seq: u64) -> Vec<String> {
    (first_seq..)
        .zip(records)
        .map(|(seq, record)| {
            let record = record.clone();
            format!("{:?}", Entry { seq, record })
        })
        .collect()
}

fn shown(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| format!("{entry:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// spec: 08-5.4
    #[test]
    fn a_cut_leaves_the_whole_frames_before_it_and_a_torn_tail(
        records in prop::collection::vec(record(), 1..6), first_seq in 0u64..1_000,
    ) {
        let (bytes, starts) = framed(&records, first_seq);
        let whole = expected(&records, first_seq);
        for cut in 0..=bytes.len() {
            let (entries, tail) = read(&bytes[..cut]);
            let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
            let kept = ends.filter(|end| *end <= cut).count();
            prop_assert_eq!(&shown(&entries), &whole[..kept]);
            let start = starts.get(kept).copied().unwrap_or(bytes.len());
            let torn = Tail::Torn { at: start as u64 };
            prop_assert_eq!(tail, Ok(if cut == start { Tail::Clean } else { torn }));
        }
    }

    /// spec: 08-5.4
    #[test]
    fn a_damaged_byte_is_found_and_nothing_after_it_is_believed(
        records in prop::collection::vec(record(), 1..5), mask in 1u8..,
    ) {
        let (mut bytes, starts) = framed(&records, 3);
        let whole = expected(&records, 3);
        for at in 0..bytes.len() {
            bytes[at] ^= mask;
            let (entries, tail) = read(&bytes);
            let damaged = starts.iter().rposition(|start| *start <= at).unwrap();
            // the first number of a file may be any, so the checksum must find it there, too
            prop_assert_eq!(&shown(&entries), &whole[..damaged]);
            prop_assert_eq!(tail.unwrap_err().offset, starts[damaged] as u64);
            bytes[at] ^= mask;
        }
    }

    /// spec: 08-5.4
    #[test]
    fn a_damaged_length_is_found_even_before_a_torn_tail(
        cut in 1usize..40, byte in 0usize..4, mask in 1u8..,
    ) {
        let (bytes, starts) = framed(&notes(6), 0);
        let end = (starts[5] + cut).min(bytes.len() - 1);
        for start in &starts[..5] {
            let mut damaged = bytes[..end].to_vec();
            damaged[start + byte] ^= mask;
            let (_, tail) = read(&damaged);
            prop_assert_eq!(tail.unwrap_err().offset, *start as u64);
        }
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let (entries, tail) = read(&bytes);
        prop_assert!(entries.is_empty());
        prop_assert_eq!(bytes.is_empty(), tail == Ok(Tail::Clean));
    }

    #[test]
    fn blocks_of_any_size_give_the_same_entries(
        records in prop::collection::vec(record(), 1..8), size in 1usize..400,
    ) {
        let (bytes, _) = framed(&records, 0);
        let (mut held, mut base, mut next_seq) = (Vec::new(), 0u64, Some(0));
        let mut entries = Vec::new();
        for block in bytes.chunks(size) {
            held.extend_from_slice(block);
            let mut reader = Reader::resume(&held, base, next_seq);
            while let Some(entry) = reader.next_entry().unwrap() {
                entries.push(entry);
            }
            let read = (reader.offset() - base) as usize;
            (base, next_seq) = (reader.offset(), reader.next_seq());
            held.drain(..read);
        }
        prop_assert!(held.is_empty());
        prop_assert_eq!(shown(&entries), expected(&records, 0));
    }
}

/// spec: 08-5.4
#[test]
fn a_missing_or_repeated_frame_is_found() {
    let (bytes, starts) = framed(&notes(4), 0);
    let frame = |i: usize| &bytes[starts[i]..starts.get(i + 1).copied().unwrap_or(bytes.len())];
    for (order, seen, found) in [
        (vec![0, 2, 3], 1, 2),
        (vec![0, 1, 1, 2], 2, 1),
        (vec![0, 1, 3], 2, 3),
        (vec![0, 2, 1], 1, 2),
    ] {
        let joined: Vec<u8> = order.iter().flat_map(|i| frame(*i)).copied().collect();
        let (entries, tail) = read(&joined);
        assert_eq!(entries.len(), seen);
        let expected = seen as u64;
        assert_eq!(tail.unwrap_err().what, Fault::Sequence { expected, found });
    }
}

#[test]
fn a_segment_must_go_on_where_the_one_before_ended() {
    let (bytes, _) = framed(&notes(2), 7);
    assert!(Reader::resume(&bytes, 0, Some(7)).next_frame().is_ok());
    let error = Reader::resume(&bytes, 0, Some(6)).next_frame().unwrap_err();
    let (expected, found) = (6, 7);
    assert_eq!(error.what, Fault::Sequence { expected, found });
}

/// spec: 08-5.4
#[test]
fn zeros_that_a_power_failure_leaves_are_a_torn_tail() {
    let (bytes, _) = framed(&notes(3), 0);
    for zeros in [1, 7, 8, 17, 4096] {
        let mut padded = bytes.clone();
        padded.resize(bytes.len() + zeros, 0);
        let (entries, tail) = read(&padded);
        assert_eq!(entries.len(), 3);
        let at = bytes.len() as u64;
        assert_eq!(tail, Ok(Tail::Torn { at }));
        padded.push(1);
        assert!(zeros < 4 || read(&padded).1.is_err());
    }
}

#[test]
fn a_length_out_of_range_is_damage_at_once() {
    for length in [0u32, 1, 8, (4 << 20) + 1, u32::MAX] {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[1; 20]);
        let error = Reader::new(&bytes).next_frame().unwrap_err();
        assert_eq!((error.offset, error.what), (0, Fault::Length(length)));
    }
}

#[test]
fn a_whole_frame_with_an_unreadable_record_names_the_byte() {
    // a frame around kind 200: the checksum holds, the kind is of some later version
    let mut sealed = 0u64.to_le_bytes().to_vec();
    sealed.push(200);
    let mut bytes = (sealed.len() as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&crc32c::crc32c(&sealed).to_le_bytes());
    bytes.extend_from_slice(&sealed);
    let mut reader = Reader::new(&bytes);
    let error = reader.next_entry().unwrap_err();
    assert_eq!((error.offset, error.what), (16, Fault::Kind(200)));
    assert_eq!(reader.next_entry().unwrap_err(), error, "an error stays");
    assert!(reader.next_frame().unwrap().is_some());
}

#[test]
fn a_writer_goes_on_with_the_number_it_is_given() {
    let mut writer = Writer::new(41);
    assert_eq!(writer.append(&notes(1)[0]).unwrap(), 41);
    let first = writer.take();
    assert!(writer.pending().is_empty());
    assert_eq!(writer.append(&notes(1)[0]).unwrap(), 42);
    let joined = [first, writer.pending().to_vec()].concat();
    writer.clear();
    assert_eq!(writer.next_seq(), 43);
    let seqs: Vec<u64> = Reader::new(&joined)
        .map(|entry| entry.unwrap().seq)
        .collect();
    assert_eq!(seqs, [41, 42]);
}
