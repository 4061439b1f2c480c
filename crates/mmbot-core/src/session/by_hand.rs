//! Switches that somebody sets while the session runs. What was set by hand stays until the
//! configuration itself says something else than before: a reload for another reason must not lift
//! a pause.

use mmbot_types::SessionParams;

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Switch {
    configured: bool,
    by_hand: Option<bool>,
}

/// See the module.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct ByHand {
    dry_run: Switch,
    manual_pause: Switch,
    autopolicy: Switch,
}

impl Switch {
    const fn of(configured: bool) -> Self {
        Self {
            configured,
            by_hand: None,
        }
    }

    /// Makes a configured `value` the one in force.
    const fn configure(&mut self, value: &mut bool) {
        if *value != self.configured {
            *self = Self::of(*value);
        } else if let Some(by_hand) = self.by_hand {
            *value = by_hand;
        }
    }
}

impl ByHand {
    pub(super) const fn of(params: &SessionParams) -> Self {
        Self {
            dry_run: Switch::of(params.runtime_guard.dry_run),
            manual_pause: Switch::of(params.runtime_guard.manual_override_pause),
            autopolicy: Switch::of(params.autopolicy.enabled),
        }
    }

    /// Puts what was set by hand over a configuration.
    pub(super) const fn configure(&mut self, params: &mut SessionParams) {
        self.dry_run.configure(&mut params.runtime_guard.dry_run);
        self.manual_pause
            .configure(&mut params.runtime_guard.manual_override_pause);
        self.autopolicy.configure(&mut params.autopolicy.enabled);
    }

    pub(super) const fn set_dry_run(&mut self, params: &mut SessionParams, on: bool) {
        self.dry_run.by_hand = Some(on);
        params.runtime_guard.dry_run = on;
    }

    pub(super) const fn set_manual_pause(&mut self, params: &mut SessionParams, on: bool) {
        self.manual_pause.by_hand = Some(on);
        params.runtime_guard.manual_override_pause = on;
    }

    pub(super) const fn set_autopolicy(&mut self, params: &mut SessionParams, on: bool) {
        self.autopolicy.by_hand = Some(on);
        params.autopolicy.enabled = on;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_by_hand_stays_until_the_configuration_changes_it() {
        let configured = SessionParams::default();
        let mut hand = ByHand::of(&configured);
        let mut in_force = configured.clone();
        hand.set_manual_pause(&mut in_force, true);
        assert!(in_force.runtime_guard.manual_override_pause);

        let mut reloaded = configured.clone();
        hand.configure(&mut reloaded);
        assert!(reloaded.runtime_guard.manual_override_pause, "reload");
        assert!(!reloaded.runtime_guard.dry_run);

        let mut edited = configured.clone();
        edited.runtime_guard.manual_override_pause = true;
        hand.configure(&mut edited);
        let mut edited_back = configured;
        hand.configure(&mut edited_back);
        assert!(!edited_back.runtime_guard.manual_override_pause);
    }
}
