//! Elements that are arrays of numbers, of one dimension and any length (V2 `vlen-array`).
//!
//! ```
//! use std::sync::Arc;
//! use zarr_core::{ArrayBuilder, NodePath, Selection, codecs::DataType, store::MemoryStore};
//!
//! let ragged = DataType::VlenArray(Box::new(DataType::Float32));
//! let array = ArrayBuilder::new(vec![3], ragged)
//!     .create(Arc::new(MemoryStore::new()), &NodePath::root(), &Default::default())?;
//! array.write_vec(&Selection::parse("0:2")?, &[vec![1.5_f32, 2.5], vec![-1.0]])?;
//! let rows: Vec<Vec<f32>> = array.read_vec(&Selection::all())?;
//! assert_eq!(rows, [vec![1.5, 2.5], vec![-1.0], vec![]]);
//! # Ok::<(), zarr_core::Error>(())
//! ```

use half::f16;
use num_complex::Complex;
use zarr_codecs::{DataType, LongDouble};

use crate::{
    Element, Result,
    element::{Fill, Take, bad},
    given::Values,
};

macro_rules! array_elements {
    ($($number:ty),*) => {$(
        impl Element for Vec<$number> {
            fn data_type() -> DataType {
                DataType::VlenArray(Box::new(<$number>::data_type()))
            }

            fn fits(data_type: &DataType) -> bool {
                matches!(data_type, DataType::VlenArray(numbers) if <$number>::fits(numbers))
            }

            fn read(data_type: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Self>> {
                read_arrays(data_type, n_elements, fill)
            }

            fn with_bytes(data_type: &DataType, values: &[Self], take: Take<'_>) -> Result<()> {
                take_arrays(data_type, values, take)
            }
        }
    )*};
}
// `Vec<u8>` is for items of every kind.
array_elements!(
    bool,
    i8,
    i16,
    i32,
    i64,
    u16,
    u32,
    u64,
    f16,
    f32,
    f64,
    LongDouble,
    Complex<f32>,
    Complex<f64>,
    Complex<LongDouble>
);

/// The type of the numbers in the items of a type that fits.
fn numbers(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::VlenArray(numbers) => numbers,
        other => other,
    }
}

fn read_arrays<T: Element>(data_type: &DataType, n_elements: usize, fill: Fill<'_>) -> Result<Vec<Vec<T>>> {
    let numbers = numbers(data_type);
    let size = numbers.size().unwrap_or(1).max(1);
    let array = |item: Vec<u8>| {
        if !item.len().is_multiple_of(size) {
            return Err(bad(format!(
                "an item of {} bytes is no array of {numbers}",
                item.len()
            )));
        }
        T::read(numbers, item.len() / size, &mut |elements| {
            elements.copy_from_slice(&item);
            Ok(Vec::new())
        })
    };
    let items = <Vec<u8>>::read(data_type, n_elements, fill)?;
    items.into_iter().map(array).collect()
}

fn take_arrays<T: Element>(data_type: &DataType, values: &[Vec<T>], take: Take<'_>) -> Result<()> {
    take(Values::Items {
        count: values.len(),
        add: &|index, heap| {
            let all = T::with_bytes(numbers(data_type), &values[index], &mut |numbers| {
                heap.extend_from_slice(numbers.elements().expect("a number has a fixed size"));
                Ok(())
            });
            all.expect("numbers fit elements of their own type");
        },
    })
}
