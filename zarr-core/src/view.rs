//! Arrays that read stored chunks under metadata other than the stored ones.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_codecs::{
    ByteOrder, ChunkRef, ChunkSpec, CodecChain, CodecConfig, DataType, FillValue, Limits, Scratch,
};

use crate::{
    Array, ArrayMetadata, ChunkGrid, Options, Result,
    metadata::{Codecs, V2Codecs, data_type_to_v2, elements_codec},
};

/// What a view declares in place of what the metadata say; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ViewOptions {
    /// The shape.
    pub shape: Option<Vec<u64>>,
    /// The shape of a chunk.
    pub chunk_shape: Option<Vec<u64>>,
    /// The type of the elements, and the byte order in which they are stored.
    pub data_type: Option<(DataType, ByteOrder)>,
    /// What elements are that were never written.
    pub fill_value: Option<FillValue>,
    /// The filters, in the V2 form.
    pub filters: Option<Vec<Value>>,
    /// Whether the view may only be read.
    pub read_only: Option<bool>,
}

impl Array {
    /// The same chunks under other metadata, which are stored nowhere: zarr-python's `view`.
    ///
    /// Nothing is checked against the chunks: a view whose chunks decode to another size gives errors when it
    /// is read. A view can be written unless the array is read-only; it cannot be resized.
    ///
    /// # Errors
    /// [`crate::Error::Incompatible`] for chunks of another number of dimensions or of length 0, a fill value of
    /// another size, and for filters where the codecs have no V2 form.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use zarr_core::{ArrayBuilder, NodePath, Selection, ViewOptions, codecs::{ByteOrder, DataType}, store::MemoryStore};
    /// let builder = ArrayBuilder::new(vec![4], DataType::UInt8);
    /// let array = builder.create(Arc::new(MemoryStore::new()), &NodePath::root(), &Default::default())?;
    /// array.write_vec(&Selection::all(), &[1_u8, 0, 2, 0])?;
    /// let view = array.view(ViewOptions {
    ///     shape: Some(vec![2]),
    ///     chunk_shape: Some(vec![2]),
    ///     data_type: Some((DataType::Int16, ByteOrder::Little)),
    ///     ..ViewOptions::default()
    /// })?;
    /// assert_eq!(view.read_vec::<i16>(&Selection::all())?, [1, 2]);
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn view(&self, options: ViewOptions) -> Result<Self> {
        let stored = self.metadata();
        let shape = options.shape.unwrap_or_else(|| stored.shape.clone());
        let chunk_grid = options.chunk_shape.map_or_else(
            || stored.chunk_grid.clone(),
            |chunk_shape| ChunkGrid::Regular { chunk_shape },
        );
        let chunk_shape = chunk_grid.chunk_shape();
        if chunk_shape.len() != shape.len() || chunk_shape.contains(&0) {
            return Err(self.incompatible("chunks of a view must have its dimensions and at least length 1"));
        }
        let edges = chunk_grid.rectilinear().map(crate::RectilinearGrid::edges);
        if edges
            .into_iter()
            .flatten()
            .zip(&shape)
            .any(|(edges, length)| !edges.covers(*length))
        {
            return Err(self.incompatible("chunks end before the view does"));
        }
        let (data_type, byte_order) = options
            .data_type
            .unwrap_or_else(|| (stored.data_type.clone(), stored.codecs.byte_order()));
        let codecs = self.viewed_codecs(options.filters, &data_type, byte_order, shape.len())?;
        let fill_value = match options.fill_value {
            Some(fill) if data_type.is_variable() || Some(fill.size()) == data_type.size() => Some(fill),
            Some(_) => return Err(self.incompatible("fill value is no element of the view")),
            None => stored
                .fill_value
                .as_ref()
                .map(|fill| self.viewed_fill_value(fill, &data_type)),
        };
        let metadata = ArrayMetadata {
            shape,
            data_type,
            chunk_grid,
            fill_value,
            codecs,
            ..stored.clone()
        };
        let opened = Options {
            read_only: self.options().read_only || options.read_only.unwrap_or(false),
            ..self.options().clone()
        };
        let view = Self::new(Arc::clone(self.store()), self.path().clone(), metadata, opened);
        Ok(view.into_view())
    }

    /// The array with its elements converted when they are read: zarr-python's `astype`.
    ///
    /// The view may only be read. Numbers convert as `NumPy` does: floats are cut, integers wrap around.
    ///
    /// # Errors
    /// [`crate::Error::Codecs`] for types that do not convert.
    pub fn astype(&self, data_type: &DataType) -> Result<Self> {
        let stored = self.metadata();
        let byte_order = stored.codecs.byte_order();
        let name = |data_type: &DataType| {
            let name = data_type_to_v2(data_type, byte_order);
            name.ok_or_else(|| self.incompatible("astype is for numbers"))
        };
        let mut filters = self.v2_codecs()?.filters.unwrap_or_default();
        let astype = json!({
            "id": "astype",
            "encode_dtype": name(&stored.data_type)?,
            "decode_dtype": name(data_type)?,
        });
        filters.insert(0, astype);
        let view = self.view(ViewOptions {
            data_type: Some((data_type.clone(), byte_order)),
            filters: Some(filters),
            read_only: Some(true),
            ..ViewOptions::default()
        })?;
        view.chunk_codec()?;
        Ok(view)
    }

    fn v2_codecs(&self) -> Result<V2Codecs> {
        let codecs = self.metadata().codecs.to_v2(&self.options().registry);
        codecs.map_err(|name| self.incompatible(&format!("codec `{name}` has no form in Zarr V2")))
    }

    fn viewed_codecs(
        &self,
        filters: Option<Vec<Value>>,
        data_type: &DataType,
        byte_order: ByteOrder,
        ndim: usize,
    ) -> Result<Codecs> {
        let stored = &self.metadata().codecs;
        match (filters, self.v2_codecs()) {
            (Some(_), Err(error)) => Err(error),
            (filters, Ok(codecs)) => {
                let order = self
                    .metadata()
                    .order()
                    .ok_or_else(|| self.incompatible("order is neither C nor F"))?;
                let codecs = V2Codecs {
                    filters: filters.or(codecs.filters),
                    ..codecs
                };
                let registry = &self.options().registry;
                Ok(Codecs::from_v2(
                    codecs,
                    data_type,
                    byte_order,
                    (order, ndim),
                    registry,
                ))
            }
            (None, Err(_)) => {
                let declared = |codec: &CodecConfig| match codec.name.as_str() {
                    "bytes" => elements_codec(data_type, byte_order),
                    _ => codec.clone(),
                };
                Ok(Codecs::new(stored.list().iter().map(declared).collect()))
            }
        }
    }

    /// The fill value as an element of another type; zero where it is none.
    fn viewed_fill_value(&self, fill_value: &FillValue, data_type: &DataType) -> FillValue {
        let stored = &self.metadata().data_type;
        if stored == data_type {
            return fill_value.clone();
        }
        let converted = self.convert(fill_value.as_bytes(), stored, data_type);
        converted.map_or_else(|| FillValue::zero(data_type), FillValue::new)
    }

    /// Converts an element of one type into one of another.
    fn convert(&self, element: &[u8], from: &DataType, to: &DataType) -> Option<Vec<u8>> {
        let registry = &self.options().registry;
        let name = |data_type| data_type_to_v2(data_type, ByteOrder::NATIVE);
        let filter = json!({"id": "astype", "encode_dtype": name(from)?, "decode_dtype": name(to)?});
        let codecs = V2Codecs {
            filters: Some(vec![filter]),
            compressor: None,
        };
        let codecs = Codecs::from_v2(codecs, to, ByteOrder::NATIVE, (crate::Order::C, 0), registry);
        let chain = CodecChain::new(codecs.list(), registry, &Limits::DEFAULT).ok()?;
        let spec = ChunkSpec {
            shape: Vec::new(),
            data_type: to.clone(),
            fill_value: FillValue::zero(to),
        };
        let codec = chain.for_chunk(spec, &Limits::DEFAULT).ok()?;
        let mut scratch = Scratch::default();
        let decoded: ChunkRef<'_> = codec.decode(element, &mut scratch).ok()?;
        Some(decoded.elements.to_vec())
    }
}
