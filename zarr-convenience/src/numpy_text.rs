//! Data types and shapes as `NumPy` prints them (`v2-semantics` 8.2).

use zarr_core::ChunkGrid;
use zarr_core::codecs::{ByteOrder, DataType, Field};
use zarr_core::metadata::data_type_to_v2;

/// The text of a data type: `int64`, `>f4`, `<U4`, `[('a', '<i4')]`.
pub fn data_type_text(data_type: &DataType, byte_order: ByteOrder) -> String {
    match data_type {
        DataType::String | DataType::Bytes | DataType::VlenArray(_) => "object".to_owned(),
        DataType::Struct(record) => {
            let fields: Vec<_> = record
                .fields
                .iter()
                .map(|field| field_text(field, field.byte_order(byte_order)))
                .collect();
            format!("[{}]", fields.join(", "))
        }
        DataType::Unknown { name, .. } if name.ends_with('O') && name.len() <= 2 => "object".to_owned(),
        DataType::Unknown { name, .. } => name.clone(),
        DataType::FixedBytes(_) | DataType::FixedUtf32(_) | DataType::Raw(_) => code(data_type, byte_order),
        _ if data_type.has_byte_order() && byte_order != ByteOrder::NATIVE => code(data_type, byte_order),
        _ => data_type.to_string(),
    }
}

/// The short form, such as `<i4`.
fn code(data_type: &DataType, byte_order: ByteOrder) -> String {
    let json = data_type_to_v2(data_type, byte_order);
    json.and_then(|json| json.as_str().map(str::to_owned))
        .unwrap_or_else(|| data_type.to_string())
}

fn field_text(field: &Field, byte_order: ByteOrder) -> String {
    let data_type = match &field.data_type {
        record @ DataType::Struct(_) => data_type_text(record, byte_order),
        DataType::Bool => "'?'".to_owned(),
        // Within a record there is no sign for a missing byte order.
        plain => format!("'{}'", code(plain, byte_order).trim_start_matches('|')),
    };
    if field.shape.is_empty() {
        return format!("('{}', {data_type})", field.name);
    }
    let shape: Vec<u64> = field.shape.iter().map(|length| u64::from(*length)).collect();
    format!("('{}', {data_type}, {})", field.name, shape_text(&shape))
}

/// The lengths of the chunks of a grid: a shape, or where they differ the form that documents have.
pub fn grid_text(grid: &ChunkGrid) -> String {
    match grid.rectilinear() {
        None => shape_text(grid.chunk_shape()),
        Some(_) => grid.lengths_json().to_string(),
    }
}

/// A shape as a Python tuple: `()`, `(5,)`, `(5, 6)`.
pub fn shape_text(shape: &[u64]) -> String {
    let lengths: Vec<_> = shape.iter().map(u64::to_string).collect();
    match &lengths[..] {
        [one] => format!("({one},)"),
        _ => format!("({})", lengths.join(", ")),
    }
}

/// A count with commas between thousands.
pub fn count_text(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zarr_core::metadata::v2_data_type;

    use super::*;

    #[track_caller]
    fn check(json: &serde_json::Value, expected: &str) {
        let (data_type, byte_order) = v2_data_type(json).unwrap();
        assert_eq!(data_type_text(&data_type, byte_order), expected);
    }

    #[test]
    fn types_are_printed_as_numpy_prints_them() {
        check(&json!("<i8"), "int64");
        check(&json!(">i4"), ">i4");
        check(&json!("|b1"), "bool");
        check(&json!("|S5"), "|S5");
        check(&json!("<U4"), "<U4");
        check(&json!(">U2"), ">U2");
        check(&json!("|V3"), "|V3");
        check(&json!("<M8[ns]"), "datetime64[ns]");
        check(&json!("<m8[10s]"), "timedelta64[10s]");
        check(&json!(">M8[s]"), ">M8[s]");
        check(&json!("<c8"), "complex64");
        check(
            &json!([
                ["a", "<i4"],
                ["c", "|S2"],
                ["d", [["p", "<f4"]]],
                ["e", "<i2", [2, 3]],
                ["x", "|b1"],
                ["y", "|i1"]
            ]),
            "[('a', '<i4'), ('c', 'S2'), ('d', [('p', '<f4')]), ('e', '<i2', (2, 3)), ('x', '?'), ('y', 'i1')]",
        );
    }

    #[test]
    fn shapes_and_counts_are_printed_as_python_prints_them() {
        assert_eq!(shape_text(&[]), "()");
        assert_eq!(shape_text(&[5]), "(5,)");
        assert_eq!(shape_text(&[5, 6]), "(5, 6)");
        assert_eq!(count_text(0), "0");
        assert_eq!(count_text(999), "999");
        assert_eq!(count_text(1_234_567), "1,234,567");
    }
}
