//! The tests that kill the command, with many more kills than `cargo test` takes.

use std::process::Stdio;

use anyhow::{Context, Result, bail};

/// `kills [KILLS] [SEED]`.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let number = |index: usize, default: u64| {
        let Some(text) = arguments.get(index) else {
            return Ok(default);
        };
        text.parse().with_context(|| format!("{text} is no number"))
    };
    let (kills, seed) = (number(0, 200)?, number(1, 1)?);
    if arguments.len() > 2 {
        bail!("usage: cargo xtask kills [KILLS] [SEED]");
    }
    // One operation at a time, so that the moments of the kills spread over all of it.
    let output = crate::cargo()
        .args(["test", "--package", "zarr-cli", "--test", "it", "--"])
        .args(["kill::", "--nocapture", "--test-threads", "1"])
        .env("ZARR_KILLS", kills.to_string())
        .env("ZARR_SEED", seed.to_string())
        .stderr(Stdio::piped())
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        print!("{}{told}", String::from_utf8_lossy(&output.stdout));
    }
    println!("| operation | kills | within | old | nothing | new | in between | continued |");
    println!("|---|---|---|---|---|---|---|---|");
    for row in told.lines().filter_map(|line| line.strip_prefix("kills: ")) {
        println!("{row}");
    }
    Ok(output.status.success())
}
