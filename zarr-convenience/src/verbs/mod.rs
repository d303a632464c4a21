//! Verbs over whole hierarchies; each makes a plan.

pub(crate) mod consolidate;
pub(crate) mod copy;
pub(crate) mod copy_keys;
pub(crate) mod copy_store;
pub(crate) mod diff;
pub(crate) mod key_documents;
pub(crate) mod migrate;
pub(crate) mod migration_journal;
pub(crate) mod rechunk;
pub(crate) mod roll_back;
