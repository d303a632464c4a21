//! Tests the stores far away against servers on loopback: an S3 server, and web servers with ranges and without;
//! and the stores in databases against zarr-python 2.
//!
//! Nothing leaves this machine but what pip asks for the first time. Servers end with the job.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::peers::{make_named, python_in};

/// The environment that has the servers and zarr-python 3.
const ENVIRONMENT: &str = "stores";
/// The environment of zarr-python 2.
const V2: &str = "v2";
/// How long a server is given to listen.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);
/// The bucket of `peer_stores.py`.
const BUCKET: &str = "s3://zarr-toolkit";
/// The arrays of `peer_stores.py`.
const ARRAYS: [&str; 5] = ["small", "deep/floats", "deep/big-endian", "bytes", "nothing"];

/// `stores [--peers DIR]`.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let home = match arguments {
        [] => crate::conformance::peer::default_home()?,
        [flag, home] if flag == "--peers" => std::path::absolute(home)?,
        _ => bail!("usage: cargo xtask stores [--peers DIR]"),
    };
    for name in [V2, ENVIRONMENT] {
        make_named(&home, name)?;
    }
    let work = tempfile::tempdir()?;
    let job = Job {
        python: python_in(&home, ENVIRONMENT),
        python2: python_in(&home, V2),
        script: crate::root()?.join("xtask/peers/peer_stores.py"),
        zarr: crate::root()?
            .join("target/debug")
            .join(format!("zarr{}", std::env::consts::EXE_SUFFIX)),
        work: work.path().to_owned(),
    };
    succeed(crate::cargo().args([
        "build",
        "--package",
        "zarr-cli",
        "--no-default-features",
        "--features",
        "http,s3",
    ]))?;
    job.script(&job.python2, &["make-local"], &[])?;
    job.check_databases()?;
    job.check_web_servers()?;
    job.check_buckets()?;
    println!("stores: all equal");
    Ok(true)
}

struct Job {
    python: PathBuf,
    python2: PathBuf,
    script: PathBuf,
    zarr: PathBuf,
    work: PathBuf,
}

impl Job {
    /// Runs a verb of the script: `verb`, the working directory, the rest.
    fn script(&self, python: &Path, words: &[&str], variables: &[(&str, String)]) -> Result<()> {
        let (verb, rest) = words.split_first().context("a verb")?;
        succeed(
            Command::new(python)
                .arg(&self.script)
                .arg(verb)
                .arg(&self.work)
                .args(rest)
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .envs(variables.iter().map(|(name, value)| (name, value))),
        )
    }

    /// Loads every array of a hierarchy with our command, and compares.
    fn check_loads(&self, hierarchy: &str, variables: &[(&str, String)]) -> Result<()> {
        let file = self.work.join("loaded.npy");
        for name in ARRAYS {
            let location = format!("{hierarchy}/{name}");
            succeed(
                Command::new(&self.zarr)
                    .args(["load", "--quiet", &location, "-o"])
                    .arg(&file)
                    .envs(variables.iter().map(|(name, value)| (name, value))),
            )?;
            let file = file.to_string_lossy();
            self.script(&self.python, &["check-npy", &file, name], &[])
                .with_context(|| format!("comparing {location}"))?;
        }
        println!("{hierarchy}: {} arrays are equal", ARRAYS.len());
        Ok(())
    }

    /// zarr-python 2 writes databases, a test of ours copies them key by key, and zarr-python reads the copies.
    fn check_databases(&self) -> Result<()> {
        self.script(&self.python2, &["make-databases"], &[])?;
        let test = ["--test", "it", "databases::copies_for_python"];
        succeed(
            crate::cargo()
                .args(["test", "--package", "zarr-store", "--features", "sqlite,lmdb"])
                .args(test)
                .env("ZT_DATABASES", &self.work),
        )?;
        self.script(&self.python2, &["check-databases"], &[])
    }

    fn check_web_servers(&self) -> Result<()> {
        // The first takes no notice of ranges.
        for module in ["http.server", "RangeHTTPServer"] {
            let server = Server::start(|port| {
                let mut command = Command::new(&self.python);
                command.args(["-m", module, &port.to_string(), "--bind", "127.0.0.1"]);
                command.current_dir(&self.work);
                command
            })
            .with_context(|| format!("starting {module}"))?;
            self.check_loads(&format!("{}/v2.zarr", server.url()), &[])?;
        }
        Ok(())
    }

    fn check_buckets(&self) -> Result<()> {
        let server = Server::start(|port| {
            let mut command = Command::new(&self.python);
            command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
            command
        })
        .context("starting moto")?;
        let variables = [
            ("AWS_ENDPOINT_URL", server.url()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", "loopback".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "loopback-secret".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ("ZT_S3_URL", format!("{BUCKET}/tests")),
        ];
        self.script(&self.python, &["make-s3"], &variables)?;
        succeed(
            crate::cargo()
                .args([
                    "test",
                    "--package",
                    "zarr-store",
                    "--features",
                    "s3",
                    "--test",
                    "it",
                    "s3::",
                ])
                .envs(variables.iter().map(|(name, value)| (name, value))),
        )?;
        for format in [2, 3] {
            self.check_loads(&format!("{BUCKET}/python{format}.zarr"), &variables)?;
        }
        for format in ["2", "3"] {
            let target = format!("{BUCKET}/ours{format}.zarr");
            succeed(
                Command::new(&self.zarr)
                    .args(["copy-all", "--quiet", "--zarr-format", format])
                    .arg(self.work.join("v2.zarr"))
                    .arg(&target)
                    .envs(variables.iter().map(|(name, value)| (name, value))),
            )?;
            self.check_loads(&target, &variables)?;
            self.script(
                &self.python,
                &["check-s3", &format!("ours{format}.zarr")],
                &variables,
            )?;
        }
        Ok(())
    }
}

/// A server on loopback, which ends when it is dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts a program on a free port and waits until it listens.
    fn start(command: impl Fn(u16) -> Command) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let process = command(port)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Self { process, port };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(server.process.try_wait()?.is_none(), "it ended at once");
            ensure!(Instant::now() < deadline, "it does not listen");
            std::thread::sleep(PAUSE);
        }
        Ok(server)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
