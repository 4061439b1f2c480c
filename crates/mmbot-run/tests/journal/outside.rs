//! What a session is given from outside: configurations, quotes, weights.

use mmbot_core::portfolio::FeeTilt;
use mmbot_core::{Quote, StrategyView};
use mmbot_run::{Configs, External, RunError, WeightAnswer, WeightRequest, Wires};
use mmbot_types::{Instrument, Params, SessionParams, Side};

/// Configurations by number, in place of their text.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    params: Vec<Params>,
    sessions: Vec<SessionParams>,
}

impl Shelf {
    pub fn keep(&mut self, params: Params) -> Vec<u8> {
        self.params.push(params);
        vec![self.params.len() as u8 - 1]
    }

    pub fn keep_session(&mut self, params: SessionParams) -> Vec<u8> {
        self.sessions.push(params);
        vec![self.sessions.len() as u8 - 1]
    }
}

impl Configs for Shelf {
    fn params(&mut self, config: &[u8], _seed: u64) -> Result<Params, String> {
        let kept = config
            .first()
            .and_then(|at| self.params.get(usize::from(*at)));
        kept.copied()
            .ok_or_else(|| "is not on the shelf".to_owned())
    }

    fn session(
        &mut self,
        config: &[u8],
        _instruments: &[Instrument],
    ) -> Result<SessionParams, String> {
        let kept = config
            .first()
            .and_then(|at| self.sessions.get(usize::from(*at)));
        kept.cloned()
            .ok_or_else(|| "is not on the shelf".to_owned())
    }
}

/// Quotes one tick around the touch, and divides the budget anew at each call.
#[derive(Default)]
pub struct Outside {
    calls: u32,
}

impl Wires for Outside {}

impl External for Outside {
    fn quotes(
        &mut self,
        _symbol: usize,
        _lane: usize,
        view: &StrategyView,
    ) -> Result<Vec<Quote>, RunError> {
        if !view.market.synced {
            return Ok(Vec::new());
        }
        let qty = mmbot_types::QtyLot::new(5 + view.position.get() % 3);
        let at = |side: Side| Quote {
            side,
            px: side.outward(view.market.best(side), 1),
            qty,
        };
        Ok(Side::BOTH.map(at).to_vec())
    }

    fn weights(
        &mut self,
        _lane: usize,
        request: &WeightRequest,
    ) -> Result<Option<WeightAnswer>, RunError> {
        self.calls += 1;
        let n = request.volas.len();
        let mut weights = vec![1.0 / n as f64; n];
        let shift = 0.01 * f64::from(self.calls % 7);
        weights[0] += shift;
        weights[n - 1] -= shift;
        let fee_tilt = if self.calls % 2 == 0 {
            FeeTilt::Worth(0.5)
        } else {
            FeeTilt::Off
        };
        Ok(Some(WeightAnswer { weights, fee_tilt }))
    }
}
