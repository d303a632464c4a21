//! LZ4 as the filter 32004 of HDF5 has it: blocks, each alone.
//!
//! ```text
//! decoded size u64 | size of a block decoded u32 | blocks: encoded size u32, bytes     all big endian
//! ```
//!
//! A block whose encoded size is its decoded one is not compressed.

use std::sync::Arc;

use lz4_flex::block;
use serde_json::{Map, Value};
use zarr_convenience::core::codecs::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result,
};

pub(super) const NAME: &str = "hdf5.lz4";

/// How the registry knows the codec; only chunks of HDF5 files are decoded by it.
pub(super) const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::BytesToBytes,
    doc: "LZ4 in blocks, as HDF5 has it",
    feature: None,
    build,
};

/// The size of a block that the filter takes where none is told.
const BLOCK_SIZE: usize = 1 << 30;

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["block_size"])?;
    let block_size = match configuration.encoder_integer("block_size", 0)? {
        0 => BLOCK_SIZE,
        size => usize::try_from(size).unwrap_or(BLOCK_SIZE),
    };
    Ok(Codec::BytesToBytes(Arc::new(Lz4 { block_size })))
}

#[derive(Debug)]
struct Lz4 {
    block_size: usize,
}

/// The blocks of a chunk, after its sizes.
pub(super) struct Blocks<'a> {
    pub(super) name: &'static str,
    pub(super) rest: &'a [u8],
}

impl<'a> Blocks<'a> {
    fn cut(&self) -> CodecError {
        CodecError::corrupt(self.name, "it ends early")
    }

    pub(super) fn take(&mut self, size: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(size).ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn u32(&mut self) -> Result<usize> {
        let bytes = self.take(4)?.try_into().map_err(|_| self.cut())?;
        Ok(u32::from_be_bytes(bytes) as usize)
    }

    /// The size of all that is encoded, if `room` holds it, and that of a block.
    pub(super) fn sizes(&mut self, room: usize) -> Result<(usize, usize)> {
        let bytes = self.take(8)?.try_into().map_err(|_| self.cut())?;
        let size = usize::try_from(u64::from_be_bytes(bytes)).ok();
        let size = size
            .filter(|size| *size <= room)
            .ok_or_else(|| CodecError::too_large(self.name, room))?;
        Ok((size, self.u32()?))
    }

    pub(super) fn end(&self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(CodecError::corrupt(self.name, "bytes are left over"))
    }
}

/// Decodes a block of LZ4 that must fill `out`.
pub(super) fn decode_block(name: &'static str, encoded: &[u8], out: &mut [u8]) -> Result<()> {
    match block::decompress_into(encoded, out) {
        Ok(size) if size == out.len() => Ok(()),
        Ok(_) => Err(CodecError::corrupt(
            name,
            "a block decodes to fewer bytes than it must",
        )),
        Err(error) => Err(CodecError::corrupt(name, error.to_string())),
    }
}

impl BytesToBytes for Lz4 {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let block_size = self.block_size.min(decoded.len()).max(1);
        out.extend((decoded.len() as u64).to_be_bytes());
        out.extend((block_size as u32).to_be_bytes());
        for block in decoded.chunks(block_size) {
            let encoded = block::compress(block);
            let kept = if encoded.len() < block.len() {
                &encoded
            } else {
                block
            };
            out.extend((kept.len() as u32).to_be_bytes());
            out.extend_from_slice(kept);
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let mut blocks = Blocks {
            name: NAME,
            rest: encoded,
        };
        let (size, block_size) = blocks.sizes(out.len())?;
        if block_size == 0 && size > 0 {
            return Err(CodecError::corrupt(NAME, "its blocks have no size"));
        }
        for out in out[..size].chunks_mut(block_size.max(1)) {
            let encoded_size = blocks.u32()?;
            let encoded = blocks.take(encoded_size)?;
            if encoded_size == out.len() {
                out.copy_from_slice(encoded);
            } else {
                decode_block(NAME, encoded, out)?;
            }
        }
        blocks.end()?;
        Ok(size)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        let per_block = block::get_maximum_output_size(self.block_size.min(decoded)).saturating_add(4);
        decoded
            .div_ceil(self.block_size.clamp(1, decoded.max(1)))
            .saturating_mul(per_block)
            .saturating_add(12)
    }
}
