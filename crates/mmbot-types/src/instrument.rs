//! What is traded: grids, minimums, multiplier.

use crate::decimal::{Decimal, DecimalError};
use crate::money::Money;
use crate::units::{ExecPrice, PRICE_SCALE, PriceTick, QtyLot};
use thiserror::Error;

/// Index of an instrument in its session, in configuration order.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct InstrumentIdx(pub u16);

/// A linear instrument: grids and minimums of the venue.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Instrument {
    symbol: String,
    tick_size: Decimal,
    lot_size: Decimal,
    min_qty: QtyLot,
    min_notional_usd: f64,
    quote_usd: f64,
    // derived once: price of a tick and size of a lot as f64, USD of one money quantum
    tick: f64,
    lot: f64,
    quantum_usd: f64,
}

/// Why an instrument was refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum InstrumentError {
    /// A grid step or minimum is not a positive decimal number.
    #[error("{key} must be a positive decimal number: {source}")]
    Step {
        /// Name of the field.
        key: &'static str,
        /// Cause.
        source: DecimalError,
    },
    /// A number is not finite or out of range.
    #[error("{key} must be finite and not negative")]
    Number {
        /// Name of the field.
        key: &'static str,
    },
}

impl Instrument {
    /// Builds an instrument from the venue's decimal texts. `min_notional_usd` 0 means none;
    /// `quote_usd` is the price of one quote unit in USD (1 for USD, USDT, USDC).
    ///
    /// # Errors
    /// [`InstrumentError`] naming the field.
    pub fn new(
        symbol: &str,
        tick_size: &str,
        lot_size: &str,
        min_qty: &str,
        min_notional_usd: f64,
        quote_usd: f64,
    ) -> Result<Self, InstrumentError> {
        let tick_size = positive("tick_size", tick_size)?;
        let lot_size = positive("lot_size", lot_size)?;
        let min_qty = Decimal::parse(min_qty.as_bytes())
            .and_then(|q| q.steps_of(lot_size))
            .map_err(|source| InstrumentError::Step {
                key: "min_qty",
                source,
            })?;
        for (key, value) in [
            ("min_notional_usd", min_notional_usd),
            ("quote_usd", quote_usd),
        ] {
            if !value.is_finite() || value < 0.0 {
                return Err(InstrumentError::Number { key });
            }
        }
        let (tick, lot) = (tick_size.to_f64(), lot_size.to_f64());
        Ok(Self {
            symbol: symbol.to_ascii_uppercase(),
            tick_size,
            lot_size,
            min_qty: QtyLot::new(min_qty.max(1)),
            min_notional_usd,
            quote_usd,
            tick,
            lot,
            quantum_usd: tick * lot * quote_usd / PRICE_SCALE as f64,
        })
    }

    /// Upper-case symbol.
    #[must_use]
    pub fn symbol(&self) -> &str {
        &self.symbol
    }
    /// Exact tick size.
    #[must_use]
    pub const fn tick_size(&self) -> Decimal {
        self.tick_size
    }
    /// Exact lot size.
    #[must_use]
    pub const fn lot_size(&self) -> Decimal {
        self.lot_size
    }
    /// Smallest order quantity, at least one lot.
    #[must_use]
    pub const fn min_qty(&self) -> QtyLot {
        self.min_qty
    }
    /// Smallest order notional in USD; 0 means none.
    #[must_use]
    pub const fn min_notional_usd(&self) -> f64 {
        self.min_notional_usd
    }
    /// Price of one quote unit in USD.
    #[must_use]
    pub const fn quote_usd(&self) -> f64 {
        self.quote_usd
    }
    /// One tick in quote currency.
    #[inline]
    #[must_use]
    pub const fn tick_f64(&self) -> f64 {
        self.tick
    }
    /// One lot in base currency.
    #[inline]
    #[must_use]
    pub const fn lot_f64(&self) -> f64 {
        self.lot
    }
    /// USD of one lot at a price of one tick.
    #[inline]
    #[must_use]
    pub fn tick_lot_usd(&self) -> f64 {
        self.tick * self.lot * self.quote_usd
    }
    /// USD of an exact amount.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn money_to_f64(&self, amount: Money) -> f64 {
        // most amounts fit 64 bits, whose conversion is one instruction
        match i64::try_from(amount.get()) {
            Ok(small) => small as f64 * self.quantum_usd,
            Err(_) => self.large_money_to_f64(amount),
        }
    }
    #[cold]
    #[inline(never)]
    #[allow(clippy::cast_precision_loss)]
    fn large_money_to_f64(&self, amount: Money) -> f64 {
        amount.get() as f64 * self.quantum_usd
    }
    /// Price in quote currency.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn price_f64(&self, px: PriceTick) -> f64 {
        px.get() as f64 * self.tick
    }
    /// Execution price in quote currency.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn exec_price_f64(&self, px: ExecPrice) -> f64 {
        px.get() as f64 * (self.tick / PRICE_SCALE as f64)
    }
    /// Quantity in base currency.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn qty_f64(&self, qty: QtyLot) -> f64 {
        qty.get() as f64 * self.lot
    }
    /// Notional in USD of `qty` at `px`.
    #[inline]
    #[must_use]
    pub fn notional_usd(&self, px: PriceTick, qty: QtyLot) -> f64 {
        self.money_to_f64(Money::notional(px.to_exec(), qty))
    }
}

fn positive(key: &'static str, text: &str) -> Result<Decimal, InstrumentError> {
    match Decimal::parse(text.as_bytes()) {
        Ok(value) if value.is_positive() => Ok(value),
        Ok(_) => Err(InstrumentError::Step {
            key,
            source: DecimalError::OffGrid,
        }),
        Err(source) => Err(InstrumentError::Step { key, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_contract_values_in_usd() {
        let btc = Instrument::new("btcusdt", "0.10", "0.001", "0.001", 5.0, 1.0).unwrap();
        assert_eq!(btc.symbol(), "BTCUSDT");
        assert!((btc.notional_usd(PriceTick::new(200_000), QtyLot::new(10)) - 200.0).abs() < 1e-9);
        assert_eq!(btc.min_qty(), QtyLot::new(1));
    }

    #[test]
    fn a_bad_grid_names_its_field() {
        let err = Instrument::new("X", "0", "0.001", "0.001", 5.0, 1.0).unwrap_err();
        assert!(err.to_string().starts_with("tick_size"));
        let err = Instrument::new("X", "0.1", "1", "0.5", 5.0, 1.0).unwrap_err();
        assert!(err.to_string().starts_with("min_qty"));
        assert!(Instrument::new("X", "0.1", "1", "1", f64::NAN, 1.0).is_err());
    }
}
