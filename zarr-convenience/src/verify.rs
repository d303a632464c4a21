//! Comparing what was copied with what it was copied from, by what it holds.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use zarr_core::{
    NodePath, Workers,
    store::{ByteRange, ReadBuffer, Store},
};

use crate::{
    Action, Attributes, Cancel, DiffOptions, DifferenceKind, KeyPlan, Lost, Plan, Report, Result, Source,
    SourceArray, SourceNode, diff,
    verbs::diff::{compare_attributes, is_text_again},
};

/// What a copy should have made of one node.
#[derive(Debug, Clone)]
pub struct Check {
    /// Where the copy is.
    target: NodePath,
    /// The array, if it is one.
    array: Option<Arc<dyn SourceArray>>,
    /// The attributes that the copy should have, among others.
    attributes: Map<String, Value>,
    /// Where the node is in the source.
    source: NodePath,
}

impl Plan {
    /// What there will be to compare when the plan is carried out; see [`verify`].
    pub fn checks(&self, root: &NodePath) -> Vec<Check> {
        let done = self.steps.iter().filter(|step| step.action != Action::Skip);
        let mut checks: Vec<_> = done
            .map(|step| Check {
                target: step.target.clone(),
                array: step.array.clone(),
                attributes: step.attributes.members.clone(),
                source: step.source.clone(),
            })
            .collect();
        checks.extend(self.root_attributes.as_ref().map(|attributes| Check {
            target: root.clone(),
            array: None,
            attributes: attributes.members.clone(),
            source: NodePath::root(),
        }));
        checks
    }
}

/// Compares copies with their sources: the values of arrays, bit for bit but for the payload of NaN, and attributes.
/// Gives what differs, each with how.
///
/// Both are compared as [`diff`] does it. What the report says could not be carried over is not missed, and neither is
/// another form of texts in another format, nor the attribute in which only the destination itself keeps what it has.
///
/// # Errors
/// When the copy cannot be read, and when it is told to stop.
pub fn verify(
    checks: &[Check],
    dest: &dyn Source,
    report: &Report,
    workers: Workers,
    cancel: &Cancel,
) -> Result<Vec<Lost>> {
    let mut found = Vec::new();
    for check in checks {
        cancel.check()?;
        let Some(node) = dest.node(&check.target)? else {
            found.push(check.differs("is not there"));
            continue;
        };
        let is_foreign = dest.zarr_store().is_none();
        let is_lost = |what: &str| report.lost.iter().any(|lost| lost.what == what);
        if let Some(array) = &check.array {
            let is_told = [&check.source, &check.target].map(|path| is_lost(&path.to_string()));
            let has_form = match &node {
                SourceNode::Array(copy) => is_foreign && is_text_again(array.data_type(), copy.data_type()),
                _ => false,
            };
            let options = DiffOptions {
                signed_zeros: true,
                without_attrs: true,
                without_fill_values: true,
                without_data_types: has_form || is_told.contains(&true),
                workers,
                ..DiffOptions::default()
            };
            let compared = diff((&Nowhere, &check.node()), (dest, &node), &options)?;
            let differences = compared.differences.shown.iter();
            found.extend(differences.map(|difference| {
                let text = difference.to_string();
                check.differs(text.split_once(": ").map_or(text.as_str(), |(_, how)| how))
            }));
            if let Some(failure) = compared.failures.shown.into_iter().next() {
                return Err(failure.error);
            }
        }
        let attributes = dest.attributes(&node)?;
        let reserved = attributes.reserved.filter(|_| is_foreign);
        let expected = Attributes {
            members: check.attributes.clone(),
            ..Attributes::default()
        };
        let path = check.target.to_string();
        let (different, _) = compare_attributes(&path, (&check.node(), expected), (&node, attributes));
        for kind in different {
            // There may be others.
            let DifferenceKind::Attribute { name, a: Some(_), .. } = kind else {
                continue;
            };
            let what = [&check.source, &check.target].map(|path| is_lost(&format!("{path}@{name}")));
            if reserved != Some(name.as_str()) && !what.contains(&true) {
                found.push(check.differs(&format!("attribute {} differs", Value::from(name))));
            }
        }
    }
    Ok(found)
}

impl Check {
    /// The node that was copied.
    fn node(&self) -> SourceNode {
        match &self.array {
            Some(array) => SourceNode::Array(Arc::clone(array)),
            None => SourceNode::Group(self.source.clone()),
        }
    }

    fn differs(&self, how: &str) -> Lost {
        Lost {
            what: self.target.to_string(),
            reason: how.to_owned(),
        }
    }
}

/// The source of arrays that come alone.
#[derive(Debug)]
struct Nowhere;

impl Source for Nowhere {
    fn describe(&self, path: &NodePath) -> String {
        path.to_string()
    }

    fn node(&self, _: &NodePath) -> Result<Option<SourceNode>> {
        Ok(None)
    }

    fn members(&self, _: &NodePath) -> Result<Vec<SourceNode>> {
        Ok(Vec::new())
    }

    fn attributes(&self, _: &SourceNode) -> Result<Attributes> {
        Ok(Attributes::default())
    }
}

/// Compares the values of copied keys with those they were copied from, byte for byte; gives those that differ.
///
/// # Errors
/// When a store fails, and when it is told to stop.
pub fn verify_keys(
    plan: &KeyPlan,
    source: &Arc<dyn Store>,
    dest: &Arc<dyn Store>,
    workers: Workers,
    cancel: &Cancel,
) -> Result<Vec<Lost>> {
    let steps: Vec<_> = plan.copied().collect();
    let requests = |store: &Arc<dyn Store>| workers.requests(store.as_ref());
    let wanted = requests(source).max(requests(dest));
    let found = Mutex::new(Vec::new());
    let buffers = Mutex::new(Vec::<(ReadBuffer, ReadBuffer)>::new());
    workers
        .for_requests(wanted, plan.largest().saturating_mul(2))
        .for_each(steps.len(), &|index| {
            cancel.check()?;
            let step = steps[index];
            let taken = || buffers.lock().unwrap_or_else(PoisonError::into_inner);
            let (mut a, mut b) = taken().pop().unwrap_or_default();
            let is_there = plan.read(source.as_ref(), step, &mut a)?;
            let is_copied = dest.get_ranges(&step.to, &[ByteRange::All], &mut b)?;
            let reason = match (is_there, is_copied) {
                (true, false) => Some("is not there"),
                (true, true) if a.part(0) != b.part(0) => Some("has other bytes"),
                _ => None,
            };
            if let Some(reason) = reason {
                let (what, reason) = (step.to.to_string(), reason.to_owned());
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.push(Lost { what, reason });
            }
            taken().push((a, b));
            Ok::<_, crate::Error>(())
        })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by(|a, b| a.what.cmp(&b.what));
    Ok(found)
}
