//! Groups that have several names, which a walk comes to under each of them.

use std::cell::Cell;

use zarr_core::NodePath;

use crate::{Error, Result, Source};

/// How many groups a walk may come to under other names than their first: where each group has two names in the one
/// above, there are twice as many with each level.
const AGAIN_MAX: u64 = 10_000;

/// Counts the groups that a walk comes to again under another name.
#[derive(Debug, Default)]
pub struct SecondNames(Cell<u64>);

impl SecondNames {
    /// Takes note of a group.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is one too many.
    pub fn check(&self, source: &dyn Source, group: &NodePath) -> Result<()> {
        let Some(first) = source.first_name(group)? else {
            return Ok(());
        };
        self.0.set(self.0.get() + 1);
        if self.0.get() <= AGAIN_MAX {
            return Ok(());
        }
        Err(Error::Refused {
            what: source.describe(group),
            reason: format!(
                "is another name of the group '{first}', and no more than {AGAIN_MAX} groups are taken again under such \
                 names; copy single groups or arrays instead, by their paths"
            ),
        })
    }
}
