//! The verbs, each from words to a plan and from a report to text.

mod codecs;
mod copy;
mod copy_store;
mod create;
mod digest;
mod info;
mod load;
mod save;
mod tree;

use anyhow::Result;

use crate::args::{Cli, Verb};

/// Does what the words say.
pub(crate) fn run(cli: &Cli) -> Result<()> {
    let common = &cli.common;
    match &cli.verb {
        Verb::Save(args) => save::run(args, common),
        Verb::Load(args) => load::run(args, common),
        Verb::Create(args) => create::run(args, common),
        Verb::Info(args) => info::run(args, common),
        Verb::Tree(args) => tree::run(args, common),
        Verb::Copy(args) => copy::run(&args.all, copy::What::Node(args.name.as_deref()), common),
        Verb::CopyAll(args) => copy::run(args, copy::What::Members, common),
        Verb::CopyStore(args) => copy_store::run(args, common),
        Verb::Digest(args) => digest::run(args, common),
        Verb::Codecs => codecs::run(common),
    }
}
