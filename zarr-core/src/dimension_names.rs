//! Names of dimensions: V3 has a member of the document for them, for V2 there is the convention of xarray.

use serde_json::{Map, Value};

/// The attribute that names the dimensions of an array in V2, by the convention of xarray: a list of texts.
pub const DIMENSIONS_ATTRIBUTE: &str = "_ARRAY_DIMENSIONS";

/// The names of dimensions, in their order; `None` for one that has none.
pub type DimensionNames = Vec<Option<String>>;

/// Takes the names of `n_dimensions` dimensions out of the attributes of an array.
///
/// An attribute that is no list of as many texts and nulls stays where it is.
///
/// ```
/// use serde_json::{Map, json};
/// use zarr_core::{DIMENSIONS_ATTRIBUTE, take_dimension_names};
/// let mut attributes = Map::from_iter([(DIMENSIONS_ATTRIBUTE.to_owned(), json!(["time", null]))]);
/// assert_eq!(take_dimension_names(&mut attributes, 3), None);
/// assert_eq!(take_dimension_names(&mut attributes, 2), Some(vec![Some("time".to_owned()), None]));
/// assert!(attributes.is_empty());
/// ```
pub fn take_dimension_names(
    attributes: &mut Map<String, Value>,
    n_dimensions: usize,
) -> Option<DimensionNames> {
    let list = attributes.get(DIMENSIONS_ATTRIBUTE)?.as_array()?;
    let name = |value: &Value| match value {
        Value::Null => Some(None),
        Value::String(name) => Some(Some(name.clone())),
        _ => None,
    };
    let names = list.iter().map(name).collect::<Option<DimensionNames>>()?;
    if names.len() != n_dimensions {
        return None;
    }
    attributes.shift_remove(DIMENSIONS_ATTRIBUTE);
    Some(names)
}

/// Puts names into the attributes of an array, unless it has dimensions and none has a name, or the attribute is there.
///
/// An array without dimensions gets an empty list, without which xarray opens no store of V2.
pub fn put_dimension_names(attributes: &mut Map<String, Value>, names: &[Option<String>]) {
    if names.is_empty() || names.iter().any(Option::is_some) {
        let list = || names.iter().map(|name| Value::from(name.clone())).collect();
        attributes
            .entry(DIMENSIONS_ATTRIBUTE)
            .or_insert_with(|| Value::Array(list()));
    }
}
