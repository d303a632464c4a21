//! What part of an array is asked for.

use crate::{Error, Result};

/// What is asked of one dimension, or of several at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

/// A box with steps: what `NumPy` calls basic indexing.
///
/// Fewer items than dimensions select all of the others.
///
/// ```
/// # use zarr_core::Selection;
/// assert_eq!(Selection::parse("0:10, ..., -1")?.to_string(), "0:10, ..., -1");
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection(Vec<SelectionItem>);

impl Selection {
    /// The whole array.
    pub const fn all() -> Self {
        Self(Vec::new())
    }

    /// Takes items, one a dimension but for the ellipsis.
    pub fn new(items: impl IntoIterator<Item = SelectionItem>) -> Self {
        Self(items.into_iter().collect())
    }

    /// The box of `shape` elements from `start`.
    pub fn region(start: &[u64], shape: &[u64]) -> Self {
        Self(
            start
                .iter()
                .zip(shape)
                .map(|(start, length)| range(*start, *start + *length))
                .collect(),
        )
    }

    /// Reads `NumPy`'s form: `0:10, ::2, -1, ...`.
    ///
    /// # Errors
    /// [`Error::Selection`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let item = |item: &str| {
            let bad = || Error::selection(format!("{item:?} is neither an integer, a slice nor an ellipsis"));
            let number = |text: &str| text.trim().parse::<i64>().map_err(|_| bad());
            let bound = |text: &str| (!text.trim().is_empty()).then(|| number(text)).transpose();
            let parts: Vec<_> = item.split(':').collect();
            Ok(match parts[..] {
                [one] if one.trim() == "..." => SelectionItem::Ellipsis,
                [one] => SelectionItem::Index(number(one)?),
                [start, end] => SelectionItem::Slice {
                    start: bound(start)?,
                    stop: bound(end)?,
                    step: 1,
                },
                [start, end, step] => SelectionItem::Slice {
                    start: bound(start)?,
                    stop: bound(end)?,
                    step: bound(step)?.unwrap_or(1),
                },
                _ => return Err(bad()),
            })
        };
        let text = text
            .trim()
            .trim_start_matches(['(', '['])
            .trim_end_matches([')', ']']);
        let items = text.split(',').filter(|part| !part.trim().is_empty());
        items.map(item).collect::<Result<_>>().map(Self)
    }

    /// Finds the box in an array.
    ///
    /// # Errors
    /// [`Error::Selection`] for an index outside the array, a step below 1, too many items or ellipses.
    pub fn resolve(&self, shape: &[u64]) -> Result<Region> {
        let is_ellipsis = |item: &&SelectionItem| matches!(item, SelectionItem::Ellipsis);
        let n_ellipses = self.0.iter().filter(is_ellipsis).count();
        if n_ellipses > 1 {
            return Err(Error::selection(
                "an index can only have a single ellipsis ('...')",
            ));
        }
        let n_items = self.0.len() - n_ellipses;
        let ndim = shape.len();
        let left = ndim.checked_sub(n_items).ok_or_else(|| {
            Error::selection(format!(
                "too many indices for array; expected {ndim}, got {n_items}"
            ))
        })?;
        let mut dimensions = Vec::with_capacity(ndim);
        let whole = |length: u64| Extent {
            start: 0,
            count: length,
            step: 1,
            is_index: false,
        };
        let implied = if n_ellipses == 0 {
            Some(&SelectionItem::Ellipsis)
        } else {
            None
        };
        for item in self.0.iter().chain(implied) {
            let dimension = dimensions.len();
            match *item {
                SelectionItem::Ellipsis => dimensions.extend(
                    shape[dimension..dimension + left]
                        .iter()
                        .map(|length| whole(*length)),
                ),
                SelectionItem::Index(index) => dimensions.push(index_extent(index, shape[dimension])?),
                SelectionItem::Slice { start, stop, step } => {
                    dimensions.push(slice_extent(start, stop, step, shape[dimension])?);
                }
            }
        }
        Ok(Region { dimensions })
    }
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match item {
                SelectionItem::Index(index) => write!(f, "{index}")?,
                SelectionItem::Ellipsis => f.write_str("...")?,
                SelectionItem::Slice { start, stop, step } => {
                    let text =
                        |bound: &Option<i64>| bound.map_or_else(String::new, |bound| bound.to_string());
                    write!(f, "{}:{}", text(start), text(stop))?;
                    if *step != 1 {
                        write!(f, ":{step}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn range(start: u64, stop: u64) -> SelectionItem {
    let bound = |bound: u64| Some(i64::try_from(bound).unwrap_or(i64::MAX));
    SelectionItem::Slice {
        start: bound(start),
        stop: bound(stop),
        step: 1,
    }
}

fn index_extent(index: i64, length: u64) -> Result<Extent> {
    let found = if index < 0 {
        length.checked_sub(index.unsigned_abs())
    } else {
        Some(index as u64)
    };
    let start = found
        .filter(|start| *start < length)
        .ok_or_else(|| Error::selection(format!("index out of bounds for dimension with length {length}")))?;
    Ok(Extent {
        start,
        count: 1,
        step: 1,
        is_index: true,
    })
}

fn slice_extent(start: Option<i64>, end: Option<i64>, step: i64, length: u64) -> Result<Extent> {
    let Some(step) = u64::try_from(step).ok().filter(|step| *step >= 1) else {
        return Err(Error::selection("only slices with step >= 1 are supported"));
    };
    let clip = |bound: i64| {
        if bound < 0 {
            length.saturating_sub(bound.unsigned_abs())
        } else {
            (bound as u64).min(length)
        }
    };
    let start = start.map_or(0, clip);
    let end = end.map_or(length, clip);
    Ok(Extent {
        start,
        count: end.saturating_sub(start).div_ceil(step),
        step,
        is_index: false,
    })
}

/// What is selected of one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The first element.
    pub start: u64,
    /// The number of elements.
    pub count: u64,
    /// The distance of elements.
    pub step: u64,
    /// Whether the dimension is left out of the result.
    pub is_index: bool,
}

/// A selection as it lies in an array of a known shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// What is selected of each dimension of the array.
    pub dimensions: Vec<Extent>,
}

impl Region {
    /// The shape of the result: one length for each dimension that is not indexed.
    pub fn result_shape(&self) -> Vec<u64> {
        self.dimensions
            .iter()
            .filter(|extent| !extent.is_index)
            .map(|extent| extent.count)
            .collect()
    }

    /// The number of elements of each dimension, indexed ones included.
    pub fn counts(&self) -> Vec<u64> {
        self.dimensions.iter().map(|extent| extent.count).collect()
    }

    /// The number of elements; saturates.
    pub fn n_elements(&self) -> u64 {
        self.dimensions
            .iter()
            .fold(1, |product, extent| product.saturating_mul(extent.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shape: &[u64], expected: &[(u64, u64, u64)], result: &[u64]) {
        let region = Selection::parse(text).unwrap().resolve(shape).unwrap();
        let found: Vec<_> = region
            .dimensions
            .iter()
            .map(|e| (e.start, e.count, e.step))
            .collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(region.result_shape(), result, "{text}");
    }

    #[test]
    fn selections_mean_what_numpy_means() {
        check("", &[3, 4], &[(0, 3, 1), (0, 4, 1)], &[3, 4]);
        check("1", &[3, 4], &[(1, 1, 1), (0, 4, 1)], &[4]);
        check("-1, 1:", &[3, 4], &[(2, 1, 1), (1, 3, 1)], &[3]);
        check("..., ::3", &[3, 4], &[(0, 3, 1), (0, 2, 3)], &[3, 2]);
        check("-100:100, 3:1", &[3, 4], &[(0, 3, 1), (3, 0, 1)], &[3, 0]);
        check("...", &[], &[], &[]);
        check("0:3:2, ...", &[3], &[(0, 2, 2)], &[2]);
    }

    #[test]
    fn selections_outside_the_array_are_refused() {
        for (text, shape) in [
            ("3", &[3][..]),
            ("-4", &[3]),
            ("0,0", &[3]),
            ("..., ...", &[3]),
            ("::-1", &[3]),
            ("::0", &[3]),
        ] {
            assert!(Selection::parse(text).unwrap().resolve(shape).is_err(), "{text}");
        }
        assert!(Selection::parse("a:b").is_err());
        assert!(Selection::parse("1:2:3:4").is_err());
    }
}
