//! The parent of all session guards: it owns their state and the order in which they are asked.
//!
//! Symbols of a session are coupled every [`SYNC_NS`] of event time and at no other moment: then
//! the session reads what each symbol did ([`Session::read`]), judges ([`Session::judge`]) and
//! gives each a new [`Permit`]. Between two synchronisations a symbol depends on its own events
//! alone, so that symbols may be run one after the other, or side by side, with the same result.

use super::permit::{Holds, Lent, Permit, QuoteBudget};
use crate::market::Market;
use crate::trader::Trader;
use mmbot_types::{ParamError, SessionParams, TsNs};

/// Time between two synchronisations: the refresh time of quotes, so that a guard acts at the next
/// decision. A whole number of them makes a second.
pub const SYNC_NS: i64 = 100_000_000;

/// What is known of one symbol.
#[derive(Debug, Clone)]
struct Seat {
    permit: Permit,
    /// Positions and open orders, USD.
    gross_usd: f64,
    net_usd: f64,
    target_usd: f64,
    max_gross_usd: f64,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Session {
    params: SessionParams,
    seats: Vec<Seat>,
    next_sync: TsNs,
}

impl Session {
    /// A session of `symbols` instruments.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn new(params: SessionParams, symbols: usize) -> Result<Self, ParamError> {
        params.validate()?;
        let seat = Seat {
            permit: Permit::alone(0.0, f64::INFINITY, 0.0),
            gross_usd: 0.0,
            net_usd: 0.0,
            target_usd: 0.0,
            max_gross_usd: f64::INFINITY,
        };
        Ok(Self {
            params,
            seats: vec![seat; symbols],
            next_sync: TsNs::NEVER,
        })
    }

    /// Plans the first synchronisation.
    pub const fn start(&mut self, first: TsNs) {
        self.next_sync = first;
    }

    /// Time of the next synchronisation; it comes before all events at that time.
    #[inline]
    #[must_use]
    pub const fn next_sync(&self) -> TsNs {
        self.next_sync
    }

    /// Parameters in force.
    #[must_use]
    pub const fn params(&self) -> &SessionParams {
        &self.params
    }

    /// New parameters; windows and states are kept.
    ///
    /// # Errors
    /// The first parameter outside its range; nothing has changed then.
    pub fn apply_params(&mut self, params: SessionParams) -> Result<(), ParamError> {
        params.validate()?;
        self.params = params;
        Ok(())
    }

    /// First step of a synchronisation: what the symbol `at` is and did.
    pub fn read(&mut self, at: usize, _now: TsNs, trader: &mut Trader, market: &mut Market) {
        let Some(seat) = self.seats.get_mut(at) else {
            return;
        };
        let mid = market.last_mid();
        seat.gross_usd = trader.gross_usd(mid);
        seat.net_usd = trader.net_usd(mid.unwrap_or_default());
        seat.target_usd = trader.params().sizing.target_usd;
        let limit = trader.params().risk.max_gross_exposure_usd;
        seat.max_gross_usd = if limit > 0.0 { limit } else { f64::INFINITY };
        trader.since_mut().clear();
    }

    /// Second step: all guards, in their order.
    pub fn judge(&mut self, now: TsNs) {
        let total_usd: f64 = self.seats.iter().map(|seat| seat.gross_usd).sum();
        #[allow(clippy::cast_precision_loss)] // symbols are few
        let count = self.seats.len().max(1) as f64;
        for seat in &mut self.seats {
            let room_usd = (seat.max_gross_usd - total_usd).max(0.0) / count;
            seat.permit = Permit {
                holds: Holds::NONE,
                budget: Some(QuoteBudget {
                    target_usd: seat.target_usd,
                    levels_max: u32::MAX,
                    side_mult: [1.0; 2],
                }),
                gross_cap_usd: seat.gross_usd + room_usd,
                lent: Lent::UNLIMITED,
                own_net_usd: seat.net_usd,
                ..seat.permit
            };
        }
        let grid = now.get().div_euclid(SYNC_NS).saturating_add(1);
        self.next_sync = TsNs::new(grid.saturating_mul(SYNC_NS));
    }

    /// Third step: what the symbol `at` may do until the next synchronisation.
    #[must_use]
    pub fn permit(&self, at: usize) -> Option<Permit> {
        Some(self.seats.get(at)?.permit)
    }
}
