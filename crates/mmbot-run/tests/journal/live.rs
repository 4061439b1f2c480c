//! A live session asks for what a fleet asks for, at the same times.

use crate::outside::{Outside, Shelf};
use crate::sessions::{Plan, plan, run};
use mmbot_core::portfolio::FeeTilt;
use mmbot_run::{LiveSession, Replay};
use mmbot_types::journal::{Entry, Reader, Record};
use mmbot_types::{EventRow, ExecReport, TsNs};
use proptest::prelude::*;

/// What enters a session from outside.
#[derive(Debug, Clone)]
pub enum Input {
    Weights(Vec<f64>, f64),
    Rows(usize, Vec<EventRow>),
    Report(usize, ExecReport),
}

pub fn entries(bytes: &[u8]) -> Vec<Entry> {
    Reader::new(bytes).map(Result::unwrap).collect()
}

/// Inputs of a journal in the order of their times; at one time weights, rows, reports.
pub fn inputs(journal: &[Entry]) -> Vec<(TsNs, Input)> {
    let mut found = Vec::new();
    for entry in journal {
        match &entry.record {
            Record::Weights {
                ts,
                weights,
                fee_tilt,
            } => found.push((*ts, 0, Input::Weights(weights.clone(), *fee_tilt))),
            Record::MarketRows { instrument, rows } => {
                for moment in rows.chunk_by(|one, next| one.ts_local == next.ts_local) {
                    let rows = Input::Rows(usize::from(instrument.0), moment.to_vec());
                    found.push((moment[0].ts_local, 1, rows));
                }
            }
            Record::Report {
                instrument,
                ts,
                report,
            } => found.push((*ts, 2, Input::Report(usize::from(instrument.0), *report))),
            _ => {}
        }
    }
    found.sort_by_key(|(ts, order, _)| (*ts, *order));
    found
        .into_iter()
        .map(|(ts, _, input)| (ts, input))
        .collect()
}

pub fn session_of(plan: &Plan, shelf: &mut Shelf) -> LiveSession {
    let params = |one| (one, plan.params());
    let instruments = plan.instruments().into_iter().map(params).collect();
    LiveSession::new(instruments, plan.session(), plan.journal(shelf)).unwrap()
}

/// Time goes on to `until`, exclusive.
pub fn pass(session: &mut LiveSession, until: TsNs, outside: &mut Outside) {
    while session.next_due() < until {
        let due = session.next_due();
        session.on_timer(due, outside).unwrap();
    }
}

pub fn enter(session: &mut LiveSession, ts: TsNs, input: &Input, outside: &mut Outside) {
    match input {
        Input::Weights(weights, worth) => {
            let tilt = match *worth {
                0.0 => FeeTilt::Off,
                worth => FeeTilt::Worth(worth),
            };
            session.set_weights(ts, weights, tilt).unwrap();
        }
        Input::Rows(symbol, rows) => {
            session
                .on_rows(*symbol, &mut rows.clone(), outside)
                .unwrap();
        }
        Input::Report(symbol, report) => {
            session.on_report(*symbol, ts, report, outside).unwrap();
        }
    }
}

pub fn journal_of(session: &mut LiveSession) -> Vec<u8> {
    session.take_journal(<[u8]>::to_vec).unwrap()
}

pub fn replayed(bytes: &[u8], shelf: &Shelf) -> Replay {
    let (mut replay, mut shelf) = (Replay::new(), shelf.clone());
    for entry in entries(bytes) {
        replay.on_entry(&entry, &mut shelf).unwrap();
    }
    replay
}

/// When the last instrument began. Only a run over recorded data knows that before it happens.
fn all_began(journal: &[Entry]) -> TsNs {
    let starts = journal
        .iter()
        .filter(|one| matches!(one.record, Record::Start { .. }));
    starts.filter_map(|one| one.record.ts()).max().unwrap()
}

/// Records about an instrument (or the session) up to `end`, but for the rows, which are cut
/// otherwise, and hashes from before all instruments began.
fn told(journal: &[Entry], instrument: Option<u16>, end: TsNs) -> Vec<Record> {
    let records = journal.iter().map(|entry| &entry.record);
    let wanted = records.filter(|record| {
        let of_it = record.instrument().map(|of| of.0) == instrument;
        let rows = matches!(record, Record::MarketRows { .. });
        of_it && !rows && record.ts().is_none_or(|ts| ts <= end)
    });
    let began = all_began(journal);
    let early = |record: &&Record| match record {
        Record::StateHash { ts, .. } => *ts >= began,
        _ => true,
    };
    wanted
        .filter(early)
        .filter(|record| !matches!(record, Record::Header(_) | Record::SessionEnd { .. }))
        .cloned()
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn it_decides_and_asks_as_the_fleet_does_and_its_journal_replays(plan in plan()) {
        // what is done by hand has the time of the fleet's last event, which may lie before
        // synchronisations that it has made since: at no time a live session could do the same
        let plan = Plan {
            hand: false,
            reload: false,
            stop: false,
            controls: Vec::new(),
            apart: true,
            ..plan
        };
        let of_fleet = entries(&run(&plan, true).bytes);
        let mut syncs = of_fleet.iter().filter(|one| matches!(one.record, Record::Sync { .. }));
        let end = syncs.next_back().unwrap().record.ts().unwrap();
        let mut shelf = Shelf::default();
        let mut session = session_of(&plan, &mut shelf);
        let mut outside = Outside::default();
        for (ts, input) in inputs(&of_fleet) {
            if ts < end {
                pass(&mut session, ts, &mut outside);
                enter(&mut session, ts, &input, &mut outside);
            }
        }
        pass(&mut session, TsNs::new(end.get() + 1), &mut outside);
        let bytes = journal_of(&mut session);
        let live = entries(&bytes);
        for at in (0..plan.symbols as u16).map(Some).chain([None]) {
            let (ours, theirs) = (told(&live, at, end), told(&of_fleet, at, end));
            let parts = ours.iter().zip(&theirs).find(|(one, other)| one != other);
            prop_assert_eq!(parts, None, "{:?}", at);
            prop_assert_eq!(ours.len(), theirs.len());
        }
        let outcome = replayed(&bytes, &shelf).outcome();
        prop_assert_eq!(outcome.difference, None);
        prop_assert_eq!(outcome.actions as usize, session.take_requests().len());
        prop_assert_eq!(outcome.hash, session.engine().state_hash());
        // one market in some hundred moves too much for a strategy that knows no spread
        prop_assert!(plan.tight || outcome.actions > 2, "it traded");
    }
}
