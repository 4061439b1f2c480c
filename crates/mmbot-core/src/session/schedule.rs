//! Whether the session trades now: a cursor that moves with time over the open windows.

use mmbot_types::{OpenWindow, ScheduleParams, TsNs};

/// Steps of the cursor before it gives up and searches.
const STEPS_MAX: usize = 4;

/// See the module. One cursor serves one list of windows; another list only costs a search.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Schedule {
    /// First window that had not ended at `now`.
    cursor: usize,
    now: TsNs,
}

impl Schedule {
    /// True inside a window (its start included, its end not), and always without windows.
    pub fn is_open(&mut self, params: &ScheduleParams, now: TsNs) -> bool {
        self.now = self.now.max(now);
        let Some(windows) = params.windows.as_deref() else {
            return true;
        };
        self.seek(windows);
        let next = windows.get(self.cursor);
        next.is_some_and(|window| window.from <= self.now)
    }

    /// First instant after `now` at which [`Self::is_open`] changes; `None` if it never does.
    /// Windows that touch are one.
    pub fn next_change(&mut self, params: &ScheduleParams, now: TsNs) -> Option<TsNs> {
        let open = self.is_open(params, now);
        let ahead = params.windows.as_deref()?.get(self.cursor..)?;
        let first = ahead.first()?;
        if !open {
            return Some(first.from);
        }
        let joined = ahead
            .windows(2)
            .take_while(|pair| pair[0].to == pair[1].from);
        Some(joined.last().map_or(first.to, |pair| pair[1].to))
    }

    fn seek(&mut self, windows: &[OpenWindow]) {
        let ended = |window: &OpenWindow| window.to <= self.now;
        for _ in 0..STEPS_MAX {
            let passed = self.cursor.checked_sub(1).map(|at| windows.get(at));
            match (passed, windows.get(self.cursor)) {
                // other windows than before: the cursor says nothing
                (Some(None), _) => break,
                (Some(Some(passed)), _) if !ended(passed) => break,
                (_, Some(next)) if ended(next) => self.cursor += 1,
                _ => return,
            }
        }
        self.cursor = windows.partition_point(ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn params(windows: &[(i64, i64)]) -> ScheduleParams {
        let window = |&(from, to): &(i64, i64)| OpenWindow {
            from: TsNs::new(from),
            to: TsNs::new(to),
        };
        ScheduleParams {
            windows: Some(windows.iter().map(window).collect()),
        }
    }

    /// spec: 02-4
    #[test]
    fn no_windows_are_always_open_and_an_empty_list_is_never() {
        let mut schedule = Schedule::default();
        let always = ScheduleParams::default();
        assert!(schedule.is_open(&always, TsNs::new(7)));
        assert_eq!(schedule.next_change(&always, TsNs::new(7)), None);
        assert!(!schedule.is_open(&params(&[]), TsNs::new(7)));
        assert_eq!(schedule.next_change(&params(&[]), TsNs::new(7)), None);
    }

    /// spec: 02-4
    #[test]
    fn a_window_has_its_start_and_not_its_end() {
        let params = params(&[(10, 20), (20, 30), (40, 50)]);
        let rows = [
            (0, false, Some(10)),
            (9, false, Some(10)),
            (10, true, Some(30)),
            (19, true, Some(30)),
            (20, true, Some(30)),
            (29, true, Some(30)),
            (30, false, Some(40)),
            (40, true, Some(50)),
            (50, false, None),
            (99, false, None),
        ];
        for (now, open, change) in rows {
            let mut schedule = Schedule::default();
            let now = TsNs::new(now);
            assert_eq!(schedule.is_open(&params, now), open, "{now}");
            assert_eq!(schedule.next_change(&params, now), change.map(TsNs::new));
        }
    }

    #[test]
    fn time_that_goes_back_stands_still() {
        let params = params(&[(10, 20), (30, 40)]);
        let mut schedule = Schedule::default();
        assert!(!schedule.is_open(&params, TsNs::new(25)));
        assert!(!schedule.is_open(&params, TsNs::new(15)));
        assert!(schedule.is_open(&params, TsNs::new(30)));
    }

    fn windows() -> impl Strategy<Value = Vec<(i64, i64)>> {
        prop::collection::vec((0i64..4, 1i64..9), 0..40).prop_map(|gaps| {
            let mut end = 0;
            let window = |(gap, length): (i64, i64)| {
                let from = end + gap;
                end = from + length;
                (from, end)
            };
            gaps.into_iter().map(window).collect()
        })
    }

    proptest! {
        /// spec: 02-4
        #[test]
        fn the_cursor_answers_as_a_look_at_every_window(
            (before, after) in (windows(), windows()),
            steps in prop::collection::vec(prop_oneof![4 => 0i64..3, 1 => 0i64..60], 1..60),
        ) {
            let mut schedule = Schedule::default();
            let mut now = 0;
            let half = steps.len() / 2;
            for (at, step) in steps.into_iter().enumerate() {
                // a reload in the middle
                let windows = if at < half { &before } else { &after };
                let params = params(windows);
                now += step;
                let open = |t: i64| windows.iter().any(|w| (w.0..w.1).contains(&t));
                prop_assert_eq!(schedule.is_open(&params, TsNs::new(now)), open(now));
                let horizon = windows.last().map_or(0, |w| w.1).max(now);
                let change = (now + 1..=horizon).find(|t| open(*t) != open(now));
                let got = schedule.next_change(&params, TsNs::new(now));
                prop_assert_eq!(got.map(TsNs::get), change);
            }
        }
    }
}
