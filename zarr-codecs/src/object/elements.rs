//! Elements of other types as objects, for codecs that write values: numbers, texts, times, bytes and records.

use half::f16;

use super::Object;
use crate::{
    ByteOrder, CodecError, DataType, Result,
    chain::lengthen,
    padded::{utf32, utf32_text, without_padding},
};

/// An element as Python's `tolist` gives it.
///
/// # Errors
/// [`CodecError::Value`] for types whose elements are no such values: complex numbers, and times of units that
/// Python has a type for.
pub(crate) fn to_object(element: &[u8], data_type: &DataType) -> Result<Object> {
    macro_rules! number {
        ($type:ty) => {
            <$type>::from_ne_bytes(element.try_into().map_err(|_| no_value(data_type))?)
        };
    }
    Ok(match data_type {
        DataType::Bool => Object::Bool(element != [0]),
        DataType::Int8 => Object::Int(number!(i8).into()),
        DataType::Int16 => Object::Int(number!(i16).into()),
        DataType::Int32 => Object::Int(number!(i32).into()),
        DataType::Int64 => Object::Int(number!(i64).into()),
        DataType::UInt8 => Object::Int(number!(u8).into()),
        DataType::UInt16 => Object::Int(number!(u16).into()),
        DataType::UInt32 => Object::Int(number!(u32).into()),
        DataType::UInt64 => Object::Int(number!(u64).into()),
        DataType::Float16 => Object::Float(f16::from_bits(number!(u16)).to_f64()),
        DataType::Float32 => Object::Float(number!(f32).into()),
        DataType::Float64 => Object::Float(number!(f64)),
        DataType::DateTime64(unit) | DataType::TimeDelta64(unit) if is_counted(unit.unit) => {
            match number!(i64) {
                i64::MIN => Object::Null,
                count => Object::Int(count.into()),
            }
        }
        DataType::FixedUtf32(_) => Object::Text(utf32_text(element)),
        DataType::FixedBytes(_) => Object::Bytes(without_padding(element).to_vec()),
        DataType::Raw(_) => Object::Bytes(element.to_vec()),
        _ => return Err(no_value(data_type)),
    })
}

/// Adds a value as an element of a type.
///
/// # Errors
/// [`CodecError::Value`] when the type has no such value.
pub(crate) fn push_element(value: &Object, data_type: &DataType, out: &mut Vec<u8>) -> Result<()> {
    let wrong = || CodecError::value("object", format!("{} is no {data_type}", value.kind()));
    let size = data_type.size().ok_or_else(wrong)?;
    match (data_type, value) {
        (DataType::Bool, Object::Bool(value)) => out.push(u8::from(*value)),
        (DataType::Float16 | DataType::Float32 | DataType::Float64, value) => {
            let number = match value {
                Object::Float(number) => *number,
                Object::Int(number) => *number as f64,
                Object::Bool(value) => f64::from(u8::from(*value)),
                Object::Null => f64::NAN,
                _ => return Err(wrong()),
            };
            match size {
                2 => out.extend(f16::from_f64(number).to_ne_bytes()),
                4 => out.extend((number as f32).to_ne_bytes()),
                _ => out.extend(number.to_ne_bytes()),
            }
        }
        (DataType::DateTime64(_) | DataType::TimeDelta64(_), Object::Null) => {
            out.extend(i64::MIN.to_ne_bytes());
        }
        (DataType::FixedUtf32(_), Object::Text(text)) => {
            let codes = utf32(text);
            if codes.len() > size {
                return Err(wrong());
            }
            push_padded(&codes, size, out)?;
        }
        (DataType::FixedBytes(_) | DataType::Raw(_), Object::Bytes(bytes)) if bytes.len() <= size => {
            push_padded(bytes, size, out)?;
        }
        (_, Object::Int(value)) => out.extend(integer(*value, data_type).ok_or_else(wrong)?),
        (_, Object::Bool(value)) => out.extend(integer((*value).into(), data_type).ok_or_else(wrong)?),
        _ => return Err(wrong()),
    }
    Ok(())
}

/// Adds bytes with NULs up to a size.
fn push_padded(bytes: &[u8], size: usize, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    lengthen(out, size)?;
    out[start..start + bytes.len()].copy_from_slice(bytes);
    Ok(())
}

/// The bytes of an integer, if the type has it.
fn integer(value: i128, data_type: &DataType) -> Option<Vec<u8>> {
    let (least, most, size) = match data_type {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into(), 1),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into(), 2),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into(), 4),
        DataType::Int64 | DataType::DateTime64(_) | DataType::TimeDelta64(_) => {
            (i64::MIN.into(), i64::MAX.into(), 8)
        }
        DataType::UInt8 => (0, i128::from(u8::MAX), 1),
        DataType::UInt16 => (0, u16::MAX.into(), 2),
        DataType::UInt32 => (0, u32::MAX.into(), 4),
        DataType::UInt64 => (0, u64::MAX.into(), 8),
        _ => return None,
    };
    let mut bytes = value.to_le_bytes()[..size].to_vec();
    if ByteOrder::NATIVE == ByteOrder::Big {
        bytes.reverse();
    }
    (least..=most).contains(&value).then_some(bytes)
}

/// Whether Python has no type for times of a unit, so that they are counts.
fn is_counted(unit: &str) -> bool {
    matches!(unit, "ns" | "ps" | "fs" | "as")
}

fn no_value(data_type: &DataType) -> CodecError {
    CodecError::value("object", format!("{data_type} has no form there"))
}
