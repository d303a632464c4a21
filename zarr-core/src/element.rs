//! The typed edge: Rust types that may enter and leave, and values whose type is known only at run time.

use half::f16;
use num_complex::Complex;
use zarr_codecs::{ChunkBuffer, ChunkRef, DataType, SLOT_SIZE};

use crate::Result;

/// Elements in C order and native byte order, with their shape and type.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayData {
    /// The number of elements in each dimension.
    pub shape: Vec<u64>,
    /// The type of the elements.
    pub data_type: DataType,
    /// The elements.
    pub buffer: ChunkBuffer,
}

impl ArrayData {
    /// Takes typed elements in C order.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when there are not as many as the shape says.
    pub fn new<T: Element>(shape: Vec<u64>, values: &[T]) -> Result<Self> {
        let n_elements: u64 = shape.iter().product();
        if n_elements != values.len() as u64 {
            return Err(crate::Error::Shape {
                expected: shape,
                got: vec![values.len() as u64],
            });
        }
        let mut buffer = ChunkBuffer::default();
        T::with_bytes(values, &mut |chunk| {
            buffer.elements.extend_from_slice(chunk.elements);
            buffer.heap.extend_from_slice(chunk.heap);
            Ok(())
        })?;
        Ok(Self {
            shape,
            data_type: T::DATA_TYPE,
            buffer,
        })
    }

    /// The elements as a type that fits.
    ///
    /// # Errors
    /// [`crate::Error::Type`] when it does not fit, [`crate::Error::Value`] for a text that is no UTF-8.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if !T::fits(&self.data_type) {
            let stored = self.data_type.to_string();
            return Err(crate::Error::Type {
                array: String::new(),
                stored,
                asked: std::any::type_name::<T>(),
            });
        }
        let n_elements = self.buffer.elements.len() / self.data_type.size().unwrap_or(1).max(1);
        T::read(n_elements, &mut |elements| {
            elements.copy_from_slice(&self.buffer.elements);
            Ok(self.buffer.heap.clone())
        })
    }

    /// The number of elements.
    pub fn n_elements(&self) -> u64 {
        self.shape.iter().product()
    }
}

/// Fills memory of the right size with elements, and gives the heap that goes with them.
pub type Fill<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<Vec<u8>>;

/// A Rust type whose values are elements.
pub trait Element: Sized + Clone + Send + Sync + 'static {
    /// The data type that arrays of this type have unless told otherwise.
    const DATA_TYPE: DataType;

    /// Whether elements of a data type are values of this type.
    fn fits(data_type: &DataType) -> bool {
        *data_type == Self::DATA_TYPE
    }

    /// Makes values of elements that `fill` provides.
    ///
    /// # Errors
    /// Those of `fill`, and [`crate::Error::Value`] for an element that is no value of the type.
    fn read(n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>>;

    /// Shows values as elements.
    ///
    /// # Errors
    /// Those of `take`.
    fn with_bytes(values: &[Self], take: &mut dyn FnMut(ChunkRef<'_>) -> Result<()>) -> Result<()>;
}

macro_rules! plain_element {
    ($($type:ty: $variant:ident $([$($also:tt)*])?;)*) => {$(
        impl Element for $type {
            const DATA_TYPE: DataType = DataType::$variant;

            $(fn fits(data_type: &DataType) -> bool {
                matches!(data_type, DataType::$variant $($also)*)
            })?

            fn read(n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
                let mut values = bytemuck::zeroed_vec::<Self>(n_elements);
                fill(bytemuck::cast_slice_mut(&mut values))?;
                Ok(values)
            }

            fn with_bytes(values: &[Self], take: &mut dyn FnMut(ChunkRef<'_>) -> Result<()>) -> Result<()> {
                take(ChunkRef { elements: bytemuck::cast_slice(values), heap: &[] })
            }
        }
    )*};
}
plain_element! {
    i8: Int8;
    i16: Int16;
    i32: Int32;
    i64: Int64 [| DataType::DateTime64(_) | DataType::TimeDelta64(_)];
    u8: UInt8;
    u16: UInt16;
    u32: UInt32;
    u64: UInt64;
    f16: Float16;
    f32: Float32;
    f64: Float64;
    Complex<f32>: Complex64;
    Complex<f64>: Complex128;
}

impl Element for bool {
    const DATA_TYPE: DataType = DataType::Bool;

    fn read(n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        let mut bytes = vec![0; n_elements];
        fill(&mut bytes)?;
        // Other writers store other bytes than 1 for true.
        Ok(bytes.into_iter().map(|byte| byte != 0).collect())
    }

    fn with_bytes(values: &[Self], take: &mut dyn FnMut(ChunkRef<'_>) -> Result<()>) -> Result<()> {
        take(ChunkRef {
            elements: bytemuck::cast_slice(values),
            heap: &[],
        })
    }
}

impl Element for String {
    const DATA_TYPE: DataType = DataType::String;

    fn read(n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        let items = <Vec<u8>>::read(n_elements, fill)?;
        let text = |item: Vec<u8>| {
            Self::from_utf8(item).map_err(|_| crate::Error::Value {
                array: Self::new(),
                reason: "text is not UTF-8".to_owned(),
            })
        };
        items.into_iter().map(text).collect()
    }

    fn with_bytes(values: &[Self], take: &mut dyn FnMut(ChunkRef<'_>) -> Result<()>) -> Result<()> {
        take_items(values, take)
    }
}

impl Element for Vec<u8> {
    const DATA_TYPE: DataType = DataType::Bytes;

    fn fits(data_type: &DataType) -> bool {
        data_type.is_variable()
    }

    fn read(n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        let mut slots = vec![0; n_elements * SLOT_SIZE];
        let heap = fill(&mut slots)?;
        Ok(ChunkRef {
            elements: &slots,
            heap: &heap,
        }
        .items()
        .map(<[u8]>::to_vec)
        .collect())
    }

    fn with_bytes(values: &[Self], take: &mut dyn FnMut(ChunkRef<'_>) -> Result<()>) -> Result<()> {
        take_items(values, take)
    }
}

fn take_items<T: AsRef<[u8]>>(values: &[T], take: &mut dyn FnMut(ChunkRef<'_>) -> Result<()>) -> Result<()> {
    let mut buffer = ChunkBuffer::default();
    for value in values {
        buffer.push_item(value.as_ref());
    }
    take(buffer.as_ref())
}
