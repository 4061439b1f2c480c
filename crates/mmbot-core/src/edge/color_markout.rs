//! Markouts by colour of the orders: what a canary is judged by.

use super::adverse_rate::ADVERSE_PENDING_MAX;
use super::markout::Markout;
use crate::market::Market;
use mmbot_types::{Color, ExecPrice, Side, TsNs};
use std::collections::VecDeque;

/// Horizons, ms.
pub const COLOR_MARKOUT_MS: [i64; 2] = [200, 500];

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Waiting {
    ts: TsNs,
    color: Color,
    side: Side,
    px: ExecPrice,
}

/// See the module.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct ColorMarkouts {
    fills: VecDeque<Waiting>,
    /// Per horizon: fills at the front of the queue that are done.
    done: [usize; COLOR_MARKOUT_MS.len()],
    sums: [[Markout; 2]; COLOR_MARKOUT_MS.len()],
}

impl ColorMarkouts {
    /// A fill at venue time `ts`; one without a price is not followed.
    pub fn on_fill(&mut self, ts: TsNs, color: Color, side: Side, px: ExecPrice) {
        // more fills than any limit allows in half a second: the rest is not sampled
        if px.get() > 0 && self.fills.len() < ADVERSE_PENDING_MAX {
            self.fills.push_back(Waiting {
                ts,
                color,
                side,
                px,
            });
        }
    }

    /// Takes the mids of the horizons that the venue's clock has passed.
    pub fn resolve(&mut self, market: &Market) {
        if self.fills.is_empty() {
            return;
        }
        let clock = market.last_ts_exch();
        for (at, horizon_ms) in COLOR_MARKOUT_MS.iter().enumerate() {
            while let Some(fill) = self.fills.get(self.done[at]) {
                let horizon = fill.ts.plus_ms(*horizon_ms);
                if clock <= horizon {
                    break;
                }
                let mid = market.fresh_mid_at(horizon).map(|mid| mid.to_exec());
                let sum = &mut self.sums[at][fill.color.index()];
                sum.add(fill.side, fill.px, mid);
                self.done[at] += 1;
            }
        }
        let over = self.done.into_iter().min().unwrap_or(0);
        if over > 0 {
            self.fills.drain(..over);
            self.done = self.done.map(|done| done - over);
        }
    }

    /// Sums of a horizon, an index into [`COLOR_MARKOUT_MS`], and colour.
    #[must_use]
    pub fn of(&self, horizon: usize, color: Color) -> Markout {
        let found = self.sums.get(horizon);
        found.map_or_else(Markout::default, |sums| sums[color.index()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::{Instrument, Params, PriceTick, QtyLot};
    use proptest::prelude::*;

    fn market() -> Market {
        let instrument = Instrument::new("AUSDT", "1", "1", "1", 0.0, 1.0);
        let mut market = Market::new(instrument.unwrap(), Params::default().signals, 1_000);
        market.reset();
        market
    }

    fn quote(market: &mut Market, (old, new): (i64, i64), ms: i64) {
        for (side, away) in [(Side::Buy, -1), (Side::Sell, 1)] {
            market.depth(side, PriceTick::new(old + away), QtyLot::ZERO);
            market.depth(side, PriceTick::new(new + away), QtyLot::new(1));
        }
        let ts = TsNs::ZERO.plus_ms(ms);
        market.end_packet(ts, ts);
    }

    /// spec: 02-15
    #[test]
    fn a_markout_is_signed_by_side_and_kept_by_colour() {
        let (mut market, mut markouts) = (market(), ColorMarkouts::default());
        quote(&mut market, (10_000, 10_000), 1_000);
        let at = TsNs::ZERO.plus_ms(1_000);
        let px = PriceTick::new(10_000).to_exec();
        markouts.on_fill(at, Color::Blue, Side::Buy, px);
        markouts.on_fill(at, Color::Green, Side::Sell, px);
        markouts.on_fill(at, Color::Green, Side::Sell, ExecPrice::ZERO);
        quote(&mut market, (10_000, 10_010), 1_150);
        quote(&mut market, (10_010, 9_990), 1_400);
        markouts.resolve(&market);
        quote(&mut market, (9_990, 9_990), 1_501);
        markouts.resolve(&market);
        let sum = |at, color| {
            let found = markouts.of(at, color);
            (found.count, found.up, found.down, found.sum_bps_e4)
        };
        assert_eq!(sum(0, Color::Blue), (1, 1, 0, 100_000));
        assert_eq!(sum(0, Color::Green), (1, 0, 1, -100_000));
        assert_eq!(sum(1, Color::Blue), (1, 0, 1, -100_000));
        assert_eq!(sum(1, Color::Green), (1, 1, 0, 100_000));
        assert_eq!(markouts.of(1, Color::Green).avg_bps(), 10.0);
    }

    /// spec: 02-15
    #[test]
    fn a_horizon_without_a_fresh_mid_is_skipped_and_counted() {
        let (mut market, mut markouts) = (market(), ColorMarkouts::default());
        quote(&mut market, (10_000, 10_000), 1_000);
        let px = PriceTick::new(10_000).to_exec();
        // its 200 ms are a second after the last mid, its 500 ms later
        markouts.on_fill(TsNs::ZERO.plus_ms(1_800), Color::Blue, Side::Buy, px);
        quote(&mut market, (10_000, 10_000), 9_000);
        markouts.resolve(&market);
        let seen = [0, 1].map(|at| {
            let found = markouts.of(at, Color::Blue);
            (found.count, found.skipped)
        });
        assert_eq!(seen, [(1, 0), (0, 1)]);
    }

    proptest! {
        /// spec: 02-15
        #[test]
        fn sums_are_those_of_every_fill_by_itself(
            fills in prop::collection::vec((0i64..400, any::<bool>(), any::<bool>()), 1..40),
            mids in prop::collection::vec((1i64..300, 9_900i64..10_100), 2..60),
        ) {
            let (mut market, mut markouts) = (market(), ColorMarkouts::default());
            let (mut now, mut old, mut seen) = (0, 10_000, Vec::new());
            let (mut fills_at, mut t) = (Vec::new(), 0);
            for (gap, green, buy) in fills {
                t += gap;
                let color = if green { Color::Green } else { Color::Blue };
                fills_at.push((t, color, if buy { Side::Buy } else { Side::Sell }));
            }
            let mut next = 0;
            for (gap, mid) in mids {
                now += gap;
                while next < fills_at.len() && fills_at[next].0 <= now {
                    let (ms, color, side) = fills_at[next];
                    let px = PriceTick::new(10_000).to_exec();
                    markouts.on_fill(TsNs::ZERO.plus_ms(ms), color, side, px);
                    next += 1;
                }
                quote(&mut market, (old, mid), now);
                seen.push((now, mid));
                old = mid;
                markouts.resolve(&market);
            }
            for (at, horizon) in COLOR_MARKOUT_MS.iter().enumerate() {
                for color in Color::BOTH {
                    let (mut count, mut skipped, mut sum) = (0, 0, 0);
                    for (ms, of, side) in fills_at[..next].iter().filter(|fill| fill.1 == color) {
                        let until = ms + horizon;
                        if now <= until {
                            continue;
                        }
                        let _ = of;
                        let mid = seen.iter().rev().find(|(ts, _)| *ts <= until);
                        match mid.filter(|(ts, _)| until - ts <= 1_000) {
                            Some((_, mid)) => {
                                count += 1;
                                sum += side.sign() * (mid - 10_000) * 10_000;
                            }
                            None => skipped += 1,
                        }
                    }
                    let found = markouts.of(at, color);
                    prop_assert_eq!(
                        (found.count, found.skipped, found.sum_bps_e4),
                        (count, skipped, sum)
                    );
                }
            }
        }
    }
}
