//! Days, minutes and seconds of UTC, and durations of the configuration in nanoseconds.

use mmbot_types::TsNs;

/// One second, ns.
pub const SECOND_NS: i64 = 1_000_000_000;
/// One minute, ns.
pub const MINUTE_NS: i64 = 60 * SECOND_NS;
/// One day, ns.
pub const DAY_NS: i64 = 86_400 * SECOND_NS;

/// Number of the UTC day, counted from 1970-01-01.
#[must_use]
pub const fn utc_day(ts: TsNs) -> i64 {
    ts.get().div_euclid(DAY_NS)
}

/// Number of the UTC minute.
#[must_use]
pub const fn utc_minute(ts: TsNs) -> i64 {
    ts.get().div_euclid(MINUTE_NS)
}

/// Number of the UTC second.
#[must_use]
pub const fn utc_second(ts: TsNs) -> i64 {
    ts.get().div_euclid(SECOND_NS)
}

/// `seconds` rounded to nanoseconds; saturates at 292 years, NaN is nothing.
#[must_use]
#[allow(clippy::cast_possible_truncation)] // a float cast saturates
pub fn seconds_ns(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

/// As [`seconds_ns`], for minutes.
#[must_use]
pub fn minutes_ns(minutes: f64) -> i64 {
    seconds_ns(minutes * 60.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_and_not_before() {
        let midnight = TsNs::new(20_000 * DAY_NS);
        assert_eq!(utc_day(midnight), 20_000);
        assert_eq!(utc_day(midnight.plus_ns(-1)), 19_999);
        assert_eq!(utc_minute(midnight), 20_000 * 1_440);
        assert_eq!(utc_second(midnight.plus_ns(-1)), 20_000 * 86_400 - 1);
        assert_eq!(utc_day(TsNs::new(-1)), -1);
    }

    #[test]
    fn durations_saturate() {
        assert_eq!(seconds_ns(0.1), 100_000_000);
        assert_eq!(minutes_ns(5.0), 300 * SECOND_NS);
        assert_eq!(minutes_ns(f64::INFINITY), i64::MAX);
        assert_eq!(seconds_ns(f64::NAN), 0);
    }
}
