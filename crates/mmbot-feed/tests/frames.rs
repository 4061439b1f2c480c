//! Packed frames come back byte for byte, whatever they are; damaged blocks are an error value.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mmbot_feed::frames::{Frames, PackError, UnpackError, pack, unpack};
use proptest::prelude::*;

fn packed(frames: &Frames) -> Vec<u8> {
    pack(&frames.bytes, &frames.lens, &frames.times, &frames.tags).unwrap()
}

fn frames_of(texts: &[Vec<u8>], times: &[i64], tags: &[u32]) -> Frames {
    Frames {
        bytes: texts.concat(),
        lens: texts.iter().map(|text| text.len() as u32).collect(),
        times: times[..texts.len()].to_vec(),
        tags: tags[..texts.len()].to_vec(),
    }
}

fn assert_comes_back(frames: &Frames) {
    let block = packed(frames);
    assert_eq!(unpack(&block, frames.bytes.len()).unwrap(), *frames);
}

/// Texts like those of a venue: keys, prices with changing ends, zeros in front, words with digits.
fn venue_text() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        (0_u64..100_000, 0_usize..6).prop_map(|(value, places)| format!(
            "{:.*}",
            places,
            value as f64 / 97.0
        )),
        any::<u64>().prop_map(|value| value.to_string()),
        (0_u64..1000).prop_map(|value| format!("{value:06}")),
        (0_u64..10_000).prop_map(|value| format!("{}", value as f64 / 100.0)),
        "[0-9]{1,20}(\\.[0-9]{0,20})?",
    ];
    let piece = prop_oneof![
        Just("\",\"".to_owned()),
        Just("\"],[\"".to_owned()),
        Just("{\"ts\":".to_owned()),
        Just("-".to_owned()),
        "[a-zA-Z0-9_.:]{0,6}",
    ];
    prop::collection::vec((piece, number), 0..30).prop_map(|parts| {
        parts
            .into_iter()
            .map(|(piece, number)| piece + &number)
            .collect::<String>()
            .into_bytes()
    })
}

proptest! {
    /// spec: 01-9.1
    #[test]
    fn any_bytes_come_back(
        texts in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            venue_text(),
        ], 0..40),
        times in prop::collection::vec(any::<i64>(), 40),
        tags in prop::collection::vec(any::<u32>(), 40),
    ) {
        assert_comes_back(&frames_of(&texts, &times, &tags));
    }

    #[test]
    fn damaged_blocks_are_errors_or_other_frames_but_never_more_than_allowed(
        texts in prop::collection::vec(venue_text(), 1..10),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        cut in any::<prop::sample::Index>(),
    ) {
        let frames = frames_of(&texts, &[0; 10], &[0; 10]);
        let mut block = packed(&frames);
        let limit = frames.bytes.len();
        prop_assert!(unpack(&block[..cut.index(block.len())], limit).is_err());
        let at = at.index(block.len());
        block[at] ^= 1 << bit;
        if let Ok(found) = unpack(&block, limit) {
            prop_assert!(found.bytes.len() <= limit);
        }
    }

    #[test]
    fn garbage_is_refused_or_bounded(block in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(found) = unpack(&block, 1000) {
            prop_assert!(found.bytes.len() <= 1000);
        }
    }
}

#[test]
fn no_frame_and_empty_frames_come_back() {
    assert_comes_back(&Frames::default());
    assert_comes_back(&frames_of(
        &vec![Vec::new(); 3],
        &[5, 4, i64::MIN],
        &[0, 1, u32::MAX],
    ));
}

#[test]
fn more_pieces_than_the_table_holds_come_back() {
    let texts: Vec<Vec<u8>> = (0..10_000_u32)
        .map(|n| format!("{{\"id\":\"x{n}y\",\"n\":{n}}}").into_bytes())
        .collect();
    assert_comes_back(&frames_of(&texts, &[7; 10_000], &[0; 10_000]));
}

#[test]
fn frames_longer_than_stated_are_refused() {
    let frames = frames_of(&[b"{\"a\":12}".to_vec()], &[1], &[0]);
    let block = packed(&frames);
    assert_eq!(
        unpack(&block, frames.bytes.len() - 1),
        Err(UnpackError::TooLong)
    );
    let mut longer = block;
    longer.push(0);
    assert_eq!(unpack(&longer, 100), Err(UnpackError::Trailing));
}

#[test]
fn lengths_that_do_not_add_up_are_refused() {
    assert_eq!(pack(b"ab", &[1], &[0], &[0]), Err(PackError::Shape));
    assert_eq!(pack(b"ab", &[2], &[], &[0]), Err(PackError::Shape));
    assert_eq!(pack(b"ab", &[2], &[0], &[]), Err(PackError::Shape));
}

#[test]
fn books_take_a_fraction_of_their_text() {
    let mut texts = Vec::new();
    for n in 0..2000_u64 {
        let levels: Vec<String> = (0..20)
            .map(|level| {
                format!(
                    "[\"{}.{:02}\",\"{}.{:03}\"]",
                    60_000 + n % 7 + level,
                    n % 100,
                    n % 5,
                    n * 37 % 1000
                )
            })
            .collect();
        texts.push(
            format!(
                "{{\"ts\":{},\"u\":{n},\"b\":[{}]}}",
                1_700_000_000_000 + n * 20,
                levels.join(",")
            )
            .into_bytes(),
        );
    }
    let frames = frames_of(&texts, &vec![0; 2000], &vec![0; 2000]);
    assert!(packed(&frames).len() * 3 < frames.bytes.len());
    assert_comes_back(&frames);
}
