//! Arrays one behaviour at a time.

use std::sync::Arc;

use serde_json::json;
use zarr_core::{
    Array, ArrayBuilder, Error, Group, NodePath, Options, Selection, Workers, ZarrFormat,
    codecs::{CodecConfig, DataType, FillValue},
    metadata::V2Codecs,
    store::{MemoryStore, Store, StoreExt, StoreKey},
};

fn builder(shape: &[u64], chunk_shape: &[u64], data_type: DataType) -> ArrayBuilder {
    ArrayBuilder::new(shape.to_vec(), data_type)
        .chunk_shape(chunk_shape.to_vec())
        .v2_codecs(V2Codecs::default())
}

fn create(builder: ArrayBuilder) -> Array {
    builder
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap()
}

fn all(text: &str) -> Selection {
    Selection::parse(text).unwrap()
}

#[test]
fn texts_of_any_length_are_read_as_they_were_written() {
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let fill = FillValue::new("nothing".as_bytes());
        let array = create(
            builder(&[5], &[2], DataType::String)
                .format(format)
                .fill_value(Some(fill)),
        );
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        array
            .write_vec(&all("1:4"), &texts(&["", "äöü", "a longer text"]))
            .unwrap();
        array.write_vec(&all("2"), &texts(&["x"])).unwrap();
        let expected = texts(&["nothing", "", "x", "a longer text", "nothing"]);
        assert_eq!(array.read_vec::<String>(&Selection::all()).unwrap(), expected);
        assert_eq!(
            array.read_vec::<String>(&all("::3")).unwrap(),
            texts(&["nothing", "a longer text"])
        );
    }
}

#[test]
fn a_single_value_is_written_everywhere() {
    let array = create(builder(&[3, 3], &[2, 2], DataType::UInt8));
    array.write_vec(&all("1:, 1:"), &[7_u8]).unwrap();
    assert_eq!(
        array.read_vec::<u8>(&Selection::all()).unwrap(),
        [0, 0, 0, 0, 7, 7, 0, 7, 7]
    );
}

#[test]
fn an_array_without_dimensions_has_one_element() {
    for (format, key) in [(ZarrFormat::V2, "0"), (ZarrFormat::V3, "c")] {
        let array = create(builder(&[], &[], DataType::Float64).format(format));
        assert_eq!(array.read_vec::<f64>(&Selection::all()).unwrap(), [0.0]);
        assert_eq!(array.n_chunks_initialized().unwrap(), 0);
        array.write_vec(&Selection::all(), &[2.5]).unwrap();
        assert_eq!(array.read_vec::<f64>(&all("...")).unwrap(), [2.5]);
        assert!(
            array
                .store()
                .size(&StoreKey::new(key).unwrap())
                .unwrap()
                .is_some()
        );
        assert_eq!(array.n_chunks_initialized().unwrap(), 1);
    }
}

#[test]
fn threads_that_write_parts_of_one_chunk_lose_nothing() {
    let array = create(builder(&[800], &[800], DataType::Int32));
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let array = &array;
            scope.spawn(move || {
                for index in 0..100 {
                    let at = thread + index * 8;
                    array
                        .write_vec(&Selection::region(&[at], &[1]), &[at as i32 + 1])
                        .unwrap();
                }
            });
        }
    });
    let expected: Vec<_> = (1..=800).collect();
    assert_eq!(array.read_vec::<i32>(&Selection::all()).unwrap(), expected);
}

#[test]
fn a_damaged_chunk_is_named() {
    let array = create(builder(&[4, 4], &[2, 2], DataType::Int32));
    array.write_vec(&Selection::all(), &[1; 16]).unwrap();
    array
        .store()
        .set(&StoreKey::new("1.0").unwrap(), &[0; 15])
        .unwrap();
    let error = array.read_vec::<i32>(&Selection::all()).unwrap_err();
    assert!(
        matches!(&error, Error::Chunk { chunk, .. } if *chunk == [1, 0]),
        "{error}"
    );
    assert!(error.to_string().contains("1.0"), "{error}");
}

#[test]
fn huge_arrays_open_and_are_read_in_parts() {
    let array = create(builder(&[1_000_000_000; 2], &[1000, 1000], DataType::Float64));
    assert!(matches!(
        array.read_vec::<f64>(&Selection::all()),
        Err(Error::TooLarge { .. })
    ));
    assert_eq!(array.read_vec::<f64>(&all("5:7, -2:")).unwrap(), [0.0; 4]);
}

#[test]
fn arrays_of_unknown_codecs_open_and_their_chunks_can_be_carried() {
    let store = Arc::new(MemoryStore::new());
    let document = json!({
        "zarr_format": 2, "shape": [2], "chunks": [2], "dtype": "<i4", "fill_value": 0, "order": "C",
        "filters": [{"id": "acme"}], "compressor": {"id": "pickle"}, "note": "kept",
    });
    store
        .set(
            &StoreKey::new(".zarray").unwrap(),
            document.to_string().as_bytes(),
        )
        .unwrap();
    store.set(&StoreKey::new("0").unwrap(), b"whatever").unwrap();
    let array = Array::open(store, &NodePath::root(), &Options::default()).unwrap();
    assert!(matches!(
        array.read_vec::<i32>(&Selection::all()),
        Err(Error::Codecs { .. })
    ));
    assert_eq!(
        array.read_encoded_chunk(&[0]).unwrap().as_deref(),
        Some(&b"whatever"[..])
    );
    assert_eq!(array.metadata().unknown.get("note"), Some(&json!("kept")));
}

#[test]
fn the_wrong_type_is_refused() {
    let array = create(builder(&[2], &[2], DataType::Int32));
    assert!(matches!(
        array.read_vec::<f32>(&Selection::all()),
        Err(Error::Type { .. })
    ));
    assert!(matches!(
        array.write_vec(&Selection::all(), &[1_u8, 2]),
        Err(Error::Type { .. })
    ));
    assert!(matches!(
        array.write_vec(&Selection::all(), &[1_i32, 2, 3]),
        Err(Error::Shape { .. })
    ));
}

#[test]
fn a_read_only_array_is_not_written() {
    let mut array =
        create(builder(&[2], &[2], DataType::Int32)).with_options(|options| options.read_only = true);
    assert!(matches!(
        array.write_vec(&Selection::all(), &[1_i32, 2]),
        Err(Error::ReadOnly { .. })
    ));
    assert!(matches!(array.resize(&[3]), Err(Error::ReadOnly { .. })));
}

#[test]
fn creating_makes_groups_above_and_nothing_over_a_node() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let options = Options {
        workers: Workers::ONE,
        ..Options::default()
    };
    let path = NodePath::new("a/b/c").unwrap();
    builder(&[1], &[1], DataType::Int8)
        .create(store.clone(), &path, &options)
        .unwrap();
    assert!(Group::open(store.clone(), &NodePath::new("a/b").unwrap(), &options).is_ok());
    let again = builder(&[1], &[1], DataType::Int8).create(store.clone(), &path, &options);
    assert!(matches!(again, Err(Error::Exists { .. })));
    let below = builder(&[1], &[1], DataType::Int8).create(store, &path.join("d").unwrap(), &options);
    assert!(matches!(
        below,
        Err(Error::Exists {
            found: "an array",
            ..
        })
    ));
}

#[test]
fn codecs_in_the_wrong_order_are_refused() {
    let codecs = vec![
        CodecConfig::of("bytes", json!({"endian": "little"})),
        CodecConfig::of("bytes", json!({})),
    ];
    let builder = ArrayBuilder::new(vec![2], DataType::Int32)
        .format(ZarrFormat::V3)
        .codecs(codecs);
    let made = builder.create(
        Arc::new(MemoryStore::new()),
        &NodePath::root(),
        &Options::default(),
    );
    assert!(matches!(made, Err(Error::Codecs { .. })));
}

/// The document and the errors are those of zarr-python 2 with numcodecs.
#[test]
fn codecs_of_numbers_are_compressors_of_little_endian_numbers_in_c_order() {
    let zfpy = || {
        vec![CodecConfig::of(
            "numcodecs.zfpy",
            json!({"mode": 4, "tolerance": 0.01}),
        )]
    };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let array = ArrayBuilder::new(vec![8, 4], DataType::Float32)
        .format(ZarrFormat::V2)
        .codecs(zfpy())
        .create(Arc::clone(&store), &NodePath::root(), &Options::default())
        .unwrap();
    let ramp: Vec<f32> = (0..32_u8).map(f32::from).collect();
    array.write_vec(&Selection::all(), &ramp).unwrap();
    let read = array.read_vec::<f32>(&Selection::all()).unwrap();
    assert!(
        read.iter()
            .zip(&ramp)
            .all(|(one, other)| (one - other).abs() <= 0.01)
    );

    let document = store
        .get(&StoreKey::new(".zarray").unwrap(), 4096)
        .unwrap()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    let compressor = json!({"id": "zfpy", "mode": 4, "tolerance": 0.01});
    assert_eq!(
        (&document["compressor"], &document["filters"]),
        (&compressor, &json!(null))
    );

    for (member, value) in [("order", "F"), ("dtype", ">f4")] {
        let mut document = document.clone();
        document[member] = value.into();
        let store = MemoryStore::new();
        let document = document.to_string();
        store
            .set(&StoreKey::new(".zarray").unwrap(), document.as_bytes())
            .unwrap();
        let array = Array::open(Arc::new(store), &NodePath::root(), &Options::default()).unwrap();
        let written = array.write_vec(&Selection::all(), &ramp);
        let is_refused = matches!(written, Err(Error::Chunk { .. } | Error::Codecs { .. }));
        assert!(is_refused, "{member}: {written:?}");
    }
}

/// The chunk is what numcodecs 0.15 makes of `np.array([1, 2], ">i4")`; it reads elements of the order that it names.
#[test]
fn values_of_big_endian_arrays_name_their_byte_order() {
    let store = Arc::new(MemoryStore::new());
    let document =
        br#"{"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": ">i4", "order": "C", "fill_value": 0,
        "filters": [{"id": "json2"}], "compressor": null}"#;
    store.set(&StoreKey::new(".zarray").unwrap(), document).unwrap();
    let array = Array::open(store, &NodePath::root(), &Options::default()).unwrap();
    array.write_vec(&Selection::all(), &[1_i32, 2]).unwrap();
    let chunk = array.read_encoded_chunk(&[0]).unwrap().unwrap();
    assert_eq!(&chunk[..], br#"[1,2,">i4",[2]]"#);
    assert_eq!(array.read_vec::<i32>(&Selection::all()).unwrap(), [1, 2]);
}

#[test]
fn elements_of_another_type_get_their_byte_order() {
    let astype = CodecConfig::of(
        "numcodecs.astype",
        json!({"encode_dtype": "<i2", "decode_dtype": "|i1"}),
    );
    let builder = builder(&[2], &[2], DataType::Int8).format(ZarrFormat::V3);
    let array = create(builder.codecs(vec![astype]));
    array.write_vec(&Selection::all(), &[1_i8, -1]).unwrap();
    let chunk = array.read_encoded_chunk(&[0]).unwrap().unwrap();
    assert_eq!(&chunk[..], [1, 0, 255, 255]);
}
