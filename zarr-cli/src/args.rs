//! The words of the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    commands::{
        attrs::{self, AttrsArgs},
        completions::{self, CompletionsArgs, ManArgs},
        conformance_read::{self, ConformanceReadArgs},
        diff::{self, DiffArgs},
        ls::{self, LsArgs},
        migrate::{self, MigrateArgs},
        mv::{self, MvArgs},
        rechunk::{self, RechunkArgs},
        references::{self, ReferencesArgs},
        rm::{self, RmArgs},
        tree::{self, TreeArgs},
    },
    creation::CreationArgs,
};

/// Moves chunked arrays about: Zarr V2 and V3 in directories and ZIP archives, and HDF5 files.
///
/// A location names a store and a node in it: `data.zarr/group/array`, `data.zip/group`, `data.h5/group/dataset`.
#[derive(Debug, Parser)]
#[command(version, name = "zarr", max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Options of every verb.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// How many threads may work at once; as many as there are processors if not given
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// How many requests to a store may be in flight, at least as many as threads work; as many as the store wants if
    /// not given: one for local files, several for http://, s3:// and their like. More than one are worth it too for a
    /// directory on a file system far away
    #[arg(long, global = true, value_name = "N")]
    pub(crate) requests: Option<usize>,
    /// The most memory that values may take at once, such as 500M or 2G
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory: Option<u64>,
    /// How progress is shown on standard error
    #[arg(long, global = true, value_name = "HOW", default_value = "auto")]
    pub(crate) progress: ProgressKind,
    /// Whether what is read is found by consolidated metadata: needed where the store cannot list, such as a web server;
    /// auto where they are what the nodes say; must; never
    #[arg(long, global = true, value_name = "WHEN", default_value = "needed")]
    pub(crate) consolidated: String,
    /// One JSON document on standard output instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Nothing but errors on standard error
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// More about what is done, on standard error
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Follow references to files beneath this directory as well as beneath that of their document; and read virtual
    /// datasets and external raw data of HDF5 files that lie beneath it, or beneath the directory of the file
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) allow_external: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) confinement: Confinement,
}

/// How files of unknown origin are read.
#[derive(Debug, Args)]
pub(crate) struct Confinement {
    /// Read in a process of its own, with limits, so that a file made to harm costs an error and nothing else
    #[arg(long, global = true)]
    pub(crate) untrusted: bool,
    /// The memory that --untrusted allows, such as 500M or 2G
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size, default_value = "4G")]
    pub(crate) untrusted_memory: u64,
    /// The seconds that --untrusted allows; 60 and one for each MiB of the files if not given
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) untrusted_time: Option<u64>,
    /// Says to a process that it is the one with the limits
    #[arg(long, global = true, hide = true, value_name = "HOW")]
    pub(crate) confined: Option<Confined>,
}

/// How a process with limits tells of its progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Confined {
    /// As it is told to
    Plain,
    /// In events, which the one that waits for it shows
    Events,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    /// A bar on a terminal, nothing elsewhere
    Auto,
    /// A bar
    Bar,
    /// One JSON document a line
    Json,
    /// Nothing
    None,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Saves NumPy files as an array or a group
    #[command(after_help = "Example: zarr save out.zarr temperature=t.npy pressure=p.npy")]
    Save(SaveArgs),
    /// Shows an array or a group, or writes it to a NumPy file
    #[command(
        after_help = "Example: zarr load out.zarr/temperature --select '0:10, -1' -o first.npy\n         zarr load out.zarr/temperature --select '[12, 3, 7], :'\n         zarr load stations.zarr/records --select '\"name\", 0:10'"
    )]
    Load(LoadArgs),
    /// Creates an array or a group
    #[command(after_help = "Example: zarr create out.zarr/a --shape 100,100 --dtype '<f4' --chunks 10,100")]
    Create(CreateArgs),
    /// Tells what an array or a group is
    #[command(after_help = "Example: zarr info out.zarr/temperature")]
    Info(NodeArgs),
    /// Lists what is in a group
    #[command(after_help = ls::HELP)]
    Ls(LsArgs),
    /// Shows and changes attributes
    #[command(after_help = attrs::HELP)]
    Attrs(AttrsArgs),
    /// Draws a hierarchy
    #[command(after_help = tree::HELP)]
    Tree(TreeArgs),
    /// Copies an array or a group into a group
    #[command(after_help = "Example: zarr copy data.h5/ocean out.zarr --if-exists replace --log -")]
    Copy(CopyArgs),
    /// Copies all members of a group, and its attributes, into a group
    #[command(after_help = "Example: zarr copy-all data.h5 out.zarr --compressor zlib")]
    CopyAll(CopyAllArgs),
    /// Copies keys from store to store as they are
    #[command(after_help = "Example: zarr copy-store out.zarr out.zip")]
    CopyStore(CopyStoreArgs),
    /// Removes arrays, groups and whole stores
    #[command(after_help = rm::HELP)]
    Rm(RmArgs),
    /// Gives an array or a group another place in its store
    #[command(after_help = mv::HELP)]
    Mv(MvArgs),
    /// Collects the metadata of all nodes in one document
    #[command(after_help = "Example: zarr consolidate out.zarr")]
    Consolidate(ConsolidateArgs),
    /// Brings an array into other chunks, within a budget of memory
    #[command(after_help = rechunk::HELP)]
    Rechunk(RechunkArgs),
    /// Rewrites documents in the other format, and leaves chunks where they are
    #[command(after_help = migrate::HELP)]
    Migrate(MigrateArgs),
    /// Prints every element of an array, for suites of tests
    #[command(name = "conformance-read", hide = true, after_help = conformance_read::HELP)]
    ConformanceRead(ConformanceReadArgs),
    /// Writes a document of references, through which an HDF5 file is read as Zarr without a copy
    #[command(after_help = references::HELP)]
    References(ReferencesArgs),
    /// Hashes the values of every array, whatever its format, chunks and codecs
    #[command(after_help = "Example: zarr digest data.h5 > a; zarr digest out.zarr > b; diff a b")]
    Digest(NodeArgs),
    /// Tells where two hierarchies hold different things, whatever their formats, chunks and codecs
    #[command(after_help = diff::HELP)]
    Diff(DiffArgs),
    /// Lists the codecs that metadata may name
    #[command(after_help = "Example: zarr codecs")]
    Codecs,
    /// Prints a script with which a shell completes words
    #[command(after_help = completions::COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
    /// Writes manual pages
    #[command(after_help = completions::MAN_HELP)]
    Man(ManArgs),
}

/// A node.
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// The node
    pub(crate) location: String,
    /// The path of the node; the location is then the store alone
    #[arg(long)]
    pub(crate) path: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// Where to save; what is there is replaced in one step
    pub(crate) dest: String,
    /// NumPy files, each with a name before it or without
    #[arg(required = true, value_name = "[NAME=]FILE.npy")]
    pub(crate) arrays: Vec<String>,
    /// The path of the node; the destination is then the store alone
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Replace files that are no Zarr node as well
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) creation: CreationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// A NumPy file to write: .npy for an array, .npz for a group; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The part to load, as NumPy would index it: 0:10, ..., -1; [3, 0] is a list, 'name' a field
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub(crate) select: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// The lengths of the dimensions, such as 100,100; without it a group is created
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub(crate) shape: Option<Vec<u64>>,
    /// The data type as NumPy writes it, such as '<f4'
    #[arg(long, default_value = "<f8")]
    pub(crate) dtype: String,
    /// What may be there already: w- nothing, a the same kind of node, w anything
    #[arg(long, default_value = "w-")]
    pub(crate) mode: String,
    #[command(flatten)]
    pub(crate) creation: CreationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// The name in the destination
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) all: CopyAllArgs,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the command line")]
pub(crate) struct CopyAllArgs {
    /// What to copy
    pub(crate) source: String,
    /// The group to copy into, which is created if it is not there; an array that is the root of its store takes this
    /// place itself, unless it is given a name
    pub(crate) dest: String,
    /// The path of the source node; the source is then the store alone
    #[arg(long, value_name = "PATH")]
    pub(crate) source_path: Option<String>,
    /// The path of the destination group; the destination is then the store alone
    #[arg(long, value_name = "PATH")]
    pub(crate) dest_path: Option<String>,
    /// Leave out groups below the first
    #[arg(long)]
    pub(crate) shallow: bool,
    /// Leave out attributes
    #[arg(long)]
    pub(crate) without_attrs: bool,
    /// What to do with nodes that are there: raise, replace, skip or `skip_initialized`
    #[arg(long, default_value = "raise", value_name = "WHAT")]
    pub(crate) if_exists: String,
    /// Write nothing, and tell what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write nothing, and tell for each array which way its data would go, and why
    #[arg(long)]
    pub(crate) explain: bool,
    /// Where the lines of the log go: a file, or - for standard output; in a dry run always there
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<String>,
    /// Fail if anything cannot be carried over
    #[arg(long)]
    pub(crate) strict: bool,
    /// Compare the copy with its source afterwards, and fail with status 4 if they differ
    #[arg(long)]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) resume: ResumeArgs,
    #[command(flatten)]
    pub(crate) creation: CreationArgs,
}

/// Whether work that was interrupted is continued.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Continue where the same command was interrupted; it does so unless told otherwise (an archive is made anew)
    #[arg(long, conflicts_with = "no_resume")]
    pub(crate) resume: bool,
    /// Begin anew, even where the same command was interrupted
    #[arg(long)]
    pub(crate) no_resume: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the command line")]
pub(crate) struct CopyStoreArgs {
    /// The store to copy
    pub(crate) source: String,
    /// The store to copy to; it is created if it is not there
    pub(crate) dest: String,
    /// Copy only keys below this path
    #[arg(long, value_name = "PATH", default_value = "")]
    pub(crate) source_path: String,
    /// Copy to below this path
    #[arg(long, value_name = "PATH", default_value = "")]
    pub(crate) dest_path: String,
    /// Leave out keys in which this regular expression is found
    #[arg(long, value_name = "RE")]
    pub(crate) exclude: Vec<String>,
    /// Do not leave out keys in which this regular expression is found
    #[arg(long, value_name = "RE")]
    pub(crate) include: Vec<String>,
    /// What to do with keys that are there: raise, replace or skip
    #[arg(long, default_value = "raise", value_name = "WHAT")]
    pub(crate) if_exists: String,
    /// Write nothing, and tell what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write nothing, and tell how keys are copied and what is done beside
    #[arg(long)]
    pub(crate) explain: bool,
    /// Also copy what links lead to that leave the source; they are refused otherwise
    #[arg(long)]
    pub(crate) follow_symlinks: bool,
    /// Where the lines of the log go: a file, or - for standard output; in a dry run always there
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<String>,
    /// Compare the copy with its source afterwards, and fail with status 4 if they differ
    #[arg(long)]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) resume: ResumeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ConsolidateArgs {
    /// The store
    pub(crate) store: String,
    /// The key of the document of format 2
    #[arg(long, value_name = "KEY", default_value = ".zmetadata")]
    pub(crate) metadata_key: String,
    /// The group whose nodes are consolidated; all of the store otherwise
    #[arg(long, value_name = "PATH", default_value = "")]
    pub(crate) path: String,
}

/// Reads a size such as `500M`.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..]
        .to_ascii_uppercase()
        .trim_end_matches("IB")
        .trim_end_matches('B')
    {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        _ => return Err("expected a number and one of K, M, G, T".to_owned()),
    };
    let number = digits
        .parse::<u64>()
        .map_err(|_| "expected a number".to_owned())?;
    number.checked_mul(unit).ok_or_else(|| "is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// The commands of an example: what a shell would make of `zarr a b; zarr 'c d' > e && echo f`.
    fn commands(line: &str) -> Vec<Vec<String>> {
        let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            match c {
                '\'' | '"' => {
                    let quoted: String = characters.by_ref().take_while(|other| *other != c).collect();
                    word.get_or_insert_default().push_str(&quoted);
                }
                ' ' => words.extend(word.take()),
                ';' | '&' | '>' | '|' => {
                    words.extend(word.take());
                    commands.push(std::mem::take(&mut words));
                }
                _ => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        commands.push(words);
        commands.retain(|words| words.first().is_some_and(|first| first == "zarr"));
        commands
    }

    #[test]
    fn the_help_of_every_verb_ends_with_examples_that_can_be_run() {
        let command = Cli::command();
        for verb in command.get_subcommands() {
            let name = verb.get_name();
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.split_once("Example: ").map(|(_, examples)| examples);
            let examples = examples.unwrap_or_else(|| panic!("zarr {name} has no example: {help}"));
            let mut is_shown = false;
            for line in examples.lines() {
                for words in commands(line.trim()) {
                    is_shown |= words[1] == name;
                    if let Err(error) = Cli::try_parse_from(&words) {
                        panic!("zarr {name}: {line}: {error}");
                    }
                }
            }
            assert!(is_shown, "the example of zarr {name} shows another verb");
        }
    }

    #[test]
    fn the_words_of_all_verbs_are_consistent() {
        Cli::command().debug_assert();
    }
}
