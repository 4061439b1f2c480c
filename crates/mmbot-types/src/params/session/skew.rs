//! Position skew guard [`guards.pos_skew`].

use super::{ParamError, within};

/// See the module. 0 is off.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PosSkewParams {
    /// `guards.pos_skew.per_symbol_abs_limit`, USD.
    pub per_symbol_abs_limit_usd: f64,
    /// `guards.pos_skew.per_color_abs_limit`, USD.
    pub per_color_abs_limit_usd: f64,
    /// `allocator.smoothing.bias_cap_ratio`: largest size bias of a colour.
    pub bias_cap_ratio: f64,
}

impl Default for PosSkewParams {
    fn default() -> Self {
        Self {
            per_symbol_abs_limit_usd: 0.0,
            per_color_abs_limit_usd: 0.0,
            bias_cap_ratio: 0.10,
        }
    }
}

impl PosSkewParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        let (any, rule) = ((0.0, f64::MAX), ">= 0");
        let (symbol, color) = (self.per_symbol_abs_limit_usd, self.per_color_abs_limit_usd);
        within("guards.pos_skew.per_symbol_abs_limit", symbol, any, rule)?;
        within("guards.pos_skew.per_color_abs_limit", color, any, rule)?;
        let ratio = self.bias_cap_ratio;
        within(
            "allocator.smoothing.bias_cap_ratio",
            ratio,
            (0.0, 1.0),
            "in [0,1]",
        )
    }
}
