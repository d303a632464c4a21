//! Codecs as numcodecs prints them (`v2-semantics` 13.12).

use serde_json::Value;
use zarr_core::metadata::json::python_float;

use crate::{text_repr, text_wrap::wrap};

/// The classes of numcodecs by their ids, and their parameters in the order in which they are printed.
///
/// A parameter behind a question mark is printed where it is given, one behind a tilde where it differs from
/// the `dtype`, one behind an exclamation mark never. What follows an equals sign is the JSON of its default; it must
/// have no blank.
const CLASSES: [(&str, &str, &str); 30] = [
    ("blosc", "Blosc", r#"cname="lz4" clevel=5 shuffle=1 blocksize=0"#),
    ("zlib", "Zlib", "level=1"),
    ("gzip", "GZip", "level=1"),
    ("bz2", "BZ2", "level=1"),
    ("lzma", "LZMA", "format=1 check=-1 preset=null filters=null"),
    ("lz4", "LZ4", "acceleration=1"),
    ("zstd", "Zstd", "level=0 !checksum=false"),
    ("delta", "Delta", "dtype ~astype"),
    (
        "fixedscaleoffset",
        "FixedScaleOffset",
        "scale offset dtype ~astype",
    ),
    ("quantize", "Quantize", "digits dtype ~astype"),
    ("bitround", "BitRound", "keepbits"),
    ("astype", "AsType", "encode_dtype decode_dtype"),
    ("packbits", "PackBits", ""),
    ("categorize", "Categorize", "dtype astype labels"),
    ("shuffle", "Shuffle", "elementsize=4"),
    ("fletcher32", "Fletcher32", ""),
    ("crc32", "CRC32", "?location"),
    ("crc32c", "CRC32C", "?location"),
    ("adler32", "Adler32", "?location"),
    ("jenkins_lookup3", "JenkinsLookup3", "initval=0 prefix=null"),
    ("vlen-utf8", "VLenUTF8", ""),
    ("vlen-bytes", "VLenBytes", ""),
    ("vlen-array", "VLenArray", "dtype=null"),
    (
        "json2",
        "JSON",
        r#"encoding="utf-8" allow_nan=true check_circular=true ensure_ascii=true indent=null separators=null skipkeys=false sort_keys=true strict=true"#,
    ),
    (
        "msgpack2",
        "MsgPack",
        "raw=false use_bin_type=true use_single_float=false",
    ),
    ("base64", "Base64", ""),
    (
        "pcodec",
        "PCodec",
        r#"delta_encoding_order=null delta_spec="auto" equal_pages_up_to=262144 level=8 mode_spec="auto" paging_spec="equal_pages_up_to""#,
    ),
    ("zfpy", "ZFPY", "mode=4 tolerance=-1 rate=-1 precision=-1"),
    ("pickle", "Pickle", "protocol=5"),
    ("n5_wrapper", "N5ChunkWrapper", "chunk_shape dtype"),
];

/// The most labels of `categorize` that are printed.
const LABELS_MAX: usize = 3;

/// A parameter of [`CLASSES`].
struct Parameter {
    mark: Option<char>,
    name: &'static str,
    default: Option<Value>,
}

/// The parameters of a text of [`CLASSES`], in its order.
fn parameters(text: &'static str) -> impl Iterator<Item = Parameter> {
    text.split_ascii_whitespace().map(|parameter| {
        let mark = parameter.chars().next().filter(|mark| "?~!".contains(*mark));
        let parameter = &parameter[mark.map_or(0, char::len_utf8)..];
        let (name, default) = parameter.split_once('=').unwrap_or((parameter, ""));
        Parameter {
            mark,
            name,
            default: serde_json::from_str(default).ok(),
        }
    })
}

/// The parameters of a codec of numcodecs, by its id, with what numcodecs takes where one is left out.
///
/// They are in the order in which they are printed. A parameter without a default must be given, but for
/// `astype`, which is then the `dtype`, and `location`, which is where the codec has its checksum by itself.
/// `None` for a codec that numcodecs does not have.
///
/// ```
/// use serde_json::json;
/// use zarr_convenience::codec_parameters;
/// let expected = vec![("level", Some(json!(0))), ("checksum", Some(json!(false)))];
/// assert_eq!(codec_parameters("zstd"), Some(expected));
/// assert_eq!(codec_parameters("bitround"), Some(vec![("keepbits", None)]));
/// assert_eq!(codec_parameters("nothing"), None);
/// ```
pub fn codec_parameters(id: &str) -> Option<Vec<(&'static str, Option<Value>)>> {
    let (_, _, text) = CLASSES.iter().find(|(known, _, _)| *known == id)?;
    let named = parameters(text).map(|parameter| (parameter.name, parameter.default));
    Some(named.collect())
}

/// The text of a codec in its V2 form: `Blosc(cname='lz4', clevel=5, shuffle=SHUFFLE, blocksize=0)`.
///
/// A codec that numcodecs does not have is shown as its configuration.
pub fn codec_text(config: &Value) -> String {
    let id = config["id"].as_str().unwrap_or_default();
    let Some((_, class, text)) = CLASSES.iter().find(|(known, _, _)| *known == id) else {
        return config.to_string();
    };
    let mut parts = Vec::new();
    for Parameter { mark, name, default } in parameters(text) {
        let given = config.get(name);
        let is_hidden = match mark {
            Some('?') => given.is_none_or(Value::is_null),
            Some('~') => given.is_none_or(|given| given.is_null() || *given == config["dtype"]),
            mark => mark.is_some(),
        };
        if !is_hidden {
            let value = given.or(default.as_ref()).unwrap_or(&Value::Null);
            parts.push(format!("{name}={}", parameter_text(name, value)));
        }
    }
    let text = format!("{class}({})", parts.join(", "));
    if id == "json2" {
        wrap(&text, 80, ("", "     "))
    } else {
        text
    }
}

fn parameter_text(name: &str, value: &Value) -> String {
    const SHUFFLES: [&str; 4] = ["AUTOSHUFFLE", "NOSHUFFLE", "SHUFFLE", "BITSHUFFLE"];
    match (name, value) {
        ("shuffle", Value::Number(number)) => {
            let place = number
                .as_i64()
                .and_then(|number| usize::try_from(number + 1).ok());
            let known = place.and_then(|place| SHUFFLES.get(place));
            known.map_or_else(|| number.to_string(), |name| (*name).to_owned())
        }
        ("labels", Value::Array(labels)) if labels.len() > LABELS_MAX => {
            let labels: Vec<_> = labels[..LABELS_MAX].iter().map(python_text).collect();
            format!("[{}, ...]", labels.join(", "))
        }
        ("separators", Value::Array(items)) => {
            let items: Vec<_> = items.iter().map(python_text).collect();
            format!("({})", items.join(", "))
        }
        _ => python_text(value),
    }
}

/// A JSON value as Python prints it.
fn python_text(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text_repr(text),
        Value::Number(number) if number.is_f64() => number.as_f64().map_or_else(String::new, python_float),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(python_text).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", text_repr(name), python_text(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Observed in runs of numcodecs 0.15.2.
    #[test]
    fn parameters_that_are_left_out_have_their_defaults() {
        for (id, expected) in [
            (
                "blosc",
                "Blosc(cname='lz4', clevel=5, shuffle=SHUFFLE, blocksize=0)",
            ),
            ("zlib", "Zlib(level=1)"),
            ("gzip", "GZip(level=1)"),
            ("bz2", "BZ2(level=1)"),
            ("lzma", "LZMA(format=1, check=-1, preset=None, filters=None)"),
            ("lz4", "LZ4(acceleration=1)"),
            ("zstd", "Zstd(level=0)"),
            ("shuffle", "Shuffle(elementsize=4)"),
            ("jenkins_lookup3", "JenkinsLookup3(initval=0, prefix=None)"),
            (
                "msgpack2",
                "MsgPack(raw=False, use_bin_type=True, use_single_float=False)",
            ),
            (
                "pcodec",
                "PCodec(delta_encoding_order=None, delta_spec='auto', equal_pages_up_to=262144, level=8, mode_spec='auto', paging_spec='equal_pages_up_to')",
            ),
            ("zfpy", "ZFPY(mode=4, tolerance=-1, rate=-1, precision=-1)"),
            ("pickle", "Pickle(protocol=5)"),
        ] {
            assert_eq!(codec_text(&json!({ "id": id })), expected);
        }
    }

    /// Observed in runs of numcodecs 0.15.2.
    #[test]
    fn codecs_are_printed_as_numcodecs_prints_them() {
        let known = [
            (
                json!({"id": "blosc", "blocksize": 0, "clevel": 5, "cname": "zstd", "shuffle": -1}),
                "Blosc(cname='zstd', clevel=5, shuffle=AUTOSHUFFLE, blocksize=0)",
            ),
            (
                json!({"id": "zstd", "level": 0, "checksum": true}),
                "Zstd(level=0)",
            ),
            (
                json!({"id": "lzma", "format": 3, "check": -1, "preset": null, "filters": [{"id": 3, "dist": 4}]}),
                "LZMA(format=3, check=-1, preset=None, filters=[{'id': 3, 'dist': 4}])",
            ),
            (
                json!({"id": "delta", "dtype": "<i4", "astype": "<i4"}),
                "Delta(dtype='<i4')",
            ),
            (
                json!({"id": "delta", "dtype": "<i4", "astype": "<i2"}),
                "Delta(dtype='<i4', astype='<i2')",
            ),
            (
                json!({"id": "fixedscaleoffset", "scale": 10.5, "offset": 1, "dtype": "<f8", "astype": "|u1"}),
                "FixedScaleOffset(scale=10.5, offset=1, dtype='<f8', astype='|u1')",
            ),
            (
                json!({"id": "fixedscaleoffset", "scale": 1e16, "offset": 1e-5, "dtype": "<f8"}),
                "FixedScaleOffset(scale=1e+16, offset=1e-05, dtype='<f8')",
            ),
            (
                json!({"id": "categorize", "labels": ["a", "b", "c", "d"], "dtype": "<U1", "astype": "|u1"}),
                "Categorize(dtype='<U1', astype='|u1', labels=['a', 'b', 'c', ...])",
            ),
            (json!({"id": "crc32"}), "CRC32()"),
            (json!({"id": "crc32", "location": "end"}), "CRC32(location='end')"),
            (
                json!({"id": "json2", "encoding": "utf-8", "skipkeys": false, "ensure_ascii": true, "check_circular": true, "allow_nan": true, "indent": null, "separators": [",", ":"], "sort_keys": true, "strict": true}),
                "JSON(encoding='utf-8', allow_nan=True, check_circular=True, ensure_ascii=True,\n     indent=None, separators=(',', ':'), skipkeys=False, sort_keys=True,\n     strict=True)",
            ),
            (
                json!({"id": "zfpy", "mode": 4, "compression_kwargs": {"tolerance": 0.1}, "tolerance": 0.1, "rate": -1, "precision": -1}),
                "ZFPY(mode=4, tolerance=0.1, rate=-1, precision=-1)",
            ),
        ];
        for (config, expected) in known {
            assert_eq!(codec_text(&config), expected);
        }
    }
}
