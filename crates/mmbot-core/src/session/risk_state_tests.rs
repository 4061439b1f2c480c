//! The whole grid of (grade, input), what each grade allows, paths through the monitor, and the
//! documentation made from it.

use super::intent::Intent;
use super::risk_grade::{KillCause, RiskCause, RiskGrade, RiskInput, transition};
use super::risk_state::{RISK_CHANGES_MAX, RiskInputs, RiskMonitor};
use RiskGrade::{Flat, Halted, Normal, ReduceOnly, Wide};
use mmbot_types::{SessionRiskParams, TsNs};
use proptest::prelude::*;
use std::fmt::Write as _;

/// The input that a demanded grade makes.
type ToInput = fn(RiskGrade) -> RiskInput;

/// Next grade per present grade in the order of [`RiskGrade::ALL`]; `=` is no change. Letters: N
/// NORMAL, W WIDE, R REDUCE_ONLY, F FLAT, H HALTED.
const GRID: [(&str, ToInput, [&str; 5]); 3] = [
    (
        "early",
        early,
        ["=WRFH", "==RFH", "===FH", "====H", "====="],
    ),
    (
        "stayed",
        stayed,
        ["=WRFH", "N=RFH", "NW=FH", "NWR=H", "====="],
    ),
    (
        "resume",
        resume,
        ["=WRFH", "N=RFH", "NW=FH", "NWR=H", "NWRF="],
    ),
];

fn early(grade: RiskGrade) -> RiskInput {
    RiskInput::Demand {
        grade,
        stayed: false,
    }
}

fn stayed(grade: RiskGrade) -> RiskInput {
    RiskInput::Demand {
        grade,
        stayed: true,
    }
}

fn resume(grade: RiskGrade) -> RiskInput {
    RiskInput::Resume { grade }
}

/// spec: 09-1
#[test]
fn every_cell_of_the_grid_is_as_written() {
    let mut cells = 0;
    for (name, input, rows) in GRID {
        for (row, grade) in rows.iter().zip(RiskGrade::ALL) {
            for (letter, demanded) in row.chars().zip(RiskGrade::ALL) {
                let expected = match letter {
                    'N' => Normal,
                    'W' => Wide,
                    'R' => ReduceOnly,
                    'F' => Flat,
                    'H' => Halted,
                    _ => grade,
                };
                let got = transition(grade, input(demanded));
                assert_eq!(got, expected, "{name}: {grade:?} {demanded:?}");
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 3 * 25);
}

/// spec: 09-1, 02-11.1/4
#[test]
fn each_grade_allows_what_it_says() {
    let rows = [
        (Normal, [true, true, true]),
        (Wide, [true, true, true]),
        (ReduceOnly, [true, true, false]),
        (Flat, [true, false, false]),
        (Halted, [true, false, false]),
    ];
    for ((grade, allowed), listed) in rows.into_iter().zip(RiskGrade::ALL) {
        assert_eq!(grade, listed);
        assert_eq!(Intent::ALL.map(|intent| grade.allows(intent)), allowed);
        assert_eq!(RiskGrade::from_name(grade.name()), Some(grade));
    }
    assert_eq!(RiskGrade::from_name("normal"), None);
    assert!(RiskCause::ALL.is_sorted());
}

fn at(second: i64) -> TsNs {
    TsNs::new(second * 1_000_000_000)
}

fn calm() -> RiskInputs {
    RiskInputs {
        equity_usd: 10_000.0,
        ..RiskInputs::default()
    }
}

fn causes(monitor: &RiskMonitor) -> Vec<(RiskGrade, RiskCause)> {
    monitor
        .changes_since(0)
        .map(|change| (change.to, change.cause))
        .collect()
}

/// spec: 09-1
#[test]
fn every_cause_demands_its_grade_and_is_named() {
    let params = SessionRiskParams::default();
    let cause = |change: fn(&mut RiskMonitor, &mut RiskInputs)| {
        let (mut monitor, mut inputs) = (RiskMonitor::default(), calm());
        monitor.update(&params, &inputs, at(0));
        change(&mut monitor, &mut inputs);
        monitor.update(&params, &inputs, at(1));
        causes(&monitor).pop().unwrap()
    };
    assert_eq!(
        cause(|_, i| i.equity_usd = 9_850.0),
        (Wide, RiskCause::Drawdown)
    );
    assert_eq!(
        cause(|_, i| i.equity_usd = 9_760.0),
        (ReduceOnly, RiskCause::Drawdown)
    );
    assert_eq!(
        cause(|_, i| i.equity_usd = 9_700.0),
        (Flat, RiskCause::Drawdown)
    );
    assert_eq!(
        cause(|_, i| i.equity_usd = 9_500.0),
        (Halted, RiskCause::Drawdown)
    );
    assert_eq!(
        cause(|_, i| i.caps_breached = true),
        (ReduceOnly, RiskCause::IntradayCaps)
    );
    assert_eq!(
        cause(|_, i| i.guard_paused = true),
        (Flat, RiskCause::RuntimeGuard)
    );
    assert_eq!(
        cause(|_, i| i.schedule_closed = true),
        (Flat, RiskCause::Schedule)
    );
    let floor = cause(|monitor, _| monitor.set_floor(Some(Wide), at(0)));
    assert_eq!(floor, (Wide, RiskCause::Override));
    for kill in [KillCause::Operator, KillCause::Invariant, KillCause::Venue] {
        let mut monitor = RiskMonitor::default();
        monitor.kill(kill, at(0));
        assert_eq!(causes(&monitor), [(Halted, RiskCause::Kill(kill))]);
    }
    let first = cause(|_, i| (i.guard_paused, i.schedule_closed) = (true, true));
    assert_eq!(first, (Flat, RiskCause::RuntimeGuard), "precedence");
}

/// spec: 09-1
#[test]
fn a_severer_grade_comes_at_once_and_a_milder_one_after_the_minimum_stay() {
    let params = SessionRiskParams::default();
    let mut monitor = RiskMonitor::default();
    let mut step = |equity, second| {
        let inputs = RiskInputs {
            equity_usd: equity,
            ..RiskInputs::default()
        };
        monitor.update(&params, &inputs, at(second))
    };
    assert_eq!(step(10_000.0, 0), Normal);
    assert_eq!(step(9_850.0, 10), Wide);
    assert_eq!(step(9_760.0, 11), ReduceOnly);
    assert_eq!(step(10_000.0, 70), ReduceOnly, "59 s");
    assert_eq!(step(9_850.0, 71), Wide, "60 s");
    assert_eq!(step(10_000.0, 130), Wide, "its own stay");
    assert_eq!(step(10_000.0, 131), Normal);
    assert_eq!(step(9_700.0, 140), Flat);
    assert_eq!(step(9_860.0, 439), Flat, "the recovery time");
    assert_eq!(step(9_860.0, 440), Normal);
    assert_eq!(step(9_000.0, 441), Halted);
    assert_eq!(step(10_000.0, 999_999), Halted);
    let told = causes(&monitor);
    assert_eq!(
        told[2..4],
        [(Wide, RiskCause::Recovered), (Normal, RiskCause::Recovered)]
    );
    assert_eq!(monitor.gauges().kills_total, 1);
}

/// spec: 02-11.1/5, 02-11.2
#[test]
fn only_a_resume_by_hand_leaves_halted_and_the_same_drawdown_does_not_strike_again() {
    let params = SessionRiskParams::default();
    let mut monitor = RiskMonitor::default();
    monitor.update(&params, &calm(), at(0));
    let mut inputs = calm();
    inputs.equity_usd = 9_500.0;
    assert_eq!(monitor.update(&params, &inputs, at(1)), Halted);
    monitor.set_floor(None, at(2));
    assert_eq!(monitor.grade(), Halted);
    monitor.resume(at(3));
    assert_eq!(monitor.grade(), Normal);
    assert_eq!(monitor.update(&params, &inputs, at(4)), Normal);
    assert_eq!(causes(&monitor).pop(), Some((Normal, RiskCause::Resumed)));
    assert!((monitor.gauges().drawdown_largest - 0.05).abs() < 1e-12);

    inputs.schedule_closed = true;
    monitor.update(&params, &inputs, at(5));
    monitor.kill(KillCause::Invariant, at(6));
    monitor.kill(KillCause::Operator, at(7));
    assert_eq!(monitor.update(&params, &inputs, at(8)), Halted);
    monitor.resume(at(9));
    assert_eq!(monitor.grade(), Flat, "the windows are still closed");
}

/// spec: 09-1
#[test]
fn a_floor_set_by_hand_holds_until_it_is_lifted() {
    let params = SessionRiskParams::default();
    let mut monitor = RiskMonitor::default();
    monitor.set_floor(Some(ReduceOnly), at(0));
    assert_eq!(monitor.grade(), ReduceOnly, "at once");
    assert!(monitor.allows(Intent::Reduce) && !monitor.allows(Intent::Expand));
    assert_eq!(monitor.update(&params, &calm(), at(1_000)), ReduceOnly);
    monitor.set_floor(Some(Wide), at(1_000));
    assert_eq!(monitor.update(&params, &calm(), at(1_001)), Wide);
    assert_eq!(monitor.spread_mult(&params), params.grades.wide_spread_mult);
    monitor.set_floor(None, at(1_002));
    assert_eq!(
        monitor.update(&params, &calm(), at(1_060)),
        Wide,
        "the minimum stay"
    );
    assert_eq!(monitor.update(&params, &calm(), at(1_061)), Normal);
    assert_eq!((monitor.spread_mult(&params), monitor.floor()), (1.0, None));
}

/// spec: 02-11.1
#[test]
fn gauges_stay_finite_when_everything_is_lost() {
    let params = SessionRiskParams::default();
    let mut monitor = RiskMonitor::default();
    monitor.update(&params, &RiskInputs::default(), at(0));
    let gauges = monitor.gauges();
    assert_eq!((gauges.grade, gauges.risk_paused), (Halted, true));
    assert_eq!((gauges.drawdown_day, gauges.drawdown_largest), (-1.0, 1.0));
}

fn inputs() -> impl Strategy<Value = RiskInputs> {
    let rare = || prop::bool::weighted(0.1);
    (9_400i64..10_000, rare(), rare(), rare()).prop_map(|(equity, caps, guard, closed)| {
        RiskInputs {
            equity_usd: equity as f64,
            caps_breached: caps,
            guard_paused: guard,
            schedule_closed: closed,
        }
    })
}

#[derive(Debug, Clone)]
enum Step {
    Update(i64, RiskInputs),
    Kill,
    Floor(Option<usize>),
    Resume,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        30 => (-5i64..120, inputs()).prop_map(|(wait, inputs)| Step::Update(wait, inputs)),
        1 => Just(Step::Kill),
        2 => prop::option::of(0usize..4).prop_map(Step::Floor),
        2 => Just(Step::Resume),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// spec: 09-1
    #[test]
    fn the_rules_hold_on_any_path(steps in steps()) {
        let params = SessionRiskParams::default();
        let mut monitor = RiskMonitor::default();
        let (mut second, mut path) = (1_000i64, vec![Normal]);
        for step in steps {
            let (before, entered) = (monitor.grade(), monitor.entered_at());
            let mut by_hand = false;
            match step {
                Step::Update(wait, inputs) => {
                    second += wait;
                    let grade = monitor.update(&params, &inputs, at(second));
                    let flat = inputs.guard_paused || inputs.schedule_closed;
                    prop_assert!(!flat || grade >= Flat);
                    prop_assert!(!inputs.caps_breached || grade >= ReduceOnly);
                    prop_assert!(monitor.floor().is_none_or(|floor| grade >= floor));
                }
                Step::Kill => monitor.kill(KillCause::Venue, at(second)),
                Step::Floor(floor) => {
                    monitor.set_floor(floor.map(|at| RiskGrade::ALL[at]), at(second));
                }
                Step::Resume => {
                    monitor.resume(at(second));
                    by_hand = true;
                }
            }
            let after = monitor.grade();
            if after < before && !by_hand {
                prop_assert_ne!(before, Halted);
                let stay_sec = if before == Flat { 300 } else { 60 };
                prop_assert!(monitor.entered_at().since_ns(entered) >= stay_sec * 1_000_000_000);
            }
            if after != before {
                path.push(after);
            }
            prop_assert_eq!(monitor.changes_total() as usize, path.len() - 1);
        }
        let told: Vec<_> = monitor.changes_since(0).copied().collect();
        let kept = (path.len() - 1).min(RISK_CHANGES_MAX);
        prop_assert_eq!(told.len(), kept);
        let tail = &path[path.len() - 1 - kept..];
        for (change, pair) in told.iter().zip(tail.windows(2)) {
            prop_assert_eq!((change.from, change.to), (pair[0], pair[1]));
        }
        prop_assert!(told.is_sorted_by_key(|change| change.ts));
        let last = monitor.changes_since(monitor.changes_total().saturating_sub(1)).count();
        prop_assert_eq!(last, kept.min(1));
    }
}

const DEMANDS: [[&str; 4]; 9] = [
    [
        "`drawdown`",
        "WIDE",
        "`wide_at_ratio` x `risk_pause_threshold`",
        "the drawdown is below",
    ],
    [
        "`drawdown`",
        "REDUCE_ONLY",
        "`reduce_only_at_ratio` x `risk_pause_threshold`",
        "the drawdown is below",
    ],
    [
        "`drawdown`",
        "FLAT",
        "`risk_pause_threshold`",
        "it has halved (or a new UTC day began) and `recovery_minutes` passed",
    ],
    [
        "`drawdown`",
        "HALTED",
        "`max_drawdown_pct`",
        "a resume by hand",
    ],
    [
        "`kill_operator`, `kill_invariant`, `kill_venue`",
        "HALTED",
        "the kill",
        "a resume by hand",
    ],
    ["`runtime_guard`", "FLAT", "its pause", "its pause ends"],
    [
        "`schedule`",
        "FLAT",
        "the end of a trading window",
        "the next begins",
    ],
    [
        "`intraday_caps`",
        "REDUCE_ONLY",
        "a breach",
        "the next UTC day, or a higher limit",
    ],
    ["`override`", "any", "set by hand", "lifted by hand"],
];

fn table() -> String {
    let mut text = String::from(
        "# Risk states\n\n\
         Made from `transition()` in `crates/mmbot-core/src/session/risk_grade.rs` by its test;\n\
         do not edit. The state of a session is one grade, the severest that any cause demands.\n\
         A severer grade is entered at once, a milder one after the minimum stay in the present\n\
         one (`risk.grades.min_stay_sec`; `risk.recovery_minutes` in `FLAT`). Rows are what is\n\
         demanded, columns are grades; an empty cell means no change.\n\n| demanded |",
    );
    for grade in RiskGrade::ALL {
        let _ = write!(text, " {} |", grade.name());
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(RiskGrade::ALL.len()));
    let kinds: [(&str, ToInput); 3] = [
        ("before the minimum stay is over", early),
        ("after it", stayed),
        ("at a resume by hand", resume),
    ];
    for (kind, input) in kinds {
        for demanded in RiskGrade::ALL {
            let _ = write!(text, "\n| {}, {kind} |", demanded.name());
            for grade in RiskGrade::ALL {
                let _ = match transition(grade, input(demanded)) {
                    next if next == grade => write!(text, " |"),
                    next => write!(text, " {} |", next.name()),
                };
            }
        }
    }
    text.push_str(
        "\n\n## What a grade allows\n\nA live order that is not allowed is cancelled.\n\n",
    );
    text.push_str("| grade | cancel | reduce | expand | spread |\n|---|---|---|---|---|");
    for grade in RiskGrade::ALL {
        let _ = write!(text, "\n| {} |", grade.name());
        for intent in Intent::ALL {
            let _ = write!(
                text,
                " {} |",
                if grade.allows(intent) { "yes" } else { "no" }
            );
        }
        let wide = if grade == Wide {
            "times `risk.grades.wide_spread_mult`"
        } else {
            ""
        };
        let _ = write!(text, " {wide} |");
    }
    text = text.replace("|  |", "| |");
    text.push_str("\n\n## What demands a grade\n\n| cause | grade | from | until |\n");
    text.push_str("|---|---|---|---|");
    for [cause, grade, from, until] in DEMANDS {
        let _ = write!(text, "\n| {cause} | {grade} | {from} | {until} |");
    }
    text.push_str(
        "\n\nDrawdowns are those of the UTC day of the session's equity. Changes to a milder grade\n\
         have the cause `recovered`, or `resumed` if made by hand.\n",
    );
    text
}

/// Set `MMBOT_WRITE_DOCS` to write the page anew after a change of the machine.
#[test]
#[allow(clippy::disallowed_methods)] // a test reads and writes the page
fn the_documentation_is_the_machine() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/risk-states.md");
    if std::env::var("MMBOT_WRITE_DOCS").is_ok() {
        std::fs::write(path, table()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert_eq!(written.replace("\r\n", "\n"), table());
}
