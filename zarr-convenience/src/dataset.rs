//! `create_dataset` and `require_dataset` of a group (`v2-semantics` 12.4).

use serde_json::Value;
use zarr_core::{
    Array, ArrayBuilder, ArrayData, Error as CoreError, Group, Node, Selection,
    codecs::{ByteOrder, DataType},
};

use crate::{Creation, Error, Result, casting::can_cast, data_type_text, shape_text};

/// What a new array is of.
#[derive(Debug, Clone, Copy)]
pub enum Dataset<'a> {
    /// Of a shape and a `NumPy` type, filled with the fill value.
    Shape(&'a [u64], &'a Value),
    /// Of data.
    Data(&'a ArrayData),
}

/// Makes an array below a group, in the group's format, in the place of whatever is there if `overwrite` says so.
///
/// # Errors
/// [`CoreError::Exists`] when something is there that may not be erased; [`CoreError::Path`] when the group itself
/// or one above it would be overwritten; [`Error::Argument`] for options that make no sense.
pub fn create_dataset(
    group: &Group,
    name: &str,
    dataset: Dataset<'_>,
    overwrite: bool,
    creation: &Creation,
) -> Result<Array> {
    let builder = match dataset {
        Dataset::Shape(shape, dtype) => creation.builder(shape, dtype)?,
        Dataset::Data(data) => {
            let builder = ArrayBuilder::new(data.shape.clone(), data.data_type.clone());
            let byte_order = ByteOrder::Little;
            creation.apply(builder, &data.shape, &data.data_type, byte_order)?
        }
    };
    let array = group.create_array(name, builder, overwrite)?;
    if let Dataset::Data(data) = dataset {
        array.write_data(&Selection::all(), data)?;
    }
    Ok(array)
}

/// Opens an array of a shape and type below a group, or makes it.
///
/// The type of an array that is there must be `dtype` if `exact` says so; else every value of `dtype`, which is
/// float64 unless given, must be one of its values.
///
/// # Errors
/// [`Error::Mismatch`] for an array of another shape or type; [`CoreError::Exists`] for a group; those of
/// [`create_dataset`].
pub fn require_dataset(
    group: &Group,
    name: &str,
    (shape, dtype): (&[u64], Option<&Value>),
    exact: bool,
    creation: &Creation,
) -> Result<Array> {
    let float64 = Value::from("<f8");
    let dtype = dtype.unwrap_or(&float64);
    group.options().check_writable(group.path())?;
    match group.find(name)? {
        Some(Node::Array(array)) => {
            let (data_type, byte_order) = Creation::data_type(dtype)?;
            check_required(&array, shape, (&data_type, byte_order), exact)?;
            Ok(array)
        }
        Some(Node::Group(found)) => Err(CoreError::Exists {
            path: found.path().as_str().to_owned(),
            found: "a group",
        }
        .into()),
        None => create_dataset(group, name, Dataset::Shape(shape, dtype), false, creation),
    }
}

/// Whether an array that is there is what was required.
///
/// # Errors
/// [`Error::Mismatch`] in the words of zarr-python.
pub fn check_required(
    array: &Array,
    shape: &[u64],
    (data_type, byte_order): (&DataType, ByteOrder),
    exact: bool,
) -> Result<()> {
    if array.shape() != shape {
        return Err(Error::Mismatch(format!(
            "shape do not match existing array; expected {}, got {}",
            shape_text(array.shape()),
            shape_text(shape)
        )));
    }
    let stored_order = array.metadata().codecs.byte_order();
    let stored = data_type_text(array.data_type(), stored_order);
    let asked = data_type_text(data_type, byte_order);
    if exact && stored != asked {
        return Err(Error::Mismatch(format!(
            "dtypes do not match exactly; expected {stored}, got {asked}"
        )));
    }
    if !exact && !can_cast(data_type, array.data_type()) {
        return Err(Error::Mismatch(format!(
            "dtypes ({asked}, {stored}) cannot be safely cast"
        )));
    }
    Ok(())
}
