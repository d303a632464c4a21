//! The names of files: paths of keys, names of debris.

use std::{cell::RefCell, ffi::CStr, os::unix::ffi::OsStrExt, path::Path};

use crate::key::PARTIAL_SUFFIX;

thread_local! {
    static PATH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Calls `call` with the path of a key or prefix, built in memory that each thread keeps.
///
/// Without a root it is the path below it.
pub(super) fn with_path<T>(root: Option<&Path>, below: &str, call: impl FnOnce(&CStr) -> T) -> T {
    // Taken, not borrowed: should `call` come here again, it gets memory of its own.
    let mut memory = PATH.take();
    memory.clear();
    if let Some(root) = root {
        memory.extend_from_slice(root.as_os_str().as_bytes());
        memory.push(b'/');
    }
    memory.extend_from_slice(below.as_bytes());
    memory.push(0);
    let path = CStr::from_bytes_with_nul(&memory)
        .expect("roots are checked when a store is opened, and keys hold no control characters");
    let result = call(path);
    PATH.set(memory);
    result
}

/// Whether a file of this name was left behind by a writer that was killed, or by a file manager.
///
/// `.partial` is of zarr-python, `.__lock` of tensorstore, `#` and digits of `object_store`.
pub(super) fn is_debris(name: &str) -> bool {
    if matches!(name, ".DS_Store" | "Thumbs.db") {
        return true;
    }
    let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let is_numbered = stem.len() < name.len() && stem.len() > 1 && stem.ends_with('#');
    is_numbered
        || [".partial", ".__lock", PARTIAL_SUFFIX]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debris_is_known_by_its_name() {
        for name in [
            "0.0.1f3b.partial",
            "0.0.__lock",
            "0.0#1",
            "##12",
            ".DS_Store",
            "Thumbs.db",
        ] {
            assert!(is_debris(name), "{name}");
        }
        for name in [
            ".zarray",
            "0.0",
            "c#",
            "#1",
            "12",
            "a1",
            "a#b",
            "partial",
            "zarr.json",
        ] {
            assert!(!is_debris(name), "{name}");
        }
    }
}
