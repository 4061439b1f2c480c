//! Records of every kind with every value that their fields can hold.

use mmbot_types::journal::{
    CalibrationOf, Coded, Control, FORMAT_VERSION, Header, InstrumentFacts, Mode, Record, Writer,
};
use mmbot_types::{
    Action, Cause, Cid, DayTotals, EventRow, ExecPrice, ExecReport, InstrumentIdx, KillCause,
    Liquidity, Money, NewOrder, PriceTick, QtyLot, Quote, RejectReason, ReportKind, RingParts,
    RiskGrade, RowKind, Side, SlippageOverride, SymbolCalibration, ThrottleSnapshot, TimeInForce,
    TsNs,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn any_of<T: Coded + std::fmt::Debug>() -> impl Strategy<Value = T> {
    prop::sample::select(T::VARIANTS.to_vec())
}

/// Integers of all magnitudes: the ends of the range as likely as the middle.
fn integer() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0u32..64).prop_map(|(value, shift)| value >> shift)
}

fn number() -> impl Strategy<Value = u64> {
    integer().prop_map(|value| value as u64)
}

fn instrument() -> impl Strategy<Value = InstrumentIdx> {
    any::<u16>().prop_map(InstrumentIdx)
}

fn ts() -> impl Strategy<Value = TsNs> {
    integer().prop_map(TsNs::new)
}

fn px() -> impl Strategy<Value = PriceTick> {
    integer().prop_map(PriceTick::new)
}

fn qty() -> impl Strategy<Value = QtyLot> {
    integer().prop_map(QtyLot::new)
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,24}"
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

fn float() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits)
}

pub fn row() -> impl Strategy<Value = EventRow> {
    let what = (any_of::<RowKind>(), any_of::<Side>(), any::<bool>());
    (what, px(), qty(), ts(), ts()).prop_map(|((kind, side, last), px, qty, ts_exch, ts_local)| {
        EventRow {
            kind,
            side,
            last,
            px,
            qty,
            ts_exch,
            ts_local,
        }
    })
}

/// Rows as a venue sends them: times of a grid, packets of equal times, near prices.
pub fn market() -> impl Strategy<Value = Vec<EventRow>> {
    let step = (
        any_of::<RowKind>(),
        any_of::<Side>(),
        any::<bool>(),
        -3i64..4,
        0i64..90_000,
    );
    let clock = (
        0i64..3,
        0i64..4_000,
        prop::sample::select(vec![1i64, 1_000, 1_000_000]),
    );
    vec((step, clock), 0..60).prop_map(|steps| {
        let (mut exch, mut px) = (1_754_000_000_000_000_000i64, 641_230i64);
        let rows = steps.into_iter().map(|(step, (wait_ms, late, unit))| {
            let (kind, side, last, up, qty) = step;
            exch += wait_ms * 1_000_000;
            px += up;
            let is_priced = matches!(kind, RowKind::Depth | RowKind::Trade);
            EventRow {
                kind,
                side,
                last,
                px: PriceTick::new(if is_priced { px } else { 0 }),
                qty: QtyLot::new(qty),
                ts_exch: TsNs::new(exch),
                ts_local: TsNs::new(exch + late * unit),
            }
        });
        rows.collect()
    })
}

fn header() -> impl Strategy<Value = Record> {
    let facts = (text(), text(), text(), text(), float(), float()).prop_map(
        |(symbol, tick_size, lot_size, min_qty, min_notional_usd, quote_usd)| InstrumentFacts {
            symbol,
            tick_size,
            lot_size,
            min_qty,
            min_notional_usd,
            quote_usd,
        },
    );
    let ids = (text(), any_of::<Mode>(), ts(), any::<u64>(), text());
    (ids, vec(facts, 0..4), bytes()).prop_map(
        |((session_id, mode, created, seed, cid_prefix), instruments, config)| {
            Record::Header(Box::new(Header {
                format: FORMAT_VERSION,
                session_id,
                mode,
                created,
                seed,
                cid_prefix,
                instruments,
                config,
            }))
        },
    )
}

fn report() -> impl Strategy<Value = ReportKind> {
    let fee = (any::<i128>(), 0u32..128).prop_map(|(value, shift)| Money::new(value >> shift));
    let fill = (integer(), qty(), qty(), any_of::<Liquidity>(), fee);
    prop_oneof![
        Just(ReportKind::Accepted),
        any_of::<RejectReason>().prop_map(ReportKind::Rejected),
        (px(), qty()).prop_map(|(px, open_qty)| ReportKind::Amended { px, open_qty }),
        any_of::<RejectReason>().prop_map(ReportKind::AmendRejected),
        Just(ReportKind::Cancelled),
        any_of::<RejectReason>().prop_map(ReportKind::CancelRejected),
        fill.prop_map(|(px, qty, cum_qty, liquidity, fee)| ReportKind::Filled {
            px: ExecPrice::new(px),
            qty,
            cum_qty,
            liquidity,
            fee,
        }),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let cid = || number().prop_map(Cid::new);
    let order = (
        cid(),
        any_of::<Side>(),
        px(),
        qty(),
        any_of::<TimeInForce>(),
    );
    prop_oneof![
        order.prop_map(|(cid, side, px, qty, tif)| Action::Place(NewOrder {
            cid,
            side,
            px,
            qty,
            tif
        })),
        (cid(), px(), qty()).prop_map(|(cid, px, total_qty)| Action::Amend { cid, px, total_qty }),
        cid().prop_map(|cid| Action::Cancel { cid }),
    ]
}

fn control() -> impl Strategy<Value = Control> {
    let kill = (any_of::<KillCause>(), text());
    prop_oneof![
        Just(Control::Stop),
        Just(Control::KeepOrders),
        Just(Control::Resume),
        Just(Control::operator_kill()),
        kill.prop_map(|(cause, reason)| Control::Kill { cause, reason }),
        Just(Control::Grade(None)),
        any_of::<RiskGrade>().prop_map(|grade| Control::Grade(Some(grade))),
        any::<bool>().prop_map(Control::ManualPause),
        any::<bool>().prop_map(Control::GuardDryRun),
        any::<bool>().prop_map(Control::Leader),
        any::<u32>().prop_map(Control::AutopolicyLevel),
        Just(Control::AutopolicyReset),
        any::<bool>().prop_map(Control::AutopolicyEnabled),
        throttle().prop_map(|snapshot| Control::ThrottleLoad(Box::new(snapshot))),
        Just(Control::LiftKill),
        Just(Control::LiftStop),
        Just(Control::ThrottleClear),
        Just(Control::ThrottleReset),
        float().prop_map(Control::BackoffMaxSeed),
        float().prop_map(Control::HighWaterMark),
        vec(calibration(), 0..4).prop_map(Control::CostCalibration),
        day_totals().prop_map(|totals| Control::DayTotals(Box::new(totals))),
        any::<bool>().prop_map(Control::StorageHold),
    ]
}

fn throttle() -> impl Strategy<Value = ThrottleSnapshot> {
    let ring = (integer(), any::<usize>(), vec(any::<u32>(), 0..6))
        .prop_map(|(base_ts, idx, ring)| RingParts { base_ts, idx, ring });
    let rings = prop::array::uniform3(ring);
    let symbols = prop::collection::btree_map(text(), rings, 0..4);
    (any::<u32>(), symbols).prop_map(|(window_sec, symbols)| ThrottleSnapshot {
        window_sec,
        symbols,
    })
}

fn calibration() -> impl Strategy<Value = CalibrationOf> {
    let means = prop::array::uniform6(float());
    let set = prop::array::uniform2(prop::option::of(float()));
    (instrument(), number(), means, set).prop_map(|(instrument, samples, means, set)| {
        let [
            spread_bps,
            volume_usd,
            slip_bps,
            slip_sq,
            excess_bps,
            size_kusd,
        ] = means;
        let [k_eff, cap_eff_bps] = set;
        CalibrationOf {
            instrument,
            state: SymbolCalibration {
                samples,
                spread_bps,
                volume_usd,
                slip_bps,
                slip_sq,
                excess_bps,
                size_kusd,
            },
            set: SlippageOverride { k_eff, cap_eff_bps },
        }
    })
}

fn day_totals() -> impl Strategy<Value = DayTotals> {
    let latches = prop::array::uniform3(prop::option::of(float()));
    let sums = vec(float(), 0..5);
    (integer(), float(), float(), sums, latches).prop_map(
        |(utc_day, pnl_usd, turnover_usd, sum_sq_returns, latched_at)| DayTotals {
            utc_day,
            pnl_usd,
            turnover_usd,
            sum_sq_returns,
            latched_at,
        },
    )
}

/// Any record of any kind.
pub fn record() -> impl Strategy<Value = Record> {
    prop_oneof![header(), of_instrument(), of_session()]
}

fn of_instrument() -> impl Strategy<Value = Record> {
    let at = || (instrument(), ts());
    let rows = prop_oneof![vec(row(), 0..8), market()];
    let quote = (any_of::<Side>(), px(), qty()).prop_map(|(side, px, qty)| Quote { side, px, qty });
    prop_oneof![
        (at(), bytes()).prop_map(|((instrument, ts), config)| Record::Params {
            instrument,
            ts,
            config
        }),
        (instrument(), rows).prop_map(|(instrument, rows)| Record::MarketRows { instrument, rows }),
        (at(), number(), ts(), report()).prop_map(|((instrument, ts), cid, ts_exch, kind)| {
            let cid = Cid::new(cid);
            let report = ExecReport { cid, ts_exch, kind };
            Record::Report {
                instrument,
                ts,
                report,
            }
        }),
        at().prop_map(|(instrument, ts)| Record::Start { instrument, ts }),
        at().prop_map(|(instrument, ts)| Record::Decide { instrument, ts }),
        (at(), vec(quote, 0..6)).prop_map(|((instrument, ts), quotes)| Record::Quotes {
            instrument,
            ts,
            quotes
        }),
        (at(), any::<u8>()).prop_map(|((instrument, ts), outcome)| Record::CallResult {
            instrument,
            ts,
            outcome
        }),
        (at(), number()).prop_map(|((instrument, ts), cid)| Record::Unanswered {
            instrument,
            ts,
            cid: Cid::new(cid)
        }),
        (at(), number()).prop_map(|((instrument, ts), cid)| Record::Interrupted {
            instrument,
            ts,
            cid: Cid::new(cid)
        }),
        (at(), qty(), px()).prop_map(|((instrument, ts), position, px)| Record::Adopt {
            instrument,
            ts,
            position,
            px: ExecPrice::new(px.get())
        }),
        (at(), any::<bool>()).prop_map(|((instrument, ts), on)| Record::Hold {
            instrument,
            ts,
            on
        }),
        (at(), action(), any_of::<Cause>(), number()).prop_map(
            |((instrument, ts), action, cause, full_cid)| Record::Intent {
                instrument,
                ts,
                action,
                cause,
                full_cid,
            }
        ),
    ]
}

fn of_session() -> impl Strategy<Value = Record> {
    prop_oneof![
        (ts(), bytes()).prop_map(|(ts, config)| Record::SessionParams { ts, config }),
        ts().prop_map(|ts| Record::Sync { ts }),
        (ts(), vec(float(), 0..5), float()).prop_map(|(ts, weights, fee_tilt)| Record::Weights {
            ts,
            weights,
            fee_tilt
        }),
        (ts(), control()).prop_map(|(ts, control)| Record::Control { ts, control }),
        (ts(), any::<u64>()).prop_map(|(ts, hash)| Record::StateHash { ts, hash }),
        (ts(), text()).prop_map(|(ts, text)| Record::Note { ts, text }),
        (ts(), text()).prop_map(|(ts, reason)| Record::SessionEnd { ts, reason }),
    ]
}

/// Framed bytes of `records`, and where each frame begins.
pub fn framed(records: &[Record], first_seq: u64) -> (Vec<u8>, Vec<usize>) {
    let mut writer = Writer::new(first_seq);
    let starts = records
        .iter()
        .map(|record| {
            let start = writer.pending().len();
            writer.append(record).expect("records of tests are short");
            start
        })
        .collect();
    (writer.take(), starts)
}
