//! `tree`: a hierarchy as text (`v2-semantics` 8.1).

use zarr_core::NodePath;

use crate::{Result, Source, SourceNode, numpy_text::shape_text};

/// How a tree is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub struct TreeOptions {
    /// How many levels below the root are shown; all if absent.
    pub level: Option<usize>,
    /// Whether lines are drawn with ASCII characters.
    pub ascii: bool,
}

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
/// When a node cannot be opened.
pub fn tree(source: &dyn Source, node: &SourceNode, options: TreeOptions) -> Result<String> {
    let glyphs = if options.ascii { &ASCII } else { &UNICODE };
    let mut text = label(node);
    let mut pending = Vec::new();
    push_members(
        source,
        node,
        options.level.unwrap_or(usize::MAX),
        "",
        &mut pending,
    )?;
    while let Some(Pending {
        node,
        stem,
        is_last,
        levels,
    }) = pending.pop()
    {
        let place = usize::from(is_last);
        text.push_str("\n ");
        text.push_str(&stem);
        text.push_str(glyphs.branches[place]);
        text.push_str(&label(&node));
        push_members(
            source,
            &node,
            levels,
            &format!("{stem}{}", glyphs.stems[place]),
            &mut pending,
        )?;
    }
    Ok(text)
}

/// A node that is to be drawn.
struct Pending {
    node: SourceNode,
    stem: String,
    is_last: bool,
    /// How many levels below it are to be shown.
    levels: usize,
}

fn push_members(
    source: &dyn Source,
    node: &SourceNode,
    levels: usize,
    stem: &str,
    pending: &mut Vec<Pending>,
) -> Result<()> {
    let (SourceNode::Group(path), Some(below)) = (node, levels.checked_sub(1)) else {
        return Ok(());
    };
    let mut members = source.members(path)?;
    let mut is_last = true;
    while let Some(node) = members.pop() {
        pending.push(Pending {
            node,
            stem: stem.to_owned(),
            is_last,
            levels: below,
        });
        is_last = false;
    }
    Ok(())
}

fn label(node: &SourceNode) -> String {
    let name = name(node.path());
    match node {
        SourceNode::Group(_) => name,
        SourceNode::Other { what, .. } => format!("{name} ({what})"),
        SourceNode::Array(array) => {
            let label = format!("{name} {} {}", shape_text(array.shape()), array.data_type_text());
            label
        }
    }
}

/// The last name of a path, with nothing in it that a terminal would obey.
fn name(path: &NodePath) -> String {
    if path.is_root() {
        return "/".to_owned();
    }
    let is_harmless =
        |c: char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    path.name()
        .chars()
        .map(|c| {
            if is_harmless(c) {
                c.to_string()
            } else {
                c.escape_unicode().to_string()
            }
        })
        .collect()
}
