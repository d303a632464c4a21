//! Which data types `NumPy` casts to which without loss (`can_cast` with the rule `safe`).

use zarr_core::codecs::{DataType, TimeUnit};

/// What of a number type matters here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    UInt,
    Float,
    Complex,
}

/// Whether every value of one type is one of another; byte orders make no difference.
pub(crate) fn can_cast(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        _ if from == to => true,
        (T::Struct(from), T::Struct(to)) => {
            let pairs = from.fields.iter().zip(&to.fields);
            from.fields.len() == to.fields.len()
                && pairs
                    .into_iter()
                    .all(|(from, to)| from.shape == to.shape && can_cast(&from.data_type, &to.data_type))
        }
        (T::Struct(_), _) | (_, T::Struct(_)) => false,
        (_, T::String | T::Bytes | T::Object | T::VlenArray(_)) => true,
        (T::DateTime64(from), T::DateTime64(to)) => unit_divides(*from, *to, true),
        (T::TimeDelta64(from), T::TimeDelta64(to)) => unit_divides(*from, *to, false),
        (T::FixedBytes(from), T::FixedBytes(to) | T::FixedUtf32(to))
        | (T::FixedUtf32(from), T::FixedUtf32(to)) => from <= to,
        (T::DateTime64(_) | T::TimeDelta64(_), _) => false,
        (_, T::Raw(size)) => from.size().is_some_and(|from| from <= *size as usize),
        _ => number(from).is_some_and(|from| number_fits(from, to)),
    }
}

/// The kind of a number type and its size in bits.
fn number(data_type: &DataType) -> Option<(Kind, u32)> {
    let kind = match data_type {
        DataType::Bool => Kind::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Kind::Int,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Kind::UInt,
        DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Float128 => Kind::Float,
        DataType::Complex64 | DataType::Complex128 | DataType::Complex256 => Kind::Complex,
        _ => return None,
    };
    Some((kind, data_type.size()? as u32 * 8))
}

fn number_fits((kind, bits): (Kind, u32), to: &DataType) -> bool {
    match to {
        DataType::FixedBytes(length) | DataType::FixedUtf32(length) => digits((kind, bits)) <= *length,
        // Durations are signed integers of 64 bits.
        DataType::TimeDelta64(_) => match kind {
            Kind::Bool | Kind::Int => true,
            Kind::UInt => bits < 64,
            Kind::Float | Kind::Complex => false,
        },
        _ => number(to).is_some_and(|(to, to_bits)| match (kind, to) {
            (from, to) if from == to => bits <= to_bits,
            (Kind::Bool, _) => true,
            (Kind::UInt, Kind::Int) => bits < to_bits,
            (Kind::Int | Kind::UInt, Kind::Float) => bits < to_bits || to_bits == 64,
            (Kind::Int | Kind::UInt, Kind::Complex) => bits < to_bits / 2 || to_bits == 128,
            (Kind::Float, Kind::Complex) => bits <= to_bits / 2,
            _ => false,
        }),
    }
}

/// The most characters that a number is printed with.
const fn digits(number: (Kind, u32)) -> u32 {
    match number {
        (Kind::Int, 8) => 4,
        (Kind::Int, 16) => 6,
        (Kind::Int, 32) => 11,
        (Kind::Int, _) => 21,
        (Kind::UInt, 8) => 3,
        (Kind::Bool, _) | (Kind::UInt, 16) => 5,
        (Kind::UInt, 32) => 10,
        (Kind::UInt, _) => 20,
        (Kind::Float, _) => 32,
        (Kind::Complex, _) => 64,
    }
}

/// Whether counts of one unit are counts of another, which is as fine or finer.
fn unit_divides(from: TimeUnit, to: TimeUnit, are_dates: bool) -> bool {
    /// How many of the next finer unit make one of each.
    const STEPS: [u128; 13] = [12, 0, 7, 24, 60, 60, 1000, 1000, 1000, 1000, 1000, 1000, 1];
    const MONTH: usize = 1;
    let place = |unit: TimeUnit| TimeUnit::NAMES.iter().position(|name| *name == unit.unit);
    let (Some(first), Some(last)) = (place(from), place(to)) else {
        return false;
    };
    if first > last {
        return false;
    }
    if first <= MONTH && last > MONTH {
        // Months have no fixed length, but a date of the one is a date of the other.
        return are_dates;
    }
    let size: u128 = STEPS[first..last].iter().product();
    (size * u128::from(from.scale)).is_multiple_of(u128::from(to.scale))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zarr_core::metadata::v2_data_type;

    use super::*;

    /// Observed in runs of `NumPy` 2.2: for each type those among all that it can be cast to.
    #[test]
    fn types_are_cast_where_numpy_casts_them() {
        let table = [
            (
                "|b1",
                "|b1 |i1 <i2 <i4 <i8 |u1 <u2 <u4 <u8 <f2 <f4 <f8 <c8 <c16 |S5 |S32 |S64 <U5 |V3 |V5 <m8[D] <m8[s] <m8[Y] <m8[10s]",
            ),
            (
                "|i1",
                "|i1 <i2 <i4 <i8 <f2 <f4 <f8 <c8 <c16 |S5 |S32 |S64 <U5 |V3 |V5 <m8[D] <m8[s] <m8[Y] <m8[10s]",
            ),
            (
                "<i2",
                "<i2 <i4 <i8 <f4 <f8 <c8 <c16 |S32 |S64 |V3 |V5 <m8[D] <m8[s] <m8[Y] <m8[10s]",
            ),
            (
                "<i4",
                "<i4 <i8 <f8 <c16 |S32 |S64 |V5 <m8[D] <m8[s] <m8[Y] <m8[10s]",
            ),
            ("<i8", "<i8 <f8 <c16 |S32 |S64 <m8[D] <m8[s] <m8[Y] <m8[10s]"),
            (
                "|u1",
                "<i2 <i4 <i8 |u1 <u2 <u4 <u8 <f2 <f4 <f8 <c8 <c16 |S3 |S5 |S32 |S64 <U3 <U5 |V3 |V5 <m8[D] <m8[s] <m8[Y] <m8[10s]",
            ),
            (
                "<u2",
                "<i4 <i8 <u2 <u4 <u8 <f4 <f8 <c8 <c16 |S5 |S32 |S64 <U5 |V3 |V5 <m8[D] <m8[s] <m8[Y] <m8[10s]",
            ),
            (
                "<u4",
                "<i8 <u4 <u8 <f8 <c16 |S32 |S64 |V5 <m8[D] <m8[s] <m8[Y] <m8[10s]",
            ),
            ("<u8", "<u8 <f8 <c16 |S32 |S64"),
            ("<f2", "<f2 <f4 <f8 <c8 <c16 |S32 |S64 |V3 |V5"),
            ("<f4", "<f4 <f8 <c8 <c16 |S32 |S64 |V5"),
            ("<f8", "<f8 <c16 |S32 |S64"),
            ("<c8", "<c8 <c16 |S64"),
            ("<c16", "<c16 |S64"),
            ("|S3", "|S3 |S5 |S32 |S64 <U3 <U5 |V3 |V5"),
            ("|S5", "|S5 |S32 |S64 <U5 |V5"),
            ("|S32", "|S32 |S64"),
            ("|S64", "|S64"),
            ("<U3", "<U3 <U5"),
            ("<U5", "<U5"),
            ("|V3", "|V3 |V5"),
            ("|V5", "|V5"),
            ("<M8[D]", "<M8[D] <M8[s] <M8[10s]"),
            ("<M8[s]", "<M8[s]"),
            ("<M8[10s]", "<M8[s] <M8[10s]"),
            ("<M8[Y]", "<M8[D] <M8[s] <M8[10s] <M8[Y] <M8[M]"),
            ("<M8[M]", "<M8[D] <M8[s] <M8[10s] <M8[M]"),
            ("<m8[D]", "<m8[D] <m8[s] <m8[10s]"),
            ("<m8[s]", "<m8[s]"),
            ("<m8[Y]", "<m8[Y]"),
            ("<m8[10s]", "<m8[s] <m8[10s]"),
        ];
        let data_type = |name: &str| v2_data_type(&json!(name)).unwrap().0;
        for (from, expected) in table {
            let fits = |to: &&str| can_cast(&data_type(from), &data_type(to));
            let found: Vec<_> = table.iter().map(|(to, _)| *to).filter(fits).collect();
            assert_eq!(found.join(" "), expected, "{from}");
        }
    }

    #[test]
    fn records_are_cast_field_by_field_whatever_the_names() {
        let record = |dtype| v2_data_type(&dtype).unwrap().0;
        let from = record(json!([["a", "<i2"], ["b", "<f4"]]));
        assert!(can_cast(&from, &record(json!([["x", "<i4"], ["y", "<f4"]]))));
        assert!(!can_cast(&from, &record(json!([["a", "|i1"], ["b", "<f4"]]))));
        assert!(!can_cast(&from, &record(json!([["a", "<i2"]]))));
        assert!(!can_cast(&from, &DataType::Raw(8)));
    }
}
