//! What happens after a kill, with times: when the gate closed, when the last cancel left, when
//! nothing of ours could trade any more.

use super::truth::{Phase, Truth};
use crate::world::Batch;
use mmbot_core::Trader;
use mmbot_types::Action;

/// See the module. Times are local, ns.
#[derive(Debug, Clone, Default)]
pub(super) struct KillWatch {
    pub killed_ns: i64,
    /// Orders at the exchange, and new ones under way to it, at the kill.
    pub resting: usize,
    pub under_way: usize,
    /// The synchronisation that told the traders.
    pub gate_closed_ns: Option<i64>,
    pub last_cancel_ns: Option<i64>,
    pub cancels: u64,
    /// New orders and changes sent after the gate was closed.
    pub placed_after: u64,
    /// By symbol: since then nothing can trade, and since then the trader knows.
    gone_ns: Vec<Option<i64>>,
    confirmed_ns: Vec<Option<i64>>,
}

impl KillWatch {
    pub(super) fn new<'a>(
        killed_ns: i64,
        symbols: impl Iterator<Item = (&'a Truth, &'a Trader)>,
    ) -> Self {
        let mut watch = Self {
            killed_ns,
            ..Self::default()
        };
        for (symbol, (truth, trader)) in symbols.enumerate() {
            watch.gone_ns.push(None);
            watch.confirmed_ns.push(None);
            for (_, order) in truth.alive() {
                match order.phase {
                    Phase::Resting => watch.resting += 1,
                    Phase::OnWire | Phase::Done(_) => watch.under_way += 1,
                }
            }
            watch.at_exchange(symbol, truth, killed_ns);
            watch.at_trader(symbol, trader, killed_ns);
        }
        watch
    }

    /// The gate is closed once traders were told.
    pub(super) fn gate_closed(&mut self, now_ns: i64) {
        self.gate_closed_ns.get_or_insert(now_ns);
    }

    pub(super) fn on_batch(&mut self, batch: &Batch<'_>) {
        for (action, _) in batch.actions {
            if matches!(action, Action::Cancel { .. }) {
                self.cancels += 1;
                self.last_cancel_ns = Some(batch.now.get());
            } else if self.gate_closed_ns.is_some() {
                self.placed_after += 1;
            }
        }
    }

    pub(super) fn at_exchange(&mut self, symbol: usize, truth: &Truth, now_ns: i64) {
        let none = truth.alive().next().is_none();
        note(&mut self.gone_ns[symbol], none, now_ns);
    }

    pub(super) fn at_trader(&mut self, symbol: usize, trader: &Trader, now_ns: i64) {
        let none = trader.open_orders().next().is_none();
        note(&mut self.confirmed_ns[symbol], none, now_ns);
    }

    /// Since then nothing of ours can trade; `None` while something can.
    pub(super) fn gone_since(&self) -> Option<i64> {
        latest(&self.gone_ns)
    }

    /// Since then all traders know.
    pub(super) fn confirmed_since(&self) -> Option<i64> {
        latest(&self.confirmed_ns)
    }
}

fn note(since: &mut Option<i64>, none: bool, now_ns: i64) {
    if none {
        since.get_or_insert(now_ns);
    } else {
        *since = None;
    }
}

fn latest(since: &[Option<i64>]) -> Option<i64> {
    since
        .iter()
        .copied()
        .try_fold(i64::MIN, |latest, at| Some(latest.max(at?)))
}
