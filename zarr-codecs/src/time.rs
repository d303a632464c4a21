//! Dates and durations: counts of a unit, and their text.
//!
//! An element of `datetime64` counts steps of its unit from the beginning of 1970, one of `timedelta64` counts
//! steps; the least number is *not a time*.
//! Both are read and written as `i64`; here such a count becomes text and comes from it, as `NumPy` has it.
//!
//! ```
//! use zarr_codecs::{TimeUnit, time};
//! let days = TimeUnit::new("D", 1).expect("a unit of NumPy");
//! assert_eq!(time::parse("2020-01-01", days), Some(18262));
//! assert_eq!(time::format(18262, days), "2020-01-01");
//! assert_eq!(time::format(time::NOT_A_TIME, days), "NaT");
//! let hours = TimeUnit::new("h", 1).expect("a unit of NumPy");
//! assert_eq!(time::convert(18262, days, hours), Some(18262 * 24));
//! ```

use std::fmt::Write;

use crate::TimeUnit;

/// The count that is no time.
pub const NOT_A_TIME: i64 = i64::MIN;

/// The parts of a second that are told apart.
const ATTOSECONDS: i128 = 1_000_000_000_000_000_000;
const SECONDS_PER_DAY: i128 = 86_400;

/// A moment: seconds from the beginning of 1970, and the part of a second behind them.
#[derive(Clone, Copy)]
struct Moment {
    seconds: i128,
    attoseconds: i128,
}

/// How a unit measures time.
enum Measure {
    Months(i128),
    Seconds(i128),
    /// So many make a second.
    Fraction(i128),
}

fn measure(unit: TimeUnit) -> Measure {
    match unit.unit {
        "Y" => Measure::Months(12),
        "M" => Measure::Months(1),
        "W" => Measure::Seconds(SECONDS_PER_DAY * 7),
        "D" => Measure::Seconds(SECONDS_PER_DAY),
        "h" => Measure::Seconds(3600),
        "m" => Measure::Seconds(60),
        "s" => Measure::Seconds(1),
        "ms" => Measure::Fraction(1_000),
        "us" => Measure::Fraction(1_000_000),
        "ns" => Measure::Fraction(1_000_000_000),
        "ps" => Measure::Fraction(1_000_000_000_000),
        "fs" => Measure::Fraction(1_000_000_000_000_000),
        _ => Measure::Fraction(ATTOSECONDS),
    }
}

/// The count of a date or time in ISO 8601, such as `2020-01-01`, `2020-01` or `2020-01-01T12:30:00.5`.
///
/// What is finer than the unit is cut towards the past. `None` for any other text, for a day that is in no
/// calendar, and for what the unit cannot count in 64 bits. `NaT` is [`NOT_A_TIME`].
pub fn parse(text: &str, unit: TimeUnit) -> Option<i64> {
    if text == "NaT" {
        return Some(NOT_A_TIME);
    }
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    let (sign, date) = date.strip_prefix('-').map_or((1, date), |date| (-1, date));
    let mut parts = date.split('-');
    let year = digits(parts.next()?)? * sign;
    let month = parts.next().map_or(Some(1), digits)?;
    let day = parts.next().map_or(Some(1), digits)?;
    let days = days(year, month, day);
    if parts.next().is_some() || civil(days) != (year, month, day) {
        return None;
    }
    let (clock, fraction) = clock
        .trim_end_matches('Z')
        .split_once('.')
        .unwrap_or((clock.trim_end_matches('Z'), ""));
    let mut seconds = days * SECONDS_PER_DAY;
    if !clock.is_empty() {
        let parts: Vec<_> = clock.split(':').map(digits).collect::<Option<_>>()?;
        let limits = [(24, 3600), (60, 60), (60, 1)];
        let is_valid = parts.len() <= 3 && parts.iter().zip(limits).all(|(part, (limit, _))| *part < limit);
        if !is_valid || (parts.len() < 3 && !fraction.is_empty()) {
            return None;
        }
        seconds += parts
            .iter()
            .zip(limits)
            .map(|(part, (_, size))| part * size)
            .sum::<i128>();
    }
    let attoseconds = match fraction {
        "" => 0,
        _ if fraction.len() > 18 => return None,
        _ => digits(&format!("{fraction:0<18}"))?,
    };
    count(Moment { seconds, attoseconds }, unit)
}

/// The text of a date or time, as precise as its unit, in ISO 8601; `NaT` for [`NOT_A_TIME`].
pub fn format(count: i64, unit: TimeUnit) -> String {
    if count == NOT_A_TIME {
        return "NaT".to_owned();
    }
    let moment = moment(count, unit);
    let (year, month, day) = civil(moment.seconds.div_euclid(SECONDS_PER_DAY));
    let clock = moment.seconds.rem_euclid(SECONDS_PER_DAY);
    let mut text = format!("{year:04}");
    let precision = TimeUnit::NAMES
        .iter()
        .position(|name| *name == unit.unit)
        .unwrap_or(0);
    // Weeks are shown by their first day.
    let steps = [
        (1, '-', month),
        (2, '-', day),
        (4, 'T', clock / 3600),
        (5, ':', clock / 60 % 60),
        (6, ':', clock % 60),
    ];
    for (from, separator, number) in steps {
        if precision >= from {
            write!(text, "{separator}{number:02}").expect("writing to a String succeeds");
        }
    }
    if precision > 6 {
        let fraction = format!("{:018}", moment.attoseconds);
        text.push('.');
        text.push_str(&fraction[..(precision - 6) * 3]);
    }
    text
}

/// The count of a date or time in another unit; what is finer is cut towards the past.
///
/// `None` when it does not fit 64 bits. [`NOT_A_TIME`] stays what it is.
pub fn convert(count: i64, from: TimeUnit, to: TimeUnit) -> Option<i64> {
    if count == NOT_A_TIME {
        return Some(NOT_A_TIME);
    }
    self::count(moment(count, from), to)
}

fn moment(count: i64, unit: TimeUnit) -> Moment {
    let steps = i128::from(count) * i128::from(unit.scale);
    let (seconds, attoseconds) = match measure(unit) {
        Measure::Months(size) => {
            let months = steps * size;
            let year = 1970 + months.div_euclid(12);
            (days(year, months.rem_euclid(12) + 1, 1) * SECONDS_PER_DAY, 0)
        }
        Measure::Seconds(size) => (steps * size, 0),
        Measure::Fraction(size) => (
            steps.div_euclid(size),
            steps.rem_euclid(size) * (ATTOSECONDS / size),
        ),
    };
    Moment { seconds, attoseconds }
}

fn count(moment: Moment, unit: TimeUnit) -> Option<i64> {
    let steps = match measure(unit) {
        Measure::Months(size) => {
            let (year, month, _) = civil(moment.seconds.div_euclid(SECONDS_PER_DAY));
            ((year - 1970) * 12 + month - 1).div_euclid(size)
        }
        Measure::Seconds(size) => moment.seconds.div_euclid(size),
        Measure::Fraction(size) => {
            moment.seconds.checked_mul(size)? + moment.attoseconds / (ATTOSECONDS / size)
        }
    };
    let count = i64::try_from(steps.div_euclid(unit.scale.into())).ok()?;
    (count != NOT_A_TIME).then_some(count)
}

fn digits(text: &str) -> Option<i128> {
    let is_number = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Days from 1970-01-01 in the Gregorian calendar; years begin in March, so that leap days come last.
fn days(year: i128, month: i128, day: i128) -> i128 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// Year, month and day of a count of days from 1970-01-01.
fn civil(days: i128) -> (i128, i128, i128) {
    const DAYS_PER_ERA: i128 = 146_097;
    let days = days + 719_468;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, unit: &str, scale: u32, expected: i64) {
        let unit = TimeUnit::new(unit, scale).unwrap();
        assert_eq!(parse(text, unit), Some(expected));
        assert_eq!(format(expected, unit), text);
    }

    /// Observed in runs of `NumPy` 2.2.
    #[test]
    fn counts_and_texts_are_those_of_numpy() {
        check("2020-01-01", "D", 1, 18262);
        check("1969-12-31", "D", 1, -1);
        check("2000-03", "M", 1, 362);
        check("1969", "Y", 1, -1);
        check("2020-01-02", "W", 1, 2609);
        check("2020-02-29T05", "h", 1, 439_709);
        check("2020-02-29T05:06", "m", 1, 26_382_546);
        check("2020-02-29T05:06:07", "s", 1, 1_582_952_767);
        check("2020-02-29T05:06:00", "s", 10, 158_295_276);
        check(
            "2020-01-01T00:00:00.000000001",
            "ns",
            1,
            1_577_836_800_000_000_001,
        );
        check("1969-12-31T23:59:59.999", "ms", 1, -1);
        check("1969-12-31T23:59:50.776627963145224193", "as", 1, -i64::MAX);
        check("NaT", "s", 1, NOT_A_TIME);
        check("-001-01-01", "D", 1, -719_893);
    }

    #[test]
    fn what_is_no_date_is_none() {
        let seconds = TimeUnit::new("s", 1).unwrap();
        for text in [
            "soon",
            "2020-02-30",
            "2020-13",
            "2020-01-01T24",
            "2020-01-01T1.5",
            "",
            "2020-01-01-01",
            "+2020",
        ] {
            assert_eq!(parse(text, seconds), None, "{text}");
        }
        assert_eq!(parse("3000-01-01", TimeUnit::new("as", 1).unwrap()), None);
    }

    #[test]
    fn units_convert_towards_the_past() {
        let unit = |name| TimeUnit::new(name, 1).unwrap();
        assert_eq!(convert(-1, unit("s"), unit("D")), Some(-1));
        assert_eq!(convert(31, unit("D"), unit("M")), Some(1));
        assert_eq!(convert(i64::MAX, unit("Y"), unit("s")), None);
        assert_eq!(convert(NOT_A_TIME, unit("s"), unit("ns")), Some(NOT_A_TIME));
    }
}
