//! A live session is killed anywhere and goes on behind its journal.

use crate::live::{enter, entries, inputs, journal_of, pass, replayed, session_of};
use crate::outside::{Outside, Shelf};
use crate::replays::simple;
use crate::sessions::{Plan, run};
use mmbot_core::{Engine, session_hash};
use mmbot_run::checkpoint::At;
use mmbot_run::{LiveSession, Replay, Resumption};
use mmbot_types::journal::{Control, Reader, Record, Tail};
use mmbot_types::{
    Action, EventRow, ExecPrice, PriceTick, QtyLot, QuoterKind, RowKind, Side, TsNs,
};

const KILLED_NS: i64 = 2_200_000_000;

/// A session that ran for a while, its journal, and what its configurations were.
fn killed(kind: QuoterKind) -> (Vec<u8>, Shelf) {
    let (mut session, shelf) = begun(kind);
    (journal_of(&mut session), shelf)
}

fn begun(kind: QuoterKind) -> (LiveSession, Shelf) {
    let plan = Plan {
        kind,
        hand: false,
        stop: false,
        apart: true,
        ..simple()
    };
    let of_fleet = entries(&run(&plan, true).bytes);
    let mut shelf = Shelf::default();
    let mut session = session_of(&plan, &mut shelf);
    let mut outside = Outside::default();
    for (ts, input) in inputs(&of_fleet) {
        if ts.get() < KILLED_NS {
            pass(&mut session, ts, &mut outside);
            enter(&mut session, ts, &input, &mut outside);
        }
    }
    (session, shelf)
}

/// What a new process finds of `disk`: the replay of its whole records, and where they end.
fn found(disk: &[u8], shelf: &Shelf) -> (Replay, At) {
    let (mut reader, mut replay, mut shelf) = (Reader::new(disk), Replay::new(), shelf.clone());
    while let Some(entry) = reader.next_entry().unwrap() {
        replay.on_entry(&entry, &mut shelf).unwrap();
    }
    let whole = match reader.tail().unwrap() {
        Tail::Clean => disk.len() as u64,
        Tail::Torn { at } => at,
    };
    let seq = reader.next_seq().unwrap_or_default();
    (replay, At { seq, offset: whole })
}

fn resume(disk: &[u8], shelf: &Shelf) -> (LiveSession, At) {
    let (replay, at) = found(disk, shelf);
    let from = Resumption {
        now: TsNs::new(KILLED_NS + 700_000_000),
        at,
        hash_every_ns: 500_000_000,
        next_checkpoint: Some(3),
    };
    (LiveSession::resume(replay, from).unwrap(), at)
}

/// Quantity that may still fill, by instrument and side.
fn exposure(engine: &Engine) -> Vec<QtyLot> {
    let traders = (0..2).map(|at| engine.trader(mmbot_types::InstrumentIdx(at)).unwrap());
    traders
        .flat_map(|trader| Side::BOTH.map(|side| trader.worst_open(side)))
        .collect()
}

fn book(now: TsNs) -> Vec<EventRow> {
    let row = |kind, side, px, last| EventRow {
        kind,
        side,
        last,
        px: PriceTick::new(px),
        qty: QtyLot::new(if px == 0 { 0 } else { 900 }),
        ts_exch: now,
        ts_local: now,
    };
    vec![
        row(RowKind::Reset, Side::Buy, 0, false),
        row(RowKind::Depth, Side::Buy, 300_000, false),
        row(RowKind::Depth, Side::Sell, 300_010, true),
    ]
}

/// A little more trading: snapshots come, time passes, somebody finds a position.
fn go_on(session: &mut LiveSession) {
    let mut outside = Outside::default();
    for step in 1..=3 {
        let now = TsNs::new(KILLED_NS + 700_000_000 + step * 1_200_000_000);
        session.on_timer(now, &mut outside).unwrap();
        for symbol in 0..2 {
            session
                .on_rows(symbol, &mut book(now), &mut outside)
                .unwrap();
        }
        if step == 2 {
            let px = Some(ExecPrice::new(3_000_040_000));
            session.adopt(0, now, QtyLot::new(-17), px).unwrap();
            session.hold(1, now, true, &mut outside).unwrap();
        }
    }
    session.end(session.now(), "done");
}

fn judge(disk: &[u8], shelf: &Shelf) {
    let before = found(disk, shelf).0;
    let engine = before.engine().cloned();
    let (mut one, at) = resume(disk, shelf);
    let (mut other, _) = resume(disk, shelf);
    assert_eq!(one.engine().state_hash(), other.engine().state_hash());
    if let Some(engine) = engine {
        assert_eq!(
            exposure(one.engine()),
            exposure(&engine),
            "nothing is forgotten"
        );
    }
    for at in 0..2 {
        let trader = one.engine().trader(mmbot_types::InstrumentIdx(at)).unwrap();
        assert!(trader.open_orders().all(|order| !order.waits));
        assert!(
            !one.engine()
                .market(mmbot_types::InstrumentIdx(at))
                .unwrap()
                .is_synced()
        );
    }
    assert!(
        one.requests().is_empty(),
        "what was never written never leaves"
    );
    go_on(&mut one);
    go_on(&mut other);
    assert!(
        one.engine().session().next_sync() > TsNs::new(KILLED_NS),
        "it goes on"
    );
    assert!(
        one.engine().session().next_sync() < TsNs::NEVER,
        "it goes on"
    );
    let behind = journal_of(&mut one);
    assert_eq!(behind, journal_of(&mut other));
    let mut whole = disk[..usize::try_from(at.offset).unwrap()].to_vec();
    whole.extend_from_slice(&behind);
    let replay = replayed(&whole, shelf);
    assert_eq!(replay.outcome().difference, None, "at record {}", at.seq);
    assert_eq!(replay.outcome().hash, one.engine().state_hash());
    let position = |engine: &Engine| {
        engine
            .trader(mmbot_types::InstrumentIdx(0))
            .unwrap()
            .position()
    };
    assert_eq!(position(one.engine()), QtyLot::new(-17));
}

/// Ends of records from the first on that a session can be brought back from.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let mut reader = Reader::new(bytes);
    let mut ends = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        if !matches!(entry.record, Record::Header(_) | Record::Params { .. }) {
            ends.push(usize::try_from(reader.offset()).unwrap());
        }
    }
    ends
}

/// spec: 08-5.4
#[test]
fn killed_at_any_record_it_comes_back_and_the_whole_journal_replays() {
    for kind in [QuoterKind::BuiltIn, QuoterKind::External] {
        let (bytes, shelf) = killed(kind);
        let ends = boundaries(&bytes);
        assert!(ends.len() > 300, "{}", ends.len());
        // every end around requests and reports, one in nine of the rest
        for (nth, end) in ends.iter().enumerate() {
            if nth % 9 == 0 || nth + 60 > ends.len() || nth < 40 {
                judge(&bytes[..*end], &shelf);
            }
        }
    }
}

/// spec: 08-5.4
#[test]
fn a_torn_record_counts_for_nothing() {
    let (bytes, shelf) = killed(QuoterKind::BuiltIn);
    let ends = boundaries(&bytes);
    let (from, to) = (ends[ends.len() - 4], ends[ends.len() - 3]);
    let hash = |disk: &[u8]| resume(disk, &shelf).0.engine().state_hash();
    for cut in from + 1..to {
        assert_eq!(hash(&bytes[..cut]), hash(&bytes[..from]), "{cut}");
    }
    judge(&bytes[..to - 1], &shelf);
}

#[test]
fn a_journal_that_does_not_replay_brings_nothing_back() {
    let (bytes, shelf) = killed(QuoterKind::BuiltIn);
    let mut replay = Replay::new();
    let mut book = shelf;
    let mut changed = false;
    for mut entry in entries(&bytes) {
        if let Record::Intent {
            action: Action::Place(order),
            ..
        } = &mut entry.record
            && !changed
        {
            order.px = PriceTick::new(order.px.get() + 1);
            changed = true;
        }
        replay.on_entry(&entry, &mut book).unwrap();
    }
    let from = Resumption {
        now: TsNs::new(KILLED_NS),
        at: At { seq: 9, offset: 9 },
        hash_every_ns: 1,
        next_checkpoint: None,
    };
    assert!(changed && LiveSession::resume(replay, from).is_err());
    let nothing = LiveSession::resume(Replay::new(), from);
    assert!(nothing.is_err());
    assert_ne!(session_hash(std::iter::empty()), 0);
}

fn open_orders(session: &LiveSession) -> usize {
    let traders = (0..2).filter_map(|at| session.engine().trader(mmbot_types::InstrumentIdx(at)));
    traders.map(|trader| trader.open_orders().count()).sum()
}

/// spec: 09-1
#[test]
fn a_session_that_left_its_orders_replays_and_quotes_again_when_it_goes_on() {
    for kind in [QuoterKind::BuiltIn, QuoterKind::External] {
        let (mut session, shelf) = begun(kind);
        let mut disk = journal_of(&mut session);
        session.take_requests().for_each(drop);
        let open = open_orders(&session);
        assert!(open > 0, "there is something to keep");
        session.control(session.now(), Control::KeepOrders).unwrap();
        let mut outside = Outside::default();
        for step in 1..=5 {
            let now = TsNs::new(KILLED_NS + step * 100_000_000);
            session.on_gap(0, now, &mut outside).unwrap();
            session.hold(1, now, true, &mut outside).unwrap();
            session.on_timer(now, &mut outside).unwrap();
            for symbol in 0..2 {
                session
                    .on_rows(symbol, &mut book(now), &mut outside)
                    .unwrap();
            }
            session.hold(1, now, false, &mut outside).unwrap();
        }
        assert!(session.requests().is_empty(), "nothing is asked for");
        assert_eq!(
            open_orders(&session),
            open,
            "all orders are where they were"
        );
        disk.extend(journal_of(&mut session));
        let kept = replayed(&disk, &shelf);
        assert_eq!(kept.outcome().difference, None);
        let stopped = |engine: &Engine| {
            let trader = engine.trader(mmbot_types::InstrumentIdx(0));
            trader.is_some_and(mmbot_core::Trader::is_stopped)
        };
        assert!(stopped(kept.engine().unwrap()));

        let (mut again, _) = resume(&disk, &shelf);
        assert!(!stopped(again.engine()));
        go_on(&mut again);
        assert!(again.take_requests().next().is_some(), "it quotes again");
        disk.extend(journal_of(&mut again));
        assert_eq!(replayed(&disk, &shelf).outcome().difference, None);
    }
}
