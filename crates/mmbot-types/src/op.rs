//! The three operations on orders that venues and we ration.

use crate::action::Action;

/// What a request does, without its terms.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[repr(u8)]
pub enum Op {
    /// A new order.
    Create = 0,
    /// A change of a resting order.
    Amend = 1,
    /// The end of an order.
    Cancel = 2,
}

impl Op {
    /// Number of operations.
    pub const COUNT: usize = 3;

    /// All operations in the order of their index.
    pub const ALL: [Op; Self::COUNT] = [Op::Create, Op::Amend, Op::Cancel];

    /// The operation of a request.
    #[inline]
    #[must_use]
    pub const fn of(action: &Action) -> Self {
        match action {
            Action::Place(_) => Op::Create,
            Action::Amend { .. } => Op::Amend,
            Action::Cancel { .. } => Op::Cancel,
        }
    }

    /// An array index.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Name used in snapshots and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Op::Create => "create",
            Op::Amend => "amend",
            Op::Cancel => "cancel",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Cid, PriceTick, QtyLot};

    #[test]
    fn operations_are_listed_by_index() {
        for (i, op) in Op::ALL.iter().enumerate() {
            assert_eq!(op.index(), i);
        }
    }

    #[test]
    fn a_request_has_its_operation() {
        let cid = Cid::new(1);
        let (px, total_qty) = (PriceTick::new(1), QtyLot::new(1));
        assert_eq!(Op::of(&Action::Cancel { cid }), Op::Cancel);
        assert_eq!(Op::of(&Action::Amend { cid, px, total_qty }), Op::Amend);
    }
}
