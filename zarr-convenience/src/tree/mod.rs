//! `tree`: a hierarchy as text (`v2-semantics` 8.1), as a page for a browser, and as JSON.
//!
//! `walk.rs` gives the nodes one by one, from wherever a page begins; the others write what it gives as it comes.

mod html;
mod json;
mod text;
mod walk;

pub use html::{Expand, HtmlOptions, tree_html, write_tree_html};
pub use json::{node_json, write_tree_json};
pub use text::{tree, write_tree};
pub use walk::{More, TreeOptions};
