//! What a check shows of its judgement is what it judged by.

use super::tests::World;
use super::*;
use crate::session::Permit;
use proptest::prelude::*;

proptest! {
    /// The numbers that a check shows are those that it judges by.
    ///
    /// spec: 09-2
    #[test]
    fn a_check_refuses_exactly_what_is_beyond_the_limit_it_shows(
        (side, lots, replaced) in (any::<bool>(), 1i64..400, prop::option::of(1i64..400)),
        (position, bids, asks) in (-300i64..300, 0i64..300, 0i64..300),
        (max_usd, gross_usd, order_usd) in (0f64..6_000.0, 0f64..6_000.0, -1_000f64..4_000.0),
        (budget_usd, levels, active) in (0f64..6_000.0, 0u32..4, 0u32..4),
    ) {
        let side = if side { Side::Buy } else { Side::Sell };
        let mut world = World::new();
        world.position = position;
        world.open(Side::Buy, bids);
        world.open(Side::Sell, asks);
        world.risk.max_position_usd = max_usd;
        world.risk.max_order_notional_usd = order_usd.max(0.0);
        world.risk.max_active_per_side = active;
        world.permit = Permit::alone(budget_usd, gross_usd, 0.0);
        if let Some(budget) = &mut world.permit.budget {
            budget.levels_max = levels;
        }
        let (context, proposal) = world.asked(side, lots, replaced);
        for check in ORDER_CHECKS {
            let figure = (check.figure)(&context, &proposal);
            let mut judged = proposal;
            let refused = (check.judge)(&context, &mut judged).is_err();
            match check.name {
                "portfolio_budget" => {
                    prop_assert_eq!(judged.qty.get() as f64, match refused {
                        true => figure.value,
                        false => figure.value.min(figure.limit),
                    });
                }
                // reducing orders pass whatever they lead to
                "position" | "gross_exposure" if context.is_reducing(&proposal) => {
                    prop_assert!(!refused);
                }
                // an amend adds no order
                "active_orders" | "portfolio_levels" if replaced.is_some() => {
                    prop_assert!(!refused);
                }
                name => prop_assert_eq!(refused, figure.value > figure.limit, "{}", name),
            }
        }
    }

    /// spec: 09-2
    #[test]
    fn traced_checks_judge_as_untraced_ones(lots in 1i64..400, budget_usd in 0f64..6_000.0) {
        let mut world = World::new();
        world.permit = Permit::alone(budget_usd, f64::INFINITY, 0.0);
        let (context, proposal) = world.asked(Side::Buy, lots, None);
        let mut trace = Trace::default();
        let judged = context.check_traced(proposal, &mut trace);
        prop_assert_eq!(judged, context.check(proposal));
        let refuses = |c: &OrderCheck| (c.judge)(&context, &mut { proposal }).is_err();
        let passed = ORDER_CHECKS.iter().position(refuses);
        prop_assert_eq!(trace.steps.len(), passed.map_or(ORDER_CHECKS.len(), |at| at + 1));
    }
}
