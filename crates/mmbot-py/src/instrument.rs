//! `Instrument`.

use crate::error::instrument_error;
use mmbot_types::Instrument;
use pyo3::prelude::*;

/// Grids and minimums of one linear instrument; decimal texts keep them exact.
#[pyclass(name = "Instrument", module = "mmbot._core", frozen)]
pub(crate) struct PyInstrument {
    pub(crate) inner: Instrument,
}

#[pymethods]
impl PyInstrument {
    #[new]
    #[pyo3(signature = (
        symbol, tick_size, lot_size, *, min_qty = "0", min_notional_usd = 0.0, quote_usd = 1.0
    ))]
    fn new(
        symbol: &str,
        tick_size: &str,
        lot_size: &str,
        min_qty: &str,
        min_notional_usd: f64,
        quote_usd: f64,
    ) -> PyResult<Self> {
        Instrument::new(
            symbol,
            tick_size,
            lot_size,
            min_qty,
            min_notional_usd,
            quote_usd,
        )
        .map(|inner| Self { inner })
        .map_err(|error| instrument_error(symbol, &error))
    }

    #[getter]
    fn symbol(&self) -> &str {
        self.inner.symbol()
    }

    #[getter]
    fn tick_size(&self) -> String {
        self.inner.tick_size().to_string()
    }

    #[getter]
    fn lot_size(&self) -> String {
        self.inner.lot_size().to_string()
    }

    #[getter]
    fn tick(&self) -> f64 {
        self.inner.tick_f64()
    }

    #[getter]
    fn lot(&self) -> f64 {
        self.inner.lot_f64()
    }

    fn __repr__(&self) -> String {
        format!(
            "Instrument({}, tick_size={}, lot_size={})",
            self.inner.symbol(),
            self.inner.tick_size(),
            self.inner.lot_size()
        )
    }
}
