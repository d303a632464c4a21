//! `tree`, to the letter.

use std::sync::Arc;

use zarr_convenience::{
    TreeOptions, ZarrSource,
    core::{Group, Node, Options},
    tree,
};

use crate::help::{array, empty_array, example, group, path, set};

fn draw(group: &Group, at: &str, level: Option<usize>, ascii: bool) -> String {
    let node = Node::open(Arc::clone(group.store()), &path(at), &Options::default()).unwrap();
    let source = ZarrSource::new(node);
    tree(&source, &source.root(), TreeOptions { level, ascii }).unwrap()
}

#[test]
fn a_hierarchy_is_drawn_with_lines() {
    let group = example();
    group.create_group("foo/empty").unwrap();
    array(&group, "last", 5);
    let expected = "\
/
 ├── foo
 │   ├── bar
 │   │   ├── baz (100,) int64
 │   │   └── spam (20,) int64
 │   └── empty
 └── last (5,) int64";
    assert_eq!(draw(&group, "", None, false), expected);
}

#[test]
fn ascii_lines_are_drawn_on_demand() {
    let expected = "/\n +-- foo\n     +-- bar\n         +-- baz (100,) int64\n         +-- spam (20,) int64";
    assert_eq!(draw(&example(), "", None, true), expected);
}

#[test]
fn levels_end_the_drawing() {
    let group = example();
    assert_eq!(draw(&group, "", Some(0), false), "/");
    assert_eq!(draw(&group, "", Some(1), false), "/\n └── foo");
    assert_eq!(draw(&group, "", Some(2), false), "/\n └── foo\n     └── bar");
}

#[test]
fn a_node_below_the_root_is_drawn_with_its_last_name() {
    let group = example();
    assert_eq!(draw(&group, "foo/bar/baz", None, false), "baz (100,) int64");
    let expected = "bar\n ├── baz (100,) int64\n └── spam (20,) int64";
    assert_eq!(draw(&group, "foo/bar", None, false), expected);
}

#[test]
fn members_are_drawn_by_code_point() {
    let group = group();
    for name in ["b", "10", "9", "Z"] {
        empty_array(&group, name, 0);
    }
    let text = draw(&group, "", None, true);
    let expected = "/\n +-- 10 (0,) int64\n +-- 9 (0,) int64\n +-- Z (0,) int64\n +-- b (0,) int64";
    assert_eq!(text, expected);
}

#[test]
fn a_member_called_shape_does_not_make_an_array_of_its_group() {
    let group = group();
    array(&group, "g/shape", 3);
    assert_eq!(
        draw(&group, "", None, true),
        "/\n +-- g\n     +-- shape (3,) int64"
    );
}

#[test]
fn characters_that_command_a_terminal_or_turn_text_round_are_escaped() {
    let group = group();
    // Keys with control characters are refused; those that turn text round are not.
    empty_array(&group, "a\u{202e}b", 0);
    empty_array(&group, "ä", 0);
    assert_eq!(
        draw(&group, "", None, true),
        "/\n +-- a\\u{202e}b (0,) int64\n +-- ä (0,) int64"
    );
}

#[test]
fn folders_that_are_no_nodes_are_not_drawn() {
    let group = group();
    set(group.store().as_ref(), "notes/readme", b"text");
    assert_eq!(draw(&group, "", None, false), "/");
}
