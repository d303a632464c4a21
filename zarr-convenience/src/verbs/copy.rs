//! `copy` and `copy_all` (`v2-semantics` 5).

use std::sync::Arc;

use serde_json::{Map, Value};
use zarr_core::{Error as CoreError, NodePath, Workers};

use crate::{
    Action, Attributes, Cancel, Creation, Error, Found, Ledger, Lost, Plan, Progress, Prospect, Report,
    Result, Route, SecondNames, Sink, Source, SourceArray, SourceNode, Step, run,
};

/// What is done with a node that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfExists {
    /// The copy fails.
    #[default]
    Raise,
    /// What is there is erased.
    Replace,
    /// What is there stays.
    Skip,
    /// An array stays if all its chunks are stored, and is erased if not.
    SkipInitialized,
}

impl IfExists {
    /// Reads zarr-python's word.
    ///
    /// # Errors
    /// [`Error::Argument`] for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "raise" => Ok(Self::Raise),
            "replace" => Ok(Self::Replace),
            "skip" => Ok(Self::Skip),
            "skip_initialized" => Ok(Self::SkipInitialized),
            _ => Err(Error::Argument(format!(
                "if_exists must be one of ['raise', 'replace', 'skip', 'skip_initialized']; found '{text}'"
            ))),
        }
    }
}

impl IfExists {
    /// Reads zarr-python's word for keys, of which none is skipped for being complete.
    ///
    /// # Errors
    /// [`Error::Argument`] for any other word.
    pub fn parse_for_keys(text: &str) -> Result<Self> {
        match Self::parse(text) {
            Ok(found) if found != Self::SkipInitialized => Ok(found),
            _ => Err(Error::Argument(format!(
                "if_exists must be one of ['raise', 'replace', 'skip']; found '{text}'"
            ))),
        }
    }
}

/// How a copy is made.
#[derive(Default)]
pub struct CopyOptions<'a> {
    /// The name in the destination; that of the source if absent.
    pub name: Option<String>,
    /// Whether groups below the first are left out.
    pub shallow: bool,
    /// Whether attributes are left out.
    pub without_attrs: bool,
    /// What is done with what is there already.
    pub if_exists: IfExists,
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// What is to be other than in the source.
    pub creation: Creation,
    /// How many threads may work at once.
    pub workers: Workers,
    /// The most bytes that buffers of values may take at once; fewer threads work where they would need more.
    pub memory: Option<u64>,
    /// Notes what is done, so that the copy can be continued.
    pub ledger: Option<&'a Ledger>,
    /// Stops the copy from outside.
    pub cancel: Cancel,
    /// Takes the lines of the log.
    pub log: Option<&'a mut dyn FnMut(&str)>,
    /// Is told how far the copy has come; called from several threads.
    pub progress: Option<&'a (dyn Fn(Progress<'_>) + Sync)>,
}

impl std::fmt::Debug for CopyOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CopyOptions")
            .field("name", &self.name)
            .field("if_exists", &self.if_exists)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}

/// Copies an array or a group with all below it into a group, or an array to a [`Place`](crate::Place).
///
/// # Errors
/// [`Error::Copy`] when something is in the way, [`Error::Argument`] when there is no name for the copy,
/// [`Error::Refused`] for a copy onto or into itself; what may go wrong with nodes on either side.
///
/// ```
/// # use std::sync::Arc;
/// # use zarr_convenience::{CopyOptions, ZarrSource, copy, core::{*, codecs::DataType, store::MemoryStore}};
/// # let options = Options::default();
/// # let group = || Group::create(Arc::new(MemoryStore::new()), &NodePath::root(), ZarrFormat::V2, &options);
/// let (from, to) = (group()?, group()?);
/// let builder = ArrayBuilder::new(vec![100], DataType::Int64);
/// let baz = builder.create(from.store().clone(), &NodePath::new("foo/bar/baz")?, &options)?;
///
/// let source = ZarrSource::new(Node::Array(baz));
/// let mut lines = Vec::new();
/// let mut log = |line: &str| lines.push(line.to_owned());
/// let report = copy(&source, &source.root(), &to, CopyOptions { log: Some(&mut log), ..Default::default() })?;
/// assert_eq!(report.copied.n_bytes_copied, 800);
/// assert_eq!(lines[0], "copy /foo/bar/baz (100,) int64");
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
pub fn copy(
    source: &dyn Source,
    node: &SourceNode,
    dest: &dyn Sink,
    options: CopyOptions<'_>,
) -> Result<Report> {
    let plan = plan_copy(source, node, dest, &options)?;
    run(plan, dest, options)
}

/// Copies all members of a group, and its attributes, into another group.
///
/// # Errors
/// Those of [`copy`].
pub fn copy_all(
    source: &dyn Source,
    group: &NodePath,
    dest: &dyn Sink,
    options: CopyOptions<'_>,
) -> Result<Report> {
    let plan = plan_copy_all(source, group, dest, &options)?;
    run(plan, dest, options)
}

/// Plans a [`copy`].
///
/// # Errors
/// [`Error::Argument`] when there is no name for the copy, [`Error::Refused`] for a copy onto or into itself.
pub fn plan_copy(
    source: &dyn Source,
    node: &SourceNode,
    dest: &dyn Sink,
    options: &CopyOptions<'_>,
) -> Result<Plan> {
    let takes_place = dest.is_place() && options.name.is_none();
    if takes_place && !matches!(node, SourceNode::Array(_)) {
        let reason = "is no array; only an array is copied without a name";
        let what = source.describe(node.path());
        return Err(Error::Argument(format!("{what}: {reason}")));
    }
    let name = match &options.name {
        // The path of the destination itself.
        None if takes_place => String::new(),
        Some(name) => name.clone(),
        None if node.path().is_root() => {
            let reason =
                "source has no name, please provide the `name` parameter to indicate a name to copy to";
            return Err(Error::Argument(reason.to_owned()));
        }
        None => node.path().name().to_owned(),
    };
    let path = dest.root().join(&name)?;
    if !takes_place && (path == *dest.root() || name.trim_matches('/').is_empty()) {
        let reason = format!("name '{name}' is that of the destination itself");
        return Err(Error::Refused {
            what: source.describe(node.path()),
            reason,
        });
    }
    let planner = Planner {
        source,
        dest,
        options,
        second_names: SecondNames::default(),
    };
    let mut plan = Plan::default();
    let above = Above {
        path: dest.root().clone(),
        exists: true,
    };
    planner.check_distinct(node.path(), &path)?;
    planner.check_parents(&path)?;
    planner.plan_node(node, &above, &name, true, &mut plan)?;
    Ok(plan)
}

/// Plans a [`copy_all`].
///
/// # Errors
/// [`Error::Refused`] for a copy onto or into itself.
pub fn plan_copy_all(
    source: &dyn Source,
    group: &NodePath,
    dest: &dyn Sink,
    options: &CopyOptions<'_>,
) -> Result<Plan> {
    let planner = Planner {
        source,
        dest,
        options,
        second_names: SecondNames::default(),
    };
    let mut plan = Plan::default();
    let above = Above {
        path: dest.root().clone(),
        exists: true,
    };
    planner.check_distinct(group, dest.root())?;
    plan.root_attributes = if options.without_attrs {
        None
    } else {
        Some(source.attributes(&SourceNode::Group(group.clone()))?)
    };
    for node in source.members(group)? {
        if plan.failure.is_some() {
            break;
        }
        let name = node.path().name().to_owned();
        planner.plan_node(&node, &above, &name, false, &mut plan)?;
    }
    Ok(plan)
}

/// The group that a copy goes into.
struct Above {
    path: NodePath,
    /// Whether it is there, and so may have members.
    exists: bool,
}

struct Planner<'a, 'b> {
    source: &'a dyn Source,
    dest: &'a dyn Sink,
    options: &'a CopyOptions<'b>,
    second_names: SecondNames,
}

impl Planner<'_, '_> {
    /// Refuses a copy onto the source itself or into what is below it.
    fn check_distinct(&self, source: &NodePath, target: &NodePath) -> Result<()> {
        let (Some(store), Some(dest)) = (self.source.zarr_store(), self.dest.zarr_store()) else {
            return Ok(());
        };
        let is_same = Arc::ptr_eq(store, dest)
            || (store.describe("") == dest.describe("") && !store.describe("").starts_with("memory"));
        if is_same && (target.is_within(source) || (source.is_within(target) && source != target)) {
            let reason =
                format!("cannot be copied to '{target}', which is or holds the node itself or lies below it");
            return Err(Error::Refused {
                what: self.source.describe(source),
                reason,
            });
        }
        Ok(())
    }

    /// Refuses a name of several parts that leads through an array.
    fn check_parents(&self, target: &NodePath) -> Result<()> {
        let mut parent = target.parent();
        while let Some(path) = parent.filter(|path| path != self.dest.root()) {
            if self.find(&path)? == Some(Found::Array) {
                return Err(CoreError::Exists {
                    path: path.as_str().to_owned(),
                    found: "an array",
                }
                .into());
            }
            parent = path.parent();
        }
        Ok(())
    }

    fn plan_node(
        &self,
        node: &SourceNode,
        above: &Above,
        name: &str,
        is_first: bool,
        plan: &mut Plan,
    ) -> Result<()> {
        self.options.cancel.check()?;
        if self.options.if_exists == IfExists::SkipInitialized {
            self.dest.check_tells_complete()?;
        }
        let target = above.path.join(name)?;
        let found = if above.exists { self.find(&target)? } else { None };
        match node {
            SourceNode::Array(array) => self.plan_array(array, (above, name), target, found, plan),
            SourceNode::Group(path) => self.plan_group(path, (above, name), (target, found), is_first, plan),
            SourceNode::Other { path, what } => {
                plan.lost.push(Lost {
                    what: path.to_string(),
                    reason: what.clone(),
                });
                Ok(())
            }
        }
    }

    fn plan_array(
        &self,
        array: &Arc<dyn SourceArray>,
        (above, name): (&Above, &str),
        target: NodePath,
        found: Option<Found>,
        plan: &mut Plan,
    ) -> Result<()> {
        let action = match (self.options.if_exists, found) {
            (_, None) => Some(Action::Copy),
            (IfExists::Raise, Some(_)) | (IfExists::SkipInitialized, Some(Found::Group)) => None,
            (IfExists::Replace, Some(_)) => Some(Action::Replace),
            (IfExists::Skip, Some(_)) => Some(Action::Skip),
            (IfExists::SkipInitialized, Some(Found::Array)) => Some(if self.is_complete(&target)? {
                Action::Skip
            } else {
                Action::Replace
            }),
        };
        let Some(action) = action else {
            plan.failure = Some(exists("object", name, above));
            return Ok(());
        };
        let source = array.path().clone();
        let mut step = Step {
            action,
            source,
            array: Some(Arc::clone(array)),
            target,
            route: None,
            attributes: Attributes::default(),
        };
        if action != Action::Skip {
            step.attributes = self.attributes(&SourceNode::Array(Arc::clone(array)))?;
            match self.prospect(array, &step.attributes.members)? {
                Prospect::Route(route) => step.route = Some(route),
                Prospect::Refusal(reason) => {
                    let what = step.source.to_string();
                    plan.lost.push(Lost { what, reason });
                    return Ok(());
                }
            }
        }
        plan.steps.push(step);
        Ok(())
    }

    /// How an array would be copied, within the memory that there is.
    fn prospect(&self, array: &Arc<dyn SourceArray>, attributes: &Map<String, Value>) -> Result<Prospect> {
        let CopyOptions { creation, memory, .. } = self.options;
        let prospect = self
            .dest
            .prospect(array.as_ref(), attributes, creation, *memory)?;
        if let (Prospect::Route(Route { unit_memory, .. }), Some(limit)) = (&prospect, memory)
            && unit_memory > limit
        {
            return Err(Error::Refused {
                what: self.source.describe(array.path()),
                reason: format!("copying it takes {unit_memory} bytes of memory at once, limit {limit}"),
            });
        }
        Ok(prospect)
    }

    /// What is at a path of the destination; when a copy is continued, what was there when it began.
    fn find(&self, path: &NodePath) -> Result<Option<Found>> {
        match self.options.ledger {
            Some(ledger) => ledger.found(&path.to_string(), || self.dest.find(path)),
            None => self.dest.find(path),
        }
    }

    fn is_complete(&self, path: &NodePath) -> Result<bool> {
        let Some(ledger) = self.options.ledger else {
            return self.dest.is_complete(path);
        };
        let ask = || Ok(self.dest.is_complete(path)?.then_some(Found::Array));
        Ok(ledger.found(&format!("complete {path}"), ask)?.is_some())
    }

    fn attributes(&self, node: &SourceNode) -> Result<Attributes> {
        if self.options.without_attrs {
            return Ok(Attributes::default());
        }
        self.source.attributes(node)
    }

    fn plan_group(
        &self,
        path: &NodePath,
        (above, name): (&Above, &str),
        (target, found): (NodePath, Option<Found>),
        is_first: bool,
        plan: &mut Plan,
    ) -> Result<()> {
        if self.options.shallow && !is_first {
            return Ok(());
        }
        self.second_names.check(self.source, path)?;
        let is_array = matches!(found, Some(Found::Array));
        let action = match self.options.if_exists {
            _ if !is_array => Action::Copy,
            IfExists::Skip => Action::Skip,
            IfExists::Replace => Action::Replace,
            IfExists::Raise | IfExists::SkipInitialized => {
                plan.failure = Some(exists("array", name, above));
                return Ok(());
            }
        };
        let attributes = if action == Action::Skip {
            Attributes::default()
        } else {
            self.attributes(&SourceNode::Group(path.clone()))?
        };
        plan.steps.push(Step {
            action,
            source: path.clone(),
            array: None,
            target: target.clone(),
            route: None,
            attributes,
        });
        if action == Action::Skip {
            return Ok(());
        }
        let below = Above {
            path: target,
            exists: found.is_some() && !is_array,
        };
        for node in self.source.members(path)? {
            if plan.failure.is_some() {
                break;
            }
            let name = node.path().name().to_owned();
            self.plan_node(&node, &below, &name, false, plan)?;
        }
        Ok(())
    }
}

fn exists(kind: &str, name: &str, above: &Above) -> Error {
    if name.is_empty() {
        return Error::Copy(format!(
            "an {kind} is already at the destination '{}'",
            above.path
        ));
    }
    Error::Copy(format!(
        "an {kind} '{name}' already exists in destination '{}'",
        above.path
    ))
}
