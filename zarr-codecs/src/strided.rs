//! Copies of boxes between buffers of different layout, with bytes swapped on the way.
//!
//! A copy is a list of dimensions, each with a length and a stride in bytes on either side.
//! Dimensions that lie one after the other on both sides are merged, so that whole chunks become one run.
//! Where the two sides disagree on which dimension is the fastest (a transposition), the copy goes in
//! tiles, so that both sides stay in the cache.

use std::{cmp::Reverse, hint::black_box};

/// A dimension of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimension {
    /// The number of elements.
    pub length: usize,
    /// The distance of elements at the source, in bytes.
    pub source: usize,
    /// The distance of elements at the destination, in bytes.
    pub target: usize,
}

/// How single elements are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// The size of an element in bytes.
    pub size: usize,
    /// The size of the numbers in it whose bytes are swapped; 1 for none.
    pub swap: usize,
}

/// A copy of a box.
#[derive(Debug)]
pub struct StridedCopy {
    /// From the slowest at the destination to the fastest.
    dimensions: Vec<Dimension>,
    item: Item,
}

/// The bytes of a tile, which fits the first-level cache with what it is made of.
const TILE_SIZE: usize = 8 * 1024;

/// The edge of a tile in elements, of which rows are whole cache lines.
const fn tile_edge(item_size: usize) -> usize {
    match item_size {
        1 | 2 => 64,
        _ => 32,
    }
}

impl StridedCopy {
    /// Plans a copy, in the order of the destination whatever that of `dimensions` is.
    pub fn new(dimensions: impl IntoIterator<Item = Dimension>, item: Item) -> Self {
        let mut merged: Vec<_> = dimensions
            .into_iter()
            .filter(|dimension| dimension.length != 1)
            .collect();
        merged.sort_by_key(|dimension| Reverse(dimension.target));
        merged.dedup_by(|inner, outer| {
            let follow =
                outer.source == inner.source * inner.length && outer.target == inner.target * inner.length;
            if follow {
                *outer = Dimension {
                    length: outer.length * inner.length,
                    ..*inner
                };
            }
            follow
        });
        // The fastest dimension is to be contiguous at the destination, if only for one element.
        if merged.last().is_none_or(|fast| fast.target != item.size) {
            merged.push(Dimension {
                length: 1,
                source: item.size,
                target: item.size,
            });
        }
        Self {
            dimensions: merged,
            item,
        }
    }

    /// The number of bytes, if the copy is of one run of bytes as they are.
    pub fn single_run(&self) -> Option<usize> {
        let [only] = self.dimensions[..] else { return None };
        let is_run = only.source == self.item.size && only.target == self.item.size && self.item.swap == 1;
        is_run.then(|| only.length * self.item.size)
    }

    /// How an element is copied, if the copy is of one.
    pub fn single_item(&self) -> Option<Item> {
        let [only] = self.dimensions[..] else { return None };
        (only.length == 1).then_some(self.item)
    }

    /// Copies; `row` gives the destination of a run of bytes, by its offset and length.
    ///
    /// The fastest dimension must be contiguous at the destination.
    ///
    /// # Panics
    /// When the box does not lie within the source or the destination.
    pub fn copy_to_rows<'a>(&self, source: &[u8], mut row: impl FnMut(usize, usize) -> &'a mut [u8]) {
        let item = self.item;
        let is_done = self.whole_runs(source, |run, target_at| {
            copy_whole(run, row(target_at, run.len()), item);
        });
        if is_done {
            return;
        }
        self.runs(source, &mut |source, target_at, fast| {
            let target = row(target_at, fast.length * item.size);
            copy_run(source, fast.source, target, item.size, fast.length, item);
        });
    }

    /// Copies into a buffer.
    ///
    /// # Panics
    /// When the box does not lie within the source or the destination.
    pub fn copy_to(&self, source: &[u8], target: &mut [u8]) {
        let item = self.item;
        let is_done = self.whole_runs(source, |run, target_at| {
            copy_whole(run, &mut target[target_at..][..run.len()], item);
        });
        if is_done {
            return;
        }
        self.runs(source, &mut |source, target_at, fast| {
            copy_run(
                source,
                fast.source,
                &mut target[target_at..],
                fast.target,
                fast.length,
                item,
            );
        });
    }

    /// Calls `run` with each run of bytes and the offset at the destination, if the copy is of several such runs that are
    /// whole on either side; says whether it is.
    ///
    /// Nearly every run of a large array is not in the cache. A loop over them that is short lets the processor ask for
    /// the next ones while it waits for one.
    fn whole_runs(&self, source: &[u8], mut run: impl FnMut(&[u8], usize)) -> bool {
        let size = self.item.size;
        let [around @ .., last, fast] = &self.dimensions[..] else {
            return false;
        };
        // Of what is repeated the elements lie no distance apart: that is copied in tiles.
        let is_crossed = around
            .iter()
            .chain([last])
            .any(|dimension| dimension.source < size);
        if fast.source != size || fast.target != size || is_crossed {
            return false;
        }
        let length = fast.length * size;
        rows(around, 0, 0, &mut |from, to| {
            for index in 0..last.length {
                run(
                    &source[from + index * last.source..][..length],
                    to + index * last.target,
                );
            }
        });
        true
    }

    /// Calls `run` with the source from the first element on, and the offset at the destination, of each run along
    /// the fastest dimension.
    fn runs(&self, source: &[u8], run: &mut dyn FnMut(&[u8], usize, Dimension)) {
        let Some((fast, outer)) = self.dimensions.split_last() else {
            return;
        };
        if self.dimensions.iter().any(|dimension| dimension.length == 0) {
            return;
        }
        // The dimension that is fastest at the source, if it is another one.
        let crossed = outer
            .iter()
            .enumerate()
            .filter(|(_, dimension)| dimension.source < fast.source && dimension.length > 1)
            .min_by_key(|(_, dimension)| dimension.source);
        let Some((crossed, _)) = crossed else {
            return rows(outer, 0, 0, &mut |at, target| {
                run(&source[at..], target, *fast);
            });
        };
        let cross = outer[crossed];
        let others: Vec<_> = outer
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != crossed)
            .map(|(_, dimension)| *dimension)
            .collect();
        let size = self.item.size;
        let transpose = (cross.source == size).then(|| transposer(size)).flatten();
        let edge = tile_edge(size);
        let mut tile = [0; TILE_SIZE];
        rows(&others, 0, 0, &mut |at, target| {
            for row in (0..cross.length).step_by(edge) {
                for column in (0..fast.length).step_by(edge) {
                    let n_rows = edge.min(cross.length - row);
                    let n_columns = edge.min(fast.length - column);
                    let source = &source[at + row * cross.source + column * fast.source..];
                    let target = target + row * cross.target + column * fast.target;
                    if let Some(transpose) = transpose {
                        transpose(source, fast.source, &mut tile, (n_rows, n_columns));
                    }
                    for row in 0..n_rows {
                        let (source, stride) = match transpose {
                            Some(_) => (&tile[row * edge * size..], size),
                            None => (&source[row * cross.source..], fast.source),
                        };
                        let run_of = Dimension {
                            length: n_columns,
                            source: stride,
                            ..*fast
                        };
                        run(source, target + row * cross.target, run_of);
                    }
                }
            }
        });
    }
}

/// Reads columns, which lie in one piece at the source a stride apart, into the rows of a tile.
///
/// Elements of a row lie so far apart that few of them fit the first-level cache at once, which is why each piece is
/// read once and as a whole.
type Transpose = fn(&[u8], usize, &mut [u8], (usize, usize));

/// What transposes elements of a size; `None` for those that go one by one.
fn transposer(size: usize) -> Option<Transpose> {
    match size {
        1 => Some(transpose::<1>),
        2 => Some(transpose::<2>),
        4 => Some(transpose::<4>),
        8 => Some(transpose::<8>),
        _ => None,
    }
}

fn transpose<const N: usize>(
    source: &[u8],
    stride: usize,
    tile: &mut [u8],
    (n_rows, n_columns): (usize, usize),
) {
    // The pieces lie so far apart that nothing foresees them: they are asked for all at once, not one by one.
    let touched = (0..n_columns).fold(0, |touched, column| touched ^ source[column * stride]);
    black_box(touched);
    let (tile, _) = tile.as_chunks_mut::<N>();
    for column in 0..n_columns {
        let (items, _) = source[column * stride..][..n_rows * N].as_chunks::<N>();
        for (item, row) in items.iter().zip(tile.chunks_exact_mut(tile_edge(N))) {
            row[column] = *item;
        }
    }
}

/// Calls `row` with the offsets of every combination of positions.
fn rows(dimensions: &[Dimension], source: usize, target: usize, row: &mut dyn FnMut(usize, usize)) {
    let Some((first, rest)) = dimensions.split_first() else {
        return row(source, target);
    };
    for index in 0..first.length {
        rows(
            rest,
            source + index * first.source,
            target + index * first.target,
            row,
        );
    }
}

/// Copies elements that lie side by side.
#[inline]
fn copy_whole(source: &[u8], target: &mut [u8], item: Item) {
    if item.swap == 1 {
        target.copy_from_slice(source);
    } else {
        copy_whole_swapped(source, target, item.swap);
    }
}

/// The same of numbers whose bytes are swapped, in one pass, so that the processor is soon at the next run, and asks
/// memory for it.
fn copy_whole_swapped(source: &[u8], target: &mut [u8], swap: usize) {
    match swap {
        2 => copy_swapped(source, target, |item| {
            u16::from_ne_bytes(item).swap_bytes().to_ne_bytes()
        }),
        4 => copy_swapped(source, target, |item| {
            u32::from_ne_bytes(item).swap_bytes().to_ne_bytes()
        }),
        8 => copy_swapped(source, target, |item| {
            u64::from_ne_bytes(item).swap_bytes().to_ne_bytes()
        }),
        swap => {
            target.copy_from_slice(source);
            swap_run(target, swap);
        }
    }
}

fn copy_swapped<const N: usize>(source: &[u8], target: &mut [u8], swapped: impl Fn([u8; N]) -> [u8; N]) {
    let (source, _) = source.as_chunks();
    let (target, _) = target.as_chunks_mut();
    for (target, source) in target.iter_mut().zip(source) {
        *target = swapped(*source);
    }
}

/// Copies elements along one dimension.
fn copy_run(
    source: &[u8],
    source_stride: usize,
    target: &mut [u8],
    target_stride: usize,
    length: usize,
    item: Item,
) {
    let strides = (source_stride, target_stride);
    match (item.size, item.swap) {
        (size, _) if strides == (size, size) => {
            let bytes = length * size;
            copy_whole(&source[..bytes], &mut target[..bytes], item);
        }
        (1, _) => copy_items::<1>(source, target, strides, length, 1),
        (2, swap) => copy_items::<2>(source, target, strides, length, swap),
        (4, swap) => copy_items::<4>(source, target, strides, length, swap),
        (8, swap) => copy_items::<8>(source, target, strides, length, swap),
        (16, swap) => copy_items::<16>(source, target, strides, length, swap),
        (size, swap) => {
            for index in 0..length {
                let target = &mut target[index * target_stride..][..size];
                target.copy_from_slice(&source[index * source_stride..][..size]);
                swap_run(target, swap);
            }
        }
    }
}

fn copy_items<const N: usize>(
    source: &[u8],
    target: &mut [u8],
    (source_stride, target_stride): (usize, usize),
    length: usize,
    swap: usize,
) {
    for index in 0..length {
        let mut bytes: [u8; N] = source[index * source_stride..][..N]
            .try_into()
            .expect("the slice has N bytes");
        if swap == N {
            bytes.reverse();
        } else {
            swap_run(&mut bytes, swap);
        }
        target[index * target_stride..][..N].copy_from_slice(&bytes);
    }
}

/// Swaps the bytes of each number of a run.
fn swap_run(bytes: &mut [u8], swap: usize) {
    match swap {
        1 => {}
        2 => swap_items::<2>(bytes),
        4 => swap_items::<4>(bytes),
        8 => swap_items::<8>(bytes),
        size => bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse),
    }
}

fn swap_items<const N: usize>(bytes: &mut [u8]) {
    for item in bytes.as_chunks_mut::<N>().0 {
        item.reverse();
    }
}

/// The distances in bytes of the elements of a C-ordered box, one a dimension.
pub fn c_strides(shape: &[u64], item_size: usize) -> Vec<usize> {
    let mut stride = item_size;
    let mut strides: Vec<_> = shape
        .iter()
        .rev()
        .map(|length| {
            let this = stride;
            stride = stride.saturating_mul(*length as usize);
            this
        })
        .collect();
    strides.reverse();
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: Item = Item { size: 2, swap: 1 };

    fn dimension(length: usize, source: usize, target: usize) -> Dimension {
        Dimension {
            length,
            source,
            target,
        }
    }

    #[test]
    fn contiguous_dimensions_are_merged_into_one_run() {
        let copy = StridedCopy::new([dimension(3, 8, 8), dimension(4, 2, 2)], ITEM);
        assert_eq!(copy.single_run(), Some(24));
        let copy = StridedCopy::new([dimension(3, 16, 8), dimension(4, 2, 2)], ITEM);
        assert_eq!(copy.single_run(), None);
    }

    #[test]
    fn a_transposed_copy_goes_in_tiles_and_reaches_every_element() {
        let (rows, columns) = (70_usize, 45_usize);
        let source: Vec<u8> = (0..rows * columns)
            .flat_map(|n| (n as u16).to_ne_bytes())
            .collect();
        let mut target = vec![0; source.len()];
        let dimensions = [dimension(rows, 2, columns * 2), dimension(columns, rows * 2, 2)];
        StridedCopy::new(dimensions, ITEM).copy_to(&source, &mut target);
        for row in 0..rows {
            for column in 0..columns {
                let at = (row * columns + column) * 2;
                let found = u16::from_ne_bytes([target[at], target[at + 1]]);
                assert_eq!(usize::from(found), column * rows + row);
            }
        }
    }

    #[test]
    fn dimensions_may_be_given_in_any_order() {
        let source: Vec<u8> = (0..24).collect();
        let [slow, middle, fast] = [dimension(2, 2, 12), dimension(3, 4, 4), dimension(2, 12, 2)];
        let copied = |dimensions: [Dimension; 3]| {
            let mut target = [0; 24];
            StridedCopy::new(dimensions, ITEM).copy_to(&source, &mut target);
            target
        };
        let expected = [
            0, 1, 12, 13, 4, 5, 16, 17, 8, 9, 20, 21, 2, 3, 14, 15, 6, 7, 18, 19, 10, 11, 22, 23,
        ];
        assert_eq!(copied([slow, middle, fast]), expected);
        assert_eq!(copied([fast, middle, slow]), expected);
        assert_eq!(copied([middle, fast, slow]), expected);
    }

    #[test]
    fn a_box_is_reversed_for_elements_of_every_size() {
        let shape = [37_usize, 3, 65];
        let n = shape.iter().product::<usize>();
        for (size, swap) in [(1, 1), (2, 2), (4, 1), (8, 8), (16, 4), (3, 1)] {
            let source: Vec<u8> = (0..n * size).map(|at| (at * 7 + at / 256) as u8).collect();
            let mut target = vec![0; source.len()];
            let dimensions = [
                dimension(37, size, 3 * 65 * size),
                dimension(3, 37 * size, 65 * size),
                dimension(65, 37 * 3 * size, size),
            ];
            StridedCopy::new(dimensions, Item { size, swap }).copy_to(&source, &mut target);
            for (number, found) in target.chunks(size).enumerate() {
                let (i, j, k) = (number / (3 * 65), number / 65 % 3, number % 65);
                let at = (i + 37 * (j + 3 * k)) * size;
                let mut expected = source[at..at + size].to_vec();
                expected.chunks_mut(swap).for_each(<[u8]>::reverse);
                assert_eq!(found, expected, "{size} {i} {j} {k}");
            }
        }
    }

    #[test]
    fn bytes_are_swapped_on_the_way() {
        let mut target = [0; 4];
        let copy = StridedCopy::new([dimension(2, 4, 2)], Item { size: 2, swap: 2 });
        copy.copy_to(&[1, 2, 0, 0, 3, 4], &mut target);
        assert_eq!(target, [2, 1, 4, 3]);
        let copy = StridedCopy::new([dimension(1, 8, 8)], Item { size: 8, swap: 4 });
        let mut target = [0; 8];
        copy.copy_to(&[1, 2, 3, 4, 5, 6, 7, 8], &mut target);
        assert_eq!(target, [4, 3, 2, 1, 8, 7, 6, 5]);
    }

    #[test]
    fn an_empty_box_copies_nothing() {
        StridedCopy::new([dimension(0, 2, 2), dimension(3, 2, 2)], ITEM).copy_to(&[], &mut []);
    }
}
