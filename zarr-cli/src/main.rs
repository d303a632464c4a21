//! The `zarr` command.
//!
//! Words become a plan, a plan becomes text; everything between is in the libraries.

mod args;
mod cancel;
mod commands;
mod creation;
mod locations;
mod new_file;
mod npy;
mod numpy_text;
mod output;
mod progress;
mod room;
mod status;
mod untrusted;

use clap::Parser;

use crate::{args::Cli, status::Status};

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Status::Usage
            } else {
                Status::Done
            }
            .into();
        }
    };
    match untrusted::run(&cli) {
        Ok(code) => code,
        Err(error) => {
            output::notice(&format!("zarr: {}", status::message(&error)));
            Status::of(&error).into()
        }
    }
}
