//! N5 directories, as zarr-python's `N5Store` has them.

use std::{fs, path::Path, sync::Arc};

use serde_json::json;
use zarr_convenience::{
    CopyOptions, Creation, Error, Location, SaveOptions, TreeOptions, ZarrSource, copy_all,
    core::{
        Array, ArrayBuilder, ArrayData, Error as CoreError, Group, Node, NodePath, Options, Order, Selection,
        ZarrFormat,
        codecs::DataType,
        metadata::V2Codecs,
        store::{MemoryStore, Store, StoreExt, StoreKey},
    },
    open_store, save_array, tree,
};

fn store(directory: &Path) -> Arc<dyn Store> {
    let location = Location::with_path(&directory.join("a.n5").to_string_lossy(), "").unwrap();
    open_store(&location, true).unwrap()
}

fn path(text: &str) -> NodePath {
    NodePath::new(text).unwrap()
}

fn group(store: &Arc<dyn Store>) -> Group {
    Group::create(
        Arc::clone(store),
        &NodePath::root(),
        ZarrFormat::V2,
        &Options::default(),
    )
    .unwrap()
}

fn text(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join("a.n5").join(name)).unwrap()
}

/// What `make_n5.py` wrote with zarr-python 2.18.7.
const MADE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/n5");

#[test]
fn what_zarr_python_wrote_is_read() {
    let location = Location::with_path(&format!("{MADE}/example.n5"), "").unwrap();
    let store = open_store(&location, false).unwrap();
    let root = Node::open(Arc::clone(&store), &NodePath::root(), &Options::default()).unwrap();
    let Node::Group(root) = root else {
        unreachable!("the root is a group")
    };
    assert_eq!(
        root.attributes().unwrap().get("title"),
        Some(&json!("an example"))
    );
    let expected: Vec<i16> = (0..35).collect();
    let mut count = 0;
    for node in root.members().unwrap() {
        let Node::Array(array) = node else { continue };
        let values = array.read_vec::<i16>(&Selection::all()).unwrap();
        assert_eq!(
            (array.shape(), values),
            (&[5, 7][..], expected.clone()),
            "{}",
            array.path()
        );
        count += 1;
    }
    assert!(count >= 5, "{count} arrays");
}

#[test]
fn documents_and_chunks_are_those_of_n5() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    group(&store);
    let codecs = V2Codecs {
        filters: None,
        compressor: None,
    };
    let array = ArrayBuilder::new(vec![2, 3], DataType::Int16)
        .chunk_shape(vec![2, 2])
        .v2_codecs(codecs)
        .create(Arc::clone(&store), &path("x/y"), &Options::default())
        .unwrap();
    array
        .write_vec(&Selection::all(), &[0_i16, 1, 2, 3, 4, 5])
        .unwrap();
    array
        .set_attributes(json!({"u": 1}).as_object().unwrap().clone())
        .unwrap();
    assert_eq!(
        text(directory.path(), "attributes.json"),
        "{\n    \"n5\": \"2.0.0\"\n}"
    );
    let document: serde_json::Value =
        serde_json::from_str(&text(directory.path(), "x/y/attributes.json")).unwrap();
    let expected = json!({
        "blockSize": [2, 2], "compression": {"type": "raw"}, "dataType": "int16", "dimensions": [3, 2], "u": 1,
    });
    assert_eq!(document, expected);
    let block = fs::read(directory.path().join("a.n5/x/y/1/0")).unwrap();
    assert_eq!(
        block,
        [0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 2, 0, 0, 0, 5, 0, 0]
    );

    let array = Array::open(Arc::clone(&store), &path("x/y"), &Options::default()).unwrap();
    assert_eq!(
        array.read_vec::<i16>(&Selection::all()).unwrap(),
        [0, 1, 2, 3, 4, 5]
    );
    assert_eq!(array.stored_chunks().unwrap(), [[0, 0], [0, 1]]);
    let source = ZarrSource::new(Node::open(store, &NodePath::root(), &Options::default()).unwrap());
    let drawn = tree(&source, &source.root(), &TreeOptions::default()).unwrap();
    assert_eq!(drawn, "/\n └── x\n     └── y (2, 3) int16");
}

#[test]
fn b44_copies_from_n5_have_the_plain_compressor_and_go_back() {
    let directory = tempfile::tempdir().unwrap();
    let n5 = store(directory.path());
    group(&n5);
    let data = ArrayData::new(vec![4], &[1_i64, 2, 3, 4]).unwrap();
    save_array(&n5, &path("a"), &data, &SaveOptions::default()).unwrap();
    let zarr: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let to = group(&zarr);
    let source = |store: &Arc<dyn Store>| {
        ZarrSource::new(Node::open(Arc::clone(store), &NodePath::root(), &Options::default()).unwrap())
    };
    copy_all(&source(&n5), &NodePath::root(), &to, CopyOptions::default()).unwrap();
    let document = zarr
        .get(&StoreKey::new("a/.zarray").unwrap(), 1 << 20)
        .unwrap()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(document["compressor"]["id"], "blosc");
    let array = Array::open(Arc::clone(&zarr), &path("a"), &Options::default()).unwrap();
    assert_eq!(array.read_vec::<i64>(&Selection::all()).unwrap(), [1, 2, 3, 4]);

    let other = tempfile::tempdir().unwrap();
    let back = store(other.path());
    copy_all(
        &source(&zarr),
        &NodePath::root(),
        &group(&back),
        CopyOptions::default(),
    )
    .unwrap();
    assert_eq!(
        text(other.path(), "a/attributes.json"),
        text(directory.path(), "a/attributes.json")
    );
    assert_eq!(
        fs::read(other.path().join("a.n5/a/0")).unwrap(),
        fs::read(directory.path().join("a.n5/a/0")).unwrap()
    );
}

#[test]
fn what_n5_does_not_have_is_refused_before_anything_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    group(&store);
    let creations = [
        Creation {
            fill_value: Some(json!(3)),
            ..Creation::default()
        },
        Creation {
            order: Some(Order::F),
            ..Creation::default()
        },
        Creation {
            filters: Some(Some(vec![json!({"id": "base64"})])),
            ..Creation::default()
        },
        Creation {
            zarr_format: Some(ZarrFormat::V3),
            ..Creation::default()
        },
    ];
    for creation in creations {
        let builder = creation.builder(&[4], &json!("<i4")).unwrap();
        let made = builder.create(Arc::clone(&store), &path("a"), &Options::default());
        assert!(matches!(made, Err(CoreError::Create { .. })), "{made:?}");
    }
    assert!(!directory.path().join("a.n5/a").exists());
    let root = group_at(&store);
    let reserved = json!({"dimensions": [1]}).as_object().unwrap().clone();
    assert!(root.set_attributes(reserved).is_err());
    assert!(matches!(
        Node::open(store, &path("a"), &Options::default()),
        Err(CoreError::NotFound { .. })
    ));
}

fn group_at(store: &Arc<dyn Store>) -> Group {
    match Node::open(Arc::clone(store), &NodePath::root(), &Options::default()).unwrap() {
        Node::Group(group) => group,
        Node::Array(_) => unreachable!("the root is a group"),
    }
}

#[test]
fn a_node_that_is_replaced_is_gone() -> Result<(), Error> {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    group(&store);
    let data = ArrayData::new(vec![4], &[1_i64, 2, 3, 4])?;
    save_array(&store, &path("a"), &data, &SaveOptions::default())?;
    let data = ArrayData::new(vec![2], &[5.5_f32, 6.5])?;
    save_array(&store, &path("a"), &data, &SaveOptions::default())?;
    let array = Array::open(Arc::clone(&store), &path("a"), &Options::default())?;
    assert_eq!(array.read_vec::<f32>(&Selection::all())?, [5.5, 6.5]);
    zarr_convenience::core::erase_node(store.as_ref(), &path("a"))?;
    assert!(!directory.path().join("a.n5/a/attributes.json").exists());
    assert_eq!(group_at(&store).members()?.len(), 0);
    Ok(())
}

#[test]
fn b44_a_tree_of_n5_has_what_is_there_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    let root = group(&store);
    root.create_group("g").unwrap();
    for absent in ["x", "g/x", "attributes.json"] {
        assert!(root.find(absent).unwrap().is_none(), "{absent}");
    }
    let source = ZarrSource::new(Node::Group(root));
    let drawn = tree(&source, &source.root(), &TreeOptions::default()).unwrap();
    assert_eq!(drawn, "/\n └── g");
}
