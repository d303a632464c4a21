//! Where the environments of others are, and where the page goes.

use std::{fs, path::PathBuf};

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
        let (mut home, mut out) = (peer::default_home()?, None);
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            let value = rest.next().context(usage)?;
            match flag.as_str() {
                "--peers" => home = value.into(),
                "--out" => out = Some(PathBuf::from(value)),
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
