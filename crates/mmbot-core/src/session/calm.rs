//! Between two full seconds most synchronisations find that nothing happened that a guard of loss
//! or position would act on. Whoever has judged in full says within which bounds that stays so;
//! while the account is inside them, no guard needs to be asked, and its answers stay.

use super::losses::Losses;
use super::seat::Seat;
use mmbot_types::{SessionParams, TsNs};

/// Bounds within which guards of loss and position say what they said.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Calm {
    /// Before this.
    until: TsNs,
    /// Equity from the first to the second, both included, USD.
    equity_usd: [f64; 2],
    /// Net result above this, USD.
    net_above_usd: f64,
    /// Turnover below this, USD.
    turnover_below_usd: f64,
    /// Largest position of a symbol either way, USD.
    symbol_usd: f64,
    /// Largest position of a colour either way, USD.
    color_usd: f64,
}

impl Calm {
    /// True if a full judgement at `now` would change nothing. What is not a number is not calm.
    #[inline]
    pub(super) fn holds(&self, losses: &Losses, seats: &[Seat], now: TsNs) -> bool {
        let equity_usd = losses.equity_usd();
        let [low, high] = self.equity_usd;
        let account = (low <= equity_usd && equity_usd <= high)
            && losses.net_usd() > self.net_above_usd
            && losses.turnover_usd() < self.turnover_below_usd;
        if !account || now >= self.until {
            return false;
        }
        let mut colors_usd = [0.0; 2];
        for seat in seats {
            let within = seat.position_usd.abs() <= self.symbol_usd;
            if !within || seat.sent.guard_cancels > 0 {
                return false;
            }
            colors_usd[0] += seat.color_usd[0];
            colors_usd[1] += seat.color_usd[1];
        }
        colors_usd[0].abs() <= self.color_usd && colors_usd[1].abs() <= self.color_usd
    }
}

impl Losses {
    /// The bounds after a full judgement at `now`; `None` while anything is out of the ordinary.
    pub(super) fn calm(&mut self, params: &SessionParams, now: TsNs) -> Option<Calm> {
        let equity_usd = self.risk().calm_equity_usd(&params.risk)?;
        let (net_above_usd, turnover_below_usd) = self.caps().calm_bounds(&params.caps)?;
        let (symbol_usd, color_usd) = self.skew().calm_limits(&params.pos_skew)?;
        let until = self.next_schedule_change(params, now);
        Some(Calm {
            until: until.unwrap_or(TsNs::NEVER),
            equity_usd,
            net_above_usd,
            turnover_below_usd,
            symbol_usd,
            color_usd,
        })
    }
}
