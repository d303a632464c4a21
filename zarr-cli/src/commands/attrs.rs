//! `zarr attrs`.

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value};
use zarr_convenience::{
    Error, StoreKind,
    core::{Error as CoreError, Node, metadata::json},
};

use crate::{
    args::Common,
    locations::{Output, locate, open_source, options},
    output,
    status::{self, printable},
};

pub(crate) const HELP: &str = "\
Example: zarr attrs out.zarr/temperature
         zarr attrs out.zarr/temperature units
         zarr attrs out.zarr/temperature units='\"K\"' valid_range='[200, 330]' --delete comment";

#[derive(Debug, Args)]
pub(crate) struct AttrsArgs {
    /// The node
    pub(crate) location: String,
    /// Attributes to show, or to set to a value as JSON; all are shown if none is named
    #[arg(value_name = "KEY[=JSON]")]
    words: Vec<String>,
    /// The path of the node; the location is then the store alone
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// An attribute to delete; may be given several times
    #[arg(long, value_name = "KEY")]
    delete: Vec<String>,
}

pub(crate) fn run(args: &AttrsArgs, common: &Common) -> Result<()> {
    let (mut shown, mut set) = (Vec::new(), Vec::new());
    for word in &args.words {
        match word.split_once('=') {
            Some((key, text)) => set.push((key.to_owned(), value(key, text)?)),
            None => shown.push(word.as_str()),
        }
    }
    if !set.is_empty() || !args.delete.is_empty() {
        change(args, set, common)?;
        if shown.is_empty() && !common.json {
            return Ok(());
        }
    }
    let (source, node) = open_source(&args.location, args.path.as_deref(), common)?;
    let all = source.attributes(&node)?.members;
    let attributes = if shown.is_empty() {
        all
    } else {
        let pick = |key: &&str| match all.get(*key) {
            Some(value) => Ok(((*key).to_owned(), value.clone())),
            None => Err(missing(args, key)),
        };
        shown.iter().map(pick).collect::<Result<Map<_, _>>>()?
    };
    if common.json {
        return output::json(&attributes.into());
    }
    let lines: Vec<_> = match shown.as_slice() {
        // One value alone, for whoever asks for it in a script.
        [_] => attributes
            .values()
            .map(|value| printable(&value.to_string()))
            .collect(),
        _ => attributes
            .iter()
            .map(|(key, value)| printable(&format!("{key} = {value}")))
            .collect(),
    };
    if lines.is_empty() {
        return Ok(());
    }
    output::line(&lines.join("\n"))
}

fn value(key: &str, text: &str) -> Result<Value> {
    json::parse(text.as_bytes()).map_err(|error| {
        let hint = format!(
            "{key}={text}: {error}; a value is JSON, a text has quotes of its own: {key}='\"{text}\"'"
        );
        status::usage(hint).into()
    })
}

fn missing(args: &AttrsArgs, key: &str) -> anyhow::Error {
    let path = format!("attribute {key}");
    let store = args.location.clone();
    Error::Core(CoreError::NotFound { path, store }).into()
}

fn change(args: &AttrsArgs, set: Vec<(String, Value)>, common: &Common) -> Result<()> {
    let location = locate(&args.location, args.path.as_deref())?;
    if location.kind() == StoreKind::OtherFile {
        bail!(Error::Refused {
            what: args.location.clone(),
            reason: "attributes are changed in Zarr hierarchies alone".to_owned(),
        });
    }
    // Nothing is made where nothing is.
    crate::locations::open_zarr(&location, common)?;
    let output = Output::open_in_place(&location, common)?;
    let node = Node::open(output.store(), &location.path, &options(common))?;
    let attributes = node.attrs();
    for key in &args.delete {
        if !attributes.contains(key)? {
            return Err(missing(args, key));
        }
    }
    for key in &args.delete {
        attributes.remove(key)?;
    }
    if !set.is_empty() {
        attributes.update(set)?;
    }
    output.finish().context("the attributes are not stored")
}
