//! What the exchange keeps per lane: configuration, account, budgets of the current event.

use crate::config::SimConfig;
use crate::queue::QueueModel;
use mmbot_types::{
    Cid, CounterRng, ExecPrice, ExecReport, Liquidity, Money, PRICE_SCALE, PriceTick, QtyLot,
    ReportKind, Side, TsNs,
};

/// Account of a lane as the exchange sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    /// Signed position.
    pub position: QtyLot,
    /// Money received minus money paid, without fees.
    pub cash: Money,
    /// Fees paid minus rebates.
    pub fees: Money,
}

/// What is asked of a lane at every order and level: small, so that all lanes' stay at hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brief {
    pub queue: QueueModel,
    /// The exchange may refuse a request for its rate or at random.
    pub refuses: bool,
}

impl Brief {
    pub(crate) fn of(config: &SimConfig) -> Self {
        Self {
            queue: config.queue,
            refuses: config.max_requests_per_sec != 0 || config.reject_prob > 0.0,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Lane {
    pub config: SimConfig,
    pub account: Account,
    pub toxic_sweeps: u64,
    rng: CounterRng,
    draws: u64,
    /// Event whose volume `left` is a part of.
    event: u64,
    left: QtyLot,
    /// Displayed size that our orders took since the level last changed.
    taken: Vec<(Side, PriceTick, QtyLot)>,
    window_start: TsNs,
    window_requests: u32,
}

impl Lane {
    pub(crate) fn new(config: SimConfig) -> Self {
        Self {
            config,
            account: Account::default(),
            toxic_sweeps: 0,
            rng: CounterRng::new(config.seed, "exchange_faults"),
            draws: 0,
            event: 0,
            left: QtyLot::ZERO,
            taken: Vec::new(),
            window_start: TsNs::new(i64::MIN / 2),
            window_requests: 0,
        }
    }

    /// Volume of market event `event` (of `total` lots) that is still free for this lane's orders:
    /// a print or a quote fills at most its own size over all of them.
    #[inline]
    pub(crate) fn volume_left(&mut self, event: u64, total: QtyLot) -> QtyLot {
        if self.event != event {
            (self.event, self.left) = (event, total);
        }
        self.left
    }

    #[inline]
    pub(crate) fn use_volume(&mut self, qty: QtyLot) {
        self.left -= qty;
    }

    /// Displayed size at a level that this lane has already taken.
    pub(crate) fn taken_at(&self, side: Side, px: PriceTick) -> QtyLot {
        let same = |t: &&(Side, PriceTick, QtyLot)| t.0 == side && t.1 == px;
        self.taken.iter().find(same).map_or(QtyLot::ZERO, |t| t.2)
    }

    pub(crate) fn take(&mut self, side: Side, px: PriceTick, qty: QtyLot) {
        match self.taken.iter_mut().find(|t| t.0 == side && t.1 == px) {
            Some(entry) => entry.2 += qty,
            None => self.taken.push((side, px, qty)),
        }
    }

    pub(crate) fn level_changed(&mut self, side: Side, px: PriceTick) {
        self.taken.retain(|t| t.0 != side || t.1 != px);
    }

    pub(crate) fn forget_taken(&mut self) {
        self.taken.clear();
    }

    /// A draw in [0, 1) below `probability`; costs nothing at probability zero.
    #[inline]
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        if probability <= 0.0 {
            return false;
        }
        self.draws += 1;
        self.rng.uniform(self.draws) < probability
    }

    /// Draws whether a new order is refused for no reason of its own.
    pub(crate) fn is_rejected(&mut self) -> bool {
        self.happens(self.config.reject_prob)
    }

    /// True if one more request fits into the current second.
    pub(crate) fn within_rate(&mut self, now: TsNs) -> bool {
        if self.config.max_requests_per_sec == 0 {
            return true;
        }
        if now.since_ns(self.window_start) >= 1_000_000_000 {
            (self.window_start, self.window_requests) = (now, 0);
        }
        self.window_requests += 1;
        self.window_requests <= self.config.max_requests_per_sec
    }

    /// Books a fill and words its report.
    #[inline]
    pub(crate) fn book_fill(&mut self, fill: Fill, now: TsNs) -> ExecReport {
        let px = slipped(fill.px, fill.side, self.config.extra_slippage_bps);
        let rate = match fill.liquidity {
            Liquidity::Maker => self.config.maker_fee,
            Liquidity::Taker => self.config.taker_fee,
        };
        let notional = Money::notional(px, fill.qty);
        let fee = rate.fee_on(notional);
        self.account.fees += fee;
        match fill.side {
            Side::Buy => {
                self.account.position += fill.qty;
                self.account.cash -= notional;
            }
            Side::Sell => {
                self.account.position -= fill.qty;
                self.account.cash += notional;
            }
        }
        let kind = ReportKind::Filled {
            px,
            qty: fill.qty,
            cum_qty: fill.cum,
            liquidity: fill.liquidity,
            fee,
        };
        ExecReport {
            cid: fill.cid,
            ts_exch: now,
            kind,
        }
    }
}

/// One execution before slippage and fees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    pub cid: Cid,
    pub side: Side,
    pub px: PriceTick,
    pub qty: QtyLot,
    pub cum: QtyLot,
    pub liquidity: Liquidity,
}

/// `px` moved against us by `bps`, rounded against us on the execution grid.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn slipped(px: PriceTick, side: Side, bps: f64) -> ExecPrice {
    if bps == 0.0 {
        return px.to_exec();
    }
    let shift = (px.get() as f64 * PRICE_SCALE as f64 * bps / 1e4).ceil() as i64;
    ExecPrice::new(px.to_exec().get() + side.sign() * shift)
}
