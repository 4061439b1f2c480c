//! Calmer quoting while throttled [`autopolicy`].

use super::{ParamError, within};

/// See the module. Steps are fractions of the base value per level.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AutopolicyParams {
    /// `autopolicy.enabled`.
    pub enabled: bool,
    /// `autopolicy.level_max`.
    pub level_max: u32,
    /// `autopolicy.trigger_backoff_ms`.
    pub trigger_backoff_ms: f64,
    /// `autopolicy.trigger_events_total`, per quoted symbol.
    pub trigger_events_total: u32,
    /// `autopolicy.hysteresis_bad_required`.
    pub hysteresis_bad_required: u32,
    /// `autopolicy.hysteresis_good_required`.
    pub hysteresis_good_required: u32,
    /// `autopolicy.cooldown_minutes`.
    pub cooldown_minutes: f64,
    /// `autopolicy.min_time_in_book_ms_step_pct`.
    pub min_time_in_book_ms_step_pct: f64,
    /// `autopolicy.replace_threshold_bps_step_pct`.
    pub replace_threshold_bps_step_pct: f64,
    /// `autopolicy.levels_per_side_shrink_step_pct`.
    pub levels_per_side_shrink_step_pct: f64,
    /// `autopolicy.min_levels_cap`.
    pub min_levels_cap: u32,
    /// `autopolicy.max_min_time_in_book_ms`.
    pub max_min_time_in_book_ms: i64,
    /// `autopolicy.max_replace_threshold_bps`.
    pub max_replace_threshold_bps: f64,
    /// `portfolio.levels_per_side_max`: what the levels shrink from.
    pub levels_per_side_max: u32,
}

impl Default for AutopolicyParams {
    fn default() -> Self {
        Self {
            enabled: true,
            level_max: 3,
            trigger_backoff_ms: 3000.0,
            trigger_events_total: 40,
            hysteresis_bad_required: 2,
            hysteresis_good_required: 2,
            cooldown_minutes: 2.0,
            min_time_in_book_ms_step_pct: 0.15,
            replace_threshold_bps_step_pct: 0.15,
            levels_per_side_shrink_step_pct: 0.25,
            min_levels_cap: 1,
            max_min_time_in_book_ms: 60_000,
            max_replace_threshold_bps: 100.0,
            levels_per_side_max: 10,
        }
    }
}

impl AutopolicyParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        let p = self;
        let unit = (0.0, 1.0);
        for (key, value, bounds, rule) in [
            (
                "autopolicy.level_max",
                f64::from(p.level_max),
                (0.0, 10.0),
                "in [0,10]",
            ),
            (
                "autopolicy.trigger_backoff_ms",
                p.trigger_backoff_ms,
                (0.0, 1e12),
                ">= 0",
            ),
            (
                "autopolicy.cooldown_minutes",
                p.cooldown_minutes,
                (0.0, 1e9),
                ">= 0",
            ),
            (
                "autopolicy.min_time_in_book_ms_step_pct",
                p.min_time_in_book_ms_step_pct,
                unit,
                "in [0,1]",
            ),
            (
                "autopolicy.replace_threshold_bps_step_pct",
                p.replace_threshold_bps_step_pct,
                unit,
                "in [0,1]",
            ),
            (
                "autopolicy.levels_per_side_shrink_step_pct",
                p.levels_per_side_shrink_step_pct,
                unit,
                "in [0,1]",
            ),
            (
                "autopolicy.max_replace_threshold_bps",
                p.max_replace_threshold_bps,
                (0.0, 1000.0),
                "in [0,1000]",
            ),
        ] {
            within(key, value, bounds, rule)?;
        }
        self.validate_counts()?;
        if p.max_min_time_in_book_ms < 0 {
            return Err(ParamError {
                key: "autopolicy.max_min_time_in_book_ms",
                rule: ">= 0",
            });
        }
        Ok(())
    }

    fn validate_counts(&self) -> Result<(), ParamError> {
        let p = self;
        for (key, count) in [
            (
                "autopolicy.hysteresis_bad_required",
                p.hysteresis_bad_required,
            ),
            (
                "autopolicy.hysteresis_good_required",
                p.hysteresis_good_required,
            ),
            ("autopolicy.min_levels_cap", p.min_levels_cap),
            ("portfolio.levels_per_side_max", p.levels_per_side_max),
        ] {
            if count == 0 {
                return Err(ParamError { key, rule: ">= 1" });
            }
        }
        Ok(())
    }
}
