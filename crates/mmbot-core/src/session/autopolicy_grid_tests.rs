//! The whole grid of (situation, event) of the autopolicy.

use super::autopolicy::Autopolicy;
use super::autopolicy_tests::{BAD, QUIET, at, at_level, defaults};
use mmbot_types::TsNs;

#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Bad,
    Good,
    Set(u32),
    Reset,
    Disabled,
    LowerMax,
}

const EVENTS: [Event; 8] = [
    Event::Bad,
    Event::Good,
    Event::Set(0),
    Event::Set(2),
    Event::Set(9),
    Event::Reset,
    Event::Disabled,
    Event::LowerMax,
];

impl Event {
    fn apply(self, policy: &mut Autopolicy, now: TsNs) -> bool {
        let mut params = defaults();
        match self {
            Event::Bad => policy.evaluate(&params, &BAD, now),
            Event::Good => policy.evaluate(&params, &QUIET, now),
            Event::Set(level) => policy.set_level(&params, level, now),
            Event::Reset => policy.reset(now),
            Event::Disabled => {
                params.enabled = false;
                policy.evaluate(&params, &QUIET, now)
            }
            Event::LowerMax => {
                params.level_max = 1;
                policy.evaluate(&params, &QUIET, now)
            }
        }
    }
}

/// Level after each of [`EVENTS`], by situation: level set at second 0, evaluations of one kind
/// just before, second of the event.
type Row = (&'static str, u32, Option<Event>, i64, [u32; 8]);
const GRID: [Row; 9] = [
    ("level 0, rested", 0, None, 120, [0, 0, 0, 2, 3, 0, 0, 0]),
    (
        "level 0, after a bad one",
        0,
        Some(Event::Bad),
        120,
        [1, 0, 0, 2, 3, 0, 0, 0],
    ),
    (
        "level 0, after a good one",
        0,
        Some(Event::Good),
        120,
        [0, 0, 0, 2, 3, 0, 0, 0],
    ),
    (
        "level 2, held, after a bad one",
        2,
        Some(Event::Bad),
        119,
        [2, 2, 0, 2, 3, 0, 0, 1],
    ),
    (
        "level 2, held, after a good one",
        2,
        Some(Event::Good),
        119,
        [2, 2, 0, 2, 3, 0, 0, 1],
    ),
    (
        "level 2, rested, after a bad one",
        2,
        Some(Event::Bad),
        120,
        [3, 2, 0, 2, 3, 0, 0, 1],
    ),
    (
        "level 2, rested, after a good one",
        2,
        Some(Event::Good),
        120,
        [2, 1, 0, 2, 3, 0, 0, 1],
    ),
    (
        "level 3, rested, after a bad one",
        3,
        Some(Event::Bad),
        120,
        [3, 3, 0, 2, 3, 0, 0, 1],
    ),
    (
        "level 3, rested, after a good one",
        3,
        Some(Event::Good),
        120,
        [3, 2, 0, 2, 3, 0, 0, 1],
    ),
];

/// spec: 02-10.2
#[test]
fn every_cell_of_the_grid_is_as_written() {
    let mut cells = 0;
    for (name, level, before, second, levels) in GRID {
        let mut policy = at_level(level, 0);
        if let Some(event) = before {
            assert!(!event.apply(&mut policy, at(second - 1)), "{name}");
        }
        for (event, expected) in EVENTS.into_iter().zip(levels) {
            let mut after = policy;
            let changed = event.apply(&mut after, at(second));
            assert_eq!(after.level(), expected, "{name}: {event:?}");
            assert_eq!(changed, expected != level, "{name}: {event:?}");
            assert_eq!(
                after.steps() - policy.steps(),
                u64::from(changed),
                "{name}: {event:?}"
            );
            cells += 1;
        }
    }
    assert_eq!(cells, 9 * 8);
}
