//! Finds the elements that a selection names: the rules of zarr-python 2.18, and its words where they are broken.

use crate::{ChunkGrid, Error, Extent, IndexArray, Points, Positions, Region, Result, SelectionItem};

/// As `z[...]` does: basic where there are no lists, else orthogonal or by coordinates.
pub(crate) fn items(items: &[SelectionItem], shape: &[u64]) -> Result<Region> {
    if !items.iter().any(SelectionItem::is_list) {
        return grid(items, shape, basic_item);
    }
    let is_list = SelectionItem::is_list;
    let ndim = shape.len();
    if let ([SelectionItem::Indices(array)], 1) = (items, ndim) {
        return coordinates(&[array], shape);
    }
    if let ([SelectionItem::Mask(values)], 1) = (items, ndim) {
        return mask(&[values.len() as u64], values, shape);
    }
    let flat =
        |item: &SelectionItem| !matches!(item, SelectionItem::Indices(array) if array.shape().len() != 1);
    if ndim > 0 && items.len() == 1 && items.iter().all(flat) {
        return orthogonal(items, shape);
    }
    if ndim > 0 && items.len() == ndim {
        let is_point = |item: &SelectionItem| is_list(item) || matches!(item, SelectionItem::Index(_));
        if items.iter().all(is_point) {
            return fancy(items, shape);
        }
        let is_ellipsis = |item: &SelectionItem| matches!(item, SelectionItem::Ellipsis);
        let n_lists = items.iter().filter(|item| is_list(item)).count();
        if n_lists == 1 && !items.iter().any(is_ellipsis) {
            return orthogonal(items, shape);
        }
    }
    grid(items, shape, basic_item)
}

/// Integers and lists for all dimensions are coordinates.
fn fancy(items: &[SelectionItem], shape: &[u64]) -> Result<Region> {
    let arrays = items.iter().map(|item| match item {
        SelectionItem::Index(index) => Ok(IndexArray::from(*index)),
        SelectionItem::Indices(array) => Ok(array.clone()),
        _ => Err(not_coordinates("a mask and other items")),
    });
    let arrays = arrays.collect::<Result<Vec<_>>>()?;
    coordinates(&arrays.iter().collect::<Vec<_>>(), shape)
}

/// The product of what is selected of each dimension.
pub(crate) fn orthogonal(items: &[SelectionItem], shape: &[u64]) -> Result<Region> {
    grid(items, shape, |item, length| match item {
        SelectionItem::Indices(array) if array.shape().len() != 1 => Err(Error::selection(
            "integer arrays in an orthogonal selection must be 1-dimensional only",
        )),
        SelectionItem::Indices(array) => {
            let positions = array.values().iter().map(|index| position(*index, length));
            positions.collect::<Result<_>>().map(Positions::list)
        }
        SelectionItem::Mask(values) if values.len() as u64 != length => Err(Error::selection(format!(
            "Boolean array has the wrong length for dimension; expected {length}, got {}",
            values.len()
        ))),
        SelectionItem::Mask(values) => Ok(Positions::list(chosen(values).collect())),
        other => basic_item(other, length),
    })
}

/// Whole chunks.
pub(crate) fn blocks(items: &[SelectionItem], shape: &[u64], chunk_grid: &ChunkGrid) -> Result<Region> {
    let mut counts = chunk_grid.grid_shape(shape).into_iter().enumerate();
    grid(items, shape, |item, length| {
        let (axis, n_chunks) = counts.next().unwrap_or((0, 0));
        let start = |chunk| chunk_grid.extent(axis, chunk).0;
        block_item(item, length, n_chunks, start)
    })
}

/// `start_of` gives the first element of a chunk.
fn block_item(
    item: &SelectionItem,
    length: u64,
    n_chunks: u64,
    start_of: impl Fn(u64) -> u64,
) -> Result<Positions> {
    let n_chunks = i128::from(n_chunks);
    let wrapped = |index: i64| {
        if index < 0 {
            n_chunks + i128::from(index)
        } else {
            i128::from(index)
        }
    };
    let (start, stop) = match item {
        SelectionItem::Index(index) => (wrapped(*index), wrapped(*index) + 1),
        SelectionItem::Slice { start, stop, step: 1 } => {
            (start.map_or(0, wrapped), stop.map_or(n_chunks, wrapped))
        }
        SelectionItem::Slice { .. } => {
            let reason = "unsupported selection item for block indexing; expected integer or slice with step=1, got a slice";
            return Err(Error::selection(reason));
        }
        other => return Err(unsupported("block indexing; expected integer or slice", other)),
    };
    // No chunk at all is one too many, but for a slice that asks for all of nothing.
    let is_outside = start < 0 || start >= n_chunks;
    if is_outside && !(start == 0 && matches!(item, SelectionItem::Slice { .. })) {
        return Err(out_of_bounds(length));
    }
    let bound = |chunks: i128| {
        let chunks = u64::try_from(chunks.clamp(0, n_chunks)).unwrap_or(0);
        start_of(chunks).min(length)
    };
    Ok(Positions::Steps(Extent {
        start: bound(start),
        count: bound(stop).saturating_sub(bound(start)),
        step: 1,
        is_index: false,
    }))
}

/// Single elements, by one array of positions for each dimension.
pub(crate) fn coordinates(arrays: &[&IndexArray], shape: &[u64]) -> Result<Region> {
    if arrays.len() != shape.len() || shape.is_empty() {
        return Err(not_coordinates(&format!("{} arrays", arrays.len())));
    }
    let mut positions = Vec::with_capacity(arrays.len());
    for (array, length) in arrays.iter().zip(shape) {
        let along = array.values().iter().map(|index| position(*index, *length));
        positions.push(along.collect::<Result<Vec<_>>>()?);
    }
    let mut common: Vec<u64> = Vec::new();
    for array in arrays {
        common = broadcast(&common, array.shape()).ok_or_else(|| {
            let shapes: Vec<_> = arrays.iter().map(|array| array.shape()).collect();
            Error::selection(format!(
                "shape mismatch: {shapes:?} cannot be broadcast to a single shape"
            ))
        })?;
    }
    let too_many = || Error::selection("too many points");
    let count = common
        .iter()
        .try_fold(1_u64, |product, length| product.checked_mul(*length));
    let count = count
        .filter(|count| usize::try_from(*count).is_ok())
        .ok_or_else(too_many)?;
    let mut coords = Vec::with_capacity(arrays.len());
    for (array, positions) in arrays.iter().zip(positions) {
        coords.push(spread(positions, array.shape(), &common, count).ok_or_else(too_many)?);
    }
    // A single element is a list of one, as in zarr-python.
    let shape = if common.is_empty() { vec![1] } else { common };
    Ok(Region::Points(Points { shape, coords, count }))
}

/// The elements where a mask of the array's shape is true.
pub(crate) fn mask(mask_shape: &[u64], values: &[bool], shape: &[u64]) -> Result<Region> {
    let count: u128 = mask_shape.iter().map(|length| u128::from(*length)).product();
    if mask_shape != shape || count != values.len() as u128 || shape.is_empty() {
        return Err(not_coordinates(&format!("a mask of shape {mask_shape:?}")));
    }
    let count = values.iter().filter(|value| **value).count();
    let mut coords: Vec<_> = shape.iter().map(|_| Vec::with_capacity(count)).collect();
    for mut place in chosen(values) {
        for (coords, length) in coords.iter_mut().zip(shape).rev() {
            coords.push(place % length);
            place /= length;
        }
    }
    Ok(Region::Points(Points {
        shape: vec![count as u64],
        coords,
        count: count as u64,
    }))
}

/// Where a mask is true.
fn chosen(mask: &[bool]) -> impl Iterator<Item = u64> {
    // Most of a mask is false: what is so for a long way is seen at once.
    const BLOCK: usize = 128;
    let blocks = mask.chunks(BLOCK).enumerate();
    let blocks = blocks.filter(|(_, block)| block.iter().fold(false, |any, value| any | value));
    blocks.flat_map(|(number, block)| {
        let places = block.iter().enumerate().filter(|(_, value)| **value);
        places.map(move |(place, _)| (number * BLOCK + place) as u64)
    })
}

/// The common shape of two that are broadcast against each other.
fn broadcast(one: &[u64], other: &[u64]) -> Option<Vec<u64>> {
    let ndim = one.len().max(other.len());
    let length = |shape: &[u64], axis: usize| {
        (axis + shape.len())
            .checked_sub(ndim)
            .map_or(1, |axis| shape[axis])
    };
    let lengths = (0..ndim).map(|axis| match (length(one, axis), length(other, axis)) {
        (1, b) => Some(b),
        (a, 1) => Some(a),
        (a, b) => (a == b).then_some(a),
    });
    lengths.collect()
}

/// Repeats positions of one shape so that they fill another one of `count` positions; `None` without memory for them.
fn spread(positions: Vec<u64>, from: &[u64], to: &[u64], count: u64) -> Option<Vec<u64>> {
    if from == to {
        return Some(positions);
    }
    let mut all = Vec::new();
    all.try_reserve_exact(count as usize).ok()?;
    let missing = to.len() - from.len();
    for place in 0..count {
        let (mut rest, mut at, mut stride) = (place, 0, 1);
        for (axis, length) in to.iter().enumerate().rev() {
            let along = rest % length;
            rest /= length;
            if let Some(own) = axis.checked_sub(missing).map(|axis| from[axis]) {
                at += if own == 1 { 0 } else { along * stride };
                stride *= own;
            }
        }
        all.push(positions[at as usize]);
    }
    Some(all)
}

/// Goes through the items, the ellipsis taking the dimensions that are left.
fn grid(
    items: &[SelectionItem],
    shape: &[u64],
    mut positions: impl FnMut(&SelectionItem, u64) -> Result<Positions>,
) -> Result<Region> {
    let is_ellipsis = |item: &&SelectionItem| matches!(item, SelectionItem::Ellipsis);
    let n_ellipses = items.iter().filter(is_ellipsis).count();
    if n_ellipses > 1 {
        return Err(Error::selection(
            "an index can only have a single ellipsis ('...')",
        ));
    }
    let n_items = items.len() - n_ellipses;
    let ndim = shape.len();
    let left = ndim.checked_sub(n_items).ok_or_else(|| {
        // Where there are no dimensions, the ellipsis counts as well.
        let got = if ndim == 0 { items.len() } else { n_items };
        Error::selection(format!("too many indices for array; expected {ndim}, got {got}"))
    })?;
    let mut dimensions = Vec::with_capacity(ndim);
    let implied = (n_ellipses == 0).then_some(&SelectionItem::Ellipsis);
    for item in items.iter().chain(implied) {
        let dimension = dimensions.len();
        if matches!(item, SelectionItem::Ellipsis) {
            for length in &shape[dimension..dimension + left] {
                dimensions.push(positions(&SelectionItem::ALL, *length)?);
            }
        } else {
            dimensions.push(positions(item, shape[dimension])?);
        }
    }
    Ok(Region::Grid(dimensions))
}

fn basic_item(item: &SelectionItem, length: u64) -> Result<Positions> {
    Ok(Positions::Steps(match *item {
        SelectionItem::Index(index) => Extent {
            start: position(index, length)?,
            count: 1,
            step: 1,
            is_index: true,
        },
        SelectionItem::Slice { start, stop, step } => slice_extent(start, stop, step, length)?,
        SelectionItem::Ellipsis => Extent::all(length),
        SelectionItem::Indices(_) | SelectionItem::Mask(_) => {
            return Err(unsupported("basic indexing; expected integer or slice", item));
        }
    }))
}

/// The position of an index, which counts from the end if it is negative.
fn position(index: i64, length: u64) -> Result<u64> {
    let found = if index < 0 {
        length.checked_sub(index.unsigned_abs())
    } else {
        Some(index as u64)
    };
    found
        .filter(|position| *position < length)
        .ok_or_else(|| out_of_bounds(length))
}

fn slice_extent(start: Option<i64>, stop: Option<i64>, step: i64, length: u64) -> Result<Extent> {
    if step == 0 {
        return Err(Error::selection("slice step cannot be zero"));
    }
    let Ok(step) = u64::try_from(step) else {
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
    let stop = stop.map_or(length, clip);
    Ok(Extent {
        start,
        count: stop.saturating_sub(start).div_ceil(step),
        step,
        is_index: false,
    })
}

fn out_of_bounds(length: u64) -> Error {
    Error::selection(format!("index out of bounds for dimension with length {length}"))
}

fn not_coordinates(got: &str) -> Error {
    Error::selection(format!(
        "unsupported selection type for vectorized indexing; only coordinate selection (tuple of integer arrays) and mask selection (single Boolean array) are supported; got {got}"
    ))
}

fn unsupported(rule: &str, item: &SelectionItem) -> Error {
    let got = match item {
        SelectionItem::Index(_) => "an integer",
        SelectionItem::Slice { .. } => "a slice",
        SelectionItem::Ellipsis => "an ellipsis",
        SelectionItem::Indices(_) | SelectionItem::Mask(_) => "a list",
    };
    Error::selection(format!("unsupported selection item for {rule}, got {got}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Selection, selection::Kind};

    fn resolve(text: &str, shape: &[u64]) -> Result<Region> {
        Selection::parse(text).unwrap().resolve(shape, shape)
    }

    #[track_caller]
    fn check(text: &str, shape: &[u64], expected: &[(u64, u64, u64)], result: &[u64]) {
        let region = resolve(text, shape).unwrap();
        let Region::Grid(dimensions) = &region else {
            unreachable!("{text} is no grid")
        };
        let extents = dimensions.iter().map(|positions| match positions {
            Positions::Steps(extent) => (extent.start, extent.count, extent.step),
            Positions::List(_) => unreachable!("{text} has a list"),
        });
        assert_eq!(extents.collect::<Vec<_>>(), expected, "{text}");
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
        check("[0, 2], :", &[3, 4], &[(0, 2, 2), (0, 4, 1)], &[2, 4]);
        check("[1]", &[3, 4], &[(1, 1, 1), (0, 4, 1)], &[1, 4]);
    }

    #[test]
    fn lists_for_all_dimensions_are_points() {
        let points = |text: &str, shape: &[u64]| match resolve(text, shape).unwrap() {
            Region::Points(points) => (points.coords, points.shape),
            Region::Grid(_) => unreachable!("{text} is a grid"),
        };
        assert_eq!(
            points("[0, -1], [1, 2]", &[3, 4]),
            (vec![vec![0, 2], vec![1, 2]], vec![2])
        );
        assert_eq!(
            points("[2, 0], 1", &[3, 4]),
            (vec![vec![2, 0], vec![1, 1]], vec![2])
        );
        assert_eq!(points("[2, 0, 2]", &[3]), (vec![vec![2, 0, 2]], vec![3]));
        assert_eq!(points("[true, false, true]", &[3]), (vec![vec![0, 2]], vec![2]));
    }

    #[test]
    fn coordinates_are_broadcast() {
        let column = IndexArray::new(vec![2, 1], vec![0, 2]).unwrap();
        let row = IndexArray::from([1, 3, -1]);
        let region = Selection::coordinates([column, row])
            .resolve(&[4, 5], &[2, 2])
            .unwrap();
        assert_eq!(
            region,
            Region::Points(Points {
                shape: vec![2, 3],
                coords: vec![vec![0, 0, 0, 2, 2, 2], vec![1, 3, 4, 1, 3, 4]],
                count: 6,
            })
        );
        let one = Selection::coordinates([1, 2]).resolve(&[4, 5], &[2, 2]).unwrap();
        assert_eq!(one.result_shape(), [1]);
    }

    #[test]
    fn blocks_count_chunks() {
        let blocks = |text: &str| {
            let Kind::Items(items) = Selection::parse(text).unwrap().kind else {
                unreachable!("text has items")
            };
            let region = Selection::blocks(items).resolve(&[4, 5], &[2, 2])?;
            Ok::<_, Error>((region.bounds(), region.result_shape()))
        };
        assert_eq!(blocks("1, 2").unwrap(), ((vec![2, 4], vec![2, 1]), vec![2, 1]));
        assert_eq!(blocks("0:1, -1").unwrap(), ((vec![0, 4], vec![2, 1]), vec![2, 1]));
        assert_eq!(blocks("-1").unwrap(), ((vec![2, 0], vec![2, 5]), vec![2, 5]));
        for outside in ["2, 0", "-3", "2:", ":, 3:"] {
            let reason = blocks(outside).unwrap_err().to_string();
            assert!(reason.starts_with("index out of bounds"), "{outside}: {reason}");
        }
        assert!(blocks("::2").is_err());
        assert!(blocks("[0, 1]").is_err());
    }

    #[test]
    fn what_is_refused_is_refused_in_the_words_of_zarr_python() {
        let basic = "unsupported selection item for basic indexing";
        let vectorized = "unsupported selection type for vectorized indexing";
        for (text, shape, reason) in [
            ("3", &[3][..], "index out of bounds for dimension with length 3"),
            ("-4", &[3], "index out of bounds for dimension with length 3"),
            (
                "[0, 3], :",
                &[3, 1],
                "index out of bounds for dimension with length 3",
            ),
            ("0,0", &[3], "too many indices for array; expected 1, got 2"),
            ("..., ...", &[3], "an index can only have a single ellipsis"),
            ("::-1", &[3], "only slices with step >= 1 are supported"),
            ("::0", &[3], "slice step cannot be zero"),
            ("[0, 1], ...", &[3, 4], basic),
            ("[0, 1], [0, 1]", &[3, 4, 5], basic),
            ("[0, 1], [0, 1], :", &[3, 4, 5], basic),
            ("[true, false, true], 0", &[3, 4], vectorized),
            (
                "[true, false], :",
                &[3, 4],
                "Boolean array has the wrong length for dimension; expected 3, got 2",
            ),
            ("[true, false]", &[3], vectorized),
            ("[0]", &[], "too many indices for array; expected 0, got 1"),
        ] {
            let found = resolve(text, shape).unwrap_err().to_string();
            assert!(found.starts_with(reason), "{text}: {found}");
        }
        let mask = Selection::mask([2], [true, false]);
        assert!(mask.resolve(&[3], &[3]).is_err());
        let two = Selection::coordinates([[0, 1], [0, 1]]);
        assert!(two.resolve(&[3], &[3]).is_err());
        let unlike = Selection::coordinates([vec![0, 1], vec![0, 1, 2]]);
        assert!(unlike.resolve(&[3, 3], &[3, 3]).is_err());
    }
}
