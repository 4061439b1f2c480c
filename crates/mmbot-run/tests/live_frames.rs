//! Raw frames of several symbols: whatever breaks in one leaves the others alone, and no wrong book
//! is traded on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use mmbot_run::live::{FeedCounts, LiveRequest};
use mmbot_run::{JournalStart, LiveSession, NoStrategy};
use mmbot_types::journal::{FORMAT_VERSION, Header, InstrumentFacts, Mode, Reader, Record};
use mmbot_types::{
    Action, Cause, EventRow, ExecReport, Instrument, InstrumentIdx, Params, ReportKind, RowKind,
    SessionParams, TsNs,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NAMES: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
const START_MS: i64 = 1_700_000_000_000;

fn at(ms: i64) -> TsNs {
    TsNs::new((START_MS + ms) * 1_000_000)
}

fn session() -> LiveSession {
    session_with(Params::default())
}

fn session_with(params: Params) -> LiveSession {
    let made = |name: &&str| Instrument::new(name, "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
    let instruments: Vec<Instrument> = NAMES.iter().map(made).collect();
    let facts = |one: &Instrument| InstrumentFacts::of(one).unwrap();
    let start = JournalStart {
        header: Header {
            format: FORMAT_VERSION,
            session_id: "live".to_owned(),
            mode: Mode::Live,
            created: at(0),
            seed: 7,
            cid_prefix: "mm-".to_owned(),
            instruments: instruments.iter().map(facts).collect(),
            config: Vec::new(),
        },
        params: vec![Vec::new(); 2],
        session: Vec::new(),
        hash_every_ns: 1_000_000_000,
        checkpoints: false,
    };
    let both = instruments.into_iter().map(|one| (one, params));
    LiveSession::new(both.collect(), SessionParams::default(), start).unwrap()
}

type Levels<'a> = &'a [(&'a str, &'a str)];

fn array(levels: Levels<'_>) -> String {
    let rows = levels
        .iter()
        .map(|(px, qty)| format!("[\"{px}\",\"{qty}\"]"));
    rows.collect::<Vec<_>>().join(",")
}

fn book(name: &str, kind: &str, u: i64, bids: Levels<'_>, asks: Levels<'_>, ms: i64) -> Vec<u8> {
    let (ts, b, a) = (START_MS + ms, array(bids), array(asks));
    format!(
        "{{\"topic\":\"orderbook.50.{name}\",\"type\":\"{kind}\",\"ts\":{ts},\
         \"data\":{{\"s\":\"{name}\",\"b\":[{b}],\"a\":[{a}],\"u\":{u},\"seq\":{u}}},\"cts\":{ts}}}"
    )
    .into_bytes()
}

fn snapshot(name: &str, u: i64, ms: i64) -> Vec<u8> {
    book(
        name,
        "snapshot",
        u,
        &[("30000.0", "2")],
        &[("30000.1", "3")],
        ms,
    )
}

fn delta(name: &str, u: i64, ms: i64) -> Vec<u8> {
    book(name, "delta", u, &[("29999.9", "1")], &[], ms)
}

fn send(session: &mut LiveSession, frame: &[u8], ms: i64) -> Vec<LiveRequest> {
    session.on_frame(frame, at(ms), &mut NoStrategy).unwrap();
    session.take_requests().collect()
}

fn accept(session: &mut LiveSession, requests: &[LiveRequest], ms: i64) {
    for request in requests {
        let kind = match request.action {
            Action::Place(_) => ReportKind::Accepted,
            Action::Amend { px, total_qty, .. } => ReportKind::Amended {
                px,
                open_qty: total_qty,
            },
            Action::Cancel { .. } => ReportKind::Cancelled,
        };
        let (cid, symbol) = (request.action.cid(), usize::from(request.instrument.0));
        let report = ExecReport {
            cid,
            ts_exch: at(ms),
            kind,
        };
        session
            .on_report(symbol, at(ms), &report, &mut NoStrategy)
            .unwrap();
    }
}

/// Both symbols quote.
fn quoting() -> LiveSession {
    let mut session = session();
    for (name, ms) in [("BTCUSDT", 0), ("ETHUSDT", 1)] {
        let requests = send(&mut session, &snapshot(name, 10, ms), ms);
        accept(&mut session, &requests, ms);
    }
    for (u, ms) in (11i64..).zip((10..500).step_by(10)) {
        for name in NAMES {
            let requests = send(&mut session, &delta(name, u, ms), ms);
            accept(&mut session, &requests, ms);
        }
    }
    assert!(open(&session, 0) >= 2 && open(&session, 1) >= 2);
    session
}

fn open(session: &LiveSession, symbol: u16) -> usize {
    let trader = session.engine().trader(InstrumentIdx(symbol)).unwrap();
    trader.open_orders().count()
}

fn is_synced(session: &LiveSession, symbol: u16) -> bool {
    session
        .engine()
        .market(InstrumentIdx(symbol))
        .unwrap()
        .is_synced()
}

fn counts(session: &LiveSession) -> FeedCounts {
    session.feed_counts(0).unwrap()
}

/// All orders of the first symbol are cancelled, none of the second.
fn pulled(session: &LiveSession, requests: &[LiveRequest]) {
    assert_eq!(requests.len(), open(session, 0));
    let stale = |one: &LiveRequest| {
        one.instrument.0 == 0
            && one.cause == Cause::StaleBook
            && matches!(one.action, Action::Cancel { .. })
    };
    assert!(requests.iter().all(stale), "{requests:?}");
    assert!(!is_synced(session, 0) && is_synced(session, 1));
}

/// spec: 01-8.1
#[test]
fn a_gap_in_the_numbers_pulls_the_quotes_of_its_symbol_at_once() {
    let mut session = quoting();
    let requests = send(&mut session, &delta("BTCUSDT", 70, 500), 500);
    pulled(&session, &requests);
    assert_eq!(session.take_resubscribes(), [InstrumentIdx(0)]);
    assert!(session.take_resubscribes().is_empty());
    assert_eq!(counts(&session).gaps, 1);
    accept(&mut session, &requests, 501);
    assert!(send(&mut session, &delta("BTCUSDT", 71, 510), 510).is_empty());
    assert!(send(&mut session, &snapshot("BTCUSDT", 90, 520), 5_900).len() >= 2);
    assert!(is_synced(&session, 0));
}

#[test]
fn a_lost_stream_pulls_quotes_and_orders_that_were_on_their_way_go_as_soon_as_they_can() {
    let mut session = session();
    let placed = send(&mut session, &snapshot("BTCUSDT", 10, 0), 0);
    assert!(placed.len() >= 2);
    let waiting = session.on_gap(0, at(5), &mut NoStrategy).unwrap();
    assert_eq!(waiting, 0, "nothing has been acknowledged yet");
    accept(&mut session, &placed, 6);
    let requests: Vec<_> = session.take_requests().collect();
    assert_eq!(requests.len(), placed.len());
    assert!(
        requests
            .iter()
            .all(|one| one.cause == Cause::StaleBook && one.ts == at(6))
    );
}

#[test]
fn a_silent_stream_pulls_its_quotes_as_soon_as_its_book_is_stale() {
    let mut params = Params::default();
    params.signals.stale_after_ms = 240;
    params.anti_stale.order_ttl_ms = 60_000;
    let mut session = session_with(params);
    for ms in (0..600).step_by(20) {
        let (kind, u) = (if ms == 0 { "snapshot" } else { "delta" }, 10 + ms / 20);
        let whole: Levels<'_> = &[("30000.0", "2")];
        let frame = book("BTCUSDT", kind, u, whole, &[("30000.1", "2")], ms);
        let requests = send(&mut session, &frame, ms);
        accept(&mut session, &requests, ms);
    }
    let resting = open(&session, 0);
    assert!(resting >= 2);
    let mut pulled = Vec::new();
    while session.next_due() < at(1_000) {
        let due = session.next_due();
        session.on_timer(due, &mut NoStrategy).unwrap();
        let requests: Vec<_> = session.take_requests().collect();
        accept(&mut session, &requests, (due.get() / 1_000_000) - START_MS);
        pulled.extend(requests);
    }
    assert_eq!(pulled.len(), resting);
    let stale = TsNs::new(at(580 + 240).get() + 1);
    assert!(
        pulled
            .iter()
            .all(|one| one.ts == stale && one.cause == Cause::StaleBook)
    );
}

#[test]
fn old_frames_are_dropped_and_a_restart_of_the_numbers_is_a_snapshot() {
    let mut session = quoting();
    let hash = mmbot_book::state_hash(session.engine().market(InstrumentIdx(0)).unwrap().book());
    for u in [12, 30, 59] {
        let wild = book("BTCUSDT", "delta", u, &[("30000.0", "0")], &[], 505);
        send(&mut session, &wild, 505);
    }
    let now = mmbot_book::state_hash(session.engine().market(InstrumentIdx(0)).unwrap().book());
    assert_eq!((counts(&session).duplicates, now), (3, hash));
    let restart = book(
        "BTCUSDT",
        "delta",
        1,
        &[("29990.0", "1")],
        &[("29990.4", "1")],
        510,
    );
    send(&mut session, &restart, 510);
    let market = session.engine().market(InstrumentIdx(0)).unwrap();
    assert_eq!(market.book().touch().unwrap().bid.get(), 299_900);
    assert_eq!(counts(&session).gaps, 0);
}

#[test]
fn a_crossed_book_is_never_traded_on() {
    let mut session = quoting();
    let crossing = book("BTCUSDT", "delta", 60, &[("30000.5", "1")], &[], 510);
    let requests = send(&mut session, &crossing, 510);
    pulled(&session, &requests);
    assert_eq!(counts(&session).lost, 1);
    assert_eq!(session.take_resubscribes(), [InstrumentIdx(0)]);
}

#[test]
fn what_cannot_be_read_is_counted_and_breaks_the_book_that_it_may_have_changed() {
    let mut session = quoting();
    let torn = |frame: Vec<u8>| frame[..frame.len() - 9].to_vec();
    let requests = send(&mut session, &torn(delta("BTCUSDT", 60, 510)), 510);
    pulled(&session, &requests);
    let rejects = session.take_rejects();
    assert_eq!(rejects.len(), 1);
    assert_eq!(
        (rejects[0].instrument, rejects[0].recv),
        (Some(InstrumentIdx(0)), at(510))
    );
    assert_eq!(counts(&session).rejected, 1);
    // of no symbol of ours, of no symbol, no frame at all
    for frame in [
        &b"{\"topic\":\"orderbook.50.XRPUSDT\",\"type\":7"[..],
        b"{\"op\":\"pong\"}",
    ] {
        assert!(send(&mut session, frame, 511).is_empty());
    }
    assert!(session.take_rejects().is_empty());
    send(&mut session, b"{\"topic\":", 512);
    assert_eq!(session.take_rejects().len(), 1);
    assert!(is_synced(&session, 1));
}

#[test]
fn without_a_snapshot_one_is_asked_for_again_and_again() {
    let mut session = quoting();
    send(&mut session, &delta("BTCUSDT", 70, 500), 500);
    assert_eq!(session.take_resubscribes(), [InstrumentIdx(0)]);
    for (u, seconds) in (71..).zip(1..=12) {
        send(
            &mut session,
            &delta("BTCUSDT", u, 500 + seconds * 1000),
            500 + seconds * 1000,
        );
        let asked = session.take_resubscribes();
        assert_eq!(
            asked.len(),
            usize::from(seconds == 6 || seconds == 12),
            "{seconds}"
        );
    }
    assert_eq!(counts(&session).waiting, 12);
}

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
}
