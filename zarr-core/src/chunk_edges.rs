//! Chunks of different lengths along a dimension (registered extension `rectilinear`).
//!
//! Lengths are kept as runs of equal ones, so that memory goes with the document and not with what it claims.

use std::num::NonZeroU64;

use serde_json::{Value, json};

/// So many chunks of one length, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Run {
    edge: u64,
    count: u64,
    /// The position of the first chunk in the grid.
    first: u64,
    /// The first element.
    origin: u64,
}

/// The lengths of the chunks along one dimension.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChunkEdges {
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    /// All chunks have the same length, as many as there need to be.
    Each(NonZeroU64),
    /// At least one, of which neighbours differ in length.
    Runs(Vec<Run>),
}

/// The chunk that an element lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Located {
    /// The position of the chunk in the grid.
    pub(crate) chunk: u64,
    /// The first element of the chunk.
    pub(crate) origin: u64,
    /// The length of the chunk.
    pub(crate) edge: u64,
}

impl ChunkEdges {
    /// Chunks of one length, as many as there need to be; `None` for 0.
    pub fn each(edge: u64) -> Option<Self> {
        let edge = NonZeroU64::new(edge)?;
        Some(Self {
            kind: Kind::Each(edge),
        })
    }

    /// Chunks of these lengths, each given as often as the number behind it says.
    ///
    /// `None` if there are none, if a length or a number is 0, and if all together are longer than an array may be.
    pub fn runs(runs: impl IntoIterator<Item = (u64, u64)>) -> Option<Self> {
        let mut list: Vec<Run> = Vec::new();
        let (mut first, mut origin) = (0_u64, 0_u64);
        for (edge, count) in runs {
            if edge == 0 || count == 0 {
                return None;
            }
            match list.last_mut() {
                Some(last) if last.edge == edge => last.count = last.count.checked_add(count)?,
                _ => list.push(Run {
                    edge,
                    count,
                    first,
                    origin,
                }),
            }
            first = first.checked_add(count)?;
            origin = origin.checked_add(edge.checked_mul(count)?)?;
        }
        let is_there = !list.is_empty() && i64::try_from(origin).is_ok();
        is_there.then_some(Self {
            kind: Kind::Runs(list),
        })
    }

    /// Chunks of these lengths, one after the other; `None` where [`ChunkEdges::runs`] says so.
    pub fn list(lengths: &[u64]) -> Option<Self> {
        Self::runs(lengths.iter().map(|length| (*length, 1)))
    }

    /// The length that all chunks have, if they are as many as there need to be.
    pub const fn step(&self) -> Option<u64> {
        match &self.kind {
            Kind::Each(edge) => Some(edge.get()),
            Kind::Runs(_) => None,
        }
    }

    /// The longest length.
    pub fn longest(&self) -> u64 {
        match &self.kind {
            Kind::Each(edge) => edge.get(),
            Kind::Runs(runs) => runs.iter().map(|run| run.edge).max().unwrap_or(1),
        }
    }

    /// The lengths, each once, in the order in which they come first.
    pub fn lengths(&self) -> Vec<u64> {
        match &self.kind {
            Kind::Each(edge) => vec![edge.get()],
            Kind::Runs(runs) => {
                let mut seen = std::collections::HashSet::new();
                let edges = runs.iter().map(|run| run.edge);
                edges.filter(|edge| seen.insert(*edge)).collect()
            }
        }
    }

    /// Whether the chunks reach to the end of a dimension of this length.
    pub fn covers(&self, length: u64) -> bool {
        self.end().is_none_or(|end| end >= length)
    }

    /// Where the chunks end; `None` if there are as many as there need to be.
    fn end(&self) -> Option<u64> {
        match &self.kind {
            Kind::Each(_) => None,
            Kind::Runs(runs) => runs.last().map(|last| last.origin + last.edge * last.count),
        }
    }

    /// The number of chunks that have elements of a dimension of this length.
    pub fn n_chunks(&self, length: u64) -> u64 {
        match length.checked_sub(1) {
            Some(last) => self.locate(last).chunk + 1,
            None => 0,
        }
    }

    /// The chunk of an element.
    pub(crate) fn locate(&self, position: u64) -> Located {
        match &self.kind {
            Kind::Each(edge) => {
                let chunk = position / *edge;
                Located {
                    chunk,
                    origin: chunk * edge.get(),
                    edge: edge.get(),
                }
            }
            Kind::Runs(runs) => {
                let next = runs.partition_point(|run| run.origin <= position);
                let run = runs[next.max(1) - 1];
                let within = ((position - run.origin) / run.edge).min(run.count - 1);
                run.at(within)
            }
        }
    }

    /// A chunk by its position in the grid; one behind the last begins where that ends.
    pub(crate) fn chunk(&self, chunk: u64) -> Located {
        match &self.kind {
            Kind::Each(edge) => Located {
                chunk,
                origin: chunk.saturating_mul(edge.get()),
                edge: edge.get(),
            },
            Kind::Runs(runs) => {
                let next = runs.partition_point(|run| run.first <= chunk);
                let run = runs[next.max(1) - 1];
                run.at((chunk - run.first).min(run.count))
            }
        }
    }

    /// The chunks of a dimension that has got another length: what is not covered becomes one chunk more, as in
    /// zarr-python; chunks behind the end stay, and are there again when the dimension grows.
    ///
    /// The new chunk is a multiple of `unit` long, which is that of the inner chunks of shards.
    pub(crate) fn resized(&self, length: u64, unit: u64) -> Self {
        match (&self.kind, self.end()) {
            (Kind::Runs(runs), Some(end)) if end < length => {
                let known = runs.iter().map(|run| (run.edge, run.count));
                let added = (length - end).div_ceil(unit).saturating_mul(unit);
                Self::runs(known.chain([(added, 1)])).unwrap_or_else(|| self.clone())
            }
            _ => self.clone(),
        }
    }

    /// The form in which documents have them; that of zarr-python where there are several.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Each(edge) => json!(edge),
            Kind::Runs(runs) => {
                let run = |run: &Run| match run.count {
                    1 => json!(run.edge),
                    count => json!([run.edge, count]),
                };
                runs.iter().map(run).collect()
            }
        }
    }

    /// Reads the form that documents have: a length, or a list of lengths and of pairs of a length and a number.
    ///
    /// `None` for anything else.
    pub fn from_json(value: &Value) -> Option<Self> {
        let whole = |value: &Value| value.as_u64().filter(|length| i64::try_from(*length).is_ok());
        let Some(items) = value.as_array() else {
            return Self::each(whole(value)?);
        };
        let run = |item: &Value| match item.as_array().map(Vec::as_slice) {
            None => Some((whole(item)?, 1)),
            Some([edge, count]) => Some((whole(edge)?, whole(count)?)),
            Some(_) => None,
        };
        Self::runs(items.iter().map(run).collect::<Option<Vec<_>>>()?)
    }
}

impl Run {
    fn at(self, within: u64) -> Located {
        Located {
            chunk: self.first + within,
            origin: self.origin + within * self.edge,
            edge: self.edge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(json: &Value) -> ChunkEdges {
        ChunkEdges::from_json(json).unwrap()
    }

    /// The examples of the extension's text, with their meaning as it is given there.
    #[test]
    fn run_lengths_mean_what_the_extension_says() {
        let examples: [(Value, &[u64]); 5] = [
            (json!([[2, 3]]), &[2, 2, 2]),
            (json!([[1, 6]]), &[1, 1, 1, 1, 1, 1]),
            (json!([1, [2, 1], 3]), &[1, 2, 3]),
            (json!([[1, 3], 3]), &[1, 1, 1, 3]),
            (json!([6]), &[6]),
        ];
        for (json, lengths) in examples {
            let edges = edges(&json);
            assert_eq!(edges, ChunkEdges::list(lengths).unwrap());
            assert_eq!(edges.n_chunks(6), lengths.len() as u64);
            let mut position = 0;
            for (chunk, &edge) in lengths.iter().enumerate() {
                let expected = Located {
                    chunk: chunk as u64,
                    origin: position,
                    edge,
                };
                assert_eq!(edges.chunk(chunk as u64), expected);
                for _ in 0..edge {
                    assert_eq!(edges.locate(position), expected);
                    position += 1;
                }
            }
            assert!(edges.covers(6) && !edges.covers(7));
        }
    }

    #[test]
    fn claims_take_no_memory_and_nonsense_is_refused() {
        let long = edges(&json!([[1, 1_u64 << 62], 5]));
        assert_eq!(long.locate((1 << 62) + 4).chunk, 1 << 62);
        let bad = [
            json!([]),
            json!(0),
            json!(-1),
            json!(1.5),
            json!("3"),
            json!([0]),
            json!([[3, 0]]),
            json!([[0, 3]]),
            json!([[3]]),
            json!([[3, 1, 1]]),
            json!([null]),
            json!([[1_u64 << 40, 1_u64 << 40]]),
            json!([u64::MAX]),
        ];
        for json in bad {
            assert_eq!(ChunkEdges::from_json(&json), None, "{json}");
        }
    }

    #[test]
    fn a_dimension_that_grows_gets_one_chunk_more() {
        let grown = edges(&json!([3, [2, 2]])).resized(12, 1);
        assert_eq!(grown.to_json(), json!([3, [2, 2], 5]));
        assert_eq!(grown.resized(4, 1), grown);
        assert_eq!(grown.n_chunks(4), 2);
        // Of shards, the inner chunks divide it.
        assert_eq!(edges(&json!([4, 8])).resized(13, 4).to_json(), json!([4, 8, 4]));
        assert_eq!(edges(&json!(4)).resized(90, 1).to_json(), json!(4));
    }
}
