//! Which filters the chunks of a new dataset go through.

use serde_json::Value;
use zarr_convenience::{Creation, Error, Result, SourceArray};

use super::datatype::Elements;
use super::filters::{self, DEFLATE, FLETCHER32, LZF, SHUFFLE, is_decodable};
use crate::hdf5::{DatasetInfo, Filter};

/// The level of compression that h5py is asked for by zarr-python.
const GZIP_LEVEL: u32 = 1;

/// What a copy is asked for.
pub(super) struct Asked {
    /// What compresses, if anything; `None` if nothing is said.
    compressors: Option<Vec<Filter>>,
    /// Whether bytes are shuffled, and whether a checksum is added; `None` if nothing is said.
    around: Option<(bool, bool)>,
    keeps: bool,
}

impl Asked {
    /// Takes what makes sense in HDF5.
    pub(super) fn new(creation: &Creation) -> Result<Self> {
        let meaningless = [
            ("codecs", creation.codecs.is_some()),
            ("order", creation.order.is_some()),
            ("dimension_separator", creation.dimension_separator.is_some()),
            ("zarr_format", creation.zarr_format.is_some()),
        ];
        if let Some((name, _)) = meaningless.iter().find(|(_, is_given)| *is_given) {
            return Err(only_zarr(name));
        }
        Ok(Self {
            compressors: creation
                .compressor
                .as_ref()
                .map(|given| compressors(given.as_ref()))
                .transpose()?,
            around: creation
                .filters
                .as_ref()
                .map(|given| around(given.as_deref()))
                .transpose()?,
            keeps: creation.keeps_codecs,
        })
    }

    /// Whether filters are named.
    pub(super) fn names_any(&self) -> bool {
        self.compressors.is_some() || self.around.is_some()
    }

    /// The filters, in the order that h5py gives them: those that are asked for, else those of the source as far as they
    /// are kept, else the ones that zarr-python asks for.
    pub(super) fn filters(
        &self,
        array: &dyn SourceArray,
        dataset: Option<&DatasetInfo>,
        elements: &Elements,
        chunk_size: u64,
    ) -> Vec<Filter> {
        let usual = || vec![filter(DEFLATE, vec![GZIP_LEVEL], true)];
        let kept = match dataset {
            Some(info) => {
                let is_kept = |filter: &&Filter| {
                    let is_common = matches!(filter.id, DEFLATE | SHUFFLE | FLETCHER32);
                    is_common || self.keeps && is_decodable(filter)
                };
                info.filters.iter().filter(is_kept).cloned().collect()
            }
            None if self.keeps => stored_filters(array, elements, chunk_size).unwrap_or_else(usual),
            None => usual(),
        };
        let has = |id: i32| kept.iter().any(|filter| filter.id == id);
        let (shuffle, fletcher32) = self.around.unwrap_or_else(|| (has(SHUFFLE), has(FLETCHER32)));
        if !self.names_any() {
            return kept;
        }
        let is_around = |filter: &Filter| matches!(filter.id, SHUFFLE | FLETCHER32);
        let mut compressors = self.compressors.clone().unwrap_or_else(|| {
            let kept = kept.iter().filter(|filter| !is_around(filter));
            kept.cloned().collect()
        });
        // As h5py has them: the versions of its filter and of LZF, and how large chunks become.
        for lzf in compressors.iter_mut().filter(|filter| filter.id == LZF) {
            lzf.client_data = vec![4, 0x105, u32::try_from(chunk_size).unwrap_or(0)];
        }
        let shuffle = shuffle.then(|| filter(SHUFFLE, Vec::new(), true));
        let fletcher32 = fletcher32.then(|| filter(FLETCHER32, Vec::new(), false));
        shuffle.into_iter().chain(compressors).chain(fletcher32).collect()
    }
}

/// The filters that do what the codecs of an array do.
fn stored_filters(array: &dyn SourceArray, elements: &Elements, chunk_size: u64) -> Option<Vec<Filter>> {
    let stored = array.stored_as().ok()?;
    let inner = elements.inner.iter().product::<u64>().max(1);
    let element_size = elements.file_size().checked_mul(usize::try_from(inner).ok()?)?;
    filters::of_codecs(stored.metadata().codecs.list(), element_size, chunk_size)
}

fn filter(id: i32, client_data: Vec<u32>, is_optional: bool) -> Filter {
    Filter {
        id,
        is_optional,
        client_data,
        name: String::new(),
    }
}

fn only_zarr(name: &str) -> Error {
    Error::Argument(format!("'{name}' can only be used when copying to zarr"))
}

/// The compression that is asked for.
fn compressors(compressor: Option<&Value>) -> Result<Vec<Filter>> {
    const LEVEL_MAX: u64 = 9;
    let Some(compressor) = compressor else {
        return Ok(Vec::new());
    };
    if compressor["id"] == "lzf" {
        return Ok(vec![filter(LZF, Vec::new(), true)]);
    }
    let level = compressor
        .get("level")
        .map_or(Some(u64::from(GZIP_LEVEL)), Value::as_u64);
    let level = level
        .filter(|level| *level <= LEVEL_MAX && (compressor["id"] == "zlib" || compressor["id"] == "gzip"));
    match level.and_then(|level| u32::try_from(level).ok()) {
        Some(level) => Ok(vec![filter(DEFLATE, vec![level], true)]),
        None => Err(Error::Argument(format!(
            "compressor must be zlib with a level of 0 to {LEVEL_MAX}, lzf, or none, when copying to HDF5; found {compressor}"
        ))),
    }
}

/// Whether `shuffle` and `fletcher32` are asked for; there are no other filters in both formats.
fn around(filters: Option<&[Value]>) -> Result<(bool, bool)> {
    let filters = filters.unwrap_or_default();
    let has = |id: &str| filters.iter().any(|filter| filter["id"] == id);
    let is_other = |filter: &Value| filter["id"] != "shuffle" && filter["id"] != "fletcher32";
    if filters.iter().any(is_other) {
        return Err(only_zarr("filters"));
    }
    Ok((has("shuffle"), has("fletcher32")))
}
