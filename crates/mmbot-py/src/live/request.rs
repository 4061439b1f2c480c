//! `OrderRequest`: what a live session asks of a venue; its frames for Bybit's trade socket.

use crate::error::core_error;
use mmbot_core::order::SeqText;
use mmbot_feed::{OrderEntry, OrderTerms, put_orders};
use mmbot_run::LiveRequest;
use mmbot_types::{Action, Decimal, Instrument, NewOrder, TimeInForce};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Arc;

/// One request; see its stub.
#[pyclass(name = "OrderRequest", module = "mmbot._core", frozen)]
pub(crate) struct PyOrderRequest {
    pub(super) request: LiveRequest,
    pub(super) instrument: Arc<Instrument>,
    pub(super) cid_prefix: Arc<str>,
}

/// Decimal text of whole steps.
fn text(step: Decimal, count: i64) -> Option<String> {
    step.times(count).ok().map(|exact| exact.to_string())
}

impl PyOrderRequest {
    const fn new_order(&self) -> Option<&NewOrder> {
        match &self.request.action {
            Action::Place(order) => Some(order),
            Action::Amend { .. } | Action::Cancel { .. } => None,
        }
    }

    fn seq(&self) -> String {
        SeqText::new(self.request.full_cid).to_string()
    }
}

#[pymethods]
impl PyOrderRequest {
    #[getter]
    fn symbol(&self) -> &str {
        self.instrument.symbol()
    }

    #[getter]
    fn ts_ns(&self) -> i64 {
        self.request.ts.get()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        match self.request.action {
            Action::Place(_) => "place",
            Action::Amend { .. } => "amend",
            Action::Cancel { .. } => "cancel",
        }
    }

    #[getter]
    fn cid(&self) -> u64 {
        self.request.action.cid().get()
    }

    #[getter]
    fn client_order_id(&self) -> String {
        format!("{}{}", self.cid_prefix, self.seq())
    }

    #[getter]
    fn side(&self) -> Option<&'static str> {
        self.new_order().map(|order| order.side.name())
    }

    #[getter]
    fn price_ticks(&self) -> Option<i64> {
        match self.request.action {
            Action::Place(order) => Some(order.px.get()),
            Action::Amend { px, .. } => Some(px.get()),
            Action::Cancel { .. } => None,
        }
    }

    #[getter]
    fn qty_lots(&self) -> Option<i64> {
        match self.request.action {
            Action::Place(order) => Some(order.qty.get()),
            Action::Amend { total_qty, .. } => Some(total_qty.get()),
            Action::Cancel { .. } => None,
        }
    }

    #[getter]
    fn price(&self) -> Option<String> {
        text(self.instrument.tick_size(), self.price_ticks()?)
    }

    #[getter]
    fn qty(&self) -> Option<String> {
        text(self.instrument.lot_size(), self.qty_lots()?)
    }

    #[getter]
    fn time_in_force(&self) -> Option<&'static str> {
        self.new_order().map(|order| order.tif.name())
    }

    #[getter]
    fn post_only(&self) -> bool {
        self.new_order()
            .is_some_and(|order| order.tif == TimeInForce::PostOnly)
    }

    #[getter]
    fn reduce_only(&self) -> bool {
        self.request.reduce_only
    }

    #[getter]
    fn cause(&self) -> &'static str {
        self.request.cause.name()
    }

    fn __repr__(&self) -> String {
        let terms = match (self.qty(), self.price()) {
            (Some(qty), Some(price)) => format!(" {qty} at {price}"),
            _ => String::new(),
        };
        let side = self
            .side()
            .map_or_else(String::new, |side| format!(" {side}"));
        let (symbol, kind, id) = (self.symbol(), self.kind(), self.client_order_id());
        format!(
            "OrderRequest({symbol} {kind} {id}{side}{terms}, {})",
            self.cause()
        )
    }
}

/// The frame of requests for Bybit's trade socket; see the stub.
#[pyfunction]
#[pyo3(signature = (
    requests, *, timestamp_ms, req_id, recv_window_ms = 5000, category = "linear"
))]
pub(super) fn bybit_order_frame<'py>(
    py: Python<'py>,
    requests: Vec<Bound<'py, PyOrderRequest>>,
    timestamp_ms: i64,
    req_id: &str,
    recv_window_ms: i64,
    category: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    if !matches!(category, "linear" | "inverse" | "spot") {
        let rule = "must be linear, inverse or spot";
        return Err(core_error("E_CFG_RANGE", "category", rule));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if req_id.is_empty() || !req_id.bytes().all(plain) {
        let rule = "must be letters, digits, - and _";
        return Err(core_error("E_CFG_RANGE", "req_id", rule));
    }
    let all: Vec<&PyOrderRequest> = requests.iter().map(Bound::get).collect();
    let alike = |one: &&PyOrderRequest| {
        all.first()
            .is_some_and(|first| one.kind() == first.kind() && one.symbol() == first.symbol())
    };
    if all.is_empty() || !all.iter().all(alike) {
        let rule = "must be of one kind and symbol";
        return Err(core_error("E_BT_ARGS", "requests", rule));
    }
    let numbers: Vec<String> = all.iter().map(|one| one.seq()).collect();
    let terms = |(one, number)| -> OrderTerms<'_> {
        let (one, number): (&&PyOrderRequest, &String) = (one, number);
        OrderTerms {
            instrument: &one.instrument,
            action: &one.request.action,
            reduce_only: one.request.reduce_only,
            client_order_id: (&one.cid_prefix, number),
        }
    };
    let orders: Vec<OrderTerms<'_>> = all.iter().zip(&numbers).map(terms).collect();
    let entry = OrderEntry {
        category,
        timestamp_ms,
        recv_window_ms,
    };
    let mut bytes = Vec::with_capacity(256 * (1 + orders.len()));
    put_orders(&entry, req_id, &orders, &mut bytes)
        .map_err(|error| core_error("E_CFG_RANGE", all[0].symbol(), &error.to_string()))?;
    Ok(PyBytes::new(py, &bytes))
}
