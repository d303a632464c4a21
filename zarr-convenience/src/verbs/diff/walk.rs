//! The walk through two hierarchies side by side.

use std::{cmp::Ordering, sync::Arc};

use zarr_core::{NodePath, Workers};

use super::{
    DiffReport, Difference, DifferenceKind, Failure, Side,
    elements::{Tolerance, are_comparable},
    node,
    pair::{How, Pair},
};
use crate::{Error, Lost, Result, Source, SourceArray, SourceNode};

/// How hierarchies are compared.
///
/// Never compared are chunks, codecs, formats, the order of members and attributes, and what byte order elements are
/// stored in, unless `byte_order` asks for it.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct DiffOptions {
    /// Numbers are the same when they differ by no more than this times the second one, as in `numpy.isclose`.
    pub rtol: f64,
    /// Numbers are the same when they differ by no more than this and what `rtol` allows.
    pub atol: f64,
    /// Whether NaN differs from NaN, and *not a time* from itself.
    pub nan_differs: bool,
    /// Whether minus zero differs from zero.
    pub signed_zeros: bool,
    /// Whether types differ whose elements are stored in different byte orders.
    pub byte_order: bool,
    /// Whether attributes are passed over.
    pub without_attrs: bool,
    /// Whether elements are passed over, and only what is said of them is compared.
    pub without_values: bool,
    /// Whether types may differ; elements are compared all the same where both are numbers, texts or times.
    pub without_data_types: bool,
    /// Whether fill values and the names of dimensions are passed over.
    pub without_fill_values: bool,
    /// Whether to end at the first difference.
    pub only_first: bool,
    /// How many differences are listed; all are counted.
    pub limit: usize,
    /// How many threads may work at once.
    pub workers: Workers,
    /// The bytes of values of either side that a thread has in hand, about; at least one chunk.
    pub part_size_max: u64,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self {
            rtol: 0.0,
            atol: 0.0,
            nan_differs: false,
            signed_zeros: false,
            byte_order: false,
            without_attrs: false,
            without_values: false,
            without_data_types: false,
            without_fill_values: false,
            only_first: false,
            limit: 100,
            workers: Workers::default(),
            part_size_max: 4 << 20,
        }
    }
}

/// Compares two nodes and all below them: which nodes there are, their shapes, types, fill values and attributes, and
/// every element.
///
/// Each array is read once, in parts of whole chunks that threads share among them; chunks that are stored with the
/// same bytes by the same codecs are not decoded, and where neither side has a chunk nothing is read. What cannot be
/// read is listed in the report, and the rest is compared all the same.
///
/// Paths in the report begin at the two nodes. A fill value that is not defined (null in V2) differs from none;
/// names of dimensions are compared where both arrays are V3. A group on one side alone is one difference, whatever is
/// in it.
///
/// # Errors
/// [`Error::Argument`] for a tolerance that is negative or no number.
///
/// ```
/// # use std::sync::Arc;
/// use zarr_convenience::{DiffOptions, SaveOptions, ZarrSource, diff, save_group};
/// use zarr_convenience::core::{ArrayData, Node, NodePath, Options, store::{MemoryStore, Store}};
/// let saved = |values: &[f64]| {
///     let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
///     let array = ArrayData::new(vec![values.len() as u64], values)?;
///     save_group(&store, &NodePath::root(), &[], &[("sst".to_owned(), array)], &SaveOptions::default())?;
///     Ok::<_, zarr_convenience::Error>(ZarrSource::new(Node::open(store, &NodePath::root(), &Options::default())?))
/// };
/// let (a, b) = (saved(&[1.0, 2.0, f64::NAN])?, saved(&[1.0, 2.5, f64::NAN])?);
/// let report = diff((&a, &a.root()), (&b, &b.root()), &DiffOptions::default())?;
/// assert_eq!(report.differences.shown[0].to_string(), "/sst: 1 of 3 values differs, first at [1]: 2.0 and 2.5");
/// let near = DiffOptions { atol: 0.5, ..DiffOptions::default() };
/// assert!(diff((&a, &a.root()), (&b, &b.root()), &near)?.is_same());
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
pub fn diff(
    a: (&dyn Source, &SourceNode),
    b: (&dyn Source, &SourceNode),
    options: &DiffOptions,
) -> Result<DiffReport> {
    for (name, tolerance) in [("rtol", options.rtol), ("atol", options.atol)] {
        if tolerance.is_nan() || tolerance < 0.0 {
            return Err(Error::Argument(format!(
                "{name} must be a number of at least 0, found {tolerance}"
            )));
        }
    }
    let mut walk = Walk {
        sources: (a.0, b.0),
        options,
        how: How {
            tolerance: Tolerance {
                relative: options.rtol,
                absolute: options.atol,
                nan_differs: options.nan_differs,
                signed_zeros: options.signed_zeros,
            },
            part_size_max: options.part_size_max,
            only_first: options.only_first,
        },
        roots: (a.1.path(), b.1.path()),
        window: Vec::new(),
        pairs: Vec::new(),
        order: 0,
        report: DiffReport::default(),
    };
    walk.run(a.1.clone(), b.1.clone());
    Ok(walk.report)
}

/// How many pairs of arrays, parts of them and findings are kept back, so that small arrays share the threads.
const PAIRS_MAX: usize = 256;
const PARTS_MAX: u64 = 4096;
const FOUND_MAX: usize = 4096;

struct Walk<'a> {
    sources: (&'a dyn Source, &'a dyn Source),
    options: &'a DiffOptions,
    how: How,
    roots: (&'a NodePath, &'a NodePath),
    /// What was found since the last flush, with the place of its node in the walk.
    window: Vec<(u64, Found)>,
    /// The arrays whose elements were not compared yet.
    pairs: Vec<Pair>,
    order: u64,
    report: DiffReport,
}

enum Found {
    Difference(Difference),
    NotCompared(Lost),
    Failure(Failure),
}

/// What is to be looked at.
enum Pending {
    Both(SourceNode, SourceNode),
    Only(Side, SourceNode),
}

impl Walk<'_> {
    fn run(&mut self, a: SourceNode, b: SourceNode) {
        let mut pending = vec![Pending::Both(a, b)];
        while let Some(next) = pending.pop() {
            self.order += 1;
            match next {
                Pending::Both(a, b) => self.both(&a, &b, &mut pending),
                Pending::Only(side, node) => {
                    let path = self.path(side, node.path());
                    let node = node::node_text(&node);
                    self.differ(path, DifferenceKind::Only { side, node });
                }
            }
            let n_parts: u64 = self.pairs.iter().map(Pair::n_parts).fold(0, u64::saturating_add);
            let is_full =
                self.pairs.len() >= PAIRS_MAX || n_parts >= PARTS_MAX || self.window.len() >= FOUND_MAX;
            if is_full || (self.options.only_first && !self.window.is_empty()) {
                self.flush();
            }
            if self.options.only_first && self.report.differences.n > 0 {
                return;
            }
        }
        self.flush();
    }

    fn both(&mut self, a: &SourceNode, b: &SourceNode, pending: &mut Vec<Pending>) {
        let path = self.path(Side::A, a.path());
        self.report.n_nodes += 1;
        match (a, b) {
            (SourceNode::Group(_), SourceNode::Group(_)) => {
                self.attributes(&path, a, b);
                self.members(&path, a, b, pending);
            }
            (SourceNode::Array(first), SourceNode::Array(second)) => {
                let (first, second) = (Arc::clone(first), Arc::clone(second));
                self.arrays(&path, first, second);
                self.attributes(&path, a, b);
            }
            (SourceNode::Other { what, .. }, SourceNode::Other { what: other, .. }) if what == other => {
                let lost = Lost {
                    what: path,
                    reason: what.clone(),
                };
                self.window.push((self.order, Found::NotCompared(lost)));
            }
            _ => self.differ(path, DifferenceKind::Kind(node::node_text(a), node::node_text(b))),
        }
    }

    fn members(&mut self, path: &str, a: &SourceNode, b: &SourceNode, pending: &mut Vec<Pending>) {
        let members = |source: &dyn Source, node: &SourceNode| {
            let mut members = source.members(node.path())?;
            // HDF5 may keep another order than that of names.
            members.sort_by(|a, b| a.path().name().cmp(b.path().name()));
            Ok(members)
        };
        let (a, b) = match (members(self.sources.0, a), members(self.sources.1, b)) {
            (Ok(a), Ok(b)) => (a, b),
            (a, b) => {
                for error in [a.err(), b.err()].into_iter().flatten() {
                    self.fail(path, error);
                }
                return;
            }
        };
        let first = pending.len();
        let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
        loop {
            let order = match (a.peek(), b.peek()) {
                (Some(a), Some(b)) => a.path().name().cmp(b.path().name()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let next = match order {
                Ordering::Less => a.next().map(|node| Pending::Only(Side::A, node)),
                Ordering::Greater => b.next().map(|node| Pending::Only(Side::B, node)),
                Ordering::Equal => a.next().zip(b.next()).map(|(a, b)| Pending::Both(a, b)),
            };
            pending.extend(next);
        }
        pending[first..].reverse();
    }

    fn arrays(&mut self, path: &str, a: Arc<dyn SourceArray>, b: Arc<dyn SourceArray>) {
        let options = self.options;
        if a.shape() != b.shape() {
            let shapes = DifferenceKind::Shape(a.shape().to_vec(), b.shape().to_vec());
            self.differ(path.to_owned(), shapes);
        }
        let mut different = Vec::new();
        if !options.without_data_types {
            different.extend(node::data_types(a.as_ref(), b.as_ref(), options.byte_order));
        }
        let are_comparable = are_comparable(a.data_type(), b.data_type());
        if !options.without_fill_values {
            if are_comparable {
                different.extend(node::fill_values(a.as_ref(), b.as_ref(), &self.how.tolerance));
            }
            different.extend(node::dimension_names(a.as_ref(), b.as_ref()));
        }
        self.differ_all(path, different);
        let is_empty = a.shape().contains(&0);
        if options.without_values || a.shape() != b.shape() || is_empty {
            return;
        }
        if !are_comparable {
            if options.without_data_types {
                let reason = format!("{} and {}", a.data_type_text(), b.data_type_text());
                let what = path.to_owned();
                self.window
                    .push((self.order, Found::NotCompared(Lost { what, reason })));
            }
            return;
        }
        match Pair::new((path.to_owned(), self.order), a, b, &self.how) {
            Ok(pair) => {
                self.report.n_elements = self.report.n_elements.saturating_add(pair.n_elements());
                self.pairs.push(pair);
            }
            Err(error) => self.fail(path, error),
        }
    }

    fn attributes(&mut self, path: &str, a: &SourceNode, b: &SourceNode) {
        if self.options.without_attrs {
            return;
        }
        match (self.sources.0.attributes(a), self.sources.1.attributes(b)) {
            (Ok(mut attributes_of_a), Ok(mut attributes_of_b)) => {
                node::place_dimension_names(a, b, &mut attributes_of_a);
                node::place_dimension_names(b, a, &mut attributes_of_b);
                let (different, not_compared) = node::attributes(path, &attributes_of_a, &attributes_of_b);
                self.differ_all(path, different);
                let order = self.order;
                self.window.extend(
                    not_compared
                        .into_iter()
                        .map(|lost| (order, Found::NotCompared(lost))),
                );
            }
            (a, b) => {
                for error in [a.err(), b.err()].into_iter().flatten() {
                    self.fail(path, error);
                }
            }
        }
    }

    /// Compares the elements that wait for it, and puts what was found into the report.
    fn flush(&mut self) {
        let pairs = std::mem::take(&mut self.pairs);
        compare(&pairs, self.options.workers, self.requests_max());
        for pair in pairs {
            let (path, order) = (pair.path.clone(), pair.order);
            let (kind, error) = pair.finish();
            let difference = kind.map(|kind| {
                Found::Difference(Difference {
                    path: path.clone(),
                    kind,
                })
            });
            let failure = error.map(|error| Found::Failure(Failure { path, error }));
            self.window
                .extend(difference.into_iter().chain(failure).map(|found| (order, found)));
        }
        // The sort keeps what was said of a node before its elements.
        self.window.sort_by_key(|(order, _)| *order);
        let (report, limit) = (&mut self.report, self.options.limit);
        for (_, found) in self.window.drain(..) {
            if self.options.only_first && report.differences.n > 0 {
                break;
            }
            match found {
                Found::Difference(difference) => report.differences.push(difference, limit),
                Found::NotCompared(lost) => report.not_compared.push(lost, limit),
                Found::Failure(failure) => report.failures.push(failure, limit),
            }
        }
    }

    /// How many requests at once the stores are good for.
    fn requests_max(&self) -> usize {
        let stores = [self.sources.0, self.sources.1].map(Source::zarr_store);
        let hints = stores
            .into_iter()
            .flatten()
            .map(|store| store.io_hints().requests_max);
        hints.max().unwrap_or(1)
    }

    fn differ(&mut self, path: String, kind: DifferenceKind) {
        self.window
            .push((self.order, Found::Difference(Difference { path, kind })));
    }

    fn differ_all(&mut self, path: &str, kinds: Vec<DifferenceKind>) {
        for kind in kinds {
            self.differ(path.to_owned(), kind);
        }
    }

    fn fail(&mut self, path: &str, error: Error) {
        let path = path.to_owned();
        self.window
            .push((self.order, Found::Failure(Failure { path, error })));
    }

    /// The path of a node from its root on.
    fn path(&self, side: Side, path: &NodePath) -> String {
        let root = match side {
            Side::A => self.roots.0,
            Side::B => self.roots.1,
        };
        let below = path.as_str().strip_prefix(root.as_str()).unwrap_or(path.as_str());
        format!("/{}", below.trim_start_matches('/'))
    }
}

/// Compares all parts of all pairs.
fn compare(pairs: &[Pair], workers: Workers, requests_max: usize) {
    // The number of the first part of each pair among all parts.
    let mut firsts = Vec::with_capacity(pairs.len());
    let mut n_parts = 0_u64;
    for pair in pairs {
        firsts.push(n_parts);
        n_parts = n_parts.saturating_add(pair.n_parts());
    }
    let unit = |number: usize| {
        let number = number as u64;
        let pair = firsts.partition_point(|first| *first <= number) - 1;
        pairs[pair].compare(number - firsts[pair]);
        Ok::<_, std::convert::Infallible>(())
    };
    let workers = workers.for_requests(requests_max, 16 << 20);
    let n_parts = usize::try_from(n_parts).unwrap_or(usize::MAX);
    let Ok(()) = workers.for_each(n_parts, &unit);
}
