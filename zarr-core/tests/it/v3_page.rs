//! What `docs/v3.md` says of types, codecs, grids, keys and what is not known is so.
//!
//! Each row of a table is done: its types are made, written and read, its fixtures looked for, its refusals provoked.
//! A word that no check knows fails the test, so that nothing stands there unchecked.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use serde_json::{Value, json};
use zarr_core::{
    Array, ArrayBuilder, Error, NodePath, Options, Selection, ZarrFormat,
    codecs::{CodecRegistry, DataType},
    store::{MemoryStore, Store, StoreExt, StoreKey},
};

const PAGE: &str = include_str!("../../../docs/v3.md");

/// The files of arrays, and who wrote them.
const FIXTURES: [(&str, &str); 6] = [
    (
        "tensorstore",
        include_str!("../../../testdata/v3_types/tensorstore.json"),
    ),
    ("zarrs", include_str!("../../../testdata/v3_types/zarrs.json")),
    ("zarrs", include_str!("../../../testdata/rectilinear/zarrs.json")),
    (
        "zarr-python 3",
        include_str!("../../../testdata/v3_types/zarr_python.json"),
    ),
    (
        "zarr-python 3",
        include_str!("../../../testdata/documents/v3.json"),
    ),
    (
        "zarr-python 3",
        include_str!("../../../testdata/rectilinear/zarr_python.json"),
    ),
];

/// The rows of the first table below a heading, without its own heading; a cell's `\|` is a `|`.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section
        .split_once("\n## ")
        .map_or(section, |(section, _)| section);
    let lines = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    let row = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    let rows: Vec<Vec<_>> = rows.map(row).collect();
    assert!(!rows.is_empty(), "no table below {heading}");
    rows
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// A type of a name, with parameters where it must have some.
fn type_of(name: &str) -> Value {
    let configuration = match name {
        "raw_bytes" | "null_terminated_bytes" | "fixed_length_utf32" => json!({"length_bytes": 12}),
        "numpy.datetime64" | "numpy.timedelta64" => json!({"unit": "ms", "scale_factor": 5}),
        "struct" => json!({"fields": [
            {"name": "a", "data_type": "int16"},
            {"name": "b", "data_type": "float64"},
        ]}),
        "structured" => json!({"fields": [["a", "int16"], ["b", "float64"]]}),
        _ => return json!(name),
    };
    json!({"name": name, "configuration": configuration})
}

fn read(name: &str) -> DataType {
    let data_type = DataType::from_json(&type_of(name)).unwrap();
    assert!(
        !matches!(data_type, DataType::Unknown { .. }),
        "{name} is not known"
    );
    data_type
}

/// Makes an array whose elements are bytes of all kinds, and gives it as it is opened again.
fn round_trip(data_type: DataType) -> Array {
    let options = Options::default();
    let store = Arc::new(MemoryStore::new());
    let builder = ArrayBuilder::new(vec![5], data_type)
        .chunk_shape(vec![2])
        .format(ZarrFormat::V3);
    let array = builder
        .create(store.clone(), &NodePath::root(), &options)
        .unwrap();
    let mut values = array.read_data(&Selection::all()).unwrap();
    let is_variable = array.data_type().is_variable();
    if !is_variable {
        let bytes = values.buffer.elements.iter_mut().enumerate();
        // Texts are code points, and truths 0 or 1.
        bytes.for_each(|(at, byte)| *byte = u8::from(at % 4 == 0));
    }
    array.write_data(&Selection::all(), &values).unwrap();
    let again = Array::open(store, &NodePath::root(), &options).unwrap();
    let found = again.read_data(&Selection::all()).unwrap();
    assert_eq!(
        found.buffer.elements,
        values.buffer.elements,
        "{}",
        again.data_type()
    );
    again
}

/// Checks what a row says of a type in memory.
fn check_in_memory(name: &str, data_type: &DataType, claim: &str) {
    let size = data_type.size().unwrap();
    let narrow = match data_type {
        DataType::Narrow(narrow) => Some(*narrow),
        _ => None,
    };
    let is_so = match claim {
        "the type of that name" => {
            // Two components make a complex number, whose name counts both.
            let bits: usize = name.trim_start_matches(char::is_alphabetic).parse().unwrap_or(8);
            narrow.is_none() && data_type.to_string() == name && size * 8 == bits
        }
        "a byte, sign extended" => {
            let mut element = [0x02 << (narrow.unwrap().bits() - 2)];
            data_type.clear_padding(&mut element);
            size == 1 && element[0] >= 0xf0
        }
        "a byte" => {
            size == 1 && narrow.is_some_and(|narrow| narrow.is_integer() && !narrow.is_signed_integer())
        }
        "a byte of bits" => size == 1 && narrow.is_some_and(|narrow| !narrow.is_integer()),
        "`half::bf16`" => {
            let array = round_trip(data_type.clone());
            array.read_vec::<half::bf16>(&Selection::all()).is_ok()
        }
        "two components" => {
            narrow.is_some_and(|narrow| narrow.is_complex() && size == 2 * narrow.component_size())
        }
        "so many bytes" => size == 12,
        "`i64`" => {
            let array = round_trip(data_type.clone());
            array.read_vec::<i64>(&Selection::all()).is_ok()
        }
        "fields one after the other" => size == 2 + 8,
        "slots" => data_type.is_variable(),
        other => {
            let same = other.strip_prefix("as `").and_then(|rest| rest.strip_suffix('`'));
            let same = same.unwrap_or_else(|| panic!("no check knows: {other}"));
            match (data_type, read(same)) {
                // The page has several of them, each of its own size.
                (DataType::Raw(_), DataType::Raw(_)) => name == format!("r{}", size * 8),
                (found, same) => *found == same,
            }
        }
    };
    assert!(is_so, "{name} is not {claim}");
}

/// The types in the files of each peer.
fn types_of_fixtures() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut types: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (peer, text) in FIXTURES {
        for case in serde_json::from_str::<Vec<Value>>(text).unwrap() {
            let data_type = &case["document"]["data_type"];
            let name = data_type.as_str().or_else(|| data_type["name"].as_str());
            types.entry(peer).or_default().insert(name.unwrap().to_owned());
        }
    }
    types
}

#[test]
fn every_type_of_the_page_is_as_it_says_and_every_known_type_is_on_it() {
    let written = types_of_fixtures();
    let mut on_page = BTreeSet::new();
    for row in table("Data types") {
        let [names, configuration, claim, peers] = row[..] else {
            panic!("{row:?}")
        };
        for name in quoted(names) {
            assert!(on_page.insert(name), "{name} is there twice");
            check_in_memory(name, &read(name), claim);
            assert_eq!(read(name), *round_trip(read(name)).data_type(), "{name}");
            for member in quoted(configuration) {
                assert!(
                    type_of(name)["configuration"].get(member).is_some(),
                    "{name}: {member}"
                );
            }
            // Who is named has written it, and who has written it is named.
            for (peer, types) in &written {
                let is_named = peers.split(", ").any(|named| named == *peer);
                assert_eq!(types.contains(name), is_named, "{name} of {peer}");
            }
        }
        let named = peers.split(", ").filter(|peer| !peer.is_empty());
        named.for_each(|peer| assert!(written.contains_key(peer), "{peer}"));
    }
    let known: BTreeSet<_> = DataType::v3_names().collect();
    let missing: Vec<_> = known.difference(&on_page).collect();
    assert!(missing.is_empty(), "docs/v3.md does not have {missing:?}");
    let more: Vec<_> = on_page.difference(&known).copied().collect();
    assert_eq!(more, ["r16", "r8"]);
}

#[test]
fn every_codec_of_the_page_is_known() {
    let registry = CodecRegistry::default();
    for row in table("Codecs") {
        for name in quoted(row[0]) {
            let is_known = match name.strip_suffix('*') {
                Some(prefix) => registry
                    .entries()
                    .iter()
                    .any(|entry| entry.name.starts_with(prefix)),
                None => registry.entries().iter().any(|entry| entry.name == name),
            };
            assert!(is_known, "{name}");
        }
    }
}

/// A document with members replaced, opened.
fn open(changes: &[(&str, Value)]) -> Result<Array, Error> {
    let mut document = json!({
        "zarr_format": 3, "node_type": "array", "shape": [8, 8], "data_type": "uint8", "fill_value": 0,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 4]}},
        "chunk_key_encoding": {"name": "default"}, "codecs": [{"name": "bytes"}],
    });
    for (pointer, value) in changes {
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap();
        match parent.as_array_mut() {
            Some(items) => items.push(value.clone()),
            None => parent[member] = value.clone(),
        }
    }
    let store = Arc::new(MemoryStore::new());
    let key = StoreKey::new("zarr.json").unwrap();
    store.set(&key, document.to_string().as_bytes()).unwrap();
    Array::open(store, &NodePath::root(), &Options::default())
}

/// The document of an array, written anew.
fn written_back(array: &Array) -> Value {
    array.write_metadata().unwrap();
    let key = StoreKey::new("zarr.json").unwrap();
    let document = array.store().get(&key, 1 << 20).unwrap().unwrap();
    serde_json::from_slice(&document).unwrap()
}

#[test]
fn chunk_grids_and_chunk_keys_are_those_of_the_page() {
    for row in table("Chunk grids") {
        let (name, members) = (quoted(row[0])[0], quoted(row[1]));
        let configuration = match name {
            "regular" => json!({"chunk_shape": [2, 4]}),
            "rectilinear" => json!({"kind": "inline", "chunk_shapes": [[[2, 3], 2], 4]}),
            other => panic!("no check knows {other}"),
        };
        assert!(
            configuration
                .as_object()
                .unwrap()
                .keys()
                .all(|member| members.contains(&member.as_str()))
        );
        let array = open(&[(
            "/chunk_grid",
            json!({"name": name, "configuration": configuration}),
        )])
        .unwrap();
        assert_eq!(
            (array.n_chunks(), name == "rectilinear"),
            (8, array.metadata().chunk_grid.rectilinear().is_some())
        );
    }
    let mut usual = BTreeSet::new();
    for row in table("Chunk keys") {
        let (name, separator, key) = (quoted(row[0])[0], quoted(row[1])[0], quoted(row[2])[0]);
        let mut forms = vec![json!({"name": name, "configuration": {"separator": separator}})];
        if usual.insert(name) {
            forms.extend([json!({"name": name}), json!(name)]);
        }
        for encoding in forms {
            let array = open(&[("/chunk_key_encoding", encoding)]).unwrap();
            array
                .write_vec(&Selection::region(&[6, 4], &[2, 4]), &[7_u8; 8])
                .unwrap();
            let key = StoreKey::new(key).unwrap();
            assert_eq!(array.store().get(&key, 100).unwrap().unwrap(), [7; 8].as_slice());
        }
    }
}

#[test]
fn what_is_not_known_is_treated_as_the_page_says() {
    for row in table("What is not known") {
        let [what, without, with] = row[..] else {
            panic!("{row:?}")
        };
        for (claim, ignorable) in [(without, false), (with, true)] {
            let claim = if claim.starts_with("the same: ") {
                without
            } else {
                claim
            };
            let mut acme = json!({"name": "acme"});
            if ignorable {
                acme["must_understand"] = json!(false);
            }
            let cases = match what {
                "a member of the document" => vec![("/acme", "refused", acme)],
                "a codec" => vec![("/codecs/0", "codec", acme)],
                "a storage transformer" => vec![("/storage_transformers", "refused", json!([acme]))],
                "a data type" => vec![("/data_type", "type", acme)],
                "a chunk grid or chunk key encoding, or a member of its configuration" => vec![
                    ("/chunk_grid", "grid", acme.clone()),
                    ("/chunk_key_encoding", "grid", acme.clone()),
                    ("/chunk_grid/configuration/acme", "member", acme.clone()),
                    ("/chunk_key_encoding/acme", "member", acme.clone()),
                    (
                        "/chunk_key_encoding/configuration",
                        "member",
                        json!({"acme": acme}),
                    ),
                ],
                other => panic!("no check knows {other}"),
            };
            for (pointer, kind, value) in cases {
                let opened = open(&[(pointer, value.clone())]);
                let is_kept = || {
                    let document = written_back(opened.as_ref().unwrap());
                    match document.pointer(pointer) {
                        // Among the codecs it is the last.
                        _ if kind == "codec" => document["codecs"].as_array().unwrap().contains(&value),
                        found => found == Some(&value),
                    }
                };
                let is_refused = || {
                    opened
                        .as_ref()
                        .is_err_and(|error| error.to_string().contains("acme"))
                };
                let fails_to_read = || {
                    let error = opened.as_ref().unwrap().read_data(&Selection::all()).unwrap_err();
                    let mut told = error.to_string();
                    if let Some(source) = std::error::Error::source(&error) {
                        told += &source.to_string();
                    }
                    told.contains("acme")
                };
                let reads = || opened.as_ref().unwrap().read_data(&Selection::all()).is_ok();
                let is_so = match (claim, kind) {
                    ("refused by name", _)
                    | ("a member is kept; a grid or encoding is refused all the same", "grid") => {
                        is_refused()
                    }
                    ("the array opens, and reading names the codec", "codec")
                    | ("the array opens, and reading names the type", "type") => fails_to_read() && is_kept(),
                    ("kept, and written back", _)
                    | ("left out of the chain, kept in the document", "codec")
                    | ("a member is kept; a grid or encoding is refused all the same", "member") => {
                        reads() && is_kept()
                    }
                    (other, _) => panic!("no check knows: {other}"),
                };
                assert!(is_so, "{what}: {claim}: {pointer}: {:?}", opened.err());
            }
        }
    }
}

/// Whatever the page calls a file is one.
#[test]
fn the_files_that_the_page_names_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let places = [
        "testdata/",
        "docs/",
        "xtask/",
        "zarr-store/",
        "zarr-codecs/",
        "zarr-core/",
        "zarr-convenience/",
        "zarr-h5bridge/",
        "zarr-cli/",
    ];
    let is_file = |text: &&str| places.iter().any(|place| text.starts_with(place));
    let named: Vec<_> = quoted(PAGE).into_iter().filter(is_file).collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(
            root.join(name).exists(),
            "docs/v3.md names {name}, which is not there"
        );
    }
}
