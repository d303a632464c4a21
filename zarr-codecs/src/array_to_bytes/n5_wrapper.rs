//! `n5_wrapper`: chunks as blocks of N5 (N5 specification 2.0; zarr-python `N5ChunkWrapper`).
//!
//! ```text
//! mode u16 | dimensions u16 | length u32 a dimension, the last one first | compressed elements   (big endian)
//! ```
//!
//! Mode 1 has the number of elements, an u32, behind the lengths. A block at an edge may be smaller than a chunk;
//! the rest of the chunk is then zero.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToBytes, ByteOrder, BytesToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecConfig, CodecEntry,
    CodecError, CodecKind, CodecRegistry, Configuration, DataType, Result, V2Codec,
    chain::{lengthen, make_room, reserve},
};

const NAME: &str = "n5_wrapper";

#[derive(Debug)]
struct Block {
    compressor: Option<Arc<dyn BytesToBytes>>,
}

/// Builds the codec. The type and shape of chunks, which zarr-python has in its configuration at some times and not
/// at others, are those of the array.
fn build(configuration: &Map<String, Value>, registry: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(
        NAME,
        configuration,
        &["compressor_config", "dtype", "chunk_shape"],
    )?;
    let wrong = |reason: &str| configuration.error("compressor_config", reason);
    let compressor = match configuration.get("compressor_config") {
        None | Some(Value::Null) => None,
        Some(Value::Object(members)) => {
            let mut members = members.clone();
            let id = members.shift_remove("id");
            let id = id
                .as_ref()
                .and_then(Value::as_str)
                .ok_or_else(|| wrong("must have an id"))?;
            (id != "raw")
                .then(|| compressor(id, &members, &given(configuration), registry))
                .transpose()?
        }
        Some(_) => return Err(wrong("must be an object")),
    };
    Ok(Codec::ArrayToBytes(Arc::new(Block { compressor })))
}

/// What the compressor is given, as far as the size of elements matters to it.
fn given(configuration: Configuration<'_>) -> DataType {
    let dtype = configuration
        .get("dtype")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let size = dtype.trim_start_matches(|c: char| !c.is_ascii_digit()).parse();
    DataType::Raw(size.unwrap_or(1))
}

fn compressor(
    id: &str,
    members: &Map<String, Value>,
    given: &DataType,
    registry: &CodecRegistry,
) -> Result<Arc<dyn BytesToBytes>> {
    let (entry, v2) = registry.find_v2(id)?;
    let config = CodecConfig::new(entry.name, (v2.from_v2)(members, given)?);
    match registry.build(&config)? {
        Codec::BytesToBytes(codec) => Ok(codec),
        _ => Err(CodecError::config(
            NAME,
            format!("`{id}` does not compress bytes"),
        )),
    }
}

/// The header of a block, and what comes after it.
fn read_header<'a>(encoded: &'a [u8], spec: &ChunkSpec) -> Result<(Vec<u64>, &'a [u8])> {
    let corrupt = |reason: String| CodecError::corrupt(NAME, reason);
    let cut = || corrupt("it ends within its header".to_owned());
    let (mode, rest) = encoded.split_first_chunk().ok_or_else(cut)?;
    let (ndim, mut rest) = rest.split_first_chunk().ok_or_else(cut)?;
    let (mode, ndim) = (u16::from_be_bytes(*mode), usize::from(u16::from_be_bytes(*ndim)));
    // Chunks without dimensions are stored as blocks of one.
    if ndim != spec.shape.len() {
        return Err(corrupt(format!(
            "the block has {ndim} dimensions, the chunk {}",
            spec.shape.len()
        )));
    }
    let mut shape = Vec::new();
    for &most in spec.shape.iter().rev() {
        let (length, tail) = rest.split_first_chunk().ok_or_else(cut)?;
        let length = u64::from(u32::from_be_bytes(*length));
        if length > most {
            return Err(corrupt(format!(
                "the block is {length} long where the chunk is {most}"
            )));
        }
        shape.insert(0, length);
        rest = tail;
    }
    match mode {
        0 => Ok((shape, rest)),
        1 => {
            let (count, rest) = rest.split_first_chunk().ok_or_else(cut)?;
            let (count, product) = (
                u64::from(u32::from_be_bytes(*count)),
                shape.iter().product::<u64>(),
            );
            if count == product {
                return Ok((shape, rest));
            }
            Err(corrupt(format!(
                "the block has {count} elements, its shape has {product}"
            )))
        }
        _ => Err(corrupt(format!("mode {mode} is not known"))),
    }
}

/// Copies the elements of a block to the origin of a chunk, row by row.
fn place(block: &[u8], block_shape: &[u64], chunk: &mut [u8], chunk_shape: &[u64], size: usize) {
    let Some((&rows, inner)) = block_shape.split_first() else {
        chunk.copy_from_slice(block);
        return;
    };
    if rows == 0 || block.is_empty() {
        return;
    }
    if inner.is_empty() {
        chunk[..block.len()].copy_from_slice(block);
        return;
    }
    let row = chunk_shape[1..].iter().product::<u64>() as usize * size;
    for (part, target) in block
        .chunks_exact(block.len() / rows as usize)
        .zip(chunk.chunks_exact_mut(row))
    {
        place(part, inner, target, &chunk_shape[1..], size);
    }
}

impl ArrayToBytes for Block {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        if spec.data_type.is_variable() || spec.data_type.size().is_none() {
            return Err(CodecError::mismatch(
                NAME,
                format!("{} is no type of N5", spec.data_type),
            ));
        }
        Ok(None)
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let large = || CodecError::mismatch(NAME, "a chunk is too long for a block");
        out.extend(0_u16.to_be_bytes());
        out.extend(
            u16::try_from(spec.shape.len())
                .map_err(|_| large())?
                .to_be_bytes(),
        );
        for length in spec.shape.iter().rev() {
            out.extend(u32::try_from(*length).map_err(|_| large())?.to_be_bytes());
        }
        let Some(compressor) = &self.compressor else {
            let start = out.len();
            out.extend_from_slice(chunk.elements);
            spec.data_type.reorder(&mut out[start..], ByteOrder::Big);
            return Ok(());
        };
        let mut elements = chunk.elements.to_vec();
        spec.data_type.reorder(&mut elements, ByteOrder::Big);
        compressor.encode(&elements, out)
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let too_large = || CodecError::corrupt(NAME, "the chunk is too large");
        let (shape, rest) = read_header(encoded, spec)?;
        let item_size = spec.data_type.size().ok_or_else(too_large)?;
        let chunk_size = spec.size().ok_or_else(too_large)?;
        let block_size = shape.iter().product::<u64>() as usize * item_size;
        let mut block = Vec::new();
        reserve(&mut block, block_size)?;
        let got = if let Some(compressor) = &self.compressor {
            compressor.decode(rest, &mut block)?
        } else {
            let taken = rest.len().min(block_size);
            block[..taken].copy_from_slice(&rest[..taken]);
            rest.len()
        };
        if got != block_size {
            return Err(CodecError::corrupt(
                NAME,
                format!("{got} bytes, the block has {block_size}"),
            ));
        }
        spec.data_type.reorder(&mut block, ByteOrder::Big);
        let start = out.elements.len();
        if shape == spec.shape {
            make_room(&mut out.elements, block_size)?;
            out.elements.extend_from_slice(&block);
            return Ok(());
        }
        lengthen(&mut out.elements, chunk_size)?;
        place(&block, &shape, &mut out.elements[start..], &spec.shape, item_size);
        Ok(())
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::ArrayToBytes,
    doc: "blocks of N5 with their compressor",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, spec};

    #[test]
    fn chunks_come_back() {
        check_codec(
            NAME,
            json!({"compressor_config": null}),
            &spec(&[3, 5], DataType::Int32),
        );
        check_codec(NAME, json!({}), &spec(&[7], DataType::UInt8));
        let inner = json!({"compressor_config": {"id": "base64"}, "dtype": "<i2", "chunk_shape": [4]});
        check_codec(NAME, inner, &spec(&[4], DataType::Int16));
    }

    fn decode(encoded: &[u8], shape: &[u64]) -> Result<Vec<u8>> {
        let mut out = ChunkBuffer::default();
        let codec = Block { compressor: None };
        codec.decode(encoded, &spec(shape, DataType::Int16), &mut out)?;
        Ok(out.elements)
    }

    #[test]
    fn smaller_blocks_lie_at_the_origin() {
        // Two rows of one element, in a chunk of 3 x 2.
        let block = [0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0, 6];
        let expected: Vec<u8> = [5_i16, 0, 6, 0, 0, 0]
            .into_iter()
            .flat_map(i16::to_ne_bytes)
            .collect();
        assert_eq!(decode(&block, &[3, 2]).unwrap(), expected);
        let varied = [&[0, 1], &block[2..12], &[0, 0, 0, 2], &block[12..]].concat();
        assert_eq!(decode(&varied, &[3, 2]).unwrap(), expected);
        assert!(decode(&block, &[1, 2]).is_err());
        assert!(decode(&block, &[6]).is_err());
        assert!(decode(&block[..15], &[3, 2]).is_err());
        assert!(decode(&[&block[..], &[0]].concat(), &[3, 2]).is_err());
    }
}
