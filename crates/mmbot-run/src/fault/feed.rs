//! What the engine receives of a market: the same rows as happened, until data faults spoil them.
//! Every spoiled book is followed by a snapshot, as after a new subscription.

use super::clock::LocalClock;
use super::kind::Fault;
use super::plan::{Draws, FaultPlan};
use mmbot_book::Ladder;
use mmbot_types::columns::{LAST_BIT, SIDE_BIT};
use mmbot_types::{EventColumns, EventRow, PriceTick, QtyLot, RowKind, Side, TsNs};

/// Rows as they happened and as they are received, both on the local clock.
#[derive(Debug, Default)]
pub(super) struct Both {
    pub happened: EventColumns,
    pub received: EventColumns,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Feed {
    /// The true book, for snapshots.
    book: Ladder,
    gaps: Vec<(i64, i64)>,
    stale: Vec<(i64, i64)>,
    crossed: Vec<(i64, i64)>,
    duplicated: Draws,
    swapped: Draws,
    /// In a gap.
    missing: bool,
    /// A snapshot is due from this venue time on.
    resync_at: Option<i64>,
    /// A change that will be applied again.
    again: Option<(i64, EventRow)>,
    /// A change that is held back until the next packet.
    held: Option<EventRow>,
    last_local: i64,
    /// Faults that happened, by [`Fault::index`].
    pub happened: [u64; Fault::COUNT],
    /// Starts of the windows counted last.
    last_stale: i64,
    last_crossed: i64,
}

impl Feed {
    pub(super) fn new(plan: &FaultPlan) -> Self {
        Self {
            book: Ladder::new(),
            gaps: plan.windows(Fault::FeedGap),
            stale: plan.windows(Fault::FeedStale),
            crossed: plan.windows(Fault::FeedCrossed),
            duplicated: Draws::new(plan, Fault::DeltaDuplicated),
            swapped: Draws::new(plan, Fault::DeltaSwapped),
            missing: false,
            resync_at: None,
            again: None,
            held: None,
            last_local: i64::MIN,
            happened: [0; Fault::COUNT],
            last_stale: i64::MIN,
            last_crossed: i64::MIN,
        }
    }

    /// Places a chunk on the local clock and spoils what is received of it; nothing new is spoiled
    /// once `healed`.
    pub(super) fn pass(&mut self, chunk: &EventColumns, clock: &LocalClock, healed: bool) -> Both {
        let mut both = Both::default();
        let mut from = 0;
        while from < chunk.len() {
            let ends = (from..chunk.len()).find(|row| chunk.flags[*row] & LAST_BIT != 0);
            let to = ends.map_or(chunk.len(), |last| last + 1);
            let packet: Vec<EventRow> = (from..to).map(|row| row_of(chunk, row)).collect();
            for row in &packet {
                let exchange_ns = clock.local(row.ts_exch.get());
                let local_ns = clock.local(row.ts_local.get());
                push(&mut both.happened, row, exchange_ns, local_ns);
                self.note(row);
            }
            self.receive(packet, clock, healed, &mut both.received);
            from = to;
        }
        both
    }

    /// The receiver is new: the next packet it gets is a snapshot.
    pub(super) const fn reconnect(&mut self) {
        self.missing = true;
    }

    fn receive(
        &mut self,
        mut packet: Vec<EventRow>,
        clock: &LocalClock,
        healed: bool,
        out: &mut EventColumns,
    ) {
        let Some(last) = packet.last().copied() else {
            return;
        };
        let now = last.ts_exch.get();
        if window_of(&self.gaps, now).is_some() && !healed {
            if !std::mem::replace(&mut self.missing, true) {
                self.happened[Fault::FeedGap.index()] += 1;
                self.emit(&[bare(RowKind::Gap, &last)], clock, out);
            }
            return;
        }
        if std::mem::take(&mut self.missing) {
            self.resync_at = None;
            (self.again, self.held) = (None, None);
            let snapshot = self.snapshot(&last);
            return self.emit(&snapshot, clock, out);
        }
        if !healed {
            self.spoil(&mut packet, now);
        }
        self.emit(&packet, clock, out);
        if self.resync_at.is_some_and(|at| at <= now) {
            self.resync_at = None;
            (self.again, self.held) = (None, None);
            let snapshot = self.snapshot(&last);
            self.emit(&snapshot, clock, out);
        }
    }

    /// Crossed books, changes again and changes swapped.
    fn spoil(&mut self, packet: &mut Vec<EventRow>, now: i64) {
        if let Some(row) = self.held.take() {
            packet.insert(0, EventRow { last: false, ..row });
        }
        if self.again.is_some_and(|(at, _)| at <= now)
            && let Some((_, row)) = self.again.take()
        {
            packet.insert(0, EventRow { last: false, ..row });
        }
        let change = |row: &EventRow| row.kind == RowKind::Depth;
        let last_change = packet.iter().rposition(change);
        if let (Some(delay), Some(at)) = (self.duplicated.next(), last_change) {
            self.happened[Fault::DeltaDuplicated.index()] += 1;
            self.again = Some((now + delay, packet[at]));
            self.resync_by(now + 2 * delay);
        }
        if let (Some(delay), Some(at), true) = (self.swapped.next(), last_change, packet.len() > 1)
        {
            self.happened[Fault::DeltaSwapped.index()] += 1;
            self.held = Some(packet.remove(at));
            self.resync_by(now + delay);
        }
        if let Some((from, until)) = window_of(&self.crossed, now)
            && let Some(ask) = self.book.best(Side::Sell)
            && let Some(last) = packet.last().copied()
        {
            let crossing = EventRow {
                kind: RowKind::Depth,
                side: Side::Buy,
                px: ask.offset(1),
                qty: QtyLot::new(1),
                last: false,
                ..last
            };
            let fresh = std::mem::replace(&mut self.last_crossed, from) != from;
            self.happened[Fault::FeedCrossed.index()] += u64::from(fresh);
            packet.insert(0, crossing);
            self.resync_by(until);
        }
        let end = packet.len().saturating_sub(1);
        for (at, row) in packet.iter_mut().enumerate() {
            row.last = at == end;
        }
    }

    fn resync_by(&mut self, at_ns: i64) {
        self.resync_at = Some(self.resync_at.map_or(at_ns, |due| due.max(at_ns)));
    }

    fn note(&mut self, row: &EventRow) {
        match row.kind {
            RowKind::Depth => {
                self.book.set(row.side, row.px, row.qty);
            }
            RowKind::Reset | RowKind::Gap => self.book.clear(),
            RowKind::Trade => {}
        }
    }

    /// The true book as a packet at the time of `like`.
    fn snapshot(&self, like: &EventRow) -> Vec<EventRow> {
        let mut rows = vec![EventRow {
            last: false,
            ..bare(RowKind::Reset, like)
        }];
        for side in Side::BOTH {
            rows.extend(self.book.levels(side).map(|(px, qty)| EventRow {
                kind: RowKind::Depth,
                side,
                px,
                qty,
                last: false,
                ..*like
            }));
        }
        if let Some(last) = rows.last_mut() {
            last.last = true;
        }
        rows
    }

    /// Rows of a packet arrive together; while data stand still they wait for its end.
    fn emit(&mut self, packet: &[EventRow], clock: &LocalClock, out: &mut EventColumns) {
        let first = packet.first().map_or(i64::MIN, |row| row.ts_local.get());
        if let Some((from, _)) = window_of(&self.stale, first) {
            let fresh = std::mem::replace(&mut self.last_stale, from) != from;
            self.happened[Fault::FeedStale.index()] += u64::from(fresh);
        }
        for row in packet {
            let arrives = row.ts_local.get();
            let arrives = window_of(&self.stale, arrives).map_or(arrives, |window| window.1);
            self.last_local = self.last_local.max(clock.local(arrives));
            push(out, row, row.ts_exch.get(), self.last_local);
        }
    }
}

/// The window that holds `now_ns`.
fn window_of(windows: &[(i64, i64)], now_ns: i64) -> Option<(i64, i64)> {
    let at = windows.partition_point(|window| window.1 <= now_ns);
    windows.get(at).copied().filter(|window| window.0 <= now_ns)
}

/// A row without price at the time of `like`, a packet of its own.
fn bare(kind: RowKind, like: &EventRow) -> EventRow {
    EventRow {
        kind,
        side: Side::Buy,
        last: true,
        px: PriceTick::ZERO,
        qty: QtyLot::ZERO,
        ..*like
    }
}

fn row_of(chunk: &EventColumns, row: usize) -> EventRow {
    let flags = chunk.flags[row];
    EventRow {
        kind: RowKind::from_flags(flags),
        side: Side::from_bit(flags & SIDE_BIT),
        last: flags & LAST_BIT != 0,
        px: PriceTick::new(i64::from(chunk.px[row])),
        qty: QtyLot::new(chunk.qty[row]),
        ts_exch: TsNs::new(chunk.ts_exch[row]),
        ts_local: TsNs::new(chunk.ts_local[row]),
    }
}

fn push(out: &mut EventColumns, row: &EventRow, ts_exch: i64, ts_local: i64) {
    out.flags
        .push(EventColumns::flags_of(row.kind, row.side, row.last));
    // prices came out of such a column, a tick more at most
    out.px.push(i32::try_from(row.px.get()).unwrap_or(i32::MAX));
    out.qty.push(row.qty.get());
    out.ts_exch.push(ts_exch);
    out.ts_local.push(ts_local);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Ratio;
    use mmbot_sim::market::{Market, MarketConfig, Regime};

    /// Received best prices against the true ones, after everything healed.
    #[test]
    fn a_spoiled_feed_ends_at_the_true_book() {
        let mut spoiled = 0;
        for seed in 0..8 {
            let mut plan = FaultPlan::calm(seed, 1, 8_000);
            for fault in [
                Fault::FeedGap,
                Fault::FeedStale,
                Fault::FeedCrossed,
                Fault::DeltaDuplicated,
                Fault::DeltaSwapped,
            ] {
                plan.enable(fault, Ratio { num: 1, den: 20 }, 900);
            }
            let clock = LocalClock::new(&plan);
            let mut feed = Feed::new(&plan);
            let mut market = Market::new(&MarketConfig::new(seed, Regime::Mixed)).unwrap();
            let (mut received, mut wrong) = (Ladder::new(), 0);
            let mut last = i64::MIN;
            for second in 1..=12 {
                let until = TsNs::new(second * 1_000_000_000);
                let chunk = market.next_chunk(usize::MAX, Some(until));
                let both = feed.pass(&chunk, &clock, second > 8);
                assert_eq!(both.happened.len(), chunk.len());
                for row in 0..both.received.len() {
                    let row = row_of(&both.received, row);
                    assert!(row.ts_local.get() >= last);
                    last = row.ts_local.get();
                    match row.kind {
                        RowKind::Depth => {
                            received.set(row.side, row.px, row.qty);
                        }
                        RowKind::Trade => {}
                        RowKind::Reset | RowKind::Gap => received.clear(),
                    }
                }
                let levels = |book: &Ladder, side| book.levels(side).collect::<Vec<_>>();
                let same =
                    Side::BOTH.map(|side| levels(&received, side) == levels(&feed.book, side));
                wrong += usize::from(same != [true; 2]);
                assert!(second < 12 || same == [true; 2], "seed {seed}");
            }
            spoiled += wrong;
        }
        assert!(spoiled > 8, "{spoiled}: nothing was spoiled");
    }
}
