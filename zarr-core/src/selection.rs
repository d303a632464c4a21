//! What part of an array is asked for.
//!
//! A [`Selection`] says it in the words of the field: *basic* and *fancy* as `NumPy` indexes, *orthogonal*,
//! *coordinates*, *mask* and *blocks* as Zarr does, each with the *fields* of records that are meant.
//! [`Selection::resolve`] finds the elements in an array of a known shape.

use std::fmt;

use crate::{ChunkGrid, Error, Region, Result, resolve, selection_text};

/// What is asked of one dimension, or of several at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectionItem {
    /// One element, counted from the end if negative; the dimension is left out of the result.
    Index(i64),
    /// Elements from `start` (0 if absent) to before `stop` (the end if absent), every `step`th.
    ///
    /// Negative bounds count from the end, and bounds outside the array are moved to its ends.
    Slice {
        /// The first element.
        start: Option<i64>,
        /// The element before which to stop.
        stop: Option<i64>,
        /// The distance of elements, at least 1.
        step: i64,
    },
    /// All dimensions that the other items leave over; at most one of a selection.
    Ellipsis,
    /// The elements of a list, in its order; negative ones count from the end, and any may be repeated.
    Indices(IndexArray),
    /// The elements where it is true; as long as the dimension.
    Mask(Vec<bool>),
}

impl SelectionItem {
    /// All of a dimension: `:`.
    pub const ALL: Self = Self::Slice {
        start: None,
        stop: None,
        step: 1,
    };

    /// The elements from `start` to before `stop`.
    pub fn range(start: u64, stop: u64) -> Self {
        let bound = |bound: u64| Some(i64::try_from(bound).unwrap_or(i64::MAX));
        Self::Slice {
            start: bound(start),
            stop: bound(stop),
            step: 1,
        }
    }

    /// The elements of a list, in its order.
    pub fn indices(values: impl Into<IndexArray>) -> Self {
        Self::Indices(values.into())
    }

    pub(crate) const fn is_list(&self) -> bool {
        matches!(self, Self::Indices(_) | Self::Mask(_))
    }
}

impl From<i64> for SelectionItem {
    fn from(index: i64) -> Self {
        Self::Index(index)
    }
}

/// Positions along a dimension, themselves an array; negative ones count from the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexArray {
    shape: Vec<u64>,
    values: Vec<i64>,
}

impl IndexArray {
    /// Takes positions in C order.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many as the shape says.
    pub fn new(shape: Vec<u64>, values: Vec<i64>) -> Result<Self> {
        let count = shape
            .iter()
            .try_fold(1_u64, |product, length| product.checked_mul(*length));
        if count != Some(values.len() as u64) {
            let got = vec![values.len() as u64];
            return Err(Error::Shape { expected: shape, got });
        }
        Ok(Self { shape, values })
    }

    /// The number of positions along each of its own dimensions.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The positions, in C order.
    pub fn values(&self) -> &[i64] {
        &self.values
    }
}

impl From<Vec<i64>> for IndexArray {
    fn from(values: Vec<i64>) -> Self {
        Self {
            shape: vec![values.len() as u64],
            values,
        }
    }
}

impl From<&[i64]> for IndexArray {
    fn from(values: &[i64]) -> Self {
        values.to_vec().into()
    }
}

impl<const N: usize> From<[i64; N]> for IndexArray {
    fn from(values: [i64; N]) -> Self {
        values.to_vec().into()
    }
}

impl From<i64> for IndexArray {
    /// One position, which is used for all of the others' (a scalar).
    fn from(value: i64) -> Self {
        Self {
            shape: Vec::new(),
            values: vec![value],
        }
    }
}

/// What part of an array is asked for, and which fields of its records.
///
/// ```
/// # use zarr_core::{Selection, SelectionItem};
/// assert_eq!(Selection::parse("0:10, ..., -1")?.to_string(), "0:10, ..., -1");
/// assert_eq!(Selection::parse("[4, 0, 4], :")?.to_string(), "[4, 0, 4], :");
/// // The elements that rows 0 and 2 have in columns 1 and 3: 2 x 2 of them.
/// let rows_and_columns = [[0, 2], [1, 3]].map(SelectionItem::indices);
/// assert_eq!(Selection::orthogonal(rows_and_columns.clone()).resolve(&[4, 5], &[2, 2])?.result_shape(), [2, 2]);
/// // The elements at (0, 1) and (2, 3).
/// assert_eq!(Selection::coordinates([[0, 2], [1, 3]]).resolve(&[4, 5], &[2, 2])?.result_shape(), [2]);
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    pub(crate) kind: Kind,
    fields: Vec<String>,
}

/// How the elements are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As `z[...]` of zarr-python does.
    Items(Vec<SelectionItem>),
    Orthogonal(Vec<SelectionItem>),
    Coordinates(Vec<IndexArray>),
    Mask {
        shape: Vec<u64>,
        values: Vec<bool>,
    },
    Blocks(Vec<SelectionItem>),
}

impl Default for Kind {
    fn default() -> Self {
        Self::Items(Vec::new())
    }
}

impl Kind {
    const fn plain(self) -> Selection {
        Selection {
            kind: self,
            fields: Vec::new(),
        }
    }
}

impl Selection {
    /// The whole array.
    pub const fn all() -> Self {
        Kind::Items(Vec::new()).plain()
    }

    /// Takes items as `z[...]` does, one a dimension but for the ellipsis; fewer select all of what is left.
    ///
    /// Lists go as far as zarr-python 2 lets them: one of them alone, or one beside integers and slices for all
    /// dimensions, is orthogonal; lists and integers for all dimensions are coordinates. Anything else with a list
    /// is an error, where one of the other constructors says what is meant.
    pub fn new(items: impl IntoIterator<Item = SelectionItem>) -> Self {
        Kind::Items(items.into_iter().collect()).plain()
    }

    /// The box of `shape` elements from `start`.
    pub fn region(start: &[u64], shape: &[u64]) -> Self {
        let lengths = start.iter().zip(shape);
        Self::new(lengths.map(|(start, length)| SelectionItem::range(*start, *start + *length)))
    }

    /// The product of what is selected of each dimension, whatever it is (zarr-python's `oindex`).
    pub fn orthogonal(items: impl IntoIterator<Item = SelectionItem>) -> Self {
        Kind::Orthogonal(items.into_iter().collect()).plain()
    }

    /// Single elements, by one array of positions for each dimension (zarr-python's `vindex`).
    ///
    /// The arrays are broadcast against each other, and the result has their common shape.
    pub fn coordinates<T: Into<IndexArray>>(arrays: impl IntoIterator<Item = T>) -> Self {
        Kind::Coordinates(arrays.into_iter().map(Into::into).collect()).plain()
    }

    /// The elements where `values`, in C order, are true; `shape` must be that of the array.
    pub fn mask(shape: impl Into<Vec<u64>>, values: impl Into<Vec<bool>>) -> Self {
        Kind::Mask {
            shape: shape.into(),
            values: values.into(),
        }
        .plain()
    }

    /// Whole chunks, by integers and slices of step 1 that count chunks; an integer keeps its dimension.
    pub fn blocks(items: impl IntoIterator<Item = SelectionItem>) -> Self {
        Kind::Blocks(items.into_iter().collect()).plain()
    }

    /// The same elements, and of each only some fields: one gives its own type, several a record of them.
    #[must_use]
    pub fn fields<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.fields = names.into_iter().map(Into::into).collect();
        self
    }

    /// The fields that are meant; none for whole elements.
    pub fn field_names(&self) -> &[String] {
        &self.fields
    }

    /// Reads `NumPy`'s form: `0:10, ::2, -1, ...`, with lists `[4, 0, 4]` and `[true, false]` and fields `'name'`.
    ///
    /// Brackets with nothing but integers or truths in them are a list; round ones, and brackets around anything
    /// else, enclose the whole selection.
    ///
    /// # Errors
    /// [`Error::Selection`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        selection_text::parse(text)
    }

    /// Finds the elements in an array of a shape; the chunk shape is for blocks.
    ///
    /// # Errors
    /// [`Error::Selection`] for positions outside the array, a step below 1, too many items or ellipses, lists and
    /// masks of another length or shape, and items that this kind of selection does not have.
    pub fn resolve(&self, shape: &[u64], chunk_shape: &[u64]) -> Result<Region> {
        let lengths = chunk_shape.iter().copied().chain(std::iter::repeat(1));
        let chunk_shape = shape.iter().zip(lengths).map(|(_, length)| length.max(1));
        self.resolve_in(
            shape,
            &ChunkGrid::Regular {
                chunk_shape: chunk_shape.collect(),
            },
        )
    }

    /// As [`Selection::resolve`], in a grid of any kind.
    pub(crate) fn resolve_in(&self, shape: &[u64], chunk_grid: &ChunkGrid) -> Result<Region> {
        match &self.kind {
            Kind::Items(items) => resolve::items(items, shape),
            Kind::Orthogonal(items) => resolve::orthogonal(items, shape),
            Kind::Coordinates(arrays) => resolve::coordinates(&arrays.iter().collect::<Vec<_>>(), shape),
            Kind::Mask {
                shape: mask_shape,
                values,
            } => resolve::mask(mask_shape, values, shape),
            Kind::Blocks(items) => resolve::blocks(items, shape, chunk_grid),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        selection_text::write(self, f)
    }
}
