//! What a verb says while it works and when it is done.

use crate::{Kept, Lost, count_text};

/// How far a verb has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The path of the array that was just worked on.
    pub path: &'a str,
    /// Bytes of values done, uncompressed.
    pub done: u64,
    /// Bytes of values to do in all, uncompressed.
    pub total: u64,
}

/// The counts of a copy: what zarr-python's `copy` returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// Nodes or keys copied.
    pub n_copied: u64,
    /// Nodes or keys left as they were.
    pub n_skipped: u64,
    /// Bytes copied: of values, uncompressed, or of stored keys.
    pub n_bytes_copied: u64,
}

impl Copied {
    /// The last line of a log.
    pub fn summary(&self, dry_run: bool) -> String {
        let Self {
            n_copied,
            n_skipped,
            n_bytes_copied,
        } = *self;
        let counts = format!(
            "{} copied, {} skipped",
            count_text(n_copied),
            count_text(n_skipped)
        );
        if dry_run {
            return format!("dry run: {counts}");
        }
        format!("all done: {counts}, {} bytes copied", count_text(n_bytes_copied))
    }
}

/// The counts of a copy, and what could not be carried over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The counts.
    pub copied: Copied,
    /// What is missing in the copy, each with the reason.
    pub lost: Vec<Lost>,
    /// What is carried over in another form.
    pub kept: Vec<Kept>,
    /// The most bytes that buffers of values took at once.
    pub memory_peak: u64,
}
