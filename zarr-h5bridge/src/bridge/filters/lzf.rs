//! LZF, h5py's own filter.
//!
//! ```text
//! 000lllll                            l + 1 bytes follow as they are
//! lllooooo oooooooo                   l + 2 bytes again, from o + 1 bytes back; l is 1 to 6
//! 111ooooo llllllll oooooooo          l + 9 bytes again, from o + 1 bytes back
//! ```

use std::sync::Arc;

use zarr_convenience::core::codecs::{BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, Result};

pub(super) const NAME: &str = "hdf5.lzf";

/// How the registry knows the codec; only chunks of HDF5 files are decoded by it.
pub(super) const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::BytesToBytes,
    doc: "LZF, as h5py writes it",
    feature: None,
    build: |_, _| Ok(Codec::BytesToBytes(Arc::new(Lzf))),
};

/// How far back what is repeated may begin.
const BACK_MAX: usize = 1 << 13;
/// How many bytes may be repeated at once.
const REPEATED_MAX: usize = 255 + 9;

#[derive(Debug)]
struct Lzf;

/// Adds bytes as they are.
fn push_literals(bytes: &[u8], out: &mut Vec<u8>) {
    for run in bytes.chunks(32) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

impl BytesToBytes for Lzf {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        /// Where three bytes were seen last, by their hash.
        const PLACES: usize = 1 << 14;
        let mut places = vec![usize::MAX; PLACES];
        let hash = |at: usize| {
            let three = u32::from_le_bytes([decoded[at], decoded[at + 1], decoded[at + 2], 0]);
            (three.wrapping_mul(0x9e37_79b1) >> 18) as usize
        };
        let (mut at, mut literal) = (0, 0);
        while at + 3 <= decoded.len() {
            let place = std::mem::replace(&mut places[hash(at)], at);
            let is_near = place < at && at - place <= BACK_MAX;
            if !is_near || decoded[place..place + 3] != decoded[at..at + 3] {
                at += 1;
                continue;
            }
            let longest = (decoded.len() - at).min(REPEATED_MAX);
            let length = (3..longest)
                .find(|length| decoded[place + length] != decoded[at + length])
                .unwrap_or(longest);
            push_literals(&decoded[literal..at], out);
            let back = at - place - 1;
            let high = (back >> 8) as u8;
            match length {
                3..=8 => out.push((length as u8 - 2) << 5 | high),
                _ => out.extend([7 << 5 | high, (length - 9) as u8]),
            }
            out.push(back as u8);
            at += length;
            literal = at;
        }
        push_literals(&decoded[literal..], out);
        Ok(())
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let mut input = encoded.iter();
        let mut made = 0_usize;
        let cut = || CodecError::corrupt(NAME, "it ends early");
        let room = out.len();
        let too_large = || CodecError::too_large(NAME, room);
        while let Some(&control) = input.next() {
            let high = usize::from(control >> 5);
            if high == 0 {
                let length = usize::from(control) + 1;
                let (literal, rest) = input.as_slice().split_at_checked(length).ok_or_else(cut)?;
                let target = out.get_mut(made..made + length).ok_or_else(too_large)?;
                target.copy_from_slice(literal);
                input = rest.iter();
                made += length;
                continue;
            }
            let mut byte = || input.next().map(|byte| usize::from(*byte)).ok_or_else(cut);
            let length = if high == 7 { byte()? + 9 } else { high + 2 };
            let back = (usize::from(control & 0x1f) << 8) + byte()? + 1;
            let start = made.checked_sub(back);
            let start = start
                .ok_or_else(|| CodecError::corrupt(NAME, "it repeats what lies before its beginning"))?;
            let end = made + length;
            if end > room {
                return Err(too_large());
            }
            if back >= length {
                out.copy_within(start..start + length, made);
            } else {
                // What is repeated may reach into what it makes.
                for place in made..end {
                    out[place] = out[place - back];
                }
            }
            made = end;
        }
        Ok(made)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        decoded.saturating_add(decoded / 16).saturating_add(64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(encoded: &[u8], expected: Option<&[u8]>) {
        let mut out = [0; 40];
        let decoded = Lzf.decode(encoded, &mut out).ok().map(|size| &out[..size]);
        assert_eq!(decoded, expected);
    }

    #[test]
    fn runs_and_repetitions_are_decoded() {
        check(b"", Some(b""));
        check(b"\x02abc", Some(b"abc"));
        check(b"\x02abc\x20\x02", Some(b"abcabc"));
        check(b"\x00a\xe0\x01\x00", Some(b"aaaaaaaaaaa"));
        check(b"\x01ab\x40\x01\x00!", Some(b"ababab!"));
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let long: Vec<u8> = (0..20_000_u32).map(|n| (n * n / 70 % 251) as u8).collect();
        for decoded in [&b""[..], b"ab", b"abcabcabcabcabcabcabc", &[0; 5000], &long] {
            let mut encoded = Vec::new();
            Lzf.encode(decoded, &mut encoded).expect("it encodes");
            assert!(encoded.len() <= Lzf.encoded_size_max(decoded.len()));
            let mut out = vec![0; decoded.len()];
            assert_eq!(Lzf.decode(&encoded, &mut out).ok(), Some(decoded.len()));
            assert_eq!(out, decoded);
        }
    }

    #[test]
    fn damage_is_an_error() {
        check(b"\x02ab", None);
        check(b"\x00a\x20", None);
        check(b"\x00a\xe0\x01", None);
        check(b"\x00a\x20\x01", None);
        check(b"\x00a\xe0\xff\x00", None);
        check(
            b"\x1f0123456789012345678901234567890\x1f01234567890123456789012345678901",
            None,
        );
    }
}
