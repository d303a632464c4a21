//! `copy_store` of nodes: the groups above, consolidated metadata, and archives.

use std::sync::Arc;

use zarr_convenience::{
    Copied, CopyStoreOptions, Error, IfExists, OpenConsolidated, PatternFlags, consolidate_metadata,
    copy_store,
    core::{
        ArrayBuilder, Group, Node, NodePath, Options, Selection, ZarrFormat,
        codecs::DataType,
        store::{
            DirectoryStore, PrefixStore, Store, StoreExt, StoreKey, StorePrefix, ZipStore,
            testing::{Fault, FaultyStore, Operation},
        },
    },
    find_consolidated, pattern, plan_copy_store,
};

use crate::help::{digests, group_in, keys, memory, path, set, text, values};

const FORMATS: [ZarrFormat; 2] = [ZarrFormat::V2, ZarrFormat::V3];

/// A root with the array `x` and the group `g` with the array `g/y`.
fn hierarchy(format: ZarrFormat) -> Arc<dyn Store> {
    let store = memory();
    let root = group_in(&store, format);
    array(&root, "x", 20);
    array(&root, "g/y", 30);
    store
}

/// An array of numbers in chunks of 10, in the format of a group.
fn array(group: &Group, name: &str, length: u64) {
    let builder = ArrayBuilder::new(vec![length], DataType::Int64)
        .format(group.metadata().format)
        .chunk_shape(vec![10]);
    let at = group.path().join(name).unwrap();
    let array = builder
        .create(Arc::clone(group.store()), &at, &Options::default())
        .unwrap();
    let values: Vec<i64> = (1..=length as i64).collect();
    array.write_vec(&Selection::all(), &values).unwrap();
}

fn consolidated(format: ZarrFormat) -> Arc<dyn Store> {
    let store = hierarchy(format);
    consolidate(&store);
    store
}

fn consolidate(store: &Arc<dyn Store>) {
    consolidate_metadata(store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
}

/// Whether the consolidated metadata of a path tell what is there; `None` if there are none.
fn is_fresh(store: &Arc<dyn Store>, at: &str) -> Option<bool> {
    let store: Arc<dyn Store> = if at.is_empty() {
        Arc::clone(store)
    } else {
        let prefix = StorePrefix::new(at).unwrap();
        Arc::new(PrefixStore::new(Arc::clone(store), prefix))
    };
    let key = OpenConsolidated::default().metadata_key;
    let found = find_consolidated(&store, &NodePath::root(), &key).unwrap()?;
    let freshness = found
        .freshness(store.as_ref(), &NodePath::root(), usize::MAX, &Options::default())
        .unwrap();
    assert!(freshness.is_complete);
    Some(freshness.is_fresh())
}

fn to_path(from: &Arc<dyn Store>, to: &Arc<dyn Store>, source: &str, dest: &str) -> Result<Copied, Error> {
    let options = CopyStoreOptions {
        source_path: path(source),
        dest_path: path(dest),
        ..Default::default()
    };
    copy_store(from, to, options)
}

fn is_group(store: &Arc<dyn Store>, at: &str) -> bool {
    let node = Node::find(store, &path(at), &Options::default(), None).unwrap();
    matches!(node, Some(Node::Group(_)))
}

#[test]
fn b27_groups_are_made_above_the_copy() {
    for format in FORMATS {
        let (from, to) = (hierarchy(format), memory());
        to_path(&from, &to, "g", "a/b").unwrap();
        for at in ["", "a", "a/b"] {
            assert!(is_group(&to, at), "{format:?} {at}");
        }
        let root = Group::open(Arc::clone(&to), &NodePath::root(), &Options::default()).unwrap();
        assert_eq!(root.metadata().format, format);
        assert_eq!(values(&to, "a/b/y"), values(&from, "g/y"));
        // The groups above are all that is there beside what was copied.
        assert_eq!(
            keys(to.as_ref()).len(),
            2 + keys(from.as_ref())
                .keys()
                .filter(|key| key.starts_with("g/"))
                .count()
        );
    }
}

#[test]
fn b27_groups_above_that_are_there_stay_as_they_are() {
    let (from, to) = (hierarchy(ZarrFormat::V2), memory());
    let root = group_in(&to, ZarrFormat::V3);
    root.attrs().set("title", "mine").unwrap();
    let before = text(to.as_ref(), "zarr.json");
    to_path(&from, &to, "g", "a/b").unwrap();
    assert_eq!(text(to.as_ref(), "zarr.json"), before);
    assert!(!keys(to.as_ref()).contains_key(".zgroup"));
    assert!(is_group(&to, "a"));
}

#[test]
fn b27_an_array_above_the_copy_is_a_clash() {
    let (from, to) = (hierarchy(ZarrFormat::V2), hierarchy(ZarrFormat::V2));
    let before = keys(to.as_ref());
    let error = to_path(&from, &to, "g", "x/b").unwrap_err();
    assert!(matches!(&error, Error::Copy(_)), "{error}");
    assert_eq!(
        error.to_string(),
        "an array '/x' is above the copy in the destination"
    );
    assert_eq!(keys(to.as_ref()), before);
}

#[test]
fn keys_that_make_no_nodes_make_no_groups() {
    let (from, to) = (memory(), memory());
    set(from.as_ref(), "a/0", b"1");
    set(from.as_ref(), "a/.zattrs", b"{}");
    to_path(&from, &to, "a", "b/c").unwrap();
    assert_eq!(
        keys(to.as_ref()).into_keys().collect::<Vec<_>>(),
        ["b/c/.zattrs", "b/c/0"]
    );
}

#[test]
fn b27_consolidated_metadata_that_stay_right_are_copied_as_they_are() {
    for format in FORMATS {
        let from = consolidated(format);
        let to = memory();
        to_path(&from, &to, "", "").unwrap();
        assert_eq!(keys(to.as_ref()), keys(from.as_ref()));
        let to = memory();
        to_path(&from, &to, "", "moved").unwrap();
        assert_eq!(is_fresh(&to, "moved"), Some(true), "{format:?}");
    }
}

#[test]
fn b27_consolidated_metadata_that_would_be_wrong_are_left_out() {
    for format in FORMATS {
        let from = consolidated(format);
        let without_g = || CopyStoreOptions {
            excludes: vec![pattern("^g/", PatternFlags::default()).unwrap()],
            ..Default::default()
        };
        let to = memory();
        let mut lines = Vec::new();
        let mut log = |line: &str| lines.push(line.to_owned());
        let options = CopyStoreOptions {
            log: Some(&mut log),
            ..without_g()
        };
        copy_store(&from, &to, options).unwrap();
        assert_eq!(is_fresh(&to, ""), None, "{format:?}");
        assert!(is_group(&to, ""));
        assert_eq!(values(&to, "x"), values(&from, "x"));
        assert_eq!(
            lines.contains(&"skip .zmetadata".to_owned()),
            format == ZarrFormat::V2
        );
        let plan = plan_copy_store(
            &from,
            &to,
            &CopyStoreOptions {
                if_exists: IfExists::Replace,
                ..without_g()
            },
        )
        .unwrap();
        assert!(
            plan.explanation()
                .last()
                .unwrap()
                .starts_with("consolidated metadata: left out"),
            "{:?}",
            plan.explanation()
        );

        // Into what has other nodes.
        let to = memory();
        array(&group_in(&to, format), "z", 10);
        let options = CopyStoreOptions {
            if_exists: IfExists::Replace,
            ..Default::default()
        };
        copy_store(&from, &to, options).unwrap();
        assert_eq!(is_fresh(&to, ""), None, "{format:?}");
    }
}

#[test]
fn b27_consolidated_metadata_of_the_destination_that_become_wrong_go() {
    for format in FORMATS {
        for (dest, if_exists) in [
            ("g/new", IfExists::Raise),
            ("", IfExists::Replace),
            ("", IfExists::Skip),
        ] {
            let (from, to) = (hierarchy(format), consolidated(format));
            let group = Group::open(Arc::clone(&from), &path("g"), &Options::default()).unwrap();
            array(&group, "another", 10);
            let options = CopyStoreOptions {
                dest_path: path(dest),
                if_exists,
                ..Default::default()
            };
            copy_store(&from, &to, options).unwrap();
            assert_eq!(is_fresh(&to, ""), None, "{format:?} {dest} {if_exists:?}");
        }
        // Chunks alone change nothing of what they tell.
        let (from, to) = (hierarchy(format), consolidated(format));
        let options = CopyStoreOptions {
            excludes: vec![pattern(r"\.z|json", PatternFlags::default()).unwrap()],
            if_exists: IfExists::Replace,
            ..Default::default()
        };
        copy_store(&from, &to, options).unwrap();
        assert_eq!(is_fresh(&to, ""), Some(true), "{format:?}");
    }
}

#[test]
fn b27_consolidated_metadata_are_never_wrong_after_a_copy_that_ends_half_way() {
    for format in FORMATS {
        for dest in ["", "copy"] {
            for call in 0.. {
                let (from, inner) = (consolidated(format), consolidated(format));
                let fault = Fault::stop(call).of(Operation::Set);
                let to: Arc<dyn Store> = Arc::new(FaultyStore::new(Arc::clone(&inner), fault));
                let options = CopyStoreOptions {
                    dest_path: path(dest),
                    if_exists: IfExists::Replace,
                    ..Default::default()
                };
                let done = copy_store(&from, &to, options);
                for at in ["", dest] {
                    assert_ne!(is_fresh(&inner, at), Some(false), "{format:?} {dest} {call}");
                }
                if done.is_ok() {
                    break;
                }
            }
        }
    }
}

#[test]
fn b27_b33_an_archive_that_was_copied_into_is_one_clean_archive() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("a.zip");
    for (format, if_exists) in [
        (ZarrFormat::V2, IfExists::Raise),
        (ZarrFormat::V2, IfExists::Replace),
        (ZarrFormat::V2, IfExists::Skip),
    ] {
        let from = consolidated(format);
        let archive = Arc::new(ZipStore::update(&at).unwrap());
        let to: Arc<dyn Store> = Arc::<ZipStore>::clone(&archive);
        let options = CopyStoreOptions {
            if_exists,
            ..Default::default()
        };
        copy_store(&from, &to, options).unwrap();
        drop(to);
        Arc::into_inner(archive).unwrap().close().unwrap();
        let bytes = std::fs::read(&at).unwrap();
        let store: Arc<dyn Store> = Arc::new(ZipStore::open(&at).unwrap());
        let n = keys(store.as_ref()).len();
        let count = |signature: &[u8]| bytes.windows(4).filter(|found| *found == signature).count();
        // Local headers, entries of the directory, its end.
        let counts = (count(b"PK\x03\x04"), count(b"PK\x01\x02"), count(b"PK\x05\x06"));
        assert_eq!(counts, (n, n, 1), "{if_exists:?}");
        assert!(bytes.starts_with(b"PK\x03\x04"));
        assert_eq!(digests(&store), digests(&from));
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }
}

#[test]
fn b34_what_is_no_key_of_a_source_is_refused_by_its_name() {
    use std::{fs, os::unix::fs::symlink};
    use zarr_convenience::{Location, open_whole_store};
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("s.zarr/g")).unwrap();
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    fs::write(folder.path().join("elsewhere/0"), b"1").unwrap();
    let at = folder.path().join("s.zarr");
    fs::write(at.join(".zgroup"), br#"{"zarr_format": 2}"#).unwrap();
    let location = Location::with_path(at.to_str().unwrap(), "").unwrap();
    let copied = |follows: bool, source_path: &str| {
        let source = open_whole_store(&location, follows)?;
        let to = memory();
        to_path(&source, &to, source_path, "").map(|_| keys(to.as_ref()).into_keys().collect::<Vec<_>>())
    };
    // Links that stay inside are followed.
    symlink("../.zgroup", at.join("g/inside")).unwrap();
    assert_eq!(copied(false, "").unwrap(), [".zgroup", "g/inside"]);

    symlink("../elsewhere", at.join("out")).unwrap();
    let error = copied(false, "").unwrap_err().to_string();
    assert!(
        error.ends_with("s.zarr: out: a link leads out of the store"),
        "{error}"
    );
    let error = copied(false, "out").unwrap_err().to_string();
    assert!(
        error.ends_with("s.zarr: out: a link leads out of the store"),
        "{error}"
    );
    assert_eq!(copied(true, "").unwrap(), [".zgroup", "g/inside", "out/0"]);
    fs::remove_file(at.join("out")).unwrap();

    symlink("../../elsewhere/0", at.join("g/0")).unwrap();
    let error = copied(false, "").unwrap_err().to_string();
    assert!(
        error.ends_with("s.zarr: g/0: a link leads out of the store"),
        "{error}"
    );
    assert_eq!(copied(true, "").unwrap(), [".zgroup", "g/0", "g/inside"]);
    fs::remove_file(at.join("g/0")).unwrap();

    fs::write(at.join("g/a\\b"), b"1").unwrap();
    for follows in [false, true] {
        let error = copied(follows, "").unwrap_err().to_string();
        assert_eq!(error, r#""g/a\\b" is not a valid store key (backslash)"#);
    }
    // Whoever does not copy passes it over.
    let store = DirectoryStore::open(&at).unwrap();
    assert!(!store.exists(&StoreKey::new("g/0").unwrap()).unwrap());
    assert_eq!(keys(&store).len(), 2);
}

#[test]
fn b34_members_of_an_archive_that_are_no_keys_are_refused_by_their_names() {
    use zarr_convenience::{Location, open_whole_store};
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("a.zip");
    let store = ZipStore::create(&at).unwrap();
    set(&store, "xx/secret", b"1");
    store.close().unwrap();
    // Names of archives are checked by no one who makes them.
    let bytes = std::fs::read(&at).unwrap();
    let mut patched = bytes.clone();
    for start in 0..bytes.len() - 2 {
        if &bytes[start..start + 3] == b"xx/" {
            patched[start..start + 2].copy_from_slice(b"..");
        }
    }
    std::fs::write(&at, patched).unwrap();
    let location = Location::with_path(at.to_str().unwrap(), "").unwrap();
    let source = open_whole_store(&location, false).unwrap();
    let error = to_path(&source, &memory(), "", "").unwrap_err().to_string();
    assert!(
        error.ends_with("a.zip: ../secret: a member that is no key, or a link"),
        "{error}"
    );
}
