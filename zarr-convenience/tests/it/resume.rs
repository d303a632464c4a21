//! Copies that are stopped and continued, kept within memory, and compared with their source afterwards.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;
use zarr_convenience::{
    Cancel, Chunks, CopyOptions, CopyStoreOptions, Creation, Error, IfExists, Ledger, Progress, Report,
    ZarrSource, copy_all, copy_store,
    core::{
        Array, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat,
        store::{CountingStore, DirectoryStore, Store, StoreError, ZipStore, testing::DistantStore},
    },
    plan_copy_all, plan_copy_store, verify, verify_keys,
};

use crate::help::{Keys, array, attributes, group_in, keys, memory, path, set, values};

fn directory(folder: &TempDir, name: &str) -> Arc<dyn Store> {
    Arc::new(DirectoryStore::create(folder.path().join(name)).unwrap())
}

fn open(group: &Group, name: &str) -> Array {
    Array::open(Arc::clone(group.store()), &path(name), &Options::default()).unwrap()
}

/// The group at the root, made if it is not there.
fn root(store: &Arc<dyn Store>) -> Group {
    Group::open(Arc::clone(store), &NodePath::root(), &Options::default())
        .unwrap_or_else(|_| group_in(store, ZarrFormat::V2))
}

/// A group of two arrays of ten chunks each.
fn source(folder: &TempDir) -> Group {
    let group = group_in(&directory(folder, "from.zarr"), ZarrFormat::V2);
    group.attrs().update(attributes(json!({"title": "x"}))).unwrap();
    array(&group, "a", 100);
    array(&group, "b", 100);
    group
}

/// Copies by units of one chunk, and stops after so many of them.
fn copy_some(
    from: &Group,
    to: &Group,
    ledger: Option<&Ledger>,
    (if_exists, chunks): (IfExists, u64),
    n: u64,
) -> Result<Report, Error> {
    let cancel = Cancel::default();
    let done = AtomicU64::new(0);
    let progress = |_: Progress<'_>| {
        if done.fetch_add(1, Ordering::Relaxed) + 1 >= n {
            cancel.cancel();
        }
    };
    let source = ZarrSource::new(Node::Group(from.clone()));
    let options = CopyOptions {
        if_exists,
        creation: Creation {
            chunks: Some(Chunks::Each(chunks)),
            ..Creation::default()
        },
        workers: Workers::ONE,
        ledger,
        cancel: cancel.clone(),
        progress: Some(&progress),
        ..CopyOptions::default()
    };
    copy_all(&source, from.path(), to, options)
}

/// All files below a folder that are not those of a key.
fn debris(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".zt-partial") {
            found.push(path.display().to_string());
        } else if path.is_dir() {
            found.extend(debris(&path));
        }
    }
    found
}

fn undisturbed(from: &Group, creation: (IfExists, u64)) -> Keys {
    let to = group_in(&memory(), ZarrFormat::V2);
    copy_some(from, &to, None, creation, u64::MAX).unwrap();
    keys(to.store().as_ref())
}

/// The ledger of the work that is interrupted here.
fn opened(store: &Arc<dyn Store>) -> Ledger {
    Ledger::open(store, "work", true).unwrap().unwrap()
}

#[test]
fn a_copy_that_was_stopped_is_continued_and_copies_nothing_twice() {
    for how in [
        (IfExists::Raise, 10),
        (IfExists::Raise, 5),
        (IfExists::Replace, 10),
        (IfExists::Replace, 5),
    ] {
        let folder = TempDir::new().unwrap();
        let from = source(&folder);
        let expected = undisturbed(&from, how);
        let inner = directory(&folder, "to.zarr");
        if how.0 == IfExists::Replace {
            array(&group_in(&inner, ZarrFormat::V2), "a", 40);
        }
        // Arrays as small as these are decoded and encoded in one unit.
        let a_few = if how.1 == 10 { 3 } else { 1 };
        let mut n_chunks_set = 0;
        let mut n_stops = 0;
        loop {
            let counting = Arc::new(CountingStore::new(Arc::clone(&inner)));
            let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
            let ledger = opened(&store);
            assert_eq!(ledger.is_resumed(), n_stops > 0);
            let to = root(&store);
            let ended = copy_some(&from, &to, Some(&ledger), how, a_few * (n_stops + 1));
            n_chunks_set += counting.counts().sets;
            match ended {
                Ok(report) => {
                    assert_eq!(report.copied.n_bytes_copied, 1600);
                    ledger.finish().unwrap();
                    break;
                }
                Err(error) => assert!(matches!(error, Error::Cancelled), "{error}"),
            }
            // What is there is old or whole.
            let found = keys(inner.as_ref());
            for name in ["a", "b"] {
                if found.contains_key(&format!("{name}/.zarray")) {
                    let found = values(&inner, name);
                    assert!(found.len() == 40 || found == values(from.store(), name), "{name}");
                }
            }
            n_stops += 1;
            assert!(n_stops < 50);
        }
        assert_eq!(keys(inner.as_ref()), expected, "{how:?}");
        assert_eq!(debris(folder.path()), Vec::<String>::new());
        assert!(n_stops > 0, "{how:?}");
        if how == (IfExists::Raise, 10) {
            // 20 chunks once each; the rest are documents.
            let n_documents = n_chunks_set - 20;
            assert!(
                n_documents <= 4 * (n_stops + 1),
                "{n_chunks_set} after {n_stops} stops"
            );
        }
    }
}

#[test]
fn what_changed_in_the_source_meanwhile_is_copied_again() {
    let folder = TempDir::new().unwrap();
    let from = source(&folder);
    let store = directory(&folder, "to.zarr");
    let how = (IfExists::Raise, 10);
    let ledger = opened(&store);
    let to = group_in(&store, ZarrFormat::V2);
    copy_some(&from, &to, Some(&ledger), how, 13).unwrap_err();
    drop(ledger);
    let array = open(&from, "a");
    array
        .write_vec(&Selection::region(&[0], &[10]), &[-1_i64; 10])
        .unwrap();
    let ledger = opened(&store);
    copy_some(&from, &to, Some(&ledger), how, u64::MAX).unwrap();
    assert_eq!(values(&store, "a"), values(from.store(), "a"));
    assert_eq!(keys(store.as_ref()), undisturbed(&from, how));
}

#[test]
fn other_nodes_or_attributes_in_the_source_make_a_copy_begin_anew() {
    let folder = TempDir::new().unwrap();
    let from = source(&folder);
    let store = directory(&folder, "to.zarr");
    let how = (IfExists::Raise, 10);
    let ledger = opened(&store);
    let to = group_in(&store, ZarrFormat::V2);
    copy_some(&from, &to, Some(&ledger), how, 3).unwrap_err();
    drop(ledger);
    array(&from, "c", 10);
    let ledger = opened(&store);
    let error = copy_some(&from, &to, Some(&ledger), how, u64::MAX).unwrap_err();
    assert!(error.to_string().contains("must begin anew"), "{error}");
    drop(ledger);
    let ledger = Ledger::open(&store, "work", false).unwrap().unwrap();
    assert!(!ledger.is_resumed());
    zarr_convenience::core::clear(store.as_ref(), &path("a")).unwrap();
    copy_some(&from, &to, Some(&ledger), how, u64::MAX).unwrap();
    ledger.finish().unwrap();
    assert_eq!(keys(store.as_ref()), undisturbed(&from, how));
    assert_eq!(debris(folder.path()), Vec::<String>::new());
}

#[test]
fn two_processes_cannot_do_the_same_work_at_once() {
    let folder = TempDir::new().unwrap();
    let store = directory(&folder, "to.zarr");
    let first = Ledger::open(&store, "work", true).unwrap();
    let error = Ledger::open(&store, "work", true).unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Core(zarr_convenience::core::Error::Store(StoreError::Conflict { .. }))
        ),
        "{error}"
    );
    assert!(Ledger::open(&store, "other work", true).is_ok());
    drop(first);
    assert!(Ledger::open(&store, "work", true).is_ok());
}

#[test]
fn keys_that_were_copied_are_not_copied_again() {
    let folder = TempDir::new().unwrap();
    keys_are_copied_once(&folder, source(&folder).store());
}

#[test]
fn keys_that_were_copied_from_afar_are_not_copied_again() {
    let folder = TempDir::new().unwrap();
    let near = Arc::clone(source(&folder).store());
    let from: Arc<dyn Store> = Arc::new(DistantStore::new(near, Duration::ZERO, 8));
    keys_are_copied_once(&folder, &from);
}

#[test]
fn keys_that_were_copied_from_an_archive_are_not_copied_again() {
    let folder = TempDir::new().unwrap();
    let archive: Arc<dyn Store> = Arc::new(ZipStore::create(folder.path().join("from.zip")).unwrap());
    copy_store(source(&folder).store(), &archive, CopyStoreOptions::default()).unwrap();
    drop(archive);
    let archive = ZipStore::open(folder.path().join("from.zip")).unwrap();
    keys_are_copied_once(&folder, &(Arc::new(archive) as Arc<dyn Store>));
}

/// A server would be asked for a generation as long as for the chunk itself.
#[test]
fn what_is_encoded_anew_from_afar_takes_a_request_a_chunk_whether_or_not_it_can_be_continued() {
    let folder = TempDir::new().unwrap();
    let near = Arc::clone(source(&folder).store());
    let n_requests = |into: &str, is_noted: bool| {
        let far = Arc::new(DistantStore::new(Arc::clone(&near), Duration::ZERO, 8));
        let from = root(&(Arc::<DistantStore>::clone(&far) as Arc<dyn Store>));
        let store = directory(&folder, into);
        let to = root(&store);
        let ledger = is_noted.then(|| opened(&store));
        let before = far.n_requests();
        copy_some(&from, &to, ledger.as_ref(), (IfExists::Raise, 5), u64::MAX).unwrap();
        assert_eq!(values(&store, "a"), values(&near, "a"));
        far.n_requests() - before
    };
    let without = n_requests("without.zarr", false);
    assert!(without >= 2 * 10, "{without}");
    assert_eq!(n_requests("with.zarr", true), without);
}

fn keys_are_copied_once(folder: &TempDir, from: &Arc<dyn Store>) {
    let inner = directory(folder, "to.zarr");
    set(inner.as_ref(), "other", b"1");
    let mut n_stops = 0;
    let mut n_sets = 0;
    loop {
        let counting = Arc::new(CountingStore::new(Arc::clone(&inner)));
        let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
        let ledger = Ledger::open(&store, "keys", true).unwrap().unwrap();
        let cancel = Cancel::default();
        let (done, stop) = (AtomicU64::new(0), cancel.clone());
        let progress = |_: Progress<'_>| {
            if done.fetch_add(1, Ordering::Relaxed) + 1 >= 6 * (n_stops + 1) {
                stop.cancel();
            }
        };
        let options = CopyStoreOptions {
            dest_path: path("below"),
            workers: Workers::ONE,
            ledger: Some(&ledger),
            cancel,
            progress: Some(&progress),
            ..CopyStoreOptions::default()
        };
        let ended = copy_store(from, &store, options);
        n_sets += counting.counts().sets;
        match ended {
            Ok(copied) => {
                assert_eq!(copied.n_copied, 24);
                ledger.finish().unwrap();
                break;
            }
            Err(error) => assert!(matches!(error, Error::Cancelled), "{error}"),
        }
        n_stops += 1;
        assert!(n_stops < 50);
    }
    assert!(n_stops > 2);
    // The group above is made when all else is there.
    assert_eq!(n_sets, 24 + 1);
    let expected: Keys = keys(from.as_ref());
    let mut found = keys(inner.as_ref());
    assert_eq!(found.remove("other"), Some(b"1".to_vec()));
    assert!(found.remove(".zgroup").is_some());
    let found: Keys = found
        .into_iter()
        .map(|(key, value)| (key.strip_prefix("below/").unwrap().to_owned(), value))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(debris(folder.path()), Vec::<String>::new());
}

#[test]
fn memory_is_kept_and_what_needs_more_is_refused_before_the_start() {
    let folder = TempDir::new().unwrap();
    let from = source(&folder);
    let source = ZarrSource::new(Node::Group(from.clone()));
    let to = group_in(&memory(), ZarrFormat::V2);
    let options = |memory| CopyOptions {
        memory: Some(memory),
        creation: Creation {
            chunks: Some(Chunks::Each(7)),
            ..Creation::default()
        },
        workers: Workers::new(4),
        ..CopyOptions::default()
    };
    let error = copy_all(&source, from.path(), &to, options(1000)).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("from.zarr: a: ") && text.contains("limit 1000"),
        "{text}"
    );
    assert_eq!(keys(to.store().as_ref()).len(), 1);
    let report = copy_all(&source, from.path(), &to, options(300_000)).unwrap();
    assert!(
        report.memory_peak > 0 && report.memory_peak <= 300_000,
        "{report:?}"
    );
    assert_eq!(values(to.store(), "a"), values(from.store(), "a"));
}

#[test]
fn a_copy_that_differs_from_its_source_is_found() {
    let folder = TempDir::new().unwrap();
    let from = source(&folder);
    let source = ZarrSource::new(Node::Group(from.clone()));
    let to = group_in(&memory(), ZarrFormat::V3);
    let plan = plan_copy_all(&source, from.path(), &to, &CopyOptions::default()).unwrap();
    let checks = plan.checks(to.path());
    let report = copy_all(&source, from.path(), &to, CopyOptions::default()).unwrap();
    let found = || {
        let dest = ZarrSource::new(Node::Group(to.clone()));
        let found = verify(&checks, &dest, &report, Workers::ONE, &Cancel::default()).unwrap();
        let found = found
            .into_iter()
            .map(|lost| format!("{}: {}", lost.what, lost.reason));
        found.collect::<Vec<_>>()
    };
    assert_eq!(found(), Vec::<String>::new());
    let copy = open(&to, "a");
    copy.write_vec(&Selection::region(&[17], &[1]), &[-5_i64])
        .unwrap();
    to.attrs().update(attributes(json!({"title": "y"}))).unwrap();
    zarr_convenience::core::clear(to.store().as_ref(), &path("b")).unwrap();
    assert_eq!(
        found(),
        [
            "/a: 1 of 100 values differs, first at [17]: 18 and -5",
            "/b: is not there",
            "/: attribute \"title\" differs"
        ]
    );
}

#[test]
fn keys_that_differ_from_their_source_are_found() {
    let folder = TempDir::new().unwrap();
    let from = source(&folder);
    let to = memory();
    let plan = plan_copy_store(from.store(), &to, &CopyStoreOptions::default()).unwrap();
    copy_store(from.store(), &to, CopyStoreOptions::default()).unwrap();
    let found = || verify_keys(&plan, from.store(), &to, Workers::new(2), &Cancel::default()).unwrap();
    assert_eq!(found(), []);
    set(to.as_ref(), "a/3", b"other");
    to.erase(&NodePath::root().key("b/.zarray").unwrap()).unwrap();
    let what: Vec<_> = found().into_iter().map(|lost| (lost.what, lost.reason)).collect();
    let expected = [("a/3", "has other bytes"), ("b/.zarray", "is not there")];
    assert_eq!(
        what,
        expected.map(|(what, reason)| (what.to_owned(), reason.to_owned()))
    );
}
