//! The typed edge: Rust types that may enter and leave, and values whose type is known only at run time.

use half::{bf16, f16};
use num_complex::Complex;
use zarr_codecs::{ChunkBuffer, ChunkRef, DataType, LongDouble, NarrowType, Object, SLOT_SIZE, Slot};

use crate::{Result, fixed, given::Values};

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
        Self::of_type(shape, T::data_type(), values)
    }

    /// Takes typed elements in C order, to be elements of a data type that fits.
    ///
    /// # Errors
    /// Those of [`ArrayData::new`], [`crate::Error::Type`] when the type does not fit, and
    /// [`crate::Error::Value`] for a value that does not fit into an element.
    pub fn of_type<T: Element>(shape: Vec<u64>, data_type: DataType, values: &[T]) -> Result<Self> {
        check_fits::<T>(&data_type)?;
        let n_elements: u64 = shape.iter().product();
        if n_elements != values.len() as u64 {
            return Err(crate::Error::Shape {
                expected: shape,
                got: vec![values.len() as u64],
            });
        }
        let mut buffer = ChunkBuffer::default();
        T::with_bytes(&data_type, values, &mut |values| {
            buffer = values.to_buffer();
            Ok(())
        })?;
        Ok(Self {
            shape,
            data_type,
            buffer,
        })
    }

    /// The elements as a type that fits.
    ///
    /// # Errors
    /// [`crate::Error::Type`] when it does not fit, [`crate::Error::Value`] for a text that is no UTF-8.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        check_fits::<T>(&self.data_type)?;
        let n_elements = self.buffer.elements.len() / self.data_type.size().unwrap_or(1).max(1);
        T::read(&self.data_type, n_elements, &mut |elements| {
            elements.copy_from_slice(&self.buffer.elements);
            Ok(self.buffer.heap.clone())
        })
    }

    /// The elements with one index in the first dimension, which is left out.
    ///
    /// # Panics
    /// When there is no such index.
    #[must_use]
    pub fn row(&self, index: usize) -> Self {
        let size = self.buffer.elements.len() / (self.shape[0] as usize).max(1);
        let elements = &self.buffer.elements[index * size..(index + 1) * size];
        let mut buffer = ChunkBuffer::default();
        if self.data_type.is_variable() {
            let heap = &self.buffer.heap;
            ChunkRef { elements, heap }
                .items()
                .for_each(|item| buffer.push_item(item));
        } else {
            buffer.elements = elements.to_vec();
        }
        Self {
            shape: self.shape[1..].to_vec(),
            data_type: self.data_type.clone(),
            buffer,
        }
    }

    /// The number of elements.
    pub fn n_elements(&self) -> u64 {
        self.shape.iter().product()
    }
}

/// Fills memory of the right size with elements, and gives the heap that goes with them.
pub type Fill<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<Vec<u8>>;

/// Takes values.
pub type Take<'a> = &'a mut dyn FnMut(Values<'_>) -> Result<()>;

/// A Rust type whose values are elements.
///
/// | Rust | data types |
/// |---|---|
/// | `bool`, integers, `f16`, floats, `Complex` | the type of that name |
/// | `bf16` | `bfloat16` |
/// | `LongDouble`, `Complex<LongDouble>` | `float128`, `complex256` |
/// | `i64` | `datetime64`, `timedelta64` too: counts of their unit, see [`crate::time`] |
/// | `String` | texts of any length, and of fixed length (V2 `<U`) |
/// | `Object` | values of object arrays that JSON or `MessagePack` can hold |
/// | `Vec<u8>` | items of any length, byte strings of fixed length (V2 `\|S`), raw bytes (`\|V`) |
/// | `Vec` of numbers | arrays of any length (V2 `vlen-array`) of such numbers |
/// | `[u8; N]` | `\|S` and `\|V` of `N` bytes, padding included, and the bits of `int4`, `float8_e5m2` and their like |
///
/// What ends in NUL in an element of fixed length comes back without: `NumPy` cannot tell it from padding.
/// A value that is too long for an element is an error, where zarr-python cuts it.
pub trait Element: Sized + Clone + Send + Sync + 'static {
    /// The data type that arrays of this type have unless told otherwise.
    fn data_type() -> DataType;

    /// Whether elements of a data type are values of this type.
    fn fits(data_type: &DataType) -> bool {
        *data_type == Self::data_type()
    }

    /// Makes values of elements of a data type that fits, which `fill` provides.
    ///
    /// # Errors
    /// Those of `fill`, and [`crate::Error::Value`] for an element that is no value of the type.
    fn read(data_type: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>>;

    /// Shows values as elements of a data type that fits.
    ///
    /// # Errors
    /// Those of `take`, and [`crate::Error::Value`] for a value that does not fit into an element.
    fn with_bytes(data_type: &DataType, values: &[Self], take: Take<'_>) -> Result<()>;

    /// Makes a value of the bytes of one element of fixed size, in native byte order.
    ///
    /// # Errors
    /// [`crate::Error::Value`] for an element that is no value of the type.
    fn from_bytes(data_type: &DataType, bytes: &[u8]) -> Result<Self> {
        let values = Self::read(data_type, 1, &mut |elements| {
            elements.copy_from_slice(bytes);
            Ok(Vec::new())
        })?;
        Ok(values.into_iter().next().expect("one element makes one value"))
    }
}

macro_rules! plain_element {
    ($($type:ty: $variant:ident $([$($also:tt)*])?;)*) => {$(
        impl Element for $type {
            fn data_type() -> DataType {
                DataType::$variant
            }

            $(fn fits(data_type: &DataType) -> bool {
                matches!(data_type, DataType::$variant $($also)*)
            })?

            fn read(_: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
                let mut values = zeroed::<Self>(n_elements)?;
                fill(bytemuck::cast_slice_mut(&mut values))?;
                Ok(values)
            }

            fn with_bytes(_: &DataType, values: &[Self], take: Take<'_>) -> Result<()> {
                take(Values::fixed(bytemuck::cast_slice(values)))
            }

            fn from_bytes(_: &DataType, bytes: &[u8]) -> Result<Self> {
                Ok(bytemuck::pod_read_unaligned(bytes))
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
    fn data_type() -> DataType {
        DataType::Bool
    }

    fn read(_: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        let mut bytes = zeroed(n_elements)?;
        fill(&mut bytes)?;
        // Other writers store other bytes than 1 for true.
        Ok(bytes.into_iter().map(|byte| byte != 0).collect())
    }

    fn with_bytes(_: &DataType, values: &[Self], take: Take<'_>) -> Result<()> {
        take(Values::fixed(bytemuck::cast_slice(values)))
    }
}

impl Element for bf16 {
    fn data_type() -> DataType {
        DataType::Narrow(NarrowType::new("bfloat16").expect("the table has it"))
    }

    fn read(_: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        let mut values = zeroed::<Self>(n_elements)?;
        fill(bytemuck::cast_slice_mut(&mut values))?;
        Ok(values)
    }

    fn with_bytes(_: &DataType, values: &[Self], take: Take<'_>) -> Result<()> {
        take(Values::fixed(bytemuck::cast_slice(values)))
    }
}

impl Element for LongDouble {
    fn data_type() -> DataType {
        DataType::Float128
    }

    fn read(_: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        let elements = <[u8; 16]>::read(&DataType::Raw(16), n_elements, fill)?;
        Ok(elements.into_iter().map(Self::from_ne_bytes).collect())
    }

    fn with_bytes(_: &DataType, values: &[Self], take: Take<'_>) -> Result<()> {
        let elements: Vec<_> = values.iter().map(|value| value.to_ne_bytes()).collect();
        <[u8; 16]>::with_bytes(&DataType::Raw(16), &elements, take)
    }
}

impl Element for Complex<LongDouble> {
    fn data_type() -> DataType {
        DataType::Complex256
    }

    fn read(_: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        let parts = LongDouble::read(&LongDouble::data_type(), 2 * n_elements, fill)?;
        let (parts, _) = parts.as_chunks();
        Ok(parts.iter().map(|[re, im]| Self::new(*re, *im)).collect())
    }

    fn with_bytes(_: &DataType, values: &[Self], take: Take<'_>) -> Result<()> {
        let parts: Vec<_> = values.iter().flat_map(|value| [value.re, value.im]).collect();
        LongDouble::with_bytes(&LongDouble::data_type(), &parts, take)
    }
}

impl<const N: usize> Element for [u8; N] {
    fn data_type() -> DataType {
        DataType::Raw(N as u32)
    }

    fn fits(data_type: &DataType) -> bool {
        match data_type {
            DataType::Raw(size) | DataType::FixedBytes(size) => *size as usize == N,
            DataType::Narrow(narrow) => narrow.size() == N,
            _ => false,
        }
    }

    fn read(_: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        let mut values = zeroed::<Self>(n_elements)?;
        fill(values.as_flattened_mut())?;
        Ok(values)
    }

    fn with_bytes(_: &DataType, values: &[Self], take: Take<'_>) -> Result<()> {
        take(Values::fixed(values.as_flattened()))
    }
}

impl Element for String {
    fn data_type() -> DataType {
        DataType::String
    }

    fn fits(data_type: &DataType) -> bool {
        matches!(data_type, DataType::String | DataType::FixedUtf32(_))
    }

    fn read(data_type: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        if let DataType::FixedUtf32(length) = data_type {
            return fixed::read_texts(*length, n_elements, fill);
        }
        let items = read_items(n_elements, fill)?;
        // Texts are short: to look at all of them at once takes a fraction of looking at each.
        let all = str::from_utf8(&items.heap).ok();
        let text = |slot: Slot| match all {
            Some(all) => all.get(slot.range()),
            None => str::from_utf8(slot.of(&items.heap)).ok(),
        };
        let mut values = Vec::with_capacity(n_elements);
        for slot in items.as_ref().slots() {
            values.push(text(slot).ok_or_else(|| bad("text is not UTF-8"))?.to_owned());
        }
        Ok(values)
    }

    fn with_bytes(data_type: &DataType, values: &[Self], take: Take<'_>) -> Result<()> {
        match data_type {
            DataType::FixedUtf32(length) => fixed::take_texts(*length, values, take),
            _ => take_items(values, take),
        }
    }
}

impl Element for Vec<u8> {
    fn data_type() -> DataType {
        DataType::Bytes
    }

    fn fits(data_type: &DataType) -> bool {
        data_type.is_variable() || matches!(data_type, DataType::FixedBytes(_) | DataType::Raw(_))
    }

    fn read(data_type: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        if let DataType::FixedBytes(size) | DataType::Raw(size) = data_type {
            let is_padded = matches!(data_type, DataType::FixedBytes(_));
            return fixed::read_bytes(*size, is_padded, n_elements, fill);
        }
        let items = read_items(n_elements, fill)?;
        Ok(items.as_ref().items().map(<[u8]>::to_vec).collect())
    }

    fn with_bytes(data_type: &DataType, values: &[Self], take: Take<'_>) -> Result<()> {
        match data_type {
            DataType::FixedBytes(size) | DataType::Raw(size) => fixed::take_bytes(*size, values, take),
            _ => take_items(values, take),
        }
    }
}

impl Element for Object {
    fn data_type() -> DataType {
        DataType::Object
    }

    fn read(_: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
        let items = read_items(n_elements, fill)?;
        let value = |item| Self::from_item(item).map_err(|error| bad(error.to_string()));
        items.as_ref().items().map(value).collect()
    }

    fn with_bytes(_: &DataType, values: &[Self], take: Take<'_>) -> Result<()> {
        take(Values::Items {
            count: values.len(),
            add: &|index, heap| values[index].write_item(heap),
        })
    }
}

/// Refuses a Rust type that does not fit.
pub(crate) fn check_fits<T: Element>(data_type: &DataType) -> Result<()> {
    if T::fits(data_type) {
        return Ok(());
    }
    Err(crate::Error::Type {
        array: String::new(),
        stored: data_type.to_string(),
        asked: std::any::type_name::<T>(),
    })
}

/// An error of a value; whoever knows the array adds its path.
pub(crate) fn bad(reason: impl Into<String>) -> crate::Error {
    crate::Error::Value {
        array: String::new(),
        reason: reason.into(),
    }
}

/// Memory for values, all zero: pages that nothing is written to cost nothing.
pub(crate) fn zeroed<T: bytemuck::Zeroable>(n_values: usize) -> Result<Vec<T>> {
    let no_room = |()| bad(format!("no memory for {n_values} times {} bytes", size_of::<T>()));
    bytemuck::try_zeroed_vec(n_values).map_err(no_room)
}

/// The slots of elements of variable size, and their heap.
fn read_items(n_elements: usize, fill: Fill<'_>) -> Result<ChunkBuffer> {
    let mut elements = zeroed(n_elements.saturating_mul(SLOT_SIZE))?;
    let heap = fill(&mut elements)?;
    Ok(ChunkBuffer { elements, heap })
}

fn take_items<T: AsRef<[u8]> + Sync>(values: &[T], take: Take<'_>) -> Result<()> {
    take(Values::Items {
        count: values.len(),
        add: &|index, heap| heap.extend_from_slice(values[index].as_ref()),
    })
}
