//! Archives of Python's zipfile, and damaged ones.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::{collection::vec, prelude::*};
use zarr_store::{ByteRange, ReadBuffer, Store, StoreError, StoreExt, ZipStore};

use crate::{folder, get, key, keys};

pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

pub(crate) fn open(name: &str) -> ZipStore {
    ZipStore::open(data(name)).unwrap()
}

fn chunk() -> Vec<u8> {
    (0..=255).collect::<Vec<u8>>().repeat(20)
}

#[test]
fn plain_archives_are_read_whatever_lies_before_them() {
    for name in ["plain.zip", "junk.zip", "prefixed.zip"] {
        let store = open(name);
        assert_eq!(keys(&store), [".zgroup", "foo/0.0", "foo/0.1"], "{name}");
        assert_eq!(get(&store, "foo/0.0"), Some(chunk()));
        assert_eq!(get(&store, "foo/0.1"), Some(Vec::new()));
        assert_eq!(get(&store, "foo/0.2"), None);
        let result = store.set(&key("a"), b"");
        assert!(matches!(result, Err(StoreError::NotSupported { .. })));
        assert!(!store.capabilities().writes);
    }
    assert!(keys(&open("empty.zip")).is_empty());
}

#[test]
fn streamed_and_zip64_members_are_read() {
    let store = open("streamed.zip");
    assert_eq!(get(&store, "foo/0"), Some(chunk()));
    assert_eq!(get(&store, "foo/1").as_deref(), Some(&b"stored"[..]));
    assert_eq!(get(&open("zip64.zip"), "foo/0"), Some(chunk()));
}

#[test]
fn b33_the_last_of_a_name_wins() {
    let store = open("duplicate.zip");
    assert_eq!(keys(&store), ["foo/0", "foo/1"]);
    assert_eq!(get(&store, "foo/0").as_deref(), Some(&b"second"[..]));
}

#[test]
fn deflated_members_are_read_whole_and_in_part() {
    let store = open("mixed.zip");
    let name = key("foo/deflated");
    assert_eq!(get(&store, "foo/deflated"), Some(chunk()));
    let part = |offset, length| ByteRange::Part { offset, length };
    let ranges = [
        part(3, 4),
        part(700, 2),
        part(1, 1),
        ByteRange::Suffix { length: 2 },
    ];
    let mut buffer = ReadBuffer::with_limit(9);
    assert!(store.get_ranges(&name, &ranges, &mut buffer).unwrap());
    let parts: Vec<&[u8]> = (0..4).map(|index| buffer.part(index)).collect();
    assert_eq!(parts, [&[3, 4, 5, 6][..], &[188, 189], &[1], &[254, 255]]);
    let error = store.get(&name, 5119).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { size: 5120, .. }));
}

#[test]
fn b34_members_that_are_no_keys_are_skipped_and_named() {
    let store = open("mixed.zip");
    assert_eq!(keys(&store), ["foo/bz2", "foo/deflated", "foo/empty", "foo/ä b"]);
    assert_eq!(store.skipped(), ["../evil", "/absolute", "foo/link"]);
    let error = store.get(&key("foo/bz2"), 10_000).unwrap_err();
    assert!(matches!(error, StoreError::NotSupported { .. }), "{error}");
    assert!(error.to_string().contains("foo/bz2"), "{error}");
}

#[test]
fn damaged_directories_are_refused() {
    for name in [
        "bad_count.zip",
        "bad_offset.zip",
        "bad_size.zip",
        "no_zip64.zip",
        "two_ends.zip",
        "stray_end.zip",
        "zip64_beyond.zip",
        "overlap.zip",
    ] {
        let result = ZipStore::open(data(name));
        assert!(
            matches!(result, Err(StoreError::Corrupt { .. })),
            "{name}: {result:?}"
        );
    }
    let many = ZipStore::open(data("zip64_many.zip"));
    assert!(matches!(many, Err(StoreError::TooLarge { .. })), "{many:?}");
    let disks = ZipStore::open(data("disks.zip"));
    assert!(matches!(disks, Err(StoreError::NotSupported { .. })), "{disks:?}");
}

#[test]
fn damaged_members_are_refused_by_name() {
    for (name, member) in [
        ("bad_value.zip", "foo/0.0"),
        ("bad_local_name.zip", "foo/0.0"),
        ("bad_method.zip", "foo/0.0"),
        ("bomb.zip", "foo/deflated"),
    ] {
        let error = open(name).get(&key(member), u64::MAX).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{name}: {error}");
        assert!(error.to_string().contains(member), "{error}");
    }
    let error = open("encrypted.zip").get(&key(".zgroup"), 100).unwrap_err();
    assert!(matches!(error, StoreError::NotSupported { .. }), "{error}");
    assert_eq!(get(&open("bad_value.zip"), ".zgroup").unwrap().len(), 18);
    let unchecked = open("bad_value.zip").with_checksums(false);
    assert_ne!(get(&unchecked, "foo/0.0"), Some(chunk()));
}

#[test]
fn an_archive_cut_anywhere_is_an_error() {
    let folder = folder();
    let path = folder.path().join("cut.zip");
    for name in ["mixed.zip", "zip64.zip", "duplicate.zip", "zip64_many.zip"] {
        fs::copy(data(name), &path).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        for length in (0..file.metadata().unwrap().len()).rev() {
            file.set_len(length).unwrap();
            let result = ZipStore::open(&path);
            assert!(result.is_err(), "{name} cut to {length} bytes: {result:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_is_an_error_or_harmless(
        name in prop_oneof![Just("mixed.zip"), Just("zip64_many.zip"), Just("streamed.zip")],
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let folder = folder();
        let path = folder.path().join("damaged.zip");
        let mut bytes = fs::read(data(name)).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fs::write(&path, &bytes).unwrap();
        if let Ok(store) = ZipStore::open(&path) {
            for name in keys(&store) {
                let _ = store.get(&key(&name), 1 << 20);
            }
        }
    }
}

#[test]
fn what_is_no_archive_is_refused() {
    let folder = folder();
    let path = folder.path();
    assert!(ZipStore::open(path.join("absent")).is_err());
    assert!(matches!(ZipStore::open(path), Err(StoreError::Conflict { .. })));
    fs::write(
        path.join("text"),
        "no archive at all, but longer than an end record",
    )
    .unwrap();
    for open in [ZipStore::open, ZipStore::update] {
        let result = open(path.join("text"));
        assert!(matches!(result, Err(StoreError::Corrupt { .. })));
    }
    let result = ZipStore::create(path.join("text"));
    assert!(matches!(result, Err(StoreError::Conflict { .. })));
    // A sparse file of a tebibyte is refused without reading it.
    let sparse = fs::File::create(path.join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert!(ZipStore::open(path.join("sparse")).is_err());
}
