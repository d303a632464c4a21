//! Datasets as Zarr arrays of the same encoded chunks.
//!
//! The filters of a dataset are the codecs of its twin, so that chunks can be moved to and from other arrays as they
//! are, and be encoded on all threads. No document of a twin is ever stored.

use std::sync::Arc;

use zarr_convenience::core::codecs::{DataType, FillValue};
use zarr_convenience::core::store::Store;
use zarr_convenience::core::{Array, ArrayBuilder, NodePath, Options, ZarrFormat};

use super::{datatype::Elements, filters};
use crate::hdf5::{FillValue as FileFillValue, Filter};

/// What a dataset in chunks is.
pub(super) struct Dataset<'a> {
    pub(super) elements: &'a Elements,
    /// With the dimensions that elements have themselves, at the end; so are the chunks.
    pub(super) shape: &'a [u64],
    pub(super) chunk_shape: &'a [u64],
    pub(super) filters: &'a [Filter],
    /// What elements are that were never written, as the file has it.
    pub(super) fill_value: &'a FileFillValue,
}

/// What the elements of a twin are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// Those that Zarr has a type for.
    Elements,
    /// The bytes of the file, where those differ.
    Bytes,
}

impl Dataset<'_> {
    /// The twin of the dataset over a store of its chunks, or why it has none.
    pub(super) fn twin(&self, elements: As, store: Arc<dyn Store>) -> Result<Array, String> {
        let own = self.elements;
        let lengths = own.inner.iter();
        let element_size = lengths.fold(own.file_size(), |size, length| {
            size.saturating_mul(usize::try_from(*length).unwrap_or(usize::MAX))
        });
        let codec = |filter: &Filter| {
            filters::stored_config(filter, element_size)
                .ok_or_else(|| format!("filter {} is for the HDF5 library alone", filter.id))
        };
        let codecs = self.filters.iter().map(codec).collect::<Result<_, _>>()?;
        let data_type = match elements {
            As::Elements => own.data_type.clone(),
            As::Bytes => DataType::Raw(u32::try_from(own.file_size()).unwrap_or(u32::MAX)),
        };
        let fill_value = match elements {
            As::Elements => own.fill_value(self.fill_value),
            As::Bytes => FillValue::new(own.file_fill(self.fill_value)),
        };
        let options = Options {
            registry: Arc::new(filters::registry()),
            ..Options::default()
        };
        ArrayBuilder::new(self.shape.to_vec(), data_type)
            .format(ZarrFormat::V3)
            .v2_chunk_names()
            .separator(SEPARATOR)
            .byte_order(own.byte_order)
            .chunk_shape(self.chunk_shape.to_vec())
            .fill_value(Some(fill_value))
            .codecs(codecs)
            .prepare(store, &NodePath::root(), &options)
            .map_err(|error| error.to_string())
    }
}

/// What stands between the numbers of a chunk in its key.
pub(super) const SEPARATOR: char = '.';
