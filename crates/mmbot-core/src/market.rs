//! What was received of one instrument: book, signals, recent mids. Depends on the market alone, so
//! that all traders with equal signal parameters share one.

use crate::market_view::spread_bps;
pub use crate::market_view::{MarketActivity, MarketView};
use crate::signal::{LagPeak, Liquidity, Micro, MidHistory, TradeFlow, TradedVolume, Volatility};
use crate::telemetry::Histogram;
use mmbot_book::{Ladder, Touch};
use mmbot_types::{
    EventRow, Instrument, MidTick, PriceTick, QtyLot, RowKind, Side, SignalParams, TsNs,
};

/// How far beyond the horizon mids are kept: the longest time between two looks at the fills that
/// wait for them (a decision grid of a minute) and the way of a report.
const HISTORY_MARGIN_MS: i64 = 61_000;
/// Longest markout horizon of recorded runs, ms.
const MARKOUT_MS_MAX: i64 = 60_000;
/// Every so many packets the feed latency is sampled: unbiased, and free in the hot loop.
const LAG_STRIDE: u32 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Feed {
    /// No usable book: at the start, and from a gap to the next snapshot.
    Unsynced,
    /// A snapshot is being received.
    Snapshot,
    /// Deltas apply.
    Live,
}

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Market {
    book: Ladder,
    feed: Feed,
    /// Packets so far: the version of the book.
    packets: u64,
    ts_exch: TsNs,
    ts_local: TsNs,
    volatility: Volatility,
    mids: MidHistory,
    flow: TradeFlow,
    lag_in: u32,
    params: SignalParams,
    stale_ns: i64,
    horizon_ms: i64,
    viewed: Option<(TsNs, u64)>,
    view: MarketView,
    instrument: Instrument,
    lag: Histogram,
    volume: TradedVolume,
    liquidity: Liquidity,
    lag_peak: LagPeak,
}

impl Market {
    /// An empty market. Mids reach back far enough for an adverse horizon of `horizon_ms`.
    #[must_use]
    pub fn new(instrument: Instrument, signals: SignalParams, horizon_ms: i64) -> Self {
        Self {
            book: Ladder::new(),
            feed: Feed::Unsynced,
            packets: 0,
            ts_exch: TsNs::ZERO,
            ts_local: TsNs::ZERO,
            volatility: Volatility::new(
                signals.vola_half_life_sec,
                signals.vola_baseline_half_life_sec,
                signals.vola_min_samples,
            ),
            mids: MidHistory::new(horizon_ms.saturating_add(HISTORY_MARGIN_MS)),
            flow: TradeFlow::new(signals.flow_half_life_sec),
            lag_in: 0,
            params: signals,
            stale_ns: signals.stale_after_ms.saturating_mul(1_000_000),
            horizon_ms,
            viewed: None,
            view: MarketView::UNSYNCED,
            instrument,
            lag: Histogram::new(),
            volume: TradedVolume::default(),
            liquidity: Liquidity::default(),
            lag_peak: LagPeak::default(),
        }
    }

    /// USD of one base unit at `mid`.
    #[must_use]
    pub fn mid_usd(&self, mid: MidTick) -> f64 {
        self.instrument.tick_lot_usd() / self.instrument.lot_f64() * mid.ticks_f64()
    }

    /// A row of any kind, received at `now`; true if the book is consistent after it.
    #[inline]
    pub fn row(&mut self, row: &EventRow, now: TsNs) -> bool {
        match row.kind {
            RowKind::Depth => self.depth(row.side, row.px, row.qty),
            RowKind::Trade => self.trade(row.side, row.px, row.qty, now),
            RowKind::Reset => self.reset(),
            RowKind::Gap => self.gap(),
        }
        if row.last {
            self.end_packet(row.ts_exch, now);
        }
        row.last
    }

    /// A new level size (0 deletes the level); ignored between a gap and the next snapshot.
    #[inline(always)]
    pub fn depth(&mut self, side: Side, px: PriceTick, qty: QtyLot) {
        if self.feed != Feed::Unsynced {
            self.book.set(side, px, qty);
        }
    }

    /// A print; `side` is the aggressor's.
    #[inline]
    pub fn trade(&mut self, side: Side, px: PriceTick, qty: QtyLot, ts_local: TsNs) {
        self.volume.trade(px, qty, ts_local);
        self.flow.trade(side, qty, ts_local);
    }

    /// A snapshot begins: the book is emptied, depth rows refill it.
    pub fn reset(&mut self) {
        self.feed = Feed::Snapshot;
        self.book.clear();
    }

    /// Data are missing: the book is unusable until the next snapshot.
    pub fn gap(&mut self) {
        self.feed = Feed::Unsynced;
        self.book.clear();
        self.mids.invalidate();
        self.viewed = None;
    }

    /// The book is consistent again (last row of a packet).
    #[inline]
    pub fn end_packet(&mut self, ts_exch: TsNs, ts_local: TsNs) {
        if self.feed != Feed::Live {
            self.end_packet_not_live();
        }
        self.packets += 1;
        if ts_exch > self.ts_exch {
            self.ts_exch = ts_exch;
        }
        self.ts_local = ts_local;
        self.lag_peak.see(ts_local.since_ns(ts_exch));
        match self.book.mid() {
            Some(mid) => {
                self.mids.confirm(mid, ts_exch);
                self.volatility.tick(mid, ts_exch);
            }
            None => self.mids.invalidate(),
        }
        self.lag_in = self.lag_in.wrapping_sub(1);
        if self.lag_in >= LAG_STRIDE {
            self.sample_lag(ts_exch, ts_local);
        }
    }

    /// The market at `now`; computed once per moment however many traders ask.
    #[inline]
    pub fn view(&mut self, now: TsNs) -> MarketView {
        if self.viewed != Some((now, self.packets)) {
            self.view = self.compute(now);
            self.viewed = Some((now, self.packets));
        }
        self.view
    }

    /// The same, for somebody who only looks.
    #[must_use]
    pub fn look(&self, now: TsNs) -> MarketView {
        self.compute(now)
    }

    /// Spread, volatility, depth, volume and lag at `now`, a synchronisation point: to be asked
    /// once a second, not per event.
    #[allow(clippy::cast_precision_loss)] // rounded once
    pub fn activity(&mut self, now: TsNs) -> MarketActivity {
        let tick_lot_usd = self.instrument.tick_lot_usd();
        let touch = self.quotable(now);
        if let Some(touch) = &touch {
            self.liquidity.sample(&self.book, touch, tick_lot_usd, now);
        }
        let volatility = touch.map(|_| self.volatility.view());
        let lag_ns = self.lag_peak.of_last_second(now);
        MarketActivity {
            synced: touch.is_some(),
            spread_bps: touch.map(|touch| spread_bps(touch.bid, touch.ask, touch.mid())),
            vola_1m_bps: volatility.and_then(|known| known.vola_1m_bps),
            sigma: volatility.and_then(|known| known.sigma),
            liquidity_depth_usd: self.liquidity.usd(),
            volume_usd: self.volume.of_last_hour(now) as f64 * tick_lot_usd,
            ws_lag_ms: lag_ns.map(|ns| ns as f64 * 1e-6),
        }
    }

    /// Top of the book if it may be quoted on at `now`: complete, two-sided, not crossed, not
    /// stale.
    #[inline]
    #[must_use]
    pub fn quotable(&self, now: TsNs) -> Option<Touch> {
        // without this a stale book would be quoted on: it recovers with the next packet, because a
        // recording has no connection to renew
        let fresh = now.since_ns(self.ts_local) <= self.stale_ns;
        if self.feed == Feed::Live && fresh {
            self.book.touch()
        } else {
            None
        }
    }

    /// First time at which the book of now is stale; [`TsNs::NEVER`] if it is unusable anyway.
    #[inline]
    #[must_use]
    pub fn stale_from(&self) -> TsNs {
        match self.feed {
            Feed::Live => self.ts_local.plus_ns(self.stale_ns.saturating_add(1)),
            Feed::Unsynced | Feed::Snapshot => TsNs::NEVER,
        }
    }

    /// True while a snapshot is half received: nothing may be concluded from the book.
    #[inline]
    #[must_use]
    pub fn in_snapshot(&self) -> bool {
        self.feed == Feed::Snapshot
    }

    /// True from a complete snapshot to the next gap.
    #[inline]
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.feed == Feed::Live
    }

    /// The received book.
    #[must_use]
    pub const fn book(&self) -> &Ladder {
        &self.book
    }

    /// The instrument.
    #[must_use]
    pub const fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    /// Signal parameters.
    #[must_use]
    pub const fn signals(&self) -> &SignalParams {
        &self.params
    }

    /// Adverse horizon for which mids are kept, ms.
    #[must_use]
    pub const fn horizon_ms(&self) -> i64 {
        self.horizon_ms
    }

    /// Keeps mids long enough for the longest markout (recorded runs).
    pub fn keep_long_history(&mut self) {
        let span_ms = self.horizon_ms.max(MARKOUT_MS_MAX);
        self.mids
            .extend_span(span_ms.saturating_add(HISTORY_MARGIN_MS));
    }

    /// Last valid mid before venue time `ts_exch`.
    #[inline]
    #[must_use]
    pub fn mid_before(&self, ts_exch: TsNs) -> Option<MidTick> {
        self.mids.before(ts_exch)
    }

    /// Last valid mid at or before venue time `ts_exch`.
    #[inline]
    #[must_use]
    pub fn mid_at(&self, ts_exch: TsNs) -> Option<MidTick> {
        self.mids.at(ts_exch)
    }

    /// As [`Self::mid_at`], but `None` if the book was unusable or silent for a second at that
    /// time.
    #[must_use]
    pub fn fresh_mid_at(&self, ts_exch: TsNs) -> Option<MidTick> {
        self.mids.fresh_at(ts_exch)
    }

    /// Mid after its `n`-th change that follows venue time `ts_exch`.
    #[must_use]
    pub fn mid_after_changes(&self, ts_exch: TsNs, n: u32) -> Option<MidTick> {
        self.mids.after_changes(ts_exch, n)
    }

    /// Last valid mid.
    #[inline]
    #[must_use]
    pub fn last_mid(&self) -> Option<MidTick> {
        self.mids.last()
    }

    /// Latest venue time seen.
    #[inline]
    #[must_use]
    pub const fn last_ts_exch(&self) -> TsNs {
        self.ts_exch
    }

    /// Receive minus venue time of every 16th packet, ns, floor 0.
    #[must_use]
    pub const fn ws_lag(&self) -> &Histogram {
        &self.lag
    }

    #[cold]
    fn end_packet_not_live(&mut self) {
        if self.feed == Feed::Snapshot {
            self.feed = Feed::Live;
        }
    }

    #[cold]
    fn sample_lag(&mut self, ts_exch: TsNs, ts_local: TsNs) {
        self.lag_in = LAG_STRIDE - 1;
        self.lag.record(ts_local.since_ns(ts_exch));
    }

    #[allow(clippy::cast_possible_truncation)] // u32 fits usize on every supported target
    fn compute(&self, now: TsNs) -> MarketView {
        let Some(touch) = self.quotable(now) else {
            return MarketView {
                ts_exch: self.ts_exch,
                ..MarketView::UNSYNCED
            };
        };
        let micro = Micro::of(&self.book, &touch, self.params.imbalance_levels as usize);
        let volatility = self.volatility.view();
        MarketView {
            synced: true,
            bid: touch.bid,
            ask: touch.ask,
            bid_qty: touch.bid_qty,
            ask_qty: touch.ask_qty,
            mid: touch.mid(),
            imbalance: micro.imbalance,
            microprice_ticks: micro.microprice_ticks,
            micro_tilt: micro.micro_tilt,
            vola_1m_bps: volatility.vola_1m_bps,
            sigma: volatility.sigma.unwrap_or(1.0),
            sigma_known: volatility.sigma,
            flow: self.flow.share(),
            ts_exch: self.ts_exch,
        }
    }
}
