//! The leaf chunks that a selection hits, shard by shard.

use std::ops::Range;

use crate::projection::{Part, Projection};

/// Which chunks of a group of a projection lie in which shard.
#[derive(Debug)]
pub(crate) struct Shards {
    hit: Hit,
}

#[derive(Debug)]
enum Hit {
    /// Of a product, the number of its first chunk, and for each dimension the number of chunks that are hit and which
    /// of them lie in which shard.
    Grid(usize, Vec<(usize, Vec<Range<usize>>)>),
    /// Of points, the numbers of chunks sorted by shard, and where each shard ends.
    Points(Vec<usize>, Vec<usize>),
}

impl Shards {
    /// Sorts the chunks of a group; `ratio` is the number of chunks along each dimension of a shard.
    pub(crate) fn new(projection: &Projection, group: usize, ratio: &[u64]) -> Self {
        let hit = match projection.dimensions(group) {
            Some(dimensions) => Hit::Grid(
                projection.group(group).start,
                dimensions
                    .zip(ratio)
                    .map(|(parts, ratio)| (parts.len(), groups(parts, *ratio)))
                    .collect(),
            ),
            None => points(projection, group, ratio),
        };
        Self { hit }
    }

    /// The number of shards.
    pub(crate) fn len(&self) -> usize {
        match &self.hit {
            Hit::Grid(_, dimensions) => dimensions.iter().map(|(_, groups)| groups.len()).product(),
            Hit::Points(_, ends) => ends.len(),
        }
    }

    /// The number of chunks that are hit in a shard.
    pub(crate) fn n_chunks(&self, shard: usize) -> usize {
        match &self.hit {
            Hit::Grid(_, dimensions) => {
                let mut number = shard;
                dimensions.iter().rev().fold(1, |count, (_, groups)| {
                    let group = &groups[number % groups.len()];
                    number /= groups.len();
                    count * group.len()
                })
            }
            Hit::Points(_, ends) => ends[shard] - start(ends, shard),
        }
    }

    /// The number in the projection of the chunk at a place among those of a shard.
    pub(crate) fn chunk(&self, shard: usize, place: usize) -> usize {
        match &self.hit {
            Hit::Grid(first, dimensions) => {
                let (mut shard, mut place, mut number, mut scale) = (shard, place, *first, 1);
                for (count, groups) in dimensions.iter().rev() {
                    let group = &groups[shard % groups.len()];
                    shard /= groups.len();
                    number += (group.start + place % group.len()) * scale;
                    place /= group.len();
                    scale *= count;
                }
                number
            }
            Hit::Points(chunks, ends) => chunks[start(ends, shard) + place],
        }
    }

    /// Cuts the chunks of all shards into pieces of at most so many, none of two shards.
    pub(crate) fn pieces(&self, n_chunks_max: usize) -> Vec<(usize, Range<usize>)> {
        let mut pieces = Vec::new();
        for shard in 0..self.len() {
            let count = self.n_chunks(shard);
            let starts = (0..count).step_by(n_chunks_max.max(1));
            pieces.extend(starts.map(|start| (shard, start..count.min(start + n_chunks_max.max(1)))));
        }
        pieces
    }
}

fn start(ends: &[usize], shard: usize) -> usize {
    shard.checked_sub(1).map_or(0, |before| ends[before])
}

/// The places of the chunks of each shard along one dimension.
fn groups(parts: &[Part], ratio: u64) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut last = None;
    for (place, part) in parts.iter().enumerate() {
        let shard = part.chunk / ratio;
        match groups.last_mut().filter(|_| last == Some(shard)) {
            Some(group) => group.end = place + 1,
            None => groups.push(place..place + 1),
        }
        last = Some(shard);
    }
    groups
}

fn points(projection: &Projection, group: usize, ratio: &[u64]) -> Hit {
    let mut parts = Vec::new();
    let mut sorted: Vec<(Vec<u64>, usize)> = projection
        .group(group)
        .map(|number| {
            let coords = projection.chunk(number, &mut parts).coords();
            (
                coords.zip(ratio).map(|(coord, ratio)| coord / ratio).collect(),
                number,
            )
        })
        .collect();
    sorted.sort();
    let ends = (1..=sorted.len()).filter(|&place| {
        let next = sorted.get(place).map(|(shard, _)| shard);
        next != Some(&sorted[place - 1].0)
    });
    let ends = ends.collect();
    Hit::Points(sorted.into_iter().map(|(_, number)| number).collect(), ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Selection,
        projection::{Layout, Projection},
    };

    /// The coordinates of the chunks of each shard.
    fn chunks(selection: &Selection, shape: &[u64], ratio: &[u64]) -> Vec<Vec<Vec<u64>>> {
        let ones = vec![1; shape.len()];
        let layout = Layout {
            shape,
            chunk_shape: &ones,
            strides: vec![1; shape.len()],
        };
        let region = selection.resolve(shape, &ones).unwrap();
        let projection = Projection::new(&region, layout).unwrap();
        let shards = Shards::new(&projection, 0, ratio);
        let coords = |shard, place| {
            let number = shards.chunk(shard, place);
            projection.chunk(number, &mut Vec::new()).coords().collect()
        };
        (0..shards.len())
            .map(|shard| {
                (0..shards.n_chunks(shard))
                    .map(|place| coords(shard, place))
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_chunk_is_in_one_shard() {
        assert_eq!(
            chunks(&Selection::parse("1:3, 2").unwrap(), &[4, 4], &[2, 2]),
            [vec![vec![1, 2]], vec![vec![2, 2]]]
        );
        assert_eq!(
            chunks(&Selection::all(), &[3, 3], &[2, 2]),
            [
                vec![vec![0, 0], vec![0, 1], vec![1, 0], vec![1, 1]],
                vec![vec![0, 2], vec![1, 2]],
                vec![vec![2, 0], vec![2, 1]],
                vec![vec![2, 2]]
            ]
        );
        let points = Selection::coordinates([[3, 0, 1, 0], [0, 3, 1, 0]]);
        assert_eq!(
            chunks(&points, &[4, 4], &[2, 2]),
            [vec![vec![0, 0], vec![1, 1]], vec![vec![0, 3]], vec![vec![3, 0]]]
        );
    }
}
