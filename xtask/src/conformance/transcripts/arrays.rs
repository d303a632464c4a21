//! Methods of arrays.

use serde_json::{Value, json};
use zarr_convenience::{
    ArrayInfo, HashName,
    core::{
        Array, ArrayData, Error as CoreError, Node, Selection,
        codecs::{ByteOrder, DataType},
        metadata::fill_value_to_v2,
    },
    hexdigest, shape_text,
};

use super::{
    Operation, codecs,
    indexing::{self, Brackets, Indexer},
    outcome::{Failure, Fault, Outcome},
    scalar::Scalar,
    session::{Session, Thing, text},
    values,
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("a_read", a_read),
    ("a_write", a_write),
    ("a_oindex", a_oindex),
    ("a_vindex", a_vindex),
    ("a_blocks", a_blocks),
    ("a_props", a_props),
    ("a_resize", a_resize),
    ("a_append", a_append),
    ("a_hexdigest", a_hexdigest),
];

fn a_read(session: &mut Session, step: &Value) -> Outcome {
    index(session, step, Indexer::Plain, None)
}

fn a_write(session: &mut Session, step: &Value) -> Outcome {
    index(session, step, Indexer::Plain, Some(&step["value"]))
}

fn a_oindex(session: &mut Session, step: &Value) -> Outcome {
    index(session, step, Indexer::Orthogonal, step.get("value"))
}

fn a_vindex(session: &mut Session, step: &Value) -> Outcome {
    index(session, step, Indexer::Vectorized, step.get("value"))
}

fn a_blocks(session: &mut Session, step: &Value) -> Outcome {
    index(session, step, Indexer::Blocks, step.get("value"))
}

/// Reads what stands between brackets, or writes a value to it.
fn index(session: &mut Session, step: &Value, indexer: Indexer, value: Option<&Value>) -> Outcome {
    let (array, _) = session.array(step)?;
    if value.is_some() && array.options().read_only {
        return Err(CoreError::ReadOnly {
            path: array.path().to_string(),
        }
        .into());
    }
    let selection = Brackets::read(indexer, step.get("sel"))?.selection(&array, value.is_none())?;
    if let Some(value) = value {
        return write(&array, &selection, value);
    }
    let data = array.read_data(&selection)?;
    values::array_json(&data, selected_order(&array, &selection))
}

/// The byte order of what is selected, which a single field has of its own.
fn selected_order(array: &Array, selection: &Selection) -> ByteOrder {
    let order = array.metadata().codecs.byte_order();
    match (array.data_type(), selection.field_names()) {
        (DataType::Struct(record), [name]) => record
            .fields
            .iter()
            .find(|field| field.name == *name)
            .map_or(order, |field| field.byte_order(order)),
        _ => order,
    }
}

fn write(array: &Array, selection: &Selection, value: &Value) -> Outcome {
    let (shape, data_type) = array.selected(selection)?;
    if selection.field_names().len() > 1 {
        let message = "multiple fields are not supported for this operation";
        return Err(Failure::new("IndexError", message).into());
    }
    let Some(given) = values::given_array(value, &data_type)? else {
        let scalar = Scalar::from_json(value, Some(&data_type))?;
        scalar.check_range(&data_type)?;
        array.write_data(selection, &values::full(&scalar, shape, &data_type)?)?;
        return Ok(Value::Null);
    };
    let mut data = values::cast(&given, &data_type)?;
    let mut expected = shape.clone();
    if indexing::is_of_points(selection, array) {
        // Values of points are a list, whatever the shape they come in.
        expected = vec![shape.iter().product()];
        if data.shape.len() > 1 {
            data.shape = vec![data.n_elements()];
        }
    }
    if data.shape != expected && expected.is_empty() {
        // NumPy says it there, in words that depend on the brackets.
        return Err(Failure::class("ValueError", "one element is selected, several are given").into());
    }
    if data.shape != expected {
        let (expected, got) = (shape_text(&expected), shape_text(&data.shape));
        let message = format!("parameter 'value': expected array with shape {expected}, got {got}");
        return Err(Failure::new("ValueError", message).into());
    }
    data.shape = shape;
    array.write_data(selection, &data)?;
    Ok(Value::Null)
}

fn a_props(session: &mut Session, step: &Value) -> Outcome {
    let (array, _) = session.array(step)?;
    let metadata = array.metadata();
    let codecs = metadata
        .codecs
        .to_v2(&array.options().registry)
        .map_err(Fault::unsupported)?;
    let byte_order = metadata.codecs.byte_order();
    let is_root = array.path().is_root();
    let name = (!is_root).then(|| array.path().to_string());
    Ok(json!({
        "shape": array.shape(),
        "chunks": array.chunk_shape(),
        "dtype": values::data_type_json(array.data_type(), byte_order),
        "order": if metadata.order() == Some(zarr_convenience::core::Order::F) { "F" } else { "C" },
        "fill_value": fill_json(&array)?,
        "compressor": codecs.compressor.as_ref().map(codecs::complete),
        "filters": codecs.filters.map(|filters| filters.iter().map(codecs::complete).collect::<Vec<_>>()),
        "read_only": array.options().read_only,
        "nchunks": array.n_chunks(),
        "nchunks_initialized": array.n_chunks_initialized()?,
        "dimension_separator": metadata.chunk_key_encoding.separator().to_string(),
        "name": name,
        "path": array.path().as_str(),
        "nbytes": ArrayInfo::of(&array)?.size,
    }))
}

/// The fill value, as an array without dimensions where it has a fixed size.
fn fill_json(array: &Array) -> Outcome {
    let data_type = array.data_type();
    let Some(fill) = &array.metadata().fill_value else {
        return Ok(Value::Null);
    };
    let byte_order = array.metadata().codecs.byte_order();
    // Of objects the document says what was given.
    if let Some(given) = array.metadata().unknown.get("fill_value") {
        return Ok(given.clone());
    }
    if data_type.is_variable() {
        return fill_value_to_v2(Some(fill), data_type, byte_order)
            .map_err(|wrong| Fault::unsupported(wrong.reason));
    }
    let data = Scalar::of_element(fill.as_bytes(), data_type)?.to_json();
    Ok(json!({"dtype": values::data_type_json(data_type, byte_order), "shape": [], "data": data}))
}

/// Changes the array that a step names, so that its other steps see the change.
fn change(session: &mut Session, step: &Value, change: impl FnOnce(&mut Array) -> Outcome) -> Outcome {
    let target = text(step, "target")?;
    if let Some(Thing::Node(Node::Array(array), _)) = session.thing_mut(target) {
        return change(array);
    }
    change(&mut session.array(step)?.0)
}

/// A shape is one length or a list; null keeps a length.
fn a_resize(session: &mut Session, step: &Value) -> Outcome {
    let length = |length: &Value| match (length, length.as_u64()) {
        (_, Some(length)) => Ok(Some(length)),
        (Value::Null, None) => Ok(None),
        _ => Err(Fault::from(Failure::class(
            "ValueError",
            format!("length {length}"),
        ))),
    };
    let lengths: Vec<_> = match &step["shape"] {
        Value::Array(lengths) => lengths.iter().map(length).collect::<Outcome<_>>()?,
        one => vec![length(one)?],
    };
    change(session, step, |array| {
        array.resize_some(&lengths)?;
        Ok(Value::Null)
    })
}

fn a_hexdigest(session: &mut Session, step: &Value) -> Outcome {
    let (array, _) = session.array(step)?;
    let name = ["hash", "hashname"].iter().find_map(|name| step[*name].as_str());
    let hash = HashName::parse(name.unwrap_or("sha1"))?;
    Ok(hexdigest(&array, hash)?.into())
}

/// The data of a step, in the type of an array.
fn step_data(step: &Value, array: &Array) -> Outcome<ArrayData> {
    let (given, data_type) = (&step["data"], array.data_type());
    let data = values::array(given, values::objects_as(given, data_type))?;
    values::cast(&data, data_type)
}

fn a_append(session: &mut Session, step: &Value) -> Outcome {
    change(session, step, |array| {
        let axis = step["axis"].as_u64().unwrap_or(0) as usize;
        let data = step_data(step, array)?;
        Ok(array.append(&data, axis)?.into())
    })
}
