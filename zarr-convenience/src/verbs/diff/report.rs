//! What a comparison found.

use std::fmt;

use serde_json::Value;

use crate::{Error, Lost, count_text};

/// One of the two hierarchies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

/// A list that ends at a limit, and how long it would be.
#[derive(Debug)]
pub struct Listed<T> {
    /// The first ones.
    pub shown: Vec<T>,
    /// How many there are.
    pub n: u64,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            shown: Vec::new(),
            n: 0,
        }
    }
}

impl<T> Listed<T> {
    pub(super) fn push(&mut self, item: T, limit: usize) {
        self.n += 1;
        if self.shown.len() < limit {
            self.shown.push(item);
        }
    }

    /// How many are not shown.
    pub fn n_left_out(&self) -> u64 {
        self.n - self.shown.len() as u64
    }
}

/// What two hierarchies came to.
#[derive(Debug, Default)]
pub struct DiffReport {
    /// Where they differ, by path, with groups before what is in them.
    pub differences: Listed<Difference>,
    /// What could not be compared, though it was read: attributes and nodes that neither side can show.
    pub not_compared: Listed<Lost>,
    /// What could not be read.
    pub failures: Listed<Failure>,
    /// How many nodes there are on both sides.
    pub n_nodes: u64,
    /// How many pairs of elements were compared.
    pub n_elements: u64,
}

impl DiffReport {
    /// Whether all could be read and nothing differs.
    pub fn is_same(&self) -> bool {
        self.differences.n == 0 && self.failures.n == 0
    }
}

/// Something that could not be read.
#[derive(Debug)]
pub struct Failure {
    /// The node, from the roots on.
    pub path: String,
    /// Why.
    pub error: Error,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The node, from the roots on, beginning with a slash.
    pub path: String,
    /// What differs.
    pub kind: DifferenceKind,
}

/// What differs, the first side's before the second's.
#[derive(Debug, Clone, PartialEq)]
pub enum DifferenceKind {
    /// The node is on one side alone.
    Only {
        /// That side.
        side: Side,
        /// What the node is there.
        node: String,
    },
    /// The nodes are of different kinds.
    Kind(String, String),
    /// The arrays have different shapes; their elements are not compared.
    Shape(Vec<u64>, Vec<u64>),
    /// The elements have different types, as `NumPy` prints them.
    DataType(String, String),
    /// Elements that were never written differ; null where it has no form in JSON.
    FillValue(Value, Value),
    /// The dimensions have different names.
    DimensionNames(Value, Value),
    /// An attribute differs, or is on one side alone.
    Attribute {
        /// Its name.
        name: String,
        /// Its value on the first side, if it is there.
        a: Option<Value>,
        /// Its value on the second side, if it is there.
        b: Option<Value>,
    },
    /// An attribute that JSON cannot hold is on one side alone.
    HiddenAttribute {
        /// That side.
        side: Side,
        /// Its name.
        name: String,
        /// Why JSON cannot hold it.
        reason: String,
    },
    /// Elements differ.
    Values {
        /// How many; at least one if the search ended at the first difference.
        n_different: u64,
        /// How many the array has.
        n_elements: u64,
        /// Where the first one is, each position counted from 0.
        index: Vec<u64>,
        /// Its value on the first side.
        a: Value,
        /// Its value on the second side.
        b: Value,
    },
}

impl DifferenceKind {
    /// One word for the kind.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Only { .. } => "only",
            Self::Kind(..) => "kind",
            Self::Shape(..) => "shape",
            Self::DataType(..) => "dtype",
            Self::FillValue(..) => "fill_value",
            Self::DimensionNames(..) => "dimension_names",
            Self::Attribute { .. } | Self::HiddenAttribute { .. } => "attribute",
            Self::Values { .. } => "values",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::shape_text;
        write!(f, "{}: ", self.path)?;
        match &self.kind {
            DifferenceKind::Only { side, node } => write!(f, "only in {side:?}: {node}"),
            DifferenceKind::Kind(a, b) => write!(f, "{a} and {b}"),
            DifferenceKind::Shape(a, b) => write!(f, "shape {} and {}", shape_text(a), shape_text(b)),
            DifferenceKind::DataType(a, b) => write!(f, "data type {a} and {b}"),
            DifferenceKind::FillValue(a, b) => write!(f, "fill value {} and {}", short(a), short(b)),
            DifferenceKind::DimensionNames(a, b) => {
                write!(f, "dimension names {} and {}", short(a), short(b))
            }
            DifferenceKind::Attribute { name, a, b } => {
                write!(f, "attribute {}: ", short(&name.as_str().into()))?;
                match (a, b) {
                    (Some(a), Some(b)) => write!(f, "{} and {}", short(a), short(b)),
                    (Some(a), None) => write!(f, "only in A: {}", short(a)),
                    (None, Some(b)) => write!(f, "only in B: {}", short(b)),
                    (None, None) => f.write_str("only on one side"),
                }
            }
            DifferenceKind::HiddenAttribute { side, name, reason } => {
                let name = short(&name.as_str().into());
                write!(f, "attribute {name}: only in {side:?}: not JSON: {reason}")
            }
            DifferenceKind::Values {
                n_different,
                n_elements,
                index,
                a,
                b,
            } => {
                let (n, all) = (count_text(*n_different), count_text(*n_elements));
                let differ = if *n_different == 1 { "differs" } else { "differ" };
                write!(f, "{n} of {all} values {differ}, first at {index:?}: ")?;
                write!(f, "{} and {}", short(a), short(b))
            }
        }
    }
}

/// A value as JSON, cut where it gets long.
fn short(value: &Value) -> String {
    const LENGTH_MAX: usize = 100;
    let text = value.to_string();
    match text.char_indices().nth(LENGTH_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
