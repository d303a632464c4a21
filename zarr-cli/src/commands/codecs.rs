//! `zarr codecs`.

use anyhow::Result;
use serde_json::json;
use zarr_convenience::core::codecs::BUILT_IN;

use crate::{args::Common, output};

pub(crate) fn run(common: &Common) -> Result<()> {
    if common.json {
        let list: Vec<_> = BUILT_IN
            .iter()
            .map(|entry| json!({"name": entry.name, "v2": entry.v2.map(|v2| v2.id), "doc": entry.doc}))
            .collect();
        return output::json(&json!(list));
    }
    let mut lines = vec![format!("{:24} {:12} what it does", "V3 name", "V2 id")];
    for entry in BUILT_IN {
        let id = entry.v2.map_or("-", |v2| v2.id);
        lines.push(format!("{:24} {id:12} {}", entry.name, entry.doc));
    }
    output::line(&lines.join("\n"))
}
