//! What holds in every world: a trader against a venue that does as it likes.

#![allow(clippy::unwrap_used)] // in tests a failure is a panic

mod venue;

use mmbot_core::MarketView;
use mmbot_types::{
    Action, BlockDetail, BlockReason, Cadence, Cid, ExecPrice, ExecReport, Liquidity, Money,
    Params, PriceTick, QtyLot, QuoterKind, RejectReason, ReplaceMode, ReportKind, Side, TsNs,
};
use proptest::prelude::*;
use venue::{Step, Venue, steps};

fn params() -> impl Strategy<Value = Params> {
    let mode = prop::sample::select(vec![
        ReplaceMode::Amend,
        ReplaceMode::CancelThenPlace,
        ReplaceMode::CancelAndPlace,
    ]);
    (
        mode,
        1u32..4,
        500.0f64..12_000.0,
        0i64..600,
        0u64..5,
        any::<bool>(),
    )
        .prop_map(|(mode, levels, target_usd, young_ms, seed, anti_stale)| {
            let mut p = Params::default();
            p.quote.base_spread_bps = 2.0;
            p.quote.levels_per_side = levels;
            p.sizing.target_usd = target_usd;
            p.replace.mode = mode;
            p.replace.min_time_in_book_ms = young_ms;
            p.replace.replace_threshold_bps = 1.0;
            p.risk.max_position_usd = 6_000.0;
            p.risk.max_gross_exposure_usd = 15_000.0;
            p.risk.max_order_notional_usd = 4_000.0;
            p.risk.max_active_per_side = 3;
            p.anti_stale.enabled = anti_stale;
            p.tail.jitter_ms = 200;
            p.seed = seed;
            p
        })
}

fn reference() -> Params {
    let mut p = Params::reference(100, 2.0, 0.5, 10, 40);
    p.quote.cadence = Cadence::OnBook { refresh_ms: 50 };
    p
}

/// What could fill at the venue in the worst case, signed per side.
fn worst_open(venue: &Venue, side: Side) -> i64 {
    let mut open: std::collections::BTreeMap<_, i64> = venue
        .resting
        .iter()
        .filter(|(_, order)| order.side == side)
        .map(|(cid, order)| (*cid, order.total - order.cum))
        .collect();
    for request in &venue.requests {
        match request {
            Action::Place(order) if order.side == side => {
                open.insert(order.cid, order.qty.get());
            }
            Action::Amend { cid, total_qty, .. } => {
                if let Some(order) = venue.resting.get(cid)
                    && order.side == side
                {
                    let amended = total_qty.get() - order.cum;
                    let now = order.total - order.cum;
                    open.insert(*cid, now.max(amended));
                }
            }
            Action::Place(_) | Action::Cancel { .. } => {}
        }
    }
    open.values().sum()
}

/// Order (of those sent so far), report, venue time.
fn nonsense() -> impl Strategy<Value = (usize, ReportKind, i64)> {
    let number = prop_oneof![-3i64..300, Just(i64::MAX), Just(i64::MIN), any::<i64>(),];
    let reason = prop::sample::select(vec![
        RejectReason::UnknownOrder,
        RejectReason::Filter,
        RejectReason::RateLimit,
    ]);
    let (n, r) = (number, reason);
    let kind = prop_oneof![
        Just(ReportKind::Accepted),
        Just(ReportKind::Cancelled),
        r.clone().prop_map(ReportKind::Rejected),
        r.clone().prop_map(ReportKind::AmendRejected),
        r.prop_map(ReportKind::CancelRejected),
        (n.clone(), n.clone()).prop_map(|(px, open)| ReportKind::Amended {
            px: PriceTick::new(px),
            open_qty: QtyLot::new(open),
        }),
        (n.clone(), n.clone(), n.clone()).prop_map(|(px, qty, cum)| ReportKind::Filled {
            px: ExecPrice::new(px),
            qty: QtyLot::new(qty),
            cum_qty: QtyLot::new(cum),
            liquidity: Liquidity::Taker,
            fee: Money::new(i128::from(px)),
        }),
    ];
    (0usize..12, kind, n)
}

/// What the trader believes may still fill.
fn believed(venue: &Venue, side: Side) -> i64 {
    let of_side = venue.trader.open_orders().filter(|o| o.side == side);
    of_side.map(|o| o.open_qty.get()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// spec: 02-5.1, 02-16
    #[test]
    fn money_adds_up_whatever_order_reports_come_in(params in params(), steps in steps(300)) {
        let mut venue = Venue::new(params, false);
        for step in steps {
            venue.step(step);
        }
        venue.settle();
        let trader = &mut venue.trader;
        prop_assert_eq!(trader.position().get(), venue.position);
        prop_assert_eq!(trader.cash(), venue.cash);
        prop_assert_eq!(trader.fees(), venue.fees);
        let totals = trader.finish(&mut venue.market);
        prop_assert!(totals.is_ok(), "{totals:?}");
        let fills = trader.take_fills();
        let filled: i64 = fills.iter().map(|f| f.side.sign() * f.qty.get()).sum();
        prop_assert_eq!(filled, venue.position);
        prop_assert_eq!(fills.len() as u64, trader.telemetry().fills());
    }

    /// Reports in their proper order: every order that the trader believes in exists, and none
    /// beside.
    /// spec: 02-5.1
    #[test]
    fn both_sides_agree_on_what_rests(params in params(), steps in steps(300)) {
        let mut venue = Venue::new(params, true);
        for step in steps {
            venue.step(step);
        }
        venue.settle();
        prop_assert_eq!(venue.trader.telemetry().illegal_transitions, 0);
        prop_assert_eq!(venue.trader.telemetry().orphan_reports, 0);
        let mine: Vec<_> = venue.trader.open_orders().map(|o| o.cid).collect();
        for (cid, order) in &venue.resting {
            let known = venue.trader.open_orders().find(|o| o.cid == *cid);
            prop_assert!(known.is_some(), "{cid:?} of {mine:?}");
            let known = known.unwrap();
            prop_assert_eq!(known.px, order.px);
            prop_assert_eq!(known.open_qty.get(), order.total - order.cum);
        }
        let orders: Vec<_> = venue.trader.open_orders().collect();
        prop_assert_eq!(mine.len(), venue.resting.len(), "{:?}", orders);
    }

    /// spec: 02-11.1/1, 02-5.3/6
    #[test]
    fn no_limit_is_exceeded_at_any_event(
        params in params(), steps in steps(300), in_order in any::<bool>(),
    ) {
        let mut venue = Venue::new(params, in_order);
        let lot_usd = |px: i64| px as f64 * 1e-4;
        let mut sent = 0;
        // each order was judged at its own price, none of which is below this
        let mut lowest = venue.mid;
        for step in steps {
            let before = venue.seen.len();
            venue.step(step);
            for (action, _) in &venue.seen[before..] {
                sent += 1;
                let (px, qty) = match action {
                    Action::Place(order) => (order.px, order.qty),
                    Action::Amend { px, total_qty, .. } => (*px, *total_qty),
                    Action::Cancel { .. } => continue,
                };
                lowest = lowest.min(px.get());
                if let Action::Place(_) = action {
                    let notional_usd = lot_usd(px.get()) * qty.get() as f64;
                    prop_assert!(notional_usd <= params.risk.max_order_notional_usd + 1e-6);
                }
            }
            for side in Side::BOTH {
                let active = venue.trader.open_orders().filter(|o| o.side == side).count();
                prop_assert!(active <= 3, "{active} orders on a side");
                // out of order, what the trader believes is judged, and a fill that comes after the
                // end of its order could not be known before
                let (held, open) = if in_order {
                    (venue.position, worst_open(&venue, side))
                } else {
                    (venue.trader.position().get(), believed(&venue, side))
                };
                let known = side.sign() * held + open - venue.late[side.index()];
                // a reducing order is never refused
                let usd = known as f64 * lot_usd(lowest);
                let limit_usd = params.risk.max_position_usd + 1e-6;
                prop_assert!(open == 0 || usd <= limit_usd, "{side:?}: {held} held, {open} open");
            }
        }
        let t = venue.trader.telemetry();
        prop_assert_eq!(t.places + t.amends + t.cancels, sent);
    }

    /// Any report about any order with any numbers: no panic, and what was booked still adds up.
    #[test]
    fn nonsense_does_no_harm(
        params in params(), steps in steps(60), nonsense in prop::collection::vec(nonsense(), 60),
    ) {
        let mut venue = Venue::new(params, false);
        for (step, (pick, kind, ts)) in steps.into_iter().zip(nonsense) {
            venue.step(step);
            let known: Vec<_> = venue.seen.iter().map(|a| a.0.cid()).collect();
            let cid = known.get(pick).copied().unwrap_or(Cid::new(pick as u64 * 257));
            venue.deliver(&ExecReport { cid, ts_exch: TsNs::new(ts), kind });
        }
        venue.settle();
        let trader = &mut venue.trader;
        let booked: i64 = trader.take_fills().iter().map(|f| f.side.sign() * f.qty.get()).sum();
        let edge = trader.finish(&mut venue.market);
        prop_assert!(edge.is_ok(), "{edge:?}");
        let rest: i64 = trader.take_fills().iter().map(|f| f.side.sign() * f.qty.get()).sum();
        prop_assert_eq!(booked + rest, trader.position().get());
    }

    /// spec: 02-6
    #[test]
    fn block_accounting_adds_up(params in params(), steps in steps(200)) {
        let mut venue = Venue::new(params, false);
        for step in steps {
            venue.step(step);
        }
        let t = venue.trader.telemetry();
        let by_detail: u64 = BlockDetail::ALL.iter().map(|d| t.blocks.count(*d)).sum();
        let by_reason: u64 = BlockReason::ALL.iter().map(|r| t.blocks.count_of(*r)).sum();
        prop_assert_eq!(by_detail, by_reason);
        prop_assert_eq!(by_detail, t.blocks.total());
        prop_assert_eq!(t.attempts, t.places + t.amends + t.cancels + t.blocks.total());
        for reason in BlockReason::ALL {
            prop_assert!(t.blocks.blocked_by(reason) <= t.blocks.total_iterations());
            prop_assert!(t.blocks.blocked_by(reason) <= t.blocks.count_of(reason));
            prop_assert_eq!(t.blocks.blocked_by(reason) == 0, t.blocks.count_of(reason) == 0);
        }
    }

    /// spec: 02-16
    #[test]
    fn the_same_events_give_the_same_requests_and_state(params in params(), steps in steps(150)) {
        let run = |steps: &[Step]| {
            let mut venue = Venue::new(params, false);
            for step in steps {
                venue.step(*step);
            }
            (venue.seen.clone(), venue.trader.state_hash())
        };
        prop_assert_eq!(run(&steps), run(&steps));
    }

    #[test]
    fn the_reference_strategy_holds_its_limit_and_its_money(steps in steps(300)) {
        let mut venue = Venue::new(reference(), true);
        for step in steps {
            venue.step(step);
            // one order of ten lots on top of the limit of forty may be on its way on either side,
            // and one more on its way out
            prop_assert!(venue.position.abs() <= 40 + 20 * 10);
        }
        venue.settle();
        prop_assert_eq!(venue.trader.position().get(), venue.position);
        let totals = venue.trader.finish(&mut venue.market);
        prop_assert!(totals.is_ok(), "{totals:?}");
    }

    /// spec: 02-1, 02-5.3/1
    #[test]
    fn after_a_stop_nothing_is_placed_and_everything_goes(
        params in params(), before in steps(120), after in steps(120),
    ) {
        let mut venue = Venue::new(params, true);
        for step in before {
            venue.step(step);
        }
        let mut out = mmbot_types::ActionBuf::new();
        venue.trader.stop(venue.now(), &mut out);
        venue.requests.extend(out.as_slice().iter().map(|a| a.0));
        let from = venue.seen.len();
        for step in after {
            venue.step(step);
        }
        venue.settle();
        let cancels_only = |a: &(Action, _)| matches!(a.0, Action::Cancel { .. });
        prop_assert!(venue.seen[from..].iter().all(cancels_only));
        prop_assert!(venue.resting.is_empty(), "{:?}", venue.resting);
        prop_assert_eq!(venue.trader.open_orders().count(), 0);
    }
}

#[test]
fn the_random_venue_reaches_what_it_is_meant_to_reach() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut fills, mut amends, mut duplicates, mut blocks) = (0, 0, 0, [0u64; 4]);
    for _ in 0..60 {
        let p = params().new_tree(&mut runner).unwrap().current();
        let mut venue = Venue::new(p, false);
        for step in steps(300).new_tree(&mut runner).unwrap().current() {
            venue.step(step);
        }
        let t = venue.trader.telemetry();
        fills += t.fills();
        amends += t.amends;
        duplicates += t.duplicate_fills;
        for (sum, reason) in blocks.iter_mut().zip(BlockReason::ALL) {
            *sum += t.blocks.count_of(reason);
        }
    }
    assert!(
        fills > 500 && amends > 50 && duplicates > 20,
        "{fills} {amends} {duplicates}"
    );
    assert!(blocks[0] > 100 && blocks[3] > 100, "{blocks:?}");
}

#[test]
fn an_external_trader_without_targets_takes_its_orders_out() {
    let mut p = Params::default();
    p.quote.kind = QuoterKind::External;
    let mut venue = Venue::new(p, true);
    venue.step(Step::Book {
        after_ms: 1,
        ticks: 0,
        lean: 50,
    });
    assert!(venue.seen.is_empty());
    let view: MarketView = venue.market.view(venue.now());
    assert!(view.synced && view.bid_qty == QtyLot::new(50));
}
