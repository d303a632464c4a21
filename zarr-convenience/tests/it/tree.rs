//! `tree`, to the letter.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::{
    Expand, HtmlOptions, TreeOptions, ZarrSource,
    core::{Group, Node, Options},
    tree, tree_html, write_tree, write_tree_json,
};

use crate::help::{array, empty_array, example, group, path, set};

fn draw(group: &Group, at: &str, level: Option<usize>, ascii: bool) -> String {
    let node = Node::open(Arc::clone(group.store()), &path(at), &Options::default()).unwrap();
    let source = ZarrSource::new(node);
    tree(
        &source,
        &source.root(),
        &TreeOptions {
            level,
            ascii,
            ..TreeOptions::default()
        },
    )
    .unwrap()
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
fn b20_a_member_called_shape_does_not_make_an_array_of_its_group() {
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

/// A tree with groups that end at several depths at once.
fn branched() -> Group {
    let group = group();
    for name in ["a/b/c", "a/b/d", "a/e", "f", "g/h/i"] {
        empty_array(&group, name, 3);
    }
    group
}

fn source(group: &Group) -> ZarrSource {
    ZarrSource::new(Node::Group(group.clone()))
}

#[test]
fn the_pages_of_a_tree_are_the_whole_tree() {
    let group = branched();
    let source = source(&group);
    let whole = draw(&group, "", None, false) + "\n";
    for limit in 1..12 {
        let (mut text, mut options) = (
            Vec::new(),
            TreeOptions {
                limit: Some(limit),
                ..TreeOptions::default()
            },
        );
        let mut n_pages = 0;
        while let Some(more) = write_tree(&source, &source.root(), &options, &mut text).unwrap() {
            assert!(more.n_known > 0);
            options.after = Some(more.after);
            n_pages += 1;
        }
        assert_eq!(String::from_utf8(text).unwrap(), whole);
        assert_eq!(n_pages, 10_u64.div_ceil(limit) - 1, "{limit}");
    }
}

#[test]
fn a_page_cannot_begin_behind_what_is_not_there() {
    let group = branched();
    let source =
        ZarrSource::new(Node::open(Arc::clone(group.store()), &path("a"), &Options::default()).unwrap());
    for after in ["g", "a/x", "a/b/c/d", ""] {
        let options = TreeOptions {
            after: Some(path(after)),
            ..TreeOptions::default()
        };
        let error = tree(&source, &source.root(), &options).unwrap_err();
        assert!(error.to_string().contains("is not in the tree"), "{error}");
    }
}

#[test]
fn a_page_opens_no_group_before_it() {
    let group = branched();
    set(group.store().as_ref(), "a/b/c/.zarray", b"damaged");
    let source = source(&group);
    let options = TreeOptions {
        after: Some(path("a/e")),
        ..TreeOptions::default()
    };
    let expected = " ├── f (3,) int64\n └── g\n     └── h\n         └── i (3,) int64";
    assert_eq!(tree(&source, &source.root(), &options).unwrap(), expected);
}

fn json(group: &Group, options: &TreeOptions) -> Value {
    let source = source(group);
    let mut text = Vec::new();
    write_tree_json(&source, &source.root(), options, &mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn the_document_of_a_tree_nests_as_the_tree_does() {
    let array =
        |path: &str| json!({"path": path, "kind": "array", "shape": [3], "dtype": "int64", "chunks": [10]});
    let group = |path: &str, members: Value| json!({"path": path, "kind": "group", "members": members});
    let b = group("/a/b", json!([array("/a/b/c"), array("/a/b/d")]));
    let g = group("/g", json!([group("/g/h", json!([array("/g/h/i")]))]));
    let a = group("/a", json!([b, array("/a/e")]));
    let branched = branched();
    assert_eq!(
        json(&branched, &TreeOptions::default()),
        group("/", json!([a, array("/f"), g]))
    );

    let options = TreeOptions {
        level: Some(1),
        ..TreeOptions::default()
    };
    let closed = |path: &str| json!({"path": path, "kind": "group"});
    assert_eq!(
        json(&branched, &options),
        group("/", json!([closed("/a"), array("/f"), closed("/g")]))
    );

    let options = TreeOptions {
        after: Some(path("a/b/c")),
        limit: Some(2),
        ..TreeOptions::default()
    };
    let mut expected = group(
        "/",
        json!([group(
            "/a",
            json!([group("/a/b", json!([array("/a/b/d")])), array("/a/e")])
        )]),
    );
    expected["after"] = json!("/a/e");
    assert_eq!(json(&branched, &options), expected);

    let options = TreeOptions {
        after: Some(path("g/h/i")),
        ..TreeOptions::default()
    };
    assert_eq!(json(&branched, &options), group("/", json!([])));
}

fn page(group: &Group, expand: Expand, tree: TreeOptions) -> String {
    let source = source(group);
    tree_html(
        &source,
        &source.root(),
        &HtmlOptions {
            tree,
            expand,
            title: None,
        },
    )
    .unwrap()
}

/// The names of the groups that are open.
fn open_groups(page: &str) -> Vec<&str> {
    let open = page.split("<details open><summary><b>").skip(1);
    open.map(|rest| rest.split_once("</b>").unwrap().0).collect()
}

#[test]
fn groups_of_a_page_are_open_as_expand_says() {
    // As ipytree shows them in zarr-python 2: the root always, all with True, those of less depth with a number.
    let group = branched();
    let open = |expand| {
        let page = page(&group, expand, TreeOptions::default());
        open_groups(&page)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(open(Expand::Root), ["/"]);
    assert_eq!(open(Expand::Depth(0)), ["/"]);
    assert_eq!(open(Expand::Depth(2)), ["/", "a", "g"]);
    assert_eq!(open(Expand::All), ["/", "a", "b", "g", "h"]);
}

/// Whether every element that needs it is closed in its turn.
fn is_balanced(page: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        if ![
            "ul", "details", "summary", "b", "i", "s", "u", "p", "h1", "title", "style",
        ]
        .contains(&name)
        {
            continue;
        }
        if !tag.starts_with('/') {
            open.push(name);
        } else if open.pop() != Some(name) {
            return false;
        }
    }
    open.is_empty()
}

#[test]
fn pages_are_whole_whatever_part_they_show() {
    let group = branched();
    for limit in 1..=9 {
        for after in [None, Some("a"), Some("a/b/d"), Some("f"), Some("g/h/i")] {
            let options = TreeOptions {
                limit: Some(limit),
                after: after.map(path),
                ..TreeOptions::default()
            };
            let page = page(&group, Expand::Root, options);
            assert!(is_balanced(&page), "{limit} {after:?}: {page}");
        }
    }
    let levels = TreeOptions {
        level: Some(1),
        ..TreeOptions::default()
    };
    let page = page(&group, Expand::All, levels);
    assert!(
        is_balanced(&page) && page.contains("3 groups, 1 array</p>"),
        "{page}"
    );
}

#[test]
fn names_on_a_page_are_no_markup() {
    let group = group();
    empty_array(&group, "<script>alert('x')&\"", 1);
    empty_array(&group, "a\u{202e}b", 1);
    let page = page(&group, Expand::All, TreeOptions::default());
    assert!(
        page.contains("<b>&lt;script&gt;alert(&#39;x&#39;)&amp;&quot;</b>"),
        "{page}"
    );
    assert!(page.contains("<b>a\\u{202e}b</b>"), "{page}");
    assert!(!page.contains("<script") && page.contains("default-src 'none'"));
}

#[test]
fn b46_a_root_array_is_drawn_by_its_path() {
    let store = crate::help::memory();
    crate::help::save_ints(&store, "", &[1, 2, 3]);
    let node = Node::open(store, &path(""), &Options::default()).unwrap();
    let source = ZarrSource::new(node);
    let drawn = tree(&source, &source.root(), &TreeOptions::default()).unwrap();
    assert_eq!(drawn, "/ (3,) int64");
}
