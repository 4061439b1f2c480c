//! The queues against the obvious book.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The obvious book: per side an ordered map of vectors.
#[derive(Default)]
struct Naive([BTreeMap<i32, Vec<(u64, i64)>>; 2]);

fn walk(lob: &Lob, px: i32) -> Vec<(u64, i64)> {
    let mut at = lob.level(px).head;
    let mut queue = Vec::new();
    while at != NIL {
        queue.push((lob.order(at).seq, lob.order(at).qty));
        at = lob.behind(at);
    }
    queue
}

fn agree(lob: &Lob, naive: &Naive) {
    for side in Side::BOTH {
        let book = &naive.0[side.index()];
        assert_eq!(lob.count(side) as usize, book.len());
        let mut prices: Vec<i32> = book.keys().copied().collect();
        if side == Side::Buy {
            prices.reverse();
        }
        let (Some(&best), Some(&outer)) = (prices.first(), prices.last()) else {
            continue;
        };
        assert_eq!((lob.best(side), lob.outer(side)), (best, outer));
        for pair in prices.windows(2) {
            assert_eq!(lob.next_outward(side, pair[0]), Some(pair[1]));
            assert_eq!(lob.next_inward(side, pair[1]), Some(pair[0]));
        }
        assert_eq!(lob.next_outward(side, outer), None);
        for (px, queue) in book {
            assert_eq!(&walk(lob, *px), queue);
            let total: i64 = queue.iter().map(|order| order.1).sum();
            assert_eq!(lob.level(*px).qty, total);
        }
    }
}

proptest! {
    #[test]
    fn queues_are_those_of_the_obvious_book(
        ops in prop::collection::vec((0u8..4, 0u32..1000, 0i32..200, 1i64..50), 1..200),
        base in 1_000i32..100_000,
    ) {
        let mut lob = Lob::new(512);
        let mut naive = Naive::default();
        for (op, pick, offset, qty) in ops {
            let side = if offset % 2 == 0 { Side::Buy } else { Side::Sell };
            let class = if pick % 2 == 0 { Class::Maker } else { Class::Patient };
            if op < 2 {
                let px = base + if side == Side::Buy { -offset - 1 } else { offset };
                let seq = lob.next_seq();
                let fresh = lob.add(side, class, px, qty);
                let queue = naive.0[side.index()].entry(px).or_default();
                prop_assert_eq!(fresh, queue.is_empty());
                queue.push((seq, qty));
            } else {
                let list = lob.list(side, class);
                if list.is_empty() {
                    continue;
                }
                let id = list[pick as usize % list.len()];
                let order = *lob.order(id);
                let queue = naive.0[side.index()].get_mut(&order.px).unwrap();
                let at = queue.iter().position(|o| o.0 == order.seq).unwrap();
                if op == 2 || order.qty <= qty {
                    queue.remove(at);
                    let empty = queue.is_empty();
                    if empty {
                        naive.0[side.index()].remove(&order.px);
                    }
                    prop_assert_eq!(lob.remove(id), empty);
                } else {
                    queue[at].1 -= qty;
                    lob.reduce(id, qty);
                }
            }
            agree(&lob, &naive);
        }
    }
}
