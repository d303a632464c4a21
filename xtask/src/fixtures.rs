//! Remakes the files under `testdata/` that other implementations make.
//!
//! Each is made by a script `make_*.py` that lies beside it; its first line may name the environments of
//! `peers.rs` in which it runs, such as `# peers: v2 v3`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::peers::{ENVIRONMENTS, python_in};

/// What the first line begins with where it names environments.
const MARK: &str = "# peers:";

/// The environment where none is named: it has zarr-python 2, numcodecs and h5py.
const USUAL: &str = "v2";

/// Runs every script, one after the other; `Ok(false)` if one of them failed.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let home = match arguments {
        [] => crate::conformance::peer::default_home()?,
        [flag, home] if flag == "--peers" => std::path::absolute(home)?,
        _ => bail!("usage: cargo xtask fixtures [--peers DIR]"),
    };
    let root = crate::root()?;
    let mut scripts = Vec::new();
    find(&root.join("testdata"), &mut scripts)?;
    scripts.sort();
    let mut all_made = true;
    for script in &scripts {
        let shown = script.strip_prefix(root).unwrap_or(script).display();
        for environment in environments(&std::fs::read_to_string(script)?)? {
            let python = python_in(&home, environment);
            ensure!(
                python.is_file(),
                "{} is not there: cargo xtask peers makes it",
                python.display()
            );
            let status = Command::new(python)
                .arg(script)
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .current_dir(root)
                .status()?;
            all_made &= status.success();
            println!("{shown} in {environment}: {status}");
        }
    }
    Ok(all_made)
}

fn find(directory: &Path, scripts: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("listing {}", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            find(&path, scripts)?;
        } else if name.starts_with("make_") && path.extension().is_some_and(|extension| extension == "py") {
            scripts.push(path);
        }
    }
    Ok(())
}

/// The environments that a script names in its first line.
fn environments(script: &str) -> Result<Vec<&str>> {
    let first = script.lines().next().unwrap_or_default();
    let Some(names) = first.strip_prefix(MARK) else {
        return Ok(vec![USUAL]);
    };
    let names: Vec<&str> = names.split_whitespace().collect();
    let is_known = |name: &&str| ENVIRONMENTS.iter().any(|environment| environment.name == *name);
    match names.iter().find(|name| !is_known(name)) {
        Some(name) => bail!("no environment is called {name}"),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_environments() {
        assert_eq!(
            environments("# peers: v2 v3\nimport zarr\n").unwrap(),
            ["v2", "v3"]
        );
        assert_eq!(environments("import zarr\n# peers: v3\n").unwrap(), ["v2"]);
        assert!(environments("# peers: v9\n").is_err());
    }

    #[test]
    fn scripts_are_found_at_any_depth() {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("below");
        std::fs::create_dir(&below).unwrap();
        for name in ["make_a.py", "b.py", "below/make_c.py", "below/make_d.txt"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        let mut scripts = Vec::new();
        find(directory.path(), &mut scripts).unwrap();
        scripts.sort();
        assert_eq!(
            scripts,
            [below.join("make_c.py"), directory.path().join("make_a.py")]
        );
    }
}
