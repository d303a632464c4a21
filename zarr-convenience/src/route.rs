//! How the data of an array go to its copy, and why that way.

use zarr_core::{
    Array,
    codecs::{ChunkCodec, CodecConfig, CodecRegistry},
};

use crate::{
    SourceArray,
    boxes::Boxes,
    numpy_text::{grid_text, shape_text},
    wrapping::Wrapping,
};

/// A way of data to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Encoded chunks are moved as they are stored; those that are missing stay missing.
    Move,
    /// Values are read and encoded anew, once each, in units of whole chunks of the destination.
    Recode,
}

impl Way {
    /// The word for the way.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Recode => "recode",
        }
    }
}

/// The way of one array, cut into units of work that can be done in any order and at the same time.
///
/// The units follow from the two arrays and the limit of memory alone, and no two of them write the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The way.
    pub way: Way,
    /// Why not a better one, or why it can be the best one.
    pub reason: String,
    /// The shape of a unit, in elements.
    pub unit_shape: Vec<u64>,
    /// The number of units; those of chunks that are missing in the source have nothing to do.
    pub n_units: u64,
    /// The bytes that buffers take while a thread works at a unit, at most, but for items of variable size.
    pub unit_memory: u64,
}

impl Route {
    /// The way in a few words.
    pub fn text(&self) -> String {
        let Self {
            way,
            reason,
            unit_shape,
            n_units,
            ..
        } = self;
        let what = match way {
            Way::Move => "encoded chunks are moved as they are",
            Way::Recode => "values are decoded and encoded anew",
        };
        let units = if *n_units == 1 { "unit" } else { "units" };
        format!(
            "{what}, because {reason}; {n_units} {units} of {}",
            shape_text(unit_shape)
        )
    }
}

/// Plans how the values of an array go into a Zarr array with so much memory for buffers.
pub fn route(source: &dyn SourceArray, target: &Array, memory: Option<u64>) -> Route {
    match movable(source, target) {
        Ok(wrapping) => {
            let encoded = target
                .chunk_codec()
                .map_or(0, |codec| encoded_size_likely_max(&codec));
            let words = wrapping.words();
            let times = if words.is_empty() { 1 } else { 2 };
            Route {
                way: Way::Move,
                reason: if words.is_empty() {
                    "chunk shape, codecs and fill value agree".to_owned()
                } else {
                    let what = words.join(", and ");
                    format!("chunk shape, filters and fill value agree: {what}")
                },
                unit_shape: target.chunk_shape().to_vec(),
                n_units: target.n_chunks(),
                unit_memory: encoded.saturating_mul(times).saturating_add(wrapping.memory()),
            }
        }
        Err(reason) => {
            let boxes = Boxes::new(source, (target, streams(target)), memory);
            Route {
                way: Way::Recode,
                reason,
                unit_shape: boxes.unit_shape().to_vec(),
                n_units: boxes.len() as u64,
                unit_memory: boxes.memory(),
            }
        }
    }
}

/// Whether the store of an array takes chunks in pieces.
pub(crate) fn streams(target: &Array) -> bool {
    target.store().capabilities().pieces
}

/// How the stored chunks of one array become those of another, or why they do not without being decoded.
pub(crate) fn movable(source: &dyn SourceArray, to: &Array) -> Result<Wrapping, String> {
    let from = source.stored_as()?;
    let (a, b) = (from.metadata(), to.metadata());
    if a.shape != b.shape || a.data_type != b.data_type {
        return Err("shape or data type differ".to_owned());
    }
    if a.chunk_grid != b.chunk_grid {
        let (from, to) = (grid_text(&a.chunk_grid), grid_text(&b.chunk_grid));
        return Err(format!("chunks of {from} become chunks of {to}"));
    }
    let (from, to) = (a.codecs.list(), b.codecs.list());
    let size = source.data_type().size().unwrap_or(0);
    let lengths = source.chunk_shape().unwrap_or_default();
    let size = lengths.iter().try_fold(size, |size, length| {
        size.checked_mul(usize::try_from(*length).ok()?)
    });
    let registry = &CodecRegistry::default();
    let wrapping = Wrapping::new(from, to, size.unwrap_or(0), registry).ok_or_else(|| {
        let names = |list: &[CodecConfig]| {
            let names: Vec<_> = list.iter().map(|codec| codec.name.as_str()).collect();
            names.join(", ")
        };
        let (from, to) = (names(from), names(to));
        if from == to {
            format!("the codecs ({from}) are configured otherwise")
        } else {
            format!("the codecs differ: {from} become {to}")
        }
    })?;
    if a.chunk_grid.rectilinear().is_some() && !wrapping.is_none() {
        return Err(
            "the codecs differ, and chunks that differ in length are not put into other frames".to_owned(),
        );
    }
    if a.fill_value_or_zero() != b.fill_value_or_zero() {
        return Err("the fill values differ".to_owned());
    }
    Ok(wrapping)
}

/// The bytes of an encoded chunk that a codec is likely not to exceed.
///
/// Codecs of texts have no bound worth the name.
pub(crate) fn encoded_size_likely_max(codec: &ChunkCodec) -> u64 {
    if let Some(size) = codec.encoded_size() {
        return size as u64;
    }
    let likely = (codec.decoded_size() as u64).saturating_mul(2);
    codec.encoded_size_max().min(likely.saturating_add(64 * 1024))
}
