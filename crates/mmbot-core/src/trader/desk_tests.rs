//! A trader with a scripted venue, for tests. A lot costs 10 USD.

use super::*;
use crate::market::Market;
use mmbot_types::{
    Action, ActionBuf, BlockDetail, Cid, ExecPrice, ExecReport, Liquidity, PriceTick, ReportKind,
};

pub(super) struct Desk {
    pub market: Market,
    pub trader: Trader,
    pub now_ms: i64,
}

pub(super) fn at(ms: i64) -> TsNs {
    TsNs::ZERO.plus_ms(1_000_000 + ms)
}

impl Desk {
    pub fn new(params: Params) -> Self {
        let i = Instrument::new("X", "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
        let mut trader = Trader::new(i.clone(), params).unwrap();
        trader.start(at(0));
        let market = Market::new(i, params.signals, 1000);
        let mut desk = Self {
            market,
            trader,
            now_ms: 0,
        };
        desk.book(99_999, 100_001);
        desk
    }

    /// A snapshot with ten lots at the best prices.
    pub fn book(&mut self, bid: i64, ask: i64) {
        self.sizes(bid, 10, ask, 10);
    }

    pub fn sizes(&mut self, bid: i64, bid_qty: i64, ask: i64, ask_qty: i64) {
        self.market.reset();
        for (side, px, qty) in [(Side::Buy, bid, bid_qty), (Side::Sell, ask, ask_qty)] {
            self.market
                .depth(side, PriceTick::new(px), QtyLot::new(qty));
        }
        self.market.end_packet(at(self.now_ms), at(self.now_ms));
    }

    pub fn decide(&mut self) -> Vec<(Action, Cause)> {
        let mut out = ActionBuf::new();
        self.trader
            .decide(at(self.now_ms), &mut self.market, &mut out);
        out.as_slice().to_vec()
    }

    pub fn report(&mut self, cid: Cid, kind: ReportKind) -> Vec<(Action, Cause)> {
        let mut out = ActionBuf::new();
        let ts_exch = at(self.now_ms);
        let report = ExecReport { cid, ts_exch, kind };
        self.trader
            .on_report(ts_exch, &report, &mut self.market, &mut out);
        out.as_slice().to_vec()
    }

    /// The venue does what was asked.
    pub fn confirm(&mut self, actions: &[(Action, Cause)]) {
        for (action, _) in actions {
            let filled = self.open(action.cid()).map_or(0, |o| o.filled_qty.get());
            let kind = match action {
                Action::Place(_) => ReportKind::Accepted,
                Action::Amend { px, total_qty, .. } => ReportKind::Amended {
                    px: *px,
                    open_qty: QtyLot::new(total_qty.get() - filled),
                },
                Action::Cancel { .. } => ReportKind::Cancelled,
            };
            self.report(action.cid(), kind);
        }
    }

    pub fn fill(&mut self, cid: Cid, px: i64, qty: i64, cum: i64) -> Vec<(Action, Cause)> {
        self.report(cid, filled(px, qty, cum))
    }

    pub fn open(&self, cid: Cid) -> Option<crate::order::OpenOrder> {
        self.trader.open_orders().find(|order| order.cid == cid)
    }

    /// Decides, and the venue does what was asked at once.
    pub fn settle(&mut self) -> Vec<(Action, Cause)> {
        let actions = self.decide();
        self.confirm(&actions);
        actions
    }

    pub fn count(&self, detail: BlockDetail) -> u64 {
        self.trader.telemetry().blocks.count(detail)
    }
}

pub(super) fn filled(px: i64, qty: i64, cum: i64) -> ReportKind {
    ReportKind::Filled {
        px: ExecPrice::new(px * mmbot_types::PRICE_SCALE),
        qty: QtyLot::new(qty),
        cum_qty: QtyLot::new(cum),
        liquidity: Liquidity::Maker,
        fee: Money::new(1),
    }
}

pub(super) fn params() -> Params {
    let mut p = Params::default();
    p.quote.base_spread_bps = 4.0;
    p.quote.levels_per_side = 1;
    p.quote.enable_dynamic_spread = false;
    p.quote.enable_inventory_skew = false;
    p.sizing.target_usd = 1_000.0;
    p.anti_stale.enabled = false;
    p.tail.tail_age_ms = 1_000_000;
    p
}

pub(super) fn causes(actions: &[(Action, Cause)]) -> Vec<Cause> {
    actions.iter().map(|a| a.1).collect()
}

pub(super) fn price(action: &Action) -> i64 {
    match action {
        Action::Place(order) => order.px.get(),
        Action::Amend { px, .. } => px.get(),
        Action::Cancel { .. } => 0,
    }
}
