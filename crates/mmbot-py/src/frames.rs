//! Bindings of `mmbot_feed::frames`: frames of a venue as columns and back.

use crate::error::core_error;
use mmbot_feed::frames;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Adds the functions of this file to the module.
pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(pack_frames, m)?)?;
    m.add_function(wrap_pyfunction!(unpack_frames, m)?)
}

#[pyfunction]
fn pack_frames<'py>(
    py: Python<'py>,
    data: &[u8],
    lens: PyReadonlyArray1<'py, u32>,
    times: PyReadonlyArray1<'py, i64>,
    tags: PyReadonlyArray1<'py, u32>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (lens, times, tags) = (lens.as_slice()?, times.as_slice()?, tags.as_slice()?);
    let packed = py
        .detach(|| frames::pack(data, lens, times, tags))
        .map_err(|error| core_error("E_REC_FRAMES", "block", &error.to_string()))?;
    Ok(PyBytes::new(py, &packed))
}

/// Bytes of all frames, and of each its length, receive time and tag.
type Unpacked<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u32>>,
);

#[pyfunction]
fn unpack_frames<'py>(py: Python<'py>, packed: &[u8], bytes_max: usize) -> PyResult<Unpacked<'py>> {
    let found = py
        .detach(|| frames::unpack(packed, bytes_max))
        .map_err(|error| core_error("E_REC_FRAMES", "block", &error.to_string()))?;
    Ok((
        PyBytes::new(py, &found.bytes),
        found.lens.into_pyarray(py),
        found.times.into_pyarray(py),
        found.tags.into_pyarray(py),
    ))
}
