//! `zarr digest`.

use anyhow::Result;
use serde_json::json;
use zarr_convenience::digest;

use crate::{
    args::{Common, NodeArgs},
    locations::{open_source, workers},
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
        println!("{}", json!(list));
        return Ok(());
    }
    for digest in digests {
        println!("{}", crate::status::printable(&digest.to_string()));
    }
    Ok(())
}
