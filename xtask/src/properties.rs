//! The property tests of arrays and of dry runs, over many more cases than `cargo test` takes.

use anyhow::{Context, Result, bail};

/// `properties [CASES] [SEED]`.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let number = |index: usize, default: u64| {
        let Some(text) = arguments.get(index) else {
            return Ok(default);
        };
        text.parse().with_context(|| format!("{text} is no number"))
    };
    let (cases, seed) = (number(0, 10_000)?, number(1, 0)?);
    if arguments.len() > 2 {
        bail!("usage: cargo xtask properties [CASES] [SEED]");
    }
    let started = std::time::Instant::now();
    let mut succeeded = true;
    for (package, tests) in [("zarr-core", "properties::"), ("zarr-convenience", "dry_run::")] {
        let status = crate::cargo()
            .args(["test", "--package", package, "--test", "it", "--"])
            .args([tests, "--nocapture"])
            .env("ZARR_PROPERTY_CASES", cases.to_string())
            .env("ZARR_PROPERTY_SEED", seed.to_string())
            .status()?;
        succeeded &= status.success();
    }
    println!(
        "properties: {cases} cases from seed {seed} in {:.0?}",
        started.elapsed()
    );
    Ok(succeeded)
}
