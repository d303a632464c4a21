//! What of an array is read or written, cut into chunks of which each has its codecs.

use std::sync::Arc;

use zarr_codecs::ChunkCodec;

use crate::{
    Array, ChunkGrid, Region, Result,
    by_shape::Uneven,
    projection::{Layout, Projection},
};

/// A region of an array in chunks that are decoded at once, and the codecs of each group of them, which are those of
/// the shards where these are inner chunks.
pub(crate) struct Cut {
    pub(crate) projection: Projection,
    pub(crate) codecs: Vec<Arc<ChunkCodec>>,
}

impl Array {
    /// Cuts a region into the chunks that are decoded at once, which are the innermost ones of shards.
    ///
    /// # Errors
    /// [`crate::Error::Codecs`] for chunks that cannot be decoded, and [`crate::Error::Selection`] for points in a
    /// grid whose chunks cannot be counted.
    pub(crate) fn cut(&self, region: &Region) -> Result<Cut> {
        let longest = self.chunk_codec()?;
        let leaf = longest.leaf();
        let ChunkGrid::Rectilinear(grid) = &self.metadata().chunk_grid else {
            let layout = Layout {
                shape: self.shape(),
                chunk_shape: &leaf.spec().shape,
                strides: leaf.strides(),
            };
            return Ok(Cut {
                projection: Projection::new(region, layout)?,
                codecs: vec![longest],
            });
        };
        let array = Uneven {
            shape: self.shape(),
            grid,
            leaf_shape: longest.shard().map(|_| leaf.spec().shape.as_slice()),
        };
        let mut codecs = Vec::new();
        let projection = array.project(region, &mut |chunk_shape| {
            let codec = self.chunk_codec_for(chunk_shape)?;
            let strides = codec.leaf().strides();
            codecs.push(codec);
            Ok(strides)
        })?;
        Ok(Cut { projection, codecs })
    }
}
