//! `save`, `save_array`, `save_group` (`v2-semantics` 3), in one step: old data or new, never a mixture.

use std::sync::Arc;

use zarr_core::{
    ArrayBuilder, ArrayData, Group, Node, NodePath, Options, Selection, ZarrFormat, clear,
    codecs::ByteOrder,
    create_parents, put_tree,
    store::{Store, StoreExt},
};

use crate::{Creation, Error, Result};

/// How arrays are saved.
#[derive(Debug, Clone, Default)]
pub struct SaveOptions {
    /// What the new arrays are to be.
    pub creation: Creation,
    /// How nodes are opened and written.
    pub options: Options,
    /// Whether files in the way that are no Zarr node may be destroyed.
    pub force: bool,
}

/// Saves one unnamed array as an array, anything else as a group; unnamed ones become `arr_0`, `arr_1`, ...
///
/// # Errors
/// [`Error::Argument`] when there is nothing to save; those of [`save_array`].
///
/// ```
/// use std::sync::Arc;
/// use zarr_convenience::{Loaded, SaveOptions, core::{ArrayData, NodePath, store::{MemoryStore, Store}}, load, save};
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let data = ArrayData::new(vec![3], &[1_i32, 2, 3])?;
/// save(&store, &NodePath::root(), &[data], &[], &SaveOptions::default())?;
/// let Some(Loaded::Array(array)) = load(&store, &NodePath::root(), &Default::default())? else { panic!() };
/// assert_eq!(array.to_vec::<i32>()?, [1, 2, 3]);
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
pub fn save(
    store: &Arc<dyn Store>,
    path: &NodePath,
    unnamed: &[ArrayData],
    named: &[(String, ArrayData)],
    options: &SaveOptions,
) -> Result<()> {
    match (unnamed, named) {
        ([], []) => Err(Error::Argument("at least one array must be provided".to_owned())),
        ([array], []) => save_array(store, path, array, options),
        _ => save_group(store, path, unnamed, named, options),
    }
}

/// Saves an array in the place of whatever is at the path.
///
/// Where the store can exchange trees, readers and those who look after a crash see the old node or the new
/// one; elsewhere the new array becomes visible when all of it is stored.
///
/// # Errors
/// [`Error::Refused`] when there are files that are no Zarr node; [`Error::Core`] when the store fails.
pub fn save_array(
    store: &Arc<dyn Store>,
    path: &NodePath,
    array: &ArrayData,
    options: &SaveOptions,
) -> Result<()> {
    replace(store, path, options, &|store, path| {
        write_array(store, path, array, options)
    })
}

/// Saves arrays as members of a group, in the place of whatever is at the path.
///
/// Of two arrays with the same name the later one counts; names may have several parts.
///
/// # Errors
/// Those of [`save_array`], and [`Error::Argument`] when there is nothing to save.
pub fn save_group(
    store: &Arc<dyn Store>,
    path: &NodePath,
    unnamed: &[ArrayData],
    named: &[(String, ArrayData)],
    options: &SaveOptions,
) -> Result<()> {
    if unnamed.is_empty() && named.is_empty() {
        return Err(Error::Argument("at least one array must be provided".to_owned()));
    }
    let unnamed = unnamed
        .iter()
        .enumerate()
        .map(|(index, array)| (format!("arr_{index}"), array));
    let named = named.iter().map(|(name, array)| (name.clone(), array));
    let members: Vec<_> = unnamed.chain(named).collect();
    let format = options.creation.zarr_format.unwrap_or(ZarrFormat::V2);
    replace(store, path, options, &|store, path| {
        Group::create(Arc::clone(store), path, format, &options.options)?;
        for (name, array) in &members {
            let path = path.join(name)?;
            if Node::find(store, &path, &options.options, None)?.is_some() {
                clear(store.as_ref(), &path)?;
            }
            write_array(store, &path, array, options)?;
        }
        Ok(())
    })
}

/// Writes chunks and attributes first and the document last, so that the array is not seen half.
fn write_array(
    store: &Arc<dyn Store>,
    path: &NodePath,
    data: &ArrayData,
    options: &SaveOptions,
) -> Result<()> {
    let builder = ArrayBuilder::new(data.shape.clone(), data.data_type.clone());
    let builder = options
        .creation
        .apply(builder, &data.shape, &data.data_type, ByteOrder::Little)?;
    let format = options.creation.zarr_format.unwrap_or(ZarrFormat::V2);
    create_parents(store, path, format, &options.options)?;
    let array = builder.prepare(Arc::clone(store), path, &options.options)?;
    array.write_data(&Selection::all(), data)?;
    Ok(array.write_metadata()?)
}

/// Makes a new tree at a path.
type Write<'a> = &'a dyn Fn(&Arc<dyn Store>, &NodePath) -> Result<()>;

/// Lets `write` make a new tree, and puts it in the place of the one at a path.
fn replace(store: &Arc<dyn Store>, path: &NodePath, options: &SaveOptions, write: Write<'_>) -> Result<()> {
    check_replaceable(store, path, options)?;
    // What a killed save left beside it.
    store.sweep(path.parent().unwrap_or_default().prefix(), false)?;
    let format = options.creation.zarr_format.unwrap_or(ZarrFormat::V2);
    put_tree(store, path, format, &options.options, write)?;
    Ok(store.flush()?)
}

/// Refuses to destroy what is no Zarr node.
fn check_replaceable(store: &Arc<dyn Store>, path: &NodePath, options: &SaveOptions) -> Result<()> {
    if options.force || Node::find(store, path, &options.options, None)?.is_some() {
        return Ok(());
    }
    let listing = store.list_dir(path.prefix())?;
    let mut stranger = listing.keys.first().map(ToString::to_string);
    for prefix in &listing.prefixes {
        // What a killed save left behind has no files of its own above its chunks.
        if stranger.is_none() && !store.list_prefix(prefix)?.is_empty() {
            stranger = Some(prefix.to_string());
        }
    }
    match stranger {
        None => Ok(()),
        Some(name) => Err(Error::Refused {
            what: store.describe(path.as_str()),
            reason: format!("is no Zarr node and holds `{name}`, which saving would destroy"),
        }),
    }
}
