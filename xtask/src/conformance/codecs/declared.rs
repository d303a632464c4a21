//! Faults of the other libraries that no chunk of ours can avoid.
//!
//! Differences of these cases are counted with their reason and fail nothing; every other one does.

use serde_json::Value;

/// A fault: of which side, in which cases, and what it is.
struct Fault {
    side: &'static str,
    concerns: fn(&Value) -> bool,
    reason: &'static str,
}

const FAULTS: [Fault; 4] = [
    Fault {
        side: "zarrs",
        concerns: |case| {
            let is_zfp = codec(case, "zfp").is_some() || codec(case, "numcodecs.zfpy").is_some();
            is_zfp && case["shape"].as_array().is_some_and(Vec::is_empty)
        },
        reason: "it takes no chunk without dimensions, which the extension has as one number; those of fill values it leaves out",
    },
    Fault {
        side: "zarrs",
        concerns: |case| codec(case, "numcodecs.fletcher32").is_some() && n_bytes(case) % 2 == 1,
        reason: "it leaves the last of an odd number of bytes out of Fletcher-32, which HDF5 and numcodecs add as we do",
    },
    Fault {
        side: "zarrs",
        concerns: |case| codec(case, "packbits").is_some_and(|packbits| has_whole_bytes(case, packbits)),
        reason: "it has no count of unused bits where components have whole bytes, as the extension demands it; \
                 we do without one behind the elements where no codec follows",
    },
    Fault {
        side: "zarrs",
        concerns: |case| has_a_rate(case) && case["shape"].as_array().is_none_or(|shape| shape.len() != 3),
        reason: "it gives blocks of a fixed rate the length of those of three dimensions; we read that, \
                 and write the length that zfp has for the dimensions that there are",
    },
];

/// Why a case of a side may differ.
pub(super) fn reason(side: &str, case: &Value) -> Option<&'static str> {
    let fault = FAULTS
        .iter()
        .find(|fault| fault.side == side && (fault.concerns)(case));
    fault.map(|fault| fault.reason)
}

/// The configuration of a codec that a case of whole documents has.
fn codec<'a>(case: &'a Value, name: &str) -> Option<&'a Value> {
    let codecs = case["codecs"].as_array()?;
    let codec = codecs.iter().find(|codec| codec["name"] == name)?;
    Some(&codec["configuration"])
}

/// The bytes of the elements.
fn n_bytes(case: &Value) -> u64 {
    let lengths = case["shape"].as_array().into_iter().flatten();
    let n_elements: u64 = lengths.filter_map(Value::as_u64).product();
    n_elements * case["size"].as_u64().unwrap_or_default()
}

/// Whether all bits of components of whole bytes are to be stored with a count of the unused ones.
fn has_whole_bytes(case: &Value, packbits: &Value) -> bool {
    let is_complex = case["dtype"]
        .as_str()
        .is_some_and(|name| name.starts_with("complex"));
    let is_narrow = case["dtype"].as_str().is_some_and(|name| {
        ["bool", "int2", "int4", "float4", "float6"].iter().any(|narrow| {
            let name = name.trim_start_matches("complex_").trim_start_matches('u');
            name == *narrow || name.starts_with(&format!("{narrow}_"))
        })
    });
    let n_bits = case["size"].as_u64().unwrap_or_default() * if is_complex { 4 } else { 8 };
    let has_all = packbits["first_bit"].as_u64().unwrap_or(0) == 0
        && packbits["last_bit"]
            .as_u64()
            .is_none_or(|last| last + 1 == n_bits);
    let has_count = packbits["padding_encoding"]
        .as_str()
        .is_some_and(|place| place != "none");
    has_count && has_all && !is_narrow
}

/// Whether blocks have a fixed number of bits.
fn has_a_rate(case: &Value) -> bool {
    codec(case, "zfp").is_some_and(|zfp| zfp["mode"] == "fixed_rate")
        || codec(case, "numcodecs.zfpy").is_some_and(|zfpy| zfpy["mode"] == 2)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(dtype: &str, size: u64, shape: &[u64], codec: &Value) -> Value {
        json!({"dtype": dtype, "size": size, "shape": shape, "codecs": [codec]})
    }

    #[test]
    fn faults_concern_what_they_say() {
        let packbits = json!({"name": "packbits", "configuration": {"padding_encoding": "first_byte"}});
        let part =
            json!({"name": "packbits", "configuration": {"padding_encoding": "last_byte", "last_bit": 3}});
        let rate = json!({"name": "zfp", "configuration": {"mode": "fixed_rate", "rate": 8}});
        let sum = json!({"name": "numcodecs.fletcher32"});
        for (case, is_declared) in [
            (case("complex64", 8, &[3], &packbits), true),
            (case("uint4", 1, &[3], &packbits), false),
            (case("complex_float6_e2m3fn", 2, &[3], &packbits), false),
            (case("uint8", 1, &[3], &part), false),
            (case("float32", 4, &[3, 3], &rate), true),
            (case("float32", 4, &[3, 3, 3], &rate), false),
            (case("float32", 4, &[], &json!({"name": "zfp"})), true),
            (case("uint8", 1, &[3, 3], &sum), true),
            (case("uint16", 2, &[3, 3], &sum), false),
        ] {
            assert_eq!(reason("zarrs", &case).is_some(), is_declared, "{case}");
            assert_eq!(reason("tensorstore", &case), None);
        }
    }
}
