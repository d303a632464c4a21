//! Changing the shape of an array.

use crate::{Array, ArrayData, ArrayMetadata, ChunkGrid, Error, Result, Selection, SelectionItem};

impl Array {
    /// Changes the shape; what remains inside keeps its values, and chunks outside are erased.
    ///
    /// The metadata are stored first, so that whoever is killed in between leaves an array of the new shape, and
    /// at worst chunks that nobody reads. Chunks on the boundary stay as they are, as in zarr-python: when the
    /// array grows again, what they held outside is seen again. Of chunks of different lengths there is one more
    /// where those that there are do not reach the new end.
    ///
    /// # Errors
    /// [`Error::Incompatible`] for another number of dimensions; [`Error::ReadOnly`], [`Error::View`]; when the
    /// store fails. A store that cannot erase is refused before anything is written.
    pub fn resize(&mut self, shape: &[u64]) -> Result<()> {
        self.check_changeable()?;
        if shape.len() != self.ndim() {
            return Err(self.incompatible("new shape must have same number of dimensions"));
        }
        let old_grid = self.grid_shape();
        let resized = self.resized_grid(shape)?;
        let grid = resized.grid_shape(shape);
        let loses_chunks = grid.iter().zip(&old_grid).any(|(new, old)| new < old);
        let outside = if loses_chunks {
            let mut chunks = self.listed_chunks()?;
            chunks.retain(|(coords, _)| coords.iter().zip(&grid).any(|(coord, count)| coord >= count));
            chunks
        } else {
            Vec::new()
        };
        if !outside.is_empty() && !self.store().capabilities().erases {
            let operation = "erasing the chunks outside the new shape";
            let store = self.store().describe(self.path().as_str());
            return Err(zarr_store::StoreError::NotSupported { operation, store }.into());
        }
        let mut metadata = self.metadata().clone();
        metadata.shape = shape.to_vec();
        metadata.chunk_grid = resized;
        self.replace_metadata(metadata)?;
        for (_, key) in outside {
            self.store().erase(&key)?;
        }
        Ok(())
    }

    /// The chunk grid with another shape, if the codecs take all its chunks.
    fn resized_grid(&self, shape: &[u64]) -> Result<ChunkGrid> {
        let grid = &self.metadata().chunk_grid;
        let resized = grid.resized(shape, self.inner_chunk_shape().as_deref());
        if resized != *grid {
            let mut changed = self.clone();
            changed.set_metadata(ArrayMetadata {
                chunk_grid: resized.clone(),
                ..self.metadata().clone()
            });
            changed.check_codecs()?;
        }
        Ok(resized)
    }

    /// As [`Array::resize`], where `None` keeps a length.
    ///
    /// # Errors
    /// Those of [`Array::resize`].
    pub fn resize_some(&mut self, lengths: &[Option<u64>]) -> Result<()> {
        if lengths.len() != self.ndim() {
            self.check_changeable()?;
            return Err(self.incompatible("new shape must have same number of dimensions"));
        }
        let kept = self.shape().iter();
        let shape: Vec<_> = lengths
            .iter()
            .zip(kept)
            .map(|(new, old)| new.unwrap_or(*old))
            .collect();
        self.resize(&shape)
    }

    /// Adds data behind the array along a dimension; gives the new shape.
    ///
    /// The chunks are written first and the new shape last, so that readers, and whoever looks after a crash, see
    /// the array without the data or with all of them.
    /// Two handles that append at the same time overwrite each other.
    ///
    /// # Errors
    /// [`Error::Incompatible`] when the data differ in another dimension; [`Error::ReadOnly`], [`Error::View`];
    /// those of [`Array::write_data`]. The shape is then what it was.
    pub fn append(&mut self, data: &ArrayData, axis: usize) -> Result<&[u64]> {
        self.check_changeable()?;
        let fits = |(index, (a, b)): (usize, (&u64, &u64))| index == axis || a == b;
        let same_ndim = data.shape.len() == self.ndim() && axis < self.ndim();
        if !same_ndim || !self.shape().iter().zip(&data.shape).enumerate().all(fits) {
            let reason = "shape of data to append is not compatible with the array; all dimensions must match except for the dimension being appended";
            return Err(self.incompatible(reason));
        }
        let old = self.shape()[axis];
        let length = old
            .checked_add(data.shape[axis])
            .filter(|length| i64::try_from(*length).is_ok());
        let mut metadata = self.metadata().clone();
        metadata.shape[axis] = length.ok_or_else(|| Error::selection("array is too long"))?;
        metadata.chunk_grid = self.resized_grid(&metadata.shape)?;
        let mut grown = self.clone();
        grown.set_metadata(metadata.clone());
        let mut items = vec![SelectionItem::ALL; self.ndim()];
        items[axis] = SelectionItem::Slice {
            start: Some(old as i64),
            stop: None,
            step: 1,
        };
        grown.write_data(&Selection::new(items), data)?;
        self.replace_metadata(metadata)?;
        Ok(self.shape())
    }
}
