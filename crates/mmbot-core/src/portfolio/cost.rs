//! Cost of quoting a target and what it takes off: fee plus slippage.

pub use mmbot_types::SlippageOverride;
use mmbot_types::{CostParams, TsNs};

/// An observation counts as known for this long, ns.
pub const KNOWN_FOR_NS: i64 = 60_000_000_000;

const THIN_VOLUME_FACTOR: f64 = 2.0;
const FULL_COST_BPS: f64 = 100.0;

/// A measured value and when it was seen.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Observation {
    /// Value in the unit of its field.
    pub value: f64,
    /// When.
    pub ts: TsNs,
}

impl Observation {
    /// The value, when it is finite and was seen within the last 60 s.
    #[must_use]
    pub fn known(seen: Option<Self>, now: TsNs) -> Option<f64> {
        let fresh = |seen: &Self| seen.value.is_finite() && now.since_ns(seen.ts) <= KNOWN_FOR_NS;
        seen.filter(fresh).map(|seen| seen.value)
    }
}

/// Cost of one target and the factor that it leaves.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cost {
    /// Slippage, bps.
    pub slippage_bps: f64,
    /// Fee plus slippage, bps.
    pub cost_bps: f64,
    /// Factor on the target, 0..1.
    pub attenuation: f64,
}

/// Cost of quoting `target_usd`; an unknown spread or volume falls back to the static model.
#[must_use]
pub fn cost_of(
    target_usd: f64,
    params: &CostParams,
    spread_bps: Option<f64>,
    volume_usd: Option<f64>,
    set: SlippageOverride,
) -> Cost {
    let k = set.k_eff.unwrap_or(params.slippage_k_bps_per_kusd);
    let cap = set.cap_eff_bps.unwrap_or(params.max_slippage_bps_cap);
    let floor = match spread_bps {
        Some(spread) if params.use_shadow_spread => params.slippage_bps_base.max(spread / 2.0),
        _ => params.slippage_bps_base,
    };
    let impact = k * volume_factor(params, volume_usd) * target_usd.max(0.0) / 1_000.0;
    let slippage_bps = (floor + impact).min(cap);
    let cost_bps = (params.fee_bps + slippage_bps).max(0.0);
    Cost {
        slippage_bps,
        cost_bps,
        attenuation: attenuation(cost_bps, params.cost_sensitivity),
    }
}

/// 2 in a market thinner than `min_volume_usd`, else 1; unknown volume is not thin.
#[must_use]
pub fn volume_factor(params: &CostParams, volume_usd: Option<f64>) -> f64 {
    let thin = volume_usd.is_some_and(|volume| volume < params.min_volume_usd);
    if params.use_shadow_volume && thin {
        THIN_VOLUME_FACTOR
    } else {
        1.0
    }
}

/// Factor that a cost leaves; it does not fall further above 100 bps.
#[must_use]
pub fn attenuation(cost_bps: f64, sensitivity: f64) -> f64 {
    (1.0 - sensitivity * (cost_bps / FULL_COST_BPS).min(1.0)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec: 03-5.1, 03-D5, 03-D6
    #[test]
    fn cost_is_fee_plus_slippage_and_unknown_inputs_fall_back_to_the_static_model() {
        let params = CostParams {
            fee_bps: 4.0,
            ..CostParams::default()
        };
        let free = SlippageOverride::default();
        let cost = cost_of(0.0, &params, None, None, free);
        assert_eq!((cost.cost_bps, cost.attenuation), (4.5, 1.0 - 0.5 * 0.045));
        let slip =
            |spread, volume, set| cost_of(2_000.0, &params, spread, volume, set).slippage_bps;
        assert!((slip(None, None, free) - 0.7).abs() < 1e-12);
        assert!((slip(Some(4.0), Some(1.0), free) - 2.4).abs() < 1e-12);
        assert!((slip(Some(0.1), Some(1e9), free) - 0.7).abs() < 1e-12);
        let set = SlippageOverride {
            k_eff: Some(100.0),
            cap_eff_bps: Some(7.0),
        };
        assert_eq!(slip(None, None, set), 7.0);
    }

    /// spec: 03-5.1
    #[test]
    fn a_value_is_known_for_sixty_seconds() {
        let seen = |value| {
            Some(Observation {
                value,
                ts: TsNs::ZERO,
            })
        };
        let at = |ms| TsNs::ZERO.plus_ms(ms);
        assert_eq!(Observation::known(seen(3.0), at(60_000)), Some(3.0));
        assert_eq!(Observation::known(seen(3.0), at(60_001)), None);
        assert_eq!(Observation::known(seen(f64::NAN), at(0)), None);
        assert_eq!(Observation::known(None, at(0)), None);
    }
}
