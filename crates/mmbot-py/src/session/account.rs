//! The account of the session, and sums over its symbols.

use super::{Host, Seen, dict};
use mmbot_core::Session;
use mmbot_core::order::IdempotencyKey;
use mmbot_types::{Color, Op, TsNs};
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(super) fn parts(
    out: &Bound<'_, PyDict>,
    session: &mut Session,
    host: &dyn Host,
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
    let seats: Vec<Seen<'_>> = (0..session.symbols().len())
        .filter_map(|symbol| host.seen(symbol, lane))
        .collect();
    let hits = PyDict::new(py);
    for op in Op::ALL {
        let of_seat = |seen: &Seen<'_>| seen.trader.idempotency().hits(op);
        hits.set_item(
            IdempotencyKey::op_name(op),
            seats.iter().map(of_seat).sum::<u64>(),
        )?;
    }
    out.set_item("idempotency_hits", hits)?;
    let sent = |seen: &Seen<'_>| {
        let t = seen.trader.telemetry();
        t.places + t.amends + t.cancels
    };
    out.set_item("requests_total", seats.iter().map(sent).sum::<u64>())?;
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
