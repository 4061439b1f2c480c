//! `ColumnReader`: pages of Parquet files to columns.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

use crate::error::core_error;
use mmbot_parquet::{Column, PageError, PageHeader, Value};
use numpy::PyArray1;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList};
use std::sync::{Mutex, PoisonError};

/// Decodes integer columns of Parquet row groups beside each other.
#[pyclass(name = "ColumnReader", module = "mmbot._core", frozen)]
pub(crate) struct PyColumnReader {
    columns: Mutex<Vec<AnyColumn>>,
}

/// A column and what was decoded of it last, kept for its memory.
enum AnyColumn {
    Long(Decoded<i64>),
    Byte(Decoded<u8>),
}

struct Decoded<T> {
    /// A page is the bytes object that Python decompressed it into; nobody can change it.
    column: Column<T, PyBackedBytes>,
    values: Vec<T>,
}

impl<T: Value> Decoded<T> {
    fn new(is_optional: bool) -> Self {
        Self {
            column: Column::new(is_optional),
            values: Vec::new(),
        }
    }

    fn decode(&mut self, rows: usize) -> Result<(), PageError> {
        self.values.clear();
        self.column.take(rows, &mut self.values)
    }
}

/// Values of one column.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    Long(&'a [i64]),
    Byte(&'a [u8]),
}

impl AnyColumn {
    fn waiting(&self) -> usize {
        match self {
            Self::Long(decoded) => decoded.column.waiting(),
            Self::Byte(decoded) => decoded.column.waiting(),
        }
    }

    fn end_chunk(&mut self) -> Result<(), PageError> {
        match self {
            Self::Long(decoded) => decoded.column.end_chunk(),
            Self::Byte(decoded) => decoded.column.end_chunk(),
        }
    }

    fn push(
        &mut self,
        header: &PageHeader,
        levels: &[u8],
        bytes: PyBackedBytes,
    ) -> Result<(), PageError> {
        match self {
            Self::Long(decoded) => decoded.column.push(header, levels, bytes),
            Self::Byte(decoded) => decoded.column.push(header, levels, bytes),
        }
    }

    fn decode(&mut self, rows: usize) -> Result<Values<'_>, PageError> {
        match self {
            Self::Long(decoded) => {
                decoded.decode(rows)?;
                Ok(Values::Long(&decoded.values))
            }
            Self::Byte(decoded) => {
                decoded.decode(rows)?;
                Ok(Values::Byte(&decoded.values))
            }
        }
    }
}

impl PyColumnReader {
    fn with<T>(&self, use_it: impl FnOnce(&mut Vec<AnyColumn>) -> T) -> T {
        use_it(&mut self.columns.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Decodes the next `rows` rows and shows them, column by column.
    pub(crate) fn decode<T>(
        &self,
        rows: usize,
        use_it: impl FnOnce(&[Values<'_>]) -> T,
    ) -> Result<T, PageError> {
        self.with(|columns| {
            let decoded = columns.iter_mut().map(|column| column.decode(rows));
            Ok(use_it(&decoded.collect::<Result<Vec<_>, _>>()?))
        })
    }
}

#[pymethods]
impl PyColumnReader {
    #[new]
    fn new(columns: Vec<(bool, bool)>) -> Self {
        let column = |(is_byte, is_optional)| {
            if is_byte {
                AnyColumn::Byte(Decoded::new(is_optional))
            } else {
                AnyColumn::Long(Decoded::new(is_optional))
            }
        };
        Self {
            columns: Mutex::new(columns.into_iter().map(column).collect()),
        }
    }

    fn end_row_group(&self) -> PyResult<()> {
        self.with(|columns| columns.iter_mut().try_for_each(AnyColumn::end_chunk))
            .map_err(page_error)
    }

    fn lacking(&self, rows: usize) -> Option<usize> {
        self.with(|columns| columns.iter().position(|column| column.waiting() < rows))
    }

    fn push(
        &self,
        py: Python<'_>,
        column: usize,
        chunk: &[u8],
        at: usize,
        decompress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<usize> {
        let rest = chunk.get(at..).unwrap_or(&[]);
        let header = PageHeader::read(rest).map_err(page_error)?;
        let end = header.header_bytes + header.stored_bytes;
        let page = rest
            .get(header.header_bytes..end)
            .ok_or_else(|| page_error(PageError::Truncated))?;
        let (levels, stored) = page.split_at(header.levels_bytes);
        let stored = PyBytes::new(py, stored);
        let plain_bytes = header.plain_bytes - header.levels_bytes;
        // called without the lock: it runs Python
        let bytes = match decompress {
            Some(decompress) if header.is_compressed && plain_bytes > 0 => {
                decompress.call1((stored, plain_bytes))?
            }
            _ => stored.into_any(),
        };
        let bytes = bytes.extract::<PyBackedBytes>()?;
        self.with(|columns| match columns.get_mut(column) {
            Some(column) => column.push(&header, levels, bytes).map_err(page_error),
            None => Err(PyIndexError::new_err("no such column")),
        })?;
        Ok(at + end)
    }

    fn take<'py>(&self, py: Python<'py>, rows: usize) -> PyResult<Bound<'py, PyList>> {
        let arrays = self.decode(rows, |columns| {
            let arrays = columns.iter().map(|values| match values {
                Values::Long(values) => PyArray1::from_slice(py, values).into_any(),
                Values::Byte(values) => PyArray1::from_slice(py, values).into_any(),
            });
            arrays.collect::<Vec<_>>()
        });
        PyList::new(py, arrays.map_err(page_error)?)
    }
}

pub(crate) fn page_error(error: PageError) -> PyErr {
    core_error("E_MD_FRAME", "page", &error.to_string())
}
