//! Each way in which a stream breaks.

use crate::venue::{
    Levels, START_MS, accept, at, book, counts, delta, is_synced, open, quoting, replayed, send,
    session, session_with, snapshot,
};
use mmbot_run::live::LiveRequest;
use mmbot_run::{LiveSession, NoStrategy};
use mmbot_types::{Action, Cause, InstrumentIdx, Params, TsNs};

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

#[test]
fn a_session_that_ends_before_any_data_replays() {
    let mut session = session();
    session.end(at(5), "no venue");
    let bytes = session.take_journal(<[u8]>::to_vec).unwrap();
    let outcome = replayed(&bytes);
    assert_eq!(outcome.difference, None);
    assert_eq!(outcome.hash, session.engine().state_hash());
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
