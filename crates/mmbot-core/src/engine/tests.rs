//! The entry point: order of decisions, outside strategies, errors.

use super::*;
use crate::session::KillCause;
use crate::strategy::Quote;
use mmbot_types::journal::Control;
use mmbot_types::{
    Action, Cause, ExecReport, PriceTick, QtyLot, QuoterKind, ReportKind, RowKind, Side,
};

const A: InstrumentIdx = InstrumentIdx(0);
const B: InstrumentIdx = InstrumentIdx(1);

fn instrument(symbol: &str) -> Instrument {
    Instrument::new(symbol, "0.1", "0.001", "0.001", 5.0, 1.0).unwrap()
}

fn at(ms: i64) -> TsNs {
    TsNs::ZERO.plus_ms(1_000_000 + ms)
}

fn row(kind: RowKind, side: Side, px: i64, qty: i64, last: bool, ms: i64) -> EventRow {
    EventRow {
        kind,
        side,
        last,
        px: PriceTick::new(px),
        qty: QtyLot::new(qty),
        ts_exch: at(ms),
        ts_local: at(ms),
    }
}

fn book(engine: &mut Engine, of: InstrumentIdx, ms: i64) -> Vec<Request> {
    let mut out = Vec::new();
    for event in [
        row(RowKind::Reset, Side::Buy, 0, 0, false, ms),
        row(RowKind::Depth, Side::Buy, 200_000, 500, false, ms),
        row(RowKind::Depth, Side::Sell, 200_001, 500, true, ms),
    ] {
        engine
            .on_event(at(ms), &Event::Market(of, event), &mut out)
            .unwrap();
    }
    out
}

fn engine(kind: QuoterKind) -> Engine {
    let mut params = Params::default();
    params.quote.kind = kind;
    let both = vec![(instrument("AUSDT"), params), (instrument("BUSDT"), params)];
    Engine::new(both, SessionParams::default()).unwrap()
}

#[test]
fn a_complete_book_leads_to_quotes_of_its_instrument_only() {
    let mut engine = engine(QuoterKind::BuiltIn);
    let requests = book(&mut engine, B, 0);
    assert_eq!(requests.len(), 6);
    assert!(
        requests
            .iter()
            .all(|r| r.instrument == B && r.cause == Cause::Quote)
    );
    assert!(engine.trader(A).unwrap().open_orders().next().is_none());
}

#[test]
fn time_alone_leads_to_a_decision_and_a_stop_to_none() {
    let mut engine = engine(QuoterKind::BuiltIn);
    let first = book(&mut engine, A, 0);
    let mut out = Vec::new();
    for request in &first {
        let report = ExecReport {
            cid: request.action.cid(),
            ts_exch: at(1),
            kind: ReportKind::Accepted,
        };
        engine
            .on_event(at(1), &Event::Report(A, report), &mut out)
            .unwrap();
    }
    assert!(out.is_empty());
    engine.on_event(at(900), &Event::Timer, &mut out).unwrap();
    assert!(out.is_empty(), "less than a second since the last decision");
    engine.on_event(at(1000), &Event::Timer, &mut out).unwrap();
    assert_eq!(out.len(), 6);
    assert!(out.iter().all(|r| r.cause == Cause::TtlExpired));
    out.clear();
    engine
        .on_event(at(1001), &Event::Control(Control::Stop), &mut out)
        .unwrap();
    assert!(out.is_empty(), "cancels are on their way already");
    let more = book(&mut engine, A, 2000);
    assert!(more.is_empty());
}

#[test]
fn a_strategy_outside_is_asked_when_a_decision_is_due() {
    let mut engine = engine(QuoterKind::External);
    assert!(book(&mut engine, A, 0).is_empty());
    assert_eq!(engine.asking().collect::<Vec<_>>(), [A]);
    let view = engine.external_view(A).unwrap();
    assert!(view.market.synced && view.target_usd > 0.0);
    let quotes = vec![Quote {
        side: Side::Buy,
        px: view.market.bid,
        qty: QtyLot::new(10),
    }];
    let mut out = Vec::new();
    engine
        .on_event(at(1), &Event::Quotes(A, quotes), &mut out)
        .unwrap();
    assert_eq!(out.len(), 1);
    assert_eq!(engine.asking().count(), 0);
}

#[test]
fn an_unknown_instrument_changes_nothing() {
    let mut engine = engine(QuoterKind::BuiltIn);
    let hash = engine.state_hash();
    let nobody = InstrumentIdx(7);
    let event = Event::Quotes(nobody, Vec::new());
    let error = engine.on_event(at(0), &event, &mut Vec::new()).unwrap_err();
    assert_eq!(error, EngineError::UnknownInstrument(nobody));
    let mut bad = Params::default();
    bad.quote.levels_per_side = 0;
    let event = Event::Params(A, Box::new(bad));
    assert!(engine.on_event(at(0), &event, &mut Vec::new()).is_err());
    assert_eq!(engine.trader(A).unwrap().params(), &Params::default());
    assert_ne!(hash, 0);
}

/// spec: 02-11.1
#[test]
fn the_gross_limit_is_lent_out_so_that_no_interleaving_exceeds_it() {
    let mut params = Params::default();
    params.risk.max_gross_exposure_usd = 6_000.0;
    let both = vec![(instrument("AUSDT"), params), (instrument("BUSDT"), params)];
    let mut engine = Engine::new(both, SessionParams::default()).unwrap();
    let first = book(&mut engine, A, 0);
    let second = book(&mut engine, B, 1);
    for requests in [&first, &second] {
        assert!(
            (1..6).contains(&requests.len()),
            "half of the limit is lent to each"
        );
    }
    let gross: f64 = [A, B]
        .iter()
        .map(|i| {
            let mid = engine.market(*i).unwrap().last_mid();
            engine.trader(*i).unwrap().gross_usd(mid)
        })
        .sum();
    assert!((3_000.0..=6_000.0).contains(&gross), "{gross}");
}

#[test]
fn a_driven_engine_decides_when_it_is_told_to_and_at_no_other_time() {
    let both = ["AUSDT", "BUSDT"].map(|name| (instrument(name), Params::default()));
    let mut engine = Engine::driven(both.to_vec(), SessionParams::default()).unwrap();
    let mut out = Vec::new();
    for one in [A, B] {
        engine
            .on_event(at(0), &Event::Start(one), &mut out)
            .unwrap();
        assert!(book(&mut engine, one, 0).is_empty());
    }
    engine.on_event(at(5_000), &Event::Timer, &mut out).unwrap();
    assert!(out.is_empty(), "time alone leads to nothing");
    engine.on_event(at(0), &Event::Sync, &mut out).unwrap();
    assert!(out.is_empty(), "nor does a permit");
    engine.on_event(at(0), &Event::Decide(B), &mut out).unwrap();
    assert_eq!(out.len(), 6);
    assert!(out.iter().all(|request| request.instrument == B));
}

#[test]
fn an_engine_that_plans_itself_takes_no_orders_about_time() {
    let mut engine = engine(QuoterKind::BuiltIn);
    let mut out = Vec::new();
    for event in [Event::Start(A), Event::Decide(A), Event::Sync] {
        let refused = engine.on_event(at(0), &event, &mut out);
        assert_eq!(refused, Err(EngineError::NotDriven));
    }
    assert_eq!(engine.on_rows(A, &[]), Err(EngineError::NotDriven));
}

fn quoted(engine: &Engine, of: InstrumentIdx) -> usize {
    engine.trader(of).unwrap().open_orders().count()
}

fn accept(engine: &mut Engine, requests: &[Request], ms: i64) {
    for request in requests {
        let kind = match request.action {
            Action::Place(_) => ReportKind::Accepted,
            Action::Amend { px, total_qty, .. } => ReportKind::Amended {
                px,
                open_qty: total_qty,
            },
            Action::Cancel { .. } => ReportKind::Cancelled,
        };
        let report = ExecReport {
            cid: request.action.cid(),
            ts_exch: at(ms),
            kind,
        };
        let event = Event::Report(request.instrument, report);
        engine.on_event(at(ms), &event, &mut Vec::new()).unwrap();
    }
}

/// spec: 01-8.1, 01-8.1/7
#[test]
fn a_gap_in_one_book_takes_out_its_orders_and_no_others() {
    let mut engine = engine(QuoterKind::BuiltIn);
    for (of, ms) in [(A, 0), (B, 1)] {
        let requests = book(&mut engine, of, ms);
        accept(&mut engine, &requests, ms);
    }
    let before = (quoted(&engine, A), quoted(&engine, B));
    assert_eq!(before, (6, 6));
    let (mut out, gap) = (Vec::new(), row(RowKind::Gap, Side::Buy, 0, 0, true, 150));
    engine
        .on_event(at(150), &Event::Market(A, gap), &mut out)
        .unwrap();
    engine.on_event(at(1_100), &Event::Timer, &mut out).unwrap();
    let stale = |of| {
        let gone = |r: &&Request| r.instrument == of && r.cause == Cause::StaleBook;
        out.iter().filter(gone).count()
    };
    assert_eq!((stale(A), stale(B)), (6, 0), "{out:?}");
    assert!(!engine.market(A).unwrap().is_synced());
    assert!(engine.market(B).unwrap().is_synced());
}

/// spec: 02-11.1/5, 02-1
#[test]
fn a_kill_of_the_session_holds_until_somebody_resumes() {
    let mut engine = engine(QuoterKind::BuiltIn);
    let first = book(&mut engine, A, 0);
    accept(&mut engine, &first, 0);
    engine.session.kill(KillCause::Operator, at(10));
    let mut out = Vec::new();
    engine.on_event(at(100), &Event::Timer, &mut out).unwrap();
    assert_eq!(out.len(), 6);
    assert!(out.iter().all(|r| r.cause == Cause::Kill), "{out:?}");
    accept(&mut engine, &out, 101);
    for ms in [200, 3_000, 3_600_000] {
        assert!(book(&mut engine, A, ms).is_empty(), "{ms}");
    }
    engine
        .on_event(at(3_600_001), &Event::Control(Control::Resume), &mut out)
        .unwrap();
    let again = [3_600_100, 3_600_200, 3_601_300].map(|ms| book(&mut engine, A, ms).len());
    assert_eq!(again.iter().sum::<usize>(), 6, "{again:?}");
}
