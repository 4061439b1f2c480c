//! The ladder against its naive twin: any sequence of updates leaves them equal.

use mmbot_book::{BookRead, Ladder, NaiveBook, state_hash};
use mmbot_types::{PriceTick, QtyLot, Side};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Op {
    Set { side: Side, px: i64, qty: i64 },
    Clear,
}

fn op(span: i64) -> impl Strategy<Value = Op> {
    let set = (any::<bool>(), 0..span, 0i64..4).prop_map(|(buy, px, qty)| Op::Set {
        side: if buy { Side::Buy } else { Side::Sell },
        px,
        qty,
    });
    prop_oneof![200 => set, 1 => Just(Op::Clear)]
}

/// Updates around a centre that jumps now and then by more than the ladder's window.
fn walk() -> impl Strategy<Value = Vec<Op>> {
    let burst = (0i64..40_000, prop::collection::vec(op(300), 1..60));
    prop::collection::vec(burst, 1..12).prop_map(|bursts| {
        let shift = |centre: i64, op: Op| match op {
            Op::Set { side, px, qty } => Op::Set {
                side,
                px: px + centre,
                qty,
            },
            Op::Clear => Op::Clear,
        };
        bursts
            .into_iter()
            .flat_map(|(c, ops)| ops.into_iter().map(move |o| shift(c, o)))
            .collect()
    })
}

fn apply(book: &mut Ladder, ops: &[Op]) {
    for op in ops {
        match *op {
            Op::Set { side, px, qty } => {
                book.set(side, PriceTick::new(px), QtyLot::new(qty));
            }
            Op::Clear => book.clear(),
        }
    }
}

fn check(ops: &[Op]) -> Result<(), TestCaseError> {
    let (mut fast, mut slow) = (Ladder::new(), NaiveBook::new());
    for op in ops {
        match *op {
            Op::Set { side, px, qty } => {
                let (px, qty) = (PriceTick::new(px), QtyLot::new(qty));
                prop_assert_eq!(fast.set(side, px, qty), slow.set(side, px, qty));
            }
            Op::Clear => {
                fast.clear();
                slow.clear();
            }
        }
        for side in Side::BOTH {
            prop_assert_eq!(fast.best(side), slow.best_of(side));
        }
    }
    for side in Side::BOTH {
        let levels = slow.all_levels(side);
        prop_assert_eq!(&fast.all_levels(side), &levels);
        let three: i64 = levels.iter().take(3).map(|(_, q)| q.get()).sum();
        prop_assert_eq!(fast.depth(side, 3).get(), three);
        check_within(&fast, side, &levels)?;
    }
    let crossed =
        matches!((fast.best(Side::Buy), fast.best(Side::Sell)), (Some(b), Some(a)) if b >= a);
    prop_assert_eq!(fast.is_crossed(), crossed);
    prop_assert_eq!(fast.touch().is_some(), fast.mid().is_some());
    prop_assert_eq!(state_hash(&fast), state_hash(&slow));
    Ok(())
}

/// Walks to, short of and beyond each level show exactly what lies on the way.
fn check_within(
    book: &Ladder,
    side: Side,
    levels: &[(PriceTick, QtyLot)],
) -> Result<(), TestCaseError> {
    let ends = levels
        .iter()
        .flat_map(|(px, _)| [-1, 0, 1].map(|by| px.get() + by));
    let ends: Vec<i64> = ends.chain([i64::MIN / 2, 0, i64::MAX / 2]).collect();
    for end in ends.iter().step_by(1 + ends.len() / 40) {
        let limit = PriceTick::new(*end);
        let mut shown = Vec::new();
        book.each_within(side, limit, |px, qty| shown.push((px, qty)));
        let within = levels.iter().filter(|(px, _)| !side.better(limit, *px));
        prop_assert_eq!(shown, within.copied().collect::<Vec<_>>());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// spec: 01-8.1/1
    #[test]
    fn near_the_touch(ops in prop::collection::vec(op(200), 1..400)) {
        check(&ops)?;
    }

    /// spec: 01-8.1/1
    #[test]
    fn over_several_windows(ops in prop::collection::vec(op(20_000), 1..300)) {
        check(&ops)?;
    }

    #[test]
    fn a_book_that_was_written_and_read_goes_on_like_the_first(ops in walk(), cut in 0.0f64..1.0) {
        let (before, after) = ops.split_at((ops.len() as f64 * cut) as usize);
        let mut book = Ladder::new();
        apply(&mut book, before);
        let bytes = postcard::to_allocvec(&book).unwrap();
        let mut read: Ladder = postcard::from_bytes(&bytes).unwrap();
        for op in after {
            apply(&mut book, &[*op]);
            apply(&mut read, &[*op]);
            prop_assert_eq!(book.touch(), read.touch());
        }
        prop_assert_eq!(state_hash(&book), state_hash(&read));
        prop_assert_eq!(postcard::to_allocvec(&book), postcard::to_allocvec(&read));
    }

    #[test]
    fn with_jumping_centre(ops in walk()) {
        check(&ops)?;
    }
}

#[test]
fn a_hash_tells_sides_and_sizes_apart() {
    let px = PriceTick::new(100);
    let mut hashes = Vec::new();
    for (side, qty) in [(Side::Buy, 1), (Side::Buy, 2), (Side::Sell, 1)] {
        let mut book = Ladder::new();
        book.set(side, px, QtyLot::new(qty));
        hashes.push(state_hash(&book));
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 3);
}
