//! Bindings of the venue frame decoders: `FrameBook` (one frame in, best bid and ask out),
//! `CaptureDecoder` (blocks of a recorded file in, catalog columns out) and `scan_symbols`.

#![allow(
    clippy::disallowed_types,
    reason = "frozen classes that a reader thread may feed: one uncontended lock per call"
)]

use crate::error::{CoreError, core_error};
use mmbot_book::Ladder;
use mmbot_feed::capture::{self, Format};
use mmbot_feed::{BookSink, FrameBook, FrameCounts, Grid};
use mmbot_types::{PriceTick, QtyLot, Side};
use numpy::IntoPyArray;
use pyo3::create_exception;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::sync::{Mutex, MutexGuard, PoisonError};

create_exception!(
    _core,
    FrameError,
    CoreError,
    "A frame was refused: `code` E_MD_FRAME, `key` the stream, `offset` the offending byte."
);

/// Adds the classes and functions of this file to the module.
pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("FrameError", m.py().get_type::<FrameError>())?;
    m.add_class::<PyFrameBook>()?;
    m.add_class::<PyCaptureDecoder>()?;
    m.add_class::<PySymbolInfo>()?;
    m.add_function(wrap_pyfunction!(bybit_sight, m)?)?;
    m.add_function(wrap_pyfunction!(scan_symbols, m)?)?;
    m.add_function(wrap_pyfunction!(detect_format, m)?)?;
    m.add_function(wrap_pyfunction!(capture_formats, m)?)
}

/// The ladder as a sink of decoded levels.
#[derive(Debug, Default)]
struct LadderSink(Ladder);

impl BookSink for LadderSink {
    fn clear(&mut self) {
        self.0.clear();
    }
    #[inline]
    fn set(&mut self, side: Side, px: PriceTick, qty: QtyLot) {
        self.0.set(side, px, qty);
    }
    #[inline]
    fn best(&self, side: Side) -> Option<PriceTick> {
        self.0.best(side)
    }
    #[inline]
    fn qty_at(&self, side: Side, px: PriceTick) -> QtyLot {
        self.0.qty_at(side, px)
    }
}

/// Best bid, its size, best ask, its size: quote and base currency.
type TopOfBook = (f64, f64, f64, f64);

/// Order book of one symbol, fed by raw Bybit v5 `orderbook.{depth}.{symbol}` frames.
#[pyclass(name = "FrameBook", module = "mmbot._core", frozen)]
struct PyFrameBook {
    symbol: String,
    inner: Mutex<FrameBook<LadderSink>>,
}

impl PyFrameBook {
    fn inner(&self) -> MutexGuard<'_, FrameBook<LadderSink>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> FrameCounts {
        self.inner().counts()
    }
}

#[pymethods]
impl PyFrameBook {
    #[new]
    fn new(symbol: &str, tick_size: &str, lot_size: &str) -> PyResult<Self> {
        let grid = parse_grid(symbol, tick_size, lot_size)?;
        Ok(Self {
            symbol: symbol.to_ascii_uppercase(),
            inner: Mutex::new(FrameBook::new(symbol, grid, LadderSink::default())),
        })
    }

    fn apply(&self, frame: &[u8]) -> PyResult<Option<TopOfBook>> {
        let mut book = self.inner();
        match book.apply(frame) {
            Ok(None) => Ok(None),
            Ok(Some(top)) => {
                let grid = book.grid();
                Ok(Some((
                    grid.tick.to_f64(top.bid.get()),
                    grid.lot.to_f64(top.bid_qty.get()),
                    grid.tick.to_f64(top.ask.get()),
                    grid.lot.to_f64(top.ask_qty.get()),
                )))
            }
            Err(error) => Err(frame_error(&self.symbol, error)),
        }
    }

    #[getter]
    fn symbol(&self) -> &str {
        &self.symbol
    }
    #[getter]
    fn state(&self) -> &'static str {
        self.inner().state().name()
    }
    #[getter]
    fn snapshots(&self) -> u64 {
        self.counts().snapshots
    }
    #[getter]
    fn gaps(&self) -> u64 {
        self.counts().gaps
    }
    #[getter]
    fn duplicates(&self) -> u64 {
        self.counts().duplicates
    }
    #[getter]
    fn crossed(&self) -> u64 {
        self.counts().crossed
    }
    #[getter]
    fn rejected(&self) -> u64 {
        self.counts().rejected
    }
}

/// Decoder of recorded files of one symbol.
#[pyclass(name = "CaptureDecoder", module = "mmbot._core", frozen)]
struct PyCaptureDecoder {
    inner: Mutex<capture::CaptureDecoder<LadderSink>>,
}

impl PyCaptureDecoder {
    fn inner(&self) -> MutexGuard<'_, capture::CaptureDecoder<LadderSink>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A refused line: number, offset of the offending byte, code, reason, the line.
type RejectRow<'py> = (u64, usize, &'static str, String, Bound<'py, PyBytes>);

#[pymethods]
impl PyCaptureDecoder {
    #[new]
    #[pyo3(signature = (format, symbol, tick_size, lot_size, *, market=None))]
    fn new(
        format: &str,
        symbol: &str,
        tick_size: &str,
        lot_size: &str,
        market: Option<&str>,
    ) -> PyResult<Self> {
        let grid = parse_grid(symbol, tick_size, lot_size)?;
        let decoder = capture::CaptureDecoder::new(
            parse_format(format)?,
            symbol,
            market,
            grid,
            LadderSink::default(),
        );
        Ok(Self {
            inner: Mutex::new(decoder),
        })
    }

    fn begin_file(&self) {
        self.inner().begin_file();
    }

    fn feed(&self, py: Python<'_>, data: &[u8]) {
        py.detach(|| self.inner().feed(data));
    }

    fn finish(&self, py: Python<'_>) {
        py.detach(|| self.inner().finish());
    }

    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let book = self.inner().take_book();
        let out = PyDict::new(py);
        out.set_item("ts_ns", book.ts_ns.into_pyarray(py))?;
        out.set_item("recv_ns", book.recv_ns.into_pyarray(py))?;
        out.set_item("update_id", book.update_id.into_pyarray(py))?;
        out.set_item("seq", book.seq.into_pyarray(py))?;
        out.set_item("kind", book.kind.into_pyarray(py))?;
        out.set_item("side", book.side.into_pyarray(py))?;
        out.set_item("px", book.px.into_pyarray(py))?;
        out.set_item("qty", book.qty.into_pyarray(py))?;
        Ok(out)
    }

    fn take_trades<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let trades = self.inner().take_trades();
        let out = PyDict::new(py);
        out.set_item("ts_ns", trades.ts_ns.into_pyarray(py))?;
        out.set_item("recv_ns", trades.recv_ns.into_pyarray(py))?;
        out.set_item("trade_id", PyList::new(py, &trades.trade_id)?)?;
        out.set_item("side", trades.side.into_pyarray(py))?;
        out.set_item("px", trades.px.into_pyarray(py))?;
        out.set_item("qty", trades.qty.into_pyarray(py))?;
        Ok(out)
    }

    fn take_rejects<'py>(&self, py: Python<'py>) -> Vec<RejectRow<'py>> {
        let rejects = self.inner().take_rejects();
        let row = |r: capture::Reject| {
            let raw = PyBytes::new(py, &r.raw);
            (
                r.line,
                r.offset,
                mmbot_feed::FrameError::CODE,
                r.kind.to_string(),
                raw,
            )
        };
        rejects.into_iter().map(row).collect()
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = *self.inner().stats();
        let out = PyDict::new(py);
        for (name, value) in [
            ("bytes", stats.bytes),
            ("lines", stats.lines),
            ("frames", stats.frames),
            ("trade_frames", stats.trade_frames),
            ("snapshots", stats.snapshots),
            ("rows", stats.rows),
            ("trades", stats.trades),
            ("gaps", stats.gaps),
            ("duplicates", stats.duplicates),
            ("before_snapshot", stats.before_snapshot),
            ("ignored", stats.ignored),
            ("out_of_order", stats.out_of_order),
            ("recv_out_of_order", stats.recv_out_of_order),
            ("crossed", stats.crossed),
            ("rounded", stats.rounded),
            ("rejected", stats.rejected),
            ("others", stats.others),
            ("foreign", stats.foreign),
            ("other_stream", stats.other_stream),
            ("reconnects", stats.reconnects),
        ] {
            out.set_item(name, value)?;
        }
        out.set_item("first_ts_ns", stats.first_ts_ns)?;
        out.set_item("last_ts_ns", stats.last_ts_ns)?;
        Ok(out)
    }

    #[getter]
    fn state(&self) -> &'static str {
        self.inner().state().name()
    }
}

/// A symbol that a capture holds.
#[pyclass(name = "SymbolInfo", module = "mmbot._core", frozen, get_all)]
struct PySymbolInfo {
    symbol: String,
    market: String,
    tick_size: Option<String>,
    lot_size: Option<String>,
    stated: bool,
    book_frames: u64,
    trades: u64,
}

#[pymethods]
impl PySymbolInfo {
    fn __repr__(&self) -> String {
        format!(
            "SymbolInfo(symbol={:?}, market={:?}, tick_size={:?}, lot_size={:?})",
            self.symbol,
            self.market,
            self.tick_size.as_deref().unwrap_or(""),
            self.lot_size.as_deref().unwrap_or(""),
        )
    }
}

#[pyfunction]
fn scan_symbols(py: Python<'_>, format: &str, data: &[u8]) -> PyResult<Vec<PySymbolInfo>> {
    let format = parse_format(format)?;
    let found = py.detach(|| capture::scan_symbols(format, data));
    let info = |s: capture::SymbolInfo| PySymbolInfo {
        symbol: s.symbol,
        market: s.market,
        tick_size: s.tick_size,
        lot_size: s.lot_size,
        stated: s.stated,
        book_frames: s.book_frames,
        trades: s.trades,
    };
    Ok(found.into_iter().map(info).collect())
}

#[pyfunction]
fn bybit_sight(frame: &[u8]) -> Option<(u8, &str, i64)> {
    mmbot_feed::sight(frame).map(|found| (found.kind as u8, found.symbol, found.made_ms))
}

#[pyfunction]
fn detect_format(head: &[u8]) -> Option<String> {
    Format::detect(head).map(Format::name)
}

#[pyfunction]
fn capture_formats() -> Vec<String> {
    Format::all().map(Format::name).collect()
}

fn parse_format(name: &str) -> PyResult<Format> {
    let unknown = || core_error("E_REC_IMPORT", name, "is not a capture format");
    Format::of_name(name).ok_or_else(unknown)
}

fn parse_grid(symbol: &str, tick_size: &str, lot_size: &str) -> PyResult<Grid> {
    Grid::parse(tick_size, lot_size).map_err(|e| {
        let message = format!("tick_size and lot_size must be positive decimal numbers: {e}");
        core_error("E_CFG_RANGE", symbol, &message)
    })
}

#[cold]
fn frame_error(symbol: &str, error: mmbot_feed::FrameError) -> PyErr {
    let raised = FrameError::new_err(error.line(symbol));
    Python::attach(|py| {
        let value = raised.value(py);
        // setting an attribute of a fresh exception fails only without memory; the message holds
        // all
        let _ = value.setattr("code", mmbot_feed::FrameError::CODE);
        let _ = value.setattr("key", symbol);
        let _ = value.setattr("offset", error.offset);
    });
    raised
}
