//! Who holds the session that is looked at: a run over recorded data, or live trading.

use mmbot_core::{EdgeTotals, Market, Session, Trader};
use mmbot_run::{Backtest, Desk, LiveControl, LiveSession, RunError, SessionSwitch, World};
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
    /// To set what no journal knows; `None` where everything has to stand in one.
    fn session_unwritten(&mut self, lane: usize) -> Option<&mut Session>;
    /// What a journal knows is written down, too.
    fn switch(&mut self, lane: usize, switch: SessionSwitch) -> Result<(), RunError>;
    fn seen(&self, symbol: usize, lane: usize) -> Option<Seen<'_>>;
}

impl Host for Backtest {
    fn now(&self) -> TsNs {
        TsNs::new(self.now_ns())
    }

    fn session_of(&self, lane: usize) -> Option<&Session> {
        self.session(lane)
    }

    fn session_unwritten(&mut self, lane: usize) -> Option<&mut Session> {
        self.session_mut(lane)
    }

    fn switch(&mut self, lane: usize, switch: SessionSwitch) -> Result<(), RunError> {
        self.control(lane, switch)
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
    fn now(&self) -> TsNs {
        LiveSession::now(self)
    }

    fn session_of(&self, lane: usize) -> Option<&Session> {
        (lane == 0).then(|| self.engine().session())
    }

    fn session_unwritten(&mut self, _lane: usize) -> Option<&mut Session> {
        None
    }

    fn switch(&mut self, lane: usize, switch: SessionSwitch) -> Result<(), RunError> {
        if lane != 0 {
            return Err(RunError::Lanes);
        }
        let control = match switch {
            SessionSwitch::Kill(_) => LiveControl::Kill,
            SessionSwitch::Floor(grade) => LiveControl::Floor(grade),
            SessionSwitch::Resume => LiveControl::Resume,
        };
        self.control(LiveSession::now(self), control).map(|_| ())
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
