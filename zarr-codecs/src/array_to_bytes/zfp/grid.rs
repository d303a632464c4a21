//! Where the blocks of an array lie among its elements.

use std::array;

use bytemuck::Pod;

/// The length of a block in each dimension.
pub(super) const SIDE: usize = 4;

/// Which of the values along a dimension stand for the four of a block, by how many there are.
///
/// The ones that are missing repeat others, so that the block is smooth.
const PADDED: [[usize; SIDE]; SIDE + 1] = [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
    [0, 1, 1, 0],
    [0, 1, 2, 0],
    [0, 1, 2, 3],
];

/// An array of 1 to 4 dimensions in blocks of `N` values, 4 along each dimension.
///
/// What belongs to a dimension stands at its place from the last one on.
#[derive(Debug)]
pub(super) struct Grid {
    lengths: [usize; 4],
    /// How many elements the neighbours in a dimension are apart.
    strides: [usize; 4],
    /// Where the rows of a block begin, in elements after its first.
    rows: [usize; 64],
}

/// A block of a grid.
#[derive(Debug)]
pub(super) struct Place {
    /// The index of its first element.
    first: usize,
    /// How many elements there are along each dimension.
    extents: [usize; 4],
}

impl Grid {
    /// The grid of an array of which every length is at least one.
    pub(super) fn new(shape: &[u64]) -> Self {
        let mut lengths = [1; 4];
        for (length, &of_shape) in lengths.iter_mut().zip(shape.iter().rev()) {
            *length = of_shape as usize;
        }
        let mut strides = [1; 4];
        for dimension in 1..4 {
            strides[dimension] = strides[dimension - 1] * lengths[dimension - 1];
        }
        let rows = array::from_fn(|row| {
            let places = [row % SIDE, row / SIDE % SIDE, row / SIDE / SIDE];
            places
                .iter()
                .zip(&strides[1..])
                .map(|(place, stride)| place * stride)
                .sum()
        });
        Self {
            lengths,
            strides,
            rows,
        }
    }

    /// The blocks in C order.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let Self { lengths, strides, .. } = *self;
        let starts = move |dimension: usize| (0..lengths[dimension]).step_by(SIDE);
        starts(3).flat_map(move |w| {
            starts(2).flat_map(move |z| {
                starts(1).flat_map(move |y| {
                    starts(0).map(move |x| {
                        let start = [x, y, z, w];
                        Place {
                            first: (0..4)
                                .map(|dimension| start[dimension] * strides[dimension])
                                .sum(),
                            extents: array::from_fn(|dimension| {
                                SIDE.min(lengths[dimension] - start[dimension])
                            }),
                        }
                    })
                })
            })
        })
    }

    /// Copies a block out of the elements, and completes it at the edge of the array.
    #[inline]
    pub(super) fn gather<T: Pod, const N: usize>(&self, elements: &[u8], place: &Place) -> [T; N] {
        let mut block = [T::zeroed(); N];
        let (rows, _) = block.as_chunks_mut::<SIDE>();
        if place.is_whole::<N>() {
            for (row, offset) in rows.iter_mut().zip(&self.rows) {
                *row = bytemuck::pod_read_unaligned(bytes_at::<[T; SIDE]>(
                    elements,
                    (place.first + offset) * size_of::<T>(),
                ));
            }
            return block;
        }
        let padded = place.extents.map(|extent| PADDED[extent]);
        for (index, row) in rows.iter_mut().enumerate() {
            let places = [index % SIDE, index / SIDE % SIDE, index / SIDE / SIDE];
            let offset: usize = (1..4)
                .map(|dimension| padded[dimension][places[dimension - 1]] * self.strides[dimension])
                .sum();
            *row = padded[0].map(|x| {
                let start = (place.first + offset + x) * size_of::<T>();
                bytemuck::pod_read_unaligned(bytes_at::<T>(elements, start))
            });
        }
        block
    }

    /// Copies a block to its place among the elements.
    #[inline]
    pub(super) fn scatter<T: Pod, const N: usize>(&self, block: &[T; N], place: &Place, elements: &mut [u8]) {
        let (rows, _) = block.as_chunks::<SIDE>();
        for (index, (row, offset)) in rows.iter().zip(&self.rows).enumerate() {
            let places = [index % SIDE, index / SIDE % SIDE, index / SIDE / SIDE];
            if !place.is_whole::<N>()
                && (0..3).any(|dimension| places[dimension] >= place.extents[dimension + 1])
            {
                continue;
            }
            let start = (place.first + offset) * size_of::<T>();
            let row = bytemuck::cast_slice(&row[..place.extents[0]]);
            elements[start..start + row.len()].copy_from_slice(row);
        }
    }
}

impl Place {
    #[inline]
    fn is_whole<const N: usize>(&self) -> bool {
        self.extents.iter().product::<usize>() == N
    }
}

/// The bytes of a `T` that begins at `start`.
#[inline]
fn bytes_at<T>(elements: &[u8], start: usize) -> &[u8] {
    &elements[start..start + size_of::<T>()]
}
