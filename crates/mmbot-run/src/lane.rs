//! One parameter set of a run: its trader, its wire, and the samples taken of it.

use crate::desk::Desk;
use mmbot_core::{EdgeTotals, Market, Trader};
use mmbot_sim::SimConfig;
use mmbot_types::{MidTick, Money, Params, Side};

/// A lane as asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaneSpec {
    /// The trader's parameters.
    pub params: Params,
    /// The exchange's treatment of it.
    pub sim: SimConfig,
}

/// Net PnL at the ends of bars.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bars {
    /// Bar ends, ns.
    pub ts_ns: Vec<i64>,
    /// Cash plus marked position minus fees since the start.
    pub net: Vec<Money>,
}

/// Samples of a lane for charts, taken on a fixed grid of local time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// Sample times, ns.
    pub ts_ns: Vec<i64>,
    /// Twice the mid in ticks; `i64::MIN` where there was none.
    pub mid2: Vec<i64>,
    /// Spread in ticks; 0 where there was none.
    pub spread: Vec<i64>,
    /// Position in lots.
    pub position: Vec<i64>,
    /// Net PnL since the start.
    pub net: Vec<Money>,
    /// Best own bid in ticks; 0 where there was none.
    pub own_bid: Vec<i64>,
    /// Best own ask in ticks; 0 where there was none.
    pub own_ask: Vec<i64>,
}

/// A lane in a run.
#[derive(Debug, Clone)]
pub struct Lane {
    pub(crate) trader: Trader,
    /// Which market view the lane reads.
    pub(crate) market: usize,
    pub(crate) desk: Desk,
    pub(crate) bars: Bars,
    pub(crate) curve: Curve,
    pub(crate) edge: Option<EdgeTotals>,
}

impl Lane {
    pub(crate) fn new(trader: Trader, market: usize) -> Self {
        Self {
            trader,
            market,
            desk: Desk::default(),
            bars: Bars::default(),
            curve: Curve::default(),
            edge: None,
        }
    }

    /// The lane's trader.
    #[must_use]
    pub const fn trader(&self) -> &Trader {
        &self.trader
    }

    /// Closed trades and last fills.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Net PnL at bar ends.
    #[must_use]
    pub const fn bars(&self) -> &Bars {
        &self.bars
    }

    /// Edge components, once the run is finished.
    #[must_use]
    pub const fn edge(&self) -> Option<&EdgeTotals> {
        self.edge.as_ref()
    }

    /// Samples since the last call.
    pub fn take_curve(&mut self) -> Curve {
        std::mem::take(&mut self.curve)
    }

    /// Fills whose markouts are known, since the last call.
    pub fn take_fills(&mut self) -> Vec<mmbot_core::FillRecord> {
        self.trader.take_fills()
    }

    /// Cash plus position at `mid` minus fees, exact.
    #[must_use]
    pub fn net(&self, mid: Option<MidTick>) -> Money {
        let px = mid.unwrap_or_default().to_exec();
        self.trader.cash() + Money::notional(px, self.trader.position()) - self.trader.fees()
    }

    /// Order events since the last call.
    pub fn take_order_events(&mut self) -> Vec<mmbot_core::OrderEventRow> {
        self.trader.take_order_events()
    }

    pub(crate) fn sample_bar(&mut self, at_ns: i64, market: &Market) {
        self.bars.ts_ns.push(at_ns);
        self.bars.net.push(self.net(market.last_mid()));
    }

    pub(crate) fn sample_curve(&mut self, at_ns: i64, market: &Market) {
        let touch = market.is_synced().then(|| market.book().touch()).flatten();
        let (mut own_bid, mut own_ask) = (0, 0);
        for order in self.trader.open_orders() {
            let px = order.px.get();
            match order.side {
                Side::Buy => own_bid = px.max(own_bid),
                Side::Sell if own_ask == 0 => own_ask = px,
                Side::Sell => own_ask = px.min(own_ask),
            }
        }
        let net = self.net(market.last_mid());
        let curve = &mut self.curve;
        curve.ts_ns.push(at_ns);
        curve.mid2.push(touch.map_or(i64::MIN, |t| t.mid().get()));
        curve
            .spread
            .push(touch.map_or(0, |t| t.ask.ticks_from(t.bid)));
        curve.position.push(self.trader.position().get());
        curve.net.push(net);
        curve.own_bid.push(own_bid);
        curve.own_ask.push(own_ask);
    }
}
