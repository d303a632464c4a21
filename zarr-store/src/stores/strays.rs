//! What is in a store and is no key of it.

use crate::{Result, key::PARTIAL_SUFFIX};

/// What listings make of what is in a store and may not be meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strays {
    /// Names that are no keys are left out, and links are followed wherever they lead.
    #[default]
    Passed,
    /// Names that are no keys are errors that name them, as a copy would lack what they hold.
    Named,
    /// So are links that lead out of the root, as a copy would hold what nobody meant to be in it.
    Refused,
}

impl Strays {
    /// What was found under a name, or `None` where the name is no key and may be passed over.
    ///
    /// # Errors
    /// Where it may not; what was under way when somebody was killed always may.
    pub(crate) fn known<T>(self, name: &str, found: Result<T>) -> Result<Option<T>> {
        match found {
            Err(_) if self == Self::Passed || name.ends_with(PARTIAL_SUFFIX) => Ok(None),
            found => found.map(Some),
        }
    }
}
