//! What a replay has brought back, for a session that goes on.

use super::{Difference, Replay, Wanted, What};
use crate::world::instrument_idx;
use mmbot_core::{Engine, Request};
use mmbot_types::TsNs;
use thiserror::Error;

/// A session as its journal says that it was.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub engine: Engine,
    /// Requests that the last record led to and that the journal does not have: they never left.
    pub unwritten: Vec<(TsNs, Request)>,
}

/// Why a journal does not bring its session back.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RecoveryError {
    /// It says something else than the core does now.
    #[error("does not replay: the first difference is at seq={}", .0.seq())]
    Differs(Difference),
    /// Its beginning is missing, or the parameters of an instrument.
    #[error("{0}")]
    Incomplete(What),
}

/// Every trader keeps a record of its fills and order events.
pub(super) fn keep_records(engine: &mut Engine, count: usize) {
    for at in 0..count {
        if let Some(trader) = engine.trader_mut(instrument_idx(at)) {
            trader.enable_fill_log();
        }
    }
}

impl Replay {
    /// Keeps a record of every fill and order event, for whoever takes the session over.
    #[must_use]
    pub fn keeping_records(mut self) -> Self {
        self.keeps_records = true;
        self
    }

    /// What this has brought back.
    ///
    /// # Errors
    /// [`RecoveryError`]: nothing may go on from here.
    pub(crate) fn recover(mut self) -> Result<Recovered, RecoveryError> {
        if let Some(difference) = self.difference {
            return Err(RecoveryError::Differs(difference));
        }
        if self.header.is_none() && self.engine.is_none() {
            return Err(RecoveryError::Incomplete(What::NoHeader));
        }
        self.running().map_err(RecoveryError::Incomplete)?;
        let engine = self
            .engine
            .ok_or(RecoveryError::Incomplete(What::NoParams))?;
        let request = |wanted: &Wanted| {
            let request = Request {
                instrument: wanted.instrument,
                action: wanted.action,
                cause: wanted.cause,
            };
            (wanted.ts, request)
        };
        Ok(Recovered {
            engine,
            unwritten: self.waiting.iter().map(request).collect(),
        })
    }

    /// Seed of the session's draws.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.before.seed
    }
}
