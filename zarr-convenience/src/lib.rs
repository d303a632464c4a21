#![doc = include_str!("../README.md")]

mod address;
mod between;
mod boxes;
mod budget;
mod cancel;
mod carry;
mod casting;
mod codec_text;
mod creation;
mod dataset;
mod digest;
mod error;
mod fill;
mod groups;
mod hexdigest;
mod info;
mod ledger;
mod load;
mod location;
mod moves;
mod numpy_text;
mod open;
mod plan;
mod python_pattern;
mod python_repr;
mod report;
mod route;
mod run;
mod save;
mod second_names;
mod text_wrap;
mod transfer;
mod tree;
mod units;
mod verbs;
mod verify;
mod waiting;
mod wrapping;
mod zarr_sink;
mod zarr_source;

pub use between::Between;
pub use budget::{Budget, Held};
pub use cancel::Cancel;
pub use carry::carry;
pub use codec_text::{codec_parameters, codec_text};
pub use creation::{Chunks, Creation};
pub use dataset::{Dataset, check_required, create_dataset, require_dataset};
pub use digest::{Digest, digest};
pub use error::Error;
pub use hexdigest::{HashName, hexdigest};
pub use info::{ArrayInfo, GroupInfo};
pub use ledger::{Ledger, StepLedger, generation_of};
pub use load::{LazyLoader, Loaded, load};
#[cfg(feature = "reference")]
pub use location::open_references;
pub use location::{Location, StoreKind, open_store, open_whole_store};
pub use numpy_text::{count_text, data_type_text, grid_text, shape_text};
pub use open::{OpenMode, build_array, check_codecs, create_array, create_group, open};
pub use plan::{Action, Plan, Step};
pub use python_pattern::{PatternFlags, pattern};
pub use python_repr::{bytes_repr, object_repr, text_repr};
pub use report::{Copied, Progress, Report};
pub use route::{Route, Way, route};
pub use run::run;
pub use save::{SaveOptions, save, save_array, save_group};
pub use second_names::SecondNames;
pub use transfer::{
    Attributes, Fate, Found, How, Kept, Lost, Prospect, Sink, Source, SourceArray, SourceNode, StoredChunk,
};
pub use tree::{
    Expand, HtmlOptions, More, TreeOptions, node_json, tree, tree_html, write_tree, write_tree_html,
    write_tree_json,
};
pub use verbs::consolidate::{
    AUTO_FOLDERS_MAX, OpenConsolidated, UseConsolidated, consolidate_metadata, find_consolidated,
    open_consolidated, open_reading,
};
pub use verbs::copy::{CopyOptions, IfExists, copy, copy_all, plan_copy, plan_copy_all};
pub use verbs::copy_keys::{KeyAction, KeyPlan, KeyStep, run_keys};
pub use verbs::copy_store::{CopyStoreOptions, copy_store, plan_copy_store};
pub use verbs::diff::{
    DiffOptions, DiffReport, Difference, DifferenceKind, Failure, Listed, Side, diff, diff_watched,
};
pub use verbs::key_documents::KeyDocuments;
pub use verbs::migrate::{Migration, MigrationStep, migrate, plan_migration};
pub use verbs::migration_journal::MIGRATION_JOURNAL;
pub use verbs::rechunk::{RechunkPass, RechunkPlan, plan_rechunk, rechunk};
pub use verbs::roll_back::{finish_migration, roll_back_migration};
pub use verify::{Check, verify, verify_keys};
pub use zarr_core as core;
pub use zarr_sink::Place;
pub use zarr_source::ZarrSource;

/// The result of a convenience function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The examples of the workspace's own README, which are compiled with those of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct WorkspaceReadme;
