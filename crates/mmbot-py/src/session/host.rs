//! Who holds the session that is looked at: a run over recorded data, or live trading.

use mmbot_core::{EdgeTotals, Market, Session, Trader};
use mmbot_run::{Backtest, Desk, LiveSession, RunError, World};
use mmbot_types::journal::Control;
use mmbot_types::{Cid, TsNs};

/// A symbol of a session, to be looked at.
pub(crate) struct Seen<'a> {
    pub(crate) trader: &'a Trader,
    pub(crate) market: &'a Market,
    pub(crate) desk: &'a Desk,
    pub(crate) edge: EdgeTotals,
    /// The simulated exchange knows what stands before an order; a venue does not tell.
    exchange: Option<(&'a World, u32)>,
}

impl Seen<'_> {
    /// Lots that stand before an order in its queue.
    pub(crate) fn queue_ahead(&self, cid: Cid) -> Option<f64> {
        let (world, lane) = self.exchange?;
        world.exchange().queue_ahead(lane, cid)
    }
}

/// See the module.
pub(crate) trait Host: Send {
    fn now(&self) -> TsNs;
    fn session_of(&self, lane: usize) -> Option<&Session>;
    /// Does it and writes it down; true if it changed the level of autopolicy.
    fn control(&mut self, lane: usize, control: Control) -> Result<bool, RunError>;
    fn seen(&self, symbol: usize, lane: usize) -> Option<Seen<'_>>;
    /// When the first data come: what is done before them is done then.
    fn begin_at(&mut self, ts_ns: i64);
}

impl Host for Backtest {
    fn begin_at(&mut self, ts_ns: i64) {
        Backtest::begin_at(self, ts_ns);
    }

    fn now(&self) -> TsNs {
        TsNs::new(self.now_ns())
    }

    fn session_of(&self, lane: usize) -> Option<&Session> {
        self.session(lane)
    }

    fn control(&mut self, lane: usize, control: Control) -> Result<bool, RunError> {
        Backtest::control(self, lane, control)
    }

    fn seen(&self, symbol: usize, lane: usize) -> Option<Seen<'_>> {
        let (world, entry) = self.lane(symbol, lane)?;
        let number = self.place_of(lane);
        Some(Seen {
            trader: entry.trader(),
            market: world.market_seen_by(number)?,
            desk: entry.desk(),
            edge: world.edge_of(number).unwrap_or_default(),
            exchange: Some((world, u32::try_from(number).unwrap_or(u32::MAX))),
        })
    }
}

impl Host for LiveSession {
    /// Its clock is the machine's from the beginning.
    fn begin_at(&mut self, _ts_ns: i64) {}

    fn now(&self) -> TsNs {
        LiveSession::now(self)
    }

    fn session_of(&self, lane: usize) -> Option<&Session> {
        (lane == 0).then(|| self.engine().session())
    }

    fn control(&mut self, lane: usize, control: Control) -> Result<bool, RunError> {
        if lane != 0 {
            return Err(RunError::Lanes);
        }
        let level = |live: &Self| live.engine().session().requests().autopolicy().level();
        let before = level(self);
        LiveSession::control(self, LiveSession::now(self), control)?;
        Ok(level(self) != before)
    }

    fn seen(&self, symbol: usize, lane: usize) -> Option<Seen<'_>> {
        let at = mmbot_types::InstrumentIdx(u16::try_from(symbol).ok()?);
        let market = self.engine().market(at).filter(|_| lane == 0)?;
        let trader = self.engine().trader(at)?;
        Some(Seen {
            trader,
            market,
            desk: self.desk(symbol)?,
            edge: trader.edge(market),
            exchange: None,
        })
    }
}
