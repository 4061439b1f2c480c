//! What autopolicy and back-off make of a session's requests, second by second.

use super::requests::Requests;
use super::seat::Seat;
use super::{CallOutcome, OutcomeCounts};
use mmbot_types::{SessionParams, TsNs};

fn at(second: i64) -> TsNs {
    TsNs::new(1_700_000_000_000_000_000).plus_ms(1000 * second)
}

/// A second in which the symbols sent `creates` and were answered `outcome` so often.
fn second(requests: &mut Requests, params: &SessionParams, now: i64, sent: [u32; 2], limited: u32) {
    let mut outcomes = OutcomeCounts::default();
    outcomes.add(CallOutcome::RateLimited, limited);
    let seats = sent.map(|creates| {
        let mut seat = Seat::default();
        seat.outcomes = outcomes;
        seat.sent.creates = creates;
        seat
    });
    requests.count(params, &seats, at(now));
    requests.on_second(params, 0.0, seats.len(), at(now));
}

fn session() -> (SessionParams, Requests) {
    let mut params = SessionParams::default();
    params.autopolicy.cooldown_minutes = 0.0;
    let symbols = ["A".to_owned(), "B".to_owned()];
    let requests = Requests::new(&params, &symbols);
    (params, requests)
}

/// spec: 02-D11, 02-10.2, 02-8.3
#[test]
fn autopolicy_judges_the_current_backoff_and_not_the_largest_of_the_run() {
    let (params, mut requests) = session();
    let mut now = 0;
    while requests.autopolicy().level() < 2 {
        second(&mut requests, &params, now, [1, 1], 5);
        now += 1;
        assert!(now < 60, "a backoff that grows has to raise the level");
    }
    let largest = requests.backoffs()[0].max_observed_ms();
    assert!(largest >= params.autopolicy.trigger_backoff_ms);
    assert!(requests.backoff_ms_max(at(now)) > 0.0);
    // the errors leave their window of 60 s, the backoff ends, the maximum stays
    for _ in 0..200 {
        second(&mut requests, &params, now, [0, 0], 0);
        now += 1;
    }
    assert_eq!(requests.backoff_ms_max(at(now)), 0.0);
    assert!(requests.backoffs()[0].max_observed_ms() >= largest);
    assert_eq!(requests.autopolicy().level(), 0);
}

/// spec: 02-8.3, 02-8.1
#[test]
fn requests_in_the_window_are_summed_over_symbols_and_leave_it() {
    let (params, mut requests) = session();
    for (now, sent) in [(0, [3, 0]), (1, [1, 2]), (2, [0, 4])] {
        second(&mut requests, &params, now, sent, 0);
    }
    // requests of a synchronisation lie in the second before it; the window holds 3 s
    assert_eq!(requests.events_in_window(at(2)), 7);
    assert_eq!(requests.events_in_window(at(3)), 4);
    assert_eq!(requests.events_in_window(at(4)), 0);
    requests.reset();
    assert_eq!(requests.events_in_window(at(4)), 0);
}
