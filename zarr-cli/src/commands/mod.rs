//! The verbs, each from words to a plan and from a report to text.

pub(crate) mod attrs;
mod codecs;
pub(crate) mod completions;
pub(crate) mod conformance_read;
mod consolidate;
mod copy;
mod copy_store;
mod create;
pub(crate) mod diff;
mod digest;
mod info;
mod load;
pub(crate) mod ls;
pub(crate) mod migrate;
pub(crate) mod mv;
pub(crate) mod rechunk;
pub(crate) mod references;
pub(crate) mod rm;
mod save;
pub(crate) mod tree;

use anyhow::Result;

use crate::{
    args::{Cli, Verb},
    status::{self, Status},
};

/// Does what the words say, and tells how it ended.
pub(crate) fn run(cli: &Cli) -> Result<Status> {
    let common = &cli.common;
    let (place, done) = match &cli.verb {
        Verb::Save(args) => (&args.dest, save::run(args, common)),
        Verb::Load(args) => (&args.node.location, load::run(args, common)),
        Verb::Create(args) => (&args.node.location, create::run(args, common)),
        Verb::Info(args) => (&args.location, info::run(args, common)),
        Verb::Ls(args) => (&args.node.location, ls::run(args, common)),
        Verb::Attrs(args) => (&args.location, attrs::run(args, common)),
        Verb::Rm(args) => (&args.locations[0], rm::run(args, common)),
        Verb::Mv(args) => (&args.source, mv::run(args, common)),
        Verb::Tree(args) => (&args.node.location, tree::run(args, common)),
        Verb::Copy(args) => {
            let what = copy::What::Node(args.name.as_deref());
            (&args.all.dest, copy::run(&args.all, what, common))
        }
        Verb::CopyAll(args) => (&args.dest, copy::run(args, copy::What::Members, common)),
        Verb::CopyStore(args) => (&args.dest, copy_store::run(args, common)),
        Verb::Consolidate(args) => (&args.store, consolidate::run(args, common)),
        Verb::Rechunk(args) => (&args.source, rechunk::run(args, common)),
        Verb::Migrate(args) => (&args.node.location, migrate::run(args, common)),
        Verb::ConformanceRead(args) => (&args.array_path, conformance_read::run(args, common)),
        Verb::References(args) => (&args.source, references::run(args, common)),
        Verb::Digest(args) => (&args.location, digest::run(args, common)),
        // Here the status says more than that all is done.
        Verb::Diff(args) => return diff::run(args, common),
        Verb::Codecs => return codecs::run(common).map(|()| Status::Done),
        Verb::Completions(args) => return completions::completions(args, common).map(|()| Status::Done),
        Verb::Man(args) => return completions::man(args, common).map(|()| Status::Done),
    };
    done.map(|()| Status::Done)
        .map_err(|error| status::at(place, error))
}
