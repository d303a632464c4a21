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

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    Points, RectilinearGrid, Region, Result,
    chunk_copy::Place,
    chunk_edges::Located,
    points::{ChunkPoints, Locate},
    projection::{Group, Part, Projection, cut},
};

/// An array in a rectilinear grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uneven<'a> {
    pub(crate) shape: &'a [u64],
    pub(crate) grid: &'a RectilinearGrid,
    /// The shape of the innermost chunks, where chunks are shards.
    pub(crate) leaf_shape: Option<&'a [u64]>,
}

/// What of one dimension lies in chunks of one length; groups share it.
struct Class {
    edge: u64,
    parts: Arc<[Part]>,
    /// Those of a list.
    places: Arc<[Place]>,
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
                let classes: Vec<_> = dimensions
                    .iter()
                    .enumerate()
                    .map(|(axis, positions)| {
                        let (parts, places) = cut(positions, self.shape[axis], |position| {
                            self.locate(axis, position)
                        });
                        self.classes(axis, &parts, &places)
                    })
                    .collect();
                Self::product(&classes, strides)
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
    fn classes(self, axis: usize, parts: &[Part], places: &[Place]) -> Vec<Class> {
        let mut found: BTreeMap<u64, (Vec<Part>, Vec<Place>)> = BTreeMap::new();
        for part in parts {
            let origin = self.shape[axis] - part.room;
            let edge = self.grid.edges()[axis].locate(origin).edge;
            let (own_parts, own_places) = found.entry(edge).or_default();
            let mut part = *part;
            if part.is_list {
                let own = &places[part.start as usize..(part.start + part.count) as usize];
                part.start = own_places.len() as u64;
                own_places.extend_from_slice(own);
            }
            own_parts.push(part);
        }
        let class = |(edge, (parts, places)): (u64, (Vec<Part>, Vec<Place>))| Class {
            edge,
            parts: parts.into(),
            places: places.into(),
        };
        found.into_iter().map(class).collect()
    }

    /// The groups of every combination of lengths.
    fn product(
        classes: &[Vec<Class>],
        strides: &mut dyn FnMut(Vec<u64>) -> Result<Vec<usize>>,
    ) -> Result<Projection> {
        let mut groups = Vec::new();
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
            let mut group = Group::new(strides(chosen.iter().map(|class| class.edge).collect())?);
            for class in chosen {
                group.push(Arc::clone(&class.parts), Arc::clone(&class.places));
            }
            groups.push(group);
        }
        Ok(Projection::of_groups(groups))
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
        let mut groups = Vec::new();
        for (chunk_shape, outs) in chosen {
            let layout = PointLayout {
                array: self,
                strides: strides(chunk_shape.clone())?,
                chunk_shape: &chunk_shape,
            };
            let points = ChunkPoints::new(points, outs, &layout)?;
            groups.push(Group::of_points(points, layout.strides));
        }
        Ok(Projection::of_groups(groups))
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
