//! The whole grid of (state, event) of the breaker, and the documentation made from it.

use super::breaker::{CircuitBreaker, CircuitState};
use super::outcome::{CallOutcome, OutcomeCounts};
use CallOutcome::{Ok as Fine, OtherError, Server};
use mmbot_types::{CircuitParams, TsNs};
use std::fmt::Write as _;

pub(super) fn at(ms: i64) -> TsNs {
    TsNs::new(1_700_000_000_000_000_000).plus_ms(ms)
}

pub(super) fn defaults() -> CircuitParams {
    CircuitParams::default()
}

/// A breaker that opened at 0 (and is half open from 30 s on).
pub(super) fn opened() -> CircuitBreaker {
    let mut breaker = CircuitBreaker::new(&defaults());
    let mut counts = OutcomeCounts::default();
    counts.add(Server, 5);
    breaker.on_results(&defaults(), &counts, at(0));
    breaker
}

/// A half-open breaker with these probes started 5 s apart from 30 s on, the first ones answered.
pub(super) fn probing(started: usize, answers: &[CallOutcome]) -> CircuitBreaker {
    let mut breaker = opened();
    breaker.state_at(&defaults(), at(30_000));
    for k in 0..started {
        assert!(breaker.take_probe(&defaults(), at(30_000 + 5000 * k as i64)));
    }
    for outcome in answers {
        breaker.on_probe_result(
            &defaults(),
            *outcome,
            at(30_000 + 5000 * started as i64 - 5000),
        );
    }
    breaker
}

/// A column of the grid: what it is called, a breaker in it, and a time at which it still is.
fn columns() -> [(&'static str, CircuitBreaker, TsNs); 8] {
    let fresh = CircuitBreaker::new(&defaults());
    let mut brink = fresh.clone();
    for outcome in [OtherError, OtherError, Fine, Fine] {
        brink.on_result(&defaults(), outcome, at(0));
    }
    let (four, two_bad) = ([Fine; 4], [OtherError, OtherError, Fine, Fine]);
    [
        ("closed", fresh, at(0)),
        ("closed, 2 of 4 calls failed", brink, at(0)),
        ("open", opened(), at(29_999)),
        ("open for 30 s", opened(), at(30_000)),
        ("half_open", probing(0, &[]), at(30_000)),
        ("half_open, 1 probe out", probing(1, &[]), at(34_999)),
        ("half_open, last probe out", probing(5, &four), at(60_000)),
        (
            "half_open, 2 of 4 probes failed",
            probing(5, &two_bad),
            at(60_000),
        ),
    ]
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Time,
    Result(CallOutcome),
    TakeProbe,
    Probe(CallOutcome),
}

fn events() -> Vec<Event> {
    let results = CallOutcome::ALL.map(Event::Result);
    let probes = CallOutcome::ALL.map(Event::Probe);
    [
        &[Event::Time],
        &results[..],
        &[Event::TakeProbe],
        &probes[..],
    ]
    .concat()
}

impl Event {
    fn name(self) -> String {
        match self {
            Event::Time => "time passes".to_owned(),
            Event::Result(outcome) => format!("a call ends: {}", outcome.name()),
            Event::TakeProbe => "a create or amend is sent".to_owned(),
            Event::Probe(outcome) => format!("a probe ends: {}", outcome.name()),
        }
    }

    fn apply(self, breaker: &mut CircuitBreaker, now: TsNs) {
        match self {
            Event::Time => {
                breaker.state_at(&defaults(), now);
            }
            Event::Result(outcome) => breaker.on_result(&defaults(), outcome, now),
            Event::TakeProbe => {
                breaker.take_probe(&defaults(), now);
            }
            Event::Probe(outcome) => breaker.on_probe_result(&defaults(), outcome, now),
        }
    }
}

/// Next state per event in the order of [`events`], by column: time; a call that ends ok, with a
/// business reject, 429, 5xx, timeout, other error; a create is sent; a probe that ends in the same
/// six ways. C closed, O open, H half open, `=` no change.
const GRID: [&str; 8] = [
    "= ====== = ======",
    "= ==OOOO = ==OOOO",
    "= ====== = ======",
    "H HHHHHH H HHHHHH",
    "= ====== = ======",
    "= ====== = ==OO==",
    "= ====== = CCOOCC",
    "= ====== = CCOOOO",
];

/// spec: 02-10.1 02-10.1/1 02-10.1/2 02-10.1/3
#[test]
fn every_cell_of_the_grid_is_as_written() {
    let mut cells = 0;
    for (row, (name, breaker, now)) in GRID.iter().zip(columns()) {
        let row = row.replace(' ', "");
        assert_eq!(row.len(), events().len());
        for (expected, event) in row.chars().zip(events()) {
            let (mut after, before) = (breaker.clone(), breaker.clone());
            event.apply(&mut after, now);
            let mut state = before.clone();
            let from = current(&mut state);
            let to = current(&mut after);
            let got = if to == from { '=' } else { ['C', 'O', 'H'][to] };
            assert_eq!(got, expected, "{name}: {}", event.name());
            let entered: u64 = after.transitions().iter().sum();
            let entered_before: u64 = before.transitions().iter().sum();
            assert_eq!(entered - entered_before, u64::from(got != '='), "{name}");
            cells += 1;
        }
    }
    assert_eq!(cells, 8 * 14);
}

/// The state where the breaker was left, without letting time pass.
pub(super) fn current(breaker: &mut CircuitBreaker) -> usize {
    breaker.state_at(&defaults(), TsNs::ZERO).numeric()
}

/// spec: 02-10.1 02-10.1/2 02-10.1/3
#[test]
fn creates_pass_when_closed_and_as_probes_when_half_open() {
    let rows = [true, true, false, true, true, false, false, false];
    for (allowed, (name, mut breaker, now)) in rows.into_iter().zip(columns()) {
        assert_eq!(breaker.allows_create(&defaults(), now), allowed, "{name}");
        let half_open = breaker.state_at(&defaults(), now).numeric() == 2;
        let probe = breaker.take_probe(&defaults(), now);
        assert_eq!(probe, allowed && half_open, "{name}");
    }
}

fn page() -> String {
    let mut text = String::from(
        "# Circuit breaker states\n\n\
         Made from `next()` in `crates/mmbot-core/src/session/breaker.rs` by its test;\n\
         do not edit. Rows are events, columns are situations with the default parameters of\n\
         `circuit`; an empty cell means no change. Cancels pass in every state; the last\n\
         row is what happens to a create or amend.\n\n| event |",
    );
    let columns = columns();
    for (name, ..) in &columns {
        let _ = write!(text, " {name} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(columns.len()));
    for event in events() {
        let _ = write!(text, "\n| {} |", event.name());
        for (_, breaker, now) in &columns {
            let (mut before, mut after) = (breaker.clone(), breaker.clone());
            event.apply(&mut after, *now);
            let to = current(&mut after);
            if to == current(&mut before) {
                text.push_str(" |");
            } else {
                let _ = write!(text, " {} |", CircuitState::NAMES[to]);
            }
        }
    }
    text.push_str("\n| *creates and amends* |");
    for (_, mut breaker, now) in columns {
        let allowed = breaker.allows_create(&defaults(), now);
        text.push_str(match (allowed, breaker.take_probe(&defaults(), now)) {
            (false, _) => " refused |",
            (true, false) => " pass |",
            (true, true) => " pass as a probe |",
        });
    }
    text.push('\n');
    text
}

/// Set `MMBOT_WRITE_DOCS` to write the page anew after a change of the machine.
/// spec: 02-10.1
#[test]
#[allow(clippy::disallowed_methods)] // a test reads and writes the page
fn the_documentation_is_the_machine() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/circuit-states.md");
    if std::env::var("MMBOT_WRITE_DOCS").is_ok() {
        std::fs::write(path, page()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert_eq!(written.replace("\r\n", "\n"), page());
}
