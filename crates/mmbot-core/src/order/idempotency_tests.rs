//! The filter: each rule, the form of its keys, and a list of keys as its naive twin.

use super::idempotency::{IDEMPOTENCY_TTL_MS, IdempotencyFilter, IdempotencyKey, KEYS_MAX};
use mmbot_types::{Cid, Op, PriceTick, QtyLot, Side, TsNs};
use proptest::prelude::*;

fn ms(ms: i64) -> TsNs {
    TsNs::new(1_700_000_000_000_000_000).plus_ms(ms)
}

fn place(cid: u64, px: i64) -> IdempotencyKey {
    IdempotencyKey::Place {
        side: Side::Buy,
        px: PriceTick::new(px),
        qty: QtyLot::new(5),
        cid: Cid::new(cid),
    }
}

fn replace(cid: u64, px: i64) -> IdempotencyKey {
    IdempotencyKey::Replace {
        cid: Cid::new(cid),
        px: PriceTick::new(px),
        qty: QtyLot::new(5),
    }
}

fn cancel(cid: u64) -> IdempotencyKey {
    IdempotencyKey::Cancel { cid: Cid::new(cid) }
}

fn filter() -> IdempotencyFilter {
    IdempotencyFilter::new(IDEMPOTENCY_TTL_MS)
}

/// spec: 02-5.6
#[test]
fn a_key_is_remembered_for_its_time_to_live() {
    for (age_ms, seen) in [(0, true), (4999, true), (5000, false), (60_000, false)] {
        for key in [place(1, 7), replace(1, 7), cancel(1)] {
            let mut filter = filter();
            assert!(!filter.seen(&key, ms(0)));
            filter.remember(&key, ms(0));
            assert_eq!(filter.seen(&key, ms(age_ms)), seen, "{key:?} {age_ms}");
        }
    }
}

/// spec: 02-5.6 02-D20
#[test]
fn any_other_content_is_another_request() {
    let (side, px, qty, cid) = (Side::Buy, PriceTick::new(7), QtyLot::new(5), Cid::new(1));
    let key = IdempotencyKey::Place { side, px, qty, cid };
    let others = [
        IdempotencyKey::Place {
            side: Side::Sell,
            px,
            qty,
            cid,
        },
        IdempotencyKey::Place {
            side,
            px: PriceTick::new(8),
            qty,
            cid,
        },
        IdempotencyKey::Place {
            side,
            px,
            qty: QtyLot::new(6),
            cid,
        },
        IdempotencyKey::Place {
            side,
            px,
            qty,
            cid: Cid::new(2),
        },
        IdempotencyKey::Replace { cid, px, qty },
        IdempotencyKey::Cancel { cid },
    ];
    let mut filter = filter();
    filter.remember(&key, ms(0));
    for other in others {
        assert!(!filter.seen(&other, ms(0)), "{other:?}");
    }
    assert!(filter.seen(&key, ms(0)));
}

/// spec: 02-5.6
#[test]
fn hits_are_counted_by_operation() {
    let mut filter = filter();
    for (key, times) in [(place(1, 7), 1), (replace(1, 7), 2), (cancel(1), 3)] {
        filter.seen(&key, ms(0));
        filter.remember(&key, ms(0));
        for _ in 0..times {
            assert!(filter.seen(&key, ms(1)));
        }
    }
    let names = Op::ALL.map(IdempotencyKey::op_name);
    assert_eq!(names, ["place", "replace", "cancel"]);
    assert_eq!(Op::ALL.map(|op| filter.hits(op)), [1, 2, 3]);
}

/// spec: 02-5.6
#[test]
fn a_failed_send_forgets_its_key() {
    let mut filter = filter();
    filter.remember(&place(1, 7), ms(0));
    filter.remember(&place(2, 7), ms(0));
    filter.seen(&cancel(9), ms(5001));
    filter.remember(&place(3, 7), ms(5001));
    filter.forget(&place(3, 7));
    filter.forget(&place(4, 7));
    assert!(!filter.seen(&place(3, 7), ms(5002)));
    filter.remember(&place(3, 7), ms(5002));
    assert!(filter.seen(&place(3, 7), ms(5002)));
}

/// spec: 02-5.6 02-D20
#[test]
fn keys_have_the_text_form_that_instances_share() {
    let text = |key: IdempotencyKey| {
        let mut text = String::new();
        key.write_text(&mut text, "BTCUSDT", "mm1a2b00000001-z")
            .unwrap();
        text
    };
    assert_eq!(text(place(35, -7)), "pl:BTCUSDT:buy:-7:5:mm1a2b00000001-z");
    assert_eq!(text(replace(35, 123_456)), "rp:mm1a2b00000001-z:123456:5");
    assert_eq!(text(cancel(35)), "cl:mm1a2b00000001-z");
}

#[test]
fn more_keys_than_the_bound_drop_the_oldest_and_are_counted() {
    let mut filter = filter();
    let all = 2 * KEYS_MAX as u64 + 1;
    for cid in 0..all {
        filter.remember(&cancel(cid), ms(0));
    }
    assert_eq!(filter.dropped(), KEYS_MAX as u64);
    let seen: Vec<bool> = (0..all)
        .map(|cid| filter.seen(&cancel(cid), ms(1)))
        .collect();
    assert!(seen[..KEYS_MAX].iter().all(|seen| !seen));
    assert!(seen[KEYS_MAX..].iter().all(|seen| *seen));
    filter.clear();
    assert!(!filter.seen(&cancel(all - 1), ms(1)));
}

/// spec: 01-5
#[test]
fn another_time_to_live_holds_for_the_keys_it_has() {
    let mut filter = filter();
    filter.remember(&cancel(1), ms(0));
    filter.set_ttl_ms(1000);
    assert!(!filter.seen(&cancel(1), ms(1000)));
    filter.remember(&cancel(2), ms(1000));
    filter.set_ttl_ms(9000);
    assert!(filter.seen(&cancel(2), ms(9999)));
}

#[test]
fn nothing_is_remembered_for_no_time() {
    let mut filter = IdempotencyFilter::new(0);
    filter.remember(&cancel(1), ms(0));
    assert!(!filter.seen(&cancel(1), ms(0)));
}

#[derive(Debug, Clone)]
enum Step {
    Send(IdempotencyKey),
    Forget(IdempotencyKey),
    Clear,
}

fn key() -> impl Strategy<Value = IdempotencyKey> {
    prop_oneof![
        (0u64..40, 0i64..3).prop_map(|(cid, px)| place(cid, px)),
        (0u64..40, 0i64..3).prop_map(|(cid, px)| replace(cid, px)),
        (0u64..40).prop_map(cancel),
    ]
}

proptest! {
    /// spec: 02-5.6
    #[test]
    fn the_filter_equals_a_list_of_keys_with_times(
        steps in prop::collection::vec((-20i64..60, prop_oneof![
            20 => key().prop_map(Step::Send),
            3 => key().prop_map(Step::Forget),
            1 => Just(Step::Clear),
        ]), 1..500),
        ttl_ms in 1i64..4000,
    ) {
        let mut filter = IdempotencyFilter::new(ttl_ms);
        let (mut clock, mut now) = (0, i64::MIN);
        let (mut list, mut hits) = (Vec::<(IdempotencyKey, i64)>::new(), 0);
        for (step, event) in steps {
            clock += step;
            match event {
                Step::Send(key) => {
                    now = now.max(clock);
                    let seen = list.iter().any(|(k, at)| *k == key && now - at < ttl_ms);
                    prop_assert_eq!(filter.seen(&key, ms(clock)), seen);
                    hits += u64::from(seen);
                    if !seen {
                        filter.remember(&key, ms(clock));
                        list.push((key, now));
                    }
                }
                Step::Forget(key) => {
                    filter.forget(&key);
                    list.retain(|(k, _)| *k != key);
                }
                Step::Clear => {
                    filter.clear();
                    list.clear();
                }
            }
        }
        prop_assert_eq!(Op::ALL.map(|op| filter.hits(op)).iter().sum::<u64>(), hits);
        prop_assert_eq!(filter.dropped(), 0);
    }
}
