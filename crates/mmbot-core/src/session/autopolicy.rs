//! Calmer quoting while throttled: a level that rises with lasting trouble and falls with lasting
//! quiet. Each level makes orders rest longer, move less readily and stand on fewer levels.
//!
//! Evaluated every second by the caller. A level changes at most once in `cooldown_minutes`, be it
//! by itself or by hand; streaks go on while it may not change and begin anew when it has.

use mmbot_types::{AutopolicyParams, TsNs};

/// What an evaluation looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AutopolicySigns {
    /// Largest current back-off over the symbols, ms.
    pub backoff_ms_max: f64,
    /// Requests in the windows, over all symbols and operations.
    pub throttle_events_total: u64,
    /// Symbols that are quoted; the limit of events is per symbol.
    pub quoted_symbols: usize,
}

/// Quoting parameters without any policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AutopolicyBases {
    /// `strategy.min_time_in_book_ms`.
    pub min_time_in_book_ms: i64,
    /// `strategy.replace_threshold_bps`.
    pub replace_threshold_bps: f64,
    /// `portfolio.levels_per_side_max`.
    pub levels_per_side_max: u32,
}

/// Quoting parameters at a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveQuoting {
    /// Least age before an order is replaced, ms.
    pub min_time_in_book_ms: i64,
    /// Least price change that replaces an order, bps.
    pub replace_threshold_bps: f64,
    /// Most open orders per side.
    pub levels_per_side_max: u32,
}

impl AutopolicyBases {
    /// The parameters at `level`, which a colour of orders may have capped
    /// (`min(level, its autopolicy.level_max)`). Products are rounded half away from zero to whole
    /// milliseconds and levels.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    pub fn effective_at(&self, params: &AutopolicyParams, level: u32) -> EffectiveQuoting {
        let level = f64::from(level);
        let more = |base: f64, step: f64| base * (1.0 + step * level);
        let rest = self.min_time_in_book_ms as f64;
        let rest = more(rest, params.min_time_in_book_ms_step_pct);
        let threshold = self.replace_threshold_bps;
        let threshold = more(threshold, params.replace_threshold_bps_step_pct);
        let levels = f64::from(self.levels_per_side_max);
        let levels = levels * (1.0 - params.levels_per_side_shrink_step_pct * level);
        EffectiveQuoting {
            min_time_in_book_ms: (libm::round(rest) as i64).min(params.max_min_time_in_book_ms),
            replace_threshold_bps: threshold.min(params.max_replace_threshold_bps),
            levels_per_side_max: (libm::round(levels) as u32).max(params.min_levels_cap),
        }
    }
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Autopolicy {
    level: u32,
    streak: Streak,
    /// Since when the level stays for the cooldown: its last change or manual setting.
    held_since: Option<TsNs>,
    last_change: Option<TsNs>,
    steps: u64,
    latest: TsNs,
}

/// Evaluations of one kind in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
enum Streak {
    #[default]
    None,
    Bad(u32),
    Good(u32),
}

impl Streak {
    const fn with(self, bad: bool) -> Self {
        match (self, bad) {
            (Streak::Bad(n), true) => Streak::Bad(n.saturating_add(1)),
            (Streak::Good(n), false) => Streak::Good(n.saturating_add(1)),
            (Streak::None | Streak::Good(_), true) => Streak::Bad(1),
            (Streak::None | Streak::Bad(_), false) => Streak::Good(1),
        }
    }
}

impl Autopolicy {
    /// The evaluation of a second. True if the level changed.
    ///
    /// A policy that is not enabled is at level 0; a level above a lowered `level_max` falls to it;
    /// neither waits for the cooldown.
    pub fn evaluate(
        &mut self,
        params: &AutopolicyParams,
        signs: &AutopolicySigns,
        now: TsNs,
    ) -> bool {
        self.latest = self.latest.max(now);
        if !params.enabled {
            self.streak = Streak::None;
            return self.change(0);
        }
        if self.level > params.level_max {
            return self.change(params.level_max);
        }
        self.streak = self.streak.with(is_bad(params, signs));
        let level = match self.streak {
            Streak::Bad(n) if n >= params.hysteresis_bad_required => self.level + 1,
            Streak::Good(n) if n >= params.hysteresis_good_required => self.level.saturating_sub(1),
            _ => self.level,
        };
        !self.held(params) && self.change(level.min(params.level_max))
    }

    /// Sets the level by hand, at most `level_max`; it stays for `cooldown_minutes`, then the
    /// policy goes on by itself. A policy that is not enabled stays at 0. True if it changed.
    pub fn set_level(&mut self, params: &AutopolicyParams, level: u32, now: TsNs) -> bool {
        self.latest = self.latest.max(now);
        let level = if params.enabled {
            level.min(params.level_max)
        } else {
            0
        };
        self.streak = Streak::None;
        self.held_since = Some(self.latest);
        self.change(level)
    }

    /// Level 0, streaks 0. True if the level changed.
    pub fn reset(&mut self, now: TsNs) -> bool {
        self.latest = self.latest.max(now);
        self.streak = Streak::None;
        self.change(0)
    }

    /// The current level.
    #[inline]
    #[must_use]
    pub const fn level(&self) -> u32 {
        self.level
    }

    /// True above level 0.
    #[must_use]
    pub const fn active(&self) -> bool {
        self.level > 0
    }

    /// True at level 0 with streaks at 0.
    #[must_use]
    pub const fn is_reset(&self) -> bool {
        self.level == 0 && matches!(self.streak, Streak::None)
    }

    /// When the level changed last.
    #[must_use]
    pub const fn last_change(&self) -> Option<TsNs> {
        self.last_change
    }

    /// How often the level changed.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    #[allow(clippy::cast_possible_truncation)] // a float cast saturates: held for good
    fn held(&self, params: &AutopolicyParams) -> bool {
        let cooldown_ns = (params.cooldown_minutes * 60e9) as i64;
        self.held_since
            .is_some_and(|since| self.latest.since_ns(since) < cooldown_ns)
    }

    fn change(&mut self, level: u32) -> bool {
        let changed = level != self.level;
        if changed {
            self.level = level;
            self.streak = Streak::None;
            self.held_since = Some(self.latest);
            self.last_change = Some(self.latest);
            self.steps += 1;
        }
        changed
    }
}

fn is_bad(params: &AutopolicyParams, signs: &AutopolicySigns) -> bool {
    let symbols = signs.quoted_symbols.max(1) as u64;
    let events = u64::from(params.trigger_events_total).saturating_mul(symbols);
    signs.backoff_ms_max >= params.trigger_backoff_ms || signs.throttle_events_total >= events
}
