//! The live view of a symbol as a dict.

use crate::result::{block_counts, blocked_by, quantiles_ms};
use crate::session::{Host, Seen};
use mmbot_core::{EdgeTotals, Market, MarketView};
use mmbot_types::{Instrument, Money, Side, TsNs};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Levels of the book shown.
const LEVELS: usize = 10;

/// What a trader wants to see of a symbol now; `None` if there is no such symbol and lane.
pub(crate) fn snapshot<'py>(
    py: Python<'py>,
    host: &impl Host,
    (symbol, lane): (usize, usize),
    instrument: &Instrument,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Some(seen) = host.seen(symbol, lane) else {
        return Ok(None);
    };
    let now = host.now();
    let out = PyDict::new(py);
    let grade = host.session_of(lane).map(|s| s.losses().risk().grade());
    out.set_item("risk_state", grade.unwrap_or_default().name())?;
    out.set_item("ts_local_ns", now.get())?;
    let view = seen.market.look(now);
    market_part(&out, seen.market, &view, instrument)?;
    out.set_item("orders", orders(py, &seen, now, instrument)?)?;
    account_part(&out, &seen, &view, instrument)?;
    Ok(Some(out))
}

fn market_part(
    out: &Bound<'_, PyDict>,
    market: &Market,
    view: &MarketView,
    i: &Instrument,
) -> PyResult<()> {
    out.set_item("ts_exch_ns", market.last_ts_exch().get())?;
    out.set_item("synced", view.synced)?;
    let price = |px| view.synced.then(|| i.price_f64(px));
    out.set_item("best_bid", price(view.bid))?;
    out.set_item("best_ask", price(view.ask))?;
    let mid = view.synced.then(|| i.exec_price_f64(view.mid.to_exec()));
    out.set_item("mid", mid)?;
    let spread = mid.map(|mid| (i.price_f64(view.ask) - i.price_f64(view.bid)) / mid * 1e4);
    out.set_item("spread_bps", spread)?;
    for (name, side) in [("bids", Side::Buy), ("asks", Side::Sell)] {
        let levels: Vec<(f64, f64)> = market
            .book()
            .levels(side)
            .take(LEVELS)
            .map(|(px, qty)| (i.price_f64(px), i.qty_f64(qty)))
            .collect();
        out.set_item(name, levels)?;
    }
    out.set_item("vola_1m_bps", view.vola_1m_bps)?;
    out.set_item("sigma", view.sigma)?;
    out.set_item("imbalance", view.imbalance)?;
    out.set_item(
        "microprice",
        view.synced.then(|| view.microprice_ticks * i.tick_f64()),
    )?;
    out.set_item("trade_flow", view.flow)?;
    out.set_item("ws_lag_ms", quantiles_ms(out.py(), market.ws_lag())?)
}

#[allow(clippy::cast_precision_loss)]
fn orders<'py>(
    py: Python<'py>,
    seen: &Seen<'_>,
    now: TsNs,
    i: &Instrument,
) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for order in seen.trader.open_orders() {
        let entry = PyDict::new(py);
        entry.set_item(
            "side",
            if order.side == Side::Buy {
                "buy"
            } else {
                "sell"
            },
        )?;
        entry.set_item("px", i.price_f64(order.px))?;
        entry.set_item("qty", i.qty_f64(order.open_qty))?;
        entry.set_item("state", order.state)?;
        entry.set_item("age_ms", now.since_ns(order.since) as f64 / 1e6)?;
        let ahead = seen.queue_ahead(order.cid);
        entry.set_item("queue_ahead", ahead.map(|lots| lots * i.lot_f64()))?;
        out.append(entry)?;
    }
    Ok(out)
}

fn account_part(
    out: &Bound<'_, PyDict>,
    seen: &Seen<'_>,
    view: &MarketView,
    i: &Instrument,
) -> PyResult<()> {
    let (py, trader, edge) = (out.py(), seen.trader, &seen.edge);
    let t = trader.telemetry();
    let mid = view.synced.then_some(view.mid);
    let usd = |money: Money| i.money_to_f64(money);
    out.set_item("position", i.qty_f64(trader.position()))?;
    let marked = mid.map(|mid| usd(Money::notional(mid.to_exec(), trader.position())));
    out.set_item("position_usd", marked)?;
    out.set_item(
        "net_pnl_usd",
        usd(trader.net(mid.or(edge.last_mid).unwrap_or_default())),
    )?;
    out.set_item("fees_usd", usd(trader.fees()))?;
    out.set_item("turnover_usd", usd(t.turnover))?;
    out.set_item("fills_total", t.fills())?;
    out.set_item("maker_fills", t.maker_fills)?;
    out.set_item("edge", edge_bps(py, edge, i)?)?;
    out.set_item("block_counts", block_counts(py, t)?)?;
    out.set_item("blocked_by", blocked_by(py, t)?)?;
    out.set_item("total_iterations", t.blocks.total_iterations())?;
    out.set_item("latency_ms", quantiles_ms(py, &t.ack_latency_ns)?)?;
    let age = t.order_age_ns.percentile(950).unwrap_or(0);
    #[allow(clippy::cast_precision_loss)]
    out.set_item("order_age_p95_ms", age as f64 / 1e6)?;
    let fills: Vec<(i64, &str, f64, f64, bool)> = seen
        .desk
        .recent_fills()
        .map(|f| {
            let side = if f.side == Side::Buy { "buy" } else { "sell" };
            (
                f.ts_exch.get(),
                side,
                i.exec_price_f64(f.px),
                i.qty_f64(f.qty),
                f.maker,
            )
        })
        .collect();
    out.set_item("last_fills", fills)?;
    out.set_item("target_usd", trader.target_usd())
}

/// Edge so far in bps of turnover; what waits for its horizon is marked at the latest mid.
fn edge_bps<'py>(
    py: Python<'py>,
    edge: &EdgeTotals,
    i: &Instrument,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let turnover = i.money_to_f64(edge.turnover);
    for (name, amount) in [
        ("gross_bps", edge.gross),
        ("fees_eff_bps", edge.fees),
        ("slippage_bps", edge.slippage),
        ("adverse_bps", edge.adverse),
        ("inventory_bps", edge.inventory),
        ("net_bps", edge.net),
    ] {
        let bps = if turnover > 0.0 {
            i.money_to_f64(amount) / turnover * 1e4
        } else {
            0.0
        };
        out.set_item(name, bps)?;
    }
    Ok(out)
}
