//! DEFLATE data between the frames of `zlib` (RFC 1950) and of `gzip` (RFC 1952), without compressing them anew.
//!
//! ```text
//! zlib   2 bytes of header  | DEFLATE data | Adler-32 u32 big endian
//! gzip  10 bytes of header  | DEFLATE data | CRC-32 u32 little endian | size u32 little endian
//! ```
//!
//! The data are decoded once, for the checksum that the new frame has, which proves them by the one that the old
//! frame had. The new frame says of a level what the old one said of none: nothing.

#[cfg(feature = "gzip")]
use super::deflate::{self, Container};
use crate::{CodecError, Result};

/// The bytes around the data of a `zlib` stream.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];
const ZLIB_TRAILER: usize = 4;
/// Without a time, flags or the name of a system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const GZIP_TRAILER: usize = 8;

/// Puts the data of a `zlib` stream into a `gzip` member, at the end of `out`; `scratch` then has what they decode to.
///
/// What follows the stream is left out.
///
/// # Errors
/// When the stream is damaged, its checksum is wrong, or it does not decode to `size` bytes.
pub fn zlib_to_gzip(encoded: &[u8], size: usize, scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<()> {
    let used = decoded(Container::Zlib, encoded, size, scratch)?;
    let data = encoded
        .get(ZLIB_HEADER.len()..used.saturating_sub(ZLIB_TRAILER))
        .unwrap_or_default();
    out.reserve(GZIP_HEADER.len() + data.len() + GZIP_TRAILER);
    out.extend(GZIP_HEADER);
    out.extend_from_slice(data);
    out.extend(crc32fast::hash(scratch).to_le_bytes());
    // The size is told modulo 2^32.
    out.extend((size as u32).to_le_bytes());
    Ok(())
}

/// Puts the data of a `gzip` member into a `zlib` stream, at the end of `out`; `scratch` then has what they decode to.
///
/// `false`, and nothing done, where there are several members, or bytes around the one.
///
/// # Errors
/// When the member is damaged, its checksum is wrong, or it does not decode to `size` bytes.
pub fn gzip_to_zlib(encoded: &[u8], size: usize, scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<bool> {
    const FLAGS: usize = 3;
    if encoded.get(FLAGS) != Some(&0) {
        return Ok(false);
    }
    let used = match decoded(Container::Gzip, encoded, size, scratch) {
        // Members may share the data among them.
        Err(CodecError::Size { .. }) => return Ok(false),
        used => used?,
    };
    if used != encoded.len() {
        return Ok(false);
    }
    let data = encoded
        .get(GZIP_HEADER.len()..used.saturating_sub(GZIP_TRAILER))
        .unwrap_or_default();
    out.reserve(ZLIB_HEADER.len() + data.len() + ZLIB_TRAILER);
    out.extend(ZLIB_HEADER);
    out.extend_from_slice(data);
    out.extend(simd_adler32::adler32(&scratch.as_slice()).to_be_bytes());
    Ok(true)
}

/// The frames, where this build decodes neither.
#[cfg(not(feature = "gzip"))]
#[derive(Clone, Copy)]
enum Container {
    Gzip,
    Zlib,
}

/// Decodes into `scratch`, and says how many bytes of `encoded` that took.
fn decoded(container: Container, encoded: &[u8], size: usize, scratch: &mut Vec<u8>) -> Result<usize> {
    scratch.clear();
    scratch
        .try_reserve(size)
        .map_err(|_| CodecError::value("memory", format!("no room for a chunk of {size} bytes")))?;
    scratch.resize(size, 0);
    let name = match container {
        Container::Zlib => "zlib",
        Container::Gzip => "gzip",
    };
    #[cfg(feature = "gzip")]
    {
        let found = deflate::decompress(name, container, encoded, scratch)?;
        if found.made != size {
            return Err(CodecError::Size {
                expected: size as u64,
                got: found.made as u64,
            });
        }
        Ok(found.used)
    }
    #[cfg(not(feature = "gzip"))]
    {
        let (_, feature) = (encoded, "gzip");
        Err(CodecError::NotBuilt { name, feature })
    }
}

#[cfg(test)]
#[cfg(feature = "gzip")]
mod tests {
    use std::io::{Read, Write};

    use flate2::{Compression, read, write};

    use super::*;

    fn plain() -> Vec<u8> {
        (0..50_000_u32).map(|n| (n.wrapping_mul(n) / 61) as u8).collect()
    }

    fn zlib(level: u32, plain: &[u8]) -> Vec<u8> {
        let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = write::GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn streams_of_zlib_become_files_of_gzip() {
        for plain in [plain(), Vec::new()] {
            for level in [0, 1, 9] {
                let mut out = b"before".to_vec();
                let mut encoded = zlib(level, &plain);
                encoded.extend(b"junk");
                zlib_to_gzip(&encoded, plain.len(), &mut Vec::new(), &mut out).unwrap();
                let gzip = out.strip_prefix(b"before").unwrap();
                let mut decoded = Vec::new();
                let mut decoder = read::GzDecoder::new(gzip);
                decoder.read_to_end(&mut decoded).unwrap();
                assert_eq!(decoded, plain);
                assert!(decoder.into_inner().is_empty());
                // The data in between are those that were there.
                assert_eq!(gzip[10..gzip.len() - 8], encoded[2..encoded.len() - 8]);
            }
        }
    }

    #[test]
    fn files_of_gzip_become_streams_of_zlib() {
        let (plain, mut out) = (plain(), Vec::new());
        assert!(gzip_to_zlib(&gzip(&plain), plain.len(), &mut Vec::new(), &mut out).unwrap());
        let (mut decoded, mut decoder) = (Vec::new(), read::ZlibDecoder::new(&out[..]));
        decoder.read_to_end(&mut decoded).unwrap();
        assert_eq!(decoded, plain);
        assert!(decoder.into_inner().is_empty());
        assert_eq!((out[0] & 15, u16::from_be_bytes([out[0], out[1]]) % 31), (8, 0));
    }

    #[test]
    fn what_is_more_than_one_member_is_left_alone() {
        let plain = plain();
        let (first, second) = plain.split_at(3000);
        let two = [gzip(first), gzip(second)].concat();
        let padded = [gzip(&plain), vec![0]].concat();
        let mut named = gzip(&plain);
        named[3] = 8;
        named.splice(10..10, *b"x\0");
        for encoded in [two, padded, named] {
            let (mut out, mut scratch) = (Vec::new(), Vec::new());
            assert!(!gzip_to_zlib(&encoded, plain.len(), &mut scratch, &mut out).unwrap());
            assert!(out.is_empty());
        }
    }

    #[test]
    fn damage_is_an_error() {
        let (plain, mut scratch, mut out) = (plain(), Vec::new(), Vec::new());
        let good = zlib(6, &plain);
        for place in [0, 9, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[place] ^= 0x10;
            assert!(
                zlib_to_gzip(&bad, plain.len(), &mut scratch, &mut out).is_err(),
                "{place}"
            );
        }
        for size in [plain.len() - 1, plain.len() + 1] {
            assert!(zlib_to_gzip(&good, size, &mut scratch, &mut out).is_err());
        }
        let mut bad = gzip(&plain);
        let last = bad.len() - 5;
        bad[last] ^= 1;
        assert!(gzip_to_zlib(&bad, plain.len(), &mut scratch, &mut out).is_err());
        assert!(out.is_empty());
    }
}
