//! A replay does what the session did; what was changed afterwards is found.

use crate::sessions::{Plan, Written, plan, run};
use mmbot_core::session_hash;
use mmbot_run::{Outcome, Replay};
use mmbot_sim::market::Regime;
use mmbot_types::journal::{Entry, Reader, Record, RecordKind, Tail, Writer};
use mmbot_types::{Action, Cadence, QuoterKind, ReplaceMode};
use proptest::prelude::*;

pub fn entries(bytes: &[u8]) -> Vec<Entry> {
    let mut reader = Reader::new(bytes);
    let entries: Vec<Entry> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(reader.tail(), Ok(Tail::Clean));
    entries
}

fn replay(entries: &[Entry], written: &Written) -> Outcome {
    let mut replay = Replay::new();
    let mut shelf = written.shelf.clone();
    for entry in entries {
        replay.on_entry(entry, &mut shelf).unwrap();
    }
    replay.outcome()
}

pub fn simple() -> Plan {
    Plan {
        symbols: 2,
        seed: 7,
        regime: Regime::Volatile,
        kind: QuoterKind::BuiltIn,
        mode: ReplaceMode::Amend,
        cadence: Cadence::OnBook { refresh_ms: 100 },
        tight: false,
        rejects: false,
        chunk_rows: 2_000,
        reload: false,
        stop: true,
        hand: true,
        controls: Vec::new(),
        record: true,
        checkpoints: true,
        apart: false,
    }
}

/// Records of an instrument and of the whole session.
fn seen_by(bytes: &[u8], instrument: u16) -> Vec<Record> {
    let of_it = |record: &Record| record.instrument().is_none_or(|of| of.0 == instrument);
    let records = entries(bytes).into_iter().map(|entry| entry.record);
    records.filter(of_it).collect()
}

fn count(entries: &[Entry], kind: RecordKind) -> usize {
    let of_kind = |entry: &&Entry| entry.record.kind() == kind;
    entries.iter().filter(of_kind).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// spec: 08-5.4 00-4
    #[test]
    fn a_replay_makes_every_request_of_the_session_again(plan in plan()) {
        let written = run(&plan, true);
        let entries = entries(&written.bytes);
        let outcome = replay(&entries, &written);
        prop_assert_eq!(outcome.difference, None);
        prop_assert_eq!(outcome.actions, written.requests);
        prop_assert_eq!(outcome.actions as usize, count(&entries, RecordKind::Intent));
        prop_assert_eq!(outcome.hash, session_hash(written.hashes.iter().copied()));
        prop_assert!(count(&entries, RecordKind::StateHash) > 8);
        // narrow guards may let almost nothing pass, and one market in some hundred moves too much
        // for a strategy that knows no spread
        let held = plan.tight || !plan.controls.is_empty();
        prop_assert!(held || outcome.actions > 2, "it traded");
    }

    #[test]
    fn writing_it_down_does_not_change_a_session(plan in plan()) {
        prop_assert_eq!(run(&plan, true).hashes, run(&plan, false).hashes);
    }

    #[test]
    fn how_the_data_are_cut_does_not_change_what_an_instrument_saw(
        plan in plan(),
        rows in 300usize..3_000,
    ) {
        let one = run(&plan, true).bytes;
        let other = run(&Plan { chunk_rows: rows, ..plan.clone() }, true).bytes;
        // instruments meet at synchronisations; in between one may be ahead of another
        for at in 0..plan.symbols as u16 {
            prop_assert!(seen_by(&one, at) == seen_by(&other, at));
        }
        prop_assert!(plan.symbols > 1 || one == other);
    }
}

#[test]
fn a_journal_tells_everything_that_entered_in_its_order() {
    let written = run(
        &Plan {
            reload: true,
            ..simple()
        },
        true,
    );
    let entries = entries(&written.bytes);
    let kinds: Vec<_> = entries.iter().map(|entry| entry.record.kind()).collect();
    let first = [
        RecordKind::Header,
        RecordKind::Params,
        RecordKind::Params,
        RecordKind::SessionParams,
        RecordKind::Params,
        RecordKind::SessionParams,
        RecordKind::Start,
        RecordKind::Start,
    ];
    assert_eq!(kinds[..8], first);
    assert_eq!(
        kinds[kinds.len() - 2..],
        [RecordKind::StateHash, RecordKind::SessionEnd]
    );
    for (kind, least) in [
        (RecordKind::MarketRows, 300),
        (RecordKind::Decide, 300),
        (RecordKind::Sync, 190),
        (RecordKind::Report, 100),
        (RecordKind::Intent, 100),
        (RecordKind::Weights, 1),
        (RecordKind::StateHash, 10),
    ] {
        assert!(count(&entries, kind) >= least, "{kind:?}");
    }
    for (kind, exactly) in [
        (RecordKind::Params, 4),
        (RecordKind::SessionParams, 3),
        (RecordKind::Control, 4),
    ] {
        assert_eq!(count(&entries, kind), exactly, "{kind:?}");
    }
}

/// The journal with `change` made to its records, numbered and sealed anew.
fn changed(entries: &[Entry], change: impl FnOnce(&mut Vec<Record>)) -> Vec<Entry> {
    let mut records: Vec<_> = entries.iter().map(|entry| entry.record.clone()).collect();
    change(&mut records);
    let mut writer = Writer::new(0);
    for record in &records {
        writer.append(record).unwrap();
    }
    self::entries(&writer.take())
}

/// Place of the `n`-th record for which `is` holds.
fn place(entries: &[Entry], n: usize, is: impl Fn(&Record) -> bool) -> usize {
    let mut places = (0..entries.len()).filter(|at| is(&entries[*at].record));
    places.nth(n).unwrap()
}

/// spec: 08-5.4
#[test]
fn every_request_that_was_changed_removed_or_added_is_found_where_it_stands() {
    let written = run(&simple(), true);
    let entries = entries(&written.bytes);
    let is_intent = |record: &Record| matches!(record, Record::Intent { .. });
    for n in [0, 17, 60] {
        let at = place(&entries, n, is_intent);
        let mut seqs = Vec::new();
        for change in [
            |records: &mut Vec<Record>, at: usize| {
                if let Record::Intent { full_cid, .. } = &mut records[at] {
                    *full_cid += 1;
                }
            },
            |records: &mut Vec<Record>, at: usize| {
                let copy = records[at].clone();
                records.insert(at, copy);
            },
            |records: &mut Vec<Record>, at: usize| drop(records.remove(at)),
        ] {
            let changed = changed(&entries, |records| change(records, at));
            let found = replay(&changed, &written).difference.unwrap();
            seqs.push(found.seq() as usize - at);
        }
        // a copy shows one later; a gap where the next request, or the next input, comes
        assert_eq!(seqs[0], 0);
        assert!(seqs[1] <= 1 && seqs[2] <= 8, "{seqs:?}");
    }
}

/// spec: 08-5.4
#[test]
fn input_that_was_changed_or_removed_shows_in_what_follows() {
    let written = run(&simple(), true);
    let entries = entries(&written.bytes);
    let a_fill = place(&entries, 3, |record| match record {
        Record::Report { report, .. } => {
            matches!(report.kind, mmbot_types::ReportKind::Filled { .. })
        }
        _ => false,
    });
    // the first book
    let rows = place(&entries, 0, |record| {
        matches!(record, Record::MarketRows { .. })
    });
    let decide = place(&entries, 40, |record| {
        matches!(record, Record::Decide { .. })
    });
    for at in [a_fill, rows, decide] {
        let without = changed(&entries, |records| drop(records.remove(at)));
        let found = replay(&without, &written).difference.unwrap();
        assert!(found.seq() as usize >= at, "{found:?}");
    }
    let moved = changed(&entries, |records| {
        if let Record::MarketRows { rows, .. } = &mut records[rows] {
            for row in rows {
                row.px = mmbot_types::PriceTick::new(row.px.get() + 40);
            }
        }
    });
    assert!(replay(&moved, &written).difference.is_some());
}

#[test]
fn a_state_that_is_another_is_found_although_all_requests_are_equal() {
    let written = run(&simple(), true);
    let entries = entries(&written.bytes);
    let at = place(&entries, 3, |record| {
        matches!(record, Record::StateHash { .. })
    });
    let changed = changed(&entries, |records| {
        if let Record::StateHash { hash, .. } = &mut records[at] {
            *hash ^= 1;
        }
    });
    let found = replay(&changed, &written).difference.unwrap();
    assert_eq!(found.seq() as usize, at);
}

#[test]
fn a_journal_that_a_crash_cut_short_has_no_difference() {
    let written = run(&simple(), true);
    let entries = entries(&written.bytes);
    let decisions = (0..entries.len())
        .filter(|at| matches!(entries[*at].record, Record::Intent { .. }))
        .step_by(29);
    for end in decisions {
        // between a decision and its request, and behind it
        for end in [end, end + 1] {
            assert_eq!(replay(&entries[..end], &written).difference, None);
        }
    }
}

#[test]
fn an_order_number_is_that_of_the_session() {
    let written = run(&simple(), true);
    let entries = entries(&written.bytes);
    let mut seen = std::collections::BTreeSet::new();
    for entry in &entries {
        if let Record::Intent {
            action: Action::Place(_),
            full_cid,
            instrument,
            ..
        } = &entry.record
        {
            assert!(seen.insert(*full_cid), "used twice");
            assert_eq!(full_cid % 2, u64::from(instrument.0));
        }
    }
    assert!(seen.len() > 10);
}

#[test]
fn what_no_session_writes_is_refused_with_its_number() {
    let written = run(&simple(), true);
    let entries = entries(&written.bytes);
    let refused = |entries: &[Entry]| {
        let mut replay = Replay::new();
        let mut shelf = written.shelf.clone();
        let mut taken = entries
            .iter()
            .map(|entry| replay.on_entry(entry, &mut shelf));
        taken.find_map(Result::err).map(|error| error.seq)
    };
    assert_eq!(refused(&entries), None);
    assert_eq!(refused(&entries[1..]), Some(1), "no header");
    let twice = changed(&entries, |records| records.insert(9, records[0].clone()));
    assert_eq!(refused(&twice), Some(9));
    let bare = changed(&entries, |records| drop(records.drain(1..4)));
    assert_eq!(refused(&bare), Some(1), "no parameters");
    let foreign = changed(&entries, |records| {
        records.insert(
            12,
            Record::Decide {
                instrument: mmbot_types::InstrumentIdx(2),
                ts: mmbot_types::TsNs::ZERO,
            },
        );
    });
    assert_eq!(refused(&foreign), Some(12));
}
