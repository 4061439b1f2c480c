//! Instruments as a journal tells of them.

use crate::decimal::DecimalError;
use crate::instrument::{Instrument, InstrumentError};

/// What an instrument was made of; its index is its place in
/// [`Header::instruments`](super::Header::instruments).
#[derive(Debug, Clone, PartialEq)]
pub struct InstrumentFacts {
    /// Upper-case symbol.
    pub symbol: String,
    /// Tick size, quote currency, decimal text.
    pub tick_size: String,
    /// Lot size, base currency, decimal text.
    pub lot_size: String,
    /// Smallest order quantity, base currency, decimal text.
    pub min_qty: String,
    /// Smallest order notional; 0 means none.
    pub min_notional_usd: f64,
    /// Price of one quote unit in USD.
    pub quote_usd: f64,
}

impl InstrumentFacts {
    /// What `instrument` was made of.
    ///
    /// # Errors
    /// A smallest quantity with more digits than a decimal holds.
    pub fn of(instrument: &Instrument) -> Result<Self, DecimalError> {
        let lot_size = instrument.lot_size();
        Ok(Self {
            symbol: instrument.symbol().to_owned(),
            tick_size: instrument.tick_size().to_string(),
            lot_size: lot_size.to_string(),
            min_qty: lot_size.times(instrument.min_qty().get())?.to_string(),
            min_notional_usd: instrument.min_notional_usd(),
            quote_usd: instrument.quote_usd(),
        })
    }

    /// The instrument made of this.
    ///
    /// # Errors
    /// What is no instrument.
    pub fn instrument(&self) -> Result<Instrument, InstrumentError> {
        Instrument::new(
            &self.symbol,
            &self.tick_size,
            &self.lot_size,
            &self.min_qty,
            self.min_notional_usd,
            self.quote_usd,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_make_the_instrument_they_were_taken_of() {
        for (tick, lot, min, notional, quote) in [
            ("0.1", "0.001", "0.001", 5.0, 1.0),
            ("5", "10", "250", 0.0, 0.999),
            ("0.00000001", "1", "0", 0.5, 1.25),
        ] {
            let made = Instrument::new("abusdt", tick, lot, min, notional, quote);
            let made = made.expect("an instrument");
            let facts = InstrumentFacts::of(&made).expect("its facts");
            assert_eq!(facts.instrument().as_ref(), Ok(&made), "{facts:?}");
        }
    }
}
