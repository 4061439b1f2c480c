//! Drawdown of the day: a pause at the first threshold, a kill at the second.

use mmbot_types::{RiskParams, TsNs};

const DAY_NS: i64 = 86_400_000_000_000;

/// What the drawdown allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RiskState {
    /// Quoting.
    #[default]
    Normal,
    /// No quotes until the drawdown has halved (or a new day began) and the recovery time passed.
    Paused,
    /// No quotes until somebody resumes by hand.
    Killed,
}

impl RiskState {
    /// Name in the live view and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RiskState::Normal => "normal",
            RiskState::Paused => "paused",
            RiskState::Killed => "killed",
        }
    }
}

/// High water and state of the drawdown guard.
#[derive(Debug, Clone, Default)]
pub struct Drawdown {
    state: RiskState,
    /// UTC day of the high water.
    day: Option<i64>,
    high_usd: f64,
    paused_at: TsNs,
    paused_on: i64,
    drawdown: f64,
}

impl Drawdown {
    /// True if the thresholds can ever be reached.
    #[must_use]
    pub fn is_enabled(params: &RiskParams) -> bool {
        params.risk_pause_threshold.is_finite() || params.max_drawdown_pct.is_finite()
    }

    /// The state at `now` with equity `equity_usd`.
    pub fn update(&mut self, params: &RiskParams, equity_usd: f64, now: TsNs) -> RiskState {
        let day = now.get().div_euclid(DAY_NS);
        if self.day != Some(day) || equity_usd > self.high_usd {
            (self.day, self.high_usd) = (Some(day), equity_usd);
        }
        self.drawdown = if self.high_usd > 0.0 {
            (self.high_usd - equity_usd) / self.high_usd
        } else {
            // nothing left to draw down from
            f64::INFINITY
        };
        self.state = match self.state {
            RiskState::Killed => RiskState::Killed,
            _ if self.drawdown >= params.max_drawdown_pct => RiskState::Killed,
            RiskState::Paused if !self.recovered(params, day, now) => RiskState::Paused,
            _ if self.drawdown >= params.risk_pause_threshold => self.pause(day, now),
            _ => RiskState::Normal,
        };
        self.state
    }

    /// Lifts pause and kill; the high water starts anew, or the same drawdown would strike again.
    pub fn resume(&mut self) {
        self.state = RiskState::Normal;
        self.day = None;
    }

    /// Current state.
    #[must_use]
    pub const fn state(&self) -> RiskState {
        self.state
    }

    /// Drawdown of the day at the last update, fraction, not negative.
    #[must_use]
    pub const fn drawdown(&self) -> f64 {
        self.drawdown
    }

    fn pause(&mut self, day: i64, now: TsNs) -> RiskState {
        if self.state != RiskState::Paused {
            (self.paused_at, self.paused_on) = (now, day);
        }
        RiskState::Paused
    }

    fn recovered(&self, params: &RiskParams, day: i64, now: TsNs) -> bool {
        let halved = self.drawdown < params.risk_pause_threshold / 2.0;
        // a float cast saturates; a recovery time beyond 292 years never ends
        #[allow(clippy::cast_possible_truncation)]
        let wait_ns = (params.recovery_minutes * 60e9) as i64;
        (halved || day != self.paused_on) && now.since_ns(self.paused_at) >= wait_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::Params;

    const MINUTE_NS: i64 = 60_000_000_000;

    fn run(steps: &[(i64, f64)]) -> Vec<RiskState> {
        let params = Params::default().risk;
        let mut guard = Drawdown::default();
        steps
            .iter()
            .map(|(minute, equity)| guard.update(&params, *equity, TsNs::new(minute * MINUTE_NS)))
            .collect()
    }

    #[test]
    fn a_pause_ends_when_the_drawdown_has_halved_and_time_has_passed() {
        use RiskState::{Normal, Paused};
        let states = run(&[
            (0, 10_000.0),
            (1, 9_701.0),
            (2, 9_700.0),
            (3, 9_900.0),
            (6, 9_840.0),
            (7, 9_851.0),
        ]);
        assert_eq!(states, [Normal, Normal, Paused, Paused, Paused, Normal]);
    }

    #[test]
    fn a_new_day_starts_a_new_high_water_and_ends_a_pause() {
        use RiskState::{Normal, Paused};
        let midnight = 24 * 60;
        let states = run(&[
            (midnight - 2, 10_000.0),
            (midnight - 1, 9_600.0),
            (midnight, 9_600.0),
            (midnight + 3, 9_590.0),
            (midnight + 4, 9_590.0),
        ]);
        assert_eq!(states, [Normal, Paused, Paused, Paused, Normal]);
    }

    #[test]
    fn a_kill_stays_until_somebody_resumes() {
        let params = Params::default().risk;
        let mut guard = Drawdown::default();
        let at = |minute| TsNs::new(minute * MINUTE_NS);
        guard.update(&params, 10_000.0, at(0));
        assert_eq!(guard.update(&params, 9_500.0, at(1)), RiskState::Killed);
        assert_eq!(
            guard.update(&params, 20_000.0, at(9_999)),
            RiskState::Killed
        );
        guard.resume();
        assert_eq!(
            guard.update(&params, 9_500.0, at(10_000)),
            RiskState::Normal
        );
    }

    #[test]
    fn lost_equity_kills_and_infinite_thresholds_do_not() {
        let mut params = Params::default().risk;
        assert_eq!(
            Drawdown::default().update(&params, -1.0, TsNs::ZERO),
            RiskState::Killed
        );
        params.max_drawdown_pct = f64::INFINITY;
        params.risk_pause_threshold = f64::INFINITY;
        assert!(!Drawdown::is_enabled(&params));
    }
}
