//! Starts the CLI and maps its result to an exit code.

fn main() {}
