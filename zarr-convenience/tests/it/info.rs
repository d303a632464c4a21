//! What arrays and groups say of themselves. The texts and hashes were observed in runs of zarr-python 2.18.7.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::{
    ArrayInfo, Chunks, Creation, Dataset, GroupInfo, HashName,
    core::{
        Array, Group, NodePath, Options, Order, Selection, ZarrFormat,
        store::{MemoryStore, StoreKey},
    },
    create_dataset, hexdigest,
};

fn group() -> Group {
    let store = Arc::new(MemoryStore::new());
    Group::create(store, &NodePath::root(), ZarrFormat::V2, &Options::default()).unwrap()
}

fn make(group: &Group, name: &str, shape: &[u64], dtype: &Value, creation: Creation) -> Array {
    let creation = Creation {
        compressor: creation.compressor.or(Some(None)),
        ..creation
    };
    create_dataset(group, name, Dataset::Shape(shape, dtype), false, &creation).unwrap()
}

/// An array with two of four chunks, and an attribute.
fn example(group: &Group) -> Array {
    let creation = Creation {
        chunks: Some(Chunks::Each(2)),
        fill_value: Some(7.into()),
        ..Creation::default()
    };
    let array = make(group, "a", &[3, 4], &json!("<i4"), creation);
    array
        .write_vec(&Selection::parse("2:, :").unwrap(), &[1_i32])
        .unwrap();
    array.attrs().set("units", "K").unwrap();
    array
}

#[test]
fn an_array_is_described_as_zarr_python_does() {
    let array = example(&group());
    let text = "Name               : /a\nType               : zarr.core.Array\nData type          : int32\nShape              : (3, 4)\nChunk shape        : (2, 2)\nOrder              : C\nRead-only          : False\nCompressor         : None\nStore type         : zarr.storage.MemoryStore\nNo. bytes          : 48\nNo. bytes stored   : 267\nStorage ratio      : 0.2\nChunks initialized : 2/4\n";
    let info = ArrayInfo::of(&array).unwrap();
    assert_eq!(info.to_string(), text);
    assert_eq!(
        (
            info.size,
            info.size_stored,
            info.n_chunks,
            info.n_chunks_initialized
        ),
        (48, 267, 4, 2)
    );
    let read_only = array.with_options(|options| options.read_only = true);
    let text = text.replace("False", "True");
    assert_eq!(ArrayInfo::of(&read_only).unwrap().to_string(), text);
}

#[test]
fn filters_objects_and_large_sizes_are_described() {
    let creation = Creation {
        chunks: Some(Chunks::Each(50)),
        compressor: Some(Some(json!({"id": "zlib", "level": 3}))),
        order: Some(Order::F),
        ..Creation::default()
    };
    let array = make(&group(), "s", &[500, 500], &json!("str"), creation);
    let text = "Name               : /s\nType               : zarr.core.Array\nData type          : object\nShape              : (500, 500)\nChunk shape        : (50, 50)\nOrder              : F\nRead-only          : False\nFilter [0]         : VLenUTF8()\nCompressor         : Zlib(level=3)\nStore type         : zarr.storage.MemoryStore\nNo. bytes          : 2000000 (1.9M)\n";
    let info = ArrayInfo::of(&array).unwrap().to_string();
    assert!(info.starts_with(text), "{info}");
    assert!(info.ends_with("Chunks initialized : 0/100\n"), "{info}");
}

#[test]
fn long_values_are_wrapped() {
    let dtype = json!([
        ["a", "<i4"],
        ["name", "|S20"],
        ["b", "<f8"],
        ["other_field", "<M8[ns]"],
        ["last", "<u2", [2, 3]]
    ]);
    let creation = Creation {
        chunks: Some(Chunks::Each(2)),
        ..Creation::default()
    };
    let array = make(&group(), "q", &[5], &dtype, creation);
    let info = ArrayInfo::of(&array).unwrap().to_string();
    let lines = "Data type          : [('a', '<i4'), ('name', 'S20'), ('b', '<f8'),\n                   : ('other_field', '<M8[ns]'), ('last', '<u2', (2, 3))]\n";
    assert!(info.contains(lines), "{info}");
    assert!(info.contains("No. bytes          : 260\n"), "{info}");
}

#[test]
fn a_group_is_described_as_zarr_python_does() {
    let group = group();
    example(&group);
    for number in 0..14 {
        group.create_group(&format!("group-number-{number}")).unwrap();
    }
    let text = "Name        : /\nType        : zarr.hierarchy.Group\nRead-only   : False\nStore type  : zarr.storage.MemoryStore\nNo. members : 15\nNo. arrays  : 1\nNo. groups  : 14\nArrays      : a\nGroups      : group-number-0, group-number-1, group-number-10, group-number-11,\n            : group-number-12, group-number-13, group-number-2, group-number-3,\n            : group-number-4, group-number-5, group-number-6, group-number-7,\n            : group-number-8, group-number-9\n";
    assert_eq!(GroupInfo::of(&group).unwrap().to_string(), text);
    let empty = group.require_group("group-number-0").unwrap();
    let text = "Name        : /group-number-0\nType        : zarr.hierarchy.Group\nRead-only   : False\nStore type  : zarr.storage.MemoryStore\nNo. members : 0\nNo. arrays  : 0\nNo. groups  : 0\n";
    assert_eq!(GroupInfo::of(&empty).unwrap().to_string(), text);
}

#[test]
fn digests_are_those_of_zarr_python() {
    let array = example(&group());
    let digests = [
        ("md5", "a79e64a7d24e8e1f1f44e7fba942ec25"),
        ("sha1", "ce3a044045d2cc9d258c7e9a37f7fecc86a5fc13"),
        (
            "sha224",
            "6c625a0aadba20074352ea87e370e736209602cef39dc929489fc0b3",
        ),
        (
            "sha256",
            "2ef5981f4f297b94bac6e57cacaeb151a0eb5277c6c6affe83e0b5bb39128df1",
        ),
        (
            "sha384",
            "0ee1efc34eb3420f8b6a0c92f19f9680d48ec59ca118388e959c6356fabe8a28482767821050859112af530792e9d256",
        ),
        (
            "SHA512",
            "611a82d2df9a52667435ea96c98afa58a7682cf56b72085798af2d883274f9107a0fdd4a04c269fba47bf7464bc14aa60aaffc8a57f16b778380472b87362865",
        ),
        (
            "blake2b",
            "c43b1e444e67ee38545752f7adaa336a268e12321434c5862042840bf360b8224e0736fc4986d530a9954c4309533ed3167acfc881ab68b503c7cfe532da7a28",
        ),
        (
            "blake2s",
            "58dfb8a568fdda0428e6513229098d8e49520c61e6b27297a40fe5e7b2cddacc",
        ),
    ];
    for (name, expected) in digests {
        assert_eq!(
            hexdigest(&array, HashName::parse(name).unwrap()).unwrap(),
            expected,
            "{name}"
        );
    }
    assert_eq!(HashName::default(), HashName::Sha1);
    assert!(HashName::parse("crc32").is_err());
}

#[test]
fn keys_that_are_no_chunks_do_not_change_a_digest() {
    let array = example(&group());
    let before = hexdigest(&array, HashName::Sha1).unwrap();
    array
        .store()
        .set(&StoreKey::new("a/1backup").unwrap(), b"stray")
        .unwrap();
    assert_eq!(hexdigest(&array, HashName::Sha1).unwrap(), before);
    array.attrs().set("units", "C").unwrap();
    assert_ne!(hexdigest(&array, HashName::Sha1).unwrap(), before);
}

/// Objects count as pointers, 8 bytes each.
#[test]
fn chunks_of_objects_are_guessed_as_zarr_python_does() {
    let array = make(&group(), "o", &[1_000_000], &json!("str"), Creation::default());
    assert_eq!(array.chunk_shape(), [62500]);
}

#[test]
fn the_store_of_the_chunks_has_a_line_where_it_is_another_one() {
    let group = group();
    make(&group, "a", &[3], &json!("<f8"), Creation::default());
    let (store_type, chunk_store_type) = ("ConsolidatedMetadataStore".to_owned(), "MemoryStore".to_owned());
    let info = GroupInfo {
        store_type: store_type.clone(),
        chunk_store_type: Some(chunk_store_type.clone()),
        ..GroupInfo::of(&group).unwrap()
    };
    let text = "Name             : /\nType             : zarr.hierarchy.Group\nRead-only        : False\nStore type       : zarr.storage.ConsolidatedMetadataStore\nChunk store type : zarr.storage.MemoryStore\nNo. members      : 1\nNo. arrays       : 1\nNo. groups       : 0\nArrays           : a\n";
    assert_eq!(info.to_string(), text);
    let array = Array::open(
        Arc::clone(group.store()),
        &NodePath::new("a").unwrap(),
        &Options::default(),
    )
    .unwrap();
    let info = ArrayInfo {
        store_type,
        chunk_store_type: Some(chunk_store_type),
        ..ArrayInfo::of(&array).unwrap()
    };
    let lines = "Store type         : zarr.storage.ConsolidatedMetadataStore\nChunk store type   : zarr.storage.MemoryStore\nNo. bytes          : 24\n";
    assert!(info.to_string().contains(lines), "{info}");
}
