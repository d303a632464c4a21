//! `copy_store`: keys and values, as they are.

use std::sync::Arc;

use zarr_convenience::{
    Cancel, Copied, CopyStoreOptions, Error, IfExists, PatternFlags, Progress, copy_store,
    core::{
        NodePath, Options, Workers,
        store::{
            ByteRange, CountingStore, DirectoryStore, ReadBuffer, Store, StoreError, StoreKey, ZipStore,
            forward_to_store,
            testing::{Fault, FaultyStore, Operation},
        },
    },
    pattern,
};

use crate::help::{digests, example, keys, memory, path, set};

/// Keys as in zarr-python's documentation.
fn keys_store() -> Arc<dyn Store> {
    let store = memory();
    for (key, value) in [("foo", "xxx"), ("bar/baz", "yyy"), ("bar/qux", "zzz")] {
        set(store.as_ref(), key, value.as_bytes());
    }
    store
}

fn copied(
    from: &Arc<dyn Store>,
    to: &Arc<dyn Store>,
    options: CopyStoreOptions<'_>,
) -> (Vec<String>, Result<Copied, Error>) {
    let mut lines = Vec::new();
    let mut log = |line: &str| lines.push(line.to_owned());
    let options = CopyStoreOptions {
        log: Some(&mut log),
        ..options
    };
    let done = copy_store(from, to, options);
    (lines, done)
}

fn with(if_exists: IfExists) -> CopyStoreOptions<'static> {
    CopyStoreOptions {
        if_exists,
        ..Default::default()
    }
}

#[test]
fn keys_are_copied_by_code_point_with_a_line_each() {
    let (from, to) = (keys_store(), memory());
    let (lines, _) = copied(&from, &to, CopyStoreOptions::default());
    let summary = "all done: 3 copied, 0 skipped, 9 bytes copied";
    assert_eq!(lines, ["copy bar/baz", "copy bar/qux", "copy foo", summary]);
    assert_eq!(keys(to.as_ref()), keys(from.as_ref()));
}

/// A store that lists a key which is gone when it is read.
#[derive(Debug)]
struct Losing(Arc<dyn Store>);

impl Store for Losing {
    fn get_ranges(
        &self,
        key: &StoreKey,
        ranges: &[ByteRange],
        buffer: &mut ReadBuffer,
    ) -> Result<bool, StoreError> {
        Ok(key.as_str() != "bar/qux" && self.0.get_ranges(key, ranges, buffer)?)
    }

    forward_to_store! { to 0: size, set, erase, list_dir, capabilities, describe; }
}

#[test]
fn a_key_that_vanishes_is_an_error_that_names_it() {
    let from: Arc<dyn Store> = Arc::new(Losing(keys_store()));
    let error = copied(&from, &memory(), CopyStoreOptions::default())
        .1
        .unwrap_err();
    assert!(matches!(&error, Error::Vanished { .. }), "{error:?}");
    assert!(error.to_string().contains("bar/qux"), "{error}");
}

/// A file of a terabyte that holds nothing costs its writer nothing, and must not cost its reader more.
#[cfg(target_os = "linux")]
#[test]
fn values_larger_than_any_shard_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::File::create(folder.path().join("0"))
        .and_then(|file| file.set_len(1 << 40))
        .unwrap();
    let from: Arc<dyn Store> = Arc::new(DirectoryStore::open(folder.path()).unwrap());
    let error = copied(&from, &memory(), CopyStoreOptions::default())
        .1
        .unwrap_err();
    let limit = format!("limit {}", 64_u64 << 30);
    assert!(error.to_string().contains(&limit), "{error}");
}

#[test]
fn a_part_is_copied_to_another_path() {
    let (from, to) = (keys_store(), memory());
    let options = CopyStoreOptions {
        source_path: path("/bar/"),
        dest_path: path("a//b"),
        ..Default::default()
    };
    let (lines, _) = copied(&from, &to, options);
    assert_eq!(lines[..2], ["copy bar/baz -> a/b/baz", "copy bar/qux -> a/b/qux"]);
    assert_eq!(
        keys(to.as_ref()).into_keys().collect::<Vec<_>>(),
        ["a/b/baz", "a/b/qux"]
    );
}

#[test]
fn a_path_that_names_a_key_selects_nothing() {
    let (from, to) = (keys_store(), memory());
    let options = CopyStoreOptions {
        source_path: path("bar/baz"),
        ..Default::default()
    };
    let (lines, _) = copied(&from, &to, options);
    assert_eq!(lines, ["all done: 0 copied, 0 skipped, 0 bytes copied"]);
}

#[test]
fn includes_only_rescue_what_excludes_leave_out() {
    let from = keys_store();
    let lines = |excludes: &[&str], includes: &[&str]| {
        let built = |text: &&str| pattern(text, PatternFlags::default()).unwrap();
        let patterns = |texts: &[&str]| texts.iter().map(built).collect();
        let options = CopyStoreOptions {
            excludes: patterns(excludes),
            includes: patterns(includes),
            ..Default::default()
        };
        copied(&from, &memory(), options).0
    };
    assert_eq!(
        lines(&["a"], &[]),
        ["copy foo", "all done: 1 copied, 0 skipped, 3 bytes copied"]
    );
    assert_eq!(lines(&["bar", "o+$"], &["qux"])[..1], ["copy bar/qux"]);
    assert_eq!(lines(&[], &["foo"]).len(), 4);
    let wrong = pattern("(", PatternFlags::default()).unwrap_err();
    assert!(matches!(&wrong, Error::Argument(_)));
    let reason = "regular expression \"(\": missing ), unterminated subpattern at position 0";
    assert_eq!(wrong.to_string(), reason);
}

#[test]
fn b27_clashes_are_found_before_anything_is_copied() {
    let (from, to) = (keys_store(), memory());
    set(to.as_ref(), "foo", b"mine");
    let (lines, done) = copied(&from, &to, with(IfExists::Raise));
    assert!(matches!(done, Err(Error::Copy(text)) if text == "key 'foo' exists in destination"));
    assert!(lines.is_empty());
    assert_eq!(keys(to.as_ref()).len(), 1);
}

#[test]
fn b27_files_that_clash_with_folders_are_found_before_anything_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let clashes = [
        // A folder in the place of a key, a file in that of a folder above, and two keys of the source.
        (
            vec!["a", "foo"],
            Some("foo/0"),
            "foo: a folder is in the place of the value",
        ),
        (
            vec!["a", "foo/0/1"],
            Some("foo"),
            "foo/0/1: a file is in the place of a folder above",
        ),
        (
            vec!["a", "foo", "foo/0/1"],
            None,
            "foo: a key that is to be set lies below it",
        ),
    ];
    for (number, (names, there, expected)) in clashes.into_iter().enumerate() {
        let from = memory();
        for name in names {
            set(from.as_ref(), name, b"xxx");
        }
        let at = folder.path().join(number.to_string());
        let to: Arc<dyn Store> = Arc::new(DirectoryStore::create(at).unwrap());
        if let Some(name) = there {
            set(to.as_ref(), name, b"mine");
        }
        let before = keys(to.as_ref());
        for if_exists in [IfExists::Raise, IfExists::Replace, IfExists::Skip] {
            let (lines, done) = copied(&from, &to, with(if_exists));
            let error = done.unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
            assert!(lines.is_empty(), "{lines:?}");
            assert_eq!(keys(to.as_ref()), before);
        }
    }
}

#[test]
fn keys_that_are_there_are_skipped_or_replaced() {
    let (from, to) = (keys_store(), memory());
    set(to.as_ref(), "foo", b"mine");
    let (lines, _) = copied(&from, &to, with(IfExists::Skip));
    let summary = "all done: 2 copied, 1 skipped, 6 bytes copied";
    assert_eq!(lines, ["copy bar/baz", "copy bar/qux", "skip foo", summary]);
    assert_eq!(keys(to.as_ref())["foo"], b"mine");
    let (lines, _) = copied(&from, &to, with(IfExists::Replace));
    assert_eq!(lines[3], "all done: 3 copied, 0 skipped, 9 bytes copied");
    assert_eq!(keys(to.as_ref())["foo"], b"xxx");
}

#[test]
fn keys_cannot_be_skipped_for_being_initialized() {
    let (_, done) = copied(&keys_store(), &memory(), with(IfExists::SkipInitialized));
    let text = "if_exists must be one of ['raise', 'replace', 'skip']; found 'skip_initialized'";
    assert!(matches!(done, Err(Error::Argument(found)) if found == text));
}

#[test]
fn a_dry_run_decides_the_same_and_writes_nothing() {
    let (from, inner) = (keys_store(), memory());
    set(inner.as_ref(), "foo", b"mine");
    let counting = Arc::new(CountingStore::new(Arc::clone(&inner)));
    let to: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
    let options = CopyStoreOptions {
        dry_run: true,
        if_exists: IfExists::Skip,
        ..Default::default()
    };
    let (lines, done) = copied(&from, &to, options);
    assert_eq!(
        lines,
        [
            "copy bar/baz",
            "copy bar/qux",
            "skip foo",
            "dry run: 2 copied, 1 skipped"
        ]
    );
    assert_eq!(done.unwrap().n_bytes_copied, 0);
    let counts = counting.counts();
    assert_eq!(
        (counts.sets, counts.erases, counts.prefix_erases, counts.flushes),
        (0, 0, 0, 0)
    );
}

#[test]
fn a_hierarchy_is_the_same_afterwards() {
    let (from, to) = (example(), memory());
    let done = copy_store(from.store(), &to, CopyStoreOptions::default()).unwrap();
    assert_eq!(done.n_copied as usize, keys(to.as_ref()).len());
    assert_eq!(digests(&to), digests(from.store()));
}

#[test]
fn a_copy_that_ends_half_way_has_no_array_that_lacks_chunks() {
    let from = example();
    let n_keys = keys(from.store().as_ref()).len() as u64;
    let whole = digests(from.store());
    for call in 0..n_keys {
        let inner = memory();
        let fault = Fault::stop(call).of(Operation::Set);
        let to: Arc<dyn Store> = Arc::new(FaultyStore::new(Arc::clone(&inner), fault));
        assert!(copy_store(from.store(), &to, CopyStoreOptions::default()).is_err());
        for name in ["foo/bar/baz", "foo/bar/spam"] {
            let node = zarr_convenience::core::Node::find(&inner, &path(name), &Options::default(), None);
            if node.unwrap().is_some() {
                let found = crate::help::values(&inner, name);
                assert_eq!(found, crate::help::values(from.store(), name), "call {call}");
            }
        }
        assert!(
            digests(&inner).is_empty() || digests(&inner) == whole,
            "call {call}"
        );
    }
    assert_eq!(NodePath::root(), CopyStoreOptions::default().source_path);
}

#[test]
fn an_archive_is_the_same_whatever_is_read_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let from: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder.path().join("from")).unwrap());
    for number in 0..700_usize {
        set(
            from.as_ref(),
            &format!("a/{number}"),
            &vec![number as u8; number * 7],
        );
    }
    set(from.as_ref(), "large", &vec![1; 3 << 20]);
    let archive = |name: &str, workers, memory| {
        let at = folder.path().join(name);
        let to = Arc::new(ZipStore::create(&at).unwrap());
        let dest: Arc<dyn Store> = Arc::<ZipStore>::clone(&to);
        let options = CopyStoreOptions {
            workers,
            memory,
            ..Default::default()
        };
        copy_store(&from, &dest, options).unwrap();
        drop(dest);
        Arc::into_inner(to).unwrap().close().unwrap();
        std::fs::read(at).unwrap()
    };
    let one = archive("one.zip", Workers::ONE, None);
    assert_eq!(archive("four.zip", Workers::new(4), None), one);
    assert_eq!(archive("tight.zip", Workers::new(4), Some(7 << 20)), one);
    let store: Arc<dyn Store> = Arc::new(ZipStore::open(folder.path().join("four.zip")).unwrap());
    assert_eq!(keys(store.as_ref()), keys(from.as_ref()));
}

#[test]
fn a_copy_into_an_archive_that_is_stopped_ends() {
    let from = memory();
    for number in 0..200 {
        set(from.as_ref(), &format!("a/{number}"), b"value");
    }
    let folder = tempfile::tempdir().unwrap();
    for round in 0..50 {
        let to: Arc<dyn Store> =
            Arc::new(ZipStore::create(folder.path().join(format!("{round}.zip"))).unwrap());
        let cancel = Cancel::default();
        let stop = |_: Progress<'_>| cancel.cancel();
        let options = CopyStoreOptions {
            workers: Workers::new(4),
            cancel: cancel.clone(),
            progress: Some(&stop),
            ..Default::default()
        };
        let error = copy_store(&from, &to, options).unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");
    }
}
