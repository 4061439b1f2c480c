//! What the guards' judgements allow each symbol, written into its permit.

use super::permit::Holds;
use super::session::Session;
use mmbot_types::{Color, InstrumentIdx, Side};

impl Session {
    /// Everything but what changes at every synchronisation.
    pub(super) fn write_permits(&mut self) {
        let risk = &self.params.risk;
        let wide = self.losses.risk().spread_mult(risk);
        for (at, seat) in self.seats.iter_mut().enumerate() {
            let instrument = InstrumentIdx(u16::try_from(at).unwrap_or(u16::MAX));
            let mux = self.mux_table.view_of(&self.muxes[at]);
            let mut holds = self.losses.holds(&self.params, instrument);
            holds.set(Holds::NOT_LEADER, self.not_leader);
            let skew = self.losses.skew();
            let permit = &mut seat.permit;
            permit.holds = holds;
            permit.budget = self.capital.budget(instrument);
            permit.slippage_bps = self.capital.slippage_bps(instrument);
            permit.spread_mult = mux.spread_mult * wide;
            permit.size_mult = mux.size_mult.min(1.0);
            permit.color_mult = if skew.is_unbiased() {
                [[1.0; 2]; 2]
            } else {
                Color::BOTH.map(|color| Side::BOTH.map(|side| skew.qty_mult(color, side)))
            };
            permit.shadows = self.params.shadow.enabled;
        }
    }

    /// Equity, and what is left of the gross exposure limit, in equal shares.
    #[inline]
    pub(super) fn lend_gross(&mut self) {
        let (total_usd, equity_usd) = (self.losses.gross_usd(), self.losses.equity_usd());
        #[allow(clippy::cast_precision_loss)] // symbols are few
        let count = self.seats.len().max(1) as f64;
        for seat in &mut self.seats {
            let room_usd = (seat.gross_limit_usd - total_usd).max(0.0) / count;
            let permit = &mut seat.permit;
            permit.gross_cap_usd = seat.gross_usd + room_usd;
            (permit.equity_usd, permit.own_net_usd) = (equity_usd, seat.net_usd);
        }
    }
}
