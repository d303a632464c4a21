//! Copies of HDF5 files that are stopped and continued.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use zarr_convenience::core::codecs::DataType;
use zarr_convenience::core::store::{DirectoryStore, Store};
use zarr_convenience::core::{ArrayBuilder, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat};
use zarr_convenience::{Cancel, CopyOptions, Error, Ledger, Progress, Report, Sink, ZarrSource, copy_all};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source};

/// The chunks of each of two datasets, so large that each is a unit of work.
const N_CHUNKS: u64 = 6;
const CHUNK_LENGTH: u64 = 1 << 18;
const UNIT_SIZE: u64 = 4 * CHUNK_LENGTH;

/// A group in a directory, made if it is not there.
fn group(folder: &Path) -> Group {
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder).unwrap());
    let (root, options) = (NodePath::root(), Options::default());
    Group::open(Arc::clone(&store), &root, &options)
        .unwrap_or_else(|_| Group::create(store, &root, ZarrFormat::V2, &options).unwrap())
}

/// A file with two datasets.
fn file(folder: &Path) -> PathBuf {
    let from = group(&folder.join("from.zarr"));
    for (name, step) in [("a", 7), ("b", 11)] {
        let length = CHUNK_LENGTH * N_CHUNKS;
        let builder = ArrayBuilder::new(vec![length], DataType::Int32).chunk_shape(vec![CHUNK_LENGTH]);
        let (store, path) = (Arc::clone(from.store()), NodePath::new(name).unwrap());
        let array = builder.create(store, &path, from.options()).unwrap();
        let values: Vec<_> = (1..=length as i32).map(|value| value * step).collect();
        array.write_vec(&Selection::all(), &values).unwrap();
    }
    let file = folder.join("from.h5");
    let sink = Hdf5Sink::create(&file).unwrap();
    let source = ZarrSource::new(Node::Group(from));
    copy_all(&source, &NodePath::root(), &sink, CopyOptions::default()).unwrap();
    sink.flush().unwrap();
    file
}

/// Copies a file, and stops after so many units.
fn copy_some(file: &Path, to: &Group, ledger: Option<&Ledger>, n_units: u64) -> Result<Report, Error> {
    let cancel = Cancel::default();
    let progress = |progress: Progress<'_>| {
        if progress.done >= n_units * UNIT_SIZE {
            cancel.cancel();
        }
    };
    let options = CopyOptions {
        workers: Workers::ONE,
        ledger,
        cancel: cancel.clone(),
        progress: Some(&progress),
        ..CopyOptions::default()
    };
    let source = Hdf5Source::open(file).unwrap();
    copy_all(&source, &NodePath::root(), to, options)
}

/// All files below a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// The units that the ledger notes, each as step and number, in its order.
fn noted(folder: &Path) -> Vec<String> {
    let files = files(folder).into_values();
    let ledgers = files.filter(|bytes| bytes.starts_with(b"zarr-ledger 1 "));
    let lines: Vec<_> = ledgers.map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    let lines = lines.iter().flat_map(|text| text.lines());
    let units = lines.filter_map(|line| line.strip_prefix("unit ")?.rsplit_once(' '));
    units.map(|(unit, _)| unit.to_owned()).collect()
}

#[test]
fn no_unit_that_was_noted_is_read_again() {
    let folder = TempDir::new().unwrap();
    let file = file(folder.path());
    let dest = folder.path().join("to.zarr");
    for n_units in 1..2 * N_CHUNKS {
        let to = group(&dest);
        let ledger = Ledger::open(to.store(), "work", true).unwrap().unwrap();
        let stopped = copy_some(&file, &to, Some(&ledger), n_units);
        assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
        drop(ledger);
        // Whoever does a unit notes it, so that one that was done twice would stand there twice.
        let units = noted(folder.path());
        assert_eq!(units.len() as u64, n_units, "{units:?}");
        let distinct: BTreeSet<_> = units.iter().collect();
        assert_eq!(
            distinct.len(),
            units.len(),
            "some units were done again: {units:?}"
        );
    }
    let to = group(&dest);
    let ledger = Ledger::open(to.store(), "work", true).unwrap().unwrap();
    copy_some(&file, &to, Some(&ledger), 1 << 20).unwrap();
    ledger.finish().unwrap();
    let whole = folder.path().join("whole.zarr");
    copy_some(&file, &group(&whole), None, 1 << 20).unwrap();
    assert_eq!(files(&dest), files(&whole));
}
