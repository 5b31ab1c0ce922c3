//! Days and months of UTC, in which budgets are counted.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY_MS: u64 = 86_400_000;

/// Milliseconds since 1970; 0 before.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The day (from 1970-01-01, which is 0) and the month (from January 1970, likewise) of a moment.
pub fn day_and_month(ms: u64) -> (u64, u64) {
    let day = ms / DAY_MS;
    // Years that begin in March have the leap day at their end: eras of 400 years, as in Hinnant's `civil_from_days`.
    let from_march = day + 719_468;
    let of_era = from_march % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let year = from_march / 146_097 * 400 + year_of_era;
    // March of the year 0 is its third month.
    (day, year * 12 + march_month + 2 - 1970 * 12)
}

/// Seconds until the next day begins, at least 1.
pub fn seconds_to_next_day(ms: u64) -> u64 {
    (DAY_MS - ms % DAY_MS).div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        let mut day = 0;
        for month in 0..12 * 200 {
            let (year, of_year) = (1970 + month / 12, month % 12);
            let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for _ in 0..lengths[of_year as usize] {
                assert_eq!(day_and_month(day * DAY_MS + 5), (day, month), "{year}");
                day += 1;
            }
        }
        assert_eq!(seconds_to_next_day(DAY_MS - 1), 1);
        assert_eq!(seconds_to_next_day(0), 86_400);
    }
}
