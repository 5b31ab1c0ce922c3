//! A calendar and a small `strftime`: the clock comes in as data, templates format it.

use std::fmt::Write;

/// A moment in UTC, or in whatever zone the caller counts in. Proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CivilTime {
    /// For example 2026.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

impl CivilTime {
    /// From seconds since 1970-01-01 00:00:00.
    ///
    /// ```
    /// # use kinglet::text::template::CivilTime;
    /// assert_eq!(CivilTime::from_unix(1_768_478_400).format("%Y-%m-%d %H:%M"), "2026-01-15 12:00");
    /// ```
    pub fn from_unix(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Years begin in March here, so that a leap day is the last day of its year; 146,097 days are 400 years.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        CivilTime {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: month as u8,
            day: (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
        }
    }

    /// From `YYYY-MM-DD`, optionally followed by `T` or a space and `HH:MM[:SS]`; fractions and a zone are ignored.
    pub fn from_iso(text: &str) -> Option<Self> {
        let field = |range: std::ops::Range<usize>, min: u8, max: u8| {
            text.get(range)?.parse().ok().filter(|n| (min..=max).contains(n))
        };
        let date_marks = text.get(4..5)? == "-" && text.get(7..8)? == "-";
        let has_time = text.len() > 10;
        let time_marks = !has_time || (matches!(text.get(10..11)?, "T" | "t" | " ") && text.get(13..14)? == ":");
        let has_seconds = text.get(16..17) == Some(":");
        if !date_marks || !time_marks {
            return None;
        }
        Some(CivilTime {
            year: text.get(0..4)?.parse().ok()?,
            month: field(5..7, 1, 12)?,
            day: field(8..10, 1, 31)?,
            hour: if has_time { field(11..13, 0, 23)? } else { 0 },
            minute: if has_time { field(14..16, 0, 59)? } else { 0 },
            second: if has_seconds { field(17..19, 0, 60)? } else { 0 },
        })
    }

    /// Days since 1970-01-01.
    fn days(&self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = i64::from((self.month + 9) % 12);
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// Formats as Python's `strftime` does in the C locale. Directives that it does not know stay as they are.
    pub fn format(&self, format: &str) -> String {
        let mut out = String::with_capacity(format.len() + 16);
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            // glibc's flag '-': no padding.
            let unpadded = chars.next_if_eq(&'-').is_some();
            match chars.next() {
                Some(directive) => self.directive(directive, unpadded, &mut out),
                None => out.push_str(if unpadded { "%-" } else { "%" }),
            }
        }
        out
    }

    fn directive(&self, directive: char, unpadded: bool, out: &mut String) {
        let weekday = (self.days() + 3).rem_euclid(7) as usize; // 1970-01-01 was a Thursday
        let month = MONTHS[usize::from(self.month.clamp(1, 12)) - 1];
        let hour12 = (self.hour + 11) % 12 + 1;
        let new_year = CivilTime {
            month: 1,
            day: 1,
            ..*self
        };
        let mut number = |value: i64, width: usize| {
            let width = if unpadded { 0 } else { width };
            // Writing to a String cannot fail.
            let _ = write!(out, "{value:0width$}");
        };
        match directive {
            'Y' => number(self.year, 0),
            'y' => number(self.year.rem_euclid(100), 2),
            'm' => number(self.month.into(), 2),
            'd' => number(self.day.into(), 2),
            'H' => number(self.hour.into(), 2),
            'I' => number(hour12.into(), 2),
            'M' => number(self.minute.into(), 2),
            'S' => number(self.second.into(), 2),
            'j' => number(self.days() - new_year.days() + 1, 3),
            'u' => number(weekday as i64 + 1, 0),
            'w' => number((weekday as i64 + 1) % 7, 0),
            'f' => number(0, 6),
            's' => number(
                self.days() * 86_400
                    + i64::from(self.hour) * 3600
                    + i64::from(self.minute) * 60
                    + i64::from(self.second),
                0,
            ),
            'e' if unpadded => number(self.day.into(), 0),
            'e' => out.push_str(&format!("{:2}", self.day)),
            'B' => out.push_str(month),
            'b' | 'h' => out.push_str(&month[..3]),
            'A' => out.push_str(WEEKDAYS[weekday]),
            'a' => out.push_str(&WEEKDAYS[weekday][..3]),
            'p' => out.push_str(if self.hour < 12 { "AM" } else { "PM" }),
            'D' | 'x' => out.push_str(&self.format("%m/%d/%y")),
            'F' => out.push_str(&self.format("%Y-%m-%d")),
            'T' | 'X' => out.push_str(&self.format("%H:%M:%S")),
            'R' => out.push_str(&self.format("%H:%M")),
            'c' => out.push_str(&self.format("%a %b %e %H:%M:%S %Y")),
            'Z' | 'z' => {} // Python prints nothing for a naive time
            'n' => out.push('\n'),
            't' => out.push('\t'),
            '%' => out.push('%'),
            other => {
                out.push('%');
                out.push(other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CivilTime;

    #[test]
    fn formats() {
        let noon = CivilTime::from_iso("2026-01-15T12:00:00Z").expect("a date");
        assert_eq!(noon, CivilTime::from_unix(1_768_478_400));
        for (format, expect) in [
            ("%d %b %Y", "15 Jan 2026"),
            ("%A, %B %-d, %Y", "Thursday, January 15, 2026"),
            ("%I:%M %p", "12:00 PM"),
            ("%j %y %a %e", "015 26 Thu 15"),
            ("100%% %q", "100% %q"),
        ] {
            assert_eq!(noon.format(format), expect);
        }
        let leap = CivilTime::from_iso("2024-02-29").expect("a date");
        assert_eq!(leap.format("%F %A %j %H"), "2024-02-29 Thursday 060 00");
        assert_eq!(CivilTime::from_unix(-1).format("%F %T"), "1969-12-31 23:59:59");
    }

    #[test]
    fn every_day_there_and_back() {
        for day in (-200_000..200_000).step_by(37) {
            assert_eq!(CivilTime::from_unix(day * 86_400).days(), day);
        }
    }

    #[test]
    fn bad_dates_are_refused() {
        for bad in [
            "",
            "2026",
            "2026-13-01",
            "2026-01-32",
            "2026/01/01",
            "2026-01-01Tx",
            "2026-01-01T25:00",
            "é026-01-01",
        ] {
            assert_eq!(CivilTime::from_iso(bad), None, "{bad}");
        }
    }
}
