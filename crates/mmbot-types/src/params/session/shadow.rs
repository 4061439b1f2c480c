//! Statistics of virtual orders [`shadow`].

use super::{ParamError, within};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ShadowParams {
    /// `shadow.enabled`.
    pub enabled: bool,
    /// `shadow.max_price_diff_bps`.
    pub max_price_diff_bps: f64,
    /// `shadow.max_size_diff_pct`, percent.
    pub max_size_diff_pct: f64,
    /// `shadow.min_count`.
    pub min_count: u32,
}

impl Default for ShadowParams {
    fn default() -> Self {
        Self {
            enabled: false,
            max_price_diff_bps: 5.0,
            max_size_diff_pct: 10.0,
            min_count: 50,
        }
    }
}

impl ShadowParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        let price = self.max_price_diff_bps;
        within(
            "shadow.max_price_diff_bps",
            price,
            (0.0, 1000.0),
            "in [0,1000]",
        )?;
        let size = self.max_size_diff_pct;
        within("shadow.max_size_diff_pct", size, (0.0, f64::MAX), ">= 0")?;
        if self.min_count == 0 {
            return Err(ParamError {
                key: "shadow.min_count",
                rule: ">= 1",
            });
        }
        Ok(())
    }
}
