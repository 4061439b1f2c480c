//! Raw frames of several symbols: whatever breaks in one leaves the others alone, and no wrong book
//! is traded on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod breaks;
mod fates;
mod hour;
mod venue;
