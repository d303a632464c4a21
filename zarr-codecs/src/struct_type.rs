//! Records: the types whose elements have named parts.

use serde_json::{Map, Value, json};

use crate::{ByteOrder, CodecError, DataType, Result};

/// A record type: fields without gaps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StructType {
    /// The fields, in their order in memory.
    pub fields: Vec<Field>,
}

impl StructType {
    /// Reads the configuration of the V3 types `struct` (fields are objects) and `structured` (fields are pairs).
    ///
    /// # Errors
    /// [`CodecError::Value`] for fields that are none, that have one name, or whose size is not fixed.
    pub(crate) fn from_json(configuration: &Map<String, Value>) -> Result<Self> {
        let items = configuration.get("fields").and_then(Value::as_array);
        let items = items.filter(|items| !items.is_empty());
        let items = items.ok_or_else(|| wrong("`fields` must be a list of fields"))?;
        let mut fields: Vec<Field> = Vec::with_capacity(items.len());
        for item in items {
            let (name, data_type) = match item {
                Value::Array(pair) if pair.len() == 2 => (pair[0].as_str(), Some(&pair[1])),
                item => (item.get("name").and_then(Value::as_str), item.get("data_type")),
            };
            let name = name.filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| wrong("a field must have a name"))?;
            let data_type = data_type.ok_or_else(|| wrong(&format!("field `{name}` has no data type")))?;
            let data_type = DataType::from_json(data_type)?;
            if data_type.is_variable() || data_type.size().is_none() {
                return Err(wrong(&format!(
                    "field `{name}` has elements of no fixed size, {data_type}"
                )));
            }
            if fields.iter().any(|field| field.name == name) {
                return Err(wrong(&format!("there are two fields `{name}`")));
            }
            fields.push(Field::new(name, data_type, vec![]));
        }
        Ok(Self { fields })
    }

    /// The configuration of the V3 type `struct`.
    ///
    /// # Errors
    /// [`CodecError::Value`] for what only V2 has: padding, fields that are arrays, and fields in another byte order.
    pub(crate) fn to_json(&self) -> Result<Value> {
        let field = |field: &Field| {
            let name = &field.name;
            let lacks = match field {
                _ if name.is_empty() => Some("padding".to_owned()),
                _ if !field.shape.is_empty() => Some(format!("field `{name}`, whose elements are arrays,")),
                _ if field.is_reversed && field.data_type.has_byte_order() => {
                    Some(format!("field `{name}`, which has a byte order of its own,"))
                }
                _ => None,
            };
            match lacks {
                Some(what) => Err(wrong(&format!("{what} has no form in Zarr V3"))),
                None => Ok(json!({"name": name, "data_type": field.data_type.to_json()?})),
            }
        };
        let fields = self.fields.iter().map(field).collect::<Result<Vec<_>>>()?;
        Ok(json!({ "fields": fields }))
    }

    /// Calls `change` with every field of every whole record among the elements.
    pub(crate) fn each_field(&self, elements: &mut [u8], change: &mut dyn FnMut(&Field, &mut [u8])) {
        let size = self
            .fields
            .iter()
            .map(|field| field.size().unwrap_or(0))
            .sum::<usize>();
        for element in elements.chunks_exact_mut(size.max(1)) {
            let mut rest = element;
            for field in &self.fields {
                let (head, tail) = rest.split_at_mut(field.size().unwrap_or(0));
                change(field, head);
                rest = tail;
            }
        }
    }
}

fn wrong(reason: &str) -> CodecError {
    CodecError::value("data type", reason)
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name; padding has none.
    pub name: String,
    /// The type of its elements.
    pub data_type: DataType,
    /// The shape of its elements; empty for a single one.
    pub shape: Vec<u32>,
    /// Whether it is stored in the other byte order than the record, as fields of V2 may be.
    ///
    /// In memory every field is in native byte order.
    pub is_reversed: bool,
}

impl Field {
    /// A field that is stored in the byte order of its record.
    pub fn new(name: impl Into<String>, data_type: DataType, shape: Vec<u32>) -> Self {
        Self {
            name: name.into(),
            data_type,
            shape,
            is_reversed: false,
        }
    }

    /// The byte order in which the field is stored, where its record is stored in a given one.
    #[must_use]
    pub const fn byte_order(&self, record: ByteOrder) -> ByteOrder {
        if self.is_reversed { record.other() } else { record }
    }

    /// The number of elements of the field.
    pub fn n_elements(&self) -> Option<usize> {
        self.shape
            .iter()
            .try_fold(1_usize, |product, &length| product.checked_mul(length as usize))
    }

    /// The size of the field in bytes.
    pub fn size(&self) -> Option<usize> {
        self.data_type.size()?.checked_mul(self.n_elements()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_names_and_fixed_sizes() {
        let read = |fields: Value| StructType::from_json(json!({ "fields": fields }).as_object().unwrap());
        let pairs = read(json!([["a", "int16"], ["b", "float64"]])).unwrap();
        let objects = json!([{"name": "a", "data_type": "int16"}, {"name": "b", "data_type": "float64"}]);
        assert_eq!(read(objects.clone()).unwrap(), pairs);
        assert_eq!(pairs.to_json().unwrap(), json!({ "fields": objects }));
        for wrong in [
            json!([]),
            json!({"a": "int8"}),
            json!([["", "int8"]]),
            json!([["a", "int8"], ["a", "int8"]]),
            json!([["a", "string"]]),
            json!([["a", "acme.decimal"]]),
            json!([["a"]]),
            json!([{"name": "a"}]),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_only_v2_has_is_named() {
        let mut field = Field::new("a", DataType::Int16, vec![]);
        field.is_reversed = true;
        for field in [
            field,
            Field::new("a", DataType::Int16, vec![2]),
            Field::new("", DataType::Raw(2), vec![]),
        ] {
            let record = StructType { fields: vec![field] };
            assert!(record.to_json().is_err(), "{record:?}");
        }
    }

    #[test]
    fn records_swap_field_by_field() {
        let field = |name: &str, data_type| Field::new(name, data_type, vec![]);
        let record = StructType {
            fields: vec![field("a", DataType::UInt8), field("b", DataType::Int16)],
        };
        let mut bytes = [1, 2, 3, 4, 5, 6];
        DataType::Struct(record).swap_bytes(&mut bytes);
        assert_eq!(bytes, [1, 3, 2, 4, 6, 5]);
    }

    #[test]
    fn fields_have_a_byte_order_of_their_own() {
        let mut fields = vec![
            Field::new("a", DataType::UInt16, vec![]),
            Field::new("b", DataType::UInt16, vec![2]),
        ];
        fields[1].is_reversed = true;
        let record = DataType::Struct(StructType { fields });
        let mut bytes = [1, 2, 3, 4, 5, 6];
        record.reorder(&mut bytes, ByteOrder::NATIVE);
        assert_eq!(bytes, [1, 2, 4, 3, 6, 5]);
        record.reorder(&mut bytes, ByteOrder::NATIVE);
        record.reorder(&mut bytes, ByteOrder::NATIVE.other());
        assert_eq!(bytes, [2, 1, 3, 4, 5, 6]);
    }
}
