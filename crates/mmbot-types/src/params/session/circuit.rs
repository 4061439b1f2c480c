//! Circuit breaker of a venue session [`circuit`].

use super::{ParamError, within};

/// See the module. Rates are shares of the calls in the window.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CircuitParams {
    /// `circuit.window_sec`.
    pub window_sec: f64,
    /// `circuit.err_rate_open`.
    pub err_rate_open: f64,
    /// `circuit.http_5xx_rate_open`.
    pub http_5xx_rate_open: f64,
    /// `circuit.http_429_rate_open`.
    pub http_429_rate_open: f64,
    /// `circuit.open_duration_sec`.
    pub open_duration_sec: f64,
    /// `circuit.half_open_probes`.
    pub half_open_probes: u32,
    /// `circuit.cooldown_sec`, between probe starts.
    pub cooldown_sec: f64,
    /// `circuit.min_samples`.
    pub min_samples: u32,
}

impl Default for CircuitParams {
    fn default() -> Self {
        Self {
            window_sec: 60.0,
            err_rate_open: 0.5,
            http_5xx_rate_open: 0.2,
            http_429_rate_open: 0.2,
            open_duration_sec: 30.0,
            half_open_probes: 5,
            cooldown_sec: 5.0,
            min_samples: 5,
        }
    }
}

impl CircuitParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        let (unit, any) = ((0.0, 1.0), (0.0, 1e9));
        within(
            "circuit.window_sec",
            self.window_sec,
            (1.0, 3600.0),
            "in [1,3600]",
        )?;
        within(
            "circuit.err_rate_open",
            self.err_rate_open,
            unit,
            "in [0,1]",
        )?;
        within(
            "circuit.http_5xx_rate_open",
            self.http_5xx_rate_open,
            unit,
            "in [0,1]",
        )?;
        within(
            "circuit.http_429_rate_open",
            self.http_429_rate_open,
            unit,
            "in [0,1]",
        )?;
        within(
            "circuit.open_duration_sec",
            self.open_duration_sec,
            any,
            "> 0",
        )?;
        within("circuit.cooldown_sec", self.cooldown_sec, any, ">= 0")?;
        for (key, count) in [
            ("circuit.half_open_probes", self.half_open_probes),
            ("circuit.min_samples", self.min_samples),
        ] {
            if !(1..=1000).contains(&count) {
                return Err(ParamError {
                    key,
                    rule: "in [1,1000]",
                });
            }
        }
        Ok(())
    }
}
