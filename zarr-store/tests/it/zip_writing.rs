//! How archives are written, completed and replaced.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    process::Stdio,
    thread,
};

use rustix::process::{Resource, Rlimit, setrlimit};
use zarr_store::{MemoryStore, Store, StoreExt, ZipStore};

use crate::{
    debris,
    directory::{child, child_root},
    folder, get, key, keys, prefix,
    zip::{data, open},
};

/// The names in the central directory, in its order.
fn listed(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let mut names = Vec::new();
    let mut rest = &bytes[..];
    while let Some(at) = rest.windows(4).position(|four| four == b"PK\x01\x02") {
        let size = usize::from(u16::from_le_bytes([rest[at + 28], rest[at + 29]]));
        names.push(String::from_utf8(rest[at + 46..at + 46 + size].to_vec()).unwrap());
        rest = &rest[at + 46 + size..];
    }
    names
}

#[test]
fn b33_what_was_set_twice_or_erased_stands_once_or_not_at_all() {
    let folder = folder();
    let path = folder.path().join("x.zip");
    let store = ZipStore::create(&path).unwrap();
    for (name, value) in [
        ("a", "1"),
        ("b", "1"),
        ("c", "1"),
        ("a", "22"),
        ("a", "333"),
        ("d", "1"),
    ] {
        store.set(&key(name), value.as_bytes()).unwrap();
        assert_eq!(get(&store, name).as_deref(), Some(value.as_bytes()));
    }
    store.erase(&key("b")).unwrap();
    store.erase(&key("d")).unwrap();
    store.set(&key("d"), b"22").unwrap();
    assert!(!path.exists(), "not there before it is complete");
    store.flush().unwrap();
    let mut names = listed(&path);
    names.sort();
    assert_eq!(names, ["a", "c", "d"]);
    assert_eq!(get(&store, "a").as_deref(), Some(&b"333"[..]));
    let published = ZipStore::open(&path).unwrap();
    store.set(&key("e"), b"1").unwrap();
    store.erase(&key("c")).unwrap();
    assert_eq!(keys(&published), ["a", "c", "d"], "until the next flush");
    store.close().unwrap();
    assert_eq!(get(&published, "c").as_deref(), Some(&b"1"[..]), "still open");
    let store = ZipStore::open(&path).unwrap();
    assert_eq!(keys(&store), ["a", "d", "e"]);
    assert_eq!(get(&store, "d").as_deref(), Some(&b"22"[..]));
    assert!(debris(folder.path()).is_empty());
}

#[test]
fn an_update_keeps_members_as_they_are() {
    let folder = folder();
    for name in [
        "mixed.zip",
        "streamed.zip",
        "duplicate.zip",
        "prefixed.zip",
        "zip64.zip",
    ] {
        let path = folder.path().join(name);
        fs::copy(data(name), &path).unwrap();
        let before = MemoryStore::new();
        let old = open(name);
        for key in keys(&old).iter().map(|name| key(name)) {
            if let Ok(Some(value)) = old.get(&key, u64::MAX) {
                before.set(&key, &value).unwrap();
            }
        }
        let store = ZipStore::update(&path).unwrap();
        store.set(&key("new"), b"1").unwrap();
        store.set(&key("new"), b"2").unwrap();
        store.close().unwrap();
        let store = ZipStore::open(&path).unwrap();
        assert_eq!(store.skipped(), old.skipped(), "{name}");
        assert_eq!(keys(&store).len(), keys(&old).len() + 1);
        for name in keys(&before) {
            assert_eq!(get(&store, &name), get(&before, &name), "{name}");
        }
        assert_eq!(get(&store, "new").as_deref(), Some(&b"2"[..]));
        let mut names = listed(&path);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), listed(&path).len(), "{name}: each name once");
    }
}

#[test]
fn the_old_archive_stays_until_the_new_one_is_complete() {
    let folder = folder();
    let path = folder.path().join("x.zip");
    fs::copy(data("plain.zip"), &path).unwrap();
    let before = fs::read(&path).unwrap();
    for make in [ZipStore::update, ZipStore::create_or_replace] {
        let store = make(path.as_path()).unwrap();
        store.set(&key("a"), b"1").unwrap();
        store.erase_prefix(&prefix("foo")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), before);
        // As a killed process leaves it.
        std::mem::forget(store);
    }
    assert_eq!(debris(folder.path()).len(), 2);
    let store = ZipStore::create_or_replace(&path).unwrap();
    store.close().unwrap();
    assert!(keys(&ZipStore::open(&path).unwrap()).is_empty());
    assert_eq!(fs::read(&path).unwrap().len(), 22);
}

#[test]
fn dropping_completes_the_archive_and_leaves_its_error() {
    let folder = folder();
    let path = folder.path().join("x.zip");
    let store = ZipStore::create(&path).unwrap();
    let outcome = store.close_error();
    store.set(&key("a"), b"1").unwrap();
    drop(store);
    assert!(outcome.take().is_none());
    assert_eq!(keys(&ZipStore::open(&path).unwrap()), ["a"]);

    let other = folder.path().join("y.zip");
    let store = ZipStore::create(&other).unwrap();
    let outcome = store.close_error();
    fs::write(&other, "somebody else's").unwrap();
    drop(store);
    let error = outcome.take().unwrap();
    assert!(error.to_string().contains("y.zip"), "{error}");
    assert_eq!(fs::read(&other).unwrap(), b"somebody else's");

    let store = ZipStore::update(&path).unwrap();
    let outcome = store.close_error();
    let panicked = thread::spawn(move || {
        store.set(&key("b"), b"1").unwrap();
        panic!("half way");
    });
    assert!(panicked.join().is_err());
    assert!(outcome.take().is_some());
    assert_eq!(keys(&ZipStore::open(&path).unwrap()), ["a"], "kept as it was");
    assert!(debris(folder.path()).is_empty());
}

#[test]
fn a_refused_publication_can_be_tried_again() {
    let folder = folder();
    let path = folder.path().join("x.zip");
    let store = ZipStore::create(&path).unwrap();
    store.set(&key("a"), b"1").unwrap();
    store.set(&key("a"), b"2").unwrap();
    fs::write(&path, "in the way").unwrap();
    assert!(store.flush().is_err());
    assert_eq!(get(&store, "a").as_deref(), Some(&b"2"[..]));
    fs::remove_file(&path).unwrap();
    store.flush().unwrap();
    store.set(&key("b"), b"3").unwrap();
    store.close().unwrap();
    let store = ZipStore::open(&path).unwrap();
    assert_eq!(get(&store, "a").as_deref(), Some(&b"2"[..]));
    assert_eq!(get(&store, "b").as_deref(), Some(&b"3"[..]));
}

#[test]
fn child_that_may_not_write_large_members() {
    let Some(root) = child_root() else {
        return;
    };
    let store = ZipStore::update(root.join("x.zip")).unwrap();
    store.set(&key("a"), b"new").unwrap();
    for _ in 0..2 {
        let error = store.set(&key("a"), &vec![1; 1 << 20]).unwrap_err();
        assert!(error.to_string().contains("x.zip: a"), "{error}");
        assert_eq!(get(&store, "a").as_deref(), Some(&b"new"[..]));
        store.set(&key("b"), b"small").unwrap();
    }
    store.close().unwrap();
}

#[test]
fn child_that_may_not_write_directories() {
    let Some(root) = child_root() else {
        return;
    };
    let path = root.join("x.zip");
    let old = fs::read(&path).unwrap();
    let name = |index| key(&format!("{index}{}", "n".repeat(80)));
    let begun = || {
        let store = ZipStore::update(&path).unwrap();
        // They fit, and their entries in the directory do not.
        for index in 0..20 {
            store.set(&name(index), b"1").unwrap();
        }
        let error = store.flush().unwrap_err();
        assert!(error.to_string().contains("x.zip"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), old);
        // What was there and what was set can still be read, and set.
        store.set(&name(0), b"2").unwrap();
        assert!(store.flush().is_err());
        for (key, value) in [(key("a"), "old"), (name(0), "2"), (name(1), "1")] {
            assert_eq!(get(&store, key.as_str()).as_deref(), Some(value.as_bytes()));
        }
        store
    };
    assert!(begun().close().is_err());
    assert_eq!(fs::read(&path).unwrap(), old);
    let store = begun();
    setrlimit(
        Resource::Fsize,
        Rlimit {
            current: None,
            maximum: None,
        },
    )
    .unwrap();
    store.close().unwrap();
    let store = ZipStore::open(&path).unwrap();
    assert_eq!(keys(&store).len(), 21);
    for (key, value) in [(key("a"), "old"), (name(0), "2"), (name(19), "1")] {
        assert_eq!(get(&store, key.as_str()).as_deref(), Some(value.as_bytes()));
    }
}

/// Makes an archive `x.zip` and has a test change it in a process whose files may not grow beyond 4 KiB.
fn within_limits(folder: &Path, test: &str) {
    let store = ZipStore::create(folder.join("x.zip")).unwrap();
    store.set(&key("a"), b"old").unwrap();
    store.close().unwrap();
    let test = format!("zip_writing::{test}");
    let limits = "trap '' XFSZ; ulimit -S -f 8;";
    let mut process = child(&test, folder, limits)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(process.wait().unwrap().success(), "{said}");
    assert!(!said.contains("ZipWriter"), "nothing is printed: {said}");
}

#[test]
fn a_directory_that_cannot_be_written_leaves_the_old_archive_and_can_be_written_later() {
    let folder = folder();
    within_limits(folder.path(), "child_that_may_not_write_directories");
    assert!(debris(folder.path()).is_empty());
}

#[test]
fn a_member_that_cannot_be_written_keeps_its_old_value() {
    let folder = folder();
    let path = folder.path().join("x.zip");
    within_limits(folder.path(), "child_that_may_not_write_large_members");
    let store = ZipStore::open(&path).unwrap();
    assert_eq!(keys(&store), ["a", "b"]);
    assert_eq!(get(&store, "a").as_deref(), Some(&b"new"[..]));
    assert!(debris(folder.path()).is_empty());
}

#[test]
fn deflated_members_are_read_back_before_and_after_they_are_published() {
    let folder = folder();
    let path = folder.path().join("x.zip");
    let store = ZipStore::create(&path).unwrap().with_deflate(true);
    let value = [b'a'; 100];
    store.set(&key("foo"), &value).unwrap();
    assert_eq!(get(&store, "foo").unwrap(), value);
    store.set(&key("empty"), b"").unwrap();
    store.set(&key("foo"), &value).unwrap();
    store.close().unwrap();
    let bytes = fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    // Method 8 is deflate.
    let methods: Vec<_> = bytes[at..]
        .windows(12)
        .filter(|part| part.starts_with(b"PK\x01\x02"))
        .map(|part| part[10])
        .collect();
    assert_eq!(methods, [8, 8]);
    let store = ZipStore::update(&path).unwrap();
    assert_eq!(get(&store, "foo").unwrap(), value);
    store.set(&key("bar"), &value).unwrap();
    store.close().unwrap();
    let store = ZipStore::open(&path).unwrap();
    assert_eq!(get(&store, "foo").unwrap(), get(&store, "bar").unwrap());
    assert_eq!(get(&store, "empty").unwrap(), b"");
}

#[test]
fn another_library_reads_what_was_written() {
    let folder = folder();
    let path = folder.path().join("x.zip");
    let value = |number: usize| vec![number as u8; number * 997 % 300_000];
    let store = ZipStore::create(&path).unwrap();
    for number in 0..60 {
        store.set(&key(&format!("ä/{number}")), &value(number)).unwrap();
    }
    store.close().unwrap();
    let store = ZipStore::update(&path).unwrap().with_deflate(true);
    for number in 30..90 {
        store
            .set(&key(&format!("ä/{number}")), &value(number + 1))
            .unwrap();
    }
    store.erase(&key("ä/0")).unwrap();
    store.close().unwrap();
    let mut archive = ::zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(archive.len(), 89);
    for number in 1..90 {
        let mut member = archive.by_name(&format!("ä/{number}")).unwrap();
        let mut found = Vec::new();
        // Which compares the checksum too.
        member.read_to_end(&mut found).unwrap();
        let is_new = number >= 30;
        assert!(found == value(number + usize::from(is_new)), "{number}");
        assert_eq!(member.compression() == ::zip::CompressionMethod::Deflated, is_new);
        assert_eq!(member.unix_mode(), Some(0o100_644));
    }
}

#[test]
fn more_members_than_two_bytes_count() {
    let folder = folder();
    let path = folder.path().join("x.zip");
    let store = ZipStore::create(&path).unwrap();
    for number in 0..65_535 {
        store.set(&key(&number.to_string()), b"").unwrap();
    }
    store.close().unwrap();
    let file = || fs::File::open(&path).unwrap();
    assert_eq!(::zip::ZipArchive::new(file()).unwrap().len(), 65_535);
    assert_eq!(keys(&ZipStore::open(&path).unwrap()).len(), 65_535);
}

#[test]
fn members_written_by_others_keep_what_they_say_of_themselves() {
    let folder = folder();
    let path = folder.path().join("x.zip");
    let options = ::zip::write::SimpleFileOptions::default()
        .last_modified_time(::zip::DateTime::from_date_and_time(2020, 2, 3, 4, 5, 6).unwrap())
        .unix_permissions(0o600);
    let mut writer = ::zip::ZipWriter::new(fs::File::create(&path).unwrap());
    writer.start_file("a", options).unwrap();
    writer.write_all(b"1").unwrap();
    writer.add_directory("folder/", options).unwrap();
    writer.add_symlink("link", "a", options).unwrap();
    writer.finish().unwrap();
    let store = ZipStore::update(&path).unwrap();
    store.set(&key("b"), b"2").unwrap();
    store.close().unwrap();
    let mut archive = ::zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(listed(&path), ["a", "folder/", "link", "b"]);
    for (name, mode) in [("a", 0o100_600), ("folder/", 0o040_600), ("link", 0o120_600)] {
        let member = archive.by_name(name).unwrap();
        assert_eq!(member.unix_mode(), Some(mode), "{name}");
        assert_eq!(member.last_modified().unwrap().year(), 2020, "{name}");
    }
    let mut target = String::new();
    archive
        .by_name("link")
        .unwrap()
        .read_to_string(&mut target)
        .unwrap();
    assert_eq!(target, "a");
}
