//! `check_store`: the contract of a store as code.

use std::{
    collections::HashSet,
    sync::{Arc, Barrier},
    thread,
};

use crate::{ByteRange, ReadBuffer, Store, StoreError, StoreExt, StoreKey, StorePrefix};

const NO_LIMIT: u64 = u64::MAX;

/// Holds a store against the contract of [`Store`].
///
/// `make` is called several times, and each time makes an empty store that can be read, set, erased and
/// listed.
///
/// # Panics
/// When the store breaks the contract, in the words of the rule that it breaks.
pub fn check_store(make: impl Fn() -> Arc<dyn Store>) {
    check_store_but(make, &[]);
}

/// Holds a store against the contract but for keys of some names, whose values it does not take as they are.
///
/// # Panics
/// As [`check_store`] does.
pub fn check_store_but(make: impl Fn() -> Arc<dyn Store>, names: &[&str]) {
    check_missing(&*make());
    check_values(&*make());
    check_ranges(&*make());
    check_limits(&*make());
    check_keys(&*make(), names);
    check_listing(&*make());
    check_prefixes(&*make());
    check_flush(&*make());
    check_sharing(&*make());
    check_renaming(&*make());
    check_staging(&*make());
    check_generations(&*make());
}

fn check_missing(store: &dyn Store) {
    let mut buffer = ReadBuffer::new();
    buffer.push_shared("left from before".into());
    for name in ["a", "a/b/c", ".zarray"] {
        let key = key(name);
        let found = ok(store.get_ranges(&key, &[ByteRange::All], &mut buffer));
        assert!(!found, "a key that was never set is not there");
        assert!(
            buffer.is_empty(),
            "the buffer stays empty when the key is not there"
        );
        assert_eq!(ok(store.size(&key)), None, "a key that was never set has no size");
        ok(store.erase(&key));
    }
    assert_eq!(
        ok(store.list_dir(&prefix("a/b"))),
        crate::Listing::default(),
        "a prefix that is not there has an empty listing"
    );
    ok(store.erase_prefix(&prefix("a/b")));
}

fn check_values(store: &dyn Store) {
    let large: Vec<u8> = (0..3_000_000_u32).map(|index| (index % 251) as u8).collect();
    for name in ["a", "folder/b"] {
        let key = key(name);
        for value in [&b"first"[..], b"", b"a longer second value", &large, b"x"] {
            ok(store.set(&key, value));
            assert_eq!(
                get(store, &key).as_deref(),
                Some(value),
                "reading finds what was set last"
            );
            assert_eq!(
                ok(store.size(&key)),
                Some(value.len() as u64),
                "the size is that of the value"
            );
        }
        ok(store.erase(&key));
        assert_eq!(get(store, &key), None, "an erased key is not there");
        ok(store.set(&key, b"again"));
        assert_eq!(
            get(store, &key).as_deref(),
            Some(&b"again"[..]),
            "an erased key can be set"
        );
    }
}

fn check_ranges(store: &dyn Store) {
    ok(store.set(&key("value"), b"0123456789"));
    for wants_generation in [true, false] {
        let mut buffer = ReadBuffer::new();
        buffer.want_generation(wants_generation);
        check_ranges_into(buffer, store, &key("value"));
    }
}

fn check_ranges_into(mut buffer: ReadBuffer, store: &dyn Store, key: &StoreKey) {
    let part = |offset, length| ByteRange::Part { offset, length };
    let suffix = |length| ByteRange::Suffix { length };
    let ranges = [
        suffix(3),
        part(2, 4),
        ByteRange::All,
        part(0, 0),
        part(10, 0),
        part(3, 4),
        suffix(10),
        suffix(0),
    ];
    let expected = ["789", "2345", "0123456789", "", "", "3456", "0123456789", ""];
    assert!(ok(store.get_ranges(key, &ranges, &mut buffer)));
    let parts: Vec<&[u8]> = (0..buffer.len()).map(|index| buffer.part(index)).collect();
    assert_eq!(
        parts,
        expected.map(str::as_bytes),
        "one part for each range, in their order"
    );
    assert!(ok(store.get_ranges(key, &[], &mut buffer)));
    assert!(
        buffer.is_empty(),
        "no ranges, no parts; the buffer is cleared first"
    );
    for range in [part(0, 11), part(11, 0), part(u64::MAX, 2), suffix(11)] {
        let result = store.get_ranges(key, &[ByteRange::All, range], &mut buffer);
        assert!(
            matches!(result, Err(StoreError::OutOfRange { size: 10, .. })),
            "{range:?} lies outside: {result:?}"
        );
    }
}

fn check_limits(store: &dyn Store) {
    let key = key("folder/value");
    ok(store.set(&key, &[7; 100]));
    let mut buffer = ReadBuffer::with_limit(99);
    let result = store.get_ranges(&key, &[ByteRange::All], &mut buffer);
    let Err(error @ StoreError::TooLarge { limit: 99, .. }) = result else {
        unreachable!("a value over the limit must be refused as too large: {result:?}");
    };
    assert!(
        error.to_string().contains("folder/value"),
        "an error names the key: {error}"
    );
    let twice = [ByteRange::Suffix { length: 50 }; 2];
    let result = store.get_ranges(&key, &twice, &mut buffer);
    assert!(
        matches!(result, Err(StoreError::TooLarge { .. })),
        "the limit is for all ranges together: {result:?}"
    );
    let part = [ByteRange::Suffix { length: 99 }];
    assert!(
        ok(store.get_ranges(&key, &part, &mut buffer)),
        "a part at the limit is read"
    );
}

fn check_keys(store: &dyn Store, but: &[&str]) {
    let mut names = vec![
        ".zarray",
        "...",
        "a b",
        "c/0/1/2",
        "dd:e",
        "f'g\"h",
        "ä/é/日本",
        "100%",
        "#",
        "-rf",
        "~",
        "*",
        "[x]?",
        "CON",
        "end.",
    ];
    names.retain(|name| !but.contains(name));
    for name in &names {
        ok(store.set(&key(name), name.as_bytes()));
    }
    for name in &names {
        assert_eq!(
            get(store, &key(name)).as_deref(),
            Some(name.as_bytes()),
            "odd keys keep apart: {name}"
        );
    }
    let mut expected: Vec<_> = names.into_iter().map(key).collect();
    expected.sort();
    assert_eq!(
        ok(store.list_prefix(&StorePrefix::root())),
        expected,
        "odd keys are listed"
    );
}

fn check_listing(store: &dyn Store) {
    for name in ["b/2", "b/10", "b/1", "a", "b/c/d/e", "b-c/x", "b.c/x", "bc", "ä"] {
        ok(store.set(&key(name), b""));
    }
    let listing = ok(store.list_dir(&StorePrefix::root()));
    assert_eq!(
        listing.keys,
        ["a", "bc", "ä"].map(key),
        "keys of one level, by code point"
    );
    assert_eq!(
        listing.prefixes,
        ["b-c", "b.c", "b"].map(prefix),
        "each prefix once, by code point"
    );
    let listing = ok(store.list_dir(&prefix("b")));
    assert_eq!(
        listing.keys,
        ["b/1", "b/10", "b/2"].map(key),
        "whole keys, by code point"
    );
    assert_eq!(listing.prefixes, [prefix("b/c")], "whole prefixes");
    let listing = ok(store.list_dir(&prefix("b/c")));
    assert!(listing.keys.is_empty(), "only the level that was asked for");
    assert_eq!(
        ok(store.list_dir(&prefix("b/1"))),
        crate::Listing::default(),
        "a value is no prefix"
    );
}

fn check_prefixes(store: &dyn Store) {
    for name in ["b/1", "b/c/d", "b-c/x", "bc", "b.c"] {
        ok(store.set(&key(name), b"1"));
    }
    ok(store.erase_prefix(&prefix("bc")));
    ok(store.erase_prefix(&prefix("b")));
    assert_eq!(
        ok(store.list_prefix(&StorePrefix::root())),
        ["b-c/x", "b.c", "bc"].map(key),
        "erasing a prefix removes all keys below it and no other"
    );
    ok(store.set(&key("b/1"), b"2"));
    assert_eq!(
        get(store, &key("b/1")).as_deref(),
        Some(&b"2"[..]),
        "an erased prefix can be used again"
    );
}

fn check_flush(store: &dyn Store) {
    ok(store.flush());
    ok(store.set(&key("a"), b"1"));
    ok(store.set(&key("b"), b"1"));
    ok(store.flush());
    ok(store.set(&key("a"), b"2"));
    ok(store.erase(&key("b")));
    for _ in 0..2 {
        assert_eq!(
            get(store, &key("a")).as_deref(),
            Some(&b"2"[..]),
            "a value survives a flush"
        );
        assert_eq!(get(store, &key("b")), None, "an erasure survives a flush");
        ok(store.flush());
    }
}

/// Readers beside a writer see whole values; two writers of two keys do not disturb each other.
fn check_sharing(store: &dyn Store) {
    const ROUNDS: usize = 60;
    const SIZE: usize = 70_000;
    let shared = key("shared/value");
    ok(store.set(&shared, &vec![0; SIZE]));
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for own in ["shared/x", "shared/y"] {
            let (start, shared) = (&start, &shared);
            scope.spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    let value = vec![round as u8; SIZE - round];
                    ok(store.set(shared, &value));
                    ok(store.set(&key(own), &value));
                    assert_eq!(get(store, &key(own)).as_deref(), Some(&value[..]));
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..ROUNDS {
                    let value = get(store, &shared).unwrap_or_default();
                    let first = value.first().copied().unwrap_or_default();
                    assert!(
                        value.len() == SIZE - usize::from(first) && value.iter().all(|byte| *byte == first),
                        "a reader sees the old value or the new one"
                    );
                }
            });
        }
    });
}

fn check_renaming(store: &dyn Store) {
    for name in ["a/x", "a/b/y", "ab", "c/z"] {
        ok(store.set(&key(name), name.as_bytes()));
    }
    assert!(
        !ok(store.rename_prefix(&prefix("missing"), &prefix("new"))),
        "nothing is not renamed"
    );
    if !ok(store.rename_prefix(&prefix("a"), &prefix("new/place"))) {
        return;
    }
    assert_eq!(
        ok(store.list_prefix(&StorePrefix::root())),
        ["ab", "c/z", "new/place/b/y", "new/place/x"].map(key),
        "all keys below the prefix are renamed and no others"
    );
    assert_eq!(
        get(store, &key("new/place/b/y")).as_deref(),
        Some(&b"a/b/y"[..]),
        "a value goes with its key"
    );
    assert!(
        matches!(
            store.rename_prefix(&prefix("c"), &prefix("new")),
            Err(StoreError::Conflict { .. })
        ),
        "what is there is not replaced"
    );
    assert_eq!(get(store, &key("c/z")).as_deref(), Some(&b"c/z"[..]));
}

fn check_staging(store: &dyn Store) {
    for name in ["a/old", "a/b/old", "c"] {
        ok(store.set(&key(name), b"old"));
    }
    for target in [prefix("a"), prefix("new/tree")] {
        let before = ok(store.list_prefix(&StorePrefix::root()));
        let Some(dropped) = ok(store.stage(&target)) else {
            return;
        };
        ok(dropped.store().set(&key("lost"), b"new"));
        drop(dropped);
        let staged = ok(store.stage(&target)).expect("a store stages always or never");
        ok(staged.store().set(&key("x/y"), b"new"));
        ok(staged.store().set(&key("z"), b"new"));
        assert_eq!(
            ok(store.list_prefix(&StorePrefix::root())),
            before,
            "what is staged is not listed"
        );
        ok(staged.publish());
    }
    assert_eq!(
        ok(store.list_prefix(&StorePrefix::root())),
        ["a/x/y", "a/z", "c", "new/tree/x/y", "new/tree/z"].map(key),
        "a published tree replaces everything below its place and nothing else"
    );
    assert_eq!(get(store, &key("a/x/y")).as_deref(), Some(&b"new"[..]));
    let staged = ok(store.stage(&StorePrefix::root())).expect("a store stages always or never");
    ok(staged.store().set(&key("only"), b"new"));
    ok(staged.publish());
    assert_eq!(
        ok(store.list_prefix(&StorePrefix::root())),
        [key("only")],
        "the root can be replaced too"
    );
}

/// What a store tells of generations, it tells of all of them.
fn check_generations(store: &dyn Store) {
    let key = key("folder/a");
    let mut settled = HashSet::new();
    for round in 0..60_u8 {
        // Values of one size: only the generation can tell them apart.
        ok(store.set(&key, &[round; 16]));
        let mut before = None;
        for range in [ByteRange::All, ByteRange::Suffix { length: 4 }, ByteRange::All] {
            let mut buffer = ReadBuffer::new();
            ok(store.get_ranges(&key, &[range], &mut buffer));
            let (Some(generation), is_settled) = (buffer.generation(), buffer.is_settled()) else {
                assert!(
                    !buffer.is_settled(),
                    "a generation that is not told is not settled"
                );
                assert!(
                    !store.capabilities().generations,
                    "a generation comes with each value, as the store promises"
                );
                continue;
            };
            assert_eq!(
                Some(generation),
                ok(store.generation(&key)),
                "a read tells the generation that the store tells"
            );
            assert_eq!(
                *before.get_or_insert(generation),
                generation,
                "a value that is not set again keeps its generation"
            );
            if is_settled {
                settled.insert((generation, round));
            }
        }
    }
    let generations: HashSet<_> = settled.iter().map(|(generation, _)| generation).collect();
    assert_eq!(
        generations.len(),
        settled.len(),
        "a settled generation is not that of another value"
    );
}

fn get(store: &dyn Store, key: &StoreKey) -> Option<bytes::Bytes> {
    ok(store.get(key, NO_LIMIT))
}

fn key(name: &str) -> StoreKey {
    ok(StoreKey::new(name))
}

fn prefix(name: &str) -> StorePrefix {
    ok(StorePrefix::new(name))
}

#[track_caller]
fn ok<T>(result: crate::Result<T>) -> T {
    result.expect("a working store does not fail")
}
