//! Methods of arrays.

use serde_json::{Value, json};
use zarr_convenience::core::{Array, Error as CoreError, Node, metadata::fill_value_to_v2};

use super::{
    Operation, codecs,
    outcome::{Failure, Fault, Outcome},
    scalar::Scalar,
    session::{Session, Thing, text},
    values,
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("a_read", a_read),
    ("a_write", a_write),
    ("a_props", a_props),
    ("a_resize", a_resize),
    ("a_append", a_append),
];

fn a_read(session: &mut Session, step: &Value) -> Outcome {
    let (array, _) = session.array(step)?;
    let data = array.read_data(&values::selection(step.get("sel"))?)?;
    values::array_json(&data, array.metadata().codecs.byte_order())
}

fn a_write(session: &mut Session, step: &Value) -> Outcome {
    let (array, _) = session.array(step)?;
    let selection = values::selection(step.get("sel"))?;
    let value = &step["value"];
    let is_array = ["arange", "data", "full"]
        .iter()
        .any(|form| value.get(form).is_some());
    let data = if is_array {
        let data = values::cast(&values::array(value, None)?, array.data_type())?;
        let shape = array.selected(&selection)?.0;
        if data.shape.is_empty() && !shape.is_empty() {
            values::full(&values::scalars(&data)?[0], shape, array.data_type())?
        } else {
            data
        }
    } else {
        let shape = array.selected(&selection)?.0;
        values::full(
            &Scalar::from_json(value, Some(array.data_type()))?,
            shape,
            array.data_type(),
        )?
    };
    array.write_data(&selection, &data)?;
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
        "nbytes": array.n_elements() * array.data_type().size().unwrap_or(0) as u64,
    }))
}

/// The fill value, as an array without dimensions where it has a fixed size.
fn fill_json(array: &Array) -> Outcome {
    let data_type = array.data_type();
    let Some(fill) = &array.metadata().fill_value else {
        return Ok(Value::Null);
    };
    let byte_order = array.metadata().codecs.byte_order();
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

fn a_resize(session: &mut Session, step: &Value) -> Outcome {
    change(session, step, |array| {
        let asked = step["shape"].as_array().cloned().unwrap_or_default();
        let lengths = asked.iter().enumerate().map(|(axis, length)| {
            length
                .as_u64()
                .or_else(|| array.shape().get(axis).copied())
                .unwrap_or(0)
        });
        let shape: Vec<_> = lengths.collect();
        array.resize(&shape)?;
        Ok(Value::Null)
    })
}

fn a_append(session: &mut Session, step: &Value) -> Outcome {
    change(session, step, |array| {
        let axis = step["axis"].as_u64().unwrap_or(0) as usize;
        let data = values::cast(&values::array(&step["data"], None)?, array.data_type())?;
        match array.append(&data, axis) {
            Err(CoreError::Incompatible { .. }) => {
                let message = "shape of data to append is not compatible with the array; all dimensions must match except for the dimension being appended";
                Err(Failure::new("ValueError", message).into())
            }
            appended => Ok(appended?.into()),
        }
    })
}
