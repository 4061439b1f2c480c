//! Where our order stands in the queue of a price level, estimated from L2 data.
//!
//! After E. Rigtorp, "Estimating order queue position" (2013). `ahead` is the volume that trades
//! before us, `behind` what came after us. A print at our price takes from `ahead`; a growing level
//! adds to `behind`; a shrinking level that prints do not explain is a cancellation somewhere in
//! the queue, and the models differ in where they put it.

use mmbot_types::QtyLot;

/// Where a cancellation of unknown place is put.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QueueModel {
    /// From behind first: only trades advance us.
    Conservative,
    /// In proportion to `x^n` of ahead and behind.
    Power {
        /// Exponent (`sim.queue_power_n`).
        n: f64,
    },
    /// In proportion to `ln(1 + x)`.
    Log,
    /// `Power` with the exponent of a calibration file.
    Calibrated {
        /// Exponent (`queue_power_n` of the file).
        n: f64,
    },
}

/// Estimated place of one order in its level's queue, in lots.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct QueuePosition {
    ahead: f64,
    behind: f64,
    /// Printed at this price since the level last changed: the next decrease is this much
    /// explained.
    explained: i64,
}

impl QueuePosition {
    /// Nobody ahead, nobody behind.
    pub const FRONT: QueuePosition = QueuePosition {
        ahead: 0.0,
        behind: 0.0,
        explained: 0,
    };

    /// Joins at the back of a level that displays `displayed` lots.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // sizes are far below 2^53 lots
    pub fn join(displayed: QtyLot) -> Self {
        Self {
            ahead: displayed.get() as f64,
            behind: 0.0,
            explained: 0,
        }
    }

    /// Estimated volume that trades before us.
    #[inline]
    #[must_use]
    pub const fn ahead(&self) -> f64 {
        self.ahead
    }

    /// Estimated volume behind us.
    #[inline]
    #[must_use]
    pub const fn behind(&self) -> f64 {
        self.behind
    }

    /// A print at our price. Returns the lots of it that come past the queue ahead and so reach us.
    #[inline]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    pub fn on_print(&mut self, qty: QtyLot) -> QtyLot {
        self.explained = self.explained.saturating_add(qty.get());
        let past = qty.get() as f64 - self.ahead;
        if past <= 0.0 {
            self.ahead = -past;
            return QtyLot::ZERO;
        }
        self.ahead = 0.0;
        QtyLot::new(past as i64)
    }

    /// The part of a print that went past us and our own fill takes from those behind.
    #[inline]
    #[allow(clippy::cast_precision_loss)]
    pub fn consume_behind(&mut self, qty: QtyLot) {
        self.behind = (self.behind - qty.get() as f64).max(0.0);
    }

    /// An order of the same exchange took `qty` of the market's size at our price, from the front.
    /// The market does not know: what it still displays now stands behind us.
    #[inline]
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn on_taken(&mut self, qty: QtyLot) {
        let advance = (qty.get() as f64).min(self.ahead);
        self.ahead -= advance;
        self.behind += advance;
    }

    /// The displayed size of our level went from `before` to `after`.
    #[inline]
    #[allow(clippy::cast_precision_loss)]
    pub fn on_level_change(&mut self, model: QueueModel, before: QtyLot, after: QtyLot) {
        let decrease = before.get() - after.get() - self.explained;
        self.explained = 0;
        if decrease < 0 {
            self.behind -= decrease as f64;
        } else if decrease > 0 {
            self.cancel(model, decrease as f64);
        }
        // never more ahead of us than the level displays
        self.ahead = lesser(self.ahead, after.get() as f64);
    }

    #[inline]
    fn cancel(&mut self, model: QueueModel, decrease: f64) {
        let from_ahead = match model {
            QueueModel::Conservative => (decrease - self.behind).max(0.0),
            _ if self.behind <= 0.0 => decrease,
            _ if self.ahead <= 0.0 => 0.0,
            QueueModel::Power { n } | QueueModel::Calibrated { n } => {
                decrease * share(power(self.ahead, n), power(self.behind, n))
            }
            QueueModel::Log => decrease * share(libm::log1p(self.ahead), libm::log1p(self.behind)),
        };
        // each part is capped by what stands there, what one cannot give comes from the other
        let from_ahead = lesser(greater(from_ahead, decrease - self.behind), self.ahead);
        let from_behind = lesser(decrease - from_ahead, self.behind);
        self.ahead = greater(self.ahead - from_ahead, 0.0);
        self.behind = greater(self.behind - from_behind, 0.0);
    }
}

/// The lesser of two numbers; `f64::min` asks about NaN, too, which is not among them.
#[inline]
fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The greater of two numbers, see [`lesser`].
#[inline]
fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

#[inline]
fn power(x: f64, n: f64) -> f64 {
    if n == 2.0 { x * x } else { libm::pow(x, n) }
}

#[inline]
fn share(a: f64, b: f64) -> f64 {
    let sum = a + b;
    if sum > 0.0 && sum.is_finite() {
        a / sum
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lots(n: i64) -> QtyLot {
        QtyLot::new(n)
    }

    fn queue(ahead: i64, behind: i64) -> QueuePosition {
        let mut q = QueuePosition::join(lots(ahead));
        q.on_level_change(QueueModel::Conservative, lots(ahead), lots(ahead + behind));
        q
    }

    #[test]
    fn prints_advance_and_the_rest_reaches_us() {
        let mut q = queue(5, 0);
        assert_eq!(q.on_print(lots(3)), lots(0));
        assert_eq!(q.ahead(), 2.0);
        assert_eq!(q.on_print(lots(6)), lots(4));
        assert_eq!(q.ahead(), 0.0);
    }

    #[test]
    fn a_decrease_explained_by_prints_is_not_counted_twice() {
        let mut q = queue(5, 5);
        q.on_print(lots(3));
        q.on_level_change(QueueModel::Power { n: 2.0 }, lots(10), lots(7));
        assert_eq!((q.ahead(), q.behind()), (2.0, 5.0));
    }

    #[test]
    fn models_differ_in_where_a_cancellation_falls() {
        let after = |model| {
            let mut q = queue(6, 2);
            q.on_level_change(model, lots(8), lots(6));
            (q.ahead(), q.behind())
        };
        assert_eq!(after(QueueModel::Conservative), (6.0, 0.0));
        let (ahead, behind) = after(QueueModel::Power { n: 2.0 });
        assert!(
            (ahead - (6.0 - 2.0 * 36.0 / 40.0)).abs() < 1e-12
                && (ahead + behind - 6.0).abs() < 1e-12
        );
        let (ahead, _) = after(QueueModel::Log);
        let expected = 6.0 - 2.0 * libm::log1p(6.0) / (libm::log1p(6.0) + libm::log1p(2.0));
        assert!((ahead - expected).abs() < 1e-12);
        assert_eq!(
            after(QueueModel::Calibrated { n: 2.0 }),
            after(QueueModel::Power { n: 2.0 })
        );
    }

    #[test]
    fn what_one_part_cannot_give_comes_from_the_other() {
        let mut q = queue(4, 1);
        q.on_level_change(QueueModel::Conservative, lots(5), lots(2));
        assert_eq!((q.ahead(), q.behind()), (2.0, 0.0));
    }

    proptest! {
        #[test]
        fn positions_stay_within_the_level(
            ahead in 0i64..1000,
            sizes in prop::collection::vec((0i64..1000, 0i64..200), 1..60),
            which in 0usize..4,
        ) {
            let model = [
                QueueModel::Conservative,
                QueueModel::Power { n: 2.0 },
                QueueModel::Log,
                QueueModel::Calibrated { n: 0.7 },
            ][which];
            let mut q = QueuePosition::join(lots(ahead));
            let mut displayed = ahead;
            for (next, print) in sizes {
                let reach = q.on_print(lots(print.min(displayed)));
                prop_assert!(reach.get() <= print);
                let before = q.ahead();
                q.on_level_change(model, lots(displayed), lots(next));
                displayed = next;
                prop_assert!(q.ahead() >= 0.0 && q.behind() >= 0.0);
                prop_assert!(q.ahead() <= before && q.ahead() <= displayed as f64);
            }
        }
    }
}
