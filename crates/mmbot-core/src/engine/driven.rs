//! An engine that decides when it is told to.

use super::{Engine, EngineError, Event, Request};
use crate::session::Session;
use crate::strategy::StrategyView;
use mmbot_types::{EventRow, Instrument, InstrumentIdx, ParamError, Params, SessionParams, TsNs};

impl Engine {
    /// An engine that decides and synchronises only where an event says so. It keeps no records of
    /// fills and orders.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn driven(
        instruments: Vec<(Instrument, Params)>,
        session: SessionParams,
    ) -> Result<Self, ParamError> {
        let mut engine = Self::of(instruments, session)?;
        engine.is_driven = true;
        Ok(engine)
    }

    /// As one [`Event::Market`] for each row at its receive time.
    ///
    /// # Errors
    /// [`EngineError::UnknownInstrument`], [`EngineError::NotDriven`].
    pub fn on_rows(
        &mut self,
        instrument: InstrumentIdx,
        rows: &[EventRow],
    ) -> Result<(), EngineError> {
        if !self.is_driven {
            return Err(EngineError::NotDriven);
        }
        let seat = self.seat(instrument)?;
        for row in rows {
            seat.read(row, row.ts_local);
        }
        Ok(())
    }

    /// Time of the last event; of market rows alone it is not kept.
    #[must_use]
    pub fn now(&self) -> TsNs {
        self.now.unwrap_or_default()
    }

    /// Guards and allocation of the session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Instruments that decide at once because of the last synchronisation, in their order. In a
    /// journal these decisions follow as events of their own.
    pub fn tightened(&self) -> impl Iterator<Item = InstrumentIdx> + '_ {
        let seats = self.seats.iter().filter(|seat| seat.tightened);
        seats.map(|seat| seat.instrument)
    }

    /// What the strategy of an instrument would see at `now`.
    ///
    /// # Errors
    /// [`EngineError::UnknownInstrument`].
    pub fn view_at(
        &mut self,
        instrument: InstrumentIdx,
        now: TsNs,
    ) -> Result<StrategyView, EngineError> {
        let seat = self.seat(instrument)?;
        Ok(seat.trader.external_view(now, &mut seat.market))
    }

    /// Completes the fills of an instrument that wait for their horizon with the last known mids,
    /// and compares the edge with the ledger. After the last event.
    ///
    /// # Errors
    /// [`EngineError::UnknownInstrument`], [`EngineError::Identity`]: a defect of ours.
    pub fn finish(&mut self, instrument: InstrumentIdx) -> Result<(), EngineError> {
        let seat = self.seat(instrument)?;
        seat.trader.finish(&mut seat.market)?;
        Ok(())
    }

    /// What only a driven engine is told.
    pub(super) fn drive(
        &mut self,
        now: TsNs,
        event: &Event,
        out: &mut Vec<Request>,
    ) -> Result<(), EngineError> {
        if !self.is_driven {
            return Err(EngineError::NotDriven);
        }
        match event {
            Event::Start(instrument) => self.seat(*instrument)?.trader.start(now),
            Event::Decide(instrument) => {
                let (seat, actions) = self.seat_and_actions(*instrument)?;
                seat.trader.decide(now, &mut seat.market, actions);
                self.drain(*instrument, out);
            }
            _ => self.couple(now),
        }
        Ok(())
    }

    /// Couples the symbols; see [`Self::tightened`].
    fn couple(&mut self, now: TsNs) {
        self.judge(now);
        for (at, seat) in self.seats.iter_mut().enumerate() {
            if let Some(permit) = self.session.permit(at) {
                seat.tightened = seat.trader.set_permit(permit);
            }
        }
    }
}
