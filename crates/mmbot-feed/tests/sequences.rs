//! The sequence state machine over its whole grid: every rule, every state, every kind of message.

use mmbot_feed::{BookState, Rule, Sequence, UpdateIds, Verdict};

/// Ids as (first, last, prev).
const fn ids(first: Option<i64>, last: Option<i64>, prev: Option<i64>) -> UpdateIds {
    UpdateIds {
        first,
        last,
        prev,
        seq: None,
    }
}

const fn bybit(u: i64) -> UpdateIds {
    ids(None, Some(u), None)
}
const fn futures(first: i64, last: i64, prev: i64) -> UpdateIds {
    ids(Some(first), Some(last), Some(prev))
}
const fn spot(first: i64, last: i64) -> UpdateIds {
    ids(Some(first), Some(last), None)
}
const fn okx(prev: i64, last: i64) -> UpdateIds {
    ids(None, Some(last), Some(prev))
}
const NONE: UpdateIds = ids(None, None, None);

/// How a machine comes into each state; id 100 stands in the numbered ones.
fn machine(rule: Rule, state: &str) -> Sequence {
    let mut sequence = Sequence::new(rule);
    let start = match state {
        "okx without ids" => NONE,
        _ => bybit(100),
    };
    if state == "empty" {
        return sequence;
    }
    assert_eq!(sequence.on(&start, true), Verdict::Reset);
    match (rule, state) {
        (_, "desynced") => assert!(sequence.desync()),
        (Rule::Binance, "synced") => {
            assert_eq!(sequence.on(&futures(90, 100, 80), false), Verdict::Apply);
        }
        _ => {}
    }
    sequence
}

type Row = (
    &'static str,
    Rule,
    &'static str,
    UpdateIds,
    bool,
    Verdict,
    BookState,
);

use BookState::{Desynced, Empty, Synced};
use Rule::{Binance, Bybit, Okx, Unnumbered};
use Verdict::{Apply, Duplicate, Gap, NeedSnapshot, Reset};

#[rustfmt::skip]
const TABLE: [Row; 48] = [
    ("bybit empty delta", Bybit, "empty", bybit(7), false, NeedSnapshot, Empty),
    ("bybit empty snapshot", Bybit, "empty", bybit(7), true, Reset, Synced),
    ("bybit empty restart", Bybit, "empty", bybit(1), false, Reset, Synced),
    ("bybit desynced delta", Bybit, "desynced", bybit(101), false, NeedSnapshot, Desynced),
    ("bybit desynced snapshot", Bybit, "desynced", bybit(9), true, Reset, Synced),
    ("bybit desynced restart", Bybit, "desynced", bybit(1), false, Reset, Synced),
    ("bybit next", Bybit, "synced", bybit(101), false, Apply, Synced),
    ("bybit same", Bybit, "synced", bybit(100), false, Duplicate, Synced),
    ("bybit older", Bybit, "synced", bybit(42), false, Duplicate, Synced),
    ("bybit skipped one", Bybit, "synced", bybit(102), false, Gap, Desynced),
    ("bybit restart", Bybit, "synced", bybit(1), false, Reset, Synced),
    ("bybit snapshot with older id", Bybit, "synced", bybit(5), true, Reset, Synced),
    ("bybit without id", Bybit, "synced", NONE, false, Gap, Desynced),

    ("binance empty diff", Binance, "empty", futures(1, 2, 0), false, NeedSnapshot, Empty),
    ("binance empty rest", Binance, "empty", bybit(100), true, Reset, Synced),
    ("binance desynced", Binance, "desynced", futures(3, 4, 2), false, NeedSnapshot, Desynced),
    ("binance desynced rest", Binance, "desynced", bybit(100), true, Reset, Synced),
    ("join futures, before", Binance, "joining", futures(80, 99, 79), false, Duplicate, Synced),
    ("join futures, ends at id", Binance, "joining", futures(90, 100, 89), false, Apply, Synced),
    ("join futures, spans", Binance, "joining", futures(95, 105, 94), false, Apply, Synced),
    ("join futures, follows", Binance, "joining", futures(103, 105, 100), false, Apply, Synced),
    ("join futures, too late", Binance, "joining", futures(103, 105, 101), false, Gap, Desynced),
    ("join spot, before", Binance, "joining", spot(90, 100), false, Duplicate, Synced),
    ("join spot, spans", Binance, "joining", spot(95, 105), false, Apply, Synced),
    ("join spot, follows at once", Binance, "joining", spot(101, 105), false, Apply, Synced),
    ("join spot, too late", Binance, "joining", spot(102, 105), false, Gap, Desynced),
    ("futures next", Binance, "synced", futures(110, 120, 100), false, Apply, Synced),
    ("futures same", Binance, "synced", futures(90, 100, 80), false, Duplicate, Synced),
    ("futures skipped", Binance, "synced", futures(110, 120, 105), false, Gap, Desynced),
    ("futures without U", Binance, "synced", bybit(101), false, Gap, Desynced),
    ("spot next", Binance, "synced", spot(101, 120), false, Apply, Synced),
    ("spot older", Binance, "synced", spot(80, 100), false, Duplicate, Synced),
    ("spot skipped", Binance, "synced", spot(102, 120), false, Gap, Desynced),
    ("spot overlap", Binance, "synced", spot(99, 120), false, Gap, Desynced),
    ("older rest", Binance, "synced", bybit(99), true, Duplicate, Synced),
    ("newer rest", Binance, "synced", bybit(150), true, Reset, Synced),

    ("okx empty update", Okx, "empty", okx(1, 2), false, NeedSnapshot, Empty),
    ("okx snapshot", Okx, "empty", bybit(100), true, Reset, Synced),
    ("okx next", Okx, "synced", okx(100, 107), false, Apply, Synced),
    ("okx no change", Okx, "synced", okx(100, 100), false, Apply, Synced),
    ("okx numbers restart", Okx, "synced", okx(100, 3), false, Apply, Synced),
    ("okx older", Okx, "synced", okx(90, 99), false, Duplicate, Synced),
    ("okx skipped", Okx, "synced", okx(101, 107), false, Gap, Desynced),
    ("okx without ids", Okx, "okx without ids", NONE, false, Apply, Synced),
    ("okx desynced", Okx, "desynced", okx(100, 107), false, NeedSnapshot, Desynced),

    ("unnumbered empty", Unnumbered, "empty", NONE, false, NeedSnapshot, Empty),
    ("unnumbered synced", Unnumbered, "synced", NONE, false, Apply, Synced),
    ("unnumbered desynced", Unnumbered, "desynced", NONE, false, NeedSnapshot, Desynced),
];

/// spec: 01-8.1/2, 01-8.1/3, 01-8.1/4
#[test]
fn every_message_in_every_state_has_its_verdict() {
    for (name, rule, state, message, is_snapshot, verdict, after) in TABLE {
        let mut sequence = machine(rule, state);
        assert_eq!(sequence.on(&message, is_snapshot), verdict, "{name}");
        assert_eq!(sequence.state(), after, "{name}");
    }
}

#[test]
fn a_duplicate_does_not_move_the_machine() {
    let mut sequence = machine(Rule::Bybit, "synced");
    assert_eq!(sequence.on(&bybit(50), false), Duplicate);
    assert_eq!(sequence.on(&bybit(101), false), Apply);
    let mut sequence = machine(Rule::Binance, "joining");
    assert_eq!(sequence.joining(), Some(100));
    assert_eq!(sequence.on(&futures(80, 99, 79), false), Duplicate);
    assert_eq!(sequence.joining(), Some(100));
    assert_eq!(sequence.on(&futures(95, 105, 94), false), Apply);
    assert_eq!(sequence.joining(), None);
    assert_eq!(sequence.on(&futures(106, 110, 105), false), Apply);
}

#[test]
fn only_a_usable_book_can_be_desynced() {
    assert!(!Sequence::new(Rule::Bybit).desync());
    let mut sequence = machine(Rule::Bybit, "synced");
    assert!(sequence.desync());
    assert!(!sequence.desync());
    assert_eq!(sequence.on(&bybit(101), false), NeedSnapshot);
}
