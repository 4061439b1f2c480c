//! The seam: PyO3 bindings of the core. Thin: each class wraps one Rust type, copies or owns every
//! buffer it keeps, and releases the GIL while a chunk runs. Python imports this module through
//! `mmbot.core` only.

mod allocator;
mod allocator_books;
mod backtest;
mod chunk;
mod columns;
mod error;
mod exchange_book;
mod faults;
mod feed;
mod frames;
mod instrument;
mod journal;
mod lane_keys;
mod live;
mod market;
mod merger;
mod order_events;
mod portfolio_keys;
mod queue_score;
mod reading;
mod records;
mod result;
mod session;
mod session_keys;
mod sim_keys;
mod snapshot;
mod strategy;

use pyo3::prelude::*;

/// Private extension module; see `mmbot.core`.
#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add("CoreError", m.py().get_type::<error::CoreError>())?;
    m.add_class::<instrument::PyInstrument>()?;
    m.add_class::<chunk::EventChunk>()?;
    m.add_class::<columns::PyColumnReader>()?;
    m.add_class::<merger::PyStreamMerger>()?;
    m.add_class::<backtest::PyBacktest>()?;
    allocator_books::register(m)?;
    allocator::register(m)?;
    session::register(m)?;
    live::register(m)?;
    market::register(m)?;
    faults::register(m)?;
    exchange_book::register(m)?;
    feed::register(m)?;
    frames::register(m)?;
    journal::register(m)?;
    Ok(())
}
