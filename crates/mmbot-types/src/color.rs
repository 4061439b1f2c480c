//! The colour of an order: which of two parameter sets it belongs to.

/// Blue or green.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[repr(u8)]
pub enum Color {
    /// The baseline, unless configured otherwise.
    #[default]
    Blue = 0,
    /// The candidate, unless configured otherwise.
    Green = 1,
}

impl Color {
    /// Both colours, blue first.
    pub const BOTH: [Color; 2] = [Color::Blue, Color::Green];

    /// 0 for blue, 1 for green: an array index.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The other colour.
    #[inline]
    #[must_use]
    pub const fn other(self) -> Color {
        match self {
            Color::Blue => Color::Green,
            Color::Green => Color::Blue,
        }
    }

    /// Name in metrics, journals and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Color::Blue => "blue",
            Color::Green => "green",
        }
    }
}
