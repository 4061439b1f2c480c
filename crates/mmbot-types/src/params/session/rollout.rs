//! Colours of orders [`rollout`].

use super::ParamError;
use crate::color::Color;
use std::sync::Arc;

/// Longest salt.
const SALT_MAX: usize = 64;
/// Most pinned client order ids.
const PINS_MAX: usize = 10_000;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RolloutParams {
    /// `rollout.traffic_split_pct`: share of new orders that get the candidate's colour, percent.
    pub traffic_split_pct: u8,
    /// `rollout.active`: the colour of the baseline.
    pub active: Color,
    /// `rollout.salt`, ASCII.
    pub salt: String,
    /// `rollout.pinned_cids_green`, sorted.
    pub pinned_green: Arc<[String]>,
    /// What client order ids of the session begin with: `mm{bot}{session}-`.
    pub cid_prefix: String,
}

impl Default for RolloutParams {
    fn default() -> Self {
        Self {
            traffic_split_pct: 0,
            active: Color::Blue,
            salt: "default".to_owned(),
            pinned_green: Arc::from([]),
            cid_prefix: String::new(),
        }
    }
}

impl RolloutParams {
    /// Checks ranges and order.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        if self.traffic_split_pct > 100 {
            return Err(ParamError {
                key: "rollout.traffic_split_pct",
                rule: "in [0,100]",
            });
        }
        if self.salt.len() > SALT_MAX || !self.salt.is_ascii() {
            return Err(ParamError {
                key: "rollout.salt",
                rule: "at most 64 ASCII characters",
            });
        }
        let pins = &self.pinned_green;
        if pins.len() > PINS_MAX || !pins.is_sorted() {
            return Err(ParamError {
                key: "rollout.pinned_cids_green",
                rule: "at most 10000, sorted",
            });
        }
        Ok(())
    }
}
