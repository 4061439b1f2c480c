//! One entry point for everything that can happen to a session: [`Engine::on_event`].
//!
//! An engine holds one market and one trader per instrument. Everything it knows came in as an
//! event, so a journal of events replays to the same requests. Before an event is taken in,
//! decisions and synchronisations of the session whose time lies before it are made; after it, the
//! decisions that it makes due. A strategy
//! outside the core is input like any other: [`Engine::asking`] names the instruments whose
//! strategy is to be asked, its answer comes back as [`Event::Quotes`].
//!
//! An engine plans its decisions itself, or it is driven ([`Engine::driven`]): then it decides and
//! synchronises when [`Event::Decide`] and [`Event::Sync`] say so and at no other time, and the
//! times of all events are taken as they come. That is how a journal is replayed.

mod driven;
mod event;
mod state;

pub use event::{EngineError, Event, Request};
pub use state::{STATE_BUILD, StateError, write_state};

use crate::market::Market;
use crate::session::Session;
use crate::strategy::StrategyView;
use crate::trader::{SeatPlace, Trader};
use mmbot_types::journal::Control;
use mmbot_types::{
    ActionBuf, EventRow, Instrument, InstrumentIdx, ParamError, Params, SessionParams, TsNs,
};

#[derive(Debug, Clone)]
struct Seat {
    instrument: InstrumentIdx,
    market: Market,
    trader: Trader,
    /// The strategy outside is to be asked.
    asking: bool,
    /// The last synchronisation forbids what the one before it allowed.
    tightened: bool,
}

/// Markets and traders of a session.
#[derive(Debug, Clone)]
pub struct Engine {
    session: Session,
    seats: Vec<Seat>,
    now: Option<TsNs>,
    is_driven: bool,
    actions: ActionBuf,
}

impl Engine {
    /// An engine for instruments with their parameters; the index of an instrument is its place.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn new(
        instruments: Vec<(Instrument, Params)>,
        session: SessionParams,
    ) -> Result<Self, ParamError> {
        let mut engine = Self::of(instruments, session)?;
        for seat in &mut engine.seats {
            seat.trader.enable_fill_log();
        }
        Ok(engine)
    }

    fn of(
        instruments: Vec<(Instrument, Params)>,
        session: SessionParams,
    ) -> Result<Self, ParamError> {
        let count = instruments.len();
        let symbols = instruments.iter().map(|(one, _)| one.symbol().to_owned());
        let mut engine = Self {
            session: Session::new(session, symbols.collect())?,
            seats: Vec::with_capacity(instruments.len()),
            now: None,
            is_driven: false,
            actions: ActionBuf::new(),
        };
        for (at, (instrument, params)) in (0u16..).zip(instruments) {
            let horizon_ms = params.edge.adverse_horizon_ms;
            let mut market = Market::new(instrument.clone(), params.signals, horizon_ms);
            market.keep_long_history();
            let mut trader = Trader::new(instrument, params)?;
            trader.join_session(SeatPlace {
                index: u64::from(at),
                count: count as u64,
            });
            engine.seats.push(Seat {
                instrument: InstrumentIdx(at),
                market,
                trader,
                asking: false,
                tightened: false,
            });
        }
        Ok(engine)
    }

    /// Takes in what happened at local time `now`; requests are appended to `out` in sending order.
    /// Time that goes back counts as standing still.
    ///
    /// # Errors
    /// [`EngineError`]; the event was not taken in.
    #[inline]
    pub fn on_event(
        &mut self,
        now: TsNs,
        event: &Event,
        out: &mut Vec<Request>,
    ) -> Result<(), EngineError> {
        let now = if self.is_driven {
            self.now = Some(now);
            now
        } else {
            self.advance(now, out)
        };
        match event {
            Event::Market(instrument, row) => {
                let is_driven = self.is_driven;
                let seat = self.seat(*instrument)?;
                let ended = seat.read(row, now);
                if ended && !is_driven && now >= self.seat(*instrument)?.trader.due() {
                    self.decide(*instrument, now, out)?;
                }
            }
            Event::Report(instrument, report) => {
                let (seat, actions) = self.seat_and_actions(*instrument)?;
                seat.asking |= seat
                    .trader
                    .on_report(now, report, &mut seat.market, actions);
                self.drain(*instrument, out);
            }
            Event::Quotes(instrument, quotes) => {
                let (seat, actions) = self.seat_and_actions(*instrument)?;
                seat.asking = false;
                seat.trader
                    .decide_with(now, &mut seat.market, quotes, actions);
                self.drain(*instrument, out);
            }
            Event::Params(instrument, params) => {
                self.seat(*instrument)?.trader.apply_params(now, **params)?;
            }
            Event::Session(params) => self.session.apply_params((**params).clone(), now)?,
            Event::Timer if self.is_driven => {}
            Event::Timer => self.decide_due(now, out),
            Event::Weights(weights, tilt) => self.session.rebalance(weights, *tilt, now)?,
            Event::Unanswered(instrument, cid) => {
                self.seat(*instrument)?.trader.on_unanswered(now, *cid);
            }
            Event::Interrupted(instrument, cid) => {
                self.seat(*instrument)?.trader.on_interrupted(now, *cid);
            }
            Event::Adopt(instrument, position, px) => {
                self.seat(*instrument)?.trader.adopt(now, *position, *px);
            }
            Event::Hold(instrument, on) => self.seat(*instrument)?.trader.hold(*on),
            Event::Start(_) | Event::Decide(_) | Event::Sync => self.drive(now, event, out)?,
            Event::Control(Control::Stop) => self.stop(now, out),
            Event::Control(Control::KeepOrders) => self.each_trader(Trader::keep_orders),
            Event::Control(Control::LiftStop) => self.each_trader(Trader::resume),
            Event::Control(control) => {
                self.session.control(control, now)?;
                if *control == Control::Resume {
                    self.each_trader(Trader::resume);
                }
            }
        }
        Ok(())
    }

    /// Instruments whose strategy outside the core is to be asked.
    pub fn asking(&self) -> impl Iterator<Item = InstrumentIdx> + '_ {
        self.seats
            .iter()
            .filter(|seat| seat.asking)
            .map(|seat| seat.instrument)
    }

    /// What the strategy of an instrument sees now.
    ///
    /// # Errors
    /// [`EngineError::UnknownInstrument`].
    pub fn external_view(
        &mut self,
        instrument: InstrumentIdx,
    ) -> Result<StrategyView, EngineError> {
        let now = self.now.unwrap_or_default();
        let seat = self.seat(instrument)?;
        Ok(seat.trader.external_view(now, &mut seat.market))
    }

    /// The trader of an instrument; `None` if there is no such instrument.
    #[must_use]
    pub fn trader(&self, instrument: InstrumentIdx) -> Option<&Trader> {
        Some(&self.seats.get(usize::from(instrument.0))?.trader)
    }

    /// The trader of an instrument, to take its records from.
    pub fn trader_mut(&mut self, instrument: InstrumentIdx) -> Option<&mut Trader> {
        Some(&mut self.seats.get_mut(usize::from(instrument.0))?.trader)
    }

    /// The market of an instrument; `None` if there is no such instrument.
    #[must_use]
    pub fn market(&self, instrument: InstrumentIdx) -> Option<&Market> {
        Some(&self.seats.get(usize::from(instrument.0))?.market)
    }

    /// Hash over all traders.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        session_hash(self.seats.iter().map(|seat| seat.trader.state_hash()))
    }

    /// Makes the decisions whose time lies before `now` and the synchronisations up to it, in the
    /// order of their times, and sets the clock.
    fn advance(&mut self, now: TsNs, out: &mut Vec<Request>) -> TsNs {
        let last = *self.now.get_or_insert_with(|| {
            self.session.start(now);
            for seat in &mut self.seats {
                seat.trader.start(now);
            }
            now
        });
        let now = now.max(last);
        while self.session.next_sync() <= now {
            let sync = self.session.next_sync();
            self.decide_before(sync, out);
            self.synchronise(sync, out);
        }
        self.decide_before(now, out);
        self.now = Some(now);
        now
    }

    fn decide_before(&mut self, until: TsNs, out: &mut Vec<Request>) {
        for at in 0..self.seats.len() {
            let instrument = self.seats[at].instrument;
            while !self.seats[at].asking && self.seats[at].trader.timer_due() < until {
                let due = self.seats[at].trader.timer_due();
                // the seat exists
                let _ = self.decide(instrument, due, out);
            }
        }
    }

    /// Couples the symbols; one whose permit became tighter decides at once.
    fn synchronise(&mut self, now: TsNs, out: &mut Vec<Request>) {
        self.judge(now);
        for at in 0..self.seats.len() {
            let Some(permit) = self.session.permit(at) else {
                continue;
            };
            if self.seats[at].trader.set_permit(permit) {
                let instrument = self.seats[at].instrument;
                // the seat exists
                let _ = self.decide(instrument, now, out);
            }
        }
    }

    /// Reads what every symbol did, and judges.
    fn judge(&mut self, now: TsNs) {
        for (at, seat) in self.seats.iter_mut().enumerate() {
            self.session
                .read(at, now, &mut seat.trader, &mut seat.market);
        }
        self.session.judge(now);
    }

    fn decide_due(&mut self, now: TsNs, out: &mut Vec<Request>) {
        for at in 0..self.seats.len() {
            if self.seats[at].trader.timer_due() <= now {
                let instrument = self.seats[at].instrument;
                // the seat exists
                let _ = self.decide(instrument, now, out);
            }
        }
    }

    fn decide(
        &mut self,
        instrument: InstrumentIdx,
        now: TsNs,
        out: &mut Vec<Request>,
    ) -> Result<(), EngineError> {
        let (seat, actions) = self.seat_and_actions(instrument)?;
        if seat.trader.wants_external() {
            seat.asking = true;
        } else {
            seat.trader.decide(now, &mut seat.market, actions);
        }
        self.drain(instrument, out);
        Ok(())
    }

    fn stop(&mut self, now: TsNs, out: &mut Vec<Request>) {
        for at in 0..self.seats.len() {
            self.seats[at].trader.stop(now, &mut self.actions);
            self.drain(self.seats[at].instrument, out);
        }
    }

    fn each_trader(&mut self, act: impl Fn(&mut Trader)) {
        self.seats.iter_mut().for_each(|seat| act(&mut seat.trader));
    }

    fn drain(&mut self, instrument: InstrumentIdx, out: &mut Vec<Request>) {
        out.extend(
            self.actions
                .as_slice()
                .iter()
                .map(|(action, cause)| Request {
                    instrument,
                    action: *action,
                    cause: *cause,
                }),
        );
        self.actions.clear();
    }

    fn seat(&mut self, instrument: InstrumentIdx) -> Result<&mut Seat, EngineError> {
        Ok(self.seat_and_actions(instrument)?.0)
    }

    fn seat_and_actions(
        &mut self,
        instrument: InstrumentIdx,
    ) -> Result<(&mut Seat, &mut ActionBuf), EngineError> {
        let seat = self.seats.get_mut(usize::from(instrument.0));
        let seat = seat.ok_or(EngineError::UnknownInstrument(instrument))?;
        Ok((seat, &mut self.actions))
    }
}

/// Hash of a session from the hashes of its traders, in the order of their instruments (FNV-1a).
#[must_use]
pub fn session_hash(traders: impl Iterator<Item = u64>) -> u64 {
    traders.fold(0xcbf2_9ce4_8422_2325, |hash, trader| {
        (hash ^ trader).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Seat {
    /// Takes in a market row; true if the book is consistent after it.
    fn read(&mut self, row: &EventRow, now: TsNs) -> bool {
        self.market.row(row, now)
    }
}

#[cfg(test)]
mod tests;
