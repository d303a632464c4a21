//! Comparing what was copied with what it was copied from, by what it holds.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use zarr_core::{
    NodePath, Workers, mask_from_v3, mask_to_v3, put_dimension_names,
    store::{ByteRange, ReadBuffer, Store},
};

use crate::{
    Action, Cancel, DiffOptions, KeyPlan, Lost, Plan, Report, Result, Source, SourceArray, SourceNode, diff,
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
/// What the report says could not be carried over is not missed.
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
        if let Some(array) = &check.array {
            let options = DiffOptions {
                signed_zeros: true,
                without_attrs: true,
                without_fill_values: true,
                workers,
                ..DiffOptions::default()
            };
            let source = SourceNode::Array(Arc::clone(array));
            let compared = diff((&Nowhere, &source), (dest, &node), &options)?;
            let differences = compared.differences.shown.iter();
            found.extend(differences.map(|difference| {
                let text = difference.to_string();
                check.differs(text.split_once(": ").map_or(text.as_str(), |(_, how)| how))
            }));
            if let Some(failure) = compared.failures.shown.into_iter().next() {
                return Err(failure.error);
            }
        }
        let mut attributes = dest.attributes(&node)?.members;
        if let SourceNode::Array(array) = &node
            && let Some(names) = array
                .as_zarr()
                .and_then(|array| array.metadata().dimension_names.as_ref())
        {
            put_dimension_names(&mut attributes, names);
        }
        let mut expected = check.attributes.clone();
        if let SourceNode::Array(array) = &node {
            // Formats have forms of their own for it.
            for attributes in [&mut attributes, &mut expected] {
                mask_from_v3(attributes, array.data_type());
                mask_to_v3(attributes, array.data_type());
            }
        }
        for (name, value) in &expected {
            let what = [&check.source, &check.target].map(|path| format!("{path}@{name}"));
            let is_lost = report.lost.iter().any(|lost| what.contains(&lost.what));
            if attributes.get(name) != Some(value) && !is_lost {
                found.push(check.differs(&format!("attribute {} differs", Value::from(name.as_str()))));
            }
        }
    }
    Ok(found)
}

impl Check {
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

    fn attributes(&self, _: &SourceNode) -> Result<crate::Attributes> {
        Ok(crate::Attributes::default())
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
