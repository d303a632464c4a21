//! `pcodec` (numcodecs `PCodec`): numbers as a standalone file of Pco.
//!
//! What follows the mark of the file's end is passed over, as numcodecs does.
//! Moments and durations are 64-bit integers, as NumPy hands them to numcodecs.

use std::sync::Arc;

use bytemuck::{AnyBitPattern, NoUninit};
use half::f16;
use pco::{
    ChunkConfig, DeltaSpec, ModeSpec, PagingSpec,
    data_types::{Number, NumberType},
    errors::{ErrorKind, PcoError},
    standalone::{DecompressorItem, FileDecompressor, simple_compress},
};
use serde_json::{Map, Value};

use super::pcodec_claims;
use crate::{
    ArrayToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry,
    Configuration, DataType, Result, V2Codec, chain::lengthen, encoder_setting,
};

const NAME: &str = "pcodec";

/// The most numbers of a page where the configuration does not say.
const PAGE_USUAL: i64 = 1 << 18;

/// The version of the format that brought windows to look back in.
const DELTA_VARIANTS: u8 = 3;

/// All of it is for the encoder, and checked there: a file says itself how it is decoded.
#[derive(Debug)]
struct Pcodec {
    level: i64,
    mode: String,
    delta: String,
    paging: String,
    delta_order: Option<i64>,
    page_size_max: i64,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    const MEMBERS: [&str; 6] = [
        "level",
        "mode_spec",
        "delta_spec",
        "paging_spec",
        "delta_encoding_order",
        "equal_pages_up_to",
    ];
    let configuration = Configuration::new(NAME, configuration, &MEMBERS)?;
    let order = configuration.get("delta_encoding_order");
    let has_order = order.is_some_and(|order| !order.is_null());
    Ok(Codec::ArrayToBytes(Arc::new(Pcodec {
        level: configuration.encoder_integer("level", 8)?,
        mode: configuration.text("mode_spec", Some("auto"))?.to_owned(),
        delta: configuration.text("delta_spec", Some("auto"))?.to_owned(),
        paging: configuration
            .text("paging_spec", Some("equal_pages_up_to"))?
            .to_owned(),
        delta_order: has_order
            .then(|| configuration.encoder_integer("delta_encoding_order", 0))
            .transpose()?,
        page_size_max: configuration.encoder_integer("equal_pages_up_to", PAGE_USUAL)?,
    })))
}

impl Pcodec {
    fn chunk_config(&self) -> Result<ChunkConfig> {
        let refused = |member: &str, found: &str| {
            let reason = format!("`{member}` {found} is not supported to encode");
            Err(CodecError::config(NAME, reason))
        };
        let level = encoder_setting(NAME, "level", self.level, 0..=12)?;
        let mode = match self.mode.as_str() {
            "auto" => ModeSpec::Auto,
            "classic" => ModeSpec::Classic,
            other => return refused("mode_spec", other),
        };
        let delta = match (self.delta.as_str(), self.delta_order) {
            // Configurations from before there was a `delta_spec` have an order alone.
            ("auto" | "try_consecutive", Some(order)) => {
                let order = encoder_setting(NAME, "delta_encoding_order", order, 0..=7)?;
                DeltaSpec::TryConsecutive(order as usize)
            }
            ("try_consecutive", None) => return refused("delta_encoding_order", "null"),
            ("auto", None) => DeltaSpec::Auto,
            // The two versions of numcodecs have a word each for it.
            ("none" | "no_op", None) => DeltaSpec::NoOp,
            ("try_lookback", None) => DeltaSpec::TryLookback,
            (_, Some(order)) => {
                return refused(
                    "delta_encoding_order",
                    &format!("{order} beside that `delta_spec`"),
                );
            }
            (other, None) => return refused("delta_spec", other),
        };
        if self.paging != "equal_pages_up_to" {
            return refused("paging_spec", &self.paging);
        }
        let page_size_max = usize::try_from(self.page_size_max).ok().filter(|size| *size > 0);
        let Some(page_size_max) = page_size_max else {
            return refused("equal_pages_up_to", &self.page_size_max.to_string());
        };
        Ok(ChunkConfig::default()
            .with_compression_level(level as usize)
            .with_mode_spec(mode)
            .with_delta_spec(delta)
            .with_paging_spec(PagingSpec::EqualPagesUpTo(page_size_max)))
    }
}

/// Calls a function with the type of the numbers of a chunk in memory.
macro_rules! with_numbers {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            NumberType::U16 => $function::<u16>($($argument),*),
            NumberType::U32 => $function::<u32>($($argument),*),
            NumberType::U64 => $function::<u64>($($argument),*),
            NumberType::I16 => $function::<i16>($($argument),*),
            NumberType::I32 => $function::<i32>($($argument),*),
            NumberType::I64 => $function::<i64>($($argument),*),
            NumberType::F16 => $function::<f16>($($argument),*),
            NumberType::F32 => $function::<f32>($($argument),*),
            NumberType::F64 => $function::<f64>($($argument),*),
            other => Err(CodecError::mismatch(NAME, format!("numbers of type {other:?} are not supported"))),
        }
    };
}

impl ArrayToBytes for Pcodec {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        number_type(&spec.data_type).map(|_| None)
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let config = self.chunk_config()?;
        with_numbers!(
            number_type(&spec.data_type)?,
            encode(chunk.elements, &config, out)
        )
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let kind = number_type(&spec.data_type)?;
        let size = spec
            .size()
            .ok_or_else(|| CodecError::value("chunk", "its size is not known"))?;
        let start = out.elements.len();
        lengthen(&mut out.elements, size)?;
        with_numbers!(kind, decode(encoded, &mut out.elements[start..]))
    }
}

/// What numcodecs makes of a data type.
fn number_type(data_type: &DataType) -> Result<NumberType> {
    Ok(match data_type {
        DataType::UInt16 => NumberType::U16,
        DataType::UInt32 => NumberType::U32,
        DataType::UInt64 => NumberType::U64,
        DataType::Int16 => NumberType::I16,
        DataType::Int32 => NumberType::I32,
        DataType::Int64 | DataType::DateTime64(_) | DataType::TimeDelta64(_) => NumberType::I64,
        DataType::Float16 => NumberType::F16,
        DataType::Float32 => NumberType::F32,
        DataType::Float64 => NumberType::F64,
        other => {
            return Err(CodecError::mismatch(
                NAME,
                format!("elements of {other} are not supported"),
            ));
        }
    })
}

fn encode<T: Number + AnyBitPattern + NoUninit>(
    elements: &[u8],
    config: &ChunkConfig,
    out: &mut Vec<u8>,
) -> Result<()> {
    let copy: Vec<T>;
    let numbers = if let Ok(numbers) = bytemuck::try_cast_slice(elements) {
        numbers
    } else {
        copy = bytemuck::pod_collect_to_vec(elements);
        &copy
    };
    let encoded = simple_compress(numbers, config).map_err(|error| match error.kind {
        ErrorKind::InvalidArgument => CodecError::config(NAME, error.message),
        _ => CodecError::mismatch(NAME, error.message),
    })?;
    out.extend_from_slice(&encoded);
    Ok(())
}

fn decode<T: Number + AnyBitPattern + NoUninit>(encoded: &[u8], out: &mut [u8]) -> Result<()> {
    if let Ok(numbers) = bytemuck::try_cast_slice_mut::<u8, T>(out) {
        return decode_numbers(encoded, numbers);
    }
    let mut numbers = vec![T::zeroed(); out.len() / size_of::<T>()];
    decode_numbers(encoded, &mut numbers)?;
    out.copy_from_slice(bytemuck::cast_slice(&numbers));
    Ok(())
}

/// Decodes a file that holds just as many numbers as there is room for.
fn decode_numbers<T: Number>(encoded: &[u8], mut room: &mut [T]) -> Result<()> {
    let expected = room.len();
    let (file, mut rest) = FileDecompressor::new(encoded).map_err(damaged)?;
    let has_delta_variants = file.format_version().major >= DELTA_VARIANTS;
    loop {
        if let Some(reason) = pcodec_claims::refuse(rest, size_of::<T>(), has_delta_variants, room.len()) {
            return Err(CodecError::corrupt(NAME, reason));
        }
        let DecompressorItem::Chunk(mut chunk) = file.chunk_decompressor::<T, _>(rest).map_err(damaged)?
        else {
            break;
        };
        let (page, left) = room.split_at_mut(chunk.n());
        let progress = chunk.read(page).map_err(damaged)?;
        if progress.n_processed != page.len() {
            return Err(CodecError::corrupt(NAME, "a page ends early"));
        }
        room = left;
        rest = chunk.into_src();
    }
    if room.is_empty() {
        return Ok(());
    }
    let reason = format!("it holds {} numbers, the chunk {expected}", expected - room.len());
    Err(CodecError::corrupt(NAME, reason))
}

fn damaged(error: PcoError) -> CodecError {
    CodecError::corrupt(NAME, error.message)
}

/// The type and the number of elements that a file says it holds.
///
/// The number is a hint by which files of numcodecs are true; nothing may be allocated by it unchecked.
///
/// # Errors
/// `Corrupt` when the header is damaged, `Mismatch` for numbers that no chunk can hold.
///
/// # Examples
/// ```
/// use zarr_codecs::{DataType, array_to_bytes::pcodec};
///
/// let file = b"pco!\x02\x42\x01\x03\x03\x04\0\0\0\x10\0\0\0\0\0\x1c\0\x88\x46\0";
/// assert_eq!(pcodec::contents(file)?, (DataType::Int32, 5));
/// # Ok::<(), zarr_codecs::CodecError>(())
/// ```
pub fn contents(encoded: &[u8]) -> Result<(DataType, u64)> {
    let (file, rest) = FileDecompressor::new(encoded).map_err(damaged)?;
    let data_type = match file.peek_number_type_or_termination(rest).map_err(damaged)? {
        Some(NumberType::U16) => DataType::UInt16,
        Some(NumberType::U32) => DataType::UInt32,
        Some(NumberType::U64) => DataType::UInt64,
        Some(NumberType::I16) => DataType::Int16,
        Some(NumberType::I32) => DataType::Int32,
        Some(NumberType::I64) => DataType::Int64,
        Some(NumberType::F16) => DataType::Float16,
        Some(NumberType::F32) => DataType::Float32,
        Some(NumberType::F64) => DataType::Float64,
        other => return Err(CodecError::mismatch(NAME, format!("it holds {other:?}"))),
    };
    Ok((data_type, file.n_hint() as u64))
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.pcodec",
    aliases: &[NAME],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::ArrayToBytes,
    doc: "numbers by their distribution, as files of Pco",
    feature: Some("pcodec"),
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, noise, spec};
    use crate::{CodecConfig, TimeUnit};

    const TYPES: [DataType; 9] = [
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::Float16,
        DataType::Float32,
        DataType::Float64,
    ];

    fn codec(configuration: Value) -> Arc<dyn ArrayToBytes> {
        match CodecRegistry::default().build(&CodecConfig::of(NAME, configuration)) {
            Ok(Codec::ArrayToBytes(codec)) => codec,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn chunks_come_back() {
        for data_type in TYPES {
            check_codec(NAME, json!({}), &spec(&[0], data_type.clone()));
            check_codec(NAME, json!({}), &spec(&[], data_type.clone()));
            check_codec(NAME, json!({"level": 0}), &spec(&[7, 37], data_type));
        }
        for configuration in [
            json!({"mode_spec": "classic", "delta_spec": "none"}),
            json!({"delta_spec": "try_consecutive", "delta_encoding_order": 3}),
            json!({"delta_spec": "try_lookback", "equal_pages_up_to": 100}),
            json!({"delta_encoding_order": 7, "level": 12}),
        ] {
            check_codec(NAME, configuration, &spec(&[300], DataType::Int32));
        }
        let unit = TimeUnit::new("ms", 1).unwrap();
        check_codec(NAME, json!({}), &spec(&[9], DataType::DateTime64(unit)));
    }

    #[test]
    fn chunks_may_lie_anywhere_in_memory() {
        let (codec, spec) = (codec(json!({})), spec(&[50], DataType::UInt64));
        let bytes = noise(401);
        let chunk = ChunkRef {
            elements: &bytes[1..],
            heap: &[],
        };
        let mut encoded = Vec::new();
        codec.encode(chunk, &spec, &mut encoded).unwrap();
        let mut out = ChunkBuffer::default();
        out.elements.push(7);
        codec.decode(&encoded, &spec, &mut out).unwrap();
        assert_eq!(out.elements[1..], bytes[1..]);
    }

    #[test]
    fn chunks_of_another_size_or_type_are_errors() {
        let codec = codec(json!({}));
        let mut encoded = Vec::new();
        let bytes = noise(400);
        let chunk = ChunkRef {
            elements: &bytes,
            heap: &[],
        };
        let given = spec(&[100], DataType::Int32);
        codec.encode(chunk, &given, &mut encoded).unwrap();
        assert_eq!(contents(&encoded).unwrap(), (DataType::Int32, 100));
        for other in [
            spec(&[99], DataType::Int32),
            spec(&[101], DataType::Int32),
            spec(&[0], DataType::Int32),
            spec(&[100], DataType::UInt32),
            spec(&[50], DataType::Int64),
        ] {
            let result = codec.decode(&encoded, &other, &mut ChunkBuffer::default());
            assert!(matches!(result, Err(CodecError::Corrupt { .. })), "{other:?}");
        }
        encoded.push(7);
        let mut out = ChunkBuffer::default();
        codec.decode(&encoded, &given, &mut out).unwrap();
        assert_eq!(out.elements, bytes);
        for other in [
            DataType::UInt8,
            DataType::Bool,
            DataType::Complex64,
            DataType::String,
        ] {
            assert!(codec.encoded_size(&spec(&[1], other)).is_err());
        }
    }

    #[test]
    fn settings_that_cannot_be_are_named_and_can_be_read() {
        let (spec, elements) = (spec(&[2], DataType::Int16), [1, 0, 2, 0]);
        let chunk = ChunkRef {
            elements: &elements,
            heap: &[],
        };
        let mut encoded = Vec::new();
        codec(json!({})).encode(chunk, &spec, &mut encoded).unwrap();
        for (configuration, member) in [
            (json!({"level": 13}), "level"),
            (json!({"mode_spec": "best"}), "mode_spec"),
            (json!({"delta_spec": "some"}), "delta_spec"),
            (json!({"delta_spec": "try_consecutive"}), "delta_encoding_order"),
            (json!({"delta_encoding_order": 8}), "delta_encoding_order"),
            (
                json!({"delta_spec": "none", "delta_encoding_order": 1}),
                "delta_encoding_order",
            ),
            (json!({"paging_spec": "exact"}), "paging_spec"),
            (json!({"equal_pages_up_to": 0}), "equal_pages_up_to"),
        ] {
            let codec = codec(configuration);
            let mut out = ChunkBuffer::default();
            codec.decode(&encoded, &spec, &mut out).unwrap();
            assert_eq!(out.elements, elements);
            let error = codec.encode(chunk, &spec, &mut Vec::new()).unwrap_err();
            assert!(matches!(error, CodecError::Config { .. }), "{error}");
            assert!(error.to_string().contains(&format!("`{member}`")), "{error}");
        }
    }
}
