//! Two arrays at the same path, and what was found of their elements so far.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use serde_json::Value;
use zarr_core::{Array, ArrayData, Selection, Workers, codecs::SLOT_SIZE, store::StoreExt};

use super::{
    elements::{Element, Tolerance, fill_element, has_nan},
    parts::{Part, Parts},
};
use crate::{DifferenceKind, Error, Result, SourceArray};

/// Two arrays of the same shape and of comparable types.
pub(super) struct Pair {
    pub(super) path: String,
    /// The place of the node in the walk.
    pub(super) order: u64,
    a: Arc<dyn SourceArray>,
    b: Arc<dyn SourceArray>,
    parts: Parts,
    /// Whether equal stored chunks mean equal elements.
    is_aligned: bool,
    tolerance: Tolerance,
    /// Whether one difference is enough.
    only_first: bool,
    /// The least number of a part that differs, when one difference is enough.
    lowest: AtomicU64,
    found: Mutex<Found>,
}

/// What was found in some parts of a pair.
#[derive(Default)]
struct Found {
    n_different: u64,
    first: Option<First>,
    /// The part that could not be read, and why.
    failure: Option<(u64, Error)>,
}

/// The first element that differs, in C order.
struct First {
    index: Vec<u64>,
    a: Value,
    b: Value,
}

/// How pairs are compared.
pub(super) struct How {
    pub(super) tolerance: Tolerance,
    pub(super) part_size_max: u64,
    pub(super) only_first: bool,
}

impl Pair {
    /// # Errors
    /// When stored chunks cannot be listed.
    pub(super) fn new(
        (path, order): (String, u64),
        a: Arc<dyn SourceArray>,
        b: Arc<dyn SourceArray>,
        how: &How,
    ) -> Result<Self> {
        let is_aligned = are_aligned(a.as_ref(), b.as_ref(), &how.tolerance);
        let parts = Parts::new(a.as_ref(), b.as_ref(), how.part_size_max, is_aligned)?;
        let pair = Self {
            path,
            order,
            parts,
            is_aligned,
            tolerance: how.tolerance,
            only_first: how.only_first,
            lowest: AtomicU64::new(u64::MAX),
            found: Mutex::default(),
            a,
            b,
        };
        pair.compare_untouched();
        Ok(pair)
    }

    pub(super) fn n_parts(&self) -> u64 {
        self.parts.n()
    }

    pub(super) fn n_elements(&self) -> u64 {
        self.a
            .shape()
            .iter()
            .fold(1_u64, |n, length| n.saturating_mul(*length))
    }

    /// Compares one part.
    pub(super) fn compare(&self, number: u64) {
        if self.only_first && self.lowest.load(Ordering::Relaxed) < number {
            return;
        }
        let part = self.parts.part(number);
        match self.compare_part(&part) {
            Ok((0, _)) => {}
            Ok((n_different, first)) => {
                self.lowest.fetch_min(number, Ordering::Relaxed);
                self.add(n_different, first);
            }
            Err(error) => {
                let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                if found.failure.as_ref().is_none_or(|(lowest, _)| number < *lowest) {
                    found.failure = Some((number, error));
                }
            }
        }
    }

    /// What came of it: the difference if there is one, and what could not be read.
    pub(super) fn finish(self) -> (Option<DifferenceKind>, Option<Error>) {
        let n_elements = self.n_elements();
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let kind = found.first.map(|first| DifferenceKind::Values {
            n_different: found.n_different,
            n_elements,
            index: first.index,
            a: first.a,
            b: first.b,
        });
        (kind, found.failure.map(|(_, error)| error))
    }

    fn compare_part(&self, part: &Part) -> Result<(u64, Option<First>)> {
        if self.is_aligned && self.have_same_bytes(part) {
            return Ok((0, None));
        }
        let selection = Selection::region(&part.start, &part.shape);
        let a = self.a.read(&selection, Workers::ONE)?;
        let b = self.b.read(&selection, Workers::ONE)?;
        Ok(self.compare_data(part, &a, &b))
    }

    /// Whether a chunk is stored with the same bytes on both sides, or on neither.
    ///
    /// What cannot be read here is left to those who decode it, and who say why.
    fn have_same_bytes(&self, part: &Part) -> bool {
        let (Some(a), Some(b)) = (self.a.as_zarr(), self.b.as_zarr()) else {
            return false;
        };
        let get = |array: &Array| {
            let key = array.chunk_key(&part.coords)?;
            Ok::<_, Error>(array.store().get(&key, array.options().limits.chunk_size_max)?)
        };
        match (get(a), get(b)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
    }

    fn compare_data(&self, part: &Part, a: &ArrayData, b: &ArrayData) -> (u64, Option<First>) {
        let is_plain = a.data_type == b.data_type && !a.data_type.is_variable();
        let is_bytewise = is_plain && !(self.tolerance.nan_differs && has_nan(&a.data_type));
        if is_bytewise && a.buffer.elements == b.buffer.elements {
            return (0, None);
        }
        let (mut n_different, mut first) = (0, None);
        for (place, (a, b)) in elements(a).zip(elements(b)).enumerate() {
            if (is_bytewise && a.bytes == b.bytes) || self.tolerance.is_same(a, b) {
                continue;
            }
            n_different += 1;
            first.get_or_insert_with(|| First {
                index: index(place as u64, part),
                a: a.to_json(),
                b: b.to_json(),
            });
            if self.only_first {
                break;
            }
        }
        (n_different, first)
    }

    /// Compares the fill values where they stand for all elements of parts in which nothing is stored.
    fn compare_untouched(&self) {
        let Some((n_different, part)) = self.parts.untouched() else {
            return;
        };
        let mut slots = ([0; SLOT_SIZE], [0; SLOT_SIZE]);
        let zeros = [&self.a, &self.b].map(|array| zarr_core::codecs::FillValue::zero(array.data_type()));
        let fill = |array: &Arc<dyn SourceArray>, zero| array.fill_value().cloned().unwrap_or(zero);
        let [zero_a, zero_b] = zeros;
        let (a, b) = (fill(&self.a, zero_a), fill(&self.b, zero_b));
        let a = fill_element(&a, self.a.data_type(), &mut slots.0);
        let b = fill_element(&b, self.b.data_type(), &mut slots.1);
        if let (Some(a), Some(b)) = (a, b)
            && !self.tolerance.is_same(a, b)
        {
            let first = First {
                index: part.start,
                a: a.to_json(),
                b: b.to_json(),
            };
            self.add(n_different, Some(first));
        }
    }

    fn add(&self, n_different: u64, first: Option<First>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.n_different = found.n_different.saturating_add(n_different);
        if let Some(first) = first
            && found.first.as_ref().is_none_or(|known| first.index < known.index)
        {
            found.first = Some(first);
        }
    }
}

/// Whether both are Zarr arrays whose chunks are cut and encoded the same way.
fn are_aligned(a: &dyn SourceArray, b: &dyn SourceArray, tolerance: &Tolerance) -> bool {
    let (Some(a), Some(b)) = (a.as_zarr(), b.as_zarr()) else {
        return false;
    };
    let (one, other) = (a.metadata(), b.metadata());
    one.data_type == other.data_type
        && one.chunk_grid == other.chunk_grid
        && one.chunk_grid.rectilinear().is_none()
        && one.codecs.list() == other.codecs.list()
        && one.fill_value_or_zero() == other.fill_value_or_zero()
        && !(tolerance.nan_differs && has_nan(&one.data_type))
}

fn elements(data: &ArrayData) -> impl Iterator<Item = Element<'_>> {
    let size = data.data_type.size().unwrap_or(1).max(1);
    data.buffer.elements.chunks_exact(size).map(|bytes| Element {
        data_type: &data.data_type,
        bytes,
        heap: &data.buffer.heap,
    })
}

/// The position in the array of an element of a part.
fn index(mut place: u64, part: &Part) -> Vec<u64> {
    let mut index = part.start.clone();
    for (position, length) in index.iter_mut().zip(&part.shape).rev() {
        *position += place % length;
        place /= length;
    }
    index
}
