//! Checkpoints of a session that will crash: what of them the disk still has, and the session that
//! the newest usable one leads to with the journal's records behind it.

use super::crash::Given;
use super::kind::Fault;
use super::plan::{FaultPlan, below};
use super::ratio::Ratio;
use super::rim::Rim;
use crate::checkpoint::{Checkpoint, UnusableState};
use crate::fleet::Fleet;
use crate::replay::Replay;
use mmbot_core::Engine;
use mmbot_types::CounterRng;
use mmbot_types::journal::Reader;
use std::collections::VecDeque;

/// Checkpoints on the disk: enough that a damaged one has others before it.
const KEPT_MAX: usize = 3;

/// See the module.
#[derive(Debug)]
pub(super) struct DiskStates {
    kept: VecDeque<Checkpoint>,
    lost: Draw,
    torn: Draw,
}

/// One draw per crash.
#[derive(Debug)]
struct Draw {
    ratio: Ratio,
    rng: CounterRng,
}

impl Draw {
    fn of(plan: &FaultPlan, fault: Fault) -> Self {
        Self {
            ratio: plan.option(fault).ratio,
            rng: CounterRng::new(plan.seed, fault.name()),
        }
    }

    fn happens(&self, index: u64) -> bool {
        self.ratio.happens(self.rng, index)
    }
}

impl DiskStates {
    pub(super) fn new(plan: &FaultPlan) -> Self {
        Self {
            kept: VecDeque::new(),
            lost: Draw::of(plan, Fault::CheckpointLost),
            torn: Draw::of(plan, Fault::CheckpointTorn),
        }
    }

    /// Takes what the session has written since the last call. One that could not be taken is
    /// missing: trading goes on without it.
    pub(super) fn collect(&mut self, fleet: &mut Fleet) {
        let taking = fleet.tap_mut().and_then(|tap| tap.checkpoints_mut());
        let taken = taking.map(|taking| taking.hand_over());
        self.kept.extend(taken.into_iter().flatten().flatten());
        while self.kept.len() > KEPT_MAX {
            self.kept.pop_front();
        }
    }

    /// At a crash `index`: what of them is there afterwards.
    pub(super) fn crash(&mut self, rim: &mut Rim, index: u64) {
        if self.lost.happens(index) {
            rim.note(Fault::CheckpointLost);
            self.kept.clear();
        } else if self.torn.happens(index)
            && let Some(newest) = self.kept.back_mut()
        {
            rim.note(Fault::CheckpointTorn);
            let length = i64::try_from(newest.state.len()).unwrap_or(1);
            let written = below(self.torn.rng, index + 1, length);
            newest.state.truncate(usize::try_from(written).unwrap_or(0));
        }
    }

    /// The session as the newest usable checkpoint and the records behind it say that it was;
    /// `None` if no checkpoint is usable.
    ///
    /// # Errors
    /// What is wrong with a state or a record that should be right, in one line.
    pub(super) fn recover(&self, disk: &[u8], given: &Given) -> Result<Option<Engine>, String> {
        for checkpoint in self.kept.iter().rev() {
            match checkpoint.head.restore(&checkpoint.state) {
                Ok(engine) => return replayed(engine, checkpoint, disk, given).map(Some),
                Err(UnusableState::Damaged) => {}
                Err(other) => return Err(format!("a checkpoint {other}")),
            }
        }
        Ok(None)
    }
}

fn replayed(
    engine: Engine,
    checkpoint: &Checkpoint,
    disk: &[u8],
    mut given: &Given,
) -> Result<Engine, String> {
    let at = checkpoint.head.at;
    let rest = usize::try_from(at.offset)
        .ok()
        .and_then(|from| disk.get(from..));
    let rest = rest.ok_or("a checkpoint stands beyond the end of its journal")?;
    let mut reader = Reader::resume(rest, at.offset, Some(at.seq));
    let mut replay = Replay::resumed(engine, Vec::new());
    while let Some(entry) = reader.next_entry().map_err(|error| error.to_string())? {
        let taken = replay.on_entry(&entry, &mut given);
        taken.map_err(|error| error.to_string())?;
    }
    match replay.outcome().difference {
        None => replay
            .engine()
            .cloned()
            .ok_or_else(|| "no session".to_owned()),
        Some(difference) => Err(format!("from checkpoint at {}: {difference:?}", at.seq)),
    }
}
