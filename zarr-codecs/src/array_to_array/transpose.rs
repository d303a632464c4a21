//! `transpose`: permutes the dimensions (Zarr V3 specification, *transpose codec*).
//!
//! Encoded dimension `i` is decoded dimension `order[i]`.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToArray, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result,
    chain::make_room,
};

const NAME: &str = "transpose";

#[derive(Debug)]
struct Transpose {
    order: Vec<usize>,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["order"])?;
    let error = || configuration.error("order", "must be a permutation of the dimensions, such as [1, 0]");
    let given = configuration
        .get("order")
        .and_then(Value::as_array)
        .ok_or_else(error)?;
    let order: Option<Vec<usize>> = given
        .iter()
        .map(|axis| axis.as_u64().and_then(|axis| usize::try_from(axis).ok()))
        .collect();
    let order = order.ok_or_else(error)?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.iter().enumerate().any(|(index, axis)| index != *axis) {
        return Err(error());
    }
    Ok(Codec::ArrayToArray(Arc::new(Transpose { order })))
}

impl Transpose {
    fn check(&self, spec: &ChunkSpec) -> Result<()> {
        if self.order.len() == spec.shape.len() {
            return Ok(());
        }
        let reason = format!(
            "`order` has {} dimensions, the chunk {}",
            self.order.len(),
            spec.shape.len()
        );
        Err(CodecError::mismatch(NAME, reason))
    }
}

impl ArrayToArray for Transpose {
    fn encoded_spec(&self, decoded: &ChunkSpec) -> Result<ChunkSpec> {
        self.check(decoded)?;
        Ok(ChunkSpec {
            shape: self.order.iter().map(|&axis| decoded.shape[axis]).collect(),
            ..decoded.clone()
        })
    }

    fn encode(&self, decoded: &[u8], spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let encoded = self.encoded_spec(spec)?;
        let strides = strides(spec);
        let strides: Vec<usize> = self.order.iter().map(|&axis| strides[axis]).collect();
        gather(decoded, &encoded, &strides, out)
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let encoded_strides = strides(&self.encoded_spec(spec)?);
        let mut strides = encoded_strides.clone();
        for (stride, &axis) in encoded_strides.iter().zip(&self.order) {
            strides[axis] = *stride;
        }
        gather(encoded, spec, &strides, out)
    }

    fn order(&self, ndim: usize) -> Option<Vec<usize>> {
        (self.order.len() == ndim).then(|| self.order.clone())
    }
}

/// The distance in bytes between neighbours in each dimension, in C order.
fn strides(spec: &ChunkSpec) -> Vec<usize> {
    let mut stride = spec.data_type.size().unwrap_or(0);
    let mut strides = vec![0; spec.shape.len()];
    for (slot, &length) in strides.iter_mut().zip(&spec.shape).rev() {
        *slot = stride;
        stride *= length as usize;
    }
    strides
}

/// Appends the elements of a chunk in C order, each from where the strides say.
fn gather(source: &[u8], spec: &ChunkSpec, strides: &[usize], out: &mut Vec<u8>) -> Result<()> {
    let size = spec.data_type.size().unwrap_or(0);
    if spec.size() != Some(source.len()) {
        return Err(CodecError::Size {
            expected: spec.size().unwrap_or(0) as u64,
            got: source.len() as u64,
        });
    }
    let (Some((&row, outer)), Some((&stride, outer_strides))) =
        (spec.shape.split_last(), strides.split_last())
    else {
        out.extend_from_slice(source);
        return Ok(());
    };
    if source.is_empty() {
        return Ok(());
    }
    make_room(out, source.len())?;
    let mut position = vec![0; outer.len()];
    let mut start = 0;
    loop {
        for index in 0..row as usize {
            out.extend_from_slice(&source[start + index * stride..][..size]);
        }
        // Steps to the next row as an odometer does: the last dimension that has room goes on, those behind
        // it start again.
        let Some(axis) = (0..outer.len())
            .rev()
            .find(|&axis| position[axis] + 1 < outer[axis])
        else {
            return Ok(());
        };
        for behind in axis + 1..outer.len() {
            start -= position[behind] as usize * outer_strides[behind];
            position[behind] = 0;
        }
        position[axis] += 1;
        start += outer_strides[axis];
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::ArrayToArray,
    doc: "the dimensions in another order",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::DataType;
    use crate::testing::{check_codec, spec};

    #[test]
    fn chunks_come_back() {
        for data_type in [DataType::UInt8, DataType::Float64, DataType::Raw(3)] {
            check_codec(NAME, json!({"order": [2, 0, 1]}), &spec(&[2, 3, 5], data_type));
        }
        check_codec(NAME, json!({"order": []}), &spec(&[], DataType::Int16));
        check_codec(NAME, json!({"order": [1, 0]}), &spec(&[0, 4], DataType::Int16));
    }

    #[test]
    fn encoded_dimensions_are_those_of_the_order() {
        let (transpose, spec) = (
            Transpose { order: vec![2, 0, 1] },
            spec(&[1, 2, 3], DataType::UInt8),
        );
        assert_eq!(transpose.encoded_spec(&spec).unwrap().shape, [3, 1, 2]);
        let mut encoded = Vec::new();
        transpose
            .encode(&[1, 2, 3, 4, 5, 6], &spec, &mut encoded)
            .unwrap();
        assert_eq!(encoded, [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn anything_but_a_permutation_is_an_error() {
        for order in [
            json!("F"),
            json!([0, 0]),
            json!([1, 2]),
            json!([-1, 0]),
            json!([0.5]),
            json!(null),
        ] {
            let configuration = json!({"order": order});
            let result = build(configuration.as_object().unwrap(), &CodecRegistry::default());
            assert!(
                matches!(result, Err(CodecError::Config { .. })),
                "{configuration}"
            );
        }
        let transpose = Transpose { order: vec![1, 0] };
        assert!(transpose.encoded_spec(&spec(&[2], DataType::UInt8)).is_err());
        assert_eq!(transpose.order(1), None);
    }
}
