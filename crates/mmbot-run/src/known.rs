//! How far the data of a run are known, and who has to be asked for more.

use crate::backtest::Backtest;
use crate::fleet::Fleet;

impl Backtest {
    /// No more data of an instrument will come: the others need not wait for it.
    pub fn end(&mut self, symbol: usize) {
        for fleet in &mut self.fleets {
            fleet.know(symbol, i64::MAX);
        }
    }

    /// All rows of an instrument before `until_ns`, in either order, have been pushed: its market
    /// was silent since the last of them. Rows from before that are refused from here on.
    pub fn know(&mut self, symbol: usize, until_ns: i64) {
        if let Some(span) = self.spans.get_mut(symbol) {
            span.promise(until_ns);
        }
        for fleet in &mut self.fleets {
            fleet.know(symbol, until_ns);
        }
    }

    /// Lanes decide as soon as a book becomes unusable or stale, as a live session does, not with
    /// the next packet. Rows have to come in receive order; to be called before the first of them.
    pub fn watch_books(&mut self) {
        for symbol in 0..self.spans.len() {
            for fleet in &mut self.fleets {
                if let Some(world) = fleet.world_mut(symbol) {
                    world.watch_books();
                }
            }
        }
    }

    /// The instrument whose data reach least far, of those that have not ended: the one to feed
    /// next. `None` if all have ended.
    #[must_use]
    pub fn hungriest(&self) -> Option<usize> {
        let fleet = self.fleets.first()?;
        let (symbol, known) = fleet.hungriest()?;
        (known < i64::MAX).then_some(symbol)
    }

    /// Rows before this time are known of all instruments.
    pub(crate) fn known_ns(&self) -> i64 {
        let first = self.fleets.first();
        first
            .and_then(Fleet::hungriest)
            .map_or(i64::MIN, |hungriest| hungriest.1)
    }

    /// The last time in all data so far.
    pub(crate) fn end_ns(&self) -> i64 {
        let ends = self.spans.iter();
        ends.map(|span| span.last_local_ns.max(span.last_exch_ns))
            .max()
            .unwrap_or(0)
    }
}
