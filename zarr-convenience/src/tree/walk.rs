//! The nodes of a tree one by one, each before its members.

use std::rc::Rc;

use zarr_core::NodePath;

use crate::{Error, Result, Source, SourceNode};

/// Which part of a tree is shown, and how.
#[derive(Debug, Clone, Default)]
pub struct TreeOptions {
    /// How many levels below the root are shown; all if absent.
    pub level: Option<usize>,
    /// Whether lines are drawn with ASCII characters.
    pub ascii: bool,
    /// The most nodes that are shown; all if absent.
    pub limit: Option<u64>,
    /// The node behind which the tree begins: the last one of the page before.
    pub after: Option<NodePath>,
}

/// Where a tree goes on that ended at its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct More {
    /// The last node that was shown, behind which the next page begins.
    pub after: NodePath,
    /// How many more nodes there are at least: those that were listed already.
    pub n_known: u64,
}

/// A node of a tree.
pub(super) struct TreeNode {
    pub(super) node: SourceNode,
    /// Whether each of the nodes on the way to it has siblings that follow, the node itself being last; of the root
    /// nothing.
    pub(super) follows: Vec<bool>,
    /// How many members are shown below it; `None` if it is no group or its members are beyond the last level.
    pub(super) n_members: Option<usize>,
}

impl TreeNode {
    /// How many groups lie above it in the tree.
    pub(super) const fn depth(&self) -> usize {
        self.follows.len()
    }
}

/// A walk that opens groups as it comes to them, and remembers no more than the siblings that are still to come.
pub(super) struct TreeWalk<'a> {
    source: &'a dyn Source,
    level: usize,
    /// The next node last.
    pending: Vec<Pending>,
    left: u64,
    last: Option<NodePath>,
    /// The groups above the first node, if the walk does not begin at the root.
    above: Vec<SourceNode>,
}

struct Pending {
    node: SourceNode,
    follows: bool,
    /// Of the node above.
    above: Rc<Vec<bool>>,
    depth: usize,
}

impl<'a> TreeWalk<'a> {
    /// # Errors
    /// [`Error::Argument`] when the tree is to begin behind a node that is not in it.
    pub(super) fn new(source: &'a dyn Source, root: &SourceNode, options: &TreeOptions) -> Result<Self> {
        let mut walk = Self {
            source,
            level: options.level.unwrap_or(usize::MAX),
            pending: Vec::new(),
            left: options.limit.unwrap_or(u64::MAX),
            last: None,
            above: Vec::new(),
        };
        walk.pending.push(Pending {
            node: root.clone(),
            follows: false,
            above: Rc::default(),
            depth: 0,
        });
        if let Some(after) = &options.after {
            walk.skip(root.path(), after)?;
        }
        Ok(walk)
    }

    /// The next node, until there is none or the limit is reached.
    ///
    /// # Errors
    /// When the members of a group cannot be opened.
    pub(super) fn next(&mut self) -> Result<Option<TreeNode>> {
        if self.left == 0 {
            return Ok(None);
        }
        let Some(next) = self.pending.pop() else {
            return Ok(None);
        };
        self.left -= 1;
        self.last = Some(next.node.path().clone());
        self.enter(next).map(Some)
    }

    /// Where the tree goes on; `None` if it came to its end.
    pub(super) fn more(&self) -> Option<More> {
        let after = self.last.clone().filter(|_| !self.pending.is_empty())?;
        Some(More {
            after,
            n_known: self.pending.len() as u64,
        })
    }

    /// The groups above the first node, from the root on, if the walk does not begin at the root.
    pub(super) fn above(&self) -> &[SourceNode] {
        &self.above
    }

    /// Puts the members of a node in line.
    fn enter(&mut self, next: Pending) -> Result<TreeNode> {
        let mut follows = next.above.as_ref().clone();
        if next.depth > 0 {
            follows.push(next.follows);
        }
        let mut n_members = None;
        if let SourceNode::Group(path) = &next.node
            && next.depth < self.level
        {
            let members = self.source.members(path)?;
            n_members = Some(members.len());
            let above = Rc::new(follows.clone());
            let last = members.len().saturating_sub(1);
            let members = members.into_iter().enumerate().rev();
            self.pending.extend(members.map(|(place, node)| Pending {
                node,
                follows: place != last,
                above: Rc::clone(&above),
                depth: next.depth + 1,
            }));
        }
        Ok(TreeNode {
            node: next.node,
            follows,
            n_members,
        })
    }

    /// Takes nodes out of line up to and with the one at a path.
    fn skip(&mut self, root: &NodePath, after: &NodePath) -> Result<()> {
        let missing = || Error::Argument(format!("'{after}' is not in the tree, so nothing comes after it"));
        if !after.is_within(root) {
            return Err(missing());
        }
        self.last = Some(after.clone());
        while let Some(next) = self.pending.pop() {
            if after.is_within(next.node.path()) {
                let is_found = next.node.path() == after;
                let node = self.enter(next)?.node;
                self.above.push(node);
                if is_found {
                    self.leave_above(after);
                    return Ok(());
                }
            }
        }
        Err(missing())
    }

    /// Keeps of the groups on the way those that the next node lies in.
    fn leave_above(&mut self, after: &NodePath) {
        let next = self.pending.last().map(|next| next.node.path());
        let is_above = |node: &SourceNode| next.is_some_and(|next| next.is_within(node.path()));
        self.above.retain(|node| is_above(node) || after.is_root());
    }
}
