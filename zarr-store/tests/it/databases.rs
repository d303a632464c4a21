//! Stores that are a database in one place: what zarr-python wrote, and what several processes do.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::Child,
    sync::Arc,
};

use zarr_store::{DbmStore, DirectoryStore, Store, StoreError, StorePrefix};

use crate::{
    debris,
    directory::{child, child_root},
    folder, get, key, keys, prefix,
};

/// What zarr-python 2.18 put into each of its databases: see `testdata/stores/make_stores.py`.
#[track_caller]
fn check_python(store: &dyn Store) {
    let expected = [
        ".zgroup",
        "aXb/.zgroup",
        "a_b/.zarray",
        "a_b/0",
        "a_b/1",
        "foo/.zattrs",
        "foo/.zgroup",
        "foo/bar/.zarray",
        "foo/bar/0.0",
        "foo/bar/0.1",
    ];
    assert_eq!(keys(store), expected);
    let document = get(store, ".zgroup").unwrap();
    assert_eq!(document, b"{\n    \"zarr_format\": 2\n}");
    assert_eq!(get(store, "a_b/0").unwrap(), [0, 0, 1, 0]);
    assert_eq!(get(store, "a_b/1").unwrap(), [2, 0, 3, 0]);
    let listing = store.list_dir(&prefix("foo")).unwrap();
    assert_eq!(listing.prefixes, [prefix("foo/bar")]);
}

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata/stores")
        .join(name)
}

/// Copies what Python wrote, as opening it to be changed changes it.
fn copy_of(name: &str, folder: &Path) -> PathBuf {
    let target = folder.join(name);
    let source = testdata(name);
    if source.is_dir() {
        std::fs::create_dir(&target).unwrap();
        std::fs::copy(source.join("data.mdb"), target.join("data.mdb")).unwrap();
    } else {
        std::fs::copy(source, &target).unwrap();
    }
    target
}

#[test]
fn a_dbm_of_python_is_read_and_changed() {
    let folder = folder();
    for ending in ["dir", "dat"] {
        copy_of(&format!("python.{ending}"), folder.path());
    }
    let path = folder.path().join("python");
    check_python(&DbmStore::open(&path).unwrap());
    let store = DbmStore::create(&path).unwrap();
    check_python(&store);
    store
        .set(&key("foo/bar/0.0"), b"longer than what was there before")
        .unwrap();
    store.erase(&key("foo/bar/0.1")).unwrap();
    drop(store);
    let store = DbmStore::open(&path).unwrap();
    assert_eq!(
        get(&store, "foo/bar/0.0").unwrap(),
        b"longer than what was there before"
    );
    assert_eq!(get(&store, "foo/bar/0.1"), None);
    let refused = store.set(&key("a"), b"").unwrap_err();
    assert!(matches!(refused, StoreError::NotSupported { .. }));
}

#[test]
fn a_dbm_is_open_for_changes_once_and_damage_is_an_error() {
    let folder = folder();
    let path = folder.path().join("x");
    assert!(DbmStore::open(&path).is_err(), "nothing is there");
    let store = DbmStore::create(&path).unwrap();
    store.set(&key("a"), b"value").unwrap();
    assert!(matches!(
        DbmStore::create(&path),
        Err(StoreError::Conflict { .. })
    ));
    drop(store);
    let index = std::fs::read_to_string(folder.path().join("x.dir")).unwrap();
    assert_eq!(index, "'a', (0, 5)\n");
    for (damaged, is_opened) in [
        ("'a', (0, 5", false),
        ("a", false),
        ("'a', (0, 9999999999999)\n", true),
    ] {
        std::fs::write(folder.path().join("x.dir"), damaged).unwrap();
        let store = DbmStore::open(&path);
        assert_eq!(store.is_ok(), is_opened, "{damaged}");
        if let Ok(store) = store {
            let mut buffer = zarr_store::ReadBuffer::with_limit(1 << 20);
            let result = store.get_ranges(&key("a"), &[zarr_store::ByteRange::All], &mut buffer);
            assert!(matches!(result, Err(StoreError::TooLarge { .. })), "{result:?}");
            let part = zarr_store::ByteRange::Part { offset: 3, length: 4 };
            let result = store.get_ranges(&key("a"), &[part], &mut buffer);
            assert!(matches!(result, Err(StoreError::Corrupt { .. })), "{result:?}");
        } else {
            assert!(matches!(store, Err(StoreError::Corrupt { .. })), "{store:?}");
        }
    }
}

/// Stores that several processes may change at once, by their names on the command line.
fn shared_store(kind: &str, path: &Path) -> Arc<dyn Store> {
    match kind {
        #[cfg(feature = "sqlite")]
        "sqlite" => Arc::new(zarr_store::SqliteStore::create(path).unwrap()),
        #[cfg(feature = "lmdb")]
        "lmdb" => Arc::new(zarr_store::LmdbStore::create(path).unwrap()),
        _ => Arc::new(DirectoryStore::create(path).unwrap()),
    }
}

const ROUNDS: u8 = 40;
const SIZE: usize = 20_000;

/// Sets own keys and one that is shared, and reads them; what is read is whole.
#[test]
#[expect(clippy::print_stdout, reason = "tells the parent that it is ready")]
fn child_that_shares() {
    let Some(root) = child_root() else { return };
    let own = std::env::var("ZT_TEST_OWN").unwrap();
    let store = shared_store(&std::env::var("ZT_TEST_KIND").unwrap(), &root);
    println!("\nready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    for round in 0..ROUNDS {
        let value = vec![round; SIZE - usize::from(round)];
        store.set(&key(&format!("{own}/{round}")), &value).unwrap();
        store.set(&key("shared"), &value).unwrap();
        let lock = store.lock(&key("counted")).unwrap();
        let counted = get(store.as_ref(), "counted").map_or(0, |value| value[0]);
        store.set_locked(&key("counted"), &[counted + 1], lock).unwrap();
        let seen = get(store.as_ref(), "shared").unwrap();
        assert!(seen.len() == SIZE - usize::from(seen[0]) && seen.iter().all(|byte| *byte == seen[0]));
    }
    store.flush().unwrap();
}

fn start(kind: &str, own: &str, root: &Path) -> Child {
    child("databases::child_that_shares", root, "")
        .env("ZT_TEST_KIND", kind)
        .env("ZT_TEST_OWN", own)
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

/// Three processes set the keys of one store at the same time; none is lost, and each value is whole.
fn check_processes(kind: &str) {
    let folder = folder();
    let root = folder.path().join("shared");
    let mut children: Vec<_> = ["a", "b", "c"].map(|own| (own, start(kind, own, &root))).into();
    for (_, process) in &mut children {
        let lines = BufReader::new(process.stdout.as_mut().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "ready"));
    }
    for (_, process) in &mut children {
        // Closing its input lets it begin.
        drop(process.stdin.take());
    }
    for (own, mut process) in children {
        let mut rest = String::new();
        process.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        assert!(process.wait().unwrap().success(), "{kind} {own}: {rest}");
    }
    let store = shared_store(kind, &root);
    for own in ["a", "b", "c"] {
        let listing = store.list_dir(&prefix(own)).unwrap();
        assert_eq!(listing.keys.len(), usize::from(ROUNDS), "{kind} {own}");
        for round in 0..ROUNDS {
            let value = get(store.as_ref(), &format!("{own}/{round}")).unwrap();
            assert_eq!(value, vec![round; SIZE - usize::from(round)]);
        }
    }
    assert_eq!(get(store.as_ref(), "shared").unwrap()[0], ROUNDS - 1);
    assert_eq!(
        get(store.as_ref(), "counted").unwrap(),
        [3 * ROUNDS],
        "none undoes what another did"
    );
    assert_eq!(
        store.list_dir(&StorePrefix::root()).unwrap().keys,
        [key("counted"), key("shared")]
    );
    assert!(debris(folder.path()).is_empty());
}

#[test]
fn processes_share_a_directory() {
    check_processes("directory");
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use zarr_store::SqliteStore;

    use super::*;

    #[test]
    fn processes_share_a_database() {
        check_processes("sqlite");
    }

    #[test]
    fn stores_of_one_database_share_its_locks_whatever_they_call_it() {
        let folder = folder();
        std::os::unix::fs::symlink(folder.path().join("x.sqlite"), folder.path().join("link")).unwrap();
        let names = ["x.sqlite", "./x.sqlite", "link"];
        let stores = names.map(|name| SqliteStore::create(folder.path().join(name)).unwrap());
        std::thread::scope(|scope| {
            for store in &stores {
                scope.spawn(move || {
                    for _ in 0..40 {
                        let lock = store.lock(&key("a")).unwrap();
                        let counted = get(store, "a").map_or(0, |value| value[0]);
                        store.set_locked(&key("a"), &[counted + 1], lock).unwrap();
                    }
                });
            }
        });
        assert_eq!(get(&stores[0], "a").unwrap(), [120]);
        assert!(debris(folder.path()).is_empty());
    }

    #[test]
    fn a_database_of_python_is_read_and_changed() {
        let folder = folder();
        let path = copy_of("python.sqldb", folder.path());
        check_python(&SqliteStore::open(&path).unwrap());
        let store = SqliteStore::create(&path).unwrap();
        check_python(&store);
        store.erase_prefix(&prefix("a_b")).unwrap();
        assert!(
            get(&store, "aXb/.zgroup").is_some(),
            "an underscore stands for itself only"
        );
        drop(store);
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["python.sqldb"], "the log is gone with the store");
    }

    #[test]
    fn b35_wildcards_and_case_of_like_mean_nothing() {
        let store = SqliteStore::in_memory().unwrap();
        for name in ["a_b/0", "axb/0", "A_B/0", "a%/0", "a/0", "a/b/0"] {
            store.set(&key(name), name.as_bytes()).unwrap();
        }
        assert_eq!(store.list_dir(&prefix("a_b")).unwrap().keys, [key("a_b/0")]);
        store.erase_prefix(&prefix("a_b")).unwrap();
        store.erase_prefix(&prefix("a%")).unwrap();
        assert_eq!(keys(&store), ["A_B/0", "a/0", "a/b/0", "axb/0"]);
    }

    #[test]
    fn what_is_no_database_is_an_error() {
        let folder = folder();
        let path = folder.path().join("x");
        assert!(SqliteStore::open(&path).is_err(), "nothing is there");
        assert!(!path.exists());
        std::fs::write(&path, vec![b'x'; 5000]).unwrap();
        for error in [
            SqliteStore::open(&path).unwrap_err(),
            SqliteStore::create(&path).unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        }
        assert!(
            SqliteStore::create(folder.path()).is_err(),
            "a directory is there"
        );
        let read = SqliteStore::create(folder.path().join("y")).map(|store| {
            store.set(&key("a"), b"1").unwrap();
            drop(store);
            SqliteStore::open(folder.path().join("y")).unwrap()
        });
        let refused = read.unwrap().set(&key("a"), b"2").unwrap_err();
        assert!(matches!(refused, StoreError::NotSupported { .. }));
    }
}

#[cfg(feature = "lmdb")]
mod lmdb {
    use zarr_store::LmdbStore;

    use super::*;

    #[test]
    fn processes_share_an_environment() {
        check_processes("lmdb");
    }

    #[test]
    fn an_environment_of_python_is_read_and_changed() {
        let folder = folder();
        let path = copy_of("python.lmdb", folder.path());
        check_python(&LmdbStore::open(&path).unwrap());
        let store = LmdbStore::create(&path).unwrap();
        check_python(&store);
        store.erase_prefix(&prefix("foo")).unwrap();
        store.set(&key("ä"), b"").unwrap();
        assert_eq!(
            keys(&store),
            [".zgroup", "aXb/.zgroup", "a_b/.zarray", "a_b/0", "a_b/1", "ä"]
        );
    }

    #[test]
    fn keys_have_a_limit_of_their_own() {
        let folder = folder();
        let store = LmdbStore::create(folder.path().join("x")).unwrap();
        let part = "p".repeat(250);
        let (fits, long) = (
            format!("{part}/{part}/{}", "x".repeat(9)),
            format!("{part}/{part}/{}", "x".repeat(10)),
        );
        store.set(&key(&fits), b"1").unwrap();
        let error = store.set(&key(&long), b"1").unwrap_err();
        assert!(matches!(error, StoreError::InvalidKey { .. }), "{error}");
        assert!(error.to_string().contains("511"), "{error}");
        assert_eq!(
            (get(&store, &fits), get(&store, &long)),
            (Some(b"1".to_vec()), None)
        );
        assert_eq!(store.size(&key(&long)).unwrap(), None);
        store.erase(&key(&long)).unwrap();
        assert_eq!(keys(&store), [fits.as_str()]);
        assert!(store.list_dir(&prefix(&long)).unwrap().keys.is_empty());
        store.erase_prefix(&prefix(&long)).unwrap();
        assert_eq!(keys(&store), [fits]);
    }

    #[test]
    fn what_is_no_environment_or_is_open_is_an_error() {
        let folder = folder();
        let path = folder.path().join("x");
        assert!(LmdbStore::open(&path).is_err(), "nothing is there");
        assert!(LmdbStore::open(folder.path()).is_err());
        assert!(!folder.path().join("lock.mdb").exists(), "nothing is left in it");
        let store = LmdbStore::create(&path).unwrap();
        assert!(matches!(
            LmdbStore::create(&path),
            Err(StoreError::Conflict { .. })
        ));
        drop(store);
        std::fs::write(path.join("data.mdb"), vec![b'x'; 50_000]).unwrap();
        let error = LmdbStore::create(&path).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    }
}

/// Copies what zarr-python has written, where the job `stores` had it write; it then reads the copies.
#[cfg(all(feature = "sqlite", feature = "lmdb"))]
#[test]
fn copies_for_python() {
    use zarr_store::{LmdbStore, SqliteStore};

    let Ok(folder) = std::env::var("ZT_DATABASES") else {
        return;
    };
    let at = |name: &str| Path::new(&folder).join(name);
    let pairs: [(Arc<dyn Store>, Arc<dyn Store>); 3] = [
        (
            Arc::new(SqliteStore::open(at("python.sqldb")).unwrap()),
            Arc::new(SqliteStore::create(at("ours.sqldb")).unwrap()),
        ),
        (
            Arc::new(LmdbStore::open(at("python.lmdb")).unwrap()),
            Arc::new(LmdbStore::create(at("ours.lmdb")).unwrap()),
        ),
        (
            Arc::new(DbmStore::open(at("python")).unwrap()),
            Arc::new(DbmStore::create(at("ours")).unwrap()),
        ),
    ];
    for (from, to) in pairs {
        let all = keys(from.as_ref());
        assert!(all.len() > 30, "{all:?}");
        for name in all {
            to.set(&key(&name), &get(from.as_ref(), &name).unwrap()).unwrap();
        }
        to.flush().unwrap();
    }
}
