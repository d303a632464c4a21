//! `zarr digest`.

use anyhow::Result;
use serde_json::json;
use zarr_convenience::digest;

use crate::{
    args::{Common, NodeArgs},
    locations::{open_source, workers},
    output,
};

pub(crate) fn run(args: &NodeArgs, common: &Common) -> Result<()> {
    let (source, node) = open_source(&args.location, args.path.as_deref(), common)?;
    let digests = digest(source.as_ref(), &node, workers(common))?;
    if common.json {
        let list: Vec<_> = digests
            .iter()
            .map(|digest| {
                let path = digest.path.to_string();
                json!({"sha256": digest.hex, "dtype": digest.data_type, "shape": digest.shape, "path": path})
            })
            .collect();
        return output::json(&json!(list));
    }
    let lines: Vec<_> = digests
        .iter()
        .map(|digest| crate::status::printable(&digest.to_string()))
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    output::line(&lines.join("\n"))
}
