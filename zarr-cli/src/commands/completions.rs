//! `zarr completions` and `zarr man`: what shells and `man` read, made from the words of the command line.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use crate::{
    args::{Cli, Common},
    output,
};

pub(crate) const COMPLETIONS_HELP: &str = "\
Example: zarr completions bash > ~/.local/share/bash-completion/completions/zarr
         zarr completions zsh > ~/.zfunc/_zarr
         zarr completions fish > ~/.config/fish/completions/zarr.fish";

pub(crate) const MAN_HELP: &str = "\
Example: zarr man ~/.local/share/man/man1";

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory for the pages, zarr.1 and one for each verb; it is made if it is not there
    directory: PathBuf,
}

pub(crate) fn completions(args: &CompletionsArgs, common: &Common) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "zarr", &mut script);
    let script = String::from_utf8_lossy(&script);
    if common.json {
        return output::json(&json!({"shell": args.shell.to_string(), "script": script}));
    }
    output::line(script.trim_end_matches('\n'))
}

pub(crate) fn man(args: &ManArgs, common: &Common) -> Result<()> {
    std::fs::create_dir_all(&args.directory).with_context(|| args.directory.display().to_string())?;
    let command = Cli::command().disable_help_subcommand(true);
    let pages = command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .map(|verb| format!("zarr-{}.1", verb.get_name()));
    let pages: Vec<_> = std::iter::once("zarr.1".to_owned()).chain(pages).collect();
    clap_mangen::generate_to(command, &args.directory)
        .with_context(|| args.directory.display().to_string())?;
    if common.json {
        let directory = args.directory.display().to_string();
        return output::json(&json!({"directory": directory, "files": pages}));
    }
    Ok(())
}
