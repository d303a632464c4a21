//! Values of types that mix what has a fixed size with what has none.

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A value of a fixed size, in the bytes of its type.
    Bytes(Vec<u8>),
    /// A text of any length.
    Text(Vec<u8>),
    /// A sequence of any length.
    Sequence(Vec<Item>),
    /// The fields of a compound in their order, or the elements of an array in C order.
    Parts(Vec<Item>),
    /// A pointer to something in the file; `None` points to nothing.
    Reference(Option<Target>),
}

/// What a reference points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The object.
    pub object: Referent,
    /// The part of it, if the reference is to a region.
    pub region: Option<Area>,
}

/// The object that a reference points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Referent {
    /// Its address, as [`LinkKind::Hard`](super::LinkKind::Hard) has it: what is read.
    Address(u64),
    /// Its path: what is written.
    Path(String),
}

/// A part of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Area {
    /// Everything.
    All,
    /// Boxes, each by its first and its last element.
    Boxes(Vec<(Vec<u64>, Vec<u64>)>),
    /// Elements.
    Points(Vec<Vec<u64>>),
}
