//! The zfp format: numbers in blocks of 4 in each dimension, as bit planes of decorrelated integers.
//!
//! ```text
//! header | block | block | ... | zeros up to a whole word of 64 bits
//! ```
//!
//! Bits are filled into little-endian words from the lowest on; nothing but the end of the stream is aligned.
//! Blocks follow one another in C order.
//! What is written is bit by bit what libzfp 1.0 writes, and so is what is read.

mod bits;
mod block;
mod coder;
mod float;
mod grid;
mod header;
mod mode;
mod number;
mod order;
mod planes;
mod stream;
mod transform;

pub(super) use self::{
    mode::Mode,
    number::NumberType,
    stream::{contents, decode, decode_bare, encode, encode_bare},
};
