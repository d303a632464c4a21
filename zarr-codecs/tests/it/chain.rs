//! Chains of codecs.

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};
use zarr_codecs::{
    ChunkBuffer, ChunkCodec, ChunkRef, ChunkSpec, CodecChain, CodecConfig, CodecRegistry, DataType, Limits,
    Scratch, testing,
};

fn for_chunk(codecs: &[CodecConfig], spec: ChunkSpec) -> ChunkCodec {
    let limits = Limits::default();
    let chain = CodecChain::new(codecs, &CodecRegistry::default(), &limits).unwrap();
    chain.for_chunk(spec, &limits).unwrap()
}

fn bytes_to_bytes() -> impl Strategy<Value = CodecConfig> {
    let codecs: Vec<(&str, Value)> = vec![
        (
            "blosc",
            json!({"cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 4}),
        ),
        (
            "blosc",
            json!({"cname": "zstd", "clevel": 1, "shuffle": "bitshuffle", "typesize": 3}),
        ),
        ("bz2", json!({"level": 1})),
        ("gzip", json!({"level": 1})),
        ("lz4", json!({})),
        ("zlib", json!({"level": 9})),
        ("zstd", json!({"level": 1, "checksum": true})),
        ("crc32c", json!({})),
        ("adler32", json!({})),
        ("fletcher32", json!({})),
        ("shuffle", json!({"elementsize": 1})),
    ];
    select(codecs).prop_map(|(name, configuration)| CodecConfig::of(name, configuration))
}

fn transpose(ndim: usize) -> impl Strategy<Value = CodecConfig> {
    Just((0..ndim).collect::<Vec<usize>>())
        .prop_shuffle()
        .prop_map(|order| CodecConfig::of("transpose", json!({ "order": order })))
}

/// A spec and codecs that take such chunks.
fn chains() -> impl Strategy<Value = (ChunkSpec, Vec<CodecConfig>)> {
    let data_types = vec![
        DataType::Bool,
        DataType::Int16,
        DataType::Float32,
        DataType::Complex64,
        DataType::Complex128,
        DataType::Raw(3),
        DataType::FixedUtf32(2),
        DataType::String,
    ];
    let shapes = prop::collection::vec(0..6_u64, 0..4);
    (shapes, select(data_types)).prop_flat_map(|(shape, data_type)| {
        let endian = if data_type.is_variable() {
            Just(CodecConfig::of("vlen-utf8", json!({}))).boxed()
        } else {
            select(vec!["big", "little"])
                .prop_map(|endian| CodecConfig::of("bytes", json!({ "endian": endian })))
                .boxed()
        };
        let transposes = prop::collection::vec(transpose(shape.len()), 0..3);
        let compressors = prop::collection::vec(bytes_to_bytes(), 0..4);
        let spec = testing::spec(&shape, data_type);
        (Just(spec), transposes, endian, compressors).prop_map(|(spec, mut codecs, bytes, compressors)| {
            codecs.push(bytes);
            codecs.extend(compressors);
            (spec, codecs)
        })
    })
}

fn chunk(spec: &ChunkSpec) -> ChunkBuffer {
    let mut chunk = ChunkBuffer::default();
    if spec.data_type.is_variable() {
        for index in 0..spec.n_elements().unwrap() {
            chunk.push_item("Ω".repeat(index as usize % 5).as_bytes());
        }
    } else {
        chunk.elements = testing::noise(spec.size().unwrap());
    }
    chunk
}

proptest! {
    #[test]
    fn chunks_come_back((spec, codecs) in chains()) {
        let codec = for_chunk(&codecs, spec.clone());
        let (chunk, mut scratch) = (chunk(&spec), Scratch::default());
        let encoded = codec.encode(chunk.as_ref(), &mut scratch).unwrap().to_vec();
        prop_assert!(encoded.len() as u64 <= codec.encoded_size_max());
        let decoded = codec.decode(&encoded, &mut scratch).unwrap();
        if spec.data_type.is_variable() {
            prop_assert!(decoded.items().eq(chunk.as_ref().items()));
        } else {
            prop_assert_eq!(decoded.elements, &chunk.elements);
            let mut out = vec![0; chunk.elements.len()];
            codec.decode_into(&encoded, &mut out, &mut scratch).unwrap();
            prop_assert_eq!(&out, &chunk.elements);
        }
        let cut = &encoded[..encoded.len().saturating_sub(1)];
        let is_whole = cut.len() == encoded.len();
        prop_assert!(is_whole || codec.decode(cut, &mut scratch).is_err());
    }

    /// What a chain leaves to the caller's copy is what its codecs would have done.
    #[test]
    fn the_layout_stands_for_transposes_and_byte_order(
        shape in prop::collection::vec(1..5_u64, 3),
        orders in prop::collection::vec(Just(vec![0_usize, 1, 2]).prop_shuffle(), 1..4),
        data_type in select(vec![DataType::Int32, DataType::Complex64, DataType::UInt8]),
    ) {
        let spec = testing::spec(&shape, data_type.clone());
        let mut codecs: Vec<CodecConfig> =
            orders.iter().map(|order| CodecConfig::of("transpose", json!({"order": order}))).collect();
        codecs.push(CodecConfig::of("bytes", json!({"endian": "big"})));
        let plain = testing::noise(spec.size().unwrap());

        // Each codec on its own.
        let registry = CodecRegistry::default();
        let (mut encoded, mut encoded_spec) = (plain.clone(), spec.clone());
        for config in &codecs {
            let mut out = Vec::new();
            match registry.build(config).unwrap() {
                zarr_codecs::Codec::ArrayToArray(codec) => {
                    codec.encode(&encoded, &encoded_spec, &mut out).unwrap();
                    encoded_spec = codec.encoded_spec(&encoded_spec).unwrap();
                }
                zarr_codecs::Codec::ArrayToBytes(codec) => {
                    let chunk = ChunkRef { elements: &encoded, heap: &[] };
                    codec.encode(chunk, &encoded_spec, &mut out).unwrap();
                }
                zarr_codecs::Codec::BytesToBytes(_) => unreachable!("there is none"),
            }
            encoded = out;
        }

        let codec = for_chunk(&codecs, spec.clone());
        let laid_out = lay_out(&plain, &spec, &codec);
        let mut scratch = Scratch::default();
        let chunk = ChunkRef { elements: &laid_out, heap: &[] };
        prop_assert_eq!(codec.encode(chunk, &mut scratch).unwrap(), encoded);
        prop_assert!(codec.is_uncompressed());
    }
}

/// Copies a chunk in C order and native byte order into the layout of a codec.
fn lay_out(plain: &[u8], spec: &ChunkSpec, codec: &ChunkCodec) -> Vec<u8> {
    let size = spec.data_type.size().unwrap();
    let layout = codec.layout();
    let shape: Vec<usize> = layout
        .order
        .iter()
        .map(|&axis| spec.shape[axis] as usize)
        .collect();
    let mut out = Vec::new();
    for index in 0..plain.len() / size {
        let (mut rest, mut coords) = (index, vec![0; shape.len()]);
        for (position, &axis) in layout.order.iter().enumerate().rev() {
            coords[axis] = rest % shape[position];
            rest /= shape[position];
        }
        let source = coords
            .iter()
            .zip(&spec.shape)
            .fold(0, |at, (coord, length)| at * *length as usize + coord);
        let mut element = plain[source * size..][..size].to_vec();
        element.chunks_mut(layout.swap_size).for_each(<[u8]>::reverse);
        out.extend(element);
    }
    out
}

#[test]
fn codecs_out_of_their_order_are_errors() {
    let chain = |names: &[&str]| {
        let codecs: Vec<_> = names
            .iter()
            .map(|name| match *name {
                "transpose" => CodecConfig::of("transpose", json!({"order": [0]})),
                name => CodecConfig::of(name, json!({})),
            })
            .collect();
        CodecChain::new(&codecs, &CodecRegistry::default(), &Limits::default())
    };
    assert!(chain(&["transpose", "bytes", "crc32c"]).is_ok());
    for wrong in [
        &[][..],
        &["transpose"],
        &["crc32c", "bytes"],
        &["bytes", "transpose"],
        &["bytes", "bytes"],
    ] {
        assert!(chain(wrong).is_err(), "{wrong:?}");
    }
    assert!(chain(&["bytes"; 33]).is_err());
    let many: Vec<&str> = std::iter::once("bytes").chain(["crc32c"; 32]).collect();
    assert!(chain(&many).is_err());
}
