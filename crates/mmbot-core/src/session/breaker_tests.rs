//! The breaker: each rule, and lists of calls as its naive twin.

use super::breaker::{CircuitBreaker, CircuitState};
use super::breaker_grid_tests::{Event, at, current, defaults, opened, probing};
use super::outcome::{CallOutcome, OutcomeCounts};
use CallOutcome::{BusinessReject, Ok as Fine, OtherError, RateLimited, Server, Timeout};
use mmbot_types::{CircuitParams, TsNs};
use proptest::prelude::*;

/// spec: 02-10.1 02-10.1/1
#[test]
fn it_opens_at_a_threshold_and_not_before_the_least_samples() {
    let rows = [
        ("too few", Server, 4, 0, false),
        ("5xx below", Server, 1, 5, false),
        ("5xx", Server, 1, 4, true),
        ("429 below", RateLimited, 1, 5, false),
        ("429", RateLimited, 1, 4, true),
        ("timeouts below", Timeout, 4, 5, false),
        ("timeouts", Timeout, 5, 5, true),
        ("errors", OtherError, 3, 3, true),
        ("rejects", BusinessReject, 50, 0, false),
    ];
    for (name, outcome, bad, good, opens) in rows {
        let mut breaker = CircuitBreaker::new(&defaults());
        let mut counts = OutcomeCounts::default();
        counts.add(outcome, bad);
        counts.add(Fine, good);
        breaker.on_results(&defaults(), &counts, at(0));
        assert_eq!(current(&mut breaker) == 1, opens, "{name}");
    }
}

/// spec: 02-10.1
#[test]
fn calls_older_than_the_window_do_not_count() {
    for (ms, opens) in [(59_999, true), (60_000, false)] {
        let mut breaker = CircuitBreaker::new(&defaults());
        for _ in 0..4 {
            breaker.on_result(&defaults(), Timeout, at(0));
        }
        breaker.on_result(&defaults(), Timeout, at(ms));
        assert_eq!(current(&mut breaker) == 1, opens, "{ms}");
    }
}

/// spec: 02-10.1
/// spec: 02-D10 02-10.1/2
#[test]
fn the_window_is_cleared_on_half_open_so_that_old_errors_do_not_reopen_it() {
    let mut breaker = opened();
    assert_eq!(breaker.tally(at(29_999)).server, 5);
    breaker.state_at(&defaults(), at(30_000));
    assert_eq!(breaker.tally(at(30_000)).all, 0);
    for k in 0..5 {
        let now = at(30_000 + 5000 * k);
        assert!(breaker.take_probe(&defaults(), now));
        breaker.on_probe_result(&defaults(), Fine, now);
    }
    assert_eq!(current(&mut breaker), 0);
    breaker.on_result(&defaults(), Fine, at(50_001));
    assert_eq!(breaker.transitions(), [1, 1, 1]);
}

/// spec: 02-10.1 02-10.1/3
#[test]
fn probes_are_limited_in_number_and_spaced_by_the_cooldown() {
    let mut breaker = opened();
    let mut starts = Vec::new();
    for ms in (30_000..80_000).step_by(500) {
        if breaker.allows_create(&defaults(), at(ms)) {
            assert!(breaker.take_probe(&defaults(), at(ms)));
            starts.push(ms);
        }
    }
    assert_eq!(starts, [30_000, 35_000, 40_000, 45_000, 50_000]);
}

/// spec: 01-5
/// spec: 02-10.1
#[test]
fn new_parameters_apply_to_the_current_state_and_keep_the_window() {
    let mut breaker = opened();
    let quick = CircuitParams {
        open_duration_sec: 1.0,
        ..defaults()
    };
    assert_eq!(breaker.state_at(&quick, at(1000)).name(), "half_open");
    let mut breaker = probing(3, &[Fine, Fine, OtherError]);
    let fewer = CircuitParams {
        half_open_probes: 2,
        ..defaults()
    };
    let state = breaker.state_at(&fewer, at(41_000));
    assert_eq!(state.name(), "closed", "all that were started are answered");
    let mut breaker = CircuitBreaker::new(&defaults());
    for k in 0..10 {
        breaker.on_result(
            &defaults(),
            [Fine, OtherError][usize::from(k > 6)],
            at(k * 1000),
        );
    }
    let shorter = CircuitParams {
        window_sec: 5.0,
        ..defaults()
    };
    assert_eq!(current(&mut breaker), 0, "3 of 10");
    breaker.on_result(&shorter, Fine, at(9000));
    assert_eq!(current(&mut breaker), 1, "3 of 6");
}

/// spec: 02-10.1
#[test]
fn a_threshold_of_zero_opens_at_the_first_case_and_not_without_one() {
    let strict = CircuitParams {
        err_rate_open: 0.0,
        http_5xx_rate_open: 0.0,
        http_429_rate_open: 0.0,
        ..defaults()
    };
    let mut breaker = CircuitBreaker::new(&strict);
    for _ in 0..50 {
        breaker.on_result(&strict, Fine, at(0));
    }
    assert_eq!(breaker.state_at(&strict, at(0)), CircuitState::Closed);
    breaker.on_result(&strict, OtherError, at(0));
    assert_eq!(breaker.state_at(&strict, at(0)).name(), "open");
}

#[test]
fn a_clock_that_steps_back_stands_still() {
    let mut breaker = opened();
    breaker.on_result(&defaults(), Fine, at(20_000));
    breaker.on_result(&defaults(), Fine, at(-90_000));
    assert_eq!(breaker.tally(at(-90_000)).all, 7);
    assert!(breaker.allows_create(&defaults(), at(30_000)));
    assert!(
        breaker.allows_create(&defaults(), at(0)),
        "it was later already"
    );
}

/// The obvious breaker: every call and probe in a list, everything computed anew.
struct Lists {
    state: &'static str,
    since: i64,
    calls: Vec<(i64, CallOutcome)>,
    starts: Vec<i64>,
    answers: Vec<CallOutcome>,
}

impl Lists {
    fn share(calls: &[CallOutcome], all: usize, p: &CircuitParams) -> bool {
        let over = |threshold: f64, is: &dyn Fn(CallOutcome) -> bool| {
            let n = calls.iter().filter(|o| is(**o)).count();
            n > 0 && n as f64 / all as f64 >= threshold
        };
        over(p.err_rate_open, &|o| !matches!(o, Fine | BusinessReject))
            || over(p.http_5xx_rate_open, &|o| o == Server)
            || over(p.http_429_rate_open, &|o| o == RateLimited)
    }

    fn open(&mut self, now: i64) {
        (self.state, self.since) = ("open", now);
    }

    fn time(&mut self, p: &CircuitParams, now: i64) {
        if self.state == "open" && now - self.since >= (p.open_duration_sec * 1e3) as i64 {
            self.state = "half_open";
            self.calls.clear();
            self.starts.clear();
            self.answers.clear();
        }
        self.judge(p, now, false);
    }

    fn judge(&mut self, p: &CircuitParams, now: i64, outage: bool) {
        if self.state != "half_open" {
            return;
        }
        let probes = self.starts.len().max(p.half_open_probes as usize);
        let complete = self.answers.len() >= probes;
        if (complete || outage) && Self::share(&self.answers, probes, p) {
            self.open(now);
        } else if complete {
            self.state = "closed";
        }
    }

    fn result(&mut self, p: &CircuitParams, outcome: CallOutcome, now: i64) {
        self.calls.push((now.div_euclid(1000), outcome));
        let oldest = now.div_euclid(1000) - p.window_sec.ceil() as i64;
        let recent = self.calls.iter().filter(|(second, _)| *second > oldest);
        let recent: Vec<CallOutcome> = recent.map(|(_, outcome)| *outcome).collect();
        let enough = recent.len() >= p.min_samples as usize;
        if self.state == "closed" && enough && Self::share(&recent, recent.len(), p) {
            self.open(now);
        }
    }

    fn may_start(&self, p: &CircuitParams, now: i64) -> bool {
        let cooldown = (p.cooldown_sec * 1e3) as i64;
        self.starts.len() < p.half_open_probes as usize
            && self.starts.last().is_none_or(|last| now - last >= cooldown)
    }

    fn probe(&mut self, p: &CircuitParams, outcome: CallOutcome, now: i64) {
        self.result(p, outcome, now);
        if self.state == "half_open" && self.answers.len() < self.starts.len() {
            self.answers.push(outcome);
        }
        let outage = matches!(outcome, RateLimited | Server | Timeout);
        self.judge(p, now, outage);
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let outcome = || prop_oneof![6 => Just(Fine), 4 => prop::sample::select(&CallOutcome::ALL[..])];
    prop_oneof![
        1 => Just(Event::Time),
        5 => outcome().prop_map(Event::Result),
        4 => Just(Event::TakeProbe),
        3 => outcome().prop_map(Event::Probe),
    ]
}

fn any_params() -> impl Strategy<Value = CircuitParams> {
    // quarters of a second are exact in every unit
    let quarters = |range: std::ops::Range<u32>| range.prop_map(|k| f64::from(k) * 0.25);
    let seconds = (quarters(4..80), quarters(1..36), quarters(0..8));
    let counts = (1u32..5, 1u32..8);
    (seconds, (0.0f64..1.0, 0.0f64..1.0), counts).prop_map(|(seconds, rates, counts)| {
        let (window_sec, open_duration_sec, cooldown_sec) = seconds;
        CircuitParams {
            window_sec,
            err_rate_open: rates.0,
            http_5xx_rate_open: rates.1,
            http_429_rate_open: 1.0 - rates.1,
            open_duration_sec,
            half_open_probes: counts.0,
            cooldown_sec,
            min_samples: counts.1,
        }
    })
}

proptest! {
    /// spec: 02-10.1
    #[test]
    fn the_breaker_equals_lists_of_calls_and_probes(
        (p, reloaded) in (any_params(), any_params()),
        steps in prop::collection::vec((0i64..1500, any_event()), 1..150),
    ) {
        let mut breaker = CircuitBreaker::new(&p);
        let mut lists = Lists {
            state: "closed",
            since: 0,
            calls: Vec::new(),
            starts: Vec::new(),
            answers: Vec::new(),
        };
        let (mut now, half) = (0, steps.len() / 2);
        for (k, (step, event)) in steps.into_iter().enumerate() {
            now += step;
            // the window stays: what a shorter one dropped would have to be dropped here too
            let later = CircuitParams { window_sec: p.window_sec, ..reloaded };
            let p = if k < half { p } else { later };
            let ts = TsNs::ZERO.plus_ms(now);
            lists.time(&p, now);
            match event {
                Event::Time => {}
                Event::Result(outcome) => {
                    breaker.on_result(&p, outcome, ts);
                    lists.result(&p, outcome, now);
                }
                Event::TakeProbe => {
                    let may = lists.state == "half_open" && lists.may_start(&p, now);
                    prop_assert_eq!(breaker.allows_create(&p, ts), may || lists.state == "closed");
                    prop_assert_eq!(breaker.take_probe(&p, ts), may);
                    lists.starts.extend(may.then_some(now));
                }
                Event::Probe(outcome) => {
                    breaker.on_probe_result(&p, outcome, ts);
                    lists.probe(&p, outcome, now);
                }
            }
            prop_assert_eq!(breaker.state_at(&p, ts).name(), lists.state);
        }
    }
}
