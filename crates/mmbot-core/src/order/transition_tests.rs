//! The whole grid of (state, event), and the documentation made from it.

use super::state::{DoneReason, OrderState, Terms};
use super::transition::{OrderEvent, transition};
use mmbot_types::{MidTick, PriceTick, QtyLot};
use std::fmt::Write as _;

const TO: Terms = Terms {
    px: PriceTick::new(7),
    total: QtyLot::new(3),
    decision_mid: MidTick::new(15),
    opposite: PriceTick::new(8),
};

const STATES: [OrderState; 8] = [
    OrderState::PendingNew,
    OrderState::Live,
    OrderState::PendingAmend { to: TO },
    OrderState::PendingCancel { amend: None },
    OrderState::Unknown { amend: None },
    OrderState::Done(DoneReason::Filled),
    OrderState::Done(DoneReason::Cancelled),
    OrderState::Done(DoneReason::Rejected),
];

const EVENTS: [OrderEvent; 13] = [
    OrderEvent::Accepted,
    OrderEvent::Rejected,
    OrderEvent::Amended,
    OrderEvent::AmendRejected,
    OrderEvent::AmendGone,
    OrderEvent::Cancelled,
    OrderEvent::CancelRejected,
    OrderEvent::CancelGone,
    OrderEvent::PartFilled,
    OrderEvent::Completed,
    OrderEvent::AmendSent(TO),
    OrderEvent::CancelSent,
    OrderEvent::TimedOut,
];

/// Next state per event in the order of [`EVENTS`]; `=` is no change, `!` is illegal. Letters: N
/// PendingNew, L Live, A PendingAmend, C PendingCancel, U Unknown, F X R Done (filled, cancelled,
/// rejected).
const GRID: [(&str, [&str; 13]); 8] = [
    (
        "a new order",
        [
            "L", "R", "!", "!", "!", "X", "!", "!", "L", "F", "!", "!", "U",
        ],
    ),
    (
        "a resting order",
        [
            "=", "!", "=", "=", "U", "X", "=", "U", "=", "F", "A", "C", "!",
        ],
    ),
    (
        "an amend on its way",
        [
            "=", "!", "L", "L", "U", "X", "=", "=", "=", "F", "!", "C", "U",
        ],
    ),
    (
        "a cancel on its way",
        [
            "=", "R", "=", "=", "=", "X", "L", "U", "=", "F", "!", "!", "U",
        ],
    ),
    (
        "an unknown order",
        [
            "L", "R", "L", "L", "=", "X", "L", "=", "=", "F", "!", "C", "!",
        ],
    ),
    (
        "a filled order",
        [
            "=", "!", "=", "=", "=", "=", "=", "=", "=", "=", "!", "!", "!",
        ],
    ),
    (
        "a cancelled order",
        [
            "=", "!", "=", "=", "=", "=", "=", "=", "=", "F", "!", "!", "!",
        ],
    ),
    (
        "a rejected order",
        [
            "!", "=", "!", "!", "=", "=", "=", "=", "!", "!", "!", "!", "!",
        ],
    ),
];

fn letter(state: OrderState) -> &'static str {
    match state {
        OrderState::PendingNew => "N",
        OrderState::Live => "L",
        OrderState::PendingAmend { .. } => "A",
        OrderState::PendingCancel { .. } => "C",
        OrderState::Unknown { .. } => "U",
        OrderState::Done(DoneReason::Filled) => "F",
        OrderState::Done(DoneReason::Cancelled) => "X",
        OrderState::Done(DoneReason::Rejected) => "R",
    }
}

/// spec: 02-5.1
#[test]
fn every_cell_of_the_grid_is_as_written() {
    let mut cells = 0;
    for ((name, row), state) in GRID.iter().zip(STATES) {
        for (expected, event) in row.iter().zip(EVENTS) {
            let got = match transition(state, event) {
                Ok(next) if next == state => "=",
                Ok(next) => letter(next),
                Err(_) => "!",
            };
            assert_eq!(got, *expected, "{name}: {}", event.name());
            cells += 1;
        }
    }
    assert_eq!(cells, 8 * 13);
}

#[test]
fn an_amend_under_way_is_remembered_until_it_is_answered() {
    let amending = transition(OrderState::Live, OrderEvent::AmendSent(TO)).unwrap();
    let cancelling = transition(amending, OrderEvent::CancelSent).unwrap();
    assert_eq!(cancelling.asked(), Some(TO));
    let refused = transition(cancelling, OrderEvent::CancelRejected).unwrap();
    assert_eq!(refused, OrderState::PendingAmend { to: TO });
    let lost = transition(cancelling, OrderEvent::TimedOut).unwrap();
    assert_eq!(lost.asked(), Some(TO), "it may still take effect");
    let answered = transition(cancelling, OrderEvent::Amended).unwrap();
    assert_eq!(answered, OrderState::PendingCancel { amend: None });
}

/// spec: 02-5.1
#[test]
fn an_unknown_order_whose_change_may_still_come_stays_unknown_while_it_merely_rests() {
    let unknown = OrderState::Unknown { amend: Some(TO) };
    for event in [OrderEvent::Accepted, OrderEvent::CancelRejected] {
        assert_eq!(transition(unknown, event), Ok(unknown), "{}", event.name());
    }
    for event in [OrderEvent::Amended, OrderEvent::AmendRejected] {
        assert_eq!(transition(unknown, event), Ok(OrderState::Live));
    }
}

/// spec: 02-5.1
#[test]
fn an_illegal_transition_names_both() {
    let error = transition(OrderState::Live, OrderEvent::Rejected).unwrap_err();
    assert_eq!(error.to_string(), "Rejected is not possible in Live");
}

fn table() -> String {
    let mut text = String::from(
        "# Order states\n\n\
         Made from `transition()` in `crates/mmbot-core/src/order/transition.rs` by its test;\n\
         do not edit. Rows are events, columns are states; an empty cell means no change,\n\
         **illegal** means that the event changes nothing, is counted, and the order goes to\n\
         `Unknown`. An unknown order whose change may still come stays unknown at\n\
         `Accepted` and `CancelRejected`.\n\n| event |",
    );
    for state in STATES {
        let _ = write!(text, " {} |", state.name());
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(STATES.len()));
    for event in EVENTS {
        let _ = write!(text, "\n| {} |", event.name());
        for state in STATES {
            let _ = match transition(state, event) {
                Ok(next) if next == state => write!(text, " |"),
                Ok(next) => write!(text, " {} |", next.name()),
                Err(_) => write!(text, " **illegal** |"),
            };
        }
    }
    text.push('\n');
    text
}

/// Set `MMBOT_WRITE_DOCS` to write the page anew after a change of the machine.
/// spec: 02-5.1
#[test]
#[allow(clippy::disallowed_methods)] // a test reads and writes the page
fn the_documentation_is_the_machine() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/order-states.md");
    if std::env::var("MMBOT_WRITE_DOCS").is_ok() {
        std::fs::write(path, table()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert_eq!(written.replace("\r\n", "\n"), table());
}
