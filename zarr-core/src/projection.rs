//! Which part of which chunk goes where.

use std::ops::Range;

use crate::{
    Extent, Positions, Region, Result,
    chunk_copy::{ChunkCopy, Ends, List, Place},
    chunk_edges::Located,
    fields::Piece,
    points::{ChunkPoints, are_all},
    strided::{Dimension, Item, StridedCopy},
};

/// How an array lies in chunks of one shape, and the elements of a chunk in memory.
#[derive(Debug, Clone)]
pub(crate) struct Layout<'a> {
    pub(crate) shape: &'a [u64],
    pub(crate) chunk_shape: &'a [u64],
    /// The distances in bytes of the elements of a chunk, one a dimension.
    pub(crate) strides: Vec<usize>,
}

impl Layout<'_> {
    /// The chunk of an element along a dimension.
    pub(crate) fn locate(&self, axis: usize, position: u64) -> Located {
        let edge = self.chunk_shape[axis];
        let chunk = position / edge;
        Located {
            chunk,
            origin: chunk * edge,
            edge,
        }
    }
}

/// What of one dimension lies in one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// The position of the chunk in the grid.
    pub(crate) chunk: u64,
    /// The first element, counted from the beginning of the chunk; of a list, the first of its places among those of
    /// the projection.
    pub(crate) start: u64,
    /// The number of elements.
    pub(crate) count: u64,
    /// The distance of elements.
    pub(crate) step: u64,
    /// The place of the first element in the selection.
    pub(crate) out: u64,
    /// The number of elements that the array has from the beginning of the chunk on.
    pub(crate) room: u64,
    /// Whether these are all elements that the array has in the chunk.
    pub(crate) is_whole: bool,
    /// Whether the elements are those of a list, and step and place have no meaning.
    pub(crate) is_list: bool,
}

impl Part {
    /// Those of a list, among the places of the projection.
    fn places(&self) -> Range<usize> {
        self.start as usize..(self.start + self.count) as usize
    }
}

/// The chunks that a selection hits, each as a number from 0 to [`Projection::n_chunks`].
///
/// What dimensions hit lies in common lists, of which groups have ranges, so that a region of a regular grid takes
/// but few allocations and groups share what they have in common.
#[derive(Debug, Default)]
pub(crate) struct Projection {
    /// What lies in the chunks along a dimension, one dimension after the other.
    parts: Vec<Part>,
    /// The places of dimensions that are lists, by chunk, and of one chunk in the order of the list; counted in
    /// elements.
    places: Vec<Place>,
    /// Those of one shape each; a regular grid has one.
    groups: Vec<Group>,
}

/// The chunks of one shape that a selection hits.
#[derive(Debug)]
struct Group {
    /// The number of the first chunk.
    first: usize,
    chunks: Chunks,
    /// Of the elements of a chunk in memory, in bytes, one a dimension.
    strides: Vec<usize>,
}

#[derive(Debug)]
enum Chunks {
    /// The product of those hit along each dimension, in C order; these are a range of the parts.
    Grid(Vec<Range<usize>>),
    Points(ChunkPoints),
}

impl Projection {
    /// Cuts a region at the borders of chunks of one shape.
    ///
    /// # Errors
    /// [`crate::Error::Selection`] for points in a grid whose chunks cannot be counted.
    pub(crate) fn new(region: &Region, layout: Layout<'_>) -> Result<Self> {
        let mut projection = Self::default();
        match region {
            Region::Points(points) => {
                let points = ChunkPoints::new(points, 0..points.count as usize, &layout)?;
                projection.push_points(points, layout.strides);
            }
            Region::Grid(dimensions) => {
                // Most of what is read lies in one or two chunks along a dimension.
                projection.parts.reserve(2 * dimensions.len());
                let cuts = dimensions.iter().enumerate().map(|(axis, positions)| {
                    let length = layout.shape[axis];
                    projection.cut(positions, length, |position| layout.locate(axis, position))
                });
                let cuts = cuts.collect();
                projection.push_grid(cuts, layout.strides);
            }
        }
        Ok(projection)
    }

    /// Cuts what is selected of a dimension at the borders of chunks; gives the range of the parts.
    pub(crate) fn cut(
        &mut self,
        positions: &Positions,
        length: u64,
        locate: impl Fn(u64) -> Located,
    ) -> Range<usize> {
        let start = self.parts.len();
        match positions {
            Positions::Steps(extent) => split(*extent, length, locate, &mut self.parts),
            Positions::List(positions) => {
                sort(positions, length, locate, (&mut self.parts, &mut self.places));
            }
        }
        start..self.parts.len()
    }

    /// The parts, for those who sort them before they make groups.
    pub(crate) const fn parts(&mut self) -> &mut Vec<Part> {
        &mut self.parts
    }

    /// Adds a group of the chunks that are a product of parts.
    pub(crate) fn push_grid(&mut self, dimensions: Vec<Range<usize>>, strides: Vec<usize>) {
        self.push(Chunks::Grid(dimensions), strides);
    }

    /// Adds a group of points.
    pub(crate) fn push_points(&mut self, points: ChunkPoints, strides: Vec<usize>) {
        self.push(Chunks::Points(points), strides);
    }

    fn push(&mut self, chunks: Chunks, strides: Vec<usize>) {
        let first = self.n_chunks();
        self.groups.push(Group {
            first,
            chunks,
            strides,
        });
    }

    /// The numbers of the chunks of a group.
    pub(crate) fn group(&self, group: usize) -> Range<usize> {
        let group = &self.groups[group];
        group.first..group.first + group.n_chunks()
    }

    /// What is hit along each dimension by a group, of which its chunks are the product; `None` for points.
    pub(crate) fn dimensions(&self, group: usize) -> Option<impl Iterator<Item = &[Part]>> {
        match &self.groups[group].chunks {
            Chunks::Grid(dimensions) => Some(dimensions.iter().map(|range| &self.parts[range.clone()])),
            Chunks::Points(_) => None,
        }
    }

    /// The number of chunks.
    pub(crate) fn n_chunks(&self) -> usize {
        self.groups.last().map_or(0, |last| last.first + last.n_chunks())
    }

    /// What is selected of a chunk; `parts` is memory for it.
    pub(crate) fn chunk<'p>(&'p self, number: usize, parts: &'p mut Vec<Part>) -> ChunkShare<'p> {
        let at = match &self.groups[..] {
            [_] => 0,
            groups => groups.partition_point(|group| group.first <= number) - 1,
        };
        let group = &self.groups[at];
        let mut number = number - group.first;
        let mut points = None;
        match &group.chunks {
            Chunks::Points(sorted) => {
                sorted.parts(number, parts);
                points = Some(sorted.places(number));
            }
            Chunks::Grid(dimensions) => {
                parts.clear();
                for range in dimensions.iter().rev() {
                    parts.push(self.parts[range.start + number % range.len()]);
                    number /= range.len();
                }
                parts.reverse();
            }
        }
        ChunkShare {
            group: at,
            strides: &group.strides,
            parts,
            places: &self.places,
            points,
        }
    }
}

impl Group {
    fn n_chunks(&self) -> usize {
        match &self.chunks {
            Chunks::Points(points) => points.n_chunks(),
            Chunks::Grid(dimensions) => dimensions.iter().map(ExactSizeIterator::len).product(),
        }
    }
}

/// What is selected of one chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkShare<'p> {
    group: usize,
    strides: &'p [usize],
    parts: &'p [Part],
    /// Those of all lists.
    places: &'p [Place],
    points: Option<&'p [Place]>,
}

impl<'p> ChunkShare<'p> {
    /// The number of the group that the chunk is of, which is that of its shape.
    pub(crate) const fn group(self) -> usize {
        self.group
    }

    /// What is selected along each dimension.
    pub(crate) const fn parts(self) -> &'p [Part] {
        self.parts
    }

    /// The position of the chunk in the grid.
    pub(crate) fn coords(self) -> impl Iterator<Item = u64> {
        self.parts.iter().map(|part| part.chunk)
    }

    /// Whether it is all that the array has in the chunk.
    pub(crate) fn is_whole(self) -> bool {
        self.parts.iter().all(|part| part.is_whole)
    }

    /// Whether the chunk, of this shape, has elements outside the array.
    pub(crate) fn reaches_beyond(self, chunk_shape: &[u64]) -> bool {
        let parts = self.parts.iter().zip(chunk_shape);
        parts.into_iter().any(|(part, edge)| part.room < *edge)
    }

    /// Where in the chunk the elements lie, from the first one to the last, in bytes.
    pub(crate) fn span(self, element_size: usize) -> Range<usize> {
        if let Some(points) = self.points {
            let (first, last) = reach(points);
            return first..last + element_size;
        }
        let (mut first, mut last) = (0, 0);
        for (axis, part) in self.parts.iter().enumerate() {
            let stride = self.strides[axis];
            let (start, end) = if part.is_list {
                let (start, end) = reach(self.list(part));
                (start * stride, end * stride)
            } else {
                let start = part.start as usize * stride;
                (
                    start,
                    start + (part.count - 1) as usize * part.step as usize * stride,
                )
            };
            first += start;
            last += end;
        }
        first..last + element_size
    }

    /// The copy between the chunk, of which bytes from `origin` on are at hand, and the caller's memory.
    ///
    /// `out_strides` are the distances of elements there: one a dimension, or one for points.
    pub(crate) fn copy(
        self,
        ends: Ends,
        origin: usize,
        out_strides: &[usize],
        piece: Piece,
        swap: usize,
    ) -> ChunkCopy<'p> {
        let mut lists = Vec::new();
        let (mut chunk, mut out) = (piece.stored.wrapping_sub(origin), piece.given);
        if let Some(places) = self.points {
            lists.push(List {
                places,
                stride: 1,
                out_stride: out_strides[0],
            });
        } else {
            for (axis, part) in self.parts.iter().enumerate() {
                if part.is_list {
                    lists.push(List {
                        places: self.list(part),
                        stride: self.strides[axis],
                        out_stride: out_strides[axis],
                    });
                } else {
                    chunk = chunk.wrapping_add(part.start as usize * self.strides[axis]);
                    out += part.out as usize * out_strides[axis];
                }
            }
        }
        let steps = self.parts.iter().enumerate().filter(|(_, part)| !part.is_list);
        let dimensions = steps.map(|(axis, part)| {
            let stride = part.step as usize * self.strides[axis];
            let (source, target) = ends(stride, out_strides[axis]);
            Dimension {
                length: part.count as usize,
                source,
                target,
            }
        });
        let item = Item {
            size: piece.size,
            swap,
        };
        let inner = StridedCopy::new(dimensions, item);
        let (source, target) = ends(chunk, out);
        ChunkCopy {
            source,
            target,
            ends,
            lists,
            inner,
        }
    }

    fn list(self, part: &Part) -> &'p [Place] {
        &self.places[part.places()]
    }
}

/// The first and the last place in the chunk.
fn reach(places: &[Place]) -> (usize, usize) {
    let offsets = places.iter().map(|place| place.chunk);
    offsets.fold((usize::MAX, 0), |(first, last), offset| {
        (first.min(offset), last.max(offset))
    })
}

/// Sorts a list by chunk, behind the parts and places that are there.
fn sort(
    positions: &[u64],
    length: u64,
    locate: impl Fn(u64) -> Located,
    (parts, places): (&mut Vec<Part>, &mut Vec<Place>),
) {
    let mut order: Vec<_> = (0..positions.len()).collect();
    // Of one chunk, places stay in the order of the list.
    order.sort_by_key(|out| locate(positions[*out]).origin);
    let first = parts.len();
    let mut edges = Vec::new();
    places.reserve(order.len());
    for out in order {
        let at = locate(positions[out]);
        let room = length - at.origin;
        match parts.get_mut(first..).and_then(<[Part]>::last_mut) {
            // Chunks of different shapes may have the same number.
            Some(last) if last.room == room => last.count += 1,
            _ => {
                edges.push(at.edge);
                parts.push(Part {
                    chunk: at.chunk,
                    start: places.len() as u64,
                    count: 1,
                    step: 1,
                    out: 0,
                    room,
                    is_whole: false,
                    is_list: true,
                });
            }
        }
        places.push(Place {
            chunk: (positions[out] - at.origin) as usize,
            out,
        });
    }
    for (part, edge) in parts[first..].iter_mut().zip(edges) {
        let offsets = places[part.places()].iter().map(|place| place.chunk);
        part.is_whole = are_all(offsets, part.room.min(edge).into());
    }
}

/// Cuts steps at the borders of chunks.
fn split(extent: Extent, length: u64, locate: impl Fn(u64) -> Located, parts: &mut Vec<Part>) {
    let Extent {
        start, count, step, ..
    } = extent;
    let mut done = 0;
    while done < count {
        let first = start + done * step;
        let Located { chunk, origin, edge } = locate(first);
        let end = origin.saturating_add(edge).min(length);
        let n = (end - first).div_ceil(step).min(count - done);
        let is_whole = first == origin && n == end - origin;
        parts.push(Part {
            chunk,
            start: first - origin,
            count: n,
            step,
            out: done,
            room: length - origin,
            is_whole,
            is_list: false,
        });
        done += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Selection, strided::c_strides};

    fn projection(selection: &Selection, shape: &[u64], chunk_shape: &[u64]) -> Projection {
        let region = selection.resolve(shape, chunk_shape).unwrap();
        let strides = c_strides(chunk_shape, 1);
        let layout = Layout {
            shape,
            chunk_shape,
            strides,
        };
        Projection::new(&region, layout).unwrap()
    }

    fn parts(text: &str, length: u64, chunk: u64) -> Vec<(u64, u64, u64, u64, bool)> {
        let projection = projection(&Selection::parse(text).unwrap(), &[length], &[chunk]);
        let parts = projection.parts.iter();
        parts
            .map(|p| (p.chunk, p.start, p.count, p.out, p.is_whole))
            .collect()
    }

    #[test]
    fn a_selection_is_cut_at_the_borders_of_chunks() {
        assert_eq!(
            parts(":", 7, 3),
            [(0, 0, 3, 0, true), (1, 0, 3, 3, true), (2, 0, 1, 6, true)]
        );
        assert_eq!(parts("2:5", 7, 3), [(0, 2, 1, 0, false), (1, 0, 2, 1, false)]);
        assert_eq!(parts("3:3", 7, 3), []);
    }

    #[test]
    fn steps_may_skip_chunks() {
        assert_eq!(
            parts("1::5", 14, 2),
            [(0, 1, 1, 0, false), (3, 0, 1, 1, false), (5, 1, 1, 2, false)]
        );
        assert_eq!(
            parts("::2", 7, 3),
            [(0, 0, 2, 0, false), (1, 1, 1, 2, false), (2, 0, 1, 3, true)]
        );
    }

    #[test]
    fn chunks_are_numbered_in_c_order() {
        let projection = projection(&Selection::all(), &[4, 6], &[2, 2]);
        assert_eq!(projection.n_chunks(), 6);
        let mut parts = Vec::new();
        assert_eq!(
            projection.chunk(4, &mut parts).coords().collect::<Vec<_>>(),
            [1, 1]
        );
    }

    /// The places of the result that each chunk fills, with the chunk's coordinates.
    fn places(
        selection: &Selection,
        shape: &[u64],
        chunk_shape: &[u64],
    ) -> Vec<(Vec<u64>, bool, Vec<usize>)> {
        let projection = projection(selection, shape, chunk_shape);
        let counts = selection.resolve(shape, chunk_shape).unwrap().counts();
        let out_strides = c_strides(&counts, 1);
        let all = |number| {
            let mut parts = Vec::new();
            let share = projection.chunk(number, &mut parts);
            let piece = Piece {
                stored: 0,
                given: 0,
                size: 1,
            };
            let mut filled = vec![0; counts.iter().product::<u64>() as usize];
            let chunk = vec![1; chunk_shape.iter().product::<u64>() as usize];
            share
                .copy(crate::chunk_copy::READ, 0, &out_strides, piece, 1)
                .copy_to(&chunk, &mut filled);
            let places = filled.iter().enumerate().filter(|(_, byte)| **byte == 1);
            (
                share.coords().collect(),
                share.is_whole(),
                places.map(|(place, _)| place).collect(),
            )
        };
        (0..projection.n_chunks()).map(all).collect()
    }

    #[test]
    fn lists_hit_each_chunk_once_and_keep_their_order() {
        let rows = Selection::orthogonal([[5, 0, 4, 0].into()].map(crate::SelectionItem::Indices));
        assert_eq!(
            places(&rows, &[6], &[2]),
            [(vec![0], false, vec![1, 3]), (vec![2], true, vec![0, 2])]
        );
        let both = Selection::orthogonal([[2, 0, 2], [0, 2, 1]].map(crate::SelectionItem::indices));
        assert_eq!(
            places(&both, &[3, 3], &[2, 2]),
            [
                (vec![0, 0], false, vec![3, 5]),
                (vec![0, 1], false, vec![4]),
                (vec![1, 0], true, vec![0, 2, 6, 8]),
                (vec![1, 1], true, vec![1, 7]),
            ]
        );
    }

    #[test]
    fn points_hit_each_chunk_once_and_keep_their_order() {
        let points = Selection::coordinates([[3, 0, 3, 0, 2], [1, 1, 0, 1, 3]]);
        assert_eq!(
            places(&points, &[4, 4], &[2, 2]),
            [
                (vec![0, 0], false, vec![1, 3]),
                (vec![1, 0], false, vec![0, 2]),
                (vec![1, 1], false, vec![4])
            ]
        );
        let mask = Selection::mask([3], [false, true, true]);
        assert_eq!(
            places(&mask, &[3], &[2]),
            [(vec![0], false, vec![0]), (vec![1], true, vec![1])]
        );
    }

    #[test]
    fn the_span_of_a_share_reaches_from_its_first_element_to_its_last() {
        for (selection, span) in [
            (Selection::parse("1, 1:3").unwrap(), 5..7),
            (
                Selection::orthogonal([[2, 0, 2], [3, 1, 3]].map(crate::SelectionItem::indices)),
                1..12,
            ),
            (Selection::coordinates([[2, 1], [0, 3]]), 7..9),
        ] {
            let projection = projection(&selection, &[3, 4], &[3, 4]);
            assert_eq!(projection.chunk(0, &mut Vec::new()).span(1), span, "{selection}");
        }
    }
}
