//! `info`: what an array or a group is, as values and as zarr-python's text (`v2-semantics` 12.7, 13.12).

use std::fmt::{self, Write};

use serde_json::Value;
use zarr_core::{Array, Group, Node, Order, Result, codecs::DataType, store::Store};

use crate::{codec_text, data_type_text, grid_text, shape_text, text_wrap::wrap};

/// What an array is, and how much of it is stored.
///
/// Shown as text, it is what zarr-python prints.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayInfo {
    /// The name with a slash at the beginning; none for a root array.
    pub name: Option<String>,
    /// The data type as `NumPy` prints it.
    pub data_type: String,
    /// The number of elements in each dimension.
    pub shape: Vec<u64>,
    /// The number of elements of a chunk in each dimension; of an inner chunk, where chunks lie in shards.
    pub chunk_shape: Vec<u64>,
    /// The lengths of what is stored under one key, where they differ, in the form that documents have.
    pub chunk_lengths: Option<String>,
    /// The number of elements of a shard in each dimension, if there are shards.
    pub shard_shape: Option<Vec<u64>>,
    /// The order of elements in stored chunks; `None` if it is neither C nor F.
    pub order: Option<Order>,
    /// Whether the array may only be read.
    pub read_only: bool,
    /// The filters in the V2 form; of codecs that have none, the codecs in the V3 form.
    pub filters: Vec<Value>,
    /// The compressor in the V2 form.
    pub compressor: Option<Value>,
    /// The type of the store.
    pub store_type: String,
    /// The type of the store of the chunks, where that is another one; whoever has opened the array with it says so.
    pub chunk_store_type: Option<String>,
    /// The bytes of all elements; an item of any size counts as the 8 bytes that `NumPy` has for it.
    pub size: u64,
    /// The bytes in the store, documents included.
    pub size_stored: u64,
    /// The number of chunks of the grid; of shards, where there are shards.
    pub n_chunks: u64,
    /// The number of chunks that are stored.
    pub n_chunks_initialized: u64,
}

/// What a group is.
///
/// Shown as text, it is what zarr-python prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupInfo {
    /// The name with a slash at the beginning.
    pub name: String,
    /// Whether the group may only be read.
    pub read_only: bool,
    /// The type of the store.
    pub store_type: String,
    /// The type of the store of the chunks, where that is another one; whoever has opened the group with it says so.
    pub chunk_store_type: Option<String>,
    /// The names of the arrays directly below, by code point.
    pub arrays: Vec<String>,
    /// The names of the groups directly below, by code point.
    pub groups: Vec<String>,
}

impl ArrayInfo {
    /// Looks at an array.
    ///
    /// # Errors
    /// When the store cannot list.
    pub fn of(array: &Array) -> Result<Self> {
        let metadata = array.metadata();
        let (filters, compressor) = match metadata.codecs.to_v2(&array.options().registry) {
            Ok(codecs) => (codecs.filters.unwrap_or_default(), codecs.compressor),
            Err(_) => (
                metadata
                    .codecs
                    .list()
                    .iter()
                    .map(zarr_core::codecs::CodecConfig::to_json)
                    .collect(),
                None,
            ),
        };
        let item_size = match array.data_type() {
            variable if variable.is_variable() => 8,
            DataType::Unknown { json, .. } if json == "|O" => 8,
            fixed => fixed.size().unwrap_or(0) as u64,
        };
        let inner_shape = array.inner_chunk_shape();
        let extent = array.stored_extent()?;
        Ok(Self {
            name: (!array.path().is_root()).then(|| array.path().to_string()),
            data_type: data_type_text(array.data_type(), metadata.codecs.byte_order()),
            shape: array.shape().to_vec(),
            shard_shape: inner_shape.is_some().then(|| array.chunk_shape().to_vec()),
            chunk_shape: inner_shape.unwrap_or_else(|| array.chunk_shape().to_vec()),
            chunk_lengths: metadata
                .chunk_grid
                .rectilinear()
                .map(|_| grid_text(&metadata.chunk_grid)),
            order: metadata.order(),
            read_only: array.options().read_only,
            filters,
            compressor,
            store_type: store_type(array.store().as_ref()),
            chunk_store_type: None,
            size: array.n_elements().saturating_mul(item_size),
            size_stored: extent.size,
            n_chunks: array.n_chunks(),
            n_chunks_initialized: extent.n_chunks,
        })
    }

    fn items(&self) -> Vec<(String, String)> {
        let mut items = Vec::new();
        let mut add = |name: &str, value: String| items.push((name.to_owned(), value));
        if let Some(name) = &self.name {
            add("Name", name.clone());
        }
        add("Type", "zarr.core.Array".to_owned());
        add("Data type", self.data_type.clone());
        add("Shape", shape_text(&self.shape));
        let stored = |shape: &[u64]| self.chunk_lengths.clone().unwrap_or_else(|| shape_text(shape));
        if let Some(shard_shape) = &self.shard_shape {
            add("Chunk shape", shape_text(&self.chunk_shape));
            add("Shard shape", stored(shard_shape));
        } else {
            add("Chunk shape", stored(&self.chunk_shape));
        }
        let order = self
            .order
            .map_or_else(|| "neither C nor F".to_owned(), |order| format!("{order:?}"));
        add("Order", order);
        add("Read-only", truth_text(self.read_only));
        for (index, filter) in self.filters.iter().enumerate() {
            add(&format!("Filter [{index}]"), codec_text(filter));
        }
        let compressor = self
            .compressor
            .as_ref()
            .map_or_else(|| "None".to_owned(), codec_text);
        add("Compressor", compressor);
        add("Store type", format!("zarr.storage.{}", self.store_type));
        if let Some(store) = &self.chunk_store_type {
            add("Chunk store type", format!("zarr.storage.{store}"));
        }
        add("No. bytes", size_text(self.size));
        if self.size_stored > 0 {
            add("No. bytes stored", size_text(self.size_stored));
            add(
                "Storage ratio",
                format!("{:.1}", self.size as f64 / self.size_stored as f64),
            );
        }
        add(
            "Chunks initialized",
            format!("{}/{}", self.n_chunks_initialized, self.n_chunks),
        );
        items
    }
}

impl GroupInfo {
    /// Looks at a group and its members.
    ///
    /// # Errors
    /// When the store cannot list, and when a member's document is damaged.
    pub fn of(group: &Group) -> Result<Self> {
        let (mut arrays, mut groups) = (Vec::new(), Vec::new());
        for node in group.members()? {
            let names = match node {
                Node::Array(_) => &mut arrays,
                Node::Group(_) => &mut groups,
            };
            names.push(node.path().name().to_owned());
        }
        Ok(Self {
            name: group.path().to_string(),
            read_only: group.options().read_only,
            store_type: store_type(group.store().as_ref()),
            chunk_store_type: None,
            arrays,
            groups,
        })
    }

    fn items(&self) -> Vec<(String, String)> {
        let mut items = vec![
            ("Name", self.name.clone()),
            ("Type", "zarr.hierarchy.Group".to_owned()),
            ("Read-only", truth_text(self.read_only)),
            ("Store type", format!("zarr.storage.{}", self.store_type)),
        ];
        if let Some(store) = &self.chunk_store_type {
            items.push(("Chunk store type", format!("zarr.storage.{store}")));
        }
        items.extend([
            ("No. members", (self.arrays.len() + self.groups.len()).to_string()),
            ("No. arrays", self.arrays.len().to_string()),
            ("No. groups", self.groups.len().to_string()),
        ]);
        for (title, names) in [("Arrays", &self.arrays), ("Groups", &self.groups)] {
            if !names.is_empty() {
                items.push((title, names.join(", ")));
            }
        }
        items
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

impl fmt::Display for ArrayInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_items(&self.items(), f)
    }
}

impl fmt::Display for GroupInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_items(&self.items(), f)
    }
}

fn write_items(items: &[(String, String)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const WIDTH: usize = 80;
    let longest = items.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in items {
        let first = format!("{name:longest$} : ");
        let others = format!("{:longest$} : ", "");
        writeln!(f, "{}", wrap(value, WIDTH, (&first, &others)))?;
    }
    Ok(())
}

/// The name of a store's type: what its debug form begins with.
fn store_type(store: &dyn Store) -> String {
    /// Takes the letters of a name, and no more than those of what may be a huge store.
    struct Name(String);
    impl Write for Name {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let name = text.find(|c: char| !c.is_alphanumeric());
            self.0.push_str(&text[..name.unwrap_or(text.len())]);
            if name.is_some() { Err(fmt::Error) } else { Ok(()) }
        }
    }
    let mut name = Name(String::new());
    // It ends with the error that says that the name is complete.
    let _ = write!(name, "{store:?}");
    name.0
}

fn truth_text(value: bool) -> String {
    if value { "True" } else { "False" }.to_owned()
}

/// A number of bytes, and above 1024 in the largest unit that has one.
fn size_text(size: u64) -> String {
    const UNITS: [(&str, u32); 5] = [("P", 50), ("T", 40), ("G", 30), ("M", 20), ("K", 10)];
    let unit = UNITS
        .iter()
        .find(|(_, bits)| size >> bits > 0)
        .filter(|_| size > 1024);
    unit.map_or_else(
        || size.to_string(),
        |(unit, bits)| format!("{size} ({:.1}{unit})", size as f64 / (1_u64 << bits) as f64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed in runs of zarr-python 2.18.7.
    #[test]
    fn sizes_are_shown_in_units_above_1024() {
        let shown = [
            (0, "0"),
            (1024, "1024"),
            (1025, "1025 (1.0K)"),
            (4_000_000, "4000000 (3.8M)"),
            (1 << 40, "1099511627776 (1.0T)"),
            (1 << 60, "1152921504606846976 (1024.0P)"),
        ];
        for (size, text) in shown {
            assert_eq!(size_text(size), text);
        }
    }
}
