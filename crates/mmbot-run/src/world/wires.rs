//! Where messages between the traders of a world and its exchange can be watched and harmed. A
//! world without faults uses the bodies that stand here: everything passes as it is, and the
//! compiler leaves nothing of them.

use mmbot_core::{Market, Permit, Session, Trader};
use mmbot_sim::{Exchange, Reports};
use mmbot_types::{Action, Cause, ExecReport, TsNs};

/// A lane of an instrument's world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Index of the instrument in the run.
    pub symbol: usize,
    /// Lane.
    pub lane: usize,
}

/// When a report arrives: never, once, or twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrivals {
    /// First arrival, ns.
    pub first: Option<i64>,
    /// Second arrival, ns.
    pub second: Option<i64>,
}

impl Arrivals {
    /// Once, at `at_ns`.
    #[inline]
    #[must_use]
    pub const fn once(at_ns: i64) -> Self {
        Self {
            first: Some(at_ns),
            second: None,
        }
    }
}

/// Requests that a trader makes at one moment.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Whose.
    pub spot: Spot,
    /// When, local time.
    pub now: TsNs,
    /// What, in sending order.
    pub actions: &'a [(Action, Cause)],
    /// The trader after it made them.
    pub trader: &'a Trader,
    /// The market as it was received.
    pub market: &'a Market,
    /// The exchange, which has not got them yet.
    pub exchange: &'a Exchange,
}

/// A report that was given to its trader, with what the trader is now.
#[derive(Debug)]
pub struct Delivered<'a> {
    /// Whose.
    pub spot: Spot,
    /// When, local time.
    pub now: TsNs,
    /// What.
    pub report: ExecReport,
    /// The trader after it.
    pub trader: &'a Trader,
}

/// See the module.
pub trait Wires {
    /// Whether messages are to be watched and harmed. Without it [`Self::batch`],
    /// [`Self::execute`] and [`Self::delivered`] are not called, and the others have to leave
    /// everything as it is.
    const WATCHES: bool = false;

    /// A trader made requests; they are about to leave.
    fn batch(&mut self, _batch: &Batch<'_>) {}

    /// A request leaves: when it reaches the exchange, `arrives_ns` by its latency alone. `None` is
    /// never.
    #[inline]
    fn request(&mut self, _spot: Spot, _action: &Action, arrives_ns: i64) -> Option<i64> {
        Some(arrives_ns)
    }

    /// A request reaches the exchange; answers go to `out`.
    #[inline]
    fn execute(
        &mut self,
        spot: Spot,
        action: &Action,
        now: TsNs,
        exchange: &mut Exchange,
        out: &mut Reports,
    ) {
        // lanes are few: the index fits
        let lane = u32::try_from(spot.lane).unwrap_or(u32::MAX);
        exchange.request(lane, action, now, out);
    }

    /// A report leaves the exchange; `arrives_ns` by its latency alone.
    #[inline]
    fn report(&mut self, _spot: Spot, _report: &mut ExecReport, arrives_ns: i64) -> Arrivals {
        Arrivals::once(arrives_ns)
    }

    /// A report was given to its trader.
    fn delivered(&mut self, _delivered: &Delivered<'_>) {}

    /// The symbols of a lane were coupled; permits follow.
    fn synchronised(&mut self, _lane: usize, _now: TsNs, _session: &Session) {}

    /// The permit that a trader gets instead of its own; `None` leaves it that.
    #[inline]
    fn permit(&mut self, _spot: Spot, _permit: &Permit) -> Option<Permit> {
        None
    }
}
