//! What the codecs that write values and not bytes have in common.
//!
//! Such a codec writes one list: the elements, in lists within lists for more than one dimension, behind them the
//! data type and the shape.

use crate::{
    ByteOrder, ChunkBuffer, ChunkRef, ChunkSpec, CodecError, Configuration, DataType, Object, Result, Slot,
    StoredType,
    object::{push_element, to_object},
};

/// Calls `write` with every element as a value.
pub(super) fn each(
    chunk: ChunkRef<'_>,
    spec: &ChunkSpec,
    write: &mut dyn FnMut(Object) -> Result<()>,
) -> Result<()> {
    let size = spec.data_type.size().unwrap_or(1).max(1);
    for element in chunk.elements.chunks_exact(size) {
        let value = match &spec.data_type {
            DataType::Object => Object::from_item(Slot::from_bytes(element).of(chunk.heap))?,
            plain => to_object(element, plain)?,
        };
        write(value)?;
    }
    Ok(())
}

/// Adds a value as an element.
pub(super) fn push(value: &Object, spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
    if spec.data_type == DataType::Object {
        out.push_item(&value.to_item());
        return Ok(());
    }
    push_element(value, &spec.data_type, &mut out.elements)
}

/// The byte order that the text of the data type names: numcodecs makes elements of it, which zarr-python takes for
/// those of the array. The model of V2 metadata adds the member where it is `big`.
pub(super) fn named_order(configuration: &Configuration<'_>) -> Result<ByteOrder> {
    match configuration.text("endian", Some("little"))? {
        "little" => Ok(ByteOrder::Little),
        "big" => Ok(ByteOrder::Big),
        _ => Err(configuration.error("endian", "must be `little` or `big`")),
    }
}

/// The text of the data type that stands behind the elements.
///
/// # Errors
/// [`CodecError::Mismatch`] for elements that a codec which holds `takes_bytes` or not does not take.
pub(super) fn checked_dtype(
    codec: &'static str,
    takes_bytes: bool,
    order: ByteOrder,
    spec: &ChunkSpec,
) -> Result<String> {
    let data_type = &spec.data_type;
    let has_values = match data_type {
        DataType::Object => true,
        DataType::String | DataType::Bytes | DataType::VlenArray(_) => false,
        DataType::FixedBytes(_) | DataType::Raw(_) => takes_bytes,
        _ => data_type
            .size()
            .is_some_and(|size| to_object(&vec![0; size], data_type).is_ok()),
    };
    StoredType::new(data_type.clone(), order)
        .to_numpy()
        .filter(|_| has_values)
        .ok_or_else(|| CodecError::mismatch(codec, format!("elements of {data_type} have no form there")))
}

/// Whether a list of so many dimensions is that of the chunk; the length of every list but the outermost is checked
/// while its items are read.
pub(super) fn check_shape(codec: &'static str, found: &Object, spec: &ChunkSpec) -> Result<()> {
    let lengths = match found {
        Object::List(lengths) => lengths,
        other => {
            return Err(CodecError::corrupt(
                codec,
                format!("the shape is {}", other.kind()),
            ));
        }
    };
    let expected = spec.shape.iter().map(|length| Object::Int((*length).into()));
    if lengths.iter().cloned().eq(expected) {
        return Ok(());
    }
    let reason = format!(
        "a chunk of shape {found:?} stands where one of {:?} was expected",
        spec.shape
    );
    Err(CodecError::corrupt(codec, reason))
}

/// Calls `open` and `close` where lists within the outermost begin and end, while elements are written in C order.
///
/// `visit` gets for element or list number `index` of its list what it is; depth 1 is within the outermost list.
pub(super) fn nest(shape: &[u64], visit: &mut dyn FnMut(Nested) -> Result<()>) -> Result<()> {
    level(shape, 0, visit)
}

/// Where a walk through the elements of a chunk is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Nested {
    /// A list of so many items begins, being item `index` of the list around it; it is within `depth` lists.
    Open {
        index: usize,
        count: usize,
        depth: usize,
    },
    /// The next element, being item `index` of its list; it is within `depth` lists.
    Element { index: usize, depth: usize },
    /// A list ends that is within `depth` lists and has so many items.
    Close { count: usize, depth: usize },
}

fn level(shape: &[u64], depth: usize, visit: &mut dyn FnMut(Nested) -> Result<()>) -> Result<()> {
    let Some((&length, inner)) = shape.split_first() else {
        // A chunk without dimensions is a list of one element.
        return visit(Nested::Element { index: 0, depth: 1 });
    };
    for index in 0..length as usize {
        let depth = depth + 1;
        if let Some(&count) = inner.first() {
            let count = count as usize;
            visit(Nested::Open { index, count, depth })?;
            level(inner, depth, visit)?;
            visit(Nested::Close { count, depth })?;
        } else {
            visit(Nested::Element { index, depth })?;
        }
    }
    Ok(())
}
