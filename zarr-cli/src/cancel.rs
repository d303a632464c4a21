//! Stopping on a signal, so that what is half done can be continued.

use std::sync::{Arc, atomic::AtomicBool};

use anyhow::{Context, Result};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use zarr_convenience::Cancel;

/// A cancel that the user's first interrupt sets; the second one ends the process at once.
pub(crate) fn on_signals() -> Result<Cancel> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Registered first, so that the first signal finds the flag unset.
        flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .context("listening to signals")?;
    }
    Ok(Cancel::from(stop))
}

/// The exit status of a command that was interrupted.
const INTERRUPTED: i32 = 130;
