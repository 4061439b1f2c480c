//! What a request does to the position: all that a guard has to know of it.

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Intent {
    /// Takes an order out.
    Cancel = 0,
    /// Opposite to the position and, with the open orders of its side, not larger than it.
    Reduce = 1,
    /// Everything else.
    Expand = 2,
}

impl Intent {
    /// All intents, the most harmless first.
    pub const ALL: [Intent; 3] = [Intent::Cancel, Intent::Reduce, Intent::Expand];

    /// Name in tables and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Intent::Cancel => "cancel",
            Intent::Reduce => "reduce",
            Intent::Expand => "expand",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intents_are_ordered_by_harm() {
        assert!(Intent::ALL.is_sorted());
        let names = Intent::ALL.map(Intent::name);
        assert_eq!(names, ["cancel", "reduce", "expand"]);
    }
}
