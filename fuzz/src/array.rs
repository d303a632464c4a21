//! An array's document and one chunk: read whole and in part, and copied.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::{
    CopyOptions, ZarrSource, copy,
    core::{
        Array, ArrayBuilder, ArrayData, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat,
        codecs::{CodecConfig, DataType, Limits},
        metadata::V2Codecs,
        store::{MemoryStore, Store, StoreExt, StoreKey},
    },
};

use crate::Target;

pub(crate) const V2: Target = Target {
    name: "v2_array",
    run: |data| run("a/.zarray", data),
    seeds: v2_seeds,
};

pub(crate) const V3: Target = Target {
    name: "v3_array",
    run: |data| run("a/zarr.json", data),
    seeds: v3_seeds,
};

/// What lies between the document and the chunk; no text of UTF-8 has it.
const BETWEEN: u8 = 0xFF;

/// Elements up to which parts are compared with the whole.
const COMPARED_MAX: u64 = 4096;

/// Options that let data ask for little, on one thread.
pub(crate) fn options() -> Options {
    Options {
        limits: Limits {
            chunk_size_max: 4 << 20,
            shard_size_max: 16 << 20,
            ..Limits::DEFAULT
        },
        document_size_max: 1 << 20,
        read_size_max: 8 << 20,
        workers: Workers::new(1),
        ..Options::default()
    }
}

fn run(document_key: &str, data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == BETWEEN);
    let document = parts.next().unwrap_or_default();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let key = StoreKey::new(document_key).expect("the key of a document");
    store.set(&key, document).expect("memory takes values");
    let path = NodePath::new("a").expect("a plain name");
    let Ok(array) = Array::open(Arc::clone(&store), &path, &options()) else {
        return;
    };
    if let Some(chunk) = parts.next()
        && let Ok(key) = array.chunk_key(&vec![0; array.ndim()])
    {
        store.set(&key, chunk).expect("memory takes values");
    }
    let Ok(whole) = array.read_data(&Selection::all()) else {
        let _ = array.read_data(&middle(&array).0);
        return;
    };
    if whole.n_elements() <= COMPARED_MAX {
        check_part(&array, &whole);
        check_copy(&array, &whole);
    }
}

/// A box in the array, with where it begins and how large it is.
fn middle(array: &Array) -> (Selection, Vec<u64>, Vec<u64>) {
    let shape = array.shape();
    let starts: Vec<_> = shape.iter().map(|length| length / 3).collect();
    let counts: Vec<_> = shape
        .iter()
        .map(|length| length - length / 3 - length / 4)
        .collect();
    (Selection::region(&starts, &counts), starts, counts)
}

/// A part is what the whole has there.
fn check_part(array: &Array, whole: &ArrayData) {
    let (selection, starts, counts) = middle(array);
    let part = array
        .read_data(&selection)
        .expect("what can be read whole can be read in part");
    assert_eq!(part.shape, counts, "the part has the shape that was asked for");
    let parts = elements(&part);
    let wholes = elements(whole);
    let mut position = vec![0; counts.len()];
    for element in parts {
        let index = (0..counts.len()).fold(0, |index, axis| {
            index * whole.shape[axis] + starts[axis] + position[axis]
        });
        assert!(
            element == wholes[index as usize],
            "the part differs from the whole at {position:?}"
        );
        for axis in (0..counts.len()).rev() {
            position[axis] += 1;
            if position[axis] < counts[axis] {
                break;
            }
            position[axis] = 0;
        }
    }
}

/// The bytes of each element.
fn elements(data: &ArrayData) -> Vec<&[u8]> {
    if data.data_type.is_variable() {
        return data.buffer.as_ref().items().collect();
    }
    match data.data_type.size() {
        Some(size) if size > 0 => data.buffer.elements.chunks_exact(size).collect(),
        _ => vec![&[]; data.n_elements() as usize],
    }
}

/// A copy has the values of what was copied, or is refused.
fn check_copy(array: &Array, whole: &ArrayData) {
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let (root, store) = (NodePath::root(), Arc::new(MemoryStore::new()));
        let dest = Group::create(store, &root, format, &options()).expect("memory takes a group");
        let source = ZarrSource::new(Node::Array(array.clone()));
        let report = copy(&source, &source.root(), &dest, CopyOptions::default());
        if !report.is_ok_and(|report| report.lost.is_empty()) {
            continue;
        }
        let copy = Array::open(Arc::clone(dest.store()), array.path(), &options());
        let copy = copy.expect("a copy can be opened");
        let values = copy.read_data(&Selection::all()).expect("a copy can be read");
        assert!(values.shape == whole.shape, "a copy has another shape");
        if values.data_type == whole.data_type {
            assert!(
                elements(&values) == elements(whole),
                "a copy to {format:?} has other values"
            );
        }
    }
}

/// An array with its first chunk, as targets take it.
fn seed(builder: ArrayBuilder, document: &str) -> Vec<u8> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let array = builder
        .create(Arc::clone(&store), &NodePath::root(), &options())
        .expect("the array makes sense");
    let data = sample(&array);
    array
        .write_data(&Selection::all(), &data)
        .expect("the values fit");
    let get = |key: &StoreKey| {
        store
            .get(key, u64::MAX)
            .expect("memory gives values")
            .unwrap_or_default()
    };
    let document = get(&StoreKey::new(document).expect("the key of a document"));
    let chunk = get(&array.chunk_key(&vec![0; array.ndim()]).expect("the first chunk"));
    [&document[..], &[BETWEEN], &chunk].concat()
}

fn sample(array: &Array) -> ArrayData {
    let shape = array.shape().to_vec();
    let n_elements: u64 = shape.iter().product();
    let made = match array.data_type() {
        DataType::String => {
            let texts: Vec<_> = (0..n_elements)
                .map(|index| "é".repeat(index as usize % 5))
                .collect();
            ArrayData::new(shape, &texts)
        }
        DataType::Float32 => {
            let values: Vec<_> = (0..n_elements).map(|index| index as f32 / 4.0).collect();
            ArrayData::new(shape, &values)
        }
        data_type => {
            let values: Vec<_> = (0..n_elements).map(|index| index as i16).collect();
            ArrayData::of_type(shape, data_type.clone(), &values)
        }
    };
    made.expect("as many values as the shape says")
}

fn builder(data_type: DataType) -> ArrayBuilder {
    ArrayBuilder::new(vec![6, 10], data_type).chunk_shape(vec![4, 8])
}

fn v2_seeds() -> Vec<Vec<u8>> {
    let v2 = |data_type, filters: &[Value], compressor: Value| {
        let codecs = V2Codecs {
            filters: (!filters.is_empty()).then(|| filters.to_vec()),
            compressor: (!compressor.is_null()).then_some(compressor),
        };
        seed(builder(data_type).v2_codecs(codecs), ".zarray")
    };
    let blosc = json!({"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0});
    vec![
        v2(DataType::Int16, &[], Value::Null),
        v2(DataType::Int16, &[json!({"id": "delta", "dtype": "<i2"})], blosc),
        v2(
            DataType::Int16,
            &[json!({"id": "shuffle", "elementsize": 2})],
            json!({"id": "zlib", "level": 1}),
        ),
        v2(
            DataType::Float32,
            &[json!({"id": "quantize", "digits": 1, "dtype": "<f4"})],
            json!({"id": "zstd", "level": 0}),
        ),
        v2(
            DataType::Float32,
            &[json!({"id": "fixedscaleoffset", "scale": 4, "offset": 0, "dtype": "<f4", "astype": "<i2"})],
            json!({"id": "lz4", "acceleration": 1}),
        ),
        v2(
            DataType::String,
            &[json!({"id": "vlen-utf8"})],
            json!({"id": "bz2", "level": 1}),
        ),
        v2(
            DataType::String,
            &[json!({"id": "vlen-utf8"})],
            json!({"id": "lzma", "format": 1}),
        ),
        objects("json2", br#"["a", {"b": 1.5}, null, [true], "|O", [4]]"#),
        objects("msgpack2", b"\x96\xa1a\x81\xa1b\x01\xc0\x91\xc3\xa2|O\x91\x04"),
    ]
}

/// A V2 array of four objects that a codec holds in one document.
fn objects(id: &str, chunk: &[u8]) -> Vec<u8> {
    let document = json!({
        "zarr_format": 2, "shape": [4], "chunks": [4], "dtype": "|O", "order": "C", "fill_value": null,
        "filters": [{"id": id}], "compressor": null,
    });
    [document.to_string().as_bytes(), &[BETWEEN], chunk].concat()
}

fn v3_seeds() -> Vec<Vec<u8>> {
    let v3 = |builder: ArrayBuilder| seed(builder.format(ZarrFormat::V3), "zarr.json");
    let codec = CodecConfig::of;
    let plain = |data_type, codecs: Vec<CodecConfig>| v3(builder(data_type).codecs(codecs));
    let bytes = || codec("bytes", json!({"endian": "big"}));
    let shards = |data_type| builder(data_type).chunk_shape(vec![2, 4]).shard_shape(vec![4, 8]);
    vec![
        plain(DataType::Int16, vec![bytes()]),
        plain(
            DataType::Int16,
            vec![
                codec("transpose", json!({"order": [1, 0]})),
                bytes(),
                codec("crc32c", json!({})),
            ],
        ),
        plain(
            DataType::Float32,
            vec![bytes(), codec("gzip", json!({"level": 1}))],
        ),
        plain(
            DataType::String,
            vec![
                codec("vlen-utf8", json!({})),
                codec("zstd", json!({"level": 0, "checksum": true})),
            ],
        ),
        v3(shards(DataType::Int16)),
        v3(shards(DataType::String)),
    ]
}
