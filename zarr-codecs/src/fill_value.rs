//! What an element is that was never written.
//!
//! Zarr V3 specification, *Fill value*: the JSON form depends on the data type.
//! Floats that JSON cannot write are texts: `"NaN"`, `"Infinity"`, `"-Infinity"`, or the bits as `"0x.."`.
//! Where the specification leaves room, the form written is zarr-python 3's: bytes in base 64, and *not a time*
//! as the least integer; lists of bytes and `"NaT"` are read as well.

use half::f16;
use serde_json::{Map, Number, Value};

use crate::{
    ByteOrder, CodecError, DataType, Field, LongDouble, NarrowType, Result,
    padded::{Padded, utf32, utf32_text, without_padding},
};

/// One element: its bytes in native byte order, or the item itself for types of variable size.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FillValue(Padded);

/// How many bytes of a record may lie before the last that is not 0: documents name records that are much larger.
const RECORD_USED_MAX: usize = 1 << 20;

/// What *not a time* is in a date or duration.
const NOT_A_TIME: i64 = i64::MIN;

impl FillValue {
    /// Takes the bytes of one element.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Padded::from(bytes.into()))
    }

    /// Takes the first bytes of an element of so many, the others being 0; `None` if they are more.
    ///
    /// The others take no memory before [`FillValue::as_bytes`] asks for them.
    pub fn padded(used: impl Into<Vec<u8>>, size: usize) -> Option<Self> {
        Padded::new(used.into(), size).map(Self)
    }

    /// The zero of a type: all bytes 0, or an empty item.
    pub fn zero(data_type: &DataType) -> Self {
        let size = if data_type.is_variable() {
            0
        } else {
            data_type.size().unwrap_or(0)
        };
        Self(Padded::zero(size))
    }

    /// The bytes of the element.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.all()
    }

    /// The bytes of the element, where bytes that are 0 may be left out at the end.
    pub fn used_bytes(&self) -> &[u8] {
        self.0.used()
    }

    /// The number of bytes of the element.
    pub const fn size(&self) -> usize {
        self.0.size()
    }

    /// Whether all bytes are 0; minus zero is not.
    pub fn is_zero(&self) -> bool {
        self.0.used().iter().all(|byte| *byte == 0)
    }

    /// Reads the V3 form.
    ///
    /// # Errors
    /// [`CodecError::Value`] when the type has no such value.
    pub fn from_json(value: &Value, data_type: &DataType) -> Result<Self> {
        let bad = || CodecError::value("fill value", format!("{data_type} has no value {value}"));
        let bytes = match data_type {
            DataType::Bool => vec![u8::from(value.as_bool().ok_or_else(bad)?)],
            DataType::Complex64 | DataType::Complex128 | DataType::Complex256 => {
                let half = match data_type {
                    DataType::Complex64 => DataType::Float32,
                    DataType::Complex128 => DataType::Float64,
                    _ => DataType::Float128,
                };
                let parts = value
                    .as_array()
                    .filter(|parts| parts.len() == 2)
                    .ok_or_else(bad)?;
                let parts: Option<Vec<_>> = parts.iter().map(|part| float_bytes(part, &half)).collect();
                parts.ok_or_else(bad)?.concat()
            }
            DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Float128 => {
                float_bytes(value, data_type).ok_or_else(bad)?
            }
            DataType::DateTime64(_) | DataType::TimeDelta64(_) => {
                let not_a_time = (value.as_str() == Some("NaT")).then_some(NOT_A_TIME);
                let count = not_a_time.or_else(|| value.as_i64()).ok_or_else(bad)?;
                count.to_ne_bytes().to_vec()
            }
            DataType::Raw(size) => raw_bytes(value, *size).ok_or_else(bad)?,
            DataType::FixedBytes(size) => {
                let bytes = text_bytes(value).ok_or_else(bad)?;
                return Self::padded(bytes, *size as usize).ok_or_else(bad);
            }
            DataType::FixedUtf32(length) => {
                let codes = utf32(value.as_str().ok_or_else(bad)?);
                return Self::padded(codes, *length as usize * 4).ok_or_else(bad);
            }
            DataType::String => value.as_str().ok_or_else(bad)?.as_bytes().to_vec(),
            DataType::Bytes => text_bytes(value).ok_or_else(bad)?,
            DataType::Narrow(narrow) => narrow_bytes(value, *narrow).ok_or_else(bad)?,
            DataType::Struct(record) => match value {
                // Old documents have the bytes of a record, whose numbers are little-endian.
                Value::String(text) => {
                    let size = data_type.size();
                    let mut bytes = base64(text)
                        .filter(|bytes| Some(bytes.len()) == size)
                        .ok_or_else(bad)?;
                    if ByteOrder::NATIVE == ByteOrder::Big {
                        data_type.swap_bytes(&mut bytes);
                    }
                    bytes
                }
                Value::Object(members) if members.len() == record.fields.len() => {
                    let field = |field: &Field| {
                        let value = members.get(&field.name).filter(|_| field.shape.is_empty());
                        Self::from_json(value.ok_or_else(bad)?, &field.data_type)
                    };
                    let (mut used, mut size) = (Vec::new(), 0_usize);
                    for part in &record.fields {
                        let value = field(part)?;
                        let bytes = without_padding(value.used_bytes());
                        if !bytes.is_empty() {
                            if size + bytes.len() > RECORD_USED_MAX {
                                let reason =
                                    format!("that of a record takes more than {RECORD_USED_MAX} bytes");
                                return Err(CodecError::value("fill value", reason));
                            }
                            used.resize(size, 0);
                            used.extend_from_slice(bytes);
                        }
                        size += value.size();
                    }
                    return Self::padded(used, size).ok_or_else(bad);
                }
                _ => return Err(bad()),
            },
            DataType::VlenArray(_) | DataType::Object | DataType::Unknown { .. } => return Err(bad()),
            integer => integer_bytes(value, integer).ok_or_else(bad)?,
        };
        Ok(Self::new(bytes))
    }

    /// The V3 form.
    ///
    /// # Errors
    /// [`CodecError::Value`] for a type that V3 has no form for.
    ///
    /// # Panics
    /// When the fill value is not one of this type.
    pub fn to_json(&self, data_type: &DataType) -> Result<Value> {
        let bytes = match data_type {
            DataType::FixedBytes(_) | DataType::FixedUtf32(_) => self.used_bytes(),
            _ => self.as_bytes(),
        };
        Ok(match data_type {
            DataType::Bool => Value::from(bytes[0] != 0),
            DataType::Int8 => Value::from(bytes[0] as i8),
            DataType::UInt8 => Value::from(bytes[0]),
            DataType::Int16 => Value::from(i16::from_ne_bytes(exactly(bytes))),
            DataType::UInt16 => Value::from(u16::from_ne_bytes(exactly(bytes))),
            DataType::Int32 => Value::from(i32::from_ne_bytes(exactly(bytes))),
            DataType::UInt32 => Value::from(u32::from_ne_bytes(exactly(bytes))),
            DataType::Int64 | DataType::DateTime64(_) | DataType::TimeDelta64(_) => {
                Value::from(i64::from_ne_bytes(exactly(bytes)))
            }
            DataType::UInt64 => Value::from(u64::from_ne_bytes(exactly(bytes))),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => float_json(bytes),
            DataType::Complex64 => Value::from(vec![float_json(&bytes[..4]), float_json(&bytes[4..])]),
            DataType::Complex128 => Value::from(vec![float_json(&bytes[..8]), float_json(&bytes[8..])]),
            DataType::Float128 => long_double_json(bytes)?,
            DataType::Complex256 => Value::from(vec![
                long_double_json(&bytes[..16])?,
                long_double_json(&bytes[16..])?,
            ]),
            DataType::FixedBytes(_) => base64_json(without_padding(bytes)),
            DataType::Raw(_) | DataType::Bytes => base64_json(bytes),
            DataType::FixedUtf32(_) => Value::from(utf32_text(bytes)),
            DataType::String => Value::from(String::from_utf8_lossy(bytes)),
            DataType::Narrow(narrow) => {
                let mut parts: Vec<_> = narrow
                    .components(bytes)
                    .map(|bits| narrow.component_json(bits))
                    .collect();
                match parts.len() {
                    1 => parts.remove(0),
                    _ => parts.into(),
                }
            }
            DataType::Struct(record) => {
                let mut rest = bytes;
                let mut members = Map::new();
                for field in &record.fields {
                    let (head, tail) = rest.split_at(field.size().unwrap_or(0));
                    members.insert(field.name.clone(), Self::new(head).to_json(&field.data_type)?);
                    rest = tail;
                }
                members.into()
            }
            DataType::VlenArray(_) | DataType::Object | DataType::Unknown { .. } => {
                return Err(CodecError::value(
                    "data type",
                    format!("{data_type} has no form in Zarr V3"),
                ));
            }
        })
    }
}

fn exactly<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes
        .try_into()
        .expect("a fill value has the size of its data type")
}

fn integer_bytes(value: &Value, data_type: &DataType) -> Option<Vec<u8>> {
    let number: i128 = value
        .as_i64()
        .map_or_else(|| value.as_u64().map(i128::from), |n| Some(n.into()))?;
    Some(match data_type {
        DataType::Int8 => i8::try_from(number).ok()?.to_ne_bytes().to_vec(),
        DataType::UInt8 => u8::try_from(number).ok()?.to_ne_bytes().to_vec(),
        DataType::Int16 => i16::try_from(number).ok()?.to_ne_bytes().to_vec(),
        DataType::UInt16 => u16::try_from(number).ok()?.to_ne_bytes().to_vec(),
        DataType::Int32 => i32::try_from(number).ok()?.to_ne_bytes().to_vec(),
        DataType::UInt32 => u32::try_from(number).ok()?.to_ne_bytes().to_vec(),
        DataType::Int64 => i64::try_from(number).ok()?.to_ne_bytes().to_vec(),
        DataType::UInt64 => u64::try_from(number).ok()?.to_ne_bytes().to_vec(),
        _ => return None,
    })
}

/// One number, or two of a complex one.
fn narrow_bytes(value: &Value, narrow: NarrowType) -> Option<Vec<u8>> {
    let parts = match value {
        Value::Array(parts) if narrow.is_complex() && parts.len() == 2 => parts.as_slice(),
        one if !narrow.is_complex() => std::slice::from_ref(one),
        _ => return None,
    };
    let mut bytes = Vec::with_capacity(narrow.size());
    for part in parts {
        let bits = narrow.component_of_json(part)?;
        match narrow.component_size() {
            1 => bytes.push(bits as u8),
            _ => bytes.extend(bits.to_ne_bytes()),
        }
    }
    Some(bytes)
}

fn float_bytes(value: &Value, data_type: &DataType) -> Option<Vec<u8>> {
    if *data_type == DataType::Float128 {
        // A text has all digits, a number of JSON is one of 53 bits for whoever wrote it.
        let number = match value {
            Value::String(text) => text.parse().ok()?,
            number => LongDouble::from(float(number)?),
        };
        return Some(number.to_ne_bytes().to_vec());
    }
    if let Some(bits) = value.as_str().and_then(|text| text.strip_prefix("0x")) {
        let size = data_type.size()?;
        let fits = bits.len() == size * 2 && bits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = u64::from_str_radix(bits, 16).ok().filter(|_| fits)?;
        return Some(match size {
            2 => (bits as u16).to_ne_bytes().to_vec(),
            4 => (bits as u32).to_ne_bytes().to_vec(),
            _ => bits.to_ne_bytes().to_vec(),
        });
    }
    let number = float(value)?;
    let bytes = match data_type {
        DataType::Float16 => f16::from_f64(number).to_ne_bytes().to_vec(),
        DataType::Float32 => (number as f32).to_ne_bytes().to_vec(),
        _ => number.to_ne_bytes().to_vec(),
    };
    // A finite number that does not fit must not silently become infinite.
    let fits = number.is_finite() == float_of(&bytes).is_finite();
    (fits || number.is_nan()).then_some(bytes)
}

/// A number, one of the three texts, or one of the three bare words.
fn float(value: &Value) -> Option<f64> {
    let special = |text: &str| match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    };
    match value {
        Value::Number(number) => special(number.as_str()).or_else(|| number.as_f64()),
        Value::String(text) => special(text),
        _ => None,
    }
}

fn float_of(bytes: &[u8]) -> f64 {
    match bytes.len() {
        2 => f16::from_ne_bytes(exactly(bytes)).to_f64(),
        4 => f64::from(f32::from_ne_bytes(exactly(bytes))),
        _ => f64::from_ne_bytes(exactly(bytes)),
    }
}

/// A number, or a text for what JSON cannot write; the bits for a NaN that is not the usual one.
fn float_json(bytes: &[u8]) -> Value {
    let number = float_of(bytes);
    if let Some(number) = Number::from_f64(number) {
        return number.into();
    }
    let (bits, usual) = match bytes.len() {
        2 => (u64::from(u16::from_ne_bytes(exactly(bytes))), 0x7e00),
        4 => (u64::from(u32::from_ne_bytes(exactly(bytes))), 0x7fc0_0000),
        _ => (u64::from_ne_bytes(exactly(bytes)), 0x7ff8_0000_0000_0000),
    };
    match number {
        _ if number.is_nan() && bits == usual => "NaN".into(),
        _ if number.is_nan() => format!("0x{bits:0width$x}", width = bytes.len() * 2).into(),
        _ if number > 0.0 => "Infinity".into(),
        _ => "-Infinity".into(),
    }
}

/// The JSON form of a long double: a number of 53 bits, as whoever reads it makes no other of it.
fn long_double_json(bytes: &[u8]) -> Result<Value> {
    let number = LongDouble::from_ne_bytes(exactly(bytes));
    let narrow = number.to_f64();
    if number.is_nan() {
        return Ok("NaN".into());
    }
    if LongDouble::from(narrow) != number {
        let reason = format!("{number} has more digits than documents hold, which are read as float64");
        return Err(CodecError::value("fill value", reason));
    }
    Ok(float_json(&narrow.to_ne_bytes()))
}

/// Bytes as a list of numbers or in base 64, the two forms in use.
fn text_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| u8::try_from(item.as_u64()?).ok())
            .collect(),
        Value::String(text) => base64(text),
        _ => None,
    }
}

fn raw_bytes(value: &Value, size: u32) -> Option<Vec<u8>> {
    text_bytes(value).filter(|bytes| bytes.len() == size as usize)
}

/// Encodes as [`base64`] decodes.
fn base64_json(bytes: &[u8]) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    Value::from(STANDARD.encode(bytes))
}

/// Decodes base 64 with the standard alphabet and padding (RFC 4648, section 4).
fn base64(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(data_type: &DataType, json: &Value, bytes: &[u8]) {
        let fill = FillValue::from_json(json, data_type).unwrap();
        assert_eq!(fill.as_bytes(), bytes);
        assert_eq!(fill.to_json(data_type).unwrap(), *json);
    }

    #[test]
    fn values_come_back_as_they_were_written() {
        check(&DataType::Int16, &json!(-2), &(-2_i16).to_ne_bytes());
        check(&DataType::UInt64, &json!(u64::MAX), &u64::MAX.to_ne_bytes());
        check(&DataType::Float32, &json!("NaN"), &f32::NAN.to_ne_bytes());
        check(
            &DataType::Float32,
            &json!("0x7fc00001"),
            &0x7fc0_0001_u32.to_ne_bytes(),
        );
        check(
            &DataType::Float64,
            &json!("-Infinity"),
            &f64::NEG_INFINITY.to_ne_bytes(),
        );
        check(
            &DataType::Complex64,
            &json!([1.0, "NaN"]),
            &[1.0_f32.to_ne_bytes(), f32::NAN.to_ne_bytes()].concat(),
        );
        check(&DataType::Raw(2), &json!("Af8="), &[1, 255]);
        check(&DataType::FixedBytes(3), &json!("YWI="), b"ab\0");
        check(&DataType::Bytes, &json!("AQA="), &[1, 0]);
        let seconds = DataType::DateTime64(crate::TimeUnit::new("s", 1).unwrap());
        check(&seconds, &json!(i64::MIN), &i64::MIN.to_ne_bytes());
        check(&DataType::String, &json!("ä"), "ä".as_bytes());
        let narrow = |name| DataType::Narrow(NarrowType::new(name).unwrap());
        check(&narrow("int4"), &json!(-3), &[0xfd]);
        check(&narrow("bfloat16"), &json!("0x7fc1"), &0x7fc1_u16.to_ne_bytes());
        check(&narrow("float8_e4m3fn"), &json!("NaN"), &[0x7f]);
        check(
            &narrow("complex_float8_e5m2"),
            &json!([3.5, "Infinity"]),
            &[0x43, 0x7c],
        );
        let pair = json!({"name": "struct", "configuration": {"fields": [
            {"name": "a", "data_type": "uint8"}, {"name": "p", "data_type": {"name": "struct", "configuration":
            {"fields": [{"name": "s", "data_type": {"name": "null_terminated_bytes", "configuration": {"length_bytes": 2}}}]}}}
        ]}});
        let pair = DataType::from_json(&pair).unwrap();
        check(&pair, &json!({"a": 7, "p": {"s": "YQ=="}}), b"\x07a\0");
    }

    #[test]
    fn other_forms_of_a_value_are_read() {
        let seconds = DataType::DateTime64(crate::TimeUnit::new("s", 1).unwrap());
        let forms = [
            (&DataType::Raw(2), json!([1, 255]), json!("Af8=")),
            (&DataType::FixedBytes(3), json!([97, 98, 0]), json!("YWI=")),
            (&DataType::FixedBytes(3), json!("YWIA"), json!("YWI=")),
            (&seconds, json!("NaT"), json!(i64::MIN)),
            (&DataType::Float32, json!("0x7fc00000"), json!("NaN")),
        ];
        for (data_type, other, usual) in forms {
            let fill = FillValue::from_json(&other, data_type).unwrap();
            assert_eq!(fill.to_json(data_type).unwrap(), usual);
        }
    }

    #[test]
    fn values_that_the_type_does_not_have_are_refused() {
        let refused = [
            (DataType::UInt8, json!(-1)),
            (DataType::UInt8, json!(256)),
            (DataType::Int32, json!(1.5)),
            (DataType::Int32, json!(true)),
            (DataType::Bool, json!("abc")),
            (DataType::Float32, json!(1e39)),
            (DataType::Float32, json!("0x7fc0")),
            (DataType::Raw(2), json!([1])),
            (
                DataType::Narrow(NarrowType::new("float8_e4m3fn").unwrap()),
                json!(500),
            ),
            (
                DataType::Narrow(NarrowType::new("complex_float16").unwrap()),
                json!(1),
            ),
        ];
        for (data_type, value) in refused {
            assert!(
                FillValue::from_json(&value, &data_type).is_err(),
                "{data_type} {value}"
            );
        }
    }
}
