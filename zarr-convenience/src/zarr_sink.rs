//! Zarr as a destination of copies.
//!
//! Each array is copied in units of whole chunks, so that no two threads write one key.
//! Its document is stored after its chunks, or, where something is replaced and the store can, the whole
//! array takes the place of the old node in one step.

use std::{collections::HashSet, sync::Arc};

use serde_json::{Map, Value};
use zarr_core::{
    Array, ArrayBuilder, Error as CoreError, Group, Node, NodePath, Selection, Workers, ZarrFormat, clear,
    create_parents,
    store::{MemoryStore, Staged, Store},
};

use crate::{Creation, Found, How, Lost, Result, Sink, SourceArray};

/// The bytes of values in one unit of work, about: enough to keep a thread busy, little enough to count.
const UNIT_SIZE: u64 = 4 << 20;

impl Sink for Group {
    fn root(&self) -> &NodePath {
        self.path()
    }

    fn find(&self, path: &NodePath) -> Result<Option<Found>> {
        let found = Node::find(self.store(), path, self.options(), None)?;
        Ok(found.map(|node| match node {
            Node::Array(_) => Found::Array,
            Node::Group(_) => Found::Group,
        }))
    }

    fn is_complete(&self, path: &NodePath) -> Result<bool> {
        let array = Array::open(Arc::clone(self.store()), path, self.options())?;
        Ok(array.n_chunks_initialized()? == array.n_chunks())
    }

    fn refusal(&self, array: &dyn SourceArray, creation: &Creation) -> Result<Option<String>> {
        let nowhere = Arc::new(MemoryStore::new());
        let target = builder(self, array, creation)?.prepare(nowhere, &NodePath::root(), self.options())?;
        // What cannot be decoded can still be carried along, if its chunks need not change.
        let is_opaque = |from: &Array| from.chunk_codec().is_err() && has_equal_chunks(from, &target);
        if !array.as_zarr().is_some_and(is_opaque) {
            target.chunk_codec()?;
        }
        match target.check_metadata() {
            Ok(()) => Ok(None),
            Err(CoreError::Metadata { reason, .. }) => Ok(Some(reason)),
            Err(error) => Err(error.into()),
        }
    }

    fn put_group(&self, path: &NodePath, attributes: Map<String, Value>, how: &How<'_>) -> Result<Vec<Lost>> {
        let (store, options) = (self.store(), self.options());
        if how.replaces {
            clear(store.as_ref(), path)?;
        }
        let group = match Node::find(store, path, options, None)? {
            Some(Node::Group(group)) => group,
            _ => Self::create(Arc::clone(store), path, format(self, how.creation), options)?,
        };
        if !attributes.is_empty() {
            group.attrs().update(attributes)?;
        }
        Ok(Vec::new())
    }

    fn put_array(
        &self,
        path: &NodePath,
        array: &dyn SourceArray,
        attributes: Map<String, Value>,
        how: &How<'_>,
    ) -> Result<Vec<Lost>> {
        let store = self.store();
        create_parents(store, path, format(self, how.creation), self.options())?;
        let staged = if how.replaces {
            store.stage(path.prefix())?
        } else {
            None
        };
        if let Some(staged) = staged {
            write_array(self, array, (&staged.store(), &NodePath::root()), attributes, how)?;
            Staged::publish(staged)?;
        } else {
            // Chunks that a killed copy left there would be taken for ours.
            clear(store.as_ref(), path)?;
            write_array(self, array, (store, path), attributes, how)?;
        }
        Ok(Vec::new())
    }

    fn flush(&self) -> Result<()> {
        Ok(self.store().flush()?)
    }

    fn zarr_store(&self) -> Option<&Arc<dyn Store>> {
        Some(self.store())
    }
}

/// The format in which a copy is made.
fn format(group: &Group, creation: &Creation) -> ZarrFormat {
    creation.zarr_format.unwrap_or(group.metadata().format)
}

fn builder(group: &Group, array: &dyn SourceArray, creation: &Creation) -> Result<ArrayBuilder> {
    let builder = array.builder()?.format(format(group, creation));
    creation.apply(builder, array.shape(), array.data_type(), array.byte_order())
}

/// Writes chunks, then attributes, then the document.
fn write_array(
    group: &Group,
    array: &dyn SourceArray,
    (store, path): (&Arc<dyn Store>, &NodePath),
    attributes: Map<String, Value>,
    how: &How<'_>,
) -> Result<()> {
    let builder = builder(group, array, how.creation)?.attributes(attributes.clone());
    let target = builder.prepare(Arc::clone(store), path, group.options())?;
    copy_values(array, &target, how)?;
    if target.metadata().format == ZarrFormat::V2 && !attributes.is_empty() {
        target.set_attributes(attributes)?;
    }
    Ok(target.write_metadata()?)
}

/// Copies all values, in the best of the ways there are.
fn copy_values(source: &dyn SourceArray, target: &Array, how: &How<'_>) -> Result<()> {
    if target.n_elements() == 0 {
        return Ok(());
    }
    let stored = source.stored_chunks()?;
    if let (Some(from), Some(stored)) = (source.as_zarr(), &stored)
        && has_equal_chunks(from, target)
    {
        return move_chunks(from, target, stored, how);
    }
    let is_sparse = source.chunk_shape() == Some(target.chunk_shape())
        && stored
            .as_ref()
            .is_some_and(|stored| (stored.len() as u64) < target.n_chunks());
    let units = if is_sparse {
        Units::of_chunks(source, target)
    } else {
        Units::new(source, target)
    };
    let target = target
        .clone()
        .with_options(|options| options.workers = Workers::ONE);
    how.workers.for_each(units.len(), &|number| {
        let selection = units.selection(number);
        let (start, shape) = units.region(number);
        if stored
            .as_ref()
            .is_none_or(|stored| units.is_stored(&start, &shape, stored))
        {
            let data = source.read(&selection, Workers::ONE)?;
            target.write_data(&selection, &data)?;
        }
        (how.progress)(units.size(&shape));
        Ok(())
    })
}

/// Moves chunks as they are stored: nothing is decoded, and missing chunks stay missing.
fn move_chunks(from: &Array, target: &Array, stored: &HashSet<Vec<u64>>, how: &How<'_>) -> Result<()> {
    let chunks: Vec<_> = stored.iter().collect();
    let item_size = from.data_type().size().unwrap_or(1) as u64;
    let size: u64 = from
        .chunk_shape()
        .iter()
        .fold(item_size, |size, length| size.saturating_mul(*length));
    let requests_max = from
        .store()
        .io_hints()
        .requests_max
        .max(target.store().io_hints().requests_max);
    let workers = how.workers.for_requests(requests_max, size);
    workers.for_each(chunks.len(), &|number| {
        if let Some(encoded) = from.read_encoded_chunk(chunks[number])? {
            target.write_encoded_chunk(chunks[number], &encoded)?;
        }
        (how.progress)(size);
        Ok(())
    })
}

/// Whether the stored chunks of one array are those of another.
fn has_equal_chunks(a: &Array, b: &Array) -> bool {
    let (a, b) = (a.metadata(), b.metadata());
    a.shape == b.shape
        && a.data_type == b.data_type
        && a.chunk_grid == b.chunk_grid
        && a.codecs.list() == b.codecs.list()
        && a.fill_value_or_zero() == b.fill_value_or_zero()
}

/// The parts in which an array is copied: boxes of whole destination chunks.
struct Units {
    array_shape: Vec<u64>,
    /// The shape of a part.
    unit_shape: Vec<u64>,
    /// The number of parts in each dimension.
    counts: Vec<u64>,
    source_chunk: Option<Vec<u64>>,
    item_size: u64,
}

impl Units {
    fn new(source: &dyn SourceArray, target: &Array) -> Self {
        let array_shape = target.shape().to_vec();
        let item_size = target.data_type().size().unwrap_or(1).max(1) as u64;
        let source_chunk = source.chunk_shape().map(<[u64]>::to_vec);
        let mut unit_shape = target.chunk_shape().to_vec();
        // As long as the source's chunks, so that few of them are decoded twice.
        for (dimension, unit) in unit_shape.iter_mut().enumerate() {
            let chunk = source_chunk
                .as_ref()
                .map_or(1, |chunk| chunk[dimension])
                .min(array_shape[dimension]);
            *unit = chunk.div_ceil(*unit).max(1).saturating_mul(*unit);
        }
        // Long along the last dimensions, which lie together, until a unit is worth its trouble.
        for dimension in (0..unit_shape.len()).rev() {
            let size: u64 = unit_shape
                .iter()
                .zip(&array_shape)
                .fold(item_size, |size, (unit, length)| {
                    size.saturating_mul((*unit).min(*length))
                });
            let times = (UNIT_SIZE / size.max(1)).min(array_shape[dimension].div_ceil(unit_shape[dimension]));
            if times > 1 {
                unit_shape[dimension] *= times;
            }
        }
        Self::of_shape(source, target, unit_shape)
    }

    /// One part a chunk, so that chunks that were never written stay so.
    fn of_chunks(source: &dyn SourceArray, target: &Array) -> Self {
        Self::of_shape(source, target, target.chunk_shape().to_vec())
    }

    fn of_shape(source: &dyn SourceArray, target: &Array, unit_shape: Vec<u64>) -> Self {
        let array_shape = target.shape().to_vec();
        let counts = array_shape
            .iter()
            .zip(&unit_shape)
            .map(|(length, unit)| length.div_ceil(*unit))
            .collect();
        Self {
            array_shape,
            unit_shape,
            counts,
            source_chunk: source.chunk_shape().map(<[u64]>::to_vec),
            item_size: target.data_type().size().unwrap_or(1).max(1) as u64,
        }
    }

    fn len(&self) -> usize {
        self.counts.iter().product::<u64>() as usize
    }

    /// First element and shape of a part.
    fn region(&self, number: usize) -> (Vec<u64>, Vec<u64>) {
        let mut number = number as u64;
        let mut start = vec![0; self.counts.len()];
        for dimension in (0..start.len()).rev() {
            start[dimension] = number % self.counts[dimension] * self.unit_shape[dimension];
            number /= self.counts[dimension];
        }
        let shape = start.iter().zip(&self.unit_shape).zip(&self.array_shape);
        let shape = shape
            .map(|((start, unit), length)| (*unit).min(length - start))
            .collect();
        (start, shape)
    }

    fn selection(&self, number: usize) -> Selection {
        let (start, shape) = self.region(number);
        Selection::region(&start, &shape)
    }

    fn size(&self, shape: &[u64]) -> u64 {
        shape
            .iter()
            .fold(self.item_size, |size, length| size.saturating_mul(*length))
    }

    /// Whether a part has values, and not only the fill value.
    fn is_stored(&self, start: &[u64], shape: &[u64], stored: &HashSet<Vec<u64>>) -> bool {
        let Some(chunk) = &self.source_chunk else {
            return true;
        };
        let ranges: Vec<_> = (0..start.len())
            .map(|dimension| {
                let end = start[dimension] + shape[dimension];
                start[dimension] / chunk[dimension]..end.div_ceil(chunk[dimension])
            })
            .collect();
        if ranges.iter().all(|range| range.end - range.start == 1) {
            let coords: Vec<_> = ranges.iter().map(|range| range.start).collect();
            return stored.contains(&coords);
        }
        stored.iter().any(|coords| {
            coords
                .iter()
                .zip(&ranges)
                .all(|(coord, range)| range.contains(coord))
        })
    }
}
