//! The `care` binary.
fn main() {}
