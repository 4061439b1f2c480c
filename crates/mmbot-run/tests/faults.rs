//! Traders and sessions in the fault world: over many seeds no rule is broken at any event, and
//! planted defects are found.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mmbot_run::fault::{Canary, Fault, FaultPlan, Outcome, Ratio, drill, minimise, run};
use mmbot_run::invariant::Invariant;
use rayon::prelude::*;

const FIRST_SEED: u64 = 1;
const SEEDS: u64 = 200;
const SAFETY_MS: i64 = 20_000;

/// Every violation with the line that repeats its run.
fn report(outcome: &Outcome) -> Vec<String> {
    let line = |violation: &mmbot_run::invariant::Violation| {
        format!(
            "{} at {} ms, symbol {:?}: {} | mmbot chaos --seeds 1 --first-seed {} --minutes {}",
            violation.invariant.name(),
            violation.ts_ns / 1_000_000,
            violation.symbol,
            violation.detail,
            outcome.seed,
            SAFETY_MS as f64 / 60_000.0,
        )
    };
    outcome.violations.iter().map(line).collect()
}

/// spec: 02-5.1 02-5.3 02-5.4 02-6 02-7.1 02-8.1 02-8.2 02-10.1 02-11.1 02-11.2 02-11.3 02-11.4
#[test]
fn no_rule_is_broken_at_any_event_whatever_goes_wrong() {
    println!("seeds {FIRST_SEED} to {}", FIRST_SEED + SEEDS - 1);
    let outcomes: Vec<Outcome> = (FIRST_SEED..FIRST_SEED + SEEDS)
        .into_par_iter()
        .map(|seed| run(&FaultPlan::drawn(seed, SAFETY_MS)).unwrap())
        .collect();
    let found: Vec<_> = outcomes.iter().flat_map(report).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    let sum = |count: &dyn Fn(&Outcome) -> u64| outcomes.iter().map(count).sum::<u64>();
    for fault in Fault::ALL {
        let times = sum(&|outcome| outcome.happened[fault.index()]);
        println!("{} {times}", fault.name());
        assert!(times >= 5, "{}: {times}", fault.name());
    }
    for rule in Invariant::ALL {
        let times = sum(&|outcome| outcome.judged[rule as usize]);
        println!("{} {times}", rule.name());
        assert!(times >= 50, "{}: {times}", rule.name());
    }
    let (requests, fills) = (sum(&|o| o.requests), sum(&|o| o.fills));
    let (resumed, dead) = (sum(&|o| o.resumed as u64), sum(&|o| u64::from(o.dead)));
    println!("{requests} requests, {fills} fills, {resumed} symbols resumed, {dead} runs dead");
    assert!(requests > 30_000 && fills > 3_000, "{requests} {fills}");
    assert!(resumed > 150 && dead > 15, "{resumed} {dead}");
}

/// Among 10,000 seeds of a minute these two broke `exposure_is_counted`: an acknowledgement that
/// came twice let an old answer undo a newer change.
#[test]
fn runs_that_once_broke_a_rule_keep_it() {
    for seed in [1170, 6706] {
        let outcome = run(&FaultPlan::drawn(seed, 60_000)).unwrap();
        assert_eq!(report(&outcome), Vec::<String>::new());
    }
}

/// With a checkpoint a crash is judged twice as often as without: the journal alone and the
/// checkpoint with what stands behind it lead to the session that crashed. A torn checkpoint leads
/// to the one before it.
///
/// spec: 08-5.4
#[test]
fn a_crashed_session_comes_back_from_its_journal_and_from_a_checkpoint() {
    let always = Ratio { num: 1, den: 1 };
    let played = |fault: Option<Fault>, seed| {
        let mut plan = FaultPlan::calm(seed, 2, SAFETY_MS);
        plan.enable(Fault::ProcessCrash, always, 0);
        if let Some(fault) = fault {
            plan.enable(fault, always, 0);
        }
        let outcome = run(&plan).unwrap();
        assert_eq!(report(&outcome), Vec::<String>::new());
        outcome
    };
    for seed in 1..6 {
        let times = |outcome: &Outcome, fault: Fault| outcome.happened[fault.index()];
        let whole = played(None, seed);
        let crashes = times(&whole, Fault::ProcessCrash);
        assert!(crashes > 10, "{crashes}");
        assert_eq!(
            whole.judged[Invariant::RecoveryIsExact as usize],
            2 * crashes
        );
        for fault in [Fault::CheckpointLost, Fault::CheckpointTorn] {
            let damaged = played(Some(fault), seed);
            assert!(times(&damaged, fault) > 0);
            let traded = |o: &Outcome| (o.requests, o.fills, o.events, o.orphans, o.resumed);
            assert_eq!(traded(&damaged), traded(&whole), "{}", fault.name());
        }
    }
}

#[test]
fn planted_defects_are_found() {
    let planted = [
        (Canary::DeafToGuards, Invariant::SilentAfterStop),
        (Canary::BoundlessRequests, Invariant::LentRequests),
        (Canary::BoundlessBudget, Invariant::PortfolioBudget),
        (Canary::LooseLimits, Invariant::PositionLimit),
        (Canary::SwallowedFill, Invariant::Conservation),
        (Canary::ForgottenUnknown, Invariant::ExposureIsCounted),
        (Canary::UnansweredUnknown, Invariant::UnknownsAreResolved),
        (Canary::HeldForever, Invariant::QuotingResumes),
        (Canary::UnhealedVenue, Invariant::NothingRestsAfterStop),
        (Canary::LostRecord, Invariant::RecoveryIsExact),
    ];
    assert_eq!(planted.map(|(canary, _)| canary), Canary::ALL);
    for (canary, rule) in planted {
        let caught = (1..=6).filter(|seed| {
            let outcome = run(&FaultPlan::planted(*seed, SAFETY_MS, canary)).unwrap();
            outcome.violations.iter().any(|v| v.invariant == rule)
        });
        let caught: Vec<u64> = caught.collect();
        println!("{} {caught:?}", canary.name());
        assert!(caught.len() >= 3, "{}: seeds {caught:?}", canary.name());
    }
}

#[test]
fn a_scenario_is_cut_down_to_the_faults_that_matter() {
    let mut plan = FaultPlan::planted(1, 10_000, Canary::ForgottenUnknown);
    plan.liveness_ms = 5_000;
    let small = minimise(&plan, Invariant::ExposureIsCounted).unwrap();
    let left: Vec<Fault> = small.plan.enabled().collect();
    println!("{left:?} in {} runs", small.runs);
    assert!(left.len() <= 2, "{left:?}");
    let again = run(&small.plan).unwrap();
    let rules = again.violations.iter().map(|v| v.invariant);
    assert!(rules.into_iter().any(|r| r == Invariant::ExposureIsCounted));
}

#[test]
fn a_seed_repeats_its_run_to_the_last_bit() {
    let plan = FaultPlan::drawn(7, 10_000);
    let (one, two) = (run(&plan).unwrap(), run(&plan).unwrap());
    assert_eq!(one, two);
    let other = run(&FaultPlan::drawn(8, 10_000)).unwrap();
    assert_ne!(one.state_hash, other.state_hash);
}

/// spec: 09-1
#[test]
fn a_kill_in_the_middle_leaves_no_order_and_none_is_placed_after() {
    for (seed, symbols) in [(1, 1), (2, 2), (3, 3)] {
        let drill = drill(seed, symbols).unwrap();
        println!("{drill:?}");
        assert!(drill.passed(), "{drill:?}");
        assert!(drill.cancels > 0 && drill.requests_before > 0);
    }
}
