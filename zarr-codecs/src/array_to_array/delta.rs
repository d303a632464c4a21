//! `delta`: each element less the one before it (numcodecs `Delta`).
//!
//! Differences are made in `dtype`, wrapping, and cast to `astype`; sums are made in the type in which
//! `numpy.cumsum` makes them.
//!
//! numcodecs loses booleans: it encodes whether an element differs from the one before, and decodes whether any
//! before it did. Here that is undone rightly, as are dates, which it cannot decode. Durations that are *not a
//! time* it spreads over all that follow; they are refused, and read as it reads them.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, DataType, Result, V2Codec,
    numeric::{
        Arithmetic, BLOCK, Filter, Kernel, Kind, NUMBER_SIZE_MAX, Number, Types, cast_between, cast_numbers,
        kind_of, require, stored_type, with_number, with_types,
    },
};

const NAME: &str = "delta";

#[derive(Debug, Clone)]
struct Delta;

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["dtype", "astype"])?;
    let decoded = stored_type(&configuration, "dtype")?;
    let encoded = stored_type(&configuration, "astype")?;
    for stored in decoded.iter().chain(&encoded) {
        kind_of(NAME, &stored.data_type)?;
    }
    Ok(Codec::ArrayToArray(Arc::new(Filter {
        kernel: Delta,
        decoded,
        encoded,
    })))
}

/// Whether sums and differences know *not a time*.
fn knows_no_time(types: Types<'_>) -> bool {
    matches!(types.encoded, DataType::TimeDelta64(_)) && matches!(types.decoded, DataType::TimeDelta64(_))
}

impl Kernel for Delta {
    const NAME: &'static str = NAME;
    const FLATTENS: bool = true;

    fn encode(&self, types: Types<'_>, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let (kind, cast) = (
            kind_of(NAME, types.decoded)?,
            cast_between(NAME, types.decoded, types.encoded)?,
        );
        let encoded_kind = kind_of(NAME, types.encoded)?;
        let (size, encoded_size) = (kind.size(), encoded_kind.size());
        if kind == encoded_kind && kind != Kind::Bool {
            differences(kind, decoded, 0, out);
        } else {
            let mut buffer = [0; BLOCK * NUMBER_SIZE_MAX];
            for (index, out) in out.chunks_mut(BLOCK * encoded_size).enumerate() {
                let block = &mut buffer[..out.len() / encoded_size * size];
                differences(kind, decoded, index * BLOCK * size, block);
                cast(block, out);
            }
        }
        let has_none = |elements: &[u8]| {
            let (elements, _) = elements.as_chunks();
            elements
                .iter()
                .any(|element| i64::from_ne_bytes(*element) == i64::MIN)
        };
        if knows_no_time(types) && (has_none(decoded) || has_none(out)) {
            let reason = "what is not a time, and durations this far apart, would be lost";
            return Err(CodecError::mismatch(NAME, reason));
        }
        Ok(())
    }

    fn decode(&self, types: Types<'_>, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        let (from, to) = (kind_of(NAME, types.encoded)?, kind_of(NAME, types.decoded)?);
        cast_between(NAME, types.encoded, types.decoded)?;
        if knows_no_time(types) {
            out.copy_from_slice(encoded);
            sum_durations(out);
            return Ok(());
        }
        let sums = sum_kind(from, to);
        let (cast, finish) = (cast_numbers(from, sums), cast_numbers(sums, to));
        let mut carry = nothing(sums);
        if sums == to {
            // Block by block all the same: what is cast is still in the cache when it is summed up.
            let blocks = out.chunks_mut(BLOCK * to.size());
            for (out, encoded) in blocks.zip(encoded.chunks(BLOCK * from.size())) {
                cast(encoded, out);
                sum(sums, out, &mut carry);
            }
            return Ok(());
        }
        let mut buffer = [0; BLOCK * NUMBER_SIZE_MAX];
        let blocks = out.chunks_mut(BLOCK * to.size());
        for (out, encoded) in blocks.zip(encoded.chunks(BLOCK * from.size())) {
            let block = &mut buffer[..out.len() / to.size() * sums.size()];
            cast(encoded, block);
            sum(sums, block, &mut carry);
            finish(block, out);
        }
        Ok(())
    }
}

/// The kind in which sums are made: integers wrap alike in any type, floats round.
fn sum_kind(from: Kind, to: Kind) -> Kind {
    match from {
        _ if to == Kind::Bool => to,
        from if (from.is_integer() || from == Kind::Bool) && to.is_integer() => to,
        from if from.is_signed() || from == Kind::Bool => Kind::Int64,
        from if from.is_unsigned() => Kind::UInt64,
        from => from,
    }
}

/// Writes the differences of the elements from byte `start` of `elements` on, as many as `out` has room for.
fn differences(kind: Kind, elements: &[u8], start: usize, out: &mut [u8]) {
    let (Some(first), elements) = (
        out.get_mut(..kind.size()),
        &elements[start.saturating_sub(kind.size())..],
    ) else {
        return;
    };
    let (previous, rest) = if start == 0 {
        first.copy_from_slice(&elements[..kind.size()]);
        (elements, &mut out[kind.size()..])
    } else {
        (elements, out)
    };
    with_number!(kind, N => subtract::<N>(previous, rest), else => {
        for (out, pair) in rest.iter_mut().zip(previous.windows(2)) {
            *out = u8::from((pair[0] != 0) != (pair[1] != 0));
        }
    });
}

/// Writes each element but the first less the one before it.
fn subtract<N: Arithmetic>(elements: &[u8], out: &mut [u8]) {
    let next = elements.get(N::SIZE..).unwrap_or_default().chunks_exact(N::SIZE);
    for ((out, next), previous) in out
        .chunks_exact_mut(N::SIZE)
        .zip(next)
        .zip(elements.chunks_exact(N::SIZE))
    {
        N::load(next).sub(N::load(previous)).store(out);
    }
}

/// The sum of no elements.
fn nothing(kind: Kind) -> [u8; NUMBER_SIZE_MAX] {
    let mut carry = [0; NUMBER_SIZE_MAX];
    with_number!(kind, N => N::nothing().store(&mut carry[..N::SIZE]), else => {});
    carry
}

/// Sums up a block in place; `carry` is the sum before it and becomes the one after.
fn sum(kind: Kind, elements: &mut [u8], carry: &mut [u8; NUMBER_SIZE_MAX]) {
    with_number!(kind, N => accumulate::<N>(elements, carry), else => {
        for element in elements {
            carry[0] ^= *element;
            *element = carry[0];
        }
    });
}

fn accumulate<N: Arithmetic>(elements: &mut [u8], carry: &mut [u8; NUMBER_SIZE_MAX]) {
    let mut sum = N::load(&carry[..N::SIZE]);
    for element in elements.chunks_exact_mut(N::SIZE) {
        sum = sum.add(N::load(element));
        sum.store(element);
    }
    sum.store(&mut carry[..N::SIZE]);
}

/// Sums up durations; from one that is not a time on, none is.
fn sum_durations(elements: &mut [u8]) {
    let mut sum = Some(0_i64);
    for element in elements.as_chunks_mut().0 {
        let step = i64::from_ne_bytes(*element);
        sum = sum
            .filter(|_| step != i64::MIN)
            .map(|sum| sum.wrapping_add(step))
            .filter(|sum| *sum != i64::MIN);
        *element = sum.unwrap_or(i64::MIN).to_ne_bytes();
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.delta",
    aliases: &[NAME],
    v2: Some(V2Codec {
        id: NAME,
        from_v2: |members, _| require(NAME, members, &["dtype"]),
        to_v2: |members| with_types(members, Some("astype")),
    }),
    kind: CodecKind::ArrayToArray,
    doc: "differences of neighbouring elements",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, check_lossy_codec, spec};
    use crate::{StoredType, TimeUnit};

    fn build_delta(configuration: &Value) -> Result<Codec> {
        build(configuration.as_object().unwrap(), &CodecRegistry::default())
    }

    #[test]
    fn chunks_come_back() {
        let time = TimeUnit::new("s", 1).unwrap();
        for data_type in [
            DataType::Bool,
            DataType::Int8,
            DataType::UInt16,
            DataType::Int32,
            DataType::UInt64,
            DataType::DateTime64(time),
        ] {
            for order in ['<', '>'] {
                let dtype = StoredType::native(data_type.clone()).to_numpy().unwrap();
                let dtype = dtype.replace('<', &order.to_string());
                for shape in [&[0][..], &[1], &[5, 7], &[1030]] {
                    check_codec(NAME, json!({"dtype": dtype}), &spec(shape, data_type.clone()));
                }
            }
        }
        check_codec(
            NAME,
            json!({"dtype": "<i2", "astype": ">i4"}),
            &spec(&[600], DataType::Int16),
        );
        check_lossy_codec(
            NAME,
            json!({"dtype": "<i4", "astype": "|i1"}),
            &spec(&[3], DataType::Int32),
        );
        check_codec(NAME, json!({}), &spec(&[3], DataType::Int64));
    }

    /// From numcodecs, but for what it loses.
    #[test]
    fn b42_booleans_come_back() {
        let Codec::ArrayToArray(codec) = build_delta(&json!({"dtype": "|b1"})).unwrap() else {
            unreachable!("a codec of arrays")
        };
        let (spec, mut encoded, mut decoded) = (spec(&[4], DataType::Bool), Vec::new(), Vec::new());
        codec.encode(&[1, 0, 1, 1], &spec, &mut encoded).unwrap();
        assert_eq!(encoded, [1, 1, 1, 0]);
        codec.decode(&encoded, &spec, &mut decoded).unwrap();
        assert_eq!(decoded, [1, 0, 1, 1]);
    }

    #[test]
    fn what_is_not_a_time_is_refused_and_read_as_numpy_reads_it() {
        let Codec::ArrayToArray(codec) = build_delta(&json!({"dtype": "<m8[D]"})).unwrap() else {
            unreachable!("a codec of arrays")
        };
        let bytes = |numbers: [i64; 4]| numbers.map(i64::to_ne_bytes).concat();
        let spec = spec(&[4], DataType::TimeDelta64(TimeUnit::new("D", 1).unwrap()));
        let mut out = Vec::new();
        assert!(
            codec
                .encode(&bytes([1, i64::MIN, 4, 5]), &spec, &mut out)
                .is_err()
        );
        out.clear();
        codec
            .decode(&bytes([1, i64::MIN, i64::MIN, 1]), &spec, &mut out)
            .unwrap();
        assert_eq!(out, bytes([1, i64::MIN, i64::MIN, i64::MIN]));
    }

    #[test]
    fn only_numbers_have_differences() {
        for dtype in ["|O", "<U3", "|S2", "|V4", "nonsense"] {
            assert!(build_delta(&json!({"dtype": dtype})).is_err(), "{dtype}");
        }
        assert!(build_delta(&json!({"dtype": 4})).is_err());
        assert!(build_delta(&json!({"dtype": "<i4", "level": 1})).is_err());
    }

    #[test]
    fn elements_of_another_size_are_refused() {
        let Codec::ArrayToArray(codec) = build_delta(&json!({"dtype": "<i4"})).unwrap() else {
            unreachable!("a codec of arrays")
        };
        assert!(codec.encoded_spec(&spec(&[2], DataType::Float32)).is_ok());
        assert!(codec.encoded_spec(&spec(&[2], DataType::Int16)).is_err());
        assert!(codec.encoded_spec(&spec(&[2], DataType::Complex64)).is_err());
    }
}
