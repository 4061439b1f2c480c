//! When a session trades [`scheduler`]. The configuration speaks of local times and week days;
//! whoever builds the parameters turns them into instants, because the core knows no time zones.

use super::ParamError;
use crate::units::TsNs;
use std::sync::Arc;

/// Trading is open from `from` (included) to `to` (excluded).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OpenWindow {
    /// First instant.
    pub from: TsNs,
    /// First instant after it.
    pub to: TsNs,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct ScheduleParams {
    /// Open windows, ascending and disjoint; `None` is always open.
    pub windows: Option<Arc<[OpenWindow]>>,
}

impl ScheduleParams {
    /// Checks that the windows are in order.
    ///
    /// # Errors
    /// `scheduler.windows`.
    pub fn validate(&self) -> Result<(), ParamError> {
        let windows = self.windows.as_deref().unwrap_or(&[]);
        let ordered = windows.iter().all(|window| window.from < window.to);
        let disjoint = windows.windows(2).all(|pair| pair[0].to <= pair[1].from);
        if ordered && disjoint {
            Ok(())
        } else {
            Err(ParamError {
                key: "scheduler.windows",
                rule: "ascending and disjoint",
            })
        }
    }
}
