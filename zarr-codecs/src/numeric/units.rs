//! Casts of dates to dates and of durations to durations of another unit, as `NumPy` does them.

use crate::{CodecError, DataType, Result, TimeUnit, time};

/// A change of unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnitCast {
    from: TimeUnit,
    to: TimeUnit,
    /// What counts are multiplied by, and divided by.
    factor: (i128, i128),
    /// Whether counts are of months of a calendar, which differ in length.
    is_calendar: bool,
}

impl UnitCast {
    /// The change of unit between two types; `None` for types that are not two of the same kind and two units.
    pub(crate) fn between(from: &DataType, to: &DataType) -> Option<Self> {
        let (from, to, are_dates) = match (from, to) {
            (DataType::DateTime64(from), DataType::DateTime64(to)) => (*from, *to, true),
            (DataType::TimeDelta64(from), DataType::TimeDelta64(to)) => (*from, *to, false),
            _ => return None,
        };
        let has_months = |unit: TimeUnit| matches!(unit.unit, "Y" | "M");
        (from != to).then(|| Self {
            from,
            to,
            factor: factor(from, to),
            is_calendar: are_dates && (has_months(from) || has_months(to)),
        })
    }

    /// Changes as many counts as there are; what is finer than the unit is cut towards the past.
    ///
    /// # Errors
    /// For a count that does not fit 64 bits, which `NumPy` refuses too, or lets it wrap around where months are
    /// counted.
    pub(crate) fn run(&self, codec: &'static str, counts: &[u8], out: &mut [u8]) -> Result<()> {
        let (counts, _) = counts.as_chunks();
        let (out, _) = out.as_chunks_mut();
        for (count, out) in counts.iter().zip(out) {
            let count = i64::from_ne_bytes(*count);
            let changed = self.change(count).ok_or_else(|| {
                let reason = format!("{count} of {} are more than 64 bits of {}", self.from, self.to);
                CodecError::mismatch(codec, reason)
            })?;
            *out = changed.to_ne_bytes();
        }
        Ok(())
    }

    fn change(&self, count: i64) -> Option<i64> {
        if self.is_calendar || count == time::NOT_A_TIME {
            return time::convert(count, self.from, self.to);
        }
        let (numerator, denominator) = self.factor;
        let changed = i128::from(count).checked_mul(numerator)?.div_euclid(denominator);
        i64::try_from(changed)
            .ok()
            .filter(|changed| *changed != time::NOT_A_TIME)
    }
}

/// How many of one unit make one of the other, as a fraction.
fn factor(from: TimeUnit, to: TimeUnit) -> (i128, i128) {
    let ((from_size, from_parts), (to_size, to_parts)) = (size(from), size(to));
    let (numerator, denominator) = reduced(from_size * to_parts, to_size * from_parts);
    let (numerator, denominator) = (
        numerator * i128::from(from.scale),
        denominator * i128::from(to.scale),
    );
    reduced(numerator, denominator)
}

/// The length of a unit in attoseconds, as a fraction; years are those of 400 years on the average.
fn size(unit: TimeUnit) -> (i128, i128) {
    const SECOND: i128 = 1_000_000_000_000_000_000;
    const DAY: i128 = 86_400 * SECOND;
    const DAYS_OF_400_YEARS: i128 = 146_097;
    match unit.unit {
        "Y" => (DAYS_OF_400_YEARS * DAY, 400),
        "M" => (DAYS_OF_400_YEARS * DAY, 400 * 12),
        "W" => (7 * DAY, 1),
        "D" => (DAY, 1),
        "h" => (3600 * SECOND, 1),
        "m" => (60 * SECOND, 1),
        "s" => (SECOND, 1),
        "ms" => (SECOND / 1_000, 1),
        "us" => (SECOND / 1_000_000, 1),
        "ns" => (SECOND / 1_000_000_000, 1),
        "ps" => (1_000_000, 1),
        "fs" => (1_000, 1),
        _ => (1, 1),
    }
}

/// The same fraction in its smallest numbers.
const fn reduced(numerator: i128, denominator: i128) -> (i128, i128) {
    let (mut a, mut b) = (numerator, denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (numerator / a, denominator / a)
}
