//! Counters that lie: wishes, requests and refusals that do not add up.

use super::{Audit, Invariant};
use mmbot_core::{Blocks, Telemetry};
use mmbot_types::{BlockDetail, Params, TsNs};

/// What a lie is about, and what it changes.
type Lie = (&'static str, fn(&mut Telemetry));

/// spec: 02-6
#[test]
fn a_wish_that_is_neither_request_nor_refusal_is_seen() {
    let honest = || {
        let mut t = Telemetry::default();
        t.blocks.begin();
        t.blocks.block(BlockDetail::Adverse);
        t.blocks.block(BlockDetail::Interval);
        (t.attempts, t.places, t.amends, t.cancels) = (8, 3, 2, 1);
        t
    };
    let lies: [Lie; 6] = [
        ("a wish that led to nothing", |t| t.attempts += 1),
        ("a request nobody wished for", |t| t.places += 1),
        ("an amend nobody wished for", |t| t.amends += 1),
        ("a cancel nobody wished for", |t| t.cancels += 1),
        ("a refusal of no wish", |t| {
            t.blocks.block(BlockDetail::Kill)
        }),
        ("more blocked decisions than decisions", |t| {
            let mut blocks = Blocks::default();
            blocks.block(BlockDetail::Adverse);
            blocks.block(BlockDetail::Interval);
            t.blocks = blocks;
        }),
    ];
    let judged = |t: &Telemetry| {
        let mut audit = Audit::new(&[Params::default()]);
        audit.judge_counters(0, TsNs::ZERO, t);
        let counts = audit.findings.broken;
        let broken = |rule: &Invariant| counts[*rule as usize] > 0;
        Invariant::ALL
            .into_iter()
            .filter(broken)
            .collect::<Vec<_>>()
    };
    assert_eq!(judged(&honest()), []);
    for (name, lie) in lies {
        let mut telemetry = honest();
        lie(&mut telemetry);
        assert_eq!(judged(&telemetry), [Invariant::BlocksAddUp], "{name}");
    }
}
