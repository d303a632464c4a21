//! Data types as `zarr.json` has them (Zarr V3 specification, *Data types*, and the registered extensions).
//!
//! Other spellings of a type are read as well: `r24`, `bytes`, `complex_float32`, `structured`. The core keeps the one
//! that an array was read with.

use serde_json::{Map, Value, json};

use crate::{CodecError, DataType, NarrowType, Result, StructType, TimeUnit, data_type::PLAIN};

impl DataType {
    /// Reads the V3 form: a name, or an object with `name` and `configuration`.
    ///
    /// A type that is not known becomes [`DataType::Unknown`], so that the array can be opened.
    ///
    /// # Errors
    /// [`CodecError::Value`] for anything that is no name, and for a known name wrongly configured.
    pub fn from_json(value: &Value) -> Result<Self> {
        let none = Map::new();
        let (name, configuration) = match value {
            Value::String(name) => (name.as_str(), &none),
            Value::Object(members) => {
                let name = members.get("name").and_then(Value::as_str);
                let configuration = members.get("configuration").and_then(Value::as_object);
                (
                    name.ok_or_else(|| bad("expected a name"))?,
                    configuration.unwrap_or(&none),
                )
            }
            _ => return Err(bad("expected a name or an object with a name")),
        };
        if let Some((_, plain)) = PLAIN.iter().find(|(known, _)| *known == name) {
            return Ok(plain.clone());
        }
        if let Some(narrow) = NarrowType::new(name) {
            return Ok(Self::Narrow(narrow));
        }
        if let Some((_, read)) = CONFIGURED.iter().find(|(known, _)| *known == name) {
            let data_type = read(configuration)?;
            data_type.check_size()?;
            return Ok(data_type);
        }
        match name.strip_prefix('r') {
            Some(digits) if is_digits(digits) => {
                let data_type = raw(name)?;
                data_type.check_size()?;
                Ok(data_type)
            }
            _ => Ok(Self::Unknown {
                name: name.to_owned(),
                json: value.clone(),
            }),
        }
    }

    /// All names that [`DataType::from_json`] knows, other spellings among them; `r8`, `r16` and so on are known
    /// besides.
    ///
    /// ```
    /// use zarr_codecs::DataType;
    ///
    /// assert!(DataType::v3_names().any(|name| name == "bfloat16"));
    /// ```
    pub fn v3_names() -> impl Iterator<Item = &'static str> {
        let plain = PLAIN.iter().map(|(name, _)| *name);
        let narrow = NarrowType::all().map(NarrowType::name);
        plain
            .chain(narrow)
            .chain(CONFIGURED.iter().map(|(name, _)| *name))
    }

    /// The V3 form.
    ///
    /// Raw bytes are `raw_bytes`, which zarr-python 3 and tensorstore read; zarrs reads only `r48` and its like,
    /// which zarr-python 3 does not.
    ///
    /// # Errors
    /// [`CodecError::Value`] for a type that V3 has no name for.
    pub fn to_json(&self) -> Result<Value> {
        if let Some((name, _)) = PLAIN.iter().find(|(_, plain)| plain == self) {
            return Ok(Value::from(*name));
        }
        let sized = |name: &str, size: u64| json!({"name": name, "configuration": {"length_bytes": size}});
        let timed = |name: &str, time: &TimeUnit| json!({"name": name, "configuration": {"unit": time.unit, "scale_factor": time.scale}});
        Ok(match self {
            Self::Narrow(narrow) => narrow.name().into(),
            Self::Struct(record) => json!({"name": "struct", "configuration": record.to_json()?}),
            Self::Raw(size) => sized("raw_bytes", u64::from(*size)),
            Self::FixedBytes(size) => sized("null_terminated_bytes", u64::from(*size)),
            Self::FixedUtf32(length) => sized("fixed_length_utf32", u64::from(*length) * 4),
            Self::DateTime64(time) => timed("numpy.datetime64", time),
            Self::TimeDelta64(time) => timed("numpy.timedelta64", time),
            Self::Unknown { json, .. } => json.clone(),
            _ => {
                return Err(CodecError::value(
                    "data type",
                    format!("{self} has no form in Zarr V3"),
                ));
            }
        })
    }
}

/// Reads the configuration of a type.
type ReadConfiguration = fn(&Map<String, Value>) -> Result<DataType>;

/// The names of types that have parameters, and other spellings, each with what makes the type of its configuration.
const CONFIGURED: [(&str, ReadConfiguration); 10] = [
    ("bytes", |_| Ok(DataType::Bytes)),
    ("complex_float32", |_| Ok(DataType::Complex64)),
    ("complex_float64", |_| Ok(DataType::Complex128)),
    ("null_terminated_bytes", |given| {
        Ok(DataType::FixedBytes(length_bytes(given)?))
    }),
    ("raw_bytes", |given| Ok(DataType::Raw(length_bytes(given)?))),
    ("fixed_length_utf32", |given| match length_bytes(given)? {
        size if size % 4 == 0 => Ok(DataType::FixedUtf32(size / 4)),
        _ => Err(bad("`length_bytes` must be a multiple of 4")),
    }),
    ("numpy.datetime64", |given| {
        Ok(DataType::DateTime64(time_unit(given)?))
    }),
    ("numpy.timedelta64", |given| {
        Ok(DataType::TimeDelta64(time_unit(given)?))
    }),
    ("struct", |given| {
        Ok(DataType::Struct(StructType::from_json(given)?))
    }),
    ("structured", |given| {
        Ok(DataType::Struct(StructType::from_json(given)?))
    }),
];

fn bad(reason: &str) -> CodecError {
    CodecError::value("data type", reason)
}

fn length_bytes(configuration: &Map<String, Value>) -> Result<u32> {
    let length = configuration.get("length_bytes").and_then(Value::as_u64);
    length
        .and_then(|length| u32::try_from(length).ok())
        .ok_or_else(|| bad("`length_bytes` must be a size"))
}

fn time_unit(configuration: &Map<String, Value>) -> Result<TimeUnit> {
    let unit = configuration
        .get("unit")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let scale = configuration
        .get("scale_factor")
        .and_then(Value::as_u64)
        .unwrap_or(1);
    let unit = u32::try_from(scale)
        .ok()
        .and_then(|scale| TimeUnit::new(unit, scale));
    unit.ok_or_else(|| bad("`unit` must be a NumPy time unit and `scale_factor` a positive number"))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads `r*`, whose number counts bits.
fn raw(name: &str) -> Result<DataType> {
    let bits: Option<u32> = name[1..].parse().ok().filter(|bits| *bits > 0 && bits % 8 == 0);
    let bits = bits.ok_or_else(|| CodecError::value("data type", format!("`{name}` has no whole bytes")))?;
    Ok(DataType::Raw(bits / 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v3_names_come_back() {
        for name in [
            "bool",
            "int8",
            "uint64",
            "float16",
            "complex128",
            "string",
            "int4",
        ] {
            let data_type = DataType::from_json(&json!(name)).unwrap();
            assert_eq!(data_type.to_json().unwrap(), json!(name));
        }
        let time = json!({"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 10}});
        assert_eq!(DataType::from_json(&time).unwrap().to_json().unwrap(), time);
    }

    #[test]
    fn raw_types_have_whole_bytes() {
        assert_eq!(DataType::from_json(&json!("r48")).unwrap(), DataType::Raw(6));
        for name in ["r0", "r12", "r999999999999"] {
            assert!(DataType::from_json(&json!(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn elements_have_a_largest_size() {
        let text =
            |length: u64| json!({"name": "fixed_length_utf32", "configuration": {"length_bytes": length}});
        assert!(DataType::from_json(&text(64 << 20)).is_ok());
        let pair = json!({"name": "struct", "configuration": {"fields": [
            {"name": "a", "data_type": text(40 << 20)}, {"name": "b", "data_type": text(40 << 20)},
        ]}});
        for large in [text((64 << 20) + 4), pair, json!("r536870920")] {
            let error = DataType::from_json(&large).unwrap_err().to_string();
            assert!(error.contains("limit 67108864"), "{error}");
        }
    }

    #[test]
    fn unknown_types_are_carried_along() {
        let json = json!({"name": "acme.decimal", "configuration": {"digits": 9}});
        let data_type = DataType::from_json(&json).unwrap();
        assert_eq!(data_type.size(), None);
        assert_eq!(data_type.to_json().unwrap(), json);
    }

    #[test]
    fn every_narrow_type_has_its_name() {
        for narrow in NarrowType::all() {
            let data_type = DataType::from_json(&json!(narrow.name())).unwrap();
            assert_eq!(data_type, DataType::Narrow(narrow));
            assert_eq!(data_type.to_json().unwrap(), json!(narrow.name()));
        }
    }

    #[test]
    fn other_spellings_are_read() {
        for (name, data_type) in [
            ("complex_float32", DataType::Complex64),
            ("complex_float64", DataType::Complex128),
            ("bytes", DataType::Bytes),
        ] {
            assert_eq!(DataType::from_json(&json!(name)).unwrap(), data_type);
        }
    }
}
