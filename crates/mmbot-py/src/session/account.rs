//! The account of the session, and sums over its symbols.

use super::dict;
use mmbot_core::Session;
use mmbot_core::order::IdempotencyKey;
use mmbot_run::{Backtest, Lane};
use mmbot_types::{Color, Op, TsNs};
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(super) fn parts(
    out: &Bound<'_, PyDict>,
    session: &mut Session,
    backtest: &Backtest,
    lane: usize,
    now: TsNs,
) -> PyResult<()> {
    let py = out.py();
    let colors = PyDict::new(py);
    for color in Color::BOTH {
        let of_seat = session
            .seats()
            .iter()
            .map(|seat| seat.color_usd[color.index()]);
        colors.set_item(color.name(), of_seat.sum::<f64>())?;
    }
    let losses = session.losses();
    let account = dict!(py, {
        "equity_usd": losses.equity_usd(),
        "net_usd": losses.net_usd(),
        "turnover_usd": losses.turnover_usd(),
        "initial_equity_usd": session.params().risk.initial_equity_usd,
        "position_usd_by_color": colors,
    });
    out.set_item("account", account)?;
    let lanes: Vec<&Lane> = (0..session.symbols().len())
        .filter_map(|symbol| Some(backtest.lane(symbol, lane)?.1))
        .collect();
    let hits = PyDict::new(py);
    for op in Op::ALL {
        let of_lane = |lane: &&Lane| lane.trader().idempotency().hits(op);
        hits.set_item(
            IdempotencyKey::op_name(op),
            lanes.iter().map(of_lane).sum::<u64>(),
        )?;
    }
    out.set_item("idempotency_hits", hits)?;
    let sent = |lane: &&Lane| {
        let t = lane.trader().telemetry();
        t.places + t.amends + t.cancels
    };
    out.set_item("requests_total", lanes.iter().map(sent).sum::<u64>())?;
    out.set_item("order_hit_rate", session.flow_mut().hit_rate(now))?;
    let shadow = session.shadows().summary(&session.params().shadow);
    let shadow = shadow
        .map(|seen| {
            Ok::<_, PyErr>(dict!(py, {
                "avg_price_diff_bps": seen.avg_price_diff_bps,
                "avg_size_diff_pct": seen.avg_size_diff_pct,
                "count": seen.count,
            }))
        })
        .transpose()?;
    out.set_item("shadow_stats", shadow)
}
