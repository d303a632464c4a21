//! `zstd` (RFC 8878; Zarr V3 extension *zstd codec*).
//!
//! Frames that follow each other decode to what they decode to one after the other, with or without their size
//! in the header, skippable frames between them; at least one frame must hold data.
//! Chunks are decoded in one go, where the output is the window: a frame that asks for a large one costs nothing.

use std::{io::Cursor, sync::Arc};

use serde_json::{Map, Value};
use zstd::zstd_safe::{
    self, CParameter, find_frame_compressed_size, get_error_name, is_error_kind, zstd_sys,
};

use super::zstd_contexts;
use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
    encoder_setting,
};

const NAME: &str = "zstd";

#[derive(Debug)]
struct Zstd {
    level: i64,
    has_checksum: bool,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["level", "checksum"])?;
    Ok(Codec::BytesToBytes(Arc::new(Zstd {
        level: configuration.encoder_integer("level", 0)?,
        // Documents written before numcodecs 0.13 have no such member.
        has_checksum: configuration.boolean("checksum", false)?,
    })))
}

impl BytesToBytes for Zstd {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        // As in numcodecs, a level beyond the library's is its nearest.
        let level = encoder_setting(NAME, "level", self.level, i32::MIN..=i32::MAX)?
            .clamp(zstd_safe::min_c_level(), zstd_safe::max_c_level());
        // Room for the worst case costs nothing where it is not written to.
        out.reserve(zstd_safe::compress_bound(decoded.len()));
        let end = out.len() as u64;
        let mut room = Cursor::new(out);
        room.set_position(end);
        let size = zstd_contexts::with_encoder(|encoder| {
            encoder.set_parameter(CParameter::CompressionLevel(level))?;
            encoder.set_parameter(CParameter::ChecksumFlag(self.has_checksum))?;
            encoder.compress2(&mut room, decoded)
        });
        size.map_err(|code| CodecError::mismatch(NAME, get_error_name(code)))?;
        Ok(())
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let room = out.len();
        let size = zstd_contexts::decode(out, encoded);
        let size = size.map_err(|code| {
            if is_error_kind(code, zstd_sys::ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall) {
                CodecError::too_large(NAME, room)
            } else {
                CodecError::corrupt(NAME, get_error_name(code))
            }
        })?;
        if size == 0 && !has_data_frame(encoded) {
            return Err(CodecError::corrupt(NAME, "no frame holds data"));
        }
        Ok(size)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        // What the library needs at most, and headers of more frames than one.
        decoded.saturating_add(decoded / 64).saturating_add(1024)
    }

    fn is_checksum(&self) -> bool {
        self.has_checksum
    }
}

/// Whether one of the frames is not skippable.
fn has_data_frame(mut encoded: &[u8]) -> bool {
    const SKIPPABLE: std::ops::RangeInclusive<u32> = 0x184D_2A50..=0x184D_2A5F;
    while let Some((magic, _)) = encoded.split_first_chunk() {
        if !SKIPPABLE.contains(&u32::from_le_bytes(*magic)) {
            return true;
        }
        let Some(rest) = find_frame_compressed_size(encoded)
            .ok()
            .and_then(|size| encoded.get(size..))
        else {
            return false;
        };
        encoded = rest;
    }
    false
}

/// The V3 configuration, which must have both members.
fn from_v2(configuration: &Map<String, Value>) -> Map<String, Value> {
    let mut configuration = configuration.clone();
    configuration.entry("level").or_insert(0.into());
    configuration.entry("checksum").or_insert(false.into());
    configuration
}

/// The V2 configuration; readers that do not know of checksums refuse the member that says that there are none.
fn to_v2(configuration: &Map<String, Value>) -> Map<String, Value> {
    let mut configuration = configuration.clone();
    configuration.retain(|name, value| name != "checksum" || *value != Value::Bool(false));
    configuration
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &["numcodecs.zstd"],
    v2: Some(V2Codec {
        id: NAME,
        from_v2: |configuration, _| Ok(from_v2(configuration)),
        to_v2,
    }),
    kind: CodecKind::BytesToBytes,
    doc: "Zstandard",
    feature: Some("zstd"),
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
        for (level, checksum) in [
            (-5, false),
            (0, true),
            (1, false),
            (19, true),
            (23, false),
            (-200_000, false),
        ] {
            let configuration = json!({"level": level, "checksum": checksum});
            check_codec(NAME, configuration, &spec(&[], DataType::UInt8));
        }
    }

    #[test]
    fn only_v3_says_that_there_is_no_checksum() {
        let check = |v2: Value, v3: Value| {
            let (v2, v3) = (v2.as_object().unwrap(), v3.as_object().unwrap());
            assert_eq!((from_v2(v2), to_v2(v3)), (v3.clone(), v2.clone()));
        };
        check(json!({"level": 1}), json!({"level": 1, "checksum": false}));
        check(
            json!({"level": 1, "checksum": true}),
            json!({"level": 1, "checksum": true}),
        );
    }

    #[test]
    fn frames_are_read_one_after_the_other() {
        let zstd = Zstd {
            level: 0,
            has_checksum: false,
        };
        let skippable = [0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 1, 2];
        let mut encoded = skippable.to_vec();
        zstd.encode(b"one ", &mut encoded).unwrap();
        encoded.extend_from_slice(&skippable);
        zstd.encode(b"two", &mut encoded).unwrap();
        let mut out = [0; 9];
        assert_eq!(zstd.decode(&encoded, &mut out).unwrap(), 7);
        assert_eq!(&out[..7], b"one two");

        assert!(zstd.decode(&skippable, &mut out).is_err());
        assert!(zstd.decode(&[], &mut out).is_err());
        encoded.push(0);
        assert!(zstd.decode(&encoded, &mut out).is_err());
    }
}
