//! `crc32c` (Zarr V3 specification, *CRC32C codec*) and the checksums of numcodecs.
//!
//! ```text
//! data | checksum u32 little endian        (at the end)
//! checksum u32 little endian | data        (at the start)
//! ```

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, Configuration, Result, V2Codec};

const SIZE: usize = 4;

#[derive(Debug, Clone, Copy)]
struct Checksum {
    codec: &'static str,
    compute: fn(&[u8]) -> u32,
    is_at_start: bool,
}

impl BytesToBytes for Checksum {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let checksum = (self.compute)(decoded).to_le_bytes();
        let (head, tail): (&[u8], &[u8]) = if self.is_at_start {
            (&checksum, decoded)
        } else {
            (decoded, &checksum)
        };
        out.reserve(decoded.len() + SIZE);
        out.extend_from_slice(head);
        out.extend_from_slice(tail);
        Ok(())
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let parts = if self.is_at_start {
            encoded
                .split_first_chunk::<SIZE>()
                .map(|(checksum, data)| (data, checksum))
        } else {
            encoded.split_last_chunk::<SIZE>()
        };
        let (data, checksum) =
            parts.ok_or_else(|| CodecError::corrupt(self.codec, "it is shorter than a checksum"))?;
        let (stored, computed) = (u32::from_le_bytes(*checksum), (self.compute)(data));
        if stored != computed {
            return Err(CodecError::Checksum {
                codec: self.codec,
                stored,
                computed,
            });
        }
        let room = out.len();
        let target = out
            .get_mut(..data.len())
            .ok_or(CodecError::too_large(self.codec, room))?;
        target.copy_from_slice(data);
        Ok(data.len())
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        decoded.saturating_add(SIZE)
    }

    fn encoded_size(&self, decoded: usize) -> Option<usize> {
        decoded.checked_add(SIZE)
    }

    fn is_checksum(&self) -> bool {
        true
    }
}

/// Builds a checksum whose place the configuration may name, as numcodecs does.
fn build(default: Checksum, configuration: &Map<String, Value>) -> Result<Codec> {
    let configuration = Configuration::new(default.codec, configuration, &["location"])?;
    let is_at_start = match configuration.text("location", Some(""))? {
        "start" => true,
        "end" => false,
        "" if configuration.get("location").is_none_or(Value::is_null) => default.is_at_start,
        other => {
            let reason = format!("must be `start` or `end`, found {other}");
            return Err(configuration.error("location", &reason));
        }
    };
    Ok(Codec::BytesToBytes(Arc::new(Checksum {
        is_at_start,
        ..default
    })))
}

/// Builds a checksum that has its place at the end.
fn build_fixed(checksum: Checksum, configuration: &Map<String, Value>) -> Result<Codec> {
    Configuration::new(checksum.codec, configuration, &[])?;
    Ok(Codec::BytesToBytes(Arc::new(checksum)))
}

/// Fletcher-32 as HDF5 has it: words of 16 bits, big endian, an odd last byte being the high half of one.
///
/// Two sums: of the words, and of what that sum was after each of them.
fn fletcher32(data: &[u8]) -> u32 {
    // After more words than these the second sum could overflow.
    const RUN: usize = 360;
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (mut sum1, mut sum2) = (0_u32, 0_u32);
    let (words, odd) = data.as_chunks::<2>();
    for run in words.chunks(RUN) {
        let (groups, rest) = run.as_chunks();
        let (plain, weighted) = sum_groups(groups);
        sum2 += groups.len() as u32 * LANES as u32 * sum1 + weighted;
        sum1 += plain;
        for &word in rest {
            sum1 += u32::from(u16::from_be_bytes(word));
            sum2 += sum1;
        }
        (sum1, sum2) = (fold(sum1), fold(sum2));
    }
    if let [high] = odd {
        sum1 += u32::from(*high) << 8;
        sum2 += sum1;
        (sum1, sum2) = (fold(sum1), fold(sum2));
    }
    fold(sum2) << 16 | fold(sum1)
}

/// As many words as one vector instruction may take; a divisor of a run.
const LANES: usize = 8;

/// The sum of all words, and their sum weighted by their distance from the end, the last having weight 1.
///
/// Each lane sums up on its own, so that no word waits for the one before it.
fn sum_groups(groups: &[[[u8; 2]; LANES]]) -> (u32, u32) {
    let (mut plain, mut weighted) = ([0_u32; LANES], [0_u32; LANES]);
    for group in groups {
        for lane in 0..LANES {
            weighted[lane] += plain[lane];
            plain[lane] += u32::from(u16::from_be_bytes(group[lane]));
        }
    }
    let within: u32 = (1..=LANES as u32)
        .rev()
        .zip(plain)
        .map(|(weight, sum)| weight * sum)
        .sum();
    (
        plain.iter().sum(),
        LANES as u32 * weighted.iter().sum::<u32>() + within,
    )
}

const CRC32: Checksum = Checksum {
    codec: "crc32",
    compute: crc32fast::hash,
    is_at_start: true,
};

const ADLER32: Checksum = Checksum {
    codec: "adler32",
    compute: |data| simd_adler32::adler32(&data),
    is_at_start: true,
};

const CRC32C: Checksum = Checksum {
    codec: "crc32c",
    compute: crc32c::crc32c,
    is_at_start: false,
};

const FLETCHER32: Checksum = Checksum {
    codec: "fletcher32",
    compute: fletcher32,
    is_at_start: false,
};

/// How the registry knows `crc32c` of the V3 specification, which has its place at the end.
pub const CRC32C_ENTRY: CodecEntry = CodecEntry {
    name: "crc32c",
    aliases: &[],
    // Metadata of V2 is read as `numcodecs.crc32c`, whose entry comes later.
    v2: Some(V2Codec::same("crc32c")),
    kind: CodecKind::BytesToBytes,
    doc: "CRC-32C at the end",
    feature: None,
    build: |configuration, _| build_fixed(CRC32C, configuration),
};

/// How the registry knows `crc32c` of numcodecs, whose place can be chosen.
pub const NUMCODECS_CRC32C_ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.crc32c",
    doc: "CRC-32C at the start or at the end",
    build: |configuration, _| build(CRC32C, configuration),
    ..CRC32C_ENTRY
};

/// How the registry knows `crc32`.
pub const CRC32_ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.crc32",
    aliases: &["crc32"],
    v2: Some(V2Codec::same("crc32")),
    doc: "CRC-32 at the start or at the end",
    build: |configuration, _| build(CRC32, configuration),
    ..CRC32C_ENTRY
};

/// How the registry knows `adler32`.
pub const ADLER32_ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.adler32",
    aliases: &["adler32"],
    v2: Some(V2Codec::same("adler32")),
    doc: "Adler-32 at the start or at the end",
    build: |configuration, _| build(ADLER32, configuration),
    ..CRC32C_ENTRY
};

/// How the registry knows `fletcher32`.
pub const FLETCHER32_ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.fletcher32",
    aliases: &["fletcher32"],
    v2: Some(V2Codec::same("fletcher32")),
    doc: "Fletcher-32 of HDF5 at the end",
    build: |configuration, _| build_fixed(FLETCHER32, configuration),
    ..CRC32C_ENTRY
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, spec};
    use crate::{CodecConfig, CodecRegistry, DataType};

    #[test]
    fn chunks_come_back() {
        let spec = spec(&[], DataType::UInt8);
        for name in ["crc32c", "numcodecs.crc32c", "crc32", "adler32", "fletcher32"] {
            check_codec(name, json!({}), &spec);
        }
        for name in ["numcodecs.crc32c", "crc32", "adler32"] {
            check_codec(name, json!({"location": "start"}), &spec);
            check_codec(name, json!({"location": "end"}), &spec);
        }
    }

    #[test]
    fn checksums_are_the_published_ones() {
        let digits = b"123456789";
        assert_eq!((CRC32.compute)(digits), 0xCBF4_3926);
        assert_eq!((CRC32C.compute)(digits), 0xE306_9283);
        assert_eq!((ADLER32.compute)(digits), 0x091E_01DE);
        assert_eq!((ADLER32.compute)(&[]), 1);
        // What numcodecs has.
        assert_eq!(fletcher32(b"abcdef"), 0x5056_2A2D);
    }

    #[test]
    fn sums_do_not_overflow() {
        let most = vec![0xFF; 20_000];
        assert_eq!(fletcher32(&most), 0xFFFF_FFFF);
    }

    #[test]
    fn the_place_is_checked() {
        for (name, location) in [
            ("crc32", json!("middle")),
            ("crc32", json!(1)),
            ("crc32c", json!("end")),
        ] {
            let config = CodecConfig::of(name, json!({ "location": location }));
            assert!(CodecRegistry::default().build(&config).is_err(), "{name}");
        }
    }
}
