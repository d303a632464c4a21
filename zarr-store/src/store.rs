//! The one trait of a store, and what a store says of itself.

use std::{fmt::Debug, sync::Arc};

use crate::{ByteRange, Journal, KeyLock, PendingValue, ReadBuffer, Result, StoreKey, StorePrefix};

/// A mapping of keys to bytes.
///
/// Object-safe, and held as `Arc<dyn Store>` by all that use it.
///
/// # Contract
/// * A key that is not there is no error: reading says `false` or `None`, erasing succeeds.
///   *Not there* means just that: a value that exists and cannot be read (permission, a directory or a
///   pipe in its place, a failing disk or network) is an error, because for Zarr an absent chunk means
///   the fill value, and a wrong answer here would invent data.
/// * [`set`](Store::set) replaces the whole value at once.
///   Readers, in this process or another, see the old value or the new one, never a part, and after an
///   error or a crash the old value is intact.
/// * What was set is seen by every later read through the same store.
///   Other processes see it at the latest after [`flush`](Store::flush).
/// * Listing names only keys that reading would find, never temporary files, and each name once.
///   The order is by code point.
/// * Errors name the key in the words of [`describe`](Store::describe).
/// * A store that cannot write or list says so in [`capabilities`](Store::capabilities) and answers such
///   a call with [`StoreError::NotSupported`](crate::StoreError::NotSupported), before any I/O.
///
/// # For implementors
/// `testing::check_store` (feature `testing`) holds a store against this contract.
pub trait Store: Debug + Send + Sync {
    /// Reads ranges of a value into `buffer`, one part for each range, in their order.
    ///
    /// Clears the buffer first, and tells it what it knows of the whole value ([`ReadBuffer::value_size`],
    /// [`ReadBuffer::generation`], [`ReadBuffer::is_settled`]).
    /// Returns whether the key is there; if not, the buffer stays empty.
    ///
    /// # Errors
    /// `OutOfRange` when a range lies outside the value, `TooLarge` when the ranges together exceed the
    /// buffer's limit (checked before reading), `Io` otherwise.
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool>;

    /// The size of a value in bytes; `None` when the key is not there.
    ///
    /// # Errors
    /// When the store cannot tell.
    fn size(&self, key: &StoreKey) -> Result<Option<u64>>;

    /// Replaces the value of a key at once.
    ///
    /// # Errors
    /// The value is then what it was before.
    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()>;

    /// Finds beforehand what would keep [`set`](Store::set) from setting keys, all of them: their names, and what
    /// is in their places, as where a key and keys below it exclude each other.
    ///
    /// Nothing is written; whether the store may be written to at all is not asked.
    ///
    /// # Errors
    /// What `set` would say of one of the keys, and when the store cannot tell.
    fn check_set(&self, keys: &[StoreKey]) -> Result<()> {
        let _ = keys;
        Ok(())
    }

    /// Begins to replace the value of a key piece by piece, for a value that need never be in memory as a whole.
    ///
    /// `None` when the store has no such way; then there is only [`Store::set`].
    ///
    /// # Errors
    /// As [`Store::set`].
    fn begin_set(&self, key: &StoreKey) -> Result<Option<Box<dyn PendingValue + '_>>> {
        let _ = key;
        Ok(None)
    }

    /// Keeps other processes that ask for the same from setting a key, as long as the lock lives; waits for those
    /// that have it.
    ///
    /// A store that only one process at a time can change need not do anything. Others that do nothing, as this does by
    /// itself, must say so: processes that change parts of one value there undo each other's changes. Within one process,
    /// the same lock must not be taken twice at the same time.
    ///
    /// # Errors
    /// When the store can lock and has failed to.
    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        let _ = key;
        Ok(KeyLock::default())
    }

    /// Replaces the value of a key that is locked, and gives the lock back, which may cost less than [`Store::set`].
    ///
    /// # Errors
    /// As [`Store::set`]; the lock is gone then as well.
    fn set_locked(&self, key: &StoreKey, value: &[u8], lock: KeyLock) -> Result<()> {
        let result = self.set(key, value);
        drop(lock);
        result
    }

    /// Removes a key; succeeds if it is not there.
    ///
    /// # Errors
    /// When the key is still there.
    fn erase(&self, key: &StoreKey) -> Result<()>;

    /// Lists the keys and prefixes one level below a prefix.
    ///
    /// A prefix that is not there has an empty listing.
    ///
    /// # Errors
    /// When the listing would be incomplete.
    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing>;

    /// What the store can do.
    fn capabilities(&self) -> Capabilities;

    /// Removes all keys below a prefix, and nothing else.
    ///
    /// # Errors
    /// Some of the keys may be gone then.
    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        let listing = self.list_dir(prefix)?;
        listing.keys.iter().try_for_each(|key| self.erase(key))?;
        listing
            .prefixes
            .iter()
            .try_for_each(|below| self.erase_prefix(below))
    }

    /// Makes everything that was set visible to other processes, and durable where the store can.
    ///
    /// # Errors
    /// What was set since the last flush may be visible to this process only.
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Moves everything below a prefix to another prefix in one step.
    ///
    /// `false` when the store has no such step or nothing is below `from`; then nothing has changed, and there
    /// is only reading, setting and erasing.
    /// Neither prefix is the root or lies below the other.
    ///
    /// # Errors
    /// `Conflict` when there is something below `to`; everything is then where it was before.
    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        let _ = (from, to);
        Ok(false)
    }

    /// Begins a new tree that will take the place of everything below `target` in one step.
    ///
    /// `None` when the store has no such step; then there is only erasing and setting.
    /// Nothing of the new tree is seen under `target`, or listed anywhere, before
    /// [`Staged::publish`].
    ///
    /// # Errors
    /// When the store has such a step and cannot prepare it.
    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        let _ = target;
        Ok(None)
    }

    /// Makes a folder where nothing has its name, with values that have names of one part, in one step: nobody sees it
    /// without them.
    ///
    /// `false` when the store has no such step or something has the name; then nothing has changed, and there is only
    /// setting.
    /// When nothing has the name, `ready` is called before the folder is seen, and if it says `false`, it is not made.
    ///
    /// # Errors
    /// When the folder cannot be made; nothing of it is there then.
    fn set_new(
        &self,
        folder: &StorePrefix,
        values: &[(&str, &[u8])],
        ready: &mut dyn FnMut() -> bool,
    ) -> Result<bool> {
        let _ = (folder, values, ready);
        Ok(false)
    }

    /// How often something was set or erased, where nobody but the owner of this store can do that; what
    /// [`Store::set_new`] made does not count. `None` where others may.
    ///
    /// As long as it is the same, what was found is what is there.
    fn changes(&self) -> Option<u64> {
        None
    }

    /// What tells the present value of a key from those it had before, found without reading it; a store with a server
    /// sends a request for it.
    ///
    /// A value that is set again has another one, but where it has the same bytes.
    /// `None` when the key is not there, and when the store cannot tell.
    ///
    /// # Errors
    /// When the store should be able to tell and is not.
    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        let _ = key;
        Ok(None)
    }

    /// Removes what writers that were killed left in a folder under temporary names, and if `deep` in all
    /// folders below it; for the root, also what was to take the place of the store itself.
    ///
    /// What a living process works on stays.
    ///
    /// # Errors
    /// When a folder cannot be listed; what cannot be removed stays hidden.
    fn sweep(&self, folder: &StorePrefix, deep: bool) -> Result<()> {
        let _ = (folder, deep);
        Ok(())
    }

    /// Where work is kept that may be interrupted and continued by another process; `None` if nowhere.
    fn lasting(&self) -> Option<&dyn Lasting> {
        None
    }

    /// How the store likes to be read.
    fn io_hints(&self) -> IoHints {
        IoHints::default()
    }

    /// The format in which the store keeps nodes, where it shows nodes of Zarr that are none.
    ///
    /// A document that is set may then come back otherwise.
    fn node_format(&self) -> Option<&'static str> {
        None
    }

    /// The words for a key in errors: the store's own location and the key.
    fn describe(&self, key: &str) -> String;
}

/// A tree that waits to take the place of another, begun by [`Store::stage`].
///
/// Dropping it unpublished removes it; the tree in its place to be is then as it was.
pub trait Staged: Debug + Send + Sync {
    /// The store whose root is the new tree.
    ///
    /// Since nobody else sees it, a value may be in it in part after its writer was killed.
    /// It must not be used after the tree was published or dropped.
    fn store(&self) -> Arc<dyn Store>;

    /// Puts the new tree in the place of the old one, in one step, and removes the old one.
    ///
    /// Readers, and those who look after a crash, see the old tree or the new one, never a mixture.
    ///
    /// # Errors
    /// The old tree is then what it was before.
    fn publish(self: Box<Self>) -> Result<()>;

    /// What tells a tree that lasts from others that have its name; `None` for one that does not last.
    fn token(&self) -> Option<u64> {
        None
    }

    /// Removes the tree, also one that lasts.
    fn discard(self: Box<Self>) {}
}

/// Keeps work that may be interrupted and continued by another process.
///
/// A piece of work has a name of letters and digits, which tells it from others on the same store.
/// Nothing that is kept is a key, or is listed, read or counted as one.
pub trait Lasting {
    /// Opens the journal of a piece of work, and makes it if there is none.
    ///
    /// # Errors
    /// `Conflict` when a living process has it open.
    fn open_journal(&self, name: &str) -> Result<Journal>;

    /// Like [`Store::stage`], but what is dropped unpublished, or left behind by a killed process, is there when
    /// the tree of this name is staged again with its [`Staged::token`]; without it, the tree is made anew.
    ///
    /// # Errors
    /// When the tree cannot be made; `Conflict` when a living process works on it.
    fn stage_lasting(&self, target: &StorePrefix, name: &str, token: Option<u64>) -> Result<Box<dyn Staged>>;
}

/// What a store can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct Capabilities {
    /// Whether keys can be set.
    pub writes: bool,
    /// Whether keys can be erased.
    pub erases: bool,
    /// Whether all that is below a prefix is erased at once, so that nobody ever sees a part of it.
    pub erases_at_once: bool,
    /// Whether keys can be listed.
    pub lists: bool,
    /// Whether the keys of chunks can be listed as well; where only those of documents are known, groups can be listed
    /// and arrays cannot.
    pub lists_chunks: bool,
    /// Whether others see what was set only after a flush, and then all of it at once.
    pub deferred: bool,
    /// Whether values are taken piece by piece ([`Store::begin_set`]), so that none need be in memory as a whole.
    pub pieces: bool,
    /// Whether a value that is read comes with its generation ([`ReadBuffer::generation`]); a store that asks a server
    /// says so until an answer came without.
    pub generations: bool,
}

impl Capabilities {
    /// A store that can do everything at once.
    pub const ALL: Self = Self {
        writes: true,
        erases: true,
        erases_at_once: true,
        lists: true,
        lists_chunks: true,
        deferred: false,
        pieces: false,
        generations: false,
    };
    /// The same of a store that takes values only as a whole.
    #[must_use]
    pub const fn at_once(self) -> Self {
        Self {
            pieces: false,
            ..self
        }
    }

    /// A store that can be read and listed.
    pub const READ_ONLY: Self = Self {
        writes: false,
        erases: false,
        erases_at_once: false,
        lists: true,
        lists_chunks: true,
        deferred: false,
        pieces: false,
        generations: false,
    };
}

/// How a store likes to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IoHints {
    /// How many requests are worth having in flight; 1 where the processor is the limit.
    pub requests_max: usize,
    /// Two ranges with a gap of at most this many bytes are better read as one.
    pub gap_max: u64,
}

impl IoHints {
    /// Whether answers are waited for longer than they are worked on.
    pub const fn is_far(self) -> bool {
        self.requests_max > 1
    }
}

impl Default for IoHints {
    /// Those of local memory and disks.
    fn default() -> Self {
        Self {
            requests_max: 1,
            gap_max: 4096,
        }
    }
}

/// One level of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The keys at this level, by code point.
    pub keys: Vec<StoreKey>,
    /// The prefixes at this level, by code point.
    pub prefixes: Vec<StorePrefix>,
}
