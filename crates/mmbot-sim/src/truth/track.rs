//! Runs queue models over published rows next to the truth log.

use crate::market::{ProbeChange, ProbeEvent};
use crate::queue::{QueueModel, QueuePosition};
use mmbot_book::Ladder;
use mmbot_types::{EventColumns, EventRow, PriceTick, QtyLot, RowKind, Side};
use std::collections::VecDeque;

/// Ages at which the queue error is sampled, ms.
pub const AGES_MS: [i64; 7] = [50, 100, 200, 500, 1_000, 2_000, 5_000];

const NS_PER_MS: i64 = 1_000_000;

/// Error of the volume ahead at one age, summed over probes that were still waiting in truth.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AgeError {
    /// Probes.
    pub count: u64,
    /// Sum of |model - truth| in lots.
    pub abs_lots: f64,
    /// Sum of |model - truth| / volume at the start.
    pub abs_ratio: f64,
    /// Sum of (model - truth) / volume at the start.
    pub bias_ratio: f64,
    /// Sum of squares of (model - truth) / volume at the start.
    pub square_ratio: f64,
}

/// What was known of a waiting probe at the checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// True volume ahead, lots.
    pub truth_ahead: f64,
    /// Volume ahead by model, lots (0 once the model holds it filled).
    pub model_ahead: Vec<f64>,
    /// Displayed size of its level, lots.
    pub displayed: f64,
    /// Displayed size at the best price of the other side, lots.
    pub opposite: f64,
    /// Ticks behind the best price of its side (negative: better than it).
    pub behind_ticks: i64,
}

/// A finished probe.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeRecord {
    /// Venue time of joining, ns.
    pub joined_ns: i64,
    /// Volume ahead at the start, lots.
    pub initial: i64,
    /// Time to the true fill, ns.
    pub truth_fill_ns: Option<i64>,
    /// Time to the fill by model, ns, followed up to the tracker's limit.
    pub model_fill_ns: Vec<Option<i64>>,
    /// State at the checkpoint, if it was still waiting then.
    pub checkpoint: Option<Checkpoint>,
}

#[derive(Debug, Clone)]
struct Waiting {
    number: u32,
    side: Side,
    px: PriceTick,
    truth: i64,
    positions: Vec<QueuePosition>,
    next_age: usize,
    record: ProbeRecord,
}

/// Follows probes. Push chunks of rows with the truth log entries that came with them.
#[derive(Debug, Clone)]
pub struct Tracker {
    models: Vec<QueueModel>,
    checkpoint_ns: i64,
    follow_ns: i64,
    book: Ladder,
    rows_seen: u64,
    pending: VecDeque<ProbeEvent>,
    waiting: Vec<Waiting>,
    errors: Vec<[AgeError; AGES_MS.len()]>,
    done: Vec<ProbeRecord>,
}

impl Tracker {
    /// A tracker of these models. Models that hold a probe back when it is filled in truth are
    /// followed until `follow_ms` after it joined.
    #[must_use]
    pub fn new(models: Vec<QueueModel>, checkpoint_ms: i64, follow_ms: i64) -> Self {
        let errors = vec![[AgeError::default(); AGES_MS.len()]; models.len()];
        Self {
            models,
            checkpoint_ns: checkpoint_ms.saturating_mul(NS_PER_MS),
            follow_ns: follow_ms.saturating_mul(NS_PER_MS),
            book: Ladder::new(),
            rows_seen: 0,
            pending: VecDeque::new(),
            waiting: Vec::new(),
            errors,
            done: Vec::new(),
        }
    }

    /// Reads rows; the log may be ahead of them, never behind.
    pub fn push(&mut self, chunk: &EventColumns, log: Vec<ProbeEvent>) {
        self.pending.extend(log);
        self.apply_log();
        let mut packet_begins = true;
        for i in 0..chunk.len() {
            let row = chunk.row(i);
            if packet_begins {
                self.sample_until(row.ts_exch.get());
            }
            self.read(&row);
            self.rows_seen += 1;
            packet_begins = row.last;
            if row.last {
                self.reach(row.ts_exch.get());
                self.apply_log();
            }
        }
    }

    /// Ends the input. Probes that still wait in truth are unfinished and not counted.
    pub fn close(&mut self) {
        self.release(i64::MAX);
    }

    /// The models.
    #[must_use]
    pub fn models(&self) -> &[QueueModel] {
        &self.models
    }

    /// Finished probes in order of their end.
    #[must_use]
    pub fn records(&self) -> &[ProbeRecord] {
        &self.done
    }

    /// Queue errors of a model by age ([`AGES_MS`]).
    #[must_use]
    pub fn errors(&self, model: usize) -> &[AgeError] {
        self.errors.get(model).map_or(&[], |ages| ages)
    }

    fn read(&mut self, row: &EventRow) {
        match row.kind {
            RowKind::Depth => {
                let before = self.book.set(row.side, row.px, row.qty);
                for probe in &mut self.waiting {
                    if probe.px == row.px && probe.side == row.side {
                        for (position, &model) in probe.positions.iter_mut().zip(&self.models) {
                            position.on_level_change(model, before, row.qty);
                        }
                    }
                }
            }
            RowKind::Trade => self.print(row),
            RowKind::Reset => self.book.clear(),
            // without data there is no queue; the generator has none, recordings may
            RowKind::Gap => self.waiting.clear(),
        }
    }

    fn print(&mut self, row: &EventRow) {
        let passive = row.side.opposite();
        for probe in &mut self.waiting {
            if probe.side != passive || passive.better(row.px, probe.px) {
                continue;
            }
            let age = row.ts_exch.get() - probe.record.joined_ns;
            let through = probe.px != row.px;
            let fills = probe
                .positions
                .iter_mut()
                .zip(&mut probe.record.model_fill_ns);
            for (position, fill) in fills {
                if (through || !position.on_print(row.qty).is_zero()) && fill.is_none() {
                    *fill = Some(age);
                }
            }
        }
    }

    /// The opposite best price reached a probe: every model fills it.
    fn reach(&mut self, ts: i64) {
        let best = Side::BOTH.map(|side| self.book.best(side));
        for probe in &mut self.waiting {
            let opposite = best[probe.side.opposite().index()];
            if opposite.is_some_and(|px| probe.side.crosses(probe.px, px)) {
                for fill in &mut probe.record.model_fill_ns {
                    fill.get_or_insert(ts - probe.record.joined_ns);
                }
            }
        }
    }

    fn apply_log(&mut self) {
        while let Some(event) = self.pending.front() {
            if event.row > self.rows_seen {
                return;
            }
            let event = *event;
            self.pending.pop_front();
            if matches!(event.change, ProbeChange::Expired) {
                self.sample_until(event.ts.get());
            }
            self.apply(event);
        }
    }

    fn apply(&mut self, event: ProbeEvent) {
        if let ProbeChange::Joined { side, px, .. } = event.change {
            self.join(event.probe, event.ts.get(), side, px);
            return;
        }
        let found = self.waiting.iter().position(|p| p.number == event.probe);
        let Some(at) = found else {
            return;
        };
        match event.change {
            ProbeChange::Joined { .. } => {}
            ProbeChange::Ahead(ahead) => self.waiting[at].truth = ahead.get(),
            ProbeChange::Filled => {
                let record = &mut self.waiting[at].record;
                record.truth_fill_ns = Some(event.ts.get() - record.joined_ns);
            }
            ProbeChange::Expired => self.done.push(self.waiting.remove(at).record),
        }
    }

    fn join(&mut self, number: u32, ts: i64, side: Side, px: PriceTick) {
        let displayed: QtyLot = self.book.qty_at(side, px);
        self.waiting.push(Waiting {
            number,
            side,
            px,
            truth: displayed.get(),
            positions: vec![QueuePosition::join(displayed); self.models.len()],
            next_age: 0,
            record: ProbeRecord {
                joined_ns: ts,
                initial: displayed.get(),
                truth_fill_ns: None,
                model_fill_ns: vec![None; self.models.len()],
                checkpoint: None,
            },
        });
    }

    /// Ends probes that are filled in truth and in every model, or followed long enough.
    fn release(&mut self, ts: i64) {
        let (done, follow_ns) = (&mut self.done, self.follow_ns);
        self.waiting.retain(|probe| {
            let record = &probe.record;
            let late = ts.saturating_sub(record.joined_ns) > follow_ns;
            let agreed = late || record.model_fill_ns.iter().all(Option::is_some);
            let ended = record.truth_fill_ns.is_some() && agreed;
            if ended {
                done.push(record.clone());
            }
            !ended
        });
    }

    /// Samples every waiting probe at the ages that lie before `ts` (the state is that of the last
    /// packet).
    #[allow(clippy::cast_precision_loss)] // sizes are far below 2^53 lots
    fn sample_until(&mut self, ts: i64) {
        self.release(ts);
        for probe in &mut self.waiting {
            if probe.record.truth_fill_ns.is_some() {
                continue;
            }
            let joined = probe.record.joined_ns;
            while probe.next_age < AGES_MS.len()
                && joined + AGES_MS[probe.next_age] * NS_PER_MS < ts
            {
                sample(probe, &mut self.errors);
            }
            if probe.record.checkpoint.is_none() && joined + self.checkpoint_ns < ts {
                let best = self.book.best(probe.side).unwrap_or(probe.px);
                let other = probe.side.opposite();
                let facing = self.book.best(other).unwrap_or(probe.px);
                probe.record.checkpoint = Some(Checkpoint {
                    truth_ahead: probe.truth as f64,
                    model_ahead: estimates(probe).collect(),
                    displayed: self.book.qty_at(probe.side, probe.px).get() as f64,
                    opposite: self.book.qty_at(other, facing).get() as f64,
                    behind_ticks: best.ticks_from(probe.px) * probe.side.sign(),
                });
            }
        }
    }
}

/// Volume ahead by model; a model that holds the probe filled has nothing ahead.
fn estimates(probe: &Waiting) -> impl Iterator<Item = f64> + '_ {
    let fills = probe.record.model_fill_ns.iter();
    let places = probe.positions.iter().zip(fills);
    places.map(|(position, fill)| {
        if fill.is_some() {
            0.0
        } else {
            position.ahead()
        }
    })
}

#[allow(clippy::cast_precision_loss)] // sizes are far below 2^53 lots
fn sample(probe: &mut Waiting, errors: &mut [[AgeError; AGES_MS.len()]]) {
    let age = probe.next_age;
    probe.next_age += 1;
    if probe.record.initial == 0 {
        return;
    }
    let initial = probe.record.initial as f64;
    for (model, ahead) in estimates(probe).enumerate() {
        let error = ahead - probe.truth as f64;
        let ratio = error / initial;
        let sums = &mut errors[model][age];
        sums.count += 1;
        sums.abs_lots += error.abs();
        sums.abs_ratio += ratio.abs();
        sums.bias_ratio += ratio;
        sums.square_ratio += ratio * ratio;
    }
}
