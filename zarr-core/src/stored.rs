//! The chunk grid, and which of its chunks are stored.

use std::sync::atomic::{AtomicU64, Ordering};

use zarr_store::{StoreExt, StoreKey};

use crate::{Array, ChunkKeyEncoding, Error, Result, Selection, listing::walk_folders};

/// How much of an array is in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredExtent {
    /// The chunks that are stored, shards where they lie in such: zarr-python's `nchunks_initialized`.
    pub n_chunks: u64,
    /// The bytes of all keys of the array, its documents among them: zarr-python's `nbytes_stored`.
    pub size: u64,
}

impl Array {
    /// The part of the array that a chunk covers; chunks at the ends are cut.
    ///
    /// # Errors
    /// [`Error::Selection`] for a position that is not in the grid.
    pub fn chunk_region(&self, chunk_coords: &[u64]) -> Result<Selection> {
        let grid = self.grid_shape();
        if chunk_coords.len() != grid.len() || !is_in(chunk_coords, &grid) {
            return Err(Error::selection(format!(
                "chunk {chunk_coords:?} is not in the grid {grid:?}"
            )));
        }
        let grid = &self.metadata().chunk_grid;
        let extents = chunk_coords.iter().zip(self.shape()).enumerate();
        let (start, shape): (Vec<_>, Vec<_>) = extents
            .map(|(dimension, (at, length))| {
                let (origin, edge) = grid.extent(dimension, *at);
                (origin, edge.min(length - origin))
            })
            .unzip();
        Ok(Selection::region(&start, &shape))
    }

    /// The positions of all chunks in C order: the last dimension fastest.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use zarr_core::{ArrayBuilder, NodePath, codecs::DataType, store::MemoryStore};
    /// let builder = ArrayBuilder::new(vec![4, 3], DataType::Int8).chunk_shape(vec![2, 2]);
    /// let array = builder.create(Arc::new(MemoryStore::new()), &NodePath::root(), &Default::default())?;
    /// for chunk in array.chunk_positions() {
    ///     let elements = array.read_vec::<i8>(&array.chunk_region(&chunk)?)?;
    ///     assert_eq!(elements.len(), if chunk[1] == 0 { 4 } else { 2 });
    /// }
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn chunk_positions(&self) -> impl Iterator<Item = Vec<u64>> + use<> {
        let grid = self.grid_shape();
        let first = (!grid.contains(&0)).then(|| vec![0; grid.len()]);
        std::iter::successors(first, move |coords| {
            let mut next = coords.clone();
            for (at, count) in next.iter_mut().zip(&grid).rev() {
                *at += 1;
                if *at < *count {
                    return Some(next);
                }
                *at = 0;
            }
            None
        })
    }

    /// The positions of the chunks that are stored, in C order.
    ///
    /// Only the array's own folder and those of its chunks are listed.
    ///
    /// # Errors
    /// When the store cannot list.
    pub fn stored_chunks(&self) -> Result<Vec<Vec<u64>>> {
        let grid = self.grid_shape();
        let listed = self.listed_chunks()?.into_iter().map(|(coords, _)| coords);
        let mut chunks: Vec<_> = listed.filter(|coords| is_in(coords, &grid)).collect();
        chunks.sort_unstable();
        Ok(chunks)
    }

    /// The number of chunks that are stored: zarr-python's `nchunks_initialized`.
    ///
    /// # Errors
    /// When the store cannot list.
    pub fn n_chunks_initialized(&self) -> Result<u64> {
        Ok(self.stored_chunks()?.len() as u64)
    }

    /// The bytes that the array takes in its store, documents included: zarr-python's `nbytes_stored`.
    ///
    /// # Errors
    /// When the store cannot list.
    pub fn size_stored(&self) -> Result<u64> {
        self.stored_extent().map(|extent| extent.size)
    }

    /// How many chunks are stored, and the bytes of all keys, for which the array is listed once.
    ///
    /// # Errors
    /// When the store cannot list.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use zarr_core::{ArrayBuilder, NodePath, Selection, codecs::DataType, metadata::V2Codecs, store::MemoryStore};
    /// let builder = ArrayBuilder::new(vec![4], DataType::Int16).chunk_shape(vec![2]).v2_codecs(V2Codecs::default());
    /// let array = builder.create(Arc::new(MemoryStore::new()), &NodePath::root(), &Default::default())?;
    /// let document = array.stored_extent()?.size;
    /// array.write_vec(&Selection::region(&[2], &[2]), &[1_i16, 2])?;
    /// let extent = array.stored_extent()?;
    /// assert_eq!((extent.n_chunks, extent.size), (1, document + 4));
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn stored_extent(&self) -> Result<StoredExtent> {
        let grid = self.grid_shape();
        let (mut keys, mut n_chunks) = (Vec::new(), 0);
        self.walk_own_keys(&mut |key| {
            if self.chunk_of(&key).is_some_and(|coords| is_in(&coords, &grid)) {
                n_chunks += 1;
            }
            keys.push(key);
        })?;
        let (store, size) = (self.store(), AtomicU64::new(0));
        let workers = self.options().workers.for_answers(store.as_ref());
        workers.for_each(keys.len(), &|index| {
            let size_of_key = store.size(&keys[index])?.unwrap_or(0);
            size.fetch_add(size_of_key, Ordering::Relaxed);
            Ok::<_, Error>(())
        })?;
        Ok(StoredExtent {
            n_chunks,
            size: size.into_inner(),
        })
    }

    /// Shows all that is stored of the array: the encoded chunks in C order, then its documents.
    ///
    /// Of this zarr-python makes its digests.
    ///
    /// # Errors
    /// When the store fails.
    pub fn visit_stored(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        for chunk in self.stored_chunks()? {
            if let Some(bytes) = self.read_encoded_chunk(&chunk)? {
                visit(&bytes);
            }
        }
        let format = self.metadata().format;
        let attributes = (!format.has_attributes_within()).then(|| format.attributes_document());
        for name in [format.array_document()].into_iter().chain(attributes) {
            let key = self.path().key(name)?;
            if let Some(bytes) = self.store().get(&key, self.options().document_size_max)? {
                visit(&bytes);
            }
        }
        Ok(())
    }

    /// The chunks that are stored and their keys, with those that a shrunken array left outside its grid.
    pub(crate) fn listed_chunks(&self) -> Result<Vec<(Vec<u64>, StoreKey)>> {
        let mut chunks = Vec::new();
        self.walk_own_keys(&mut |key| {
            if let Some(coords) = self.chunk_of(&key) {
                chunks.push((coords, key));
            }
        })?;
        Ok(chunks)
    }

    /// The position of the chunk that a key of the array is of.
    fn chunk_of(&self, key: &StoreKey) -> Option<Vec<u64>> {
        let name = self.path().prefix().strip(key).unwrap_or_default();
        let encoding = &self.metadata().chunk_key_encoding;
        encoding.parse(name, self.ndim())
    }

    /// Calls `visit` with the keys in the array's folder, and in those folders below that chunks lie in.
    fn walk_own_keys(&self, visit: &mut (dyn FnMut(StoreKey) + Send)) -> Result<()> {
        let own = self.path().prefix();
        let encoding = &self.metadata().chunk_key_encoding;
        walk_folders(
            self.store().as_ref(),
            own,
            self.options().workers,
            &mut |listing| {
                listing.keys.drain(..).for_each(&mut *visit);
                listing.prefixes.retain(|prefix| {
                    let name = prefix.as_str().strip_prefix(own.as_str()).unwrap_or_default();
                    encoding.is_folder(name.trim_end_matches('/'), self.ndim())
                });
                Ok(())
            },
        )
    }
}

/// Whether a chunk is in a grid of as many dimensions.
fn is_in(coords: &[u64], grid: &[u64]) -> bool {
    coords.iter().zip(grid).all(|(at, count)| at < count)
}

impl ChunkKeyEncoding {
    /// Whether chunks of `ndim` dimensions may lie in a folder, relative to their array.
    fn is_folder(&self, name: &str, ndim: usize) -> bool {
        let digits = match self {
            _ if self.separator() != '/' || ndim == 0 => return false,
            Self::Default { .. } if name == "c" => return true,
            Self::Default { .. } => name.strip_prefix("c/"),
            Self::V2 { .. } => Some(name),
        };
        digits.is_some_and(|digits| {
            digits.split('/').count() < ndim
                && digits
                    .split('/')
                    .all(|part| part.parse::<u64>().is_ok_and(|number| number.to_string() == part))
        })
    }
}
