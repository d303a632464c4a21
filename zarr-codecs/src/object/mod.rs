//! Values of object arrays: whatever JSON and `MessagePack` can hold.
//!
//! In the heap of a chunk a value lies as `MessagePack`, in the shortest form that there is, so that equal values
//! have equal bytes; `null` is the empty item, so that slots that are all zero are null.
//! Integers of more than 64 bits, which JSON has, are an extension of a code that `MessagePack` keeps for itself.

mod elements;
mod json;
mod msgpack;

use crate::{CodecError, Result};

pub(crate) use self::elements::{push_element, to_object};
pub(crate) use self::json::KeyRules;
pub(crate) use self::msgpack::{Packing, Reader, list_header};

/// How deep lists and maps may nest.
pub(crate) const DEPTH_MAX: usize = 128;

/// A value of an object array.
///
/// ```
/// use zarr_codecs::{Object, json};
/// let value = Object::from_json(&json::parse(br#"{"name": "ab", "limits": [1, NaN, null]}"#)?)?;
/// let Object::Map(members) = &value else { panic!("it is an object") };
/// assert_eq!(members[0], ("name".into(), "ab".into()));
/// assert_eq!(Object::from_item(&value.to_item())?.to_text()?, r#"{"name": "ab", "limits": [1, NaN, null]}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Object {
    /// No value: Python's `None`.
    #[default]
    Null,
    /// A truth.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// The digits, and the sign if it is negative, of an integer that has more than 128 bits.
    BigInt(String),
    /// A number with a fraction, an infinity or no number.
    Float(f64),
    /// A text.
    Text(String),
    /// Bytes, which JSON does not have.
    Bytes(Vec<u8>),
    /// Values in their order.
    List(Vec<Object>),
    /// Keys and values in their order; keys are mostly texts, and JSON has no others.
    Map(Vec<(Object, Object)>),
    /// Bytes of a meaning that an application gave them, and its number; `MessagePack` has them, JSON does not.
    Extension(i8, Vec<u8>),
}

impl Object {
    /// Reads a value as it lies in the heap of a chunk.
    ///
    /// # Errors
    /// [`CodecError::Value`] for bytes that are no value, and for values that nest over 128 levels.
    pub fn from_item(item: &[u8]) -> Result<Self> {
        if item.is_empty() {
            return Ok(Self::Null);
        }
        let mut reader = Reader::new(item, false);
        let value = reader.value(0);
        let value = value.and_then(|value| reader.end().map(|()| value));
        value.map_err(|reason| CodecError::value("object", reason))
    }

    /// The value as it lies in the heap of a chunk.
    pub fn to_item(&self) -> Vec<u8> {
        let mut item = Vec::new();
        self.write_item(&mut item);
        item
    }

    /// Adds the value as it lies in the heap of a chunk.
    pub fn write_item(&self, out: &mut Vec<u8>) {
        if *self != Self::Null {
            // All values have this form.
            let _ = Packing::ITEM.write(self, out);
        }
    }

    /// What the value is, for errors.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth",
            Self::Int(_) | Self::BigInt(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Extension(..) => "an extension",
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident $($conversion:ident)?;)*) => {$(
        impl From<$type> for Object {
            fn from(value: $type) -> Self {
                Self::$variant(value$(.$conversion())?)
            }
        }
    )*};
}
from! {
    bool => Bool;
    i32 => Int into;
    i64 => Int into;
    u64 => Int into;
    i128 => Int;
    f64 => Float;
    &str => Text to_owned;
    String => Text;
    Vec<u8> => Bytes;
    Vec<Object> => List;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_from_the_heap() {
        let map = vec![("a".into(), Object::Null), (Object::Int(1), vec![7_u8].into())];
        let values = [
            Object::Null,
            true.into(),
            Object::Int(i128::from(u64::MAX) + 1),
            Object::Int(i128::MIN),
            Object::BigInt("-1".to_owned() + &"0".repeat(60)),
            f64::NEG_INFINITY.into(),
            (-0.0).into(),
            "ä\0".into(),
            Object::Map(map),
            Object::List(vec![]),
            Object::Extension(5, vec![1, 2, 3]),
        ];
        for value in &values {
            let item = value.to_item();
            assert_eq!(Object::from_item(&item).unwrap(), *value);
            assert_eq!(item.is_empty(), *value == Object::Null);
        }
        let list = Object::List(values.to_vec());
        assert_eq!(Object::from_item(&list.to_item()).unwrap(), list);
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(Object::from_item(&[vec![0x91; 127], vec![0x90]].concat()).is_ok());
        assert!(Object::from_item(&[vec![0x91; 1_000_000], vec![0x90]].concat()).is_err());
        assert!(Object::from_item(&vec![0x81; 1_000_000]).is_err());
    }
}
