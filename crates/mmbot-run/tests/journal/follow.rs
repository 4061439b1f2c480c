//! Following a journal leads to the orders and accounts of the session, without one decision.

use crate::replays::{entries, simple};
use crate::sessions::{Written, plan, run};
use mmbot_core::{MARKOUT_MS, Trader};
use mmbot_run::follow::{Follow, OrderTold, Told};
use mmbot_run::{Configs, Replay};
use mmbot_types::journal::{Entry, Record, RecordKind};
use mmbot_types::{Action, ExecPrice, Instrument, InstrumentIdx, QtyLot, RolloutParams};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MARK_NS: i64 = 1_000_000_000;

fn known(trader: &Trader) -> impl PartialEq + std::fmt::Debug {
    let orders: Vec<_> = trader.open_orders().collect();
    (orders, trader.position(), trader.cash(), trader.fees())
}

/// Everything told, after comparing with the replay at every hash.
fn follow(entries: &[Entry], written: &Written) -> Result<Vec<Told>, TestCaseError> {
    let mut replay = Replay::new();
    let (mut shelf, mut colors) = (written.shelf.clone(), written.shelf.clone());
    let mut rollout = |config: &[u8], of: &[Instrument]| -> Option<RolloutParams> {
        Some(colors.session(config, of).unwrap().rollout)
    };
    let mut follow = Follow::new(MARK_NS);
    let mut told = Vec::new();
    for entry in entries {
        replay.on_entry(entry, &mut shelf).unwrap();
        follow.on_entry(entry, &mut rollout, &mut told).unwrap();
        if entry.record.kind() != RecordKind::StateHash {
            continue;
        }
        for at in (0..u16::try_from(replay.instruments().len()).unwrap()).map(InstrumentIdx) {
            let replayed = replay.engine().and_then(|engine| engine.trader(at));
            let followed = follow.trader(at);
            prop_assert_eq!(followed.map(known), replayed.map(known), "{:?}", entry);
        }
    }
    Ok(told)
}

fn order_events(told: &[Told]) -> Vec<&OrderTold> {
    told.iter()
        .filter_map(|one| match one {
            Told::Order(order) => Some(&**order),
            _ => None,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// spec: 08-5.3
    #[test]
    fn orders_and_accounts_are_those_of_the_replay_at_every_hash(plan in plan()) {
        let written = run(&plan, true);
        let entries = entries(&written.bytes);
        let told = follow(&entries, &written)?;
        let events = order_events(&told);
        let count = |kinds: &[&str]| events.iter().filter(|e| kinds.contains(&e.kind)).count();
        let of_kind = |kind| entries.iter().filter(|e| e.record.kind() == kind).count();
        let requests = count(&["intent_place", "intent_amend", "intent_cancel"]);
        prop_assert_eq!(requests, of_kind(RecordKind::Intent));
        let fills: BTreeMap<_, _> = events
            .iter()
            .filter_map(|e| Some(((e.number, e.fill?.cum_qty.get()), e)))
            .collect();
        prop_assert_eq!(fills.len(), count(&["fill"]), "every fill has an id of its own");
        for event in &events {
            let order = event.order.unwrap();
            prop_assert_eq!(order.done.is_some(), order.state.starts_with("Done"));
            prop_assert!(order.filled <= order.total || order.done.is_some());
        }
        for one in &told {
            if let Told::Markout(markout) = one {
                prop_assert!(MARKOUT_MS.contains(&markout.horizon_ms));
                let of = (markout.number, markout.cum_qty.get());
                prop_assert!(fills.contains_key(&of), "a markout of a fill that was told");
            }
        }
    }
}

#[test]
fn a_session_tells_of_fills_with_their_mids_of_markouts_and_of_marks() {
    let written = run(&simple(), true);
    let told = follow(&entries(&written.bytes), &written).unwrap();
    let events = order_events(&told);
    let fills: Vec<_> = events.iter().filter_map(|event| event.fill).collect();
    assert!(fills.len() > 5, "{}", fills.len());
    assert!(fills.iter().all(|fill| fill.mid.is_some()));
    assert!(told.iter().any(|one| matches!(one, Told::Markout(_))));
    let marks: Vec<_> = told
        .iter()
        .filter_map(|one| match one {
            Told::Mark { ts, mids, .. } => Some((ts.get(), mids.len())),
            _ => None,
        })
        .collect();
    assert!(marks.len() > 15, "{marks:?}");
    assert!(marks.iter().all(|mark| mark.1 == 2));
    assert!(marks.is_sorted(), "market time goes on");
    let colors = |wanted| events.iter().any(|e| e.order.unwrap().color == wanted);
    assert!(colors(mmbot_types::Color::Blue) && colors(mmbot_types::Color::Green));
    assert!(
        events
            .iter()
            .any(|e| e.kind == "ack" && e.latency_ns > Some(0))
    );
}

#[test]
fn what_no_session_writes_is_refused() {
    let written = run(&simple(), true);
    let entries = entries(&written.bytes);
    let mut none = |_: &[u8], _: &[Instrument]| None;
    let refused = |list: &[&Entry], none: &mut _| {
        let mut follow = Follow::new(MARK_NS);
        let mut told = Vec::new();
        let read = |one: &&Entry| follow.on_entry(one, none, &mut told).err();
        list.iter().find_map(read).map(|error| error.seq)
    };
    assert_eq!(refused(&[&entries[0], &entries[0]], &mut none), Some(0));
    assert_eq!(refused(&[&entries[3]], &mut none), Some(3));
    let mut stranger = entries[0].clone();
    stranger.record = Record::Decide {
        instrument: InstrumentIdx(9),
        ts: mmbot_types::TsNs::ZERO,
    };
    assert_eq!(refused(&[&entries[0], &stranger], &mut none), Some(0));
}

#[test]
fn a_lost_answer_leaves_its_order_unknown_and_an_adopted_position_is_taken_over() {
    let written = run(&simple(), true);
    let entries = entries(&written.bytes);
    let mut none = |_: &[u8], _: &[Instrument]| None;
    let (mut follow, mut told) = (Follow::new(MARK_NS), Vec::new());
    let placed = entries.iter().position(|entry| {
        let Record::Intent { action, .. } = &entry.record else {
            return false;
        };
        matches!(action, Action::Place(_))
    });
    let placed = placed.unwrap();
    for entry in &entries[..=placed] {
        follow.on_entry(entry, &mut none, &mut told).unwrap();
    }
    let Record::Intent {
        instrument,
        ts,
        action,
        full_cid,
        ..
    } = entries[placed].record
    else {
        unreachable!("it is an intent");
    };
    let mut enter = |record| {
        let seq = entries[placed].seq + 1;
        let before = told.len();
        let entry = Entry { seq, record };
        follow.on_entry(&entry, &mut none, &mut told).unwrap();
        told.split_off(before)
    };
    let cid = action.cid();
    let lost = enter(Record::Unanswered {
        instrument,
        ts,
        cid,
    });
    let events = order_events(&lost);
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].kind, events[0].cause, events[0].number),
        ("unknown", "unanswered", full_cid)
    );
    assert_eq!(events[0].order.unwrap().state, "Unknown");
    let adopted = enter(Record::Adopt {
        instrument,
        ts,
        position: QtyLot::new(77),
        px: ExecPrice::new(500_000),
    });
    assert!(adopted.is_empty(), "it is no fill");
    let trader = follow.trader(instrument).unwrap();
    assert_eq!(trader.position(), QtyLot::new(77));
}
