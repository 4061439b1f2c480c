//! Codes on disk: one byte for each variant of a closed enum, chosen once and never used again for
//! something else. A new variant does not compile before it has a code here.

use crate::action::TimeInForce;
use crate::block::Cause;
use crate::columns::RowKind;
use crate::journal::record::{Mode, RecordKind};
use crate::kill_cause::KillCause;
use crate::report::{Liquidity, RejectReason};
use crate::risk_grade::RiskGrade;
use crate::side::Side;

/// A closed enum with one stable byte and one stable name for each variant.
pub trait Coded: Copy + 'static {
    /// What the enum is called in errors.
    const FIELD: &'static str;
    /// Every variant.
    const VARIANTS: &'static [Self];

    /// The byte on disk.
    fn code(self) -> u8;

    /// The name in tools.
    fn label(self) -> &'static str;

    /// The variant of a byte.
    #[must_use]
    fn of_code(code: u8) -> Option<Self> {
        Self::VARIANTS
            .iter()
            .copied()
            .find(|each| each.code() == code)
    }

    /// The variant of a name.
    #[must_use]
    fn of_label(label: &str) -> Option<Self> {
        Self::VARIANTS
            .iter()
            .copied()
            .find(|each| each.label() == label)
    }
}

macro_rules! coded {
    ($name:ident, $field:literal, { $($variant:ident = $code:literal),+ $(,)? }) => {
        impl Coded for $name {
            const FIELD: &'static str = $field;
            const VARIANTS: &'static [Self] = &[$($name::$variant),+];

            fn code(self) -> u8 {
                match self {
                    $($name::$variant => $code),+
                }
            }

            fn label(self) -> &'static str {
                self.name()
            }
        }
    };
}

// 0 is no record, so that a file that was never written holds none.
coded!(RecordKind, "kind", {
    Header = 1,
    Params = 2,
    SessionParams = 3,
    MarketRows = 4,
    Report = 5,
    Decide = 6,
    Sync = 7,
    Weights = 8,
    Quotes = 9,
    CallResult = 10,
    Control = 11,
    Intent = 12,
    StateHash = 13,
    Note = 14,
    SessionEnd = 15,
    Start = 16,
    Unanswered = 64,
    Adopt = 65,
    Hold = 66,
    Interrupted = 67,
});

coded!(Mode, "mode", { Paper = 0, Shadow = 1, Live = 2, Sim = 3 });

coded!(Side, "side", { Buy = 0, Sell = 1 });

coded!(RowKind, "row kind", { Depth = 0, Trade = 1, Reset = 2, Gap = 3 });

coded!(TimeInForce, "tif", { GoodTilCancel = 0, PostOnly = 1, ImmediateOrCancel = 2 });

coded!(Liquidity, "liquidity", { Maker = 0, Taker = 1 });

coded!(RejectReason, "reject reason", {
    PostOnlyWouldCross = 0,
    UnknownOrder = 1,
    Filter = 2,
    RateLimit = 3,
    MarketUnavailable = 4,
    Injected = 5,
    NotSent = 6,
});

coded!(Cause, "cause", {
    Kill = 0,
    RiskPause = 1,
    StaleBook = 2,
    Adverse = 3,
    TtlExpired = 4,
    PriceDrift = 5,
    TailAge = 6,
    NoTarget = 7,
    Replace = 8,
    Quote = 9,
    GuardPause = 10,
    ScheduleClosed = 11,
    ReduceOnly = 12,
});

coded!(RiskGrade, "risk grade", {
    Normal = 0,
    Wide = 1,
    ReduceOnly = 2,
    Flat = 3,
    Halted = 4,
});

coded!(KillCause, "kill cause", { Operator = 0, Invariant = 1, Venue = 2 });

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Coded + PartialEq + std::fmt::Debug>() {
        for (i, each) in T::VARIANTS.iter().enumerate() {
            assert_eq!(T::of_code(each.code()), Some(*each));
            assert_eq!(T::of_label(each.label()), Some(*each));
            assert_eq!(T::VARIANTS.iter().position(|v| v == each), Some(i));
        }
        assert_eq!(T::of_code(255), None);
        assert_eq!(T::of_label("no such name"), None);
    }

    #[test]
    fn codes_and_names_lead_back_to_their_variant() {
        check::<RecordKind>();
        check::<Mode>();
        check::<Side>();
        check::<RowKind>();
        check::<TimeInForce>();
        check::<Liquidity>();
        check::<RejectReason>();
        check::<Cause>();
        check::<RiskGrade>();
        check::<KillCause>();
    }
}
