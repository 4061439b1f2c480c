//! Strategies by volatility regime [`mux`].

use super::{ParamError, within};

/// A strategy of the mux: multipliers of spread and size.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MuxStrategy {
    /// Name in metrics and logs.
    pub name: String,
    /// `mux.strategies.<name>.spread_mult`.
    pub spread_mult: f64,
    /// `mux.strategies.<name>.size_mult`.
    pub size_mult: f64,
    /// `mux.weight_caps.<name>`; `None` is uncapped.
    pub weight_cap: Option<f64>,
}

/// A regime: sigma in `[lower, upper)`; the last one includes everything above.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MuxBand {
    /// Name of the regime.
    pub name: String,
    /// Lower edge, included.
    pub lower: f64,
    /// Upper edge, excluded.
    pub upper: f64,
    /// `mux.profiles.<name>`: weight per strategy, in the order of [`MuxParams::strategies`].
    pub weights: Vec<f64>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MuxParams {
    /// `mux.enabled`.
    pub enabled: bool,
    /// `mux.hysteresis_s`.
    pub hysteresis_s: f64,
    /// `mux.strategies`, in configuration order.
    pub strategies: Vec<MuxStrategy>,
    /// `mux.bands` with `mux.profiles`, ascending and contiguous.
    pub bands: Vec<MuxBand>,
}

impl Default for MuxParams {
    fn default() -> Self {
        let strategy = |name: &str, spread_mult, size_mult, weight_cap| MuxStrategy {
            name: name.to_owned(),
            spread_mult,
            size_mult,
            weight_cap,
        };
        let band = |name: &str, lower, upper, weights: [f64; 3]| MuxBand {
            name: name.to_owned(),
            lower,
            upper,
            weights: weights.to_vec(),
        };
        Self {
            enabled: true,
            hysteresis_s: 60.0,
            strategies: vec![
                strategy("Conservative", 1.5, 0.7, None),
                strategy("Moderate", 1.0, 1.0, None),
                strategy("Aggressive", 0.7, 1.2, Some(0.35)),
            ],
            bands: vec![
                band("low", 0.0, 0.8, [0.70, 0.30, 0.00]),
                band("mid", 0.8, 1.5, [0.40, 0.50, 0.10]),
                band("high", 1.5, 9.99, [0.20, 0.50, 0.30]),
            ],
        }
    }
}

impl MuxParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        within("mux.hysteresis_s", self.hysteresis_s, (0.0, 1e9), ">= 0")?;
        for strategy in &self.strategies {
            within(
                "mux.strategies",
                strategy.spread_mult,
                (1e-9, 100.0),
                "in (0,100]",
            )?;
            within(
                "mux.strategies",
                strategy.size_mult,
                (0.0, 100.0),
                "in [0,100]",
            )?;
            let cap = strategy.weight_cap.unwrap_or(1.0);
            within("mux.weight_caps", cap, (0.0, 1.0), "in [0,1]")?;
        }
        let rule = "contiguous, ascending, at least one";
        let bands = ParamError {
            key: "mux.bands",
            rule,
        };
        let ordered = self.bands.iter().all(|band| band.lower < band.upper);
        let joined = self
            .bands
            .windows(2)
            .all(|pair| pair[0].upper == pair[1].lower);
        if self.bands.is_empty() || !ordered || !joined {
            return Err(bands);
        }
        for band in &self.bands {
            let sum: f64 = band.weights.iter().sum();
            let valid = band.weights.iter().all(|w| (0.0..=1.0).contains(w));
            let complete = band.weights.len() == self.strategies.len();
            if !valid || !complete || (sum - 1.0).abs() > 1e-9 {
                return Err(ParamError {
                    key: "mux.profiles",
                    rule: "weights in [0,1] that sum to 1, one per strategy",
                });
            }
        }
        Ok(())
    }
}
