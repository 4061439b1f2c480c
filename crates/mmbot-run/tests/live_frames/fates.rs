//! Frames that are lost, doubled, torn, late or garbled.

use crate::venue::{Levels, NAMES, accept, at, book, is_synced, replayed, send, session, snapshot};
use mmbot_types::journal::{Reader, Record};
use mmbot_types::{EventRow, RowKind};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What becomes of the frames of a stream on their way.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    Lost,
    Twice,
    Torn,
    /// Changes its place with the next one.
    Late,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::Arrives),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Twice),
        1 => Just(Fate::Torn),
        1 => Just(Fate::Late),
    ]
}

/// A naive book from the rows of a journal: none after a gap, until a snapshot.
fn naive(rows: &[EventRow]) -> Option<BTreeMap<(bool, i64), i64>> {
    let mut book = None;
    for row in rows {
        match row.kind {
            RowKind::Gap => book = None,
            RowKind::Reset => book = Some(BTreeMap::new()),
            RowKind::Depth => {
                let key = (row.side == mmbot_types::Side::Buy, row.px.get());
                if let Some(levels) = &mut book {
                    levels.insert(key, row.qty.get());
                }
            }
            RowKind::Trade => {}
        }
    }
    book.map(|mut levels: BTreeMap<_, _>| {
        levels.retain(|_, qty| *qty > 0);
        levels
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_book_is_the_venues_or_none(
        fates in prop::collection::vec(fate(), 1..120),
        seed in 0i64..1000,
    ) {
        let mut session = session();
        // the venue's own book, by update id
        let mut truth = BTreeMap::from([((true, 300_000), 2_000), ((false, 300_001), 3_000)]);
        let mut history = BTreeMap::from([(10, truth.clone())]);
        send(&mut session, &snapshot("BTCUSDT", 10, 0), 0);
        send(&mut session, &snapshot("ETHUSDT", 10, 0), 0);
        let mut frames = Vec::new();
        for (u, fate) in (11..).zip(&fates) {
            let (side, away) = ((u + seed) % 2 == 0, (u * 7 + seed) % 5);
            let px = if side { 300_000 - away } else { 300_001 + away };
            let qty = if away == 0 { 1_000 + u } else { (u * seed) % 4 * 1_000 };
            truth.insert((side, px), qty);
            let mut kept = truth.clone();
            kept.retain(|_, qty| *qty > 0);
            history.insert(u, kept);
            let price = format!("{}.{}", px / 10, px % 10);
            let size = format!("{}.{:03}", qty / 1000, qty % 1000);
            let level: Levels<'_> = &[(price.as_str(), size.as_str())];
            let none: Levels<'_> = &[];
            let (bids, asks) = if side { (level, none) } else { (none, level) };
            frames.push((u, book("BTCUSDT", "delta", u, bids, asks, u), *fate));
        }
        let mut at = 0;
        while at + 1 < frames.len() {
            if matches!(frames[at].2, Fate::Late) {
                frames.swap(at, at + 1);
                at += 1;
            }
            at += 1;
        }
        let (mut applied, mut usable) = (10, true);
        for (n, (u, frame, fate)) in frames.iter().enumerate() {
            let ms = 100 + n as i64;
            let times = match fate {
                Fate::Lost => 0,
                Fate::Twice => 2,
                Fate::Arrives | Fate::Torn | Fate::Late => 1,
            };
            let torn = matches!(fate, Fate::Torn);
            let bytes = if torn { &frame[..frame.len() - 20] } else { &frame[..] };
            for _ in 0..times {
                send(&mut session, bytes, ms);
                let next = *u == applied + 1;
                usable &= !torn && (next || *u <= applied);
                if usable && next {
                    applied = *u;
                }
                prop_assert_eq!(is_synced(&session, 0), usable);
            }
        }
        prop_assert!(is_synced(&session, 1));
        let bytes = session.take_journal(<[u8]>::to_vec).unwrap();
        let mut rows = Vec::new();
        for entry in Reader::new(&bytes) {
            match entry.unwrap().record {
                Record::MarketRows { instrument, rows: more } if instrument.0 == 0 => {
                    rows.extend(more);
                }
                _ => {}
            }
        }
        prop_assert_eq!(naive(&rows), usable.then(|| history[&applied].clone()));
    }

    #[test]
    fn whatever_bytes_come_the_session_goes_on_and_its_journal_replays(
        damage in prop::collection::vec((0usize..60, 0usize..200, any::<u8>()), 0..60),
    ) {
        let mut session = session();
        for n in 0..60i64 {
            let (name, kind) = (NAMES[n as usize % 2], if n < 2 { "snapshot" } else { "delta" });
            let whole: Levels<'_> = &[("30000.0", "2")];
            let mut frame = book(name, kind, 10 + n / 2, whole, &[("30000.1", "2")], n * 40);
            for (at, offset, byte) in &damage {
                if *at as i64 == n
                    && let Some(hit) = frame.get_mut(*offset)
                {
                    *hit = *byte;
                }
            }
            let requests = send(&mut session, &frame, n * 40);
            accept(&mut session, &requests, n * 40 + 1);
        }
        session.end(at(10_000), "done");
        let bytes = session.take_journal(<[u8]>::to_vec).unwrap();
        let outcome = replayed(&bytes);
        prop_assert_eq!(outcome.difference, None);
        prop_assert_eq!(outcome.hash, session.engine().state_hash());
    }
}
