//! The journal codec: what is written is read, what is damaged is found.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // in tests a failure is a panic

mod arbitrary;
mod frames;
mod layout;
mod records;
