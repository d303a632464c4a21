//! Groups and their members.

use std::sync::Arc;

use zarr_core::{
    Array, ArrayBuilder, ArrayData, ConsolidatedMetadata, Error, Group, Node, NodePath, Options, Order,
    Selection, ZarrFormat,
    codecs::{DataType, FillValue},
    consolidated_groups,
    metadata::{
        V2Codecs,
        json::{self, Style},
    },
    store::{DirectoryStore, MemoryStore, Store, StoreExt, StoreKey, StorePrefix},
};

const FORMATS: [ZarrFormat; 2] = [ZarrFormat::V2, ZarrFormat::V3];

fn root(format: ZarrFormat) -> Group {
    let store = Arc::new(MemoryStore::new());
    Group::create(store, &NodePath::root(), format, &Options::default()).unwrap()
}

fn builder() -> ArrayBuilder {
    ArrayBuilder::new(vec![3], DataType::Int16)
}

fn paths<'a>(nodes: impl IntoIterator<Item = &'a NodePath>) -> Vec<String> {
    nodes.into_iter().map(|path| path.as_str().to_owned()).collect()
}

/// The tree of scenario group-001: `bar`, `baz` (array), `foo/x/y` (array).
fn example(format: ZarrFormat) -> Group {
    let root = root(format);
    for name in ["foo", "bar"] {
        root.create_group(name).unwrap();
    }
    root.create_array("baz", builder(), false).unwrap();
    root.create_array("foo/x/y", builder(), false).unwrap();
    root
}

#[test]
fn members_come_by_code_point_arrays_and_groups_apart() {
    for format in FORMATS {
        let root = example(format);
        assert_eq!(root.names().unwrap(), ["bar", "baz", "foo"]);
        assert_eq!(
            paths(root.groups().unwrap().iter().map(Group::path)),
            ["bar", "foo"]
        );
        assert_eq!(paths(root.arrays().unwrap().iter().map(Array::path)), ["baz"]);
        assert_eq!(
            paths(root.arrays_recursive().unwrap().iter().map(Array::path)),
            ["baz", "foo/x/y"]
        );
        assert_eq!(
            paths(root.groups_recursive().unwrap().iter().map(Group::path)),
            ["bar", "foo", "foo/x"]
        );
        let foo = root.require_group("foo").unwrap();
        let arrays = foo.arrays_recursive().unwrap();
        assert_eq!(foo.relative(arrays[0].path()), "x/y");
    }
}

#[test]
fn a_folder_without_a_document_is_no_member_though_nodes_below_are_reached() {
    let root = root(ZarrFormat::V2);
    let key = StoreKey::new("folder/deep/.zgroup").unwrap();
    root.store().set(&key, br#"{"zarr_format": 2}"#).unwrap();
    assert_eq!(root.names().unwrap(), [""; 0]);
    assert!(!root.contains("folder").unwrap());
    assert!(root.contains("folder/deep").unwrap());
    assert!(root.get("folder/deep").is_ok());
}

/// The names and answers of scenario group-002.
#[test]
fn names_may_be_nested_absolute_or_empty() {
    for format in FORMATS {
        let root = example(format);
        let foo = root.require_group("foo").unwrap();
        let names = ["foo", "foo/x/y", "/foo", "foo/", "nope", "", "/", "foo/x/y/0"];
        let found = names.map(|name| root.contains(name).unwrap());
        assert_eq!(found, [true, true, true, true, false, true, true, false]);
        assert!(foo.contains("x").unwrap() && foo.contains("/baz").unwrap() && !foo.contains("baz").unwrap());
        assert_eq!(foo.get("/foo/x").unwrap().path().as_str(), "foo/x");
        assert_eq!(foo.get("").unwrap().path().as_str(), "foo");
        assert!(matches!(root.get("foo/zz"), Err(Error::NotFound { path, .. }) if path == "foo/zz"));
        assert!(matches!(foo.get(".."), Err(Error::Path { .. })));
        assert!(matches!(foo.contains("a/./b"), Err(Error::Path { .. })));
    }
}

#[test]
fn a_visit_goes_before_members_and_ends_with_the_first_find() {
    let root = example(ZarrFormat::V2);
    let mut seen = Vec::new();
    let found = root.visit(|name, node| {
        seen.push(format!("{} {name}", node.kind()));
        Ok::<Option<()>, Error>(None)
    });
    assert_eq!(found.unwrap(), None);
    assert_eq!(
        seen,
        [
            "a group bar",
            "an array baz",
            "a group foo",
            "a group foo/x",
            "an array foo/x/y"
        ]
    );
    let foo = root.require_group("foo").unwrap();
    let found = foo
        .visit(|name, _| Ok::<_, Error>(Some(name.to_owned())))
        .unwrap();
    assert_eq!(found.as_deref(), Some("x"));
    let failed = root.visit(|name, _| {
        if name == "foo/x" {
            Err(Error::NotFound {
                path: name.into(),
                store: String::new(),
            })
        } else {
            Ok(None::<()>)
        }
    });
    assert!(matches!(failed, Err(Error::NotFound { path, .. }) if path == "foo/x"));
}

#[test]
fn groups_are_created_once_and_required_often() {
    for format in FORMATS {
        let root = example(format);
        assert!(
            matches!(root.create_group("foo"), Err(Error::Exists { found: "a group", path }) if path == "foo")
        );
        assert!(matches!(
            root.create_group("baz"),
            Err(Error::Exists {
                found: "an array",
                ..
            })
        ));
        assert!(matches!(root.create_group("baz/in"), Err(Error::Exists { path, .. }) if path == "baz"));
        assert_eq!(root.require_group("foo/x").unwrap().names().unwrap(), ["y"]);
        assert_eq!(root.require_group("new/one").unwrap().path().as_str(), "new/one");
        assert!(matches!(
            root.require_group("baz"),
            Err(Error::Exists {
                found: "an array",
                ..
            })
        ));
        assert!(matches!(root.require_group("baz/in"), Err(Error::Exists { .. })));
        assert_eq!(
            root.require_group_with("baz", true).unwrap().names().unwrap(),
            [""; 0]
        );
        assert_eq!(
            root.require_group_with("foo", true).unwrap().names().unwrap(),
            ["x"],
            "a group is not replaced"
        );
    }
}

#[test]
fn overwriting_erases_what_is_below_and_arrays_above() {
    for format in FORMATS {
        let root = example(format);
        root.create_group_with("foo", true).unwrap();
        assert_eq!(root.arrays_recursive().unwrap().len(), 1);
        let array = root.create_array("baz/deep/er", builder(), true).unwrap();
        assert_eq!(array.metadata().format, format);
        assert_eq!(
            paths(root.groups_recursive().unwrap().iter().map(Group::path)),
            ["bar", "baz", "baz/deep", "foo"]
        );
        assert!(matches!(
            root.create_array("bar", builder(), false),
            Err(Error::Exists { .. })
        ));
        root.create_array("bar", builder(), true).unwrap();
        assert!(matches!(root.get("bar").unwrap(), Node::Array(_)));
    }
}

#[test]
fn what_makes_no_sense_is_found_before_anything_is_erased() {
    let root = example(ZarrFormat::V2);
    let wrong = builder().chunk_shape(vec![0]);
    assert!(matches!(
        root.create_array("foo", wrong, true),
        Err(Error::Create { .. })
    ));
    let unknown = V2Codecs {
        compressor: Some(serde_json::json!({"id": "acme"})),
        filters: None,
    };
    assert!(matches!(
        root.create_array("foo", builder().v2_codecs(unknown), true),
        Err(Error::Codecs { .. })
    ));
    assert!(root.contains("foo/x/y").unwrap());
}

#[test]
fn a_name_is_set_to_data_whatever_it_was() {
    let root = example(ZarrFormat::V2);
    let data = ArrayData::new(vec![2, 2], &[1_i32, 2, 3, 4]).unwrap();
    for name in ["foo", "new/deep", "foo"] {
        let array = root.set(name, &data).unwrap();
        assert_eq!(array.read_data(&Selection::all()).unwrap(), data);
    }
    assert_eq!(root.names().unwrap(), ["bar", "baz", "foo", "new"]);
}

#[test]
fn erasing_takes_everything_below() {
    let root = example(ZarrFormat::V2);
    root.erase("foo").unwrap();
    assert_eq!(root.names().unwrap(), ["bar", "baz"]);
    let left = root.store().list_prefix(&StorePrefix::root()).unwrap();
    assert!(left.iter().all(|key| !key.as_str().starts_with("foo")));
    assert!(matches!(root.erase("foo"), Err(Error::NotFound { path, .. }) if path == "foo"));
    root.require_group("bar").unwrap().erase("/baz").unwrap();
    assert_eq!(root.names().unwrap(), ["bar"]);
}

#[test]
fn b26_the_group_itself_and_those_above_are_neither_erased_nor_overwritten() {
    let root = example(ZarrFormat::V2);
    let x = root.require_group("foo/x").unwrap();
    let data = ArrayData::new(vec![1], &[1_i32]).unwrap();
    for name in ["", "/", "/foo", "/foo/x", "//foo//x/"] {
        assert!(matches!(x.erase(name), Err(Error::Path { .. })), "{name}");
        assert!(
            matches!(x.create_group_with(name, true), Err(Error::Path { .. })),
            "{name}"
        );
        assert!(
            matches!(x.create_array(name, builder(), true), Err(Error::Path { .. })),
            "{name}"
        );
        assert!(matches!(x.set(name, &data), Err(Error::Path { .. })), "{name}");
        assert!(
            matches!(x.rename(name, "/elsewhere"), Err(Error::Path { .. })),
            "{name}"
        );
        assert!(
            matches!(x.create_array(name, builder(), false), Err(Error::Exists { .. })),
            "{name}"
        );
    }
    assert!(root.contains("foo/x/y").unwrap());
}

#[test]
fn a_read_only_group_is_not_changed() {
    let root = example(ZarrFormat::V2).with_options(|options| options.read_only = true);
    let before = root.store().list_prefix(&StorePrefix::root()).unwrap();
    let data = ArrayData::new(vec![1], &[1_i32]).unwrap();
    let errors = [
        root.create_group("new/deep").unwrap_err(),
        root.create_group_with("foo", true).unwrap_err(),
        root.require_group("foo").unwrap_err(),
        root.create_array("new/deep", builder(), false).unwrap_err(),
        root.create_array("foo", builder(), true).unwrap_err(),
        root.set("foo", &data).unwrap_err(),
        root.erase("foo").unwrap_err(),
        root.rename("foo", "new/deep").unwrap_err(),
        root.get("baz").unwrap().attrs().set("a", 1).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    }
    assert_eq!(root.store().list_prefix(&StorePrefix::root()).unwrap(), before);
}

#[test]
fn creating_leaves_other_files_of_a_directory_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::open(folder.path()).unwrap());
    Group::create(store, &NodePath::root(), ZarrFormat::V2, &Options::default()).unwrap();
    assert!(folder.path().join("notes.txt").exists());
}

#[test]
fn arrays_begin_with_what_they_are_filled_with() {
    let root = root(ZarrFormat::V2);
    let read = |name: &str, builder: ArrayBuilder| {
        let array = root.create_array(name, builder, false).unwrap();
        array.read_vec::<f64>(&Selection::all()).unwrap()
    };
    let float = DataType::Float64;
    assert_eq!(
        read("ones", ArrayBuilder::ones(vec![2], float.clone()).unwrap()),
        [1.0, 1.0]
    );
    assert_eq!(
        read(
            "full",
            ArrayBuilder::full(vec![1], float.clone(), FillValue::new(2.5_f64.to_ne_bytes()))
        ),
        [2.5]
    );
    assert_eq!(read("empty", ArrayBuilder::empty(vec![1], float.clone())), [0.0]);
    let Node::Array(full) = root.get("full").unwrap() else {
        panic!("an array was made")
    };
    assert_eq!(read("like", ArrayBuilder::like(&full)), [2.5]);
    assert_eq!(read("zeros", ArrayBuilder::zeros_like(&full)), [0.0]);
    let truths = root
        .create_array(
            "truths",
            ArrayBuilder::ones(vec![1], DataType::Bool).unwrap(),
            false,
        )
        .unwrap();
    assert_eq!(truths.read_vec::<bool>(&Selection::all()).unwrap(), [true]);
    assert!(matches!(
        ArrayBuilder::ones(vec![1], DataType::String),
        Err(Error::Create { .. })
    ));
    let model = root
        .create_array("model", builder().chunk_shape(vec![2]).order(Order::F), false)
        .unwrap();
    let like = root
        .create_array("alike", ArrayBuilder::zeros_like(&model), false)
        .unwrap();
    assert_eq!(
        (like.chunk_shape(), like.metadata().order()),
        (model.chunk_shape(), Some(Order::F))
    );
}

#[test]
fn consolidated_documents_are_laid_out_alike_whatever_they_were() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let documents = [
        ("a/.zattrs", r#"{"b":[1.50,1e3],"a":"é"}"#),
        ("a/.zgroup", "{\n    \"zarr_format\": 2\n}"),
        (
            "a/b/.zattrs",
            "{\n    \"idx\": 0,\n    \"none\": {},\n    \"units\": [\n        \"m\"\n    ]\n}",
        ),
        ("a/b/.zgroup", "{\n  \"zarr_format\": 2\n}\n"),
        (".zgroup", "{\"zarr_format\": 2}"),
        ("a.b/.zgroup", "{\n    \"zarr_format\": 2\n}"),
    ];
    let mut all = serde_json::Map::new();
    for (name, document) in documents {
        store
            .set(&StoreKey::new(name).unwrap(), document.as_bytes())
            .unwrap();
        all.insert(name.to_owned(), json::parse(document.as_bytes()).unwrap());
    }
    let expected = serde_json::json!({"metadata": all, "zarr_consolidated_format": 1});
    let expected = json::write(&expected, Style::V2);
    let (root, key) = (NodePath::root(), StoreKey::new(".zmetadata").unwrap());
    let options = Options::default();
    let metadata = ConsolidatedMetadata::collect(store.as_ref(), &root, ZarrFormat::V2, &options).unwrap();
    metadata.write(store.as_ref(), &key).unwrap();
    let written = store.get(&key, 10_000).unwrap().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&written),
        String::from_utf8_lossy(&expected)
    );
    // What was read, and lies in a document of another layout, is written so too.
    let compact = serde_json::to_vec(&json::parse(&written).unwrap()).unwrap();
    store.set(&key, &compact).unwrap();
    let read = ConsolidatedMetadata::read(store.as_ref(), &key).unwrap();
    assert_eq!(read.n_nodes(), metadata.n_nodes());
    read.write(store.as_ref(), &key).unwrap();
    assert_eq!(store.get(&key, 10_000).unwrap().unwrap(), written);
    for (name, document) in metadata.documents() {
        let expected = &json::parse(&expected).unwrap()["metadata"][name.as_str()];
        assert!(json::is_same(&json::parse(document).unwrap(), expected), "{name}");
    }
}

/// A folder with a root group, consolidated where V2 keeps that apart.
fn folder_with_root(format: ZarrFormat) -> (tempfile::TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder.path().join("x.zarr")).unwrap());
    Group::create(Arc::clone(&store), &NodePath::root(), format, &Options::default()).unwrap();
    if format == ZarrFormat::V2 {
        store.set(&StoreKey::new(".zmetadata").unwrap(), b"{}").unwrap();
    }
    (folder, store)
}

fn all_keys(store: &Arc<dyn Store>) -> Vec<String> {
    let keys = store.list_prefix(&StorePrefix::root()).unwrap();
    keys.iter().map(|key| key.as_str().to_owned()).collect()
}

/// Fills a group with another and arrays in both, one of which has a value.
fn fill(group: &Group) -> Result<(), Error> {
    group
        .create_array("a", builder(), false)?
        .write_vec(&Selection::all(), &[1_i16, 2, 3])?;
    let units = serde_json::Map::from_iter([("units".to_owned(), "m".into())]);
    group
        .create_group("b/c")?
        .create_array("d", builder().attributes(units), false)?;
    group.attrs().set("filled", true)
}

#[test]
fn a_filled_group_is_seen_with_all_that_is_in_it() {
    for format in FORMATS {
        let (_folder, store) = folder_with_root(format);
        let path = NodePath::new("above/new").unwrap();
        let before = all_keys(&store);
        let group = Group::create_filled(Arc::clone(&store), &path, format, &Options::default(), |group| {
            fill(group)?;
            let now: Vec<_> = all_keys(&store)
                .into_iter()
                .filter(|key| !key.starts_with("above/"))
                .collect();
            assert_eq!(now, before, "nothing of it is seen yet");
            assert!(!store.exists(&path.key(if format == ZarrFormat::V2 {
                ".zgroup"
            } else {
                "zarr.json"
            })?)?);
            Ok::<_, Error>(())
        })
        .unwrap();
        assert_eq!(group.path(), &path);
        assert_eq!(group.attributes().unwrap()["filled"], true);
        let Node::Array(array) = group.get("a").unwrap() else {
            panic!("an array")
        };
        assert_eq!(array.path().as_str(), "above/new/a");
        assert_eq!(array.read_vec::<i16>(&Selection::all()).unwrap(), [1, 2, 3]);
        assert_eq!(group.get("b/c/d").unwrap().attributes().unwrap()["units"], "m");
        let root = Group::open(Arc::clone(&store), &NodePath::root(), &Options::default()).unwrap();
        assert_eq!(root.names().unwrap(), ["above"]);
        let consolidated = StoreKey::new(".zmetadata").unwrap();
        assert!(
            !store.exists(&consolidated).unwrap(),
            "it knew nothing of the new nodes"
        );
    }
}

/// What a handle knows of the groups above it must not outlive them, though nobody else changes a tree that nobody sees.
#[test]
fn consolidated_metadata_made_while_a_group_is_filled_tell_of_what_is_made_after() {
    for format in FORMATS {
        let (_folder, store) = folder_with_root(format);
        let options = Options::default();
        let path = NodePath::new("new").unwrap();
        let group = Group::create_filled(Arc::clone(&store), &path, format, &options, |group| {
            let below = group.create_group("below")?;
            for name in ["a", "b"] {
                below.create_array(name, builder(), false)?;
            }
            let key = StoreKey::new(".zmetadata")?;
            ConsolidatedMetadata::collect(group.store().as_ref(), group.path(), format, &options)?
                .write(group.store().as_ref(), &key)?;
            assert_eq!(
                consolidated_groups(group.store().as_ref(), group.path())?.len(),
                1
            );
            below.create_array("c", builder(), false)?;
            assert!(consolidated_groups(group.store().as_ref(), group.path())?.is_empty());
            group.erase("below")?;
            below.create_array("d", builder(), false).map(|_| ())
        })
        .unwrap();
        assert_eq!(
            paths(group.arrays_recursive().unwrap().iter().map(Array::path)),
            ["new/below/d"]
        );
    }
}

#[test]
fn a_group_that_could_not_be_filled_is_not_there() {
    for format in FORMATS {
        let (folder, store) = folder_with_root(format);
        let before = all_keys(&store);
        let path = NodePath::new("new").unwrap();
        let failed = Group::create_filled(Arc::clone(&store), &path, format, &Options::default(), |group| {
            fill(group)?;
            group.create_group("b").map(|_| ())
        });
        assert!(matches!(failed, Err(Error::Exists { .. })), "{failed:?}");
        assert_eq!(all_keys(&store), before);
        assert_eq!(
            std::fs::read_dir(folder.path().join("x.zarr")).unwrap().count(),
            before.len()
        );
    }
}

#[test]
fn filling_a_group_takes_the_place_of_nothing() {
    for format in FORMATS {
        let (_folder, store) = folder_with_root(format);
        store
            .set(&StoreKey::new("docs/README").unwrap(), b"mine")
            .unwrap();
        let create = |path: &str| {
            let path = NodePath::new(path).unwrap();
            Group::create_filled(Arc::clone(&store), &path, format, &Options::default(), fill)
        };
        assert!(matches!(create(""), Err(Error::Exists { .. })));
        assert!(matches!(create("docs").unwrap().get("a"), Ok(Node::Array(_))));
        let readme = store.get(&StoreKey::new("docs/README").unwrap(), 9).unwrap();
        assert_eq!(readme.as_deref(), Some(&b"mine"[..]));
        assert!(
            matches!(create("docs/a/below"), Err(Error::Exists { .. })),
            "an array is above"
        );
        assert!(store.exists(&StoreKey::new("docs/README").unwrap()).unwrap());
    }
}

#[test]
fn what_another_makes_while_a_group_is_filled_stays() {
    for format in FORMATS {
        let (_folder, store) = folder_with_root(format);
        let options = Options::default();
        for (path, is_node) in [("node", true), ("folder", false)] {
            let path = NodePath::new(path).unwrap();
            let file = path.key("file").unwrap();
            let made = Group::create_filled(Arc::clone(&store), &path, format, &options, |group| {
                fill(group)?;
                if is_node {
                    Group::create(Arc::clone(&store), &path, format, &options)?;
                }
                Ok::<_, Error>(store.set(&file, b"theirs")?)
            });
            assert!(matches!(made, Err(Error::Exists { .. })), "{made:?}");
            assert!(store.exists(&file).unwrap());
            assert_eq!(
                Node::find(&store, &path, &options, None).unwrap().is_some(),
                is_node
            );
        }
    }
}

#[test]
fn stores_without_hidden_trees_and_whole_stores_are_filled_as_well() {
    let folder = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let path = folder.path().join(format!("{format:?}.zarr"));
        let stores: [Arc<dyn Store>; 2] = [
            Arc::new(MemoryStore::new()),
            Arc::new(DirectoryStore::create(path).unwrap()),
        ];
        let keys = stores.map(|store| {
            let root = Group::create_filled(
                Arc::clone(&store),
                &NodePath::root(),
                format,
                &Options::default(),
                fill,
            );
            assert_eq!(root.unwrap().names().unwrap(), ["a", "b"]);
            all_keys(&store)
        });
        assert_eq!(keys[0], keys[1]);
        assert!(keys[0].iter().any(|key| key.starts_with("b/c/d/")));
    }
}
