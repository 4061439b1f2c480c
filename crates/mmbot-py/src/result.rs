//! Counters and accounts of a lane as a dict; its fills and samples as columns.

use mmbot_book::state_hash as book_hash;
use mmbot_core::edge::MARKOUT_MS;
use mmbot_core::{EdgeTotals, FillRecord, Histogram, Market, Session, Telemetry, Trader};
use mmbot_run::round_trip::RoundTrips;
use mmbot_run::{Backtest, Bars, Curve, Desk, Lane, Span, World};
use mmbot_types::{BlockDetail, BlockReason, Instrument, Money, Side};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// What a result is made of: a lane on an instrument, of a run or of a live session.
pub(crate) struct Traded<'a> {
    pub(crate) span: Span,
    pub(crate) trader: &'a Trader,
    pub(crate) desk: &'a Desk,
    pub(crate) edge: EdgeTotals,
    pub(crate) ws_lag: Option<&'a Histogram>,
    /// Of the simulated exchange.
    pub(crate) toxic_sweeps: u64,
    pub(crate) bars: &'a Bars,
    pub(crate) hash: u64,
}

impl<'a> Traded<'a> {
    /// `None` if there is no such lane.
    pub(crate) fn of_lane(backtest: &'a Backtest, symbol: usize, lane: usize) -> Option<Self> {
        let span = backtest.span(symbol)?.clone();
        let (world, entry) = backtest.lane(symbol, lane)?;
        let at = backtest.place_of(lane);
        let number = u32::try_from(at).unwrap_or(u32::MAX);
        Some(Self {
            span,
            trader: entry.trader(),
            desk: entry.desk(),
            edge: world.edge_of(at).unwrap_or_default(),
            ws_lag: world.market_seen_by(at).map(Market::ws_lag),
            toxic_sweeps: world.exchange().toxic_sweeps(number),
            bars: entry.bars(),
            hash: state_hash(world, entry, backtest.session(lane)),
        })
    }

    fn telemetry(&self) -> &Telemetry {
        self.trader.telemetry()
    }
}

/// Everything a report needs.
pub(crate) fn result_dict<'py>(
    py: Python<'py>,
    traded: &Traded<'_>,
    instrument: &Instrument,
) -> PyResult<Bound<'py, PyDict>> {
    let (out, span) = (PyDict::new(py), &traded.span);
    out.set_item("rows", span.rows)?;
    out.set_item("first_ts_ns", span.first_exch_ns.unwrap_or(0))?;
    out.set_item("last_ts_ns", span.last_exch_ns)?;
    let duration_ns = span.last_exch_ns - span.first_exch_ns.unwrap_or(span.last_exch_ns);
    out.set_item("duration_ns", duration_ns)?;
    out.set_item("gaps", &span.gaps)?;
    accounts(&out, traded, instrument)?;
    counters(&out, traded.telemetry(), duration_ns)?;
    out.set_item("blocked_by", blocked_by(py, traded.telemetry())?)?;
    out.set_item("block_counts", block_counts(py, traded.telemetry())?)?;
    out.set_item("block_details", block_details(py, traded.telemetry())?)?;
    out.set_item("edge", edge_usd(py, &traded.edge, instrument)?)?;
    distributions(&out, traded.telemetry())?;
    if let Some(lag) = traded.ws_lag {
        out.set_item("ws_lag_ms", distribution_ms(py, lag)?)?;
    }
    out.set_item("markouts", markouts(py, traded.trader)?)?;
    out.set_item("bars", bars(py, traded.bars, instrument)?)?;
    out.set_item("state_hash", format!("{:016x}", traded.hash))?;
    Ok(out)
}

fn accounts(out: &Bound<'_, PyDict>, traded: &Traded<'_>, i: &Instrument) -> PyResult<()> {
    let (trader, telemetry, edge) = (traded.trader, traded.telemetry(), &traded.edge);
    let usd = |money: Money| i.money_to_f64(money);
    let maker_turnover = telemetry.turnover - telemetry.taker_turnover;
    out.set_item("fills_total", telemetry.fills())?;
    out.set_item("maker_fills", telemetry.maker_fills)?;
    out.set_item("taker_fills", telemetry.taker_fills)?;
    out.set_item("toxic_sweeps", traded.toxic_sweeps)?;
    out.set_item("turnover_usd", usd(telemetry.turnover))?;
    out.set_item("maker_turnover_usd", usd(maker_turnover))?;
    out.set_item("taker_turnover_usd", usd(telemetry.taker_turnover))?;
    let maker_fee = trader.params().edge.maker_fee.fee_on(maker_turnover);
    out.set_item("fees_usd", usd(trader.fees()))?;
    out.set_item("maker_rebate_usd", usd(maker_fee).min(0.0).abs())?;
    out.set_item("taker_fees_usd", usd(trader.fees() - maker_fee))?;
    out.set_item("net_pnl_usd", usd(edge.net))?;
    out.set_item("cash_usd", usd(trader.cash()))?;
    out.set_item("final_position", i.qty_f64(trader.position()))?;
    out.set_item("max_abs_position", i.qty_f64(telemetry.position.max_abs()))?;
    out.set_item(
        "avg_abs_position",
        telemetry.position.avg_abs_lots() * i.lot_f64(),
    )?;
    let mid = edge.last_mid.unwrap_or_default();
    out.set_item("final_mid", i.exec_price_f64(mid.to_exec()))?;
    let marked = usd(Money::notional(mid.to_exec(), trader.position()));
    let trips = traded.desk.round_trips();
    out.set_item("unrealized_pnl_usd", marked - traded.desk.open_cost_usd(i))?;
    out.set_item("round_trips", trips.closed)?;
    out.set_item("profitable_round_trips", trips.profitable)
}

#[allow(clippy::cast_precision_loss)]
fn counters(out: &Bound<'_, PyDict>, t: &Telemetry, duration_ns: i64) -> PyResult<()> {
    let minutes = duration_ns as f64 / 60e9;
    let per_minute = if minutes > 0.0 {
        t.replaces as f64 / minutes
    } else {
        0.0
    };
    out.set_item("quotes", t.places + t.amends)?;
    out.set_item("orders", t.places)?;
    out.set_item("orders_accepted", t.accepted)?;
    out.set_item("orders_rejected", t.rejected)?;
    out.set_item("orders_with_fill", t.orders_with_fill)?;
    out.set_item("places", t.places)?;
    out.set_item("amends", t.amends)?;
    out.set_item("cancels", t.cancels)?;
    out.set_item("replaces", t.replaces)?;
    out.set_item("replace_rate_per_min", per_minute)?;
    out.set_item("batch_cancels", t.batch_cancels)?;
    out.set_item("stale_cancels", t.ttl_cancels + t.drift_cancels)?;
    out.set_item("refresh_amends", t.drift_refreshes)?;
    out.set_item("illegal_transitions", t.illegal_transitions)?;
    out.set_item("attempts", t.attempts)?;
    out.set_item("total_iterations", t.blocks.total_iterations())
}

pub(crate) fn blocked_by<'py>(py: Python<'py>, t: &Telemetry) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for reason in BlockReason::ALL {
        out.set_item(reason.name(), t.blocks.blocked_by(reason))?;
    }
    Ok(out)
}

pub(crate) fn block_counts<'py>(py: Python<'py>, t: &Telemetry) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for reason in BlockReason::ALL {
        out.set_item(reason.name(), t.blocks.count_of(reason))?;
    }
    Ok(out)
}

/// Closed trades, and how many of them earned.
pub(crate) fn hit_counts<'py>(py: Python<'py>, trips: &RoundTrips) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("closed", trips.closed)?;
    out.set_item("profitable", trips.profitable)?;
    Ok(out)
}

fn block_details<'py>(py: Python<'py>, t: &Telemetry) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for detail in BlockDetail::ALL {
        out.set_item(detail.name(), t.blocks.count(detail))?;
    }
    Ok(out)
}

fn edge_usd<'py>(
    py: Python<'py>,
    edge: &EdgeTotals,
    i: &Instrument,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, amount) in [
        ("gross_usd", edge.gross),
        ("fees_usd", edge.fees),
        ("slippage_usd", edge.slippage),
        ("adverse_usd", edge.adverse),
        ("inventory_usd", edge.inventory),
        ("net_usd", edge.net),
    ] {
        out.set_item(name, i.money_to_f64(amount))?;
    }
    Ok(out)
}

#[allow(clippy::cast_precision_loss)]
fn milliseconds(ns: Option<i64>) -> f64 {
    ns.unwrap_or(0) as f64 / 1e6
}

pub(crate) fn quantiles_ms<'py>(
    py: Python<'py>,
    histogram: &Histogram,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, permille) in [("p50", 500), ("p95", 950), ("p99", 990)] {
        out.set_item(name, milliseconds(histogram.percentile(permille)))?;
    }
    out.set_item("mean", histogram.mean().unwrap_or(0.0) / 1e6)?;
    Ok(out)
}

/// Quantiles and the histogram they are read from, so that a stretch of a run can be told apart.
#[allow(clippy::cast_precision_loss)]
fn distribution_ms<'py>(py: Python<'py>, histogram: &Histogram) -> PyResult<Bound<'py, PyDict>> {
    let out = quantiles_ms(py, histogram)?;
    let (mut edges, mut counts) = (Vec::new(), Vec::new());
    for (upper_ns, count) in histogram.buckets() {
        edges.push(upper_ns as f64 / 1e6);
        counts.push(i64::from(count));
    }
    out.set_item("hist_edges_ms", PyArray1::from_vec(py, edges))?;
    out.set_item("hist_counts", PyArray1::from_vec(py, counts))?;
    Ok(out)
}

#[allow(clippy::cast_precision_loss)]
fn distributions(out: &Bound<'_, PyDict>, t: &Telemetry) -> PyResult<()> {
    let py = out.py();
    out.set_item("order_age_ms", distribution_ms(py, &t.order_age_ns)?)?;
    out.set_item("latency_ms", distribution_ms(py, &t.ack_latency_ns)?)?;
    out.set_item("queue_wait_ms", distribution_ms(py, &t.queue_wait_ns)?)?;
    let bps = |value: Option<i64>| value.unwrap_or(0) as f64 / 1e4;
    out.set_item("adverse_bps_p95", bps(t.adverse_bps_e4.percentile(950)))?;
    out.set_item("slippage_bps_p95", bps(t.slippage_bps_e4.percentile(950)))
}

fn markouts<'py>(py: Python<'py>, trader: &Trader) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    let Some(markouts) = trader.markouts() else {
        return Ok(out);
    };
    for (horizon_ms, markout) in MARKOUT_MS.iter().zip(markouts.sums()) {
        let entry = PyDict::new(py);
        entry.set_item("horizon_ms", horizon_ms)?;
        entry.set_item("mean_bps", markout.avg_bps())?;
        entry.set_item("count", markout.count)?;
        entry.set_item("up", markout.up)?;
        entry.set_item("down", markout.down)?;
        entry.set_item("skipped", markout.skipped)?;
        out.append(entry)?;
    }
    Ok(out)
}

fn bars<'py>(py: Python<'py>, bars: &Bars, i: &Instrument) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let net: Vec<f64> = bars.net.iter().map(|net| i.money_to_f64(*net)).collect();
    out.set_item("ts_ns", PyArray1::from_slice(py, &bars.ts_ns))?;
    out.set_item("equity_usd", PyArray1::from_vec(py, net))?;
    Ok(out)
}

/// One hash over the exchange's book, the orders, the position and the accounts, and over the
/// guards of the session.
pub(crate) fn state_hash(world: &World, lane: &Lane, session: Option<&Session>) -> u64 {
    let (book, trader) = (
        book_hash(world.exchange().book()),
        lane.trader().state_hash(),
    );
    let guards = session.map_or(0, Session::state_hash);
    (book.rotate_left(17) ^ trader ^ guards.rotate_left(31)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Fills as columns.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn fill_columns<'py>(
    py: Python<'py>,
    fills: &[FillRecord],
    i: &Instrument,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let ints = |name: &str, read: &dyn Fn(&FillRecord) -> i64| {
        out.set_item(name, PyArray1::from_iter(py, fills.iter().map(read)))
    };
    let floats = |name: &str, read: &dyn Fn(&FillRecord) -> f64| {
        out.set_item(name, PyArray1::from_iter(py, fills.iter().map(read)))
    };
    ints("ts_ns", &|f| f.ts_exch.get())?;
    ints("ts_local_ns", &|f| f.ts_local.get())?;
    ints("cid", &|f| i64::try_from(f.cid.get()).unwrap_or(i64::MAX))?;
    let sides = fills
        .iter()
        .map(|f| if f.side == Side::Buy { 1i8 } else { -1 });
    out.set_item("side", PyArray1::from_iter(py, sides))?;
    floats("px", &|f| i.exec_price_f64(f.px))?;
    floats("qty", &|f| i.qty_f64(f.qty))?;
    floats("fee_usd", &|f| i.money_to_f64(f.fee))?;
    out.set_item(
        "maker",
        PyArray1::from_iter(py, fills.iter().map(|f| f.maker)),
    )?;
    floats("mid_decision", &|f| {
        i.exec_price_f64(f.decision_mid.to_exec())
    })?;
    floats("ref_px", &|f| i.price_f64(f.reference_px))?;
    let mid = |mid: Option<mmbot_types::MidTick>| {
        mid.map_or(f64::NAN, |mid| i.exec_price_f64(mid.to_exec()))
    };
    floats("mid_before", &|f| mid(f.mid_before))?;
    floats("mid_after", &|f| mid(f.mid_after))?;
    floats("queue_wait_ms", &|f| f.queue_wait_ns as f64 / 1e6)?;
    floats("order_age_ms", &|f| f.order_age_ns as f64 / 1e6)?;
    ints("level", &|f| i64::from(f.level))?;
    Ok(out)
}

/// Samples as columns; NaN where there was no market or no own order.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn curve_columns<'py>(
    py: Python<'py>,
    curve: &Curve,
    i: &Instrument,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let tick = i.tick_f64();
    let mid = |mid2: i64| {
        if mid2 == i64::MIN {
            f64::NAN
        } else {
            mid2 as f64 * 0.5 * tick
        }
    };
    let price = |px: i64| if px == 0 { f64::NAN } else { px as f64 * tick };
    let spread_bps = curve.spread.iter().zip(&curve.mid2).map(|(spread, mid2)| {
        if *spread == 0 {
            f64::NAN
        } else {
            *spread as f64 / (*mid2 as f64 * 0.5) * 1e4
        }
    });
    let column = |name: &str, values: Vec<f64>| out.set_item(name, PyArray1::from_vec(py, values));
    out.set_item("ts_ns", PyArray1::from_slice(py, &curve.ts_ns))?;
    column("mid", curve.mid2.iter().map(|m| mid(*m)).collect())?;
    column("spread_bps", spread_bps.collect())?;
    column(
        "position",
        curve
            .position
            .iter()
            .map(|lots| *lots as f64 * i.lot_f64())
            .collect(),
    )?;
    column(
        "net_pnl_usd",
        curve.net.iter().map(|net| i.money_to_f64(*net)).collect(),
    )?;
    column(
        "own_bid",
        curve.own_bid.iter().map(|px| price(*px)).collect(),
    )?;
    column(
        "own_ask",
        curve.own_ask.iter().map(|px| price(*px)).collect(),
    )?;
    Ok(out)
}
