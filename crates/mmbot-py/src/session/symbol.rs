//! One symbol of the session.

mod orders;

use super::{Host, dict};
use mmbot_core::Session;
use mmbot_core::portfolio::Calibrated;
use mmbot_core::session::SeatMarket;
use mmbot_types::{Instrument, InstrumentIdx, Op, TsNs};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Everything about a symbol at `place` (its index, the lane).
pub(super) fn part<'py>(
    py: Python<'py>,
    session: &mut Session,
    host: &dyn Host,
    place: (usize, usize),
    instrument: &Instrument,
    now: TsNs,
) -> PyResult<Bound<'py, PyDict>> {
    let at = place.0;
    let out = PyDict::new(py);
    if let Some(seat) = session.seats().get(at) {
        out.set_item("market", market(py, &seat.market)?)?;
    }
    out.set_item("throttle", throttle(py, session, at, now)?)?;
    out.set_item("mux", mux(py, session, at)?)?;
    out.set_item("allocation", allocation(py, session, at, now)?)?;
    out.set_item("calibration", calibration(py, session, at)?)?;
    out.set_item("shadow", shadow(py, session, at)?)?;
    out.set_item(
        "orders",
        orders::part(py, session, host, place, instrument, now)?,
    )?;
    Ok(out)
}

fn index(at: usize) -> InstrumentIdx {
    InstrumentIdx(u16::try_from(at).unwrap_or(u16::MAX))
}

fn market<'py>(py: Python<'py>, market: &SeatMarket) -> PyResult<Bound<'py, PyDict>> {
    Ok(dict!(py, {
        "synced": market.synced,
        "mid_usd": market.mid_usd,
        "spread_bps": market.spread_bps,
        "imbalance": market.imbalance,
        "micro_tilt": market.micro_tilt,
        "vola_1m": market.vola,
        "sigma": market.sigma,
        "liquidity_depth_usd": market.depth_usd,
        "volume_usd": market.volume_usd,
        "ws_lag_ms": market.ws_lag_ms,
    }))
}

fn throttle<'py>(
    py: Python<'py>,
    session: &mut Session,
    at: usize,
    now: TsNs,
) -> PyResult<Bound<'py, PyDict>> {
    let cancel_latency = session.losses_figures().cancel_latency_p95_ms_of(at, now);
    let requests = session.requests_mut();
    let events = PyDict::new(py);
    for op in Op::ALL {
        events.set_item(op.name(), requests.events_in_window_of(at, op, now))?;
    }
    let rates = requests.rates_of(at);
    let (rest_errors, rejects) = (rates.rest_error_rate(now), rates.order_reject_rate(now));
    Ok(dict!(py, {
        "backoff_ms": requests.backoffs()[at].current_ms(now),
        "backoffs_total": requests.backoffs()[at].count(),
        "events_in_window": events,
        "creates_per_sec": requests.creates_per_sec_of(at, now),
        "cancels_per_sec": requests.cancels_per_sec_of(at, now),
        "rest_error_rate": rest_errors,
        "order_reject_rate": rejects,
        "cancel_latency_p95_ms": cancel_latency,
    }))
}

fn mux<'py>(py: Python<'py>, session: &Session, at: usize) -> PyResult<Bound<'py, PyDict>> {
    let (params, mux) = (&session.params().mux, &session.muxes()[at]);
    let regime = session.mux_table().regime_of(mux);
    let weights = PyDict::new(py);
    for (strategy, weight) in params.strategies.iter().zip(&regime.weights) {
        weights.set_item(&strategy.name, weight)?;
    }
    let named = mux.regime().and_then(|at| params.bands.get(at));
    let view = session.mux_table().view_of(mux);
    Ok(dict!(py, {
        "regime": named.map(|band| band.name.as_str()),
        "spread_mult": view.spread_mult,
        "size_mult": view.size_mult,
        "weights": weights,
        "switches_total": mux.switches(),
    }))
}

fn allocation<'py>(
    py: Python<'py>,
    session: &Session,
    at: usize,
    now: TsNs,
) -> PyResult<Bound<'py, PyDict>> {
    let (allocator, instrument) = (session.capital().allocator(), index(at));
    let target = allocator.target(instrument);
    let figures = allocator.allocation().figures.get(at).copied();
    let figures = figures.unwrap_or_default();
    let fill_rate = allocator.fill_rate(instrument);
    let step = figures.step;
    Ok(dict!(py, {
        "weight": allocator.weights()[at],
        "target_usd": target.map_or(0.0, |target| target.target_usd),
        "levels_max": target.map_or(0, |target| target.max_levels),
        "bid_mult": target.map_or(0.0, |target| target.bid_mult),
        "ask_mult": target.map_or(0.0, |target| target.ask_mult),
        "cost_bps": figures.cost.cost_bps,
        "slippage_bps": figures.cost.slippage_bps,
        "cost_attenuation": figures.cost.attenuation,
        "fill_rate_ewma": fill_rate.rate,
        "fill_rate_samples_total": fill_rate.samples,
        "fill_rate_attenuation": figures.fill_attenuation,
        "liquidity_factor": figures.liquidity_factor,
        "turnover_usd": allocator.turnover_usd(instrument, now),
        "turnover_factor": figures.turnover_factor,
        "current_usd": step.current_usd,
        "desired_usd": step.desired_usd,
        "delta_raw_usd": step.delta_raw_usd,
        "bias_usd": step.bias_usd,
        "cap_usd": step.cap_usd,
        "backoff_level": step.backoff_level,
        "delta_capped_usd": step.delta_capped_usd,
        "next_usd": step.next_usd,
        "cap_bound": step.bound,
        "delta_capped_total_usd": allocator.delta_capped_total_usd(instrument),
    }))
}

fn calibration<'py>(py: Python<'py>, session: &Session, at: usize) -> PyResult<Bound<'py, PyDict>> {
    let (allocator, instrument) = (session.capital().allocator(), index(at));
    let (state, cost) = (
        allocator.calibration(instrument),
        allocator.costs(instrument),
    );
    let in_force = state.in_force(allocator.slippage_set(instrument), cost);
    Ok(dict!(py, {
        "samples_total": state.samples,
        "spread_ewma_bps": state.spread_bps,
        "volume_ewma_usd": state.volume_usd,
        "slippage_ewma_bps": state.slippage_ewma_bps(cost),
        "k_eff": in_force.k_eff,
        "cap_eff_bps": in_force.cap_eff_bps,
    }))
}

fn shadow<'py>(py: Python<'py>, session: &Session, at: usize) -> PyResult<Bound<'py, PyDict>> {
    let gauges = session.shadows().gauges(index(at));
    Ok(dict!(py, {
        "orders_total": gauges.orders_total,
        "price_diff_bps_last": gauges.last.map(|last| last.price_diff_bps),
        "size_diff_pct_last": gauges.last.map(|last| last.size_diff_pct),
        "price_diff_bps_avg": gauges.summary.map(|seen| seen.avg_price_diff_bps),
        "size_diff_pct_avg": gauges.summary.map(|seen| seen.avg_size_diff_pct),
        "count": gauges.summary.map_or(0, |seen| seen.count),
    }))
}
