//! `zarr diff`.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use zarr_convenience::core::ZarrFormat;
use zarr_convenience::{
    DiffOptions, DiffReport, Difference, DifferenceKind, Failure, Lost, Side, diff_watched,
};

use crate::{
    args::Common,
    locations::{memory, open_source, open_whole, workers, zarr_format},
    output,
    progress::Display,
    status::{self, Status, printable},
};

pub(crate) const HELP: &str = "\
Exit status: 0 nothing differs, 1 something differs, 2 or above trouble: 2 usage or unknown, and 3 to 7 as for \
every verb. What can be read is compared all the same.

Example: zarr diff data.h5 out.zarr
         zarr diff old.zarr/ocean new.zip/ocean --rtol 1e-6 --without-attrs
         zarr diff a.zarr b.zarr --first --quiet && echo same";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the command line")]
pub(crate) struct DiffArgs {
    /// The first node, called A in what is printed
    pub(crate) a: String,
    /// The second node, called B
    pub(crate) b: String,
    /// The path of the first node; A is then the store alone
    #[arg(long, value_name = "PATH")]
    pub(crate) a_path: Option<String>,
    /// The path of the second node; B is then the store alone
    #[arg(long, value_name = "PATH")]
    pub(crate) b_path: Option<String>,
    /// How far numbers may lie apart, as a fraction of the second one
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0)]
    rtol: f64,
    /// How far numbers may lie apart, beside what --rtol allows
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0)]
    atol: f64,
    /// NaN differs from NaN, and what is not a time from itself
    #[arg(long)]
    nan_differs: bool,
    /// Minus zero differs from zero
    #[arg(long)]
    signed_zeros: bool,
    /// Types differ that differ in byte order alone
    #[arg(long)]
    byte_order: bool,
    /// Pass over values and attributes
    #[arg(long)]
    structure_only: bool,
    /// Pass over attributes
    #[arg(long)]
    without_attrs: bool,
    /// Pass over values
    #[arg(long)]
    without_values: bool,
    /// Pass over data types; values are compared as numbers, texts or times
    #[arg(long)]
    without_dtype: bool,
    /// Pass over fill values and the names of dimensions
    #[arg(long)]
    without_fill_value: bool,
    /// End at the first difference
    #[arg(long)]
    first: bool,
    /// How many differences are listed; all are counted
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

pub(crate) fn run(args: &DiffArgs, common: &Common) -> Result<Status> {
    compare(args, common).or_else(|error| {
        // 1 would say that something differs.
        output::notice(&format!("zarr: {}", status::message(&error)));
        Ok(trouble(&error))
    })
}

/// The status of an error, of which none is 1.
fn trouble(error: &anyhow::Error) -> Status {
    match Status::of(error) {
        Status::Other => Status::Usage,
        status => status,
    }
}

fn compare(args: &DiffArgs, common: &Common) -> Result<Status> {
    let (a, b) = (args.a_path.as_deref(), args.b_path.as_deref());
    let is_v3 = |text: &str, path| -> Result<bool> {
        let (source, node) = open_source(text, path, common)?;
        Ok(zarr_format(source.as_ref(), &node)? == Some(ZarrFormat::V3))
    };
    // Files of other formats are shown in the words of the one that they are compared with.
    let format = if is_v3(&args.a, a)? || is_v3(&args.b, b)? {
        ZarrFormat::V3
    } else {
        ZarrFormat::V2
    };
    let (a, a_root) = open_whole(&args.a, a, format, common)?;
    let (b, b_root) = open_whole(&args.b, b, format, common)?;
    let display = Display::new(common);
    let report = diff_watched(
        (a.as_ref(), &a_root),
        (b.as_ref(), &b_root),
        &options(args, common),
        &|report| display.show_compared(report.n_nodes, report.n_elements),
    )?;
    display.clear();
    for lost in &report.not_compared.shown {
        if !common.quiet && !common.json {
            let text = format!("zarr: not compared: {}: {}", lost.what, lost.reason);
            output::notice(&printable(&text));
        }
    }
    if common.json {
        output::json(&document(&report))?;
    } else {
        print(&report)?;
    }
    let n_different = report.differences.n;
    Ok(match report.failures.shown.into_iter().next() {
        Some(failure) => trouble(&failure.error.into()),
        None if n_different > 0 => Status::Other,
        None => Status::Done,
    })
}

fn options(args: &DiffArgs, common: &Common) -> DiffOptions {
    let mut options = DiffOptions {
        rtol: args.rtol,
        atol: args.atol,
        nan_differs: args.nan_differs,
        signed_zeros: args.signed_zeros,
        byte_order: args.byte_order,
        without_attrs: args.without_attrs || args.structure_only,
        without_values: args.without_values || args.structure_only,
        without_data_types: args.without_dtype,
        without_fill_values: args.without_fill_value,
        only_first: args.first,
        limit: args.limit.max(1),
        workers: workers(common),
        ..DiffOptions::default()
    };
    if let Some(memory) = memory(common) {
        // A thread holds a part of either side, and what it decodes them from.
        let share = memory / (options.workers.threads() as u64 * 4);
        options.part_size_max = options.part_size_max.min(share.max(1));
    }
    options
}

fn print(report: &DiffReport) -> Result<()> {
    let mut lines: Vec<_> = report
        .differences
        .shown
        .iter()
        .map(|found| printable(&found.to_string()))
        .collect();
    match report.differences.n_left_out() {
        0 => {}
        n => lines.push(format!("... and {n} more; --limit N lists more of them")),
    }
    if !lines.is_empty() {
        output::line(&lines.join("\n"))?;
    }
    for failure in &report.failures.shown {
        output::notice(&format!("zarr: {}", failure_text(failure)));
    }
    match report.failures.n_left_out() {
        0 => {}
        n => output::notice(&format!("zarr: {n} more could not be read")),
    }
    Ok(())
}

fn failure_text(failure: &Failure) -> String {
    let mut causes: Vec<&dyn std::error::Error> = vec![&failure.error];
    while let Some(cause) = causes.last().and_then(|error| error.source()) {
        causes.push(cause);
    }
    let mut text = failure.path.clone();
    for cause in causes {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    printable(&text)
}

fn document(report: &DiffReport) -> Value {
    let lost = |lost: &Lost| json!({"what": lost.what, "reason": lost.reason});
    let failure = |failure: &Failure| json!({"path": failure.path, "error": failure_text(failure)});
    let mut members = serde_json::Map::new();
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    add("same", report.is_same().into());
    add("n_nodes", report.n_nodes.into());
    add("n_elements", report.n_elements.into());
    add("n_differences", report.differences.n.into());
    add(
        "differences",
        report.differences.shown.iter().map(difference).collect(),
    );
    add(
        "not_compared",
        report.not_compared.shown.iter().map(lost).collect(),
    );
    add("n_failures", report.failures.n.into());
    add("failures", report.failures.shown.iter().map(failure).collect());
    members.into()
}

fn difference(difference: &Difference) -> Value {
    let mut members = serde_json::Map::new();
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    add("path", difference.path.as_str().into());
    add("kind", difference.kind.name().into());
    match &difference.kind {
        DifferenceKind::Only { side, node } => {
            add("side", side_text(*side).into());
            add("node", node.as_str().into());
        }
        DifferenceKind::HiddenAttribute { side, name, reason } => {
            add("name", name.as_str().into());
            add("side", side_text(*side).into());
            add("reason", reason.as_str().into());
        }
        DifferenceKind::Kind(a, b) | DifferenceKind::DataType(a, b) => {
            add("a", a.as_str().into());
            add("b", b.as_str().into());
        }
        DifferenceKind::Shape(a, b) => {
            add("a", a.clone().into());
            add("b", b.clone().into());
        }
        DifferenceKind::FillValue(a, b) | DifferenceKind::DimensionNames(a, b) => {
            add("a", a.clone());
            add("b", b.clone());
        }
        DifferenceKind::Attribute { name, a, b } => {
            add("name", name.as_str().into());
            // An attribute that is absent has no member; one that is null has.
            for (side, value) in [("a", a), ("b", b)] {
                if let Some(value) = value {
                    add(side, value.clone());
                }
            }
        }
        DifferenceKind::Values {
            n_different,
            n_elements,
            index,
            a,
            b,
        } => {
            add("n_different", (*n_different).into());
            add("n_elements", (*n_elements).into());
            add("index", index.clone().into());
            add("a", a.clone());
            add("b", b.clone());
        }
    }
    members.into()
}

const fn side_text(side: Side) -> &'static str {
    match side {
        Side::A => "a",
        Side::B => "b",
    }
}
