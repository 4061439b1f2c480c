//! The same world seen otherwise: a market whose prices and money are ten times larger, and a
//! market in a mirror. The whole path of a decision is under test: engine, session, allocator,
//! guards, quoter, orders, fills.

#![allow(clippy::unwrap_used)] // in tests a failure is a panic

use mmbot_core::{Engine, Event, Request};
use mmbot_types::rng::StreamRng;
use mmbot_types::{
    Action, Cause, Cid, ExecPrice, ExecReport, FeeRate, Instrument, InstrumentIdx, Liquidity,
    Money, PRICE_SCALE, Params, PriceTick, QtyLot, ReportKind, RowKind, SessionParams, Side, TsNs,
};
use std::collections::BTreeMap;

const IT: InstrumentIdx = InstrumentIdx(0);
/// The mirror stands here, ticks. Spreads and moves are small against it: a basis point of a higher
/// price is more, which has no mirror.
const MIDDLE: i64 = 100_000_000;

/// How a world is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Lens {
    tick: &'static str,
    /// USD of this world per USD of the first.
    money: f64,
    mirrored: bool,
}

const PLAIN: Lens = Lens {
    tick: "0.0001",
    money: 1.0,
    mirrored: false,
};

#[derive(Debug, Clone, Copy)]
struct Resting {
    side: Side,
    px: i64,
    open: i64,
    cum: i64,
}

/// A session of one symbol with a venue that does what is asked at once and fills what the market
/// reaches.
struct World {
    lens: Lens,
    engine: Engine,
    resting: BTreeMap<Cid, Resting>,
    now_ms: i64,
    fills: usize,
    causes: BTreeMap<&'static str, usize>,
}

fn params(lens: Lens) -> Params {
    let mut p = Params::default();
    p.quote.base_spread_bps = 0.4;
    p.quote.k_vola_spread = 0.05;
    p.quote.levels_per_side = 2;
    p.quote.skew_coeff = 0.9;
    p.risk.max_position_usd = 20_000.0 * lens.money;
    p.risk.max_order_notional_usd = 9_000.0 * lens.money;
    p.risk.max_gross_exposure_usd = 60_000.0 * lens.money;
    // the replace throttle serves the farthest order first, and a tie has no mirror
    p.replace.min_interval_ms = 0;
    p.replace.max_concurrent = 100.0;
    p.replace.replace_rate_per_min = 1_000_000;
    p.replace.min_time_in_book_ms = 200;
    p.replace.replace_threshold_bps = 0.125;
    // the walk goes in tenths of a basis point: no threshold is one
    p.anti_stale.price_drift_bps = 0.15;
    p
}

fn session(lens: Lens) -> SessionParams {
    let mut s = SessionParams::default();
    s.portfolio.budget_usd *= lens.money;
    s.portfolio.cost.slippage_k_bps_per_kusd /= lens.money;
    s.portfolio.cost.min_volume_usd *= lens.money;
    s.risk.initial_equity_usd = 100_000.0 * lens.money;
    s.runtime_guard.thresholds.pnl_slope_min_usd_per_min *= lens.money;
    s.pos_skew.per_symbol_abs_limit_usd = 12_000.0 * lens.money;
    s.throttle.max_creates_per_sec = 1e6;
    s.throttle.max_amends_per_sec = 1e6;
    s.throttle.max_cancels_per_sec = 1e6;
    s.throttle.session_creates_per_sec = 1e6;
    s.throttle.session_cancels_per_sec = 1e6;
    s
}

impl World {
    fn new(lens: Lens) -> Self {
        let least_usd = 300.0 * lens.money;
        let instrument = Instrument::new("X", lens.tick, "0.001", "0.001", least_usd, 1.0).unwrap();
        Self {
            lens,
            engine: Engine::new(vec![(instrument, params(lens))], session(lens)).unwrap(),
            resting: BTreeMap::new(),
            now_ms: 1_000_000,
            fills: 0,
            causes: BTreeMap::new(),
        }
    }

    fn side(&self, side: Side) -> Side {
        if self.lens.mirrored {
            side.opposite()
        } else {
            side
        }
    }

    fn px(&self, px: i64) -> i64 {
        if self.lens.mirrored {
            2 * MIDDLE - px
        } else {
            px
        }
    }

    /// Time passes and a book arrives: best prices and their sizes as the first world sees them.
    fn book(&mut self, after_ms: i64, best: [i64; 2], sizes: [i64; 2]) {
        self.now_ms += after_ms;
        self.row(RowKind::Reset, Side::Buy, 0, 0, false);
        for (at, side) in Side::BOTH.into_iter().enumerate() {
            let (of, px) = (self.side(side), self.px(best[at]));
            self.row(RowKind::Depth, of, px, sizes[at], at == 1);
        }
        self.match_at(best);
    }

    fn row(&mut self, kind: RowKind, side: Side, px: i64, qty: i64, last: bool) {
        let now = self.now();
        let row = mmbot_types::EventRow {
            kind,
            side,
            last,
            px: PriceTick::new(px),
            qty: QtyLot::new(qty),
            ts_exch: now,
            ts_local: now,
        };
        self.tell(&Event::Market(IT, row));
    }

    fn now(&self) -> TsNs {
        TsNs::ZERO.plus_ms(self.now_ms)
    }

    fn tell(&mut self, event: &Event) {
        let mut out = Vec::new();
        self.engine.on_event(self.now(), event, &mut out).unwrap();
        for request in out {
            self.obey(request);
        }
    }

    fn obey(&mut self, request: Request) {
        *self.causes.entry(request.cause.name()).or_default() += 1;
        let cid = request.action.cid();
        let kind = match request.action {
            Action::Place(order) => {
                let fresh = Resting {
                    side: order.side,
                    px: order.px.get(),
                    open: order.qty.get(),
                    cum: 0,
                };
                self.resting.insert(cid, fresh);
                ReportKind::Accepted
            }
            Action::Amend { px, total_qty, .. } => {
                let order = self.resting.get_mut(&cid).unwrap();
                (order.px, order.open) = (px.get(), total_qty.get() - order.cum);
                let open_qty = QtyLot::new(order.open);
                ReportKind::Amended { px, open_qty }
            }
            Action::Cancel { .. } => {
                self.resting.remove(&cid);
                ReportKind::Cancelled
            }
        };
        self.report(cid, kind);
    }

    fn report(&mut self, cid: Cid, kind: ReportKind) {
        let ts_exch = self.now();
        self.tell(&Event::Report(IT, ExecReport { cid, ts_exch, kind }));
    }

    /// What the other side's best price has reached fills whole.
    fn match_at(&mut self, best: [i64; 2]) {
        let (bid, ask) = (self.px(best[0]), self.px(best[1]));
        let (bid, ask) = (bid.min(ask), bid.max(ask));
        let reached = |order: &Resting| match order.side {
            Side::Buy => order.px >= ask,
            Side::Sell => order.px <= bid,
        };
        let hit: Vec<_> = self.resting.iter().filter(|o| reached(o.1)).collect();
        let mut hit: Vec<_> = hit.into_iter().map(|(cid, order)| (*cid, *order)).collect();
        hit.sort_by_key(|(_, order)| (order.px - (bid + ask) / 2).abs());
        for (cid, order) in hit {
            if !self.resting.contains_key(&cid) {
                continue;
            }
            self.resting.remove(&cid);
            self.fills += 1;
            let px = ExecPrice::new(order.px * PRICE_SCALE);
            let qty = QtyLot::new(order.open);
            let fee = FeeRate::from_bps(1.0).unwrap();
            let kind = ReportKind::Filled {
                px,
                qty,
                cum_qty: QtyLot::new(order.cum + order.open),
                liquidity: Liquidity::Maker,
                fee: fee.fee_on(Money::notional(px, qty)),
            };
            self.report(cid, kind);
        }
    }

    /// What rests, as the first world sees it: side, price, quantity, from the touch outward.
    fn quotes(&self) -> Vec<(Side, i64, i64)> {
        let seen = |o: &Resting| (self.side(o.side), self.px(o.px), o.open);
        let mut quotes: Vec<_> = self.resting.values().map(seen).collect();
        quotes.sort_unstable_by_key(|(side, px, _)| (side.index(), -side.sign() * px));
        quotes
    }

    fn position(&self) -> i64 {
        let held = self.engine.trader(IT).unwrap().position().get();
        if self.lens.mirrored { -held } else { held }
    }
}

/// A walk in tenths of a basis point of the middle, with changing sizes.
fn walk(seed: u64, steps: usize, mut each: impl FnMut(i64, [i64; 2], [i64; 2])) {
    let mut rng = StreamRng::new(seed, "metamorphic");
    let mut mid = MIDDLE;
    for _ in 0..steps {
        let after_ms = 20 + rng.below(300) as i64;
        mid += 1_000 * (rng.below(7) as i64 - 3);
        mid = mid.clamp(MIDDLE - 30_000, MIDDLE + 30_000);
        let half = 100 + 100 * rng.below(3) as i64;
        let sizes = [10 + rng.below(81) as i64, 10 + rng.below(81) as i64];
        each(after_ms, [mid - half, mid + half], sizes);
    }
}

/// spec: 02-2, 02-5.2, 02-5.3/6, 02-5.4, 03-3
#[test]
fn prices_and_money_times_ten_change_no_tick_and_no_lot() {
    let larger = Lens {
        tick: "0.001",
        money: 10.0,
        ..PLAIN
    };
    let mut fills = 0;
    for seed in 0..20 {
        let (mut a, mut b) = (World::new(PLAIN), World::new(larger));
        walk(seed, 600, |after_ms, best, sizes| {
            a.book(after_ms, best, sizes);
            b.book(after_ms, best, sizes);
            assert_eq!(a.quotes(), b.quotes(), "seed {seed} at {} ms", a.now_ms);
        });
        assert_eq!((a.position(), &a.causes), (b.position(), &b.causes));
        let usd = |w: &World| w.engine.trader(IT).unwrap().equity_usd(Default::default());
        let (small, large) = (usd(&a), usd(&b));
        assert!((large / small - 10.0).abs() < 1e-9, "{small} {large}");
        fills += a.fills;
    }
    assert!(fills > 200, "{fills} fills: the walk has to trade");
}

/// spec: 02-2, 02-2/3, 02-5.2, 02-9/2, 02-11.3/1, 02-D3
#[test]
fn a_mirrored_market_gets_mirrored_decisions() {
    let mirrored = Lens {
        mirrored: true,
        ..PLAIN
    };
    let (mut fills, mut causes) = (0, BTreeMap::new());
    for seed in 0..20 {
        let (mut a, mut b) = (World::new(PLAIN), World::new(mirrored));
        walk(seed, 600, |after_ms, best, sizes| {
            a.book(after_ms, best, sizes);
            b.book(after_ms, best, sizes);
            let (x, y) = (a.quotes(), b.quotes());
            assert_eq!(x.len(), y.len(), "seed {seed} at {}: {x:?} {y:?}", a.now_ms);
            for (x, y) in x.iter().zip(&y) {
                // 0.01 bps and 2% of a whole level apart
                let near = (x.1 - y.1).abs() <= 100 && (x.2 - y.2).abs() <= 9;
                assert!(
                    x.0 == y.0 && near,
                    "seed {seed} at {}: {x:?} {y:?}",
                    a.now_ms
                );
            }
        });
        assert!((a.position() - b.position()).abs() <= 5 + a.position().abs() / 50);
        // an order that two rules take out may go by the one or the other
        let requests = |world: &World| world.causes.values().sum::<usize>();
        assert_eq!(requests(&a), requests(&b), "seed {seed}");
        fills += a.fills;
        for (cause, count) in a.causes {
            *causes.entry(cause).or_insert(0) += count;
        }
    }
    assert!(fills > 200, "{fills} fills: the walk has to trade");
    for cause in [Cause::Adverse, Cause::PriceDrift, Cause::Replace] {
        assert!(causes.contains_key(cause.name()), "{cause:?} of {causes:?}");
    }
}
