//! Long arrays on the heap, as [`long_array`](crate::long_array) writes them.

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

/// Reads an array; it is never on the stack.
///
/// # Errors
/// Those of the deserializer; another number of elements than `N`.
pub fn deserialize<'de, D, T, const N: usize>(from: D) -> Result<Box<[T; N]>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items = Vec::<T>::deserialize(from)?.into_boxed_slice();
    let count = items.len();
    let array: Result<Box<[T; N]>, _> = items.try_into();
    array.map_err(|_| D::Error::invalid_length(count, &"an array of its length"))
}
