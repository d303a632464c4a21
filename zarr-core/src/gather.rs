//! Reading chunks that lie elsewhere than in a store of Zarr.
//!
//! A format that keeps arrays in chunks of its own says where a chunk is and how it is decoded;
//! threads, the copy of each part to its place, and chunks that were never written are dealt with here.

use std::sync::Arc;

use zarr_codecs::{ChunkCodec, CodecError};

use crate::{
    Error, Selection, Workers,
    fields::Piece,
    output::{ChunkedOutput, Target, Wanted},
    projection::{Layout, Projection},
    strided::c_strides,
    workers::{Desk, Work},
};

/// Where the chunks come from that [`gather`] reads.
pub trait ChunkSource: Sync {
    /// What may go wrong.
    type Error: From<Error> + Send;

    /// Puts a chunk as it is stored into an empty buffer and says how it is decoded; `None` if it was never written.
    ///
    /// The codec must be one of elements of a fixed size, and keep them in C order.
    ///
    /// # Errors
    /// When the chunk cannot be read.
    fn fetch(
        &self,
        chunk_coords: &[u64],
        encoded: &mut Vec<u8>,
    ) -> Result<Option<Arc<ChunkCodec>>, Self::Error>;

    /// The error for a chunk that does not decode.
    fn undecodable(&self, chunk_coords: &[u64], error: CodecError) -> Self::Error;
}

/// An array in chunks.
#[derive(Debug, Clone, Copy)]
pub struct ChunkedShape<'a> {
    /// The number of elements in each dimension.
    pub shape: &'a [u64],
    /// The shape of a chunk; the last one of a dimension may reach beyond the array.
    pub chunk_shape: &'a [u64],
    /// The bytes of an element that was never written, in native byte order; their number is the size of all elements.
    pub fill: &'a [u8],
}

/// Reads a part of an array from the chunks of a source: elements in C order and native byte order.
///
/// Elements are read whole; fields of a selection are for the caller to take out ([`crate::ArrayData::fields`]).
///
/// # Errors
/// [`Error::Selection`] for a bad selection, [`Error::Create`] for chunks that make no sense, and what may go wrong
/// with a chunk.
///
/// ```
/// use std::sync::Arc;
/// use zarr_core::{ChunkSource, ChunkedShape, Error, Result, Selection, Workers, codecs::*, gather};
/// struct Squares(Arc<ChunkCodec>);
/// impl ChunkSource for Squares {
///     type Error = Error;
///     fn fetch(&self, coords: &[u64], encoded: &mut Vec<u8>) -> Result<Option<Arc<ChunkCodec>>, Error> {
///         encoded.extend((coords[0] * 3..coords[0] * 3 + 3).map(|n| (n * n) as u8));
///         Ok((coords[0] != 1).then(|| Arc::clone(&self.0)))
///     }
///     fn undecodable(&self, _: &[u64], error: CodecError) -> Error {
///         Error::Create { reason: error.to_string() }
///     }
/// }
/// let limits = Limits::DEFAULT;
/// let chain = CodecChain::new(&[CodecConfig::new("bytes", Default::default())], &Default::default(), &limits)?;
/// let data_type = DataType::UInt8;
/// let spec = ChunkSpec { shape: vec![3], fill_value: FillValue::zero(&data_type), data_type };
/// let squares = Squares(Arc::new(chain.for_chunk(spec, &limits)?));
/// let array = ChunkedShape { shape: &[8], chunk_shape: &[3], fill: &[255] };
/// let found = gather(&squares, array, &Selection::parse("1:")?, Workers::ONE)?;
/// assert_eq!(found, [1, 4, 255, 255, 255, 36, 49]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn gather<S: ChunkSource>(
    source: &S,
    array: ChunkedShape<'_>,
    selection: &Selection,
    workers: Workers,
) -> Result<Vec<u8>, S::Error> {
    let ChunkedShape {
        shape,
        chunk_shape,
        fill,
    } = array;
    if chunk_shape.len() != shape.len() || chunk_shape.contains(&0) {
        return Err(Error::create(format!("chunks {chunk_shape:?} do not fit shape {shape:?}")).into());
    }
    let region = selection.resolve(shape, chunk_shape)?;
    let size = region.n_elements().checked_mul(fill.len() as u64);
    let size = size.and_then(|size| usize::try_from(size).ok());
    let too_large = || {
        Error::create(format!(
            "{} elements are too many to read at once",
            region.n_elements()
        ))
    };
    let size = size.ok_or_else(too_large)?;
    let mut output = vec![0; size];
    if size == 0 {
        return Ok(output);
    }
    let all = Piece {
        stored: 0,
        given: 0,
        size: fill.len(),
    };
    let layout = Layout {
        shape,
        chunk_shape,
        strides: c_strides(chunk_shape, fill.len()),
    };
    let wanted = Wanted {
        region: &region,
        projection: Projection::new(&region, layout)?,
        pieces: vec![all],
        fill: fill.to_vec(),
    };
    let job = Job {
        source,
        chunk_shape,
        output: ChunkedOutput::new(
            Target {
                bytes: &mut output,
                is_zero: true,
            },
            wanted,
        ),
        item_size: fill.len(),
    };
    workers.run(job.output.n_chunks(), size as u64, &|number, desk| {
        job.chunk(number, desk)
    })?;
    Ok(output)
}

struct Job<'a, S> {
    source: &'a S,
    chunk_shape: &'a [u64],
    output: ChunkedOutput<'a>,
    item_size: usize,
}

impl<S: ChunkSource> Job<'_, S> {
    fn chunk(&self, number: usize, desk: &mut Desk) -> Result<(), S::Error> {
        let Desk { work, parts, .. } = desk;
        let Work {
            scratch,
            chunk: encoded,
            ..
        } = work;
        let mut place = self.output.take(number, parts);
        let coords: Vec<_> = place.share().coords().collect();
        encoded.clear();
        let Some(codec) = self.source.fetch(&coords, encoded)? else {
            place.fill();
            return Ok(());
        };
        let failed = |error| self.source.undecodable(&coords, error);
        let spec = codec.spec();
        let is_plain = !spec.data_type.is_variable() && codec.layout().order.is_sorted();
        if !is_plain || spec.data_type.size() != Some(self.item_size) || spec.shape != self.chunk_shape {
            return Err(failed(CodecError::mismatch(
                "chunk",
                "the codec is for another chunk",
            )));
        }
        let swap = codec.layout().swap_size;
        if let Some(whole) = place.whole(codec.decoded_size(), swap) {
            return codec.decode_into(encoded, whole, scratch).map_err(failed);
        }
        let decoded = codec.decode(encoded, scratch).map_err(failed)?;
        place.copy(decoded.elements, 0, swap);
        Ok(())
    }
}
