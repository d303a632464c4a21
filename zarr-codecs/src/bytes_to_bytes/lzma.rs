//! `lzma` (numcodecs `LZMA`; the formats of `xz` and of the LZMA SDK).
//!
//! ```text
//! format 1, XZ      streams with headers, blocks, checks and an index
//! format 2, alone   properties u8 | dictionary size u32 | decoded size u64 | LZMA1      (little endian)
//! format 3, raw     what the filters make, without any header: metadata must name them
//! ```
//!
//! Reading follows Python's `lzma.decompress`: streams decode one after the other, and what follows the first
//! and is none is passed over, while a stream that is cut is an error.
//! The encoder is the library that Python has.

use std::{ops::RangeInclusive, sync::Arc};

use liblzma::stream::{Action, Check, Error, LzmaOptions, PRESET_DEFAULT, Status, Stream};
use serde_json::{Map, Value};

use super::lzma_filters::FilterChain;
use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
};

pub(super) const NAME: &str = "lzma";

/// Formats by Python's numbers; decoding with 0 finds out which of the first two it is.
const AUTO: i64 = 0;
const XZ: i64 = 1;
const ALONE: i64 = 2;
const RAW: i64 = 3;

/// Python's word for the check that is usual for the format.
const CHECK_USUAL: i64 = -1;

/// Why the raw format has no codec.
const NO_FILTERS: &str = "must be given for the raw format";

/// The most memory a dictionary may ask for, of which only as much is used as is decoded.
const MEMORY_MAX: u64 = 1 << 30;

#[derive(Debug)]
struct Lzma {
    format: i64,
    check: i64,
    preset: Option<i64>,
    filters: Option<FilterChain>,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["format", "check", "preset", "filters"])?;
    let filters = configuration.get("filters").filter(|filters| !filters.is_null());
    let preset = configuration
        .get("preset")
        .is_some_and(|preset| !preset.is_null());
    Ok(Codec::BytesToBytes(Arc::new(Lzma {
        format: configuration.encoder_integer("format", XZ)?,
        check: configuration.encoder_integer("check", CHECK_USUAL)?,
        preset: preset
            .then(|| configuration.encoder_integer("preset", 0))
            .transpose()?,
        filters: filters.map(FilterChain::from_json).transpose()?,
    })))
}

impl BytesToBytes for Lzma {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut stream = self.encoder()?;
        loop {
            let rest = &decoded[stream.total_in() as usize..];
            out.reserve(rest.len() / 2 + 4096);
            let status = stream
                .process_vec(rest, out, Action::Finish)
                .map_err(|error| CodecError::mismatch(NAME, error.to_string()))?;
            if status == Status::StreamEnd {
                return Ok(());
            }
        }
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let (mut used, mut size) = self.decode_stream(encoded, out)?;
        while used < encoded.len() {
            match self.decode_stream(&encoded[used..], &mut out[size..]) {
                Ok((more, made)) => {
                    used += more;
                    size += made;
                }
                Err(Stop::NoStream(_)) => break,
                Err(stop) => return Err(stop.into()),
            }
        }
        Ok(size)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        // Noise grows by a hundredth in LZMA1 and less in LZMA2; the rest is for headers, blocks and an index.
        decoded.saturating_add(decoded / 16).saturating_add(1024)
    }

    fn is_checksum(&self) -> bool {
        self.format == XZ && self.check != 0
    }
}

/// Why a stream does not decode.
enum Stop {
    /// It is damaged, or none.
    NoStream(CodecError),
    /// It is cut, or more than there is room for.
    Other(CodecError),
}

impl From<Stop> for CodecError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::NoStream(error) | Stop::Other(error) => error,
        }
    }
}

impl Lzma {
    /// An error about a member without which nothing can be encoded, or a member that must be one of some.
    fn refuse<T>(member: &str, reason: &str) -> Result<T> {
        Err(CodecError::config(NAME, format!("`{member}` {reason}")))
    }

    fn encoder(&self) -> Result<Stream> {
        let refused = |member: &str, reason: String| Self::refuse(member, &format!("{reason} to encode"));
        if !matches!(self.format, XZ | ALONE | RAW) {
            return refused("format", format!("must be {XZ}, {ALONE} or {RAW}"));
        }
        if self.format != XZ && !matches!(self.check, CHECK_USUAL | 0) {
            let reason = format!(
                "must be {CHECK_USUAL} or 0 but for format {XZ}, found {}",
                self.check
            );
            return refused("check", reason);
        }
        let check = match self.check {
            0 => Check::None,
            1 => Check::Crc32,
            CHECK_USUAL | 4 => Check::Crc64,
            10 => Check::Sha256,
            other => return refused("check", format!("must be -1, 0, 1, 4 or 10, found {other}")),
        };
        let preset = match (self.preset, &self.filters) {
            (Some(_), Some(_)) => return refused("preset", "must be null where there are filters".into()),
            (preset, _) => preset.unwrap_or(PRESET_DEFAULT.into()),
        };
        let preset = checked_preset("preset", preset)?;
        let stream = match (self.format, &self.filters) {
            (XZ, None) => Stream::new_easy_encoder(preset, check),
            (XZ, Some(chain)) => Stream::new_stream_encoder(&chain.for_encoder()?, check),
            (ALONE, None) => {
                LzmaOptions::new_preset(preset).and_then(|options| Stream::new_lzma_encoder(&options))
            }
            (ALONE, Some(chain)) => match chain.only_lzma1() {
                Some(options) => Stream::new_lzma_encoder(&options?),
                None => return refused("filters", format!("must be one LZMA1 filter for format {ALONE}")),
            },
            (_, Some(chain)) => Stream::new_raw_encoder(&chain.for_encoder()?),
            (_, None) => return Self::refuse("filters", NO_FILTERS),
        };
        stream.map_err(|error| match error {
            Error::Mem => CodecError::value("memory", "no room for a compressor"),
            _ => CodecError::config(
                NAME,
                "`filters` are no chain that can encode: it must end with LZMA1 or LZMA2, and \
                 LZMA1 is not for format 1",
            ),
        })
    }

    fn decoder(&self, decoded_size_max: usize) -> Result<Stream> {
        let stream = match (self.format, &self.filters) {
            (XZ, _) => Stream::new_stream_decoder(MEMORY_MAX, 0),
            (ALONE, _) => Stream::new_lzma_decoder(MEMORY_MAX),
            (RAW, Some(chain)) => Stream::new_raw_decoder(&chain.for_decoder(decoded_size_max)?),
            (RAW, None) => return Self::refuse("filters", NO_FILTERS),
            (AUTO, _) => Stream::new_auto_decoder(MEMORY_MAX, 0),
            (other, _) => return Self::refuse("format", &format!("must be 0 to 3, found {other}")),
        };
        stream.map_err(|error| match error {
            Error::Mem => CodecError::value("memory", "no room for a decompressor"),
            _ => CodecError::config(NAME, "`filters` are no chain that can decode"),
        })
    }

    /// Decodes one stream; tells how much input it used and how much output it made.
    fn decode_stream(&self, encoded: &[u8], out: &mut [u8]) -> std::result::Result<(usize, usize), Stop> {
        let mut stream = self.decoder(out.len()).map_err(Stop::Other)?;
        let room = out.len();
        loop {
            let (used, made) = (stream.total_in() as usize, stream.total_out() as usize);
            // A full output shows only by one byte more whether the stream goes on.
            let mut beyond = [0];
            let target = if made < room {
                &mut out[made..]
            } else {
                &mut beyond
            };
            let status = stream
                .process(&encoded[used..], target, Action::Run)
                .map_err(stop)?;
            let now = (stream.total_in() as usize, stream.total_out() as usize);
            if now.1 > room {
                return Err(Stop::Other(CodecError::too_large(NAME, room)));
            }
            if status == Status::StreamEnd {
                return Ok(now);
            }
            if status == Status::MemNeeded || now == (used, made) && now.0 == encoded.len() {
                let reason = "it ends before the mark of its end";
                return Err(Stop::Other(CodecError::corrupt(NAME, reason)));
            }
        }
    }
}

fn stop(error: Error) -> Stop {
    match error {
        Error::MemLimit => {
            let reason = format!("its dictionary takes more than {MEMORY_MAX} bytes of memory");
            Stop::Other(CodecError::mismatch(NAME, reason))
        }
        Error::Mem => Stop::Other(CodecError::value("memory", "no room for a dictionary")),
        Error::Format => Stop::NoStream(CodecError::corrupt(NAME, "a stream of LZMA is expected")),
        Error::Options => Stop::NoStream(CodecError::corrupt(NAME, "it has settings that are not known")),
        _ => Stop::NoStream(CodecError::corrupt(
            NAME,
            "the compressed data are damaged, or their check is wrong",
        )),
    }
}

/// A preset is a level, and the highest bit says to try harder.
pub(super) fn checked_preset(member: &str, preset: i64) -> Result<u32> {
    const LEVELS: RangeInclusive<u32> = 0..=9;
    const EXTREME: u32 = 1 << 31;
    let number = u32::try_from(preset).ok();
    number
        .filter(|number| LEVELS.contains(&(number & !EXTREME)))
        .ok_or_else(|| {
            let reason = format!("`{member}` must be 0 to 9, or that and 2^31, to encode, found {preset}");
            CodecError::config(NAME, reason)
        })
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.lzma",
    aliases: &[NAME],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::BytesToBytes,
    doc: "LZMA, as files of xz or without headers",
    feature: Some("lzma"),
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::DataType;
    use crate::testing::{check_codec, spec};

    fn codec(configuration: &Value) -> Result<Arc<dyn BytesToBytes>> {
        match build(configuration.as_object().unwrap(), &CodecRegistry::default())? {
            Codec::BytesToBytes(codec) => Ok(codec),
            _ => unreachable!("LZMA makes bytes of bytes"),
        }
    }

    #[test]
    fn chunks_come_back() {
        let lzma1 = 0x4000_0000_0000_0001_i64;
        for configuration in [
            json!({}),
            json!({"format": 1, "check": 10, "preset": 0}),
            json!({"format": 1, "check": 0, "filters": [{"id": 3, "dist": 4}, {"id": 33, "preset": 1}]}),
            json!({"format": 2, "preset": 1}),
            json!({"format": 3, "filters": [{"id": 4, "start_offset": 16}, {"id": lzma1, "preset": 0}]}),
        ] {
            check_codec(NAME, configuration, &spec(&[], DataType::UInt8));
        }
    }

    #[test]
    fn streams_are_read_one_after_the_other_as_in_python() {
        let (lzma, mut encoded) = (codec(&json!({})).unwrap(), Vec::new());
        lzma.encode(b"one ", &mut encoded).unwrap();
        lzma.encode(b"two", &mut encoded).unwrap();
        let whole = encoded.len();
        let mut out = [0; 9];
        assert_eq!(lzma.decode(&encoded, &mut out).unwrap(), 7);
        assert_eq!(&out[..7], b"one two");
        // Twelve bytes could be the head of a stream; fewer may be one that is cut.
        encoded.extend_from_slice(&[0; 12]);
        assert_eq!(lzma.decode(&encoded, &mut out).unwrap(), 7);
        for length in [whole - 1, whole + 1, whole + 4, 0] {
            assert!(lzma.decode(&encoded[..length], &mut out).is_err(), "{length}");
        }
    }

    #[test]
    fn a_format_may_be_found_out() {
        let auto = codec(&json!({"format": 0})).unwrap();
        for format in [XZ, ALONE] {
            let mut encoded = Vec::new();
            let lzma = codec(&json!({ "format": format })).unwrap();
            lzma.encode(b"one", &mut encoded).unwrap();
            let mut out = [0; 3];
            assert_eq!(auto.decode(&encoded, &mut out).unwrap(), 3);
            assert_eq!(&out, b"one");
        }
        assert!(auto.encode(b"one", &mut Vec::new()).is_err());
    }

    #[test]
    fn dictionaries_have_a_limit() {
        // The header of a file of the old format: a dictionary of 3 GiB, an unknown size.
        let header = [&[0x5D][..], &0xC000_0000_u32.to_le_bytes(), &[0xFF; 8], &[0; 20]].concat();
        let result = codec(&json!({"format": 2})).unwrap().decode(&header, &mut [0; 9]);
        assert!(result.unwrap_err().to_string().contains("memory"));
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        for (configuration, member) in [
            (json!({"format": 4}), "format"),
            (json!({"format": 3}), "filters"),
            (json!({"format": 0}), "format"),
            (json!({"format": 2, "check": 4}), "check"),
            (json!({"check": 3}), "check"),
            (json!({"preset": 10}), "preset"),
            (json!({"preset": -1}), "preset"),
            (json!({"preset": 1, "filters": [{"id": 33}]}), "preset"),
            (json!({"format": 2, "filters": [{"id": 33}]}), "filters"),
            (json!({"filters": [{"id": 3}]}), "filters"),
            (json!({"filters": []}), "filters"),
        ] {
            let error = codec(&configuration)
                .and_then(|codec| codec.encode(b"one", &mut Vec::new()))
                .unwrap_err();
            assert!(
                matches!(error, CodecError::Config { .. }),
                "{configuration}: {error}"
            );
            assert!(
                error.to_string().contains(&format!("`{member}`")),
                "{configuration}: {error}"
            );
        }
    }

    #[test]
    fn a_preset_may_be_extreme() {
        let (lzma, mut encoded) = (codec(&json!({"preset": 0x8000_0001_u32})).unwrap(), Vec::new());
        lzma.encode(b"one", &mut encoded).unwrap();
        assert_eq!(lzma.decode(&encoded, &mut [0; 3]).unwrap(), 3);
    }
}
