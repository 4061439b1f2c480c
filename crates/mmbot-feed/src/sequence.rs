//! Continuity of a book stream: one exhaustive match over (rule, state, message).
//!
//! | rule | snapshot | next in order | dropped | gap |
//! |---|---|---|---|---|
//! | Bybit v5 | `snapshot`, or `u` = 1 | `u` = last + 1 | `u` <= last | else |
//! | Binance futures | REST depth | `pu` = last; joining: `pu` <= id <= `u` | `u` <= last | else |
//! | Binance spot | REST depth | `U` = last + 1; joining: `U` <= id + 1 | `u` <= last | else |
//! | OKX | `snapshot` | `prevSeqId` = last, or no ids stated | `seqId` <= last | else |
//! | unnumbered | marked by the recorder | always | never | never |
//!
//! After a gap nothing is applied until the next snapshot.

use crate::decoded::UpdateIds;

/// How a venue numbers its book messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Consecutive `u`; the snapshot is in the stream.
    Bybit,
    /// `U`, `u` and on futures `pu`; the snapshot comes from REST and is joined.
    Binance,
    /// `prevSeqId`, `seqId`, absent in old captures; the snapshot is in the stream.
    Okx,
    /// No numbers (tardis files).
    Unnumbered,
}

/// State of the book, in the words of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookState {
    /// Nothing received yet.
    Empty,
    /// Snapshot and all updates since.
    Synced,
    /// Data are missing or wrong; waiting for a snapshot.
    Desynced,
}

impl BookState {
    /// Name used in logs and bindings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            BookState::Empty => "EMPTY",
            BookState::Synced => "SYNCED",
            BookState::Desynced => "DESYNCED",
        }
    }
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Empty the book, then apply the levels.
    Reset,
    /// Apply the levels.
    Apply,
    /// Old news: drop and count.
    Duplicate,
    /// Messages are missing before this one: the book is unusable from here on.
    Gap,
    /// No snapshot yet (or none since the gap): ignore.
    NeedSnapshot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Empty,
    Desynced,
    /// A REST snapshot with this id stands; no update has been joined to it yet.
    Joining {
        id: i64,
    },
    /// The last id applied, where messages are numbered.
    Synced {
        last: Option<i64>,
    },
}

/// Sequence state machine of one book stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    rule: Rule,
    state: State,
}

impl Sequence {
    /// A machine that has seen nothing.
    #[must_use]
    pub const fn new(rule: Rule) -> Self {
        Self {
            rule,
            state: State::Empty,
        }
    }

    /// State of the book.
    #[must_use]
    pub const fn state(&self) -> BookState {
        match self.state {
            State::Empty => BookState::Empty,
            State::Desynced => BookState::Desynced,
            State::Joining { .. } | State::Synced { .. } => BookState::Synced,
        }
    }

    /// Id of a REST snapshot that still waits for its first update.
    #[must_use]
    pub const fn joining(&self) -> Option<i64> {
        match self.state {
            State::Joining { id } => Some(id),
            _ => None,
        }
    }

    /// The numbering rule.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// The book turned out wrong (crossed, off the grid, lost connection): wait for a snapshot.
    /// True if it was usable before.
    pub fn desync(&mut self) -> bool {
        let was = self.state() == BookState::Synced;
        if was {
            self.state = State::Desynced;
        }
        was
    }

    /// Takes the ids of the next message.
    #[inline]
    pub fn on(&mut self, ids: &UpdateIds, is_snapshot: bool) -> Verdict {
        let (verdict, next) = if is_snapshot {
            self.on_snapshot(ids)
        } else {
            match self.rule {
                Rule::Bybit => on_bybit(self.state, ids),
                Rule::Binance => on_binance(self.state, ids),
                Rule::Okx => on_okx(self.state, ids),
                Rule::Unnumbered => on_unnumbered(self.state),
            }
        };
        self.state = next;
        verdict
    }

    fn on_snapshot(&self, ids: &UpdateIds) -> (Verdict, State) {
        match (self.rule, ids.last, self.state) {
            // a REST answer that is older than what was already joined says nothing new
            (Rule::Binance, Some(id), State::Synced { last: Some(last) }) if id <= last => {
                (Verdict::Duplicate, self.state)
            }
            (Rule::Binance, Some(id), _) => (Verdict::Reset, State::Joining { id }),
            (_, last, _) => (Verdict::Reset, State::Synced { last }),
        }
    }
}

#[inline(always)]
fn on_bybit(state: State, ids: &UpdateIds) -> (Verdict, State) {
    let Some(u) = ids.last else {
        return lost(state);
    };
    let synced = State::Synced { last: Some(u) };
    match state {
        // the service restarted and numbers from 1: the message is the whole book
        _ if u == 1 => (Verdict::Reset, synced),
        State::Synced { last: Some(last) } if u == last.saturating_add(1) => {
            (Verdict::Apply, synced)
        }
        State::Synced { last: Some(last) } if u <= last => (Verdict::Duplicate, state),
        other => lost(other),
    }
}

fn on_binance(state: State, ids: &UpdateIds) -> (Verdict, State) {
    let (Some(first), Some(u)) = (ids.first, ids.last) else {
        return lost(state);
    };
    let synced = State::Synced { last: Some(u) };
    match (state, ids.prev) {
        (State::Joining { id }, Some(_)) if u < id => (Verdict::Duplicate, state),
        (State::Joining { id }, Some(prev)) if prev <= id => (Verdict::Apply, synced),
        (State::Joining { id }, None) if u <= id => (Verdict::Duplicate, state),
        (State::Joining { id }, None) if first <= id.saturating_add(1) => (Verdict::Apply, synced),
        (State::Synced { last: Some(last) }, Some(prev)) if prev == last => {
            (Verdict::Apply, synced)
        }
        (State::Synced { last: Some(last) }, None) if first == last.saturating_add(1) => {
            (Verdict::Apply, synced)
        }
        (State::Synced { last: Some(last) }, _) if u <= last => (Verdict::Duplicate, state),
        (other, _) => lost(other),
    }
}

fn on_okx(state: State, ids: &UpdateIds) -> (Verdict, State) {
    match (state, ids.prev, ids.last) {
        // captures of before 2023 state no ids
        (State::Synced { last }, None, None) => (Verdict::Apply, State::Synced { last }),
        (State::Synced { last: Some(last) }, Some(prev), Some(id)) if prev == last => {
            // maintenance may restart the numbers: `seqId` may then be lower than `prevSeqId`
            (Verdict::Apply, State::Synced { last: Some(id) })
        }
        (State::Synced { last: Some(last) }, _, Some(id)) if id <= last => {
            (Verdict::Duplicate, state)
        }
        (other, _, _) => lost(other),
    }
}

fn on_unnumbered(state: State) -> (Verdict, State) {
    match state {
        State::Synced { .. } => (Verdict::Apply, state),
        other => lost(other),
    }
}

/// Something is missing: a gap if the book was usable, else still no snapshot.
#[inline(always)]
fn lost(state: State) -> (Verdict, State) {
    match state {
        State::Empty => (Verdict::NeedSnapshot, State::Empty),
        State::Desynced => (Verdict::NeedSnapshot, State::Desynced),
        State::Joining { .. } | State::Synced { .. } => (Verdict::Gap, State::Desynced),
    }
}
