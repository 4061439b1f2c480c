//! Drawdown of the UTC day of the session's equity, and the grade that it demands: wider quotes,
//! reducing orders only, a pause, a halt. The pause lasts until the drawdown has halved (or a new
//! day began) and the recovery time has passed; what is milder follows the drawdown as it is.

use super::calendar::{minutes_ns, utc_day};
use super::risk_grade::RiskGrade;
use mmbot_types::{SessionRiskParams, TsNs};

/// Part of a drawdown that rounding may hide.
const MARGIN: f64 = 1e-9;

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Pause {
    at: TsNs,
    day: i64,
}

/// High water and pause of the drawdown.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct DayDrawdown {
    /// UTC day of the high water; `None` until an equity is known.
    day: Option<i64>,
    high_usd: f64,
    drawdown: f64,
    largest: f64,
    pause: Option<Pause>,
    demanded: RiskGrade,
    now: TsNs,
}

impl DayDrawdown {
    /// The grade demanded at `now` with equity `equity_usd`; one that is not finite is not taken.
    pub fn update(&mut self, params: &SessionRiskParams, equity_usd: f64, now: TsNs) -> RiskGrade {
        self.now = self.now.max(now);
        let day = utc_day(self.now);
        if equity_usd.is_finite() {
            self.see(equity_usd, day);
        }
        if self
            .pause
            .is_some_and(|pause| self.is_over(pause, params, day))
        {
            self.pause = None;
        }
        let pause = params.risk_pause_threshold;
        if self.pause.is_none() && self.reached(pause) {
            self.pause = Some(Pause { at: self.now, day });
        }
        let grades = &params.grades;
        self.demanded = if self.reached(params.max_drawdown_pct) {
            RiskGrade::Halted
        } else if self.pause.is_some() {
            RiskGrade::Flat
        } else if self.reached(grades.reduce_only_at_ratio * pause) {
            RiskGrade::ReduceOnly
        } else if self.reached(grades.wide_at_ratio * pause) {
            RiskGrade::Wide
        } else {
            RiskGrade::Normal
        };
        self.demanded
    }

    /// Lifts the pause; the high water starts anew, or the same drawdown would strike again.
    pub fn reset(&mut self) {
        // below every equity: the next one is the high water
        (self.high_usd, self.pause) = (f64::NEG_INFINITY, None);
        (self.drawdown, self.demanded) = (0.0, RiskGrade::Normal);
    }

    /// Grade demanded at the last update.
    #[must_use]
    pub const fn demanded(&self) -> RiskGrade {
        self.demanded
    }

    /// Drawdown of the day at the last update, fraction, not negative; infinite once there is
    /// nothing left to draw down from.
    #[must_use]
    pub const fn drawdown(&self) -> f64 {
        self.drawdown
    }

    /// Largest drawdown of the day.
    #[must_use]
    pub const fn largest_of_day(&self) -> f64 {
        self.largest
    }

    /// Lowest and highest equity that change nothing, not even the largest drawdown or the high
    /// water, while the day lasts; `None` while a grade is demanded.
    pub(super) fn calm_equity_usd(&self, params: &SessionRiskParams) -> Option<[f64; 2]> {
        let normal = self.demanded == RiskGrade::Normal && self.pause.is_none();
        if !(normal && self.high_usd > 0.0 && self.largest.is_finite()) {
            return None;
        }
        let (pause, grades) = (params.risk_pause_threshold, &params.grades);
        let thresholds = [
            params.max_drawdown_pct,
            pause,
            grades.reduce_only_at_ratio * pause,
            grades.wide_at_ratio * pause,
        ];
        // a threshold that is not a number or infinite is never reached
        let reached_at = thresholds.into_iter().filter(|at| at.is_finite());
        let reached_at = reached_at.fold(f64::INFINITY, f64::min);
        // a little less than what would count, so that rounding decides nothing
        let drawdown = self.largest.min(reached_at) * (1.0 - MARGIN);
        let low_usd = self.high_usd - self.high_usd * drawdown.max(0.0);
        Some([low_usd, self.high_usd])
    }

    fn see(&mut self, equity_usd: f64, day: i64) {
        let begins = self.day != Some(day);
        if begins || equity_usd > self.high_usd {
            (self.day, self.high_usd) = (Some(day), equity_usd);
        }
        self.drawdown = if self.high_usd > 0.0 {
            (self.high_usd - equity_usd) / self.high_usd
        } else {
            f64::INFINITY
        };
        self.largest = match begins {
            true => self.drawdown,
            false => self.largest.max(self.drawdown),
        };
    }

    /// An infinite threshold is off, even where everything is lost.
    fn reached(&self, threshold: f64) -> bool {
        threshold.is_finite() && self.drawdown >= threshold
    }

    fn is_over(&self, pause: Pause, params: &SessionRiskParams, day: i64) -> bool {
        let halved = self.drawdown < params.risk_pause_threshold / 2.0;
        let waited = self.now.since_ns(pause.at) >= minutes_ns(params.recovery_minutes);
        (halved || day != pause.day) && waited
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RiskGrade::{Flat, Halted, Normal, ReduceOnly, Wide};
    use mmbot_types::RiskGradeParams;
    use proptest::prelude::*;

    const MINUTE_NS: i64 = 60_000_000_000;
    const DAY_MIN: i64 = 24 * 60;

    fn params() -> SessionRiskParams {
        SessionRiskParams {
            max_drawdown_pct: 0.05,
            risk_pause_threshold: 0.03,
            recovery_minutes: 5.0,
            grades: RiskGradeParams {
                wide_at_ratio: 0.5,
                reduce_only_at_ratio: 0.75,
                ..RiskGradeParams::default()
            },
            ..SessionRiskParams::default()
        }
    }

    fn run(params: &SessionRiskParams, steps: &[(i64, f64)]) -> Vec<RiskGrade> {
        let mut guard = DayDrawdown::default();
        steps
            .iter()
            .map(|(minute, equity)| guard.update(params, *equity, TsNs::new(minute * MINUTE_NS)))
            .collect()
    }

    /// spec: 02-11.1/3, 02-11.1/5, 09-1
    #[test]
    fn every_threshold_demands_its_grade_from_exactly_there() {
        let rows = [
            (10_000.0, Normal),
            (9_851.0, Normal),
            (9_850.0, Wide),
            (9_776.0, Wide),
            (9_775.0, ReduceOnly),
            (9_701.0, ReduceOnly),
            (9_700.0, Flat),
            (9_501.0, Flat),
            (9_500.0, Halted),
            (-5.0, Halted),
        ];
        for (equity, grade) in rows {
            let got = run(&params(), &[(0, 10_000.0), (1, equity)]);
            assert_eq!(got, [Normal, grade], "{equity}");
        }
    }

    /// spec: 02-11.1/4, 02-D12
    #[test]
    fn a_pause_ends_when_the_drawdown_has_halved_and_time_has_passed() {
        let steps = [
            (0, 10_000.0),
            (2, 9_700.0),
            (3, 9_900.0),
            (6, 9_840.0),
            (7, 9_850.0),
            (8, 9_851.0),
        ];
        let got = run(&params(), &steps);
        assert_eq!(got, [Normal, Flat, Flat, Flat, Flat, Normal]);
    }

    /// spec: 02-11.1/3, 02-11.1/4
    #[test]
    fn a_new_day_starts_a_new_high_water_and_ends_a_pause() {
        let steps = [
            (DAY_MIN - 2, 10_000.0),
            (DAY_MIN - 1, 9_600.0),
            (DAY_MIN, 9_600.0),
            (DAY_MIN + 3, 9_590.0),
            (DAY_MIN + 4, 9_590.0),
        ];
        let got = run(&params(), &steps);
        assert_eq!(got, [Normal, Flat, Flat, Flat, Normal]);
    }

    /// spec: 02-11.1/4
    #[test]
    fn a_drawdown_of_the_new_day_is_a_new_pause() {
        let steps = [
            (DAY_MIN - 2, 10_000.0),
            (DAY_MIN - 1, 9_600.0),
            (DAY_MIN, 9_600.0),
            // the old pause is over here, and the new day has its own
            (DAY_MIN + 4, 9_300.0),
            (DAY_MIN + 5, 9_400.0),
            (DAY_MIN + 9, 9_400.0),
            (DAY_MIN + 10, 9_500.0),
        ];
        let got = run(&params(), &steps);
        assert_eq!(got, [Normal, Flat, Flat, Flat, Flat, Flat, Normal]);
    }

    #[test]
    fn lost_equity_halts_and_infinite_thresholds_do_not() {
        let mut params = params();
        assert_eq!(run(&params, &[(0, -1.0)]), [Halted]);
        params.max_drawdown_pct = f64::INFINITY;
        params.risk_pause_threshold = f64::INFINITY;
        assert_eq!(run(&params, &[(0, -1.0), (1, -9.0)]), [Normal, Normal]);
    }

    #[test]
    fn an_equity_that_is_not_finite_is_not_taken() {
        let params = params();
        let steps = [
            (0, f64::NAN),
            (1, 10_000.0),
            (2, 9_800.0),
            (3, f64::INFINITY),
        ];
        assert_eq!(run(&params, &steps), [Normal, Normal, Wide, Wide]);
    }

    #[test]
    fn the_largest_drawdown_is_that_of_the_day() {
        let params = params();
        let mut guard = DayDrawdown::default();
        for (minute, equity) in [(0, 100.0), (1, 98.0), (2, 99.0)] {
            guard.update(&params, equity, TsNs::new(minute * MINUTE_NS));
        }
        assert!((guard.drawdown() - 0.01).abs() < 1e-12);
        assert!((guard.largest_of_day() - 0.02).abs() < 1e-12);
        guard.update(&params, 99.0, TsNs::new(DAY_MIN * MINUTE_NS));
        assert_eq!(guard.largest_of_day(), 0.0);
        guard.update(&params, 90.0, TsNs::new(DAY_MIN * MINUTE_NS));
        assert_eq!(guard.demanded(), Halted);
        guard.reset();
        assert_eq!((guard.demanded(), guard.drawdown()), (Normal, 0.0));
        let after = guard.update(&params, 90.0, TsNs::new(DAY_MIN * MINUTE_NS));
        assert_eq!(after, Normal, "the high water starts anew");
        assert!(guard.largest_of_day() > 0.09, "the day does not");
    }

    proptest! {
        /// spec: 02-11.1/3, 02-11.1/4
        #[test]
        fn the_demand_is_that_of_the_whole_history(
            steps in prop::collection::vec((0i64..200, 9_400i64..10_000), 1..80),
        ) {
            let params = params();
            let mut guard = DayDrawdown::default();
            let (mut minute, mut seen) = (0i64, Vec::new());
            let mut pause: Option<i64> = None;
            for (wait, equity) in steps {
                minute += wait;
                seen.push((minute, equity as f64));
                let today = seen.iter().filter(|s| s.0 / DAY_MIN == minute / DAY_MIN);
                let high = today.map(|s| s.1).fold(0.0, f64::max);
                let dd = (high - equity as f64) / high;
                let over = |at: i64| minute - at >= 5
                    && (dd < 0.015 || at / DAY_MIN != minute / DAY_MIN);
                pause = pause.filter(|at| !over(*at));
                pause = pause.or((dd >= 0.03).then_some(minute));
                let expected = match (dd >= 0.05, pause.is_some()) {
                    (true, _) => Halted,
                    (_, true) => Flat,
                    _ if dd >= 0.75 * 0.03 => ReduceOnly,
                    _ if dd >= 0.5 * 0.03 => Wide,
                    _ => Normal,
                };
                let now = TsNs::new(minute * MINUTE_NS);
                prop_assert_eq!(guard.update(&params, equity as f64, now), expected);
                prop_assert!((guard.drawdown() - dd).abs() < 1e-15);
            }
        }
    }
}
