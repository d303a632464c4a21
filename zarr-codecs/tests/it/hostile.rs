//! Chunks that lie: an error, never a panic, never more memory than the chunk may take.

use serde_json::{Value, json};
use zarr_codecs::{
    ChunkCodec, ChunkRef, CodecChain, CodecConfig, CodecError, CodecRegistry, DataType, Limits, Scratch,
    testing::{smooth, spec},
};

use crate::fixtures::chunk;

/// A chain of `bytes` and another codec, for chunks of so many bytes.
fn codec(name: &str, configuration: Value, size: usize) -> ChunkCodec {
    let codecs = [
        CodecConfig::of("bytes", json!({})),
        CodecConfig::of(name, configuration),
    ];
    let limits = Limits::default();
    let chain = CodecChain::new(&codecs, &CodecRegistry::default(), &limits).unwrap();
    chain
        .for_chunk(spec(&[size as u64], DataType::UInt8), &limits)
        .unwrap()
}

fn encode(name: &str, decoded: &[u8]) -> Vec<u8> {
    let (codec, mut scratch) = (codec(name, json!({}), decoded.len()), Scratch::default());
    let chunk = ChunkRef {
        elements: decoded,
        heap: &[],
    };
    codec.encode(chunk, &mut scratch).unwrap().to_vec()
}

fn decode(name: &str, size: usize, encoded: &[u8]) -> Result<Vec<u8>, CodecError> {
    let (codec, mut scratch) = (codec(name, json!({}), size), Scratch::default());
    let decoded = codec
        .decode(encoded, &mut scratch)
        .map(|chunk| chunk.elements.to_vec());
    let mut out = vec![0; size];
    let is_ok = codec.decode_into(encoded, &mut out, &mut scratch).is_ok();
    assert_eq!(is_ok, decoded.is_ok(), "the two ways to decode disagree");
    decoded
}

fn is_error(name: &str, size: usize, encoded: &[u8]) -> bool {
    decode(name, size, encoded).is_err()
}

const COMPRESSED: [&str; 7] = ["blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd"];

#[test]
fn bombs_stop_at_the_size_of_the_chunk() {
    for name in COMPRESSED {
        let bomb = encode(name, &vec![0; 64 << 20]);
        let result = decode(name, 1000, &bomb);
        assert!(
            matches!(result, Err(CodecError::TooLarge { .. })),
            "{name}: {result:?}"
        );
    }
}

#[test]
fn chunks_of_another_size_are_errors() {
    let decoded = chunk("wave", 1000);
    for name in COMPRESSED.into_iter().chain(["crc32c", "shuffle", "fletcher32"]) {
        let encoded = encode(name, &decoded);
        assert_eq!(decode(name, 1000, &encoded).unwrap(), decoded, "{name}");
        for size in [0, 1, 996, 1004, 100_000] {
            assert!(is_error(name, size, &encoded), "{name} {size}");
        }
    }
}

#[test]
fn empty_files_are_errors() {
    for name in COMPRESSED
        .into_iter()
        .chain(["crc32c", "crc32", "adler32", "fletcher32"])
    {
        // To Python, no stream at all is no data for gzip and bzip2.
        let is_empty = matches!(name, "bz2" | "gzip");
        assert_eq!(is_error(name, 0, &[]), !is_empty, "{name}");
        assert!(is_error(name, 4, &[]), "{name}");
    }
}

#[test]
fn trailing_bytes_are_errors() {
    let decoded = chunk("wave", 1000);
    for name in ["blosc", "gzip", "lz4", "zstd"] {
        for junk in [&b"x"[..], b"\x1f\x8b", b"BZh9", b"\x28\xb5\x2f\xfd", &[1; 100]] {
            let encoded = [&encode(name, &decoded), junk].concat();
            assert!(is_error(name, 1000, &encoded), "{name} {junk:?}");
        }
        // The chunk twice over.
        assert!(is_error(name, 1000, &encode(name, &decoded).repeat(2)), "{name}");
    }
}

/// Python's `zlib`, `bz2` and `lzma` pass over what follows and is no stream.
#[test]
fn trailing_bytes_are_passed_over_where_python_does() {
    let decoded = chunk("wave", 1000);
    for name in ["bz2", "lzma", "zlib"] {
        let encoded = [&encode(name, &decoded)[..], &[1; 100]].concat();
        assert_eq!(decode(name, 1000, &encoded).unwrap(), decoded, "{name}");
    }
    let twice = |name| encode(name, &decoded).repeat(2);
    assert_eq!(decode("zlib", 1000, &twice("zlib")).unwrap(), decoded);
    for name in ["bz2", "lzma"] {
        assert!(is_error(name, 1000, &twice(name)), "{name}");
        assert_eq!(
            decode(name, 2000, &twice(name)).unwrap(),
            decoded.repeat(2),
            "{name}"
        );
        // The second stream is cut.
        let cut = &twice(name)[..twice(name).len() - 1];
        assert!(is_error(name, 2000, cut) && is_error(name, 1000, cut), "{name}");
    }
}

/// A gzip member with all the optional fields, each of them long.
#[test]
fn long_fields_of_gzip_are_read() {
    let plain = encode("gzip", &chunk("wave", 1000));
    let mut encoded = plain[..10].to_vec();
    encoded[3] = 0x04 | 0x08 | 0x10;
    encoded.extend_from_slice(&u16::MAX.to_le_bytes());
    encoded.extend_from_slice(&vec![b'e'; u16::MAX.into()]);
    for letter in *b"nc" {
        encoded.extend_from_slice(&vec![letter; 1 << 16]);
        encoded.push(0);
    }
    encoded.extend_from_slice(&plain[10..]);
    assert_eq!(decode("gzip", 1000, &encoded).unwrap(), chunk("wave", 1000));
}

#[test]
fn zstd_frames_that_cannot_be_are_errors() {
    let good = encode("zstd", &chunk("wave", 1000));
    let magic = &good[..4];
    for bad in [
        [&b"\x27"[..], &good[1..]].concat(),
        // A size of 2^63, a window of 2^41, a reserved bit, a dictionary.
        [magic, &[0xE0], &(1_u64 << 63).to_le_bytes(), &[1, 0, 0]].concat(),
        [magic, &[0x00, 31 << 3], &[1, 0, 0]].concat(),
        [magic, &[good[4] | 0x08], &good[5..]].concat(),
        [magic, &[0x21, 7, 0], &[1, 0, 0]].concat(),
    ] {
        assert!(is_error("zstd", 1000, &bad), "{bad:?}");
    }
}

fn blosc(change: impl Fn(&mut Vec<u8>)) -> bool {
    let mut frame = encode("blosc", &smooth(100_000));
    change(&mut frame);
    is_error("blosc", 100_000, &frame)
}

fn set(frame: &mut [u8], at: usize, value: u32) {
    frame[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn b42_blosc_headers_that_lie_are_errors() {
    assert!(!blosc(|_| ()));
    for format in [0, 1, 3, 4, 5, 255] {
        assert!(blosc(|frame| frame[0] = format), "format {format}");
    }
    for inner in [0, 2, 3, 4, 5, 6, 7] {
        assert!(
            blosc(|frame| frame[2] = frame[2] & 0x1F | inner << 5),
            "inner codec {inner}"
        );
    }
    assert!(blosc(|frame| frame[2] |= 0x08), "reserved flag");
    assert!(blosc(|frame| frame[2] |= 0x02), "stored flag");
    assert!(blosc(|frame| frame[3] = 0), "elements of no size");
    for size in [0, 1, 99_999, 100_001, 1 << 31, (1 << 31) - 1, u32::MAX] {
        assert!(blosc(|frame| set(frame, 4, size)), "decoded size {size}");
        assert!(blosc(|frame| set(frame, 12, size)), "frame size {size}");
    }
    for size in [0, 1, 2, 100_001, (1 << 31) - 1, u32::MAX] {
        assert!(blosc(|frame| set(frame, 8, size)), "block size {size}");
    }
    for offset in [0, 15, 16, 19, 99_999, (1 << 31) - 1, u32::MAX] {
        assert!(blosc(|frame| set(frame, 16, offset)), "offset {offset}");
    }
    assert!(blosc(|frame| frame.push(0)), "a byte more");
    for length in [0, 1, 15, 16, 17] {
        assert!(blosc(|frame| frame.truncate(length)), "cut to {length}");
    }
    for length in [u32::MAX, (1 << 31) - 1, 1 << 20] {
        assert!(
            blosc(|frame| {
                let block = u32::from_le_bytes(frame[16..20].try_into().unwrap()) as usize;
                set(frame, block, length);
            }),
            "stream of {length}"
        );
    }
}

#[test]
fn blosc_blocks_do_not_overlap() {
    let small = CodecConfig::of("blosc", json!({"blocksize": 4096, "shuffle": 0}));
    let codec = codec(&small.name, small.configuration.into(), 100_000);
    let decoded = smooth(100_000);
    let mut scratch = Scratch::default();
    let elements = ChunkRef {
        elements: &decoded,
        heap: &[],
    };
    let mut frame = codec.encode(elements, &mut scratch).unwrap().to_vec();
    assert!(!is_error("blosc", 100_000, &frame));
    frame.copy_within(16..20, 20);
    assert!(is_error("blosc", 100_000, &frame));
}

/// Every cut of a stored frame: the C library would read past its end.
#[test]
fn stored_blosc_frames_are_whole() {
    let decoded = chunk("noise", 120);
    let frame = encode("blosc", &decoded);
    assert_eq!(frame.len(), 136);
    for length in 0..frame.len() {
        let mut cut = frame[..length].to_vec();
        assert!(is_error("blosc", 120, &cut), "cut to {length}");
        if length >= 16 {
            set(&mut cut, 12, length as u32);
            assert!(
                is_error("blosc", 120, &cut),
                "cut to {length}, which the header says"
            );
        }
    }
}

#[test]
fn lz4_blocks_that_lie_are_errors() {
    let with_size = |size: i32, block: &[u8]| [&size.to_le_bytes()[..], block].concat();
    for (label, bad) in [
        ("size cut", vec![8, 0, 0]),
        ("size negative", with_size(-1, &[0])),
        ("size of 2^31 - 1", with_size(i32::MAX, &[0])),
        ("offset 0", with_size(8, &[0x13, b'a', 0, 0, 0])),
        ("offset before the start", with_size(8, &[0x13, b'a', 9, 0, 0])),
        ("literals cut", with_size(8, &[0x80, b'a'])),
        (
            "shorter than it says",
            with_size(8, &[0x40, b'a', b'b', b'c', b'd']),
        ),
    ] {
        assert!(is_error("lz4", 8, &bad), "{label}");
    }
}

#[test]
fn flipped_bits_are_found_by_checksums() {
    let decoded = chunk("noise", 200);
    for name in [
        "crc32c",
        "crc32",
        "adler32",
        "fletcher32",
        "gzip",
        "zlib",
        "bz2",
        "lzma",
    ] {
        let mut encoded = encode(name, &decoded);
        for bit in 0..encoded.len() * 8 {
            encoded[bit / 8] ^= 1 << (bit % 8);
            let result = decode(name, 200, &encoded);
            assert!(result.is_err() || result.unwrap() == decoded, "{name}: bit {bit}");
            encoded[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn b42_empty_chunks_come_back() {
    for name in COMPRESSED {
        let encoded = encode(name, &[]);
        assert_eq!(decode(name, 0, &encoded).unwrap(), [0_u8; 0], "{name}");
    }
}

#[test]
fn b42_gzip_writes_no_time_of_day() {
    assert_eq!(encode("gzip", b"text")[4..8], [0; 4]);
}
