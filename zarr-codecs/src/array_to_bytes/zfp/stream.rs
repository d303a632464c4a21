//! A whole array as a stream.

use super::{
    bits::{BitReader, BitWriter},
    block::Bounds,
    grid::{Grid, SIDE},
    header::{self, Field},
    mode::Mode,
    number::{Number, NumberType},
};

/// Encodes an array of 1 to 4 dimensions, in C order and native byte order, to the end of `out`.
///
/// # Errors
/// When the header cannot say what the array is or what is asked for.
///
/// # Panics
/// When there are less elements than the shape says, or none.
pub(in super::super) fn encode(
    elements: &[u8],
    number_type: NumberType,
    shape: &[u64],
    mode: Mode,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let field = Field::new(number_type, shape)?;
    let bounds = mode.bounds(shape.len(), number_type.is_float())?;
    let mut out = BitWriter::new(out);
    header::write(field, &bounds, &mut out);
    encode_blocks(elements, number_type, shape, bounds, out);
    Ok(())
}

/// Encodes as [`encode`] does, without a header.
///
/// # Errors
/// As for [`encode`].
pub(in super::super) fn encode_bare(
    elements: &[u8],
    number_type: NumberType,
    shape: &[u64],
    mode: Mode,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let bounds = mode.bounds(shape.len(), number_type.is_float())?;
    encode_blocks(elements, number_type, shape, bounds, BitWriter::new(out));
    Ok(())
}

fn encode_blocks(
    elements: &[u8],
    number_type: NumberType,
    shape: &[u64],
    bounds: Bounds,
    mut out: BitWriter<'_>,
) {
    let encoder = Encoder {
        elements,
        grid: Grid::new(shape),
        bounds,
        out: &mut out,
    };
    run(encoder, number_type, shape.len());
    out.finish();
}

/// Decodes an array of 1 to 4 dimensions into `elements`, in C order and native byte order.
///
/// The stream may be that of the elements as an array of one dimension.
///
/// # Errors
/// When the stream is not that of such an array, or is longer or shorter than it says.
///
/// # Panics
/// When there is less room than the shape says.
pub(in super::super) fn decode(
    encoded: &[u8],
    number_type: NumberType,
    shape: &[u64],
    elements: &mut [u8],
) -> Result<(), String> {
    let (words, rest) = encoded.as_chunks();
    if !rest.is_empty() {
        return Err(format!("{} bytes are no whole number of words", encoded.len()));
    }
    let mut encoded = BitReader::new(words);
    let (found, bounds) = header::read(&mut encoded)?;
    let flat = [shape.iter().product()];
    let shape = if Field::new(number_type, &flat) == Ok(found) {
        &flat
    } else {
        shape
    };
    let field = Field::new(number_type, shape)?;
    if found != field {
        return Err(format!("it is {found}, the chunk is {field}"));
    }
    decode_blocks(encoded, words.len(), number_type, shape, bounds, elements)
}

/// Decodes a stream without a header, whose mode is known.
///
/// The blocks of a fixed rate may be as long as those of three dimensions, whatever the array has: so writes zarrs 0.23.
///
/// # Errors
/// When the stream is longer or shorter than that of such an array.
///
/// # Panics
/// When there is less room than the shape says.
pub(in super::super) fn decode_bare(
    encoded: &[u8],
    number_type: NumberType,
    shape: &[u64],
    mode: Mode,
    elements: &mut [u8],
) -> Result<(), String> {
    let (words, rest) = encoded.as_chunks();
    if !rest.is_empty() {
        return Err(format!("{} bytes are no whole number of words", encoded.len()));
    }
    let of_dimensions = |n_dimensions| mode.bounds(n_dimensions, number_type.is_float());
    let mut bounds = of_dimensions(shape.len())?;
    if matches!(mode, Mode::Rate(_)) && words.len() != n_words(shape, bounds) {
        let of_three = of_dimensions(3).ok();
        let is_meant = |of_three: &Bounds| words.len() == n_words(shape, *of_three);
        bounds = of_three.filter(is_meant).unwrap_or(bounds);
    }
    decode_blocks(
        BitReader::new(words),
        words.len(),
        number_type,
        shape,
        bounds,
        elements,
    )
}

/// How many words the blocks of an array take whose bounds are all the same length.
fn n_words(shape: &[u64], bounds: Bounds) -> usize {
    let n_blocks = shape
        .iter()
        .map(|length| length.div_ceil(SIDE as u64))
        .product::<u64>();
    let n_bits = u64::from(bounds.n_bits_max).saturating_mul(n_blocks);
    n_bits.div_ceil(u64::from(u64::BITS)) as usize
}

fn decode_blocks(
    mut encoded: BitReader<'_>,
    n_words: usize,
    number_type: NumberType,
    shape: &[u64],
    bounds: Bounds,
    elements: &mut [u8],
) -> Result<(), String> {
    let decoder = Decoder {
        encoded: &mut encoded,
        grid: Grid::new(shape),
        bounds,
        elements,
    };
    run(decoder, number_type, shape.len());
    if encoded.is_overrun() {
        return Err("it ends within a block".to_owned());
    }
    match n_words - encoded.n_words_read() {
        0 => Ok(()),
        n_words => Err(format!("{n_words} words follow the last block")),
    }
}

/// What the header of a stream says of its array.
///
/// # Errors
/// When there is none.
pub(in super::super) fn contents(encoded: &[u8]) -> Result<(NumberType, Vec<u64>), String> {
    let (words, _) = encoded.as_chunks();
    let mut encoded = BitReader::new(words);
    let (field, _) = header::read(&mut encoded)?;
    if encoded.is_overrun() {
        return Err("it ends within its header".to_owned());
    }
    let (number_type, shape) = field.parts();
    Ok((NumberType::ALL[number_type].0, shape))
}

/// What is done with every block of an array, whatever its type and number of dimensions.
trait Blocks {
    fn run<T: Number, const N: usize, const WORDS: usize>(self);
}

struct Encoder<'a, 'out> {
    elements: &'a [u8],
    grid: Grid,
    bounds: Bounds,
    out: &'a mut BitWriter<'out>,
}

impl Blocks for Encoder<'_, '_> {
    fn run<T: Number, const N: usize, const WORDS: usize>(self) {
        for place in self.grid.places() {
            let block = self.grid.gather::<T, N>(self.elements, &place);
            T::encode_block::<N, WORDS>(&block, &self.bounds, self.out);
        }
    }
}

struct Decoder<'a, 'encoded> {
    encoded: &'a mut BitReader<'encoded>,
    grid: Grid,
    bounds: Bounds,
    elements: &'a mut [u8],
}

impl Blocks for Decoder<'_, '_> {
    /// Ends early where the stream does.
    fn run<T: Number, const N: usize, const WORDS: usize>(self) {
        for place in self.grid.places() {
            let block = T::decode_block::<N, WORDS>(self.encoded, &self.bounds);
            if self.encoded.is_overrun() {
                return;
            }
            self.grid.scatter(&block, &place, self.elements);
        }
    }
}

fn run(blocks: impl Blocks, number_type: NumberType, n_dimensions: usize) {
    match number_type {
        NumberType::Int32 => run_typed::<i32>(blocks, n_dimensions),
        NumberType::Int64 => run_typed::<i64>(blocks, n_dimensions),
        NumberType::Float32 => run_typed::<f32>(blocks, n_dimensions),
        NumberType::Float64 => run_typed::<f64>(blocks, n_dimensions),
    }
}

fn run_typed<T: Number>(blocks: impl Blocks, n_dimensions: usize) {
    match n_dimensions {
        1 => blocks.run::<T, 4, 1>(),
        2 => blocks.run::<T, 16, 1>(),
        3 => blocks.run::<T, 64, 1>(),
        _ => blocks.run::<T, 256, 4>(),
    }
}
