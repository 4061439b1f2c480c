//! What others may see and set of a trader.

use super::Trader;
use crate::edge::{EdgeTotals, FillRecord, IdentityError, Markouts};
use crate::guard::Exposure;
use crate::market::Market;
use crate::order::{IllegalTransition, OpenOrder};
use crate::session::Permit;
use crate::telemetry::Telemetry;
use mmbot_types::{
    ActionBuf, Cause, Cid, MidTick, Money, ParamError, Params, QtyLot, QuoterKind, Side, TsNs,
};

impl Trader {
    /// New parameters, between two events. Signal parameters belong to the market and act there; a
    /// change of the cadence starts a new grid at `now`.
    ///
    /// # Errors
    /// The first parameter outside its range; nothing has changed then.
    pub fn apply_params(&mut self, now: TsNs, params: Params) -> Result<(), ParamError> {
        params.validate()?;
        let cadence_changed = params.quote.cadence != self.params.quote.cadence;
        self.params = params;
        if !self.in_session {
            self.permit = super::alone(&params);
            self.refresh_holds();
        }
        self.edge.set_horizon_ms(params.edge.adverse_horizon_ms);
        self.quality
            .set_window_fills(params.edge.adverse_window_fills);
        self.refresh_skew();
        if cadence_changed && self.due != TsNs::NEVER {
            self.due = now;
            self.schedule(now);
        }
        Ok(())
    }

    /// Cancels everything and quotes no more. Orders that cannot be cancelled now (not acknowledged
    /// yet) are cancelled as soon as they can.
    pub fn stop(&mut self, now: TsNs, out: &mut ActionBuf) {
        (self.stopped, self.keeps_orders) = (true, false);
        self.refresh_holds();
        self.cancel_all(now, Cause::Kill);
        self.flush(out);
    }

    /// Asks for nothing any more, whatever happens: its orders stay where they are.
    pub fn keep_orders(&mut self) {
        (self.stopped, self.keeps_orders) = (true, true);
        self.refresh_holds();
    }

    /// True after [`Self::stop`] and [`Self::keep_orders`], until [`Self::resume`].
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Quotes again after a stop, a pause or a kill.
    pub fn resume(&mut self) {
        (self.stopped, self.keeps_orders) = (false, false);
        self.refresh_holds();
    }

    /// Position marked at `mid` plus everything open, USD.
    #[must_use]
    pub fn gross_usd(&self, mid: Option<MidTick>) -> f64 {
        let held_usd = self.position_usd(mid.unwrap_or_default()).abs();
        let slots = self.orders.all_open();
        let open = slots.map(|slot| Exposure::notional_of(self.orders.get(slot)));
        held_usd
            + self
                .instrument
                .money_to_f64(open.fold(Money::ZERO, |sum, one| sum + one))
    }

    /// Replaces sent in the last 60 s.
    #[must_use]
    pub fn replaces_per_min(&self, now: TsNs) -> usize {
        self.throttle.rate_per_min(now)
    }

    /// Notional of all fills, USD.
    #[must_use]
    pub fn turnover_usd(&self) -> f64 {
        self.instrument.money_to_f64(self.telemetry.turnover)
    }

    /// Position.
    #[inline]
    #[must_use]
    pub const fn position(&self) -> QtyLot {
        self.position
    }

    /// Received minus paid for fills, without fees.
    #[inline]
    #[must_use]
    pub const fn cash(&self) -> Money {
        self.cash
    }

    /// Fees paid minus rebates.
    #[inline]
    #[must_use]
    pub const fn fees(&self) -> Money {
        self.fees
    }

    /// Parameters in force.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// True if targets come from a strategy outside the core.
    #[inline]
    #[must_use]
    pub fn wants_external(&self) -> bool {
        self.params.quote.kind == QuoterKind::External
    }

    /// Counters and distributions.
    #[must_use]
    pub const fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Orders that are not over, in slot order.
    pub fn open_orders(&self) -> impl Iterator<Item = OpenOrder> + '_ {
        self.orders
            .all_open()
            .map(|slot| OpenOrder::from(self.orders.get(slot)))
    }

    /// Quantity that orders of `side` may still fill in the worst case: unknown ones and changes on
    /// their way count.
    #[must_use]
    pub fn worst_open(&self, side: Side) -> QtyLot {
        let open = self.orders.open(side).map(|slot| self.orders.get(slot));
        QtyLot::new(open.map(|order| order.open_at_most().get()).sum())
    }

    /// Side of an order that is still known.
    #[must_use]
    pub fn side_of(&self, cid: Cid) -> Option<Side> {
        let slot = self.orders.find(cid)?;
        Some(self.orders.get(slot).side)
    }

    /// The last report that no state allowed.
    #[must_use]
    pub const fn last_illegal(&self) -> Option<IllegalTransition> {
        self.last_illegal
    }

    /// What the session allows.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Notional that the larger side may quote, USD.
    #[inline]
    #[must_use]
    pub fn target_usd(&self) -> f64 {
        let [bids, asks] = Side::BOTH.map(|side| self.permit.side_usd(side));
        bids.max(asks) * self.permit.size_mult
    }

    /// Cash plus position at `mid` minus fees.
    #[must_use]
    pub fn net(&self, mid: MidTick) -> Money {
        self.cash + Money::notional(mid.to_exec(), self.position) - self.fees
    }

    /// Keeps a record of every fill and order event from now on, and markouts at all horizons; the
    /// market has to keep its long history.
    pub fn enable_fill_log(&mut self) {
        self.edge.enable_log();
        self.log.get_or_insert_default();
        self.witnessed = true;
    }

    /// Fills whose mids are known, since the last call, oldest first.
    pub fn take_fills(&mut self) -> Vec<FillRecord> {
        self.edge.take_fills()
    }

    /// Markouts at all horizons; `None` if records are not kept.
    #[must_use]
    pub fn markouts(&self) -> Option<&Markouts> {
        self.edge.markouts()
    }

    /// Edge so far; fills that wait for their horizon count with the last known mids.
    #[must_use]
    pub fn edge(&self, market: &Market) -> EdgeTotals {
        self.edge.totals(market, self.fees, self.telemetry.turnover)
    }

    /// Ends the run: fills that wait are completed with the last known mids, and the components are
    /// compared with the ledger, exactly.
    ///
    /// # Errors
    /// [`IdentityError`]: a defect of ours.
    pub fn finish(&mut self, market: &mut Market) -> Result<EdgeTotals, IdentityError> {
        self.edge.resolve_all(market, &mut self.telemetry);
        let totals = self.edge(market);
        let ledger = self.net(market.last_mid().unwrap_or_default());
        if totals.net != ledger {
            return Err(IdentityError {
                edge: totals.net.get(),
                ledger: ledger.get(),
            });
        }
        Ok(totals)
    }

    /// Hash of position, accounts and orders (FNV-1a): equal states, equal hashes, in every
    /// process.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        let mut feed = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        let t = &self.telemetry;
        feed(&self.position.get().to_le_bytes());
        feed(&self.cash.get().to_le_bytes());
        feed(&self.fees.get().to_le_bytes());
        feed(&self.target_usd().to_bits().to_le_bytes());
        feed(&self.due.get().to_le_bytes());
        for count in [
            t.blocks.total_iterations(),
            t.blocks.total(),
            t.attempts,
            t.places,
            t.amends,
            t.cancels,
            t.fills(),
            t.illegal_transitions,
        ] {
            feed(&count.to_le_bytes());
        }
        for order in self.open_orders() {
            feed(&order.cid.get().to_le_bytes());
            feed(order.state.as_bytes());
            for number in [order.px.get(), order.open_qty.get(), order.filled_qty.get()] {
                feed(&number.to_le_bytes());
            }
        }
        hash
    }
}
