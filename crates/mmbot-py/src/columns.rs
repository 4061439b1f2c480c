//! `ColumnReader`: pages of Parquet files to columns.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

use crate::error::core_error;
use mmbot_parquet::{Column, PageError, PageHeader};
use numpy::IntoPyArray;
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

/// A page is the bytes object that Python decompressed it into; nobody can change it.
enum AnyColumn {
    Long(Column<i64, PyBackedBytes>),
    Byte(Column<u8, PyBackedBytes>),
}

/// Values of one column, taken.
enum Taken {
    Long(Vec<i64>),
    Byte(Vec<u8>),
}

impl AnyColumn {
    fn waiting(&self) -> usize {
        match self {
            Self::Long(column) => column.waiting(),
            Self::Byte(column) => column.waiting(),
        }
    }

    fn end_chunk(&mut self) -> Result<(), PageError> {
        match self {
            Self::Long(column) => column.end_chunk(),
            Self::Byte(column) => column.end_chunk(),
        }
    }

    fn push(
        &mut self,
        header: &PageHeader,
        levels: &[u8],
        bytes: PyBackedBytes,
    ) -> Result<(), PageError> {
        match self {
            Self::Long(column) => column.push(header, levels, bytes),
            Self::Byte(column) => column.push(header, levels, bytes),
        }
    }

    fn take(&mut self, rows: usize) -> Result<Taken, PageError> {
        Ok(match self {
            Self::Long(column) => {
                let mut out = Vec::new();
                column.take(rows, &mut out)?;
                Taken::Long(out)
            }
            Self::Byte(column) => {
                let mut out = Vec::new();
                column.take(rows, &mut out)?;
                Taken::Byte(out)
            }
        })
    }
}

impl PyColumnReader {
    fn with<T>(&self, use_it: impl FnOnce(&mut Vec<AnyColumn>) -> T) -> T {
        use_it(&mut self.columns.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl PyColumnReader {
    #[new]
    fn new(columns: Vec<(bool, bool)>) -> Self {
        let column = |(is_byte, is_optional)| {
            if is_byte {
                AnyColumn::Byte(Column::new(is_optional))
            } else {
                AnyColumn::Long(Column::new(is_optional))
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
        let taken = py
            .detach(|| {
                self.with(|columns| {
                    let columns = columns.iter_mut().map(|column| column.take(rows));
                    columns.collect::<Result<Vec<_>, _>>()
                })
            })
            .map_err(page_error)?;
        let arrays = taken.into_iter().map(|values| match values {
            Taken::Long(values) => values.into_pyarray(py).into_any(),
            Taken::Byte(values) => values.into_pyarray(py).into_any(),
        });
        PyList::new(py, arrays.collect::<Vec<_>>())
    }
}

fn page_error(error: PageError) -> PyErr {
    core_error("E_MD_FRAME", "page", &error.to_string())
}
