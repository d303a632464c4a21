//! Where the environments of others are, and where the page goes.

use std::{fs, path::PathBuf, slice::Iter};

use anyhow::{Context, Result, bail};

use super::peer;

/// What a suite that makes a page is told.
pub(super) struct Page {
    /// The directory that `cargo xtask peers` has filled.
    pub(super) home: PathBuf,
    out: Option<PathBuf>,
}

impl Page {
    /// Takes `--peers DIR` and `--out FILE.md`.
    pub(super) fn parse(arguments: &[String], usage: &'static str) -> Result<Self> {
        Self::parse_with(arguments, usage, |_, _| Ok(false))
    }

    /// The same beside other flags, of which `take` takes one and its values, and says whether it knows it.
    pub(super) fn parse_with(
        arguments: &[String],
        usage: &'static str,
        mut take: impl FnMut(&str, &mut Iter<'_, String>) -> Result<bool>,
    ) -> Result<Self> {
        let (mut home, mut out) = (peer::default_home()?, None);
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            match flag.as_str() {
                "--peers" => home = rest.next().context(usage)?.into(),
                "--out" => out = Some(rest.next().context(usage)?.into()),
                flag if take(flag, &mut rest)? => {}
                _ => bail!(usage),
            }
        }
        let home = std::path::absolute(home)?;
        Ok(Self { home, out })
    }

    /// Writes the page to its file, or prints it.
    pub(super) fn write(&self, text: &str) -> Result<()> {
        if let Some(file) = &self.out {
            return fs::write(file, text).with_context(|| format!("writing {}", file.display()));
        }
        print!("{text}");
        Ok(())
    }
}
