//! Codecs, by their configurations.

use serde_json::{Map, Value, json};
use zarr_convenience::core::{
    ArrayData,
    codecs::{
        ByteOrder, ChunkBuffer, ChunkSpec, Codec, CodecChain, CodecConfig, CodecError, CodecKind,
        CodecRegistry, DataType, FillValue, Limits, Scratch,
        array_to_bytes::{pcodec, zfpy},
    },
    metadata::json::python_float,
};

use super::{
    Operation, objects,
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

/// A codec of numcodecs: id, class, and parameters in the order of its text with their defaults.
///
/// Parameters behind `hidden` are part of the configuration and not of the text.
struct Known {
    id: &'static str,
    class: &'static str,
    parameters: &'static [(&'static str, &'static str)],
    hidden: &'static [(&'static str, &'static str)],
    /// Whether decoding gives an array of bytes, not bytes.
    decodes_to_array: bool,
}

const KNOWN: &[Known] = &[
    known(
        "blosc",
        "Blosc",
        &[
            ("cname", "\"lz4\""),
            ("clevel", "5"),
            ("shuffle", "1"),
            ("blocksize", "0"),
        ],
    ),
    known("zlib", "Zlib", &[("level", "1")]),
    known("gzip", "GZip", &[("level", "1")]),
    known("bz2", "BZ2", &[("level", "1")]),
    known("lz4", "LZ4", &[("acceleration", "1")]),
    Known {
        hidden: &[("checksum", "false")],
        ..known("zstd", "Zstd", &[("level", "0")])
    },
    filter("shuffle", "Shuffle", &[("elementsize", "4")]),
    filter("crc32", "CRC32", &[]),
    filter("crc32c", "CRC32C", &[]),
    filter("adler32", "Adler32", &[]),
    known("fletcher32", "Fletcher32", &[]),
    known(
        "lzma",
        "LZMA",
        &[
            ("format", "1"),
            ("check", "-1"),
            ("preset", "null"),
            ("filters", "null"),
        ],
    ),
    known(
        "pcodec",
        "PCodec",
        &[
            ("delta_encoding_order", "null"),
            ("delta_spec", "\"auto\""),
            ("equal_pages_up_to", "262144"),
            ("level", "8"),
            ("mode_spec", "\"auto\""),
            ("paging_spec", "\"equal_pages_up_to\""),
        ],
    ),
    known(
        "zfpy",
        "ZFPY",
        &[
            ("mode", "4"),
            ("tolerance", "-1"),
            ("rate", "-1"),
            ("precision", "-1"),
        ],
    ),
    known("vlen-utf8", "VLenUTF8", &[]),
    known("vlen-bytes", "VLenBytes", &[]),
    known("vlen-array", "VLenArray", &[("dtype", "null")]),
    known("base64", "Base64", &[]),
    known(
        "jenkins_lookup3",
        "JenkinsLookup3",
        &[("initval", "0"), ("prefix", "null")],
    ),
    known(
        "json2",
        "JSON",
        &[
            ("encoding", "\"utf-8\""),
            ("allow_nan", "true"),
            ("check_circular", "true"),
            ("ensure_ascii", "true"),
            ("indent", "null"),
            ("separators", "null"),
            ("skipkeys", "false"),
            ("sort_keys", "true"),
            ("strict", "true"),
        ],
    ),
    known(
        "msgpack2",
        "MsgPack",
        &[
            ("raw", "false"),
            ("use_bin_type", "true"),
            ("use_single_float", "false"),
        ],
    ),
];

const fn known(
    id: &'static str,
    class: &'static str,
    parameters: &'static [(&'static str, &'static str)],
) -> Known {
    Known {
        id,
        class,
        parameters,
        hidden: &[],
        decodes_to_array: false,
    }
}

const fn filter(
    id: &'static str,
    class: &'static str,
    parameters: &'static [(&'static str, &'static str)],
) -> Known {
    Known {
        decodes_to_array: true,
        ..known(id, class, parameters)
    }
}

fn find(config: &Value) -> Option<&'static Known> {
    let id = config["id"].as_str()?;
    KNOWN.iter().find(|known| known.id == id)
}

/// The parameters of a codec, in the order in which they are given.
pub(super) fn parameters(id: &str) -> Option<Vec<&'static str>> {
    let known = KNOWN.iter().find(|known| known.id == id)?;
    let all = known.parameters.iter().chain(known.hidden);
    Some(all.map(|(name, _)| *name).collect())
}

/// A configuration with the parameters that its codec would add.
pub(super) fn complete(config: &Value) -> Value {
    let mut complete = config.clone();
    let Some(known) = find(config) else {
        return complete;
    };
    for (name, default) in known.parameters.iter().chain(known.hidden) {
        if complete.get(name).is_none() {
            complete[name] = serde_json::from_str(default).unwrap_or_default();
        }
    }
    if known.id == "zfpy" {
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

fn phrased(config: &Value) -> impl Fn(CodecError) -> Fault + use<> {
    let is_missing = CodecRegistry::default()
        .find_v2(config["id"].as_str().unwrap_or_default())
        .is_err();
    let id = config["id"].clone();
    move |error| match &error {
        CodecError::Unknown { name } if is_missing && is_codec_of_numcodecs(name) => {
            Fault::unsupported(format!("codec {id}"))
        }
        error => phrase_codec(error, chain(error)),
    }
}

/// Codecs that exist and that the library lacks: their scenarios are not failures of Python's kind.
fn is_codec_of_numcodecs(id: &str) -> bool {
    const OTHERS: [&str; 7] = [
        "astype",
        "bitround",
        "categorize",
        "delta",
        "fixedscaleoffset",
        "packbits",
        "quantize",
    ];
    OTHERS.contains(&id)
}

fn encode(_: &mut Session, step: &Value) -> Outcome {
    let config = complete(&step["codec"]);
    let fail = phrased(&config);
    let is_object = step["data"]["dtype"] == "O";
    let wanted = if is_object {
        Some(values::object_type(Some(&config)))
    } else {
        None
    };
    // Unknown codecs are reported as such, not as strange objects.
    to_v3(&config, &DataType::UInt8).map_err(&fail)?;
    let data = values::array(&step["data"], wanted.transpose()?.as_ref())?;
    let codec = to_v3(&config, &data.data_type).map_err(&fail)?;
    let registry = CodecRegistry::default();
    let kind = registry
        .find(&codec.name)
        .map(|entry| entry.kind)
        .map_err(&fail)?;
    let mut configs = vec![codec];
    if kind == CodecKind::BytesToBytes {
        configs.insert(0, CodecConfig::of("bytes", json!({"endian": "little"})));
        if !data.data_type.has_byte_order() {
            configs[0] = CodecConfig::new("bytes", Map::new());
        }
    }
    if config["id"] == "zfpy" {
        let layout = layout_codecs(&step["data"], &data)?;
        configs.splice(..0, layout);
    }
    let spec = ChunkSpec {
        shape: data.shape.clone(),
        fill_value: FillValue::zero(&data.data_type),
        data_type: data.data_type.clone(),
    };
    let limits = Limits::DEFAULT;
    let chain = CodecChain::new(&configs, &registry, &limits).map_err(&fail)?;
    let codec = chain.for_chunk(spec, &limits).map_err(&fail)?;
    let mut scratch = Scratch::default();
    let encoded = codec.encode(data.buffer.as_ref(), &mut scratch).map_err(&fail)?;
    Ok(json!({"hex": to_hex(encoded)}))
}

/// The codecs that stand for the order of dimensions and bytes where a codec is given the array as it lies.
fn layout_codecs(given: &Value, data: &ArrayData) -> Outcome<Vec<CodecConfig>> {
    let mut codecs = Vec::new();
    if given["order"] == "F" && data.shape.len() > 1 {
        let order: Vec<_> = (0..data.shape.len()).rev().collect();
        codecs.push(CodecConfig::of("transpose", json!({"order": order})));
    }
    let is_big = match given.get("dtype") {
        Some(dtype) => values::data_type(dtype)?.1 == ByteOrder::Big,
        None => false,
    };
    if is_big && data.data_type.has_byte_order() {
        codecs.push(CodecConfig::of("bytes", json!({"endian": "big"})));
    }
    Ok(codecs)
}

fn decode(_: &mut Session, step: &Value) -> Outcome {
    const SIZE_MAX: usize = 1 << 24;
    let config = complete(&step["codec"]);
    let fail = phrased(&config);
    let registry = CodecRegistry::default();
    let built = to_v3(&config, &DataType::UInt8).and_then(|config| registry.build(&config));
    let encoded = from_hex(text(step, "hex")?).ok_or_else(|| Fault::unsupported("digits"))?;
    match built.map_err(&fail)? {
        Codec::BytesToBytes(codec) => {
            let mut out = vec![0; SIZE_MAX];
            let size = codec.decode(&encoded, &mut out).map_err(&fail)?;
            out.truncate(size);
            if find(&config).is_some_and(|known| known.decodes_to_array) {
                return array_of_bytes(out);
            }
            Ok(json!({"hex": to_hex(&out)}))
        }
        Codec::ArrayToBytes(_) if config["id"] == "pcodec" => {
            decode_numbers(&config, &encoded).map_err(&fail)?
        }
        Codec::ArrayToBytes(_) if config["id"] == "zfpy" => {
            let (data_type, shape) = zfpy::contents(&encoded).map_err(&fail)?;
            decode_chunk(&config, &encoded, (data_type, ByteOrder::NATIVE), shape).map_err(&fail)?
        }
        Codec::ArrayToBytes(_) if objects::writes_values(&config) => {
            let (data_type, order, shape) = objects::contents(&config, &encoded)?;
            decode_chunk(&config, &encoded, (data_type, order), shape).map_err(&fail)?
        }
        Codec::ArrayToBytes(_) => decode_items(&config, &encoded).map_err(&fail)?,
        Codec::ArrayToArray(_) => Err(Fault::unsupported("decoding arrays from arrays")),
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
    let fail = phrased(&config);
    let built = to_v3(&config, &DataType::UInt8).and_then(|v3| CodecRegistry::default().build(&v3));
    built.map_err(&fail)?;
    Ok(config)
}

fn repr(session: &mut Session, step: &Value) -> Outcome {
    let config = config(session, step)?;
    let known = find(&config).ok_or_else(|| Fault::unsupported("the text of a codec"))?;
    let mut parts = Vec::new();
    for (name, _) in known.parameters {
        parts.push(format!("{name}={}", python(name, &config[*name])));
    }
    // The place of a checksum is shown where it was given.
    if let Some(place) = config.get("location") {
        parts.push(format!("location={}", python("location", place)));
    }
    let text = format!("{}({})", known.class, parts.join(", "));
    Ok(if known.id == "json2" {
        objects::wrapped(&text)
    } else {
        text
    }
    .into())
}

fn python(name: &str, value: &Value) -> String {
    const SHUFFLES: [&str; 4] = ["AUTOSHUFFLE", "NOSHUFFLE", "SHUFFLE", "BITSHUFFLE"];
    if name == "shuffle"
        && let Some(text) = value
            .as_i64()
            .and_then(|number| SHUFFLES.get((number + 1) as usize))
    {
        return (*text).to_owned();
    }
    match value {
        Value::String(text) => format!("'{text}'"),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        Value::Array(items) if name == "separators" => {
            let items: Vec<_> = items.iter().map(|item| python("", item)).collect();
            format!("({})", items.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| python("", item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("'{name}': {}", python("", value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Number(number) if number.is_f64() => number.as_f64().map_or_else(String::new, python_float),
        other => other.to_string(),
    }
}
