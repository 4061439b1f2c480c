//! Invariants of the allocator over random worlds.

use super::*;
use mmbot_types::{BudgetParams, CostParams, InstrumentIdx, PortfolioParams, TsNs};
use proptest::prelude::*;

fn usd(max: f64) -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..max]
}

fn seen(max: f64) -> impl Strategy<Value = Option<Observation>> {
    prop::option::of((usd(max), 0i64..90_000)).prop_map(|seen| {
        seen.map(|(value, ms)| Observation {
            value,
            ts: TsNs::ZERO.plus_ms(-ms),
        })
    })
}

prop_compose! {
    fn costs()(
        s in prop::array::uniform4(0.0..=1.0f64),
        depth in usd(1e6),
        floors in prop::array::uniform2(0.0..=1.0f64),
        fee_bps in -50.0..200.0f64,
    ) -> CostParams {
        CostParams {
            fee_bps,
            cost_sensitivity: s[0],
            fill_rate_sensitivity: s[1],
            liquidity_sensitivity: s[2],
            turnover_sensitivity: s[3],
            liquidity_depth_usd_target: depth,
            liquidity_min_floor: floors[0],
            turnover_floor: floors[1],
            ..CostParams::default()
        }
    }
}

prop_compose! {
    fn portfolios()(
        budget_usd in usd(1e8),
        max_weight in 0.0..=1.0f64,
        sens in prop::array::uniform2(0.0..=1.0f64),
        budget_min_usd in usd(200.0),
        cost in costs(),
        own in costs(),
        ratio in 0.0..=1.0f64,
        base_units in usd(3.0),
    ) -> PortfolioParams {
        let mut p = PortfolioParams {
            budget_usd,
            max_weight,
            budget: BudgetParams {
                pnl_sensitivity: sens[0],
                drawdown_soft_cap: sens[1],
                budget_min_usd,
            },
            cost,
            cost_per_symbol: vec![(InstrumentIdx(0), own)],
            ..PortfolioParams::default()
        };
        p.smoothing.max_delta_ratio = ratio;
        p.smoothing.max_delta_abs_base_units = base_units;
        p
    }
}

prop_compose! {
    fn symbols()(
        spread_bps in seen(100.0),
        volume_usd in seen(1e4),
        depth_usd in seen(1e6),
        fill_rate in 0.0..=1.0f64,
        turnover_usd in usd(1e7),
        position_usd in -1e6..1e6f64,
        flags in prop::array::uniform2(prop::bool::weighted(0.1)),
        mid_usd in usd(1e5),
        signals in prop::array::uniform2(-1.0..=1.0f64),
        sigma in prop::option::of(0.0..5.0f64),
    ) -> SymbolInputs {
        SymbolInputs {
            spread_bps,
            volume_usd,
            depth_usd,
            slippage: SlippageOverride::default(),
            fill_rate,
            turnover_usd,
            position_usd,
            skew_frozen: flags[0],
            color_breach: flags[1],
            mid_usd,
            imbalance: signals[0],
            micro_tilt: signals[1],
            sigma,
        }
    }
}

prop_compose! {
    fn accounts()(
        equity_usd in prop::option::of(usd(2e8)),
        foreign_margin_usd in usd(1e5),
        flow_usd in -1e4..1e4f64,
        intraday_breached in prop::bool::weighted(0.05),
        tilt_blocked in any::<bool>(),
    ) -> AccountInputs {
        AccountInputs {
            now: TsNs::ZERO,
            equity_usd,
            foreign_margin_usd,
            flow_usd,
            intraday_breached,
            tilt_blocked,
        }
    }
}

/// Weights that sum to 1, from any positive numbers.
fn weights(raw: &[f64]) -> Vec<f64> {
    let total: f64 = raw.iter().sum();
    raw.iter().map(|x| x / total).collect()
}

type World = Vec<(AccountInputs, Vec<SymbolInputs>)>;

fn world(count: usize) -> impl Strategy<Value = (Vec<f64>, World)> {
    let tick = (accounts(), prop::collection::vec(symbols(), count));
    let raw = prop::collection::vec(0.001..1.0f64, count);
    (raw, prop::collection::vec(tick, 1..6)).prop_map(|(raw, world)| (weights(&raw), world))
}

/// One tick: what came out, the targets after each stage, what it left behind.
type Ran = (Allocation, Vec<(Stage, Vec<f64>)>, AllocatorState);

/// Runs a world and gives each tick's allocation, stage table and state.
fn run(
    params: &PortfolioParams,
    weights: &[f64],
    order: &[InstrumentIdx],
    world: &World,
) -> Vec<Ran> {
    let mut state = AllocatorState::default();
    let mut out = Allocation::default();
    let given = Weights {
        weights,
        order,
        fee_tilt: FeeTilt::Worth(1.0),
    };
    let mut ticks = Vec::new();
    for (account, symbols) in world {
        let mut table = Vec::new();
        tick(
            params, given, &mut state, account, symbols, &mut out, &mut table,
        );
        ticks.push((out.clone(), table, state.clone()));
    }
    ticks
}

fn order(count: u16) -> Vec<InstrumentIdx> {
    (0..count).map(InstrumentIdx).collect()
}

proptest! {
    /// spec: 03-10, 03-4, 03-3
    #[test]
    fn targets_never_pass_the_limit_nor_lie_below_the_least(
        params in portfolios(),
        (given, world) in (1usize..9).prop_flat_map(world),
    ) {
        let names = order(u16::try_from(given.len()).unwrap());
        let ticks = run(&params, &given, &names, &world);
        for ((out, table, state), (account, _)) in ticks.iter().zip(&world) {
            let sum: f64 = out.targets.iter().map(|target| target.target_usd).sum();
            prop_assert!(sum <= out.limit_usd + 1e-9 + sum * 1e-15, "{sum} {}", out.limit_usd);
            for target in &out.targets {
                let usd = target.target_usd;
                prop_assert!(usd == 0.0 || usd >= params.budget.budget_min_usd);
                prop_assert!(usd >= 0.0 && usd.is_finite());
                prop_assert!((1..=100).contains(&target.max_levels));
            }
            let breached = account.intraday_breached;
            prop_assert_eq!(out.targets.len(), if breached { 0 } else { given.len() });
            prop_assert_eq!(table.len(), if breached { 0 } else { 12 });
            let stages: Vec<Stage> = table.iter().map(|(stage, _)| *stage).collect();
            prop_assert!(breached || stages == Stage::ALL);
            prop_assert!(state.hwm_equity_usd >= account.equity_usd.unwrap_or(0.0));
        }
    }

    /// spec: 03-10
    #[test]
    fn repetition_and_the_order_of_the_configuration_change_no_bit(
        mut params in portfolios(),
        (given, world) in (1usize..9).prop_flat_map(world),
    ) {
        params.cost_per_symbol.clear();
        let count = u16::try_from(given.len()).unwrap();
        let ticks = run(&params, &given, &order(count), &world);
        let again = run(&params, &given, &order(count), &world);
        prop_assert_eq!(format!("{ticks:?}"), format!("{again:?}"));
        // the same symbols listed backwards: the lexicographic order is the same
        let backwards: Vec<InstrumentIdx> = order(count).into_iter().rev().collect();
        let turned: Vec<f64> = given.iter().rev().copied().collect();
        let other: World = world
            .iter()
            .map(|(account, symbols)| (*account, symbols.iter().rev().copied().collect()))
            .collect();
        let other = run(&params, &turned, &backwards, &other);
        for ((out, table, _), (out_other, table_other, _)) in ticks.iter().zip(&other) {
            prop_assert_eq!(table, table_other);
            let mut targets = out_other.targets.clone();
            targets.reverse();
            prop_assert_eq!(&out.targets, &targets);
        }
    }

    /// spec: 03-10, 03-5
    #[test]
    fn an_override_of_one_symbol_leaves_the_others_bit_identical_up_to_the_sum(
        params in portfolios(),
        (given, world) in (2usize..9).prop_flat_map(world),
    ) {
        let mut plain = params.clone();
        plain.cost_per_symbol.clear();
        let names = order(u16::try_from(given.len()).unwrap());
        let (one, other) = (
            run(&plain, &given, &names, &world[..1].to_vec()),
            run(&params, &given, &names, &world[..1].to_vec()),
        );
        for ((_, a, _), (_, b, _)) in one.iter().zip(&other) {
            for (stage_a, stage_b) in a.iter().zip(b).take(9) {
                prop_assert_eq!(&stage_a.1[1..], &stage_b.1[1..]);
            }
        }
    }

    /// spec: 03-10, 03-5.1, 03-5.4, 03-5.5, 03-5.6
    #[test]
    fn attenuations_are_in_the_unit_interval_neutral_and_monotonic(
        mut params in costs(),
        (one, other) in (0.0..1e4f64, 0.0..1e4f64),
    ) {
        params.liquidity_depth_usd_target = 5_000.0;
        let (low, high) = (one.min(other), one.max(other));
        let by_cost = |bps| cost::attenuation(bps, params.cost_sensitivity);
        let by_turnover = |usd| flow::turnover_factor(usd, 3_000.0, &params);
        let by_rate = |x: f64| flow::fill_attenuation(x / 1e4, &params);
        let by_depth = |usd| flow::liquidity_attenuation(usd, &params);
        for (less, more) in [
            (by_cost(high), by_cost(low)),
            (by_turnover(high), by_turnover(low)),
            (by_rate(low), by_rate(high)),
            (by_depth(low), by_depth(high)),
        ] {
            prop_assert!(0.0 <= less && less <= more && more <= 1.0, "{less} {more}");
        }
        let neutral = [by_cost(0.0), by_turnover(0.0), by_rate(1e4), by_depth(5_000.0)];
        prop_assert_eq!(neutral, [1.0; 4]);
    }

    /// spec: 03-10
    #[test]
    fn sensitivity_zero_disables_a_stage_exactly(
        mut params in portfolios(),
        (given, world) in (1usize..9).prop_flat_map(world),
    ) {
        params.cost_per_symbol.clear();
        params.cost.cost_sensitivity = 0.0;
        params.cost.fill_rate_sensitivity = 0.0;
        params.cost.liquidity_sensitivity = 0.0;
        params.cost.turnover_sensitivity = 0.0;
        let names = order(u16::try_from(given.len()).unwrap());
        for (_, table, _) in run(&params, &given, &names, &world) {
            for pair in table.windows(2).skip(3).take(5) {
                prop_assert_eq!(&pair[0].1, &pair[1].1, "{:?}", pair[1].0);
            }
        }
    }
}
