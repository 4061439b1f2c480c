//! `EventChunk`: market rows of one instrument.

use crate::error::chunk_error;
use mmbot_run::merge::local_order;
use mmbot_types::EventColumns;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;

/// Market rows in exchange order; owned, so that no buffer of Python's is kept.
#[pyclass(module = "mmbot._core", frozen)]
pub(crate) struct EventChunk {
    pub(crate) columns: Arc<EventColumns>,
    /// No row of a later chunk lies before this time; `None` says nothing beyond the rows.
    pub(crate) known_ns: Option<i64>,
}

impl EventChunk {
    pub(crate) fn new(columns: EventColumns) -> Self {
        Self {
            columns: Arc::new(columns),
            known_ns: None,
        }
    }

    pub(crate) fn reaching(columns: EventColumns, known_ns: i64) -> Self {
        Self {
            columns: Arc::new(columns),
            known_ns: Some(known_ns),
        }
    }
}

#[pymethods]
impl EventChunk {
    #[staticmethod]
    fn from_arrays(
        flags: PyReadonlyArray1<'_, u8>,
        px: PyReadonlyArray1<'_, i32>,
        qty: PyReadonlyArray1<'_, i64>,
        ts_exch: PyReadonlyArray1<'_, i64>,
        ts_local: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Self> {
        let ts_local = ts_local.as_slice()?.to_vec();
        let columns = EventColumns {
            flags: flags.as_slice()?.to_vec(),
            px: px.as_slice()?.to_vec(),
            qty: qty.as_slice()?.to_vec(),
            ts_exch: ts_exch.as_slice()?.to_vec(),
            local_order: local_order(&ts_local),
            ts_local,
        };
        columns.validate().map_err(chunk_error)?;
        Ok(Self::new(columns))
    }

    fn __len__(&self) -> usize {
        self.columns.len()
    }

    fn to_arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        out.set_item("flags", PyArray1::from_slice(py, &self.columns.flags))?;
        out.set_item("px", PyArray1::from_slice(py, &self.columns.px))?;
        out.set_item("qty", PyArray1::from_slice(py, &self.columns.qty))?;
        out.set_item("ts_exch", PyArray1::from_slice(py, &self.columns.ts_exch))?;
        out.set_item("ts_local", PyArray1::from_slice(py, &self.columns.ts_local))?;
        Ok(out)
    }

    #[getter]
    fn known_ns(&self) -> Option<i64> {
        self.known_ns
    }

    #[getter]
    fn first_ts_ns(&self) -> i64 {
        self.columns.ts_exch.first().copied().unwrap_or(0)
    }

    #[getter]
    fn last_ts_ns(&self) -> i64 {
        self.columns.ts_exch.last().copied().unwrap_or(0)
    }
}
