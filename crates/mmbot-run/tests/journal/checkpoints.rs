//! Checkpoints: a session goes on from each of them as if it had never stopped.

use crate::sessions::{Plan, Written, plan, run};
use mmbot_core::session::Holds;
use mmbot_core::{Engine, STATE_BUILD, session_hash};
use mmbot_run::checkpoint::{At, Index, UnusableState};
use mmbot_run::{Checkpoint, Outcome, Replay};
use mmbot_types::journal::{Entry, Reader, Record, RecordKind};
use mmbot_types::{Action, InstrumentIdx, ReplaceMode};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn entries(bytes: &[u8]) -> Vec<Entry> {
    Reader::new(bytes).map(Result::unwrap).collect()
}

fn at(seq: u64) -> usize {
    usize::try_from(seq).unwrap()
}

/// Goes on with `entries` from an engine; what is found, and the state at the end.
fn go_on(engine: Engine, entries: &[Entry], written: &Written) -> (Outcome, Vec<u8>) {
    let mut shelf = written.shelf.clone();
    let mut replay = Replay::resumed(engine, Vec::new());
    for entry in entries {
        replay.on_entry(entry, &mut shelf).unwrap();
    }
    (replay.outcome(), replay.engine().unwrap().state().unwrap())
}

/// States of a replay of the whole journal before the records `at`, and at the end.
fn states(written: &Written, entries: &[Entry], at: &[u64]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut shelf = written.shelf.clone();
    let mut replay = Replay::new();
    let mut states = Vec::new();
    for entry in entries {
        if at.get(states.len()) == Some(&entry.seq) {
            states.push(replay.engine().unwrap().state().unwrap());
        }
        replay.on_entry(entry, &mut shelf).unwrap();
    }
    (states, replay.engine().unwrap().state().unwrap())
}

fn framed(checkpoints: &[Checkpoint]) -> Vec<u8> {
    let heads = checkpoints.iter().map(|one| one.head.framed().unwrap());
    heads.flatten().collect()
}

fn index_of(written: &Written) -> Index {
    let index = Index::read(&framed(&written.checkpoints));
    assert_eq!(index.heads().len(), written.checkpoints.len());
    index
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// spec: 09-2
    #[test]
    fn a_session_goes_on_from_every_checkpoint_as_if_it_had_never_stopped(plan in plan()) {
        let written = run(&plan, true);
        let entries = entries(&written.bytes);
        prop_assert!(written.checkpoints.len() > 8);
        let places: Vec<u64> = written.checkpoints.iter().map(|one| one.head.at.seq).collect();
        let (states, end) = states(&written, &entries, &places);
        for (Checkpoint { head, state }, replayed) in written.checkpoints.iter().zip(&states) {
            let engine = head.restore(state).unwrap();
            // a journal does not say why somebody killed the session
            let same = plan.hand || engine.state().unwrap() == *replayed;
            prop_assert!(same, "the state of a replay there");
            let rest = &entries[at(head.at.seq)..];
            let intents = rest.iter().filter(|one| one.record.kind() == RecordKind::Intent);
            let (outcome, last) = go_on(engine, rest, &written);
            prop_assert_eq!(outcome.difference, None);
            prop_assert_eq!(outcome.actions, intents.count() as u64);
            prop_assert_eq!(outcome.hash, session_hash(written.hashes.iter().copied()));
            prop_assert!(plan.hand || last == end, "the state at the end");
        }
    }

    /// spec: 09-2
    #[test]
    fn a_replay_goes_on_from_its_state_at_any_record(
        plan in plan(),
        cuts in prop::collection::vec(0.02f64..1.0, 4),
    ) {
        let written = run(&plan, true);
        let entries = entries(&written.bytes);
        let mut cuts: Vec<u64> = cuts
            .iter()
            .map(|share| (share * (entries.len() - 1) as f64) as u64)
            // between a cause and the requests that it led to there is no state
            .filter(|cut| entries[at(*cut)].record.kind() != RecordKind::Intent)
            .filter(|cut| *cut > 20)
            .collect();
        cuts.sort_unstable();
        cuts.dedup();
        let (states, end) = states(&written, &entries, &cuts);
        for (cut, state) in cuts.iter().zip(&states) {
            let engine = Engine::restored(state).unwrap();
            prop_assert!(&engine.state().unwrap() == state, "written and read");
            let (outcome, last) = go_on(engine, &entries[at(*cut)..], &written);
            prop_assert_eq!(outcome.difference, None);
            prop_assert!(last == end, "the state at the end");
        }
    }

    #[test]
    fn taking_checkpoints_changes_no_byte_of_the_journal(plan in plan()) {
        let without = Plan { checkpoints: false, ..plan.clone() };
        let (one, other) = (run(&plan, true), run(&without, true));
        prop_assert!(one.bytes == other.bytes);
        prop_assert!(other.checkpoints.is_empty());
    }

    /// spec: 09-2
    #[test]
    fn heads_tell_where_records_orders_and_parameters_stand(plan in plan()) {
        let written = run(&plan, true);
        let entries = entries(&written.bytes);
        let index = index_of(&written);
        let (mut offsets, mut reader) = (Vec::new(), Reader::new(&written.bytes));
        while let (offset, Some(_)) = (reader.offset(), reader.next_frame().unwrap()) {
            offsets.push(offset);
        }
        for (number, head) in index.heads().iter().enumerate() {
            prop_assert_eq!(head.at.offset, offsets[at(head.at.seq)]);
            let Record::StateHash { ts, hash } = entries[at(head.at.seq)].record else {
                panic!("a head points to the record of its hash");
            };
            prop_assert_eq!((ts, hash, head.build), (head.ts, head.hash, STATE_BUILD));
            let is_params = |kind| matches!(kind, RecordKind::Params | RecordKind::SessionParams);
            let params: Vec<At> = entries[..at(head.at.seq)]
                .iter()
                .filter(|entry| is_params(entry.record.kind()))
                .map(|entry| At { seq: entry.seq, offset: offsets[at(entry.seq)] })
                .collect();
            prop_assert_eq!(index.params_before(number), Some(params));
            prop_assert_eq!(index.before(head.at.seq + 1), Some(number));
            prop_assert_eq!(index.before(head.at.seq), number.checked_sub(1));
            prop_assert_eq!(index.at(head.ts), Some(number));
        }
        let mut orders: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for entry in &entries {
            if let Record::Intent { full_cid, .. } = entry.record {
                orders.entry(full_cid).or_default().push(entry.seq);
            }
        }
        let mut narrow = 0;
        for (number, seqs) in &orders {
            let window = index.of_order(*number);
            let seq = |at: usize| index.heads()[at].at.seq;
            let (from, until) = (window.from.map_or(0, seq), window.until.map_or(u64::MAX, seq));
            prop_assert!(seqs.iter().all(|seq| (from..until).contains(seq)), "{:?}", window);
            narrow += usize::from(window.from.is_some() && window.until.is_some());
        }
        prop_assert!(plan.tight || narrow > 0);
    }
}

fn small() -> Plan {
    Plan {
        symbols: 1,
        ..crate::replays::simple()
    }
}

#[test]
fn a_damaged_state_and_that_of_another_build_are_refused() {
    let written = run(&small(), true);
    let Checkpoint { head, state } = &written.checkpoints[3];
    assert!(head.restore(state).is_ok());
    for at in (0..state.len()).step_by(97) {
        let mut bad = state.clone();
        bad[at] ^= 1;
        assert_eq!(head.restore(&bad).err(), Some(UnusableState::Damaged));
        assert_eq!(
            head.restore(&state[..at]).err(),
            Some(UnusableState::Damaged)
        );
    }
    let mut foreign = head.clone();
    foreign.build ^= 1;
    let refused = foreign.restore(state).err();
    assert_eq!(refused, Some(UnusableState::Build(foreign.build)));
    let mut other = head.clone();
    other.hash ^= 1;
    assert!(matches!(
        other.restore(state),
        Err(UnusableState::Hash { .. })
    ));
}

#[test]
fn bytes_that_are_no_state_are_refused_without_a_panic() {
    let written = run(&small(), true);
    let state = &written.checkpoints[1].state;
    for cut in (0..state.len()).step_by(53) {
        assert!(Engine::restored(&state[..cut]).is_err(), "{cut}");
        let mut bad = state.clone();
        bad[cut] = !bad[cut];
        // most of these are other states, some are none
        let _ = Engine::restored(&bad);
    }
    let mut longer = state.clone();
    longer.push(0);
    assert!(Engine::restored(&longer).is_err());
}

#[test]
fn heads_end_where_a_frame_is_cut_or_damaged() {
    let written = run(&small(), true);
    let checkpoints = &written.checkpoints[..4];
    let whole = framed(checkpoints);
    let ends: Vec<usize> = (0..=4).map(|n| framed(&checkpoints[..n]).len()).collect();
    for cut in 0..whole.len() {
        let complete = ends.iter().rposition(|end| *end <= cut).unwrap();
        assert_eq!(Index::read(&whole[..cut]).heads().len(), complete, "{cut}");
        let mut bad = whole.clone();
        bad[cut] ^= 0x10;
        assert!(Index::read(&bad).heads().len() <= complete, "{cut}");
    }
}

#[test]
fn heads_of_what_a_crash_cut_off_are_not_kept() {
    let written = run(&small(), true);
    let checkpoints = &written.checkpoints[..4];
    let index = Index::read(&framed(checkpoints));
    let at = |head: usize| index.heads()[head].at.offset;
    let lengths = [0, at(0), at(0) + 1, at(2), at(2) + 1, at(3) + 1, u64::MAX];
    for journal_bytes in lengths {
        let cut = (0..4).filter(|head| at(*head) < journal_bytes).count();
        let bytes = framed(&checkpoints[..cut]).len();
        let kept = index.kept(journal_bytes);
        assert_eq!((kept.heads, kept.bytes), (cut, bytes), "{journal_bytes}");
    }
}

#[test]
fn a_missing_head_leaves_the_others_but_not_their_list_of_parameters() {
    let written = run(&small(), true);
    let mut checkpoints = written.checkpoints.clone();
    checkpoints.remove(2);
    let index = Index::read(&framed(&checkpoints));
    assert_eq!(index.heads().len(), checkpoints.len());
    let known = (0..checkpoints.len()).map(|at| index.params_before(at).is_some());
    assert!(known.enumerate().all(|(at, known)| known == (at < 2)));
    checkpoints.swap(3, 4);
    let index = Index::read(&framed(&checkpoints));
    assert_eq!(
        index.heads().len(),
        4,
        "what goes back in time ends the list"
    );
}

/// spec: 09-2
#[test]
fn orders_in_every_state_and_guards_that_hold_come_back_as_they_were() {
    let mut states = BTreeMap::new();
    let mut held = Holds::NONE;
    let all = [Holds::KILL, Holds::REDUCE_ONLY];
    for (seed, mode) in [(3, ReplaceMode::Amend), (4, ReplaceMode::CancelThenPlace)] {
        let plan = Plan {
            seed,
            mode,
            rejects: true,
            ..crate::replays::simple()
        };
        let written = run(&plan, true);
        let mut shelf = written.shelf.clone();
        let mut replay = Replay::new();
        for entry in entries(&written.bytes) {
            replay.on_entry(&entry, &mut shelf).unwrap();
            let Some(engine) = replay.engine().filter(|_| entry.seq % 5 == 0) else {
                continue;
            };
            let restored = Engine::restored(&engine.state().unwrap()).unwrap();
            for at in (0..plan.symbols as u16).map(InstrumentIdx) {
                let both = [engine, &restored].map(|one| one.trader(at).unwrap());
                let orders = both.map(|one| one.open_orders().collect::<Vec<_>>());
                assert_eq!(orders[0], orders[1]);
                assert_eq!(both[0].permit(), both[1].permit());
                for order in &orders[1] {
                    *states.entry(order.state).or_insert(0) += 1;
                }
                for hold in all {
                    held.set(hold, both[1].permit().holds.has(hold));
                }
            }
        }
    }
    let names: Vec<_> = states.keys().copied().collect();
    assert_eq!(
        names,
        ["Live", "PendingAmend", "PendingCancel", "PendingNew"]
    );
    assert!(all.iter().all(|hold| held.has(*hold)));
}

/// spec: 09-2
#[test]
fn a_request_that_was_changed_after_a_checkpoint_is_found_from_it() {
    let written = run(&crate::replays::simple(), true);
    let mut entries = entries(&written.bytes);
    let Checkpoint { head, state } = &written.checkpoints[2];
    let rest = &mut entries[at(head.at.seq)..];
    let is_place = |entry: &Entry| {
        let Record::Intent { action, .. } = &entry.record else {
            return false;
        };
        matches!(action, Action::Place(_))
    };
    let victim = rest
        .iter_mut()
        .filter(|entry| is_place(entry))
        .nth(7)
        .unwrap();
    let seq = victim.seq;
    if let Record::Intent {
        action: Action::Place(order),
        ..
    } = &mut victim.record
    {
        order.px = order.px.offset(1);
    }
    let (outcome, _) = go_on(head.restore(state).unwrap(), rest, &written);
    assert_eq!(outcome.difference.unwrap().seq(), seq);
}
