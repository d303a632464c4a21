//! A hierarchy as a page that folds: one file, without scripts, readable in any browser and in a text browser.

use std::io::Write;

use super::{
    text::{failed, harmless, name},
    walk::{More, TreeNode, TreeOptions, TreeWalk},
};
use crate::{Result, Source, SourceArray, SourceNode, count_text, grid_text, numpy_text::shape_text};

/// Which groups are open when the page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expand {
    /// The root alone: zarr-python's `expand=False`.
    #[default]
    Root,
    /// The root, and groups that have fewer groups above them than this: `expand=n`.
    Depth(usize),
    /// All: `expand=True`.
    All,
}

/// How the page is made.
#[derive(Debug, Clone, Default)]
pub struct HtmlOptions {
    /// Which part of the tree is on it; lines are not drawn.
    pub tree: TreeOptions,
    /// Which groups are open.
    pub expand: Expand,
    /// The title of the page; the path of the root if absent.
    pub title: Option<String>,
}

/// The head of the page; nothing is loaded from anywhere, and nothing runs.
const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root { --ink: #1f2328; --faint: #636c76; --line: #d5dae1; --page: #fff; --hover: #f3f5f8; --group: #8a5a00; --type: #0550ae }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --faint: #929ca8; --line: #373e47; --page: #0f1318; --hover: #1b2129; --group: #e0ac55; --type: #7ab7ff }
}
body { margin: 2rem auto; padding: 0 1.5rem; max-width: 72rem; background: var(--page); color: var(--ink); font: 15px/1.7 system-ui, sans-serif }
h1 { margin: 0 0 1rem; font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere }
p { color: var(--faint) }
ul { margin: 0; padding: 0 0 0 1.1rem; list-style: none; border-left: 1px solid var(--line); margin-left: .45rem }
body > ul { border: 0; padding: 0; margin: 0 }
li { overflow-wrap: anywhere }
summary, .a, .o { padding: 0 .4rem; border-radius: 4px }
summary { cursor: pointer; width: fit-content }
summary:hover, .a:hover, .o:hover { background: var(--hover) }
summary b { color: var(--group); font-weight: 600 }
summary b::after { content: "/" }
.r > details > summary b::after { content: none }
.a, .o { padding-left: 1.35rem }
i, s, u { font-style: normal; text-decoration: none; margin-left: .6rem; font-size: .87em; font-variant-numeric: tabular-nums }
i, s { color: var(--faint) }
u { color: var(--type) }
.o b { font-weight: 400 }
</style>
"#;

/// Draws a node and all below it as a page that folds.
///
/// # Errors
/// Those of [`write_tree_html`].
pub fn tree_html(source: &dyn Source, node: &SourceNode, options: &HtmlOptions) -> Result<String> {
    let mut page = Vec::new();
    write_tree_html(source, node, options, &mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Writes a page node by node, and tells where the tree goes on if it has more nodes than asked for.
///
/// Groups fold; arrays have their shapes, types and chunk shapes. Names are escaped, nothing is loaded from elsewhere,
/// and there are no scripts.
///
/// # Errors
/// Those of [`write_tree`](crate::write_tree).
///
/// ```
/// # use std::sync::Arc;
/// use zarr_convenience::{HtmlOptions, ZarrSource, tree_html};
/// use zarr_convenience::core::{Group, Node, NodePath, Options, ZarrFormat, store::MemoryStore};
/// let root = Group::create(Arc::new(MemoryStore::new()), &NodePath::root(), ZarrFormat::V3, &Options::default())?;
/// root.create_group("a&b")?;
/// let source = ZarrSource::new(Node::Group(root));
/// let page = tree_html(&source, &source.root(), &HtmlOptions::default())?;
/// assert!(page.contains("<details open><summary><b>/</b>") && page.contains("<b>a&amp;b</b>"));
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
pub fn write_tree_html(
    source: &dyn Source,
    node: &SourceNode,
    options: &HtmlOptions,
    output: &mut dyn Write,
) -> Result<Option<More>> {
    let mut walk = TreeWalk::new(source, node, &options.tree)?;
    let title = options.title.clone().unwrap_or_else(|| node.path().to_string());
    let title = escaped(&harmless(&title));
    let mut write = |text: &str| output.write_all(text.as_bytes()).map_err(failed);
    write(HEAD)?;
    write(&format!("<title>{title}</title>\n<h1>{title}</h1>\n<ul>\n"))?;
    let mut open = 0;
    let mut counts = [0_u64; 2];
    let above = walk.above().to_vec();
    for group in &above {
        write(&begin(group, open, "", true))?;
        open += 1;
    }
    while let Some(node) = walk.next()? {
        let depth = node.depth();
        write(&"</ul></details>\n".repeat(open.max(depth) - depth))?;
        open = depth;
        match &node.node {
            SourceNode::Group(_) => counts[0] += 1,
            SourceNode::Array(_) => counts[1] += 1,
            SourceNode::Other { .. } => {}
        }
        write(&item(&node, options.expand))?;
        open += usize::from(node.n_members.is_some_and(|n| n > 0));
    }
    write(&"</ul></details>\n".repeat(open))?;
    write("</ul>\n")?;
    let more = walk.more();
    write(&footer(counts, more.as_ref()))?;
    Ok(more)
}

/// A node, and the beginning of the list of its members if it has any.
fn item(node: &TreeNode, expand: Expand) -> String {
    let label = escaped(&name(node.node.path()));
    match &node.node {
        SourceNode::Group(_) => {
            let is_open = match expand {
                _ if node.depth() == 0 => true,
                Expand::Root => false,
                Expand::Depth(depth) => node.depth() < depth,
                Expand::All => true,
            };
            match node.n_members {
                Some(0) => closed(&node.node, node.depth(), "empty"),
                Some(n) => begin(&node.node, node.depth(), &count_text(n as u64), is_open),
                // Its members are beyond the last level.
                None => closed(&node.node, node.depth(), "..."),
            }
        }
        SourceNode::Array(array) => format!("<li class=a><b>{label}</b>{}\n", array_text(array.as_ref())),
        SourceNode::Other { what, .. } => {
            format!("<li class=o><b>{label}</b><s>{}</s>\n", escaped(&harmless(what)))
        }
    }
}

/// The beginning of a group, up to the first of its members.
fn begin(group: &SourceNode, depth: usize, note: &str, is_open: bool) -> String {
    let open = if is_open { " open" } else { "" };
    format!(
        "{}<details{open}>{}<ul>\n",
        list_item(depth),
        summary(group, note)
    )
}

/// A group of which no members are shown.
fn closed(group: &SourceNode, depth: usize, note: &str) -> String {
    format!(
        "{}<details>{}</details>\n",
        list_item(depth),
        summary(group, note)
    )
}

const fn list_item(depth: usize) -> &'static str {
    if depth == 0 { "<li class=r>" } else { "<li>" }
}

fn summary(group: &SourceNode, note: &str) -> String {
    let label = escaped(&name(group.path()));
    let note = if note.is_empty() {
        String::new()
    } else {
        format!("<s>{note}</s>")
    };
    format!("<summary><b>{label}</b>{note}</summary>")
}

fn array_text(array: &dyn SourceArray) -> String {
    let shape = shape_text(array.shape());
    let data_type = escaped(&harmless(&array.data_type_text()));
    let chunks = match array.chunk_grid() {
        Some(grid) if grid.chunk_shape() != array.shape() && !grid.chunk_shape().is_empty() => {
            format!("<s>chunks {}</s>", grid_text(&grid))
        }
        _ => String::new(),
    };
    format!("<i>{shape}</i><u>{data_type}</u>{chunks}")
}

fn footer([n_groups, n_arrays]: [u64; 2], more: Option<&More>) -> String {
    let count = |n: u64, one: &str| {
        let s = if n == 1 { "" } else { "s" };
        format!("{} {one}{s}", count_text(n))
    };
    let counts = format!("{}, {}", count(n_groups, "group"), count(n_arrays, "array"));
    let more = more.map_or_else(String::new, |more| {
        let after = escaped(&harmless(&more.after.to_string()));
        format!("; this page ends after <b>{after}</b>, and there are more")
    });
    format!("<p>{counts}{more}</p>\n</html>\n")
}

/// A text in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
