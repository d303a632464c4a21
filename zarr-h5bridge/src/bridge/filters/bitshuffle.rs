//! Bitshuffle, the filter 32008 of HDF5, alone or with LZ4 or Zstandard behind it.
//!
//! Of each block of elements, all first bits come first, then all second bits, and so on:
//!
//! ```text
//! alone:       blocks of shuffled bytes | the elements left over, as they are
//! compressed:  decoded size u64 | bytes of a block u32 | blocks: encoded size u32, bytes | left over     big endian
//! ```
//!
//! Blocks have a multiple of 8 elements; so has the last, which is shorter, so that up to 7 are left over.

use std::sync::Arc;

use lz4_flex::block;
use serde_json::{Map, Value, json};
use zarr_convenience::core::codecs::{
    BytesToBytes, Codec, CodecConfig, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result,
};

use super::lz4::{Blocks, decode_block};

pub(super) const NAME: &str = "hdf5.bitshuffle";

/// How the registry knows the codec; only chunks of HDF5 files are decoded by it.
pub(super) const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::BytesToBytes,
    doc: "bitshuffle, as HDF5 has it",
    feature: None,
    build,
};

/// Elements of a block are a multiple of this.
const ELEMENTS_MULTIPLE: usize = 8;

/// What is done to a block when its bits are shuffled.
#[derive(Debug)]
enum Inner {
    Nothing,
    Lz4,
    Zstd(Arc<dyn BytesToBytes>),
}

#[derive(Debug)]
struct Bitshuffle {
    element_size: usize,
    /// Elements of a block.
    block_size: usize,
    inner: Inner,
}

fn build(configuration: &Map<String, Value>, registry: &CodecRegistry) -> Result<Codec> {
    const MEMBERS: [&str; 4] = ["element_size", "block_size", "compression", "level"];
    let configuration = Configuration::new(NAME, configuration, &MEMBERS)?;
    let number = |name| configuration.encoder_integer(name, 0);
    let size = |name| -> Result<usize> { Ok(usize::try_from(number(name)?).unwrap_or(0)) };
    let element_size = size("element_size")?;
    if element_size == 0 || element_size > 1 << 20 {
        let reason = format!("elements of {element_size} bytes");
        return Err(CodecError::config(NAME, reason));
    }
    let block_size = match size("block_size")? {
        0 => default_block_size(element_size),
        size => size,
    };
    if block_size % ELEMENTS_MULTIPLE != 0 {
        let reason = format!("blocks of {block_size} elements, which is no multiple of 8");
        return Err(CodecError::config(NAME, reason));
    }
    let inner = match number("compression")? {
        0 => Inner::Nothing,
        2 => Inner::Lz4,
        3 => {
            let zstd = CodecConfig::of("zstd", json!({"level": number("level")?, "checksum": false}));
            match registry.build(&zstd)? {
                Codec::BytesToBytes(codec) => Inner::Zstd(codec),
                _ => return Err(CodecError::config(NAME, "zstd is no codec of bytes")),
            }
        }
        other => {
            return Err(CodecError::config(
                NAME,
                format!("the unknown compression {other}"),
            ));
        }
    };
    Ok(Codec::BytesToBytes(Arc::new(Bitshuffle {
        element_size,
        block_size,
        inner,
    })))
}

/// The elements of a block where the writer left that to the filter: 8 KiB of them.
fn default_block_size(element_size: usize) -> usize {
    const BLOCK_BYTES: usize = 8192;
    const ELEMENTS_MIN: usize = 128;
    (BLOCK_BYTES / element_size / ELEMENTS_MULTIPLE * ELEMENTS_MULTIPLE).max(ELEMENTS_MIN)
}

/// Turns the 8 by 8 bits of a number on their diagonal.
const fn transposed(bits: u64) -> u64 {
    let swap = (bits ^ (bits >> 7)) & 0x00aa_00aa_00aa_00aa;
    let bits = bits ^ swap ^ (swap << 7);
    let swap = (bits ^ (bits >> 14)) & 0x0000_cccc_0000_cccc;
    let bits = bits ^ swap ^ (swap << 14);
    let swap = (bits ^ (bits >> 28)) & 0x0000_0000_f0f0_f0f0;
    bits ^ swap ^ (swap << 28)
}

/// Puts the bits of a block in order; `out` has as many bytes.
fn shuffle(decoded: &[u8], element_size: usize, out: &mut [u8]) {
    let row = decoded.len() / element_size / 8;
    for group in 0..row {
        for byte in 0..element_size {
            let at = |element: usize| decoded[(group * 8 + element) * element_size + byte];
            let bits = transposed(u64::from_le_bytes(std::array::from_fn(at)));
            for (bit, value) in bits.to_le_bytes().into_iter().enumerate() {
                out[(byte * 8 + bit) * row + group] = value;
            }
        }
    }
}

/// The opposite of [`shuffle`].
fn unshuffle(encoded: &[u8], element_size: usize, out: &mut [u8]) {
    let row = encoded.len() / element_size / 8;
    for byte in 0..element_size {
        for group in 0..row {
            let at = |bit: usize| encoded[(byte * 8 + bit) * row + group];
            let bits = transposed(u64::from_le_bytes(std::array::from_fn(at)));
            for (element, value) in bits.to_le_bytes().into_iter().enumerate() {
                out[(group * 8 + element) * element_size + byte] = value;
            }
        }
    }
}

impl Bitshuffle {
    /// The bytes of all whole blocks of 8 elements, which are cut into blocks.
    fn shuffled_size(&self, size: usize) -> usize {
        let step = self.element_size * ELEMENTS_MULTIPLE;
        size / step * step
    }
}

impl BytesToBytes for Bitshuffle {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let block_bytes = self.block_size.saturating_mul(self.element_size).max(1);
        let (whole, rest) = decoded.split_at(self.shuffled_size(decoded.len()));
        if !matches!(self.inner, Inner::Nothing) {
            out.extend((decoded.len() as u64).to_be_bytes());
            let told = u32::try_from(block_bytes)
                .map_err(|_| CodecError::config(NAME, "blocks of more than 4 GiB"))?;
            out.extend(told.to_be_bytes());
        }
        let mut shuffled = Vec::new();
        for part in whole.chunks(block_bytes) {
            shuffled.resize(part.len(), 0);
            shuffle(part, self.element_size, &mut shuffled);
            let start = out.len();
            match &self.inner {
                Inner::Nothing => {
                    out.extend_from_slice(&shuffled);
                    continue;
                }
                Inner::Lz4 => {
                    out.extend([0; 4]);
                    out.extend_from_slice(&block::compress(&shuffled));
                }
                Inner::Zstd(codec) => {
                    out.extend([0; 4]);
                    codec.encode(&shuffled, out)?;
                }
            }
            let size = (out.len() - start - 4) as u32;
            out[start..start + 4].copy_from_slice(&size.to_be_bytes());
        }
        out.extend_from_slice(rest);
        Ok(())
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let mut blocks = Blocks {
            name: NAME,
            rest: encoded,
        };
        let (size, block_bytes) = match self.inner {
            Inner::Nothing if encoded.len() > out.len() => {
                return Err(CodecError::too_large(NAME, out.len()));
            }
            Inner::Nothing => (encoded.len(), self.block_size.saturating_mul(self.element_size)),
            _ => blocks.sizes(out.len())?,
        };
        if block_bytes == 0 || block_bytes % (self.element_size * ELEMENTS_MULTIPLE) != 0 {
            let reason = format!("its blocks of {block_bytes} bytes do not hold whole elements");
            return Err(CodecError::corrupt(NAME, reason));
        }
        let (whole, rest) = out[..size].split_at_mut(self.shuffled_size(size));
        let mut shuffled = Vec::new();
        for part in whole.chunks_mut(block_bytes) {
            let bytes = match &self.inner {
                Inner::Nothing => blocks.take(part.len())?,
                inner => {
                    let encoded_size = blocks.u32()?;
                    let encoded = blocks.take(encoded_size)?;
                    shuffled.resize(part.len(), 0);
                    if let Inner::Zstd(codec) = inner {
                        if codec.decode(encoded, &mut shuffled)? != part.len() {
                            return Err(CodecError::corrupt(NAME, "a block decodes to too few bytes"));
                        }
                    } else {
                        decode_block(NAME, encoded, &mut shuffled)?;
                    }
                    &shuffled
                }
            };
            unshuffle(bytes, self.element_size, part);
        }
        let left = blocks.take(rest.len())?;
        rest.copy_from_slice(left);
        blocks.end()?;
        Ok(size)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        let block_bytes = self.block_size.saturating_mul(self.element_size).max(1);
        let n_blocks = decoded.div_ceil(block_bytes);
        decoded
            .saturating_add(decoded / 128)
            .saturating_add(n_blocks.saturating_mul(160))
            .saturating_add(64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bits_come_first() {
        // Two bytes an element; only the first bit of element 3 and the last bit of element 7 are set.
        let mut elements = [0_u8; 16];
        elements[6] = 1;
        elements[15] = 0x80;
        let mut shuffled = [0; 16];
        shuffle(&elements, 2, &mut shuffled);
        let mut expected = [0; 16];
        expected[0] = 1 << 3;
        expected[15] = 1 << 7;
        assert_eq!(shuffled, expected);
        let mut back = [0; 16];
        unshuffle(&shuffled, 2, &mut back);
        assert_eq!(back, elements);
    }

    #[test]
    fn damage_is_an_error() {
        let codec = Bitshuffle {
            element_size: 2,
            block_size: 8,
            inner: Inner::Lz4,
        };
        let decoded: Vec<u8> = (0..70).collect();
        let mut encoded = Vec::new();
        codec.encode(&decoded, &mut encoded).expect("it encodes");
        let mut out = [0; 70];
        assert_eq!(codec.decode(&encoded, &mut out).ok(), Some(70));
        assert_eq!(out.to_vec(), decoded);
        for end in 0..encoded.len() {
            assert!(codec.decode(&encoded[..end], &mut out).is_err(), "cut at {end}");
        }
        assert!(codec.decode(&encoded, &mut out[..69]).is_err());
    }
}
