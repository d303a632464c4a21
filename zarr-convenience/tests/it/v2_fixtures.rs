//! Every V2 fixture in `testdata/` goes to V3 and back: its values stay the same, and its documents byte for byte.
//!
//! Each is migrated in place, and copied as well, which keeps the values alone: codecs may be spelled otherwise. What
//! cannot be migrated cannot be copied either, but for records whose fields differ in their byte order: a copy has all
//! of them in one.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use serde_json::{Value, json};
use zarr_convenience::{
    CopyOptions, Creation, Error, MIGRATION_JOURNAL, ZarrSource,
    core::{
        Array, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat,
        store::{DbmStore, Store, StoreKey},
    },
    digest, migrate, plan_migration,
};

use crate::{
    help::{Keys, copy_all_logged, group_in, keys, memory, path},
    indented::indented,
};

/// The files of the fixtures.
const FILES: [&str; 7] = [
    "consolidated/consolidated.json",
    "documents/v2.json",
    "field/data/",
    "long_doubles/long_doubles.json",
    "records/records.json",
    // The same hierarchy in three databases, of which one needs no library.
    "stores/python.",
    "transcripts/",
];

/// The fixtures that do not come back, and why.
const EXCEPTIONS: [(&str, &str); 20] = [
    ("long_doubles <f16", "float128 has no form in Zarr V3"),
    ("long_doubles >f16", "float128 has no form in Zarr V3"),
    ("long_doubles <c32", "complex256 has no form in Zarr V3"),
    ("long_doubles >c32", "complex256 has no form in Zarr V3"),
    (
        "transcripts format-013",
        "field `a`, whose elements are arrays, has no form in Zarr V3",
    ),
    ("transcripts format-c27", "object has no form in Zarr V3"),
    (
        "transcripts format-c29",
        "vlen_array[int32] has no form in Zarr V3",
    ),
    (
        "transcripts format-f25",
        "vlen_array[int32] has no form in Zarr V3",
    ),
    (
        "transcripts chunk-d12",
        "field `b`, which has a byte order of its own, has no form in Zarr V3",
    ),
    ("records aligned", "padding has no form in Zarr V3"),
    ("records aligned within", "padding has no form in Zarr V3"),
    (
        "records arrays",
        "field `a`, whose elements are arrays, has no form in Zarr V3",
    ),
    (
        "records mixed",
        "field `b`, which has a byte order of its own, has no form in Zarr V3",
    ),
    (
        "records nested",
        "field `q`, which has a byte order of its own, has no form in Zarr V3",
    ),
    (
        "records nested arrays",
        "field `p`, whose elements are arrays, has no form in Zarr V3",
    ),
    ("records offsets", "padding has no form in Zarr V3"),
    (
        "records swapped",
        "field `b`, which has a byte order of its own, has no form in Zarr V3",
    ),
    (
        "records texts",
        "field `w`, which has a byte order of its own, has no form in Zarr V3",
    ),
    (
        "records times",
        "field `d`, which has a byte order of its own, has no form in Zarr V3",
    ),
    // Written by zarr-python 3, which indents otherwise and writes attributes where there are none.
    ("consolidated", "JSON in another form"),
];

/// What zarr-python 2 wrote, though there is no such array.
const DAMAGED: [(&str, &str); 3] = [
    (
        "transcripts format-c28",
        "filters: missing object codec for an object array",
    ),
    (
        "transcripts format-c35",
        "/chunks/0: must be an integer of at least 1, found 0",
    ),
    (
        "transcripts format-c36",
        "/shape/0: must be an integer of at least 0, found -1",
    ),
];

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata");

/// A fixture: where it is from, and all its keys, below a group.
struct Fixture {
    name: String,
    keys: Keys,
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(TESTDATA).join(name)).unwrap()
}

fn parsed(name: &str) -> Value {
    serde_json::from_str(&read(name)).unwrap()
}

/// An array as a member of a group, in the documents of zarr-python 2.
fn array(name: String, document: &str, chunks: impl IntoIterator<Item = (String, Vec<u8>)>) -> Fixture {
    let mut keys = Keys::from([
        (".zgroup".to_owned(), b"{\n    \"zarr_format\": 2\n}".to_vec()),
        ("x/.zarray".to_owned(), document.as_bytes().to_vec()),
    ]);
    keys.extend(chunks.into_iter().map(|(key, bytes)| (format!("x/{key}"), bytes)));
    Fixture { name, keys }
}

/// The arrays of the public suite: directories.
fn field() -> Vec<Fixture> {
    let folder = Path::new(TESTDATA).join("field/data");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let v2 = names.filter(|folder| folder.join(".zarray").exists());
    v2.map(|folder| {
        let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Keys = files
            .map(|file| {
                (
                    file.file_name().unwrap().to_str().unwrap().to_owned(),
                    fs::read(file).unwrap(),
                )
            })
            .collect();
        let document = String::from_utf8(files.remove(".zarray").unwrap()).unwrap();
        array(
            format!("field {}", folder.file_name().unwrap().display()),
            &document,
            files,
        )
    })
    .collect()
}

/// Documents that lie one in a line.
fn documents() -> Vec<Fixture> {
    let text = read("documents/v2.json");
    let lines = text
        .lines()
        .filter_map(|line| line.trim_end_matches(',').strip_suffix('}'));
    lines
        .filter_map(|line| line.split_once(r#","document":"#))
        .map(|(case, document)| array(format!("documents {case}}}"), &indented(document, 4), []))
        .collect()
}

/// An array whose document and chunks, in hexadecimal, are members of a case.
fn array_of(case: &Value, name: String) -> Fixture {
    let bytes = |hex: &str| {
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(byte).collect()
    };
    let text = case["document"].as_str().map(str::to_owned);
    let document = text.unwrap_or_else(|| indented(&case["document"].to_string(), 4));
    let chunks = case["chunks"].as_object().unwrap().iter();
    let chunks = chunks.map(|(key, chunk)| (key.clone(), bytes(chunk.as_str().unwrap())));
    array(name, &document, chunks)
}

fn long_doubles() -> Vec<Fixture> {
    let cases = parsed("long_doubles/long_doubles.json");
    let cases = cases.as_array().unwrap().iter();
    cases
        .map(|case| {
            array_of(
                case,
                format!("long_doubles {}", case["document"]["dtype"].as_str().unwrap()),
            )
        })
        .collect()
}

fn consolidated() -> Vec<Fixture> {
    let documents = parsed("consolidated/consolidated.json");
    let documents = documents["v2"]["documents"].as_object().unwrap().iter();
    let keys = documents.map(|(key, text)| (key.clone(), text.as_str().unwrap().as_bytes().to_vec()));
    vec![Fixture {
        name: "consolidated".to_owned(),
        keys: keys.collect(),
    }]
}

/// The hierarchy that Python put into a database.
fn database() -> Vec<Fixture> {
    let store = DbmStore::open(Path::new(TESTDATA).join("stores/python")).unwrap();
    vec![Fixture {
        name: "stores".to_owned(),
        keys: keys(&store),
    }]
}

/// Arrays of records, of which a name stands for each way of storing them.
fn records() -> Vec<Fixture> {
    let cases = parsed("records/records.json");
    let cases = cases
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case.get("refused").is_none());
    cases
        .map(|case| array_of(case, format!("records {}", case["name"].as_str().unwrap())))
        .collect()
}

/// The documents of arrays that zarr-python 2 showed.
fn transcripts() -> Vec<Fixture> {
    let mut found = BTreeMap::new();
    for file in ["own", "families", "gaps"] {
        for scenario in parsed(&format!("transcripts/{file}.json")).as_array().unwrap() {
            let steps = scenario["steps"].as_array().unwrap();
            for (step, result) in steps.iter().zip(scenario["expected"].as_array().unwrap()) {
                let is_array = step["key"].as_str().is_some_and(|key| key.ends_with(".zarray"));
                if let (true, Some(text)) = (
                    is_array && step["op"] == "store_get",
                    result["ok"]["text"].as_str(),
                ) {
                    found.insert(
                        text.to_owned(),
                        format!("transcripts {}", scenario["id"].as_str().unwrap()),
                    );
                }
            }
        }
    }
    found
        .into_iter()
        .map(|(text, name)| array(name, &text, []))
        .collect()
}

fn store_of(fixture: &Fixture) -> Arc<dyn Store> {
    let store = memory();
    for (key, bytes) in &fixture.keys {
        store.set(&StoreKey::new(key).unwrap(), bytes).unwrap();
    }
    store
}

/// Gives an array that has no chunks some values that are not the fill value; says whether it did.
fn fill(store: &Arc<dyn Store>) -> bool {
    let Ok(array) = Array::open(Arc::clone(store), &path("x"), &Options::default()) else {
        return false;
    };
    if array.n_chunks_initialized().unwrap() > 0 || array.data_type().is_variable() {
        return false;
    }
    let Ok(mut data) = array.read_data(&Selection::all()) else {
        return false;
    };
    for (at, byte) in data.buffer.elements.iter_mut().enumerate() {
        // Every type has values of such bytes.
        *byte = u8::from(at % 4 == 0 && at % 3 != 0);
    }
    array.write_data(&Selection::all(), &data).is_ok()
}

fn digests(store: &Arc<dyn Store>) -> Result<Vec<String>, Error> {
    let node = Node::open(Arc::clone(store), &NodePath::root(), &Options::default())?;
    let source = ZarrSource::new(node);
    let digests = digest(&source, &source.root(), Workers::ONE)?;
    Ok(digests.iter().map(ToString::to_string).collect())
}

fn documents_in(store: &Arc<dyn Store>) -> BTreeMap<String, String> {
    let all = keys(store.as_ref()).into_iter();
    all.filter(|(key, _)| key.rsplit('/').next().unwrap().starts_with(".z") && key != MIGRATION_JOURNAL)
        .map(|(key, bytes)| (key, String::from_utf8(bytes).unwrap()))
        .collect()
}

fn migrated(store: &Arc<dyn Store>, format: ZarrFormat) -> Result<(), Error> {
    let migration = plan_migration(store, &NodePath::root(), format, &Options::default())?;
    migrate(store, &migration)
}

fn copied(store: &Arc<dyn Store>, format: ZarrFormat) -> Result<Arc<dyn Store>, Error> {
    let from = Group::open(Arc::clone(store), &NodePath::root(), &Options::default())?;
    let to = group_in(&memory(), format);
    let creation = Creation {
        zarr_format: Some(format),
        ..Creation::default()
    };
    let options = CopyOptions {
        creation,
        ..CopyOptions::default()
    };
    let report = copy_all_logged(&from, &to, options).1?;
    match report.lost.first() {
        Some(lost) => Err(Error::Copy(format!("{}: {}", lost.what, lost.reason))),
        None => Ok(Arc::clone(to.store())),
    }
}

/// To V3 and back, in place and by copying; else the reason why not.
fn round_trip(store: &Arc<dyn Store>) -> Result<(), String> {
    let values = digests(store).map_err(|error| chain(&error))?;
    let before = documents_in(store);
    let by_copy = copied(store, ZarrFormat::V3).map_err(|error| chain(&error));
    if let Err(error) = migrated(store, ZarrFormat::V3) {
        assert_eq!(documents_in(store), before, "nothing is changed");
        if let (true, Ok(v3)) = (chain(&error).contains("a byte order of its own"), &by_copy) {
            // A digest is of the values, and the type beside it.
            let of_values = |store| digests(store).unwrap()[0][..64].to_owned();
            assert_eq!(of_values(v3), values[0][..64]);
            assert_eq!(of_values(&copied(v3, ZarrFormat::V2).unwrap()), values[0][..64]);
            return Err(chain(&error));
        }
        // Chunks that could be copied would have to be.
        assert!(by_copy.is_err(), "{}", chain(&error));
    }
    let v3 = by_copy?;
    assert_eq!(documents_in(store), BTreeMap::new());
    assert_eq!(digests(store).unwrap(), values);
    assert_eq!(digests(&v3).unwrap(), values);
    migrated(store, ZarrFormat::V2).unwrap();
    assert_eq!(digests(store).unwrap(), values);
    assert_eq!(digests(&copied(&v3, ZarrFormat::V2).unwrap()).unwrap(), values);
    let after = documents_in(store);
    if after == before {
        return Ok(());
    }
    assert_eq!(without_form(&after), without_form(&before));
    Err("JSON in another form".to_owned())
}

/// Documents as JSON, and no attributes as none.
fn without_form(documents: &BTreeMap<String, String>) -> BTreeMap<&str, Value> {
    let values = documents
        .iter()
        .map(|(key, text)| (key.as_str(), serde_json::from_str(text).unwrap()));
    values
        .filter(|(key, value)| !(key.ends_with(".zattrs") && *value == json!({})))
        .collect()
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[test]
fn every_fixture_goes_to_v3_and_back() {
    let all = [
        field(),
        documents(),
        long_doubles(),
        records(),
        consolidated(),
        database(),
        transcripts(),
    ];
    let (mut n_filled, mut n_same) = (0, 0);
    let mut excepted = BTreeMap::new();
    for fixture in all.iter().flat_map(|fixtures| {
        assert!(!fixtures.is_empty());
        fixtures
    }) {
        let store = store_of(fixture);
        n_filled += usize::from(fill(&store));
        match round_trip(&store) {
            Ok(()) => n_same += 1,
            Err(reason) => {
                excepted.insert(fixture.name.as_str(), reason);
            }
        }
    }
    let listed = EXCEPTIONS.iter().chain(&DAMAGED);
    let known: BTreeMap<_, _> = listed.copied().collect();
    assert!(excepted.keys().eq(known.keys()), "{excepted:#?}");
    for (name, reason) in excepted {
        assert!(reason.contains(known[name]), "{name}: {reason}");
    }
    assert!(n_same > 250 && n_filled > 200, "{n_same} {n_filled}");
}

/// A file with documents of V2 that the test above does not know is one that it lacks.
#[test]
fn every_file_of_fixtures_is_known() {
    let mut found = vec![false; FILES.len()];
    let mut pending = vec![Path::new(TESTDATA).to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            if file.is_dir() {
                pending.push(file);
                continue;
            }
            let content = fs::read(&file).unwrap();
            let text = String::from_utf8_lossy(&content).replace([' ', '\\'], "");
            if !text.contains("\"zarr_format\":2") || file.extension().is_some_and(|name| name == "py") {
                continue;
            }
            let name = file.strip_prefix(TESTDATA).unwrap().to_str().unwrap().to_owned();
            let known = FILES.iter().position(|known| name.starts_with(known));
            found[known.unwrap_or_else(|| panic!("{name} has documents of V2"))] = true;
        }
    }
    assert!(found.iter().all(|found| *found), "{found:?}");
}
