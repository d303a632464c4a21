//! Codecs that make another chunk of a chunk.

pub mod astype;
pub mod bitround;
pub mod cast_value;
mod casting;
pub mod delta;
pub mod fixedscaleoffset;
pub mod packbits;
pub mod quantize;
pub mod reshape;
pub mod scale_offset;
pub mod transpose;
