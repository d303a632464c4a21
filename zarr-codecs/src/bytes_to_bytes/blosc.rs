//! `blosc` (Zarr V3 specification, *Blosc codec*; numcodecs `Blosc`): frames of Blosc 1, by its C library.
//!
//! Frames are made by `blosc_encode` and decoded by `blosc_blocks`, unless only the library can. Of the library only the
//! functions are called that take a context, with one thread, so that no state is shared; what they decode has been
//! checked by `blosc_frame` before.

#![expect(unsafe_code, reason = "Blosc is a C library")]

use std::{ffi::CStr, ops::Range, sync::Arc};

use blosc::{blosc_compress_ctx, blosc_decompress_ctx};
use serde_json::{Map, Value};

use super::{
    blosc_blocks,
    blosc_encode::Encoder,
    blosc_excerpt,
    blosc_frame::{Frame, HEADER_SIZE, InnerCodec, NAME, corrupt},
};
use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, DataType, Excerpt,
    Result, V2Codec, encoder_setting,
};

/// The most bytes that a frame can hold.
const SIZE_MAX: usize = i32::MAX as usize - HEADER_SIZE;

/// Inner codecs, as the C library knows them; Snappy is only read, as numcodecs does not write it.
const INNER_CODECS: [&CStr; 5] = [c"blosclz", c"lz4", c"lz4hc", c"zlib", c"zstd"];

/// Shuffles in V3; the index is the number in V2.
const SHUFFLES: [&str; 3] = ["noshuffle", "shuffle", "bitshuffle"];

/// The V2 number of the shuffle that is chosen by the size of the elements.
const SHUFFLE_AUTO: i64 = -1;

/// All of it is for the encoder, and checked there: a frame says itself how it is decoded.
#[derive(Debug)]
struct Blosc {
    inner: String,
    level: i64,
    shuffle: Value,
    element_size: i64,
    block_size: i64,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    const MEMBERS: [&str; 5] = ["cname", "clevel", "shuffle", "typesize", "blocksize"];
    let configuration = Configuration::new(NAME, configuration, &MEMBERS)?;
    Ok(Codec::BytesToBytes(Arc::new(Blosc {
        inner: configuration.text("cname", Some("lz4"))?.to_owned(),
        level: configuration.encoder_integer("clevel", 5)?,
        shuffle: configuration.get("shuffle").cloned().unwrap_or(1.into()),
        element_size: configuration.encoder_integer("typesize", 1)?,
        block_size: configuration.encoder_integer("blocksize", 0)?,
    })))
}

impl Blosc {
    fn inner(&self) -> Result<&'static CStr> {
        let found = INNER_CODECS
            .into_iter()
            .find(|name| name.to_bytes() == self.inner.as_bytes());
        found.ok_or_else(|| {
            let reason = format!(
                "`cname` must be an inner codec of Blosc to encode, found `{}`",
                self.inner
            );
            CodecError::config(NAME, reason)
        })
    }

    /// The number of the shuffle, which is a name in V3 and a number in V2 and in `numcodecs.blosc`.
    fn shuffle(&self) -> Result<i32> {
        let number = match &self.shuffle {
            Value::String(name) => SHUFFLES.iter().position(|known| known == name),
            number if number.as_i64() == Some(SHUFFLE_AUTO) => Some(auto_shuffle(self.element_size as usize)),
            number => number.as_u64().map(|number| number as usize),
        };
        let number = number.filter(|number| *number < SHUFFLES.len());
        number.map(|number| number as i32).ok_or_else(|| {
            let reason = format!(
                "`shuffle` must be one of {SHUFFLES:?} to encode, found {}",
                self.shuffle
            );
            CodecError::config(NAME, reason)
        })
    }
}

impl BytesToBytes for Blosc {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if decoded.len() > SIZE_MAX {
            let reason = format!("{} bytes, the most is {SIZE_MAX}", decoded.len());
            return Err(CodecError::mismatch(NAME, reason));
        }
        let (inner, shuffle) = (self.inner()?, self.shuffle()?);
        let level = encoder_setting(NAME, "clevel", self.level, 0..=9)?;
        let block_size = encoder_setting(NAME, "blocksize", self.block_size, i32::MIN..=i32::MAX)?;
        // What is less than nothing asks numcodecs for the smallest blocks, and 0 for blocks of the library's choice.
        let block_size = if block_size < 0 { 1 } else { block_size };
        // The library takes larger elements for bytes; the header has no room for them.
        let element_size = encoder_setting(NAME, "typesize", self.element_size, 1..=i32::MAX)?;
        let (element_size, block_size) = (element_size as usize, block_size as usize);
        let size = decoded.len();
        if let Some(encoder) = Encoder::new(&self.inner, level, element_size, shuffle, block_size, size) {
            encoder.encode(decoded, out);
            return Ok(());
        }
        encode_by_library(inner, (level, shuffle), (element_size, block_size), decoded, out)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        decode(encoded, None, out)
    }

    fn decode_part(&self, encoded: &[u8], part: Range<usize>, out: &mut [u8]) -> Result<usize> {
        decode(encoded, Some(part), out)
    }

    fn head_size(&self, decoded: usize) -> Option<usize> {
        Some(blosc_excerpt::head_size(decoded))
    }

    fn excerpt(&self, head: &[u8], sizes: (u64, usize), part: Range<usize>) -> Option<Excerpt> {
        blosc_excerpt::excerpt(head, sizes, part)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        decoded.saturating_add(HEADER_SIZE)
    }
}

/// Adds the frame that the library makes to `out`; a block size of 0 is chosen by it.
pub(super) fn encode_by_library(
    inner: &CStr,
    (level, shuffle): (i32, i32),
    (element_size, block_size): (usize, usize),
    decoded: &[u8],
    out: &mut Vec<u8>,
) -> Result<()> {
    // With more room the library would rather compress to more bytes than store what does not get smaller.
    let size_max = decoded.len() + HEADER_SIZE;
    out.reserve(size_max);
    let room = &mut out.spare_capacity_mut()[..size_max];
    // SAFETY: both buffers are given with their lengths, beyond which the function neither reads nor
    // writes, and do not overlap; the name ends with NUL.
    let size = unsafe {
        blosc_compress_ctx(
            level,
            shuffle,
            element_size,
            decoded.len(),
            decoded.as_ptr().cast(),
            room.as_mut_ptr().cast(),
            room.len(),
            inner.as_ptr(),
            block_size,
            1,
        )
    };
    let Some(size) = usize::try_from(size).ok().filter(|size| *size >= HEADER_SIZE) else {
        return Err(CodecError::mismatch(NAME, format!("the library answers {size}")));
    };
    // SAFETY: the function has written `size` bytes from the end of `out`, where there was room for them.
    unsafe { out.set_len(out.len() + size) };
    Ok(())
}

/// Decodes a frame, or of it at least a part that is wanted, into the beginning of `out`; gives the size of the whole.
fn decode(encoded: &[u8], part: Option<Range<usize>>, out: &mut [u8]) -> Result<usize> {
    let frame = Frame::new(encoded)?;
    let (size, room) = (frame.decoded_size, out.len());
    let out = out.get_mut(..size).ok_or(CodecError::too_large(NAME, room))?;
    let part = part.map_or(0..size, |part| part.start.min(size)..part.end.min(size));
    if let Some(stored) = frame.stored {
        out[part.clone()].copy_from_slice(&stored[part]);
    } else if frame.inner == InnerCodec::Other {
        decode_by_library(encoded, out)?;
    } else {
        blosc_blocks::decode(encoded, &frame, part, out)?;
    }
    Ok(size)
}

/// Decodes a checked frame into `out`, which is as long as what it decodes to.
fn decode_by_library(encoded: &[u8], out: &mut [u8]) -> Result<()> {
    // SAFETY: the output is given with its length; the frame is as long as it says, and all that it points
    // to lies within it; the two do not overlap.
    let size =
        unsafe { blosc_decompress_ctx(encoded.as_ptr().cast(), out.as_mut_ptr().cast(), out.len(), 1) };
    if usize::try_from(size) == Ok(out.len()) {
        return Ok(());
    }
    Err(corrupt(format!("a block does not decode ({size})")))
}

const fn auto_shuffle(element_size: usize) -> usize {
    if element_size == 1 { 2 } else { 1 }
}

/// Names the shuffle and adds the size of the elements, which V2 knows from the data type.
fn from_v2(configuration: &Map<String, Value>, data_type: &DataType) -> Map<String, Value> {
    let element_size = data_type
        .size()
        .filter(|size| (1..=255).contains(size))
        .unwrap_or(1);
    let mut configuration = configuration.clone();
    let number = match configuration.get("shuffle").and_then(Value::as_i64) {
        Some(SHUFFLE_AUTO) => Some(auto_shuffle(element_size)),
        Some(number) => usize::try_from(number).ok(),
        None if configuration.contains_key("shuffle") => None,
        None => Some(1),
    };
    // Another shuffle stays as it is: it can be read, and the encoder names it in its error.
    if let Some(name) = number.and_then(|number| SHUFFLES.get(number)) {
        configuration.insert("shuffle".into(), (*name).into());
    }
    configuration.insert("typesize".into(), element_size.into());
    configuration
}

fn to_v2(configuration: &Map<String, Value>) -> Map<String, Value> {
    let mut configuration = configuration.clone();
    configuration.remove("typesize");
    let name = configuration.get("shuffle").and_then(Value::as_str);
    if let Some(number) = SHUFFLES.iter().position(|known| Some(*known) == name) {
        configuration.insert("shuffle".into(), number.into());
    }
    configuration
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &["numcodecs.blosc"],
    v2: Some(V2Codec {
        id: NAME,
        from_v2: |configuration, data_type| Ok(from_v2(configuration, data_type)),
        to_v2,
    }),
    kind: CodecKind::BytesToBytes,
    doc: "a fast inner codec over shuffled blocks",
    feature: Some("blosc"),
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::DataType;
    use crate::testing::{check_codec, noise, smooth, spec};

    fn built(configuration: &Value) -> Arc<dyn BytesToBytes> {
        match build(configuration.as_object().unwrap(), &CodecRegistry::default()) {
            Ok(Codec::BytesToBytes(codec)) => codec,
            other => panic!("{configuration}: {other:?}"),
        }
    }

    #[test]
    fn chunks_come_back() {
        let spec = spec(&[], DataType::Float32);
        for inner in ["blosclz", "lz4", "lz4hc", "zlib", "zstd"] {
            for shuffle in SHUFFLES {
                let configuration = json!({"cname": inner, "clevel": 5, "shuffle": shuffle, "typesize": 4});
                check_codec(NAME, configuration, &spec);
            }
        }
        for (level, blocksize) in [(0, 0), (9, 256), (1, 1 << 20)] {
            let configuration = json!({"clevel": level, "shuffle": 1, "typesize": 4, "blocksize": blocksize});
            check_codec(NAME, configuration, &spec);
        }
    }

    #[test]
    fn any_part_of_elements_of_any_size_comes_back() {
        let decoded: Vec<u8> = smooth(2000).into_iter().chain(noise(1003)).collect();
        for (element_size, shuffle) in [1, 2, 3, 4, 8, 16, 17, 255]
            .into_iter()
            .flat_map(|size| [(size, 0), (size, 1), (size, 2)])
        {
            for (inner, block_size) in [("lz4", 0), ("lz4", 1024), ("zstd", 256), ("blosclz", 512)] {
                let configuration = json!({
                    "cname": inner, "shuffle": shuffle, "typesize": element_size, "blocksize": block_size,
                });
                let codec = built(&configuration);
                let mut frame = Vec::new();
                codec.encode(&decoded, &mut frame).unwrap();
                for part in (0..decoded.len()).step_by(97) {
                    for part in [part..part + 1, part..part + 300, 0..part, part..decoded.len()] {
                        let part = part.start..part.end.min(decoded.len());
                        let mut out = vec![0xAA; decoded.len()];
                        let size = codec.decode_part(&frame, part.clone(), &mut out).unwrap();
                        assert_eq!(size, decoded.len());
                        assert_eq!(
                            out[part.clone()],
                            decoded[part.clone()],
                            "{configuration}: {part:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn frames_grow_by_no_more_than_a_header_whatever_room_there_is() {
        let letters = b"abcdefgh\0ijklmno";
        for inner in ["blosclz", "lz4", "lz4hc", "zlib", "zstd"] {
            for size in (128..2000).step_by(4) {
                let decoded: Vec<_> = noise(size);
                let decoded: Vec<_> = decoded
                    .iter()
                    .map(|byte| letters[usize::from(byte % 16)])
                    .collect();
                for level in [1, 2, 9] {
                    let configuration = json!({"cname": inner, "clevel": level, "shuffle": 1, "typesize": 4});
                    let codec = built(&configuration);
                    let mut out = Vec::with_capacity(1 << 16);
                    codec.encode(&decoded, &mut out).unwrap();
                    let size_max = codec.encoded_size_max(size);
                    assert!(
                        out.len() <= size_max,
                        "{inner} {level}: {size} bytes to {}",
                        out.len()
                    );
                }
            }
        }
    }

    #[test]
    fn v2_configurations_come_back() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let v2 = object(json!({"cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}));
        let v3 = from_v2(&v2, &DataType::Float64);
        assert_eq!(v3["shuffle"], "shuffle");
        assert_eq!(v3["typesize"], 8);
        assert_eq!(to_v2(&v3), v2);

        let auto = object(json!({"shuffle": -1}));
        assert_eq!(from_v2(&auto, &DataType::UInt8)["shuffle"], "bitshuffle");
        assert_eq!(from_v2(&auto, &DataType::Int16)["shuffle"], "shuffle");
        assert_eq!(from_v2(&auto, &DataType::Raw(256))["typesize"], 1);
    }

    #[test]
    fn negative_block_sizes_make_the_smallest_blocks() {
        let decoded: Vec<u8> = (0..50_i32).flat_map(i32::to_le_bytes).collect();
        for (block_size, made) in [
            (0, (90, 200)),
            (1, (114, 128)),
            (-1, (114, 128)),
            (i32::MIN, (114, 128)),
        ] {
            let configuration = json!({"shuffle": 1, "typesize": 4, "blocksize": block_size});
            let codec = built(&configuration);
            let mut frame = Vec::new();
            codec.encode(&decoded, &mut frame).unwrap();
            // numcodecs.Blosc(blocksize=block_size).encode(numpy.arange(50, dtype='<i4')), and bytes 8 to 12 of it.
            let in_header = u32::from_le_bytes(frame[8..12].try_into().unwrap());
            assert_eq!((frame.len(), in_header), made, "{block_size}");
        }
    }

    #[test]
    fn impossible_settings_can_be_read() {
        let encode = |configuration: Value| built(&configuration).encode(&[0; 200], &mut Vec::new());
        assert!(encode(json!({})).is_ok());
        for odd in [
            json!({"cname": "lz5"}),
            json!({"clevel": 99}),
            json!({"shuffle": 9}),
            json!({"shuffle": "auto"}),
            json!({"blocksize": 2_147_483_648_i64}),
            json!({"typesize": 0}),
        ] {
            assert!(
                matches!(encode(odd.clone()), Err(CodecError::Config { .. })),
                "{odd}"
            );
        }
    }
}
