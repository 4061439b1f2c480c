//! Fills on their way through the accounting.

use super::{EdgeTotals, FillRecord, Markouts};
use crate::market::Market;
use crate::telemetry::Telemetry;
use mmbot_types::{ExecPrice, Money, QtyLot, Side, TsNs};
use std::collections::VecDeque;

/// What the accounting needs of a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fill {
    /// Venue time.
    pub ts: TsNs,
    /// Side of the order.
    pub side: Side,
    /// Quantity.
    pub qty: QtyLot,
    /// p: execution price.
    pub px: ExecPrice,
    /// M: mid at the decision.
    pub decision_mid: ExecPrice,
    /// R: reference price.
    pub reference: ExecPrice,
    /// It took.
    pub taken: bool,
}

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Pending {
    fill: Fill,
    /// m, once known.
    before: Option<ExecPrice>,
}

/// Components of completed fills.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct Sums {
    gross: Money,
    slippage: Money,
    adverse: Money,
    /// Sum of d m' q.
    carried: Money,
    /// Sum of d q.
    position: i64,
}

impl Sums {
    fn settle(&mut self, fill: &Fill, before: ExecPrice, after: ExecPrice) {
        self.adverse += Money::signed_move(fill.side, before, after, fill.qty);
        self.carried += Money::notional(after, signed(fill));
        self.position += signed(fill).get();
    }

    fn inventory(&self, last: ExecPrice) -> Money {
        self.carried - Money::notional(last, QtyLot::new(self.position))
    }
}

/// See the module above.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[repr(C)] // what every decision asks first
pub struct EdgeBook {
    /// Until the venue clock is past this, no waiting fill learns a mid.
    next_due: TsNs,
    #[serde(skip)]
    recorded: Option<Box<Recorded>>,
    horizon_ns: i64,
    /// Fills that wait for m', oldest first; those from `known` on wait for m, too.
    pending: VecDeque<Pending>,
    known: usize,
    all: Sums,
    /// Of these, the fills that took.
    taken: Sums,
}

/// What is kept of every fill when recording is on.
#[derive(Debug, Clone, Default)]
struct Recorded {
    log: Vec<FillRecord>,
    /// Records at the start of the log whose m', and whose m, is known.
    resolved: usize,
    resolved_before: usize,
    markouts: Markouts,
}

impl EdgeBook {
    /// Empty books with an adverse horizon of `horizon_ms`.
    #[must_use]
    pub fn new(horizon_ms: i64) -> Self {
        Self {
            horizon_ns: horizon_ms.saturating_mul(1_000_000),
            pending: VecDeque::with_capacity(64),
            known: 0,
            all: Sums::default(),
            taken: Sums::default(),
            next_due: TsNs::NEVER,
            recorded: None,
        }
    }

    /// Changes the adverse horizon, also for fills that wait.
    pub fn set_horizon_ms(&mut self, horizon_ms: i64) {
        self.next_due = TsNs::new(i64::MIN);
        self.horizon_ns = horizon_ms.saturating_mul(1_000_000);
    }

    /// Keeps a record of every fill from now on, and markouts at all horizons.
    pub fn enable_log(&mut self) {
        self.recorded.get_or_insert_default();
    }

    /// Books a fill. `record` makes its record if records are kept.
    #[inline]
    pub fn on_fill(&mut self, fill: Fill, record: impl FnOnce() -> FillRecord) {
        let gross = Money::signed_move(fill.side, fill.decision_mid, fill.reference, fill.qty);
        self.all.gross += gross;
        if fill.taken {
            self.taken.gross += gross;
        }
        self.pending.push_back(Pending { fill, before: None });
        // m is known as soon as the clock has reached the fill
        self.next_due = self.next_due.min(fill.ts.plus_ns(-1));
        if let Some(recorded) = &mut self.recorded {
            recorded.log.push(record());
            recorded.markouts.on_fill(fill.ts, fill.side, fill.px);
        }
    }

    /// Books a position that no fill made: held from now on, at `px`.
    pub fn adopt(&mut self, px: ExecPrice, qty: QtyLot) {
        self.all.carried += Money::notional(px, qty);
        self.all.position += qty.get();
    }

    /// Completes the fills whose mids are known by now.
    #[inline]
    pub fn resolve(&mut self, market: &Market, telemetry: &mut Telemetry) {
        let clock = market.last_ts_exch();
        if self.recorded.is_none() && clock <= self.next_due {
            return;
        }
        self.resolve_until(clock, market, telemetry);
    }

    /// Completes all fills with the last known mids: the data end here.
    pub fn resolve_all(&mut self, market: &Market, telemetry: &mut Telemetry) {
        self.resolve_until(TsNs::NEVER, market, telemetry);
    }

    /// Components so far; fills that wait count with the last known mids.
    #[must_use]
    pub fn totals(&self, market: &Market, fees: Money, turnover: Money) -> EdgeTotals {
        let (mut all, mut taken) = (self.all, self.taken);
        for pending in &self.pending {
            let fill = &pending.fill;
            let before = pending.before.unwrap_or_else(|| mid_before(fill, market));
            let after = mid_after(fill, before, self.horizon_ns, market);
            let both = std::iter::once(&mut all).chain(fill.taken.then_some(&mut taken));
            for sums in both {
                if pending.before.is_none() {
                    sums.slippage += slippage_of(fill, before);
                }
                sums.settle(fill, before, after);
            }
        }
        let last_mid = market.last_mid();
        let last = last_mid.map_or(ExecPrice::ZERO, |mid| mid.to_exec());
        let inventory = all.inventory(last);
        EdgeTotals {
            gross: all.gross,
            slippage: all.slippage,
            adverse: all.adverse,
            inventory,
            fees,
            net: all.gross - fees - all.slippage - all.adverse - inventory,
            taken: taken.gross - taken.slippage - taken.adverse - taken.inventory(last),
            turnover,
            last_mid,
        }
    }

    /// Takes the records that are complete.
    pub fn take_fills(&mut self) -> Vec<FillRecord> {
        let Some(recorded) = &mut self.recorded else {
            return Vec::new();
        };
        let taken: Vec<_> = recorded.log.drain(..recorded.resolved).collect();
        recorded.resolved_before -= recorded.resolved;
        recorded.resolved = 0;
        taken
    }

    /// Markouts at all horizons; `None` if records are not kept.
    #[must_use]
    pub fn markouts(&self) -> Option<&Markouts> {
        self.recorded.as_ref().map(|recorded| &recorded.markouts)
    }

    fn resolve_until(&mut self, clock: TsNs, market: &Market, telemetry: &mut Telemetry) {
        while let Some(pending) = self.pending.get_mut(self.known) {
            let fill = pending.fill;
            if clock < fill.ts {
                break;
            }
            let before = mid_before(&fill, market);
            pending.before = Some(before);
            self.known += 1;
            let slippage = slippage_of(&fill, before);
            self.all.slippage += slippage;
            if fill.taken {
                self.taken.slippage += slippage;
            }
            let moved =
                fill.decision_mid.get() - before.get() + fill.px.get() - fill.reference.get();
            telemetry
                .slippage_bps_e4
                .record(bps_e4(fill.side.sign() * moved, fill.px));
            if let Some(recorded) = &mut self.recorded {
                recorded.set_before(market.mid_before(fill.ts));
            }
        }
        while let Some(Pending {
            fill,
            before: Some(before),
        }) = self.pending.front().copied()
        {
            if clock <= fill.ts.plus_ns(self.horizon_ns) {
                break;
            }
            self.complete(&fill, before, market, telemetry);
        }
        self.next_due = match (self.pending.get(self.known), self.pending.front()) {
            (Some(unknown), _) => unknown.fill.ts.plus_ns(-1),
            (None, Some(first)) => first.fill.ts.plus_ns(self.horizon_ns),
            (None, None) => TsNs::NEVER,
        };
        if let Some(recorded) = &mut self.recorded {
            recorded.markouts.resolve(clock, market);
        }
    }

    fn complete(
        &mut self,
        fill: &Fill,
        before: ExecPrice,
        market: &Market,
        telemetry: &mut Telemetry,
    ) {
        let after = mid_after(fill, before, self.horizon_ns, market);
        self.all.settle(fill, before, after);
        if fill.taken {
            self.taken.settle(fill, before, after);
        }
        let moved = fill.side.sign() * (before.get() - after.get());
        telemetry.adverse_bps_e4.record(bps_e4(moved, fill.px));
        if let Some(recorded) = &mut self.recorded {
            recorded.set_after(market.mid_at(fill.ts.plus_ns(self.horizon_ns)));
        }
        self.pending.pop_front();
        self.known -= 1;
    }
}

impl Recorded {
    fn set_before(&mut self, mid: Option<mmbot_types::MidTick>) {
        if let Some(record) = self.log.get_mut(self.resolved_before) {
            record.mid_before = mid;
            self.resolved_before += 1;
        }
    }

    fn set_after(&mut self, mid: Option<mmbot_types::MidTick>) {
        if let Some(record) = self.log.get_mut(self.resolved) {
            record.mid_after = mid;
            self.resolved += 1;
        }
    }
}

/// m; the decision's mid where the history does not reach so far (the sum telescopes all the same).
fn mid_before(fill: &Fill, market: &Market) -> ExecPrice {
    let mid = market.mid_before(fill.ts);
    mid.map_or(fill.decision_mid, |mid| mid.to_exec())
}

/// m'; m where the history does not reach so far.
fn mid_after(fill: &Fill, before: ExecPrice, horizon_ns: i64, market: &Market) -> ExecPrice {
    let mid = market.mid_at(fill.ts.plus_ns(horizon_ns));
    mid.map_or(before, |mid| mid.to_exec())
}

fn slippage_of(fill: &Fill, before: ExecPrice) -> Money {
    Money::signed_move(fill.side, fill.decision_mid, before, fill.qty)
        + Money::signed_move(fill.side, fill.px, fill.reference, fill.qty)
}

fn signed(fill: &Fill) -> QtyLot {
    QtyLot::new(fill.side.sign() * fill.qty.get())
}

/// `moved` over `px` in 1e-4 bps, rounded to the nearest; 0 for a price that is none.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // a float cast saturates
fn bps_e4(moved: i64, px: ExecPrice) -> i64 {
    if px.get() <= 0 {
        return 0;
    }
    let scaled = moved as f64 * (1e8 / px.get() as f64);
    (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i64
}
