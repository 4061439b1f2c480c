//! Why: every request of a session is explained by a decision that makes exactly it.

use crate::sessions::{Plan, plan, run};
use mmbot_core::Trace;
use mmbot_core::trace::{Step, Value};
use mmbot_run::{Place, Question, Replay, Search, Sent};
use mmbot_types::journal::{Reader, Record};
use mmbot_types::{Action, BlockDetail, InstrumentIdx, Side, TsNs};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Every request of a journal, by order.
fn sent(bytes: &[u8]) -> BTreeMap<u64, Vec<Sent>> {
    let mut orders = BTreeMap::new();
    for entry in Reader::new(bytes).map(Result::unwrap) {
        if let Record::Intent { full_cid, .. } = entry.record {
            orders.entry(full_cid).or_insert_with(|| {
                let search = searched(bytes, Question::Order(full_cid));
                search.sent().to_vec()
            });
        }
    }
    orders
}

fn searched(bytes: &[u8], question: Question) -> Search {
    let mut search = Search::new(question);
    let mut reader = Reader::new(bytes);
    while let Some(frame) = reader.next_frame().unwrap() {
        search.on_frame(&frame).unwrap();
    }
    search
}

fn traces(plan: &Plan, bytes: &[u8], places: Vec<Place>) -> Vec<Option<Trace>> {
    let mut shelf = run(plan, true).shelf;
    let count = places.len();
    let mut replay = Replay::explaining(places);
    for entry in Reader::new(bytes).map(Result::unwrap) {
        replay.on_entry(&entry, &mut shelf).unwrap();
    }
    assert_eq!(replay.outcome().difference, None, "tracing changes nothing");
    assert_eq!(replay.explanations().len(), count);
    let traces = replay.explanations();
    traces.map(|(_, trace)| trace.cloned()).collect()
}

fn value<'a>(step: &'a Step, name: &str) -> &'a Value {
    let found = step.fields.iter().find(|field| field.0 == name);
    &found.unwrap_or_else(|| panic!("{step:?} has no {name}")).1
}

fn number(step: &Step, name: &str) -> f64 {
    match value(step, name) {
        Value::Number(number) => *number,
        Value::Count(count) => *count as f64,
        Value::RawPx(ticks) => *ticks,
        other => panic!("{name} is {other:?}"),
    }
}

/// The request step of `sent`.
fn request<'a>(trace: &'a Trace, sent: &Sent) -> &'a Step {
    let is_it = |step: &&Step| {
        step.name == "request" && *value(step, "order") == Value::Order(sent.full_cid)
    };
    trace.steps.iter().rfind(is_it).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    /// spec: 09-2
    #[test]
    fn every_order_of_a_session_is_rebuilt_by_the_decision_that_explains_it(plan in plan()) {
        let bytes = run(&plan, true).bytes;
        let mut all: Vec<Sent> = sent(&bytes).into_values().flatten().collect();
        all.sort_by_key(|sent| sent.seq);
        let mut places: Vec<Place> = all.iter().map(Sent::place).collect();
        places.dedup();
        let traces = traces(&plan, &bytes, places.clone());
        prop_assert!(plan.tight || all.len() > 5);
        for sent in &all {
            let at = places.iter().position(|place| *place == sent.place()).unwrap();
            let trace = traces[at].as_ref().unwrap();
            let step = request(trace, sent);
            prop_assert_eq!(value(step, "cause"), &Value::Name(sent.cause.name()));
            let (px, qty) = (value(step, "px"), value(step, "qty"));
            match sent.action {
                Action::Place(order) => {
                    prop_assert_eq!((px, qty), (&Value::Px(order.px), &Value::Qty(order.qty)));
                    prop_assert_eq!(step.side, Some(order.side));
                    prop_assert_eq!(trace.at, Some(sent.ts));
                }
                Action::Amend { px: to, total_qty, .. } => {
                    prop_assert_eq!((px, qty), (&Value::Px(to), &Value::Qty(total_qty)));
                }
                Action::Cancel { .. } => {
                    prop_assert_eq!((px, qty), (&Value::Absent, &Value::Absent));
                }
            }
        }
    }

    /// spec: 09-2
    #[test]
    fn the_steps_of_a_quote_are_an_arithmetic_that_a_reader_can_follow(seed in 0u64..1_000) {
        let kind = mmbot_types::QuoterKind::BuiltIn;
        let plan = Plan { kind, tight: false, seed, ..built_in() };
        let bytes = run(&plan, true).bytes;
        let mut places: Vec<Place> = sent(&bytes).values().map(|sent| sent[0].place()).collect();
        places.sort_by_key(|place| place.to_seq);
        places.dedup();
        let mut levels = 0;
        for trace in traces(&plan, &bytes, places).iter().flatten() {
            let find = |name: &str| trace.steps.iter().find(|step| step.name == name);
            let (Some(spread), Some(skew)) = (find("spread"), find("skew")) else {
                continue;
            };
            let terms = ["base_spread_bps", "volatility_term_bps", "slippage_term_bps"];
            let sum: f64 = terms.iter().map(|term| number(spread, term)).sum();
            let spread_bps = number(spread, "spread_bps");
            prop_assert!((sum * number(spread, "spread_mult") - spread_bps).abs() < 1e-9);
            let (mid, center) = (find("center").unwrap(), "center");
            let skewed = number(mid, "mid") * (1.0 - number(skew, "skew_bps") / 1e4);
            prop_assert_eq!(skewed, number(mid, center));
            for step in trace.steps.iter().filter(|step| step.name == "level") {
                let side = step.side.unwrap();
                let sign = side.sign() as f64;
                let raw = skewed * (1.0 - sign * number(step, "offset_bps") / 1e4);
                prop_assert!((raw - number(step, "px_raw")).abs() < 1e-6);
                let Value::Px(px) = value(step, "px") else { panic!("a price") };
                let away = sign * (raw - px.get() as f64);
                prop_assert!((-1e-5..1.0).contains(&away), "{} {}", raw, px.get());
                levels += 1;
            }
        }
        prop_assert!(levels > 0);
    }
}

fn built_in() -> Plan {
    Plan {
        symbols: 2,
        seed: 11,
        regime: mmbot_sim::market::Regime::Mixed,
        kind: mmbot_types::QuoterKind::BuiltIn,
        mode: mmbot_types::ReplaceMode::Amend,
        cadence: mmbot_types::Cadence::OnBook { refresh_ms: 100 },
        tight: true,
        rejects: true,
        chunk_rows: 2_000,
        reload: false,
        stop: true,
        hand: false,
        controls: Vec::new(),
        record: false,
        checkpoints: true,
        apart: false,
    }
}

/// spec: 09-2
#[test]
fn a_moment_is_explained_by_the_last_decision_before_it_and_shows_every_refusal() {
    let plan = built_in();
    let bytes = run(&plan, true).bytes;
    let mut refusals = BTreeMap::new();
    let moments: Vec<(InstrumentIdx, TsNs)> = (1..60)
        .map(|n| (InstrumentIdx(n % 2), TsNs::new(i64::from(n) * 330_000_000)))
        .collect();
    for &(instrument, ts) in &moments {
        let place = searched(&bytes, Question::At(instrument, ts))
            .place()
            .unwrap();
        let traces = traces(&plan, &bytes, vec![place]);
        let trace = traces[0].as_ref().unwrap();
        let at = trace.at.unwrap();
        assert!(
            at <= ts && ts.since_ns(at) <= 1_000_000_000,
            "{at:?} {ts:?}"
        );
        for step in trace.steps.iter().filter(|step| step.name == "blocked") {
            let Value::Name(detail) = value(step, "detail") else {
                panic!("a name");
            };
            *refusals.entry(*detail).or_insert(0) += 1;
        }
    }
    assert!(refusals.len() >= 3, "{refusals:?}");
    let known = |name: &str| BlockDetail::ALL.iter().any(|detail| detail.name() == name);
    assert!(refusals.keys().all(|name| known(name)), "{refusals:?}");
}

#[test]
fn before_the_first_decision_there_is_nothing_to_explain() {
    let bytes = run(&built_in(), true).bytes;
    let first = searched(&bytes, Question::At(InstrumentIdx(0), TsNs::new(-1)));
    assert_eq!(first.place(), None);
    let unknown = searched(&bytes, Question::Order(1 << 40));
    assert_eq!((unknown.place(), unknown.sent().len()), (None, 0));
}

#[test]
fn every_side_has_its_own_steps() {
    let plan = Plan {
        tight: false,
        rejects: false,
        ..built_in()
    };
    let bytes = run(&plan, true).bytes;
    let orders = sent(&bytes);
    let first = orders.values().next().unwrap();
    let traces = traces(&plan, &bytes, vec![first[0].place()]);
    let trace = traces[0].as_ref().unwrap();
    for side in Side::BOTH {
        for name in ["side", "level", "target", "place", "check", "request"] {
            let has = |step: &Step| step.name == name && step.side == Some(side);
            assert!(trace.steps.iter().any(has), "{name} of {side:?}");
        }
    }
    let first = ["market", "position", "permit", "policy"];
    let names: Vec<_> = trace.steps.iter().map(|step| step.name).collect();
    assert_eq!(names[..4], first);
}
