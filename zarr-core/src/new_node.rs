//! New arrays, whose documents are seen at once with the folder they are in.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};
use zarr_store::{Store, StoreKey};

use crate::{
    Array, Group, NodePath, Options, Result, ZarrFormat, consolidated,
    hierarchy::{self, V2_ATTRIBUTES, V2_GROUP, V3_NODE},
    metadata::json::{self, Style},
};

/// What a group knows of its own document and those above: their keys and generations when they were found to be
/// groups, in V3 without consolidated metadata; nothing before it looked.
///
/// A document that has the generation it had is what it was: it is not read again for each of many members that are
/// made. Where consolidated metadata were added to a document, it is longer, which its generation tells.
#[derive(Debug, Default)]
pub(crate) struct Above(RwLock<Vec<(StoreKey, u64)>>);

impl Above {
    /// Sees to it that there are groups at and above a path, and that no consolidated metadata tell of what is below.
    fn prepare(
        &self,
        store: &Arc<dyn Store>,
        path: &NodePath,
        format: ZarrFormat,
        options: &Options,
    ) -> Result<()> {
        let is_as_it_was = self.is_as_it_was(store.as_ref())?;
        if !is_as_it_was {
            // What is found now is of these generations, or of later ones, and then is looked for again.
            let generations = generations(store.as_ref(), path, format)?;
            hierarchy::create_with_parents(store, path, format, options)?;
            if format == ZarrFormat::V3 {
                consolidated::outdate_v3_at(store.as_ref(), path)?;
            }
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = generations;
        }
        match format {
            // They have a document of their own.
            ZarrFormat::V2 => consolidated::outdate_v2(store.as_ref(), path),
            ZarrFormat::V3 => Ok(()),
        }
    }

    fn is_as_it_was(&self, store: &dyn Store) -> Result<bool> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for (key, generation) in known.iter() {
            if store.generation(key)? != Some(*generation) {
                return Ok(false);
            }
        }
        Ok(!known.is_empty())
    }
}

/// The generations of the documents of groups at and above a path; none if one is not there or has no generation.
fn generations(store: &dyn Store, path: &NodePath, format: ZarrFormat) -> Result<Vec<(StoreKey, u64)>> {
    let name = match format {
        ZarrFormat::V2 => V2_GROUP,
        ZarrFormat::V3 => V3_NODE,
    };
    let mut generations = Vec::new();
    let mut next = Some(path.clone());
    while let Some(path) = next {
        let key = path.key(name)?;
        let Some(generation) = store.generation(&key)? else {
            return Ok(Vec::new());
        };
        generations.push((key, generation));
        next = path.parent();
    }
    Ok(generations)
}

/// Stores the documents of a new array in one step, if the store has such a step and nothing has the name; `parent` is
/// the group that it is made in, if that is in hand.
pub(crate) fn set_new(
    array: &Array,
    attributes: &Map<String, Value>,
    parent: Option<&Group>,
) -> Result<bool> {
    let (store, path, options) = (array.store(), array.path(), array.options());
    let format = array.metadata().format;
    let Some(above) = path.parent() else {
        return Ok(false);
    };
    // What cannot be written outdates nothing.
    let (key, document) = hierarchy::array_document(store.as_ref(), path, array.metadata(), options)?;
    let mut values = vec![(key.name(), &document[..])];
    let has_attributes = format == ZarrFormat::V2 && !attributes.is_empty();
    let attributes = has_attributes.then(|| json::write(&attributes.clone().into(), Style::V2));
    values.extend(attributes.as_deref().map(|document| (V2_ATTRIBUTES, document)));
    let fresh = Above::default();
    let known = parent
        .filter(|group| *group.path() == above)
        .map_or(&fresh, Group::above);
    let mut prepared = Ok(());
    let is_set = store.set_new(path.prefix(), &values, &mut || {
        prepared = known.prepare(store, &above, format, options);
        prepared.is_ok()
    });
    prepared?;
    Ok(is_set?)
}
