//! Order requests as frames of Bybit's v5 trade socket:
//!
//! ```text
//! {"reqId":"1f","header":{"X-BAPI-TIMESTAMP":"1711001595207","X-BAPI-RECV-WINDOW":"5000"},
//!  "op":"order.create","args":[{"category":"linear","symbol":"ETHUSDT","side":"Buy",
//!  "orderType":"Limit","qty":"0.2","price":"2800.1","timeInForce":"PostOnly",
//!  "orderLinkId":"mm1-2s","reduceOnly":false,"positionIdx":0}]}
//! ```
//! Several orders of one kind and symbol are a batch: `order.create-batch`, and what stands in
//! `args` is `{"category":"linear","request":[{...},{...}]}`.
//! <https://bybit-exchange.github.io/docs/v5/websocket/trade/guideline>. Texts that go in are
//! symbols and order ids: letters, digits, `-` and `_`, so that nothing has to be escaped.

use mmbot_types::{Action, Decimal, DecimalError, Instrument, Side, TimeInForce};
use std::fmt::{self, Write};

/// What holds for all requests of a connection.
#[derive(Debug, Clone, Copy)]
pub struct OrderEntry<'a> {
    /// `linear`, `inverse` or `spot`.
    pub category: &'a str,
    /// When the frame is sent, by the venue's clock, ms.
    pub timestamp_ms: i64,
    /// How old it may be at the venue, ms.
    pub recv_window_ms: i64,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct OrderTerms<'a> {
    /// What is traded.
    pub instrument: &'a Instrument,
    /// What is asked.
    pub action: &'a Action,
    /// The venue is to see to it that the position does not grow.
    pub reduce_only: bool,
    /// Our id of the order, in two parts.
    pub client_order_id: (&'a str, &'a str),
}

/// Appends the frame of a request to `out`: `req_id` is what it is answered under, `orders` are of
/// one kind and symbol; none are no request.
///
/// # Errors
/// A price or quantity of more digits than a decimal holds; what was appended is no frame.
pub fn put_orders(
    entry: &OrderEntry<'_>,
    req_id: &str,
    orders: &[OrderTerms<'_>],
    out: &mut Vec<u8>,
) -> Result<(), DecimalError> {
    let Some(first) = orders.first() else {
        return Ok(());
    };
    let mut text = Text(out);
    let is_batch = orders.len() > 1;
    text.all(&[
        "{\"reqId\":\"",
        req_id,
        "\",\"header\":{\"X-BAPI-TIMESTAMP\":\"",
    ]);
    text.number(entry.timestamp_ms);
    text.all(&["\",\"X-BAPI-RECV-WINDOW\":\""]);
    text.number(entry.recv_window_ms);
    text.all(&[
        "\"},\"op\":\"",
        op_of(first.action),
        if is_batch { "-batch" } else { "" },
        "\",\"args\":[{\"category\":\"",
        entry.category,
        "\"",
    ]);
    if is_batch {
        text.all(&[",\"request\":["]);
        for (at, terms) in orders.iter().enumerate() {
            text.all(&[if at == 0 { "{" } else { ",{" }]);
            put_terms(entry, terms, &mut text)?;
            text.all(&["}"]);
        }
        text.all(&["]}]}"]);
    } else {
        text.all(&[","]);
        put_terms(entry, first, &mut text)?;
        text.all(&["}]}"]);
    }
    Ok(())
}

/// What is asked of one order.
fn put_terms(
    entry: &OrderEntry<'_>,
    terms: &OrderTerms<'_>,
    text: &mut Text<'_>,
) -> Result<(), DecimalError> {
    let instrument = terms.instrument;
    text.all(&["\"symbol\":\"", instrument.symbol(), "\""]);
    match *terms.action {
        Action::Place(order) => {
            text.all(&[
                ",\"side\":\"",
                side_of(order.side),
                "\",\"orderType\":\"Limit\"",
            ]);
            text.steps(",\"qty\":\"", instrument.lot_size(), order.qty.get())?;
            text.steps(",\"price\":\"", instrument.tick_size(), order.px.get())?;
            text.all(&[",\"timeInForce\":\"", tif_of(order.tif), "\""]);
            text.link_id(terms.client_order_id);
            if entry.category != "spot" {
                let reduce_only = if terms.reduce_only { "true" } else { "false" };
                text.all(&[",\"reduceOnly\":", reduce_only, ",\"positionIdx\":0"]);
            }
        }
        Action::Amend { px, total_qty, .. } => {
            text.link_id(terms.client_order_id);
            text.steps(",\"qty\":\"", instrument.lot_size(), total_qty.get())?;
            text.steps(",\"price\":\"", instrument.tick_size(), px.get())?;
        }
        Action::Cancel { .. } => text.link_id(terms.client_order_id),
    }
    Ok(())
}

const fn op_of(action: &Action) -> &'static str {
    match action {
        Action::Place(_) => "order.create",
        Action::Amend { .. } => "order.amend",
        Action::Cancel { .. } => "order.cancel",
    }
}

const fn side_of(side: Side) -> &'static str {
    match side {
        Side::Buy => "Buy",
        Side::Sell => "Sell",
    }
}

const fn tif_of(tif: TimeInForce) -> &'static str {
    match tif {
        TimeInForce::PostOnly => "PostOnly",
        TimeInForce::GoodTilCancel => "GTC",
        TimeInForce::ImmediateOrCancel => "IOC",
    }
}

/// Bytes that are text.
struct Text<'a>(&'a mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.0.extend_from_slice(part.as_bytes());
        Ok(())
    }
}

impl Text<'_> {
    #[inline]
    fn all(&mut self, parts: &[&str]) {
        for part in parts {
            self.0.extend_from_slice(part.as_bytes());
        }
    }

    fn number(&mut self, value: i64) {
        // a vector takes everything
        let _ = write!(self, "{value}");
    }

    /// A field of whole steps, after its name and opening quote.
    fn steps(&mut self, name: &str, step: Decimal, count: i64) -> Result<(), DecimalError> {
        let exact = step.times(count)?;
        let _ = write!(self, "{name}{exact}\"");
        Ok(())
    }

    fn link_id(&mut self, (prefix, number): (&str, &str)) {
        self.all(&[",\"orderLinkId\":\"", prefix, number, "\""]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::{Cid, NewOrder, PriceTick, QtyLot};
    use proptest::prelude::*;

    fn frame(category: &str, action: &Action, reduce_only: bool) -> serde_json::Value {
        let instrument = Instrument::new("ETHUSDT", "0.05", "0.001", "0", 0.0, 1.0).unwrap();
        let entry = OrderEntry {
            category,
            timestamp_ms: 1_711_001_595_207,
            recv_window_ms: 5_000,
        };
        let terms = OrderTerms {
            instrument: &instrument,
            action,
            reduce_only,
            client_order_id: ("mm0a1b-", "2s"),
        };
        let mut out = Vec::new();
        put_orders(&entry, "1f", &[terms], &mut out).unwrap();
        let alone = serde_json::from_slice(&out).unwrap();
        out.clear();
        put_orders(&entry, "1f", &[terms, terms], &mut out).unwrap();
        is_batch_of(&serde_json::from_slice(&out).unwrap(), &alone);
        alone
    }

    /// A batch holds what single requests say, with the category in front.
    fn is_batch_of(batch: &serde_json::Value, alone: &serde_json::Value) {
        let op = format!("{}-batch", alone["op"].as_str().unwrap());
        assert_eq!(batch["op"], op);
        assert_eq!(
            (&batch["reqId"], &batch["header"]),
            (&alone["reqId"], &alone["header"])
        );
        let mut order = alone["args"][0].clone();
        let category = order.as_object_mut().unwrap().remove("category").unwrap();
        let expected = serde_json::json!([{"category": category, "request": [order, order]}]);
        assert_eq!(batch["args"], expected);
    }

    fn place(px: i64, qty: i64, tif: TimeInForce) -> Action {
        Action::Place(NewOrder {
            cid: Cid::new(3),
            side: Side::Sell,
            px: PriceTick::new(px),
            qty: QtyLot::new(qty),
            tif,
        })
    }

    #[test]
    fn a_new_order_says_what_the_venue_wants_to_know() {
        let made = frame(
            "linear",
            &place(56_003, 12_500, TimeInForce::PostOnly),
            true,
        );
        let expected = serde_json::json!({
            "reqId": "1f",
            "header": {"X-BAPI-TIMESTAMP": "1711001595207", "X-BAPI-RECV-WINDOW": "5000"},
            "op": "order.create",
            "args": [{
                "category": "linear", "symbol": "ETHUSDT", "side": "Sell", "orderType": "Limit",
                "qty": "12.5", "price": "2800.15", "timeInForce": "PostOnly",
                "orderLinkId": "mm0a1b-2s", "reduceOnly": true, "positionIdx": 0
            }],
        });
        assert_eq!(made, expected);
    }

    #[test]
    fn amends_and_cancels_name_the_order_and_spot_has_no_position() {
        let amend = Action::Amend {
            cid: Cid::new(3),
            px: PriceTick::new(56_000),
            total_qty: QtyLot::new(7),
        };
        let made = frame("linear", &amend, false);
        assert_eq!(made["op"], "order.amend");
        assert_eq!(
            made["args"][0],
            serde_json::json!({"category": "linear", "symbol": "ETHUSDT",
                "orderLinkId": "mm0a1b-2s", "qty": "0.007", "price": "2800"})
        );
        let made = frame("spot", &Action::Cancel { cid: Cid::new(3) }, false);
        assert_eq!(made["op"], "order.cancel");
        assert_eq!(
            made["args"][0],
            serde_json::json!({"category": "spot", "symbol": "ETHUSDT",
                "orderLinkId": "mm0a1b-2s"})
        );
        let made = frame("spot", &place(1, 1, TimeInForce::ImmediateOrCancel), false);
        assert_eq!(made["args"][0]["timeInForce"], "IOC");
        assert!(made["args"][0].get("reduceOnly").is_none());
    }

    proptest! {
        #[test]
        fn prices_and_quantities_come_back_from_their_texts(
            px in 1i64..1 << 40,
            qty in 1i64..1 << 40,
        ) {
            let made = frame("linear", &place(px, qty, TimeInForce::GoodTilCancel), false);
            let steps = |field: &str, step: &str| {
                let text = made["args"][0][field].as_str().unwrap().as_bytes();
                let value = Decimal::parse(text).unwrap();
                value.steps_of(Decimal::parse(step.as_bytes()).unwrap()).unwrap()
            };
            prop_assert_eq!(steps("price", "0.05"), px);
            prop_assert_eq!(steps("qty", "0.001"), qty);
        }
    }
}
