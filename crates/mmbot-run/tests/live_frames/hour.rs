//! An hour of market time in which one book change in a thousand is lost, doubled or swapped.

use crate::venue::{accept, at, book, counts, is_synced, quoting, send};
use mmbot_run::LiveSession;
use mmbot_types::{InstrumentIdx, Side, StreamRng};
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;
const EVERY_MS: i64 = 20;
/// Time from a request for a snapshot to its arrival, ms.
const ANSWER_MS: i64 = 120;
/// One change in so many is damaged.
const DAMAGED: u64 = 1000;
const LEVELS: i64 = 5;

type Levels = BTreeMap<(bool, i64), i64>;

/// The venue's own book: five levels a side around a middle that walks.
struct Venue {
    rng: StreamRng,
    middle: i64,
    levels: Levels,
    u: i64,
}

impl Venue {
    fn new() -> Self {
        let mut venue = Self {
            rng: StreamRng::new(9, "hour"),
            middle: 300_000,
            levels: Levels::new(),
            u: 100,
        };
        venue.levels = venue.wanted();
        venue
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.rng.below(below)
    }

    fn wanted(&mut self) -> Levels {
        let mut levels = Levels::new();
        for away in 0..LEVELS {
            let sizes = [self.draw(900), self.draw(900)].map(|size| 1_000 + size as i64);
            levels.insert((true, self.middle - away), sizes[0]);
            levels.insert((false, self.middle + 1 + away), sizes[1]);
        }
        levels
    }

    /// The next change of the book, as a frame.
    fn step(&mut self, name: &str, ms: i64) -> Vec<u8> {
        self.middle += self.draw(3) as i64 - 1;
        let wanted = self.wanted();
        let mut changes: Levels = self.levels.keys().map(|key| (*key, 0)).collect();
        changes.retain(|key, _| !wanted.contains_key(key));
        changes.extend(wanted.iter().map(|(key, size)| (*key, *size)));
        self.levels = wanted;
        self.u += 1;
        frame(name, "delta", self.u, &changes, ms)
    }

    fn snapshot(&self, name: &str, ms: i64) -> Vec<u8> {
        frame(name, "snapshot", self.u, &self.levels, ms)
    }
}

fn frame(name: &str, kind: &str, u: i64, levels: &Levels, ms: i64) -> Vec<u8> {
    let texts: Vec<(bool, String, String)> = levels
        .iter()
        .map(|((bid, px), qty)| {
            let price = format!("{}.{}", px / 10, px % 10);
            (*bid, price, format!("{}.{:03}", qty / 1000, qty % 1000))
        })
        .collect();
    let side = |wanted: bool| -> Vec<(&str, &str)> {
        let own = texts.iter().filter(|(bid, _, _)| *bid == wanted);
        own.map(|(_, px, qty)| (px.as_str(), qty.as_str()))
            .collect()
    };
    book(name, kind, u, &side(true), &side(false), ms)
}

fn seen(session: &LiveSession, symbol: u16) -> Levels {
    let market = session.engine().market(InstrumentIdx(symbol)).unwrap();
    let sides = Side::BOTH.into_iter().flat_map(|side| {
        let levels = market.book().levels(side);
        levels.map(move |(px, qty)| ((side == Side::Buy, px.get()), qty.get()))
    });
    sides.collect()
}

/// One frame of both; nothing that is traded on may be crossed.
fn give(session: &mut LiveSession, frame: &[u8], ms: i64) {
    let requests = send(session, frame, ms);
    accept(session, &requests, ms);
    for symbol in 0..2 {
        let market = session.engine().market(InstrumentIdx(symbol)).unwrap();
        assert!(!(market.is_synced() && market.book().is_crossed()));
    }
}

#[test]
fn an_hour_with_a_thousandth_of_the_changes_damaged_leaves_the_venues_book_or_none() {
    let mut session = quoting();
    let (mut bad, mut good) = (Venue::new(), Venue::new());
    let begin = 1_000;
    give(&mut session, &bad.snapshot("BTCUSDT", begin), begin);
    give(&mut session, &good.snapshot("ETHUSDT", begin), begin);
    let (mut held, mut answer): (Option<Vec<u8>>, Option<i64>) = (None, None);
    let (mut damage, mut unusable, mut was_lost) = ([0u32; 3], 0, false);
    for ms in (begin + EVERY_MS..begin + HOUR_MS).step_by(EVERY_MS as usize) {
        give(&mut session, &good.step("ETHUSDT", ms), ms);
        assert!(is_synced(&session, 1), "the other symbol goes on");
        let frame = bad.step("BTCUSDT", ms);
        let usable = is_synced(&session, 0);
        // only what can be found is damaged: a usable book, and the message before came whole
        let fate = if usable && held.is_none() && !was_lost {
            bad.draw(DAMAGED)
        } else {
            DAMAGED
        };
        let lost = std::mem::replace(&mut was_lost, fate == 0);
        match fate {
            0 => damage[0] += 1,
            1 => held = Some(frame),
            _ => {
                give(&mut session, &frame, ms);
                assert!(
                    !(lost && is_synced(&session, 0)),
                    "found at the next message"
                );
                if fate == 2 {
                    damage[2] += 1;
                    give(&mut session, &frame, ms);
                }
                if let Some(late) = held.take() {
                    damage[1] += 1;
                    assert!(!is_synced(&session, 0), "found at the next message");
                    give(&mut session, &late, ms);
                }
            }
        }
        if is_synced(&session, 0) && fate > 1 {
            assert_eq!(seen(&session, 0), bad.levels);
        }
        session.take_journal(|_| ()).unwrap();
        unusable += u32::from(!is_synced(&session, 0));
        if !session.take_resubscribes().is_empty() {
            answer = Some(ms + ANSWER_MS);
        }
        if answer.is_some_and(|due| due <= ms) {
            answer = None;
            give(&mut session, &bad.snapshot("BTCUSDT", ms), ms);
            assert_eq!(seen(&session, 0), bad.levels);
        }
    }
    assert!(damage.iter().all(|times| *times > 50), "{damage:?}");
    let found = counts(&session);
    // that of the last message is found after the hour
    let lost = u64::from(damage[0] + damage[1]);
    assert!((lost - 1..=lost).contains(&found.gaps), "{found:?}");
    assert!(found.duplicates >= u64::from(damage[2]));
    assert_eq!(seen(&session, 1), good.levels);
    assert!(unusable < 20 * (damage[0] + damage[1]), "{unusable}");
    assert!(session.now() >= at(HOUR_MS));
}
