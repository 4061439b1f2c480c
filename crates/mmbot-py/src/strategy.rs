//! A Python strategy as an external strategy of a run.

use mmbot_core::portfolio::FeeTilt;
use mmbot_core::{Quote, StrategyView};
use mmbot_run::{External, RunError, WeightAnswer, WeightRequest, Wires};
use mmbot_types::{Instrument, PriceTick, QtyLot, Side};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Calls a Python object with a view and reads (side, price, quantity) targets.
pub(crate) struct PythonStrategy<'a> {
    pub(crate) call: Option<&'a Py<PyAny>>,
    /// Gives weights at a rebalance.
    pub(crate) allocate: Option<&'a Py<PyAny>>,
    pub(crate) instruments: &'a [Instrument],
    /// First failure, to be raised as it came.
    pub(crate) failure: Option<PyErr>,
}

impl Wires for PythonStrategy<'_> {}

impl External for PythonStrategy<'_> {
    fn quotes(
        &mut self,
        symbol: usize,
        lane: usize,
        view: &StrategyView,
    ) -> Result<Vec<Quote>, RunError> {
        let Some(call) = self.call else {
            return Err(RunError::Strategy(format!(
                "lane {lane} has strategy.kind external but no strategy was given"
            )));
        };
        let Some(instrument) = self.instruments.get(symbol) else {
            return Err(RunError::Lanes);
        };
        let asked = Asked { instrument, lane };
        let answer = Python::attach(|py| asked.ask(py, call, view));
        answer.map_err(|error| self.failed(error))
    }

    fn weights(
        &mut self,
        lane: usize,
        request: &WeightRequest,
    ) -> Result<Option<WeightAnswer>, RunError> {
        let Some(call) = self.allocate else {
            return Ok(None);
        };
        let answer = weights_of(call, lane, request);
        let (weights, improvement_bps) = answer.map_err(|error| self.failed(error))?;
        let fee_tilt = improvement_bps.map_or(FeeTilt::Off, FeeTilt::Worth);
        Ok(Some(WeightAnswer { weights, fee_tilt }))
    }
}

type Weights = (Vec<f64>, Option<f64>);

impl PythonStrategy<'_> {
    /// Remembers a failure, to be raised as it came.
    fn failed(&mut self, error: PyErr) -> RunError {
        let message = error.to_string();
        self.failure = Some(error);
        RunError::Strategy(message)
    }
}

fn weights_of(call: &Py<PyAny>, lane: usize, request: &WeightRequest) -> PyResult<Weights> {
    Python::attach(|py| {
        let asked = PyDict::new(py);
        asked.set_item("lane", lane)?;
        asked.set_item("ts_ns", request.now.get())?;
        asked.set_item("volas", request.volas.clone())?;
        asked.set_item("turnover_usd", request.turnover_usd)?;
        call.bind(py).call1((asked,))?.extract()
    })
}

/// Whose targets are asked for.
struct Asked<'a> {
    instrument: &'a Instrument,
    lane: usize,
}

impl Asked<'_> {
    fn ask(&self, py: Python<'_>, call: &Py<PyAny>, view: &StrategyView) -> PyResult<Vec<Quote>> {
        let state = self.state(py, view)?;
        let targets: Vec<(String, f64, f64)> = call.bind(py).call1((state,))?.extract()?;
        targets
            .iter()
            .map(|(side, px, qty)| self.quote(side, *px, *qty))
            .collect()
    }

    /// The view in quote currency, base currency, bps.
    fn state<'py>(&self, py: Python<'py>, view: &StrategyView) -> PyResult<Bound<'py, PyDict>> {
        let (state, i) = (PyDict::new(py), self.instrument);
        let market = &view.market;
        state.set_item("lane", self.lane)?;
        state.set_item("symbol", i.symbol())?;
        state.set_item("ts_ns", view.now.get())?;
        state.set_item("synced", market.synced)?;
        state.set_item("tick_size", i.tick_f64())?;
        state.set_item("lot_size", i.lot_f64())?;
        state.set_item("min_qty", i.qty_f64(i.min_qty()))?;
        state.set_item("best_bid", i.price_f64(market.bid))?;
        state.set_item("best_ask", i.price_f64(market.ask))?;
        state.set_item("bid_qty", i.qty_f64(market.bid_qty))?;
        state.set_item("ask_qty", i.qty_f64(market.ask_qty))?;
        state.set_item("mid", market.mid.ticks_f64() * i.tick_f64())?;
        state.set_item("vola_1m_bps", market.vola_1m_bps)?;
        state.set_item("sigma", market.sigma)?;
        state.set_item("imbalance", market.imbalance)?;
        state.set_item("micro_tilt", market.micro_tilt)?;
        state.set_item("trade_flow", market.flow)?;
        state.set_item("position", i.qty_f64(view.position))?;
        state.set_item("position_usd", view.position_usd)?;
        state.set_item("equity_usd", view.equity_usd)?;
        state.set_item("target_usd", view.target_usd)?;
        state.set_item("bid_target_usd", view.side_usd[Side::Buy.index()])?;
        state.set_item("ask_target_usd", view.side_usd[Side::Sell.index()])?;
        state.set_item("spread_mult", view.spread_mult)?;
        state.set_item("levels_max", view.levels_max)?;
        state.set_item("slippage_bps", view.slippage_ewma_bps)?;
        Ok(state)
    }

    /// Prices go to the tick away from the market, quantities down to the lot.
    #[allow(clippy::cast_possible_truncation)] // checked to be finite and small enough
    fn quote(&self, side: &str, px: f64, qty: f64) -> PyResult<Quote> {
        let bad = |what: &str| {
            crate::error::core_error(
                "E_EXEC_STRATEGY",
                "targets",
                &format!("{what} ({side}, {px}, {qty})"),
            )
        };
        let side = match side {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => return Err(bad("side must be buy or sell")),
        };
        let (ticks, lots) = (
            px / self.instrument.tick_f64(),
            qty / self.instrument.lot_f64(),
        );
        let sane = |x: f64| x.is_finite() && x > 0.0 && x < 1e15;
        if !sane(ticks) || !sane(lots) {
            return Err(bad("price and quantity must be finite and above zero"));
        }
        // a price that is a tick up to float noise stays that tick
        let ticks = match side {
            Side::Buy => (ticks + 1e-6).floor(),
            Side::Sell => (ticks - 1e-6).ceil(),
        };
        let px = PriceTick::new(ticks as i64);
        let qty = QtyLot::new((lots + 1e-6).floor() as i64);
        Ok(Quote { side, px, qty })
    }
}
