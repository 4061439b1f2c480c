//! Flat mappings from Python, read key by key: every key is known or an error, every value has its
//! type.

use crate::error::core_error;
use pyo3::conversion::FromPyObjectOwned;
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyBool, PyDict, PyMapping};

/// One value of a flat mapping.
pub(crate) struct Value<'py> {
    pub(crate) key: String,
    value: Bound<'py, PyAny>,
}

impl Value<'_> {
    pub(crate) fn float(&self) -> PyResult<f64> {
        if self.value.is_instance_of::<PyBool>() {
            return Err(self.wrong("a number"));
        }
        self.value.extract().map_err(|_| self.wrong("a number"))
    }

    pub(crate) fn int(&self) -> PyResult<i64> {
        if self.value.is_instance_of::<PyBool>() {
            return Err(self.wrong("an integer"));
        }
        self.value.extract().map_err(|_| self.wrong("an integer"))
    }

    pub(crate) fn count(&self) -> PyResult<u32> {
        u32::try_from(self.int()?).map_err(|_| self.wrong("a count that is not negative"))
    }

    pub(crate) fn flag(&self) -> PyResult<bool> {
        self.value
            .extract()
            .map_err(|_| self.wrong("true or false"))
    }

    pub(crate) fn text(&self) -> PyResult<String> {
        self.value.extract().map_err(|_| self.wrong("a text"))
    }

    pub(crate) const fn any(&self) -> &Bound<'_, PyAny> {
        &self.value
    }

    pub(crate) fn is_none(&self) -> bool {
        self.value.is_none()
    }

    pub(crate) fn wrong(&self, expected: &str) -> PyErr {
        core_error("E_CFG_TYPE", &self.key, &format!("must be {expected}"))
    }

    pub(crate) fn unknown(&self) -> PyErr {
        core_error("E_CFG_UNKNOWN_KEY", &self.key, "is not a known key")
    }
}

impl<'py> Value<'py> {
    /// A sequence of what `T` is read from.
    pub(crate) fn list<T: FromPyObjectOwned<'py>>(&self, expected: &str) -> PyResult<Vec<T>> {
        let items = self.value.try_iter().map_err(|_| self.wrong(expected))?;
        items
            .map(|item| item.and_then(|item| item.extract().map_err(Into::into)))
            .map(|item: PyResult<T>| item.map_err(|_| self.wrong(expected)))
            .collect()
    }
}

/// Calls `read` for every entry of a mapping with text keys.
pub(crate) fn each(
    mapping: &Bound<'_, PyAny>,
    mut read: impl FnMut(&Value<'_>) -> PyResult<()>,
) -> PyResult<()> {
    if let Ok(dict) = mapping.cast::<PyDict>() {
        for (key, value) in dict.iter() {
            read(&Value {
                key: key.extract()?,
                value,
            })?;
        }
        return Ok(());
    }
    let mapping = mapping.cast::<PyMapping>()?;
    for item in mapping.items()?.iter() {
        let (key, value): (String, Bound<'_, PyAny>) = item.extract()?;
        read(&Value { key, value })?;
    }
    Ok(())
}
