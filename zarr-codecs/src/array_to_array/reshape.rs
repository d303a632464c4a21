//! `reshape`: the same elements under another shape (Zarr extension *reshape codec*).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToArray, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result,
};

const NAME: &str = "reshape";

/// The most dimensions that a shape may have.
const DIMENSIONS_MAX: usize = 64;

/// The length of a dimension of what is encoded.
#[derive(Debug)]
enum Length {
    Of(u64),
    /// The product of the lengths of these dimensions.
    Product(Vec<usize>),
    /// Whatever is left.
    Rest,
}

#[derive(Debug)]
struct Reshape {
    shape: Vec<Length>,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["shape"])?;
    let wrong = |reason: &str| configuration.error("shape", reason);
    let items = configuration.get("shape").and_then(Value::as_array);
    let items = items.filter(|items| items.len() <= DIMENSIONS_MAX);
    let items = items.ok_or_else(|| wrong("must be a list of at most 64 lengths"))?;
    let mut shape = Vec::with_capacity(items.len());
    let mut last_axis = None;
    for item in items {
        shape.push(match item {
            Value::Array(axes) => {
                let mut product = Vec::with_capacity(axes.len().min(DIMENSIONS_MAX));
                for axis in axes {
                    let axis = axis.as_u64().filter(|axis| *axis < DIMENSIONS_MAX as u64);
                    let axis = axis.ok_or_else(|| wrong("has a dimension that is none"))?;
                    if last_axis.is_some_and(|last| axis <= last) {
                        return Err(wrong("must name dimensions in their order"));
                    }
                    last_axis = Some(axis);
                    product.push(axis as usize);
                }
                Length::Product(product)
            }
            number if number.as_i64() == Some(-1) => Length::Rest,
            number => match number.as_u64() {
                Some(length) if length > 0 => Length::Of(length),
                _ => return Err(wrong("must have positive lengths, lists of dimensions, or -1")),
            },
        });
    }
    if shape
        .iter()
        .filter(|length| matches!(length, Length::Rest))
        .count()
        > 1
    {
        return Err(wrong("may have -1 once"));
    }
    Ok(Codec::ArrayToArray(Arc::new(Reshape { shape })))
}

fn product(lengths: &[u64]) -> Option<u64> {
    lengths
        .iter()
        .try_fold(1_u64, |product, length| product.checked_mul(*length))
}

impl Reshape {
    /// The shape that a chunk of a shape is given.
    fn of(&self, decoded: &[u64]) -> Option<Vec<u64>> {
        let length = |length: &Length| match length {
            Length::Of(length) => Some(*length),
            Length::Product(axes) => {
                let lengths: Option<Vec<_>> = axes.iter().map(|axis| decoded.get(*axis).copied()).collect();
                product(&lengths?)
            }
            Length::Rest => Some(1),
        };
        let mut encoded = self.shape.iter().map(length).collect::<Option<Vec<_>>>()?;
        let (all, known) = (product(decoded)?, product(&encoded)?);
        if let Some(rest) = self
            .shape
            .iter()
            .position(|length| matches!(length, Length::Rest))
        {
            encoded[rest] = all.checked_div(known)?;
        }
        // What is made of dimensions runs over them, and over no others.
        let runs_over = |(index, length): (usize, &Length)| match length {
            Length::Product(axes) => match (axes.first(), axes.last()) {
                (Some(first), Some(last)) => {
                    product(&encoded[..index]) == product(&decoded[..*first])
                        && product(&encoded[index + 1..]) == product(&decoded[*last + 1..])
                }
                _ => true,
            },
            _ => true,
        };
        let fits = product(&encoded)? == all && self.shape.iter().enumerate().all(runs_over);
        fits.then_some(encoded)
    }
}

impl ArrayToArray for Reshape {
    fn encoded_spec(&self, decoded: &ChunkSpec) -> Result<ChunkSpec> {
        let shape = self.of(&decoded.shape).ok_or_else(|| {
            let reason = format!(
                "a chunk of shape {:?} cannot have the shape of the codec",
                decoded.shape
            );
            CodecError::mismatch(NAME, reason)
        })?;
        Ok(ChunkSpec {
            shape,
            ..decoded.clone()
        })
    }

    fn encode(&self, decoded: &[u8], _: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(decoded);
        Ok(())
    }

    fn decode(&self, encoded: &[u8], _: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(encoded);
        Ok(())
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::ArrayToArray,
    doc: "the same elements under another shape",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        DataType,
        testing::{check_codec, spec},
    };

    #[expect(clippy::needless_pass_by_value, reason = "as `json!` makes it")]
    fn shape(configuration: Value, decoded: &[u64]) -> Result<Vec<u64>> {
        let configuration = json!({ "shape": configuration });
        match build(configuration.as_object().unwrap(), &CodecRegistry::default())? {
            Codec::ArrayToArray(codec) => Ok(codec.encoded_spec(&spec(decoded, DataType::Int16))?.shape),
            _ => unreachable!("the codec makes arrays of arrays"),
        }
    }

    /// The first is the example of the specification.
    #[test]
    fn shapes_are_those_of_the_specification() {
        for (configuration, decoded, encoded) in [
            (json!([[0, 1], [2], 3]), &[100, 50, 64, 3][..], &[5000, 64, 3][..]),
            (json!([[0, 1], 10, [3, 4]]), &[2, 3, 10, 4, 5], &[6, 10, 20]),
            (json!([-1]), &[4, 5], &[20]),
            (json!([2, -1, [1]]), &[4, 5], &[2, 2, 5]),
            (json!([]), &[1, 1], &[]),
        ] {
            assert_eq!(shape(configuration, decoded).unwrap(), encoded);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (configuration, decoded) in [
            (json!([[1], [0]]), &[4, 5][..]),
            (json!([[1, 0]]), &[4, 5]),
            (json!([-1, -1]), &[4, 5]),
            (json!([0]), &[4, 5]),
            (json!([3, -1]), &[4, 5]),
            (json!([21]), &[4, 5]),
            (json!([[0], [2]]), &[4, 5]),
            // 4 of the first dimension and 5 of the second are not the second dimension alone.
            (json!([5, [1]]), &[5, 5, 1, 2]),
            (json!([2, [1], 5]), &[4, 5, 1, 1]),
            (json!("x"), &[4]),
        ] {
            assert!(shape(configuration.clone(), decoded).is_err(), "{configuration}");
        }
    }

    #[test]
    fn chunks_come_back() {
        check_codec(
            NAME,
            json!({"shape": [[0, 1]]}),
            &spec(&[3, 5], DataType::Float64),
        );
    }
}
