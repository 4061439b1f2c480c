//! The local clock against the venue's. The world's time is the local one: what the exchange does
//! is placed on it. A jump forward leaves a stretch of local time in which nothing happens but what
//! the engine does by itself; a jump back lets local time stand still until it has caught up, as a
//! live driver does. Venue times in rows and reports stay the venue's.

use super::kind::Fault;
use super::plan::FaultPlan;

/// Farthest that the clocks come apart; time synchronisation steps a clock long before.
const OFFSET_MAX_NS: i64 = 4_000_000_000;

/// From a venue time on, local time is venue time plus an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    from_ns: i64,
    offset_ns: i64,
    /// Local time at its start: time before it went no further.
    floor_ns: i64,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct LocalClock {
    segments: Vec<Segment>,
}

impl LocalClock {
    /// The clock of a plan: it jumps while there are faults and is set right at their end.
    pub(super) fn new(plan: &FaultPlan) -> Self {
        let mut clock = Self {
            segments: vec![Segment {
                from_ns: i64::MIN,
                offset_ns: 0,
                floor_ns: i64::MIN,
            }],
        };
        let jumps = |fault, sign: i64| {
            let windows = plan.windows(fault).into_iter();
            windows.map(move |(from, to)| (from, sign * (to - from)))
        };
        let forward = jumps(Fault::ClockForward, 1);
        let mut all: Vec<_> = forward.chain(jumps(Fault::ClockBack, -1)).collect();
        all.sort_unstable();
        let mut offset = 0;
        for (from, jump) in all {
            if (offset + jump).abs() <= OFFSET_MAX_NS {
                offset += jump;
                clock.set(from, offset);
            }
        }
        if offset != 0 {
            clock.set(plan.safety_ms * 1_000_000, 0);
        }
        clock
    }

    fn set(&mut self, from_ns: i64, offset_ns: i64) {
        let floor_ns = self.local(from_ns);
        self.segments.push(Segment {
            from_ns,
            offset_ns,
            floor_ns,
        });
    }

    /// Jumps forward and back, the setting right at the end among them.
    pub(super) fn jumps(&self) -> [(Fault, u64); 2] {
        let pairs = self.segments.windows(2);
        let ahead = pairs.filter(|pair| pair[1].offset_ns > pair[0].offset_ns);
        let (all, ahead) = (self.segments.len() - 1, ahead.count());
        [
            (Fault::ClockForward, ahead as u64),
            (Fault::ClockBack, (all - ahead) as u64),
        ]
    }

    /// Local time of a venue time; never goes back.
    pub(super) fn local(&self, venue_ns: i64) -> i64 {
        let at = self.segments.partition_point(|s| s.from_ns <= venue_ns);
        let segment = self.segments[at.saturating_sub(1)];
        (venue_ns + segment.offset_ns).max(segment.floor_ns)
    }

    /// Venue time of a local time: the latest one while local time stands still.
    pub(super) fn venue(&self, local_ns: i64) -> i64 {
        let at = self.segments.partition_point(|s| s.floor_ns <= local_ns);
        let at = at.saturating_sub(1);
        let segment = self.segments[at];
        let venue_ns = (local_ns - segment.offset_ns).max(segment.from_ns);
        match self.segments.get(at + 1) {
            Some(next) => venue_ns.min(next.from_ns),
            None => venue_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Ratio;

    fn clock(jumps: &[(i64, i64)]) -> LocalClock {
        let mut clock = LocalClock::new(&FaultPlan::calm(1, 1, 1000));
        for (from, offset) in jumps {
            clock.set(*from, *offset);
        }
        clock
    }

    #[test]
    fn local_time_stands_still_after_a_jump_back_and_skips_after_one_forward() {
        let clock = clock(&[(100, 50), (200, -30)]);
        let local = [0, 99, 100, 150, 199, 200, 250, 279, 280, 300].map(|v| clock.local(v));
        assert_eq!(local, [0, 99, 150, 200, 249, 250, 250, 250, 250, 270]);
        let venue = [0, 99, 120, 149, 150, 249, 250, 270].map(|l| clock.venue(l));
        assert_eq!(venue, [0, 99, 100, 100, 100, 199, 280, 300]);
    }

    #[test]
    fn drawn_clocks_never_go_back_and_end_right() {
        let mut jumps = 0;
        for seed in 0..50 {
            let mut plan = FaultPlan::calm(seed, 1, 30_000);
            plan.enable(Fault::ClockForward, Ratio { num: 1, den: 10 }, 4000);
            plan.enable(Fault::ClockBack, Ratio { num: 1, den: 10 }, 2000);
            let clock = LocalClock::new(&plan);
            jumps += clock.segments.len() - 1;
            let (mut last, mut last_venue) = (i64::MIN, i64::MIN);
            for step in 0..4000 {
                let venue = step * 10_000_000;
                let local = clock.local(venue);
                assert!(local >= last, "seed {seed}");
                last = local;
                let back = clock.venue(local);
                assert!(back >= last_venue, "seed {seed}");
                last_venue = back;
            }
            assert_eq!(clock.local(39_000_000_000), 39_000_000_000);
        }
        assert!(jumps > 100, "{jumps}");
    }
}
