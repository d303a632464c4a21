//! `attributes.json` of N5 and the documents of Zarr V2 that stand for it (N5 specification 2.0).
//!
//! N5 counts dimensions from the fastest to the slowest, so every list of lengths is reversed.

use serde_json::{Map, Value, json};
use zarr_codecs::{DataType, StoredType};

use crate::metadata::v2_data_type;

/// The version that is written.
const VERSION: &str = "2.0.0";
/// What a document has that is not of the user.
pub(super) const KEYWORDS: [&str; 5] = ["n5", "dataType", "dimensions", "blockSize", "compression"];
/// What makes a node an array.
pub(super) const DIMENSIONS: &str = "dimensions";

pub(super) type Document = Map<String, Value>;

/// The document of a group of V2.
pub(super) fn group_to_zarr() -> Value {
    json!({"zarr_format": 2})
}

/// Says in a document of N5 that the node is a group.
pub(super) fn group_to_n5(document: &mut Document) {
    document.insert("n5".into(), VERSION.into());
}

/// The attributes of the user.
pub(super) fn attributes_to_zarr(document: &Document) -> Document {
    let mut attributes = document.clone();
    attributes.retain(|name, _| !KEYWORDS.contains(&name.as_str()));
    attributes
}

/// Replaces the attributes of the user; the first name that is not theirs to use is an error.
pub(super) fn attributes_to_n5(document: &mut Document, attributes: Document) -> Result<(), String> {
    if let Some(name) = KEYWORDS.iter().find(|name| attributes.contains_key(**name)) {
        return Err(format!("attribute {name} is a reserved N5 keyword"));
    }
    document.retain(|name, _| KEYWORDS.contains(&name.as_str()));
    document.extend(attributes);
    Ok(())
}

/// The document of an array of V2, whose compressor wraps that of N5 into blocks.
pub(super) fn array_to_zarr(document: &Document) -> Result<Value, String> {
    let member = |name: &str| document.get(name).ok_or_else(|| format!("/{name} is missing"));
    let reversed = |name: &str| {
        let lengths = member(name)?
            .as_array()
            .ok_or_else(|| format!("/{name} must be a list"))?;
        Ok::<_, String>(lengths.iter().rev().cloned().collect::<Vec<_>>())
    };
    let name = member("dataType")?;
    let data_type = DataType::from_json(name).ok().filter(DataType::has_n5_name);
    let data_type = data_type.ok_or_else(|| format!("/dataType {name} is no type of N5"))?;
    let dtype = StoredType::new(data_type, zarr_codecs::ByteOrder::Little).to_numpy();
    let chunks = reversed("blockSize")?;
    Ok(json!({
        "zarr_format": 2,
        "shape": reversed(DIMENSIONS)?,
        "chunks": chunks,
        "dtype": dtype,
        "compressor": {
            "id": "n5_wrapper",
            "compressor_config": compressor_to_zarr(member("compression")?)?,
            "dtype": dtype,
            "chunk_shape": chunks,
        },
        "fill_value": 0,
        "order": "C",
        "filters": null,
    }))
}

/// Says in a document of N5 what the document of an array of V2 says; what N5 does not have is an error.
pub(super) fn array_to_n5(document: &mut Document, array: &Value, is_top: bool) -> Result<(), String> {
    let reversed = |name: &str| {
        array[name]
            .as_array()
            .map(|lengths| lengths.iter().rev().cloned().collect::<Value>())
    };
    let fill_value = &array["fill_value"];
    if !fill_value.is_null() && fill_value.as_f64() != Some(0.0) && fill_value != &Value::Bool(false) {
        return Err(format!(
            "Received fill_value = {fill_value},\n                but N5 only supports fill_value = 0"
        ));
    }
    let order = array["order"].as_str().unwrap_or_default();
    if order != "C" {
        return Err(format!(
            "Received order = {order}, but N5 only supports order = C"
        ));
    }
    if array["filters"]
        .as_array()
        .is_some_and(|filters| !filters.is_empty())
    {
        return Err("Received filters, but N5 storage does not support zarr filters".to_owned());
    }
    let dtype = &array["dtype"];
    let data_type = v2_data_type(dtype).ok().map(|(data_type, _)| data_type);
    let data_type = data_type
        .filter(DataType::has_n5_name)
        .ok_or_else(|| format!("Data type {dtype} is not supported by N5"))?;
    if is_top {
        group_to_n5(document);
    }
    document.insert("dataType".into(), data_type.to_string().into());
    document.insert(DIMENSIONS.into(), reversed("shape").unwrap_or_default());
    document.insert("blockSize".into(), reversed("chunks").unwrap_or_default());
    document.insert("compression".into(), compressor_to_n5(&array["compressor"]));
    Ok(())
}

/// What a compressor of numcodecs is called in N5.
fn compressor_to_n5(config: &Value) -> Value {
    let config = unwrapped(config);
    let Some(id) = config["id"].as_str() else {
        return json!({"type": "raw"});
    };
    match id {
        "bz2" => json!({"type": "bzip2", "blockSize": config["level"]}),
        "blosc" => json!({
            "type": id,
            "cname": config["cname"],
            "clevel": config["clevel"],
            "shuffle": config["shuffle"],
            "blocksize": config["blocksize"],
        }),
        "lzma" => {
            let preset =
                Some(&config["preset"]).filter(|preset| preset.as_i64().is_some_and(|preset| preset != 0));
            let preset = preset.cloned().unwrap_or(6.into());
            // The usual form of numcodecs is that of N5, with a name of its own.
            if config["format"] == 1 && matches!(config["check"].as_i64(), Some(-1 | 4)) {
                return json!({"type": "xz", "preset": preset});
            }
            json!({
                "type": id,
                "format": config["format"],
                "check": config["check"],
                "filters": config["filters"],
                "preset": preset,
            })
        }
        "zlib" | "gzip" => json!({"type": "gzip", "level": config["level"], "useZlib": id == "zlib"}),
        _ => {
            let mut members = config.as_object().cloned().unwrap_or_default();
            members.shift_remove("id");
            members.insert("type".into(), id.into());
            members.into()
        }
    }
}

/// What a compression of N5 is called in numcodecs; null for none. Settings that are missing are those of N5.
fn compressor_to_zarr(compression: &Value) -> Result<Value, String> {
    let kind = compression["type"]
        .as_str()
        .ok_or("/compression/type is missing")?;
    let or = |name: &str, default: Value| compression.get(name).cloned().unwrap_or(default);
    // N5 of other writers says -1 for the level that the library likes best.
    let level = or("level", (-1).into());
    Ok(match kind {
        "raw" => Value::Null,
        "bzip2" => json!({"id": "bz2", "level": or("blockSize", 9.into())}),
        "blosc" => json!({
            "id": kind,
            "cname": or("cname", "lz4".into()),
            "clevel": or("clevel", 5.into()),
            "shuffle": or("shuffle", 1.into()),
            "blocksize": or("blocksize", 0.into()),
        }),
        "xz" => {
            json!({"id": "lzma", "format": 1, "check": -1, "preset": or("preset", 6.into()), "filters": null})
        }
        "gzip" if compression["useZlib"] == true => json!({"id": "zlib", "level": level}),
        "gzip" => json!({"id": "gzip", "level": level}),
        _ => {
            let mut members = compression.as_object().cloned().unwrap_or_default();
            members.shift_remove("type");
            members.insert("id".into(), kind.into());
            members.into()
        }
    })
}

/// The compressor within blocks of N5, or the one given.
pub(crate) fn unwrapped(config: &Value) -> &Value {
    match config["id"].as_str() {
        Some("n5_wrapper") => &config["compressor_config"],
        _ => config,
    }
}

/// The types of numbers, which N5 calls as Zarr V3 does.
trait N5Name {
    fn has_n5_name(&self) -> bool;
}

impl N5Name for DataType {
    fn has_n5_name(&self) -> bool {
        use DataType as T;
        matches!(
            self,
            T::Bool
                | T::Int8
                | T::Int16
                | T::Int32
                | T::Int64
                | T::UInt8
                | T::UInt16
                | T::UInt32
                | T::UInt64
                | T::Float16
                | T::Float32
                | T::Float64
                | T::Complex64
                | T::Complex128
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressors_have_the_names_of_zarr_python() {
        // zarr.n5.compressor_config_to_n5 of zarr-python 2.18.7.
        let pairs = [
            (json!(null), json!({"type": "raw"})),
            (
                json!({"id": "bz2", "level": 3}),
                json!({"type": "bzip2", "blockSize": 3}),
            ),
            (
                json!({"id": "zlib", "level": 1}),
                json!({"type": "gzip", "level": 1, "useZlib": true}),
            ),
            (
                json!({"id": "gzip", "level": 2}),
                json!({"type": "gzip", "level": 2, "useZlib": false}),
            ),
            (
                json!({"id": "lzma", "format": 1, "check": -1, "preset": 6, "filters": null}),
                json!({"type": "xz", "preset": 6}),
            ),
            (
                json!({"id": "zstd", "level": 3, "checksum": false}),
                json!({"level": 3, "checksum": false, "type": "zstd"}),
            ),
        ];
        for (zarr, n5) in pairs {
            assert_eq!(compressor_to_n5(&zarr), n5);
            assert_eq!(compressor_to_zarr(&n5).unwrap(), zarr);
        }
        let raw = json!({"id": "lzma", "format": 3, "check": 0, "preset": null, "filters": [{"id": 33}]});
        let n5 = json!({"type": "lzma", "format": 3, "check": 0, "filters": [{"id": 33}], "preset": 6});
        assert_eq!(compressor_to_n5(&raw), n5);
        let wrapped = json!({"id": "n5_wrapper", "compressor_config": {"id": "gzip", "level": 2}});
        assert_eq!(compressor_to_n5(&wrapped)["type"], "gzip");
    }

    #[test]
    fn what_n5_does_not_have_is_refused() {
        let array = json!({
            "shape": [2, 3], "chunks": [1, 3], "dtype": "<i2", "fill_value": 0, "order": "C", "filters": null,
            "compressor": null,
        });
        let mut document = Document::new();
        array_to_n5(&mut document, &array, false).unwrap();
        let expected = json!({
            "dataType": "int16", "dimensions": [3, 2], "blockSize": [3, 1], "compression": {"type": "raw"},
        });
        assert_eq!(Value::from(document.clone()), expected);
        for (member, value) in [
            ("fill_value", json!(3)),
            ("order", json!("F")),
            ("filters", json!([{"id": "delta"}])),
            ("dtype", json!("|S3")),
            ("dtype", json!([["a", "<i4"]])),
        ] {
            let mut bad = array.clone();
            bad[member] = value;
            assert!(
                array_to_n5(&mut Document::new(), &bad, false).is_err(),
                "{member}"
            );
        }
        let attributes = Document::from_iter([("n5".to_owned(), json!(1))]);
        assert!(attributes_to_n5(&mut document, attributes).is_err());
    }
}
