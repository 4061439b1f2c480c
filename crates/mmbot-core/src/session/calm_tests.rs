//! What calm says is what a full judgement would have said.

use super::event_log::EventLog;
use super::losses::Losses;
use super::seat::Seat;
use mmbot_types::{InstrumentIdx, OpenWindow, ScheduleParams, SessionParams, TsNs};
use proptest::prelude::*;

const SYMBOLS: usize = 2;

fn at(ms: i64) -> TsNs {
    TsNs::new(1_700_000_000_000_000_000).plus_ms(ms)
}

fn params(thresholds: [f64; 4], caps: [f64; 2], skew: [f64; 2], closed_ms: i64) -> SessionParams {
    let mut params = SessionParams::default();
    params.risk.initial_equity_usd = 1_000.0;
    params.risk.max_drawdown_pct = thresholds[0];
    params.risk.risk_pause_threshold = thresholds[1];
    params.risk.grades.wide_at_ratio = thresholds[2];
    params.risk.grades.reduce_only_at_ratio = thresholds[3];
    params.risk.grades.min_stay_sec = 0.5;
    params.risk.recovery_minutes = 0.05;
    params.caps.daily_pnl_stop_usd = caps[0];
    params.caps.daily_turnover_cap_usd = caps[1];
    params.pos_skew.per_symbol_abs_limit_usd = skew[0];
    params.pos_skew.per_color_abs_limit_usd = skew[1];
    let window = |from, to| OpenWindow { from, to };
    params.schedule = ScheduleParams {
        windows: (closed_ms > 0).then(|| {
            let (before, after) = (
                window(at(-1), at(closed_ms)),
                window(at(closed_ms + 777), at(1 << 40)),
            );
            vec![before, after].into()
        }),
    };
    params
}

fn seats(net_usd: f64, turnover_usd: f64, positions_usd: [f64; SYMBOLS]) -> Vec<Seat> {
    let seat = |position_usd: f64| {
        let mut seat = Seat::default();
        (seat.position_usd, seat.net_usd) = (position_usd, net_usd / 2.0);
        (seat.color_usd, seat.turnover_usd) = ([position_usd, 0.0], turnover_usd / 2.0);
        seat
    };
    positions_usd.map(seat).to_vec()
}

/// All that others see of the guards.
fn seen(losses: &Losses, params: &SessionParams) -> String {
    let holds = [0, 1].map(|at| losses.holds(params, InstrumentIdx(at)));
    let risk = losses.risk();
    // the present drawdown is that of the last judgement
    let gauges = risk.gauges();
    let caps = losses.caps().gauges();
    let skew = losses.skew();
    format!(
        "{holds:?} {:?} {} {:?} {} {:?} {:?} {:?}",
        risk.grade(),
        risk.changes_total(),
        (
            gauges.risk_paused,
            gauges.kills_total,
            gauges.drawdown_largest
        ),
        losses.is_open(),
        (caps.breached, caps.breach_total, caps.latched_at),
        skew.is_unbiased(),
        losses.equity_usd(),
    )
}

/// A step of 100 ms: change of the net result, of the turnover, positions.
fn step() -> impl Strategy<Value = (f64, f64, [f64; SYMBOLS])> {
    let move_usd = prop_oneof![6 => -0.5f64..0.5, 3 => -5.0f64..5.0, 1 => -60.0f64..60.0];
    let position = || prop_oneof![8 => -50.0f64..50.0, 1 => Just(100.0), 1 => -150.0f64..150.0];
    let turnover = prop_oneof![3 => Just(0.0), 1 => 0.0f64..40.0];
    (move_usd, turnover, [position(), position()])
}

proptest! {
    #[test]
    fn a_judgement_that_calm_spares_would_have_changed_nothing(
        steps in prop::collection::vec(step(), 1..200),
        thresholds in [
            prop_oneof![0.02f64..0.2, Just(f64::INFINITY)],
            prop_oneof![0.01f64..0.1, Just(f64::INFINITY)],
            prop_oneof![0.2f64..0.6, Just(0.5)],
            prop_oneof![0.6f64..1.0, Just(0.75)],
        ],
        caps in [prop_oneof![Just(0.0), 5.0f64..60.0], prop_oneof![Just(0.0), 50.0f64..900.0]],
        skew in [prop_oneof![Just(0.0), Just(100.0)], prop_oneof![Just(0.0), Just(120.0)]],
        closed_ms in prop_oneof![Just(0i64), 1i64..9_000],
    ) {
        let params = params(thresholds, caps, skew, closed_ms);
        let (mut spared, mut full) =
            (Losses::new(&params, SYMBOLS), Losses::new(&params, SYMBOLS));
        let (mut events, mut all) = (EventLog::default(), EventLog::default());
        let (mut calm, mut net_usd, mut turnover_usd) = (None, 0.0, 0.0);
        for (n, (moved, traded, positions_usd)) in (0i64..).zip(steps) {
            let now = at(100 * n);
            net_usd += moved;
            turnover_usd += traded;
            let seats = seats(net_usd, turnover_usd, positions_usd);
            for losses in [&mut spared, &mut full] {
                losses.account(&params, &seats);
            }
            full.judge(&params, &seats, now, &mut all);
            let known: Option<super::calm::Calm> = calm.filter(|_| n % 10 != 0);
            if !known.is_some_and(|calm| calm.holds(&spared, &seats, now)) {
                spared.judge(&params, &seats, now, &mut events);
                calm = spared.calm(&params, now);
            }
            prop_assert_eq!(seen(&spared, &params), seen(&full, &params), "step {}", n);
        }
        prop_assert_eq!(format!("{events:?}"), format!("{all:?}"));
    }
}

#[test]
fn most_of_a_quiet_second_is_spared() {
    let params = params([0.1, 0.05, 0.5, 0.75], [0.0; 2], [0.0; 2], 0);
    let mut losses = Losses::new(&params, SYMBOLS);
    let mut events = EventLog::default();
    for (n, net_usd) in [0.0, -1.0].into_iter().enumerate() {
        let seats = seats(net_usd, 0.0, [0.0; SYMBOLS]);
        losses.account(&params, &seats);
        losses.judge(&params, &seats, at(100 * n as i64), &mut events);
    }
    let calm = losses
        .calm(&params, at(100))
        .expect("nothing is out of the ordinary");
    for (net_usd, expected) in [
        (-0.5, true),
        (0.0, true),
        (0.1, false),
        (-1.1, false),
        (f64::NAN, false),
    ] {
        let seats = seats(net_usd, 0.0, [0.0; SYMBOLS]);
        losses.account(&params, &seats);
        assert_eq!(calm.holds(&losses, &seats, at(200)), expected, "{net_usd}");
    }
}
