//! What two nodes at the same path come to, but for their members and their elements.

use std::{collections::BTreeSet, sync::Arc};

use zarr_core::NodePath;

use super::{
    DiffOptions, Difference, DifferenceKind, Failure, Side,
    elements::are_comparable,
    node,
    pair::{How, Pair},
};
use crate::{Attributes, Error, Lost, Source, SourceArray, SourceNode};

/// What is needed to look at two nodes.
pub(super) struct Look<'a> {
    pub(super) sources: (&'a dyn Source, &'a dyn Source),
    pub(super) options: &'a DiffOptions,
    pub(super) how: How,
    pub(super) roots: (&'a NodePath, &'a NodePath),
}

pub(super) enum Found {
    Difference(Difference),
    NotCompared(Lost),
    Failure(Failure),
}

/// What two nodes came to, but for their members and their elements.
#[derive(Default)]
pub(super) struct Looked {
    path: String,
    pub(super) found: Vec<Found>,
    pub(super) pair: Option<Pair>,
}

impl Look<'_> {
    /// Looks at two nodes of a path; the members of groups are others' to look at.
    pub(super) fn both(&self, order: u64, a: &SourceNode, b: &SourceNode) -> Looked {
        let mut looked = Looked {
            path: self.path(Side::A, a.path()),
            ..Looked::default()
        };
        match (a, b) {
            (SourceNode::Group(_), SourceNode::Group(_)) => self.attributes(a, b, &mut looked),
            (SourceNode::Array(first), SourceNode::Array(second)) => {
                let (first, second) = (Arc::clone(first), Arc::clone(second));
                self.arrays(order, first, second, &mut looked);
                self.attributes(a, b, &mut looked);
            }
            (SourceNode::Other { what, .. }, SourceNode::Other { what: other, .. }) if what == other => {
                looked.not_compared(what.clone());
            }
            _ => looked.differ(DifferenceKind::Kind(node::node_text(a), node::node_text(b))),
        }
        looked
    }

    fn arrays(&self, order: u64, a: Arc<dyn SourceArray>, b: Arc<dyn SourceArray>, looked: &mut Looked) {
        let options = self.options;
        if let Err(error) = a.settle().and_then(|()| b.settle()) {
            looked.fail(error);
            return;
        }
        if a.shape() != b.shape() {
            looked.differ(DifferenceKind::Shape(a.shape().to_vec(), b.shape().to_vec()));
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
        looked.differ_all(different);
        let is_empty = a.shape().contains(&0);
        if options.without_values || a.shape() != b.shape() || is_empty {
            return;
        }
        if !are_comparable {
            if options.without_data_types {
                looked.not_compared(format!("{} and {}", a.data_type_text(), b.data_type_text()));
            }
            return;
        }
        match Pair::new((looked.path.clone(), order), a, b, &self.how) {
            Ok(pair) => looked.pair = Some(pair),
            Err(error) => looked.fail(error),
        }
    }

    fn attributes(&self, a: &SourceNode, b: &SourceNode, looked: &mut Looked) {
        if self.options.without_attrs {
            return;
        }
        match (self.sources.0.attributes(a), self.sources.1.attributes(b)) {
            (Ok(of_a), Ok(of_b)) => {
                let (different, not_compared) = compare_attributes(&looked.path, (a, of_a), (b, of_b));
                looked.differ_all(different);
                looked
                    .found
                    .extend(not_compared.into_iter().map(Found::NotCompared));
            }
            (a, b) => {
                let errors = [a.err(), b.err()].into_iter().flatten();
                errors.for_each(|error| looked.fail(error));
            }
        }
    }

    /// What is no node, and yet on both sides of a group: the source keeps it in an attribute that the other has too.
    pub(super) fn kept(&self, side: Side, groups: (&SourceNode, &SourceNode)) -> BTreeSet<String> {
        let both = (
            self.sources.0.attributes(groups.0),
            self.sources.1.attributes(groups.1),
        );
        // What cannot be read is told where the groups themselves are looked at.
        let (Ok(a), Ok(b)) = both else {
            return BTreeSet::new();
        };
        let (own, other) = match side {
            Side::A => (a, b),
            Side::B => (b, a),
        };
        let is_same = own.reserved.is_some_and(|name| {
            let value = own.members.get(name);
            value.is_some() && value == other.members.get(name)
        });
        let kept = own.kept.into_iter().filter(|_| is_same);
        kept.map(|kept| kept.what).collect()
    }

    /// The path of a node from its root on.
    pub(super) fn path(&self, side: Side, path: &NodePath) -> String {
        let root = match side {
            Side::A => self.roots.0,
            Side::B => self.roots.1,
        };
        let below = path.as_str().strip_prefix(root.as_str()).unwrap_or(path.as_str());
        format!("/{}", below.trim_start_matches('/'))
    }
}

/// The attributes of two nodes that differ, and those that cannot be compared; what formats have forms of their own for is
/// compared in the same one.
pub(crate) fn compare_attributes(
    path: &str,
    (a, mut of_a): (&SourceNode, Attributes),
    (b, mut of_b): (&SourceNode, Attributes),
) -> (Vec<DifferenceKind>, Vec<Lost>) {
    node::place_dimension_names(a, b, &mut of_a);
    node::place_dimension_names(b, a, &mut of_b);
    node::place_mask(a, b, &mut of_a.members);
    node::place_mask(b, a, &mut of_b.members);
    node::attributes(path, &of_a, &of_b)
}

impl Looked {
    fn differ(&mut self, kind: DifferenceKind) {
        let path = self.path.clone();
        self.found.push(Found::Difference(Difference { path, kind }));
    }

    fn differ_all(&mut self, kinds: Vec<DifferenceKind>) {
        for kind in kinds {
            self.differ(kind);
        }
    }

    fn not_compared(&mut self, reason: String) {
        let what = self.path.clone();
        self.found.push(Found::NotCompared(Lost { what, reason }));
    }

    fn fail(&mut self, error: Error) {
        let path = self.path.clone();
        self.found.push(Found::Failure(Failure { path, error }));
    }
}
