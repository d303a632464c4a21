//! What a copy will do, before it does anything.
//!
//! A plan is made by reading only. A dry run is a plan whose lines are printed.

use std::sync::Arc;

use zarr_core::NodePath;

use crate::{Attributes, Error, Lost, Route, SourceArray, numpy_text::shape_text};

/// What is to be copied, in order, and where the copy would fail.
#[derive(Debug, Default)]
pub struct Plan {
    /// The nodes, each group before its members.
    pub steps: Vec<Step>,
    /// What is in the source and has no place in a copy.
    pub lost: Vec<Lost>,
    /// The attributes that the destination itself takes when all steps are done.
    pub root_attributes: Option<Attributes>,
    /// Why the copy ends after these steps; the steps before it are done, as zarr-python does.
    pub failure: Option<Error>,
}

/// One node of a plan.
#[derive(Debug, Clone)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// Where the node is in the source.
    pub source: NodePath,
    /// The array, if it is one.
    pub array: Option<Arc<dyn SourceArray>>,
    /// Where the node goes in the destination.
    pub target: NodePath,
    /// How the data of the array go; absent for groups and what is left out.
    pub route: Option<Route>,
    /// What the node's attributes will be.
    pub attributes: Attributes,
}

/// What is done with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is made, or a group that is there is taken as it is.
    Copy,
    /// What is there is erased, and it is made.
    Replace,
    /// It is left out.
    Skip,
}

impl Step {
    /// The line of the log: `copy /foo/bar (100,) int64`.
    pub fn line(&self) -> String {
        let verb = if self.action == Action::Skip {
            "skip"
        } else {
            "copy"
        };
        match &self.array {
            None => format!("{verb} {}", self.source),
            Some(array) => {
                format!(
                    "{verb} {} {} {}",
                    self.source,
                    shape_text(array.shape()),
                    array.data_type_text()
                )
            }
        }
    }

    /// How the data of the array go and why, or what is done with the node otherwise.
    pub fn explanation(&self) -> String {
        let how = match (&self.route, self.action) {
            (Some(route), _) => route.text(),
            (None, Action::Skip) => "left as it is".to_owned(),
            (None, _) => "group".to_owned(),
        };
        format!("{} -> {}: {how}", self.source, self.target)
    }

    /// The bytes of values to be copied, uncompressed; texts and byte strings count 8 bytes each.
    pub fn size(&self) -> u64 {
        const POINTER_SIZE: u64 = 8;
        let Some(array) = self.array.as_ref().filter(|_| self.action != Action::Skip) else {
            return 0;
        };
        let data_type = array.data_type();
        let item_size = match data_type.size() {
            Some(size) if !data_type.is_variable() => size as u64,
            _ => POINTER_SIZE,
        };
        array
            .shape()
            .iter()
            .fold(item_size, |product, length| product.saturating_mul(*length))
    }
}

impl Action {
    /// The word for the action.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Replace => "replace",
            Self::Skip => "skip",
        }
    }
}

impl Plan {
    /// What tells the plan from others; the values of the source make no difference.
    pub(crate) fn identity(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for step in &self.steps {
            let (action, attributes) = (step.action.word(), &step.attributes.members);
            let _ = writeln!(text, "{action} {} {}", step.line(), step.target);
            let _ = writeln!(text, "{}", serde_json::Value::from(attributes.clone()));
        }
        let _ = write!(text, "{:?} {:?}", self.root_attributes, self.failure);
        text
    }

    /// The bytes of values to be copied, uncompressed.
    pub fn size(&self) -> u64 {
        self.steps.iter().map(Step::size).fold(0, u64::saturating_add)
    }
}
