//! The whole grid of (grade, input), what each grade allows, and the documentation made from it.

use super::risk_grade::{RiskCause, RiskGrade, RiskInput, transition};
use RiskGrade::{Flat, Halted, Normal, ReduceOnly, Wide};
use mmbot_types::Intent;
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

const DEMANDS: [[&str; 4]; 10] = [
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
        "`storage`",
        "FLAT",
        "what happens cannot be written down",
        "it can be again",
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
         one (`risk.grades.min_stay_sec`). Rows are what is\n\
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
        "\n\nDrawdowns are those of the UTC day of the session's equity. Changes to a milder\n\
         grade have the cause `recovered`, or `resumed` if made by hand.\n",
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
