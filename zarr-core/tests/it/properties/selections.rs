//! Random selections of every kind, each with the places that `NumPy` would take its elements from.

use zarr_core::{ChunkGrid, IndexArray, Selection, SelectionItem};

use super::random::Random;

/// A selection, and what it means.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) selection: Selection,
    /// The shape of the result.
    pub(super) shape: Vec<u64>,
    /// For each element of the result, its place in the array in C order.
    pub(super) places: Vec<usize>,
}

/// What is chosen of one dimension: the item, its positions, and whether it keeps the dimension.
struct Along {
    item: SelectionItem,
    positions: Vec<u64>,
    is_kept: bool,
}

pub(super) fn choose(random: &mut Random, shape: &[u64], grid: &ChunkGrid) -> Chosen {
    let is_empty = shape.contains(&0);
    match random.below(8) {
        0 => all(shape),
        1 | 2 => product(random, shape, false, Selection::new),
        3 | 4 => product(random, shape, true, Selection::orthogonal),
        5 if !is_empty && !shape.is_empty() => points(random, shape),
        6 if !shape.is_empty() => mask(random, shape),
        7 if !is_empty => blocks(random, shape, grid),
        _ => one_list(random, shape),
    }
}

fn all(shape: &[u64]) -> Chosen {
    let along: Vec<_> = shape.iter().map(|length| whole(*length)).collect();
    make(Selection::all(), shape, &along)
}

fn whole(length: u64) -> Along {
    Along {
        item: SelectionItem::ALL,
        positions: (0..length).collect(),
        is_kept: true,
    }
}

/// Places of a product of positions.
fn make(selection: Selection, shape: &[u64], along: &[Along]) -> Chosen {
    let mut places = vec![0];
    for (length, along) in shape.iter().zip(along) {
        let inner = |place: usize| {
            along
                .positions
                .iter()
                .map(move |at| place * *length as usize + *at as usize)
        };
        places = places.into_iter().flat_map(inner).collect();
    }
    let kept = along.iter().filter(|along| along.is_kept);
    Chosen {
        selection,
        shape: kept.map(|along| along.positions.len() as u64).collect(),
        places,
    }
}

/// Items for each dimension, of which some may be left to an ellipsis.
fn product(
    random: &mut Random,
    shape: &[u64],
    lists: bool,
    constructor: fn(Vec<SelectionItem>) -> Selection,
) -> Chosen {
    let mut along: Vec<_> = shape.iter().map(|length| one(random, *length, lists)).collect();
    let mut items: Vec<_> = along.iter().map(|along| along.item.clone()).collect();
    let (from, to) = (
        random.below(shape.len() as u64 + 1) as usize,
        random.below(shape.len() as u64 + 1) as usize,
    );
    if random.one_in(3) && from <= to {
        for axis in from..to {
            along[axis] = whole(shape[axis]);
        }
        items.splice(from..to, [SelectionItem::Ellipsis]);
    }
    make(constructor(items), shape, &along)
}

fn one(random: &mut Random, length: u64, lists: bool) -> Along {
    match random.below(if lists { 6 } else { 3 }) {
        0 if length > 0 => {
            let position = random.below(length);
            Along {
                item: SelectionItem::Index(index(random, position, length)),
                positions: vec![position],
                is_kept: false,
            }
        }
        3 | 4 => list(random, length),
        5 => {
            let values = random.many(length, |random| random.one_in(2));
            let positions = (0..length)
                .filter(|position| values[*position as usize])
                .collect();
            Along {
                item: SelectionItem::Mask(values),
                positions,
                is_kept: true,
            }
        }
        _ => slice(random, length),
    }
}

/// A position, now and then counted from the end.
fn index(random: &mut Random, position: u64, length: u64) -> i64 {
    let index = position as i64;
    if random.one_in(3) {
        index - length as i64
    } else {
        index
    }
}

fn slice(random: &mut Random, length: u64) -> Along {
    let step = random.within(1, 3);
    let (start, stop) = (random.below(length + 1), random.below(length + 3));
    let bound = |random: &mut Random, bound: u64| match random.below(3) {
        0 if bound > 0 && bound < length => Some(bound as i64 - length as i64),
        _ => Some(bound as i64),
    };
    let (from, to) = (bound(random, start), bound(random, stop));
    let (start, from) = if random.one_in(4) {
        (0, None)
    } else {
        (start, from)
    };
    let (stop, to) = if random.one_in(4) {
        (length, None)
    } else {
        (stop, to)
    };
    let mut positions: Vec<_> = (start..stop.min(length)).collect();
    positions.retain(|position| (position - start) % step == 0);
    Along {
        item: SelectionItem::Slice {
            start: from,
            stop: to,
            step: step as i64,
        },
        positions,
        is_kept: true,
    }
}

fn list(random: &mut Random, length: u64) -> Along {
    let count = if length == 0 { 0 } else { random.below(length + 3) };
    let positions = random.many(count, |random| random.below(length));
    let values: Vec<_> = positions
        .iter()
        .map(|position| index(random, *position, length))
        .collect();
    Along {
        item: SelectionItem::indices(values),
        positions,
        is_kept: true,
    }
}

/// One list beside slices and integers, in plain brackets; in one dimension, a list alone is of points.
fn one_list(random: &mut Random, shape: &[u64]) -> Chosen {
    if shape.is_empty() {
        return all(shape);
    }
    let axis = random.below(shape.len() as u64) as usize;
    // Integers beside a list would make it one of points.
    let other = |random: &mut Random, at: usize| {
        if at == axis {
            list(random, shape[at])
        } else {
            slice(random, shape[at])
        }
    };
    let along: Vec<_> = (0..shape.len()).map(|at| other(random, at)).collect();
    let items: Vec<_> = along.iter().map(|along| along.item.clone()).collect();
    let mut chosen = make(Selection::new(items), shape, &along);
    let text = chosen.selection.to_string();
    // What is written as a text is read again, and means the same.
    chosen.selection = Selection::parse(&text).unwrap();
    chosen
}

fn points(random: &mut Random, shape: &[u64]) -> Chosen {
    let ndim = random.within(1, 2);
    let common = random.many(ndim, |random| random.below(6));
    let full = random.below(shape.len() as u64) as usize;
    let mut places = vec![0; common.iter().product::<u64>() as usize];
    let mut arrays = Vec::new();
    for (axis, length) in shape.iter().enumerate() {
        // All but one may lack leading dimensions, or have length 1 where they are repeated.
        let skipped = if axis == full {
            0
        } else {
            random.below(ndim + 1) as usize
        };
        let own = |(at, length): (usize, &u64)| {
            let is_repeated = at < skipped || (axis != full && random.one_in(4));
            if is_repeated { 1 } else { *length }
        };
        let own: Vec<_> = common.iter().enumerate().map(own).collect();
        let positions = random.many(own.iter().product(), |random| random.below(*length));
        let values = positions
            .iter()
            .map(|position| index(random, *position, *length))
            .collect();
        arrays.push(IndexArray::new(own[skipped..].to_vec(), values).unwrap());
        for (place, total) in places.iter_mut().enumerate() {
            let (mut rest, mut at, mut stride) = (place as u64, 0, 1);
            for (all, own) in common.iter().zip(&own).rev() {
                at += if *own == 1 { 0 } else { rest % all * stride };
                rest /= all;
                stride *= own;
            }
            *total = *total * *length as usize + positions[at as usize] as usize;
        }
    }
    Chosen {
        selection: Selection::coordinates(arrays),
        shape: common,
        places,
    }
}

fn mask(random: &mut Random, shape: &[u64]) -> Chosen {
    let chances = random.within(1, 6);
    let values = random.many(shape.iter().product(), |random| random.one_in(chances));
    let places: Vec<_> = (0..values.len()).filter(|place| values[*place]).collect();
    Chosen {
        selection: Selection::mask(shape, values),
        shape: vec![places.len() as u64],
        places,
    }
}

fn blocks(random: &mut Random, shape: &[u64], grid: &ChunkGrid) -> Chosen {
    let mut along = Vec::new();
    let counts = grid.grid_shape(shape).into_iter();
    for (axis, (length, count)) in shape.iter().zip(counts).enumerate() {
        let first = |chunk| grid.extent(axis, chunk).0.min(*length);
        let start = random.below(count);
        let (item, stop) = if random.one_in(2) {
            (SelectionItem::Index(index(random, start, count)), start + 1)
        } else {
            let stop = random.within(start, count + 1);
            (SelectionItem::range(start, stop), stop)
        };
        along.push(Along {
            item,
            positions: (first(start)..first(stop)).collect(),
            is_kept: true,
        });
    }
    let items: Vec<_> = along.iter().map(|along| along.item.clone()).collect();
    make(Selection::blocks(items), shape, &along)
}
