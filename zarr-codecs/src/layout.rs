//! How the elements of a chunk lie in memory, and copies from and to chunks of that layout.

use crate::{
    ChunkCodec, ChunkRef,
    strided::{Dimension, Item, StridedCopy, c_strides},
};

impl ChunkCodec {
    /// The distances in bytes of the elements of a chunk in the codec's layout, one a dimension of the chunk.
    pub fn strides(&self) -> Vec<usize> {
        let order = &self.layout().order;
        let mut strides = vec![0; order.len()];
        let mut stride = self.item_size();
        for axis in order.iter().rev() {
            strides[*axis] = stride;
            stride = stride.saturating_mul(self.spec().shape[*axis] as usize);
        }
        strides
    }

    /// The distances in bytes of the elements of a chunk in C order.
    pub(crate) fn c_strides(&self) -> Vec<usize> {
        c_strides(&self.spec().shape, self.item_size())
    }

    fn item_size(&self) -> usize {
        self.spec().data_type.size().unwrap_or(0)
    }

    /// Copies elements in native byte order, of which `strides` tells the distances, to a chunk in the codec's layout.
    pub(crate) fn lay_out(&self, source: &[u8], strides: &[usize], chunk: &mut [u8]) {
        let own = self.strides();
        let dimensions = self.layout().order.iter().map(|&axis| Dimension {
            length: self.spec().shape[axis] as usize,
            source: strides[axis],
            target: own[axis],
        });
        StridedCopy::new(dimensions, self.item()).copy_to(source, chunk);
    }

    /// Copies the elements of a chunk in the codec's layout to where `strides` tells, in native byte order.
    pub(crate) fn take_out(&self, chunk: &[u8], target: &mut [u8], strides: &[usize]) {
        let own = self.strides();
        let dimensions = (0..own.len()).map(|axis| Dimension {
            length: self.spec().shape[axis] as usize,
            source: own[axis],
            target: strides[axis],
        });
        StridedCopy::new(dimensions, self.item()).copy_to(chunk, target);
    }

    fn item(&self) -> Item {
        Item {
            size: self.item_size(),
            swap: self.layout().swap_size,
        }
    }

    /// Whether a chunk in the codec's layout holds nothing but the fill value.
    ///
    /// Bits are compared: -0.0 is not 0.0, and a NaN is itself.
    pub fn is_fill(&self, chunk: ChunkRef<'_>) -> bool {
        let fill = self.spec().fill_value.as_bytes();
        if self.spec().data_type.is_variable() {
            return chunk.items().all(|item| item == fill);
        }
        let mut element = vec![0; fill.len()];
        let one = Dimension {
            length: 1,
            source: fill.len(),
            target: fill.len(),
        };
        StridedCopy::new([one], self.item()).copy_to(fill, &mut element);
        is_repeated(chunk.elements, &element)
    }
}

/// Whether bytes are a number of copies of an element.
fn is_repeated(bytes: &[u8], element: &[u8]) -> bool {
    let Some(first) = bytes.get(..element.len()) else {
        return bytes.is_empty();
    };
    // Bytes are a repetition if they equal themselves one element on.
    first == element && bytes[element.len()..] == bytes[..bytes.len() - element.len()]
}
