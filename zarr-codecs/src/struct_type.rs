//! Records: the types whose elements have named parts.

use crate::{ByteOrder, DataType};

/// A record type: fields without gaps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StructType {
    /// The fields, in their order in memory.
    pub fields: Vec<Field>,
}

impl StructType {
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
