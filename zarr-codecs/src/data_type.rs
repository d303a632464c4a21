//! The types of elements.
//!
//! A closed enum: whoever adds a type is led by the compiler to every place that must know it.

use std::fmt;

use serde_json::Value;

#[cfg(doc)]
use crate::LongDouble;
use crate::{CodecError, Field, Limits, NarrowType, Result, SLOT_SIZE, StructType, long_double};

/// The order of bytes within a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The order of this machine.
    pub const NATIVE: Self = if cfg!(target_endian = "little") {
        Self::Little
    } else {
        Self::Big
    };

    /// The order that this one is not.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Little => Self::Big,
            Self::Big => Self::Little,
        }
    }
}

/// The type of the elements of an array.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataType {
    /// One byte, 0 or 1.
    Bool,
    /// Signed integer of 8 bits.
    Int8,
    /// Signed integer of 16 bits.
    Int16,
    /// Signed integer of 32 bits.
    Int32,
    /// Signed integer of 64 bits.
    Int64,
    /// Unsigned integer of 8 bits.
    UInt8,
    /// Unsigned integer of 16 bits.
    UInt16,
    /// Unsigned integer of 32 bits.
    UInt32,
    /// Unsigned integer of 64 bits.
    UInt64,
    /// IEEE 754 binary16.
    Float16,
    /// IEEE 754 binary32.
    Float32,
    /// IEEE 754 binary64.
    Float64,
    /// Two binary32: real and imaginary part.
    Complex64,
    /// Two binary64: real and imaginary part.
    Complex128,
    /// The long double of x86-64, see [`LongDouble`] (V2 `<f16`; V3 has no name for it).
    Float128,
    /// Two long doubles: real and imaginary part (V2 `<c32`; V3 has no name for it).
    Complex256,
    /// A number that Rust has no type for, as its bits: `int4`, `bfloat16`, `float8_e5m2` and so on.
    Narrow(NarrowType),
    /// So many bytes of no known meaning (V2 `|V`, V3 `r*`).
    Raw(u32),
    /// So many bytes, unused ones at the end NUL (V2 `|S`).
    FixedBytes(u32),
    /// So many code points of 4 bytes, unused ones at the end NUL (V2 `<U`).
    FixedUtf32(u32),
    /// A 64-bit count of time units since 1970, the least number being *not a time*.
    DateTime64(TimeUnit),
    /// A 64-bit count of time units, the least number being *not a time*.
    TimeDelta64(TimeUnit),
    /// Named fields, one after the other.
    Struct(StructType),
    /// UTF-8 text of any length.
    String,
    /// Bytes of any number.
    Bytes,
    /// Arrays of one dimension and any length, each item being their elements in native byte order (V2 `vlen-array`).
    VlenArray(Box<DataType>),
    /// Any value that JSON or `MessagePack` has, each item being it in `MessagePack` and null an empty item (V2 `json2`,
    /// `msgpack2`).
    Object,
    /// A type that can be carried along, not decoded.
    Unknown {
        /// Its name in the metadata.
        name: String,
        /// Its form in the metadata.
        json: Value,
    },
}

/// The unit of a `datetime64` or `timedelta64`, with its multiplier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeUnit {
    /// One of [`TimeUnit::NAMES`].
    pub unit: &'static str,
    /// How many units make one step.
    pub scale: u32,
}

impl TimeUnit {
    /// The names of units, as `NumPy` spells them.
    pub const NAMES: [&str; 13] = [
        "Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as",
    ];

    /// Finds a unit by its name.
    pub fn new(unit: &str, scale: u32) -> Option<Self> {
        let unit = Self::NAMES.into_iter().find(|name| *name == unit)?;
        (scale > 0 && scale < 1 << 31).then_some(Self { unit, scale })
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale != 1 {
            write!(f, "{}", self.scale)?;
        }
        f.write_str(self.unit)
    }
}

/// Types without parameters and their V3 names.
pub(crate) const PLAIN: [(&str, DataType); 16] = [
    ("bool", DataType::Bool),
    ("int8", DataType::Int8),
    ("int16", DataType::Int16),
    ("int32", DataType::Int32),
    ("int64", DataType::Int64),
    ("uint8", DataType::UInt8),
    ("uint16", DataType::UInt16),
    ("uint32", DataType::UInt32),
    ("uint64", DataType::UInt64),
    ("float16", DataType::Float16),
    ("float32", DataType::Float32),
    ("float64", DataType::Float64),
    ("complex64", DataType::Complex64),
    ("complex128", DataType::Complex128),
    ("string", DataType::String),
    ("variable_length_bytes", DataType::Bytes),
];

impl DataType {
    /// The size in memory of an element, or of the slot in its place, in bytes; `None` if unknown.
    pub fn size(&self) -> Option<usize> {
        Some(match self {
            Self::Bool | Self::Int8 | Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 | Self::Float16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64
            | Self::UInt64
            | Self::Float64
            | Self::Complex64
            | Self::DateTime64(_)
            | Self::TimeDelta64(_) => 8,
            Self::Complex128 | Self::Float128 => 16,
            Self::Complex256 => 32,
            Self::Narrow(narrow) => narrow.size(),
            Self::Raw(size) | Self::FixedBytes(size) => *size as usize,
            Self::FixedUtf32(length) => (*length as usize).checked_mul(4)?,
            Self::Struct(record) => record
                .fields
                .iter()
                .try_fold(0_usize, |sum, field| sum.checked_add(field.size()?))?,
            Self::String | Self::Bytes | Self::VlenArray(_) | Self::Object => SLOT_SIZE,
            Self::Unknown { .. } => return None,
        })
    }

    /// Refuses a type whose elements are larger than [`Limits::ELEMENT_SIZE_MAX`].
    ///
    /// ```
    /// use zarr_codecs::DataType;
    ///
    /// assert!(DataType::FixedBytes(64 << 20).check_size().is_ok());
    /// assert!(DataType::FixedUtf32(64 << 20).check_size().is_err());
    /// ```
    ///
    /// # Errors
    /// [`CodecError::Value`] that names the limit.
    pub fn check_size(&self) -> Result<()> {
        let limit = Limits::ELEMENT_SIZE_MAX;
        let size = match self.size() {
            None if matches!(self, Self::Unknown { .. }) => return Ok(()),
            size => size.map_or(u64::MAX, |size| size as u64),
        };
        if size <= limit {
            return Ok(());
        }
        let reason = format!("an element takes {size} bytes, limit {limit}");
        Err(CodecError::value("data type", reason))
    }

    /// Whether elements differ in size and lie in the heap of a chunk.
    pub const fn is_variable(&self) -> bool {
        matches!(
            self,
            Self::String | Self::Bytes | Self::VlenArray(_) | Self::Object
        )
    }

    /// The size of the numbers whose bytes are swapped when the byte order changes.
    ///
    /// 1 where there is nothing to swap; `None` for records, whose fields differ.
    pub fn swap_size(&self) -> Option<usize> {
        match self {
            Self::Complex64 | Self::FixedUtf32(_) => Some(4),
            Self::Complex128 => Some(8),
            Self::Complex256 => Some(16),
            Self::Narrow(narrow) => Some(narrow.component_size()),
            Self::Struct(_) if self.has_byte_order() => None,
            Self::Raw(_)
            | Self::FixedBytes(_)
            | Self::String
            | Self::Bytes
            | Self::VlenArray(_)
            | Self::Object
            | Self::Struct(_)
            | Self::Unknown { .. } => Some(1),
            _ => self.size(),
        }
    }

    /// Whether the byte order makes a difference.
    pub fn has_byte_order(&self) -> bool {
        match self {
            Self::Struct(record) => record.fields.iter().any(|field| field.data_type.has_byte_order()),
            _ => self.swap_size() != Some(1),
        }
    }

    /// The same elements with all fields of records in one byte order, as V3 stores them.
    ///
    /// In memory nothing differs.
    #[must_use]
    pub fn in_one_byte_order(self) -> Self {
        match self {
            Self::Struct(mut record) => {
                for field in &mut record.fields {
                    field.is_reversed = false;
                    field.data_type = std::mem::replace(&mut field.data_type, Self::Bool).in_one_byte_order();
                }
                Self::Struct(record)
            }
            other => other,
        }
    }

    /// Whether elements of the two types lie in memory alike and mean the same: the byte orders in which fields of
    /// records are stored make no difference, and padding of one may have a name in the other.
    #[must_use]
    pub fn is_in_memory_as(&self, other: &Self) -> bool {
        let (Self::Struct(one), Self::Struct(other)) = (self, other) else {
            return self == other;
        };
        let is_same = |(one, other): (&Field, &Field)| {
            let has_name = one.name == other.name || one.name.is_empty() || other.name.is_empty();
            has_name && one.shape == other.shape && one.data_type.is_in_memory_as(&other.data_type)
        };
        one.fields.len() == other.fields.len() && one.fields.iter().zip(&other.fields).all(is_same)
    }

    /// Whether elements that are stored in this byte order lie otherwise in memory.
    ///
    /// Of a record the order is that of the fields that are not [`Field::is_reversed`].
    pub fn is_swapped(&self, stored: ByteOrder) -> bool {
        match self {
            Self::Struct(record) => record
                .fields
                .iter()
                .any(|field| field.data_type.is_swapped(field.byte_order(stored))),
            _ => stored != ByteOrder::NATIVE && self.has_byte_order(),
        }
    }

    /// Turns elements from native byte order into the one in which they are stored or back, in place.
    ///
    /// What is left over at the end, being no whole element, stays as it is.
    pub fn reorder(&self, elements: &mut [u8], stored: ByteOrder) {
        match self {
            _ if !self.is_swapped(stored) => {}
            Self::Struct(record) => record.each_field(elements, &mut |field, bytes| {
                field.data_type.reorder(bytes, field.byte_order(stored));
            }),
            _ => self.swap_bytes(elements),
        }
    }

    /// Turns all numbers from one byte order into the other, in place.
    ///
    /// What is left over at the end, being no whole element, stays as it is.
    pub fn swap_bytes(&self, elements: &mut [u8]) {
        match (self.swap_size(), self) {
            (Some(1), _) => {}
            (Some(size), _) => elements.chunks_exact_mut(size).for_each(<[u8]>::reverse),
            (None, Self::Struct(record)) => {
                record.each_field(elements, &mut |field, bytes| field.data_type.swap_bytes(bytes));
            }
            (None, _) => {}
        }
    }

    /// Gives what means nothing in the bytes of elements the value that it has in memory, in place: the padding of
    /// long doubles, which `NumPy` leaves as it finds it, and the upper bits of [narrow](NarrowType::settle) numbers.
    ///
    /// ```
    /// use zarr_codecs::{DataType, LongDouble};
    ///
    /// let mut element = LongDouble::from(2.5).to_ne_bytes();
    /// element[10..].fill(0xff);
    /// DataType::Float128.clear_padding(&mut element);
    /// assert_eq!(element, LongDouble::from(2.5).to_ne_bytes());
    /// ```
    pub fn clear_padding(&self, elements: &mut [u8]) {
        match self {
            Self::Float128 | Self::Complex256 => long_double::clear_padding(elements),
            Self::Narrow(narrow) => narrow.settle(elements),
            Self::Struct(record) if record.fields.iter().any(|field| field.data_type.has_padding()) => {
                record.each_field(elements, &mut |field, bytes| field.data_type.clear_padding(bytes));
            }
            _ => {}
        }
    }

    /// Whether some bytes or bits of elements mean nothing.
    pub fn has_padding(&self) -> bool {
        match self {
            Self::Struct(record) => record.fields.iter().any(|field| field.data_type.has_padding()),
            Self::Narrow(narrow) => narrow.bits() % 8 != 0,
            _ => matches!(self, Self::Float128 | Self::Complex256),
        }
    }
}

impl fmt::Display for DataType {
    /// The V3 name, or for records a list of the fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = PLAIN.iter().find(|(_, plain)| plain == self) {
            return f.write_str(name);
        }
        match self {
            Self::Narrow(narrow) => f.write_str(narrow.name()),
            Self::Raw(size) => write!(f, "r{}", u64::from(*size) * 8),
            Self::FixedBytes(size) => write!(f, "null_terminated_bytes[{size}]"),
            Self::FixedUtf32(length) => write!(f, "fixed_length_utf32[{length}]"),
            Self::DateTime64(unit) => write!(f, "datetime64[{unit}]"),
            Self::TimeDelta64(unit) => write!(f, "timedelta64[{unit}]"),
            Self::Unknown { name, .. } => write!(f, "`{name}`"),
            Self::VlenArray(inner) => write!(f, "vlen_array[{inner}]"),
            Self::Object => f.write_str("object"),
            Self::Float128 => f.write_str("float128"),
            Self::Complex256 => f.write_str("complex256"),
            Self::Struct(record) => {
                f.write_str("struct{")?;
                for (index, field) in record.fields.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{}: {}", field.name, field.data_type)?;
                }
                f.write_str("}")
            }
            _ => f.write_str("?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complex_numbers_swap_their_halves() {
        let mut bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        DataType::Complex64.swap_bytes(&mut bytes);
        assert_eq!(bytes, [4, 3, 2, 1, 8, 7, 6, 5]);
        let brains = DataType::Narrow(NarrowType::new("complex_bfloat16").unwrap());
        brains.swap_bytes(&mut bytes);
        assert_eq!(bytes, [3, 4, 1, 2, 7, 8, 5, 6]);
    }
}
