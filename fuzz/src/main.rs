//! The program that libFuzzer drives; `ZARR_FUZZ_TARGET` names the target.

#![no_main]

use std::{env, sync::LazyLock};

use zarr_fuzz::{Target, target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = env::var("ZARR_FUZZ_TARGET").expect("ZARR_FUZZ_TARGET names the target");
    target(&name).unwrap_or_else(|| panic!("there is no target {name}"))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
