//! An array as a plain list of elements, and what is allowed to become of it.

use std::collections::HashMap;

use zarr_core::{
    ArrayData, ChunkGrid,
    codecs::{ChunkBuffer, DataType},
};

/// An array as a list of elements in C order, each its bytes.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) shape: Vec<u64>,
    pub(super) elements: Vec<Vec<u8>>,
    fill: Vec<u8>,
    /// What was in chunks at the border when the array shrank: it may be seen again when it grows.
    hidden: HashMap<Vec<u64>, Vec<Vec<u8>>>,
}

impl Model {
    pub(super) fn new(shape: &[u64], fill: Vec<u8>) -> Self {
        Self {
            shape: shape.to_vec(),
            elements: vec![fill.clone(); shape.iter().product::<u64>() as usize],
            fill,
            hidden: HashMap::new(),
        }
    }

    /// Takes the elements of a larger shape, all of them known.
    pub(super) fn grow(&mut self, shape: &[u64], elements: Vec<Vec<u8>>) {
        self.shape = shape.to_vec();
        self.elements = elements;
        self.hidden
            .retain(|coords, _| coords.iter().zip(shape).any(|(coord, length)| coord >= length));
    }

    /// Changes the shape; `seen` is what the array has afterwards, for what may have been hidden.
    ///
    /// # Panics
    /// When the array has what it cannot have.
    pub(super) fn resize(&mut self, shape: &[u64], chunk_grid: &ChunkGrid, seen: &[Vec<u8>]) {
        let old = std::mem::replace(&mut self.shape, shape.to_vec());
        let elements = std::mem::take(&mut self.elements);
        let mut kept = HashMap::new();
        for (place, element) in elements.into_iter().enumerate() {
            let coords = coords_of(place, &old);
            if coords.iter().zip(shape).all(|(coord, length)| coord < length) {
                kept.insert(coords, element);
            } else {
                self.hidden.entry(coords).or_default().push(element);
            }
        }
        // Chunks that lie outside are gone.
        self.hidden.retain(|coords, _| {
            let counts = chunk_grid.grid_shape(shape);
            let chunks = coords.iter().enumerate();
            chunks
                .map(|(dimension, coord)| chunk_grid.chunk_of(dimension, *coord))
                .zip(counts)
                .all(|(chunk, count)| chunk < count)
        });
        for (place, seen) in seen.iter().enumerate() {
            let coords = coords_of(place, shape);
            if let Some(element) = kept.remove(&coords) {
                self.elements.push(element);
                continue;
            }
            let hidden = self.hidden.remove(&coords).unwrap_or_default();
            assert!(
                *seen == self.fill || hidden.contains(seen),
                "{coords:?} of the new elements is {seen:?}"
            );
            self.elements.push(seen.clone());
        }
    }
}

fn coords_of(place: usize, shape: &[u64]) -> Vec<u64> {
    let mut rest = place as u64;
    let mut coords = vec![0; shape.len()];
    for (coord, length) in coords.iter_mut().zip(shape).rev() {
        *coord = rest % length;
        rest /= length;
    }
    coords
}

/// Elements as data of a type.
pub(super) fn data(shape: &[u64], data_type: &DataType, elements: &[Vec<u8>]) -> ArrayData {
    let mut buffer = ChunkBuffer::default();
    for element in elements {
        if data_type.is_variable() {
            buffer.push_item(element);
        } else {
            buffer.elements.extend_from_slice(element);
        }
    }
    ArrayData {
        shape: shape.to_vec(),
        data_type: data_type.clone(),
        buffer,
    }
}

/// The elements of data, each of `size` bytes unless they are of variable size.
pub(super) fn elements(data: &ArrayData, size: usize) -> Vec<Vec<u8>> {
    if data.data_type.is_variable() {
        return data.buffer.as_ref().items().map(<[u8]>::to_vec).collect();
    }
    data.buffer
        .elements
        .chunks_exact(size)
        .map(<[u8]>::to_vec)
        .collect()
}
