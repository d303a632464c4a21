//! The walk through two hierarchies side by side.

use std::{
    cmp::Ordering,
    sync::{Mutex, PoisonError},
};

use zarr_core::Workers;

use super::{
    DiffReport, Difference, DifferenceKind, Failure, Side,
    elements::Tolerance,
    look::{Found, Look, Looked},
    node,
    pair::{How, Pair},
};
use crate::{Error, Result, Source, SourceNode};

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
    diff_watched(a, b, options, &|_| ())
}

/// As [`diff`]; `watch` is shown now and then what was found so far.
///
/// # Errors
/// Those of [`diff`].
pub fn diff_watched(
    a: (&dyn Source, &SourceNode),
    b: (&dyn Source, &SourceNode),
    options: &DiffOptions,
    watch: &dyn Fn(&DiffReport),
) -> Result<DiffReport> {
    for (name, tolerance) in [("rtol", options.rtol), ("atol", options.atol)] {
        if tolerance.is_nan() || tolerance < 0.0 {
            return Err(Error::Argument(format!(
                "{name} must be a number of at least 0, found {tolerance}"
            )));
        }
    }
    let mut walk = Walk {
        look: Look {
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
        },
        waiting: Vec::new(),
        window: Vec::new(),
        pairs: Vec::new(),
        order: 0,
        watch,
        report: DiffReport::default(),
    };
    walk.run(a.1.clone(), b.1.clone());
    Ok(walk.report)
}

/// How many nodes, pairs of arrays, parts of them and findings are kept back, so that small ones share the threads.
const WAITING_MAX: usize = 512;
const PAIRS_MAX: usize = 512;
const PARTS_MAX: u64 = 4096;
const FOUND_MAX: usize = 4096;

struct Walk<'a> {
    look: Look<'a>,
    /// The nodes on both sides that were not looked at yet, with their places in the walk.
    waiting: Vec<(u64, SourceNode, SourceNode)>,
    /// What was found since the last flush, with the place of its node in the walk.
    window: Vec<(u64, Found)>,
    /// The arrays whose elements were not compared yet.
    pairs: Vec<Pair>,
    order: u64,
    watch: &'a dyn Fn(&DiffReport),
    report: DiffReport,
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
                Pending::Both(a, b) => {
                    self.report.n_nodes += 1;
                    if let (SourceNode::Group(_), SourceNode::Group(_)) = (&a, &b) {
                        self.members(&a, &b, &mut pending);
                    }
                    self.waiting.push((self.order, a, b));
                }
                Pending::Only(side, node) => {
                    let path = self.look.path(side, node.path());
                    let node = node::node_text(&node);
                    let kind = DifferenceKind::Only { side, node };
                    self.window
                        .push((self.order, Found::Difference(Difference { path, kind })));
                }
            }
            if self.waiting.len() >= WAITING_MAX {
                self.look_all();
            }
            let n_parts: u64 = self.pairs.iter().map(Pair::n_parts).fold(0, u64::saturating_add);
            let is_full =
                self.pairs.len() >= PAIRS_MAX || n_parts >= PARTS_MAX || self.window.len() >= FOUND_MAX;
            let only_first = self.look.options.only_first;
            if is_full || (only_first && !self.window.is_empty()) {
                self.flush();
            }
            if only_first && self.report.differences.n > 0 {
                return;
            }
        }
        self.flush();
    }

    fn members(&mut self, a: &SourceNode, b: &SourceNode, pending: &mut Vec<Pending>) {
        let members = |source: &dyn Source, node: &SourceNode| {
            let mut members = source.members(node.path())?;
            // HDF5 may keep another order than that of names.
            members.sort_by(|a, b| a.path().name().cmp(b.path().name()));
            Ok::<_, Error>(members)
        };
        let groups = (a, b);
        let sources = self.look.sources;
        let (a, b) = match (members(sources.0, a), members(sources.1, b)) {
            (Ok(a), Ok(b)) => (a, b),
            (first, second) => {
                let path = self.look.path(Side::A, a.path());
                for error in [first.err(), second.err()].into_iter().flatten() {
                    let path = path.clone();
                    self.window
                        .push((self.order, Found::Failure(Failure { path, error })));
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
        for side in [Side::A, Side::B] {
            let is_odd =
                |next: &Pending| matches!(next, Pending::Only(on, SourceNode::Other { .. }) if *on == side);
            if !self.look.options.without_attrs && pending[first..].iter().any(is_odd) {
                let kept = self.look.kept(side, groups);
                let is_kept = |next: &Pending| match next {
                    Pending::Only(_, node) => is_odd(next) && kept.contains(&node.path().to_string()),
                    Pending::Both(..) => false,
                };
                let mut odd = pending.split_off(first);
                odd.retain(|next| !is_kept(next));
                pending.append(&mut odd);
            }
        }
        pending[first..].reverse();
    }

    /// Looks at the nodes that wait for it, on all threads.
    fn look_all(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let looked: Vec<_> = waiting.iter().map(|_| Mutex::new(None)).collect();
        let unit = |index: usize| {
            let (order, a, b) = &waiting[index];
            let found = self.look.both(*order, a, b);
            *looked[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            Ok::<_, std::convert::Infallible>(())
        };
        let workers = self.look.options.workers.for_requests(self.requests_max(), 0);
        let Ok(()) = workers.for_each(waiting.len(), &unit);
        for ((order, _, _), looked) in waiting.into_iter().zip(looked) {
            let looked = looked.into_inner().unwrap_or_else(PoisonError::into_inner);
            let Looked { found, pair, .. } = looked.unwrap_or_default();
            self.window.extend(found.into_iter().map(|found| (order, found)));
            if let Some(pair) = pair {
                self.report.n_elements = self.report.n_elements.saturating_add(pair.n_elements());
                self.pairs.push(pair);
            }
        }
    }

    /// Looks at all nodes and compares the elements that wait for it, and puts what was found into the report.
    fn flush(&mut self) {
        self.look_all();
        let pairs = std::mem::take(&mut self.pairs);
        compare(&pairs, self.look.options.workers, self.requests_max());
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
        let (report, options) = (&mut self.report, self.look.options);
        for (_, found) in self.window.drain(..) {
            if options.only_first && report.differences.n > 0 {
                break;
            }
            match found {
                Found::Difference(difference) => report.differences.push(difference, options.limit),
                Found::NotCompared(lost) => report.not_compared.push(lost, options.limit),
                Found::Failure(failure) => report.failures.push(failure, options.limit),
            }
        }
        (self.watch)(&self.report);
    }

    /// How many requests at once the stores are good for.
    fn requests_max(&self) -> usize {
        let stores = [self.look.sources.0, self.look.sources.1].map(Source::zarr_store);
        let hints = stores
            .into_iter()
            .flatten()
            .map(|store| self.look.options.workers.requests(store.as_ref()));
        hints.max().unwrap_or(1)
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
