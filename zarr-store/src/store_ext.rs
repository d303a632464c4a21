//! What can be said in terms of the trait alone.

use bytes::Bytes;

use crate::{ByteRange, ReadBuffer, Result, Store, StoreKey, StorePrefix};

/// Common ways to use a store, in terms of its required methods.
pub trait StoreExt: Store {
    /// Reads a whole value of at most `size_max` bytes; `None` when the key is not there.
    ///
    /// # Errors
    /// Those of [`Store::get_ranges`].
    fn get(&self, key: &StoreKey, size_max: u64) -> Result<Option<Bytes>> {
        let mut buffer = ReadBuffer::with_limit(size_max);
        let found = self.get_ranges(key, &[ByteRange::All], &mut buffer)?;
        Ok(found.then(|| buffer.into_bytes(0)))
    }

    /// Whether a key is there.
    ///
    /// # Errors
    /// Those of [`Store::size`].
    fn exists(&self, key: &StoreKey) -> Result<bool> {
        Ok(self.size(key)?.is_some())
    }

    /// Calls `visit` with every key below a prefix, folder by folder, each level by code point.
    ///
    /// # Errors
    /// Those of [`Store::list_dir`] and of `visit`, which ends the walk.
    fn walk_keys<E: From<crate::StoreError>>(
        &self,
        prefix: &StorePrefix,
        visit: &mut dyn FnMut(StoreKey) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut pending = vec![prefix.clone()];
        while let Some(prefix) = pending.pop() {
            let listing = self.list_dir(&prefix)?;
            listing.keys.into_iter().try_for_each(&mut *visit)?;
            pending.extend(listing.prefixes.into_iter().rev());
        }
        Ok(())
    }

    /// All keys below a prefix, by code point.
    ///
    /// # Errors
    /// Those of [`Store::list_dir`].
    fn list_prefix(&self, prefix: &StorePrefix) -> Result<Vec<StoreKey>> {
        let mut keys = Vec::new();
        self.walk_keys::<crate::StoreError>(prefix, &mut |key| {
            keys.push(key);
            Ok(())
        })?;
        keys.sort();
        Ok(keys)
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
