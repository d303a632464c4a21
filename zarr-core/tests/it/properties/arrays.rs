//! Random arrays: types, layouts, fill values, and any codecs of the registry that lose nothing.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use zarr_core::{
    Array, ArrayBuilder, ChunkEdges, NodePath, Options, Order, Workers, ZarrFormat,
    codecs::{ByteOrder, CodecKind, CodecRegistry, DataType, Field, FillValue, StructType, TimeUnit},
    metadata::{ShardCodecs, V2Codecs, data_type_to_v2},
    store::MemoryStore,
};

use super::random::Random;

/// Codecs that do not give back what they were given, and one that is for reading.
const LOSSY: [&str; 6] = [
    "astype",
    "bitround",
    "categorize",
    "fixedscaleoffset",
    "n5_wrapper",
    "quantize",
];
/// Codecs of elements of variable size, which come with their types.
const OF_ITEMS: [&str; 5] = ["vlen-utf8", "vlen-bytes", "vlen-array", "json2", "msgpack2"];

pub(super) fn data_type(random: &mut Random, depth: u32) -> DataType {
    use DataType as T;
    let unit = |random: &mut Random| {
        TimeUnit::new(random.pick::<&str>(&TimeUnit::NAMES), random.within(1, 9) as u32).unwrap()
    };
    match random.below(if depth == 0 { 26 } else { 20 }) {
        0 => T::Bool,
        1 => T::Int8,
        2 => T::Int16,
        3 => T::Int32,
        4 => T::Int64,
        5 => T::UInt8,
        6 => T::UInt16,
        7 => T::UInt32,
        8 => T::UInt64,
        9 => T::Float16,
        10 => T::Float32,
        11 => T::Float64,
        12 => T::Complex64,
        13 => T::Complex128,
        14 => T::Raw(random.within(1, 9) as u32),
        15 | 16 => T::FixedBytes(random.within(1, 9) as u32),
        17 => T::FixedUtf32(random.within(1, 4) as u32),
        18 => T::DateTime64(unit(random)),
        19 => T::TimeDelta64(unit(random)),
        20 => T::String,
        21 => T::Bytes,
        22 => T::VlenArray(Box::new(random.pick(&[T::Int16, T::Float64, T::UInt8]).clone())),
        _ => record(random, depth),
    }
}

fn record(random: &mut Random, depth: u32) -> DataType {
    let n_fields = random.within(1, 4);
    let field = |index: u64| {
        let data_type = if depth < 2 && random.one_in(6) {
            record(random, depth + 1)
        } else {
            data_type(random, depth + 1)
        };
        let shape = match random.below(4) {
            0 => vec![random.within(1, 3) as u32],
            1 if random.one_in(3) => vec![2, random.within(1, 2) as u32],
            _ => Vec::new(),
        };
        let mut field = Field::new(format!("f{index}"), data_type, shape);
        field.is_reversed = field.data_type.has_byte_order() && random.one_in(4);
        field
    };
    DataType::Struct(StructType {
        fields: (0..n_fields).map(field).collect(),
    })
}

/// The bytes of an element, or of an item of variable size.
pub(super) fn value(random: &mut Random, data_type: &DataType) -> Vec<u8> {
    const TEXTS: [&str; 6] = [
        "",
        "a",
        "Zarr",
        "Ωmega",
        "line\nbreak",
        "a text that is a little longer",
    ];
    let length = random.below(5);
    match data_type {
        DataType::Bool => vec![random.below(2) as u8],
        DataType::String => random.pick(&TEXTS).as_bytes().to_vec(),
        DataType::Bytes => random.many(length, |random| random.bits() as u8),
        DataType::VlenArray(inner) => random.many(length, |random| value(random, inner)).concat(),
        DataType::FixedUtf32(length) => {
            let codes = random.many(u64::from(*length), |random| {
                *random.pick(&[0, 0x41, 0xE9, 0x2126, 0x1_F600_u32])
            });
            codes.iter().flat_map(|code| code.to_ne_bytes()).collect()
        }
        DataType::Struct(record) => {
            let fields = record.fields.iter();
            let field = |field: &Field| {
                random
                    .many(field.n_elements().unwrap() as u64, |random| {
                        value(random, &field.data_type)
                    })
                    .concat()
            };
            fields.map(field).collect::<Vec<_>>().concat()
        }
        // Small numbers now and then, which compressors like.
        other => match (random.one_in(2), other.size().unwrap()) {
            (true, size) => random.many(size as u64, |random| random.bits() as u8),
            (false, size) => [vec![random.below(4) as u8], vec![0; size - 1]].concat(),
        },
    }
}

/// A filter or compressor in the V2 form, with what it needs to know of the type.
fn configured(
    random: &mut Random,
    id: &str,
    data_type: &DataType,
    byte_order: ByteOrder,
    is_first: bool,
) -> Value {
    let dtype = data_type_to_v2(data_type, byte_order);
    // What another codec made is any number of bytes.
    let element_size = data_type
        .size()
        .filter(|_| is_first && !data_type.is_variable())
        .unwrap_or(1);
    match id {
        "delta" => json!({"id": id, "dtype": dtype}),
        "shuffle" => json!({"id": id, "elementsize": element_size}),
        // The mode that gives back every bit.
        "zfpy" => {
            json!({"id": id, "mode": 5, "tolerance": -1, "rate": -1, "precision": -1, "compression_kwargs": {}})
        }
        "blosc" => {
            let name = random.pick(&["lz4", "lz4hc", "blosclz", "zlib", "zstd"]);
            json!({"id": id, "cname": name, "clevel": random.below(10), "shuffle": random.below(3), "blocksize": 0})
        }
        _ => json!({"id": id}),
    }
}

/// What arrays of chunks of different lengths are counted as, without shards and with them.
pub(super) const UNEVEN: [&str; 2] = ["uneven chunks", "uneven shards"];

/// Codecs by their V2 names, and how many arrays were made with each.
pub(super) type Uses = BTreeMap<String, usize>;

/// The codecs that may be in a chain.
pub(super) fn lossless(registry: &CodecRegistry) -> Vec<(&'static str, CodecKind)> {
    let entries = registry.entries().iter();
    let v2 = entries.filter_map(|entry| Some((entry.v2?.id, entry.kind)));
    v2.filter(|(id, _)| !LOSSY.contains(id) && !OF_ITEMS.contains(id))
        .collect()
}

fn chain(
    random: &mut Random,
    data_type: &DataType,
    byte_order: ByteOrder,
    registry: &CodecRegistry,
) -> V2Codecs {
    let codecs = lossless(registry);
    let of = |kinds: &[CodecKind]| -> Vec<&str> {
        codecs
            .iter()
            .filter(|(_, kind)| kinds.contains(kind))
            .map(|(id, _)| *id)
            .collect()
    };
    let mut arrays = of(&[CodecKind::ArrayToArray]);
    // Of others they lose something: bytes that are neither 0 nor 1, floats, durations that are not a time.
    arrays.retain(|id| match *id {
        "packbits" => *data_type == DataType::Bool,
        "delta" => {
            let name = data_type.to_string();
            ["int", "uint", "datetime"]
                .iter()
                .any(|exact| name.starts_with(exact))
        }
        _ => true,
    });
    let elements = of(&[CodecKind::ArrayToBytes]);
    let bytes = of(&[CodecKind::BytesToBytes]);
    let mut filters = Vec::new();
    for kind in [&arrays, &elements, &bytes, &bytes] {
        if !kind.is_empty() && random.one_in(3) {
            let id = *random.pick(kind);
            let is_first = filters.is_empty();
            filters.push(configured(random, id, data_type, byte_order, is_first));
        }
    }
    let compressor = (!bytes.is_empty() && !random.one_in(4)).then(|| {
        let id = *random.pick(&bytes);
        configured(random, id, data_type, byte_order, filters.is_empty())
    });
    V2Codecs {
        filters: (!filters.is_empty()).then_some(filters),
        compressor,
    }
}

/// An array, what elements of it are that were never written, and what it is, in words.
pub(super) struct Made {
    pub(super) array: Array,
    pub(super) fill: Vec<u8>,
    pub(super) about: String,
}

pub(super) fn make(random: &mut Random, uses: &mut Uses) -> Made {
    let data_type = data_type(random, 0);
    let ndim = random.below(5);
    let length_max = [9, 9, 7, 4, 3][ndim as usize];
    let shape = random.many(ndim, |random| {
        if random.one_in(12) {
            0
        } else {
            random.within(1, length_max)
        }
    });
    let chunk_shape = random.many(ndim, |random| random.within(1, length_max + 2));
    let byte_order = *random.pick(&[ByteOrder::Little, ByteOrder::Big]);
    let options = Options {
        workers: Workers::new(random.within(1, 3) as usize),
        write_empty_chunks: random.one_in(2),
        ..Options::default()
    };
    let codecs = chain(random, &data_type, byte_order, &options.registry);
    let fill = match random.below(3) {
        0 => None,
        1 => Some(FillValue::zero(&data_type)),
        _ => Some(FillValue::new(value(random, &data_type))),
    };
    let format = *random.pick(&[ZarrFormat::V2, ZarrFormat::V3]);
    let order = *random.pick(&[Order::C, Order::F]);
    // As numcodecs does, it refuses the other order when it encodes.
    let is_c_only = codecs
        .filters
        .iter()
        .flatten()
        .chain(&codecs.compressor)
        .any(|codec| codec["id"] == "zfpy");
    let builder = ArrayBuilder::new(shape, data_type.clone())
        .chunk_shape(chunk_shape)
        .order(if is_c_only { Order::C } else { order })
        .byte_order(byte_order)
        .separator(*random.pick(&['.', '/']))
        .fill_value(fill.clone());
    let none = V2Codecs {
        filters: None,
        compressor: None,
    };
    let mut refused = String::new();
    // Not every chain takes every type, and V3 has no form for some of them: then less is asked for.
    for (format, codecs) in [
        (format, &codecs),
        (ZarrFormat::V2, &codecs),
        (format, &none),
        (ZarrFormat::V2, &none),
    ] {
        let path = NodePath::new("a/b").unwrap();
        let mut built = builder.clone().v2_codecs(codecs.clone()).format(format);
        if format == ZarrFormat::V3 {
            built = in_shards(random, built, &path, &options);
            if random.one_in(3) {
                built = uneven(random, built, &path, &options);
            }
        }
        let array = match built.create(Arc::new(MemoryStore::new()), &path, &options) {
            Ok(array) => array,
            Err(error) => {
                refused = format!("{error}: {:?}", std::error::Error::source(&error));
                continue;
            }
        };
        for codec in codecs.filters.iter().flatten().chain(&codecs.compressor) {
            *uses.entry(codec["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        if array.metadata().chunk_grid.rectilinear().is_some() {
            let what = array.inner_chunk_shape().map_or(UNEVEN[0], |_| UNEVEN[1]);
            *uses.entry(what.to_owned()).or_default() += 1;
        }
        let about = format!("{:?}\n{:?}", array.metadata(), array.options().write_empty_chunks);
        let fill = fill
            .unwrap_or_else(|| FillValue::zero(&data_type))
            .as_bytes()
            .to_vec();
        return Made { array, fill, about };
    }
    unreachable!("an array of {data_type} filled with {fill:?} is refused without codecs: {refused}")
}

/// Makes chunks of different lengths, or shards, which may reach far beyond the array; what cannot be stays as it is.
fn uneven(random: &mut Random, builder: ArrayBuilder, path: &NodePath, options: &Options) -> ArrayBuilder {
    let Ok(array) = builder
        .clone()
        .create(Arc::new(MemoryStore::new()), path, options)
    else {
        return builder;
    };
    let units = array.inner_chunk_shape().unwrap_or_else(|| vec![1; array.ndim()]);
    let edges = array.shape().iter().zip(units).map(|(length, unit)| {
        if random.one_in(4) {
            return ChunkEdges::each(unit * random.within(1, 3)).unwrap();
        }
        let mut edges = Vec::new();
        while edges.is_empty() || edges.iter().sum::<u64>() < *length || random.one_in(5) {
            edges.push(unit * random.within(1, 4));
        }
        ChunkEdges::list(&edges).unwrap()
    });
    builder.chunk_edges(edges.collect())
}

/// Puts the chunks of an array in shards, or shards of shards, now and then; what cannot be in shards stays as it is.
fn in_shards(random: &mut Random, builder: ArrayBuilder, path: &NodePath, options: &Options) -> ArrayBuilder {
    let mut sharded = builder;
    for _ in 0..random.below(3) {
        let Ok(array) = sharded
            .clone()
            .create(Arc::new(MemoryStore::new()), path, options)
        else {
            return sharded;
        };
        let metadata = array.metadata();
        let mut index_codecs =
            vec![json!({"name": "bytes", "configuration": {"endian": random.pick(&["little", "big"])}})];
        if random.one_in(2) {
            index_codecs.push(json!({"name": "crc32c"}));
        }
        let shards = ShardCodecs {
            index_codecs: index_codecs.into(),
            index_location: (*random.pick(&["start", "end"])).to_owned(),
            ..ShardCodecs::new(array.chunk_shape().to_vec(), metadata.codecs.list().to_vec())
        };
        let shape = array
            .chunk_shape()
            .iter()
            .map(|length| length * random.within(1, 3));
        sharded = sharded
            .chunk_shape(shape.collect())
            .order(Order::C)
            .codecs(vec![shards.to_codec()]);
    }
    sharded
}
