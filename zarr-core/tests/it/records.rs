//! Records as values of Rust, and those that zarr-python 2 wrote (`testdata/records`).

use std::sync::Arc;

use crate::v3_types::unhex;
use serde_json::{Value, json};
use zarr_core::{
    Array, ArrayBuilder, ArrayData, Error, NodePath, Options, Selection,
    codecs::ByteOrder,
    metadata::{V2Codecs, v2_data_type},
    store::{MemoryStore, Store, StoreExt, StoreKey},
};

const FROM_PYTHON: &str = include_str!("../../../testdata/records/records.json");

fn array(length: u64, dtype: &Value) -> Array {
    let (data_type, byte_order) = v2_data_type(dtype).unwrap();
    ArrayBuilder::new(vec![length], data_type)
        .byte_order(byte_order)
        .chunk_shape(vec![2])
        .v2_codecs(V2Codecs::default())
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap()
}

#[derive(Debug, Clone, PartialEq)]
struct Station {
    id: u16,
    name: String,
    code: Vec<u8>,
    place: (f32, f32),
    levels: Vec<i16>,
    since: i64,
}

fn dtype() -> Value {
    json!([
        ["id", ">u2"],
        ["name", "<U3"],
        ["code", "|S2"],
        ["place", [["x", "<f4"], ["y", "<f4"]]],
        ["levels", "<i2", [2, 2]],
        ["since", "<M8[D]"]
    ])
}

fn stations() -> Vec<Station> {
    let station = |id, name: &str, code: &[u8], since| Station {
        id,
        name: name.to_owned(),
        code: code.to_vec(),
        place: (f32::from(id), 0.5),
        levels: vec![1, 2, -3, 4],
        since,
    };
    vec![
        station(1, "Ufä", b"a", 0),
        station(258, "", b"bc", -1),
        station(3, "x", b"", i64::MIN),
    ]
}

fn write(array: &Array, selection: &Selection, stations: &[Station]) -> Result<(), Error> {
    array.write_records(selection, stations, |station, record| {
        record.set("id", &station.id)?;
        record.set("name", &station.name)?;
        record.set("code", &station.code)?;
        let mut place = record.record("place")?;
        place.set("x", &station.place.0)?;
        place.set("y", &station.place.1)?;
        record.set_all("levels", &station.levels)?;
        record.set("since", &station.since)
    })
}

fn read(array: &Array, selection: &Selection) -> Result<Vec<Station>, Error> {
    array.read_records(selection, |record| {
        let place = record.record("place")?;
        Ok(Station {
            id: record.get("id")?,
            name: record.get("name")?,
            code: record.get("code")?,
            place: (place.get("x")?, place.get("y")?),
            levels: record.get_vec("levels")?,
            since: record.get("since")?,
        })
    })
}

#[test]
fn structs_map_to_records_by_the_names_of_fields() {
    let array = array(3, &dtype());
    write(&array, &Selection::all(), &stations()).unwrap();
    assert_eq!(read(&array, &Selection::all()).unwrap(), stations());
    let part = Selection::parse("1:").unwrap();
    assert_eq!(read(&array, &part).unwrap(), stations()[1..]);
    write(&array, &part, &stations()[..1]).unwrap();
    assert_eq!(
        read(&array, &part).unwrap(),
        [stations()[0].clone(), stations()[0].clone()]
    );
    let data = array.read_data(&Selection::all()).unwrap();
    let names: Vec<_> = data.records().unwrap().next().unwrap().names().collect();
    assert_eq!(names, ["id", "name", "code", "place", "levels", "since"]);
}

/// The bytes are those of `NumPy`: `array([(258, (1, 2))], dtype=[("a", ">u2"), ("b", [("c", "<i2"), ("d", ">i2")])])`.
#[test]
fn every_field_is_stored_in_its_byte_order() {
    let array = array(1, &json!([["a", ">u2"], ["b", [["c", "<i2"], ["d", ">i2"]]]]));
    array
        .write_records(&Selection::all(), &[(258_u16, 1_i16, 2_i16)], |value, record| {
            record.set("a", &value.0)?;
            let mut inner = record.record("b")?;
            inner.set("c", &value.1)?;
            inner.set("d", &value.2)
        })
        .unwrap();
    let chunk = array
        .store()
        .get(&StoreKey::new("0").unwrap(), 100)
        .unwrap()
        .unwrap();
    assert_eq!(chunk[..6], [1, 2, 1, 0, 0, 2]);
    let found = array.read_records(&Selection::all(), |record| {
        let inner = record.record("b")?;
        Ok((
            record.get::<u16>("a")?,
            inner.get::<i16>("c")?,
            inner.get::<i16>("d")?,
        ))
    });
    assert_eq!(found.unwrap(), [(258, 1, 2)]);
}

#[test]
fn a_column_has_the_values_of_one_field() {
    let array = array(3, &dtype());
    write(&array, &Selection::all(), &stations()).unwrap();
    let data = array.read_data(&Selection::all()).unwrap();
    assert_eq!(data.column::<u16>("id").unwrap(), [1, 258, 3]);
    assert_eq!(data.column::<String>("name").unwrap(), ["Ufä", "", "x"]);
    assert_eq!(data.column::<i16>("levels").unwrap(), [1, 2, -3, 4].repeat(3));
    assert!(matches!(data.column::<u32>("id"), Err(Error::Type { .. })));
    assert!(matches!(data.column::<u16>("no"), Err(Error::Value { .. })));
}

#[test]
fn arrays_of_records_within_records_are_reached() {
    let dtype = json!([["pair", [["v", "|u1"]], [2]], ["", "|V1"], ["end", "|u1"]]);
    let array = array(2, &dtype);
    let values = [([1_u8, 2], 3_u8), ([4, 5], 6)];
    let write = |value: &([u8; 2], u8), record: &mut zarr_core::RecordMut<'_>| {
        for (mut part, v) in record.records("pair")?.zip(value.0) {
            part.set("v", &v)?;
        }
        record.set("end", &value.1)
    };
    array.write_records(&Selection::all(), &values, write).unwrap();
    let found = array.read_records(&Selection::all(), |record| {
        let pair: Result<Vec<u8>, _> = record.records("pair")?.map(|part| part.get("v")).collect();
        Ok((pair?, record.get::<u8>("end")?))
    });
    assert_eq!(found.unwrap(), [(vec![1, 2], 3), (vec![4, 5], 6)]);
    let data = ArrayData::of_records(vec![2], array.data_type().clone(), &values, write).unwrap();
    assert_eq!(data, array.read_data(&Selection::all()).unwrap());
}

#[test]
fn what_does_not_fit_a_field_is_refused_by_its_name() {
    let array = array(1, &dtype());
    let check = |write: &dyn Fn(&mut zarr_core::RecordMut<'_>) -> Result<(), Error>| {
        array
            .write_records(&Selection::all(), &[()], |(), record| write(record))
            .unwrap_err()
    };
    let error = check(&|record| record.set("nme", &1_u16));
    assert_eq!(
        error.to_string(),
        "array '/': no field `nme` among id, name, code, place, levels, since"
    );
    assert!(matches!(
        check(&|record| record.set("id", &1_i32)),
        Error::Type { .. }
    ));
    assert!(
        check(&|record| record.set("name", &"abcd".to_owned()))
            .to_string()
            .contains("limit 3")
    );
    assert!(
        check(&|record| record.set("levels", &1_i16))
            .to_string()
            .contains("[2, 2]")
    );
    assert!(matches!(
        check(&|record| record.set_all("levels", &[1_i16])),
        Error::Shape { .. }
    ));
    assert!(
        check(&|record| record.record("id").map(drop))
            .to_string()
            .contains("no record")
    );
    let none = array.read_records(&Selection::all(), |record| record.get::<u16>("x"));
    assert!(matches!(none, Err(Error::Value { array, .. }) if array == "/"));
}

#[test]
fn elements_that_are_no_records_are_refused() {
    let array = array(1, &json!("<i4"));
    assert!(matches!(
        array.read_records(&Selection::all(), |_| Ok(())),
        Err(Error::Type { .. })
    ));
    assert!(matches!(
        array.write_records(&Selection::all(), &[()], |(), _| Ok(())),
        Err(Error::Type { .. })
    ));
}

#[test]
fn b50_gaps_between_fields_have_no_names_and_stay_as_they_are_written() {
    let dtype = json!([["a", "|u1"], ["", "|V3"], ["b", "<i4"], ["c", "|u1"], ["", "|V3"]]);
    let array = array(1, &dtype);
    array
        .write_records(&Selection::all(), &[()], |(), record| {
            record.set("a", &1_u8)?;
            record.set("b", &-2_i32)?;
            record.set("c", &3_u8)
        })
        .unwrap();
    let key = |name| StoreKey::new(name).unwrap();
    let stored = array.store().get(&key("0"), 100).unwrap().unwrap();
    assert_eq!(stored[..12], [1, 0, 0, 0, 254, 255, 255, 255, 3, 0, 0, 0]);
    let document = array.store().get(&key(".zarray"), 10_000).unwrap().unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(document["dtype"], dtype);
    let opened = Array::open(Arc::clone(array.store()), &NodePath::root(), &Options::default()).unwrap();
    let data = opened.read_data(&Selection::all()).unwrap();
    let names: Vec<_> = data.records().unwrap().next().unwrap().names().collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(data.column::<i32>("b").unwrap(), [-2]);
}

/// The elements of an array, every field little-endian.
fn elements(array: &Array) -> Vec<u8> {
    let mut elements = array.read_data(&Selection::all()).unwrap().buffer.elements;
    if ByteOrder::NATIVE != ByteOrder::Little {
        array.data_type().swap_bytes(&mut elements);
    }
    elements
}

/// The array of a document of V2, without chunks.
fn array_of(document: &str) -> Result<Array, Error> {
    let store = MemoryStore::new();
    let key = StoreKey::new(".zarray").unwrap();
    store.set(&key, document.as_bytes()).unwrap();
    Array::open(Arc::new(store), &NodePath::root(), &Options::default())
}

#[test]
fn records_of_zarr_python_2_are_read_and_written() {
    let cases: Vec<Value> = serde_json::from_str(FROM_PYTHON).unwrap();
    let mut n_read = 0;
    for case in cases.iter().filter(|case| case.get("refused").is_none()) {
        let text = case["document"].as_str().unwrap();
        let document: Value = serde_json::from_str(text).unwrap();
        let array = array_of(text).unwrap();
        let chunks = case["chunks"].as_object().unwrap();
        for (name, chunk) in chunks {
            array
                .store()
                .set(&StoreKey::new(name).unwrap(), &unhex(chunk))
                .unwrap();
        }
        assert_eq!(elements(&array), unhex(&case["elements"]), "{document}");
        n_read += 1;
        // Written anew, in chunks that are not compressed byte for byte: padding and fields in their byte orders.
        let ours = array_of(text).unwrap();
        ours.write_data(&Selection::all(), &array.read_data(&Selection::all()).unwrap())
            .unwrap();
        assert_eq!(elements(&ours), unhex(&case["elements"]), "{document}");
        if document["compressor"].is_null() {
            for (name, chunk) in chunks {
                let written = ours.store().get(&StoreKey::new(name).unwrap(), 1 << 20).unwrap();
                assert_eq!(written.unwrap().to_vec(), unhex(chunk), "{name} of {document}");
            }
        }
        // The document is that of zarr-python, byte for byte.
        ours.write_metadata().unwrap();
        let written = ours
            .store()
            .get(&StoreKey::new(".zarray").unwrap(), 1 << 20)
            .unwrap();
        assert_eq!(String::from_utf8(written.unwrap().to_vec()).unwrap(), text);
    }
    assert_eq!(n_read, 65);
}

#[test]
fn records_that_zarr_python_2_refuses_are_refused_by_their_reason() {
    let cases: Vec<Value> = serde_json::from_str(FROM_PYTHON).unwrap();
    let titles = cases.iter().find(|case| case["name"] == "titles").unwrap();
    assert!(titles["refused"].as_str().unwrap().contains("MetadataError"));
    let error = array_of(titles["document"].as_str().unwrap()).unwrap_err();
    assert!(chain(&error).contains("its title"), "{}", chain(&error));

    let mut objects: Value = serde_json::from_str(titles["document"].as_str().unwrap()).unwrap();
    objects["dtype"] = json!([["a", "<i4"], ["o", "|O"]]);
    objects["fill_value"] = Value::Null;
    objects["filters"] = json!([{"id": "vlen-utf8"}]);
    let error = match array_of(&objects.to_string()) {
        Ok(array) => array.read_data(&Selection::all()).unwrap_err(),
        Err(error) => error,
    };
    assert!(
        chain(&error).contains(r#"["o","|O"]]` cannot be decoded"#),
        "{}",
        chain(&error)
    );
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
