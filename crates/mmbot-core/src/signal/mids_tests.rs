//! The ring against a list of everything.

use super::mids::MidHistory;
use mmbot_types::{MidTick, TsNs};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Confirm { after_ns: i64, mid: i64 },
    Invalidate,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let confirm = |gap: std::ops::Range<i64>| {
        (gap, 1i64..6).prop_map(|(after_ns, mid)| Step::Confirm { after_ns, mid })
    };
    let step = prop_oneof![
        20 => confirm(0..400_000_000),
        2 => confirm(900_000_000..3_000_000_000),
        1 => Just(Step::Invalidate),
    ];
    prop::collection::vec(step, 1..200)
}

/// Every confirmation ever, and when validity ended.
#[derive(Default)]
struct Naive {
    /// Time and mid; `None` marks the end of validity.
    list: Vec<(i64, Option<i64>)>,
}

impl Naive {
    fn valid_before(&self, ts: i64) -> Option<i64> {
        let earlier = self.list.iter().filter(|entry| entry.0 < ts);
        earlier.filter_map(|entry| entry.1).next_back()
    }

    fn after_changes(&self, ts: i64, n: u32) -> Option<i64> {
        let mut held = self.valid_before(ts + 1);
        let mut changes = 0;
        for mid in self
            .list
            .iter()
            .filter(|entry| entry.0 > ts)
            .filter_map(|entry| entry.1)
        {
            if held.is_some_and(|held| held != mid) {
                changes += 1;
            }
            held = Some(mid);
            if changes == n {
                return held;
            }
        }
        None
    }

    fn fresh_at(&self, ts: i64) -> Option<i64> {
        let (at, mid) = self.list.iter().rfind(|entry| entry.0 <= ts)?;
        mid.filter(|_| ts - at <= 1_000_000_000)
    }
}

/// Takes `steps` from time `now` on; the time afterwards.
fn take(ring: &mut MidHistory, steps: &[Step], mut now: i64) -> i64 {
    for step in steps {
        match step {
            Step::Confirm { after_ns, mid } => {
                now += after_ns;
                ring.confirm(MidTick::new(*mid), TsNs::new(now));
            }
            Step::Invalidate => ring.invalidate(),
        }
    }
    now
}

proptest! {
    #[test]
    fn it_answers_as_a_list_of_everything(
        steps in steps(),
        asked in prop::collection::vec(0i64..40_000_000_000, 20),
    ) {
        let (mut ring, mut naive) = (MidHistory::new(3_600_000), Naive::default());
        let mut now = 0;
        for step in steps {
            match step {
                Step::Confirm { after_ns, mid } => {
                    now += after_ns;
                    ring.confirm(MidTick::new(mid), TsNs::new(now));
                    naive.list.retain(|entry| entry.0 != now || entry.1.is_none());
                    naive.list.push((now, Some(mid)));
                }
                Step::Invalidate => {
                    ring.invalidate();
                    naive.list.push((now + 1, None));
                    now += 1;
                }
            }
        }
        let edges = naive.list.iter().flat_map(|entry| [entry.0, entry.0 + 1]);
        for ts in asked.into_iter().chain(edges.collect::<Vec<_>>()) {
            let at = TsNs::new(ts);
            prop_assert_eq!(ring.before(at).map(MidTick::get), naive.valid_before(ts));
            prop_assert_eq!(ring.at(at).map(MidTick::get), naive.valid_before(ts + 1));
            for n in [1, 2, 5] {
                let mid = ring.after_changes(at, n).map(MidTick::get);
                prop_assert_eq!(mid, naive.after_changes(ts, n));
            }
            prop_assert_eq!(ring.fresh_at(at).map(MidTick::get), naive.fresh_at(ts));
        }
    }

    #[test]
    fn it_keeps_its_span_however_fast_changes_come(gap_ns in 1i64..3_000_000) {
        let mut ring = MidHistory::new(1_000);
        let changes = 20_000;
        for i in 0..changes {
            ring.confirm(MidTick::new(1_000_000 + i), TsNs::new(i * gap_ns));
        }
        let last = (changes - 1) * gap_ns;
        for back_ns in [0, 1_000, 500_000_000, 1_000_000_000] {
            let ts = last - back_ns;
            if ts > 0 {
                let expected = 1_000_000 + ts / gap_ns;
                prop_assert_eq!(ring.at(TsNs::new(ts)), Some(MidTick::new(expected)));
            }
        }
        prop_assert_eq!(ring.last(), Some(MidTick::new(1_000_000 + changes - 1)));
    }

    #[test]
    fn one_that_was_written_and_read_answers_like_the_first_within_its_span(
        before in steps(),
        after in steps(),
        asked in prop::collection::vec(0i64..3_000_000_000, 20),
    ) {
        let mut ring = MidHistory::new(3_000);
        let mut now = take(&mut ring, &before, 0);
        let bytes = postcard::to_allocvec(&ring).unwrap();
        let mut read: MidHistory = postcard::from_bytes(&bytes).unwrap();
        take(&mut read, &after, now);
        now = take(&mut ring, &after, now);
        for ts in asked.into_iter().map(|back_ns| TsNs::new(now - back_ns)) {
            prop_assert_eq!(ring.before(ts), read.before(ts));
            prop_assert_eq!(ring.fresh_at(ts), read.fresh_at(ts));
            prop_assert_eq!(ring.after_changes(ts, 2), read.after_changes(ts, 2));
        }
        prop_assert_eq!(ring.last(), read.last());
        prop_assert_eq!(postcard::to_allocvec(&ring), postcard::to_allocvec(&read));
    }
}

#[test]
fn it_is_empty_at_first_and_forgets_in_the_end() {
    let mut ring = MidHistory::new(0);
    assert_eq!(ring.at(TsNs::new(5)), None);
    assert_eq!(ring.last(), None);
    for i in 1..5_000 {
        ring.confirm(MidTick::new(i), TsNs::new(i * 1_000_000_000));
    }
    assert_eq!(ring.at(TsNs::new(5_000_000_000)), None, "long dropped");
    assert_eq!(ring.at(TsNs::NEVER), Some(MidTick::new(4_999)));
}

#[test]
fn venue_time_that_goes_back_keeps_the_order_of_arrival() {
    let mut ring = MidHistory::new(60_000);
    ring.confirm(MidTick::new(1), TsNs::new(10));
    ring.confirm(MidTick::new(2), TsNs::new(20));
    ring.confirm(MidTick::new(3), TsNs::new(15));
    assert_eq!(ring.at(TsNs::new(15)), Some(MidTick::new(1)));
    assert_eq!(ring.at(TsNs::new(20)), Some(MidTick::new(3)));
}
