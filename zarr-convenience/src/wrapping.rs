//! What stored chunks must be given to be those of an array with other codecs, without decoding their values.
//!
//! `zlib` and `gzip` hold the same data in frames of their own, and a checksum around all the rest can be checked and
//! left out, or added.

use std::sync::Arc;

use serde_json::Value;
use zarr_core::codecs::{
    BytesToBytes, Codec, CodecConfig, CodecError, CodecRegistry,
    bytes_to_bytes::rewrap::{gzip_to_zlib, zlib_to_gzip},
};

const ZLIB: &str = "numcodecs.zlib";
const GZIP: &str = "gzip";
/// The checksum that HDF5 puts around chunks.
const CHECKSUM: &str = "numcodecs.fletcher32";

/// What is done to each chunk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wrapping {
    /// Checks what stands around the rest, and leaves it out.
    strip: Option<Arc<dyn BytesToBytes>>,
    frame: Option<Frame>,
    /// Puts a checksum around all the rest.
    seal: Option<Arc<dyn BytesToBytes>>,
}

/// Another frame around data of DEFLATE, which decode to so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    ZlibToGzip(usize),
    GzipToZlib(usize),
}

impl Wrapping {
    /// What is to be done to chunks of `size` decoded bytes that went through the first codecs, to be as if they had
    /// gone through the others; `None` if they must be decoded.
    pub(crate) fn new(
        from: &[CodecConfig],
        to: &[CodecConfig],
        size: usize,
        registry: &CodecRegistry,
    ) -> Option<Self> {
        let mut wrapping = Self::default();
        if from == to {
            return Some(wrapping);
        }
        let (from, from_sealed) = without_checksum(from);
        let (to, to_sealed) = without_checksum(to);
        if from_sealed != to_sealed {
            let checksum = from_sealed.or(to_sealed)?;
            let Ok(Codec::BytesToBytes(checksum)) = registry.build(checksum) else {
                return None;
            };
            if from_sealed.is_some() {
                wrapping.strip = Some(checksum);
            } else {
                wrapping.seal = Some(checksum);
            }
        }
        if from == to {
            return Some(wrapping);
        }
        let ((from, from_rest), (to, to_rest)) = (from.split_last()?, to.split_last()?);
        if from_rest != to_rest || level(from) != level(to) {
            return None;
        }
        let size = encoded_size(from_rest, size, registry)?;
        // A build without them moves nothing between them.
        registry.build(from).and(registry.build(to)).ok()?;
        wrapping.frame = Some(match (from.name.as_str(), to.name.as_str()) {
            (ZLIB, GZIP) => Frame::ZlibToGzip(size),
            (GZIP, ZLIB) => Frame::GzipToZlib(size),
            _ => return None,
        });
        Some(wrapping)
    }

    /// Whether there is nothing to be done.
    pub(crate) fn is_none(&self) -> bool {
        self.strip.is_none() && self.frame.is_none() && self.seal.is_none()
    }

    /// Whether doing it proves the chunk to be one that decodes.
    pub(crate) fn proves(&self) -> bool {
        self.frame.is_some()
    }

    /// The bytes that it takes beside those of the chunk, encoded before and after.
    pub(crate) fn memory(&self) -> u64 {
        match self.frame {
            Some(Frame::ZlibToGzip(size) | Frame::GzipToZlib(size)) => size as u64,
            None => 0,
        }
    }

    /// What is done, in words.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        let strip = self
            .strip
            .as_ref()
            .map(|_| "their checksums are checked and left out");
        let frame = self.frame.map(|frame| match frame {
            Frame::ZlibToGzip(_) => "the data of zlib are put into frames of gzip",
            Frame::GzipToZlib(_) => "the data of gzip are put into frames of zlib",
        });
        let seal = self.seal.as_ref().map(|_| "checksums are added");
        strip.into_iter().chain(frame).chain(seal).collect()
    }

    /// Does it to a chunk; `None` if its values must be decoded after all.
    pub(crate) fn apply(&self, encoded: &[u8], scratch: &mut Vec<u8>) -> Result<Option<Vec<u8>>, CodecError> {
        let mut current = Vec::new();
        let mut rest = encoded;
        if let Some(checksum) = &self.strip {
            current.resize(encoded.len(), 0);
            let size = checksum.decode(encoded, &mut current)?;
            current.truncate(size);
            rest = &current;
        }
        let mut framed = Vec::new();
        if let Some(Frame::ZlibToGzip(size)) = self.frame {
            zlib_to_gzip(rest, size, scratch, &mut framed)?;
        }
        if let Some(Frame::GzipToZlib(size)) = self.frame
            && !gzip_to_zlib(rest, size, scratch, &mut framed)?
        {
            return Ok(None);
        }
        if self.frame.is_some() {
            rest = &framed;
        }
        let mut sealed = Vec::new();
        if let Some(checksum) = &self.seal {
            checksum.encode(rest, &mut sealed)?;
            return Ok(Some(sealed));
        }
        Ok(Some(if self.frame.is_some() { framed } else { current }))
    }
}

/// Codecs without the checksum around all the rest, and it.
fn without_checksum(codecs: &[CodecConfig]) -> (&[CodecConfig], Option<&CodecConfig>) {
    match codecs {
        [rest @ .., last] if last.name == CHECKSUM => (rest, Some(last)),
        _ => (codecs, None),
    }
}

/// The level that a codec is told, of which both have the same.
fn level(codec: &CodecConfig) -> Option<i64> {
    codec.configuration.get("level").map_or(Some(1), Value::as_i64)
}

/// How many bytes codecs make of so many, if that is always the same.
fn encoded_size(codecs: &[CodecConfig], size: usize, registry: &CodecRegistry) -> Option<usize> {
    codecs
        .iter()
        .try_fold(size, |size, config| match registry.build(config) {
            Ok(Codec::BytesToBytes(codec)) => codec.encoded_size(size),
            // Elements of a fixed size, in whatever order.
            Ok(Codec::ArrayToBytes(_)) if config.name == "bytes" => Some(size),
            Ok(Codec::ArrayToArray(_)) if config.name == "transpose" => Some(size),
            _ => None,
        })
}

/// The codecs of an array of V2 or V3 into which chunks of these can be moved, with the least that is to be done.
///
/// A checksum of HDF5 around all the rest is left out. `None` if Zarr has no such codecs.
pub(crate) fn kept_codecs(
    codecs: &[CodecConfig],
    is_v3: bool,
    registry: &CodecRegistry,
) -> Option<Vec<CodecConfig>> {
    let (codecs, _) = without_checksum(codecs);
    let known = |codec: &CodecConfig| {
        let entry = registry.find(&codec.name).ok()?;
        (is_v3 || entry.v2.is_some() || codec.name == "bytes").then(|| codec.clone())
    };
    let mut kept: Vec<_> = codecs.iter().map(known).collect::<Option<_>>()?;
    // The format has no `zlib` of its own, and programs that read it do not all have numcodecs'.
    if let Some(last) = kept.last_mut().filter(|last| is_v3 && last.name == ZLIB) {
        GZIP.clone_into(&mut last.name);
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn codecs(names: &[&str]) -> Vec<CodecConfig> {
        let codec = |name: &&str| match *name {
            "bytes" => CodecConfig::of("bytes", json!({"endian": "little"})),
            "shuffle" => CodecConfig::of("numcodecs.shuffle", json!({"elementsize": 2})),
            CHECKSUM => CodecConfig::of(CHECKSUM, json!({})),
            name => CodecConfig::of(name, json!({"level": 4})),
        };
        names.iter().map(codec).collect()
    }

    fn plain() -> Vec<u8> {
        (0..2000_u32).map(|n| (n * n / 61) as u8).collect()
    }

    fn encoded(list: &[CodecConfig]) -> Vec<u8> {
        let registry = CodecRegistry::default();
        list.iter()
            .fold(plain(), |plain, config| match registry.build(config) {
                Ok(Codec::BytesToBytes(codec)) => {
                    let mut out = Vec::new();
                    codec.encode(&plain, &mut out).unwrap();
                    out
                }
                _ => plain,
            })
    }

    fn decoded(list: &[CodecConfig], encoded: Vec<u8>) -> Vec<u8> {
        let registry = CodecRegistry::default();
        list.iter()
            .rev()
            .fold(encoded, |encoded, config| match registry.build(config) {
                Ok(Codec::BytesToBytes(codec)) => {
                    let mut out = vec![0; 4000];
                    let size = codec.decode(&encoded, &mut out).unwrap();
                    out.truncate(size);
                    out
                }
                _ => encoded,
            })
    }

    #[test]
    fn chunks_are_wrapped_otherwise_and_decode_to_the_same() {
        let pairs: [(&[&str], &[&str], usize); 7] = [
            (&["bytes", ZLIB], &["bytes", ZLIB], 0),
            (&["bytes", ZLIB], &["bytes", GZIP], 1),
            (&["bytes", "shuffle", GZIP], &["bytes", "shuffle", ZLIB], 1),
            (
                &["bytes", "shuffle", ZLIB, CHECKSUM],
                &["bytes", "shuffle", ZLIB],
                1,
            ),
            (
                &["bytes", "shuffle", ZLIB, CHECKSUM],
                &["bytes", "shuffle", GZIP],
                2,
            ),
            (
                &["bytes", CHECKSUM, GZIP],
                &["bytes", CHECKSUM, ZLIB, CHECKSUM],
                2,
            ),
            (&["bytes", "shuffle"], &["bytes", "shuffle", CHECKSUM], 1),
        ];
        for (from, to, n_words) in pairs {
            let (from, to) = (codecs(from), codecs(to));
            let wrapping = Wrapping::new(&from, &to, 2000, &CodecRegistry::default()).unwrap();
            assert_eq!(wrapping.words().len(), n_words);
            assert_eq!(wrapping.is_none(), n_words == 0);
            if n_words > 0 {
                let wrapped = wrapping.apply(&encoded(&from), &mut Vec::new()).unwrap().unwrap();
                assert_eq!(decoded(&to, wrapped), plain());
            }
        }
    }

    #[test]
    fn other_codecs_must_decode() {
        let registry = CodecRegistry::default();
        let pairs: [(&[&str], &[&str]); 4] = [
            (&["bytes", ZLIB], &["bytes"]),
            (&["bytes", "shuffle", ZLIB], &["bytes", GZIP]),
            (&["bytes", "zstd"], &["bytes", GZIP]),
            (&["bytes", "shuffle"], &["bytes", ZLIB]),
        ];
        for (from, to) in pairs {
            assert!(Wrapping::new(&codecs(from), &codecs(to), 2000, &registry).is_none());
        }
        let mut other = codecs(&["bytes", GZIP]);
        other[1] = CodecConfig::of(GZIP, json!({"level": 5}));
        assert!(Wrapping::new(&codecs(&["bytes", ZLIB]), &other, 2000, &registry).is_none());
    }

    #[test]
    fn a_wrong_checksum_is_an_error() {
        let from = codecs(&["bytes", CHECKSUM]);
        let wrapping = Wrapping::new(&from, &codecs(&["bytes"]), 2000, &CodecRegistry::default()).unwrap();
        let mut wrong = encoded(&from);
        wrong[77] ^= 1;
        assert!(matches!(
            wrapping.apply(&wrong, &mut Vec::new()),
            Err(CodecError::Checksum { .. })
        ));
    }
}
