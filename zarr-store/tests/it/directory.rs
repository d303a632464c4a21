//! What is found, and what goes wrong, in a directory.

use std::{
    env, fs, io,
    io::{BufRead, BufReader},
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use zarr_store::{
    ByteRange, DirectoryStore, KeyLock, PrefixStore, ReadBuffer, Store, StoreError, StoreExt, StorePrefix,
};

use crate::{debris, folder, get, key, keys, prefix};

fn store(path: &Path) -> DirectoryStore {
    DirectoryStore::open(path).unwrap()
}

/// Reading a key is an error, by its bytes and by its size.
#[track_caller]
fn check_unreadable(store: &DirectoryStore, name: &str) {
    let mut buffer = ReadBuffer::new();
    for wants_generation in [true, false] {
        buffer.want_generation(wants_generation);
        for range in [ByteRange::All, ByteRange::Part { offset: 0, length: 1 }] {
            let error = store.get_ranges(&key(name), &[range], &mut buffer).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert!(!matches!(error, StoreError::OutOfRange { .. }), "{error}");
            assert!(buffer.is_empty());
        }
    }
    assert!(store.size(&key(name)).is_err());
}

#[test]
fn what_is_no_file_in_the_place_of_a_value_is_an_error() {
    let folder = folder();
    let path = folder.path();
    fs::create_dir(path.join("folder")).unwrap();
    let _socket = UnixListener::bind(path.join("socket")).unwrap();
    let made = Command::new("mkfifo").arg(path.join("pipe")).status().unwrap();
    assert!(made.success());
    symlink("loop", path.join("loop")).unwrap();
    symlink("/dev/null", path.join("device")).unwrap();
    symlink("/dev/zero", path.join("zeros")).unwrap();
    let store = store(path);
    for name in [
        "folder",
        "socket",
        "pipe",
        "loop",
        "device",
        "zeros",
        "loop/below",
    ] {
        check_unreadable(&store, name);
    }
}

#[test]
fn a_key_below_a_file_and_a_link_to_nothing_are_missing() {
    let folder = folder();
    let store = store(folder.path());
    store.set(&key("file"), b"1").unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();
    for name in ["file/0", "dangling", "dangling/0"] {
        assert_eq!(get(&store, name), None, "{name}");
        assert!(!store.exists(&key(name)).unwrap());
    }
    assert_eq!(keys(&store), ["file"]);
    store.erase(&key("file/0")).unwrap();
    assert!(store.list_dir(&prefix("file")).unwrap().keys.is_empty());
}

#[test]
fn what_may_not_be_read_is_an_error() {
    let folder = folder();
    let store = store(folder.path());
    store.set(&key("a/0"), b"1").unwrap();
    let closed = fs::Permissions::from_mode(0o000);
    fs::set_permissions(folder.path().join("a"), closed).unwrap();
    let may_read_all = fs::read_dir(folder.path().join("a")).is_ok();
    if !may_read_all {
        check_unreadable(&store, "a/0");
        assert!(store.list_dir(&prefix("a")).is_err());
    }
    fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_conflict_is_an_error_and_nothing_is_lost() {
    let folder = folder();
    let store = store(folder.path());
    store.set(&key("a/b"), b"1").unwrap();
    store.set(&key("file"), b"2").unwrap();
    let conflicts = [
        store.set(&key("a"), b"x"),
        store.set(&key("file/0"), b"x"),
        store.set(&key("file/0/1"), b"x"),
        store.erase(&key("a")),
        store.stage(&prefix("file")).map(drop),
        store.stage(&prefix("file/0")).map(drop),
        store.erase_prefix(&StorePrefix::root()),
    ];
    for (index, conflict) in conflicts.into_iter().enumerate() {
        assert!(
            matches!(conflict, Err(StoreError::Conflict { .. })),
            "{index}: {conflict:?}"
        );
    }
    store.erase_prefix(&prefix("file")).unwrap();
    assert_eq!(get(&store, "a/b").as_deref(), Some(&b"1"[..]));
    assert_eq!(get(&store, "file").as_deref(), Some(&b"2"[..]));
    assert!(debris(folder.path()).is_empty());
}

#[test]
fn a_root_that_is_a_file_or_absent_is_refused() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(
        DirectoryStore::create(&file),
        Err(StoreError::Conflict { .. })
    ));
    assert!(DirectoryStore::create(file.join("below")).is_err());
    assert!(DirectoryStore::open(folder.path().join("absent")).is_err());
    let absent = DirectoryStore::create(folder.path().join("absent/deep")).unwrap();
    assert_eq!(get(&absent, "a"), None);
    assert!(keys(&absent).is_empty());
    absent.flush().unwrap();
    assert!(!folder.path().join("absent").exists(), "made by the first set");
    let whole = DirectoryStore::open("/").unwrap();
    assert!(matches!(whole.clear(), Err(StoreError::Conflict { .. })));
}

#[test]
fn b34_debris_and_odd_names_are_never_listed() {
    let folder = folder();
    let store = store(folder.path());
    store.set(&key("a/0.0"), b"1").unwrap();
    let at = folder.path().join("a");
    for name in [
        "0.0.1f.partial",
        "0.0.__lock",
        "0.0#12",
        ".DS_Store",
        "Thumbs.db",
        ".0.0.1-2f.zt-partial",
        "line\nbreak",
        "back\\slash",
    ] {
        fs::write(at.join(name), "x").unwrap();
    }
    fs::write(at.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "x").unwrap();
    fs::create_dir(at.join(".tree.1-2f.zt-partial")).unwrap();
    fs::create_dir(at.join("sample#1")).unwrap();
    let listing = store.list_dir(&prefix("a")).unwrap();
    assert_eq!(listing.keys, [key("a/0.0")]);
    assert_eq!(
        listing.prefixes,
        [prefix("a/sample#1")],
        "a folder may have such a name"
    );
    for name in ["a/x.partial", "a/x#1", ".DS_Store"] {
        let result = store.set(&key(name), b"");
        assert!(matches!(result, Err(StoreError::InvalidKey { .. })), "{name}");
    }
}

#[test]
fn names_with_a_colon_are_listed_at_the_root_and_in_the_store_of_a_prefix() {
    let folder = folder();
    fs::create_dir_all(folder.path().join("T:mean/a:b")).unwrap();
    fs::write(folder.path().join("T:mean/a:b/c:d"), "1").unwrap();
    assert_eq!(keys(&store(folder.path())), ["T:mean/a:b/c:d"]);
    let part = PrefixStore::new(Arc::new(store(folder.path())), prefix("T:mean"));
    assert_eq!(keys(&part), ["a:b/c:d"]);
}

#[test]
fn a_walk_through_links_that_lead_back_ends() {
    let folder = folder();
    let store = store(folder.path());
    store.set(&key("a/0"), b"1").unwrap();
    store.set(&key("b/0"), b"2").unwrap();
    symlink("..", folder.path().join("a/up")).unwrap();
    symlink(".", folder.path().join("a/self")).unwrap();
    symlink("../b", folder.path().join("a/other")).unwrap();
    symlink("../a", folder.path().join("b/back")).unwrap();
    assert_eq!(
        keys(&store),
        ["a/0", "a/other/0", "b/0", "b/back/0"],
        "a link to elsewhere is followed once"
    );
}

#[test]
fn erasing_a_prefix_stays_in_the_store() {
    let folder = folder();
    let outside = folder.path().join("outside");
    fs::create_dir_all(outside.join("deep")).unwrap();
    fs::write(outside.join("deep/precious"), "1").unwrap();
    let root = folder.path().join("x.zarr");
    let store = DirectoryStore::create(&root).unwrap();
    store.set(&key("a/0"), b"1").unwrap();
    symlink(&outside, root.join("a/link")).unwrap();
    symlink(&outside, root.join("link")).unwrap();
    for refused in [
        store.erase_prefix(&prefix("link/deep")),
        store.stage(&prefix("link/deep")).map(drop),
        store.stage(&prefix("link")).map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::Conflict { .. })));
    }
    store.erase_prefix(&prefix("link")).unwrap();
    store.erase_prefix(&prefix("a")).unwrap();
    assert!(fs::symlink_metadata(root.join("link")).is_err(), "the link goes");
    assert!(keys(&store).is_empty());
    assert_eq!(fs::read(outside.join("deep/precious")).unwrap(), b"1");
    assert!(debris(folder.path()).is_empty());
}

#[test]
fn clearing_keeps_the_root_and_what_a_linked_root_leads_to() {
    let folder = folder();
    fs::create_dir(folder.path().join("real")).unwrap();
    symlink("real", folder.path().join("x.zarr")).unwrap();
    let store = store(&folder.path().join("x.zarr"));
    store.set(&key("a/0"), b"1").unwrap();
    store.clear().unwrap();
    assert!(keys(&store).is_empty());
    store.set(&key("b"), b"1").unwrap();
    assert!(folder.path().join("real/b").exists());
    assert!(debris(folder.path()).is_empty());
}

#[test]
fn a_staged_tree_is_hidden_and_goes_when_dropped() {
    let folder = folder();
    let store = store(folder.path());
    store.set(&key("a/0"), b"old").unwrap();
    let staged = store.stage(&prefix("a")).unwrap().unwrap();
    staged.store().set(&key("0"), b"new").unwrap();
    let error = staged.store().get(&key("0"), 1).unwrap_err();
    assert!(error.to_string().contains(": a/0: "), "{error}");
    assert_eq!(debris(folder.path()).len(), 1);
    assert_eq!(keys(&store), ["a/0"]);
    drop(staged);
    assert!(debris(folder.path()).is_empty());
    assert_eq!(get(&store, "a/0").as_deref(), Some(&b"old"[..]));
}

/// A copy that is continued after a kill reads the documents of its tree, so no writer may leave half of one there; a
/// tree that goes with its process is written in the cheapest way.
#[test]
fn documents_of_a_tree_that_lasts_are_replaced_and_not_overwritten() {
    for lasts in [true, false] {
        let folder = folder();
        let store = store(folder.path());
        let staged = if lasts {
            let lasting = store.lasting().unwrap();
            lasting.stage_lasting(&prefix("a"), "work", None).unwrap()
        } else {
            store.stage(&prefix("a")).unwrap().unwrap()
        };
        let root = folder.path().join(&debris(folder.path())[0]);
        for (name, is_document) in [(".zgroup", true), ("b/zarr.json", true), ("b/0.0", false)] {
            staged.store().set(&key(name), b"{}").unwrap();
            // A second name of the first value shows whether the second one is another file.
            fs::hard_link(root.join(name), root.join("first")).unwrap();
            staged.store().set(&key(name), b"{\"a\":1}").unwrap();
            let first = fs::read(root.join("first")).unwrap();
            assert_eq!(first == b"{}", is_document && lasts, "{name} {lasts}");
            fs::remove_file(root.join("first")).unwrap();
        }
        assert_eq!(keys(staged.store().as_ref()), [".zgroup", "b/0.0", "b/zarr.json"]);
    }
}

/// Runs one of the tests below in a process of its own, after some words of the shell.
pub(crate) fn child(test: &str, root: &Path, before: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{before} exec \"$0\" \"$@\""))
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("ZT_TEST_ROOT", root)
        .stdout(Stdio::piped());
    command
}

pub(crate) fn child_root() -> Option<std::path::PathBuf> {
    env::var_os("ZT_TEST_ROOT").map(Into::into)
}

#[test]
fn child_that_may_not_write_large_files() {
    let Some(root) = child_root() else { return };
    let store = store(&root);
    let error = store.set(&key("a/0"), &vec![1; 1 << 20]).unwrap_err();
    let StoreError::Io { source, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(source.kind(), io::ErrorKind::FileTooLarge);
    assert!(error.to_string().contains("a/0"), "{error}");
    store.set(&key("a/1"), b"small").unwrap();
}

#[test]
fn a_write_that_fails_half_way_keeps_the_old_value() {
    let folder = folder();
    let store = store(folder.path());
    store.set(&key("a/0"), b"old").unwrap();
    let test = "directory::child_that_may_not_write_large_files";
    let mut command = child(test, folder.path(), "trap '' XFSZ; ulimit -f 8;");
    assert!(command.status().unwrap().success());
    assert_eq!(get(&store, "a/0").as_deref(), Some(&b"old"[..]));
    assert_eq!(keys(&store), ["a/0", "a/1"]);
    assert!(debris(folder.path()).is_empty(), "the temporary file is removed");
}

/// What the file of a lock is called.
const LOCK: &str = ".0.lock.zt-partial";

#[test]
fn a_value_set_under_a_lock_is_the_file_of_the_lock() {
    let folder = folder();
    let store = store(folder.path());
    let file = |name: &str| folder.path().join("a").join(name);
    let lock = store.lock(&key("a/0")).unwrap();
    let number = fs::metadata(file(LOCK)).unwrap().ino();
    store.set_locked(&key("a/0"), b"first", lock).unwrap();
    assert_eq!(fs::metadata(file("0")).unwrap().ino(), number);
    assert_eq!(get(&store, "a/0").as_deref(), Some(&b"first"[..]));
    // What a killed owner left is no part of the value.
    fs::write(file(LOCK), "left behind").unwrap();
    let lock = store.lock(&key("a/0")).unwrap();
    store.set_locked(&key("a/0"), b"second", lock).unwrap();
    assert_eq!(get(&store, "a/0").as_deref(), Some(&b"second"[..]));
    // A lock that is only dropped changes nothing.
    drop(store.lock(&key("a/0")).unwrap());
    assert_eq!(get(&store, "a/0").as_deref(), Some(&b"second"[..]));
    assert!(debris(&folder.path().join("a")).is_empty());
}

#[test]
fn a_lock_of_another_key_or_of_none_does_not_harm() {
    let folder = folder();
    let store = store(folder.path());
    let other = store.lock(&key("a/1")).unwrap();
    store.set_locked(&key("a/0"), b"0", other).unwrap();
    store.set_locked(&key("b"), b"1", KeyLock::default()).unwrap();
    // The folder goes, and the lock with it.
    let lock = store.lock(&key("a/0")).unwrap();
    fs::remove_dir_all(folder.path().join("a")).unwrap();
    store.set_locked(&key("a/0"), b"2", lock).unwrap();
    // Somebody who knows nothing of locks takes the file away, and another process has a new one.
    let lock = store.lock(&key("b")).unwrap();
    fs::remove_file(folder.path().join(".b.lock.zt-partial")).unwrap();
    let new = store.lock(&key("b")).unwrap();
    drop(lock);
    store.set_locked(&key("b"), b"3", new).unwrap();
    assert_eq!(keys(&store), ["a/0", "b"]);
    assert_eq!(get(&store, "a/0").as_deref(), Some(&b"2"[..]));
    assert_eq!(get(&store, "b").as_deref(), Some(&b"3"[..]));
    assert!(debris(folder.path()).is_empty());
    assert!(debris(&folder.path().join("a")).is_empty());
}

const COUNTED: u32 = 150;

#[test]
fn child_that_counts() {
    let Some(root) = child_root() else { return };
    let store = store(&root);
    for round in 0..COUNTED {
        let lock = store.lock(&key("a/0")).unwrap();
        let old = get(&store, "a/0").map_or(0, |value| {
            std::str::from_utf8(&value).unwrap().parse::<u32>().unwrap()
        });
        // Of another length from time to time, so that a value that is not cut short is seen.
        let value = format!("{}{}", "0".repeat((round % 7) as usize), old + 1);
        store.set_locked(&key("a/0"), value.as_bytes(), lock).unwrap();
    }
}

/// Each takes the value from the other, while the folder is swept: none is lost, cut short or seen half.
#[test]
fn processes_that_change_a_value_under_its_lock_undo_nothing() {
    let folder = folder();
    let (store, sweeper) = (store(folder.path()), store(folder.path()));
    let work = Arc::new(());
    let is_going_on = Arc::downgrade(&work);
    let sweeping = thread::spawn(move || {
        while is_going_on.strong_count() > 0 {
            sweeper.sweep(&prefix("a"), false).unwrap();
        }
    });
    let mut children: Vec<_> = (0..3)
        .map(|_| {
            child("directory::child_that_counts", folder.path(), "")
                .spawn()
                .unwrap()
        })
        .collect();
    let mut last = 0;
    while children
        .iter_mut()
        .any(|child| child.try_wait().unwrap().is_none())
    {
        if let Some(value) = get(&store, "a/0") {
            let now = std::str::from_utf8(&value).unwrap().parse::<u32>().unwrap();
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
    }
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    drop(work);
    sweeping.join().unwrap();
    let counted = get(&store, "a/0").unwrap();
    assert_eq!(
        std::str::from_utf8(&counted).unwrap().parse::<u32>().unwrap(),
        3 * COUNTED
    );
    assert!(debris(&folder.path().join("a")).is_empty());
}

const KILLED_SIZE: usize = 1 << 20;

#[test]
#[expect(clippy::print_stdout, reason = "tells the parent how far it is")]
fn child_that_is_killed() {
    let Some(root) = child_root() else { return };
    let store = store(&root);
    for round in 0_u8.. {
        store.set(&key("a/0"), &vec![round; KILLED_SIZE]).unwrap();
        let staged = store.stage(&prefix("tree")).unwrap().unwrap();
        for name in ["0", "1", "2"] {
            staged.store().set(&key(name), &[round; 100]).unwrap();
        }
        staged.publish().unwrap();
        println!("\nround {round}");
        if round == u8::MAX {
            return;
        }
    }
}

#[test]
fn a_killed_writer_leaves_old_or_new() {
    for rounds in 1..6 {
        let folder = folder();
        let mut process = child("directory::child_that_is_killed", folder.path(), "")
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let seen = lines
            .map_while(Result::ok)
            .filter(|line| line.starts_with("round"));
        assert_eq!(seen.take(rounds).count(), rounds);
        process.kill().unwrap();
        process.wait().unwrap();
        let store = store(folder.path());
        let value = get(&store, "a/0").unwrap();
        assert_eq!(value.len(), KILLED_SIZE);
        assert!(value.iter().all(|byte| *byte == value[0]));
        assert_eq!(keys(&store), ["a/0", "tree/0", "tree/1", "tree/2"]);
        let first = get(&store, "tree/0").unwrap();
        for name in ["tree/1", "tree/2"] {
            assert_eq!(get(&store, name).unwrap(), first, "one tree, not two");
        }
    }
}

#[test]
fn a_read_tells_the_generation() {
    let folder = folder();
    let store = store(folder.path());
    let key = key("a");
    let mut buffer = ReadBuffer::new();
    store.set(&key, b"1").unwrap();
    assert!(store.get_ranges(&key, &[ByteRange::All], &mut buffer).unwrap());
    let before = buffer.generation();
    assert!(before.is_some());
    assert_eq!(before, store.generation(&key).unwrap());
    store.set(&key, b"2").unwrap();
    assert!(store.get_ranges(&key, &[ByteRange::All], &mut buffer).unwrap());
    assert_ne!(buffer.generation(), before);
    store.erase(&key).unwrap();
    assert!(!store.get_ranges(&key, &[ByteRange::All], &mut buffer).unwrap());
    assert_eq!(buffer.generation(), None);
}

#[test]
fn a_directory_that_is_removed_is_seen_whole_or_not_at_all() {
    let folder = folder();
    let at = folder.path().join("a.zarr");
    let store = DirectoryStore::create(&at).unwrap();
    store.set(&key("b/0"), b"1").unwrap();
    // What cannot be emptied has its temporary name by then, which is no key of the folder above.
    let inner = at.join("b");
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o500)).unwrap();
    let removed = DirectoryStore::open(&at).unwrap().remove();
    assert!(!at.exists());
    let above = DirectoryStore::open(folder.path()).unwrap();
    assert!(keys(&above).is_empty());
    if removed.is_err() {
        for entry in fs::read_dir(folder.path()).unwrap() {
            let left = entry.unwrap().path().join("b");
            fs::set_permissions(left, fs::Permissions::from_mode(0o700)).unwrap();
        }
        DirectoryStore::create(&at)
            .unwrap()
            .sweep(&StorePrefix::root(), false)
            .unwrap();
    }
    assert_eq!(debris(folder.path()), Vec::<String>::new());
}

#[test]
fn a_pinned_directory_is_read_as_long_as_it_is_whole() {
    let folder = folder();
    let path = folder.path().join("a.zarr");
    let old = DirectoryStore::create(&path).unwrap();
    old.set(&key("g/0"), b"old").unwrap();
    old.set(&key("g/1"), b"old").unwrap();
    let pinned = DirectoryStore::open(&path).unwrap().pinned().unwrap();
    assert_eq!(get(&pinned, "g/0").as_deref(), Some(&b"old"[..]));
    assert_eq!(get(&pinned, "g/2"), None);
    assert!(pinned.set(&key("g/0"), b"new").is_err());

    // Another one takes its place: what is left of the old one is read, and nothing of the new one.
    let aside = folder.path().join("b.zarr");
    fs::rename(&path, &aside).unwrap();
    let new = DirectoryStore::create(&path).unwrap();
    new.set(&key("g/0"), b"new").unwrap();
    new.set(&key("g/2"), b"new").unwrap();
    assert_eq!(get(&pinned, "g/0").as_deref(), Some(&b"old"[..]));

    // What is missing may have been removed with the old one.
    fs::remove_file(aside.join("g/1")).unwrap();
    let mut buffer = ReadBuffer::new();
    let missing = pinned.get_ranges(&key("g/1"), &[ByteRange::All], &mut buffer);
    let listed = pinned.list_dir(&prefix("g/"));
    for error in [
        missing.unwrap_err(),
        pinned.size(&key("g/1")).unwrap_err(),
        pinned.generation(&key("g/1")).unwrap_err(),
        listed.unwrap_err(),
    ] {
        assert!(
            matches!(&error, StoreError::Conflict { reason, .. } if reason.contains("replaced")),
            "{error}"
        );
    }
    // A key that is looked up by its path has what is there now.
    assert_eq!(get(&old, "g/2").as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_new_folder_is_seen_with_its_values_or_not_made() {
    let folder = folder();
    let store = store(folder.path());
    let values: [(&str, &[u8]); 2] = [(".zattrs", b"{}"), (".zarray", b"1")];
    let mut asked = 0;
    let mut set = |name: &str, is_ready: bool| {
        store.set_new(&prefix(name), &values, &mut || {
            asked += 1;
            let names = fs::read_dir(folder.path().join(name));
            assert!(names.is_err(), "nothing is seen yet");
            is_ready
        })
    };
    assert!(!set("foo/bar", false).unwrap());
    assert!(!folder.path().join("foo").exists());
    assert!(set("foo/bar", true).unwrap());
    assert_eq!(keys(&store), ["foo/bar/.zarray", "foo/bar/.zattrs"]);
    assert_eq!(get(&store, "foo/bar/.zarray").as_deref(), Some(&b"1"[..]));
    assert_eq!(get(&store, "foo/bar/.zattrs").as_deref(), Some(&b"{}"[..]));
    // A folder, a file and a link to nothing are in the way, whatever they hold.
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    symlink("nowhere", folder.path().join("link")).unwrap();
    for name in ["foo/bar", "foo", "empty", "file", "link"] {
        assert!(
            !store
                .set_new(&prefix(name), &values, &mut || panic!("asked"))
                .unwrap(),
            "{name}"
        );
    }
    assert_eq!(asked, 2);
    // Somebody else is quicker.
    let quicker = || fs::create_dir(folder.path().join("late")).is_ok();
    assert!(!store.set_new(&prefix("late"), &values, &mut { quicker }).unwrap());
    assert_eq!(fs::read_dir(folder.path().join("late")).unwrap().count(), 0);
    assert!(debris(folder.path()).is_empty());
    assert!(debris(&folder.path().join("foo")).is_empty());
}

#[test]
fn a_new_folder_in_a_hidden_tree_is_made_at_once_or_not_at_all() {
    let folder = folder();
    let store = store(folder.path());
    let values: [(&str, &[u8]); 1] = [(".zarray", b"1")];
    let staged = store.stage(&prefix("tree")).unwrap().unwrap();
    let hidden = staged.store();
    hidden.set(&key(".zgroup"), b"2").unwrap();
    hidden.set(&key("file"), b"").unwrap();
    let set = |name: &str, is_ready| hidden.set_new(&prefix(name), &values, &mut || is_ready);
    assert!(set("foo", true).unwrap());
    assert!(set("foo/bar", true).unwrap());
    for name in ["foo", "file", "file/below"] {
        assert!(!set(name, true).unwrap(), "{name} cannot be new");
    }
    assert!(!set("unready", false).unwrap());
    assert!(set("unready", true).unwrap(), "nothing was left of it");
    // A value that cannot be written takes its folder with it.
    let wrong: [(&str, &[u8]); 2] = [(".zarray", b"1"), (".zarray", b"2")];
    hidden
        .set_new(&prefix("wrong"), &wrong, &mut || true)
        .unwrap_err();
    assert!(set("wrong", true).unwrap(), "nothing was left of it");
    staged.publish().unwrap();
    assert_eq!(
        keys(&store),
        [
            ".zgroup",
            "file",
            "foo/.zarray",
            "foo/bar/.zarray",
            "unready/.zarray",
            "wrong/.zarray"
        ]
        .map(|name| format!("tree/{name}"))
    );
}

#[test]
fn what_is_made_is_whole_though_others_sweep() {
    let folder = folder();
    let (store, sweeper) = (store(folder.path()), store(folder.path()));
    let values: [(&str, &[u8]); 2] = [(".zattrs", b"{}"), (".zarray", b"1")];
    // Dropped at the end, also when something fails before.
    let work = Arc::new(());
    let is_going_on = Arc::downgrade(&work);
    let sweeping = thread::spawn(move || {
        while is_going_on.strong_count() > 0 {
            sweeper.sweep(&StorePrefix::root(), false).unwrap();
        }
    });
    for number in 0..150 {
        let name = number.to_string();
        // It may be swept away so often that the store says it has no such step.
        while !store.set_new(&prefix(&name), &values, &mut || true).unwrap() {
            assert!(!folder.path().join(&name).exists());
        }
        let tree = store.stage(&prefix(&format!("tree-{name}"))).unwrap().unwrap();
        tree.store().set(&key(".zgroup"), b"2").unwrap();
        tree.publish().unwrap();
        store.set(&key(&format!("value-{name}")), b"3").unwrap();
        let long = key(&format!("long-{name}"));
        let mut value = store.begin_set(&long).unwrap().unwrap();
        value.append(b"4").unwrap();
        value.publish().unwrap();
    }
    drop(work);
    sweeping.join().unwrap();
    assert_eq!(keys(&store).len(), 150 * 5);
    assert!(debris(folder.path()).is_empty());
}
