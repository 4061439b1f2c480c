//! Closed trades: FIFO matches of opening lots with closing fills, fees of both legs included.

use mmbot_types::{ExecPrice, Money, QtyLot, Side};
use std::collections::VecDeque;

#[derive(Debug, Clone, Copy)]
struct OpenLot {
    side: Side,
    qty: i64,
    px: ExecPrice,
    fee_left: i128,
}

/// Counts closed trades and how many of them earned.
#[derive(Debug, Clone, Default)]
pub struct RoundTrips {
    open: VecDeque<OpenLot>,
    /// FIFO matches so far.
    pub closed: u64,
    /// Those with a profit after the fees of both legs.
    pub profitable: u64,
}

impl RoundTrips {
    /// Notional at which the open lots were opened; negative for a short position.
    #[must_use]
    pub fn open_cost(&self) -> Money {
        let cost = |lot: &OpenLot| i128::from(lot.px.get()) * i128::from(lot.side.sign() * lot.qty);
        Money::new(self.open.iter().map(cost).sum())
    }

    /// Books a fill.
    pub fn on_fill(&mut self, side: Side, px: ExecPrice, qty: QtyLot, fee: Money) {
        let (mut left, mut fee_left) = (qty.get(), fee.get());
        while left > 0 {
            let Some(lot) = self.open.front_mut().filter(|lot| lot.side != side) else {
                break;
            };
            let matched = left.min(lot.qty);
            let lot_fee = share(lot.fee_left, matched, lot.qty);
            let own_fee = share(fee_left, matched, left);
            let gross = Money::signed_move(lot.side, px, lot.px, QtyLot::new(matched)).get();
            self.closed += 1;
            self.profitable += u64::from(gross - lot_fee - own_fee > 0);
            lot.qty -= matched;
            lot.fee_left -= lot_fee;
            fee_left -= own_fee;
            left -= matched;
            if lot.qty == 0 {
                self.open.pop_front();
            }
        }
        if left > 0 {
            self.open.push_back(OpenLot {
                side,
                qty: left,
                px,
                fee_left,
            });
        }
    }
}

/// The part of `fee` that `matched` of `qty` lots paid. Most matches are whole, and a division of
/// 128 bits takes as long as all the rest.
#[inline]
fn share(fee: i128, matched: i64, qty: i64) -> i128 {
    if matched == qty {
        fee
    } else {
        fee * i128::from(matched) / i128::from(qty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(trips: &mut RoundTrips, side: Side, px: i64, qty: i64, fee: i128) {
        trips.on_fill(side, ExecPrice::new(px), QtyLot::new(qty), Money::new(fee));
    }

    #[test]
    fn lots_are_matched_first_in_first_out_with_the_fees_of_both_legs() {
        let mut trips = RoundTrips::default();
        fill(&mut trips, Side::Buy, 100, 2, 0);
        fill(&mut trips, Side::Buy, 110, 1, 0);
        fill(&mut trips, Side::Sell, 105, 3, 0);
        assert_eq!((trips.closed, trips.profitable), (2, 1));
        fill(&mut trips, Side::Sell, 100, 1, 3);
        fill(&mut trips, Side::Buy, 95, 1, 3);
        assert_eq!(
            (trips.closed, trips.profitable),
            (3, 1),
            "five of gross, six of fees"
        );
    }

    #[test]
    fn a_fill_through_zero_closes_and_opens() {
        let mut trips = RoundTrips::default();
        fill(&mut trips, Side::Sell, 100, 1, 0);
        fill(&mut trips, Side::Buy, 90, 3, 0);
        fill(&mut trips, Side::Sell, 91, 2, 0);
        assert_eq!((trips.closed, trips.profitable), (2, 2));
        assert_eq!(trips.open_cost(), Money::ZERO);
        fill(&mut trips, Side::Sell, 91, 2, 0);
        assert_eq!(trips.open_cost(), Money::new(-182));
    }
}
