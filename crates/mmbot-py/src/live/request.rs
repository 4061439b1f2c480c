//! `OrderRequest`: what a live session asks of a venue.

use mmbot_core::order::SeqText;
use mmbot_run::LiveRequest;
use mmbot_types::{Action, Decimal, Instrument, TimeInForce};
use pyo3::prelude::*;

/// One request; see its stub.
#[pyclass(name = "OrderRequest", module = "mmbot._core", frozen, get_all)]
pub(crate) struct PyOrderRequest {
    symbol: String,
    ts_ns: i64,
    kind: &'static str,
    cid: u64,
    client_order_id: String,
    side: Option<&'static str>,
    price_ticks: Option<i64>,
    qty_lots: Option<i64>,
    price: Option<String>,
    qty: Option<String>,
    time_in_force: Option<&'static str>,
    post_only: bool,
    reduce_only: bool,
    cause: &'static str,
}

#[pymethods]
impl PyOrderRequest {
    fn __repr__(&self) -> String {
        let terms = match (&self.qty, &self.price) {
            (Some(qty), Some(price)) => format!(" {qty} at {price}"),
            _ => String::new(),
        };
        let side = self
            .side
            .map_or_else(String::new, |side| format!(" {side}"));
        format!(
            "OrderRequest({} {} {}{side}{terms}, {})",
            self.symbol, self.kind, self.client_order_id, self.cause
        )
    }
}

/// Decimal text of whole steps.
fn text(step: Decimal, count: i64) -> Option<String> {
    step.times(count).ok().map(|exact| exact.to_string())
}

/// `request` with prices and quantities of `instrument`.
pub(super) fn request_of(
    request: &LiveRequest,
    instrument: &Instrument,
    cid_prefix: &str,
) -> PyOrderRequest {
    let (kind, side, terms, tif) = match request.action {
        Action::Place(order) => {
            let terms = (order.px.get(), order.qty.get());
            (
                "place",
                Some(order.side.name()),
                Some(terms),
                Some(order.tif),
            )
        }
        Action::Amend { px, total_qty, .. } => {
            ("amend", None, Some((px.get(), total_qty.get())), None)
        }
        Action::Cancel { .. } => ("cancel", None, None, None),
    };
    PyOrderRequest {
        symbol: instrument.symbol().to_owned(),
        ts_ns: request.ts.get(),
        kind,
        cid: request.action.cid().get(),
        client_order_id: format!("{cid_prefix}{}", SeqText::new(request.full_cid)),
        side,
        price_ticks: terms.map(|(px, _)| px),
        qty_lots: terms.map(|(_, qty)| qty),
        price: terms.and_then(|(px, _)| text(instrument.tick_size(), px)),
        qty: terms.and_then(|(_, qty)| text(instrument.lot_size(), qty)),
        time_in_force: tif.map(TimeInForce::name),
        post_only: tif == Some(TimeInForce::PostOnly),
        reduce_only: request.reduce_only,
        cause: request.cause.name(),
    }
}
