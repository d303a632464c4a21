//! Attributes as JSON, in the forms of [`values`](super::values).
//!
//! A null dataspace is null. Attributes by which HDF5 and netCDF-4 keep house (dimension scales) can be set apart; what
//! they mean is said by `_ARRAY_DIMENSIONS`.

use serde_json::{Map, Value, json};
use zarr_convenience::{Attributes, Fate, Kept, Lost, core::MASK_ATTRIBUTE};

use super::{
    lost::{lost_names, lost_padding},
    new_attribute::{is_same, named_from_hdf5, named_to_hdf5},
    original::KEY,
    type_json,
    values::{self, Paths, base64},
};
use crate::hdf5::{self, Attribute, Datatype, Item, Name, Values};

/// The attribute of the root of a file that says which library of netCDF has made it.
pub(super) const NETCDF_PROPERTIES: &str = "_NCProperties";
/// Attributes that HDF5's dimension scales and netCDF-4 are made of.
const HOUSEKEEPING: [&str; 7] = [
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "DIMENSION_LABELS",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "_nc3_strict",
    NETCDF_PROPERTIES,
];
/// Those of them that others use as well.
const SCALE: [&str; 2] = ["CLASS", "NAME"];

/// The attributes of a node, and what else is to be kept of them.
pub(super) struct Read {
    pub(super) attributes: Attributes,
    /// What JSON does not say of them, by their names.
    pub(super) original: Map<String, Value>,
    /// The attributes themselves, in the order of the file.
    pub(super) found: Vec<Attribute>,
}

/// Reads attributes one by one; `node` is what they are of, in reports.
///
/// If the originals are kept, nothing of an attribute is lost but what HDF5 itself keeps to itself.
pub(super) fn read(
    node: &str,
    names: &[Name],
    keeps: bool,
    paths: Paths<'_>,
    attribute: impl Fn(&Name) -> hdf5::Result<Attribute>,
) -> hdf5::Result<Read> {
    let mut read = Read {
        attributes: Attributes::default(),
        original: Map::new(),
        found: Vec::with_capacity(names.len()),
    };
    for name in names {
        read.found.push(attribute(name)?);
    }
    let is_scale = keeps && read.found.iter().any(is_scale);
    for attribute in &read.found {
        let name = &attribute.name;
        let what = format!("{node}@{name}");
        let mut lose = |reason: String| {
            let what = what.clone();
            read.attributes.lost.push(Lost { what, reason });
        };
        let Some(text) = name.to_str() else {
            lose("its name is not UTF-8".to_owned());
            continue;
        };
        if text == KEY && keeps {
            lose("its name is reserved for what is kept of HDF5".to_owned());
            continue;
        }
        let value = match to_json(attribute, paths) {
            Ok(value) => named_from_hdf5(text, value),
            Err(reason) => {
                lose(reason);
                continue;
            }
        };
        if !keeps {
            tell_lost(attribute, &mut lose);
            read.attributes.members.insert(text.to_owned(), value);
            continue;
        }
        let is_hidden = HOUSEKEEPING.contains(&text) || (is_scale && SCALE.contains(&text));
        let kept = kept(attribute, &value, paths, is_hidden);
        if let Some((fate, reason)) = &kept.fate {
            read.attributes.kept.push(Kept {
                what,
                fate: *fate,
                reason: reason.clone(),
            });
        }
        if let Some(original) = kept.original {
            read.original.insert(text.to_owned(), original);
        }
        if !is_hidden {
            read.attributes.members.insert(text.to_owned(), value);
        }
    }
    Ok(read)
}

/// Whether an attribute says that its dataset is a dimension scale.
fn is_scale(attribute: &Attribute) -> bool {
    let bytes = match &attribute.values {
        Some(Values::Fixed(bytes)) => bytes.as_slice(),
        Some(Values::Variable(texts)) => texts.first().map_or(&[][..], Vec::as_slice),
        _ => return false,
    };
    attribute.name == "CLASS" && bytes.starts_with(b"DIMENSION_SCALE")
}

/// Whether these are the attributes of a dimension scale.
pub(super) fn are_of_scale(attributes: &[Attribute]) -> bool {
    attributes.iter().any(is_scale)
}

/// What JSON alone does not carry over.
fn tell_lost(attribute: &Attribute, lose: &mut dyn FnMut(String)) {
    if let Some(names) = lost_names(&attribute.datatype) {
        lose(names);
    }
    if attribute.space.shape().is_none() {
        lose("it has no value (a null dataspace) and is stored as null".to_owned());
    }
}

/// What is kept of an attribute beside its value, and how it fared.
struct Original {
    original: Option<Value>,
    fate: Option<(Fate, String)>,
}

/// What would be made of a value if nothing was kept beside it.
fn made_of(attribute: &Attribute, value: &Value) -> Option<hdf5::NewAttribute> {
    named_to_hdf5(attribute.name.to_str()?, value).ok()
}

fn kept(attribute: &Attribute, value: &Value, paths: Paths<'_>, is_hidden: bool) -> Original {
    let named_type = attribute.named_type.and_then(paths);
    // V3 has the value that stands for a missing one without its list.
    let is_mask = attribute.name == MASK_ATTRIBUTE && attribute.space.shape() == Some(&[1]);
    let usual = named_type.is_none()
        && !is_mask
        && made_of(attribute, value).is_some_and(|usual| is_same(&usual, attribute));
    if usual && !is_hidden {
        let (original, fate) = (None, None);
        return Original { original, fate };
    }
    let datatype = type_json::to_json(&attribute.datatype);
    let mut original = json!({"type": datatype, "shape": attribute.space.shape()});
    let is_back = restored(&original, value).is_some_and(|back| is_same_read(&back, attribute, value, paths));
    let fate = if datatype.is_none() {
        let reason = "its type has no form in JSON, so it comes back as another".to_owned();
        Some((Fate::Mapped, reason))
    } else if is_back {
        let words =
            lost_names(&attribute.datatype).unwrap_or_else(|| "its type is kept beside it".to_owned());
        (!usual).then_some((Fate::Mapped, words))
    } else if let Some(Values::Fixed(bytes)) = &attribute.values {
        original["raw"] = base64(bytes);
        Some((Fate::Raw, "its bytes are kept beside it".to_owned()))
    } else {
        Some((Fate::Mapped, "it comes back as another type".to_owned()))
    };
    if let Some(path) = named_type {
        original["named_type"] = path.into();
    }
    if is_hidden {
        original["value"] = value.clone();
    }
    Original {
        original: Some(original),
        fate,
    }
}

/// The attribute that is made of a value and what is kept beside it.
pub(super) fn restored(original: &Value, value: &Value) -> Option<hdf5::NewAttribute> {
    let datatype = type_json::from_json(original.get("type")?)?;
    let Some(shape) = original.get("shape")?.as_array() else {
        return Some(hdf5::NewAttribute::Null { datatype });
    };
    let shape: Vec<u64> = shape.iter().map(Value::as_u64).collect::<Option<_>>()?;
    let (mut dims, mut element) = (shape.clone(), &datatype);
    let mut n_inner = 1_u64;
    while let Datatype::Array {
        dims: inner,
        element: next,
    } = element
    {
        dims.extend_from_slice(inner);
        n_inner = inner.iter().try_fold(n_inner, |n, dim| n.checked_mul(*dim))?;
        element = next;
    }
    let mut leaves = Vec::new();
    leaves_of(value, &dims, &mut leaves)?;
    if let Some(raw) = original.get("raw") {
        let bytes = values::from_base64(raw)?;
        return Some(hdf5::NewAttribute::Fixed {
            datatype,
            shape,
            bytes,
        });
    }
    let items: Vec<Item> = leaves
        .into_iter()
        .map(|leaf| values::from_json(element, leaf))
        .collect::<Option<_>>()?;
    let items = if n_inner == 1 && element == &datatype {
        items
    } else {
        let n_inner = usize::try_from(n_inner).ok().filter(|n| *n > 0)?;
        let part = |items: &[Item]| {
            if element.points() {
                return Item::Parts(items.to_vec());
            }
            Item::Bytes(items.iter().flat_map(|item| bytes_of(item).to_vec()).collect())
        };
        items.chunks(n_inner).map(part).collect()
    };
    Some(if datatype.points() {
        hdf5::NewAttribute::Items {
            datatype,
            shape,
            items,
        }
    } else {
        let bytes = items.iter().flat_map(|item| bytes_of(item).to_vec()).collect();
        hdf5::NewAttribute::Fixed {
            datatype,
            shape,
            bytes,
        }
    })
}

fn bytes_of(item: &Item) -> &[u8] {
    match item {
        Item::Bytes(bytes) => bytes,
        _ => &[],
    }
}

/// The items of nested lists of a shape, in C order.
fn leaves_of<'a>(value: &'a Value, shape: &[u64], leaves: &mut Vec<&'a Value>) -> Option<()> {
    let Some((length, rest)) = shape.split_first() else {
        leaves.push(value);
        return Some(());
    };
    let Some(list) = value.as_array() else {
        // V3 has the value that stands for a missing one without its list.
        return if *length == 1 {
            leaves_of(value, rest, leaves)
        } else {
            None
        };
    };
    if rest.contains(&0) {
        return Some(());
    }
    (list.len() as u64 == *length).then_some(())?;
    list.iter().try_for_each(|value| leaves_of(value, rest, leaves))
}

/// Whether an attribute that was made again is what it was made of.
fn is_same_read(back: &hdf5::NewAttribute, attribute: &Attribute, value: &Value, paths: Paths<'_>) -> bool {
    match back {
        // References are addresses in one and paths in the other, so the values are compared as JSON.
        hdf5::NewAttribute::Items {
            datatype,
            shape,
            items,
        } => {
            let again = items.iter().map(|item| values::to_json(datatype, item, paths));
            let again: Result<Vec<_>, _> = again.collect();
            let nest = |items: Vec<Value>| nested(shape, &mut items.into_iter());
            again.is_ok_and(|items| nest(items).as_ref() == Some(value)) && *datatype == attribute.datatype
        }
        _ => is_same(back, attribute),
    }
}

/// The value of an attribute, or why JSON cannot hold it.
fn to_json(attribute: &Attribute, paths: Paths<'_>) -> Result<Value, String> {
    let Some(shape) = attribute.space.shape() else {
        return Ok(Value::Null);
    };
    let mut shape = shape.to_vec();
    let mut datatype = &attribute.datatype;
    let values = attribute
        .values
        .as_ref()
        .ok_or("its values are references of HDF5 1.12")?;
    while let Datatype::Array { dims, element } = datatype {
        shape.extend_from_slice(dims);
        datatype = element;
    }
    let to_json = |item: &Item| values::to_json(datatype, item, paths);
    let items: Vec<Value> = match values {
        Values::Variable(items) => match datatype {
            Datatype::VlenSequence { element } => {
                let size = element
                    .size()
                    .filter(|size| *size > 0)
                    .ok_or("its values have no size")?;
                let sequence = |bytes: &Vec<u8>| {
                    let items = bytes.chunks_exact(size).map(|bytes| Item::Bytes(bytes.to_vec()));
                    to_json(&Item::Sequence(items.collect()))
                };
                items.iter().map(sequence).collect::<Result<_, _>>()?
            }
            _ => items
                .iter()
                .map(|item| to_json(&Item::Text(item.clone())))
                .collect::<Result<_, _>>()?,
        },
        Values::Fixed(bytes) => {
            let size = datatype
                .size()
                .filter(|size| *size > 0)
                .ok_or("its values have no size")?;
            bytes
                .chunks_exact(size)
                .map(|bytes| to_json(&Item::Bytes(bytes.to_vec())))
                .collect::<Result<_, _>>()?
        }
        Values::Mixed(items) => {
            let mut flat = Vec::new();
            for item in items {
                flatten(&attribute.datatype, item, &mut flat);
            }
            flat.into_iter().map(to_json).collect::<Result<_, _>>()?
        }
    };
    nested(&shape, &mut items.into_iter()).ok_or_else(|| "its values do not fill its shape".to_owned())
}

/// Takes arrays within elements apart.
pub(super) fn flatten<'a>(datatype: &Datatype, item: &'a Item, flat: &mut Vec<&'a Item>) {
    match (datatype, item) {
        (Datatype::Array { element, .. }, Item::Parts(parts)) => {
            for part in parts {
                flatten(element, part, flat);
            }
        }
        _ => flat.push(item),
    }
}

/// Puts items in C order into lists; `None` if there are not enough.
fn nested(shape: &[u64], items: &mut dyn Iterator<Item = Value>) -> Option<Value> {
    let Some((length, rest)) = shape.split_first() else {
        return items.next();
    };
    // A length of nothing must not be walked.
    if rest.contains(&0) && *length > 1 << 16 {
        return None;
    }
    (0..*length)
        .map(|_| nested(rest, items))
        .collect::<Option<Vec<_>>>()
        .map(Value::Array)
}

/// The names of dimensions, by the scales that are attached to a dataset; a scale is named after itself.
pub(super) fn dimension_names(
    own: &str,
    attributes: &[Attribute],
    ndim: usize,
    paths: Paths<'_>,
) -> Option<Vec<Option<String>>> {
    let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
    let list = attributes
        .iter()
        .find(|attribute| attribute.name == "DIMENSION_LIST");
    let list = list.and_then(|list| to_json(list, paths).ok());
    if let Some(Value::Array(dimensions)) = list {
        let first = |dimension: &Value| dimension.get(0).and_then(Value::as_str).and_then(name);
        let names: Vec<_> = dimensions.iter().map(first).collect();
        return (names.len() == ndim && names.iter().any(Option::is_some)).then_some(names);
    }
    (ndim == 1 && are_of_scale(attributes)).then(|| vec![name(own)])
}

/// What is said of a dataset's type where only the values are carried over.
pub(super) fn lost_of_type(datatype: &Datatype) -> Option<String> {
    lost_names(datatype).or_else(|| lost_padding(datatype))
}
