//! `digest`: one hash for each array, of its values alone.
//!
//! SHA-256 over the elements in C order, little endian; an item of variable size is its length in 8 bytes
//! and its bytes. Chunks, codecs, formats and missing chunks make no difference.

use sha2::{Digest as _, Sha256};
use zarr_core::{ArrayData, NodePath, Selection, Workers, codecs::ByteOrder};

use crate::{Result, Source, SourceArray, SourceNode, data_type_text, shape_text};

/// The bytes of values that are read at once, about.
const SLAB_SIZE: u64 = 64 << 20;

/// The hash of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// SHA-256, in hexadecimal digits.
    pub hex: String,
    /// The text of the data type, as `NumPy` prints it.
    pub data_type: String,
    /// The shape of the array.
    pub shape: Vec<u64>,
    /// Where the array is.
    pub path: NodePath,
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}  {} {}  {}",
            self.hex,
            self.data_type,
            shape_text(&self.shape),
            self.path
        )
    }
}

/// Hashes an array, or all arrays below a group, by path.
///
/// # Errors
/// When an array cannot be read.
pub fn digest(source: &dyn Source, node: &SourceNode, workers: Workers) -> Result<Vec<Digest>> {
    let mut digests = Vec::new();
    let mut pending = vec![node.clone()];
    while let Some(node) = pending.pop() {
        match &node {
            SourceNode::Group(path) => pending.extend(source.members(path)?),
            SourceNode::Array(array) => digests.push(digest_array(array.as_ref(), workers)?),
            SourceNode::Other { .. } => {}
        }
    }
    digests.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(digests)
}

fn digest_array(array: &dyn SourceArray, workers: Workers) -> Result<Digest> {
    let mut hash = Sha256::new();
    let shape = array.shape();
    let n_elements = shape
        .iter()
        .fold(1_u64, |product, length| product.saturating_mul(*length));
    match shape.first() {
        _ if n_elements == 0 => {}
        None => add(&mut hash, &array.read(&Selection::all(), workers)?),
        Some(length) => {
            // Rows of whole chunks, so that no chunk is decoded twice.
            let row = array.chunk_shape().map_or(1, |chunk| chunk[0]);
            let row_size = (n_elements / length).saturating_mul(array.data_type().size().unwrap_or(1) as u64);
            let rows = (SLAB_SIZE / row_size.saturating_mul(row).max(1))
                .max(1)
                .saturating_mul(row);
            let mut start = vec![0; shape.len()];
            let mut slab = shape.to_vec();
            while start[0] < *length {
                slab[0] = rows.min(length - start[0]);
                add(
                    &mut hash,
                    &array.read(&Selection::region(&start, &slab), workers)?,
                );
                start[0] += slab[0];
            }
        }
    }
    let hex = hash
        .finalize()
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let data_type = data_type_text(array.data_type(), array.byte_order());
    Ok(Digest {
        hex,
        data_type,
        shape: shape.to_vec(),
        path: array.path().clone(),
    })
}

fn add(hash: &mut Sha256, data: &ArrayData) {
    if data.data_type.is_variable() {
        for item in data.buffer.as_ref().items() {
            hash.update((item.len() as u64).to_le_bytes());
            hash.update(item);
        }
    } else if ByteOrder::NATIVE == ByteOrder::Little {
        hash.update(&data.buffer.elements);
    } else {
        let mut elements = data.buffer.elements.clone();
        data.data_type.swap_bytes(&mut elements);
        hash.update(&elements);
    }
}
