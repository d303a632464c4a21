//! Directories of N5 as stores of Zarr V2 (N5 specification 2.0; `N5Store` of zarr-python 2.18).

mod documents;
mod store;

use std::sync::Arc;

use serde_json::Value;

use self::documents::Document;
pub(crate) use self::documents::unwrapped;
pub use self::store::N5Store;
use crate::{
    ArrayMetadata, Error, Options, Result, ZarrFormat,
    metadata::{Members, json, v2},
};

/// What [`zarr_store::Store::node_format`] says of N5.
pub(crate) const FORMAT: &str = "n5";

/// The metadata of an array as a store of N5 will give them back once they are stored.
///
/// # Errors
/// [`Error::Create`] for what N5 does not have.
pub(crate) fn adapted(metadata: &ArrayMetadata, options: &Options) -> Result<ArrayMetadata> {
    if metadata.format != ZarrFormat::V2 {
        return Err(Error::create(
            "N5 directories hold nodes of the Zarr format 2 only",
        ));
    }
    let wrong = |wrong: crate::metadata::Wrong| Error::create(format!("{}: {}", wrong.pointer, wrong.reason));
    let array = v2::write_array(metadata, &options.registry).map_err(wrong)?;
    let mut document = Document::new();
    documents::array_to_n5(&mut document, &array, false).map_err(Error::create)?;
    let array = documents::array_to_zarr(&document).map_err(Error::create)?;
    let members = Members::new(array).map_err(wrong)?;
    v2::read_array(members, &options.registry).map_err(wrong)
}

/// Reads a document of N5 or V2.
fn parse(bytes: &[u8]) -> Result<Document, String> {
    match json::parse(bytes) {
        Ok(Value::Object(document)) => Ok(document),
        Ok(_) => Err("it is no object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Makes a store of N5 of one whose keys are those of N5.
///
/// ```
/// use std::sync::Arc;
/// use zarr_core::{ArrayBuilder, N5Store, NodePath, codecs::DataType, store::{MemoryStore, Store, StoreExt, StoreKey}};
/// let directory: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let store: Arc<dyn Store> = Arc::new(N5Store::new(Arc::clone(&directory)));
/// ArrayBuilder::new(vec![2, 3], DataType::Int16).create(store, &NodePath::new("a")?, &Default::default())?;
/// let document = directory.get(&StoreKey::new("a/attributes.json")?, 1000)?.expect("the array is there");
/// assert!(String::from_utf8_lossy(&document).contains("\"dataType\": \"int16\""));
/// # Ok::<(), zarr_core::Error>(())
/// ```
impl N5Store {
    /// Sees the keys of N5 in `inner` as those of Zarr V2.
    pub fn new(inner: Arc<dyn zarr_store::Store>) -> Self {
        Self::below(inner, true)
    }
}
