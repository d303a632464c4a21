//! What the comparison came to, as a Markdown page.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::Value;

use super::case::Case;

/// How many failures of a codec are shown.
const SHOWN_MAX: usize = 3;

/// Longest message that is shown whole, in characters.
const MESSAGE_LENGTH: usize = 240;

/// What the cases of one codec came to on one side.
#[derive(Default)]
pub(super) struct Row {
    /// Cases that the other side made and reads itself.
    pub(super) made: usize,
    /// We read the same values.
    pub(super) read: usize,
    /// It reads the same values of what we wrote.
    pub(super) written: usize,
    /// Our bytes are its bytes.
    pub(super) same_bytes: usize,
    /// We refused a codec of the other side alone, by its name.
    pub(super) declined: usize,
    /// Damaged chunks that gave an error or a chunk of the right size.
    pub(super) damaged: usize,
    failures: Vec<String>,
    /// Differences that are the other side's declared faults: reason and number.
    declared: BTreeMap<&'static str, u64>,
    /// The other side's own refusals: message and number.
    refused: BTreeMap<String, u64>,
}

impl Row {
    /// Takes a difference, which may be a declared fault of the other side.
    pub(super) fn fail(&mut self, case: &Case, why: &str) {
        if let Some(reason) = case.declared() {
            *self.declared.entry(reason).or_default() += 1;
            return;
        }
        self.failures
            .push(format!("{}: {why}: {}", case.name(), case.describe()));
    }
}

struct Side {
    name: &'static str,
    version: String,
    rows: BTreeMap<String, Row>,
}

/// A whole comparison.
#[derive(Default)]
pub(super) struct Report {
    sides: Vec<Side>,
}

impl Report {
    pub(super) fn add_side(&mut self, name: &'static str, version: String) {
        let rows = BTreeMap::new();
        self.sides.push(Side { name, version, rows });
    }

    /// The row of a codec on the side that was added last.
    pub(super) fn row(&mut self, codec: &str) -> &mut Row {
        let side = self.sides.last_mut().expect("rows belong to a side");
        side.rows.entry(codec.to_owned()).or_default()
    }

    /// Takes what the other side refused of a codec.
    pub(super) fn refused(&mut self, line: &Value) {
        let row = self.row(line["codec"].as_str().unwrap_or_default());
        let messages = line["refused"].as_object().into_iter().flatten();
        for (message, count) in messages {
            row.refused.insert(message.clone(), count.as_u64().unwrap_or(0));
        }
    }

    /// Whether something was compared and nothing differed.
    pub(super) fn is_clean(&self) -> bool {
        let mut rows = self.sides.iter().flat_map(|side| side.rows.values());
        let compared: usize = rows.clone().map(|row| row.made).sum();
        compared > 0 && rows.all(|row| row.failures.is_empty())
    }

    pub(super) fn totals(&self) -> String {
        let rows = || self.sides.iter().flat_map(|side| side.rows.values());
        let sum = |count: fn(&Row) -> usize| rows().map(count).sum::<usize>();
        format!(
            "{} cases: {} read, {} written, {} with the same bytes, {} refused by name; {} damaged chunks; {} failures",
            sum(|row| row.made),
            sum(|row| row.read),
            sum(|row| row.written),
            sum(|row| row.same_bytes),
            sum(|row| row.declined),
            sum(|row| row.damaged),
            sum(|row| row.failures.len()),
        )
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = String::from(INTRODUCTION);
        for side in &self.sides {
            side.write(&mut text)
                .expect("a text takes all that is written to it");
        }
        let _ = writeln!(text, "\n{}.", self.totals());
        text
    }
}

const INTRODUCTION: &str = "# Codecs, compared with other libraries

`cargo xtask conformance codecs --out docs/conformance-codecs.md` makes this page.
Configurations and inputs (empty, single, odd and large; every data type that a codec takes) are generated from a seed.
A case counts once the other library itself has written it and read it back.
*Read* counts where we read the same values bit by bit, *written* where it reads the same values of what we wrote, and *same bytes* where our encoded chunk is its encoded chunk.
*Damaged* counts small chunks of the other library that were cut or had a bit changed, and gave an error or a chunk of the right size.
The row `chains` has up to four filters in any order before a compressor, and of documents of format 3 codecs of arrays and of bytes in any order.
The sides with documents of format 3 take any `zarr.json`: every data type that the library knows (numbers narrower than a byte, small floats and their complex forms, times, texts, `struct`) and every codec, in arrays of a single chunk, a shard or a shard of shards.
";

impl Side {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n## {}\n\n{}.\n", self.name, self.version)?;
        writeln!(text, "| codec | cases | read | written | same bytes | damaged |")?;
        writeln!(text, "|---|---:|---:|---:|---:|---:|")?;
        for (codec, row) in &self.rows {
            let Row {
                made,
                read,
                written,
                same_bytes,
                damaged,
                ..
            } = row;
            writeln!(
                text,
                "| `{codec}` | {made} | {read} | {written} | {same_bytes} | {damaged} |"
            )?;
        }
        let failures = self
            .rows
            .values()
            .flat_map(|row| row.failures.iter().take(SHOWN_MAX));
        for failure in failures {
            writeln!(text, "\n* failed: {}", cut(failure))?;
        }
        for (codec, row) in self.rows.iter().filter(|(_, row)| row.declined > 0) {
            writeln!(
                text,
                "\n`{codec}`: {} cases refused by us, by its name.",
                row.declined
            )?;
        }
        for (codec, row) in &self.rows {
            for (reason, count) in &row.declared {
                writeln!(
                    text,
                    "\n`{codec}`: {count} differences are a fault of the other library: {reason}."
                )?;
            }
        }
        writeln!(text, "\nRefused by the other library itself:\n")?;
        for (codec, row) in &self.rows {
            for (message, count) in &row.refused {
                writeln!(text, "* `{codec}`: {count} times: {}", cut(message))?;
            }
        }
        Ok(())
    }
}

fn cut(message: &str) -> String {
    let line = message.replace('\n', " ");
    if line.chars().count() <= MESSAGE_LENGTH {
        return line;
    }
    line.chars().take(MESSAGE_LENGTH).chain("...".chars()).collect()
}
