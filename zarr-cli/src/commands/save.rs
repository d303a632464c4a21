//! `zarr save`.

use std::path::Path;

use anyhow::Result;
use serde_json::json;
use zarr_convenience::{SaveOptions, core::ArrayData, save};

use crate::{
    args::{Common, SaveArgs},
    locations::{Output, locate, options},
    npy, output,
};

pub(crate) fn run(args: &SaveArgs, common: &Common) -> Result<()> {
    let size_max = options(common).read_size_max;
    // Everything is read before anything is replaced.
    let (mut unnamed, mut named) = (Vec::new(), Vec::new());
    for word in &args.arrays {
        let (name, file) = match word.split_once('=') {
            Some((name, file)) if !Path::new(word).exists() => (Some(name), file),
            _ => (None, word.as_str()),
        };
        for (member, array) in npy::read(Path::new(file), size_max)? {
            let name = match (name, member) {
                (Some(name), Some(member)) => Some(format!("{name}/{member}")),
                (name, member) => name.map(str::to_owned).or(member),
            };
            add(name, array, &mut unnamed, &mut named);
        }
    }
    let location = locate(&args.dest, args.path.as_deref())?;
    let creation = args.creation.parse()?;
    let place = Output::open_in_place(&location, common)?;
    let options = SaveOptions {
        creation,
        options: options(common),
        force: args.force,
    };
    save(&place.store(), &location.path, &unnamed, &named, &options)?;
    place.finish()?;
    if common.json {
        let n_arrays = unnamed.len() + named.len();
        return output::json(&json!({"path": location.path.to_string(), "n_arrays": n_arrays}));
    }
    Ok(())
}

fn add(
    name: Option<String>,
    array: ArrayData,
    unnamed: &mut Vec<ArrayData>,
    named: &mut Vec<(String, ArrayData)>,
) {
    match name {
        Some(name) => named.push((name, array)),
        None => unnamed.push(array),
    }
}
