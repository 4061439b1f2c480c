//! How good our fills were: where the mid went after them, by colour, and how often against us.

use super::Trader;
use crate::edge::{AdverseRate, ColorMarkouts};
use crate::market::Market;
use mmbot_types::{Color, ExecPrice, Side, TsNs};

/// See the module. Fed by the fills of a session's trader, completed at synchronisations.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct FillQuality {
    adverse: AdverseRate,
    markouts: ColorMarkouts,
}

impl FillQuality {
    pub(super) fn new(adverse_window_fills: u32) -> Self {
        Self {
            adverse: AdverseRate::new(adverse_window_fills),
            markouts: ColorMarkouts::default(),
        }
    }

    pub(super) fn set_window_fills(&mut self, adverse_window_fills: u32) {
        self.adverse.set_window_fills(adverse_window_fills);
    }

    pub(super) fn on_fill(&mut self, ts: TsNs, color: Color, side: Side, px: ExecPrice) {
        self.adverse.on_fill(ts, side, px);
        self.markouts.on_fill(ts, color, side, px);
    }

    /// Share of adverse fills; `None` without a completed fill.
    #[must_use]
    pub fn adverse_fill_rate(&self) -> Option<f64> {
        self.adverse.rate()
    }

    /// Markouts by colour.
    #[must_use]
    pub const fn markouts(&self) -> &ColorMarkouts {
        &self.markouts
    }
}

impl Trader {
    /// Completes what is known of fills by now; for synchronisations.
    pub fn follow_fills(&mut self, market: &Market) {
        self.quality.adverse.resolve(market);
        self.quality.markouts.resolve(market);
    }

    /// How good the fills were.
    #[must_use]
    pub const fn quality(&self) -> &FillQuality {
        &self.quality
    }
}
