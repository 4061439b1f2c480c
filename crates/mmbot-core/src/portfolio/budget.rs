//! Budget, drawdown softening and clamps, in fixed point where the rule is written so.

use super::exact_sum::ExactSum;
use mmbot_types::BudgetParams;

const MICRO: f64 = 1_000_000.0;
/// Truncation adds this, so that decimal inputs such as 0.29 do not lose a unit.
const SLACK: f64 = 1e-9;

/// Drawdown 0..1 and the factor that it leaves, permille.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Softening {
    /// From the high-water mark, 0..1.
    pub drawdown: f64,
    /// 0..=1000.
    pub permille: u32,
}

/// Highest equity seen; deposits and withdrawals (`flow_usd`) move it by their amount.
#[must_use]
pub fn next_hwm_usd(hwm_usd: f64, equity_usd: Option<f64>, flow_usd: f64) -> f64 {
    let moved = if hwm_usd > 0.0 {
        (hwm_usd + flow_usd).max(0.0)
    } else {
        0.0
    };
    match equity_usd.filter(|equity| equity.is_finite()) {
        Some(equity) => moved.max(equity),
        None => moved,
    }
}

/// The soft factor; 1000 permille without a drawdown.
#[must_use]
pub fn soften(params: &BudgetParams, hwm_usd: f64, equity_usd: Option<f64>) -> Softening {
    let drawdown = match equity_usd.filter(|equity| equity.is_finite()) {
        Some(equity) if hwm_usd > 0.0 => ((hwm_usd - equity) / hwm_usd).clamp(0.0, 1.0),
        _ => 0.0,
    };
    let drawdown_bps = truncated(drawdown * 10_000.0);
    let soft_cap_bps = truncated(params.drawdown_soft_cap * 10_000.0);
    let sens_permille = truncated(params.pnl_sensitivity * 1_000.0);
    let x_permille = match (drawdown_bps * 1_000).checked_div(soft_cap_bps) {
        Some(x) => x.min(1_000),
        None if drawdown_bps > 0 => 1_000,
        None => 0,
    };
    Softening {
        drawdown,
        permille: 1_000 - sens_permille * x_permille / 1_000,
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0..=10000
fn truncated(value: f64) -> u32 {
    (value + SLACK) as u32
}

/// Budget that equity can pay for beside the margin of positions in other symbols; the whole budget
/// while equity is unknown.
#[must_use]
pub fn available_usd(budget_usd: f64, equity_usd: Option<f64>, foreign_margin_usd: f64) -> f64 {
    match equity_usd.filter(|equity| equity.is_finite()) {
        Some(equity) => budget_usd.min(equity - foreign_margin_usd).max(0.0),
        None => budget_usd,
    }
}

/// Limit of the sum of all targets, USD.
#[must_use]
pub fn limit_usd(available_usd: f64, soft_permille: u32) -> f64 {
    round6(available_usd * f64::from(soft_permille) / 1_000.0)
}

/// Nearest multiple of 1e-6, halves up.
#[must_use]
pub fn round6(value: f64) -> f64 {
    (value * MICRO + 0.5).floor() / MICRO
}

/// Clamps the sum of targets and drops small ones; keeps its buffers.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Clamp {
    sum: ExactSum,
    micros: Vec<i128>,
}

impl Clamp {
    /// The sum of `targets`.
    pub(crate) fn sum(&mut self, targets: &[f64]) -> f64 {
        self.sum.of(targets)
    }

    /// Sum clamp, then the min guard: a target below the least is 0, its symbol is not quoted.
    pub(crate) fn fit(&mut self, targets: &mut [f64], limit_usd: f64, least_usd: f64) {
        self.clamp_sum(targets, limit_usd);
        for target in targets {
            if *target < least_usd {
                *target = 0.0;
            }
        }
    }

    /// Scales targets, in lexicographic order of their symbols, down to the limit. What flooring to
    /// a millionth leaves goes to the first positive targets.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // floats are the rule
    pub(crate) fn clamp_sum(&mut self, targets: &mut [f64], limit_usd: f64) {
        let total = self.sum.of(targets);
        if total <= limit_usd + SLACK {
            return;
        }
        self.micros.clear();
        let scaled = |target: &f64| (target * limit_usd / total * MICRO).floor() as i128;
        self.micros.extend(targets.iter().map(scaled));
        let heirs = targets.iter().filter(|target| **target > 0.0).count() as i128;
        if heirs == 0 {
            return;
        }
        let wanted = (limit_usd * MICRO + 0.5).floor() as i128;
        let rest = wanted - self.micros.iter().sum::<i128>();
        let (share, extra) = (rest.div_euclid(heirs), rest.rem_euclid(heirs));
        let mut rank = 0;
        for (target, micros) in targets.iter_mut().zip(&self.micros) {
            let mut micros = *micros;
            if *target > 0.0 {
                micros = (micros + share + i128::from(rank < extra)).max(0);
                rank += 1;
            }
            *target = micros as f64 / MICRO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clamped(targets: &[f64], limit_usd: f64) -> Vec<f64> {
        let mut targets = targets.to_vec();
        Clamp::default().clamp_sum(&mut targets, limit_usd);
        targets
    }

    /// spec: 03-D11
    #[test]
    fn the_sum_clamp_is_proportional_and_its_remainder_goes_in_order() {
        assert_eq!(clamped(&[1.0, 2.0], 3.0), [1.0, 2.0]);
        let thirds = [0.333_334, 0.0, 0.333_333, 0.333_333];
        assert_eq!(clamped(&[1.0, 0.0, 1.0, 1.0], 1.0), thirds);
        assert_eq!(clamped(&[1.0, 3.0], 0.0), [0.0, 0.0]);
        assert_eq!(clamped(&[], 1.0), [0.0; 0]);
    }

    /// spec: 03-D14
    #[test]
    fn truncation_does_not_lose_a_unit() {
        for (cap, sens, equity, permille) in [
            (0.1, 0.5, Some(100.0), 1000),
            (0.1, 0.5, Some(95.0), 750),
            (0.1, 0.5, Some(10.0), 500),
            (0.29, 0.29, Some(71.0), 710),
            (0.0, 0.5, Some(99.0), 500),
            (0.0, 0.5, Some(100.0), 1000),
            (0.1, 0.5, None, 1000),
            (0.1, 0.5, Some(f64::NAN), 1000),
        ] {
            let params = BudgetParams {
                drawdown_soft_cap: cap,
                pnl_sensitivity: sens,
                budget_min_usd: 0.0,
            };
            let got = soften(&params, 100.0, equity).permille;
            assert_eq!(got, permille, "{cap} {sens} {equity:?}");
        }
    }

    /// spec: 03-4
    #[test]
    fn the_high_water_mark_follows_deposits_and_equity_bounds_the_budget() {
        assert_eq!(next_hwm_usd(100.0, Some(80.0), 0.0), 100.0);
        assert_eq!(next_hwm_usd(100.0, Some(130.0), 50.0), 150.0);
        assert_eq!(next_hwm_usd(100.0, None, -30.0), 70.0);
        assert_eq!(next_hwm_usd(0.0, None, 50.0), 0.0);
        assert_eq!(available_usd(100.0, Some(90.0), 100.0), 0.0);
        assert_eq!(available_usd(100.0, Some(90.0), 20.0), 70.0);
        assert_eq!(available_usd(100.0, None, 50.0), 100.0);
        assert_eq!(limit_usd(100.0, 333), 33.3);
    }
}
