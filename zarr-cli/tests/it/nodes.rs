//! `ls`, `attrs`, `rm` and `mv`: nodes one by one.

use serde_json::{Value, json};

use crate::place::Place;

fn document(place: &Place, line: &str) -> Value {
    serde_json::from_str(&place.done(line)).unwrap()
}

#[test]
fn ls_lists_members_and_shows_an_array_itself() {
    let place = Place::with_group();
    assert_eq!(place.done("ls g.zarr"), "sub/\nx\n");
    assert_eq!(place.done("ls g.zarr -l"), "sub/\nx (6,) int32\n");
    assert_eq!(place.done("ls g.zarr/sub/y --long"), "y (2, 3) int32\n");
    place.done("create empty.zarr");
    assert_eq!(place.done("ls empty.zarr"), "");
    let x = json!({"path": "/x", "kind": "array", "shape": [6], "dtype": "int32", "chunks": [6]});
    assert_eq!(
        document(&place, "ls g.zarr --json"),
        json!([{"path": "/sub", "kind": "group"}, x])
    );
    place.refused("ls none.zarr", 3, &["none.zarr"]);
}

#[test]
fn attributes_are_set_shown_and_deleted_in_both_formats() {
    for format in ["2", "3"] {
        let place = Place::new();
        place.done(&format!("create a.zarr --zarr-format {format}"));
        assert_eq!(place.done("attrs a.zarr unit=\"K\" range=[200,330]"), "");
        let all = document(&place, "attrs a.zarr --json");
        assert_eq!(all, json!({"unit": "K", "range": [200, 330]}));
        assert_eq!(place.done("attrs a.zarr unit"), "\"K\"\n");
        assert_eq!(
            place.done("attrs a.zarr unit range"),
            "unit = \"K\"\nrange = [200,330]\n"
        );
        assert_eq!(
            place.done("attrs a.zarr --delete range unit=\"C\" unit"),
            "\"C\"\n"
        );
        assert_eq!(place.done("attrs a.zarr"), "unit = \"C\"\n");
        place.refused("attrs a.zarr none", 3, &["attribute none"]);
        place.refused("attrs a.zarr --delete none --delete unit", 3, &["attribute none"]);
        place.refused("attrs a.zarr unit=K", 2, &["unit='\"K\"'"]);
        place.refused("attrs b.zarr unit=1", 3, &["b.zarr"]);
        place.refused("attrs b.zip unit=1", 3, &["b.zip"]);
    }
}

#[test]
fn a_node_is_removed_with_all_that_is_in_it() {
    let place = Place::with_group();
    assert_eq!(place.done("rm g.zarr/sub"), "");
    assert_eq!(place.done("tree g.zarr"), "/\n └── x (6,) int32\n");
    assert!(!place.path("g.zarr/sub").exists());
    place.done("copy-all g.zarr h.zip");
    assert_eq!(
        document(&place, "rm h.zip/x --json"),
        json!({"removed": ["h.zip/x"]})
    );
    assert_eq!(place.done("ls h.zip"), "");
    place.done("rm g.zarr h.zip");
    assert!(!place.path("g.zarr").exists() && !place.path("h.zip").exists());
    assert_eq!(place.files().len(), 2, "the arrays it was made of");
}

#[test]
fn what_is_no_node_is_not_removed() {
    let place = Place::with_group();
    place.write("notes/readme", b"text");
    place.write("plain.txt", b"text");
    place.refused("rm notes", 3, &["notes"]);
    place.refused("rm plain.txt", 5, &["plain.txt", "no Zarr store"]);
    place.refused("rm none.zarr", 3, &["none.zarr"]);
    place.refused("rm g.zarr/none", 3, &["none"]);
    // Nothing is removed if something cannot be.
    place.refused("rm g.zarr/x notes", 3, &["notes"]);
}

#[test]
fn a_node_is_moved_within_its_store() {
    let place = Place::with_group();
    let digest = place.done("digest g.zarr/x");
    assert_eq!(place.done("mv g.zarr/x g.zarr/deep/er/z"), "");
    assert_eq!(
        place.done("digest g.zarr/deep/er/z"),
        digest.replace("/x", "/deep/er/z")
    );
    assert_eq!(
        document(&place, "mv g.zarr/sub g.zarr/deep/sub --json"),
        json!({"from": "/sub", "to": "/deep/sub"})
    );
    assert_eq!(place.done("ls g.zarr"), "deep/\n");
    place.done("copy-all g.zarr h.zip");
    place.done("mv h.zip/deep h.zip/shallow");
    assert_eq!(place.done("ls h.zip/shallow"), "er/\nsub/\n");
}

#[test]
fn a_move_that_makes_no_sense_is_refused() {
    let place = Place::with_group();
    place.done("create other.zarr");
    place.refused("mv g.zarr/x g.zarr/sub", 7, &["sub"]);
    place.refused("mv g.zarr/none g.zarr/z", 3, &["none"]);
    place.refused("mv g.zarr/sub g.zarr/sub/below", 2, &["sub/below"]);
    place.refused("mv g.zarr/x other.zarr/x", 2, &["zarr copy"]);
    place.refused("mv g.zarr h.zarr", 5, &["whole store"]);
    place.refused("mv none.zip/x none.zip/y", 3, &["none.zip"]);
}

#[test]
fn b28_consolidated_metadata_do_not_outlive_what_they_say() {
    for line in ["rm g.zarr/x", "mv g.zarr/x g.zarr/z", "attrs g.zarr/x unit=1"] {
        let place = Place::with_group();
        place.done("consolidate g.zarr");
        let run = place.run(line);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(
            run.stderr.contains("consolidated metadata of g.zarr") && run.stderr.lines().count() == 1,
            "{}",
            run.stderr
        );
        assert!(!place.path("g.zarr/.zmetadata").exists());
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_removed_and_what_it_leads_to_stays() {
    let place = Place::with_group();
    place.done("save h.zarr x=x.npy");
    std::os::unix::fs::symlink("../g.zarr", place.path("h.zarr/link")).unwrap();
    std::os::unix::fs::symlink("../g.zarr/x", place.path("h.zarr/array")).unwrap();
    let digest = place.done("digest g.zarr");
    place.done("rm h.zarr/link");
    place.done("rm h.zarr/array");
    assert_eq!(place.done("ls h.zarr"), "x\n");
    assert_eq!(place.done("digest g.zarr"), digest);
}
