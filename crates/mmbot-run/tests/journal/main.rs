//! Journals of simulated sessions: written while they run, replayed afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod checkpoints;
mod follow;
mod hand;
mod live;
mod live_resume;
mod outside;
mod reasons;
mod replays;
mod sessions;
