//! Checkpoints: the state of a session beside its journal, so that what was decided late in a day
//! is explained without the day before it.
//!
//! A checkpoint is taken where the journal has a hash of the state: all instruments stand at the
//! same moment there and nothing is under way. It has two parts. The state is for the build that
//! wrote it ([`mmbot_core::STATE_BUILD`]). The head says where in the journal the state belongs,
//! which orders are known there and where parameters changed since the head before; it is framed
//! and checked like a record of the journal, and any build with this layout may read it. Heads
//! stand in a file of their own, which is a table of contents of the journal.

mod head;
mod index;

pub use head::{At, FileRange, Head, HeadError, OrdersKnown};
pub use index::{Index, Kept, Window};

use mmbot_core::{Engine, STATE_BUILD, StateError};
use thiserror::Error;

/// A state and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// See the module; says of the state only how long it is and what its checksum is.
    pub head: Head,
    /// See the module.
    pub state: Vec<u8>,
}

/// A state that nothing may start from.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnusableState {
    /// Another build wrote it.
    #[error("was written by another build ({0:016x}, this is {STATE_BUILD:016x})")]
    Build(u64),
    /// It is not what was written.
    #[error("is damaged")]
    Damaged,
    /// This build cannot read it.
    #[error("{0}")]
    State(#[from] StateError),
    /// Its hash is another.
    #[error("has the hash {found:016x}, not {expected:016x}")]
    Hash {
        /// Of what was read.
        found: u64,
        /// Of the head.
        expected: u64,
    },
}

impl Head {
    /// The engine that `state` is the state of.
    ///
    /// # Errors
    /// [`UnusableState`].
    pub fn restore(&self, state: &[u8]) -> Result<Engine, UnusableState> {
        if self.build != STATE_BUILD {
            return Err(UnusableState::Build(self.build));
        }
        if state.len() as u64 != self.state.bytes || crc32c::crc32c(state) != self.state_crc {
            return Err(UnusableState::Damaged);
        }
        let engine = Engine::restored(state)?;
        let (found, expected) = (engine.state_hash(), self.hash);
        if found != expected {
            return Err(UnusableState::Hash { found, expected });
        }
        Ok(engine)
    }
}
