//! Cutting a region at the borders of a rectilinear grid, by the shapes of its chunks.
//!
//! The chunks of one shape are a product of those that have one length along each dimension, so that of each shape
//! all is known that is known of the chunks of a regular grid: their codecs, and how their elements lie in memory.
//!
//! ```text
//!            3   3    5   3
//!          +---+---+-----+---+
//!        2 | a | a |  b  | a |     a, b, c, d: the groups of chunks
//!          +---+---+-----+---+
//!        4 | c | c |  d  | c |
//!          +---+---+-----+---+
//! ```
//!
//! Where chunks are shards, it is their inner chunks that are counted. They are numbered on within each shard, as if
//! all shards of a group were as many as the grid has: then a division by the number of those in a shard gives the
//! shard, as in a regular grid.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    Points, RectilinearGrid, Region, Result,
    chunk_edges::Located,
    points::{ChunkPoints, Locate},
    projection::Projection,
};

/// An array in a rectilinear grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uneven<'a> {
    pub(crate) shape: &'a [u64],
    pub(crate) grid: &'a RectilinearGrid,
    /// The shape of the innermost chunks, where chunks are shards.
    pub(crate) leaf_shape: Option<&'a [u64]>,
}

/// What of one dimension lies in chunks of one length: a range of the parts, which groups share.
struct Class {
    edge: u64,
    parts: Range<usize>,
}

impl Uneven<'_> {
    /// Cuts a region; `strides` is asked, for the shape of each group's chunks, how their elements lie in memory.
    ///
    /// # Errors
    /// Those of `strides`, and [`crate::Error::Selection`] for points in a grid whose chunks cannot be counted.
    pub(crate) fn project(
        self,
        region: &Region,
        strides: &mut dyn FnMut(Vec<u64>) -> Result<Vec<usize>>,
    ) -> Result<Projection> {
        match region {
            Region::Points(points) => self.points(points, strides),
            Region::Grid(dimensions) => {
                let mut projection = Projection::default();
                let classes: Vec<_> = dimensions
                    .iter()
                    .enumerate()
                    .map(|(axis, positions)| {
                        let locate = |position| self.locate(axis, position);
                        let parts = projection.cut(positions, self.shape[axis], locate);
                        self.classes(axis, parts, &mut projection)
                    })
                    .collect();
                Self::product(projection, &classes, strides)
            }
        }
    }

    /// The innermost chunk of an element, numbered on within its shard.
    fn locate(self, axis: usize, position: u64) -> Located {
        let chunk = self.grid.edges()[axis].locate(position);
        let Some(leaf_shape) = self.leaf_shape else {
            return chunk;
        };
        let edge = leaf_shape[axis];
        let within = (position - chunk.origin) / edge;
        Located {
            chunk: chunk
                .chunk
                .saturating_mul(chunk.edge / edge)
                .saturating_add(within),
            origin: chunk.origin + within * edge,
            edge,
        }
    }

    /// Sorts the parts of a dimension by the length of their chunks.
    fn classes(self, axis: usize, range: Range<usize>, projection: &mut Projection) -> Vec<Class> {
        let edges = &self.grid.edges()[axis];
        let edge = |room: u64| edges.locate(self.shape[axis] - room).edge;
        let start = range.start;
        let parts = &mut projection.parts()[range];
        parts.sort_by_cached_key(|part| edge(part.room));
        let mut classes: Vec<Class> = Vec::new();
        for (place, part) in (start..).zip(parts) {
            let edge = edge(part.room);
            match classes.last_mut() {
                Some(last) if last.edge == edge => last.parts.end = place + 1,
                _ => classes.push(Class {
                    edge,
                    parts: place..place + 1,
                }),
            }
        }
        classes
    }

    /// The groups of every combination of lengths.
    fn product(
        mut projection: Projection,
        classes: &[Vec<Class>],
        strides: &mut dyn FnMut(Vec<u64>) -> Result<Vec<usize>>,
    ) -> Result<Projection> {
        let n_groups: usize = classes.iter().map(Vec::len).product();
        for number in 0..n_groups {
            let mut number = number;
            let mut chosen: Vec<_> = classes
                .iter()
                .rev()
                .map(|classes| {
                    let class = &classes[number % classes.len()];
                    number /= classes.len();
                    class
                })
                .collect();
            chosen.reverse();
            let strides = strides(chosen.iter().map(|class| class.edge).collect())?;
            projection.push_grid(chosen.iter().map(|class| class.parts.clone()).collect(), strides);
        }
        Ok(projection)
    }

    fn points(
        self,
        points: &Points,
        strides: &mut dyn FnMut(Vec<u64>) -> Result<Vec<usize>>,
    ) -> Result<Projection> {
        let mut chosen: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
        for out in 0..points.count as usize {
            let coords = points.coords.iter().zip(self.grid.edges());
            let edges = coords.map(|(coords, edges)| edges.locate(coords[out]).edge);
            chosen.entry(edges.collect()).or_default().push(out);
        }
        let mut projection = Projection::default();
        for (chunk_shape, outs) in chosen {
            let layout = PointLayout {
                array: self,
                strides: strides(chunk_shape.clone())?,
                chunk_shape: &chunk_shape,
            };
            let points = ChunkPoints::new(points, outs, &layout)?;
            projection.push_points(points, layout.strides);
        }
        Ok(projection)
    }
}

/// How points lie in chunks of one shape.
struct PointLayout<'a> {
    array: Uneven<'a>,
    chunk_shape: &'a [u64],
    strides: Vec<usize>,
}

impl Locate for PointLayout<'_> {
    fn grid(&self) -> Vec<u64> {
        let edges = self.array.grid.edges().iter().zip(self.array.shape);
        let counts = edges.enumerate().map(|(axis, (edges, length))| {
            let leaves = self
                .array
                .leaf_shape
                .map_or(1, |leaf| self.chunk_shape[axis] / leaf[axis]);
            edges.n_chunks(*length).saturating_mul(leaves.max(1))
        });
        counts.collect()
    }

    fn locate(&self, axis: usize, position: u64) -> Located {
        self.array.locate(axis, position)
    }

    fn room(&self, axis: usize, position: u64) -> u64 {
        self.array.shape[axis] - position
    }

    fn strides(&self) -> &[usize] {
        &self.strides
    }
}
