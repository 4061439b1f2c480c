//! An operator at work while a session is written down.

use crate::sessions::{MARKET_NS, Plan};
use mmbot_core::session::KillCause;
use mmbot_run::{Backtest, External, SessionSwitch};
use mmbot_types::RiskGrade;

/// What he does in the step of 130 ms that ends at `until`.
pub fn step(plan: &Plan, backtest: &mut Backtest, outside: &mut impl External, until: i64) {
    let at = |eighth: i64| {
        let from = MARKET_NS / 8 * eighth;
        plan.hand && (from..from + 130_000_000).contains(&until)
    };
    let switches = [
        (2, SessionSwitch::Floor(Some(RiskGrade::ReduceOnly))),
        (4, SessionSwitch::Kill(KillCause::Venue)),
        (5, SessionSwitch::Resume),
    ];
    for (_, switch) in switches.into_iter().filter(|(eighth, _)| at(*eighth)) {
        backtest.control(0, switch).unwrap();
    }
    if at(1) || at(6) {
        backtest.check_stale(0, 0, outside).unwrap();
    }
}
