//! Records as values of Rust.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_core::{
    Array, ArrayBuilder, ArrayData, Error, NodePath, Options, Selection,
    metadata::{V2Codecs, v2_data_type},
    store::{MemoryStore, StoreExt, StoreKey},
};

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
