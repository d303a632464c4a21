//! Single values: between transcripts, elements in memory, and one data type and another.

use serde_json::{Value, json};
use zarr_convenience::core::{
    ArrayData,
    codecs::{ByteOrder, ChunkBuffer, DataType, Field, Object},
    metadata::json::python_float,
    time,
};

use super::{
    objects,
    outcome::{Failure, Fault, Outcome},
    values,
};

/// A value on its way from one form to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    /// No value: Python's `None`.
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Complex(f64, f64),
    Bytes(Vec<u8>),
    Text(String),
    /// The fields of a record, in their order.
    Record(Vec<Scalar>),
    /// A value that is none of the others, such as a list.
    Object(Object),
    /// An item that is an array.
    Array(Box<ArrayData>),
}

impl Scalar {
    /// Reads a transcript's form; the data type, if known, says what a text is.
    pub(super) fn from_json(value: &Value, data_type: Option<&DataType>) -> Outcome<Self> {
        let strange = || Fault::unsupported(format!("value {value}"));
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match number.to_string().parse::<i128>() {
                Ok(value) => Self::Int(value),
                Err(_) => Self::Float(number.as_f64().ok_or_else(strange)?),
            },
            Value::String(text) => text_value(text, data_type).ok_or_else(strange)?,
            Value::Array(parts) => match data_type {
                Some(DataType::Complex64 | DataType::Complex128) if parts.len() == 2 => Self::Complex(
                    float(&parts[0]).ok_or_else(strange)?,
                    float(&parts[1]).ok_or_else(strange)?,
                ),
                Some(DataType::Struct(record)) if record.fields.len() == parts.len() => Self::Record(
                    parts
                        .iter()
                        .zip(&record.fields)
                        .map(|(part, field)| Self::of_field(part, field, field.shape.len()))
                        .collect::<Outcome<_>>()?,
                ),
                _ => return Err(strange()),
            },
            Value::Object(members) => {
                let (name, inner) = members.iter().next().ok_or_else(strange)?;
                match (name.as_str(), inner) {
                    ("np", _) => Self::from_json(&members["value"], data_type)?,
                    ("value", _) => Self::from_json(inner, data_type)?,
                    ("json", _) => Self::Object(Object::from_json(inner).map_err(|_| strange())?),
                    ("float", _) => Self::Float(float(inner).ok_or_else(strange)?),
                    ("text", Value::String(text)) => Self::Bytes(text.as_bytes().to_vec()),
                    ("hex", Value::String(text)) => Self::Bytes(from_hex(text).ok_or_else(strange)?),
                    ("complex", Value::Array(parts)) if parts.len() == 2 => Self::Complex(
                        float(&parts[0]).ok_or_else(strange)?,
                        float(&parts[1]).ok_or_else(strange)?,
                    ),
                    _ => return Err(strange()),
                }
            }
        })
    }

    /// Reads a field that is an array of so many dimensions, as lists in lists.
    fn of_field(value: &Value, field: &Field, ndim: usize) -> Outcome<Self> {
        match value {
            Value::Array(parts) if ndim > 0 => {
                let parts = parts.iter().map(|part| Self::of_field(part, field, ndim - 1));
                Ok(Self::Record(parts.collect::<Outcome<_>>()?))
            }
            one => Self::from_json(one, Some(&field.data_type)),
        }
    }

    /// The transcript's form.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => serde_json::from_str(&value.to_string()).unwrap_or_default(),
            Self::Float(value) => float_json(*value),
            Self::Complex(re, im) => json!([float_json(*re), float_json(*im)]),
            Self::Bytes(bytes) => to_hex(bytes).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Record(fields) => fields.iter().map(Self::to_json).collect(),
            Self::Object(value) => objects::shown(value),
            Self::Array(data) => values::array_json(data, ByteOrder::Little).unwrap_or_default(),
        }
    }

    /// Adds the value as an element of a data type, cast as `NumPy` casts.
    pub(super) fn push(&self, data_type: &DataType, out: &mut ChunkBuffer) -> Outcome<()> {
        use DataType as T;
        let strange = || Fault::unsupported(format!("{self:?} as {data_type}"));
        let elements = &mut out.elements;
        match data_type {
            T::Bool => elements.push(u8::from(self.truth().ok_or_else(strange)?)),
            T::Int8 => elements.extend((self.int().ok_or_else(strange)? as i8).to_ne_bytes()),
            T::Int16 => elements.extend((self.int().ok_or_else(strange)? as i16).to_ne_bytes()),
            T::Int32 => elements.extend((self.int().ok_or_else(strange)? as i32).to_ne_bytes()),
            T::Int64 | T::DateTime64(_) | T::TimeDelta64(_) => {
                let value = match (self, data_type) {
                    (Self::Text(text), T::DateTime64(unit)) => time::parse(text, *unit).map(i128::from),
                    (Self::Text(text), _) => (text == "NaT").then_some(i64::MIN.into()),
                    _ => self.int(),
                };
                let value = value.ok_or_else(strange)?;
                elements.extend((value as i64).to_ne_bytes());
            }
            T::UInt8 => elements.push(self.int().ok_or_else(strange)? as u8),
            T::UInt16 => elements.extend((self.int().ok_or_else(strange)? as u16).to_ne_bytes()),
            T::UInt32 => elements.extend((self.int().ok_or_else(strange)? as u32).to_ne_bytes()),
            T::UInt64 => elements.extend((self.int().ok_or_else(strange)? as u64).to_ne_bytes()),
            T::Float16 => elements.extend(half_bits(self.float().ok_or_else(strange)?).to_ne_bytes()),
            T::Float32 => elements.extend((self.float().ok_or_else(strange)? as f32).to_ne_bytes()),
            T::Float64 => elements.extend(self.float().ok_or_else(strange)?.to_ne_bytes()),
            T::Complex64 | T::Complex128 => {
                let (re, im) = match self {
                    Self::Complex(re, im) => (*re, *im),
                    _ => (self.float().ok_or_else(strange)?, 0.0),
                };
                for part in [re, im] {
                    if *data_type == T::Complex64 {
                        elements.extend((part as f32).to_ne_bytes());
                    } else {
                        elements.extend(part.to_ne_bytes());
                    }
                }
            }
            T::FixedBytes(size) => {
                let mut bytes = match self {
                    Self::Bool(_) | Self::Int(_) | Self::Float(_) => self.shown().into_bytes(),
                    _ => self.bytes().ok_or_else(strange)?,
                };
                bytes.resize(*size as usize, 0);
                elements.extend(bytes);
            }
            T::Raw(size) => {
                let mut bytes = self.bytes().ok_or_else(strange)?;
                bytes.resize(*size as usize, 0);
                elements.extend(bytes);
            }
            T::FixedUtf32(length) => {
                let text = match self {
                    Self::Bool(_) | Self::Int(_) | Self::Float(_) => self.shown(),
                    _ => self.text().ok_or_else(strange)?,
                };
                let mut codes: Vec<u32> = text.chars().map(u32::from).collect();
                codes.resize(*length as usize, 0);
                elements.extend(codes.iter().flat_map(|code| code.to_ne_bytes()));
            }
            T::String => out.push_item(self.text().ok_or_else(|| self.not_a("unicode"))?.as_bytes()),
            T::Bytes if matches!(self, Self::Text(_)) => return Err(self.not_a("byte")),
            T::Bytes => out.push_item(&self.bytes().ok_or_else(|| self.not_a("byte"))?),
            T::Object => out.push_item(&self.object().ok_or_else(strange)?.to_item()),
            T::VlenArray(inner) => out.push_item(&self.array(inner)?),
            T::Struct(record) => {
                for (index, field) in record.fields.iter().enumerate() {
                    let value = match self {
                        Self::Record(fields) => &fields[index],
                        other => other,
                    };
                    value.push_field(field, out)?;
                }
            }
            _ => return Err(strange()),
        }
        Ok(())
    }

    /// Adds the value as a field, which may be an array: a single value is all of its elements.
    fn push_field(&self, field: &Field, out: &mut ChunkBuffer) -> Outcome<()> {
        let mut items = Vec::new();
        self.flatten(&mut items);
        let n_elements = field.n_elements().unwrap_or(0);
        match &items[..] {
            [one] => (0..n_elements).try_for_each(|_| one.push(&field.data_type, out)),
            items if items.len() == n_elements => {
                items.iter().try_for_each(|item| item.push(&field.data_type, out))
            }
            _ => Err(Fault::unsupported(format!(
                "{self:?} as a field that is an array"
            ))),
        }
    }

    fn flatten(&self, items: &mut Vec<Self>) {
        match self {
            Self::Record(parts) => parts.iter().for_each(|part| part.flatten(items)),
            one => items.push(one.clone()),
        }
    }

    /// Takes an element of fixed size.
    pub(super) fn of_element(bytes: &[u8], data_type: &DataType) -> Outcome<Self> {
        use DataType as T;
        macro_rules! number {
            ($type:ty) => {
                <$type>::from_ne_bytes(
                    bytes
                        .try_into()
                        .map_err(|_| Fault::unsupported("element size"))?,
                )
            };
        }
        Ok(match data_type {
            T::Bool => Self::Bool(bytes != [0]),
            T::Int8 => Self::Int(number!(i8).into()),
            T::Int16 => Self::Int(number!(i16).into()),
            T::Int32 => Self::Int(number!(i32).into()),
            T::Int64 | T::DateTime64(_) | T::TimeDelta64(_) => Self::Int(number!(i64).into()),
            T::UInt8 => Self::Int(number!(u8).into()),
            T::UInt16 => Self::Int(number!(u16).into()),
            T::UInt32 => Self::Int(number!(u32).into()),
            T::UInt64 => Self::Int(number!(u64).into()),
            T::Float16 => Self::Float(half_value(number!(u16))),
            T::Float32 => Self::Float(number!(f32).into()),
            T::Float64 => Self::Float(number!(f64)),
            T::Complex64 | T::Complex128 => {
                let (part, half) = if *data_type == T::Complex64 {
                    (T::Float32, 4)
                } else {
                    (T::Float64, 8)
                };
                let part =
                    |bytes| Self::of_element(bytes, &part).map(|part| part.float().unwrap_or(f64::NAN));
                Self::Complex(part(&bytes[..half])?, part(&bytes[half..])?)
            }
            T::Raw(_) => Self::Bytes(bytes.to_vec()),
            T::FixedBytes(_) => {
                let used = bytes
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |last| last + 1);
                Self::Bytes(bytes[..used].to_vec())
            }
            T::FixedUtf32(_) => {
                let codes = bytes.chunks_exact(4).map(|code| {
                    let code = code.try_into().map_or(0, u32::from_ne_bytes);
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                });
                Self::Text(codes.collect::<String>().trim_end_matches('\0').to_owned())
            }
            T::Struct(record) => {
                let mut fields = Vec::new();
                let mut rest = bytes;
                for field in &record.fields {
                    let size = field.size().unwrap_or(0);
                    let (this, after) = rest.split_at(size);
                    fields.push(if field.shape.is_empty() {
                        Self::of_element(this, &field.data_type)?
                    } else {
                        Self::Array(Box::new(ArrayData {
                            shape: field.shape.iter().copied().map(u64::from).collect(),
                            data_type: field.data_type.clone(),
                            buffer: ChunkBuffer {
                                elements: this.to_vec(),
                                heap: Vec::new(),
                            },
                        }))
                    });
                    rest = after;
                }
                Self::Record(fields)
            }
            _ => return Err(Fault::unsupported(format!("elements of {data_type}"))),
        })
    }

    /// Refuses what `NumPy` does not make a number of a type of, though it casts arrays of such numbers.
    pub(super) fn check_range(&self, data_type: &DataType) -> Outcome<()> {
        use DataType as T;
        let (least, most) = match data_type {
            T::Int8 => (i8::MIN.into(), i8::MAX.into()),
            T::Int16 => (i16::MIN.into(), i16::MAX.into()),
            T::Int32 => (i32::MIN.into(), i32::MAX.into()),
            T::Int64 => (i64::MIN.into(), i64::MAX.into()),
            T::UInt8 => (0, u8::MAX.into()),
            T::UInt16 => (0, u16::MAX.into()),
            T::UInt32 => (0, u32::MAX.into()),
            T::UInt64 => (0, u64::MAX.into()),
            _ => return Ok(()),
        };
        match self {
            Self::Int(value) if *value < least || *value > most => {
                let message = format!("Python integer {value} out of bounds for {data_type}");
                Err(Failure::new("OverflowError", message).into())
            }
            Self::Float(value) if value.is_nan() => {
                Err(Failure::new("ValueError", "cannot convert float NaN to integer").into())
            }
            Self::Float(value) if value.is_infinite() => {
                Err(Failure::new("OverflowError", "cannot convert float infinity to integer").into())
            }
            _ => Ok(()),
        }
    }

    /// The value as Python prints it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("'{text}'"),
            Self::Bytes(bytes) => format!("b'{}'", bytes.escape_ascii()),
            Self::Null => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            // JSON has other words for what is no number.
            Self::Float(number) if number.is_nan() => "nan".to_owned(),
            Self::Float(number) if number.is_infinite() => {
                if *number > 0.0 { "inf" } else { "-inf" }.to_owned()
            }
            Self::Float(number) => python_float(*number),
            other => other.to_json().to_string(),
        }
    }

    /// What numcodecs says of an item that its codec does not hold.
    fn not_a(&self, kind: &str) -> Fault {
        let found = self.shown();
        Failure::new("TypeError", format!("expected {kind} string, found {found}")).into()
    }

    fn object(&self) -> Option<Object> {
        Some(match self {
            Self::Null => Object::Null,
            Self::Bool(value) => Object::Bool(*value),
            Self::Int(value) => Object::Int(*value),
            Self::Float(value) => Object::Float(*value),
            Self::Bytes(bytes) => Object::Bytes(bytes.clone()),
            Self::Text(text) => Object::Text(text.clone()),
            Self::Object(value) => value.clone(),
            Self::Complex(..) | Self::Record(_) | Self::Array(_) => return None,
        })
    }

    /// The elements of an item that is an array; a single number is an array of one.
    fn array(&self, inner: &DataType) -> Outcome<Vec<u8>> {
        let items = match self {
            Self::Null => Vec::new(),
            Self::Array(data) => return Ok(data.buffer.elements.clone()),
            Self::Object(value) => match value.to_json() {
                Ok(Value::Array(items)) => items,
                Ok(other) => vec![other],
                Err(error) => return Err(Fault::unsupported(error.to_string())),
            },
            other => vec![other.to_json()],
        };
        if items.iter().any(Value::is_array) {
            let message = "only 1-dimensional arrays are supported";
            return Err(Failure::new("ValueError", message).into());
        }
        let mut buffer = ChunkBuffer::default();
        for item in &items {
            Self::from_json(item, Some(inner))?.push(inner, &mut buffer)?;
        }
        Ok(buffer.elements)
    }

    fn truth(&self) -> Option<bool> {
        Some(match self {
            Self::Bool(value) => *value,
            _ => self.float()? != 0.0,
        })
    }

    fn int(&self) -> Option<i128> {
        match self {
            Self::Bool(value) => Some(i128::from(*value)),
            Self::Int(value) => Some(*value),
            Self::Float(value) => Some(*value as i128),
            Self::Complex(re, _) => Some(*re as i128),
            _ => None,
        }
    }

    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Complex(re, _) => Some(*re),
            _ => None,
        }
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Some(bytes.clone()),
            Self::Text(text) => Some(text.as_bytes().to_vec()),
            Self::Null | Self::Int(0) => Some(Vec::new()),
            _ => None,
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Null | Self::Int(0) => Some(String::new()),
            _ => None,
        }
    }
}

fn text_value(text: &str, data_type: Option<&DataType>) -> Option<Scalar> {
    match data_type {
        Some(DataType::FixedBytes(_) | DataType::Raw(_)) => from_hex(text).map(Scalar::Bytes),
        Some(DataType::Float16 | DataType::Float32 | DataType::Float64) => {
            float(&text.into()).map(Scalar::Float)
        }
        _ => Some(Scalar::Text(text.to_owned())),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.replace("Infinity", "inf").parse().ok(),
        _ => None,
    }
}

fn float_json(value: f64) -> Value {
    match value {
        _ if value.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        _ => value.into(),
    }
}

fn half_bits(value: f64) -> u16 {
    half::f16::from_f64(value).to_bits()
}

fn half_value(bits: u16) -> f64 {
    half::f16::from_bits(bits).to_f64()
}

/// The hexadecimal digits of bytes.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// The bytes of hexadecimal digits.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pairs = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect()
}
