//! Documents of references: what they may lead to, and what is checked on the way.

use std::{fs, path::Path};

use zarr_store::{
    ByteRange, Capabilities, ReadBuffer, ReferenceStore, Store, StoreError, StoreExt, StorePrefix,
};

use crate::{folder, get, key, keys};

/// A document beside `data.bin`, which has the bytes 0 to 99.
fn store(folder: &Path, refs: &str) -> ReferenceStore {
    fs::write(folder.join("data.bin"), (0..100).collect::<Vec<u8>>()).unwrap();
    let path = folder.join("refs.json");
    fs::write(&path, format!(r#"{{"version": 1, "refs": {{{refs}}}}}"#)).unwrap();
    ReferenceStore::open(path).unwrap()
}

#[track_caller]
fn refused(store: &ReferenceStore, name: &str, words: &str) {
    let errors = [
        store.get(&key(name), u64::MAX).unwrap_err(),
        store.size(&key(name)).unwrap_err(),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(matches!(error, StoreError::Refused { .. }), "{text}");
        assert!(
            text.contains("refs.json: ") && text.contains(name) && text.contains(words),
            "{text}"
        );
    }
}

#[test]
fn values_are_in_the_document_and_in_files() {
    let folder = folder();
    let shown = folder.path().display();
    let refs = format!(
        r#"".zgroup": "{{}}", "a/0": "base64:AAEC", "a/1": ["data.bin", 10, 5], "a/2": ["data.bin"],
           "a/3": ["file://{shown}/data.bin", 99, 1], "a/4": ["{shown}/data.bin", 100, 0], "b/c/0": {{"x": [1]}}"#
    );
    let store = store(folder.path(), &refs);
    assert_eq!(get(&store, ".zgroup").unwrap(), b"{}");
    assert_eq!(get(&store, "a/0").unwrap(), [0, 1, 2]);
    assert_eq!(get(&store, "a/1").unwrap(), [10, 11, 12, 13, 14]);
    assert_eq!(get(&store, "a/2").unwrap().len(), 100);
    assert_eq!(get(&store, "a/3").unwrap(), [99]);
    assert_eq!(get(&store, "a/4").unwrap(), b"");
    assert_eq!(get(&store, "b/c/0").unwrap(), br#"{"x":[1]}"#);
    assert_eq!((get(&store, "a"), get(&store, "a/5")), (None, None));
    assert_eq!(store.size(&key("a/1")).unwrap(), Some(5));
    assert_eq!(store.size(&key("a/9")).unwrap(), None);
    assert_eq!(
        keys(&store),
        [".zgroup", "a/0", "a/1", "a/2", "a/3", "a/4", "b/c/0"]
    );
    let listing = store.list_dir(&StorePrefix::root()).unwrap();
    assert_eq!((listing.keys.len(), listing.prefixes.len()), (1, 2));
}

#[test]
fn ranges_are_those_of_the_value_and_not_of_the_file() {
    let folder = folder();
    let store = store(folder.path(), r#""a": ["data.bin", 10, 5]"#);
    let mut buffer = ReadBuffer::new();
    let ranges = [
        ByteRange::Part { offset: 1, length: 2 },
        ByteRange::Suffix { length: 1 },
        ByteRange::All,
    ];
    assert!(store.get_ranges(&key("a"), &ranges, &mut buffer).unwrap());
    assert_eq!((buffer.part(0), buffer.part(1)), (&[11, 12][..], &[14][..]));
    assert_eq!(buffer.part(2).len(), 5);
    assert_eq!(buffer.value_size(), Some(5));
    for range in [
        ByteRange::Part { offset: 4, length: 2 },
        ByteRange::Suffix { length: 6 },
    ] {
        let error = store.get_ranges(&key("a"), &[range], &mut buffer).unwrap_err();
        assert!(matches!(error, StoreError::OutOfRange { size: 5, .. }), "{error}");
    }
    let error = store.get(&key("a"), 4).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::TooLarge {
                size: 5,
                limit: 4,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn what_lies_beyond_a_file_is_an_error_before_memory_is_taken() {
    let folder = folder();
    let refs = r#""a": ["data.bin", 90, 11], "b": ["data.bin", 1000, 1], "c": ["data.bin", 0, 18446744073709551615]"#;
    let store = store(folder.path(), refs);
    for name in ["a", "b", "c"] {
        let error = store.get(&key(name), u64::MAX).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(&format!(": {name} -> \"data.bin\"")) && text.contains("100 bytes"),
            "{text}"
        );
    }
}

#[test]
fn a_file_that_is_not_there_is_no_missing_chunk() {
    let folder = folder();
    let store = store(folder.path(), r#""a": ["no.bin", 0, 1], "b": ["no.bin"]"#);
    for name in ["a", "b"] {
        let error = store.get(&key(name), 10).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{error}");
        assert!(store.size(&key(name)).is_err());
    }
}

#[test]
fn other_places_are_refused() {
    let outside = folder();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let folder = folder();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    let secret = outside.path().join("secret");
    let secret = secret.display();
    let up = format!(
        "../{}/secret",
        outside.path().file_name().unwrap().to_string_lossy()
    );
    let refs = format!(
        r#""absolute": ["{secret}"], "address": ["file://{secret}", 0, 3], "up": ["{up}"], "link": ["link/secret"],
           "http": ["http://127.0.0.1/x"], "s3": ["s3://b/x", 0, 1], "host": ["file://host/x"], "empty": [""],
           "folder": ["below"], "own": ["data.bin"]"#
    );
    let store = store(folder.path(), &refs);
    for name in ["absolute", "address", "up", "link"] {
        refused(&store, name, "lies outside");
    }
    refused(&store, "http", "not to http://");
    refused(&store, "s3", "not to s3://");
    refused(&store, "host", "another machine");
    refused(&store, "empty", "no address");
    refused(&store, "folder", "no regular file");
    let allowing = store.with_allowed(outside.path()).unwrap();
    for name in ["absolute", "up", "link"] {
        assert_eq!(get(&allowing, name).unwrap(), b"secret");
    }
    assert_eq!(get(&allowing, "own").unwrap().len(), 100);
    refused(&allowing, "http", "not to http://");
    assert!(allowing.with_allowed("/no/such/directory").is_err());
}

#[test]
fn a_pipe_is_not_waited_for() {
    let folder = folder();
    let store = store(folder.path(), r#""a": ["pipe"]"#);
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("pipe"))
        .status();
    assert!(made.unwrap().success());
    refused(&store, "a", "no regular file");
}

#[test]
fn more_files_than_are_kept_open_are_read() {
    let folder = folder();
    let refs: Vec<_> = (0..200).map(|n| format!(r#""a/{n}": ["{n}.bin"]"#)).collect();
    for n in 0..200 {
        fs::write(folder.path().join(format!("{n}.bin")), n.to_string()).unwrap();
    }
    let store = store(folder.path(), &refs.join(","));
    for n in (0..200).chain(0..200) {
        assert_eq!(get(&store, &format!("a/{n}")).unwrap(), n.to_string().as_bytes());
    }
}

#[test]
fn it_is_read_only() {
    let folder = folder();
    let store = store(folder.path(), r#""a": "x""#);
    assert_eq!(store.capabilities(), Capabilities::READ_ONLY);
    assert!(matches!(
        store.set(&key("a"), b""),
        Err(StoreError::NotSupported { .. })
    ));
    assert!(matches!(
        store.erase(&key("a")),
        Err(StoreError::NotSupported { .. })
    ));
    assert_eq!(get(&store, "a").unwrap(), b"x");
}

#[test]
fn documents_that_are_wrong_are_named() {
    let folder = folder();
    let path = folder.path().join("refs.json");
    for (text, words) in [
        ("{", "EOF"),
        (r#"{"version": 1, "gen": [{}], "refs": {}}"#, "/gen"),
    ] {
        fs::write(&path, text).unwrap();
        let error = ReferenceStore::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("refs.json") && text.contains(words), "{text}");
    }
    let large = fs::File::create(&path).unwrap();
    large.set_len(1 << 30).unwrap();
    let error = ReferenceStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { .. }), "{error}");
    assert!(matches!(
        ReferenceStore::open(folder.path().join("no")),
        Err(StoreError::Io { .. })
    ));
}
