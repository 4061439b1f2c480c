//! Limits on numbers worked out by hand. One tick times one lot is 0.0001 USD; a price of 100,000
//! ticks makes a lot cost 10 USD.

use super::*;
use mmbot_types::{Params, TsNs};

const PX: PriceTick = PriceTick::new(100_000);

pub(super) struct World {
    pub(super) instrument: Instrument,
    pub(super) risk: RiskParams,
    pub(super) exposure: Exposure,
    pub(super) position: i64,
    pub(super) permit: Permit,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            instrument: Instrument::new("X", "0.1", "0.001", "0.001", 5.0, 1.0).unwrap(),
            risk: Params::default().risk,
            exposure: Exposure::default(),
            position: 0,
            permit: Permit::alone(1e9, f64::INFINITY, 0.0),
        }
    }

    pub(super) fn open(&mut self, side: Side, lots: i64) {
        let at = side.index();
        let notional = Money::notional(PX.to_exec(), QtyLot::new(lots));
        self.exposure.open[at] += QtyLot::new(lots);
        self.exposure.notional[at] += notional;
        self.exposure.staying[at] += notional;
        self.exposure.active[at] += 1;
    }

    fn check(&self, side: Side, lots: i64, replaced: Option<i64>) -> Result<i64, BlockDetail> {
        let (context, proposal) = self.asked(side, lots, replaced);
        context.check(proposal).map(|allowed| allowed.qty.get())
    }

    pub(super) fn asked(
        &self,
        side: Side,
        lots: i64,
        replaced: Option<i64>,
    ) -> (CheckContext<'_>, Proposal) {
        let context = CheckContext {
            instrument: &self.instrument,
            risk: &self.risk,
            exposure: &self.exposure,
            position: QtyLot::new(self.position),
            mid: MidTick::of(PX, PX),
            permit: &self.permit,
        };
        let replaces = replaced.map(|lots| Replaced {
            open: QtyLot::new(lots),
            notional: Money::notional(PX.to_exec(), QtyLot::new(lots)),
        });
        let qty = QtyLot::new(lots);
        let proposal = Proposal {
            side,
            px: PX,
            qty,
            replaces,
        };
        (context, proposal)
    }
}

/// spec: 02-11.1/1, 02-5.3/6
#[test]
fn the_position_limit_counts_what_is_open_on_the_side() {
    let mut world = World::new();
    assert_eq!(
        world.check(Side::Buy, 1_000, None),
        Ok(1_000),
        "exactly the limit"
    );
    assert_eq!(
        world.check(Side::Buy, 1_001, None),
        Err(BlockDetail::LimitPosition)
    );
    world.open(Side::Buy, 600);
    assert_eq!(
        world.check(Side::Buy, 401, None),
        Err(BlockDetail::LimitPosition)
    );
    assert_eq!(world.check(Side::Sell, 1_000, None), Ok(1_000));
    world.position = 300;
    assert_eq!(
        world.check(Side::Buy, 101, None),
        Err(BlockDetail::LimitPosition)
    );
    assert_eq!(
        world.check(Side::Sell, 1_300, None),
        Ok(1_300),
        "from 300 long to 1,000 short"
    );
    assert_eq!(
        world.check(Side::Sell, 1_301, None),
        Err(BlockDetail::LimitPosition)
    );
}

/// spec: 02-11.1/1
#[test]
fn a_replaced_order_counts_at_its_larger_size_until_it_is_gone() {
    let mut world = World::new();
    world.open(Side::Buy, 700);
    assert_eq!(world.check(Side::Buy, 1_000, Some(700)), Ok(1_000));
    world.open(Side::Buy, 301);
    assert_eq!(
        world.check(Side::Buy, 600, Some(700)),
        Err(BlockDetail::LimitPosition)
    );
}

/// spec: 02-11.1/2, 02-D22
#[test]
fn a_reducing_order_passes_even_beyond_the_limit_and_no_larger_one() {
    let mut world = World::new();
    world.position = 5_000;
    assert_eq!(world.check(Side::Sell, 5_000, None), Ok(5_000));
    world.open(Side::Sell, 4_000);
    assert_eq!(world.check(Side::Sell, 1_000, None), Ok(1_000));
    world.risk.max_position_usd = 100.0;
    assert_eq!(
        world.check(Side::Sell, 1_001, None),
        Ok(1_001),
        "ends at one lot short: allowed"
    );
    assert_eq!(
        world.check(Side::Sell, 1_011, None),
        Err(BlockDetail::LimitPosition)
    );
    world.permit.gross_cap_usd = 1.0;
    assert_eq!(world.check(Side::Sell, 1_000, None), Ok(1_000));
    assert_eq!(
        world.check(Side::Sell, 1_001, None),
        Err(BlockDetail::LimitGrossExposure)
    );
}

/// spec: 02-11.1/2, 02-5.3/6
#[test]
fn gross_exposure_adds_the_position_and_all_open_orders_up_to_the_lent_share() {
    let mut world = World::new();
    world.permit.gross_cap_usd = 8_000.0;
    world.position = -100;
    world.open(Side::Buy, 200);
    world.open(Side::Sell, 200);
    assert_eq!(world.check(Side::Sell, 300, None), Ok(300));
    assert_eq!(
        world.check(Side::Sell, 301, None),
        Err(BlockDetail::LimitGrossExposure)
    );
    assert_eq!(world.check(Side::Sell, 500, Some(200)), Ok(500));
    assert_eq!(
        world.check(Side::Sell, 501, Some(200)),
        Err(BlockDetail::LimitGrossExposure)
    );
}

/// spec: 02-5.3/6
#[test]
fn one_order_and_their_number_have_limits() {
    let mut world = World::new();
    world.risk.max_order_notional_usd = 1_000.0;
    assert_eq!(world.check(Side::Buy, 100, None), Ok(100));
    assert_eq!(
        world.check(Side::Buy, 101, None),
        Err(BlockDetail::LimitOrderNotional)
    );
    world.risk.max_active_per_side = 1;
    world.open(Side::Buy, 1);
    assert_eq!(
        world.check(Side::Buy, 100, None),
        Err(BlockDetail::LimitActiveOrders)
    );
    assert_eq!(
        world.check(Side::Buy, 100, Some(1)),
        Ok(100),
        "a replace adds none"
    );
    assert_eq!(world.check(Side::Sell, 100, None), Ok(100));
}

/// spec: 02-5.4, 02-5.3/7
#[test]
fn the_budget_shrinks_an_order_and_a_position_uses_it_up() {
    let mut world = World::new();
    world.permit = Permit::alone(3_000.0, world.permit.gross_cap_usd, 0.0);
    world.risk.max_position_usd = 100_000.0;
    assert_eq!(world.check(Side::Buy, 900, None), Ok(300));
    world.open(Side::Buy, 200);
    assert_eq!(world.check(Side::Buy, 900, None), Ok(100));
    assert_eq!(
        world.check(Side::Buy, 900, Some(200)),
        Ok(300),
        "its own budget comes free"
    );
    world.position = 60;
    assert_eq!(world.check(Side::Buy, 900, None), Ok(40));
    assert_eq!(
        world.check(Side::Sell, 900, None),
        Ok(300),
        "held the other way"
    );
    world.position = 100;
    assert_eq!(
        world.check(Side::Buy, 900, None),
        Err(BlockDetail::PortfolioBudget)
    );
}

/// spec: 02-5.4
#[test]
fn what_the_venue_would_refuse_is_not_sent() {
    let mut world = World::new();
    world.instrument = Instrument::new("X", "0.1", "0.001", "0.003", 50.0, 1.0).unwrap();
    assert_eq!(
        world.check(Side::Buy, 4, None),
        Err(BlockDetail::PortfolioBudget),
        "40 USD"
    );
    assert_eq!(world.check(Side::Buy, 5, None), Ok(5));
    world.permit = Permit::alone(f64::NAN, world.permit.gross_cap_usd, 0.0);
    assert_eq!(
        world.check(Side::Buy, 5, None),
        Err(BlockDetail::PortfolioBudget)
    );
}

/// spec: 02-5.4 02-D22 02-5.3/7
#[test]
fn levels_of_the_target_bound_open_orders_and_autopolicy_lowers_them() {
    let mut world = World::new();
    if let Some(budget) = &mut world.permit.budget {
        budget.levels_max = 2;
    }
    world.open(Side::Buy, 1);
    assert_eq!(world.check(Side::Buy, 100, None), Ok(100));
    world.permit.calmer = Some(crate::session::Calmer {
        min_time_in_book_ms: 0,
        replace_threshold_bps: 0.0,
        levels_max: 1,
    });
    let refused = Err(BlockDetail::PortfolioLevels);
    assert_eq!(world.check(Side::Buy, 100, None), refused);
    assert_eq!(
        world.check(Side::Buy, 100, Some(1)),
        Ok(100),
        "a replace adds none"
    );
    assert_eq!(world.check(Side::Sell, 100, None), Ok(100));
}

/// spec: 02-5.3/4 02-5.3/5 02-11.1 02-D22
#[test]
fn only_orders_that_reduce_pass_while_expansion_is_held() {
    for (hold, detail) in [
        (
            crate::session::Holds::INTRADAY_CAPS,
            BlockDetail::IntradayCaps,
        ),
        (crate::session::Holds::POS_SKEW, BlockDetail::PosSkew),
        (crate::session::Holds::REDUCE_ONLY, BlockDetail::ReduceOnly),
    ] {
        let mut world = World::new();
        world.permit.holds.set(hold, true);
        world.position = 100;
        assert_eq!(world.check(Side::Buy, 1, None), Err(detail));
        assert_eq!(world.check(Side::Sell, 100, None), Ok(100));
        assert_eq!(
            world.check(Side::Sell, 101, None),
            Err(detail),
            "it would flip"
        );
        world.open(Side::Sell, 60);
        assert_eq!(world.check(Side::Sell, 40, None), Ok(40));
        assert_eq!(
            world.check(Side::Sell, 41, None),
            Err(detail),
            "with what is open"
        );
    }
}

/// spec: 02-5.3/6, 02-5.3/7
#[test]
fn checks_run_in_their_order() {
    let mut world = World::new();
    world.risk.max_order_notional_usd = 1.0;
    world.permit.gross_cap_usd = 1.0;
    world.permit = Permit::alone(0.0, world.permit.gross_cap_usd, 0.0);
    assert_eq!(
        world.check(Side::Buy, 2_000, None),
        Err(BlockDetail::LimitPosition)
    );
    assert_eq!(
        world.check(Side::Buy, 2, None),
        Err(BlockDetail::LimitGrossExposure)
    );
    world.permit.gross_cap_usd = f64::INFINITY;
    assert_eq!(
        world.check(Side::Buy, 2, None),
        Err(BlockDetail::LimitOrderNotional)
    );
    world.risk.max_order_notional_usd = 0.0;
    assert_eq!(
        world.check(Side::Buy, 2, None),
        Err(BlockDetail::PortfolioBudget)
    );
}

/// spec: 02-2/3
#[test]
fn an_adverse_book_suppresses_the_side_that_would_be_run_over() {
    let quote = Params::default().quote;
    let mut guard = AdverseGuard::default();
    let mut market = crate::Market::new(World::new().instrument, Params::default().signals, 1);
    let mut view_at = |bids: i64, asks: i64| {
        market.reset();
        market.depth(Side::Buy, PX, QtyLot::new(bids));
        market.depth(Side::Sell, PX.offset(1), QtyLot::new(asks));
        market.end_packet(TsNs::new(1), TsNs::new(1));
        market.view(TsNs::new(1))
    };
    let ms = |x: i64| TsNs::ZERO.plus_ms(x);
    assert_eq!(
        guard.update(&quote, &view_at(64, 36), ms(0)),
        [false, false]
    );
    assert_eq!(guard.update(&quote, &view_at(65, 35), ms(1)), [false, true]);
    assert_eq!(
        guard.update(&quote, &view_at(50, 50), ms(300)),
        [false, true],
        "pause"
    );
    assert_eq!(
        guard.update(&quote, &view_at(50, 50), ms(301)),
        [false, false]
    );
    assert_eq!(
        guard.update(&quote, &view_at(34, 66), ms(400)),
        [true, false]
    );
    let off = mmbot_types::QuoteParams {
        enable_adverse_guard: false,
        ..quote
    };
    assert_eq!(guard.update(&off, &view_at(1, 99), ms(400)), [false, false]);
}
