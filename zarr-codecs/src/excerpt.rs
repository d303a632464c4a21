//! Parts of encoded chunks that are read and decoded alone.

use std::ops::Range;

use crate::{ChunkCodec, CodecError, Result, Scratch, chain::reserve};

/// What of an encoded value makes a value of its own, which decodes to a part of what the whole decodes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// How that value begins; the bytes of the ranges follow.
    pub head: Vec<u8>,
    /// Ranges of the whole value, in the order in which they follow; none is empty.
    pub ranges: Vec<Range<u64>>,
    /// Where in the decoded whole the part lies, in bytes.
    pub part: Range<usize>,
}

impl ChunkCodec {
    /// How many bytes at the beginning of an encoded chunk are worth reading to find a part of it
    /// ([`ChunkCodec::excerpt`]); `None` where parts cannot be found.
    pub fn head_size(&self) -> Option<usize> {
        self.only_stage()?.head_size(self.decoded_size())
    }

    /// Finds a part of the decoded bytes in an encoded chunk of so many bytes that begins with `head`.
    pub fn excerpt(&self, head: &[u8], encoded_size: u64, part: Range<usize>) -> Option<Excerpt> {
        let codec = self.only_stage()?;
        if encoded_size > self.encoded_size_max() {
            return None;
        }
        let excerpt = codec.excerpt(head, (encoded_size, self.decoded_size()), part)?;
        let is_inside = |range: &Range<u64>| range.start < range.end && range.end <= encoded_size;
        // Ranges that overlap could be any number of times as long as the value.
        let length = |range: &Range<u64>| range.end.saturating_sub(range.start);
        let fits = excerpt.ranges.iter().map(length).sum::<u64>() <= encoded_size
            && excerpt.part.end <= self.decoded_size()
            && excerpt.ranges.iter().all(is_inside);
        fits.then_some(excerpt)
    }

    /// Decodes the value of an excerpt, its head with its ranges behind it: the elements of its part.
    ///
    /// # Errors
    /// As [`ChunkCodec::decode_part`].
    pub fn decode_excerpt<'a>(
        &self,
        excerpt: &Excerpt,
        value: &[u8],
        wanted: Range<usize>,
        scratch: &'a mut Scratch,
    ) -> Result<&'a [u8]> {
        let Some(codec) = self.only_stage() else {
            return Err(CodecError::value("chunk", "no part of it can be decoded alone"));
        };
        let Range { start, end } = excerpt.part;
        let elements = &mut scratch.chunk.elements;
        reserve(elements, end - start)?;
        let wanted = wanted.start.saturating_sub(start)..wanted.end.saturating_sub(start);
        let size = codec.decode_part(value, wanted, elements)?;
        if size != elements.len() {
            return Err(CodecError::Size {
                expected: elements.len() as u64,
                got: size as u64,
            });
        }
        Ok(elements)
    }
}

#[cfg(all(test, feature = "blosc"))]
mod tests {
    use super::*;
    use crate::{CodecChain, CodecConfig, CodecRegistry, DataType, Limits, testing::smooth};
    use serde_json::json;

    #[test]
    fn blocks_that_overlap_are_left_to_the_whole_chunk() {
        let registry = CodecRegistry::default();
        let codecs = [
            json!({"name": "bytes"}),
            json!({
                "name": "blosc",
                "configuration": {"cname": "lz4", "clevel": 5, "shuffle": "noshuffle", "blocksize": 65536, "typesize": 1},
            }),
        ];
        let codecs: Vec<_> = codecs
            .map(|codec| CodecConfig::from_json(codec).unwrap())
            .to_vec();
        let chain = CodecChain::new(&codecs, &registry, &Limits::default()).unwrap();
        let spec = crate::testing::spec(&[1 << 20], DataType::UInt8);
        let codec = chain.for_chunk(spec, &Limits::default()).unwrap();
        let mut scratch = Scratch::default();
        let elements = smooth(1 << 20);
        let chunk = crate::ChunkRef {
            elements: &elements,
            heap: &[],
        };
        let mut frame = codec.encode(chunk, &mut scratch).unwrap().to_vec();
        let size = frame.len() as u64;
        assert!(codec.head_size().unwrap() < 1000);
        let excerpt = codec.excerpt(&frame, size, 0..1 << 20).unwrap();
        assert_eq!(excerpt.part, 0..1 << 20);
        // Every block begins where the first one does.
        let first = frame[16..20].to_vec();
        for entry in frame[16..16 + 64].chunks_exact_mut(4) {
            entry.copy_from_slice(&first);
        }
        assert_eq!(codec.excerpt(&frame, size, 0..1 << 20), None);
        assert_eq!(codec.excerpt(&frame, u64::MAX, 0..10), None);
    }
}
