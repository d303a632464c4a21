//! `diff`: where two hierarchies hold different things, whatever their formats, chunks and codecs.
//!
//! `walk.rs` goes through both side by side, `look.rs` looks at two nodes, many of them at once, `node.rs` compares what two nodes say of themselves, `parts.rs` cuts a
//! pair of arrays into boxes of whole chunks, `pair.rs` compares such a box, `elements.rs` two elements.

mod elements;
mod look;
mod node;
mod pair;
mod parts;
mod report;
mod walk;

pub(crate) use elements::is_text_again;
pub(crate) use look::compare_attributes;
pub use report::{DiffReport, Difference, DifferenceKind, Failure, Listed, Side};
pub use walk::{DiffOptions, diff, diff_watched};
