//! What a copy does with what is there: four ways, by what is copied and what is there.

use zarr_convenience::{
    CopyOptions, Error, IfExists,
    core::{Group, Node, Selection},
};

use crate::help::{array, copy_all_logged, copy_logged, empty_array, group, keys, set, values};

const WAYS: [IfExists; 4] = [
    IfExists::Raise,
    IfExists::Replace,
    IfExists::Skip,
    IfExists::SkipInitialized,
];

fn options(if_exists: IfExists) -> CopyOptions<'static> {
    CopyOptions {
        if_exists,
        ..Default::default()
    }
}

/// A group with an array `n` of 30 elements, and one with a group `n`.
fn sources() -> (Group, Group) {
    let (of_array, of_group) = (group(), group());
    array(&of_array, "n", 30);
    array(&of_group, "n/member", 30);
    (of_array, of_group)
}

#[test]
fn b13_words_are_read_and_others_refused() {
    assert_eq!(
        IfExists::parse("skip_initialized").unwrap(),
        IfExists::SkipInitialized
    );
    let text = "if_exists must be one of ['raise', 'replace', 'skip', 'skip_initialized']; found 'foobar'";
    assert_eq!(IfExists::parse("foobar").unwrap_err().to_string(), text);
}

#[test]
fn where_nothing_is_all_ways_copy() {
    for way in WAYS {
        let to = group();
        let (lines, _) = copy_logged(&sources().0, "n", &to, options(way));
        assert_eq!(lines[0], "copy /n (30,) int64", "{way:?}");
        assert_eq!(values(to.store(), "n").len(), 30);
    }
}

#[test]
fn an_array_over_an_array() {
    for way in WAYS {
        let to = group();
        array(&to, "n", 20);
        let (lines, done) = copy_logged(&sources().0, "n", &to, options(way));
        let length = values(to.store(), "n").len();
        match way {
            IfExists::Raise => {
                let text = "an object 'n' already exists in destination '/'";
                assert_eq!(done.unwrap_err().to_string(), text);
                assert!(lines.is_empty());
                assert_eq!(length, 20);
            }
            IfExists::Replace => {
                let summary = "all done: 1 copied, 0 skipped, 240 bytes copied";
                assert_eq!(lines, ["copy /n (30,) int64", summary]);
                assert_eq!(length, 30);
            }
            IfExists::Skip | IfExists::SkipInitialized => {
                let summary = "all done: 0 copied, 1 skipped, 0 bytes copied";
                assert_eq!(lines, ["skip /n (30,) int64", summary]);
                assert_eq!(length, 20);
            }
        }
    }
}

#[test]
fn b17_an_array_that_lacks_a_chunk_is_not_initialized() {
    let to = group();
    let there = empty_array(&to, "n", 20);
    let part = Selection::region(&[0], &[10]);
    there.write_vec(&part, &[7_i64; 10]).unwrap();
    // What is no chunk of the grid does not count.
    set(to.store().as_ref(), "n/1backup", b"");
    set(to.store().as_ref(), "n/9", b"");
    let (lines, _) = copy_logged(&sources().0, "n", &to, options(IfExists::SkipInitialized));
    assert_eq!(lines[0], "copy /n (30,) int64");
    assert_eq!(values(to.store(), "n").len(), 30);
    assert!(!keys(to.store().as_ref()).contains_key("n/9"));
}

#[test]
fn b16_an_array_over_a_group() {
    for way in WAYS {
        let to = group();
        array(&to, "n/inner", 20);
        let before = keys(to.store().as_ref());
        let (lines, done) = copy_logged(&sources().0, "n", &to, options(way));
        match way {
            IfExists::Raise | IfExists::SkipInitialized => {
                let text = "an object 'n' already exists in destination '/'";
                assert!(
                    matches!(&done, Err(Error::Copy(found)) if found == text),
                    "{done:?}"
                );
                assert_eq!(keys(to.store().as_ref()), before);
            }
            IfExists::Replace => {
                assert_eq!(values(to.store(), "n").len(), 30);
                assert!(!keys(to.store().as_ref()).keys().any(|key| key.contains("inner")));
            }
            IfExists::Skip => {
                assert_eq!(lines[0], "skip /n (30,) int64");
                assert_eq!(keys(to.store().as_ref()), before);
            }
        }
    }
}

#[test]
fn b16_a_group_over_an_array() {
    for way in WAYS {
        let to = group();
        array(&to, "n", 20);
        let before = keys(to.store().as_ref());
        let (lines, done) = copy_logged(&sources().1, "n", &to, options(way));
        match way {
            IfExists::Raise | IfExists::SkipInitialized => {
                let text = "an array 'n' already exists in destination '/'";
                assert!(
                    matches!(&done, Err(Error::Copy(found)) if found == text),
                    "{done:?}"
                );
                assert_eq!(keys(to.store().as_ref()), before);
            }
            IfExists::Replace => {
                assert_eq!(lines[..2], ["copy /n", "copy /n/member (30,) int64"]);
                assert!(matches!(to.get("n").unwrap(), Node::Group(_)));
            }
            IfExists::Skip => {
                assert_eq!(
                    lines,
                    ["skip /n", "all done: 0 copied, 1 skipped, 0 bytes copied"]
                );
                assert_eq!(keys(to.store().as_ref()), before);
            }
        }
    }
}

#[test]
fn a_group_over_a_group_is_merged_and_counts_as_copied() {
    for way in WAYS {
        let to = group();
        array(&to, "n/other", 20);
        let (lines, done) = copy_logged(&sources().1, "n", &to, options(way));
        assert_eq!(lines[0], "copy /n", "{way:?}");
        assert_eq!(done.unwrap().copied.n_copied, 2);
        assert_eq!(values(to.store(), "n/other").len(), 20);
        assert_eq!(values(to.store(), "n/member").len(), 30);
    }
}

#[test]
fn nodes_before_one_in_the_way_are_copied() {
    let (from, to) = (group(), group());
    for name in ["a", "b", "c"] {
        array(&from, name, 10);
    }
    array(&to, "b", 20);
    let (lines, done) = copy_all_logged(&from, &to, options(IfExists::Raise));
    assert_eq!(lines, ["copy /a (10,) int64"]);
    assert!(matches!(done, Err(Error::Copy(_))));
    assert!(to.find("a").unwrap().is_some() && to.find("c").unwrap().is_none());
    assert_eq!(values(to.store(), "b").len(), 20);
}
