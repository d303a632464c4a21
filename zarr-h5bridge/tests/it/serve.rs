//! HDF5 files as stores of Zarr, and through documents of references.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use serde_json::Value;
use zarr_convenience::core::store::{
    ByteRange, ReadBuffer, ReferenceStore, Store, StoreError, StoreExt, StoreKey, StorePrefix,
};
use zarr_convenience::core::{Array, Node, NodePath, Options, Selection};
use zarr_convenience::{Cancel, DiffOptions, DifferenceKind, Error, Side, ZarrSource, diff};
use zarr_h5bridge::{Hdf5Source, Hdf5Store, ReferenceOptions, ReferenceReport, write_references};

use super::testdata;

/// Files of h5py, netCDF4, xarray, anndata, pandas, `PyTables` and hdf5storage.
const FILES: [&str; 13] = [
    "sample.h5",
    "climate.h5",
    "hdf5/anndata.h5ad",
    "hdf5/chunks.h5",
    "hdf5/filters.h5",
    "hdf5/layouts.h5",
    "hdf5/links.h5",
    "hdf5/matlab.mat",
    "hdf5/netcdf4.nc",
    "hdf5/pandas.h5",
    "hdf5/tables.h5",
    "hdf5/types.h5",
    "hdf5/xarray.nc",
];

fn key(text: &str) -> StoreKey {
    StoreKey::new(text).unwrap()
}

/// Compares a file, read as one, with what a store shows of it.
#[track_caller]
fn same(name: &str, store: Arc<dyn Store>) -> u64 {
    let file = Hdf5Source::open(testdata(name)).unwrap();
    let root = Node::open(store, &NodePath::root(), &Options::default()).unwrap();
    let zarr = ZarrSource::new(root);
    let report = diff(
        (&file, &file.root()),
        (&zarr, &zarr.root()),
        &DiffOptions::default(),
    )
    .unwrap();
    assert_eq!(report.failures.n, 0, "{name}: {:?}", report.failures);
    for difference in &report.differences.shown {
        // What can be no node is only in the file.
        let is_no_node = match &difference.kind {
            DifferenceKind::Only { side: Side::A, node } => {
                !node.starts_with("array") && !node.starts_with("group")
            }
            _ => false,
        };
        assert!(is_no_node, "{name}: {difference:?}");
    }
    assert_eq!(report.differences.n, report.differences.shown.len() as u64);
    report.n_elements
}

fn document(name: &str, folder: &Path, options: &ReferenceOptions) -> (Value, ReferenceReport) {
    let store = Hdf5Store::open(testdata(name)).unwrap();
    let mut bytes = Vec::new();
    let report = write_references(&store, options, &mut bytes).unwrap();
    fs::write(folder.join("refs.json"), &bytes).unwrap();
    (serde_json::from_slice(&bytes).unwrap(), report)
}

#[test]
fn a_store_shows_what_the_file_has() {
    let mut n_elements = 0;
    for name in FILES {
        n_elements += same(name, Arc::new(Hdf5Store::open(testdata(name)).unwrap()));
    }
    assert!(n_elements > 100_000, "{n_elements}");
}

#[test]
fn a_document_shows_what_the_file_has() {
    for name in FILES {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(testdata(name), folder.path().join("x.h5")).unwrap();
        // Everything that can be referred to, or as much as usual.
        for chunk_size_max in [0, 500] {
            let options = ReferenceOptions {
                chunk_size_max,
                ..ReferenceOptions::new("x.h5")
            };
            let (_, report) = document(name, folder.path(), &options);
            assert!(report.n_referred + report.n_inlined > 0, "{name}: {report:?}");
            let store = ReferenceStore::open(folder.path().join("refs.json")).unwrap();
            same(name, Arc::new(store));
        }
    }
}

#[test]
fn keys_that_are_listed_are_those_that_are_found() {
    for name in FILES {
        let store = Hdf5Store::open(testdata(name)).unwrap();
        let keys = store.list_prefix(&StorePrefix::root()).unwrap();
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{name}");
        for key in &keys {
            let size = store.size(key).unwrap();
            let value = store.get(key, u64::MAX).unwrap();
            assert_eq!(size, value.map(|value| value.len() as u64), "{name}: {key}");
            assert!(size.is_some(), "{name}: {key}");
        }
    }
}

#[test]
fn names_that_are_no_chunks_are_not_there() {
    let store = Hdf5Store::open(testdata("sample.h5")).unwrap();
    assert!(store.exists(&key("ocean/sst/0.0")).unwrap());
    for name in [
        "ocean/sst/0",
        "ocean/sst/0.0.0",
        "ocean/sst/00.0",
        "ocean/sst/99.0",
        "ocean/sst/18446744073709551615.0",
        "ocean/sst/zarr.json",
        "ocean/sst/x/0.0",
        "ocean/sst/.zgroup",
        "ocean/0.0",
        "nowhere/.zarray",
        ".zmetadata",
    ] {
        assert_eq!(store.size(&key(name)).unwrap(), None, "{name}");
        assert_eq!(store.get(&key(name), 1 << 20).unwrap(), None, "{name}");
    }
    assert!(matches!(
        store.set(&key("a"), b""),
        Err(StoreError::NotSupported { .. })
    ));
    assert!(matches!(
        store.erase(&key("a")),
        Err(StoreError::NotSupported { .. })
    ));
}

#[test]
fn ranges_and_limits_are_those_of_the_chunk() {
    let store = Hdf5Store::open(testdata("climate.h5")).unwrap();
    let keys = store.list_prefix(&StorePrefix::root()).unwrap();
    let chunk = keys
        .iter()
        .find(|key| key.as_str().contains("atmosphere/temperature/0."))
        .unwrap();
    let whole = store.get(chunk, u64::MAX).unwrap().unwrap();
    let mut buffer = ReadBuffer::new();
    let ranges = [
        ByteRange::Part { offset: 3, length: 4 },
        ByteRange::Suffix { length: 2 },
    ];
    assert!(store.get_ranges(chunk, &ranges, &mut buffer).unwrap());
    assert_eq!(
        (buffer.part(0), buffer.part(1)),
        (&whole[3..7], &whole[whole.len() - 2..])
    );
    let size = whole.len() as u64;
    let beyond = [ByteRange::Part {
        offset: 0,
        length: size + 1,
    }];
    assert!(matches!(
        store.get_ranges(chunk, &beyond, &mut buffer),
        Err(StoreError::OutOfRange { .. })
    ));
    assert!(matches!(
        store.get(chunk, size - 1),
        Err(StoreError::TooLarge { .. })
    ));
}

#[test]
fn chunks_are_referred_to_where_the_file_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let options = ReferenceOptions {
        chunk_size_max: 0,
        ..ReferenceOptions::new("x.h5")
    };
    let (document, report) = document("hdf5/chunks.h5", folder.path(), &options);
    assert_eq!(document["version"], 1);
    let refs = document["refs"].as_object().unwrap();
    let array: Value = serde_json::from_str(refs["masked/.zarray"].as_str().unwrap()).unwrap();
    assert_eq!(array["compressor"], Value::Null);
    let ids: Vec<_> = array["filters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|filter| &filter["id"])
        .collect();
    assert_eq!(ids, ["shuffle", "zlib"]);
    // Of the chunks of `masked`, some skip a filter; those are in the document, filtered.
    let (mut by_file, mut by_text) = (0, 0);
    let file = fs::read(testdata("hdf5/chunks.h5")).unwrap();
    for (key, value) in refs.iter().filter(|(key, _)| !key.contains(".z")) {
        match value {
            Value::Array(list) => {
                by_file += 1;
                let (offset, size) = (
                    list[1].as_u64().unwrap() as usize,
                    list[2].as_u64().unwrap() as usize,
                );
                assert_eq!(list[0], "x.h5");
                assert!(offset + size <= file.len(), "{key}");
            }
            text => {
                by_text += 1;
                assert!(text.as_str().unwrap().starts_with("base64:"), "{key}");
            }
        }
    }
    assert!(refs["masked/0.0"].is_array() != refs["masked/0.1"].is_array());
    assert_eq!((report.n_referred, report.n_inlined), (by_file, by_text));
    assert!(by_file > 50 && by_text > 0);
}

#[test]
fn what_is_too_much_for_a_document_is_reported_and_left_out_whole() {
    let folder = tempfile::tempdir().unwrap();
    let options = ReferenceOptions {
        array_size_max: 16,
        ..ReferenceOptions::new("x.h5")
    };
    let (document, report) = document("hdf5/filters.h5", folder.path(), &options);
    let refs = document["refs"].as_object().unwrap();
    let lost: BTreeMap<_, _> = report
        .lost
        .iter()
        .map(|lost| (lost.what.as_str(), &lost.reason))
        .collect();
    assert!(
        lost["/lzf_i"].contains("filter 32000") && lost["/lzf_i"].contains("limit 16"),
        "{lost:?}"
    );
    assert!(!refs.keys().any(|key| key.starts_with("lzf_i/")));
    assert!(refs.contains_key("zstd_i/.zarray") && !lost.contains_key("/zstd_i"));
}

#[test]
fn writing_a_document_can_be_cancelled() {
    let store = Hdf5Store::open(testdata("sample.h5")).unwrap();
    let cancel = Cancel::default();
    cancel.cancel();
    let options = ReferenceOptions {
        cancel,
        ..ReferenceOptions::new("x.h5")
    };
    let ended = write_references(&store, &options, &mut Vec::new());
    assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
}

#[test]
fn a_piece_without_chunks_is_cut_and_read_in_part() {
    let store = Arc::new(Hdf5Store::open(testdata("sample.h5")).unwrap());
    let path = NodePath::new("ocean/sst").unwrap();
    let array = Array::open(store, &path, &Options::default()).unwrap();
    let whole = array.read_vec::<f64>(&Selection::all()).unwrap();
    let row = array
        .read_vec::<f64>(&Selection::parse("5, 3:7").unwrap())
        .unwrap();
    assert_eq!(row, whole[5 * 18 + 3..5 * 18 + 7]);
}

#[test]
fn a_damaged_chunk_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.h5");
    fs::copy(testdata("climate.h5"), &path).unwrap();
    let store = Hdf5Store::open(&path).unwrap();
    let keys = store.list_prefix(&StorePrefix::root()).unwrap();
    let chunk = keys
        .iter()
        .find(|key| key.as_str().contains("atmosphere/temperature/0."))
        .unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(600)
        .unwrap();
    let error = store.get(chunk, u64::MAX).unwrap_err().to_string();
    assert!(error.contains("x.h5"), "{error}");
}
