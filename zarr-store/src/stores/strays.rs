//! What is in a store and is no key of it.

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
