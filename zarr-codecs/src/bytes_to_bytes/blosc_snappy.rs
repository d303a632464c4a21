//! Frames of Blosc whose inner codec is Snappy, decoded without the C library, whose Snappy needs a C++ compiler.
//!
//! ```text
//! block:   as many streams as the frame has, each
//!          length u32 | Snappy block, or the bytes themselves if they are as long as decoded
//! decoded: the bytes of all elements by their weight (byte shuffle), or their bits (bit shuffle);
//!          what is no whole element stands at the end as it is
//! ```

use snap::raw::{Decoder, decompress_len};

use super::blosc_frame::{Frame, NAME, block_offset, u32_at};
use super::shuffle::unshuffle_bytes;
use crate::{CodecError, Result};

/// How the elements of a block are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrangement {
    Plain,
    Bytes,
    Bits,
}

/// Decodes a checked frame that is not stored into `out`, which is as long as what it decodes to.
pub(super) fn decode(encoded: &[u8], frame: &Frame<'_>, out: &mut [u8]) -> Result<()> {
    let arrangement = if frame.is_byte_shuffled && frame.element_size > 1 {
        Arrangement::Bytes
    } else if frame.is_bit_shuffled && !frame.is_byte_shuffled && frame.block_size >= frame.element_size {
        Arrangement::Bits
    } else {
        Arrangement::Plain
    };
    let mut shuffled = match arrangement {
        Arrangement::Plain => Vec::new(),
        _ => vec![0; frame.block_size.min(out.len())],
    };
    for (index, block) in out.chunks_mut(frame.block_size).enumerate() {
        let start = block_offset(encoded, index)?;
        let streams = if block.len() < frame.block_size {
            1
        } else {
            frame.streams
        };
        if arrangement == Arrangement::Plain {
            decode_block(encoded, start, streams, block)?;
            continue;
        }
        let shuffled = &mut shuffled[..block.len()];
        decode_block(encoded, start, streams, shuffled)?;
        unshuffle(arrangement, frame.element_size, shuffled, block);
    }
    Ok(())
}

/// Decodes the streams of a block that begins at `at`.
fn decode_block(encoded: &[u8], mut at: usize, streams: usize, out: &mut [u8]) -> Result<()> {
    let corrupt = |reason: &str| CodecError::corrupt(NAME, format!("a stream of Snappy {reason}"));
    if !out.len().is_multiple_of(streams) {
        return Err(CodecError::corrupt(NAME, "a block has no whole streams"));
    }
    let stream_size = out.len() / streams;
    for out in out.chunks_exact_mut(stream_size) {
        let stream = u32_at(encoded, at).and_then(|length| encoded.get(at + 4..)?.get(..length as usize));
        let stream = stream.ok_or_else(|| corrupt("is cut"))?;
        at += 4 + stream.len();
        if stream.len() == out.len() {
            out.copy_from_slice(stream);
            continue;
        }
        if decompress_len(stream).ok() != Some(out.len()) {
            return Err(corrupt("is not of the size of its block"));
        }
        let made = Decoder::new()
            .decompress(stream, out)
            .map_err(|error| corrupt(&format!("does not decode: {error}")))?;
        if made != out.len() {
            return Err(corrupt("ends early"));
        }
    }
    Ok(())
}

/// Brings the elements of a block into their places.
fn unshuffle(arrangement: Arrangement, element_size: usize, shuffled: &[u8], block: &mut [u8]) {
    let n_elements = block.len() / element_size;
    // The library shuffles the bits of whole groups of eight elements only, and else none.
    let is_plain = arrangement == Arrangement::Bits && !n_elements.is_multiple_of(8);
    let whole = if is_plain { 0 } else { n_elements * element_size };
    let (elements, rest) = block.split_at_mut(whole);
    rest.copy_from_slice(&shuffled[whole..]);
    if arrangement == Arrangement::Bytes {
        unshuffle_bytes(element_size, &shuffled[..whole], elements);
    } else {
        unshuffle_bits(element_size, &shuffled[..whole], elements);
    }
}

/// Rows of bits to elements: bit `e` of row `8 b + k` is bit `k` of byte `b` of element `e`.
fn unshuffle_bits(element_size: usize, rows: &[u8], elements: &mut [u8]) {
    let row_size = rows.len() / element_size / 8;
    for (group, elements) in elements.chunks_exact_mut(element_size * 8).enumerate() {
        for byte in 0..element_size {
            let bits: [u8; 8] = std::array::from_fn(|bit| rows[(byte * 8 + bit) * row_size + group]);
            let bytes = transpose(u64::from_le_bytes(bits)).to_le_bytes();
            for (element, value) in bytes.into_iter().enumerate() {
                elements[element * element_size + byte] = value;
            }
        }
    }
}

/// Swaps rows and columns of eight times eight bits.
const fn transpose(mut bits: u64) -> u64 {
    let swap = (bits ^ (bits >> 7)) & 0x00AA_00AA_00AA_00AA;
    bits ^= swap ^ (swap << 7);
    let swap = (bits ^ (bits >> 14)) & 0x0000_CCCC_0000_CCCC;
    bits ^= swap ^ (swap << 14);
    let swap = (bits ^ (bits >> 28)) & 0x0000_0000_F0F0_F0F0;
    bits ^ swap ^ (swap << 28)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        for (row, column) in [(0, 0), (0, 7), (3, 5), (7, 1)] {
            assert_eq!(transpose(1 << (8 * row + column)), 1 << (8 * column + row));
        }
    }
}
