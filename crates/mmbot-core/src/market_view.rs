//! The market as others see it: plain values of one moment.

use mmbot_types::{MidTick, PriceTick, QtyLot, Side, TsNs};

/// What the synchronisation points of a session look at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MarketActivity {
    /// (ask - bid) / mid, bps; `None` while the book may not be quoted on.
    pub spread_bps: Option<f64>,
    /// Notional within 10 bps of the mid, of the side that has less, smoothed, USD; the last value
    /// stays while the book may not be quoted on.
    pub liquidity_depth_usd: Option<f64>,
    /// Traded notional of the last 3600 s, USD.
    pub volume_usd: f64,
    /// Largest receive minus venue time of the last second, ms; `None` without a packet.
    pub ws_lag_ms: Option<f64>,
}

/// The market at one moment, for decisions.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MarketView {
    /// The book is complete, two-sided, not crossed and not stale. Prices and book signals mean
    /// nothing where this is false.
    pub synced: bool,
    /// Best bid.
    pub bid: PriceTick,
    /// Best ask.
    pub ask: PriceTick,
    /// Size at the best bid.
    pub bid_qty: QtyLot,
    /// Size at the best ask.
    pub ask_qty: QtyLot,
    /// Mid.
    pub mid: MidTick,
    /// (bid size - ask size) / (bid size + ask size), in [-1, 1].
    pub imbalance: f64,
    /// Size-weighted mid, ticks.
    pub microprice_ticks: f64,
    /// (microprice - mid) / half spread, in [-1, 1].
    pub micro_tilt: f64,
    /// Volatility of one minute, bps; `None` until ready.
    pub vola_1m_bps: Option<f64>,
    /// Fast over baseline volatility; 1 until ready.
    pub sigma: f64,
    /// The same; `None` until ready.
    pub sigma_known: Option<f64>,
    /// Bought minus sold over all traded volume, weighted, in [-1, 1].
    pub flow: f64,
    /// Latest venue time.
    pub ts_exch: TsNs,
}

impl MarketView {
    /// What may be said without a usable book.
    pub(crate) const UNSYNCED: Self = Self {
        synced: false,
        bid: PriceTick::ZERO,
        ask: PriceTick::ZERO,
        bid_qty: QtyLot::ZERO,
        ask_qty: QtyLot::ZERO,
        mid: MidTick::ZERO,
        imbalance: 0.0,
        microprice_ticks: 0.0,
        micro_tilt: 0.0,
        vola_1m_bps: None,
        sigma: 1.0,
        sigma_known: None,
        flow: 0.0,
        ts_exch: TsNs::ZERO,
    };

    /// Share of bids in the displayed sizes, in [0, 1].
    #[must_use]
    pub fn bid_share(&self) -> f64 {
        f64::midpoint(1.0, self.imbalance)
    }

    /// Spread relative to the mid, bps.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // prices are below 2^53 ticks
    pub fn spread_bps(&self) -> f64 {
        1e4 * self.ask.ticks_from(self.bid) as f64 / self.mid.ticks_f64()
    }

    /// Best price of a side.
    #[must_use]
    pub const fn best(&self, side: Side) -> PriceTick {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        }
    }
}
