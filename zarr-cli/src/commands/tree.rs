//! `zarr tree`.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use anyhow::{Context, Result};
use clap::Args;
use zarr_convenience::{
    Error, Expand, HtmlOptions, More, TreeOptions, core::NodePath, write_tree, write_tree_html,
    write_tree_json,
};

use crate::{
    args::{Common, NodeArgs},
    locations::{Opened, open_source},
    new_file::NewFile,
    output,
    status::printable,
};

pub(crate) const HELP: &str = "\
Example: zarr tree data.h5 --level 2
         zarr tree out.zarr --html tree.html --expand=2
         zarr tree huge.zarr --limit 1000
         zarr tree huge.zarr --limit 1000 --after /survey/2019";

#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// How many levels are shown
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    level: Option<i64>,
    /// Draw with ASCII characters
    #[arg(long)]
    ascii: bool,
    /// Write a page for a browser, on which groups fold; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<String>,
    /// Which groups are open on the page: all, or those of the first N levels
    #[arg(long, value_name = "N", requires = "html", num_args = 0..=1, require_equals = true, default_missing_value = "all", value_parser = parse_expand)]
    expand: Option<Expand>,
    /// The most nodes that are shown
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Begin behind this node, where a tree that was limited ended
    #[arg(long, value_name = "PATH")]
    after: Option<String>,
}

fn parse_expand(text: &str) -> Result<Expand, String> {
    match text {
        "all" => Ok(Expand::All),
        number => number
            .parse()
            .map(Expand::Depth)
            .map_err(|_| "expected a number".to_owned()),
    }
}

pub(crate) fn run(args: &TreeArgs, common: &Common) -> Result<()> {
    let opened = open_source(&args.node.location, args.node.path.as_deref(), common)?;
    let options = TreeOptions {
        // As in zarr-python, a level of 0 or below shows the root alone.
        level: args.level.map(|level| usize::try_from(level).unwrap_or(0)),
        ascii: args.ascii,
        limit: args.limit,
        after: args.after.as_deref().map(NodePath::new).transpose()?,
    };
    let more = match &args.html {
        Some(file) => write_page(file, &opened, args, options)?,
        None => print(&opened, &options, common.json)?,
    };
    if let Some(more) = more
        && !common.quiet
    {
        let More { after, n_known } = more;
        let next = format!("zarr: at least {n_known} more nodes; go on with --after {after}");
        output::notice(&printable(&next));
    }
    Ok(())
}

/// Writes the tree to standard output as it is walked.
fn print((source, node): &Opened, options: &TreeOptions, as_json: bool) -> Result<Option<More>> {
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let write = if as_json { write_tree_json } else { write_tree };
    let written = write(source.as_ref(), node, options, &mut output);
    unless_closed(written, output)
}

/// Ends with what was written; there is nothing more to do for a reader that went away.
fn unless_closed(
    written: Result<Option<More>, Error>,
    mut output: BufWriter<impl Write>,
) -> Result<Option<More>> {
    let is_closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    match (written, output.flush()) {
        (Err(Error::File { source, .. }), _) if is_closed(&source) => Ok(None),
        (Ok(_), Err(source)) if is_closed(&source) => Ok(None),
        (Err(Error::File { source, .. }), _) | (Ok(_), Err(source)) => {
            Err(source).context("writing to standard output failed")
        }
        (written, _) => Ok(written?),
    }
}

fn write_page(
    file: &str,
    (source, node): &Opened,
    args: &TreeArgs,
    tree: TreeOptions,
) -> Result<Option<More>> {
    let options = HtmlOptions {
        tree,
        expand: args.expand.unwrap_or_default(),
        title: Some(args.node.path.as_ref().map_or_else(
            || args.node.location.clone(),
            |path| format!("{}/{}", args.node.location, path.trim_start_matches('/')),
        )),
    };
    if file == "-" {
        let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        let written = write_tree_html(source.as_ref(), node, &options, &mut output);
        return unless_closed(written, output);
    }
    // A page that cannot be completed does not take the place of an older one.
    let page = NewFile::beside(Path::new(file))?;
    let mut output = page.create().with_context(|| file.to_owned())?;
    let more = write_tree_html(source.as_ref(), node, &options, &mut output)?;
    output.flush().with_context(|| file.to_owned())?;
    page.replace()?;
    Ok(more)
}
