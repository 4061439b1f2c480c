//! Arrays longer than the 32 elements that serde knows, as sequences of their length.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// Writes `array`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S, T, const N: usize>(array: &[T; N], to: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    T: Serialize,
{
    to.collect_seq(array)
}

/// Reads an array.
///
/// # Errors
/// Those of the deserializer; another number of elements than `N`.
pub fn deserialize<'de, D, T, const N: usize>(from: D) -> Result<[T; N], D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items = Vec::<T>::deserialize(from)?;
    let count = items.len();
    let array: Result<[T; N], _> = items.try_into();
    array.map_err(|_| D::Error::invalid_length(count, &"an array of its length"))
}
