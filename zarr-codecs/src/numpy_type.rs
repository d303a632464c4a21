//! Data types as `NumPy` writes them in a text, as V2 metadata and the filters of numcodecs do.
//!
//! ```text
//! "<f4"   byte order, kind, size        "|S5"  bytes       "<U4"  code points
//! "<M8[ns]"  date with its unit         "int16", "h"       other spellings
//! ```

use std::fmt;

use crate::{ByteOrder, CodecError, DataType, Limits, Result, TimeUnit};

/// The type of elements that lie in bytes, with their byte order.
///
/// ```
/// use zarr_codecs::{ByteOrder, DataType, StoredType};
///
/// let stored = StoredType::from_numpy(">i4")?;
/// assert_eq!(stored, StoredType::new(DataType::Int32, ByteOrder::Big));
/// assert_eq!(stored.to_numpy().as_deref(), Some(">i4"));
/// assert_eq!(StoredType::from_numpy("uint8")?.to_numpy().as_deref(), Some("|u1"));
/// # Ok::<(), zarr_codecs::CodecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredType {
    /// The type of the elements.
    pub data_type: DataType,
    /// The order of their bytes; [`ByteOrder::Little`] where it makes no difference.
    pub byte_order: ByteOrder,
}

impl StoredType {
    /// A type in a byte order.
    pub fn new(data_type: DataType, byte_order: ByteOrder) -> Self {
        let has_order = data_type.has_byte_order();
        Self {
            data_type,
            byte_order: if has_order { byte_order } else { ByteOrder::Little },
        }
    }

    /// A type as it lies in memory.
    pub fn native(data_type: DataType) -> Self {
        Self::new(data_type, ByteOrder::NATIVE)
    }

    /// Bytes, as most codecs give them.
    pub fn bytes() -> Self {
        Self::native(DataType::UInt8)
    }

    /// Whether elements of the one type can be taken for such of the other, byte for byte.
    pub fn lies_as(&self, other: &Self) -> bool {
        let (a, b) = (&self.data_type, &other.data_type);
        let is_same_size = a.size().is_some() && a.size() == b.size() && a.is_variable() == b.is_variable();
        is_same_size
            && a.swap_size() == b.swap_size()
            && (!a.has_byte_order() || self.byte_order == other.byte_order)
    }

    /// Reads `NumPy`'s text of a type.
    ///
    /// Types that exist and are not decoded become [`DataType::Unknown`].
    ///
    /// # Errors
    /// [`CodecError::Value`] for what is no type, and for elements larger than [`Limits::ELEMENT_SIZE_MAX`].
    pub fn from_numpy(text: &str) -> Result<Self> {
        let excerpt: String = text.chars().take(80).collect();
        let wrong = || {
            CodecError::value(
                "data type",
                format!("must be a NumPy data type, found {excerpt:?}"),
            )
        };
        let (order, code) = match text.as_bytes().first() {
            Some(b'>') => (ByteOrder::Big, &text[1..]),
            Some(b'<' | b'=' | b'|') => (ByteOrder::Little, &text[1..]),
            _ => (ByteOrder::Little, text),
        };
        let kind = code.chars().next().ok_or_else(wrong)?;
        let rest = &code[kind.len_utf8()..];
        let size: Option<u64> = rest
            .parse()
            .ok()
            .filter(|_| rest.bytes().all(|byte| byte.is_ascii_digit()));
        let length = |unit: u64| {
            let length = size.ok_or_else(wrong)?;
            let limit = Limits::ELEMENT_SIZE_MAX;
            let fits = length.checked_mul(unit).is_some_and(|size| size <= limit);
            let too_large = || {
                let reason = format!("an element of {excerpt} takes more than {limit} bytes, the limit");
                CodecError::value("data type", reason)
            };
            fits.then_some(length as u32).ok_or_else(too_large)
        };
        let data_type = match (kind, size) {
            ('f', Some(12)) | ('c', Some(24)) | ('O', None) => DataType::Unknown {
                name: text.to_owned(),
                json: text.into(),
            },
            ('S' | 'a', Some(_)) => DataType::FixedBytes(length(1)?),
            ('V', Some(_)) => DataType::Raw(length(1)?),
            ('U', Some(_)) => DataType::FixedUtf32(length(4)?),
            (_, Some(size)) => number(kind, size).ok_or_else(wrong)?,
            _ => time(code).or_else(|| named(code)).ok_or_else(wrong)?,
        };
        Ok(Self::new(data_type, order))
    }

    /// `NumPy`'s text of the type; `None` for records and types that it does not have.
    ///
    /// Elements of variable size are objects there.
    pub fn to_numpy(&self) -> Option<String> {
        let order = match self.byte_order {
            _ if !self.data_type.has_byte_order() => '|',
            ByteOrder::Little => '<',
            ByteOrder::Big => '>',
        };
        Some(match &self.data_type {
            DataType::Bool => "|b1".to_owned(),
            DataType::Raw(size) => format!("|V{size}"),
            DataType::FixedBytes(size) => format!("|S{size}"),
            DataType::FixedUtf32(length) => format!("{order}U{length}"),
            DataType::DateTime64(unit) => format!("{order}M8[{unit}]"),
            DataType::TimeDelta64(unit) => format!("{order}m8[{unit}]"),
            DataType::String | DataType::Bytes | DataType::VlenArray(_) | DataType::Object => "|O".to_owned(),
            DataType::Struct(_) | DataType::Narrow(_) | DataType::Unknown { .. } => return None,
            number => {
                let kind = match number {
                    DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Float128 => 'f',
                    DataType::Complex64 | DataType::Complex128 | DataType::Complex256 => 'c',
                    DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => 'u',
                    _ => 'i',
                };
                format!("{order}{kind}{}", number.size()?)
            }
        })
    }
}

impl fmt::Display for StoredType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_numpy() {
            Some(text) => f.write_str(&text),
            None => self.data_type.fmt(f),
        }
    }
}

fn number(kind: char, size: u64) -> Option<DataType> {
    Some(match (kind, size) {
        ('b', 1) => DataType::Bool,
        ('i', 1) => DataType::Int8,
        ('i', 2) => DataType::Int16,
        ('i', 4) => DataType::Int32,
        ('i', 8) => DataType::Int64,
        ('u', 1) => DataType::UInt8,
        ('u', 2) => DataType::UInt16,
        ('u', 4) => DataType::UInt32,
        ('u', 8) => DataType::UInt64,
        ('f', 2) => DataType::Float16,
        ('f', 4) => DataType::Float32,
        ('f', 8) => DataType::Float64,
        ('c', 8) => DataType::Complex64,
        ('c', 16) => DataType::Complex128,
        ('f', 16) => DataType::Float128,
        ('c', 32) => DataType::Complex256,
        _ => return None,
    })
}

fn time(code: &str) -> Option<DataType> {
    let unit = |names: [&str; 2]| names.iter().find_map(|name| code.strip_prefix(name));
    let (make, unit): (fn(TimeUnit) -> DataType, &str) = match unit(["M8[", "datetime64["]) {
        Some(unit) => (DataType::DateTime64, unit),
        None => (DataType::TimeDelta64, unit(["m8[", "timedelta64["])?),
    };
    let text = unit.strip_suffix(']')?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let scale = if digits == 0 {
        1
    } else {
        text[..digits].parse().ok()?
    };
    TimeUnit::new(&text[digits..], scale).map(make)
}

/// The letters and long names that `NumPy` takes for types as well.
fn named(code: &str) -> Option<DataType> {
    Some(match code {
        "?" => DataType::Bool,
        "b" => DataType::Int8,
        "B" => DataType::UInt8,
        "h" => DataType::Int16,
        "H" => DataType::UInt16,
        "i" => DataType::Int32,
        "I" => DataType::UInt32,
        "l" | "q" | "int" => DataType::Int64,
        "L" | "Q" => DataType::UInt64,
        "e" => DataType::Float16,
        "f" => DataType::Float32,
        "d" | "float" => DataType::Float64,
        "F" => DataType::Complex64,
        "D" | "complex" => DataType::Complex128,
        "g" | "longdouble" | "float128" => DataType::Float128,
        "G" | "clongdouble" | "complex256" => DataType::Complex256,
        _ => {
            let data_type = DataType::from_json(&code.into()).ok()?;
            let is_number = !matches!(
                data_type,
                DataType::Unknown { .. } | DataType::String | DataType::Bytes | DataType::Raw(_)
            );
            return is_number.then_some(data_type);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for text in [
            "|b1", "|i1", "<i4", ">u8", "<f2", ">c16", "|S5", "<U4", "|V6", "<M8[ns]", ">m8[10s]", "|u1",
            "<f16", ">c32",
        ] {
            assert_eq!(
                StoredType::from_numpy(text).unwrap().to_numpy().as_deref(),
                Some(text)
            );
        }
    }

    #[test]
    fn other_spellings_are_read() {
        for (text, standard) in [
            ("int32", "<i4"),
            ("i2", "<i2"),
            ("=f8", "<f8"),
            ("d", "<f8"),
            ("?", "|b1"),
            ("bool", "|b1"),
            (">h", ">i2"),
            ("<u1", "|u1"),
            ("datetime64[10s]", "<M8[10s]"),
            (">g", ">f16"),
            ("complex256", "<c32"),
        ] {
            assert_eq!(StoredType::from_numpy(text).unwrap().to_string(), standard);
        }
    }

    #[test]
    fn anything_else_is_an_error() {
        for text in [
            "",
            "<",
            "i3",
            "<q9",
            "<M8",
            "<M8[]",
            "m8[0s]",
            "string",
            "r16",
            "S9999999999",
            "é",
        ] {
            assert!(StoredType::from_numpy(text).is_err(), "{text:?}");
        }
        assert!(matches!(
            StoredType::from_numpy("|O").unwrap().data_type,
            DataType::Unknown { .. }
        ));
    }

    #[test]
    fn types_of_equal_layout_stand_for_each_other() {
        let of = |text| StoredType::from_numpy(text).unwrap();
        assert!(of("<M8[s]").lies_as(&of("<i8")));
        assert!(of("<f4").lies_as(&of("<u4")));
        assert!(of("|b1").lies_as(&of("|u1")));
        assert!(!of("<i4").lies_as(&of(">i4")));
        assert!(!of("<i4").lies_as(&of("<i2")));
        assert!(!of("<c8").lies_as(&of("<f8")));
    }
}
