//! Makes the environments in which the other implementations run.
//!
//! Packages are asked for by name only; where pip and cargo find them is their own configuration.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// A virtual environment of Python: its directory and what it holds.
pub(crate) struct Environment {
    /// Directory under the peers' home.
    pub(crate) name: &'static str,
    /// What pip is asked for.
    packages: &'static [&'static str],
    /// Modules whose import shows that the environment is complete.
    modules: &'static str,
}

/// The Python environments.
pub(crate) const ENVIRONMENTS: &[Environment] = &[
    Environment {
        name: "v2",
        packages: &[
            "zarr==2.18.7",
            "numcodecs<0.16",
            "crc32c",
            "h5py",
            "lmdb",
            "msgpack",
            "numpy",
            "pcodec<0.4",
            // Numcodecs does not understand the version of later ones.
            "zfpy==1.0.1",
        ],
        modules: "zarr, numcodecs, crc32c, h5py, lmdb, numpy, numcodecs.msgpacks, numcodecs.pcodec, zfpy",
    },
    Environment {
        name: "v3",
        packages: &[
            "zarr>=3,<4",
            "crc32c",
            "msgpack",
            "numpy",
            "pcodec",
            "zfpy==1.0.1",
        ],
        modules: "zarr, numcodecs, crc32c, numpy, numcodecs.msgpacks, numcodecs.pcodec, zfpy",
    },
    Environment {
        name: "ts",
        packages: &["tensorstore", "numpy"],
        modules: "tensorstore, numpy",
    },
    Environment {
        // What bindgen reads the header of zfp with, for zarrs.
        name: "clang",
        packages: &["libclang"],
        modules: "clang.cindex",
    },
    Environment {
        name: "hdf5",
        packages: &[
            "h5py",
            "hdf5plugin",
            "netCDF4",
            "tables",
            "pandas",
            "anndata",
            "xarray",
            "h5netcdf",
            "hdf5storage",
            "kerchunk",
            "numpy",
        ],
        modules: "h5py, hdf5plugin, netCDF4, tables, pandas, anndata, xarray, h5netcdf, hdf5storage, kerchunk, numpy",
    },
    Environment {
        name: "v3x",
        packages: &[
            "zarr>=3,<4",
            "xarray",
            "anndata",
            "ome-zarr",
            "ngff-zarr",
            "tensorstore",
            "h5netcdf",
            "h5py",
            "numpy",
        ],
        modules: "zarr, xarray, anndata, ome_zarr, ngff_zarr, tensorstore, h5netcdf, h5py, numpy",
    },
    Environment {
        name: "stores",
        packages: &["moto[server]", "zarr>=3,<4", "s3fs", "rangehttpserver", "numpy"],
        modules: "moto.server, zarr, s3fs, boto3, RangeHTTPServer, numpy",
    },
];

/// The oldest Python the newest releases run on.
const OLDEST_PYTHON: (u32, u32) = (3, 12);

/// Makes every environment in the given directory; what is complete stays as it is.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let [home] = arguments else {
        bail!("usage: cargo xtask peers DIR")
    };
    let home = Path::new(home);
    std::fs::create_dir_all(home).with_context(|| format!("creating {}", home.display()))?;
    let home = home.canonicalize()?;
    for environment in ENVIRONMENTS {
        make(&home, environment).with_context(|| format!("making environment {}", environment.name))?;
    }
    build_zarrs(&home).context("building the zarrs peer")?;
    for peer in crate::conformance::peer::find(&home) {
        println!("{}: {}", peer.name, peer.version()?);
    }
    Ok(true)
}

/// The interpreter of an environment.
pub(crate) fn python_in(home: &Path, name: &str) -> PathBuf {
    let inner = if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    };
    home.join(name).join(inner)
}

/// The peer program built on the zarrs crate.
pub(crate) fn zarrs_in(home: &Path) -> PathBuf {
    home.join("target/release")
        .join(format!("zarrs-peer{}", std::env::consts::EXE_SUFFIX))
}

/// Makes one environment by its name, if it is not complete.
pub(crate) fn make_named(home: &Path, name: &str) -> Result<()> {
    std::fs::create_dir_all(home).with_context(|| format!("creating {}", home.display()))?;
    let environment = ENVIRONMENTS.iter().find(|environment| environment.name == name);
    let environment = environment.with_context(|| format!("no environment is called {name}"))?;
    make(home, environment).with_context(|| format!("making environment {name}"))
}

fn make(home: &Path, environment: &Environment) -> Result<()> {
    let python = python_in(home, environment.name);
    if is_complete(&python, environment) {
        println!("{}: complete", environment.name);
        return Ok(());
    }
    println!("{}: {}", environment.name, environment.packages.join(" "));
    let directory = home.join(environment.name);
    if directory.exists() {
        std::fs::remove_dir_all(&directory)?;
    }
    succeed(Command::new(find_python()?).args(["-m", "venv"]).arg(&directory))?;
    succeed(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(environment.packages),
    )
}

fn is_complete(python: &Path, environment: &Environment) -> bool {
    let import = format!("import {}", environment.modules);
    Command::new(python)
        .args(["-c", &import])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Builds the peer program on the zarrs crate.
pub(crate) fn build_zarrs(home: &Path) -> Result<()> {
    let project = crate::root()?.join("xtask/peers/zarrs-peer");
    println!("zarrs-peer: cargo build");
    let mut command = crate::cargo();
    command
        .args(["build", "--release", "--locked", "--quiet"])
        .current_dir(project)
        .env("CARGO_TARGET_DIR", home.join("target"));
    // Where the machine has a libclang of its own, the variables say so.
    if std::env::var_os("LIBCLANG_PATH").is_none() {
        let library = "import clang, os; print(os.path.join(os.path.dirname(clang.__file__), 'native'))";
        command.env(
            "LIBCLANG_PATH",
            printed(Command::new(python_in(home, "clang")).args(["-c", library]))?,
        );
        // The package has the library without its headers; those of the compiler will do.
        if let Ok(headers) = printed(Command::new("cc").arg("-print-file-name=include")) {
            command.env("BINDGEN_EXTRA_CLANG_ARGS", format!("-I{headers}"));
        }
    }
    succeed(&mut command)
}

/// What a command prints, without the end of the line.
fn printed(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "{} ended with {}",
        command.get_program().display(),
        output.status
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    ensure!(
        status.success(),
        "{} ended with {status}",
        command.get_program().display()
    );
    Ok(())
}

/// `PYTHON` of the environment, else the newest Python that is found.
fn find_python() -> Result<PathBuf> {
    if let Some(python) = std::env::var_os("PYTHON") {
        return Ok(python.into());
    }
    let found = candidates()
        .into_iter()
        .filter_map(|path| Some((version(&path)?, path)));
    let (newest, path) = found
        .max_by_key(|(version, _)| *version)
        .context("no Python was found")?;
    ensure!(
        newest >= OLDEST_PYTHON,
        "{} is Python {}.{}; the newest zarr needs {}.{}: set PYTHON",
        path.display(),
        newest.0,
        newest.1,
        OLDEST_PYTHON.0,
        OLDEST_PYTHON.1
    );
    Ok(path)
}

/// Interpreters on the path and those that pyenv holds.
fn candidates() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("python3")];
    found.extend((12..=14).map(|minor| PathBuf::from(format!("python3.{minor}"))));
    let home = std::env::var_os("HOME").unwrap_or_else(|| OsString::from("."));
    let versions = std::fs::read_dir(Path::new(&home).join(".pyenv/versions"));
    let versions = versions.into_iter().flatten().flatten();
    found.extend(
        versions
            .map(|entry| entry.path().join("bin/python3"))
            .filter(|path| path.is_file()),
    );
    found
}

/// The version an interpreter reports, if it runs and can make environments.
fn version(python: &Path) -> Option<(u32, u32)> {
    let program = "import sys, venv, ensurepip; print(*sys.version_info[:2])";
    let output = Command::new(python).args(["-c", program]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
