//! A hierarchy as text, to the letter of `v2-semantics` 8.1.

use std::io::{self, Write};

use zarr_core::NodePath;

use super::walk::{More, TreeNode, TreeOptions, TreeWalk};
use crate::{Error, Result, Source, SourceNode, numpy_text::shape_text};

/// What lines are drawn with.
struct Glyphs {
    /// Before a node that others follow, and before the last one.
    branches: [&'static str; 2],
    /// Below a node that others follow, and below the last one.
    stems: [&'static str; 2],
}

const UNICODE: Glyphs = Glyphs {
    branches: ["├── ", "└── "],
    stems: ["│   ", "    "],
};
const ASCII: Glyphs = Glyphs {
    branches: ["+-- ", "+-- "],
    stems: ["|   ", "    "],
};

/// Draws a node and all below it; there is no newline at the end.
///
/// Control characters in names are shown escaped.
///
/// # Errors
/// When a node cannot be opened; [`Error::Argument`] when `after` is no node of the tree.
pub fn tree(source: &dyn Source, node: &SourceNode, options: &TreeOptions) -> Result<String> {
    let mut text = Vec::new();
    write_tree(source, node, options, &mut text)?;
    // The last newline is not part of the text.
    text.pop();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Draws a node and all below it line by line, and tells where the tree goes on if it has more nodes than asked for.
///
/// The pages of a tree, one after the other, are the whole tree.
///
/// # Errors
/// When a node cannot be opened, after what comes before it was written; [`Error::Argument`] when `after` is no node of
/// the tree; [`Error::File`] when the output fails.
///
/// ```
/// # use std::sync::Arc;
/// use zarr_convenience::{TreeOptions, ZarrSource, write_tree};
/// use zarr_convenience::core::{Group, Node, NodePath, Options, ZarrFormat, store::MemoryStore};
/// let root = Group::create(Arc::new(MemoryStore::new()), &NodePath::root(), ZarrFormat::V3, &Options::default())?;
/// root.create_group("a/b")?;
/// root.create_group("c")?;
/// let source = ZarrSource::new(Node::Group(root));
/// let mut text = Vec::new();
/// let page = TreeOptions { limit: Some(3), ..TreeOptions::default() };
/// let more = write_tree(&source, &source.root(), &page, &mut text)?.expect("c is left");
/// assert_eq!((more.after.as_str(), more.n_known), ("a/b", 1));
/// let page = TreeOptions { after: Some(more.after), ..page };
/// assert_eq!(write_tree(&source, &source.root(), &page, &mut text)?, None);
/// assert_eq!(text, "/\n ├── a\n │   └── b\n └── c\n".as_bytes());
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
pub fn write_tree(
    source: &dyn Source,
    node: &SourceNode,
    options: &TreeOptions,
    output: &mut dyn Write,
) -> Result<Option<More>> {
    let glyphs = if options.ascii { &ASCII } else { &UNICODE };
    let mut walk = TreeWalk::new(source, node, options)?;
    while let Some(node) = walk.next()? {
        writeln!(output, "{}", line(&node, glyphs)).map_err(failed)?;
    }
    Ok(walk.more())
}

fn line(node: &TreeNode, glyphs: &Glyphs) -> String {
    let mut line = String::new();
    if let Some((follows, above)) = node.follows.split_last() {
        line.push(' ');
        for follows in above {
            line.push_str(glyphs.stems[usize::from(!follows)]);
        }
        line.push_str(glyphs.branches[usize::from(!follows)]);
    }
    line + &label(&node.node)
}

fn label(node: &SourceNode) -> String {
    let name = name(node.path());
    match node {
        SourceNode::Group(_) => name,
        SourceNode::Other { what, .. } => format!("{name} ({})", harmless(what)),
        SourceNode::Array(array) => {
            format!("{name} {} {}", shape_text(array.shape()), array.data_type_text())
        }
    }
}

/// The last name of a path, with nothing in it that a terminal would obey.
pub(super) fn name(path: &NodePath) -> String {
    if path.is_root() {
        return "/".to_owned();
    }
    harmless(path.name())
}

/// A text in which characters that command a terminal or turn text round are escaped.
pub(super) fn harmless(text: &str) -> String {
    let is_harmless =
        |c: char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| {
            if is_harmless(c) {
                c.to_string()
            } else {
                c.escape_unicode().to_string()
            }
        })
        .collect()
}

pub(super) fn failed(source: io::Error) -> Error {
    Error::File {
        what: "the tree".to_owned(),
        action: "writing",
        source,
    }
}
