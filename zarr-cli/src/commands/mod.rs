//! The verbs, each from words to a plan and from a report to text.

mod codecs;
mod consolidate;
mod copy;
mod copy_store;
mod create;
mod digest;
mod info;
mod load;
mod save;
mod tree;

use anyhow::Result;

use crate::{
    args::{Cli, Verb},
    status,
};

/// Does what the words say.
pub(crate) fn run(cli: &Cli) -> Result<()> {
    let common = &cli.common;
    let (place, done) = match &cli.verb {
        Verb::Save(args) => (&args.dest, save::run(args, common)),
        Verb::Load(args) => (&args.node.location, load::run(args, common)),
        Verb::Create(args) => (&args.node.location, create::run(args, common)),
        Verb::Info(args) => (&args.location, info::run(args, common)),
        Verb::Tree(args) => (&args.node.location, tree::run(args, common)),
        Verb::Copy(args) => {
            let what = copy::What::Node(args.name.as_deref());
            (&args.all.dest, copy::run(&args.all, what, common))
        }
        Verb::CopyAll(args) => (&args.dest, copy::run(args, copy::What::Members, common)),
        Verb::CopyStore(args) => (&args.dest, copy_store::run(args, common)),
        Verb::Consolidate(args) => (&args.store, consolidate::run(args, common)),
        Verb::Digest(args) => (&args.location, digest::run(args, common)),
        Verb::Codecs => return codecs::run(common),
    };
    done.map_err(|error| status::at(place, error))
}
