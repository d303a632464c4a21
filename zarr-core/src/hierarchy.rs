//! Nodes and their documents in a store.
//!
//! Nothing here lists chunks: a node is found by asking for its documents, and the members of a group by
//! listing the group's own folder.

use std::sync::Arc;

use serde_json::{Map, Value};
use zarr_store::{ByteRange, ReadBuffer, Store, StoreExt, StoreKey};

use crate::{
    Array, ArrayMetadata, Attributes, Error, Group, GroupMetadata, NodePath, Options, Result, ZarrFormat,
    consolidated,
    metadata::{
        Members, Wrong,
        json::{self, Style},
        v2, v3,
    },
};

pub(crate) const V2_ARRAY: &str = ".zarray";
pub(crate) const V2_GROUP: &str = ".zgroup";
pub(crate) const V2_ATTRIBUTES: &str = ".zattrs";
pub(crate) const V3_NODE: &str = "zarr.json";
/// The member of a V3 group's document that has the documents of the nodes below.
pub(crate) const CONSOLIDATED: &str = "consolidated_metadata";

impl ZarrFormat {
    /// The name of the document of an array.
    pub(crate) const fn array_document(self) -> &'static str {
        match self {
            Self::V2 => V2_ARRAY,
            Self::V3 => V3_NODE,
        }
    }

    /// The name of the document of a group.
    pub(crate) const fn group_document(self) -> &'static str {
        match self {
            Self::V2 => V2_GROUP,
            Self::V3 => V3_NODE,
        }
    }

    /// The name of the document that the attributes of a node stand in.
    pub(crate) const fn attributes_document(self) -> &'static str {
        match self {
            Self::V2 => V2_ATTRIBUTES,
            Self::V3 => V3_NODE,
        }
    }

    /// The names of the documents that make a folder a node of either format, those of this one first.
    pub(crate) const fn node_documents(self) -> [&'static str; 3] {
        match self {
            Self::V2 => [V2_ARRAY, V2_GROUP, V3_NODE],
            Self::V3 => [V3_NODE, V2_ARRAY, V2_GROUP],
        }
    }

    /// Whether the attributes of an array stand in the document that says what it is.
    pub(crate) fn has_attributes_within(self) -> bool {
        self.attributes_document() == self.array_document()
    }
}

/// Whether a key is that of a document of a node.
pub(crate) fn is_document(key: &StoreKey) -> bool {
    [V2_ARRAY, V2_GROUP, V2_ATTRIBUTES, V3_NODE].contains(&key.name())
}

/// An array or a group.
#[derive(Debug, Clone)]
pub enum Node {
    /// An array.
    Array(Array),
    /// A group.
    Group(Group),
}

impl Node {
    /// Opens whatever is at a path, in either format.
    ///
    /// # Errors
    /// [`Error::NotFound`] when nothing is there, [`Error::Metadata`] for a damaged document.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as every `open` and `create` takes it"
    )]
    pub fn open(store: Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<Self> {
        let found = Self::find(&store, path, options, None)?;
        found.ok_or_else(|| Error::NotFound {
            path: path.as_str().to_owned(),
            store: store.describe(""),
        })
    }

    /// Opens whatever is at a path; `None` when nothing is. A format that is given is tried alone.
    ///
    /// # Errors
    /// [`Error::Metadata`] for a damaged document.
    pub fn find(
        store: &Arc<dyn Store>,
        path: &NodePath,
        options: &Options,
        format: Option<ZarrFormat>,
    ) -> Result<Option<Self>> {
        let mut buffer = ReadBuffer::default();
        let wrong = |name, wrong| Err(wrong_member(store.as_ref(), &path.key(name)?, wrong));
        let array = |metadata| {
            Self::Array(Array::new(
                Arc::clone(store),
                path.clone(),
                metadata,
                options.clone(),
            ))
        };
        let group = |metadata| {
            Self::Group(Group::new(
                Arc::clone(store),
                path.clone(),
                metadata,
                options.clone(),
            ))
        };
        if format != Some(ZarrFormat::V3) {
            buffer.set_limit(options.document_size_max);
            if store.get_ranges(&path.key(V2_ARRAY)?, &[ByteRange::All], &mut buffer)? {
                let members = Members::parse(buffer.part(0));
                let metadata = members.and_then(|members| v2::read_array(members, &options.registry));
                return metadata
                    .map_or_else(|why| wrong(V2_ARRAY, why), |metadata| Ok(Some(array(metadata))));
            }
            if store.get_ranges(&path.key(V2_GROUP)?, &[ByteRange::All], &mut buffer)? {
                let metadata = Members::parse(buffer.part(0)).and_then(v2::read_group);
                return metadata
                    .map_or_else(|why| wrong(V2_GROUP, why), |metadata| Ok(Some(group(metadata))));
            }
        }
        if format == Some(ZarrFormat::V2) {
            return Ok(None);
        }
        let Some(members) = read_node(store.as_ref(), &path.key(V3_NODE)?, options, &mut buffer)? else {
            return Ok(None);
        };
        let node = match v3::is_array(members.get(v3::NODE_TYPE)) {
            Ok(true) => v3::read_array(members).map(array),
            Ok(false) => v3::read_group(members).map(group),
            Err(wrong) => Err(wrong),
        };
        node.map_or_else(|why| wrong(V3_NODE, why), |node| Ok(Some(node)))
    }

    /// Where the node is.
    pub const fn path(&self) -> &NodePath {
        match self {
            Self::Array(array) => array.path(),
            Self::Group(group) => group.path(),
        }
    }

    /// `an array` or `a group`, for errors.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Array(_) => "an array",
            Self::Group(_) => "a group",
        }
    }

    /// The format of the node's documents.
    pub fn format(&self) -> ZarrFormat {
        match self {
            Self::Array(array) => array.metadata().format,
            Self::Group(group) => group.metadata().format,
        }
    }

    /// The attributes, one by one.
    pub fn attrs(&self) -> Attributes {
        match self {
            Self::Array(array) => array.attrs(),
            Self::Group(group) => group.attrs(),
        }
    }

    /// The attributes, as they are stored now.
    ///
    /// # Errors
    /// [`Error::Metadata`] when their document is damaged.
    pub fn attributes(&self) -> Result<Map<String, Value>> {
        match self {
            Self::Array(array) => array.attributes(),
            Self::Group(group) => group.attributes(),
        }
    }
}

/// Calls `visit` with every node below a group, before its members, each level by name.
///
/// # Errors
/// Those of `visit`, which ends the walk, and what may go wrong with a document.
pub fn walk<E: From<Error>>(group: &Group, visit: &mut dyn FnMut(&Node) -> Result<(), E>) -> Result<(), E> {
    let mut pending: Vec<_> = group.members()?;
    pending.reverse();
    while let Some(node) = pending.pop() {
        visit(&node)?;
        if let Node::Group(group) = &node {
            pending.extend(group.members()?.into_iter().rev());
        }
    }
    Ok(())
}

/// Makes a group of every folder above a path that is none yet.
///
/// # Errors
/// [`Error::Exists`] when an array is in the way.
pub fn create_parents(
    store: &Arc<dyn Store>,
    path: &NodePath,
    format: ZarrFormat,
    options: &Options,
) -> Result<()> {
    path.parent().map_or(Ok(()), |above| {
        create_with_parents(store, &above, format, options)
    })
}

/// Makes a group of a folder and of every one above it that is none yet.
///
/// # Errors
/// Those of [`create_parents`].
pub(crate) fn create_with_parents(
    store: &Arc<dyn Store>,
    path: &NodePath,
    format: ZarrFormat,
    options: &Options,
) -> Result<()> {
    let mut missing = Vec::new();
    let mut parent = Some(path.clone());
    while let Some(path) = parent {
        // Nearly all that is above is a group of the same format.
        if !is_group(store, &path, format, options)? {
            match Node::find(store, &path, options, None)? {
                None => missing.push(path.clone()),
                Some(Node::Group(_)) => {}
                Some(Node::Array(_)) => {
                    return Err(Error::Exists {
                        path: path.as_str().to_owned(),
                        found: "an array",
                    });
                }
            }
        }
        parent = path.parent();
    }
    for path in missing.iter().rev() {
        write_group_document(store.as_ref(), path, &GroupMetadata::new(format))?;
    }
    Ok(())
}

/// Whether a group of a format is at a path, found out at the least cost.
fn is_group(store: &Arc<dyn Store>, path: &NodePath, format: ZarrFormat, options: &Options) -> Result<bool> {
    match format {
        // What the document says does not matter.
        ZarrFormat::V2 => Ok(store.exists(&path.key(V2_GROUP)?)? && !store.exists(&path.key(V2_ARRAY)?)?),
        ZarrFormat::V3 => {
            let node = Node::find(store, path, options, Some(format))?;
            Ok(matches!(node, Some(Node::Group(_))))
        }
    }
}

/// Erases a node and everything below it; succeeds if nothing is there.
///
/// # Errors
/// When the store fails; a part may be gone then.
pub fn erase_node(store: &dyn Store, path: &NodePath) -> Result<()> {
    consolidated::outdate(store, path)?;
    if !store.capabilities().erases_at_once {
        // Without its document a half-erased node is not taken for one with values.
        for name in ZarrFormat::V2.node_documents() {
            store.erase(&path.key(name)?)?;
        }
    }
    Ok(store.erase_prefix(path.prefix())?)
}

/// The document of an array, and its key.
pub(crate) fn array_document(
    store: &dyn Store,
    path: &NodePath,
    metadata: &ArrayMetadata,
    options: &Options,
) -> Result<(StoreKey, Vec<u8>)> {
    let (style, document) = match metadata.format {
        ZarrFormat::V2 => (Style::V2, v2::write_array(metadata, &options.registry)),
        ZarrFormat::V3 => (Style::V3, v3::write_array(metadata)),
    };
    let key = path.key(metadata.format.array_document())?;
    let document = document.map_err(|wrong| wrong_member(store, &key, wrong))?;
    Ok((key, json::write(&document, style)))
}

pub(crate) fn write_group_document(
    store: &dyn Store,
    path: &NodePath,
    metadata: &GroupMetadata,
) -> Result<()> {
    let format = metadata.format;
    let (style, document) = match format {
        ZarrFormat::V2 => (Style::V2, v2::write_group(metadata)),
        ZarrFormat::V3 => (Style::V3, v3::write_group(metadata)),
    };
    outdate(store, path, format)?;
    Ok(store.set(
        &path.key(format.group_document())?,
        &json::write(&document, style),
    )?)
}

/// Removes the consolidated metadata of a format that a change of a node's documents makes wrong.
///
/// It locks other keys, and must not be called with a lock in hand.
pub(crate) fn outdate(store: &dyn Store, path: &NodePath, format: ZarrFormat) -> Result<()> {
    match format {
        ZarrFormat::V2 => consolidated::outdate_v2(store, path),
        ZarrFormat::V3 => consolidated::outdate_v3(store, path),
    }
}

pub(crate) fn read_document(store: &dyn Store, key: &StoreKey, options: &Options) -> Result<Option<Value>> {
    let mut buffer = ReadBuffer::with_limit(options.document_size_max);
    if !store.get_ranges(key, &[ByteRange::All], &mut buffer)? {
        return Ok(None);
    }
    parse_document(store, key, buffer.part(0)).map(Some)
}

/// The document of a V3 node but for its consolidated metadata, which may be large and are read where they are asked for.
pub(crate) fn read_node_document(
    store: &dyn Store,
    key: &StoreKey,
    options: &Options,
) -> Result<Option<Value>> {
    let mut buffer = ReadBuffer::default();
    let members = read_node(store, key, options, &mut buffer)?;
    Ok(members.map(|members| members.rest().into()))
}

/// The members of what [`read_node_document`] reads; the buffer holds the text.
pub(crate) fn read_node<'a>(
    store: &dyn Store,
    key: &StoreKey,
    options: &Options,
    buffer: &'a mut ReadBuffer,
) -> Result<Option<Members<'a>>> {
    buffer.set_limit(options.document_size_max.max(consolidated::SIZE_MAX));
    if !store.get_ranges(key, &[ByteRange::All], buffer)? {
        return Ok(None);
    }
    let bytes = buffer.part(0);
    let wrong = |wrong| wrong_member(store, key, wrong);
    let text = str::from_utf8(bytes)
        .ok()
        .filter(|text| text.contains(CONSOLIDATED));
    let check_size = |size: usize| {
        let limit = options.document_size_max;
        if size as u64 <= limit {
            return Ok(());
        }
        Err(wrong(Wrong::new(
            "",
            format!("is {size} bytes long, limit {limit}"),
        )))
    };
    let Some(members) = text.and_then(|text| json::members(text).ok()) else {
        check_size(bytes.len())?;
        return Members::parse(bytes).map(Some).map_err(wrong);
    };
    let consolidated = members.iter().filter(|(name, _)| name == CONSOLIDATED);
    check_size(bytes.len() - consolidated.map(|(_, value)| value.len()).sum::<usize>())?;
    let document = without_consolidated(store, key, members)?;
    Members::new(document).map(Some).map_err(wrong)
}

/// The document of a V3 group without its consolidated metadata, if it has any.
pub(crate) fn read_outdated(store: &dyn Store, key: &StoreKey) -> Result<Option<Value>> {
    let mut buffer = ReadBuffer::with_limit(consolidated::SIZE_MAX);
    if !store.get_ranges(key, &[ByteRange::All], &mut buffer)? {
        return Ok(None);
    }
    let bytes = buffer.part(0);
    let text = str::from_utf8(bytes)
        .ok()
        .filter(|text| text.contains(CONSOLIDATED));
    let members = text.and_then(|text| json::members(text).ok()).unwrap_or_default();
    if members.iter().all(|(name, _)| name != CONSOLIDATED) {
        return Ok(None);
    }
    without_consolidated(store, key, members).map(Some)
}

/// Puts a document together again, but for its consolidated metadata.
fn without_consolidated(store: &dyn Store, key: &StoreKey, members: Vec<(String, &str)>) -> Result<Value> {
    let wrong = |reason: String| wrong_member(store, key, Wrong::new("", reason));
    let mut document = Map::new();
    for (name, value) in members.into_iter().filter(|(name, _)| name != CONSOLIDATED) {
        let value = json::parse(value.as_bytes()).map_err(|error| wrong(error.to_string()))?;
        if document.insert(name, value).is_some() {
            return Err(wrong("has a member twice".to_owned()));
        }
    }
    Ok(document.into())
}

pub(crate) fn parse_document(store: &dyn Store, key: &StoreKey, bytes: &[u8]) -> Result<Value> {
    json::parse(bytes).map_err(|error| wrong_member(store, key, Wrong::new("", error.to_string())))
}

pub(crate) fn wrong_member(store: &dyn Store, key: &StoreKey, wrong: Wrong) -> Error {
    Error::Metadata {
        document: store.describe(key.as_str()),
        pointer: wrong.pointer,
        reason: wrong.reason,
    }
}
