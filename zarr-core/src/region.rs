//! A selection as it lies in an array of a known shape.

use crate::{Selection, SelectionItem};

/// Elements of one dimension at equal distances.
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

impl Extent {
    /// All elements of a dimension.
    pub(crate) const fn all(length: u64) -> Self {
        Self {
            start: 0,
            count: length,
            step: 1,
            is_index: false,
        }
    }
}

/// What is selected of one dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Positions {
    /// Elements at equal distances.
    Steps(Extent),
    /// Any elements in any order, each as often as it is selected.
    List(Vec<u64>),
}

impl Positions {
    /// Takes a list; one that goes up in equal steps is none.
    pub(crate) fn list(positions: Vec<u64>) -> Self {
        let step = match positions[..] {
            [first, second, ..] if second > first => second - first,
            [] | [_] => 1,
            _ => return Self::List(positions),
        };
        let is_steps = positions
            .windows(2)
            .all(|pair| pair[0].checked_add(step) == Some(pair[1]));
        if !is_steps {
            return Self::List(positions);
        }
        Self::Steps(Extent {
            start: positions.first().copied().unwrap_or(0),
            count: positions.len() as u64,
            step,
            is_index: false,
        })
    }

    /// The number of positions.
    pub fn count(&self) -> u64 {
        match self {
            Self::Steps(extent) => extent.count,
            Self::List(positions) => positions.len() as u64,
        }
    }

    const fn is_index(&self) -> bool {
        matches!(self, Self::Steps(extent) if extent.is_index)
    }

    /// The first and the last position in the dimension.
    fn ends(&self) -> Option<(u64, u64)> {
        match self {
            Self::Steps(Extent { count: 0, .. }) => None,
            Self::Steps(extent) => Some((extent.start, extent.start + (extent.count - 1) * extent.step)),
            Self::List(positions) => Some((*positions.iter().min()?, *positions.iter().max()?)),
        }
    }
}

/// Single elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Points {
    /// The shape of the result.
    pub shape: Vec<u64>,
    /// For each dimension of the array, the positions of the elements.
    pub coords: Vec<Vec<u64>>,
    /// The number of elements.
    pub count: u64,
}

/// The elements of an array that a selection names, and the shape that they have in the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Region {
    /// The product of what is selected of each dimension of the array.
    Grid(Vec<Positions>),
    /// Single elements.
    Points(Points),
}

impl Region {
    /// The shape of the result: one length for each dimension that is not indexed, or that of the points.
    pub fn result_shape(&self) -> Vec<u64> {
        match self {
            Self::Grid(dimensions) => dimensions
                .iter()
                .filter(|positions| !positions.is_index())
                .map(Positions::count)
                .collect(),
            Self::Points(points) => points.shape.clone(),
        }
    }

    /// The number of elements along each dimension in which they lie: those of the array, or the list of points.
    pub fn counts(&self) -> Vec<u64> {
        match self {
            Self::Grid(dimensions) => dimensions.iter().map(Positions::count).collect(),
            Self::Points(points) => vec![points.count],
        }
    }

    /// The number of elements; saturates.
    pub fn n_elements(&self) -> u64 {
        u64::try_from(self.n_elements_wide()).unwrap_or(u64::MAX)
    }

    /// The number of elements, for those who say how far it is beyond a limit; saturates.
    pub(crate) fn n_elements_wide(&self) -> u128 {
        match self {
            Self::Grid(dimensions) => dimensions.iter().fold(1, |product, positions| {
                product.saturating_mul(positions.count().into())
            }),
            Self::Points(points) => points.count.into(),
        }
    }

    /// Whether the elements are all those of a box, in their order.
    pub fn is_box(&self) -> bool {
        let is_run = |positions: &Positions| matches!(positions, Positions::Steps(extent) if extent.step == 1 || extent.count <= 1);
        matches!(self, Self::Grid(dimensions) if dimensions.iter().all(is_run))
    }

    /// The least box that holds all elements: for each dimension of the array the first one, and the number.
    ///
    /// All numbers are 0 where there are no elements.
    pub fn bounds(&self) -> (Vec<u64>, Vec<u64>) {
        let bounds =
            |ends: Option<(u64, u64)>| ends.map_or((0, 0), |(first, last)| (first, last - first + 1));
        match self {
            Self::Grid(dimensions) => dimensions
                .iter()
                .map(|positions| bounds(positions.ends()))
                .unzip(),
            Self::Points(points) => points
                .coords
                .iter()
                .map(|coords| bounds(coords.iter().min().copied().zip(coords.iter().max().copied())))
                .unzip(),
        }
    }

    /// The selection of the same elements in a box that begins at `start`.
    pub fn within(&self, start: &[u64]) -> Selection {
        let moved = |positions: &[u64], start: u64| -> Vec<i64> {
            let moved = positions.iter().map(|position| position - start);
            moved
                .map(|position| i64::try_from(position).unwrap_or(i64::MAX))
                .collect()
        };
        match self {
            Self::Grid(dimensions) => {
                let items = dimensions
                    .iter()
                    .zip(start)
                    .map(|(positions, start)| match positions {
                        Positions::List(positions) => SelectionItem::indices(moved(positions, *start)),
                        Positions::Steps(extent) => {
                            let first = moved(&[extent.start.max(*start)], *start)[0];
                            let length = extent.count.saturating_mul(extent.step);
                            SelectionItem::Slice {
                                start: Some(first),
                                stop: Some(first.saturating_add(i64::try_from(length).unwrap_or(i64::MAX))),
                                step: i64::try_from(extent.step).unwrap_or(i64::MAX),
                            }
                        }
                    });
                Selection::orthogonal(items)
            }
            Self::Points(points) => {
                let coords = points.coords.iter().zip(start);
                Selection::coordinates(coords.map(|(coords, start)| moved(coords, *start)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_equal_steps_is_taken_as_one() {
        let steps = |start, count, step| {
            Positions::Steps(Extent {
                start,
                count,
                step,
                is_index: false,
            })
        };
        assert_eq!(Positions::list(vec![2, 5, 8]), steps(2, 3, 3));
        assert_eq!(Positions::list(vec![7]), steps(7, 1, 1));
        assert_eq!(Positions::list(vec![]), steps(0, 0, 1));
        for list in [vec![2, 5, 9], vec![3, 3], vec![3, 2]] {
            assert_eq!(Positions::list(list.clone()), Positions::List(list));
        }
    }

    #[test]
    fn a_region_lies_in_its_bounds() {
        for text in ["[4, 0, 4], 1::2", "[4, 1, 4], [3, 1, 2]", "2, ::3"] {
            let shape = [6, 7];
            let region = Selection::parse(text).unwrap().resolve(&shape, &shape).unwrap();
            let (start, lengths) = region.bounds();
            let inside = region.within(&start).resolve(&lengths, &lengths).unwrap();
            assert_eq!(inside.counts(), region.counts(), "{text}");
            assert!(!region.is_box(), "{text}");
            let (first, again) = inside.bounds();
            assert!(first.iter().all(|first| *first == 0), "{text}");
            assert_eq!(again, lengths, "{text}");
        }
    }
}
