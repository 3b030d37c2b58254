//! Starts the command line and maps its result to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(heshan::cli::run(std::env::args_os()))
}
