//! New arrays, whose documents are seen at once with the folder they are in.

use std::{
    mem,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::{Map, Value};
use zarr_store::{Store, StoreKey};

use crate::{
    Array, Group, NodePath, Options, Result, ZarrFormat, consolidated, hierarchy,
    metadata::json::{self, Style},
};

/// What a group knows of its own document and those above when they were found to be groups without consolidated
/// metadata that tell of what is below; nothing before it looked.
#[derive(Debug, Default)]
pub(crate) struct Above(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The changes of a store that nobody else changes: while there are no more, nothing is looked for again.
    changes: Option<u64>,
    /// The keys and generations of the documents, in V3 without consolidated metadata.
    ///
    /// A document that has the generation it had is what it was: it is not read again for each of many members that
    /// are made. Where consolidated metadata were added to a document, it is longer, which its generation tells.
    generations: Vec<(StoreKey, u64)>,
}

impl Known {
    fn is_as_it_was(&self, store: &dyn Store) -> Result<bool> {
        for (key, generation) in &self.generations {
            if store.generation(key)? != Some(*generation) {
                return Ok(false);
            }
        }
        Ok(!self.generations.is_empty())
    }
}

impl Above {
    /// Sees to it that there are groups at and above a path, and that no consolidated metadata tell of what is below.
    fn prepare(
        &self,
        store: &Arc<dyn Store>,
        path: &NodePath,
        format: ZarrFormat,
        options: &Options,
    ) -> Result<()> {
        // What changes from here on is looked for the next time.
        let changes = store.changes();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if changes.is_some() && known.changes == changes {
            return Ok(());
        }
        let is_as_it_was = known.is_as_it_was(store.as_ref())?;
        drop(known);
        let mut found = None;
        if !is_as_it_was {
            // What is found now is of these generations, or of later ones, and then is looked for again.
            found = Some(generations(store.as_ref(), path, format)?);
            hierarchy::create_with_parents(store, path, format, options)?;
            if format == ZarrFormat::V3 {
                consolidated::outdate_v3_at(store.as_ref(), path)?;
            }
        }
        if format == ZarrFormat::V2 {
            // They have a document of their own.
            consolidated::outdate_v2(store.as_ref(), path)?;
        }
        if found.is_some() || changes.is_some() {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            known.changes = changes;
            known.generations = found.unwrap_or_else(|| mem::take(&mut known.generations));
        }
        Ok(())
    }
}

/// The generations of the documents of groups at and above a path; none if one is not there or has no generation.
fn generations(store: &dyn Store, path: &NodePath, format: ZarrFormat) -> Result<Vec<(StoreKey, u64)>> {
    let mut generations = Vec::new();
    let mut next = Some(path.clone());
    while let Some(path) = next {
        let key = path.key(format.group_document())?;
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
    let has_document = !format.has_attributes_within() && !attributes.is_empty();
    let attributes = has_document.then(|| json::write(&attributes.clone().into(), Style::V2));
    let name = format.attributes_document();
    values.extend(attributes.as_deref().map(|document| (name, document)));
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
