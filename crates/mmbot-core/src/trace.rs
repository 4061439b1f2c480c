//! What a decision looked at and how it came to its requests, step by step.
//!
//! A trader that is traced notes each step while it takes it, with the numbers that it uses.
//! Untraced, a step costs a look at an empty option, and the built-in
//! quoter, which is generic over [`Steps`], nothing at all.

use mmbot_types::{PriceTick, QtyLot, Side, TsNs};

/// A value of a step; prices and quantities are on the instrument's grid.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number whose unit is in the field's name.
    Number(f64),
    /// A count, or a time in ns.
    Count(i64),
    /// A price, ticks.
    Px(PriceTick),
    /// A price between two ticks, ticks.
    RawPx(f64),
    /// A quantity, lots.
    Qty(QtyLot),
    /// Number of an order in its session.
    Order(u64),
    /// A name.
    Name(&'static str),
    /// Names.
    Names(Vec<&'static str>),
    /// Yes or no.
    Flag(bool),
    /// Not known, or without a limit.
    Absent,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is done.
    pub name: &'static str,
    /// The side that it is about.
    pub side: Option<Side>,
    /// The level that it is about, counted from the touch.
    pub level: Option<u8>,
    /// What went in and what came out, in that order.
    pub fields: Vec<(&'static str, Value)>,
}

/// Steps of the latest decision.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// When it decided; `None` before any decision.
    pub at: Option<TsNs>,
    /// In the order in which they were taken.
    pub steps: Vec<Step>,
}

/// Takes steps in. The fields are asked for only where somebody wants them.
pub trait Steps {
    /// Notes a step.
    fn note<const N: usize>(
        &mut self,
        name: &'static str,
        of: (Option<Side>, Option<u8>),
        fields: impl FnOnce() -> [(&'static str, Value); N],
    );
}

/// Nobody wants to know.
impl Steps for () {
    #[inline(always)]
    fn note<const N: usize>(
        &mut self,
        _: &'static str,
        _: (Option<Side>, Option<u8>),
        _: impl FnOnce() -> [(&'static str, Value); N],
    ) {
    }
}

impl Steps for Trace {
    fn note<const N: usize>(
        &mut self,
        name: &'static str,
        (side, level): (Option<Side>, Option<u8>),
        fields: impl FnOnce() -> [(&'static str, Value); N],
    ) {
        self.steps.push(Step {
            name,
            side,
            level,
            fields: fields().into(),
        });
    }
}

impl Steps for Option<Box<Trace>> {
    #[inline]
    fn note<const N: usize>(
        &mut self,
        name: &'static str,
        of: (Option<Side>, Option<u8>),
        fields: impl FnOnce() -> [(&'static str, Value); N],
    ) {
        if let Some(trace) = self {
            trace.note(name, of, fields);
        }
    }
}

impl Trace {
    /// A new decision begins: the last one's steps go.
    pub(crate) fn begin(&mut self, now: TsNs) {
        self.at = Some(now);
        self.steps.clear();
    }
}

/// A number, or absent where there is no finite one.
pub(crate) fn number(value: f64) -> Value {
    if value.is_finite() {
        Value::Number(value)
    } else {
        Value::Absent
    }
}

/// A number that may not be known.
pub(crate) fn maybe(value: Option<f64>) -> Value {
    value.map_or(Value::Absent, number)
}

/// A count, absent where it means no limit.
pub(crate) fn count(value: u32) -> Value {
    if value == u32::MAX {
        Value::Absent
    } else {
        Value::Count(i64::from(value))
    }
}
