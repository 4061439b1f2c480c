//! What a symbol's trader did and has in the book.

use super::{Host, dict};
use crate::result::{blocked_by, hit_counts};
use crate::session::Seen;
use mmbot_core::edge::COLOR_MARKOUT_MS;
use mmbot_core::telemetry::STALE_AGE_BUCKETS;
use mmbot_core::{Histogram, Market, Session, Telemetry, Trader};
use mmbot_types::{BlockDetail, BlockReason, Color, Instrument, Side, TsNs};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Bounds of the exported latency histograms, ms.
const LATENCY_LE_MS: [i64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

pub(super) fn part<'py>(
    py: Python<'py>,
    session: &mut Session,
    host: &dyn Host,
    (at, lane): (usize, usize),
    instrument: &Instrument,
    now: TsNs,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let Some(seen) = host.seen(at, lane) else {
        return Ok(out);
    };
    let (trader, market, edge) = (seen.trader, seen.market, &seen.edge);
    position(&out, trader, market)?;
    counters(&out, trader, now)?;
    resting(&out, &seen, instrument)?;
    for (name, percent) in [("p50", 50), ("p95", 95), ("p99", 99)] {
        let age_ms = session.flow_mut().age_ms(at, percent, now);
        out.set_item(format!("order_age_{name}_ms"), age_ms)?;
    }
    let usd = |money| instrument.money_to_f64(money);
    out.set_item("maker_pnl_usd", usd(edge.net + edge.fees - edge.taken))?;
    let t = trader.telemetry();
    let taker_fees = trader.params().edge.taker_fee.fee_on(t.taker_turnover);
    out.set_item("taker_fees_usd", usd(taker_fees))?;
    out.set_item("round_trips", hit_counts(py, seen.desk.round_trips())?)?;
    out.set_item("blocks", blocks(py, t)?)?;
    out.set_item("replace_denials", replace_denials(py, t)?)?;
    out.set_item("blocked_by", blocked_by(py, t)?)?;
    out.set_item("markouts", markouts(py, trader)?)?;
    let latency = dict!(py, {
        "md": cumulative(py, market.ws_lag())?,
        "rest": cumulative(py, &t.ack_latency_ns)?,
    });
    out.set_item("latency_ms", latency)?;
    Ok(out)
}

/// Replacements refused, by the reason that the audit gives them: that of the block, or `backoff`.
fn replace_denials<'py>(py: Python<'py>, t: &Telemetry) -> PyResult<Bound<'py, PyDict>> {
    let mut counts = std::collections::BTreeMap::new();
    for detail in BlockDetail::ALL {
        let name = match detail {
            BlockDetail::Backoff => detail.name(),
            _ => detail.reason().name(),
        };
        *counts.entry(name).or_insert(0u64) += t.replace_denials[detail as usize];
    }
    let out = PyDict::new(py);
    for (name, count) in counts {
        out.set_item(name, count)?;
    }
    Ok(out)
}

fn position(out: &Bound<'_, PyDict>, trader: &Trader, market: &Market) -> PyResult<()> {
    let mid = market.last_mid().unwrap_or_default();
    out.set_item("position_usd", trader.position_usd(mid))?;
    out.set_item("gross_usd", trader.gross_usd(market.last_mid()))?;
    out.set_item("net_usd", trader.net_usd(mid))?;
    out.set_item("fill_turnover_usd", trader.turnover_usd())?;
    let colors = PyDict::new(out.py());
    for color in Color::BOTH {
        let held = trader.position_by_color()[color.index()];
        colors.set_item(color.name(), trader.marked_usd(held, mid))?;
    }
    out.set_item("position_usd_by_color", colors)?;
    let rate = trader.quality().adverse_fill_rate();
    out.set_item("adverse_fill_rate", rate)
}

fn counters(out: &Bound<'_, PyDict>, trader: &Trader, now: TsNs) -> PyResult<()> {
    let (py, t) = (out.py(), trader.telemetry());
    for (name, count) in [
        ("creates_total", t.places),
        ("amends_total", t.amends),
        ("cancels_total", t.cancels),
        ("replaces_total", t.replaces),
        ("quotes_placed_total", t.places + t.amends),
        ("fills_total", t.fills()),
        ("orders_rejected_total", t.rejected),
        ("cancel_batches_total", t.batch_cancels),
        ("illegal_transitions_total", t.illegal_transitions),
        ("ttl_cancels_total", t.ttl_cancels),
        ("drift_cancels_total", t.drift_cancels),
        ("drift_refreshes_total", t.drift_refreshes),
        ("guard_cancels_total", t.guard_cancels),
        ("timeouts_total", t.timeouts),
        ("decisions_total", t.blocks.total_iterations()),
    ] {
        out.set_item(name, count)?;
    }
    out.set_item("replaces_per_min", trader.replaces_per_min(now))?;
    out.set_item("amend_attempts_total", by_side(py, t.amends_of)?)?;
    out.set_item("amend_success_total", by_side(py, t.amended_of)?)?;
    let ages = PyDict::new(py);
    for (bucket, count) in STALE_AGE_BUCKETS.into_iter().zip(t.stale_ages) {
        ages.set_item(bucket, count)?;
    }
    out.set_item("stale_ages_total", ages)
}

/// Open orders by side: how many, how much, and the mean share of their level that is ahead.
#[allow(clippy::cast_precision_loss)] // lots of an order
fn resting(out: &Bound<'_, PyDict>, seen: &Seen<'_>, instrument: &Instrument) -> PyResult<()> {
    let (mut count, mut usd) = ([0u32; 2], [0.0; 2]);
    let (mut shares, mut counted) = ([0.0; 2], [0u32; 2]);
    for order in seen.trader.open_orders() {
        let side = order.side.index();
        count[side] += 1;
        usd[side] += instrument.notional_usd(order.px, order.open_qty);
        let level = seen.market.book().qty_at(order.side, order.px).get() as f64;
        if let Some(ahead) = seen.queue_ahead(order.cid) {
            let share = if level > 0.0 { ahead / level } else { 0.0 };
            shares[side] += share.clamp(0.0, 1.0);
            counted[side] += 1;
        }
    }
    let py = out.py();
    out.set_item("active", by_side(py, count)?)?;
    out.set_item("active_usd", by_side(py, usd)?)?;
    let share = |side: usize| (counted[side] > 0).then(|| shares[side] / f64::from(counted[side]));
    out.set_item("queue_ahead_share", by_side(py, [share(0), share(1)])?)
}

fn by_side<'py, T>(py: Python<'py>, values: [T; 2]) -> PyResult<Bound<'py, PyDict>>
where
    T: IntoPyObject<'py>,
{
    let out = PyDict::new(py);
    for (side, value) in Side::BOTH.into_iter().zip(values) {
        out.set_item(side.name(), value)?;
    }
    Ok(out)
}

/// `blocks[reason][detail]`.
fn blocks<'py>(py: Python<'py>, t: &Telemetry) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for reason in BlockReason::ALL {
        let details = PyDict::new(py);
        for detail in BlockDetail::ALL {
            if detail.reason() == reason {
                details.set_item(detail.name(), t.blocks.count(detail))?;
            }
        }
        out.set_item(reason.name(), details)?;
    }
    Ok(out)
}

/// `markouts[horizon_ms][color]`.
fn markouts<'py>(py: Python<'py>, trader: &Trader) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (at, horizon_ms) in COLOR_MARKOUT_MS.iter().enumerate() {
        let colors = PyDict::new(py);
        for color in Color::BOTH {
            let found = trader.quality().markouts().of(at, color);
            let entry = dict!(py, {
                "count": found.count,
                "up": found.up,
                "down": found.down,
                "skipped": found.skipped,
                "sum_bps_int": found.sum_bps_e4,
            });
            colors.set_item(color.name(), entry)?;
        }
        out.set_item(horizon_ms.to_string(), colors)?;
    }
    Ok(out)
}

/// Values at or below each of [`LATENCY_LE_MS`], their number and sum in ms.
#[allow(clippy::cast_precision_loss)] // milliseconds
fn cumulative<'py>(py: Python<'py>, histogram: &Histogram) -> PyResult<Bound<'py, PyDict>> {
    let buckets = histogram.buckets();
    let within = |le_ms: i64| -> u64 {
        let below = buckets
            .iter()
            .filter(|(upper_ns, _)| *upper_ns <= le_ms * 1_000_000);
        below.map(|(_, count)| u64::from(*count)).sum()
    };
    let mean_ms = histogram.mean().unwrap_or(0.0) / 1e6;
    Ok(dict!(py, {
        "le_ms": LATENCY_LE_MS,
        "counts": LATENCY_LE_MS.map(within),
        "count": histogram.count(),
        "sum_ms": mean_ms * histogram.count() as f64,
    }))
}
