//! The engine after this one, for tests of a roll-out: `care` with a further version of the row codec.

#[path = "main.rs"]
mod care;

use std::process::ExitCode;

fn main() -> ExitCode {
    care::main()
}
