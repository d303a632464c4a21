//! Codecs, by their configurations.

use serde_json::{Value, json};
use zarr_convenience::{
    codec_parameters, codec_text,
    core::{
        ArrayData, Order,
        codecs::{
            ByteOrder, ChunkBuffer, ChunkSpec, Codec, CodecChain, CodecConfig, CodecError, CodecRegistry,
            DataType, FillValue, Limits, Scratch,
            array_to_bytes::{pcodec, zfpy},
        },
        metadata::{Codecs, V2Codecs},
    },
};

use super::{
    Operation, filters, objects,
    outcome::{Fault, Outcome, chain, phrase_codec},
    scalar::{from_hex, to_hex},
    session::{Session, text},
    values,
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("codec_encode", encode),
    ("codec_decode", decode),
    ("codec_config", config),
    ("codec_repr", repr),
];

/// Codecs that decode to an array of bytes, not to bytes.
const DECODE_TO_ARRAYS: [&str; 4] = ["shuffle", "crc32", "crc32c", "adler32"];

/// A configuration with the parameters that its codec would add.
pub(super) fn complete(config: &Value) -> Value {
    let mut complete = filters::complete(config);
    let parameters = config["id"].as_str().and_then(codec_parameters);
    for (name, default) in parameters.into_iter().flatten() {
        if let (None, Some(default)) = (complete.get(name), default) {
            complete[name] = default;
        }
    }
    if config["id"] == "zfpy" {
        complete_zfpy(&mut complete);
    }
    objects::complete(&mut complete);
    complete
}

/// What numcodecs derives of the mode and its setting.
fn complete_zfpy(config: &mut Value) {
    let setting = match config["mode"].as_f64() {
        Some(2.0) => "rate",
        Some(3.0) => "precision",
        Some(4.0) => "tolerance",
        _ => return,
    };
    config["compression_kwargs"] = json!({setting: config[setting]});
}

/// The configuration in the V3 form.
fn to_v3(config: &Value, given: &DataType) -> Result<CodecConfig, CodecError> {
    let registry = CodecRegistry::default();
    let id = config["id"].as_str().unwrap_or_default();
    let (entry, v2) = registry.find_v2(id)?;
    let mut members = config.as_object().cloned().unwrap_or_default();
    members.remove("id");
    Ok(CodecConfig::new(entry.name, (v2.from_v2)(&members, given)?))
}

#[expect(clippy::needless_pass_by_value, reason = "errors are mapped by value")]
fn phrased(error: CodecError) -> Fault {
    phrase_codec(&error, chain(&error))
}

fn encode(_: &mut Session, step: &Value) -> Outcome {
    let config = complete(&step["codec"]);
    let is_object = step["data"]["dtype"] == "O";
    let wanted = if is_object {
        Some(values::object_type(Some(&config)))
    } else {
        None
    };
    // Unknown codecs are reported as such, not as strange objects.
    to_v3(&config, &DataType::UInt8).map_err(phrased)?;
    let data = values::array(&step["data"], wanted.transpose()?.as_ref())?;
    let registry = CodecRegistry::default();
    to_v3(&config, &data.data_type)
        .and_then(|codec| registry.build(&codec))
        .map_err(phrased)?;
    let byte_order = match step["data"].get("dtype") {
        Some(dtype) => values::data_type(dtype)?.1,
        None => ByteOrder::Little,
    };
    let codecs = V2Codecs {
        filters: Some(vec![config]),
        compressor: None,
    };
    let is_transposed = step["codec"]["id"] == "zfpy" && step["data"]["order"] == "F";
    let order = if is_transposed { Order::F } else { Order::C };
    let order = (order, data.shape.len());
    let codecs = Codecs::from_v2(codecs, &data.data_type, byte_order, order, &registry);
    let spec = ChunkSpec {
        shape: data.shape.clone(),
        fill_value: FillValue::zero(&data.data_type),
        data_type: data.data_type.clone(),
    };
    let limits = Limits::DEFAULT;
    let chain = codecs.chain(&registry, &limits).map_err(phrased)?;
    let codec = chain.for_chunk(spec, &limits).map_err(phrased)?;
    let mut chunk = data.buffer;
    if codec.layout().swap_size > 1 {
        data.data_type.swap_bytes(&mut chunk.elements);
    }
    let mut scratch = Scratch::default();
    let encoded = codec.encode(chunk.as_ref(), &mut scratch).map_err(phrased)?;
    Ok(json!({"hex": to_hex(encoded)}))
}

fn decode(_: &mut Session, step: &Value) -> Outcome {
    const SIZE_MAX: usize = 1 << 24;
    let config = complete(&step["codec"]);
    let registry = CodecRegistry::default();
    let built = to_v3(&config, &DataType::UInt8).and_then(|config| registry.build(&config));
    let encoded = from_hex(text(step, "hex")?).ok_or_else(|| Fault::unsupported("digits"))?;
    match built.map_err(phrased)? {
        Codec::BytesToBytes(codec) => {
            let mut out = vec![0; SIZE_MAX];
            let size = codec.decode(&encoded, &mut out).map_err(phrased)?;
            out.truncate(size);
            if DECODE_TO_ARRAYS.iter().any(|id| config["id"] == *id) {
                return array_of_bytes(out);
            }
            Ok(json!({"hex": to_hex(&out)}))
        }
        Codec::ArrayToBytes(_) if config["id"] == "pcodec" => {
            decode_numbers(&config, &encoded).map_err(phrased)?
        }
        Codec::ArrayToBytes(_) if config["id"] == "zfpy" => {
            let (data_type, shape) = zfpy::contents(&encoded).map_err(phrased)?;
            decode_chunk(&config, &encoded, (data_type, ByteOrder::NATIVE), shape).map_err(phrased)?
        }
        Codec::ArrayToBytes(_) if objects::writes_values(&config) => {
            let (data_type, order, shape) = objects::contents(&config, &encoded)?;
            decode_chunk(&config, &encoded, (data_type, order), shape).map_err(phrased)?
        }
        Codec::ArrayToBytes(_) if config["id"] == "categorize" => {
            let (data_type, byte_order, count) = filters::labels(&config, &encoded);
            decode_chunk(&config, &encoded, (data_type, byte_order), vec![count]).map_err(phrased)?
        }
        Codec::ArrayToBytes(_) => decode_items(&config, &encoded).map_err(phrased)?,
        Codec::ArrayToArray(_) => {
            let codec = to_v3(&config, &DataType::UInt8);
            codec
                .and_then(|codec| filters::decode(&codec, &encoded))
                .map_err(phrased)?
        }
    }
}

fn array_of_bytes(bytes: Vec<u8>) -> Outcome {
    let data = ArrayData {
        shape: vec![bytes.len() as u64],
        data_type: DataType::UInt8,
        buffer: ChunkBuffer {
            elements: bytes,
            heap: Vec::new(),
        },
    };
    values::array_json(&data, ByteOrder::NATIVE)
}

/// Files of Pco say what they hold.
fn decode_numbers(config: &Value, encoded: &[u8]) -> Result<Outcome, CodecError> {
    let (data_type, count) = pcodec::contents(encoded)?;
    decode_chunk(config, encoded, (data_type, ByteOrder::NATIVE), vec![count])
}

/// Items of variable size say how many they are.
fn decode_items(config: &Value, encoded: &[u8]) -> Result<Outcome, CodecError> {
    let count = encoded
        .get(..4)
        .and_then(|count| count.try_into().ok())
        .map_or(0, u32::from_le_bytes);
    let data_type = match values::object_type(Some(config)) {
        Ok(data_type) => data_type,
        Err(fault) => return Ok(Err(fault)),
    };
    decode_chunk(
        config,
        encoded,
        (data_type, ByteOrder::NATIVE),
        vec![count.into()],
    )
}

/// Decodes a chunk.
fn decode_chunk(
    config: &Value,
    encoded: &[u8],
    (data_type, byte_order): (DataType, ByteOrder),
    shape: Vec<u64>,
) -> Result<Outcome, CodecError> {
    let spec = ChunkSpec {
        shape: shape.clone(),
        fill_value: FillValue::zero(&data_type),
        data_type: data_type.clone(),
    };
    let limits = Limits::DEFAULT;
    let registry = CodecRegistry::default();
    let chain = CodecChain::new(&[to_v3(config, &data_type)?], &registry, &limits)?;
    let codec = chain.for_chunk(spec, &limits)?;
    let mut scratch = Scratch::default();
    let chunk = codec.decode(encoded, &mut scratch)?;
    let data = ArrayData {
        shape,
        data_type,
        buffer: ChunkBuffer {
            elements: chunk.elements.to_vec(),
            heap: chunk.heap.to_vec(),
        },
    };
    Ok(values::array_json(&data, byte_order))
}

/// The configuration that a V2 document has: as it was given, once the codec was built of it.
fn config(_: &mut Session, step: &Value) -> Outcome {
    let config = complete(&step["codec"]);
    let built = to_v3(&config, &DataType::UInt8).and_then(|v3| CodecRegistry::default().build(&v3));
    built.map_err(phrased)?;
    Ok(config)
}

fn repr(session: &mut Session, step: &Value) -> Outcome {
    Ok(codec_text(&config(session, step)?).into())
}
