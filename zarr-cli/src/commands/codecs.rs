//! `zarr codecs`.

use anyhow::Result;
use serde_json::json;
use zarr_convenience::core::codecs::BUILT_IN;

use crate::args::Common;

pub(crate) fn run(common: &Common) -> Result<()> {
    if common.json {
        let list: Vec<_> = BUILT_IN
            .iter()
            .map(|entry| json!({"name": entry.name, "v2": entry.v2.map(|v2| v2.id), "doc": entry.doc}))
            .collect();
        println!("{}", json!(list));
        return Ok(());
    }
    println!("{:24} {:12} what it does", "V3 name", "V2 id");
    for entry in BUILT_IN {
        println!(
            "{:24} {:12} {}",
            entry.name,
            entry.v2.map_or("-", |v2| v2.id),
            entry.doc
        );
    }
    Ok(())
}
