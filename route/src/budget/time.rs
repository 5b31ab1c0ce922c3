//! Days and months of UTC, from milliseconds since 1970.

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;
/// The last millisecond that ECMAScript has a date for; later ones are taken for it.
pub(super) const LAST: u64 = 8_640_000_000_000_000;

/// A stretch of time that a bound is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Day,
    Month,
}

impl Period {
    /// Which one of its kind `now` lies in.
    pub(super) fn index(self, now: u64) -> u64 {
        let days = now.min(LAST) / DAY_MS;
        match self {
            Period::Day => days,
            Period::Month => month_of(days),
        }
    }

    /// Its first millisecond.
    pub(super) fn start(self, index: u64) -> u64 {
        match self {
            Period::Day => index.saturating_mul(DAY_MS),
            Period::Month => first_day(index).saturating_mul(DAY_MS),
        }
    }
}

/// Months since January of the year 0 (H. Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
fn month_of(days: u64) -> u64 {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153; // from March
    (yoe + era * 400) * 12 + mp + 2
}

/// The day on which a month begins (`days_from_civil`); that of a month before 1970 is 0.
fn first_day(month: u64) -> u64 {
    let from_march = month.min(month_of(LAST / DAY_MS) + 1).saturating_sub(2);
    let (year, mp) = (from_march / 12, from_march % 12);
    let (era, yoe) = (year / 400, year % 400);
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + (153 * mp + 2) / 5;
    (era * 146_097 + doe).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_of_the_calendar() {
        // 2024-02-29T23:59:59.999Z, and a millisecond later.
        let leap = 1_709_251_199_999;
        assert_eq!(Period::Month.index(leap), 2024 * 12 + 1);
        assert_eq!(Period::Month.index(leap + 1), 2024 * 12 + 2);
        assert_eq!(Period::Month.start(2024 * 12 + 2), leap + 1);
        assert_eq!(Period::Day.index(leap) + 1, Period::Day.index(leap + 1));
        assert_eq!((Period::Month.index(0), Period::Month.start(1970 * 12)), (1970 * 12, 0));
        // Each month ends where the next one begins, for a thousand years.
        for month in 1970 * 12..2970 * 12 {
            let start = Period::Month.start(month);
            assert_eq!(Period::Month.index(start), month);
            assert!(start == 0 || Period::Month.index(start - 1) == month - 1, "{month}");
        }
    }

    #[test]
    fn no_time_is_too_much() {
        for now in [0, LAST, u64::MAX] {
            for period in [Period::Day, Period::Month] {
                let index = period.index(now);
                assert!(period.start(index) <= now.min(LAST) && period.start(index + 1) > now.min(LAST));
                assert!(period.start(u64::MAX) >= period.start(index));
            }
        }
    }
}
